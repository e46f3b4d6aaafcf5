//! The holder's data against the worked examples, and with bytes that no card should have.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::vectors::{contact, hex_of};

/// A file of these fields; the header counts itself.
fn file(fields: &[&[u8]], size: usize) -> Vec<u8> {
    let fields: Vec<u8> =
        fields.iter().flat_map(|field| [format!("{:02X}", field.len()).as_bytes(), field].concat()).collect();
    let mut file = [format!("{:06X}", HEADER + fields.len()).as_bytes(), &fields].concat();
    file.resize(file.len().max(size), 0);
    file
}

/// Sixteen fields of an invented person, one of them another.
fn with(field: Field, text: &[u8]) -> Vec<u8> {
    let mut fields: [&[u8]; 16] = [
        b"7099",
        b"15062008",
        b"14062013",
        b"CAVIA",
        b"PROVINA",
        b"17031979",
        b"F",
        b"",
        b"CVAPVN79C57G999T",
        b"",
        b"G999",
        b"",
        b"",
        b"G999",
        b"",
        b"",
    ];
    fields[usize::from(field.number()) - 1] = text;
    file(&fields, 400)
}

fn error(ef: &[u8]) -> PersonalDataError {
    PersonalData::parse(ef).unwrap_err()
}

#[test]
fn files_of_cards() {
    let names = [
        "issuer_code",
        "issue_date",
        "expiry_date",
        "surname",
        "given_name",
        "birth_date",
        "sex",
        "stature_cm",
        "fiscal_code",
        "citizenship_code",
        "birth_municipality",
        "birth_state",
        "birth_act",
        "residence_municipality",
        "residence_address",
        "travel_note",
    ];
    for vector in contact("/dati_personali").as_array().unwrap() {
        let ef = hex_of(&vector["ef_hex"]);
        let data = PersonalData::parse(&ef).unwrap();
        let exclusive = vector["name"] == "header_exclusive";
        let header = if exclusive { Header::CountsFields } else { Header::CountsItself };
        assert_eq!((data.header(), data.content()), (header, &ef[..]));
        assert_eq!(data.used_length() as u64, vector["used_len"].as_u64().unwrap());
        let fields = vector["fields"].as_object().unwrap();
        assert_eq!(fields.len(), names.len());
        for (field, name) in Field::ALL.into_iter().zip(names) {
            assert_eq!(data.text(field).unwrap_or_default(), fields[name].as_str().unwrap(), "{field}");
        }
        accessors(&data, &vector["fields"]);
        assert_eq!(data.doubts().count(), 0);
    }
}

fn accessors(data: &PersonalData, fields: &Value) {
    for (found, name) in [
        (data.issuer_code(), "issuer_code"),
        (data.surname(), "surname"),
        (data.given_names(), "given_name"),
        (data.fiscal_code(), "fiscal_code"),
        (data.citizenship(), "citizenship_code"),
        (data.birth_municipality(), "birth_municipality"),
        (data.birth_state(), "birth_state"),
        (data.birth_act(), "birth_act"),
        (data.residence_municipality(), "residence_municipality"),
        (data.residence_address(), "residence_address"),
        (data.travel_note(), "travel_note"),
    ] {
        assert_eq!(found, fields[name].as_str().filter(|text| !text.is_empty()), "{name}");
    }
    for (found, name) in [
        (data.issue_date(), "issue_date"),
        (data.expiry_date(), "expiry_date"),
        (data.birth_date(), "birth_date"),
    ] {
        assert_eq!(found.unwrap().date(), Date::parse(fields[name].as_str().unwrap()), "{name}");
    }
    let sex = if fields["sex"] == "F" { Sex::Female } else { Sex::Male };
    assert_eq!(data.sex(), Some(sex));
    assert_eq!(data.stature_cm(), fields["stature_cm"].as_str().unwrap().parse().ok());
}

#[test]
fn malformed_files() {
    use PersonalDataError as E;
    let vectors = contact("/dati_personali_malformed");
    let found: Vec<_> = vectors.as_array().unwrap().iter().map(|v| error(&hex_of(&v["ef_hex"]))).collect();
    let first = Field::IssuerCode;
    assert_eq!(
        found,
        [
            E::TooShort(4),
            E::Header,
            E::FieldTruncated { field: first, position: 6 },
            E::FieldLength { field: first, position: 6 },
            E::NotPersonalised,
            E::Truncated { declared: 0x67, present: 60 },
        ]
    );
    assert_eq!(error(b""), E::NotPersonalised);
    assert_eq!(error(&[0xFF; 400]), E::NotPersonalised);
    assert_eq!(error(b"000000"), E::TooFewFields(0));
    assert_eq!(error(b"00+007"), E::Header);
    assert_eq!(error(b"FFFFFF00"), E::Truncated { declared: 0xFF_FFFF, present: 8 });
    assert_eq!(error(b"000007\x30"), E::FieldTruncated { field: first, position: 6 });
    assert_eq!(error(&file(&[&b""[..]; 17], 0)), E::LeftOver(2));
    for byte in [0x00, 0x1F, 0x7F] {
        let position = 6 + 6 + 10 + 10 + 2 + 1;
        let expected = E::ControlCharacter { field: Field::Surname, position };
        assert_eq!(error(&with(Field::Surname, &[b'A', byte, b'B'])), expected, "{byte:02X}");
    }
    assert!(E::TooShort(4).to_string().contains("4 bytes"));
}

