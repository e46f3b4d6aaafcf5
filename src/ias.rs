//! The IAS ECC application of the CIE 3 (IAS ECC 1.0.1; "CIE 3.0 - Specifiche Chip" 1.0), terminal side.
//!
//! ```text
//! Link ── Application::select ──▶ Application     public files, in clear
//!                │ authenticate: key exchange, device authentication
//!                ▼
//!             Session             public files, tries left, unblocking with the PUK
//!                │ verify_pin
//!                ▼
//!             Unlocked            certificate, document number, signatures, change of PIN
//! ```
//!
//! A [`Session`] talks to a *claimed* chip: the key that it authenticated with is the card's own word
//! until its hash is found in a verified EF.SOD.

mod application;
mod claimed;
mod constants;
mod device_auth;
mod error;
mod files;
mod key_exchange;
pub mod terminal;
#[cfg(test)]
mod tests;
mod unblock;
mod unlocked;

use std::sync::Arc;

use crate::dialogue::Step as _;
use crate::file;
use crate::iso7816::command;
use crate::pin::{self, KnownTries, LastTry, Tries, TriesMemory, Which};
use crate::secret::Pin;
use crate::secure_messaging::Channel;
use crate::transport::{Link, Statistics};

pub use crate::dialogue::Cause;
pub use application::{Application, CIE_AID, IAS_AID};
pub use claimed::{ClaimedCardNumber, ClaimedNis};
pub use constants::CardCache;
pub use error::{Error, Refused, Step};
pub use files::{File, RootFile};
pub use terminal::Terminal;
pub use unblock::Unblock;
pub use unlocked::{HolderSigner, Unlocked};

use constants::CardConstants;
use unblock::PUK_REFERENCE;

/// Reference of the holder's PIN: local PIN 1.
const PIN_REFERENCE: u8 = 0x81;
/// How many tries a PIN has after a right one.
const PIN_TRIES_MOST: Tries = Tries::Left(3);

/// An encrypted channel to a chip that knows the private key of its EF 1004. `Send`.
pub struct Session {
    channel: Channel,
    terminal: Arc<Terminal>,
    constants: Arc<CardConstants>,
    tries: KnownTries,
    /// Whether the card told tries in clear, and so knows the question.
    tells_tries: bool,
    /// Whether it told those of the PUK since it was opened. Nobody else spends one as long as the channel stands.
    told_puk_tries: bool,
}

impl Session {
    /// Selects the application and authenticates with the published terminal keys: all or nothing.
    ///
    /// # Errors
    /// [`Refused`] with the error, and the link to try something else with.
    pub fn open(link: Link) -> Result<Self, Refused<Link>> {
        match Terminal::published() {
            Ok(terminal) => Self::open_with(link, &Arc::new(terminal), &mut CardCache::new()),
            Err(error) => Err(Refused::new(link, Step::VerifyTerminalCertificate.failed(error))),
        }
    }

    /// The same with terminal keys of one's own and a memory of cards seen, which saves commands when
    /// a card comes back.
    ///
    /// # Errors
    /// [`Refused`] with the error, and the link to try something else with.
    pub fn open_with(
        mut link: Link,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
    ) -> Result<Self, Refused<Link>> {
        link.hold();
        let mut outcome =
            Application::select(link).and_then(|application| application.authenticate(terminal, cache));
        link_of(&mut outcome).let_go();
        outcome
    }

    /// Key exchange and device authentication, in a channel whose current DF is the CIE's.
    fn authenticate(
        mut channel: Channel,
        terminal: &Arc<Terminal>,
        cache: &mut CardCache,
        mut tries: KnownTries,
    ) -> Result<Self, Refused<Link>> {
        match Self::establish(&mut channel, terminal, cache, &mut tries) {
            Ok(constants) => {
                let [pin, puk] = [Which::Pin, Which::Puk].map(|which| tries.left(which) != Tries::Unknown);
                let (tells_tries, told_puk_tries, terminal) = (pin || puk, puk, terminal.clone());
                Ok(Self { channel, terminal, constants, tries, tells_tries, told_puk_tries })
            }
            Err(error) => Err(Refused::new(channel.into_link(), error)),
        }
    }

