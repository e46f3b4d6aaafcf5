//! The reader that a software card lies on, as all its connections see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ias::{Card, Tamper};

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
    pub(super) fn new(card: Card) -> Self {
        Self { card, tamper: None, present: true, removals: 0, resets: 0 }
    }

    /// Resets the card.
    pub(super) fn reset(&mut self) {
        self.card.reset();
        self.resets += 1;
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
