//! Invented people for software cards, with their fiscal code (decree of 23 December 1976).

mod letters;
mod people;

use std::time::SystemTime;

use letters::{check_character, letters, plain, three};
use serde::{Deserialize, Serialize};

pub use crate::date::Date;
pub use people::people;

/// Why no citizen can be made of some data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name has a character for which no plain letter is known, or no letter at all.
    #[error("a name must consist of Latin letters, blanks, hyphens and apostrophes")]
    Name,
    /// No such day.
    #[error("not a date of the form 1979-03-17")]
    Date,
    /// Not a letter and three digits.
    #[error("the place of birth must be a letter and three digits, such as H501")]
    Place,
    /// Not nine capital letters and digits.
    #[error("the document number must have nine capital letters and digits")]
    DocumentNumber,
    /// Not twelve digits.
    #[error("the NIS must have twelve digits")]
    Nis,
}

/// Sex as the fiscal code tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sex {
    /// Female.
    F,
    /// Male.
    M,
}

/// The years in which somebody is born, and in which cards are issued and end.
const YEARS: std::ops::Range<u16> = 1900..2200;

/// The day of a moment, in universal time.
///
/// # Errors
/// [`Error::Date`] before 1970 and after 2199.
pub fn day_of(time: SystemTime) -> Result<Date, Error> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| Error::Date)?;
    let mut days = since.as_secs() / 86_400;
    for year in 1970..YEARS.end {
        for month in 1..=12 {
            let length = u64::from(Date::days_of(year, month));
            if days < length {
                let day = u8::try_from(days + 1).map_err(|_| Error::Date)?;
                return Date::new(year, month, day).ok_or(Error::Date);
            }
            days -= length;
        }
    }
    Err(Error::Date)
}

/// Reads a day of the years 1900 to 2199 that is written as 1979-03-17.
fn day(text: &str) -> Result<Date, Error> {
    let mut parts = text.splitn(3, '-');
    let mut part = || parts.next().unwrap_or_default();
    let (year, month, day) = (part(), part(), part());
    let (year, month, day) = (year.parse().ok(), month.parse().ok(), day.parse().ok());
    let date = year.zip(month.zip(day)).and_then(|(year, (month, day))| Date::new(year, month, day));
    date.filter(|date| YEARS.contains(&date.year()) && date.to_string() == text).ok_or(Error::Date)
}

/// How a citizen's file has a day.
mod iso_8601 {
    use super::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        super::day(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A name in capital letters without accents; nothing for characters that no name has.
pub(crate) fn without_accents(name: &str) -> Option<String> {
    plain(name).ok()
}

/// What tells one person from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Surname, accents included.
    pub surname: String,
    /// Given names, accents included.
    pub given_names: String,
    /// Sex.
    pub sex: Sex,
    /// Date of birth.
    #[serde(with = "iso_8601")]
    pub birth_date: Date,
    /// Cadastral (Belfiore) code of the municipality or foreign state of birth.
    pub birth_place: String,
}

impl Person {
    /// The surname in capital letters without accents, as old cards write it.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn plain_surname(&self) -> Result<String, Error> {
        plain(&self.surname)
    }

    /// The given names likewise.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn plain_given_names(&self) -> Result<String, Error> {
        plain(&self.given_names)
    }

    /// Computes the fiscal code: six letters of the names, date and sex, place, check character.
    ///
    /// # Errors
    /// [`Error::Name`] or [`Error::Place`].
    pub fn fiscal_code(&self) -> Result<String, Error> {
        let (consonants, vowels) = letters(&self.surname)?;
        let mut code = three(&consonants, &vowels);
        let (consonants, vowels) = letters(&self.given_names)?;
        // With four or more consonants the second one is left out.
        let chosen: String = match consonants.len() {
            0..=3 => consonants,
            _ => consonants.chars().enumerate().filter(|(i, _)| *i != 1).map(|(_, c)| c).collect(),
        };
        code += &three(&chosen, &vowels);

        let month =
            "ABCDEHLMPRST".chars().nth(usize::from(self.birth_date.month()) - 1).ok_or(Error::Date)?;
        let day = self.birth_date.day() + if self.sex == Sex::F { 40 } else { 0 };
        code += &format!("{:02}{month}{day:02}", self.birth_date.year() % 100);

        let place = self.birth_place.as_bytes();
        let well_formed = matches!(place, [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9']);
        if !well_formed {
            return Err(Error::Place);
        }
        code += &self.birth_place;
        let check = check_character(&code);
        code.push(check);
        Ok(code)
    }
}

/// A person with the numbers that their card carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citizen {
    /// The person.
    #[serde(flatten)]
    pub person: Person,
    /// Fiscal code, sixteen characters; may differ from the computed one (omocodia).
    pub fiscal_code: String,
    /// Number of the document, nine characters such as `CA00000AA`.
    pub document_number: String,
    /// Number for services (NIS), twelve digits.
    pub nis: String,
}

