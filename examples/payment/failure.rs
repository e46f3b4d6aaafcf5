//! What ends a command: what is said of it, and with which exit status. Where the command `cie` has a status for it, it
//! is the same.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, Write as _, stderr, stdout};
use std::process::ExitCode;

use cie::{Language, trust};

use crate::confirm::ConfirmError;
use crate::ledger::Refusal;
use crate::order::TimeError;
use crate::present::PresentError;
use crate::signed::VerifyError;
use crate::text::shown;

/// Exit status, the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Done = 0,
    /// Checked and bad; also what was settled before.
    Bad = 1,
    /// Wrong words, files or digits.
    Usage = 2,
    /// No service, reader or card.
    NoCard = 3,
    /// The card refused.
    Refused = 4,
    /// A try was spent.
    WrongPin = 5,
    Blocked = 6,
    /// Nothing could be checked: it may be otherwise later.
    Unchecked = 7,
    /// Done, but nobody could be told.
    Unshown = 8,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// What was done cannot be undone because nobody sees it.
#[derive(Debug, thiserror::Error)]
#[error("settled, but that could not be shown: {0}")]
pub(crate) struct Unshown(#[from] io::Error);

/// Says something that can be asked for again.
pub(crate) fn say(text: &str) -> Result<(), Box<dyn Error>> {
    match write(text) {
        // Whoever reads us has seen enough, as in `payment ledger FILE | head -1`.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Says what became of money.
pub(crate) fn say_done(text: &str) -> Result<(), Unshown> {
    Ok(write(text)?)
}

fn write(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says why the command ends early. Names of files and words of certificates may be in it.
pub(crate) fn tell(error: &(dyn Error + 'static)) -> Status {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return Status::Done;
    }
    let mut said = format!("payment: {}\n", shown(&error.to_string()));
    if let Some(error) = of_library(error) {
        for language in [Language::Italian, Language::English] {
            said += &format!("{}\n", error.advice(language));
        }
    }
    // Nobody may be there to read it.
    drop(stderr().lock().write_all(said.as_bytes()));
    status_of(error)
}

/// The library's own error in it, which has advice for the person.
fn of_library<'a>(error: &'a (dyn Error + 'static)) -> Option<Cow<'a, cie::Error>> {
    let trust = |error: &trust::Error| Cow::Owned(cie::Error::from(error.clone()));
    let (confirm, present) = (error.downcast_ref(), error.downcast_ref());
    match (confirm, present, error.downcast_ref()) {
        (Some(ConfirmError::Card(error)), ..) => Some(Cow::Borrowed(error)),
        (Some(ConfirmError::Verify(VerifyError::Trust(error)) | ConfirmError::Certificate(error)), ..)
        | (_, Some(PresentError::Status(error) | PresentError::Verify(VerifyError::Trust(error))), _)
        | (.., Some(VerifyError::Trust(error))) => Some(trust(error)),
        _ => error.downcast_ref().map(Cow::Borrowed),
    }
}

fn status_of(error: &(dyn Error + 'static)) -> Status {
    let unshown = error.downcast_ref().map(|_: &Unshown| Status::Unshown);
    let confirm = || error.downcast_ref().map(of_confirmation);
    let verify = || error.downcast_ref().map(of_verification);
    let present = || error.downcast_ref().map(of_presentation);
    let card = || error.downcast_ref().map(of_card);
    unshown.or_else(confirm).or_else(verify).or_else(present).or_else(card).unwrap_or(Status::Usage)
}

fn of_confirmation(error: &ConfirmError) -> Status {
    match error {
        ConfirmError::Card(error) => of_card(error),
        ConfirmError::Order(_)
        | ConfirmError::NoPin(_)
        | ConfirmError::Outbox(_)
        | ConfirmError::Terminal(_) => Status::Usage,
        ConfirmError::Time(error) => of_time(*error),
        ConfirmError::Certificate(error) => of_trust(error),
        ConfirmError::Holder(_) | ConfirmError::OtherPayer => Status::Bad,
        ConfirmError::Verify(error) => of_verification(error),
        ConfirmError::Unshown(_) => Status::Unshown,
    }
}

fn of_verification(error: &VerifyError) -> Status {
    if error.is_unchecked() { Status::Unchecked } else { Status::Bad }
}

fn of_presentation(error: &PresentError) -> Status {
    match error {
        PresentError::Verify(error) => of_verification(error),
        PresentError::Status(error) => of_trust(error),
        PresentError::Refused(Refusal::Ledger(_)) | PresentError::Outbox(_) => Status::Usage,
        PresentError::Refused(Refusal::Time(error)) => of_time(*error),
        PresentError::Refused(Refusal::Stale) => Status::Unchecked,
        PresentError::Refused(_) => Status::Bad,
    }
}

fn of_time(error: TimeError) -> Status {
    match error {
        TimeError::Expired => Status::Bad,
        TimeError::Future => Status::Unchecked,
    }
}

fn of_trust(error: &trust::Error) -> Status {
    if error.is_unchecked() { Status::Unchecked } else { Status::Bad }
}

/// By the library's stable names, as `cie` does it (docs/cli.md).
fn of_card(error: &cie::Error) -> Status {
    match error.code() {
        "pin-wrong" => Status::WrongPin,
        "pin-blocked" => Status::Blocked,
        "pin-malformed" | "pin-last-try" | "soft-card" | "internal" => Status::Usage,
        "no-service" | "access-denied" | "no-reader" | "no-card" | "card-in-use" | "card-removed"
        | "card-mute" | "card-unpowered" | "reader-failed" | "reader-stuck" | "timed-out" | "cancelled"
        | "pin-uncertain" => Status::NoCard,
        "card-refused" | "card-unsupported" | "not-activated" | "not-a-cie" | "card-reset"
        | "channel-lost" | "pin-needed" | "pin-state-lost" | "foreign-authority" => Status::Refused,
        "issuer-unknown" | "status-unavailable" => Status::Unchecked,
        _ => Status::Bad,
    }
}
