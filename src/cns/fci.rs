//! What SELECT tells about a file of a contact card (ISO/IEC 7816-4 section 5.3.3; access conditions of the
//! CNS and CIE 2 file systems).

use crate::iso7816::tlv::{self, Tag};

/// Templates of file control information, and of file control parameters alone.
const TEMPLATES: [u32; 2] = [0x6F, 0x62];
/// The longest application identifier, in bytes.
const AID_MAX: usize = 16;

/// Why an answer to SELECT does not describe a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FciError {
    /// The data objects are malformed.
    #[error("malformed file control information: {0}")]
    Tlv(#[from] tlv::Error),
    /// The answer is another data object.
    #[error("data object {0} is no file control information")]
    NotATemplate(Tag),
    /// A data object that has the wrong length.
    #[error("data object {0} of the file control information has {1} bytes")]
    Length(Tag, usize),
    /// A data object that stands there twice, and could say two things.
    #[error("data object {0} stands twice in the file control information")]
    Repeated(Tag),
}

/// The kind of a file: first byte of tag 82.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileType {
    /// 01: an EF of bytes.
    Transparent,
    /// 02: an EF of records of one length.
    LinearFixed,
    /// 05: an EF of records that are data objects.
    LinearTlv,
    /// 06: an EF whose records form a ring.
    Cyclic,
    /// 38: a DF.
    Directory,
    /// Any other byte.
    Other(u8),
}

/// When the card allows an operation: a byte of tag 86.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// 00: always.
    Always,
    /// FF or 66: never; so is any byte that is not known.
    Never,
    /// 01 to 1F: when the security object of this number has been satisfied, such as the PIN, 10.
    Object(u8),
}

impl From<u8> for Access {
    fn from(condition: u8) -> Self {
        match condition {
            0x00 => Self::Always,
            0x01..=0x1F => Self::Object(condition),
            _ => Self::Never,
        }
    }
}

/// File control information: what a card says about the file that was just selected. Old cards leave out
/// some of it, so each part may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fci {
    size: Option<usize>,
    file_type: Option<FileType>,
    id: Option<u16>,
    aid: Option<Vec<u8>>,
    access_conditions: Option<Vec<u8>>,
    life_cycle: Option<u8>,
    secure_messaging: Option<Vec<u8>>,
}

impl Fci {
    /// Takes the data of an answer to SELECT: template 6F, or 62. Data objects that are not known are
    /// passed over.
    ///
    /// # Errors
    /// [`FciError`], also for an empty answer.
    pub fn parse(answer: &[u8]) -> Result<Self, FciError> {
        let template = tlv::parse(answer)?;
        if !TEMPLATES.contains(&template.tag.0) {
            return Err(FciError::NotATemplate(template.tag));
        }
        let mut fci = Self::default();
        for object in tlv::Reader::new(template.value) {
            let tlv::Tlv { tag, value, .. } = object?;
            let length = FciError::Length(tag, value.len());
            let repeated = match tag.0 {
                0x80 => fci.size.replace(number(value).ok_or(length)?).is_some(),
                0x82 => fci.file_type.replace(file_type(value).ok_or(length)?).is_some(),
                0x83 => {
                    let id = value.try_into().map(u16::from_be_bytes);
                    fci.id.replace(id.map_err(|_| length)?).is_some()
                }
                0x84 if matches!(value.len(), 1..=AID_MAX) => fci.aid.replace(value.to_vec()).is_some(),
                0x84 => return Err(length),
                0x86 => fci.access_conditions.replace(value.to_vec()).is_some(),
                0x8A => {
                    let [state] = <[u8; 1]>::try_from(value).map_err(|_| length)?;
                    fci.life_cycle.replace(state).is_some()
                }
                0xCB => fci.secure_messaging.replace(value.to_vec()).is_some(),
                _ => false,
            };
            if repeated {
                return Err(FciError::Repeated(tag));
            }
        }
        Ok(fci)
    }

    /// Size of an EF in bytes, padding included (tag 80).
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.size
    }

    /// What kind of file it is (tag 82).
    #[must_use]
    pub fn file_type(&self) -> Option<FileType> {
        self.file_type
    }

    /// File identifier (tag 83).
    #[must_use]
    pub fn id(&self) -> Option<u16> {
        self.id
    }

    /// Application identifier of a DF, 1 to 16 bytes (tag 84).
    #[must_use]
    pub fn aid(&self) -> Option<&[u8]> {
        self.aid.as_deref()
    }

    /// When the file may be read, if it is an EF: the first access condition. `None` if the card tells no
    /// access conditions (tag 86) at all.
    #[must_use]
    pub fn read_access(&self) -> Option<Access> {
        let first = self.access_conditions.as_ref()?.first();
        Some(first.map_or(Access::Never, |condition| Access::from(*condition)))
    }

    /// All access conditions, as a rule nine bytes (tag 86). Of an EF: READ, UPDATE, APPEND, DEACTIVATE,
    /// ACTIVATE, DELETE, ADMIN, INCREASE, DECREASE. [`Access::from`] reads one.
    #[must_use]
    pub fn access_conditions(&self) -> Option<&[u8]> {
        self.access_conditions.as_deref()
    }

    /// Life cycle status, 05 where the file is in use (tag 8A).
    #[must_use]
    pub fn life_cycle(&self) -> Option<u8> {
        self.life_cycle
    }

    /// Whether any operation on the file asks for secure messaging: a byte of tag CB other than FF.
    #[must_use]
    pub fn demands_secure_messaging(&self) -> bool {
        self.secure_messaging.iter().flatten().any(|condition| *condition != 0xFF)
    }
}

/// A number of one to four bytes.
fn number(value: &[u8]) -> Option<usize> {
    let number = value.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
    matches!(value.len(), 1..=4).then_some(number)
}

