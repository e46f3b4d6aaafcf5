//! Recording what is to be redacted, redacting it, and looking for the holder in what comes out.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use base64ct::{Base64, Encoding};
use cie::emulator::SoftCard;
use cie::emulator::citizen::Citizen;
use cie::emulator::entropy::Seeded;
use cie::emulator::pki::TestPki;
use cie::environment::FixedClock;
use cie::redact::{self, Redacted};
use cie::transport::Link;
use cie::transport::trace::{Origin, Recorder, Trace, What};

/// When the cards were issued and recorded, and when that is redacted.
pub(crate) fn then() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

pub(crate) fn now() -> SystemTime {
    then() + Duration::from_secs(40 * 86_400)
}

/// Who issued the holders' cards, and who issues the cards that stand in for them.
pub(crate) fn issuer() -> &'static TestPki {
    static PKI: OnceLock<TestPki> = OnceLock::new();
    PKI.get_or_init(|| TestPki::generate(&mut Seeded::new(2026), then()).unwrap())
}

fn other_issuer() -> &'static TestPki {
    static PKI: OnceLock<TestPki> = OnceLock::new();
    PKI.get_or_init(|| TestPki::generate(&mut Seeded::new(77), now()).unwrap())
}

/// What somebody types and signs.
pub(crate) struct Person {
    pub(crate) pin: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) message: &'static [u8],
}

pub(crate) const HOLDER: Person = Person { pin: "", wrong: "99999999", message: b"What the holder wrote." };
/// Whoever plays the dialogue of a redaction back.
pub(crate) const NOBODY: Person =
    Person { pin: redact::PINS[0], wrong: redact::WRONG, message: redact::MESSAGE };

#[derive(Clone, Default)]
pub(crate) struct Sink(pub(crate) Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A plain trace of what is done with a card; each call of `connect` is a connection of its own.
pub(crate) fn plain(card: &SoftCard, flow: impl FnOnce(&dyn Fn() -> Link)) -> Trace {
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), What::Plain(Origin::Citizen));
    flow(&|| card.insert_with(Seeded::new(2), FixedClock(then())).recorded(&recorder));
    recorder.finish().unwrap();
    let bytes = sink.0.lock().unwrap().clone();
    Trace::parse(&bytes).unwrap()
}

pub(crate) fn redacted(trace: &Trace) -> Redacted {
    redact::redact_under(trace, other_issuer(), now()).unwrap()
}

/// A file of a redaction.
pub(crate) fn file<'a>(redacted: &'a Redacted, name: &str) -> &'a [u8] {
    redacted.files().find(|(found, _)| *found == name).unwrap().1
}

pub(crate) fn dialogue(redacted: &Redacted) -> Trace {
    Trace::parse(file(redacted, redact::DIALOGUE)).unwrap()
}

/// The card of a redaction, from its file.
pub(crate) fn card(redacted: &Redacted) -> SoftCard {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    std::fs::write(&path, file(redacted, "card.json")).unwrap();
    SoftCard::open_with(&path, Seeded::new(3)).unwrap().snapshot()
}

/// Looks for the holder in every file, in a way of its own: as text, in hex, in base64, and in what is decoded.
pub(crate) fn assert_absent(redacted: &Redacted, citizen: &Citizen, more: &[&[u8]]) {
    let person = &citizen.person;
    let mut personal: Vec<Vec<u8>> = more.iter().map(|value| value.to_vec()).collect();
    for text in [
        &citizen.fiscal_code,
        &citizen.document_number,
        &citizen.nis,
        &person.surname,
        &person.given_names,
        &person.plain_surname().unwrap(),
        &person.plain_given_names().unwrap(),
    ] {
        if text.len() > 4 {
            personal.extend([text.as_bytes().to_vec(), text.to_lowercase().into_bytes()]);
            personal.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
    }
    for (name, content) in redacted.files() {
        let mut places = vec![content.to_vec()];
        let text = String::from_utf8(content.to_vec()).unwrap();
        for word in text.split(|c: char| !c.is_ascii_hexdigit()) {
            places.extend(hex::decode(word));
        }
        if name.ends_with(".pem") {
            let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            places.push(Base64::decode_vec(&body).unwrap());
        }
        for value in &personal {
            let wanted = [
                value.clone(),
                hex::encode(value).into_bytes(),
                hex::encode_upper(value).into_bytes(),
                Base64::encode_string(value).trim_end_matches('=').as_bytes().to_vec(),
            ];
            for (place, wanted) in places.iter().flat_map(|place| wanted.iter().map(move |w| (place, w))) {
                // Six digits stand in so many random hex digits by chance, now and then; what is in the hex itself was
                // decoded above.
                let is_short = wanted.len() < 8 && place == content;
                let is_hex = |at: Option<usize>| {
                    at.and_then(|at| place.get(at)).is_some_and(|byte| byte.is_ascii_hexdigit())
                };
                let stands_alone =
                    |at: usize| !is_hex(at.checked_sub(1)) && !is_hex(at.checked_add(wanted.len()));
                let found = place
                    .windows(wanted.len())
                    .enumerate()
                    .any(|(at, window)| window == *wanted && (!is_short || stands_alone(at)));
                assert!(!found, "{name}: {}", String::from_utf8_lossy(value));
            }
        }
    }
}
