//! SELECT (ISO/IEC 7816-4 section 11.2.2) and the file control parameters it can give (section 7.4.3).

use super::{Answer, Card, data, done};
use crate::emulator::personalisation::{Directory, ElementaryFile, ReadAccess};
use crate::iso7816::{Command, StatusWord, tlv};

/// Name of the IAS application, which is the root.
const IAS: [u8; 13] = hex_literal::hex!("A0000000308000000009816001");
/// Name of the CIE application, a directory under it.
const CIE: [u8; 6] = hex_literal::hex!("A00000000039");
/// Identifier of the master file.
const MASTER_FILE: [u8; 2] = [0x3F, 0x00];

/// P2: give the file control parameters.
const GIVE_PARAMETERS: u8 = 0x04;

impl Card {
    pub(super) fn select(&mut self, command: &Command, protected: bool) -> Answer {
        let parameters_wanted = match command.p2() {
            // Over secure messaging the parameters come only to whoever says how long they may be.
            GIVE_PARAMETERS => !protected || command.ne().is_some(),
            0x00 | 0x0C => false,
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        let parameters = match (command.p1(), command.data()) {
            (0x00, []) => self.enter(Directory::Root, protected),
            (0x00, identifier) if *identifier == MASTER_FILE => self.enter(Directory::Root, protected),
            (0x00 | 0x02, &[high, low]) => self.select_file(u16::from_be_bytes([high, low]))?,
            (0x00 | 0x02, _) => return Err(StatusWord::WRONG_LENGTH),
            (0x04, name) => self.select_by_name(name, protected)?,
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        Ok(if parameters_wanted { data(parameters) } else { done() })
    }

    fn select_by_name(&mut self, name: &[u8], protected: bool) -> Result<Vec<u8>, StatusWord> {
        let directory = match name {
            name if *name == IAS && self.profile.knows_ias_by_name => Directory::Root,
            // Below the root, so only from within it.
            name if *name == CIE && self.volatile.directory.is_some() => Directory::Cie,
            _ => return Err(StatusWord::FILE_NOT_FOUND),
        };
        Ok(self.enter(directory, protected))
    }

    /// Makes a directory the current one; gives its parameters. In clear this ends secure messaging,
    /// and a holder who showed the PIN did so to the directory that was left.
    fn enter(&mut self, directory: Directory, protected: bool) -> Vec<u8> {
        if !protected {
            self.volatile.close_channel();
        }
        if self.volatile.directory != Some(directory) {
            self.volatile.forget_holder();
            self.volatile.environment = Default::default();
        }
        self.volatile.directory = Some(directory);
        self.volatile.file = None;
        let name = match directory {
            Directory::Root => tlv::encode(0x84, &IAS),
            Directory::Cie => tlv::encode(0x84, &CIE),
        };
        let descriptor = tlv::encode(0x82, &[0x38]);
        tlv::encode(0x62, &[descriptor, name, tlv::encode(0x8A, &[0x05])].concat())
    }

    /// Makes a file of the current directory the current one; gives its parameters.
    fn select_file(&mut self, identifier: u16) -> Result<Vec<u8>, StatusWord> {
        let directory = self.volatile.directory;
        let found = self.find_file(|file| Some(file.directory) == directory && file.identifier == identifier);
        let (index, file) = found.ok_or(StatusWord::FILE_NOT_FOUND)?;
        let parameters = file_parameters(file);
        self.volatile.file = Some(index);
        Ok(parameters)
    }

    /// Makes the file with this short identifier in the current directory the current one.
    pub(super) fn select_short(&mut self, short_identifier: u8) -> Result<(), StatusWord> {
        let directory = self.volatile.directory;
        let found = self
            .find_file(|file| Some(file.directory) == directory && file.short_identifier == short_identifier);
        let (index, _) = found.ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.volatile.file = Some(index);
        Ok(())
    }

    fn find_file(&self, is_it: impl Fn(&ElementaryFile) -> bool) -> Option<(usize, &ElementaryFile)> {
        self.persistent.personalisation.files.iter().enumerate().find(|(_, file)| is_it(file))
    }
}

/// Size, descriptor, identifiers, life cycle and access rules of a transparent file.
fn file_parameters(file: &ElementaryFile) -> Vec<u8> {
    let size = u16::try_from(file.content.len()).unwrap_or(u16::MAX);
    // Access mode READ, then its condition: none, or all of secure messaging, external and user
    // authentication.
    let rule = match file.access {
        ReadAccess::Always => [0x01, 0x00],
        ReadAccess::Holder => [0x01, 0xF1],
    };
    let rules = [tlv::encode(0x8C, &rule), tlv::encode(0x9C, &rule)].concat();
    let objects = [
        tlv::encode(0x80, &size.to_be_bytes()),
        tlv::encode(0x82, &[0x01]),
        tlv::encode(0x83, &file.identifier.to_be_bytes()),
        tlv::encode(0x88, &[file.short_identifier << 3]),
        tlv::encode(0x8A, &[0x05]),
        tlv::encode(0xA1, &rules),
    ];
    tlv::encode(0x62, &objects.concat())
}
