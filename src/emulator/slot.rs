//! Where a software card lies, as all its connections see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::card::Card;
use super::exchange::Tamper;

/// A card lies in one place at a time, like one of plastic: whoever lays it somewhere takes it away from
/// where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On no reader.
    Nowhere,
    /// On the reader inside this process.
    Here,
    /// On a virtual reader of the PC/SC service.
    VirtualReader,
}

/// What a connection saw of the card when it was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    place: Place,
    removals: u64,
    resets: u64,
}

/// Why a connection may not use the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The card was taken away.
    Removed,
    /// Somebody else reset it.
    Reset,
}

/// The card and the place where it lies.
pub(super) struct Slot {
    pub(super) card: Card,
    pub(super) tamper: Option<Tamper>,
    place: Place,
    /// Counts removals: a connection made before one is dead.
    removals: u64,
    /// Counts resets: a connection that did not ask for the last one is told of it.
    resets: u64,
}

impl Slot {
    pub(super) fn new(card: Card) -> Self {
        Self { card, tamper: None, place: Place::Here, removals: 0, resets: 0 }
    }

    /// Another card in memory that lies in the same place, as far as its own connections can tell.
    pub(super) fn copy_into_memory(&self) -> Self {
        Self { card: self.card.copy_into_memory(), tamper: None, ..*self }
    }

    /// Resets the card.
    pub(super) fn reset(&mut self) {
        self.card.reset();
        self.resets += 1;
    }

    /// Lays the card somewhere, powered up anew. Connections to where it was are dead. The reader in this
    /// process is always the same one; a virtual reader is another one each time.
    pub(super) fn lay(&mut self, place: Place) {
        if self.place != Place::Here || place != Place::Here {
            self.remove();
        }
        self.place = place;
        self.reset();
    }

    /// Takes the card away from wherever it lies.
    pub(super) fn remove(&mut self) {
        self.card.reset();
        self.place = Place::Nowhere;
        self.removals += 1;
    }

    /// What a connection to this place sees now.
    pub(super) fn look(&self, place: Place) -> Seen {
        Seen { place, removals: self.removals, resets: self.resets }
    }

    /// Whether the card still lies where the connection saw it, and nobody else reset it.
    pub(super) fn check(&self, seen: Seen) -> Result<(), Lost> {
        if self.place != seen.place || self.removals != seen.removals {
            Err(Lost::Removed)
        } else if self.resets != seen.resets {
            Err(Lost::Reset)
        } else {
            Ok(())
        }
    }

    /// One command APDU in, one response APDU out.
    pub(super) fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.card.transmit(command, &mut self.tamper).encode()
    }
}

/// The slot as the card's handles and connections share it: commands are carried out one after the other.
#[derive(Clone)]
pub(super) struct SharedSlot(Arc<Mutex<Slot>>);

impl SharedSlot {
    pub(super) fn new(slot: Slot) -> Self {
        Self(Arc::new(Mutex::new(slot)))
    }

    /// A panic in a tampering closure leaves the card as it was before it: usable.
    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
