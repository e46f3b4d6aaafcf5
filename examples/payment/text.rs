//! Texts that somebody else wrote and a citizen reads: no character in them can do anything but be read.

use std::fmt;

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("a text is empty or longer than {0} characters")]
    Length(usize),
    #[error("a text has a character that cannot stand in it: U+{:04X}", u32::from(*.0))]
    Character(char),
    #[error("a text begins or ends with a blank, or has two in a row")]
    Blanks,
}

/// A line of at most `MAX` characters: letters of Latin scripts, digits, blanks between words, and the usual marks,
/// but no quotation marks: it is shown between them.
/// Control characters would move the cursor, marks of direction turn the line round, and marks that join the letter
/// before them would give one text two spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        let length = text.chars().count();
        if length == 0 || length > MAX {
            return Err(TextError::Length(MAX));
        }
        if let Some(other) = text.chars().find(|character| !is_plain(*character)) {
            return Err(TextError::Character(other));
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
            return Err(TextError::Blanks);
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ASCII that is seen, and the letters of Latin-1 and Latin Extended-A: all that Italian, German, French, Slovene and
/// Croatian names are written with. Not the quotation marks that a text is shown between, and not the letters that look
/// like others: i without a dot, both ligatures IJ, kra, L with a dot in the middle, n with an apostrophe, long s.
fn is_plain(character: char) -> bool {
    let confusing =
        ['"', '\u{131}', '\u{132}', '\u{133}', '\u{138}', '\u{13F}', '\u{140}', '\u{149}', '\u{17F}'];
    let letter = matches!(character, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{17F}');
    (letter || matches!(character, ' '..='~' | '€' | '’')) && !confusing.contains(&character)
}

/// What others wrote outside of an order (a certificate, a database, the name of a file), made fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    let fit = |character| match character {
        ' '..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{17F}' | '€' | '’' | '–' | '…' => character,
        _ => '\u{FFFD}',
    };
    text.chars().map(fit).collect()
}
