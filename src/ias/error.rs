//! What can go wrong with a CIE 3: at which step, and why.

use std::fmt;

use super::{File, RootFile};
use crate::dialogue::{self, About};

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
    /// INTERNAL AUTHENTICATE with the key for services, in clear and without a PIN.
    AnswerChallenge,
    /// A signature with the holder's key.
    Sign,
    /// Reset of the card at the end.
    Reset,
}

impl dialogue::Step for Step {
    fn about(self) -> About {
        match self {
            Self::SelectApplication | Self::SelectCie => About::Selection,
            Self::VerifyPin => About::Pin,
            Self::ChangePin => About::PinChange,
            Self::VerifyPuk => About::Puk,
            Self::UnblockPin => About::Unblocking,
            _ => About::Other,
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
            Self::AnswerChallenge => "answering a challenge with the key for services",
            Self::Sign => "signing",
            Self::Reset => "resetting the card",
        };
        f.write_str(text)
    }
}

/// A dialogue with a CIE 3 that failed.
pub type Error = dialogue::Error<Step>;

/// A refusal that gives back what was put in, so that nothing is lost by a wrong PIN or another card.
pub type Refused<T> = dialogue::Refused<T, Error>;
