//! SELECT (ISO/IEC 7816-4 section 11.2.2), as the contact cards have it. One that fails changes nothing.

use super::control_information::{of_directory, of_file};
use super::tree::{self, Node};
use super::volatile::Environment;
use super::{Answer, Card, data, done};
use crate::emulator::contact::{FilePath, Paths};
use crate::iso7816::{Command, StatusWord};

/// Identifier of the master file, wherever one is.
const MASTER_FILE: u16 = 0x3F00;

impl Card {
    pub(super) fn select(&mut self, command: &Command) -> Answer {
        let information_wanted = match command.p2() {
            // Over T=0 nobody can ask for an answer in the same breath.
            0x00 => command.ne().is_some() || self.profile.answers_wait,
            0x0C => false,
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        let node = match (command.p1(), command.data()) {
            (0x00, []) => Node::Directory(self.volatile.root.clone()),
            (0x00, &[high, low]) => self.by_identifier(u16::from_be_bytes([high, low]))?,
            (0x03, []) => self.parent()?,
            (0x04, name) => {
                let directory = tree::application(&self.persistent.personalisation, name);
                let directory = directory.ok_or(StatusWord::FILE_NOT_FOUND)?;
                self.enter(&directory);
                self.volatile.root = directory.clone();
                Node::Directory(directory)
            }
            (0x08, path) => {
                match self.profile.paths {
                    Paths::Both => {}
                    Paths::FromCurrent => return Err(StatusWord::WRONG_P1_P2),
                    Paths::Refused(status) => return Err(status),
                }
                self.by_path(&self.volatile.root, path)?
            }
            (0x09, path) => {
                if let Paths::Refused(status) = self.profile.paths {
                    return Err(status);
                }
                self.by_path(&self.volatile.directory, path)?
            }
            (0x00 | 0x03, _) => return Err(StatusWord::WRONG_LENGTH),
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        let information = self.make_current(node);
        Ok(if information_wanted { data(information) } else { done() })
    }

    /// In the current directory, else in those above it; 3F00 is the master file from everywhere.
    fn by_identifier(&self, identifier: u16) -> Result<Node, StatusWord> {
        if identifier == MASTER_FILE {
            return Ok(Node::Directory(self.volatile.root.clone()));
        }
        let (given, here) = (&self.persistent.personalisation, &self.volatile);
        tree::find_near(given, &here.root, &here.directory, identifier).ok_or(StatusWord::FILE_NOT_FOUND)
    }

    fn parent(&self) -> Result<Node, StatusWord> {
        let parent = self.volatile.directory.parent().ok_or(StatusWord::FILE_NOT_FOUND)?;
        let found = tree::find(&self.persistent.personalisation, &self.volatile.root, &parent);
        found.ok_or(StatusWord::FILE_NOT_FOUND)
    }

    fn by_path(&self, start: &FilePath, path: &[u8]) -> Result<Node, StatusWord> {
        let path = start.below(path).filter(|_| !path.is_empty()).ok_or(StatusWord::WRONG_LENGTH)?;
        let found = tree::find(&self.persistent.personalisation, &self.volatile.root, &path);
        found.ok_or(StatusWord::FILE_NOT_FOUND)
    }

    /// Makes it current; gives its control information. A file brings its directory along.
    fn make_current(&mut self, node: Node) -> Vec<u8> {
        let style = self.profile.control_information;
        match node {
            Node::Directory(path) => {
                self.enter(&path);
                let directories = &self.persistent.personalisation.directories;
                let name = directories.iter().find(|directory| directory.path == path);
                let identifier = if path == self.volatile.root { MASTER_FILE } else { path.identifier() };
                of_directory(style, identifier, name.map_or(&[], |directory| &directory.name))
            }
            Node::File(index) => {
                let file = self.persistent.personalisation.files.get(index);
                let (information, parent) = match file {
                    Some(file) => (of_file(style, file), file.path.parent()),
                    None => (Vec::new(), None),
                };
                self.enter(&parent.unwrap_or_default());
                self.volatile.file = Some(index);
                information
            }
        }
    }

    /// Makes a directory the current one. In another one than before the security environment is gone, and
    /// what was shown to a directory is not known outside of it.
    fn enter(&mut self, directory: &FilePath) {
        let here = &mut self.volatile;
        here.file = None;
        if here.directory == *directory {
            return;
        }
        here.directory = directory.clone();
        here.environment = Environment::default();
        let known = &self.persistent.personalisation.reference_data;
        here.shown.retain(|index| known.get(*index).is_some_and(|data| data.directory.contains(directory)));
    }
}
