//! Fiscal codes against the worked examples, and what the check character finds.

use proptest::prelude::*;

use super::*;
use crate::vectors::contact;

/// Fifteen characters with the right sixteenth.
fn complete(fifteen: &str) -> String {
    format!("{fifteen}{}", check_character(fifteen))
}

fn error(text: &str) -> FiscalCodeError {
    FiscalCode::parse(text).unwrap_err()
}

/// A date of the vectors, as ISO 8601.
fn date(iso: &str) -> Date {
    Date::parse(&format!("{}{}{}", &iso[8..], &iso[5..7], &iso[..4])).unwrap()
}

#[test]
fn codes_and_their_omocodia() {
    for vector in contact("/codice_fiscale/valid").as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        let plain = FiscalCode::parse(text("codice_fiscale")).unwrap();
        assert!(!plain.is_omocodia());
        assert_eq!(
            plain.as_str(),
            format!(
                "{}{}{}{}{}",
                text("surname_part"),
                text("name_part"),
                text("date_part"),
                text("belfiore"),
                plain.check_character()
            )
        );
        assert_eq!(
            u64::from(u32::from(plain.check_character()) - u32::from('A')),
            vector["check_sum_mod26"].as_u64().unwrap()
        );
        let variants = vector["omocodia_right_to_left"].as_array().unwrap();
        assert_eq!(variants.len(), 7);
        let variants = variants.iter().map(|variant| FiscalCode::parse(variant.as_str().unwrap()).unwrap());
        let born = date(text("birth_date"));
        for code in std::iter::once(plain.clone()).chain(variants) {
            assert_eq!(code.is_omocodia(), code != plain);
            assert!(code.is_born_on(born));
            assert_eq!(code.birth_date_by(date("2026-01-01")), Some(born));
            assert_eq!(code.sex(), if text("sex") == "F" { Sex::Female } else { Sex::Male });
            assert_eq!(code.birth_place(), text("belfiore"));
            assert_eq!(code.agrees_with_names(text("surname"), text("given_name")), Agreement::Agrees);
        }
    }
}

#[test]
fn omocodia_at_any_place() {
    let vector = contact("/codice_fiscale/omocodia_any_position/value");
    let code = FiscalCode::parse(vector.as_str().unwrap()).unwrap();
    assert!(code.is_omocodia() && code.is_born_on(date("1979-03-17")));
    // Every subset of the seven digits.
    for subset in 0_u32..128 {
        let mut text = *b"CVAPVN79C57G999";
        for (bit, place) in DIGITS.into_iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1) {
            assert!(bit < 7);
            text[place - 1] = OMOCODIA.as_bytes()[usize::from(text[place - 1] - b'0')];
        }
        let code = FiscalCode::parse(&complete(std::str::from_utf8(&text).unwrap())).unwrap();
        assert_eq!((code.is_omocodia(), code.birth_place()), (subset != 0, "G999"));
        assert_eq!((code.day(), code.month(), code.year_in_century(), code.sex()), (17, 3, 79, Sex::Female));
    }
}

#[test]
fn what_is_no_fiscal_code() {
    use FiscalCodeError as E;
    let vectors = contact("/codice_fiscale/invalid");
    let found: Vec<_> =
        vectors.as_array().unwrap().iter().map(|v| error(v["value"].as_str().unwrap())).collect();
    assert_eq!(
        found,
        [
            E::CheckCharacter,
            E::Length(15),
            E::Month,
            E::Day,
            E::Day,
            E::Day,
            E::Character(7),
            E::ElevenDigits
        ]
    );
    assert_eq!(error(""), E::Length(0));
    assert_eq!(error("CVAPVN79C57"), E::Length(11));
    assert_eq!(error("CVAPVN79C57G999T "), E::Length(17));
    assert_eq!(error("cVAPVN79C57G999T"), E::Character(1));
    assert_eq!(error("CVAPVN79C57G9991"), E::Character(16));
    assert_eq!(error("CVÀPVN79C57G999T"), E::Character(3));
    assert_eq!(error("CVÀPVN79C57G999"), E::Length(15));
    assert_eq!(error("CVAPVN７9C57G999T"), E::Character(7));
    assert_eq!(error("CVAPVN79C40G999T"), E::Day);
}

