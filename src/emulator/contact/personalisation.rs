//! What is written into a contact card when it is made: a tree of files, keys, PINs and PUKs.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::profile::KeyUse;
use crate::emulator::personalisation::CardKey;

/// Where a file lies: the identifiers on the way to it, that of the master file (3F00) left out. The master
/// file itself is the empty path. Written in hex, as `11001102`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(Vec<u16>);

/// Text that is no path: not four hex digits for each identifier, or more than eight of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a path of file identifiers, four hex digits each")]
pub struct MalformedPath;

impl FilePath {
    /// The path with these identifiers.
    #[must_use]
    pub fn new(identifiers: &[u16]) -> Self {
        Self(identifiers.to_vec())
    }

    /// The identifiers, from the master file's child on.
    #[must_use]
    pub fn identifiers(&self) -> &[u16] {
        &self.0
    }

    /// The directory that it lies in; of the master file itself none.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, above)| Self(above.to_vec()))
    }

    /// What has this identifier in the directory at this path.
    #[must_use]
    pub fn child(&self, identifier: u16) -> Self {
        Self([self.0.as_slice(), &[identifier]].concat())
    }

    /// What lies further down: two bytes for each identifier, as SELECT has them.
    pub(in crate::emulator) fn below(&self, bytes: &[u8]) -> Option<Self> {
        let identifier = |pair: &[u8]| Some(u16::from_be_bytes(pair.try_into().ok()?));
        let more: Vec<u16> = bytes.chunks(2).map(identifier).collect::<Option<_>>()?;
        Some(Self([self.0.as_slice(), &more].concat()))
    }

    /// Whether this is `other` or a directory above it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Its own identifier, 3F00 for the master file.
    #[must_use]
    pub fn identifier(&self) -> u16 {
        self.0.last().copied().unwrap_or(0x3F00)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|identifier| write!(f, "{identifier:04X}"))
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePath({self})")
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for FilePath {
    type Error = MalformedPath;

    fn try_from(text: String) -> Result<Self, MalformedPath> {
        let bytes = hex::decode(text).map_err(|_| MalformedPath)?;
        Self::default().below(&bytes).filter(|path| path.0.len() <= 8).ok_or(MalformedPath)
    }
}

/// A directory (DF). The master file need not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Where it lies.
    pub path: FilePath,
    /// The name of an application (AID). Its directory is reached by the name only and is the root of all
    /// that is seen from then on; the identifiers in front of it are never seen.
    #[serde(with = "hex")]
    pub name: Vec<u8>,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadAccess {
    /// Anyone.
    Always,
    /// Nobody.
    Never,
    /// Whoever showed the PIN with this identifier, from 01 to 1F hex.
    After(u8),
}

/// A transparent file with its content, zero padding included.
#[derive(Clone, Serialize, Deserialize)]
pub struct ElementaryFile {
    /// Where it lies.
    pub path: FilePath,
    /// Who may read it. Nobody may write.
    pub access: ReadAccess,
    /// All bytes of the file, 32767 at most.
    #[serde(with = "hex")]
    pub content: Vec<u8>,
}

impl fmt::Debug for ElementaryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ElementaryFile({}, {} bytes)", self.path, self.content.len())
    }
}

/// A PIN or a PUK.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReferenceData {
    /// The directory that it belongs to.
    pub directory: FilePath,
    /// Its identifier, from 01 to 1F hex.
    pub identifier: u8,
    /// Its value: five to eight ASCII digits, then FF ([`reference_value`]).
    pub value: [u8; 8],
    /// How often it may be wrong, from 1 to 15.
    pub tries: u8,
    /// How often it may still be wrong.
    pub tries_left: u8,
    /// The identifier of the PUK that unblocks it, in the same directory. A PUK has none, and is not changed.
    pub unblocked_by: Option<u8>,
}

impl fmt::Debug for ReferenceData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceData({:02X}, {} tries left)", self.identifier, self.tries_left)
    }
}

impl Drop for ReferenceData {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// A PIN or PUK as the card stores it and as it is sent: five to eight ASCII digits, filled up with FF.
/// Nothing for any other text.
#[must_use]
pub fn reference_value(digits: &str) -> Option<[u8; 8]> {
    let mut value = [0xFF; 8];
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    value.get_mut(..digits.len()).filter(|to| to.len() >= 5)?.copy_from_slice(digits.as_bytes());
    Some(value)
}

/// Whether these are five to eight digits and FF behind them.
pub(in crate::emulator) fn is_reference_value(value: &[u8; 8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits >= 5 && value.iter().skip(digits).all(|byte| *byte == 0xFF)
}

/// A private key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Key {
    /// The directory that it belongs to.
    pub directory: FilePath,
    /// Its identifier, from 01 to 7F hex.
    pub identifier: u8,
    /// The numbers.
    pub key: CardKey,
    /// The identifier of the PIN that has to be shown, in the key's directory or above it.
    pub pin: u8,
    /// What it is for; without a word, what the [profile](super::Profile::key_use) says.
    pub made_for: Option<KeyUse>,
}

/// Everything that makes one card different from another of the same model.
#[derive(Clone, Serialize, Deserialize)]
pub struct Personalisation {
    /// All directories but the master file.
    pub directories: Vec<Directory>,
    /// All elementary files.
    pub files: Vec<ElementaryFile>,
    /// All PINs and PUKs.
    pub reference_data: Vec<ReferenceData>,
    /// All private keys.
    pub keys: Vec<Key>,
}

impl Personalisation {
    /// The content of the file at this path, the directory of an application included.
    #[must_use]
    pub fn file(&self, path: &[u16]) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.path.identifiers() == path)?;
        Some(&file.content)
    }
}

impl fmt::Debug for Personalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personalisation({} files)", self.files.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_in_hex() {
        let path = FilePath::new(&[0x1100, 0x1102]);
        assert_eq!(path.to_string(), "11001102");
        assert_eq!(FilePath::try_from("11001102".to_owned()), Ok(path.clone()));
        for text in ["110", "1100110", "11001G02", "110011", &"1100".repeat(9)] {
            assert_eq!(FilePath::try_from(text.to_owned()), Err(MalformedPath), "{text}");
        }
        let root = FilePath::default();
        assert_eq!((root.identifier(), path.identifier()), (0x3F00, 0x1102));
        assert_eq!((root.parent(), path.parent()), (None, Some(FilePath::new(&[0x1100]))));
        assert!(root.contains(&path) && !path.contains(&root) && path.contains(&path));
    }

    #[test]
    fn a_pin_has_five_to_eight_digits() {
        assert_eq!(reference_value("12345"), Some(*b"12345\xFF\xFF\xFF"));
        assert_eq!(reference_value("12345678"), Some(*b"12345678"));
        for text in ["", "1234", "123456789", "1234x", "12345 ", "１２３４５"] {
            assert_eq!(reference_value(text), None, "{text:?}");
        }
        for (value, good) in [
            (b"12345\xFF\xFF\xFF", true),
            (b"12345678", true),
            (b"1234\xFF\xFF\xFF\xFF", false),
            (b"12345\xFF\xFF1", false),
            (b"12345\0\0\0", false),
            (b"\xFF1234567", false),
        ] {
            assert_eq!(is_reference_value(value), good, "{value:?}");
        }
    }
}
