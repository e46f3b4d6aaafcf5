//! One request at a time: two pages that ask at once would have two windows open, and nobody could tell which is which.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

use crate::failure::{self, Failure};

/// How long to wait for the one before: a page that was loaded anew asks while the old one's request is ending.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
pub(super) const NAME: &str = "web-eid.lock";

/// It is this process's turn, until it ends.
pub(super) struct Turn(#[allow(dead_code, reason = "the lock ends with it")] Option<File>);

impl Turn {
    /// Waits a little for it.
    pub(super) fn take() -> Result<Self, Failure> {
        // Where a person has no such folder there is no lock either: the card itself keeps two programs apart.
        let Some(path) = path() else { return Ok(Self(None)) };
        let failed =
            |error: std::io::Error| Failure::Own(failure::OUTPUT, format!("{} ({error})", path.display()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let began = Instant::now();
        loop {
            match FileExt::try_lock(&file) {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::Own(failure::OTHER_REQUEST, String::new()));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// In the folder of the person's session, else in this program's own.
fn path() -> Option<PathBuf> {
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let session = session.filter(|path| path.is_absolute() && path.is_dir()).map(|path| path.join("cie"));
    session.or_else(super::install::data_folder).map(|folder| folder.join(NAME))
}