#[test]
fn cut_anywhere_is_an_error() {
    let ef = with(Field::TravelNote, b"");
    let used = PersonalData::parse(&ef).unwrap().used_length();
    for length in 0..ef.len() {
        assert_eq!(PersonalData::parse(&ef[..length]).is_ok(), length >= used, "{length}");
    }
}

#[test]
fn fields_may_be_missing_at_the_end() {
    for count in 0..=16 {
        let fields = vec![&b"X1"[..]; count];
        let mut ef = file(&fields, 100);
        if count < FIELDS_LEAST {
            assert_eq!(error(&ef), PersonalDataError::TooFewFields(count));
            continue;
        }
        let data = PersonalData::parse(&ef).unwrap();
        assert_eq!((data.header(), data.used_length()), (Header::CountsItself, 6 + 4 * count));
        assert_eq!(Field::ALL.iter().filter(|field| data.text(**field).is_some()).count(), count);
        // And if the header does not count itself, even where its last bytes look like padding fields.
        ef[..6].copy_from_slice(format!("{:06X}", 4 * count).as_bytes());
        let data = PersonalData::parse(&ef).unwrap();
        assert_eq!((data.header(), data.used_length()), (Header::CountsFields, 6 + 4 * count));
    }
    // Three empty fields at the end are six characters: as many as the header itself.
    let mut empty_tail = file(&[[&b"A"[..]; 11].as_slice(), &[&b""[..]; 3]].concat(), 60);
    empty_tail[..6].copy_from_slice(format!("{:06X}", 11 * 3 + 3 * 2).as_bytes());
    assert_eq!(PersonalData::parse(&empty_tail).unwrap().header(), Header::CountsFields);
}

#[test]
fn lengths_in_small_letters() {
    let ef = with(Field::ResidenceAddress, &[b'A'; 0xAB]);
    let small: Vec<u8> = ef.to_ascii_lowercase();
    let data = PersonalData::parse(&small).unwrap();
    assert_eq!(data.residence_address(), Some("a".repeat(0xAB).as_str()));
}

#[test]
fn a_date_that_is_none_stays_readable() {
    for text in ["00001960", "31041979", "1960", "SCONOSCIUTA"] {
        let ef = with(Field::BirthDate, text.as_bytes());
        let data = PersonalData::parse(&ef).unwrap();
        assert_eq!(data.birth_date(), Some(WrittenDate::Text(text)));
        assert_eq!(data.birth_date().and_then(WrittenDate::date), None);
        assert_eq!(data.doubts().collect::<Vec<_>>(), [Doubt::Unreadable(Field::BirthDate)]);
        assert_eq!(data.surname(), Some("CAVIA"));
        assert_eq!(format!("{:?}", data.birth_date()), "Some(WrittenDate(..))");
    }
}

#[test]
fn what_is_left_out_makes_no_doubt() {
    for field in Field::ALL {
        let data = PersonalData::parse(&with(field, b"")).unwrap();
        assert_eq!((data.text(field), data.doubts().count()), (None, 0), "{field}");
    }
}

#[test]
fn texts_that_their_kind_does_not_allow() {
    for (field, text) in [
        (Field::Sex, "X"),
        (Field::Sex, "FM"),
        (Field::Stature, "1M78"),
        (Field::Stature, "+78"),
        (Field::Stature, "1780"),
    ] {
        let data = PersonalData::parse(&with(field, text.as_bytes())).unwrap();
        assert_eq!(data.doubts().collect::<Vec<_>>(), [Doubt::Unreadable(field)], "{text}");
        assert_eq!(data.text(field), Some(text));
        assert!(data.sex().is_none() || data.stature_cm().is_none());
    }
}

#[test]
fn bytes_that_are_not_ascii_are_latin_1_and_said() {
    let data = PersonalData::parse(&with(Field::Surname, b"NICOL\xD2 \x9B")).unwrap();
    assert_eq!(data.surname(), Some("NICOLÒ \u{FFFD}"));
    assert_eq!(data.doubts().collect::<Vec<_>>(), [Doubt::NotAscii(Field::Surname)]);
}

#[test]
fn debug_output_shows_no_data() {
    let data = PersonalData::parse(&with(Field::TravelNote, b"")).unwrap();
    assert_eq!(format!("{data:?}"), "PersonalData(103 of 400 bytes, CountsItself)");
}

#[test]
fn the_order_of_the_fields() {
    let numbers: Vec<u8> = Field::ALL.iter().map(|field| field.number()).collect();
    assert_eq!(numbers, (1..=16).collect::<Vec<u8>>());
}

proptest! {
    #[test]
    fn written_then_read(
        fields in proptest::collection::vec("[ -~]{0,40}", FIELDS_LEAST..=16),
        padding in 0_usize..500,
        exclusive: bool,
    ) {
        let bytes: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
        let mut ef = file(&bytes, 0);
        let used = ef.len();
        if exclusive {
            ef[..6].copy_from_slice(format!("{:06X}", used - 6).as_bytes());
        }
        ef.resize(used + padding, 0);
        let data = PersonalData::parse(&ef).unwrap();
        let header = if exclusive { Header::CountsFields } else { Header::CountsItself };
        prop_assert_eq!((data.header(), data.used_length(), data.content()), (header, used, &ef[..]));
        for (at, field) in Field::ALL.into_iter().enumerate() {
            prop_assert_eq!(data.text(field).unwrap_or_default(), fields.get(at).map_or("", String::as_str));
        }
    }
}
