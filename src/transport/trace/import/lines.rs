//! Lines of a log and hexadecimal digits in them; the bytes are anybody's.

use zeroize::Zeroizing;

use super::Reason;
use crate::transport::trace::told::BYTES_MAX;

/// How many bytes a program's dump has in a line.
const DUMP_WIDTH: usize = 16;

/// A line without its break.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Without blanks at the end; `None` if it is longer than [`LOG_LINE_MAX`](super::LOG_LINE_MAX).
    pub(super) text: Option<&'a [u8]>,
    /// The log breaks off in it.
    pub(super) is_cut: bool,
}

/// The lines of a log, one after the other.
pub(super) fn lines(log: &[u8]) -> impl Iterator<Item = Line<'_>> {
    log.split_inclusive(|byte| *byte == b'\n').enumerate().map(|(index, text)| {
        let (is_cut, text) = (!text.ends_with(b"\n"), text.trim_ascii_end());
        let fits = text.len() <= super::LOG_LINE_MAX;
        Line { number: index + 1, text: fits.then_some(text), is_cut }
    })
}

/// The log without what colours a terminal (ECMA-48 control sequences), if it has any.
pub(super) fn without_colours(log: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const ESCAPE: u8 = 0x1B;
    if !log.contains(&ESCAPE) {
        return None;
    }
    // As long as the log, so that it never moves and leaves a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(log.len()));
    let mut parts = log.split(|byte| *byte == ESCAPE);
    plain.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        let sequence = part.strip_prefix(b"[").unwrap_or_default();
        let end = sequence.iter().position(|byte| !matches!(byte, 0x20..=0x3F));
        let rest = end.and_then(|end| sequence.get(end..)).unwrap_or_default();
        let rest = match rest {
            [0x40..=0x7E, rest @ ..] => rest,
            _ if part.starts_with(b"[") => rest,
            _ => part,
        };
        plain.extend_from_slice(rest);
    }
    Some(plain)
}

/// What stands behind `mark`, wherever that is.
pub(super) fn after<'a>(text: &'a [u8], mark: &str) -> Option<&'a [u8]> {
    let at = text.windows(mark.len()).position(|window| window == mark.as_bytes())?;
    text.get(at + mark.len()..)
}

/// Whether `mark` stands anywhere.
pub(super) fn has(text: &[u8], mark: &str) -> bool {
    after(text, mark).is_some()
}

/// The number that a text begins with, in decimal digits; the largest there is for a larger one.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number: Option<u64>, digit| {
        let number = number.unwrap_or(0).saturating_mul(10);
        Some(number.saturating_add(u64::from(digit - b'0')))
    })
}

