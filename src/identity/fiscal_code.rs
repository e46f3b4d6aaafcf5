//! The fiscal code, sixteen characters that name a natural person (ministerial decree of 23 December 1976).
//!
//! ```text
//! CVA PVN 79 C 57 G999 T
//!  │   │   │ │  │  │   └ check character over the fifteen before
//!  │   │   │ │  │  └ Belfiore code of the municipality or, from Z, the state of birth
//!  │   │   │ │  └ day of birth, 40 more for women
//!  │   │   │ └ month
//!  │   │   └ year, without its century
//!  │   └ given names
//!  └ surname
//! ```
//!
//! Where two persons would have the same code, digits give way to letters (*omocodia*): the seven digits of a
//! valid code may each be either.

mod letters;

use std::fmt;

use super::Agreement;
use crate::cns::{Date, Sex};

/// Length in characters.
const LENGTH: usize = 16;
/// Places of the digits, from 1.
const DIGITS: [usize; 7] = [7, 8, 10, 11, 13, 14, 15];
/// The letter that stands for each digit in omocodia.
const OMOCODIA: &str = "LMNPQRSTUV";
/// The letter of each month.
const MONTHS: &str = "ABCDEHLMPRST";
/// What a character at an odd place counts, A to Z; digits 0 to 9 count as A to J.
const ODD: [u8; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
/// What is added to the day of birth of a woman.
const FEMALE: u8 = 40;

/// Why a text is not a fiscal code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FiscalCodeError {
    /// Not sixteen characters.
    #[error("a fiscal code has 16 characters, not {0}")]
    Length(usize),
    /// Eleven digits: the code of a company, or a person's provisional one.
    #[error("a code of eleven digits is not a person's full fiscal code")]
    ElevenDigits,
    /// A character that cannot stand at its place, counted from 1. Small letters cannot stand anywhere.
    #[error("the character at place {0} of the fiscal code cannot stand there")]
    Character(usize),
    /// Place 9 is none of the twelve letters for months.
    #[error("the month of the fiscal code does not exist")]
    Month,
    /// Places 10 and 11 are neither 1 to 31 nor 41 to 71.
    #[error("the day of the fiscal code is out of bounds")]
    Day,
    /// A day that its month has in no year with these last two digits, such as 31 April.
    #[error("the day of birth in the fiscal code never existed")]
    NoSuchDay,
    /// Place 16 does not fit the fifteen before it.
    #[error("the check character of the fiscal code is wrong")]
    CheckCharacter,
}

/// A valid fiscal code. Equal is what has the same sixteen characters: variants by omocodia are different
/// persons. It identifies a person, so `Debug` does not print it.
///
/// ```
/// use cie::identity::{FiscalCode, FiscalCodeError};
///
/// let code = FiscalCode::parse("CVAPVN79C57G999T")?;
/// assert_eq!((code.day(), code.month(), code.year_in_century()), (17, 3, 79));
/// assert_eq!(code.birth_place(), "G999");
/// assert_eq!(FiscalCode::parse("CVAPVN79C57G999U"), Err(FiscalCodeError::CheckCharacter));
/// # Ok::<(), FiscalCodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FiscalCode {
    text: String,
    /// The same with digits at the places of digits; the check character stays.
    decoded: String,
    year: u8,
    month: u8,
    day: u8,
    sex: Sex,
}

