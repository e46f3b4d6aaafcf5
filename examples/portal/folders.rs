//! Revocation lists in folders that somebody fills.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cie::login::RelyingParty;

/// The most bytes of a list.
const LIST_MAX: u64 = 64 << 20;

/// The lists of some folders, and which files were looked at.
pub(crate) struct Folders {
    folders: Vec<PathBuf>,
    seen: HashMap<PathBuf, SystemTime>,
}

impl Folders {
    pub(crate) fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, seen: HashMap::new() }
    }

    /// Reads the files that are new or have changed. What is no list is named in the log, once, and passed over.
    ///
    /// The error is a folder that cannot be read; the others are read all the same.
    pub(crate) fn read(&mut self, party: &RelyingParty) -> Result<(), String> {
        let mut outcome = Ok(());
        for folder in self.folders.clone() {
            match fs::read_dir(&folder) {
                Ok(entries) => {
                    let paths = entries.flatten().map(|entry| entry.path());
                    paths.filter(|path| path.is_file()).for_each(|path| self.read_one(&path, party));
                }
                Err(error) => outcome = outcome.and(Err(format!("{}: {error}", folder.display()))),
            }
        }
        outcome
    }

    fn read_one(&mut self, path: &Path, party: &RelyingParty) {
        let look = || -> std::io::Result<_> {
            let modified = fs::metadata(path)?.modified()?;
            if self.seen.get(path) == Some(&modified) {
                return Ok(None);
            }
            let mut list = Vec::new();
            fs::File::open(path)?.take(LIST_MAX + 1).read_to_end(&mut list)?;
            Ok(Some((modified, list)))
        };
        let outcome = match look() {
            Ok(None) => Ok(()),
            Ok(Some((modified, list))) => {
                self.seen.insert(path.to_owned(), modified);
                party.revocation().add_list(&list).map_err(|fault| fault.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = outcome {
            crate::log(format_args!("{}: passed over: {reason}", path.display()));
        }
    }
}
