//! Who may pass: a file with a line for each card, twelve digits, a tab, and the words to show.
//!
//! ```text
//! # Lines like this one and empty ones are passed over.
//! 123456789012<tab>Ufficio tributi, 1° piano
//! ```
//!
//! It is read whole at each check, so that what is struck off is off at once, and wiped from memory but for the words
//! that are shown. A file with anything wrong in it lets nobody pass: half a list may be half a
//! name. Replace it as a whole (`mv new list`): a card that comes while it is written finds half of it.
//!
//! A list that everybody on the computer can read, or that others than this account and root can change or replace, is
//! refused: it says who comes and goes here, and who may. Access control lists are not looked at.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The most bytes, lines, and characters of words.
const BYTES_MAX: u64 = 1 << 20;
const LINES_MAX: usize = 20_000;
const WORDS_MAX: usize = 60;
/// The length of a NIS.
const DIGITS: usize = 12;

/// Why a list is not used. It names lines by their numbers only.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListError {
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    #[error("it is no file")]
    NotAFile,
    #[error("others may read or change it, or its folder: chmod o= and g-w, owner root or this account")]
    Open,
    #[error("it begins with a byte order mark: save it without one")]
    ByteOrderMark,
    #[error("line {0} ends as on Windows: end lines with a line feed alone")]
    CarriageReturn(usize),
    #[error("it has more than {BYTES_MAX} bytes or {LINES_MAX} lines")]
    TooLong,
    #[error("line {0} is not UTF-8")]
    Encoding(usize),
    #[error("line {0} is not twelve digits, a tab, and words")]
    Form(usize),
    #[error("line {0} has more than {WORDS_MAX} characters of words")]
    Words(usize),
    #[error("line {0} has a character that cannot be seen")]
    Unseen(usize),
    #[error("line {0} has the digits of an earlier one")]
    Twice(usize),
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}

/// Where the list is.
#[derive(Debug, Clone)]
pub(crate) enum List {
    File(PathBuf),
    /// Of the demonstration.
    #[cfg_attr(not(feature = "emulator"), allow(dead_code, reason = "the demonstration's"))]
    Text(String),
}

impl List {
    /// The words for these digits, if they are on the list now.
    pub(crate) fn find(&self, digits: &str) -> Result<Option<String>, ListError> {
        match self {
            Self::File(path) => find(&read(path)?, digits),
            Self::Text(text) => find(text.as_bytes(), digits),
        }
    }

    /// How many cards are on it.
    pub(crate) fn check(&self) -> Result<usize, ListError> {
        match self {
            Self::File(path) => Ok(lines(&read(path)?)?.len()),
            Self::Text(text) => Ok(lines(text.as_bytes())?.len()),
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ListError> {
    // Opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(ListError::NotAFile);
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(ListError::NotAFile);
    }
    if is_open_to_others(&about) || is_replaceable(path)? {
        return Err(ListError::Open);
    }
    // All of it at once: what grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(
        usize::try_from(about.len().min(BYTES_MAX) + 2).unwrap_or_default(),
    ));
    file.take(BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > BYTES_MAX { Err(ListError::TooLong) } else { Ok(content) }
}

#[cfg(unix)]
fn is_open_to_others(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    // Who we are, by the owner of our own process.
    let ours = fs::metadata("/proc/self").map_or(0, |process| process.uid());
    about.permissions().mode() & 0o027 != 0 || ![0, ours].contains(&about.uid())
}

/// Whether anybody may put another file in its place.
#[cfg(unix)]
fn is_replaceable(path: &Path) -> Result<bool, ListError> {
    use std::os::unix::fs::PermissionsExt;
    let path = path.canonicalize()?;
    let folder = fs::metadata(path.parent().unwrap_or(&path))?;
    // In a folder with the sticky bit only the owner of a file replaces it.
    Ok(matches!(folder.permissions().mode() & 0o1002, 0o0002))
}

#[cfg(not(unix))]
fn is_replaceable(_: &Path) -> Result<bool, ListError> {
    Ok(false)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// The words for these digits in a list that is sound as a whole.
pub(crate) fn find(content: &[u8], digits: &str) -> Result<Option<String>, ListError> {
    let found = lines(content)?.into_iter().find(|(listed, _)| *listed == digits);
    Ok(found.map(|(_, words)| words.to_owned()))
}

/// Digits and words of every line.
fn lines(content: &[u8]) -> Result<Vec<(&str, &str)>, ListError> {
    if content.starts_with(b"\xEF\xBB\xBF") {
        return Err(ListError::ByteOrderMark);
    }
    let mut found = Vec::new();
    let mut digits_seen = HashSet::new();
    // The last line ends, too, and begins no further one.
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
        if number > LINES_MAX {
            return Err(ListError::TooLong);
        }
        if line.ends_with(b"\r") {
            return Err(ListError::CarriageReturn(number));
        }
        let line = std::str::from_utf8(line).map_err(|_| ListError::Encoding(number))?;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (digits, words) = line.split_once('\t').ok_or(ListError::Form(number))?;
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ListError::Form(number));
        }
        if words.chars().any(is_unseen) || is_heaped(words) {
            return Err(ListError::Unseen(number));
        }
        if !words.chars().any(char::is_alphanumeric) || words.trim() != words {
            return Err(ListError::Form(number));
        }
        if words.chars().count() > WORDS_MAX {
            return Err(ListError::Words(number));
        }
        if !digits_seen.insert(digits) {
            return Err(ListError::Twice(number));
        }
        found.push((digits, words));
    }
    Ok(found)
}

/// Whether marks are heaped on one letter.
fn is_heaped(words: &str) -> bool {
    let is_mark = |c: &char| {
        matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
    };
    let chars: Vec<char> = words.chars().collect();
    chars.windows(3).any(|three| three.iter().all(is_mark))
}

/// Controls, what turns, hides or joins text, what is written from the right, and what every font shows in its own way:
/// words that could write to the terminal, or look like others.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{590}'..='\u{8FF}' | '\u{2800}' | '\u{E000}'..='\u{F8FF}' | '\u{FB1D}'..='\u{FDFF}'
            | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{13430}'..='\u{1345F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{1E800}'..='\u{1EFFF}'
            | '\u{F0000}'..='\u{10FFFF}')
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}
