//! A command as far as it is told, and what its header is called (ISO/IEC 7816-4 section 11, 7816-8, 7816-9).

use super::parts::Parts;
use crate::iso7816::command::{self, INS_GET_RESPONSE};
use crate::transport::trace::Told;

/// CLA bits of secure messaging with an authenticated header.
const PROTECTED: u8 = 0x0C;
/// CLA bit of a fragment that is not the last one.
const CHAINED: u8 = 0x10;

/// A command with a header that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Apdu<'a> {
    pub(super) header: [u8; 4],
    /// Nc, if it is told and agrees with the bytes that follow.
    pub(super) nc: Option<usize>,
    pub(super) ne: Option<u32>,
    pub(super) data: Parts<'a>,
}

impl<'a> Apdu<'a> {
    /// Reads a command. Whatever has no known header could be anything, a PIN in the wrong line included.
    pub(super) fn read(told: &'a Told) -> Option<Self> {
        let mut rest = Parts::of(told);
        let header = rest.bytes()?;
        name(header)?;
        let empty = Self { header, ..Self::default() };
        if !rest.is_counted() {
            return Some(empty);
        }
        Some(read_body(header, rest).unwrap_or(empty))
    }

    pub(super) fn ins(&self) -> u8 {
        let [_, ins, _, _] = self.header;
        ins
    }

    /// P1 and P2.
    pub(super) fn p1_p2(&self) -> [u8; 2] {
        let [_, _, p1, p2] = self.header;
        [p1, p2]
    }

    pub(super) fn is_protected(&self) -> bool {
        let [cla, ..] = self.header;
        cla & PROTECTED == PROTECTED
    }

    pub(super) fn is_chained(&self) -> bool {
        let [cla, ..] = self.header;
        cla & CHAINED != 0
    }

    pub(super) fn is_get_response(&self) -> bool {
        self.ins() == INS_GET_RESPONSE
    }

    pub(super) fn carries_pin(&self) -> bool {
        command::carries_pin(self.ins())
    }

    /// Whether its data are no more than counted: a PIN or PUK is in them, or can be, in a command within a command or
    /// in what is written.
    pub(super) fn hides_data(&self) -> bool {
        self.carries_pin() || matches!(self.ins(), 0xC2 | 0xC3 | 0xD0..=0xE4)
    }
}