#[test]
fn a_day_is_refused_where_no_century_has_it() {
    let code = |year: &str, month: char, day: u8| {
        FiscalCode::parse(&complete(&format!("CVAPVN{year}{month}{day:02}G999")))
    };
    for month in ['D', 'H', 'P', 'S'] {
        assert_eq!(code("79", month, 31), Err(FiscalCodeError::NoSuchDay));
        assert_eq!(code("79", month, 71), Err(FiscalCodeError::NoSuchDay));
        assert!(code("79", month, 30).is_ok());
    }
    for (year, day, exists) in
        [("80", 30, false), ("79", 29, false), ("80", 29, true), ("00", 69, true), ("04", 70, false)]
    {
        assert_eq!(code(year, 'B', day).is_ok(), exists, "{day} February {year}");
    }
    // 29 February of a year 00: that of 2000, not that of 1900.
    let leap = code("00", 'B', 29).unwrap();
    assert_eq!(leap.birth_date_by(date("2026-01-01")), Some(date("2000-02-29")));
    assert_eq!(leap.birth_date_by(date("1999-12-31")), None);
    assert_eq!(leap.birth_date_by(date("2100-12-31")), Some(date("2000-02-29")));
}

#[test]
fn the_century_comes_from_a_known_day() {
    let code = FiscalCode::parse("FOXLIX01T71Z404P").unwrap();
    for (latest, born) in
        [("2001-12-31", "2001-12-31"), ("2001-12-30", "1901-12-31"), ("2026-01-01", "2001-12-31")]
    {
        assert_eq!(code.birth_date_by(date(latest)), Some(date(born)));
    }
    assert!(code.is_born_on(date("1901-12-31")) && !code.is_born_on(date("2001-12-30")));
    assert_eq!(code.birth_date_by(date("1899-01-01")), Some(date("1801-12-31")));
    assert_eq!(code.birth_date_by(date("0001-01-01")), None);
}

#[test]
fn every_single_wrong_character_is_found() {
    for right in ["CVAPVN79C57G999T", "CLLNNALLBSVHRLMK"] {
        for at in 0..LENGTH {
            for character in (b'A'..=b'Z').chain(b'0'..=b'9') {
                let mut text = right.as_bytes().to_vec();
                let same = text[at] == character;
                text[at] = character;
                assert_eq!(FiscalCode::parse(std::str::from_utf8(&text).unwrap()).is_ok(), same);
            }
        }
    }
}

#[test]
fn names_that_do_not_agree() {
    let code = FiscalCode::parse("CVAPVN79C57G999T").unwrap();
    assert_eq!(code.agrees_with_names("CAVIE", "PROVINA"), Agreement::Agrees);
    assert_eq!(code.agrees_with_names("ROSSI", "PROVINA"), Agreement::Differs);
    assert_eq!(code.agrees_with_names("CAVIA", "ANNA"), Agreement::Differs);
    assert_eq!(code.agrees_with_names("CAVIA", "Анна"), Agreement::CannotTell);
    assert_eq!(code.agrees_with_names("ROSSI", "Анна"), Agreement::Differs);
}

#[test]
fn debug_output_shows_no_code() {
    assert_eq!(format!("{:?}", FiscalCode::parse("CVAPVN79C57G999T")), "Ok(FiscalCode(..))");
}

proptest! {
    #[test]
    fn written_then_read(
        letters in "[A-Z]{6}", year in 0_u8..100, month in 1_u8..=12, day in 1_u8..=28, female: bool, place in "[A-Z][0-9]{3}",
    ) {
        let letter = MONTHS.chars().nth(usize::from(month) - 1).unwrap();
        let written = day + if female { FEMALE } else { 0 };
        let code = FiscalCode::parse(&complete(&format!("{letters}{year:02}{letter}{written:02}{place}"))).unwrap();
        prop_assert_eq!((code.day(), code.month(), code.year_in_century()), (day, month, year));
        prop_assert_eq!((code.sex() == Sex::Female, code.birth_place()), (female, &place[..]));
    }

    #[test]
    fn any_text_is_judged(text in "\\PC{0,20}") {
        if let Ok(code) = FiscalCode::parse(&text) {
            prop_assert_eq!(code.as_str(), text);
        }
    }
}
