//! A contact card that has verified the PIN of one key: signatures.

use super::sign::{self, Key, Route};
use super::{
    Cause, ClaimedCardId, Credential, Error, Family, File, Held, PersonalData, Refused, Session, Step,
};
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, PresentedCertificate};
use crate::dialogue::Step as _;
use crate::pin::{LastTry, Tries};
use crate::secret::ContactPin;
use crate::transport::{Link, Statistics};

/// A session after a right PIN. `Send`.
///
/// The PIN state lives in the card, where it would serve any program: others are kept off, and dropping this
/// resets the card.
pub struct Unlocked {
    session: Session,
    credential: Credential,
    /// The way of signing that this card was found to know.
    route: Option<Route>,
}

impl Unlocked {
    pub(super) fn new(session: Session, credential: Credential) -> Self {
        Self { session, credential, route: None }
    }

    /// Which of the contact cards it is, as [`Session::family`].
    #[must_use]
    pub fn family(&self) -> Family {
        self.session.family()
    }

    /// The key whose PIN was shown.
    #[must_use]
    pub fn credential(&self) -> Credential {
        self.credential
    }

    /// The certificate of that key; read from the card the first time.
    ///
    /// # Errors
    /// As [`Session::certificate`].
    pub fn certificate(&mut self) -> Result<&PresentedCertificate, Error> {
        self.session.certificate(self.credential)
    }

    /// Reads a file, as [`Session::read`].
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.session.read(file)
    }

    /// Reads EF_DatiPersonali, as [`Session::read_personal_data`].
    ///
    /// # Errors
    /// As [`Session::read_personal_data`].
    pub fn read_personal_data(&mut self) -> Result<PersonalData, Error> {
        self.session.read_personal_data()
    }

    /// The card's number, as [`Session::card_id`].
    #[must_use]
    pub fn card_id(&self) -> Option<&ClaimedCardId> {
        self.session.card_id()
    }

    /// The key with its certificate.
    ///
    /// # Errors
    /// As [`Session::certificate`].
    pub fn signer(&mut self) -> Result<HolderSigner<'_>, Error> {
        let held = self.session.hold_certificate(self.credential)?.clone();
        Ok(HolderSigner { unlocked: self, held })
    }

    /// Changes the PIN that was shown. A wrong old one costs a try; one command, never repeated. Whether the
    /// card counts the new PIN as verified is not known: if not, the next signature says
    /// [`Cause::PinStateLost`].
    ///
    /// # Errors
    /// As [`Session::change_pin`].
    pub fn change_pin(&mut self, old: &ContactPin, new: &ContactPin) -> Result<(), Error> {
        let step = Step::ChangePin;
        self.pin_tries().check(LastTry::Refuse).map_err(|e| step.failed(e))?;
        self.session.change(self.credential, old, new, LastTry::Refuse)
    }

    /// How many tries the PIN has left: all, or what the card said of a wrong old PIN.
    #[must_use]
    pub fn pin_tries(&self) -> Tries {
        self.session.pin_tries(self.credential)
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.session.statistics()
    }

    /// Ends the PIN state by a reset of the card and lets other programs in again.
    ///
    /// # Errors
    /// [`Refused`] with the link: at [`Step::Reset`] the card may still know of the PIN, and is reset when the link
    /// is dropped; at [`Step::ShareAgain`] it has forgotten it, but the connection to it is over.
    pub fn lock(mut self) -> Result<Session, Refused<Link>> {
        match self.session.forget() {
            Ok(()) => Ok(self.session),
            Err(error) => Err(Refused::new(self.session.into_link(), error)),
        }
    }

    /// The same, and gives the link back.
    ///
    /// # Errors
    /// As [`Unlocked::lock`].
    pub fn release(self) -> Result<Link, Refused<Link>> {
        self.lock().map(Session::into_link)
    }
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unlocked({:?})", self.credential)
    }
}

/// A key of the holder: every signature is verified against the certificate before it is given out.
pub struct HolderSigner<'a> {
    unlocked: &'a mut Unlocked,
    held: Held,
}

impl Signer for HolderSigner<'_> {
    type Error = Error;

    fn certificate(&self) -> &PresentedCertificate {
        &self.held.certificate
    }

    /// The key of the signature directory signs no login: its signatures can bind its holder.
    fn sign(&mut self, purpose: Purpose, digest: &Digest) -> Result<Vec<u8>, Error> {
        let wrong_key = self.unlocked.credential == Credential::Signature && purpose == Purpose::Login;
        if wrong_key || !purpose.allows(digest) {
            return Err(Step::Sign.failed(Cause::PurposeRefused));
        }
        let Held { key_set, certificate } = self.held.clone();
        let session = &mut self.unlocked.session;
        let environment = if session.family == Family::Cie1 { 0x30 } else { 0x03 };
        let key = Key { reference: key_set.key, environment, certificate: &certificate };
        let known = self.unlocked.route.as_ref().map(std::slice::from_ref);
        let routes = known.unwrap_or_else(|| Route::of(session.family));
        session.channel.link().hold();
        let outcome = session
            .enter(key_set.directory)
            .and_then(|()| sign::sign(&mut session.channel, &key, routes, digest));
        session.channel.link().let_go();
        if outcome.as_ref().is_err_and(Error::is_transport) {
            session.current = None;
        }
        let (route, signature) = outcome?;
        self.unlocked.route = Some(route);
        Ok(signature)
    }
}

impl std::fmt::Debug for HolderSigner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HolderSigner({:?})", self.held.certificate)
    }
}
