//! Contact cards of every model.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use cie::card;
use cie::cns::{Credential, File, Session, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftCard;
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::{
    self, CardNumber, ControlInformation, DigestOver, Header, IssueOptions, Issued, KeyUse, Model, Paths,
    PinReferences, Profile, SignatureKey, WrongPin,
};
use cie::emulator::entropy::Seeded;
use cie::iso7816::StatusWord;
use cie::pin::LastTry;
use cie::redact::Report;
use cie::secret::{ContactPin, ContactPuk};
use cie::transport::Link;
use cie::transport::replay::Replay;
use cie::transport::trace::Trace;

use super::cie3::typed;
use super::record::{
    NOBODY, Person, assert_absent, card as card_of, dialogue, issuer, plain, redacted, then,
};

/// A PIN and a PUK that nobody else has.
const PIN: &str = "192837";
const PUK: &str = "64738291";

fn options() -> IssueOptions {
    let value = |digits| contact::reference_value(digits).unwrap();
    IssueOptions { pin: value(PIN), puk: value(PUK), ..IssueOptions::default() }
}

fn issued_with(number: u64, model: Model, options: &IssueOptions) -> Issued {
    let citizen = Citizen::numbered(number);
    contact::issue(issuer(), &citizen, model, options, &mut Seeded::new(4000 + number), then()).unwrap()
}

/// The card of a citizen, made once.
fn issued(number: u64, model: Model) -> Issued {
    static MADE: OnceLock<Mutex<BTreeMap<String, Issued>>> = OnceLock::new();
    let key = format!("{number} {model}");
    let made = MADE.get_or_init(Mutex::default).lock().unwrap().get(&key).cloned();
    made.unwrap_or_else(|| {
        let made = issued_with(number, model, &options());
        MADE.get_or_init(Mutex::default).lock().unwrap().insert(key, made.clone());
        made
    })
}

fn laid(issued: &Issued, model: Model) -> SoftCard {
    SoftCard::new_contact(issued.personalisation.clone(), model, Seeded::new(1)).unwrap()
}

const HOLDER: Person = Person { pin: PIN, ..super::record::HOLDER };

/// What people do: information, the personal data, a wrong PIN, the right one, a signature.
fn flow(link: Link, person: &Person) {
    let mut card = card::open(link).unwrap();
    card.information().unwrap();
    let mut session = card.into_cns().unwrap();
    session.read_personal_data().unwrap();
    let session = card::Session::Contact(session);
    let session = *session.verify_pin(&typed(person.wrong), LastTry::Refuse).unwrap_err().back;
    let mut unlocked = session.verify_pin(&typed(person.pin), LastTry::Refuse).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, person.message);
    unlocked.signer().unwrap().sign(Purpose::Raw, &digest).unwrap();
}

fn differences(report: &Report) -> Vec<&str> {
    report.differences.iter().map(String::as_str).collect()
}

fn check(number: u64, model: Model, issued: &Issued, trace: &Trace) {
    let redacted = redacted(trace);
    let report = redacted.report();
    assert_eq!(report.card, format!("contact card, model {model}"));
    assert!(report.not_understood.is_empty() && report.not_done.is_empty(), "{report}");
    assert_eq!(differences(report), [""; 0], "{model}: {report}");
    let data = &issued.personal_data;
    let mut more = vec![
        PIN.as_bytes(),
        PUK.as_bytes(),
        issued.card_number.as_bytes(),
        &issued.personalisation.keys[0].key.modulus,
    ];
    more.extend(
        [&data.residence_address, &data.birth_act, &data.birth_date, &data.issue_date]
            .map(|field| field.as_bytes()),
    );
    more.retain(|value| value.len() > 4);
    assert_absent(&redacted, &Citizen::numbered(number), &more);
    assert_eq!(card_of(&redacted).contact_profile().unwrap(), model.profile(), "{model}");
    let replay = Replay::of(dialogue(&redacted)).unwrap();
    flow(replay.link().unwrap(), &NOBODY);
    replay.conclude(Ok::<(), cie::Error>(())).unwrap();
}

#[test]
fn every_model_becomes_one_that_is_alike() {
    for (number, model) in (4..).zip(Model::ALL) {
        let issued = issued(number, model);
        let trace = plain(&laid(&issued, model), |connect| flow(connect(), &HOLDER));
        check(number, model, &issued, &trace);
    }
}

/// What a card was made with, other than usual.
#[test]
fn the_choices_of_an_issuer_are_kept() {
    type Change = fn(&mut IssueOptions);
    let choices: [(Model, Change); 6] = [
        (Model::Cns10, |options| options.header = Header::Exclusive),
        (Model::Cie2, |options| options.digest_over = DigestOver::Used),
        (Model::Cns10, |options| options.digest_over = DigestOver::Fields),
        (Model::Cns10, |options| options.card_number = Some(CardNumber::Printed)),
        (Model::Athena, |options| options.certificate_only_signs = true),
        (Model::Cns10, |options| {
            options.signature_key = Some(SignatureKey { pin: options.pin, puk: options.puk });
        }),
    ];
    for (number, (model, change)) in (0..).zip(choices) {
        let mut options = options();
        change(&mut options);
        let issued = issued_with(number, model, &options);
        let trace = plain(&laid(&issued, model), |connect| flow(connect(), &HOLDER));
        check(number, model, &issued, &trace);
    }
}

