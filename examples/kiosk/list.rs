//! Who may pass: a file with a line for each card, twelve digits, a tab, and the words to show.
//!
//! ```text
//! # Lines like this one and empty ones are passed over.
//! 123456789012<tab>Ufficio tributi, 1° piano
//! ```
//!
//! It is read whole at each check, so that what is struck off is off at once, and of all its people one line stays in
//! memory, for as long as it is shown. A file with anything wrong in it lets nobody pass: half a list may be half a
//! name. Replace it as a whole (`mv new list`): a card that comes while it is written finds half of it.
//!
//! A list that everybody on the computer can read, or that others than its owner can change, is refused: it says who
//! comes and goes here, and who may.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

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
    #[error("others may read or change it: chmod o= and g-w")]
    Open,
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

fn read(path: &Path) -> Result<Vec<u8>, ListError> {
    // Opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(ListError::NotAFile);
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(ListError::NotAFile);
    }
    if is_open_to_others(&about) {
        return Err(ListError::Open);
    }
    let mut content = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > BYTES_MAX { Err(ListError::TooLong) } else { Ok(content) }
}

#[cfg(unix)]
fn is_open_to_others(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o026 != 0
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
    let mut found = Vec::new();
    let mut digits_seen = HashSet::new();
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
        if number > LINES_MAX {
            return Err(ListError::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| ListError::Encoding(number))?;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (digits, words) = line.split_once('\t').ok_or(ListError::Form(number))?;
        if digits.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ListError::Form(number));
        }
        if words.chars().any(is_unseen) {
            return Err(ListError::Unseen(number));
        }
        if words.trim().is_empty() || words.trim() != words {
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

/// Controls, and what turns, hides or joins text: words that could write to the terminal, or look like others.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}
