//! The search finds what leaks, whatever it is and however it is written.

use base64ct::{Base64, Encoding};

use super::search::{Fate, Search};
use super::values::{Form, Value, Values};
use super::*;
use crate::card;
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, DigestAlgorithm};
use crate::emulator::citizen::Citizen;
use crate::emulator::contact::{self, Model};
use crate::emulator::entropy::Seeded;
use crate::emulator::{Chip, SoftCard, issue};
use crate::pin::LastTry;
use crate::secret::Typed;

/// One value of each sort that a trace has: texts, numbers, short and long bytes.
const TEXTS: [(&str, &str); 6] = [
    ("surname", "ÈSEMPLARE D'ORO"),
    ("fiscal code", "CLLFTZ85L64H501X"),
    ("document number", "CA00000AA"),
    ("number for services (NIS)", "000000123456"),
    ("card number", "7099001000000120"),
    ("address", "VIA LUNGA 12"),
];

fn bytes() -> Vec<(&'static str, Vec<u8>)> {
    let drawn = |seed: u8, length: u8| (0..length).map(|at| at.wrapping_mul(73).wrapping_add(seed)).collect();
    vec![
        ("serial number", drawn(0x51, 8)),
        ("card number", drawn(0x12, 10)),
        ("digest", drawn(0x99, 32)),
        ("modulus", drawn(0xC3, 128)),
        ("signature", drawn(0x07, 255)),
    ]
}

fn values() -> Values {
    let text = |(what, text): &(&str, &str)| Value::new(what, Form::Text, text.as_bytes());
    let raw = |(what, bytes): &(&str, Vec<u8>)| Value::new(what, Form::Bytes, bytes);
    TEXTS.iter().map(text).chain(bytes().iter().map(raw)).collect()
}

fn search() -> Search {
    let (search, fates) = Search::new(&values(), &[b"nothing"]).unwrap();
    assert!(fates.iter().all(|fate| *fate == Fate::Searched));
    search
}

/// The bytes in every encoding that a file could have them in.
fn encodings(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut encodings = vec![
        ("as they are".to_owned(), bytes.to_vec()),
        ("hex".to_owned(), hex::encode(bytes).into_bytes()),
        ("HEX".to_owned(), hex::encode_upper(bytes).into_bytes()),
        ("hex of hex".to_owned(), hex::encode(hex::encode(bytes)).into_bytes()),
        ("hex behind half a byte".to_owned(), format!("0{}", hex::encode(bytes)).into_bytes()),
    ];
    for before in 0..4 {
        for behind in 0..3 {
            let around = [&vec![0x30; before], bytes, &vec![0x02; behind]].concat();
            let text = Base64::encode_string(&around);
            let lines: Vec<_> =
                text.as_bytes().chunks(16).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
            encodings.push((format!("PEM at {before}"), lines.join("\n").into_bytes()));
            encodings.push((
                format!("PEM in JSON at {before}"),
                format!("{{\"a\":\"{}\"}}", lines.join("\\n")).into_bytes(),
            ));
            encodings.push((format!("hex of base64 at {before}"), hex::encode(&text).into_bytes()));
            encodings
                .push((format!("base64 without padding at {before}"), text.trim_end_matches('=').into()));
        }
    }
    // Inside DER, a number with a zero before it.
    let object = [&[0x30, 0x10, 0x02, 0x09, 0x00][..], bytes].concat();
    encodings.push(("DER".to_owned(), object.clone()));
    encodings.push(("DER in hex".to_owned(), hex::encode(object).into_bytes()));
    encodings
}

/// The ways to write a text.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let latin = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("small letters", text.to_lowercase().into_bytes()),
        ("without accents", text.replace('È', "E").into_bytes()),
        ("Latin-1", latin),
        ("UTF-16BE", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("UTF-16LE", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("JSON", text.replace('È', "\\u00c8").into_bytes()),
        ("an address", text.replace('È', "%C3%88").replace('\'', "%27").replace(' ', "%20").into_bytes()),
    ]
}

