//! Whether a fiscal code fits the rest of what is known about a person.

use super::FiscalCode;
use crate::cns::{Field, PersonalData, WrittenDate};

/// What comes out when two statements about one thing are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Agreement {
    /// They agree.
    Agrees,
    /// They do not.
    Differs,
    /// One of them is missing, or says it in a way that cannot be compared.
    CannotTell,
}

impl Agreement {
    /// Compares, if both are there.
    pub(super) fn between<T: PartialEq>(one: Option<T>, other: Option<T>) -> Self {
        match (one, other) {
            (Some(one), Some(other)) if one == other => Self::Agrees,
            (Some(_), Some(_)) => Self::Differs,
            _ => Self::CannotTell,
        }
    }

    /// Both together: a difference counts most, doubt more than agreement.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Differs, _) | (_, Self::Differs) => Self::Differs,
            (Self::Agrees, Self::Agrees) => Self::Agrees,
            _ => Self::CannotTell,
        }
    }
}

/// How a fiscal code fits the holder's data of a card, field by field. A report, not a verdict: names change,
/// registries err, municipalities merge, and the code stays. It holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementReport([(Field, Agreement); 6]);

impl AgreementReport {
    /// Compares a code with what a card says of its holder.
    #[must_use]
    pub fn of(code: &FiscalCode, data: &PersonalData) -> Self {
        let or_unknown = |agreement: Option<Agreement>| agreement.unwrap_or(Agreement::CannotTell);
        let birth_date = data.birth_date().and_then(WrittenDate::date);
        Self([
            (Field::Surname, or_unknown(data.surname().map(|name| code.agrees_with_surname(name)))),
            (
                Field::GivenNames,
                or_unknown(data.given_names().map(|names| code.agrees_with_given_names(names))),
            ),
            (Field::BirthDate, Agreement::between(birth_date.map(|date| code.is_born_on(date)), Some(true))),
            (Field::Sex, Agreement::between(data.sex(), Some(code.sex()))),
            (Field::FiscalCode, Agreement::between(data.fiscal_code(), Some(code.as_str()))),
            (Field::BirthMunicipality, birth_place(code, data)),
        ])
    }

    /// What came out for a field; `None` if a fiscal code says nothing about it.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<Agreement> {
        self.0.iter().find(|(compared, _)| *compared == field).map(|(_, agreement)| *agreement)
    }

    /// The fields that differ.
    pub fn differing(&self) -> impl Iterator<Item = Field> + '_ {
        self.0.iter().filter(|(_, agreement)| *agreement == Agreement::Differs).map(|(field, _)| *field)
    }

    /// Everything in one word.
    #[must_use]
    pub fn overall(&self) -> Agreement {
        self.0.iter().fold(Agreement::Agrees, |overall, (_, agreement)| overall.and(*agreement))
    }
}

