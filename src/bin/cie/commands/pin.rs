//! `pin …`: the PIN and its tries. One question, one command that carries a PIN or PUK, and the end: nothing
//! is ever asked or sent a second time.

use std::path::Path;

use cie::card::{Session, Unblock, Unlocked};
use cie::pin::{LastTry, Tries, check_new_pin};
use serde_json::json;

use super::left;
use crate::arguments::{Common, Pin, PinEntry, PukEntry};
use crate::failure::Failure;
use crate::language::{self, Text};
use crate::output::Output;
use crate::progress::Progress;
use crate::reader;
use crate::secret_input::SecretInput;

pub(super) fn run(command: &Pin, common: &Common, output: Output) -> Result<(), Failure> {
    match command {
        Pin::Status => status(common, output),
        Pin::Verify { pin } => verify(pin, common, output),
        Pin::Change { pin, new } => change(pin, new.new_pin_file.as_deref(), common, output),
        Pin::Unblock { puk, new, keep_pin } => {
            unblock(puk, new.new_pin_file.as_deref(), *keep_pin, common, output)
        }
    }
}

/// The card, its PIN shown: for every command that signs with it.
pub(super) fn unlock(entry: &PinEntry, common: &Common, output: Output) -> Result<Unlocked, Failure> {
    let mut session = reader::session(reader::card(common, output)?, output)?;
    let progress = Progress::start(output, language::READING_CERTIFICATE);
    // A card that has none is found out before it is shown a PIN, if it lets anybody look.
    session.public_certificate()?;
    drop(progress);
    show(session, entry, output)
}

/// Asks for the PIN and shows it to the card, once. For every command that needs the PIN.
pub(super) fn show(mut session: Session, entry: &PinEntry, output: Output) -> Result<Unlocked, Failure> {
    // Nobody types a PIN that could not be shown.
    session.keep_exclusive()?;
    let last_try = last_try(entry.last_try);
    let tries = session.check_pin_tries(last_try)?;
    let mut secrets = SecretInput::new(output.language);
    let pin = secrets.pin(&session, entry.pin_file.as_deref(), language::ASK_PIN, tries)?;
    let _progress = Progress::start(output, language::CHECKING_PIN);
    Ok(session.verify_pin(&pin, last_try)?)
}

fn status(common: &Common, output: Output) -> Result<(), Failure> {
    // In clear: no key is exchanged, and nothing that the card could count.
    let tries = reader::card(common, output)?.pin_tries()?;
    let object =
        json!({ "pin": { "tries_left": left(tries), "blocked": left(tries).map(|left| left == 0) } });
    let text = match tries {
        Tries::Left(0) => format!("{}\n", language::PIN_IS_BLOCKED.of(output.language)),
        _ => format!("{}\n", tries_text(tries, output)),
    };
    output.result(&object, &text)
}

fn verify(entry: &PinEntry, common: &Common, output: Output) -> Result<(), Failure> {
    let unlocked = show(reader::session(reader::card(common, output)?, output)?, entry, output)?;
    done(language::PIN_RIGHT, "verified", unlocked.pin_tries(), output)
}

fn change(entry: &PinEntry, new: Option<&Path>, common: &Common, output: Output) -> Result<(), Failure> {
    let mut session = reader::session(reader::card(common, output)?, output)?;
    session.keep_exclusive()?;
    let last_try = last_try(entry.last_try);
    let tries = session.check_pin_tries(last_try)?;
    let mut secrets = SecretInput::new(output.language);
    let old = secrets.pin(&session, entry.pin_file.as_deref(), language::ASK_OLD_PIN, tries)?;
    let new = secrets.new_pin(&session, new)?;
    check_new_pin(&new, Some(&old))?;
    let mut unlocked = {
        let _progress = Progress::start(output, language::CHECKING_PIN);
        session.verify_pin(&old, last_try)?
    };
    let progress = Progress::start(output, language::CHANGING_PIN);
    unlocked.change_pin(&old, &new)?;
    drop(progress);
    done(language::PIN_CHANGED, "changed", unlocked.pin_tries(), output)
}

fn unblock(
    entry: &PukEntry,
    new: Option<&Path>,
    keep_pin: bool,
    common: &Common,
    output: Output,
) -> Result<(), Failure> {
    let mut card = reader::card(common, output)?;
    let last_try = last_try(entry.last_try);
    // Asked in clear: a card that refuses the question in clear would end the channel by that.
    let tries = card.check_puk_tries(last_try)?;
    let mut session = reader::session(card, output)?;
    session.keep_exclusive()?;
    let mut secrets = SecretInput::new(output.language);
    let puk = secrets.puk(&session, entry.puk_file.as_deref(), tries)?;
    let new = if keep_pin { None } else { Some(secrets.new_pin(&session, new)?) };
    if let Some(new) = &new {
        check_new_pin(new, None)?;
    }
    let progress = Progress::start(output, language::CHECKING_PUK);
    let unblock = new.as_ref().map_or(Unblock::KeepPin, Unblock::NewPin);
    let session = session.unblock_pin(&puk, unblock, last_try)?;
    drop(progress);
    let said = if keep_pin { language::PIN_UNBLOCKED } else { language::PIN_UNBLOCKED_NEW };
    done(said, "unblocked", session.pin_tries(), output)
}

/// Says what was done, and how many tries there are now.
fn done(said: Text, what: &str, tries: Tries, output: Output) -> Result<(), Failure> {
    let object = json!({ "pin": { what: true, "tries_left": left(tries) } });
    output.result(&object, &format!("{}\n{}\n", said.of(output.language), tries_text(tries, output)))
}

fn last_try(spend: bool) -> LastTry {
    if spend { LastTry::Spend } else { LastTry::Refuse }
}

fn tries_text(tries: Tries, output: Output) -> String {
    match left(tries) {
        Some(left) => language::PIN_TRIES.with(output.language, &[&left]),
        None => language::PIN_TRIES_UNKNOWN.of(output.language).to_owned(),
    }
}
