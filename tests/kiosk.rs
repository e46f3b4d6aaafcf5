//! The check that a kiosk makes without a PIN: genuine cards of every chip, and every card that only looks like one.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{Generation, TestPki};
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::environment::FixedClock;
use cie::ias::Application;
use cie::kiosk::{AuthenticNis, Error, verify_nis};
use cie::passive::{self, SecurityObjectPolicy, group};
use cie::transport::{self, Company, Link, Transport};
use cie::trust::{self, AnchorPurpose, TrustStore};
use common::{CHIPS, demo, now};

fn trust() -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, demo().pki.csca_der()).unwrap();
    trust
}

fn check(link: Link) -> Result<AuthenticNis, Error> {
    let mut application = Application::select(link).map_err(|refused| refused.error)?;
    verify_nis(&mut application, &trust(), &SecurityObjectPolicy::new())
}

fn laid(personalisation: Personalisation) -> Link {
    let card = SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(1)).unwrap();
    card.insert_with(Seeded::new(2), FixedClock(now()))
}

fn other_card() -> Personalisation {
    issue(&demo().pki, &demo().citizen, &IssueOptions::default(), &mut Seeded::new(5), now()).unwrap()
}

fn content(card: &mut Personalisation, identifier: u16) -> &mut Vec<u8> {
    &mut card.files.iter_mut().find(|file| file.identifier == identifier).unwrap().content
}

#[test]
fn genuine_cards_of_every_chip_and_generation() {
    for chip in CHIPS {
        let card = common::card(chip);
        let mut application = Application::select(common::link(&card)).unwrap();
        let nis = verify_nis(&mut application, &trust(), &SecurityObjectPolicy::new()).unwrap();
        assert_eq!(nis.digits(), demo().citizen.nis, "{chip}");
        assert!(nis.is_test() && !nis.files().is_legacy() && nis.checked_at() == now());
        assert_eq!((card.verify_count(), card.pin_tries()), (0, 3));
        assert!(!format!("{nis:?}").contains(nis.digits()));
    }
    let options = IssueOptions { generation: Generation::First, ..IssueOptions::default() };
    let first = issue(&demo().pki, &demo().citizen, &options, &mut Seeded::new(2), now()).unwrap();
    check(laid(first)).unwrap();
}

/// A chip with everything that can be read of a genuine card, and a key of its own.
#[test]
fn a_copy_of_a_cards_files_is_not_the_card() {
    let mut copy = demo().personalisation.clone();
    copy.services_key = other_card().services_key;
    assert_eq!(check(laid(copy)).unwrap_err(), Error::NotGenuine);
    // With the public half of its own key it answers well, and EF.SOD does not know that key.
    let mut other = other_card();
    let mut copy = demo().personalisation.clone();
    *content(&mut copy, 0x1005) = content(&mut other, 0x1005).clone();
    copy.services_key = other.services_key;
    let error = check(laid(copy)).unwrap_err();
    assert_eq!(error, Error::SecurityObject(passive::Error::DigestDiffers(group::SERVICES_KEY)));
}

/// The proofs of two cards are not mixed: another's number, another's digests.
#[test]
fn another_persons_number_is_not_this_cards() {
    let mut mixed = demo().personalisation.clone();
    content(&mut mixed, 0x1001)[..12].copy_from_slice(b"000000000001");
    let error = check(laid(mixed)).unwrap_err();
    assert_eq!(error, Error::SecurityObject(passive::Error::DigestDiffers(group::NIS)));
    let mut mixed = demo().personalisation.clone();
    *content(&mut mixed, 0x1006) = content(&mut other_card(), 0x1006).clone();
    assert!(matches!(check(laid(mixed)).unwrap_err(), Error::SecurityObject(_)));
}

#[test]
fn a_card_of_an_unknown_country_is_none() {
    let pki = TestPki::generate(&mut Seeded::new(77), now()).unwrap();
    let card = issue(&pki, &demo().citizen, &IssueOptions::default(), &mut Seeded::new(3), now()).unwrap();
    let error = check(laid(card)).unwrap_err();
    assert_eq!(error, Error::SecurityObject(passive::Error::Signer(trust::Error::UnknownIssuer)));
}

/// Between reader and card: answers INTERNAL AUTHENTICATE in its own way.
struct Between<F>(SoftTransport, F);

impl<F: FnMut(&[u8]) -> Option<Vec<u8>> + Send> Transport for Between<F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        match (self.1)(command) {
            Some(answer) => Ok(answer),
            None => self.0.transmit(command),
        }
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        None
    }
}

fn between(answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> Link {
    let card = common::card(Chip::Gemalto);
    let transport = Between(card.transport(), answer);
    Link::with_sources(transport, Seeded::new(2), FixedClock(now()))
}

/// The known mistake: a card that refuses to answer counts as one that could have.
#[test]
fn a_refused_challenge_is_a_refusal() {
    for status in [[0x69, 0x82], [0x6A, 0x88], [0x69, 0x85], [0x6D, 0x00], [0x63, 0x00]] {
        let link = between(move |command| (command[1] == 0x88).then(|| status.to_vec()));
        assert!(matches!(check(link).unwrap_err(), Error::Card(_)), "{status:?}");
    }
    // And one that says that it did, and gives nothing, too little, or too much.
    for length in [0, 1, 32, 255, 257] {
        let link = between(move |command| {
            (command[1] == 0x88).then(|| [vec![0; length], vec![0x90, 0x00]].concat())
        });
        let error = check(link).unwrap_err();
        assert!(matches!(error, Error::NotGenuine | Error::Card(_)), "{length}: {error}");
    }
}

/// What was answered once is no answer to the next challenge, and no challenge is sent twice.
#[test]
fn an_answer_of_yesterday_is_none() {
    use std::sync::{Arc, Mutex};
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let mut answers = Vec::new();
    for seed in 0..3 {
        let card = common::card(Chip::Gemalto);
        let noted = seen.clone();
        let transport = Between(card.transport(), move |command: &[u8]| {
            if command[1] == 0x88 {
                noted.lock().unwrap().push(command[5..37].to_vec());
            }
            None
        });
        let link = Link::with_sources(transport, Seeded::new(seed), FixedClock(now()));
        answers.push(check(link).is_ok());
    }
    assert_eq!(answers, [true; 3]);
    let mut challenges = seen.lock().unwrap().clone();
    challenges.sort();
    challenges.dedup();
    assert_eq!(challenges.len(), 3);
}
