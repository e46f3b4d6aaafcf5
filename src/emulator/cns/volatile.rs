//! What a contact card forgets at a reset: selection, security status, security environment, buffers.

use std::collections::BTreeSet;

use crate::emulator::contact::FilePath;
use crate::emulator::exchange::{Chain, Waiting};

/// What a key was chosen for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Template B8.
    Decipher,
    /// Template B6.
    Sign,
}

/// The security environment.
#[derive(Clone, Default)]
pub(super) struct Environment {
    /// One was restored since the reset or the last change of directory.
    pub(super) restored: bool,
    /// The key that MANAGE SECURITY ENVIRONMENT chose, by its index, and what for.
    pub(super) key: Option<(Operation, usize)>,
}

/// All of it. The default is the state after a reset: the master file is selected.
#[derive(Clone, Default)]
pub(super) struct Volatile {
    /// The directory that everything is seen from: the master file, or an application selected by name.
    pub(super) root: FilePath,
    /// The current directory.
    pub(super) directory: FilePath,
    /// The current file, as an index into the card's files.
    pub(super) file: Option<usize>,
    pub(super) environment: Environment,
    /// The PINs and PUKs that were shown, as indexes into the card's reference data.
    pub(super) shown: BTreeSet<usize>,
    pub(super) chain: Option<Chain>,
    pub(super) waiting: Option<Waiting>,
}
