//! The handle to one software card: making it, laying it on a reader, looking at it from outside.

use std::path::Path;

use super::card::Card;
use super::card_file::{CardFile, Found};
use super::error::Error;
use super::exchange::Tamper;
use super::personalisation::Personalisation;
use super::profile::{Chip, Profile};
use super::slot::{Place, SharedSlot, Slot};
use super::soft_transport::SoftTransport;
use super::source::Source;
use super::store::{Memory, Persistent};
use super::{cns, contact, ias};
use crate::crypto::SystemEntropy;
use crate::environment::{Clock, Entropy};
use crate::transport::Link;

/// A software card. Clones are handles to the same card, and may be used from any thread (`Send` and
/// `Sync`): commands are carried out one after the other.
#[derive(Clone)]
pub struct SoftCard(SharedSlot);

impl SoftCard {
    /// A CIE 3 in memory, with its own source of randomness.
    ///
    /// # Errors
    /// If a key or a field of the personalisation cannot be used.
    pub fn new<E: Entropy + Clone + 'static>(
        personalisation: Personalisation,
        chip: Chip,
        entropy: E,
    ) -> Result<Self, Error> {
        let state = Persistent::new(personalisation, chip);
        Ok(Self::sharing(Card::Cie3(ias::Card::new(state, Box::new(Memory), Source::new(entropy))?)))
    }

    /// A contact card in memory, with its own source of randomness.
    ///
    /// # Errors
    /// If a key or a field of the personalisation cannot be used.
    pub fn new_contact<E: Entropy + Clone + 'static>(
        personalisation: contact::Personalisation,
        model: contact::Model,
        entropy: E,
    ) -> Result<Self, Error> {
        let state = cns::Persistent::new(personalisation, model);
        Ok(Self::sharing(Card::Contact(cns::Card::new(state, Box::new(Memory), Source::new(entropy))?)))
    }

    /// Writes a new file with a CIE 3, which must not exist yet, readable by its owner only.
    ///
    /// # Errors
    /// If the personalisation cannot be used or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, personalisation: Personalisation, chip: Chip) -> Result<(), Error> {
        let state = Persistent::new(personalisation, chip);
        let card = ias::Card::new(state, Box::new(Memory), Source::new(SystemEntropy))?;
        CardFile::create(path.as_ref(), card.persistent())
    }

    /// The same for a contact card.
    ///
    /// # Errors
    /// As [`SoftCard::create`].
    pub fn create_contact(
        path: impl AsRef<Path>,
        personalisation: contact::Personalisation,
        model: contact::Model,
    ) -> Result<(), Error> {
        let state = cns::Persistent::new(personalisation, model);
        let card = cns::Card::new(state, Box::new(Memory), Source::new(SystemEntropy))?;
        CardFile::create(path.as_ref(), card.persistent())
    }

    /// Opens a card file of either kind, with the system's randomness. The file stays locked until the last
    /// handle and the last connection are gone.
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
        let entropy = Source::new(entropy);
        Ok(Self::sharing(match CardFile::open(path.as_ref())? {
            (file, Found::Cie3(state)) => Card::Cie3(ias::Card::new(*state, Box::new(file), entropy)?),
            (file, Found::Contact(state)) => Card::Contact(cns::Card::new(*state, Box::new(file), entropy)?),
        }))
    }

    pub(super) fn of(card: Card) -> Self {
        Self::sharing(card)
    }

    fn sharing(card: Card) -> Self {
        Self(SharedSlot::new(Slot::new(card)))
    }

    /// Lays the card on the reader inside this process, powered up anew, and connects to it; on a virtual
    /// reader of PC/SC it does not lie any more. The terminal's randomness and clock are the system's.
    #[must_use]
    pub fn insert(&self) -> Link {
        Link::new(self.power_up())
    }

    /// The same, with the terminal's randomness and clock given.
    #[must_use]
    pub fn insert_with(&self, entropy: impl Entropy + 'static, clock: impl Clock + 'static) -> Link {
        Link::with_sources(self.power_up(), entropy, clock)
    }

    pub(super) fn slot(&self) -> SharedSlot {
        self.0.clone()
    }

    fn power_up(&self) -> SoftTransport {
        self.0.lock().lay(Place::Here);
        self.transport()
    }

    /// Connects to the card as it lies there, without resetting it. While it lies elsewhere, on no reader
    /// or on a virtual one, the connection says that there is no card.
    #[must_use]
    pub fn transport(&self) -> SoftTransport {
        SoftTransport::new(self.0.clone())
    }

    /// Takes the card off the reader: every connection is dead from now on. A virtual reader of PC/SC sees
    /// it when it next looks, within half a second.
    pub fn remove(&self) {
        self.0.lock().remove();
    }

    /// Resets the card as another program would: every connection is told once. A virtual reader of PC/SC
    /// cannot be told, so for it the card is removed.
    pub fn reset_by_other(&self) {
        self.0.lock().reset();
    }

    /// How many wrong PINs are left.
    #[must_use]
    pub fn pin_tries(&self) -> u8 {
        let [pin, _] = self.0.lock().card.tries_left();
        pin
    }

    /// How many wrong PUKs are left.
    #[must_use]
    pub fn puk_tries(&self) -> u8 {
        let [_, puk] = self.0.lock().card.tries_left();
        puk
    }

    /// How many commands with a PIN or PUK in them got as far as being judged by the card.
    #[must_use]
    pub fn verify_count(&self) -> u32 {
        self.0.lock().card.verify_count()
    }

    /// Another card in memory in exactly this state: open channel, verified PIN and the randomness to
    /// come included. Tampering is not copied.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self(SharedSlot::new(self.0.lock().copy_into_memory()))
    }

    /// Makes the card hostile, or honest again.
    pub fn set_tamper(&self, tamper: Option<Tamper>) {
        self.0.lock().tamper = tamper;
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        self.0.lock().card.atr().to_vec()
    }

    /// How a CIE 3 behaves where chips differ. Of a contact card it has the answer to reset only; the rest
    /// is in
    /// [`SoftCard::contact_profile`].
    #[must_use]
    pub fn profile(&self) -> Profile {
        match &self.0.lock().card {
            Card::Cie3(card) => card.profile().clone(),
            Card::Contact(card) => Profile { atr: card.profile().atr.clone(), ..Chip::Gemalto.profile() },
        }
    }

    /// Changes how a CIE 3 behaves, until this card is gone: a card file keeps the profile that it was made
    /// with. Of a contact card it changes the answer to reset only.
    pub fn set_profile(&self, profile: Profile) {
        match &mut self.0.lock().card {
            Card::Cie3(card) => card.set_profile(profile),
            Card::Contact(card) => {
                let atr = profile.atr;
                card.set_profile(contact::Profile { atr, ..card.profile().clone() });
            }
        }
    }

    /// How a contact card behaves where masks differ; of a CIE 3 nothing.
    #[must_use]
    pub fn contact_profile(&self) -> Option<contact::Profile> {
        match &self.0.lock().card {
            Card::Cie3(_) => None,
            Card::Contact(card) => Some(card.profile().clone()),
        }
    }

    /// Changes how a contact card behaves, until this card is gone: a card file keeps the profile
    /// that it was made with. A CIE 3 stays as it is.
    pub fn set_contact_profile(&self, profile: contact::Profile) {
        if let Card::Contact(card) = &mut self.0.lock().card {
            card.set_profile(profile);
        }
    }
}

impl std::fmt::Debug for SoftCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftCard(..)")
    }
}
