//! PIN and PUK (CNS functional specification: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER).
//!
//! One command that carries a secret per call. The one exception: a card that knows no object of that name
//! (6A88 and nothing else) has compared nothing, and is told once more under the other name that it may have for
//! it. Not so once it has answered to one of the two.

use zeroize::Zeroizing;

use super::{Credential, Error, Layout, Refused, Session, Step, Unlocked};
use crate::dialogue::{About, Step as _};
use crate::iso7816::{Command, StatusWord, command};
use crate::pin::{self, Attempt, KnownTries, LastTry, Tries, Which};
use crate::secret::{ContactPin, ContactPuk};

/// How many tries a PIN has after a right one.
const PIN_TRIES_MOST: Tries = Tries::Left(3);
/// How many a PUK has is the issuer's choice.
const PUK_TRIES_MOST: Tries = Tries::Unknown;

/// What becomes of the PIN when it is unblocked: RESET RETRY COUNTER with P1 = 00 and a new one, or with
/// P1 = 01 and none.
pub type Unblock<'a> = pin::Unblock<'a, ContactPin>;

/// What is known of one PIN and its PUK.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) tries: KnownTries,
    /// The reference that the card was found to know the PIN by.
    reference: Option<u8>,
}

impl Session {
    /// Shows the PIN of the authentication key: one VERIFY, never repeated; only if the card says that it has no such
    /// object (6A88) a second one by the other reference, unless it answered to one of them before. With one try or
    /// none known to be left nothing is sent. From here on no other program gets at the card.
    ///
    /// # Errors
    /// [`Refused`] with the error and this session; [`Error::pin_error`](crate::dialogue::Error::pin_error) tells
    /// wrong from blocked. At [`Step::KeepExclusive`] another program is connected to the card, and nothing was
    /// sent.
    pub fn verify_pin(self, pin: &ContactPin) -> Result<Unlocked, Refused<Self>> {
        self.verify_pin_of(Credential::Authentication, pin, LastTry::Refuse)
    }

    /// The same for the PIN of any key, and the last try is spent if the caller says so.
    ///
    /// # Errors
    /// As [`Session::verify_pin`]; [`Cause::NoCertificate`](super::Cause::NoCertificate) before anything is sent if
    /// there is no signature key.
    pub fn verify_pin_of(
        mut self,
        credential: Credential,
        pin: &ContactPin,
        last_try: LastTry,
    ) -> Result<Unlocked, Refused<Self>> {
        let step = Step::VerifyPin;
        if let Err(error) = self.pin_tries(credential).check(last_try) {
            return Err(Refused::new(self, step.failed(error)));
        }
        // Some cards forget the PIN of a directory when something outside is selected, and so may an application
        // that is selected again: what is needed from there is read before.
        let outcome = match (credential, self.layout) {
            (Credential::Signature, _) => self.certificate(credential).map(drop),
            (_, Layout::Application) => self
                .certificate(credential)
                .map(drop)
                .or_else(|error| if error.is_transport() { Err(error) } else { Ok(()) }),
            _ => Ok(()),
        };
        if let Err(error) = outcome {
            return Err(Refused::new(self, error));
        }
        match self.show(credential, (step, last_try), |reference| command::verify(reference, pin.expose())) {
            Ok(()) => Ok(Unlocked::new(self, credential)),
            Err(error) => {
                self.forget_unless_lost(&error);
                Err(Refused::new(self, error))
            }
        }
    }

    /// Changes a PIN: one command that carries the old and the new one, never repeated. A wrong old one costs a
    /// try. The card is reset afterwards.
    ///
    /// # Errors
    /// [`Error::pin_error`](crate::dialogue::Error::pin_error) if the old PIN was not accepted. After an error of
    /// the channel it is not known which PIN the card has.
    pub fn change_pin(
        &mut self,
        credential: Credential,
        old: &ContactPin,
        new: &ContactPin,
        last_try: LastTry,
    ) -> Result<(), Error> {
        self.pin_tries(credential).check(last_try).map_err(|e| Step::ChangePin.failed(e))?;
        let outcome = self.change(credential, old, new, last_try);
        self.settle(outcome)
    }

    /// The same on a card that keeps its state.
    pub(super) fn change(
        &mut self,
        credential: Credential,
        old: &ContactPin,
        new: &ContactPin,
        last_try: LastTry,
    ) -> Result<(), Error> {
        let data = Zeroizing::new([old.expose().as_slice(), new.expose()].concat());
        let change = |reference| command::change_reference_data(reference, &data);
        self.show(credential, (Step::ChangePin, last_try), change)
    }

