//! READ BINARY (ISO/IEC 7816-4 section 11.3.3), with every way in which masks tell the end of a file.

use super::{Answer, Card};
use crate::emulator::contact::{AtEnd, ElementaryFile, ReadAccess, ShortRead};
use crate::iso7816::apdu::{EXTENDED_NE_MAX, SHORT_NE_MAX};
use crate::iso7816::{Command, Response, StatusWord};

/// 6981: not for files of this structure.
const WRONG_STRUCTURE: StatusWord = StatusWord::new(0x6981);

impl Card {
    /// A 15-bit offset into the current file; there are no short identifiers.
    pub(super) fn read_binary(&self, command: &Command) -> Answer {
        if !command.data().is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let ne = command.ne().ok_or(StatusWord::WRONG_LENGTH)?;
        // 00, or 0000 in an extended length: whatever there is.
        let open = matches!(ne, SHORT_NE_MAX | EXTENDED_NE_MAX);
        if open && !self.profile.reads_256 {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if command.p1() > 0x7F {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let file = self.current_file()?;
        self.check_access(file)?;
        let offset = usize::from(u16::from_be_bytes([command.p1(), command.p2()]));
        let rest = match (file.content.get(offset..), self.profile.at_end) {
            (None, _) | (Some([]), AtEnd::Refused) => return Err(StatusWord::WRONG_OFFSET),
            (Some([]), AtEnd::Warned) => return Err(StatusWord::END_OF_FILE),
            (Some(rest), _) => rest,
        };
        let asked = usize::try_from(ne).unwrap_or(usize::MAX);
        if asked <= rest.len() {
            return Ok(Response::new(rest.iter().copied().take(asked).collect(), StatusWord::SUCCESS));
        }
        let status = match self.profile.short_read {
            ShortRead::Usual if open => StatusWord::SUCCESS,
            ShortRead::Success => StatusWord::SUCCESS,
            ShortRead::Usual | ShortRead::Warned => StatusWord::END_OF_FILE,
            // 00 stands for 256 or more.
            ShortRead::Corrected => {
                return Err(StatusWord::from([0x6C, u8::try_from(rest.len()).unwrap_or(0)]));
            }
        };
        Ok(Response::new(rest.to_vec(), status))
    }

    /// Every file is written by the issuer only, over secure messaging.
    pub(super) fn update_binary(&self) -> Answer {
        self.current_file()?;
        Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED)
    }

    /// No file has records.
    pub(super) fn read_record(&self) -> Answer {
        self.current_file()?;
        Err(WRONG_STRUCTURE)
    }

    fn current_file(&self) -> Result<&ElementaryFile, StatusWord> {
        let index = self.volatile.file.ok_or(StatusWord::NO_CURRENT_FILE)?;
        self.persistent.personalisation.files.get(index).ok_or(StatusWord::NO_CURRENT_FILE)
    }

    fn check_access(&self, file: &ElementaryFile) -> Result<(), StatusWord> {
        let allowed = match file.access {
            ReadAccess::Always => true,
            ReadAccess::Never => false,
            ReadAccess::After(pin) => self.is_shown(&self.volatile.directory, pin),
        };
        if allowed { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
    }
}
