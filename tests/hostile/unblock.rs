//! The sweep of unblocking: a right PUK costs no try, a wrong one at most one, and none is sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cie::emulator::Chip;
use cie::ias::{self, Session, Step, Unblock};
use cie::pin::LastTry;
use cie::secret::{Pin, Puk};
use cie::transport::Link;

use crate::common::{self, blocked_card, puk};
use crate::faults::{Fault, Recording, Witness, faulty_card, faulty_wire, record_on};
use crate::sweep::on_all_cores;

const NEW: &str = "31415926";
const VERIFY_PUK: [u8; 2] = [0x20, 0x82];
const RESET: [u8; 2] = [0x2C, 0x81];
const VERIFY_PIN: [u8; 2] = [0x20, 0x81];

/// Unblocks with a new PIN, and shows that.
fn unblock_and_verify(link: Link, puk: &Puk, keep: bool) -> Result<(), ias::Error> {
    let new = Pin::parse(NEW).unwrap();
    let (unblock, right) = if keep {
        (Unblock::KeepPin, common::pin())
    } else {
        (Unblock::NewPin(&new), Pin::parse(NEW).unwrap())
    };
    let session = Session::open(link).map_err(|refused| refused.error)?;
    let session = session.unblock_pin(puk, unblock, LastTry::Refuse).map_err(|refused| refused.error)?;
    session.verify_pin(&right).map(drop).map_err(|refused| refused.error)
}

/// All faults of the exchanges that carry a secret and of the last before them, a sample of the others.
fn jobs(recording: &Recording, on_the_wire: bool, each: usize) -> Vec<(usize, Fault)> {
    let lengths: Vec<usize> = match on_the_wire {
        true => recording.exchanges.iter().map(|(_, answer)| answer.len()).collect(),
        false => recording.answers.iter().map(Vec::len).collect(),
    };
    let secret = recording.exchanges.iter().position(|(command, _)| command[1] == 0x20).unwrap();
    let exhaustive = std::env::var_os("CIE_EXHAUSTIVE").is_some();
    let first = if on_the_wire { secret - 1 } else { recording.answers_before[secret] - 1 };
    (0..lengths.len())
        .flat_map(|at| Fault::all(lengths[at], on_the_wire).into_iter().map(move |fault| (at, fault)))
        .enumerate()
        .filter(|(index, (at, _))| exhaustive || *at >= first || index % each == 0)
        .map(|(_, job)| job)
        .collect()
}

fn check(run: (Link, Witness), keep: bool, what: &str) -> Result<(), ias::Error> {
    let (link, witness) = run;
    let outcome = unblock_and_verify(link, &puk(), keep);
    let sent = witness.pin_commands();
    assert!([VERIFY_PUK, RESET, VERIFY_PIN].starts_with(&sent), "{what}: {sent:02X?}");
    assert_eq!(witness.card.puk_tries(), 10, "{what}: a right PUK cost a try");
    let pin_tries = witness.card.pin_tries();
    match &outcome {
        Ok(()) => assert_eq!((sent.len(), pin_tries), (3, 3), "{what}: a wrong success"),
        Err(error) => {
            // Before the reset was sent nothing has changed; after it the PIN has all its tries.
            let expected: &[u8] = if sent.len() < 2 { &[0] } else { &[0, 3] };
            assert!(expected.contains(&pin_tries), "{what}: {error}, PIN tries {pin_tries}");
            let step = match sent.len() {
                // A card may claim that the PUK is blocked.
                0 => !matches!(error.step, Step::UnblockPin | Step::VerifyPin),
                1 => error.step == Step::VerifyPuk,
                2 => error.step == Step::UnblockPin,
                _ => error.step == Step::VerifyPin,
            };
            assert!(step, "{what}: {error} after {} secrets", sent.len());
            let said = format!("{error} {error:?}");
            assert!(!said.contains(NEW) && !said.contains("87654321"), "{what}: {said}");
        }
    }
    outcome
}

#[test]
fn every_fault_of_unblocking() {
    for (chip, keep, each) in [(Chip::Gemalto, false, 37), (Chip::Nxp, true, 151)] {
        let card = blocked_card(chip);
        let recording = Arc::new(record_on(&card, |link| unblock_and_verify(link, &puk(), keep).unwrap()));
        let [runs, right] = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let count = |outcome: Result<(), ias::Error>| {
            runs.fetch_add(1, Ordering::Relaxed);
            right.fetch_add(usize::from(outcome.is_ok()), Ordering::Relaxed);
        };
        on_all_cores(jobs(&recording, true, each), |(at, fault)| {
            let run = faulty_wire(&recording, at, fault);
            count(check(run, keep, &format!("{chip:?}, exchange {at}, {fault:?}")));
        });
        on_all_cores(jobs(&recording, false, each), |(at, fault)| {
            let run = faulty_card(&recording, at, fault);
            count(check(run, keep, &format!("{chip:?}, answer {at}, {fault:?}")));
        });
        let [runs, right] = [runs, right].map(AtomicUsize::into_inner);
        assert!(runs > 300 && right < runs / 2, "{runs} runs, {right} right");
        common::say(&format!("{chip:?}, unblocking: {runs} faults, {right} survived with the right result"));
    }
}

/// With a wrong PUK every run costs one try at most, none unless the card saw it, and nothing follows.
#[test]
fn a_wrong_puk_costs_one_try_whatever_happens() {
    let wrong = || Puk::parse("00000000").unwrap();
    let card = blocked_card(Chip::Gemalto);
    let recording = Arc::new(record_on(&card, |link| {
        unblock_and_verify(link, &wrong(), false).unwrap_err();
    }));
    let jobs = jobs(&recording, true, 61);
    let count = jobs.len();
    let spent = AtomicUsize::new(0);
    on_all_cores(jobs, |(at, fault)| {
        let (link, witness) = faulty_wire(&recording, at, fault);
        let outcome = unblock_and_verify(link, &wrong(), false);
        let what = format!("exchange {at}, {fault:?}");
        assert!(outcome.is_err(), "{what}: a wrong PUK was accepted");
        assert!([VERIFY_PUK].starts_with(&witness.pin_commands()), "{what}");
        let lost = usize::from(10 - witness.card.puk_tries());
        assert!(lost <= witness.verifies_on_the_wire(), "{what}: {lost} tries lost");
        assert_eq!(witness.card.pin_tries(), 0, "{what}");
        spent.fetch_add(lost, Ordering::Relaxed);
    });
    common::say(&format!("wrong PUK: {count} runs, {} tries spent", spent.into_inner()));
}
