//! Command and response APDUs (ISO/IEC 7816-3 section 12.1, ISO/IEC 7816-4 section 5).

use std::fmt;

use zeroize::Zeroizing;

use super::{StatusWord, command};

/// Longest data field of a short command, in bytes.
pub const SHORT_DATA_MAX: usize = 255;
/// Largest Ne of a short command, in bytes (coded as Le = 00).
pub const SHORT_NE_MAX: u32 = 256;
/// Longest data field of an extended command, in bytes.
pub const EXTENDED_DATA_MAX: usize = 65_535;
/// Largest Ne of an extended command, in bytes (coded as Le = 0000).
pub const EXTENDED_NE_MAX: u32 = 65_536;

/// Bytes that are not an APDU, or an APDU that has no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer than the four header bytes, or a response without its status word.
    #[error("the APDU is only {0} bytes long")]
    TooShort(usize),
    /// Lc disagrees with the number of bytes that follow.
    #[error("the length field of the APDU disagrees with its {0} bytes")]
    WrongLength(usize),
    /// More than 65,535 bytes of data.
    #[error("{0} bytes of data do not fit into one command")]
    DataTooLong(usize),
    /// Ne is zero or over 65,536.
    #[error("Ne = {0} cannot be encoded")]
    NeOutOfRange(u32),
}

/// A command APDU.
///
/// It carries whether it may be issued again after 6Cxx or a reset; unless said otherwise it may not,
/// because a repeated VERIFY costs the citizen a PIN try.
///
/// `Debug` prints the header and lengths, never the data, and the data is cleared on drop.
pub struct Command {
    cla: u8,
    ins: u8,
    p1: u8,
    p2: u8,
    data: Zeroizing<Vec<u8>>,
    ne: Option<u32>,
    repeatable: bool,
    whole: bool,
}

