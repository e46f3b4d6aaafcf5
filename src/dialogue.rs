//! What the dialogues with all kinds of cards have in common: the step at which one failed, why, and what is
//! given back then.

use std::fmt;

use crate::environment::EntropyError;
use crate::iso7816::{Command, StatusWord, tlv};
use crate::secure_messaging::{self, Channel};
use crate::{crypto, file, pin, transport};

/// A step of the dialogue with one kind of card.
pub trait Step: Copy + fmt::Debug + fmt::Display {
    /// What the step is about, for whoever explains an error without knowing the protocol.
    fn about(self) -> About;

    /// The error of this step.
    fn failed(self, cause: impl Into<Cause>) -> Error<Self> {
        Error { step: self, cause: cause.into() }
    }

    /// Carries out a command that must be answered 9000; the data of its answer.
    ///
    /// # Errors
    /// [`Cause::Status`] for any other answer, [`Cause::Channel`] for none.
    fn expect_success(self, channel: &mut Channel, command: &Command) -> Result<Vec<u8>, Error<Self>> {
        let response = channel.exchange(command).map_err(|e| self.failed(e))?;
        match response.status() {
            StatusWord::SUCCESS => Ok(response.into_data()),
            status => Err(self.failed(status)),
        }
    }
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum About {
    /// Whether it is this kind of card at all.
    Selection,
    /// Showing the PIN.
    Pin,
    /// Showing the PUK, and nothing else.
    Puk,
    /// Showing the old PIN and setting a new one, in one command.
    PinChange,
    /// Showing the PUK and setting a PIN or its tries, in one command.
    PukAndPin,
    /// Setting a PIN or its tries after the PUK was accepted.
    Unblocking,
    /// Anything else.
    Other,
}

impl About {
    /// Whether the step shows a PIN or PUK, so that a lost answer may have cost a try.
    #[must_use]
    pub fn shows_a_secret(self) -> bool {
        matches!(self, Self::Pin | Self::Puk | Self::PinChange | Self::PukAndPin)
    }

    /// Whether the PIN may be another one, or have its tries back, after a lost answer.
    #[must_use]
    pub fn sets_the_pin(self) -> bool {
        matches!(self, Self::PinChange | Self::PukAndPin | Self::Unblocking)
    }

