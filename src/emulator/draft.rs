//! A card before it is anywhere: what is in it and how it behaves, to be written into a file or used in memory.

use zeroize::Zeroizing;

use super::card::Card;
use super::card_file;
use super::contact::{self, Model};
use super::error::Error;
use super::personalisation::Personalisation;
use super::profile::{Chip, Profile};
use super::soft_card::SoftCard;
use super::source::Source;
use super::store::{Memory, PIN_TRIES, PUK_TRIES, Persistent};
use super::{cns, ias};
use crate::environment::Entropy;

/// A card of either kind that behaves as its profile says, in memory and in its file.
#[derive(Clone)]
pub(crate) enum Draft {
    /// A CIE 3.
    Cie3(Box<Persistent>),
    /// A contact card.
    Contact(Box<cns::Persistent>),
}

impl Draft {
    /// A CIE 3 that has so many tries of its PIN and PUK left.
    pub(crate) fn cie3(
        personalisation: Personalisation,
        chip: Chip,
        profile: Profile,
        [pin_tries, puk_tries]: [Option<u8>; 2],
    ) -> Self {
        let profile = (profile != chip.profile()).then_some(profile);
        let (pin_tries, puk_tries) = (pin_tries.unwrap_or(PIN_TRIES), puk_tries.unwrap_or(PUK_TRIES));
        let state = Persistent::new(personalisation, chip);
        Self::Cie3(Box::new(Persistent { profile, pin_tries, puk_tries, ..state }))
    }

    /// A contact card; its tries are in its content.
    pub(crate) fn contact(
        personalisation: contact::Personalisation,
        model: Model,
        profile: contact::Profile,
    ) -> Self {
        let profile = (profile != model.profile()).then_some(profile);
        Self::Contact(Box::new(cns::Persistent::with_profile(personalisation, model, profile)))
    }

    /// The files of a CIE 3: their identifiers and what is in them.
    pub(crate) fn files(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let files = match self {
            Self::Cie3(state) => state.personalisation.files.as_slice(),
            Self::Contact(_) => &[],
        };
        files.iter().map(|file| (file.identifier, file.content.as_slice()))
    }

    /// Gives a file of a CIE 3 another length, with zeros or without its end.
    pub(crate) fn resize(&mut self, identifier: u16, length: usize) {
        if let Self::Cie3(state) = self {
            let files = &mut state.personalisation.files;
            if let Some(file) = files.iter_mut().find(|file| file.identifier == identifier) {
                file.content.resize(length, 0);
            }
        }
    }

    /// What its file has in it.
    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let encoded = match self {
            Self::Cie3(state) => card_file::encode(&**state),
            Self::Contact(state) => card_file::encode(&**state),
        };
        encoded.map_err(|error| Error::Format(error.to_string()))
    }

    /// The card in memory.
    pub(crate) fn in_memory<E: Entropy + Clone + 'static>(&self, entropy: E) -> Result<SoftCard, Error> {
        let entropy = Source::new(entropy);
        Ok(SoftCard::of(match self {
            Self::Cie3(state) => Card::Cie3(ias::Card::new((**state).clone(), Box::new(Memory), entropy)?),
            Self::Contact(state) => {
                Card::Contact(cns::Card::new((**state).clone(), Box::new(Memory), entropy)?)
            }
        }))
    }
}
