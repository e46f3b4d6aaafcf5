//! Nothing of anybody in a diagnostic trace: every dialogue with the cards of every invented citizen.

use std::collections::BTreeSet;

use cie::emulator::citizen::{Citizen, people};
use cie::emulator::contact::{self, Model, SignatureKey};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::{Chip, SoftCard};
use cie::transport::Link;
use cie::transport::trace::{Kind, Origin, Recorder, Trace, What};

use crate::common::{demo, now};
use crate::dialogues::{NEW_PIN, OF_CIE3, OF_CONTACT_CARDS, OF_EVERY_CARD, PIN, PUK, SIGNATURE_PIN};
use crate::recorded::{Sink, link};

/// What must not be told, as bytes and as text.
struct Secrets {
    text: BTreeSet<String>,
    bytes: BTreeSet<Vec<u8>>,
}

impl Secrets {
    fn of(citizen: &Citizen) -> Self {
        let person = &citizen.person;
        let mut text: BTreeSet<String> = [
            &*person.surname,
            &*person.given_names,
            &*person.plain_surname().unwrap(),
            &*person.plain_given_names().unwrap(),
            &*citizen.fiscal_code,
            &*citizen.document_number,
            &*citizen.nis,
            PIN,
            PUK,
            NEW_PIN,
            SIGNATURE_PIN,
        ]
        .map(str::to_owned)
        .into();
        // The single names as well; two letters are everywhere.
        let parts: Vec<_> =
            text.iter().flat_map(|text| text.split([' ', '\'', '-'])).map(str::to_owned).collect();
        text.extend(parts);
        text.retain(|text| text.chars().count() >= 4);
        let born = person.birth_date;
        text.extend([born.to_string(), format!("{:02}{:02}{}", born.day(), born.month(), born.year())]);
        Self { text, bytes: BTreeSet::new() }
    }

    /// Every piece of so many bytes.
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes.windows(8).map(<[u8]>::to_vec));
    }

    /// Looks for all of it in the text of a trace, and in what its digits say.
    fn check(&self, text: &str, what: &str) {
        let trace = Trace::parse(text.as_bytes()).unwrap();
        assert_eq!(trace.kind, Kind::Diagnostic);
        let digits: String =
            text.lines().skip(5).flat_map(|line| line.chars()).filter(|c| !c.is_whitespace()).collect();
        let digits = digits.to_uppercase();
        for secret in &self.text {
            let wide: String = secret.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
            for form in [hex::encode_upper(secret), hex::encode_upper(secret.to_lowercase()), wide] {
                assert!(!digits.contains(&form), "{what}: {secret}\n{text}");
            }
            assert!(!text.to_uppercase().contains(&secret.to_uppercase()), "{what}: {secret}\n{text}");
        }
        // Eight bytes that are told in one piece.
        for told in text
            .split(|c: char| !c.is_ascii_hexdigit())
            .filter(|told| told.len() >= 16 && told.len() % 2 == 0)
        {
            let Ok(told) = hex::decode(told) else { continue };
            let found = told.windows(8).find(|window| self.bytes.contains(*window));
            assert!(found.is_none(), "{what}: {found:02X?}\n{text}");
        }
    }
}

fn diagnostic(link: Link, dialogue: crate::dialogues::Dialogue) -> String {
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), What::Diagnostic(Origin::Citizen));
    // Cards of other citizens come to other things; that they come to something is enough here.
    dialogue(link.recorded(&recorder)).unwrap();
    recorder.finish().unwrap();
    sink.text()
}

#[test]
fn no_diagnostic_trace_tells_who_it_was() {
    let mut traces = 0;
    for (index, citizen) in people().iter().enumerate() {
        let mut secrets = Secrets::of(citizen);
        let seed = u64::try_from(index).unwrap();
        let options = IssueOptions::default();
        let card = issue(&demo().pki, citizen, &options, &mut Seeded::new(seed), now()).unwrap();
        for file in card.files.iter().filter(|file| !matches!(file.identifier, 0x2F00 | 0x2F01)) {
            secrets.add(&file.content);
        }
        for key in [&card.holder_key, &card.device_key, &card.services_key] {
            secrets.add(&key.modulus);
        }
        secrets.add(&card.serial_number);
        let chip = Chip::ALL[index % Chip::ALL.len()];
        for (name, dialogue) in OF_EVERY_CARD.into_iter().chain(OF_CIE3) {
            let card = SoftCard::new(card.clone(), chip, Seeded::new(1)).unwrap();
            secrets.check(&diagnostic(link(&card), dialogue), &format!("{chip}, {name}"));
            traces += 1;
        }

        let model = Model::ALL[index % Model::ALL.len()];
        let value = |digits| contact::reference_value(digits).unwrap();
        let signature_key = Some(SignatureKey { pin: value(SIGNATURE_PIN), puk: value(PUK) });
        let options = contact::IssueOptions { signature_key, ..contact::IssueOptions::default() };
        let issued =
            contact::issue(&demo().pki, citizen, model, &options, &mut Seeded::new(seed), now()).unwrap();
        let mut secrets = Secrets::of(citizen);
        secrets.text.insert(issued.card_number.clone());
        for file in &issued.personalisation.files {
            // Of padding nobody is to be found out.
            let content =
                file.content.iter().rposition(|byte| !matches!(byte, 0 | 0xFF)).map_or(0, |last| last + 1);
            secrets.add(&file.content[..content]);
        }
        // One file has the answer to reset in it, which is the model's.
        let atr = model.profile().atr;
        secrets.bytes.retain(|bytes| !atr.windows(8).any(|window| window == bytes));
        for (name, dialogue) in OF_EVERY_CARD.into_iter().chain(OF_CONTACT_CARDS) {
            let card = SoftCard::new_contact(issued.personalisation.clone(), model, Seeded::new(1)).unwrap();
            secrets.check(&diagnostic(link(&card), dialogue), &format!("{model}, {name}"));
            traces += 1;
        }
    }
    assert_eq!(traces, people().len() * (2 * OF_EVERY_CARD.len() + OF_CIE3.len() + OF_CONTACT_CARDS.len()));
}

/// The search finds what it looks for: in a replayable trace all of it is there.
#[test]
fn the_search_would_find_them() {
    let text = std::fs::read_to_string("fixtures/traces/cns-1.1-personal-data.trace").unwrap();
    let text = text.replace("replayable", "diagnostic");
    let secrets = Secrets::of(&demo().citizen);
    let found = std::panic::catch_unwind(|| secrets.check(&text, "it must be found"));
    assert!(found.is_err());
}
