//! Bodies of the fuzz targets for contact cards, and for the names in their certificates.

use base64ct::{Base64, Encoding};

use crate::cns::{Access, AtrHint, Doubt, Family, Fci, Field, FileType, Header, PersonalData, WrittenDate};
use crate::identity::{CommonName, FiscalCode};
use crate::iso7816::tlv;

/// An ATR: what gives a hint is whole, and carries the mark of its family.
pub fn atr(input: &[u8]) {
    let Some(hint) = AtrHint::parse(input) else { return };
    assert!(matches!(input.first(), Some(0x3B | 0x3F)) && (2..=33).contains(&input.len()));
    assert_eq!(AtrHint::parse(&[input, &[0]].concat()), None, "nothing may follow");
    let cut = input.split_last().map(|(_, cut)| cut);
    assert_eq!(cut.and_then(AtrHint::parse), None, "nothing may be missing");
    let has = |mark: &[u8]| input.windows(mark.len()).any(|window| window == mark);
    match hint.family {
        Family::Cns => assert!(has(b"CNS") || hint.ic.is_none()),
        Family::Cie2 => assert!(has(b"ITID")),
        Family::Cie1 => assert!(hint.ic.is_none() && hint.os_version.is_none()),
    }
    assert!(hint.specification.is_none_or(|(major, minor)| major < 16 && minor < 16));
    assert_eq!(hint.ic.is_some(), hint.mask.is_some());
    assert!(hint.ic.is_some() || hint.ic_name().is_none());
}

/// File control information: what was found can be written and is found again.
pub fn fci(input: &[u8]) {
    let Ok(fci) = Fci::parse(input) else { return };
    assert!(Fci::parse(&[input, &[0]].concat()).is_err(), "nothing may follow");
    let file_type = fci.file_type().map(|file_type| match file_type {
        FileType::Transparent => 0x01,
        FileType::LinearFixed => 0x02,
        FileType::LinearTlv => 0x05,
        FileType::Cyclic => 0x06,
        FileType::Directory => 0x38,
        FileType::Other(byte) => byte,
    });
    let sm = if fci.demands_secure_messaging() { 0x00 } else { 0xFF };
    let objects = [
        (0x80, fci.size().map(|size| u32::try_from(size).expect("four bytes").to_be_bytes().to_vec())),
        (0x82, file_type.map(|byte| vec![byte])),
        (0x83, fci.id().map(|id| id.to_be_bytes().to_vec())),
        (0x84, fci.aid().map(<[u8]>::to_vec)),
        (0x86, fci.access_conditions().map(<[u8]>::to_vec)),
        (0x8A, fci.life_cycle().map(|state| vec![state])),
        (0xCB, Some(vec![0xFF, sm])),
    ];
    let encoded = objects.iter().filter_map(|(tag, value)| Some(tlv::encode(*tag, value.as_ref()?)));
    let encoded: Vec<u8> = encoded.flatten().collect();
    let again = Fci::parse(&tlv::encode(0x62, &encoded)).expect("what was written parses");
    let parts = |fci: &Fci| (fci.size(), fci.file_type(), fci.id(), fci.life_cycle(), fci.read_access());
    assert_eq!(parts(&again), parts(&fci));
    assert_eq!((again.aid(), again.access_conditions()), (fci.aid(), fci.access_conditions()));
    assert_eq!(again.demands_secure_messaging(), fci.demands_secure_messaging());
    if let Some(Access::Object(number)) = fci.read_access() {
        assert!((1..=0x1F).contains(&number));
    }
}

/// The holder's data: texts add up to what is used, none has a control character, and padding says nothing.
pub fn personal_data(input: &[u8]) {
    let Ok(data) = PersonalData::parse(input) else { return };
    assert_eq!(data.content(), input);
    let used = input.get(..data.used_length()).expect("not more than there is");
    let texts = Field::ALL.map(|field| data.text(field).unwrap_or_default());
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let lengths = used.len() - PersonalData::HEADER_LENGTH - characters;
    assert!(lengths % 2 == 0 && (18..=32).contains(&lengths), "two digits for each of 9 to 16 fields");
    assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
    let declared =
        used.get(..PersonalData::HEADER_LENGTH).and_then(|header| std::str::from_utf8(header).ok());
    let declared = declared.and_then(|header| usize::from_str_radix(header, 16).ok());
    let counted = match data.header() {
        Header::CountsItself => used.len(),
        Header::CountsFields => used.len() - PersonalData::HEADER_LENGTH,
    };
    assert_eq!(declared, Some(counted));

    let doubts: Vec<Doubt> = data.doubts().collect();
    for (field, text) in Field::ALL.into_iter().zip(texts) {
        assert_eq!(doubts.contains(&Doubt::NotAscii(field)), !text.is_ascii());
    }
    for (field, written) in [
        (Field::IssueDate, data.issue_date()),
        (Field::ExpiryDate, data.expiry_date()),
        (Field::BirthDate, data.birth_date()),
    ] {
        let unreadable = matches!(written, Some(WrittenDate::Text(_)));
        assert_eq!(doubts.contains(&Doubt::Unreadable(field)), unreadable);
    }
    assert!(data.stature_cm().is_none_or(|stature| stature <= 999));

    for other in [used, &[used, &[0; 9]].concat()] {
        let again = PersonalData::parse(other).expect("the fields are the same");
        assert_eq!((again.used_length(), again.header()), (data.used_length(), data.header()));
        assert!(
            Field::ALL.iter().all(|field| again.text(*field) == data.text(*field)),
            "padding says nothing"
        );
    }
}

/// A fiscal code or a common name: what is accepted is written one way only. Also with a right check
/// character, so that what lies behind that check is reached.
pub fn common_name(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    name(text);
    if let (Some(fifteen), Some(rest)) = (text.get(..15), text.get(16..)) {
        let codes = ('A'..='Z').map(|check| format!("{fifteen}{check}"));
        let right: Vec<_> = codes.filter(|code| FiscalCode::parse(code).is_ok()).collect();
        assert!(right.len() <= 1, "one check character is right");
        for code in right {
            name(&code);
            name(&format!("{code}{rest}"));
        }
    }
}

fn name(text: &str) {
    if let Ok(code) = FiscalCode::parse(text) {
        fiscal_code(&code, text);
    }
    if let Ok(name) = CommonName::parse(text) {
        fiscal_code(name.fiscal_code(), name.fiscal_code().as_str());
        let mut base64 = [0; 28];
        let base64 = Base64::encode(name.digest(), &mut base64).expect("20 bytes");
        assert_eq!(format!("{}/{}.{base64}", name.fiscal_code().as_str(), name.card_id()), text);
    }
}

fn fiscal_code(code: &FiscalCode, text: &str) {
    assert_eq!(code.as_str(), text);
    assert!(text.ends_with(code.check_character()));
    assert!(
        (1..=31).contains(&code.day()) && (1..=12).contains(&code.month()) && code.year_in_century() < 100
    );
    let (letter, number) = code.birth_place().split_at_checked(1).expect("four characters");
    assert!(letter.bytes().all(|byte| byte.is_ascii_uppercase()));
    assert!(number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(FiscalCode::parse(&text.to_ascii_lowercase()).is_err(), "capitals only");
}
