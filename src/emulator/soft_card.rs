//! The handle to one software card: making it, laying it on a reader, looking at it from outside.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::card_file::CardFile;
use super::ias::Card;
use super::personalisation::Personalisation;
use super::profile::{Chip, Profile};
use super::soft_transport::SoftTransport;
use super::source::Source;
use super::store::{Memory, Persistent, Store};
use crate::crypto::{self, SystemEntropy};
use crate::environment::{Clock, Entropy};
use crate::iso7816::{Command, Response};
use crate::transport::Link;

/// Why there is no card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another handle or another process has the card's file open.
    #[error("the software card is in use")]
    InUse,
    /// The card's file could not be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// The file is not a software card.
    #[error("not a software card: {0}")]
    Format(String),
    /// A key or the DH group cannot be used.
    #[error("{name} is unusable: {error}")]
    Key {
        /// Which one.
        name: &'static str,
        /// Why.
        error: crypto::Error,
    },
    /// A field of the personalisation has no meaning on a card.
    #[error("{0} is malformed")]
    Malformed(&'static str),
}

impl Error {
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), reason: error.to_string() }
    }
}

/// What makes a card hostile: it sees every command in clear with the answer in clear, before the
/// answer is protected or split, and returns the answer to give instead.
///
/// It runs while the card is locked, so it must not call the card.
pub type Tamper = Box<dyn FnMut(&Command, Response) -> Response + Send>;

/// The card and the reader it lies on.
pub(super) struct Slot {
    pub(super) card: Card,
    pub(super) tamper: Option<Tamper>,
    pub(super) present: bool,
    /// Counts removals: a connection made before one is dead.
    pub(super) removals: u64,
    /// Counts resets: a connection that did not ask for the last one is told of it.
    pub(super) resets: u64,
}

impl Slot {
    fn new(card: Card) -> Self {
        Self { card, tamper: None, present: true, removals: 0, resets: 0 }
    }

    /// Resets the card.
    pub(super) fn reset(&mut self) {
        self.card.reset();
        self.resets += 1;
    }
}

/// A software card. Clones are handles to the same card, and may be used from any thread (`Send` and
/// `Sync`): commands are carried out one after the other.
#[derive(Clone)]
pub struct SoftCard(Arc<Mutex<Slot>>);

impl SoftCard {
    /// A card in memory, with its own source of randomness.
    ///
    /// # Errors
    /// If a key or a field of the personalisation cannot be used.
    pub fn new<E: Entropy + Clone + 'static>(
        personalisation: Personalisation,
        chip: Chip,
        entropy: E,
    ) -> Result<Self, Error> {
        Self::with_store(Persistent::new(personalisation, chip), Box::new(Memory), Source::new(entropy))
    }

    /// Writes a new card file, which must not exist yet, readable by its owner only.
    ///
    /// # Errors
    /// If the personalisation cannot be used or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, personalisation: Personalisation, chip: Chip) -> Result<(), Error> {
        let card = Self::new(personalisation, chip, SystemEntropy)?;
        CardFile::create(path.as_ref(), card.lock().card.persistent())
    }

    /// Opens a card file, with the system's randomness. The file stays locked until the last handle
    /// and the last connection are gone.
    ///
    /// # Errors
    /// [`Error::InUse`] if it is open already, else if it cannot be read or used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, SystemEntropy)
    }

    /// The same, with another source of randomness.
    ///
    /// # Errors
    /// As [`SoftCard::open`].
    pub fn open_with<E: Entropy + Clone + 'static>(
        path: impl AsRef<Path>,
        entropy: E,
    ) -> Result<Self, Error> {
        let (file, state) = CardFile::open(path.as_ref())?;
        Self::with_store(state, Box::new(file), Source::new(entropy))
    }

    pub(super) fn with_store(
        state: Persistent,
        store: Box<dyn Store>,
        entropy: Source,
    ) -> Result<Self, Error> {
        Ok(Self::from_slot(Slot::new(Card::new(state, store, entropy)?)))
    }

    fn from_slot(slot: Slot) -> Self {
        Self(Arc::new(Mutex::new(slot)))
    }

    /// A panic in a tampering closure leaves the card as it was before it: usable.
    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays the card on the reader, powered up anew, and connects to it. The terminal's randomness and
    /// clock are the system's.
    #[must_use]
    pub fn insert(&self) -> Link {
        Link::new(self.power_up())
    }

    /// The same, with the terminal's randomness and clock given.
    #[must_use]
    pub fn insert_with(&self, entropy: impl Entropy + 'static, clock: impl Clock + 'static) -> Link {
        Link::with_sources(self.power_up(), entropy, clock)
    }

    fn power_up(&self) -> SoftTransport {
        let mut slot = self.lock();
        slot.present = true;
        slot.reset();
        drop(slot);
        self.transport()
    }

    /// Connects to the card as it lies there, without resetting it.
    #[must_use]
    pub fn transport(&self) -> SoftTransport {
        SoftTransport::new(self.clone())
    }

    /// Takes the card off the reader: every connection is dead from now on.
    pub fn remove(&self) {
        let mut slot = self.lock();
        slot.card.reset();
        slot.present = false;
        slot.removals += 1;
    }

    /// Resets the card as another program would: every connection is told once.
    pub fn reset_by_other(&self) {
        self.lock().reset();
    }

    /// How many wrong PINs are left.
    #[must_use]
    pub fn pin_tries(&self) -> u8 {
        self.lock().card.persistent().pin_tries
    }

    /// How many wrong PUKs are left.
    #[must_use]
    pub fn puk_tries(&self) -> u8 {
        self.lock().card.persistent().puk_tries
    }

    /// How many commands with a PIN or PUK in them got as far as being judged by the card.
    #[must_use]
    pub fn verify_count(&self) -> u32 {
        self.lock().card.verify_count()
    }

    /// Another card in memory in exactly this state: open channel, verified PIN and the randomness to
    /// come included. Tampering is not copied.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let slot = self.lock();
        Self::from_slot(Slot {
            card: slot.card.copy_into_memory(),
            tamper: None,
            present: slot.present,
            removals: slot.removals,
            resets: slot.resets,
        })
    }

    /// Makes the card hostile, or honest again.
    pub fn set_tamper(&self, tamper: Option<Tamper>) {
        self.lock().tamper = tamper;
    }

    /// How the card behaves where chips differ.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.lock().card.profile().clone()
    }

    /// Changes how the card behaves, until this card is gone: a card file keeps its chip's own profile.
    pub fn set_profile(&self, profile: Profile) {
        self.lock().card.set_profile(profile);
    }
}

impl std::fmt::Debug for SoftCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftCard(..)")
    }
}
