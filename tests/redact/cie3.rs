//! CIE 3 cards of every chip.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::Model;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::Generation;
use cie::emulator::{Chip, Profile, SoftCard, WrongLe};
use cie::ias::{Application, CardCache, File, RootFile, Terminal, Unblock};
use cie::kiosk;
use cie::passive::SecurityObjectPolicy;
use cie::pin::LastTry;
use cie::redact::{self, Report};
use cie::secret::{Pin, Puk, Typed};
use cie::transport::Link;
use cie::transport::replay::Replay;
use cie::transport::trace::{Event, Kind, Origin, Trace};
use cie::trust::{AnchorPurpose, TrustStore};

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

/// Every citizen, over the chips in turn; what the certificate says of them has the same length.
#[test]
fn nothing_is_left_of_any_citizen() {
    for number in 4..12 {
        let chip = Chip::ALL[usize::try_from(number % 4).unwrap()];
        let made = personalisation(number);
        let trace = plain(&soft_card(made.clone(), chip), |connect| flow(connect(), &HOLDER));
        let redacted = redacted(&trace);
        let report = redacted.report();
        assert_eq!(differences(report), [""; 0], "{number}");
        let more = [PIN.as_bytes(), &content(&made, 0xD003)[2..], &made.holder_key.modulus];
        assert_absent(&redacted, &Citizen::numbered(number), &more);
        assert!(report.to_string().contains("surname in the certificate"), "{report}");
        for text in [redacted.report().to_string(), format!("{redacted:?} {report:?}")] {
            assert!(!text.contains(&Citizen::numbered(number).fiscal_code));
        }
    }
}

/// What else people do: the PIN changed, blocked and unblocked, the session locked, files read, two connections.
#[test]
fn every_operation_is_performed_again() {
    for chip in [Chip::Gemalto, Chip::Actalis] {
        let card = soft_card(personalisation(0), chip);
        let trace = plain(&card, |connect| {
            let terminal = Arc::new(Terminal::published().unwrap());
            let mut application = Application::select(connect()).unwrap();
            application.read_nis().unwrap();
            for file in [File::DeviceKey, File::ServicesKey, File::SecurityObject] {
                application.read(file).unwrap();
            }
            application.read_root(RootFile::DomainParameters).unwrap();
            let mut country = TrustStore::new().allow_test_pki();
            country.add_anchor(AnchorPurpose::Csca, issuer().csca_der()).unwrap();
            kiosk::verify_nis(&mut application, &country, &SecurityObjectPolicy::new()).unwrap();
            application.puk_tries().unwrap();
            let session = application.authenticate(&terminal, &mut CardCache::new()).unwrap();
            let (pin, new) = (Pin::parse(PIN).unwrap(), Pin::parse("55667788").unwrap());
            let mut unlocked = session.verify_pin(&pin).unwrap();
            unlocked.read(File::DocumentNumber).unwrap();
            unlocked.certificate().unwrap();
            unlocked.change_pin(&pin, &new).unwrap();
            let mut session = unlocked.lock().unwrap();
            session.read(File::SecurityObject).unwrap();
            for _ in 0..3 {
                session = *session.verify_pin_with(&pin, LastTry::Spend).unwrap_err().back;
            }
            session = *session.verify_pin_with(&pin, LastTry::Spend).unwrap_err().back;
            let puk = Puk::parse(PUK).unwrap();
            let wrong = Puk::parse("11112222").unwrap();
            session = *session.unblock_pin(&wrong, Unblock::KeepPin, LastTry::Refuse).unwrap_err().back;
            session = session.unblock_pin(&puk, Unblock::NewPin(&pin), LastTry::Refuse).unwrap();
            session = session.unblock_pin(&puk, Unblock::KeepPin, LastTry::Spend).unwrap();
            let mut unlocked = session.verify_pin(&pin).unwrap();
            sign(&mut unlocked.signer().unwrap(), DigestAlgorithm::Sha512, b"a letter");
            drop(unlocked);
            drop(card::open(connect()).unwrap());
        });
        let redacted = redacted(&trace);
        let report = redacted.report();
        assert!(report.not_understood.is_empty() && report.not_done.is_empty(), "{report}");
        assert_eq!(differences(report), [""; 0], "{chip}: {report}");
        let dialogue = dialogue(&redacted);
        assert_eq!(dialogue.connections().count(), 2);
        assert_absent(&redacted, &Citizen::numbered(0), &[PIN.as_bytes(), PUK.as_bytes(), b"55667788"]);
    }
}

