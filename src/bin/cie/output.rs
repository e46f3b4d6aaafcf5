//! Where words go: results to standard output, the rest to standard error; as text or as one JSON object.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use cie::Language;
use serde_json::{Value, json};

use crate::failure::{self, Failure};

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) language: Language,
    pub(crate) json: bool,
}

impl Output {
    /// The result of a command: the object, or the text, which ends its lines itself.
    pub(crate) fn result(self, object: &Value, text: &str) -> Result<(), Failure> {
        if self.json {
            self.bytes(format!("{object}\n").as_bytes())
        } else {
            self.bytes(printable(text).as_bytes())
        }
    }

    /// Bytes as they are, to standard output.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
            // Whoever reads us has seen enough, as in `cie readers | head -1`.
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::Own(failure::OUTPUT, format!("- ({error})")),
        })
    }

    /// A word on the way, for a person only.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{}", printable(text));
        }
    }

    /// Says why the command ends early, and gives the exit status.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        let said = match failure {
            Failure::Unread => String::new(),
            _ if self.json => format!("{}\n", failure.to_json(self.language)),
            _ => printable(&failure.to_text(self.language)),
        };
        // Nobody is left to be told that this cannot be told.
        let _ = io::stderr().lock().write_all(said.as_bytes());
        failure.status()
    }
}

/// Text without what a terminal obeys: a reader's name comes from the device, a file's from anybody.
fn printable(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

/// Refuses a file that must not be there, before anything costs something.
pub(crate) fn check_new(path: &Path, force: bool) -> Result<(), Failure> {
    let exists = !force && path.symlink_metadata().is_ok();
    if exists { Err(Failure::Own(failure::EXISTS, path.display().to_string())) } else { Ok(()) }
}

/// Writes a file; an old one is replaced only by `force`.
pub(crate) fn write_file(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    write(path, bytes, force, false)
}

/// Writes a file that only its owner may read; an old one is replaced only by `force`, and is private then as well.
pub(crate) fn write_private(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    write(path, bytes, force, true)
}

fn write(path: &Path, bytes: &[u8], force: bool, private: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(force).create(force).create_new(!force);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        #[cfg(unix)]
        if private && force && file.metadata()?.is_file() {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        file.write_all(bytes)
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Own(failure::EXISTS, path.display().to_string()),
        _ => Failure::Own(failure::OUTPUT, format!("{} ({error})", path.display())),
    })
}

/// A path for JSON.
pub(crate) fn path(path: &Path) -> Value {
    json!(path.display().to_string())
}
