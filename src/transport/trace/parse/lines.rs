//! Lines and words of a trace, with where they stand.

use zeroize::Zeroizing;

use super::{ParseError, Problem};
use crate::transport::trace::told::BYTES_MAX;
use crate::transport::trace::{LINE_MAX, Told};

/// A line without its break, blank at neither end, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

impl Line<'_> {
    pub(super) fn error(self, column: usize, problem: Problem) -> ParseError {
        ParseError { line: self.number, column, problem }
    }
}

/// The lines that say something: no comments, no empty ones.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    /// The line that was read last, from 1.
    pub(super) line: usize,
    /// Where the last line ends without a break.
    pub(super) cut: Option<ParseError>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, line: 0, cut: None }
    }

    pub(super) fn next(&mut self) -> Option<Result<Line<'a>, ParseError>> {
        while !self.rest.is_empty() {
            let line = self.line + 1;
            let error = |column, problem| Some(Err(ParseError { line, column, problem }));
            let window = self.rest.get(..=LINE_MAX).unwrap_or(self.rest);
            let Some(at) = window.iter().position(|byte| *byte == b'\n') else {
                if window.len() > LINE_MAX {
                    return error(LINE_MAX + 1, Problem::LineTooLong);
                }
                let column = self.rest.len() + 1;
                self.cut = Some(ParseError { line, column, problem: Problem::CutOff });
                return None;
            };
            let (bytes, rest) = self.rest.split_at(at);
            self.rest = rest.get(1..).unwrap_or_default();
            self.line = line;
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            if bytes.is_empty() || bytes.starts_with(b"#") {
                continue;
            }
            if let Some(at) = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~')) {
                return error(at + 1, Problem::NotText);
            }
            // All of it is ASCII.
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            return Some(Ok(Line { number: line, text }));
        }
        None
    }
}

/// A number of digits only.
pub(super) fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A word and its column.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) column: usize,
}

/// The words of a line, with one blank between two.
pub(super) struct Words<'a> {
    line: Line<'a>,
    /// What was not read yet, if anything.
    pub(super) rest: Option<&'a str>,
}

impl<'a> Words<'a> {
    pub(super) fn of(line: Line<'a>) -> Self {
        Self { line, rest: Some(line.text) }
    }

    fn column(&self) -> usize {
        self.line.text.len() - self.rest.map_or(0, str::len) + 1
    }

    pub(super) fn next(&mut self) -> Option<Word<'a>> {
        let column = self.column();
        let rest = self.rest?;
        let (text, rest) = match rest.split_once(' ') {
            Some((text, rest)) => (text, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Some(Word { text, column })
    }

    pub(super) fn error_at(&self, word: Option<Word<'_>>, problem: Problem) -> ParseError {
        self.line.error(word.map_or(self.column(), |word| word.column), problem)
    }

    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        match self.next() {
            None => Ok(()),
            word => Err(self.error_at(word, Problem::UnknownWord)),
        }
    }

    /// The next word, which must be there.
    pub(super) fn needed(&mut self) -> Result<Word<'a>, ParseError> {
        let column = self.column();
        self.next().ok_or(self.line.error(column, Problem::UnknownWord))
    }

    pub(super) fn hex(&self, word: Word<'_>, most: usize) -> Result<Zeroizing<Vec<u8>>, ParseError> {
        let digits = word.text.as_bytes();
        let error = |at: usize, problem| self.line.error(word.column + at, problem);
        if digits.len() > 2 * most {
            return Err(error(2 * most, Problem::OutOfRange));
        }
        if let Some(at) = digits.iter().position(|digit| !digit.is_ascii_hexdigit()) {
            return Err(error(at, Problem::Hex));
        }
        match hex::decode(digits) {
            Ok(bytes) if !bytes.is_empty() => Ok(Zeroizing::new(bytes)),
            _ => Err(error(digits.len(), Problem::Hex)),
        }
    }

    /// The rest of the line as a command or an answer; of an answer, up to the word `us`.
    pub(super) fn told(&mut self) -> Result<Told, ParseError> {
        let (mut told, mut length) = (Told::default(), 0);
        while let Some(word) = self.next() {
            if word.text == "us" && word.column > 1 {
                self.rest = self.line.text.get(word.column - 1..);
                break;
            }
            let hidden = word.text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            told = match hidden {
                Some("?") => told.and_uncounted(),
                Some(count) => {
                    let count = number(count).filter(|count| (1..=BYTES_MAX).contains(count));
                    let count = count.ok_or(self.error_at(Some(word), Problem::OutOfRange))?;
                    length += count;
                    told.and_hidden(count)
                }
                None => {
                    let bytes = self.hex(word, BYTES_MAX)?;
                    length += bytes.len();
                    told.and(&bytes)
                }
            };
            if length > BYTES_MAX {
                return Err(self.error_at(Some(word), Problem::OutOfRange));
            }
        }
        Ok(told)
    }
}
