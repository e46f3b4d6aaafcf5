//! A chip that a country vouches for, before a person is asked for a PIN: every chip, and every one that only has a
//! channel.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::sync::Arc;

use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{Generation, TestPki};
use cie::emulator::{Chip, SoftCard};
use cie::environment::FixedClock;
use cie::genuine::{Error, verify};
use cie::ias::{CardCache, Session, Terminal};
use cie::passive::{self, SecurityObjectPolicy, group};
use cie::trust::{self, AnchorPurpose, TrustStore};
use common::{CHIPS, demo, now, pin};

fn trust_of(pki: &TestPki) -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
    trust
}

fn session_with(personalisation: Personalisation) -> Session {
    let card = SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(1)).unwrap();
    Session::open(card.insert_with(Seeded::new(2), FixedClock(now()))).unwrap()
}

fn check(personalisation: Personalisation) -> Result<(), Error> {
    verify(&mut session_with(personalisation), &trust_of(&demo().pki), &SecurityObjectPolicy::new()).map(drop)
}

fn other_card() -> Personalisation {
    issue(&demo().pki, &demo().citizen, &IssueOptions::default(), &mut Seeded::new(5), now()).unwrap()
}

fn content(card: &mut Personalisation, identifier: u16) -> &mut Vec<u8> {
    &mut card.files.iter_mut().find(|file| file.identifier == identifier).unwrap().content
}

#[test]
fn genuine_chips_of_every_kind_and_generation() {
    let (trust, policy) = (trust_of(&demo().pki), SecurityObjectPolicy::new());
    for chip in CHIPS {
        let card = common::card(chip);
        let mut session = Session::open(common::link(&card)).unwrap();
        let genuine = verify(&mut session, &trust, &policy).unwrap();
        assert!(genuine.is_of(&session) && genuine.is_test() && genuine.checked_at() == now(), "{chip}");
        assert!(!genuine.files().is_legacy());
        assert_eq!((card.verify_count(), card.pin_tries()), (0, 3));
        // What its holder shows afterwards belongs to this chip.
        let mut unlocked = session.verify_pin(&pin()).unwrap();
        genuine.check_holder_certificate(unlocked.certificate().unwrap()).unwrap();
    }
    let options = IssueOptions { generation: Generation::First, ..IssueOptions::default() };
    check(issue(&demo().pki, &demo().citizen, &options, &mut Seeded::new(2), now()).unwrap()).unwrap();
}

/// Any key pair opens a channel: here a copy of all that can be read, with keys of its own for device authentication.
#[test]
fn a_channel_is_no_proof() {
    let mut other = other_card();
    let mut copy = demo().personalisation.clone();
    *content(&mut copy, 0x1004) = content(&mut other, 0x1004).clone();
    copy.device_key = other.device_key;
    let differs = |group| Error::SecurityObject(passive::Error::DigestDiffers(group));
    assert_eq!(check(copy).unwrap_err(), differs(group::DEVICE_KEY));
    // With another card's EF.SOD, whichever way round.
    let mut mixed = demo().personalisation.clone();
    *content(&mut mixed, 0x1006) = content(&mut other_card(), 0x1006).clone();
    assert_eq!(check(mixed).unwrap_err(), differs(group::DEVICE_KEY));
}

#[test]
fn a_chip_of_an_unknown_country_is_none() {
    let policy = SecurityObjectPolicy::new();
    let pki = TestPki::generate(&mut Seeded::new(77), now()).unwrap();
    let unknown = Error::SecurityObject(passive::Error::Signer(trust::Error::UnknownIssuer));
    let mut session = session_with(demo().personalisation.clone());
    assert_eq!(verify(&mut session, &trust_of(&pki), &policy).unwrap_err(), unknown);
    // Nor is the certificate that comes with an EF.SOD a reason to trust it.
    assert_eq!(verify(&mut session, &TrustStore::new().allow_test_pki(), &policy).unwrap_err(), unknown);
    // And a software card is none where nobody said that it may be.
    let mut trust = TrustStore::new();
    assert!(trust.add_anchor(AnchorPurpose::Csca, demo().pki.csca_der()).is_err());
    // The session is as good as before.
    verify(&mut session, &trust_of(&demo().pki), &policy).unwrap();
}

/// The proofs of two cards are told apart: the one that was checked, and the one whose holder types a PIN.
#[test]
fn a_proof_is_of_one_chip() {
    let mut session = session_with(demo().personalisation.clone());
    let genuine = verify(&mut session, &trust_of(&demo().pki), &SecurityObjectPolicy::new()).unwrap();
    let other = session_with(other_card());
    assert!(genuine.is_of(&session) && !genuine.is_of(&other));
    let differs = Error::SecurityObject(passive::Error::DigestDiffers(group::HOLDER_CERTIFICATE));
    let mut unlocked = other.verify_pin(&pin()).unwrap();
    assert_eq!(genuine.check_holder_certificate(unlocked.certificate().unwrap()).unwrap_err(), differs);
}

/// A chip whose constants are remembered is checked like any other.
#[test]
fn what_is_remembered_of_a_card_is_not_what_is_believed() {
    let (mut cache, terminal) = (CardCache::new(), Arc::new(Terminal::published().unwrap()));
    let (trust, policy) = (trust_of(&demo().pki), SecurityObjectPolicy::new());
    for _ in 0..2 {
        let card = common::card(Chip::Nxp);
        let mut session = Session::open_with(common::link(&card), &terminal, &mut cache).unwrap();
        let genuine = verify(&mut session, &trust, &policy).unwrap();
        assert!(genuine.is_of(&session));
    }
}

/// The channel closes for good when something comes that is not protected by it, and nothing is proved then.
#[test]
fn a_card_that_goes_before_its_proof_has_none() {
    let card = common::card(Chip::Gemalto);
    let mut session = Session::open(common::link(&card)).unwrap();
    card.reset_by_other();
    let error = verify(&mut session, &trust_of(&demo().pki), &SecurityObjectPolicy::new()).unwrap_err();
    assert!(matches!(error, Error::Card(_)), "{error}");
    assert!(!session.is_open());
}
