//! `EF_DatiPersonali` (1100/1102): the holder's data, as the card gave them (CNS and CIE 2 file systems).
//!
//! ASCII without separators: six hexadecimal digits of total length, then up to sixteen fields, each two
//! hexadecimal digits of length and that many characters; the rest of the file is zeros.
//!
//! Nothing on the card protects this file. Only [`crate::identity`] makes the data worth something, by
//! the digest in the certificate.

mod error;
mod field;

use std::fmt;

use zeroize::Zeroizing;

use super::Date;

pub use error::PersonalDataError;
pub use field::Field;

/// Digits of the total length.
const HEADER: usize = 6;
/// Cards may leave out fields at the end, but none of the first nine: up to the fiscal code.
const FIELDS_LEAST: usize = 9;

/// What the header counts. Cards and their readers disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Header {
    /// Itself and the fields, as seen on a real card.
    CountsItself,
    /// The fields only.
    CountsFields,
}

/// The holder's sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sex {
    /// F.
    Female,
    /// M.
    Male,
}

/// A date as it stands on the card. That a field of dates holds something else is no reason to refuse
/// everything: a holder whose birthday nobody knows has a card too.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrittenDate<'a> {
    /// `DDMMYYYY` of a day that exists.
    Date(Date),
    /// Any other text.
    Text(&'a str),
}

impl WrittenDate<'_> {
    /// The date, if it is one.
    #[must_use]
    pub fn date(self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(date),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Debug for WrittenDate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenDate(..)")
    }
}

/// Something in the data that is not as it should be, and no reason to refuse them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Doubt {
    /// Bytes from 80 on, read as Latin-1, which is a guess.
    NotAscii(Field),
    /// A text that its kind does not allow: no date, neither M nor F, no number.
    Unreadable(Field),
}

/// The holder's data of `EF_DatiPersonali`: what the card claims. Cleared when dropped, and not printed
/// by accident.
pub struct PersonalData {
    content: Zeroizing<Vec<u8>>,
    header: Header,
    used: usize,
    /// In the order of [`Field::ALL`]; absent ones are empty or missing.
    fields: Vec<Zeroizing<String>>,
    not_ascii: Vec<Field>,
}

impl PersonalData {
    /// Length of the header in bytes; the fields begin behind it.
    pub const HEADER_LENGTH: usize = HEADER;

    /// Takes the whole content of the file, padding included: its length decides about its digest.
    ///
    /// The header may count itself or not. Where both readings come out, the longer is taken: behind the end
    /// of the shorter one there would be zeros. Fields may be missing at the end.
    ///
    /// # Errors
    /// [`PersonalDataError`]; positions count from the start of the file. Texts that make no sense are no
    /// error but a [`Doubt`].
    pub fn parse(ef: &[u8]) -> Result<Self, PersonalDataError> {
        if ef.iter().all(|byte| *byte == 0x00) || ef.iter().all(|byte| *byte == 0xFF) {
            return Err(PersonalDataError::NotPersonalised);
        }
        let header = ef.get(..HEADER).ok_or(PersonalDataError::TooShort(ef.len()))?;
        let declared = hexadecimal(header).ok_or(PersonalDataError::Header)?;
        let truncated = PersonalDataError::Truncated { declared, present: ef.len() };
        let longer = ef.get(..declared + HEADER).map(split);
        let (header, used, fields) = match (longer, ef.get(..declared)) {
            (Some(Ok(fields)), _) => (Header::CountsFields, declared + HEADER, fields),
            (_, Some(used)) => (Header::CountsItself, declared, split(used)?),
            (_, None) => return Err(truncated),
        };
        let not_ascii = Field::ALL.into_iter().zip(&fields).filter(|(_, bytes)| !bytes.is_ascii());
        Ok(Self {
            content: Zeroizing::new(ef.to_vec()),
            header,
            used,
            not_ascii: not_ascii.map(|(field, _)| field).collect(),
            fields: fields.into_iter().map(latin_1).collect(),
        })
    }

    /// The file as it was read, padding included.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// How many bytes of the file are used: header and fields.
    #[must_use]
    pub fn used_length(&self) -> usize {
        self.used
    }

