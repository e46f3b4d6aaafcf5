//! What survives a power cut: a card's content and its try counters, and where they are kept.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::personalisation::{Directory, EF_ATR_IDENTIFIER, ElementaryFile, Personalisation};
use super::profile::{Chip, Profile};

/// Where EF.ATR lies.
const EF_ATR: (Directory, u16) = (Directory::Root, EF_ATR_IDENTIFIER);
/// Tries of a PIN that was not mistyped yet.
pub(super) const PIN_TRIES: u8 = 3;
/// Tries of a PUK that was not mistyped yet.
pub(super) const PUK_TRIES: u8 = 10;

/// Everything of a CIE 3 that outlives a reset.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Persistent {
    pub(super) chip: Chip,
    /// How it behaves, if not as its chip usually does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) profile: Option<Profile>,
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
        Self { chip, profile: None, pin_tries: PIN_TRIES, puk_tries: PUK_TRIES, personalisation }
    }
}

impl State for Persistent {
    const KIND: &'static str = "cie3";
}

/// What a kind of card keeps, and the word for the kind in card files.
pub(super) trait State: Serialize + DeserializeOwned {
    const KIND: &'static str;
}

/// Non-volatile memory of a card that keeps an `S`. The card writes before it acts on what it wrote.
pub(super) trait Store<S>: Send {
    /// Makes `state` the one that the next power-up finds: entirely, or not at all.
    fn save(&mut self, state: &S) -> io::Result<()>;
}

/// A card that lives as long as its handles.
pub(super) struct Memory;

impl<S> Store<S> for Memory {
    fn save(&mut self, _: &S) -> io::Result<()> {
        Ok(())
    }
}