    /// Whether what was refused is the PUK.
    #[must_use]
    pub fn shows_the_puk(self) -> bool {
        matches!(self, Self::Puk | Self::PukAndPin)
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The card answered something else than 9000.
    #[error("the card answered {0}")]
    Status(StatusWord),
    /// The link, the reader or the protection failed.
    #[error(transparent)]
    Channel(secure_messaging::Error),
    /// A file could not be read.
    #[error(transparent)]
    File(file::Error),
    /// The PIN or PUK, whichever the step is about, was not accepted, or not sent.
    #[error(transparent)]
    Pin(pin::Error),
    /// A number, key or block from the card is not what it must be.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// A data object from the card is malformed.
    #[error(transparent)]
    Tlv(#[from] tlv::Error),
    /// Something from the card has the wrong shape.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The card serves terminals of another authority than this terminal's own.
    #[error("the card serves terminals of another authority")]
    ForeignAuthority,
    /// The chip did not prove that it owns its key, or somebody stands between.
    #[error("the chip is not authentic")]
    ChipNotAuthentic,
    /// The PIN must be verified first.
    #[error("the PIN must be verified first")]
    PinNeeded,
    /// The card no longer knows that the PIN was verified. The PIN must be asked for again; nothing
    /// shows it to the card by itself.
    #[error("the card dropped the verified PIN")]
    PinStateLost,
    /// The card's signature does not verify under the certificate it gave.
    #[error("the card's signature does not fit its certificate")]
    WrongSignature,
    /// The digest may not be signed for this purpose.
    #[error("these bytes could be a login elsewhere and are not signed for this purpose")]
    PurposeRefused,
    /// The card holds no certificate for this key: it was never activated, or has no such key.
    #[error("the card holds no certificate for this key")]
    NoCertificate,
    /// Nobody has written what should be there: the card was never personalised.
    #[error("nobody has written this to the card")]
    NotPersonalised,
    /// The file or key wants secure messaging of a kind that is not supported here.
    #[error("the card wants secure messaging for this, which is not supported")]
    SecureMessagingRequired,
}

impl From<StatusWord> for Cause {
    fn from(status: StatusWord) -> Self {
        Self::Status(status)
    }
}

impl From<secure_messaging::Error> for Cause {
    fn from(error: secure_messaging::Error) -> Self {
        Self::Channel(error)
    }
}

impl From<transport::Error> for Cause {
    fn from(error: transport::Error) -> Self {
        Self::Channel(error.into())
    }
}

impl From<EntropyError> for Cause {
    fn from(error: EntropyError) -> Self {
        Self::Crypto(error.into())
    }
}

impl From<file::Error> for Cause {
    fn from(error: file::Error) -> Self {
        match error {
            file::Error::Status(status) => Self::Status(status),
            file::Error::Channel(error) => Self::Channel(error),
            other => Self::File(other),
        }
    }
}

impl From<pin::Error> for Cause {
    fn from(error: pin::Error) -> Self {
        match error {
            pin::Error::Status(status) => Self::Status(status),
            pin::Error::Channel(error) => Self::Channel(error),
            other => Self::Pin(other),
        }
    }
}

/// A dialogue that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {cause}")]
pub struct Error<S: Step> {
    /// At which step.
    pub step: S,
    /// Why.
    pub cause: Cause,
}

impl<S: Step> Error<S> {
    /// Whether the exchange itself failed, so that nothing is known of the card's answer.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(self.cause, Cause::Channel(secure_messaging::Error::Transport(_)))
    }

    /// What the card said of the PIN or PUK, whichever the step is about, if the error is about that.
    #[must_use]
    pub fn pin_error(&self) -> Option<&pin::Error> {
        match &self.cause {
            Cause::Pin(error) => Some(error),
            _ => None,
        }
    }
}

/// A refusal that gives back what was put in, so that nothing is lost by a wrong PIN or another card.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused<T: fmt::Debug, E: std::error::Error> {
    /// What was put in.
    pub back: Box<T>,
    /// Why it was refused.
    pub error: E,
}

impl<T: fmt::Debug, E: std::error::Error> Refused<T, E> {
    pub(crate) fn new(back: T, error: E) -> Self {
        Self { back: Box::new(back), error }
    }

    /// The same refusal of what that was made of, in the terms of a floor above.
    pub(crate) fn map<U: fmt::Debug, F: std::error::Error>(
        self,
        back: impl FnOnce(T) -> U,
        error: impl FnOnce(E) -> F,
    ) -> Refused<U, F> {
        Refused { back: Box::new(back(*self.back)), error: error(self.error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it shows a secret, sets the PIN, and shows the PUK: the advice depends on each.
    #[test]
    fn what_a_step_is_about_decides_what_a_lost_answer_means() {
        for (about, expected) in [
            (About::Selection, (false, false, false)),
            (About::Pin, (true, false, false)),
            (About::Puk, (true, false, true)),
            (About::PinChange, (true, true, false)),
            (About::PukAndPin, (true, true, true)),
            (About::Unblocking, (false, true, false)),
            (About::Other, (false, false, false)),
        ] {
            let found = (about.shows_a_secret(), about.sets_the_pin(), about.shows_the_puk());
            assert_eq!(found, expected, "{about:?}");
        }
    }

    #[test]
    fn what_failed_below_is_one_cause_wherever_it_failed() {
        let lost = || secure_messaging::Error::from(transport::Error::NoAnswer);
        let (status, channel) = (StatusWord::WRONG_DATA, Cause::Channel(lost()));
        assert_eq!(Cause::from(pin::Error::Status(status)), Cause::Status(status));
        assert_eq!(Cause::from(pin::Error::Channel(lost())), channel);
        assert_eq!(Cause::from(file::Error::Status(status)), Cause::Status(status));
        assert_eq!(Cause::from(file::Error::Channel(lost())), channel);
        let failed = |cause| Error { step: crate::cns::Step::VerifyPin, cause };
        assert!(failed(channel).is_transport());
        // An answer whose protection is wrong is an answer.
        assert!(!failed(Cause::Channel(secure_messaging::Error::WrongMac)).is_transport());
    }
}
