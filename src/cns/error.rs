//! What can go wrong with a contact card: at which step. Why, `dialogue` says.

use std::fmt;

use super::{Credential, File};
use crate::dialogue::{self, About};

/// A step of the dialogue with the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Finding EF_IDCarta, which every one of these cards has.
    Recognise,
    /// Reading a file.
    ReadFile(File),
    /// Reading the certificate of a key.
    ReadCertificate(Credential),
    /// SELECT of the directory that a key and its PIN are used from.
    SelectKey,
    /// Keeping other programs off the card before a PIN is shown.
    KeepExclusive,
    /// VERIFY of the PIN.
    VerifyPin,
    /// CHANGE REFERENCE DATA of the PIN.
    ChangePin,
    /// RESET RETRY COUNTER of the PIN, the PUK in the same command.
    UnblockPin,
    /// MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION.
    Sign,
    /// Reset of the card at the end.
    Reset,
    /// Letting other programs at the card again, after it was reset.
    ShareAgain,
}

impl dialogue::Step for Step {
    fn about(self) -> About {
        match self {
            Self::Recognise => About::Selection,
            Self::VerifyPin => About::Pin,
            Self::ChangePin => About::PinChange,
            Self::UnblockPin => About::PukAndPin,
            _ => About::Other,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Recognise => "looking for the card's number",
            Self::ReadFile(file) => return write!(f, "reading {file}"),
            Self::ReadCertificate(Credential::Authentication) => "reading the authentication certificate",
            Self::ReadCertificate(Credential::Signature) => "reading the signature certificate",
            Self::SelectKey => "selecting the key's directory",
            Self::KeepExclusive => "keeping other programs off the card",
            Self::VerifyPin => "verifying the PIN",
            Self::ChangePin => "changing the PIN",
            Self::UnblockPin => "unblocking the PIN with the PUK",
            Self::Sign => "signing",
            Self::Reset => "resetting the card",
            Self::ShareAgain => "letting other programs at the card again",
        };
        f.write_str(text)
    }
}

/// A dialogue with a contact card that failed.
pub type Error = dialogue::Error<Step>;

/// A refusal that gives back what was put in.
pub type Refused<T> = dialogue::Refused<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;
    use dialogue::Step as _;

    /// Whoever explains an error knows no protocol, only this.
    #[test]
    fn what_each_step_is_about() {
        for (step, about) in [
            (Step::Recognise, About::Selection),
            (Step::ReadFile(File::PersonalData), About::Other),
            (Step::SelectKey, About::Other),
            (Step::KeepExclusive, About::Other),
            (Step::VerifyPin, About::Pin),
            (Step::ChangePin, About::PinChange),
            (Step::UnblockPin, About::PukAndPin),
            (Step::Sign, About::Other),
            (Step::Reset, About::Other),
        ] {
            assert_eq!(step.about(), about, "{step}");
        }
    }
}
