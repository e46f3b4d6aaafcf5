//! Writing a redaction: a new folder, for its owner only, and all of it or nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::{Error, Redacted};
use crate::emulator;

impl Redacted {
    /// Writes the files into a new folder.
    ///
    /// # Errors
    /// [`Error::Card`] with the system's reason if the folder exists or a file cannot be written; nothing is left
    /// behind then.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), Error> {
        let folder = folder.as_ref();
        let failed = |path: &Path, error: &io::Error| Error::Card(emulator::Error::file(path, error));
        make(folder).map_err(|error| failed(folder, &error))?;
        for (name, content) in self.files() {
            let path = folder.join(name);
            if let Err(error) = write(&path, content) {
                // Half a redaction is none; the first error is the one to report.
                let _ = fs::remove_dir_all(folder);
                return Err(failed(&path, &error));
            }
        }
        Ok(())
    }
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}