/// An output into which something leaked.
fn leaking(leak: &[u8]) -> Vec<u8> {
    [b"{ \"harmless\": \"text\", \"leak\": \"", leak, b"\" }\n"].concat()
}

#[track_caller]
fn assert_found(search: &Search, what: &str, how: &str, leak: &[u8]) {
    match search.check("card.json", &leaking(leak)) {
        Err(Error::Survived { file, .. }) => assert_eq!(file, "card.json"),
        other => panic!("{what}, {how}: {other:?}"),
    }
}

#[test]
fn every_value_is_found_in_every_encoding() {
    let search = search();
    search.check("card.json", &leaking(b"nobody")).unwrap();
    for (what, value) in bytes() {
        for (how, leak) in encodings(&value) {
            assert_found(&search, what, &how, &leak);
        }
    }
    for (what, text) in TEXTS {
        for (spelling, bytes) in spellings(text) {
            for (how, leak) in encodings(&bytes) {
                assert_found(&search, what, &format!("{spelling}, {how}"), &leak);
            }
        }
    }
}

/// Half a modulus is as bad as a whole one, and a surname as bad as the whole name.
#[test]
fn a_part_is_found_too() {
    let search = search();
    let (_, modulus) = &bytes()[3];
    for part in [&modulus[..40], &modulus[17..60], &modulus[90..]] {
        for (how, leak) in encodings(part) {
            assert_found(&search, "modulus", &how, &leak);
        }
    }
    assert_found(&search, "surname", "a word", b"Esemplare");
}

/// A redaction that leaks is not given out: each value of a recorded card, written in each encoding into one of the
/// files, is found there.
#[test]
fn a_leak_of_any_value_is_caught() {
    let (card, mut entropy) = (Citizen::numbered(6), Seeded::new(5));
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let now = then + Duration::from_secs(86_400 * 45);
    let (issuer, pki) =
        (TestPki::generate(&mut entropy, then).unwrap(), TestPki::generate(&mut entropy, now).unwrap());
    let options = contact::IssueOptions::default();
    let issued = contact::issue(&issuer, &card, Model::Cie2, &options, &mut entropy, then).unwrap();
    let cie3 = issue::issue(&issuer, &card, &issue::IssueOptions::default(), &mut entropy, then).unwrap();
    let cards = [
        SoftCard::new(cie3, Chip::Gemalto, Seeded::new(1)).unwrap(),
        SoftCard::new_contact(issued.personalisation, Model::Cie2, Seeded::new(1)).unwrap(),
    ];
    for card in cards {
        let tape = Tape::default();
        let recorder = Recorder::new(tape.clone(), What::Plain(Origin::Citizen));
        let link = card.insert_with(Seeded::new(2), FixedClock(then)).recorded(&recorder);
        let mut opened = card::open(link).unwrap();
        opened.information().unwrap();
        let mut session = opened.open_session().unwrap();
        if let card::Session::Contact(session) = &mut session {
            session.read_personal_data().unwrap();
        }
        let mut unlocked = session.verify_pin(&Typed::new("12345678".into()), LastTry::Refuse).unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha256, b"what the holder wrote");
        unlocked.signer().unwrap().sign(Purpose::Raw, &digest).unwrap();
        drop(unlocked);
        recorder.finish().unwrap();

        let trace = Trace::parse(&tape.content()).unwrap();
        let shapes = Shapes::of(&trace).unwrap();
        let (redacted, search) = make(&trace, &shapes, &pki, now).unwrap();
        let files: Vec<_> = redacted.files().collect();
        for (name, content) in &files {
            search.check(name, content).unwrap();
        }
        let mut leaks = 0;
        for (value, told) in shapes.values.iter().zip(&redacted.report().replaced) {
            if !told.searched {
                assert!(value.bytes.len() < 5, "{}", value.what);
                continue;
            }
            // All of them in one file, some of them in every file.
            for (how, leak) in encodings(&value.bytes) {
                let (name, content) = files[leaks % files.len()];
                let leaking =
                    [&content[..content.len() / 2], b"\n", &leak, b"\n", &content[content.len() / 2..]]
                        .concat();
                let caught = search.check(name, &leaking);
                assert!(matches!(caught, Err(Error::Survived { .. })), "{}, {how}, in {name}", value.what);
                leaks += 1;
            }
        }
        assert!(leaks > 1000, "{leaks}");
    }
}

