//! BER-TLV data objects (ISO/IEC 7816-4 section 5.2.2, ISO/IEC 8825-1).
//!
//! Definite lengths only, tags of up to three bytes. Nothing here recurses: whoever wants the
//! inside of a template asks for it.

use std::fmt;

/// A tag as it stands on the wire: `0x87`, `0x7F49`, `0xBFA101`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(pub u32);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

/// What is wrong with a data object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ended within a tag, a length or a value.
    #[error("the data ends within a data object")]
    Truncated,
    /// A tag of more than three bytes.
    #[error("the tag has more than three bytes")]
    TagTooLong,
    /// The indefinite form or a length of more than four bytes.
    #[error("the form of the length is not supported")]
    LengthForm,
    /// Bytes follow where nothing may follow.
    #[error("bytes are left over after the data object")]
    Trailing,
    /// A tag that must be there is not.
    #[error("data object {0} is missing")]
    Missing(Tag),
}

/// A malformed data object and where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {position})")]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset in bytes from the start of the parsed input.
    pub position: usize,
}

/// One data object, borrowed from the input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag.
    pub tag: Tag,
    /// The value field.
    pub value: &'a [u8],
    /// Tag, length and value as they stood in the input.
    pub encoded: &'a [u8],
}

impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlv({}, {} bytes)", self.tag, self.value.len())
    }
}

/// Tag and length at the head of `input`: tag, header length, value length. `position` is for errors.
fn parse_header(input: &[u8], position: usize) -> Result<(Tag, usize, usize), Error> {
    let error = |kind, used: usize| Error { kind, position: position.saturating_add(used) };
    let mut bytes = input.iter().copied().enumerate();
    let mut next = || bytes.next().ok_or_else(|| error(ErrorKind::Truncated, input.len()));

    let (_, first) = next()?;
    let mut tag = u32::from(first);
    if first & 0x1F == 0x1F {
        loop {
            let (index, byte) = next()?;
            if index > 2 {
                return Err(error(ErrorKind::TagTooLong, 0));
            }
            tag = tag << 8 | u32::from(byte);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    let (mut at, first) = next()?;
    let length = match first {
        0..=0x7F => usize::from(first),
        0x81..=0x84 => {
            let mut length = 0_usize;
            for _ in 0..first & 0x7F {
                let (index, byte) = next()?;
                at = index;
                length = length << 8 | usize::from(byte);
            }
            length
        }
        _ => return Err(error(ErrorKind::LengthForm, at)),
    };
    Ok((Tag(tag), at + 1, length))
}

/// Iterates over the data objects of a constructed value; stops after the first error.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input, position: 0 }
    }

    fn read(&mut self) -> Result<Tlv<'a>, Error> {
        let input = std::mem::take(&mut self.rest);
        let (tag, header, length) = parse_header(input, self.position)?;
        let truncated =
            Error { kind: ErrorKind::Truncated, position: self.position.saturating_add(input.len()) };
        let (encoded, rest) =
            header.checked_add(length).and_then(|total| input.split_at_checked(total)).ok_or(truncated)?;
        let value = encoded.get(header..).ok_or(truncated)?;
        self.rest = rest;
        self.position = self.position.saturating_add(encoded.len());
        Ok(Tlv { tag, value, encoded })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.read())
    }
}

/// The one data object that `input` consists of.
///
/// # Errors
/// If it is malformed or bytes are left over.
pub fn parse(input: &[u8]) -> Result<Tlv<'_>, Error> {
    let mut reader = Reader::new(input);
    let object = reader.read()?;
    if reader.rest.is_empty() {
        Ok(object)
    } else {
        Err(Error { kind: ErrorKind::Trailing, position: reader.position })
    }
}

/// The value of the first object with this tag among the objects of `input`.
///
/// # Errors
/// If an object before it is malformed or it is missing.
pub fn find(input: &[u8], tag: u32) -> Result<&[u8], Error> {
    for object in Reader::new(input) {
        let object = object?;
        if object.tag.0 == tag {
            return Ok(object.value);
        }
    }
    Err(Error { kind: ErrorKind::Missing(Tag(tag)), position: input.len() })
}

/// Follows nested templates: the value under the last tag of `path`.
///
/// # Errors
/// If a level is malformed or lacks its tag; the position counts from the start of that level.
pub fn find_path<'a>(input: &'a [u8], path: &[u32]) -> Result<&'a [u8], Error> {
    path.iter().try_fold(input, |value, tag| find(value, *tag))
}

/// How many bytes the object at the start of `head` occupies, header included, from its first bytes
/// alone: tells how much of a padded file is content.
///
/// # Errors
/// If `head` does not hold a whole tag and length.
pub fn encoded_length(head: &[u8]) -> Result<usize, Error> {
    let (_, header, length) = parse_header(head, 0)?;
    header.checked_add(length).ok_or(Error { kind: ErrorKind::LengthForm, position: 0 })
}