/// Only Belfiore codes can be compared. Who was born abroad may have the state in either field, or written
/// in another coding.
fn birth_place(code: &FiscalCode, data: &PersonalData) -> Agreement {
    let is_belfiore = |text: &&str| match text.as_bytes() {
        [letter, digits @ ..] => {
            letter.is_ascii_uppercase() && digits.len() == 3 && digits.iter().all(u8::is_ascii_digit)
        }
        [] => false,
    };
    let place = data.birth_municipality().filter(is_belfiore);
    let place = place.or_else(|| data.birth_state().filter(is_belfiore));
    Agreement::between(place, Some(code.birth_place()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{contact, hex_of};

    /// The second file of the vectors, with one field's text replaced by another of the same length.
    fn data(old: &str, new: &str) -> PersonalData {
        assert_eq!(old.len(), new.len());
        let ef = hex_of(&contact("/dati_personali/1/ef_hex"));
        let text: String = ef.iter().map(|byte| char::from(*byte)).collect();
        assert!(text.contains(old));
        PersonalData::parse(text.replacen(old, new, 1).as_bytes()).unwrap()
    }

    fn report(old: &str, new: &str) -> AgreementReport {
        AgreementReport::of(&FiscalCode::parse("DSMGPR60A01D612F").unwrap(), &data(old, new))
    }

    #[test]
    fn data_that_agree() {
        for (file, code) in [(0, "CVAPVN79C57G999T"), (1, "DSMGPR60A01D612F")] {
            let ef = hex_of(&contact(&format!("/dati_personali/{file}/ef_hex")));
            let data = PersonalData::parse(&ef).unwrap();
            let report = AgreementReport::of(&FiscalCode::parse(code).unwrap(), &data);
            assert_eq!(report.overall(), Agreement::Agrees, "{report:?}");
            assert_eq!((report.differing().count(), report.get(Field::Stature)), (0, None));
        }
    }

    #[test]
    fn each_difference_is_named() {
        for (field, old, new) in [
            (Field::Surname, "D'ESEMPIO", "D'ESEMBIO"),
            (Field::GivenNames, "GIAN PROVA", "GINA TROVA"),
            (Field::BirthDate, "01011960", "02011960"),
            (Field::BirthDate, "01011960", "01021960"),
            (Field::BirthDate, "01011960", "01011961"),
            (Field::Sex, "01M", "01F"),
            (Field::FiscalCode, "DSMGPR60A01D612F", "DSMGPR60A01D61NU"),
            (Field::BirthMunicipality, "04D612", "04D613"),
        ] {
            if new == "D'ESEMBIO" {
                // The fourth consonant: the code does not know it.
                assert_eq!(report(old, new).overall(), Agreement::Agrees);
                continue;
            }
            let report = report(old, new);
            assert_eq!(report.differing().collect::<Vec<_>>(), [field]);
            assert_eq!((report.get(field), report.overall()), (Some(Agreement::Differs), Agreement::Differs));
        }
        assert_eq!(report("D'ESEMPIO", "B'ESEMPIO").differing().collect::<Vec<_>>(), [Field::Surname]);
    }

    #[test]
    fn what_cannot_be_compared_is_no_difference() {
        for (field, old, new) in [
            (Field::BirthDate, "01011960", "00001960"),
            (Field::Sex, "01M", "01X"),
            (Field::BirthMunicipality, "04D612", "04ROMA"),
        ] {
            let report = report(old, new);
            assert_eq!((report.get(field), report.differing().count()), (Some(Agreement::CannotTell), 0));
            assert_eq!(report.overall(), Agreement::CannotTell);
        }
    }

    /// The place of birth against a file with nothing else in it.
    fn born_in(municipality: &str, state: &str) -> Agreement {
        let fields: String = (1..=16)
            .map(|number| match number {
                11 => municipality,
                12 => state,
                _ => "",
            })
            .map(|text| format!("{:02X}{text}", text.len()))
            .collect();
        let ef = format!("{:06X}{fields}", PersonalData::HEADER_LENGTH + fields.len());
        let code = FiscalCode::parse("DSMGPR60A01D612F").unwrap();
        birth_place(&code, &PersonalData::parse(ef.as_bytes()).unwrap())
    }

    #[test]
    fn a_place_of_birth_is_compared_if_it_is_a_belfiore_code() {
        use Agreement::{Agrees, CannotTell, Differs};
        for (municipality, state, expected) in [
            ("D612", "", Agrees),
            ("D613", "D612", Differs),
            // Who was born abroad.
            ("", "D612", Agrees),
            ("ROMA", "D612", Agrees),
            ("", "Z404", Differs),
            ("", "FRANCIA", CannotTell),
            ("6612", "", CannotTell),
            ("d612", "", CannotTell),
            ("D61", "", CannotTell),
            ("D6120", "", CannotTell),
        ] {
            assert_eq!(born_in(municipality, state), expected, "{municipality} {state}");
        }
    }
}
