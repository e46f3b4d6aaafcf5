//! A card of whichever kind, as a slot and its connections see it.

use super::exchange::Tamper;
use super::{cns, ias};
use crate::iso7816::Response;

/// One card. Both kinds are a few hundred bytes and a heap of keys.
#[allow(clippy::large_enum_variant)]
pub(super) enum Card {
    /// A CIE 3.
    Cie3(ias::Card),
    /// A CNS or an older CIE.
    Contact(cns::Card),
}

impl Card {
    /// One command APDU in, one response APDU out.
    pub(super) fn transmit(&mut self, apdu: &[u8], tamper: &mut Option<Tamper>) -> Response {
        match self {
            Self::Cie3(card) => card.transmit(apdu, tamper),
            Self::Contact(card) => card.transmit(apdu, tamper),
        }
    }

    /// Forgets everything that a card forgets when it loses power.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Cie3(card) => card.reset(),
            Self::Contact(card) => card.reset(),
        }
    }

    /// The answer to reset.
    pub(super) fn atr(&self) -> &[u8] {
        match self {
            Self::Cie3(card) => &card.profile().atr,
            Self::Contact(card) => &card.profile().atr,
        }
    }

    /// How many wrong PINs, and how many wrong PUKs, are left.
    pub(super) fn tries_left(&self) -> [u8; 2] {
        match self {
            Self::Cie3(card) => [card.persistent().pin_tries, card.persistent().puk_tries],
            Self::Contact(card) => card.tries_left(),
        }
    }

    /// How many commands with a PIN or PUK in them were judged.
    pub(super) fn verify_count(&self) -> u32 {
        match self {
            Self::Cie3(card) => card.verify_count(),
            Self::Contact(card) => card.verify_count(),
        }
    }

    /// The same card in the same state, without its file.
    pub(super) fn copy_into_memory(&self) -> Self {
        match self {
            Self::Cie3(card) => Self::Cie3(card.copy_into_memory()),
            Self::Contact(card) => Self::Contact(card.copy_into_memory()),
        }
    }
}
