//! Why a card was not recognised, or did not do what it was asked.

use crate::{cns, dialogue, ias, pin, secret};

/// Why a card was not recognised, or what its own protocol says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The card answers, but not what the cards known here answer; with the first answer that differs from a
    /// CIE 3's.
    #[error("not an electronic identity card: {0}")]
    NotACie(ias::Error),
    /// The card's answer to reset is that of a contact card, and its files are not.
    #[error("a card like a CNS, with other files: {0}")]
    Unsupported(cns::Error),
    /// The link failed, or the answers are not even those of a card: what lies there is not known.
    #[error(transparent)]
    Failed(ias::Error),
    /// The dialogue with a CIE 3.
    #[error(transparent)]
    Cie3(#[from] ias::Error),
    /// The dialogue with a contact card.
    #[error(transparent)]
    Contact(#[from] cns::Error),
    /// What was typed is no PIN or PUK of this kind of card; nothing was sent.
    #[error(transparent)]
    Malformed(#[from] secret::Malformed),
}

impl Error {
    /// What the card said of the PIN or PUK, whichever it was asked about, if the error is about that.
    #[must_use]
    pub fn pin_error(&self) -> Option<&pin::Error> {
        match self {
            Self::Cie3(error) => error.pin_error(),
            Self::Contact(error) => error.pin_error(),
            _ => None,
        }
    }
}

/// A refusal that gives back what was put in.
pub type Refused<T> = dialogue::Refused<T, Error>;