    /// What the header was found to count.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// What is not as it should be, in the order of the fields.
    pub fn doubts(&self) -> impl Iterator<Item = Doubt> + '_ {
        Field::ALL.into_iter().flat_map(|field| {
            let makes_sense = match field {
                Field::IssueDate | Field::ExpiryDate | Field::BirthDate => {
                    self.date(field).is_none_or(|written| written.date().is_some())
                }
                Field::Sex => self.text(field).is_none() || self.sex().is_some(),
                Field::Stature => self.text(field).is_none() || self.stature_cm().is_some(),
                _ => true,
            };
            let not_ascii = self.not_ascii.contains(&field).then_some(Doubt::NotAscii(field));
            not_ascii.into_iter().chain((!makes_sense).then_some(Doubt::Unreadable(field)))
        })
    }

    /// The text of a field; `None` if it is absent, which the card does not tell from empty. Bytes from 80
    /// on are read as Latin-1, and as U+FFFD where that would be a control character.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        let text = self.fields.get(usize::from(field.number()) - 1)?;
        (!text.is_empty()).then_some(text)
    }

    /// The same as a person reads it: a date that is one as ISO 8601 writes it.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<String> {
        let date = match field {
            Field::IssueDate | Field::ExpiryDate | Field::BirthDate => self.date(field)?.date(),
            _ => None,
        };
        date.map(|date| date.to_string()).or_else(|| self.text(field).map(str::to_owned))
    }

    fn date(&self, field: Field) -> Option<WrittenDate<'_>> {
        let text = self.text(field)?;
        Some(Date::parse(text).map_or(WrittenDate::Text(text), WrittenDate::Date))
    }

    /// Issuer: on a CNS the first four digits of the card's number, on a CIE the municipality in a coding
    /// that is not published.
    #[must_use]
    pub fn issuer_code(&self) -> Option<&str> {
        self.text(Field::IssuerCode)
    }

    /// Day of issue.
    #[must_use]
    pub fn issue_date(&self) -> Option<WrittenDate<'_>> {
        self.date(Field::IssueDate)
    }

    /// Last day of validity.
    #[must_use]
    pub fn expiry_date(&self) -> Option<WrittenDate<'_>> {
        self.date(Field::ExpiryDate)
    }

    /// Surname, in capitals.
    #[must_use]
    pub fn surname(&self) -> Option<&str> {
        self.text(Field::Surname)
    }

    /// Given names, in capitals.
    #[must_use]
    pub fn given_names(&self) -> Option<&str> {
        self.text(Field::GivenNames)
    }

    /// Day of birth.
    #[must_use]
    pub fn birth_date(&self) -> Option<WrittenDate<'_>> {
        self.date(Field::BirthDate)
    }

    /// Sex; `None` also for another letter than M and F, see [`PersonalData::doubts`].
    #[must_use]
    pub fn sex(&self) -> Option<Sex> {
        match self.text(Field::Sex)? {
            "F" => Some(Sex::Female),
            "M" => Some(Sex::Male),
            _ => None,
        }
    }

    /// Stature in centimetres; `None` also for what is no number of up to three digits.
    #[must_use]
    pub fn stature_cm(&self) -> Option<u16> {
        let text = self.text(Field::Stature)?;
        let is_number = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().ok())?
    }

    /// Fiscal code, as text: [`crate::identity::FiscalCode`] tells whether it is one.
    #[must_use]
    pub fn fiscal_code(&self) -> Option<&str> {
        self.text(Field::FiscalCode)
    }

    /// Citizenship, in a coding that is not published; a CNS leaves it out.
    #[must_use]
    pub fn citizenship(&self) -> Option<&str> {
        self.text(Field::Citizenship)
    }

    /// Municipality of birth, Belfiore code.
    #[must_use]
    pub fn birth_municipality(&self) -> Option<&str> {
        self.text(Field::BirthMunicipality)
    }

    /// State of birth, for those born abroad.
    #[must_use]
    pub fn birth_state(&self) -> Option<&str> {
        self.text(Field::BirthState)
    }

    /// Particulars of the birth act.
    #[must_use]
    pub fn birth_act(&self) -> Option<&str> {
        self.text(Field::BirthAct)
    }

    /// Municipality of residence, Belfiore code.
    #[must_use]
    pub fn residence_municipality(&self) -> Option<&str> {
        self.text(Field::ResidenceMunicipality)
    }

    /// Address of residence.
    #[must_use]
    pub fn residence_address(&self) -> Option<&str> {
        self.text(Field::ResidenceAddress)
    }

    /// Note about travel abroad; as far as known absent if the card is valid for it.
    #[must_use]
    pub fn travel_note(&self) -> Option<&str> {
        self.text(Field::TravelNote)
    }
}

impl fmt::Debug for PersonalData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalData({} of {} bytes, {:?})", self.used, self.content.len(), self.header)
    }
}

/// The fields of header and fields, which take up `used` exactly.
fn split(used: &[u8]) -> Result<Vec<&[u8]>, PersonalDataError> {
    let mut rest = used.get(HEADER..).unwrap_or_default();
    let mut fields = Vec::with_capacity(Field::ALL.len());
    for field in Field::ALL {
        if rest.is_empty() {
            break;
        }
        let position = used.len() - rest.len();
        let truncated = PersonalDataError::FieldTruncated { field, position };
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let length = hexadecimal(length).ok_or(PersonalDataError::FieldLength { field, position })?;
        let (value, behind) = behind.split_at_checked(length).ok_or(truncated)?;
        if let Some(at) = value.iter().position(u8::is_ascii_control) {
            return Err(PersonalDataError::ControlCharacter { field, position: position + 2 + at });
        }
        fields.push(value);
        rest = behind;
    }
    match (rest.len(), fields.len()) {
        (0, FIELDS_LEAST..) => Ok(fields),
        (0, found) => Err(PersonalDataError::TooFewFields(found)),
        (more, _) => Err(PersonalDataError::LeftOver(more)),
    }
}

/// A number of up to six hexadecimal digits, of either case.
fn hexadecimal(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0_usize, |number, digit| {
        let digit = usize::try_from(char::from(*digit).to_digit(16)?).ok()?;
        Some(number << 4 | digit)
    })
}

/// Latin-1 in one place for life: a text that grows would leave copies behind.
fn latin_1(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len()));
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.extend(bytes.iter().map(|byte| safe(char::from(*byte))));
    text
}

#[cfg(test)]
mod tests;