fn file_type(value: &[u8]) -> Option<FileType> {
    Some(match *value.first()? {
        0x01 => FileType::Transparent,
        0x02 => FileType::LinearFixed,
        0x05 => FileType::LinearTlv,
        0x06 => FileType::Cyclic,
        0x38 => FileType::Directory,
        other => FileType::Other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    fn of(objects: &[(u32, &[u8])]) -> Vec<u8> {
        tlv::encode(
            0x62,
            &objects.iter().flat_map(|(tag, value)| tlv::encode(*tag, value)).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn answers_of_cards() {
        for vector in vectors::contact("/fci").as_array().unwrap() {
            let bytes = vectors::hex_of(&vector["hex"]);
            let fci = Fci::parse(&bytes).unwrap();
            assert_eq!(fci.size().map(|size| size as u64), vector["size"].as_u64());
            assert_eq!(fci.id(), Some(u16::from_str_radix(vector["file_id"].as_str().unwrap(), 16).unwrap()));
            let conditions = vectors::hex_of(&vector["ac"]);
            assert_eq!(fci.access_conditions(), Some(&conditions[..]));
            let (file_type, access) = match vector["type"].as_str().unwrap() {
                "EF transparent" => (FileType::Transparent, Access::Always),
                "DF" => (FileType::Directory, Access::Never),
                other => panic!("{other}"),
            };
            assert_eq!((fci.file_type(), fci.read_access()), (Some(file_type), Some(access)));
            assert_eq!((fci.life_cycle(), fci.aid()), (Some(5), None));
            assert!(!fci.demands_secure_messaging());
            for length in 0..bytes.len() {
                assert!(matches!(Fci::parse(&bytes[..length]), Err(FciError::Tlv(_))), "{length}");
            }
        }
    }

    #[test]
    fn every_part_may_be_missing() {
        let fci = Fci::parse(&of(&[(0x99, &[1])])).unwrap();
        assert_eq!(fci, Fci::default());
        assert_eq!((fci.size(), fci.file_type(), fci.id(), fci.aid()), (None, None, None, None));
        assert_eq!((fci.read_access(), fci.life_cycle()), (None, None));
        assert!(!fci.demands_secure_messaging());
    }

    #[test]
    fn a_condition_that_is_not_known_is_never() {
        let access = |condition: &[u8]| Fci::parse(&of(&[(0x86, condition)])).unwrap().read_access().unwrap();
        assert_eq!(access(&[]), Access::Never);
        for condition in 0..=u8::MAX {
            let expected = match condition {
                0 => Access::Always,
                1..=0x1F => Access::Object(condition),
                _ => Access::Never,
            };
            assert_eq!(access(&[condition, 0]), expected, "{condition:02X}");
        }
    }

    #[test]
    fn one_condition_is_enough_for_secure_messaging() {
        for at in 0..24 {
            let mut conditions = [0xFF; 24];
            conditions[at] = 1;
            assert!(Fci::parse(&of(&[(0xCB, &conditions)])).unwrap().demands_secure_messaging());
        }
    }

    #[test]
    fn what_is_no_file_control_information() {
        assert_eq!(Fci::parse(&[0x70, 0]), Err(FciError::NotATemplate(Tag(0x70))));
        assert!(matches!(Fci::parse(&[]), Err(FciError::Tlv(_))));
        assert!(matches!(Fci::parse(&[0x6F, 0, 0]), Err(FciError::Tlv(_))));
        let repeated = of(&[(0x80, &[1, 0]), (0x80, &[2, 0])]);
        assert_eq!(Fci::parse(&repeated), Err(FciError::Repeated(Tag(0x80))));
        for (tag, value) in [
            (0x80, &[][..]),
            (0x80, &[0; 5]),
            (0x82, &[]),
            (0x83, &[1]),
            (0x83, &[1, 2, 3]),
            (0x84, &[]),
            (0x84, &[0xA0; 17]),
            (0x8A, &[]),
            (0x8A, &[5, 5]),
        ] {
            assert_eq!(Fci::parse(&of(&[(tag, value)])), Err(FciError::Length(Tag(tag), value.len())));
        }
    }

    #[test]
    fn nothing_stands_twice() {
        for (tag, value) in [
            (0x80, &[1][..]),
            (0x82, &[1]),
            (0x83, &[1, 2]),
            (0x84, &[0xA0]),
            (0x86, &[0]),
            (0x8A, &[5]),
            (0xCB, &[0xFF]),
        ] {
            assert!(Fci::parse(&of(&[(tag, value)])).is_ok());
            let twice = of(&[(tag, value), (0x99, &[]), (tag, value)]);
            assert_eq!(Fci::parse(&twice), Err(FciError::Repeated(Tag(tag))));
        }
    }

    #[test]
    fn sizes_names_and_types() {
        let with = |tag, value: &[u8]| Fci::parse(&of(&[(tag, value)])).unwrap();
        assert_eq!(with(0x80, &[7]).size(), Some(7));
        assert_eq!(with(0x80, &[1, 2, 3, 4]).size(), Some(0x0102_0304));
        for length in [1, 16] {
            let aid = vec![0xA0; length];
            assert_eq!(with(0x84, &aid).aid(), Some(&aid[..]));
        }
        for (byte, file_type) in [
            (0x01, FileType::Transparent),
            (0x02, FileType::LinearFixed),
            (0x05, FileType::LinearTlv),
            (0x06, FileType::Cyclic),
            (0x38, FileType::Directory),
            (0x41, FileType::Other(0x41)),
        ] {
            assert_eq!(with(0x82, &[byte, 0x21]).file_type(), Some(file_type));
        }
    }
}