    fn establish(
        channel: &mut Channel,
        terminal: &Terminal,
        cache: &mut CardCache,
        tries: &mut KnownTries,
    ) -> Result<Arc<CardConstants>, Error> {
        // Asked for in clear: a card that does not know the question may refuse it without harm, while
        // a refusal in clear to a protected command would end the channel.
        let asked = tries.ask();
        let told = pin::read_tries(channel, PIN_REFERENCE).map_err(|e| Step::ReadPinTries.failed(e))?;
        tries.told(asked, Which::Pin, told);
        let constants = constants::read(channel, cache)?;
        let public = key_exchange::perform(channel, &constants)?;
        device_auth::perform(channel, terminal, &constants, &public)?;
        cache.remember(&constants);
        Ok(constants)
    }

    /// How many tries the PIN has left: what the card claimed, in clear, when the session was opened, or
    /// said over the channel at the last wrong PIN, or to whoever shares the memory of [`Session::remember`].
    #[must_use]
    pub fn pin_tries(&self) -> Tries {
        self.tries.left(Which::Pin)
    }

    /// Shares with other sessions what is known of this card's tries; the card is known by the key of its chip. Nothing
    /// is sent. A recording that is played back is another card.
    pub fn remember(&mut self, memory: &TriesMemory) {
        let is_replayed = self.channel.link().is_replayed();
        self.tries.remember(memory, is_replayed, &[b"cie3", &self.constants.device_key_file]);
    }

    /// What this session shares.
    #[cfg(feature = "c-api")]
    pub(crate) fn tries(&self) -> &KnownTries {
        &self.tries
    }

    /// Whether the channel still stands. A failure under protection closes it for good; the card must
    /// be opened anew.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.channel.is_closed()
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.channel.statistics()
    }

    /// EF 1004 as it was read, without padding: the key with which the chip of this channel authenticated itself.
    pub(crate) fn device_key_file(&self) -> &[u8] {
        &self.constants.device_key_file
    }

    /// The link below.
    pub(crate) fn link(&mut self) -> &mut Link {
        self.channel.link()
    }

    /// Reads a file over the channel, without its padding.
    ///
    /// # Errors
    /// [`Cause::PinNeeded`] for a file that needs the PIN; nothing is sent then.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        if file.needs_pin() {
            return Err(Step::ReadFile(file).failed(Cause::PinNeeded));
        }
        self.read_protected(file)
    }

    fn read_protected(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.channel
            .uninterrupted(|channel| file::read(channel, file.reference(), file.extent()))
            .map_err(|e| Step::ReadFile(file).failed(e))
    }

    /// Shows the PIN: one VERIFY, never repeated. With one try or none known to be left nothing is sent.
    ///
    /// # Errors
    /// [`Refused`] with the error and this session; [`Error::pin_error`] tells wrong from blocked.
    pub fn verify_pin(self, pin: &Pin) -> Result<Unlocked, Refused<Self>> {
        self.verify_pin_with(pin, LastTry::Refuse)
    }

    /// The same, and the last try is spent if the caller says so. Nothing is lost by trying a PIN that is
    /// blocked.
    ///
    /// # Errors
    /// [`Refused`] with the error and this session.
    pub fn verify_pin_with(mut self, pin: &Pin, last_try: LastTry) -> Result<Unlocked, Refused<Self>> {
        let step = Step::VerifyPin;
        let mut attempt = match self.tries.permit(Which::Pin, last_try, PIN_TRIES_MOST) {
            Ok(attempt) => attempt,
            Err(error) => return Err(Refused::new(self, step.failed(error))),
        };
        // From here on the card may have a verified PIN: whatever happens, it does not outlive us.
        self.channel.link().reset_when_dropped(true);
        let outcome =
            pin::present(&mut self.channel, &command::verify(PIN_REFERENCE, pin.expose()), &attempt);
        self.tries.learn(&mut attempt, &outcome);
        match outcome {
            Ok(()) => Ok(Unlocked::new(self)),
            Err(error) => Err(Refused::new(self, step.failed(error))),
        }
    }

    /// Gives the link back; the session keys are dropped.
    #[must_use]
    pub fn into_link(self) -> Link {
        self.channel.into_link()
    }
}

/// The link, wherever it is after an attempt to open a session.
fn link_of(outcome: &mut Result<Session, Refused<Link>>) -> &mut Link {
    match outcome {
        Ok(session) => session.channel.link(),
        Err(refused) => &mut refused.back,
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?}, {:?})", self.channel, self.pin_tries())
    }
}
