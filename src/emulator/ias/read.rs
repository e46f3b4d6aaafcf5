//! READ BINARY in both forms (ISO/IEC 7816-4 section 11.3.3).

use super::{Answer, Card};
use crate::emulator::personalisation::ReadAccess;
use crate::emulator::profile::WrongLe;
use crate::iso7816::apdu::SHORT_NE_MAX;
use crate::iso7816::{Command, Response, StatusWord, tlv};

/// Data object of the offset in the odd form.
const OFFSET: u32 = 0x54;
/// Data object of the bytes read in the odd form.
const DISCRETIONARY: u32 = 0x53;

impl Card {
    /// Even instruction: a 15-bit offset into the current file, or a short identifier and an 8-bit
    /// offset.
    pub(super) fn read_binary(&mut self, command: &Command, protected: bool) -> Answer {
        if !command.data().is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let offset = match (command.p1(), command.p2()) {
            (high @ 0..=0x7F, low) => usize::from(u16::from_be_bytes([high, low])),
            (p1 @ 0x81..=0x9E, low) => {
                self.select_short(p1 & 0x1F)?;
                usize::from(low)
            }
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        let ne = command.ne().ok_or(StatusWord::WRONG_LENGTH)?;
        let rest = self.current_file_from(offset, protected)?;
        let asked = usize::try_from(ne).unwrap_or(usize::MAX);
        let whatever_there_is = ne == SHORT_NE_MAX;
        let corrected = match self.profile.wrong_le {
            WrongLe::Warned => false,
            WrongLe::RefusedInClear => !protected,
            WrongLe::Refused => true,
        };
        if corrected && asked > rest.len() {
            // The rest is shorter than 256 bytes here.
            return Err(StatusWord::from([0x6C, u8::try_from(rest.len()).unwrap_or(0)]));
        }
        let limit = match protected {
            true => self.profile.longest_protected_read,
            false if whatever_there_is => self.profile.longest_clear_read,
            false => asked,
        };
        let read = rest.iter().copied().take(asked.min(limit)).collect();
        let warn = rest.len() < asked && (!whatever_there_is || self.profile.le_zero_warns);
        // A short answer that the limit caused says nothing about the end of the file.
        Ok(Response::new(read, end_of_file(warn && rest.len() <= limit)))
    }

    /// Odd instruction: the file in P2 (a short identifier, or 00 for the current one), the offset in
    /// a data object, the bytes in another, whose header counts as part of Ne.
    pub(super) fn read_binary_odd(&mut self, command: &Command, protected: bool) -> Answer {
        match (command.p1(), command.p2()) {
            (0, 0) => {}
            (0, short @ 0x01..=0x1E) => self.select_short(short)?,
            _ => return Err(StatusWord::WRONG_P1_P2),
        }
        let object = tlv::parse(command.data()).map_err(|_| StatusWord::WRONG_DATA)?;
        if object.tag.0 != OFFSET || object.value.len() > 4 {
            return Err(StatusWord::WRONG_DATA);
        }
        let offset = object.value.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte));
        let asked = usize::try_from(command.ne().ok_or(StatusWord::WRONG_LENGTH)?).unwrap_or(usize::MAX);
        let rest = self.current_file_from(offset, protected)?;
        // Tag and length take two bytes, three for a value of 128 or more.
        let limit = if protected { self.profile.longest_protected_read } else { asked };
        let room = match asked.min(limit).saturating_sub(2) {
            room @ 0..=0x7F => room,
            room => (room - 1).min(0xFF),
        };
        if room == 0 {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let read: Vec<u8> = rest.iter().copied().take(room).collect();
        Ok(Response::new(tlv::encode(DISCRETIONARY, &read), end_of_file(rest.len() < room)))
    }

    /// The content of the current file from `offset` on, which is never nothing.
    fn current_file_from(&self, offset: usize, protected: bool) -> Result<&[u8], StatusWord> {
        let file = self.volatile.file.and_then(|index| self.persistent.personalisation.files.get(index));
        let file = file.ok_or(StatusWord::NO_CURRENT_FILE)?;
        if file.access == ReadAccess::Holder && !self.volatile.is_holder(protected) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        match file.content.get(offset..) {
            None | Some([]) => Err(StatusWord::WRONG_OFFSET),
            Some(rest) => Ok(rest),
        }
    }
}

fn end_of_file(reached: bool) -> StatusWord {
    if reached { StatusWord::END_OF_FILE } else { StatusWord::SUCCESS }
}
