//! Changes of files that can all be taken back, as long as the command runs.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What was changed, and how it was before.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Undo>);

#[derive(Debug)]
enum Undo {
    /// A folder that was not there.
    Folder(PathBuf),
    /// A file, and what was in it, if it was there.
    File(PathBuf, Option<(Vec<u8>, Permissions)>),
}

/// What could not be changed, and why.
#[derive(Debug)]
pub(super) struct Failed(pub(super) PathBuf, pub(super) io::Error);

impl Failed {
    /// For a person.
    pub(super) fn told(&self) -> String {
        format!("{} ({})", self.0.display(), self.1)
    }
}

impl Changes {
    /// Makes a folder and those above it, for their owner only.
    pub(super) fn folder(&mut self, folder: &Path) -> Result<(), Failed> {
        for folder in missing(folder)?.into_iter().rev() {
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(&folder).map_err(|error| Failed(folder.clone(), error))?;
            self.0.push(Undo::Folder(folder));
        }
        Ok(())
    }

    /// Writes a file; whoever reads it meanwhile reads the old one or the new one. One that is as it should be stays.
    pub(super) fn write(&mut self, file: &Path, bytes: &[u8], mode: u32) -> Result<(), Failed> {
        let failed = |error| Failed(file.to_owned(), error);
        let before = before(file).map_err(failed)?;
        if before.as_ref().is_some_and(|(old, permissions)| old == bytes && has_mode(permissions, mode)) {
            return Ok(());
        }
        replace(file, bytes, permissions(mode)).map_err(failed)?;
        self.0.push(Undo::File(file.to_owned(), before));
        Ok(())
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, file: &Path) -> Result<(), Failed> {
        let failed = |error| Failed(file.to_owned(), error);
        let before = before(file).map_err(failed)?;
        fs::remove_file(file).map_err(failed)?;
        self.0.push(Undo::File(file.to_owned(), before));
        Ok(())
    }

    /// Makes everything as it was before; gives what could not be.
    pub(super) fn take_back(self) -> Vec<Failed> {
        let undo = |undo| match undo {
            Undo::Folder(folder) => fs::remove_dir(&folder).map_err(|error| Failed(folder, error)),
            Undo::File(file, None) => fs::remove_file(&file).map_err(|error| Failed(file, error)),
            Undo::File(file, Some((bytes, permissions))) => {
                replace(&file, &bytes, Some(permissions)).map_err(|error| Failed(file, error))
            }
        };
        self.0.into_iter().rev().filter_map(|change| undo(change).err()).collect()
    }
}

/// The folders that have to be made for one to be there, itself first. Where one can never be is an error.
pub(super) fn missing(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut missing = Vec::new();
    for above in folder.ancestors() {
        match fs::metadata(above) {
            Ok(data) if data.is_dir() => break,
            Ok(_) => return Err(Failed(above.to_owned(), io::ErrorKind::NotADirectory.into())),
            // A symbolic link that leads nowhere is there all the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound && above.symlink_metadata().is_err() => {
                missing.push(above.to_owned());
            }
            // What is above tells why.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(Failed(above.to_owned(), error)),
        }
    }
    Ok(missing)
}

fn before(file: &Path) -> io::Result<Option<(Vec<u8>, Permissions)>> {
    match fs::metadata(file) {
        Ok(data) => Ok(Some((fs::read(file)?, data.permissions()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn has_mode(permissions: &Permissions, mode: u32) -> bool {
    std::os::unix::fs::PermissionsExt::mode(permissions) & 0o7777 == mode
}

#[cfg(not(unix))]
fn has_mode(_: &Permissions, _: u32) -> bool {
    true
}

/// The permissions that a file gets, if this system has such.
#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_: u32) -> Option<Permissions> {
    None
}

/// Puts a whole file in the place of another, or of none.
fn replace(file: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let name = format!(".{}.{}.new", name.to_string_lossy(), std::process::id());
    let new = folder.join(name);
    let write = |mut new: File| {
        new.write_all(bytes)?;
        if let Some(permissions) = permissions {
            new.set_permissions(permissions)?;
        }
        new.sync_all()
    };
    let made = OpenOptions::new().write(true).create_new(true).open(&new)?;
    let outcome = write(made).and_then(|()| fs::rename(&new, file));
    if outcome.is_err() {
        let _ = fs::remove_file(&new);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_taken_back() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::write(path("old"), "old").unwrap();
        fs::write(path("gone"), "gone").unwrap();
        let mut changes = Changes::default();
        changes.folder(&path("a/b")).unwrap();
        changes.folder(&path("a/b")).unwrap();
        changes.write(&path("a/b/new"), b"new", 0o644).unwrap();
        changes.write(&path("old"), b"changed", 0o755).unwrap();
        changes.write(&path("old"), b"changed again", 0o755).unwrap();
        changes.remove(&path("gone")).unwrap();
        assert_eq!(fs::read(path("old")).unwrap(), b"changed again");
        assert!(path("a/b/new").exists() && !path("gone").exists());
        let Failed(failed, error) = changes.write(&path("none/x"), b"", 0o644).unwrap_err();
        assert_eq!((failed, error.kind()), (path("none/x"), io::ErrorKind::NotFound));
        assert!(changes.take_back().is_empty());
        let mut left: Vec<_> =
            fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["gone", "old"]);
        assert_eq!(fs::read(path("old")).unwrap(), b"old");
        assert_eq!(fs::read(path("gone")).unwrap(), b"gone");
    }

    #[test]
    fn what_cannot_be_taken_back_is_told() {
        let root = tempfile::tempdir().unwrap();
        let mut changes = Changes::default();
        changes.folder(&root.path().join("a")).unwrap();
        fs::write(root.path().join("a/somebody-elses"), "").unwrap();
        let left = changes.take_back();
        assert!(left.len() == 1 && left[0].told().contains("/a ("), "{left:?}");
    }

    #[test]
    fn a_folder_that_can_never_be_is_known_before() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        assert_eq!(missing(&path("a/b")).unwrap(), [path("a/b"), path("a")]);
        assert!(missing(root.path()).unwrap().is_empty());
        fs::write(path("file"), "").unwrap();
        for below in ["file", "file/a", "file/a/b"] {
            let Failed(failed, error) = missing(&path(below)).unwrap_err();
            assert_eq!((failed, error.kind()), (path("file"), io::ErrorKind::NotADirectory), "{below}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
            assert_eq!(missing(&path("link/a")).unwrap_err().0, path("link"));
        }
    }
}
