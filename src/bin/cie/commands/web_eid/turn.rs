//! One request at a time: two pages that ask at once would have two windows open, and nobody could tell which is which.

use std::fs::File;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

/// How long to wait for the one before: a page that was loaded anew asks while the old one's request is ending.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// It is this process's turn, until it ends.
pub(super) struct Turn(#[allow(dead_code, reason = "the lock ends with it")] Option<File>);

impl Turn {
    /// Waits a little for it; none if somebody else keeps it. The lock is on the folder of this program, which nobody
    /// else's programs lock and no file has to be left for. Where that cannot be had, the card alone keeps two programs
    /// apart.
    pub(super) fn take() -> Option<Self> {
        let Some(folder) = super::install::data_folder().and_then(|folder| File::open(folder).ok()) else {
            return Some(Self(None));
        };
        let began = Instant::now();
        loop {
            match FileExt::try_lock(&folder) {
                Ok(()) => return Some(Self(Some(folder))),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return None,
                Err(TryLockError::Error(_)) => return Some(Self(None)),
            }
        }
    }
}
