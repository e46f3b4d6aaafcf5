//! Contact cards of every model.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftCard;
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::{self, IssueOptions, Issued, Model};
use cie::emulator::entropy::Seeded;
use cie::pin::LastTry;
use cie::redact::Report;
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
