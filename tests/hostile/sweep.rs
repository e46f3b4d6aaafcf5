//! The sweep: every fault of every exchange of login and signature.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::Chip;
use cie::ias::{self, Session};
use cie::iso7816::tlv;
use cie::transport::Link;

use crate::common::{self, now, pin, trust, wrong_pin};
use crate::faults::{Fault, Recording, Witness, faulty_card, faulty_wire, record};

const MESSAGE: &[u8] = b"a fresh challenge of the portal";

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    certificate: Vec<u8>,
    signature: Vec<u8>,
}

/// What went wrong, and at which step if the card's side of the house says it.
#[derive(Debug)]
enum Failure {
    Card(ias::Error),
    Trust(cie::trust::Error),
}

impl From<ias::Error> for Failure {
    fn from(error: ias::Error) -> Self {
        Self::Card(error)
    }
}

/// Login and one signature, as a portal would do it: the path is checked before anything counts.
fn login_and_sign(link: Link) -> Result<Outcome, Failure> {
    let session = Session::open(link).map_err(|refused| refused.error)?;
    let mut unlocked = session.verify_pin(&pin()).map_err(|refused| refused.error)?;
    let mut signer = unlocked.signer()?;
    let path = trust().verify_holder(signer.certificate(), now()).map_err(Failure::Trust)?;
    let digest = Digest::of(DigestAlgorithm::Sha256, MESSAGE);
    let signature = signer.sign(Purpose::Login, &digest)?;
    path.verify_signature(MESSAGE, DigestAlgorithm::Sha256, &signature).map_err(Failure::Trust)?;
    Ok(Outcome { certificate: signer.certificate().as_der().to_vec(), signature })
}

/// Position of a step in the flow.
fn order(step: ias::Step) -> usize {
    use ias::Step::*;
    let steps = [
        SelectApplication,
        SelectCie,
        ReadPinTries,
        ReadDeviceKey,
        ReadDomainParameters,
        ReadCertificationKey,
        KeyExchange,
        VerifyTerminalCertificate,
        ExternalAuthenticate,
        InternalAuthenticate,
        VerifyPin,
        ReadFile(ias::File::HolderCertificate),
        Sign,
    ];
    steps.iter().position(|s| *s == step).unwrap_or_else(|| panic!("{step:?} is not part of the flow"))
}

/// Which faults of the whole list are run.
fn sampled(chip: Chip, index: usize) -> bool {
    chip == Chip::Gemalto || std::env::var_os("CIE_EXHAUSTIVE").is_some() || index % 23 == 0
}

#[derive(Default)]
struct Counts {
    runs: AtomicUsize,
    right: AtomicUsize,
    refused: AtomicUsize,
}

/// Runs every job on all cores.
pub fn on_all_cores<T: Send>(jobs: Vec<T>, run: impl Fn(T) + Sync) {
    let jobs = Mutex::new(jobs.into_iter());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().unwrap().next() else { return };
                    run(job);
                }
            });
        }
    });
}

fn check(
    baseline: &Outcome,
    home: Option<usize>,
    run: (Link, Witness),
    what: &str,
    counts: &Counts,
) -> Option<usize> {
    let (link, witness) = run;
    counts.runs.fetch_add(1, Ordering::Relaxed);
    let outcome = login_and_sign(link);
    assert!(witness.verifies_on_the_wire() <= 1, "{what}: the PIN was sent twice");
    assert!(witness.card.verify_count() <= 1, "{what}");
    assert_eq!(witness.card.pin_tries(), 3, "{what}: a right PIN cost a try");
    match outcome {
        Ok(outcome) => {
            assert_eq!(outcome, *baseline, "{what}: a wrong success");
            counts.right.fetch_add(1, Ordering::Relaxed);
            None
        }
        Err(failure) => {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            match failure {
                Failure::Card(error) => {
                    let step = order(error.step);
                    assert!(home.is_none_or(|home| step >= home), "{what}: {error} names an earlier step");
                    check_silence(&format!("{error} {error:?}"), what);
                    Some(step)
                }
                Failure::Trust(error) => {
                    check_silence(&format!("{error} {error:?}"), what);
                    None
                }
            }
        }
    }
}

/// No error tells the PIN, in text, hex or decimal bytes.
fn check_silence(said: &str, what: &str) {
    let pin = pin();
    let decimal: Vec<String> = pin.expose().iter().map(u8::to_string).collect();
    let text = String::from_utf8(pin.expose().to_vec()).unwrap();
    assert!(said.len() > 10, "{what}");
    for form in [text, hex::encode(pin.expose()), decimal.join(", ")] {
        assert!(!said.contains(&form), "{what}: {said}");
    }
}

/// The step of each exchange: the one that its lost answer is blamed on.
fn homes(recording: &Arc<Recording>, right: &Outcome, counts: &Counts) -> Vec<usize> {
    let homes: Vec<usize> = (0..recording.exchanges.len())
        .map(|at| {
            let run = faulty_wire(recording, at, Fault::Dropped);
            check(right, None, run, &format!("exchange {at} dropped"), counts).unwrap()
        })
        .collect();
    assert!(homes.is_sorted(), "{homes:?}");
    homes
}

fn baseline(chip: Chip) -> (Arc<Recording>, Outcome) {
    let mut outcome = None;
    let recording = record(chip, |link| outcome = Some(login_and_sign(link).unwrap()));
    (Arc::new(recording), outcome.unwrap())
}

