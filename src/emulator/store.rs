//! What survives a power cut: the card's content and its try counters.

use std::io;

use serde::{Deserialize, Serialize};

use super::personalisation::{Directory, EF_ATR_IDENTIFIER, ElementaryFile, Personalisation};
use super::profile::Chip;

/// Where EF.ATR lies.
const EF_ATR: (Directory, u16) = (Directory::Root, EF_ATR_IDENTIFIER);
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
    /// A card of this chip, which brings its own EF.ATR along: whoever personalises does not write it.
    pub(super) fn new(mut personalisation: Personalisation, chip: Chip) -> Self {
        let is_ef_atr = |file: &&mut ElementaryFile| (file.directory, file.identifier) == EF_ATR;
        if let Some(file) = personalisation.files.iter_mut().find(is_ef_atr) {
            file.content = chip.ef_atr();
        }
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
