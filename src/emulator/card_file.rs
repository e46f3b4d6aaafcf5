//! A card in a file: JSON, readable by its owner only, locked while in use, replaced as a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cns;
use super::error::Error;
use super::store::{Persistent, State, Store};

/// Says what the file is, and which layout it has.
const FORMAT: &str = "cie software card 2";
/// Longest file that is read, in bytes; real ones have some fifty thousand.
const FILE_MAX: u64 = 4 << 20;

#[derive(Serialize)]
struct Written<'a, S> {
    format: &'static str,
    kind: &'static str,
    card: &'a S,
}

/// What a file says of itself; the rest of it is looked at only when this is known.
#[derive(Deserialize)]
struct Head {
    format: String,
    kind: String,
}

#[derive(Deserialize)]
struct Body<S> {
    card: S,
}

/// A card of whichever kind.
pub(super) enum Found {
    Cie3(Box<Persistent>),
    Contact(Box<cns::Persistent>),
}

/// The open file of one card. The lock ends when this is dropped.
pub(super) struct CardFile {
    path: PathBuf,
    _lock: File,
}

impl CardFile {
    /// Writes a card where there is none yet.
    pub(super) fn create(path: &Path, state: &impl State) -> Result<(), Error> {
        let bytes = encode(state).map_err(|error| Error::file(path, &error))?;
        write_new(path, &bytes).map_err(|error| Error::file(path, &error))
    }

    /// Takes the lock, then reads the card. What is no card is left as it is, rights included, and gets no
    /// lock beside it.
    pub(super) fn open(path: &Path) -> Result<(Self, Found), Error> {
        let file_error = |error: io::Error| Error::file(path, &error);
        // One name for one file: two names would be two locks, and a link would be replaced.
        let real = fs::canonicalize(path).map_err(file_error)?;
        read(&real, path)?;
        let lock = lock(&sibling(&real, ".lock")).map_err(|error| match error {
            TryLockError::WouldBlock => Error::InUse,
            TryLockError::Error(error) => file_error(error),
        })?;
        // Whoever had the lock until now may have replaced the file.
        let (file, card) = read(&real, path)?;
        close_to_others(&file).map_err(file_error)?;
        Ok((Self { path: real, _lock: lock }, card))
    }
}

/// Reads a card from the file `real`, which the caller calls `path`.
fn read(real: &Path, path: &Path) -> Result<(File, Found), Error> {
    let file_error = |error: io::Error| Error::file(path, &error);
    // Before it is opened: to open a pipe is to wait for somebody to write into it.
    if !fs::metadata(real).map_err(file_error)?.is_file() {
        return Err(Error::Format("not a file".to_owned()));
    }
    let file = File::open(real).map_err(file_error)?;
    let mut bytes = Zeroizing::new(Vec::new());
    (&file).take(FILE_MAX).read_to_end(&mut bytes).map_err(file_error)?;
    let head: Head = decode(&bytes)?;
    if head.format != FORMAT {
        return Err(Error::Format("another format or version".to_owned()));
    }
    let found = match head.kind.as_str() {
        Persistent::KIND => Found::Cie3(Box::new(decode::<Body<_>>(&bytes)?.card)),
        cns::Persistent::KIND => Found::Contact(Box::new(decode::<Body<_>>(&bytes)?.card)),
        _ => return Err(Error::Format("another kind of card".to_owned())),
    };
    Ok((file, found))
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Format(error.to_string()))
}

impl<S: State> Store<S> for CardFile {
    /// A new file beside the old one, forced to disk, then put in its place: a power cut leaves either.
    fn save(&mut self, state: &S) -> io::Result<()> {
        let bytes = encode(state)?;
        let new = sibling(&self.path, ".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_new(&new, &bytes)?;
        fs::rename(&new, &self.path)?;
        // The new state is in place: to report a failure from here on would be to say that it is not.
        let _ = sync_directory(&self.path);
        Ok(())
    }
}

pub(super) fn encode<S: State>(state: &S) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(serde_json::to_vec_pretty(&Written { format: FORMAT, kind: S::KIND, card: state })?))
}

/// The name with something appended, in the same directory.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// For the owner only, whatever the umask.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Takes every right from everybody but the owner: a copy or a restored backup may be open to all.
#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let open_to_others = file.metadata()?.permissions().mode() & 0o077 != 0;
    if open_to_others { file.set_permissions(fs::Permissions::from_mode(0o600)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// Locks a sibling file: the card's own file is replaced, and a lock would go with the old one.
fn lock(path: &Path) -> Result<File, TryLockError> {
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    FileExt::try_lock(&file)?;
    Ok(file)
}

/// Writes a file that must not exist, and forces it and its name to disk.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    if written.is_err() {
        // Half a card is worse than none; the first error is the one to report.
        let _ = fs::remove_file(path);
    }
    written
}

/// Forces the directory's entries to disk, so that a rename survives a power cut.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if cfg!(unix) { File::open(directory.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}