/// Each way in which masks differ, one at a time.
#[test]
fn quirks_are_kept() {
    type Change = fn(&mut Profile);
    let quirks: [(Model, Change); 11] = [
        (Model::Cns10, |profile| profile.references = PinReferences::Plain),
        (Model::Athena, |profile| profile.references = PinReferences::Backtracking),
        (Model::Cns10, |profile| profile.wrong_pin = WrongPin::Uncounted),
        (Model::Cns10, |profile| profile.reads_256 = false),
        (Model::Cns10, |profile| profile.control_information = ControlInformation::None),
        (Model::Cns10, |profile| profile.control_information = ControlInformation::WithoutSize),
        (Model::Cie2, |profile| profile.control_information = ControlInformation::Parameters),
        (Model::Cns10, |profile| profile.paths = Paths::Refused(StatusWord::new(0x6A81))),
        (Model::Cns10, |profile| profile.answers_wait = true),
        (Model::Cns10, |profile| profile.key_use = KeyUse::Sign),
        (Model::Cns10, |profile| profile.atr = (&[0x3B, 0x80, 0x80, 0x01, 0x01]).into()),
    ];
    for (index, (model, change)) in quirks.into_iter().enumerate() {
        let issued = issued(4, model);
        let original = laid(&issued, model);
        let mut profile = original.contact_profile().unwrap();
        change(&mut profile);
        original.set_contact_profile(profile.clone());
        let trace = plain(&original, |connect| flow(connect(), &HOLDER));
        let redacted = redacted(&trace);
        assert_eq!(differences(redacted.report()), [""; 0], "{index}");
        let kept = card_of(&redacted).contact_profile().unwrap();
        assert_eq!(kept, profile, "{index}");
        assert_absent(&redacted, &Citizen::numbered(4), &[PIN.as_bytes(), issued.card_number.as_bytes()]);
    }
}

/// The PIN changed, blocked and unblocked, the session locked, the second key, two connections.
#[test]
fn every_operation_is_performed_again() {
    let mut options = options();
    options.signature_key = Some(SignatureKey { pin: options.pin, puk: options.puk });
    let issued = issued_with(8, Model::Cns10, &options);
    let card = laid(&issued, Model::Cns10);
    let trace = plain(&card, |connect| {
        let (pin, new) = (ContactPin::parse(PIN).unwrap(), ContactPin::parse("556677").unwrap());
        let (puk, login) = (ContactPuk::parse(PUK).unwrap(), Credential::Authentication);
        let wrong = ContactPin::parse("99999999").unwrap();
        let mut session = Session::open(connect()).unwrap();
        session.read(File::Certificate).unwrap();
        session.read(File::ProcessorData).unwrap();
        session.change_pin(login, &pin, &new, LastTry::Refuse).unwrap();
        session.change_pin(login, &wrong, &pin, LastTry::Refuse).unwrap_err();
        let mut unlocked = session.verify_pin(&new).unwrap();
        unlocked.change_pin(&new, &pin).unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha1, b"a letter");
        // The card counts the new PIN as not shown.
        unlocked.signer().unwrap().sign(Purpose::Raw, &digest).unwrap_err();
        let mut session = unlocked.lock().unwrap();
        for _ in 0..3 {
            session = *session.verify_pin_of(login, &wrong, LastTry::Spend).unwrap_err().back;
        }
        session.unblock_pin(login, &puk, Unblock::NewPin(&new), LastTry::Refuse).unwrap();
        session.unblock_pin(login, &puk, Unblock::KeepPin, LastTry::Refuse).unwrap();
        let mut unlocked = session.verify_pin(&new).unwrap();
        unlocked.certificate().unwrap();
        drop(unlocked);
        let session = Session::open(connect()).unwrap();
        let mut unlocked = session.verify_pin_of(Credential::Signature, &pin, LastTry::Refuse).unwrap();
        unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
    });
    let redacted = redacted(&trace);
    let report = redacted.report();
    assert!(report.not_understood.is_empty() && report.not_done.is_empty(), "{report}");
    assert_eq!(differences(report), [""; 0], "{report}");
    let signer = issued.personalisation.keys[1].key.modulus.as_slice();
    assert_absent(&redacted, &Citizen::numbered(8), &[PIN.as_bytes(), PUK.as_bytes(), b"556677", signer]);
}

/// Every citizen, over the models in turn.
#[test]
fn nothing_is_left_of_any_citizen() {
    for (number, model) in (0..4).zip([Model::Cie2, Model::Cie1, Model::Athena, Model::Cie2]) {
        let issued = issued(number, model);
        let trace = plain(&laid(&issued, model), |connect| flow(connect(), &HOLDER));
        check(number, model, &issued, &trace);
    }
}

/// A card whose PIN was mistyped before anybody recorded it: its first answer to a wrong one tells.
#[test]
fn tries_that_were_spent_before_are_spent() {
    let card = laid(&issued(4, Model::Cns10), Model::Cns10);
    let wrong = ContactPin::parse("99999999").unwrap();
    drop(Session::open(card.insert()).unwrap().verify_pin(&wrong).unwrap_err());
    let trace = plain(&card, |connect| {
        let session = Session::open(connect()).unwrap();
        let session = *session.verify_pin(&wrong).unwrap_err().back;
        drop(session.verify_pin_of(
            Credential::Authentication,
            &ContactPin::parse(PIN).unwrap(),
            LastTry::Spend,
        ));
    });
    let redacted = redacted(&trace);
    assert_eq!(differences(redacted.report()), [""; 0]);
    assert_eq!(card_of(&redacted).pin_tries(), 2);
}
