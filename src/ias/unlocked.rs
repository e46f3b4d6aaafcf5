//! A session whose PIN the card has verified: the holder's data and signatures.

use super::{CardCache, Cause, Error, File, PIN_REFERENCE, PIN_TRIES_MOST, Refused, Session, Step};
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, PresentedCertificate};
use crate::dialogue::Step as _;
use crate::iso7816::{StatusWord, command};
use crate::pin::{self, LastTry, Tries, Which};
use crate::secret::Pin;
use crate::transport::{Link, Statistics};

/// MSE data: internal authentication with key 81, algorithm 02 (PKCS #1 v1.5, the card adds the padding).
const SET_HOLDER_KEY: [u8; 6] = hex_literal::hex!("800102840181");

/// A session after a right PIN. `Send`.
///
/// The PIN state lives in the card; it ends with this value: dropping it resets the card.
pub struct Unlocked {
    session: Session,
    certificate: Option<PresentedCertificate>,
}

impl Unlocked {
    pub(super) fn new(session: Session) -> Self {
        Self { session, certificate: None }
    }

    /// The holder's certificate; read from the card the first time.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::PinStateLost`] if the card no longer knows of the PIN.
    pub fn certificate(&mut self) -> Result<&PresentedCertificate, Error> {
        self.signer().map(|signer| signer.certificate)
    }

    /// Reads a file over the channel, without its padding.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::PinStateLost`] if the card no longer knows of the PIN.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.session.read_protected(file).map_err(pin_state)
    }

    /// The holder's key with its certificate.
    ///
    /// # Errors
    /// As [`Unlocked::certificate`].
    pub fn signer(&mut self) -> Result<HolderSigner<'_>, Error> {
        let Self { session, certificate } = self;
        let presented = match certificate.take() {
            Some(presented) => presented,
            None => {
                let file = File::HolderCertificate;
                let der = session.read_protected(file).map_err(pin_state)?;
                PresentedCertificate::from_der(&der).map_err(|e| Step::ReadFile(file).failed(e))?
            }
        };
        Ok(HolderSigner { session, certificate: certificate.insert(presented) })
    }

    /// Changes the PIN. A wrong old one costs a try, like VERIFY; one command, never repeated. Whether the
    /// card counts the new PIN as verified is not known of real ones: if not, the next signature says
    /// [`Cause::PinStateLost`].
    ///
    /// # Errors
    /// [`Error::pin_error`] if the old PIN was not accepted; after an error of the channel it is not
    /// known which PIN the card has now.
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), Error> {
        let step = Step::ChangePin;
        let session = &mut self.session;
        let mut attempt =
            session.tries.permit(Which::Pin, LastTry::Refuse, PIN_TRIES_MOST).map_err(|e| step.failed(e))?;
        let data = zeroize::Zeroizing::new([&old.expose()[..], new.expose()].concat());
        let change = command::change_reference_data(PIN_REFERENCE, &data);
        let outcome = pin::present(&mut session.channel, &change, &attempt);
        session.tries.learn(&mut attempt, &outcome);
        outcome.map_err(|e| step.failed(e))
    }

    /// How many tries the PIN has left: all, or what the card said of a wrong old PIN in
    /// [`Unlocked::change_pin`].
    #[must_use]
    pub fn pin_tries(&self) -> Tries {
        self.session.pin_tries()
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.session.statistics()
    }

    /// Ends the PIN state and opens the session anew: the card is reset in between.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link.
    pub fn lock(self) -> Result<Session, Refused<Link>> {
        let (terminal, constants) = (self.session.terminal.clone(), self.session.constants.clone());
        let known = self.session.tries.clone();
        let link = self.release()?;
        let mut cache = CardCache::new();
        cache.remember(&constants);
        let mut session = Session::open_with(link, &terminal, &mut cache)?;
        match known.memory() {
            Some(remembered) => session.remember(remembered.memory()),
            None => session.tries.inherit(&known),
        }
        Ok(session)
    }

    /// Ends the PIN state by a reset of the card and gives the link back.
    ///
    /// # Errors
    /// [`Refused`] with the link if the card could not be reset; it may still know of the PIN.
    pub fn release(self) -> Result<Link, Refused<Link>> {
        let mut link = self.session.into_link();
        match link.reset() {
            Ok(()) => {
                link.reset_when_dropped(false);
                Ok(link)
            }
            Err(error) => Err(Refused::new(link, Step::Reset.failed(error))),
        }
    }
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unlocked(..)")
    }
}

/// "Security status not satisfied" from a card that had accepted the PIN: it dropped that state.
fn pin_state(error: Error) -> Error {
    match error.cause {
        Cause::Status(StatusWord::SECURITY_STATUS_NOT_SATISFIED) => error.step.failed(Cause::PinStateLost),
        _ => error,
    }
}

/// The holder's key: every signature is verified against the certificate before it is given out.
pub struct HolderSigner<'a> {
    session: &'a mut Session,
    certificate: &'a PresentedCertificate,
}

impl Signer for HolderSigner<'_> {
    type Error = Error;

    fn certificate(&self) -> &PresentedCertificate {
        self.certificate
    }

    fn sign(&mut self, purpose: Purpose, digest: &Digest) -> Result<Vec<u8>, Error> {
        let step = Step::Sign;
        if !purpose.allows(digest) {
            return Err(step.failed(Cause::PurposeRefused));
        }
        // Every MSE SET replaces the one before, so it is repeated for each signature.
        let set = command::manage_security_environment(0x41, 0xA4, &SET_HOLDER_KEY);
        let authenticate = command::internal_authenticate(&digest.digest_info());
        let signature = self
            .session
            .channel
            .uninterrupted(|channel| {
                step.expect_success(channel, &set)?;
                step.expect_success(channel, &authenticate)
            })
            .map_err(pin_state)?;
        match self.certificate.public_key().check_signature(digest, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(step.failed(Cause::WrongSignature)),
        }
    }
}

impl std::fmt::Debug for HolderSigner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HolderSigner({:?})", self.certificate)
    }
}