/// A data object with the shortest form of its length (values under 4 GiB).
#[must_use]
pub fn encode(tag: u32, value: &[u8]) -> Vec<u8> {
    let significant = |bytes: [u8; 4]| bytes.into_iter().skip_while(|b| *b == 0);
    let mut out: Vec<u8> = if tag == 0 { vec![0] } else { significant(tag.to_be_bytes()).collect() };
    match u32::try_from(value.len()).unwrap_or(u32::MAX) {
        length @ 0..=0x7F => out.push(length.to_be_bytes()[3]),
        length => {
            out.push(match length {
                0x80..=0xFF => 0x81,
                0x100..=0xFFFF => 0x82,
                0x1_0000..=0xFF_FFFF => 0x83,
                _ => 0x84,
            });
            out.extend(significant(length.to_be_bytes()));
        }
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_two_and_three_byte_tags() {
        let input = hex::decode("70820004BFA10100").unwrap();
        let outer = parse(&input).unwrap();
        assert_eq!((outer.tag, outer.value.len()), (Tag(0x70), 4));
        assert_eq!(find_path(&input, &[0x70, 0xBFA101]).unwrap(), b"");
        assert_eq!(encode(0x7F49, &[1]), [0x7F, 0x49, 1, 1]);
        assert_eq!(encode(0, &[1]), [0, 1, 1]);
    }

    #[test]
    fn lengths_of_every_form() {
        assert_eq!(hex::encode(&encode(0x87, &[0; 127])[..2]), "877f");
        assert_eq!(hex::encode(&encode(0x87, &[0; 180])[..3]), "8781b4");
        assert_eq!(hex::encode(&encode(0x87, &[0; 256])[..4]), "87820100");
        assert_eq!(hex::encode(&encode(0x87, &[0; 65_536])[..5]), "8783010000");
        assert_eq!(encoded_length(&[0x30, 0x82, 0x01, 0x0A]).unwrap(), 270);
    }

    #[test]
    fn lengths_agree_with_another_project() {
        for entry in crate::vectors::value("/upstream_tests/ber_length").as_array().unwrap() {
            let length = usize::try_from(entry["value"].as_u64().unwrap()).unwrap();
            let encoded = encode(0x87, &vec![0; length]);
            let expected = crate::vectors::hex_of(&entry["length"]);
            assert_eq!(encoded[1..=expected.len()], expected);
        }
    }

    #[test]
    fn malformed_input_says_where() {
        let kind = |bytes: &[u8]| parse(bytes).unwrap_err().kind;
        assert_eq!(kind(&[]), ErrorKind::Truncated);
        assert_eq!(kind(&[0x87]), ErrorKind::Truncated);
        assert_eq!(kind(&[0x87, 2, 1]), ErrorKind::Truncated);
        assert_eq!(kind(&[0x87, 0x80, 0, 0]), ErrorKind::LengthForm);
        assert_eq!(kind(&[0x87, 0x85, 0, 0, 0, 0, 0]), ErrorKind::LengthForm);
        assert_eq!(kind(&[0x87, 0x83, 0xFF, 0xFF, 0xFF]), ErrorKind::Truncated);
        assert_eq!(kind(&[0x1F, 0x81, 0x82, 0x03, 0]), ErrorKind::TagTooLong);
        assert_eq!(parse(&[0x87, 0, 0]).unwrap_err(), Error { kind: ErrorKind::Trailing, position: 2 });
        let missing = find(&[0x81, 0], 0x82).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::Missing(Tag(0x82)));
        let second = Reader::new(&[0x81, 0, 0x82, 0x85, 0]).nth(1).unwrap().unwrap_err();
        assert_eq!(second, Error { kind: ErrorKind::LengthForm, position: 3 });
    }

    #[test]
    fn a_reader_ends_after_an_error() {
        assert_eq!(Reader::new(&[0x87, 5, 1]).count(), 1);
    }

    #[test]
    fn nesting_costs_no_stack() {
        let mut nested = Vec::new();
        for _ in 0..1_000 {
            nested = encode(0x70, &nested);
        }
        assert_eq!(find_path(&nested, &[0x70; 1_000]).unwrap(), b"");
        assert!(find_path(&nested, &[0x70; 1_001]).is_err());
    }

    proptest! {
        #[test]
        fn encode_then_parse(tag in prop_oneof![0x80u32..0x9F, Just(0x7F49), Just(0xBFA101)], value in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let encoded = encode(tag, &value);
            let object = parse(&encoded).unwrap();
            prop_assert_eq!((object.tag, object.value), (Tag(tag), &value[..]));
            prop_assert_eq!(encoded_length(&encoded[..encoded.len().min(8)]).unwrap(), encoded.len());
        }

        #[test]
        fn objects_add_up_to_the_input(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let objects: Vec<_> = Reader::new(&bytes).collect();
            if objects.iter().all(Result::is_ok) {
                let joined: Vec<u8> = objects.into_iter().flat_map(|o| o.unwrap().encoded.to_vec()).collect();
                prop_assert_eq!(joined, bytes);
            }
        }
    }

    #[test]
    fn debug_output_shows_tag_and_length_only() {
        let object = parse(&[0x5F, 0x20, 2, 0xAB, 0xCD]).unwrap();
        assert_eq!(format!("{object:?} {} {:?}", object.tag, Tag(4)), "Tlv(5F20, 2 bytes) 5F20 Tag(04)");
    }
}
