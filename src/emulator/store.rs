//! What survives a power cut: the card's content and its try counters.

use std::io;

use serde::{Deserialize, Serialize};

use super::personalisation::Personalisation;
use super::profile::Chip;

/// Tries of a PIN that was not mistyped yet.
pub(super) const PIN_TRIES: u8 = 3;
/// Tries of a PUK that was not mistyped yet.
pub(super) const PUK_TRIES: u8 = 10;

/// Everything that outlives a reset.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Persistent {
    pub(super) chip: Chip,
    pub(super) pin_tries: u8,
    pub(super) puk_tries: u8,
    pub(super) personalisation: Personalisation,
}

impl Persistent {
    pub(super) fn new(personalisation: Personalisation, chip: Chip) -> Self {
        Self { chip, pin_tries: PIN_TRIES, puk_tries: PUK_TRIES, personalisation }
    }
}

/// Non-volatile memory. The card writes before it acts on what it wrote.
pub(super) trait Store: Send {
    /// Makes `state` the one that the next power-up finds: entirely, or not at all.
    fn save(&mut self, state: &Persistent) -> io::Result<()>;
}

/// A card that lives as long as its handles.
pub(super) struct Memory;

impl Store for Memory {
    fn save(&mut self, _: &Persistent) -> io::Result<()> {
        Ok(())
    }
}