impl Command {
    /// A command of case 1: header only.
    #[must_use]
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Zeroizing::new(Vec::new()), ne: None, repeatable: false, whole: false }
    }

    /// The same command with this data field.
    #[must_use]
    pub fn with_data(mut self, data: &[u8]) -> Self {
        self.data = Zeroizing::new(data.to_vec());
        self
    }

    /// The same command asking for up to `ne` bytes (1 to 65,536; 256 is a short Le of 00).
    #[must_use]
    pub fn with_ne(mut self, ne: u32) -> Self {
        self.ne = Some(ne);
        self
    }

    /// The same command, declared free of side effects: it may be issued again. Without effect on commands
    /// that carry a PIN or PUK.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = !self.carries_pin();
        self
    }

    /// The same command, in one piece however long it is: for cards that take extended lengths and no chains.
    #[must_use]
    pub fn in_one_piece(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Whether this is a command that carries a PIN or PUK ([`command::carries_pin`]).
    #[must_use]
    pub fn carries_pin(&self) -> bool {
        command::carries_pin(self.ins)
    }

    /// The command to issue after 6Cxx: the same with the Ne that the card named, if it may be repeated.
    #[must_use]
    pub fn with_right_length(&self, status: StatusWord) -> Option<Self> {
        let ne = status.right_length().filter(|_| self.repeatable)?;
        let [cla, ins, p1, p2] = self.header();
        Some(Self::new(cla, ins, p1, p2).with_data(&self.data).with_ne(u32::from(ne)))
    }

    /// The same command with another class byte.
    #[must_use]
    pub fn with_cla(mut self, cla: u8) -> Self {
        self.cla = cla;
        self
    }

    /// Class byte.
    #[must_use]
    pub fn cla(&self) -> u8 {
        self.cla
    }

    /// Instruction byte.
    #[must_use]
    pub fn ins(&self) -> u8 {
        self.ins
    }

    /// First parameter byte.
    #[must_use]
    pub fn p1(&self) -> u8 {
        self.p1
    }

    /// Second parameter byte.
    #[must_use]
    pub fn p2(&self) -> u8 {
        self.p2
    }

    /// The header `CLA INS P1 P2`.
    #[must_use]
    pub fn header(&self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }

    /// The data field; empty if there is none.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// How many bytes are asked for at most; `None` without Le.
    #[must_use]
    pub fn ne(&self) -> Option<u32> {
        self.ne
    }

    /// Whether the command may be issued again after 6Cxx.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Splits the data field into commands of at most `size` bytes each, all but the last with the
    /// chaining bit (ISO/IEC 7816-4 section 5.3.3). A command that fits is returned as it is.
    #[must_use]
    pub fn chain(&self, size: usize) -> Vec<Command> {
        let fragments: Vec<&[u8]> = match self.data.len() {
            0 => vec![&[]],
            _ if self.whole => vec![&self.data],
            _ => self.data.chunks(size.max(1)).collect(),
        };
        let last = fragments.len().saturating_sub(1);
        let fragment = |(index, data): (usize, &[u8])| Command {
            cla: if index < last { self.cla | 0x10 } else { self.cla },
            ins: self.ins,
            p1: self.p1,
            p2: self.p2,
            data: Zeroizing::new(data.to_vec()),
            ne: self.ne.filter(|_| index == last),
            repeatable: self.repeatable && last == 0,
            whole: self.whole,
        };
        fragments.into_iter().enumerate().map(fragment).collect()
    }

    /// The bytes that go to the card: short if data and Ne allow it, else extended.
    ///
    /// # Errors
    /// [`Error::DataTooLong`] or [`Error::NeOutOfRange`] if there is no encoding.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let too_long = || Error::DataTooLong(self.data.len());
        if let Some(ne) = self.ne.filter(|ne| *ne == 0 || *ne > EXTENDED_NE_MAX) {
            return Err(Error::NeOutOfRange(ne));
        }
        // Reserved up front: growing would leave a copy of the data behind.
        let mut out = Zeroizing::new(Vec::with_capacity(self.data.len() + 9));
        out.extend_from_slice(&self.header());
        let short = self.data.len() <= SHORT_DATA_MAX && self.ne.is_none_or(|ne| ne <= SHORT_NE_MAX);
        if short {
            if !self.data.is_empty() {
                out.push(u8::try_from(self.data.len()).map_err(|_| too_long())?);
                out.extend_from_slice(&self.data);
            }
            // 256 is coded as 00: the low byte of Ne.
            out.extend(self.ne.map(|ne| ne.to_be_bytes()[3]));
        } else {
            out.push(0);
            if !self.data.is_empty() {
                let length = u16::try_from(self.data.len()).map_err(|_| too_long())?;
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&self.data);
            }
            // 65,536 is coded as 0000: the low two bytes of Ne.
            if let Some([_, _, high, low]) = self.ne.map(u32::to_be_bytes) {
                out.extend_from_slice(&[high, low]);
            }
        }
        Ok(out)
    }

    /// Reads a command as a card does; nothing may be left over.
    ///
    /// # Errors
    /// [`Error::TooShort`] or [`Error::WrongLength`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = Error::WrongLength(bytes.len());
        let Some((&[cla, ins, p1, p2], body)) = bytes.split_first_chunk::<4>() else {
            return Err(Error::TooShort(bytes.len()));
        };
        let command = Self::new(cla, ins, p1, p2);
        let short_ne = |le: u8| if le == 0 { SHORT_NE_MAX } else { u32::from(le) };
        let extended_ne = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
            0 => EXTENDED_NE_MAX,
            n => u32::from(n),
        };
        match *body {
            [] => Ok(command),
            [le] => Ok(command.with_ne(short_ne(le))),
            [0, high, low] => Ok(command.with_ne(extended_ne(high, low))),
            [0, high, low, ref rest @ ..] => {
                let lc = usize::from(u16::from_be_bytes([high, low]));
                let (data, le) = rest.split_at_checked(lc).filter(|_| lc > 0).ok_or(wrong)?;
                let command = command.with_data(data);
                match *le {
                    [] => Ok(command),
                    [high, low] => Ok(command.with_ne(extended_ne(high, low))),
                    _ => Err(wrong),
                }
            }
            [lc, ref rest @ ..] => {
                let lc = usize::from(lc);
                let (data, le) = rest.split_at_checked(lc).filter(|_| lc > 0).ok_or(wrong)?;
                let command = command.with_data(data);
                match *le {
                    [] => Ok(command),
                    [le] => Ok(command.with_ne(short_ne(le))),
                    _ => Err(wrong),
                }
            }
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header();
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} data bytes", self.data.len())?;
        match self.ne {
            Some(ne) => write!(f, ", Ne {ne})"),
            None => f.write_str(")"),
        }
    }
}

/// A response APDU. `Debug` prints the length and the status word, never the data.
///
/// The data is cleared on drop: under secure messaging it can be personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    data: Zeroizing<Vec<u8>>,
    status: StatusWord,
}

impl Response {
    /// An answer with this data and status word.
    #[must_use]
    pub fn new(data: Vec<u8>, status: StatusWord) -> Self {
        Self { data: Zeroizing::new(data), status }
    }

    /// Reads what a card sent: any data, then two bytes of status word.
    ///
    /// # Errors
    /// [`Error::TooShort`] under two bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (data, status) = bytes.split_last_chunk::<2>().ok_or(Error::TooShort(bytes.len()))?;
        Ok(Self::new(data.to_vec(), StatusWord::from(*status)))
    }

    /// The bytes that a card sends.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.data.as_slice(), &self.status.to_bytes()].concat()
    }

    /// The data field; empty if there is none.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The data field, taken out.
    #[must_use]
    pub fn into_data(mut self) -> Vec<u8> {
        std::mem::take(&mut self.data)
    }

    /// The status word.
    #[must_use]
    pub fn status(&self) -> StatusWord {
        self.status
    }
}

