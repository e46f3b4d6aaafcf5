//! The check that a kiosk makes without a PIN: genuine cards of every chip, and every card that only looks like one.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::cast_possible_truncation)]

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{Generation, TestPki};
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::environment::FixedClock;
use cie::ias::Application;
use cie::kiosk::{AuthenticNis, Error, SeenCards, verify_nis, verify_nis_with};
use cie::passive::{self, SecurityObjectPolicy, group};
use cie::transport::{self, Company, Link, Statistics, Transport};
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

/// What somebody between reader and card makes of a command.
enum Do {
    Pass,
    Answer(Vec<u8>),
    /// Sends the card this one in its place.
    Send(Vec<u8>),
}

struct Between<F>(SoftTransport, F);

impl<F: FnMut(&[u8]) -> Do + Send> Transport for Between<F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        match (self.1)(command) {
            Do::Pass => self.0.transmit(command),
            Do::Answer(answer) => Ok(answer),
            Do::Send(other) => self.0.transmit(&other),
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

fn between(react: impl FnMut(&[u8]) -> Do + Send + 'static) -> Link {
    let card = common::card(Chip::Gemalto);
    let transport = Between(card.transport(), react);
    Link::with_sources(transport, Seeded::new(2), FixedClock(now()))
}

/// Answers INTERNAL AUTHENTICATE in the card's place.
fn answering(answer: Vec<u8>) -> Link {
    between(move |command| if command[1] == 0x88 { Do::Answer(answer.clone()) } else { Do::Pass })
}

/// The known mistake: a card that refuses to answer counts as one that could have.
#[test]
fn a_refused_challenge_is_a_refusal() {
    for status in [[0x69, 0x82], [0x6A, 0x88], [0x69, 0x85], [0x6D, 0x00], [0x63, 0x00]] {
        assert!(matches!(check(answering(status.to_vec())).unwrap_err(), Error::Card(_)), "{status:?}");
    }
    // And one that says that it did, and gives nothing, too little, or too much.
    for length in [0, 1, 32, 255, 257] {
        let error = check(answering([vec![0; length], vec![0x90, 0x00]].concat())).unwrap_err();
        assert!(matches!(error, Error::NotGenuine | Error::Card(_)), "{length}: {error}");
    }
}

/// What was answered once is no answer to the next challenge, whoever gives it.
#[test]
fn an_answer_of_yesterday_is_none() {
    let kept: std::sync::Arc<std::sync::Mutex<Option<Vec<u8>>>> = Default::default();
    let card = common::card(Chip::Gemalto);
    let (mut beside, noted) = (card.transport(), kept.clone());
    let transport = Between(card.transport(), move |command: &[u8]| {
        let first = command[1] == 0x88 && noted.lock().unwrap().is_none();
        if first {
            // The card itself answers, and what it says is written down.
            *noted.lock().unwrap() = Some(beside.transmit(command).unwrap());
        }
        match noted.lock().unwrap().clone().filter(|_| command[1] == 0x88) {
            Some(answer) => Do::Answer(answer),
            None => Do::Pass,
        }
    });
    let link = Link::with_sources(transport, Seeded::new(2), FixedClock(now()));
    let mut application = Application::select(link).unwrap();
    let mut check = || verify_nis(&mut application, &trust(), &SecurityObjectPolicy::new());
    check().unwrap();
    assert_eq!(check().unwrap_err(), Error::NotGenuine);
    assert!(kept.lock().unwrap().is_some());
}

/// No challenge is sent twice.
#[test]
fn challenges_differ() {
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let mut answers = Vec::new();
    for seed in 0..3 {
        let card = common::card(Chip::Gemalto);
        let noted = seen.clone();
        let transport = Between(card.transport(), move |command: &[u8]| {
            if command[1] == 0x88 {
                noted.lock().unwrap().push(command[5..37].to_vec());
            }
            Do::Pass
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

/// A recorded dialogue proves what it proved then; whoever plays it back is told that nobody lies there.
#[test]
fn a_recording_is_no_card() {
    use cie::transport::replay::Replay;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/traces");
    let replay = Replay::open(folder.join("cie3-gemalto-check-at-a-kiosk.trace")).unwrap();
    let link = replay.link().unwrap();
    assert!(link.is_replayed() && !common::link(&common::card(Chip::Gemalto)).is_replayed());
    let mut application = Application::select(link).unwrap();
    let nis = verify_nis(&mut application, &trust(), &SecurityObjectPolicy::new()).unwrap();
    assert!(nis.is_test());
}

/// A card that comes back gives its largest file no more, and everything else is as before.
#[test]
fn a_card_that_comes_back_is_checked_in_few_commands() {
    let seen = SeenCards::new();
    let policy = SecurityObjectPolicy::new();
    for chip in CHIPS {
        let card = common::card(chip);
        let commands = |seen: &SeenCards| {
            let mut application = Application::select(common::link(&card)).unwrap();
            verify_nis_with(&mut application, &trust(), &policy, seen).unwrap();
            application.into_link().statistics()
        };
        seen.clear();
        let (first, again) = (commands(&seen), commands(&seen));
        let all = |said: Statistics| said.commands + said.get_responses;
        assert!(all(first) <= 30 && all(again) <= 12, "{chip}: {first:?}, then {again:?}");
        assert!(again.bytes_received + 1000 < first.bytes_received, "{chip}: {first:?}, then {again:?}");
    }
}

/// Two kiosks of one program have one memory: in the middle of one check another one begins and ends, and both cards are
/// known afterwards. What panics in the middle takes nothing along.
#[test]
fn a_memory_serves_several_checks_at_once_and_outlives_a_panic() {
    fn check(link: Link, seen: &SeenCards) -> u32 {
        let mut application = Application::select(link).unwrap();
        verify_nis_with(&mut application, &trust(), &SecurityObjectPolicy::new(), seen).unwrap();
        let said = application.into_link().statistics();
        said.commands + said.get_responses
    }
    let seen = Arc::new(SeenCards::new());
    let (one, other) = (|| laid(demo().personalisation.clone()), || laid(other_card()));
    let (shared, mut answers) = (seen.clone(), 0);
    let first = one().watched(move |_| {
        answers += 1;
        if answers == 3 {
            check(laid(other_card()), &shared);
        }
        true
    });
    let when_new = check(first, &seen);
    assert!(check(one(), &seen) < when_new && check(other(), &seen) < when_new);

    let panics =
        one().watched(|said| if said.commands > 2 { panic!("this is part of the test") } else { true });
    std::panic::catch_unwind(AssertUnwindSafe(|| check(panics, &seen))).unwrap_err();
    assert!(check(one(), &seen) < when_new && check(other(), &seen) < when_new);
}

/// What is remembered vouches for nothing: the trust of the moment decides, and the chip has to answer.
#[test]
fn a_memory_of_cards_lets_nobody_in() {
    let seen = SeenCards::new();
    let policy = SecurityObjectPolicy::new();
    let check = |personalisation: Personalisation, trust: &TrustStore| {
        let mut application = Application::select(laid(personalisation)).unwrap();
        verify_nis_with(&mut application, trust, &policy, &seen)
    };
    let genuine = demo().personalisation.clone();
    check(genuine.clone(), &trust()).unwrap();
    // The same files on a chip without the key, before and after the card was seen once more.
    let mut copy = genuine.clone();
    copy.services_key = other_card().services_key;
    assert_eq!(check(copy.clone(), &trust()).unwrap_err(), Error::NotGenuine);
    check(genuine.clone(), &trust()).unwrap();
    assert_eq!(check(copy, &trust()).unwrap_err(), Error::NotGenuine);
    // Its number on another card, and another's number on this one.
    let mut mixed = other_card();
    *content(&mut mixed, 0x1001) = content(&mut genuine.clone(), 0x1001).clone();
    content(&mut mixed, 0x1001)[11] ^= 1;
    let differs = Error::SecurityObject(passive::Error::DigestDiffers(group::NIS));
    assert_eq!(check(mixed, &trust()).unwrap_err(), differs);
    let mut mixed = genuine.clone();
    content(&mut mixed, 0x1001)[11] ^= 1;
    assert_eq!(check(mixed, &trust()).unwrap_err(), differs);
    // A country that is trusted no more.
    let nobody = check(genuine.clone(), &TrustStore::new().allow_test_pki()).unwrap_err();
    assert_eq!(nobody, Error::SecurityObject(passive::Error::Signer(trust::Error::UnknownIssuer)));
    // And a card that failed is not remembered: its own EF.SOD would have to be wrong twice.
    let mut altered = other_card();
    *content(&mut altered, 0x1006) = content(&mut genuine.clone(), 0x1006).clone();
    check(altered, &trust()).unwrap_err();
    check(other_card(), &trust()).unwrap();
}

/// A file that was read and verified is not read again: a card that gives something else the second time gains nothing.
#[test]
fn every_file_is_read_once() {
    let reads: Arc<Mutex<Vec<[u8; 2]>>> = Arc::default();
    let noted = reads.clone();
    let link = between(move |command| {
        if command[1] == 0xB0 {
            noted.lock().unwrap().push([command[2], command[3]]);
        }
        Do::Pass
    });
    check(link).unwrap();
    // By short identifier, or by offset in the file that was named last: each place of each file is asked for once.
    let mut places = Vec::new();
    let mut file = 0;
    for [p1, p2] in reads.lock().unwrap().iter().copied() {
        if p1 & 0x80 != 0 {
            file = p1 & 0x1F;
        }
        places.push((file, if p1 & 0x80 == 0 { p1 } else { 0 }, p2));
    }
    let asked = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), asked);
    let mut files: Vec<_> = places.iter().map(|(file, ..)| *file).collect();
    files.dedup();
    assert_eq!(files, [1, 5, 6]);
}

/// The whole block has to be right: the genuine key, over less than the challenge, over more, or over its end.
#[test]
fn a_part_of_the_challenge_is_not_the_challenge() {
    for (what, change) in [
        ("its beginning", (|challenge: &[u8]| challenge[..31].to_vec()) as fn(&[u8]) -> Vec<u8>),
        ("one byte of it", |challenge| challenge[..1].to_vec()),
        ("its end", |challenge| challenge[1..].to_vec()),
        ("something behind it", |challenge| [challenge, &[0]].concat()),
        ("something before it", |challenge| [&[0; 16], challenge].concat()),
        ("another one", |challenge| challenge.iter().map(|byte| !byte).collect()),
    ] {
        let link = between(move |command| match command {
            [_, 0x88, _, _, length, rest @ ..] => {
                let data = change(&rest[..usize::from(*length)]);
                Do::Send([&[0, 0x88, 0, 0, data.len() as u8], &data[..], &[0]].concat())
            }
            _ => Do::Pass,
        });
        assert_eq!(check(link).unwrap_err(), Error::NotGenuine, "{what}");
    }
    // The way there is no obstacle: the challenge itself, sent on like this, is answered well.
    let link = between(|command| if command[1] == 0x88 { Do::Send(command.to_vec()) } else { Do::Pass });
    check(link).unwrap();
}
