//! CIE 3 cards of every chip.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::citizen::Citizen;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::{Chip, SoftCard};
use cie::pin::LastTry;
use cie::redact::{self, Report};
use cie::secret::Typed;
use cie::transport::Link;
use cie::transport::replay::Replay;
use cie::transport::trace::{Event, Kind, Origin, Trace};

use super::record::{
    NOBODY, Person, assert_absent, card as card_of, dialogue, file, issuer, plain, redacted, then,
};

/// A PIN and a PUK that nobody else has.
pub(crate) const PIN: &str = "19283746";
const PUK: &str = "64738291";

pub(crate) fn typed(digits: &str) -> Typed {
    Typed::new(digits.to_owned())
}

fn options() -> IssueOptions {
    IssueOptions { pin: *b"19283746", puk: *b"64738291", ..IssueOptions::default() }
}

/// The card of a citizen, made once.
fn personalisation(number: u64) -> Personalisation {
    static MADE: OnceLock<Mutex<BTreeMap<u64, Personalisation>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
    made.entry(number).or_insert_with(|| issued(number, &options())).clone()
}

fn issued(number: u64, options: &IssueOptions) -> Personalisation {
    let citizen = Citizen::numbered(number);
    issue(issuer(), &citizen, options, &mut Seeded::new(3000 + number), then()).unwrap()
}

fn soft_card(personalisation: Personalisation, chip: Chip) -> SoftCard {
    SoftCard::new(personalisation, chip, Seeded::new(1)).unwrap()
}

const HOLDER: Person = Person { pin: PIN, ..super::record::HOLDER };

/// What people do: information, a wrong PIN, the right one, certificate, two signatures.
fn flow(link: Link, person: &Person) {
    let mut card = card::open(link).unwrap();
    card.information().unwrap();
    let session = card.open_session().unwrap();
    let session = *session.verify_pin(&typed(person.wrong), LastTry::Refuse).unwrap_err().back;
    let mut unlocked = session.verify_pin(&typed(person.pin), LastTry::Refuse).unwrap();
    unlocked.certificate().unwrap();
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha1] {
        sign(&mut unlocked.signer().unwrap(), algorithm, person.message);
    }
}

fn sign(signer: &mut impl Signer, algorithm: DigestAlgorithm, message: &[u8]) {
    signer.sign(Purpose::Raw, &Digest::of(algorithm, message)).unwrap();
}

/// What differs, but for the certification key, whose public exponent is as long as it happens to be.
fn differences(report: &Report) -> Vec<&str> {
    let known = |line: &&str| line.contains(": 00CB3FFF [11] Ne");
    report.differences.iter().map(String::as_str).filter(|line| !known(line)).collect()
}

/// The file of a card, by its identifier.
fn content(card: &Personalisation, identifier: u16) -> &[u8] {
    &card.files.iter().find(|file| file.identifier == identifier).unwrap().content
}

#[test]
fn every_chip_becomes_one_that_is_alike() {
    for (number, chip) in (0..).zip(Chip::ALL) {
        let made = personalisation(number);
        let trace = plain(&soft_card(made.clone(), chip), |connect| flow(connect(), &HOLDER));
        let redacted = redacted(&trace);
        let report = redacted.report();
        assert_eq!(report.card, format!("CIE 3, chip {chip}"));
        assert!(report.not_understood.is_empty() && report.not_done.is_empty(), "{report}");
        assert_eq!(differences(report), [""; 0], "{chip}");
        let card = card_of(&redacted);
        assert_eq!(card.profile(), chip.profile());
        assert_eq!(card.pin_tries(), 3);

        assert_absent(
            &redacted,
            &Citizen::numbered(number),
            &[
                PIN.as_bytes(),
                PUK.as_bytes(),
                &content(&made, 0xD003)[2..],
                &made.holder_key.modulus,
                &made.device_key.modulus,
            ],
        );
        let dialogue = dialogue(&redacted);
        assert_eq!((dialogue.kind, dialogue.origin), (Kind::Replayable, Origin::Emulator));
        let replay = Replay::of(dialogue).unwrap();
        flow(replay.link().unwrap(), &NOBODY);
        replay.conclude(Ok::<(), cie::Error>(())).unwrap();
        let original = Trace::parse(file(&redacted, redact::ORIGINAL)).unwrap();
        assert_eq!((original.kind, original.origin), (Kind::Diagnostic, Origin::Citizen));
        let commands =
            |trace: &Trace| trace.entries.iter().filter(|e| matches!(e.event, Event::Command(_))).count();
        assert_eq!(commands(&original), commands(&trace));
    }
}