impl From<StatusWord> for Response {
    fn from(status: StatusWord) -> Self {
        Self::new(Vec::new(), status)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} data bytes, {:?})", self.data.len(), self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(command: &Command) -> String {
        hex::encode_upper(command.encode().unwrap().as_slice())
    }

    #[test]
    fn the_seven_cases() {
        let header = || Command::new(0x00, 0xA4, 0x02, 0x0C);
        assert_eq!(encoded(&header()), "00A4020C");
        assert_eq!(encoded(&header().with_ne(5)), "00A4020C05");
        assert_eq!(encoded(&header().with_ne(256)), "00A4020C00");
        assert_eq!(encoded(&header().with_data(&[0x10, 3])), "00A4020C021003");
        assert_eq!(encoded(&header().with_data(&[0x10, 3]).with_ne(256)), "00A4020C02100300");
        assert_eq!(encoded(&header().with_ne(257)), "00A4020C000101");
        assert_eq!(encoded(&header().with_ne(65_536)), "00A4020C000000");
        assert_eq!(encoded(&header().with_data(&[1]).with_ne(65_535)), "00A4020C00000101FFFF");
        let long = header().with_data(&[7; 256]);
        assert_eq!(encoded(&long)[..14], *"00A4020C000100");
    }

    #[test]
    fn what_has_no_encoding_is_refused() {
        let header = || Command::new(0, 0xB0, 0, 0);
        assert_eq!(header().with_ne(0).encode().unwrap_err(), Error::NeOutOfRange(0));
        assert_eq!(header().with_ne(65_537).encode().unwrap_err(), Error::NeOutOfRange(65_537));
        let long = header().with_data(&vec![0; 65_536]);
        assert_eq!(long.encode().unwrap_err(), Error::DataTooLong(65_536));
    }

    #[test]
    fn bad_lengths_are_refused() {
        for bytes in
            [&[][..], &[0, 1, 2], &[0, 1, 2, 3, 5, 1], &[0, 1, 2, 3, 1, 1, 1, 1], &[0, 1, 2, 3, 0, 0]]
        {
            assert!(Command::parse(bytes).is_err(), "{bytes:?}");
        }
        assert!(Command::parse(&[0, 1, 2, 3, 0, 0, 0, 0]).is_err(), "extended Lc of zero");
        assert!(Command::parse(&[0, 1, 2, 3, 0, 0, 1, 9, 0]).is_err(), "half an extended Le");
        assert_eq!(Response::parse(&[0x90]).unwrap_err(), Error::TooShort(1));
    }

    #[test]
    fn a_chain_marks_all_but_the_last() {
        let parts = Command::new(0, 0x2A, 0, 0xAE).with_data(&[1; 354]).with_ne(256).chain(231);
        let shape: Vec<_> = parts.iter().map(|c| (c.cla(), c.data().len(), c.ne())).collect();
        assert_eq!(shape, [(0x10, 231, None), (0x00, 123, Some(256))]);
        assert_eq!(Command::new(0, 0x84, 0, 0).with_ne(8).chain(231).len(), 1);
        let whole = Command::new(0, 0x2A, 0x80, 0x86).with_data(&[1; 257]).in_one_piece().chain(255);
        assert_eq!((whole.len(), whole[0].encode().unwrap().len()), (1, 4 + 3 + 257));
    }

    #[test]
    fn no_command_with_a_pin_is_ever_repeatable() {
        for ins in [0x20, 0x24, 0x2C] {
            let command = Command::new(0, ins, 0, 0x81).with_data(b"12345678").repeatable();
            assert!(!command.is_repeatable() && command.with_right_length(StatusWord::new(0x6C08)).is_none());
        }
    }

    #[test]
    fn debug_hides_data() {
        let command = Command::new(0, 0x20, 0, 0x81).with_data(b"12345678");
        assert_eq!(format!("{command:?}"), "Command(00 20 00 81, 8 data bytes)");
    }

    proptest! {
        #[test]
        fn encode_then_parse(header: [u8; 4], data in proptest::collection::vec(any::<u8>(), 0..600), ne in proptest::option::of(1u32..=65_536)) {
            let [cla, ins, p1, p2] = header;
            let mut command = Command::new(cla, ins, p1, p2).with_data(&data);
            if let Some(ne) = ne { command = command.with_ne(ne); }
            let again = Command::parse(&command.encode().unwrap()).unwrap();
            prop_assert_eq!(again.header(), header);
            prop_assert_eq!(again.data(), &data[..]);
            prop_assert_eq!(again.ne(), ne);
        }

        #[test]
        fn parse_never_panics_and_encodes_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(command) = Command::parse(&bytes) {
                // A body may use the extended form where the short one would do: compare the content.
                let again = Command::parse(&command.encode().unwrap()).unwrap();
                prop_assert_eq!((again.header(), again.data(), again.ne()), (command.header(), command.data(), command.ne()));
            }
        }
    }

    #[test]
    fn a_length_of_zero_announces_no_data() {
        for body in [&[0, 1][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 0]] {
            let bytes = [&[0, 0xB0, 0, 0], body].concat();
            assert_eq!(Command::parse(&bytes).unwrap_err(), Error::WrongLength(bytes.len()), "{body:?}");
        }
    }

    #[test]
    fn debug_output_of_an_answer_shows_no_data() {
        let answer = Response::new(vec![0xAB; 3], StatusWord::SUCCESS);
        let seen = format!("{answer:?}");
        assert!(seen.contains("3") && seen.contains("9000"), "{seen}");
        assert!(!seen.contains("AB") && !seen.contains("171"), "{seen}");
    }
}
