//! The tree of files as SELECT walks it (ISO/IEC 7816-4 section 7.3).

use crate::emulator::contact::{FilePath, Personalisation};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A directory, by its path.
    Directory(FilePath),
    /// An elementary file, by its index.
    File(usize),
}

/// What lies at a path, as seen under `root`. The directory of an application is a root of its own and is
/// not seen from outside.
pub(super) fn find(given: &Personalisation, root: &FilePath, path: &FilePath) -> Option<Node> {
    if !root.contains(path) {
        return None;
    }
    if path == root {
        return Some(Node::Directory(path.clone()));
    }
    let mut applications = given.directories.iter().filter(|directory| !directory.name.is_empty());
    if applications.any(|application| application.path != *root && application.path.contains(path)) {
        return None;
    }
    if let Some(index) = given.files.iter().position(|file| file.path == *path) {
        return Some(Node::File(index));
    }
    let directory = given.directories.iter().find(|directory| directory.path == *path)?;
    Some(Node::Directory(directory.path.clone()))
}

/// What has an identifier in the directory, else in one of those above it, the nearest first.
pub(super) fn find_near(
    given: &Personalisation,
    root: &FilePath,
    directory: &FilePath,
    identifier: u16,
) -> Option<Node> {
    above(root, directory).find_map(|directory| find(given, root, &directory.child(identifier)))
}

/// The directory and all above it, up to the root.
pub(super) fn above(root: &FilePath, directory: &FilePath) -> impl Iterator<Item = FilePath> + use<> {
    let root = root.clone();
    std::iter::successors(Some(directory.clone()), FilePath::parent)
        .take_while(move |path| root.contains(path))
}

/// The directory of the application with this name.
pub(super) fn application(given: &Personalisation, name: &[u8]) -> Option<FilePath> {
    let found =
        given.directories.iter().find(|directory| !directory.name.is_empty() && directory.name == name)?;
    Some(found.path.clone())
}
