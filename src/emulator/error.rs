//! Why there is no software card.

use std::path::Path;

use super::pki;
use crate::crypto;

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
    /// Keys, certificates or files of a new card could not be made.
    #[error(transparent)]
    Issue(#[from] pki::Error),
    /// A field of the personalisation has no meaning on a card.
    #[error("{0} is malformed")]
    Malformed(&'static str),
}

impl Error {
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), reason: error.to_string() }
    }
}
