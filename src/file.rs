//! Reading a whole elementary file (ISO/IEC 7816-4 section 11.3.3), whatever block size the card stands.
//!
//! A short block with 9000 is not the end of the file: some cards give 231 bytes when asked for 256.
//! The end is 6282 (with data), 6B00 (without), or the length that is known from elsewhere.

use crate::iso7816::{Command, StatusWord, command, tlv};
use crate::secure_messaging::{self, Channel};

/// The longest file that is read, in bytes: all that a 15-bit offset reaches.
pub const FILE_MAX: usize = 0x7FFF;

/// How many blocks may be small, and what is not small, in bytes: a card that gives a byte at a time
/// would keep a terminal busy for minutes.
const SMALL_BLOCKS_MAX: usize = 16;
const BLOCK_MIN: usize = 64;

/// Block sizes to fall back to when the card refuses the largest one: contact cards stand 255 and not Le = 00,
/// on CIE 3 cards 128 is proven longest.
const SMALLER_BLOCKS: [usize; 4] = [255, 224, 128, 64];

/// Where an elementary file is found in the current DF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileReference {
    /// File identifier.
    pub identifier: u16,
    /// Short identifier, five bits.
    pub short_identifier: u8,
}

/// How much of a file is its content; the rest is padding and is not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// So many bytes.
    Bytes(usize),
    /// The BER-TLV object that the file begins with.
    OuterObject,
    /// All that the card gives, padding included, up to so many bytes; what follows is not read.
    AtMost(usize),
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The exchange failed.
    #[error(transparent)]
    Channel(#[from] secure_messaging::Error),
    /// The card refused to select or read the file.
    #[error("the card answered {0}")]
    Status(StatusWord),
    /// The card answered the first read with 9000 and no data.
    #[error("the card gave no data of the file")]
    NoData,
    /// The file does not begin with a BER-TLV object.
    #[error("the file is malformed: {0}")]
    Malformed(#[from] tlv::Error),
    /// The file ends before its content does.
    #[error("the file ends after {found} bytes of {expected}")]
    Truncated {
        /// Bytes that were read.
        found: usize,
        /// Bytes that the content has.
        expected: usize,
    },
    /// The content is longer than any file of the card.
    #[error("{0} bytes are more than a file has")]
    TooLong(usize),
    /// The card gives the file in too many small pieces.
    #[error("the card gave only {0} bytes in as many commands as whole files take")]
    TooSlow(usize),
    /// The card gave more bytes than it was asked for.
    #[error("the card gave {found} bytes when asked for {asked}")]
    TooMuch {
        /// Ne of the command.
        asked: usize,
        /// Bytes in the answer.
        found: usize,
    },
}

/// Reads a file of the current DF.
///
/// In clear the file is addressed by its short identifier, which saves a SELECT; where the card does
/// not take that, and always under secure messaging, it is selected first.
///
/// # Errors
/// [`Error`].
pub fn read(channel: &mut Channel, file: FileReference, extent: Extent) -> Result<Vec<u8>, Error> {
    if channel.is_clear() {
        let first = |ne| command::read_binary_by_short_identifier(file.short_identifier, ne);
        match read_blocks(channel, &first, extent) {
            Err(Error::Status(_) | Error::NoData) => {}
            result => return result,
        }
    }
    select(channel, file.identifier)?;
    read_current(channel, extent)
}

/// Reads the file that is selected already.
///
/// # Errors
/// [`Error`].
pub fn read_current(channel: &mut Channel, extent: Extent) -> Result<Vec<u8>, Error> {
    read_blocks(channel, &|ne| command::read_binary(0, ne), extent)
}

fn select(channel: &mut Channel, identifier: u16) -> Result<(), Error> {
    match channel.exchange(&command::select_file(identifier))?.status() {
        StatusWord::SUCCESS => Ok(()),
        status => Err(Error::Status(status)),
    }
}

/// Reads block by block: the first with `first`, the others by offset in what is then the current file.
fn read_blocks(
    channel: &mut Channel,
    first: &dyn Fn(u32) -> Command,
    extent: Extent,
) -> Result<Vec<u8>, Error> {
    let mut content: Vec<u8> = Vec::new();
    let mut block = channel.largest_read();
    let mut smaller = SMALLER_BLOCKS.into_iter();
    let mut expected = match extent {
        Extent::Bytes(length) => Some(length),
        Extent::OuterObject | Extent::AtMost(_) => None,
    };
    for reads in 0.. {
        if reads > SMALL_BLOCKS_MAX + content.len() / BLOCK_MIN {
            break;
        }
        if let Some(length) = expected.filter(|length| *length > FILE_MAX) {
            return Err(Error::TooLong(length));
        }
        let wanted = if let Extent::AtMost(most) = extent { Some(most.min(FILE_MAX)) } else { expected };
        let asked = wanted.map_or(block, |length| block.min(length.saturating_sub(content.len())));
        // A file of no bytes: no command asks for none.
        if asked == 0 {
            return Ok(content);
        }
        let ne = u32::try_from(asked).map_err(|_| Error::TooLong(asked))?;
        let offset = u16::try_from(content.len()).map_err(|_| Error::TooLong(content.len()))?;
        let command = if content.is_empty() { first(ne) } else { command::read_binary(offset, ne) };

        let response = channel.exchange(&command)?;
        let status = response.status();
        let found = response.data().len();
        if found > asked {
            return Err(Error::TooMuch { asked, found });
        }
        let at_end = match status {
            StatusWord::SUCCESS if found > 0 => false,
            StatusWord::SUCCESS if content.is_empty() => return Err(Error::NoData),
            StatusWord::SUCCESS => true,
            StatusWord::END_OF_FILE => true,
            StatusWord::WRONG_OFFSET if !content.is_empty() => true,
            _ => {
                let too_large = status == StatusWord::WRONG_LENGTH || status.right_length().is_some();
                match smaller.find(|size| *size < asked).filter(|_| too_large) {
                    Some(size) => block = size,
                    None => return Err(Error::Status(status)),
                }
                continue;
            }
        };
        content.extend(response.into_data());
        if let Extent::AtMost(most) = extent {
            if at_end || content.len() >= most.min(FILE_MAX) {
                return Ok(content);
            }
        } else if expected.is_none() {
            expected = match tlv::encoded_length(&content) {
                // Not even the length is there yet: a short block is not the end.
                Err(error) if error.kind == tlv::ErrorKind::Truncated && !at_end => None,
                length => Some(length?),
            };
        }
        if let Some(length) = expected {
            if content.len() >= length {
                content.truncate(length);
                return Ok(content);
            }
            if at_end {
                return Err(Error::Truncated { found: content.len(), expected: length });
            }
        }
    }
    Err(Error::TooSlow(content.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{self, Link, Transport};

    /// A file that is read as some card would let it be read.
    struct Card {
        content: Vec<u8>,
        largest_block: usize,
        refusal: u16,
        by_short_identifier: bool,
        end_with_data: bool,
        past_end: u16,
        selected: bool,
    }

    impl Default for Card {
        fn default() -> Self {
            let (content, largest_block) = ([0x30, 0x82, 0x01, 0xF0].repeat(250), 256);
            let (refusal, by_short_identifier, end_with_data) = (0x6700, true, true);
            let (past_end, selected) = (0x6B00, false);
            Self { content, largest_block, refusal, by_short_identifier, end_with_data, past_end, selected }
        }
    }

    impl Transport for Card {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
            let command = Command::parse(command).unwrap();
            let status = |word: u16| Ok(word.to_be_bytes().to_vec());
            if command.ins() == command::INS_SELECT {
                self.selected = true;
                return status(0x9000);
            }
            let by_short_identifier = command.p1() & 0x80 != 0;
            if by_short_identifier && !self.by_short_identifier {
                return status(0x6A86);
            }
            if !by_short_identifier && !self.selected {
                return status(0x6986);
            }
            self.selected = true;
            let offset = if by_short_identifier { 0 } else { usize::from(command.p1()) << 8 }
                + usize::from(command.p2());
            let ne = usize::try_from(command.ne().unwrap()).unwrap();
            if ne > self.largest_block && self.refusal != 0x9000 {
                return status(self.refusal);
            }
            let Some(rest) = self.content.get(offset..).filter(|rest| !rest.is_empty()) else {
                return status(self.past_end);
            };
            let count = ne.min(rest.len()).min(self.largest_block);
            let word: u16 = if self.end_with_data && rest.len() < ne { 0x6282 } else { 0x9000 };
            Ok([&rest[..count], &word.to_be_bytes()].concat())
        }

        fn reset(&mut self) -> Result<(), transport::Error> {
            Ok(())
        }

        fn atr(&self) -> &[u8] {
            &[]
        }

        fn company(&mut self) -> Option<&mut dyn crate::transport::Company> {
            None
        }
    }

    fn read_from(card: Card, extent: Extent) -> (Result<Vec<u8>, Error>, u32) {
        let mut channel = Channel::clear(Link::new(card));
        let file = FileReference { identifier: 0x1004, short_identifier: 4 };
        let result = read(&mut channel, file, extent);
        (result, channel.statistics().commands)
    }

    #[test]
    fn the_content_is_cut_to_its_object() {
        let (content, commands) = read_from(Card::default(), Extent::OuterObject);
        assert_eq!((content.unwrap().len(), commands), (500, 2));
    }

    #[test]
    fn a_whole_file_ends_where_the_card_says() {
        for (end_with_data, past_end) in [(true, 0x6B00), (false, 0x6B00), (false, 0x9000)] {
            let card = Card { end_with_data, past_end, ..Card::default() };
            assert_eq!(read_from(card, Extent::AtMost(FILE_MAX)).0.unwrap().len(), 1_000);
        }
        let endless = Card { content: vec![0; 0x9000], ..Card::default() };
        assert_eq!(read_from(endless, Extent::AtMost(1_000_000)).0.unwrap().len(), FILE_MAX);
    }

    #[test]
    fn no_more_is_asked_for_than_is_wanted() {
        for (most, blocks) in [(0, 0), (256, 1), (300, 2), (512, 2)] {
            for extent in [Extent::AtMost(most), Extent::Bytes(most)] {
                let (content, commands) = read_from(Card::default(), extent);
                assert_eq!((content.unwrap().len(), commands), (most, blocks));
            }
        }
    }

    #[test]
    fn the_longest_file_is_read() {
        for extent in [Extent::AtMost(FILE_MAX), Extent::Bytes(FILE_MAX)] {
            let card = Card { content: vec![0; FILE_MAX], end_with_data: false, ..Card::default() };
            assert_eq!(read_from(card, extent).0.unwrap().len(), FILE_MAX);
        }
    }

    #[test]
    fn an_answer_without_data_is_no_empty_file() {
        for (past_end, extent) in [
            (0x9000, Extent::AtMost(FILE_MAX)),
            (0x9000, Extent::OuterObject),
            (0x6B00, Extent::AtMost(FILE_MAX)),
            (0x6B00, Extent::OuterObject),
        ] {
            let card = Card { content: Vec::new(), past_end, ..Card::default() };
            let (result, commands) = read_from(card, extent);
            let expected = match past_end {
                0x9000 => Error::NoData,
                word => Error::Status(StatusWord::new(word)),
            };
            assert_eq!(result.unwrap_err(), expected);
            assert_eq!(commands, 3, "by short identifier, then by SELECT");
        }
    }

    #[test]
    fn a_short_block_is_not_the_end() {
        let card = Card { largest_block: 231, refusal: 0x9000, ..Card::default() };
        assert_eq!(read_from(card, Extent::OuterObject).0.unwrap().len(), 500);
    }

    #[test]
    fn a_block_shorter_than_the_length_field_is_not_the_end_either() {
        let content = [&[0x30, 0x0A][..], &[7; 40]].concat();
        let card =
            Card { content, largest_block: 1, refusal: 0x9000, end_with_data: false, ..Card::default() };
        assert_eq!(read_from(card, Extent::OuterObject).0.unwrap().len(), 12);
        let cut = Card {
            content: vec![0x30, 0x82, 0x01],
            largest_block: 1,
            refusal: 0x9000,
            end_with_data: false,
            ..Card::default()
        };
        assert!(read_from(cut, Extent::OuterObject).0.is_err());
    }

    #[test]
    fn a_file_in_single_bytes_is_not_waited_for() {
        let card = Card { largest_block: 1, refusal: 0x9000, ..Card::default() };
        let (result, commands) = read_from(card, Extent::AtMost(FILE_MAX));
        assert_eq!((result.unwrap_err(), commands), (Error::TooSlow(17), 17));
    }

    #[test]
    fn a_refused_length_is_tried_smaller() {
        for (largest_block, refusal) in [(231, 0x6700), (130, 0x6700), (128, 0x6C80), (64, 0x6700)] {
            let card = Card { largest_block, refusal, ..Card::default() };
            assert_eq!(read_from(card, Extent::OuterObject).0.unwrap().len(), 500, "{largest_block}");
        }
        let card = Card { largest_block: 63, ..Card::default() };
        let (result, commands) = read_from(card, Extent::OuterObject);
        assert_eq!(result.unwrap_err(), Error::Status(StatusWord::WRONG_LENGTH));
        assert!(commands < 12);

        let card = Card { largest_block: 64, ..Card::default() };
        let (result, commands) = read_from(card, Extent::Bytes(128));
        assert_eq!((result.unwrap().len(), commands), (128, 3), "128 is not asked for twice");
    }

    #[test]
    fn a_card_without_short_identifiers_is_asked_by_select() {
        let card = Card { by_short_identifier: false, ..Card::default() };
        let (content, commands) = read_from(card, Extent::OuterObject);
        assert_eq!((content.unwrap().len(), commands), (500, 4));
    }

    #[test]
    fn an_end_before_the_content_ends_is_an_error() {
        for end_with_data in [true, false] {
            let card = Card { end_with_data, ..Card::default() };
            let (result, _) = read_from(card, Extent::Bytes(1_200));
            assert_eq!(result.unwrap_err(), Error::Truncated { found: 1_000, expected: 1_200 });
        }
    }

    #[test]
    fn an_endless_or_lying_file_is_an_error() {
        let lying =
            Card { content: [&[0x30, 0x83, 0xFF, 0xFF, 0xFF][..], &[0; 300]].concat(), ..Card::default() };
        assert!(matches!(read_from(lying, Extent::OuterObject).0.unwrap_err(), Error::TooLong(_)));
        assert_eq!(read_from(Card::default(), Extent::Bytes(0x8000)).0.unwrap_err(), Error::TooLong(0x8000));
        let not_tlv = Card { content: vec![0xFF; 300], ..Card::default() };
        assert!(matches!(read_from(not_tlv, Extent::OuterObject).0.unwrap_err(), Error::Malformed(_)));
    }
}