    /// Unblocks a PIN: one command that carries the PUK, never repeated. A wrong PUK costs one of its tries, and
    /// when all are spent the PIN can never be unblocked again. The card is reset afterwards.
    ///
    /// # Errors
    /// [`Error::pin_error`](crate::dialogue::Error::pin_error) is about the PUK here. After an error of the
    /// channel it is not known which PIN the card has.
    pub fn unblock_pin(
        &mut self,
        credential: Credential,
        puk: &ContactPuk,
        unblock: Unblock<'_>,
        last_try: LastTry,
    ) -> Result<(), Error> {
        let data = Zeroizing::new(match unblock {
            Unblock::NewPin(pin) => [puk.expose().as_slice(), pin.expose()].concat(),
            Unblock::KeepPin => puk.expose().to_vec(),
        });
        self.puk_tries(credential).check(last_try).map_err(|e| Step::UnblockPin.failed(e))?;
        let outcome = self.show(credential, (Step::UnblockPin, last_try), |reference| match unblock {
            Unblock::NewPin(_) => command::reset_retry_counter_with_puk(reference, &data),
            Unblock::KeepPin => command::reset_retry_counter_with_puk_only(reference, &data),
        });
        self.settle(outcome)
    }

    /// Keeps other programs off the card already now, so that nobody is asked for a PIN that could not be shown.
    /// They are let in again after a refused PIN, or when the session ends.
    ///
    /// # Errors
    /// At [`Step::KeepExclusive`], if another program is connected to the card.
    pub fn keep_exclusive(&mut self) -> Result<(), Error> {
        self.channel.link().keep_exclusive().map_err(|e| Step::KeepExclusive.failed(e))
    }

    /// Keeps everybody else off the card, goes to the directory of the PIN and sends one command with a secret.
    fn show(
        &mut self,
        credential: Credential,
        (step, last_try): (Step, LastTry),
        command: impl Fn(u8) -> Command,
    ) -> Result<(), Error> {
        let (which, most) = match step.about() {
            About::PukAndPin => (Which::Puk, PUK_TRIES_MOST),
            _ => (Which::Pin, PIN_TRIES_MOST),
        };
        self.keep_exclusive()?;
        // From here on the card may have a verified PIN: whatever happens, it does not outlive us.
        self.channel.link().reset_when_dropped(true);

        self.channel.link().hold();
        let outcome = self.enter(credential.pin_directory()).and_then(|()| {
            // Asked for when nothing more comes between: somebody else may have heard of the card meanwhile.
            let tries = &mut self.secrets_slot(credential).tries;
            let attempt = tries.permit(which, last_try, most).map_err(|e| step.failed(e))?;
            let outcome = self.send(credential, &command, &attempt);
            Ok((attempt, outcome))
        });
        self.channel.link().let_go();
        let (mut attempt, outcome) = outcome?;
        let known = &mut self.secrets_slot(credential).tries;
        // No such object by any name: nothing was compared.
        let Some(outcome) = outcome else {
            attempt.forgo();
            return Err(step.failed(StatusWord::REFERENCE_NOT_FOUND));
        };
        known.learn(&mut attempt, &outcome);
        match (which, &outcome) {
            (Which::Puk, Ok(())) => known.raise(&mut attempt, Which::Pin, PIN_TRIES_MOST),
            (Which::Puk, Err(pin::Error::Channel(error))) if !error.is_unsent() => known.doubt_block(),
            _ => {}
        }
        if outcome.as_ref().is_err_and(|error| matches!(error, pin::Error::Channel(_))) {
            self.current = None;
        }
        outcome.map_err(|e| step.failed(e))
    }

    /// Under the name that the card knows the PIN by; `None` if it says that it knows it by none.
    fn send(
        &mut self,
        credential: Credential,
        command: &impl Fn(u8) -> Command,
        attempt: &Attempt,
    ) -> Option<Result<(), pin::Error>> {
        let mask = self.hint.as_ref().and_then(|hint| hint.mask);
        let (first, second) = credential.pin_references(mask);
        let second = match self.secrets_of(credential).reference {
            Some(reference) => return Some(pin::present(&mut self.channel, &command(reference), attempt)),
            None => second,
        };
        for reference in std::iter::once(first).chain(second) {
            let outcome = pin::present_by_reference(&mut self.channel, &command(reference), attempt);
            if let Some(outcome) = outcome {
                let found = matches!(outcome, Ok(()) | Err(pin::Error::Wrong(_) | pin::Error::Blocked));
                self.secrets_slot(credential).reference = found.then_some(reference);
                return Some(outcome);
            }
        }
        None
    }

    /// After a change or an unblocking: has the card forget what it was shown, and lets others in again. What
    /// was done stays done if that fails; the card is then reset when the link is dropped.
    fn settle(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        match &outcome {
            Ok(()) => drop(self.forget()),
            Err(error) => self.forget_unless_lost(error),
        }
        outcome
    }

    /// Resets the card and lets others in again.
    pub(super) fn forget(&mut self) -> Result<(), Error> {
        self.current = None;
        let link = self.channel.link();
        link.reset().map_err(|e| Step::Reset.failed(e))?;
        link.reset_when_dropped(false);
        link.share_again().map_err(|e| Step::ShareAgain.failed(e))
    }

    /// A card that refused is let go of, once it has forgotten whatever it was told; one that said nothing is
    /// kept, and reset when the link is dropped.
    fn forget_unless_lost(&mut self, error: &Error) {
        if !error.is_transport() {
            // If this fails the next command finds out why.
            let _ = self.forget();
        }
    }
}
