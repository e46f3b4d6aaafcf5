//! What can go wrong with a CIE 3: at which step, and why.

use std::fmt;

use super::{File, RootFile};
use crate::environment::EntropyError;
use crate::iso7816::{Command, StatusWord, tlv};
use crate::secure_messaging::Channel;
use crate::{crypto, file, pin, secure_messaging};

/// A step of the dialogue with the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// SELECT of the IAS application or master file.
    SelectApplication,
    /// SELECT of the CIE directory.
    SelectCie,
    /// GET DATA of the PIN's attributes.
    ReadPinTries,
    /// Reading EF 1004.
    ReadDeviceKey,
    /// GET DATA of g, p and q.
    ReadDomainParameters,
    /// GET DATA of the key under which terminals certify themselves.
    ReadCertificationKey,
    /// Diffie-Hellman key exchange.
    KeyExchange,
    /// PSO VERIFY CERTIFICATE: the card checks the terminal's certificate.
    VerifyTerminalCertificate,
    /// GET CHALLENGE and EXTERNAL AUTHENTICATE: the terminal proves its key.
    ExternalAuthenticate,
    /// INTERNAL AUTHENTICATE: the chip proves its key.
    InternalAuthenticate,
    /// VERIFY of the PIN.
    VerifyPin,
    /// CHANGE REFERENCE DATA of the PIN.
    ChangePin,
    /// GET DATA of the PUK's attributes.
    ReadPukTries,
    /// VERIFY of the PUK.
    VerifyPuk,
    /// RESET RETRY COUNTER of the PIN: the PUK was right, no try was lost.
    UnblockPin,
    /// SELECT of another application, to see whether the card has it.
    ProbeApplication,
    /// Reading a file of the CIE directory.
    ReadFile(File),
    /// Reading a file of the root directory.
    ReadRootFile(RootFile),
    /// A signature with the holder's key.
    Sign,
    /// Reset of the card at the end.
    Reset,
}

impl Step {
    /// Whether the step looks for the application: a refusal says that this is another kind of card.
    #[must_use]
    pub fn is_selection(self) -> bool {
        matches!(self, Self::SelectApplication | Self::SelectCie)
    }

    /// The error of this step.
    pub(super) fn failed(self, cause: impl Into<Cause>) -> Error {
        Error { step: self, cause: cause.into() }
    }

    /// Carries out a command that must be answered 9000; the data of its answer.
    pub(super) fn expect_success(self, channel: &mut Channel, command: &Command) -> Result<Vec<u8>, Error> {
        let response = channel.exchange(command).map_err(|e| self.failed(e))?;
        match response.status() {
            StatusWord::SUCCESS => Ok(response.into_data()),
            status => Err(self.failed(status)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::SelectApplication => "selecting the IAS application",
            Self::SelectCie => "selecting the CIE directory",
            Self::ReadPinTries => "asking for the PIN tries",
            Self::ReadDeviceKey => "reading the device authentication key",
            Self::ReadDomainParameters => "reading the Diffie-Hellman parameters",
            Self::ReadCertificationKey => "reading the terminal certification key",
            Self::KeyExchange => "exchanging keys",
            Self::VerifyTerminalCertificate => "showing the terminal's certificate",
            Self::ExternalAuthenticate => "authenticating the terminal",
            Self::InternalAuthenticate => "authenticating the chip",
            Self::VerifyPin => "verifying the PIN",
            Self::ChangePin => "changing the PIN",
            Self::ReadPukTries => "asking for the PUK tries",
            Self::VerifyPuk => "verifying the PUK",
            Self::UnblockPin => "unblocking the PIN, the PUK was accepted",
            Self::ProbeApplication => "looking for another application",
            Self::ReadFile(file) => return write!(f, "reading EF {:04X}", file.reference().identifier),
            Self::ReadRootFile(file) => return write!(f, "reading EF {:04X}", file.reference().identifier),
            Self::Sign => "signing",
            Self::Reset => "resetting the card",
        };
        f.write_str(text)
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
    /// The PIN, or at [`Step::VerifyPuk`] the PUK, was not accepted, or not sent.
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

impl From<crate::transport::Error> for Cause {
    fn from(error: crate::transport::Error) -> Self {
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

/// A dialogue with a CIE 3 that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {cause}")]
pub struct Error {
    /// At which step.
    pub step: Step,
    /// Why.
    pub cause: Cause,
}

impl Error {
    /// Whether the exchange itself failed, so that nothing is known of the card's answer.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(self.cause, Cause::Channel(secure_messaging::Error::Transport(_)))
    }

    /// What the card said of the PIN, or at [`Step::VerifyPuk`] of the PUK, if the error is about that.
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
pub struct Refused<T: fmt::Debug> {
    /// What was put in.
    pub back: Box<T>,
    /// Why it was refused.
    pub error: Error,
}

impl<T: fmt::Debug> Refused<T> {
    pub(super) fn new(back: T, error: Error) -> Self {
        Self { back: Box::new(back), error }
    }
}