#[test]
fn every_fault_on_the_wire() {
    for chip in common::CHIPS {
        let (recording, right) = baseline(chip);
        let counts = Counts::default();
        let homes = homes(&recording, &right, &counts);
        let jobs: Vec<_> = (0..recording.exchanges.len())
            .flat_map(|at| {
                Fault::all(recording.exchanges[at].1.len(), true).into_iter().map(move |f| (at, f))
            })
            .enumerate()
            .filter(|(index, _)| sampled(chip, *index))
            .map(|(_, job)| job)
            .collect();
        on_all_cores(jobs, |(at, fault)| {
            let run = faulty_wire(&recording, at, fault);
            check(&right, Some(homes[at]), run, &format!("{chip:?}, exchange {at}, {fault:?}"), &counts);
        });
        report(&format!("{chip:?}, on the wire, {} exchanges", homes.len()), &counts);
    }
}

#[test]
fn every_fault_inside_the_card() {
    for chip in common::CHIPS {
        let (recording, right) = baseline(chip);
        let counts = Counts::default();
        let homes = homes(&recording, &right, &counts);
        let jobs: Vec<_> = (0..recording.answers.len())
            .flat_map(|at| Fault::all(recording.answers[at].len(), false).into_iter().map(move |f| (at, f)))
            .enumerate()
            .filter(|(index, _)| sampled(chip, *index))
            .map(|(_, job)| job)
            .collect();
        on_all_cores(jobs, |(at, fault)| {
            let run = faulty_card(&recording, at, fault);
            let home = Some(homes[recording.exchange_of(at)]);
            check(&right, home, run, &format!("{chip:?}, answer {at}, {fault:?}"), &counts);
        });
        report(&format!("{chip:?}, inside the card, {} answers", recording.answers.len()), &counts);
    }
}

/// Lengths beyond the data, depth, nothing, too much: in place of every answer, by a card that then
/// protects it as it should.
#[test]
fn every_answer_replaced_by_hostile_objects() {
    let deep: &'static [u8] = (0..1_000).fold(Vec::new(), |inner, _| tlv::encode(0x70, &inner)).leak();
    let wide: &'static [u8] = [0x70, 0x00].repeat(2_000).leak();
    let blobs: [&'static [u8]; 11] = [
        &[0x70, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x70, 0x82, 0xFF, 0xFF, 0x00],
        &[0x70, 0x80, 0x00, 0x00],
        &[0x30, 0x82, 0x7F, 0xFF],
        &[0x30, 0x83, 0xFF, 0xFF, 0xFF],
        &[0x7F; 200],
        &[0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00],
        &[0x00],
        &[0x00; 231],
        deep,
        wide,
    ];
    for chip in common::CHIPS {
        let (recording, right) = baseline(chip);
        let counts = Counts::default();
        let homes = homes(&recording, &right, &counts);
        let jobs: Vec<_> = (0..recording.answers.len())
            .flat_map(|at| blobs.map(|blob| (at, Fault::Replaced(blob))))
            .collect();
        on_all_cores(jobs, |(at, fault)| {
            let run = faulty_card(&recording, at, fault);
            let home = Some(homes[recording.exchange_of(at)]);
            check(&right, home, run, &format!("{chip:?}, answer {at}, {fault:02X?}"), &counts);
        });
        report(&format!("{chip:?}, hostile objects in every answer"), &counts);
    }
}

/// With a wrong PIN every run costs one try at most, and none unless the card saw the PIN.
#[test]
fn a_wrong_pin_costs_one_try_whatever_happens() {
    fn attempt(link: Link) -> Result<(), ias::Error> {
        let session = Session::open(link).map_err(|refused| refused.error)?;
        session.verify_pin(&wrong_pin()).map(drop).map_err(|refused| refused.error)
    }
    let recording = Arc::new(record(Chip::Gemalto, |link| {
        attempt(link).unwrap_err();
    }));
    let verify = recording.exchanges.iter().position(|(command, _)| command[1] == 0x20).unwrap();
    let jobs: Vec<_> = (0..recording.exchanges.len())
        .flat_map(|at| Fault::all(recording.exchanges[at].1.len(), true).into_iter().map(move |f| (at, f)))
        .enumerate()
        .filter(|(index, (at, _))| *at == verify || index % 11 == 0)
        .map(|(_, job)| job)
        .collect();
    let spent = AtomicUsize::new(0);
    let count = jobs.len();
    on_all_cores(jobs, |(at, fault)| {
        let (link, witness) = faulty_wire(&recording, at, fault);
        assert!(attempt(link).is_err(), "exchange {at}, {fault:?}: a wrong PIN was accepted");
        let left = witness.card.pin_tries();
        assert!(left >= 2 && witness.verifies_on_the_wire() <= 1, "exchange {at}, {fault:?}");
        spent.fetch_add(usize::from(3 - left), Ordering::Relaxed);
    });
    common::say(&format!("wrong PIN: {count} runs, {} tries spent", spent.load(Ordering::Relaxed)));
}

fn report(what: &str, counts: &Counts) {
    let [runs, right, refused] =
        [&counts.runs, &counts.right, &counts.refused].map(|count| count.load(Ordering::Relaxed));
    assert!(runs > 100 && refused > right, "{what}: {runs} runs, {right} right, {refused} refused");
    common::say(&format!(
        "{what}: {runs} faults, {refused} refused by name, {right} survived with the right result"
    ));
}