/// What a card was made with, other than usual.
#[test]
fn the_choices_of_an_issuer_are_kept() {
    for (number, generation, padding, extended_key_usage) in
        [(2, Generation::First, 0, true), (3, Generation::Second, 700, false)]
    {
        let chosen = IssueOptions { generation, padding, extended_key_usage, ..options() };
        let made = issued(number, &chosen);
        let trace = plain(&soft_card(made.clone(), Chip::Gemalto), |connect| {
            let mut application = Application::select(connect()).unwrap();
            application.read(File::SecurityObject).unwrap();
            let terminal = Arc::new(Terminal::published().unwrap());
            let session = application.authenticate(&terminal, &mut CardCache::new()).unwrap();
            session.verify_pin(&Pin::parse(PIN).unwrap()).unwrap().certificate().unwrap();
        });
        let redacted = redacted(&trace);
        assert_eq!(differences(redacted.report()), [""; 0], "{}", redacted.report());
        assert_absent(&redacted, &Citizen::numbered(number), &[PIN.as_bytes()]);
    }
}

/// A card that behaves like none of the four chips becomes one that does as well, in its file too.
#[test]
fn quirks_are_kept() {
    type Change = fn(&mut Profile);
    let quirks: [(Chip, Change); 8] = [
        (Chip::Gemalto, |profile| profile.atr = Model::Cns10.profile().atr),
        (Chip::Gemalto, |profile| profile.atr = (&[0x3B, 0x80, 0x80, 0x01, 0x01]).into()),
        (Chip::Gemalto, |profile| {
            (profile.knows_ias_by_name, profile.root_at_reset) = (false, true);
        }),
        (Chip::Gemalto, |profile| profile.longest_clear_read = 200),
        (Chip::Actalis, |profile| profile.longest_protected_read = 128),
        (Chip::Nxp, |profile| profile.le_zero_warns = true),
        (Chip::Gemalto, |profile| profile.wrong_le = WrongLe::RefusedInClear),
        (Chip::St, |profile| profile.longest_direct_answer = 255),
    ];
    for (index, (chip, change)) in quirks.into_iter().enumerate() {
        let original = soft_card(personalisation(1), chip);
        let mut profile = original.profile();
        change(&mut profile);
        original.set_profile(profile.clone());
        let trace = plain(&original, |connect| flow(connect(), &HOLDER));
        let redacted = redacted(&trace);
        assert_eq!(differences(redacted.report()), [""; 0], "{index}");
        let mut kept = card_of(&redacted).profile();
        kept.root_at_reset = profile.root_at_reset;
        // What a recording does not show is what the chip usually has.
        assert_eq!(kept, profile, "{index}");
    }
}

/// A card whose PIN was mistyped before anybody recorded it.
#[test]
fn tries_that_were_spent_before_are_spent() {
    let card = soft_card(personalisation(1), Chip::Gemalto);
    drop(
        card::open(card.insert())
            .unwrap()
            .open_session()
            .unwrap()
            .verify_pin(&typed("00000001"), LastTry::Refuse),
    );
    let trace = plain(&card, |connect| {
        let session = card::open(connect()).unwrap().open_session().unwrap();
        drop(session.verify_pin(&typed(PIN), LastTry::Refuse).unwrap());
    });
    let redacted = redacted(&trace);
    assert_eq!(differences(redacted.report()), [""; 0]);
    assert_eq!(card_of(&redacted).pin_tries(), 2);
}
