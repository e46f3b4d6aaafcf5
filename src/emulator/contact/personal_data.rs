//! EF_DatiPersonali: sixteen fields of text, each behind its length, behind the length of all.

use serde::{Deserialize, Serialize};

use crate::emulator::citizen::{Citizen, Date, Sex};
use crate::emulator::pki::Error;

/// Length of the header, in characters.
const HEADER: usize = 6;

/// What the header counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// Itself and the fields, as on the card that was seen.
    #[default]
    Inclusive,
    /// The fields only, as a program in use understands it.
    Exclusive,
}

/// The fields in their order, as they stand on the card: capital letters without accents, days as DDMMYYYY.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PersonalData {
    /// CNS: the first four digits of the card number. CIE: the municipality, in a code that is not known.
    pub issuer_code: String,
    pub issue_date: String,
    pub expiry_date: String,
    pub surname: String,
    pub given_name: String,
    pub birth_date: String,
    /// M or F.
    pub sex: String,
    /// Height in centimetres.
    pub stature_cm: String,
    pub fiscal_code: String,
    pub citizenship_code: String,
    /// Cadastral (Belfiore) code.
    pub birth_municipality: String,
    pub birth_state: String,
    pub birth_act: String,
    /// Cadastral (Belfiore) code.
    pub residence_municipality: String,
    pub residence_address: String,
    /// What hinders travel; empty if nothing does.
    pub travel_note: String,
}

impl PersonalData {
    /// A citizen's data on a card that is valid from one day to another; on a CNS half of them are empty.
    pub(super) fn of(citizen: &Citizen, cie: bool, from: Date, to: Date) -> Result<Self, Error> {
        let person = &citizen.person;
        let abroad = person.birth_place.starts_with('Z');
        let only_on_cie = |text: &str| if cie { text.to_owned() } else { String::new() };
        Ok(Self {
            issue_date: day(from),
            expiry_date: day(to),
            surname: person.plain_surname()?,
            given_name: person.plain_given_names()?,
            birth_date: day(person.birth_date),
            sex: if person.sex == Sex::F { "F" } else { "M" }.to_owned(),
            stature_cm: only_on_cie("170"),
            fiscal_code: citizen.fiscal_code.clone(),
            // How the CIE codes citizenship, states and acts is not known: these are invented.
            citizenship_code: only_on_cie("100"),
            birth_municipality: person.birth_place.clone(),
            birth_state: only_on_cie(if abroad { &person.birth_place } else { "" }),
            birth_act: only_on_cie("00123 P.I S.A"),
            residence_municipality: "H501".to_owned(),
            residence_address: only_on_cie("VIA DEL COLLAUDO 1/A"),
            ..Self::default()
        })
    }

    fn fields(&self) -> [&str; 16] {
        [
            &self.issuer_code,
            &self.issue_date,
            &self.expiry_date,
            &self.surname,
            &self.given_name,
            &self.birth_date,
            &self.sex,
            &self.stature_cm,
            &self.fiscal_code,
            &self.citizenship_code,
            &self.birth_municipality,
            &self.birth_state,
            &self.birth_act,
            &self.residence_municipality,
            &self.residence_address,
            &self.travel_note,
        ]
    }

    /// Header and fields, without padding.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a field of more than 255 bytes.
    pub fn encode(&self, header: Header) -> Result<Vec<u8>, Error> {
        let mut text = String::new();
        for field in self.fields() {
            let length = u8::try_from(field.len()).map_err(|_| Error::TooLong("a personal datum"))?;
            text += &format!("{length:02X}{field}");
        }
        let counted = match header {
            Header::Inclusive => HEADER + text.len(),
            Header::Exclusive => text.len(),
        };
        Ok(format!("{counted:06X}{text}").into_bytes())
    }

    /// The whole file of this size, zeros at its end.
    ///
    /// # Errors
    /// [`Error::TooLong`] if it does not fit.
    pub fn encode_file(&self, header: Header, size: usize) -> Result<Vec<u8>, Error> {
        super::layout::filled(self.encode(header)?, size, "the personal data")
    }
}

/// DDMMYYYY.
fn day(date: Date) -> String {
    format!("{:02}{:02}{:04}", date.day(), date.month(), date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worked_file_is_ours() {
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie2-cns.json")).unwrap();
        for example in v["dati_personali"].as_array().unwrap() {
            let data: PersonalData = serde_json::from_value(example["fields"].clone()).unwrap();
            let header = match example["name"].as_str().unwrap() {
                "header_exclusive" => Header::Exclusive,
                _ => Header::Inclusive,
            };
            let used = data.encode(header).unwrap();
            assert_eq!(used.len(), usize::try_from(example["used_len"].as_u64().unwrap()).unwrap());
            let size = usize::try_from(example["ef_size"].as_u64().unwrap()).unwrap();
            let file = data.encode_file(header, size).unwrap();
            assert_eq!(hex::encode_upper(file), example["ef_hex"].as_str().unwrap(), "{}", example["name"]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let data = PersonalData { residence_address: "X".repeat(256), ..PersonalData::default() };
        assert_eq!(data.encode(Header::Inclusive), Err(Error::TooLong("a personal datum")));
        let data = PersonalData { residence_address: "X".repeat(255), ..PersonalData::default() };
        assert_eq!(data.encode_file(Header::Inclusive, 200), Err(Error::TooLong("the personal data")));
    }
}