impl FiscalCode {
    /// Takes sixteen capital letters and digits; blanks and small letters are the caller's to mend.
    ///
    /// The date is refused only where no century makes it one: 31 April, 30 February, and 29 February unless
    /// the year divides by four. That 1900 had no such day only shows once the century is known.
    ///
    /// # Errors
    /// [`FiscalCodeError`]: the first thing wrong, the check character last.
    pub fn parse(text: &str) -> Result<Self, FiscalCodeError> {
        if text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FiscalCodeError::ElevenDigits);
        }
        let length = text.chars().count();
        if length != LENGTH {
            return Err(FiscalCodeError::Length(length));
        }
        let decoded = (1..).zip(text.chars()).map(|(place, character)| {
            let digit = DIGITS.contains(&place);
            let letter = character.is_ascii_uppercase().then_some(character);
            let decoded = if digit { digit_of(character) } else { letter };
            decoded.ok_or(FiscalCodeError::Character(place))
        });
        let decoded = decoded.collect::<Result<String, _>>()?;
        let number = |from, to| decoded.get(from..to).and_then(|digits| digits.parse::<u8>().ok());
        let letter = decoded.chars().nth(8).ok_or(FiscalCodeError::Month)?;
        let month = (1..).zip(MONTHS.chars()).find(|(_, month)| *month == letter);
        let (month, _) = month.ok_or(FiscalCodeError::Month)?;
        let year = number(6, 8).ok_or(FiscalCodeError::Character(7))?;
        let (sex, day) = match number(9, 11) {
            Some(day @ 1..=31) => (Sex::Male, day),
            Some(day @ 41..=71) => (Sex::Female, day - FEMALE),
            _ => return Err(FiscalCodeError::Day),
        };
        // The century with a 29 February in its year 00: what it does not have, none has.
        if Date::new(2000 + u16::from(year), month, day).is_none() {
            return Err(FiscalCodeError::NoSuchDay);
        }
        if !text.ends_with(check_character(text)) {
            return Err(FiscalCodeError::CheckCharacter);
        }
        Ok(Self { text: text.to_owned(), decoded, year, month, day, sex })
    }

    /// The sixteen characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The sixteenth character.
    #[must_use]
    pub fn check_character(&self) -> char {
        check_character(&self.text)
    }

    /// Whether letters stand for digits, because somebody else would have the same code.
    #[must_use]
    pub fn is_omocodia(&self) -> bool {
        self.text != self.decoded
    }

    /// Day of birth, 1 to 31.
    #[must_use]
    pub fn day(&self) -> u8 {
        self.day
    }

    /// Month of birth, 1 to 12.
    #[must_use]
    pub fn month(&self) -> u8 {
        self.month
    }

    /// Last two digits of the year of birth, 0 to 99. The code does not tell the century.
    #[must_use]
    pub fn year_in_century(&self) -> u8 {
        self.year
    }

    /// Whether somebody born on this day has such a code.
    #[must_use]
    pub fn is_born_on(&self, date: Date) -> bool {
        (date.day(), date.month(), date.year() % 100) == (self.day, self.month, self.year.into())
    }

    /// The day of birth of somebody who was born at this day or in the hundred years before it, such as the
    /// day on which a card was issued. Who is older comes out a hundred years too young. `None` if there
    /// was no such day.
    #[must_use]
    pub fn birth_date_by(&self, latest: Date) -> Option<Date> {
        let this_century = latest.year() / 100 * 100 + u16::from(self.year);
        let years = [Some(this_century), this_century.checked_sub(100)].into_iter().flatten();
        years.filter_map(|year| Date::new(year, self.month, self.day)).find(|date| *date <= latest)
    }

    /// Sex.
    #[must_use]
    pub fn sex(&self) -> Sex {
        self.sex
    }

    /// Belfiore code of the municipality of birth, or of the state if it begins with Z: a letter and three
    /// digits, omocodia undone. The code that the place had when the fiscal code was given.
    #[must_use]
    pub fn birth_place(&self) -> &str {
        self.decoded.get(11..15).unwrap_or_default()
    }

    /// Whether the surname gives the first three letters: its consonants, then its vowels, then X.
    #[must_use]
    pub fn agrees_with_surname(&self, surname: &str) -> Agreement {
        Agreement::between(letters::of_surname(surname).as_deref(), self.text.get(..3))
    }

    /// Whether the given names, all of them, give letters 4 to 6: as the surname, but of four consonants or
    /// more the first, third and fourth.
    #[must_use]
    pub fn agrees_with_given_names(&self, names: &str) -> Agreement {
        Agreement::between(letters::of_given_names(names).as_deref(), self.text.get(3..6))
    }

    /// Both of them.
    #[must_use]
    pub fn agrees_with_names(&self, surname: &str, given_names: &str) -> Agreement {
        self.agrees_with_surname(surname).and(self.agrees_with_given_names(given_names))
    }
}

impl fmt::Debug for FiscalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FiscalCode(..)")
    }
}

/// The digit that stands there, or for which the letter stands.
fn digit_of(character: char) -> Option<char> {
    let for_letter = ('0'..).zip(OMOCODIA.chars()).find(|(_, letter)| *letter == character);
    if character.is_ascii_digit() { Some(character) } else { for_letter.map(|(digit, _)| digit) }
}

/// The sixteenth character for the first fifteen as they stand, omocodia or not: what they count, modulo 26.
fn check_character(text: &str) -> char {
    let value = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.saturating_sub(b'A') % 26,
    };
    let sum = (1..LENGTH).zip(text.bytes()).fold(0, |sum, (place, byte)| {
        let value = value(byte);
        let counts = if place % 2 == 0 { value } else { ODD.get(usize::from(value)).copied().unwrap_or(0) };
        (sum + counts) % 26
    });
    char::from(b'A' + sum)
}

#[cfg(test)]
mod tests;