/// Lc, data and Le, where they agree.
fn read_body(header: [u8; 4], mut rest: Parts<'_>) -> Option<Apdu<'_>> {
    let of = |nc, data, ne| Some(Apdu { header, nc: Some(nc), ne, data });
    let length = rest.len();
    if length == 0 {
        return of(0, Parts::default(), None);
    }
    let first = rest.byte()?;
    if length == 1 {
        return of(0, Parts::default(), Some(short_ne(first)));
    }
    if first > 0 {
        let nc = usize::from(first);
        let data = rest.take(nc);
        return match rest.len() {
            _ if data.len() < nc => None,
            0 => of(nc, data, None),
            1 => of(nc, data, Some(short_ne(rest.byte()?))),
            _ => None,
        };
    }
    let number = u16::from_be_bytes(rest.bytes()?);
    let ne = |number| if number == 0 { 0x1_0000 } else { u32::from(number) };
    if rest.is_empty() {
        return of(0, Parts::default(), Some(ne(number)));
    }
    let nc = usize::from(number);
    let data = rest.take(nc);
    match rest.len() {
        _ if data.len() < nc => None,
        0 => of(nc, data, None),
        2 => of(nc, data, Some(ne(u16::from_be_bytes(rest.bytes()?)))),
        _ => None,
    }
}

fn short_ne(le: u8) -> u32 {
    if le == 0 { 256 } else { u32::from(le) }
}

/// What the standard calls the command, if it has a class of the standard or one of a maker and an INS that is known.
/// No two digits are such a header.
pub(super) fn name([cla, ins, ..]: [u8; 4]) -> Option<&'static str> {
    if !matches!(cla & 0xE0, 0x00 | 0x80) {
        return None;
    }
    Some(match ins {
        0x04 => "DEACTIVATE FILE",
        0x0E | 0x0F => "ERASE BINARY",
        0x20 | 0x21 => "VERIFY",
        0x22 => "MANAGE SECURITY ENVIRONMENT",
        0x24 | 0x25 => "CHANGE REFERENCE DATA",
        0x2A => "PERFORM SECURITY OPERATION",
        0x2C | 0x2D => "RESET RETRY COUNTER",
        0x44 => "ACTIVATE FILE",
        0x46 | 0x47 => "GENERATE ASYMMETRIC KEY PAIR",
        0x70 => "MANAGE CHANNEL",
        0x82 => "EXTERNAL AUTHENTICATE",
        0x84 => "GET CHALLENGE",
        0x86 | 0x87 => "GENERAL AUTHENTICATE",
        0x88 => "INTERNAL AUTHENTICATE",
        0xA0 | 0xA1 => "SEARCH BINARY",
        0xA4 => "SELECT",
        0xB0 | 0xB1 => "READ BINARY",
        0xB2 | 0xB3 => "READ RECORD",
        0xC0 => "GET RESPONSE",
        0xC2 | 0xC3 => "ENVELOPE",
        0xCA | 0xCB => "GET DATA",
        0xD0 | 0xD1 => "WRITE BINARY",
        0xD2 => "WRITE RECORD",
        0xD6 | 0xD7 => "UPDATE BINARY",
        0xDA | 0xDB => "PUT DATA",
        0xDC | 0xDD => "UPDATE RECORD",
        0xE0 => "CREATE FILE",
        0xE2 => "APPEND RECORD",
        0xE4 => "DELETE FILE",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P1 and P2, Nc, Ne and the data.
    type Read = ([u8; 2], Option<usize>, Option<u32>, String);

    fn read(told: Told) -> Option<Read> {
        let apdu = Apdu::read(&told)?;
        Some((apdu.p1_p2(), apdu.nc, apdu.ne, apdu.data.beginning(99).to_string()))
    }

    #[test]
    fn every_form_of_a_command_is_read() {
        let all = |hex: &str| read(Told::all(&hex::decode(hex.replace(' ', "")).unwrap()));
        let of = |nc, ne, data: &str| Some(([0, 0], Some(nc), ne, data.to_owned()));
        assert_eq!(all("00A40000"), of(0, None, ""));
        assert_eq!(all("00B00000 00"), of(0, Some(256), ""));
        assert_eq!(all("00A40000 02 3F00"), of(2, None, "3F00"));
        assert_eq!(all("00A40000 02 3F00 10"), of(2, Some(16), "3F00"));
        assert_eq!(all("00B00000 00 0000"), of(0, Some(65_536), ""));
        assert_eq!(all("00880000 00 0002 ABCD"), of(2, None, "ABCD"));
        assert_eq!(all("00880000 00 0002 ABCD 0100"), of(2, Some(256), "ABCD"));
        for unsound in ["00A40000 03 3F00", "00A40000 02 3F00 0000", "00880000 00 0003 ABCD", "00880000 0000"]
        {
            assert_eq!(all(unsound), Some(([0, 0], None, None, String::new())), "{unsound}");
        }
        for unknown in ["", "00A400", "3132333435363738", "FFCA000000", "00330000"] {
            assert_eq!(all(unknown), None, "{unknown}");
        }
        let header = Told::all(&[0, 0x20, 0, 0]);
        assert_eq!(read(header.clone().and_uncounted()), Some(([0, 0], None, None, String::new())));
        let hidden = header.and(&[8]).and_hidden(8).and(&[0]);
        assert_eq!(read(hidden), of(8, Some(256), "[8]"));
        for (first, second) in
            (b'0'..=b'9').flat_map(|first| (b'0'..=b'9').map(move |second| (first, second)))
        {
            assert_eq!(name([first, second, 0, 0]), None);
        }
    }
}