/// What no operation of ours reads or says is personal all the same.
#[test]
fn what_nobody_knows_the_place_of_is_searched_for() {
    let text = "cie-trace 1\norigin citizen\nkind plain\nclock 2026-01-01T00:00:00Z\natr 3B00\n\
        > 00A4040C0DA0000000308000000009816001\n< 9000\n> 00A4040C06A00000000039\n< 9000\n\
        > 00B000FF00\n< 4D4152494F524F5353499000\n> 00B2010400\n< 47495553455050459000\n\
        > 00D600000831392F31322F3830\n< 9000\n> 00B0810000\n< 3030303030303132333435369000\nend\n";
    let trace = Trace::parse(text.as_bytes()).unwrap();
    let shapes = Shapes::of(&trace).unwrap();
    let (search, _) = Search::new(&shapes.values, &[]).unwrap();
    for leak in ["MARIOROSSI", "GIUSEPPE", "19/12/80", "000000123456"] {
        assert_found(&search, leak, "as it is", leak.as_bytes());
    }
}

#[test]
fn more_than_any_card_tells_is_refused() {
    let mut text = "cie-trace 1\norigin citizen\nkind plain\nclock 2026-01-01T00:00:00Z\natr 3B00\n\
        > 00A4040C06A00000000039\n< 9000\n"
        .to_owned();
    for number in 0..5000 {
        text += &format!("> 00B2010400\n< {number:08}9000\n");
    }
    assert_eq!(Shapes::of(&Trace::parse((text + "end\n").as_bytes()).unwrap()).unwrap_err(), Error::TooMuch);
}

#[test]
fn an_error_tells_the_name_and_not_the_value() {
    let error = search().check("card.json", &leaking(b"CA00000AA")).unwrap_err();
    assert_eq!(error, Error::Survived { what: "document number".into(), file: "card.json".into() });
    assert!(!error.to_string().contains("CA00000AA"));
}

#[test]
fn what_is_too_short_or_everywhere_anyway_is_said_to_be_so() {
    let values: Values = [("sex", "F"), ("surname", "TU"), ("given names", "ITALIA")]
        .into_iter()
        .map(|(what, text)| Value::new(what, Form::Text, text.as_bytes()))
        .collect();
    let certificate = "Italian ITALIA italia Italia I\0T\0A\0L\0I\0A\0";
    let wide = |order: fn(u16) -> [u8; 2]| {
        ["ITALIA", "Italia", "italia"]
            .map(|text| text.encode_utf16().flat_map(order).collect::<Vec<u8>>())
            .concat()
    };
    let (big, little) = (wide(u16::to_be_bytes), wide(u16::to_le_bytes));
    let (_, fates) = Search::new(&values, &[certificate.as_bytes(), &big, &little]).unwrap();
    assert_eq!(fates, [Fate::TooShort, Fate::TooShort, Fate::EverywhereAnyway]);
}

/// A signature at the end of an object can end with what looks like padding: one in a hundred does.
#[test]
fn an_object_ends_where_it_says() {
    for (content, expected) in [
        (&[0x77, 3, 1, 2, 0, 0, 0][..], 5),
        (&[0x77, 3, 1, 2, 0xFF, 0xFF], 5),
        (&[0x30, 2, 1, 0, 0], 4),
        (&[0x70, 2, 1, 0], 4),
        (&[0x5A, 3, 1, 2, 0], 5),
        (&[0x5A, 3, 1, 2, 0xFF, 0, 0], 5),
        (b"Z000001234\0\0", 10),
        (b"0000001234\0\0", 10),
        (b"CA00000AA\0\0\0", 9),
    ] {
        assert_eq!(super::shapes::used(content), expected, "{content:02X?}");
    }
}