/// The number behind `0x`.
pub(super) fn code(text: &[u8]) -> Option<u64> {
    let text = after(text, "0x")?;
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    u64::from_str_radix(std::str::from_utf8(text.get(..digits)?).ok()?, 16).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn byte(high: u8, low: u8) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

/// Bytes that grow, and leave no copy behind.
#[derive(Default)]
pub(super) struct Bytes(Zeroizing<Vec<u8>>);

impl Bytes {
    /// One more; there are never more than an APDU has.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Reason> {
        if self.0.len() == BYTES_MAX {
            return Err(Reason::TooLong);
        }
        if self.0.len() == self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity((2 * self.0.len()).max(64)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.push(byte);
        Ok(())
    }

    /// Those of a text of hexadecimal digits: two for each byte; between bytes blanks, colons and commas, and
    /// `0x` before one. With `remarks`, the text ends where a remark begins.
    pub(super) fn push_digits(&mut self, text: &[u8], remarks: bool) -> Result<(), Reason> {
        for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            if remarks && begins_remark(word) {
                break;
            }
            for part in word.split(|byte| matches!(byte, b':' | b',')).filter(|part| !part.is_empty()) {
                let digits = part.strip_prefix(b"0x").unwrap_or(part);
                let mut pairs = digits.chunks_exact(2);
                for pair in &mut pairs {
                    let [high, low] = pair else { return Err(Reason::NotHex) };
                    self.push(byte(*high, *low).ok_or(Reason::NotHex)?)?;
                }
                if !pairs.remainder().is_empty() || digits.is_empty() {
                    return Err(Reason::NotHex);
                }
            }
        }
        Ok(())
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The bytes of a text of hexadecimal digits.
pub(super) fn digits(text: &[u8], remarks: bool) -> Result<Bytes, Reason> {
    let mut bytes = Bytes::default();
    bytes.push_digits(text, remarks)?;
    Ok(bytes)
}

fn begins_remark(word: &[u8]) -> bool {
    matches!(word.first(), Some(b':' | b';' | b'#' | b'/' | b'(' | b'[' | b'|')) || word == b"us"
}

/// A dump over several lines whose length was announced: sixteen bytes a line, then the same as text.
pub(super) struct Dump {
    /// Where it was announced.
    pub(super) line: usize,
    bytes: Bytes,
    /// How many are still to come.
    left: usize,
}

impl Dump {
    /// At its beginning.
    pub(super) fn announced(line: usize, length: usize) -> Result<Self, Reason> {
        if length > BYTES_MAX {
            return Err(Reason::TooLong);
        }
        Ok(Self { line, bytes: Bytes::default(), left: length })
    }

    /// Takes the bytes of a line, if it is one of the dump. The announced length says where they end: text such
    /// as "AB" behind them could be taken for one more.
    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let count = self.left.min(DUMP_WIDTH);
        let places = || text.chunks(3).take(count);
        let value = |place: &[u8]| match place {
            [high, low, b' '] | [high, low] => byte(*high, *low),
            _ => None,
        };
        if count == 0 || places().filter_map(value).count() != count {
            return false;
        }
        for byte in places().filter_map(value) {
            // Within the announced length, which is within the bound.
            if self.bytes.push(byte).is_err() {
                return false;
            }
        }
        self.left -= count;
        true
    }

    /// All of it, if all of it is there.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.left == 0).then(|| self.bytes.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_people_write_them() {
        for text in
            ["00A4 0400", "00 A4 04 00", "00:a4:04:00", "0x00, 0xA4,0x04,0x00", " 00A404\t00 # VERIFY"]
        {
            assert_eq!(digits(text.as_bytes(), true).ok().unwrap().as_slice(), [0, 0xA4, 4, 0], "{text}");
        }
        for text in ["00A", "0 0", "zz", "00 A4 hello", "0x", "0xA"] {
            assert_eq!(digits(text.as_bytes(), true).err(), Some(Reason::NotHex), "{text}");
        }
        assert_eq!(digits(b"00 : text", false).err(), Some(Reason::NotHex));
        assert!(digits(b"", true).ok().unwrap().is_empty());
        assert_eq!(digits(&b"00".repeat(BYTES_MAX), true).ok().unwrap().as_slice().len(), BYTES_MAX);
        assert_eq!(digits(&b"00".repeat(BYTES_MAX + 1), true).err(), Some(Reason::TooLong));
    }

    #[test]
    fn colours_are_taken_out_and_nothing_else() {
        let plain = |text: &str| without_colours(text.as_bytes()).map(|plain| plain.to_vec());
        assert_eq!(plain("abc"), None);
        assert_eq!(plain("\u{1b}[01;31mred\u{1b}[0m\n\u{1b}[34mb\u{1b}").unwrap(), b"red\nb");
        assert_eq!(plain("\u{1b}[\nx\u{1b}[1\ny\u{1b}z").unwrap(), b"\nx\nyz");
    }

    #[test]
    fn a_dump_ends_where_it_was_said_to() {
        let mut dump = Dump::announced(1, 18).ok().unwrap();
        assert!(!dump.take(b"41 42 AB"), "too short");
        assert!(!dump.take(b"P:1; T:0x2 12:00:00.000 [x] y"));
        assert!(dump.take(b"00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 0123456789ABCDEF"));
        assert!(dump.whole().is_none());
        assert!(dump.take(b"41 42 AB"), "the text behind looks like a byte");
        assert_eq!(dump.whole().unwrap().get(14..), Some(&[14, 15, 0x41, 0x42][..]));
        assert!(!dump.take(b"43 C"), "nothing is left");
        assert!(Dump::announced(1, BYTES_MAX + 1).is_err());
    }
}