impl Citizen {
    /// Makes a citizen; the fiscal code is computed.
    ///
    /// # Errors
    /// An [`Error`] that says which datum is malformed.
    pub fn new(person: Person, document_number: &str, nis: &str) -> Result<Self, Error> {
        let citizen = Self {
            fiscal_code: person.fiscal_code()?,
            person,
            document_number: document_number.into(),
            nis: nis.into(),
        };
        citizen.check()?;
        Ok(citizen)
    }

    /// Checks the numbers of the card: a citizen read from a file may be anything.
    ///
    /// # Errors
    /// [`Error::DocumentNumber`] or [`Error::Nis`].
    pub fn check(&self) -> Result<(), Error> {
        let number = &self.document_number;
        if number.len() != 9 || !number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Err(Error::DocumentNumber);
        }
        if self.nis.len() != 12 || !self.nis.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::Nis);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(surname: &str, given_names: &str, sex: Sex, birth_date: &str, place: &str) -> Person {
        Person {
            surname: surname.into(),
            given_names: given_names.into(),
            sex,
            birth_date: day(birth_date).unwrap(),
            birth_place: place.into(),
        }
    }

    #[test]
    fn fiscal_codes_of_invented_people() {
        for (surname, given_names, sex, date, place, code) in [
            ("CAVIA", "PROVINA", Sex::F, "1979-03-17", "G999", "CVAPVN79C57G999T"),
            ("D'ESEMPIO", "GIAN PROVA", Sex::M, "1960-01-01", "D612", "DSMGPR60A01D612F"),
            ("Fo", "Li", Sex::F, "2001-12-31", "Z404", "FOXLIX01T71Z404P"),
            ("COLLAUDO", "ANNA", Sex::F, "2000-02-29", "H501", "CLLNNA00B69H501X"),
            ("ÈAÙ", "ZZ", Sex::M, "1930-08-05", "F205", "EAUZZX30M05F205B"),
            ("TESTONI", "MARCHETTO", Sex::M, "1988-11-30", "L219", "TSTMCH88S30L219V"),
        ] {
            assert_eq!(person(surname, given_names, sex, date, place).fiscal_code().unwrap(), code);
        }
    }

    #[test]
    fn the_demo_citizen_is_consistent() {
        let demo = Citizen::demo();
        let again = Citizen::new(demo.person.clone(), &demo.document_number, &demo.nis).unwrap();
        assert_eq!(again, demo);
        let json = serde_json::to_string(&demo).unwrap();
        assert!(json.contains(r#""birth_date":"1985-07-24""#), "{json}");
        assert_eq!(serde_json::from_str::<Citizen>(&json).unwrap(), demo);
    }

    #[test]
    fn a_moment_lies_on_a_day() {
        let day = |seconds| day_of(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(day(seconds).unwrap().to_string(), expected);
        }
        assert_eq!(day(8_000_000_000), Err(Error::Date));
        assert_eq!(day_of(SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1)), Err(Error::Date));
    }

    #[test]
    fn old_cards_have_names_without_accents() {
        let demo = Citizen::demo().person;
        assert_eq!(demo.plain_surname().unwrap(), "COLLAUDO D'ESEMPIO");
        assert_eq!(demo.plain_given_names().unwrap(), "FITTIZIA PROVA");
        let plain = people().iter().map(|c| c.person.plain_surname().unwrap()).collect::<String>();
        assert!(plain.is_ascii(), "{plain}");
    }

    #[test]
    fn malformed_data_is_refused() {
        for date in ["", "1979", "1979-02-29", "1979-2-9", "1979-13-01", "1900-02-29", "1899-01-01"] {
            assert_eq!(day(date), Err(Error::Date), "{date}");
        }
        let demo = Citizen::demo();
        let with = |change: fn(&mut Person)| {
            let mut person = demo.person.clone();
            change(&mut person);
            person.fiscal_code()
        };
        assert_eq!(with(|p| p.surname.clear()), Err(Error::Name));
        assert_eq!(with(|p| p.given_names.push('1')), Err(Error::Name));
        assert_eq!(with(|p| p.birth_place = "h501".into()), Err(Error::Place));
        let person = &demo.person;
        assert_eq!(Citizen::new(person.clone(), "CA00000A", "000000123456"), Err(Error::DocumentNumber));
        assert_eq!(Citizen::new(person.clone(), "CA00000AA", "12345"), Err(Error::Nis));
    }
}
