//! The sweep of what a kiosk checks without a PIN: the card in clear, known or not, and the chip of a protected
//! channel. In clear anything can be said, so nothing that is said may pass for what was signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cie::emulator::Chip;
use cie::ias::{Application, Session};
use cie::kiosk::{AuthenticNis, SeenCards, verify_nis_with};
use cie::passive::{SecurityObjectPolicy, group};
use cie::transport::Link;
use cie::trust::{AnchorPurpose, TrustStore};
use cie::{genuine, kiosk};

use crate::common::{self, CHIPS, demo};
use crate::faults::{Fault, Recording, Witness, faulty_card, faulty_wire, record};
use crate::sweep::on_all_cores;

/// What a flow comes to: the digits, or the digests of key and certificate of the chip that is proved.
type Flow = fn(Link, &TrustStore) -> Result<String, cie::Error>;

fn country() -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, demo().pki.csca_der()).unwrap();
    trust
}

fn nis(link: Link, trust: &TrustStore, seen: &SeenCards) -> Result<String, cie::Error> {
    let mut application = Application::select(link)?;
    let nis = verify_nis_with(&mut application, trust, &SecurityObjectPolicy::new(), seen)?;
    Ok(nis.digits().to_owned())
}

fn of_a_stranger(link: Link, trust: &TrustStore) -> Result<String, cie::Error> {
    nis(link, trust, &SeenCards::new())
}

/// Of a card that was here before.
fn of_an_acquaintance(link: Link, trust: &TrustStore) -> Result<String, cie::Error> {
    let seen = SeenCards::new();
    nis(common::link(&common::card(Chip::Gemalto)), trust, &seen).unwrap();
    nis(link, trust, &seen)
}

fn of_the_chip(link: Link, trust: &TrustStore) -> Result<String, cie::Error> {
    let mut session = Session::open(link)?;
    let chip = genuine::verify(&mut session, trust, &SecurityObjectPolicy::new())?;
    assert!(chip.is_of(&session));
    let digest = |group| hex::encode(chip.files().security_object().digest(group).unwrap());
    Ok(digest(group::DEVICE_KEY) + &digest(group::HOLDER_CERTIFICATE))
}

/// What a fault of the link itself is called: in clear no lost answer is ever survived.
fn is_lost(fault: Fault) -> bool {
    matches!(fault, Fault::Dropped | Fault::Removed | Fault::Reset | Fault::Truncated(0 | 1))
}

struct Sweep<'a> {
    name: String,
    recording: Arc<Recording>,
    flow: Flow,
    trust: &'a TrustStore,
    right: String,
    counts: [AtomicUsize; 3],
}

impl Sweep<'_> {
    /// All faults that lose an answer and all of the last exchange, which has the answer to the challenge; one in
    /// `each` of the others.
    fn jobs(&self, lengths: &[usize], on_the_wire: bool, each: usize) -> Vec<(usize, Fault)> {
        let exhaustive = std::env::var_os("CIE_EXHAUSTIVE").is_some();
        let last = lengths.len() - 1;
        (0..lengths.len())
            .flat_map(|at| Fault::all(lengths[at], on_the_wire).into_iter().map(move |fault| (at, fault)))
            .enumerate()
            .filter(|(index, (at, fault))| exhaustive || is_lost(*fault) || *at == last || index % each == 0)
            .map(|(_, job)| job)
            .collect()
    }

    fn run(&self, (link, witness): (Link, Witness), fault: Fault, what: &str) {
        let what = format!("{}, {what}, {fault:?}", self.name);
        let outcome = (self.flow)(link, self.trust);
        assert!(witness.sent() <= 4 * self.recording.exchanges.len(), "{what}: {}", witness.sent());
        assert_eq!(witness.verifies_on_the_wire(), 0, "{what}");
        assert_eq!((witness.card.pin_tries(), witness.card.puk_tries()), (3, 10), "{what}");
        self.counts[0].fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(digits) => {
                assert_eq!(digits, self.right, "{what}: a wrong success");
                self.counts[1].fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                // Whatever was said, there is a name for it and something to do; the number is in no error.
                assert!(!error.code().is_empty(), "{what}");
                let said = format!("{error} {error:?}");
                assert!(!said.contains(&self.right), "{what}: {said}");
                self.counts[2].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn on_the_wire(&self, each: usize) {
        let lengths: Vec<_> = self.recording.exchanges.iter().map(|(_, answer)| answer.len()).collect();
        on_all_cores(self.jobs(&lengths, true, each), |(at, fault)| {
            self.run(faulty_wire(&self.recording, at, fault), fault, &format!("exchange {at}"));
        });
    }

    fn inside_the_card(&self, each: usize) {
        let lengths: Vec<_> = self.recording.answers.iter().map(Vec::len).collect();
        on_all_cores(self.jobs(&lengths, false, each), |(at, fault)| {
            self.run(faulty_card(&self.recording, at, fault), fault, &format!("answer {at}"));
        });
    }

    fn report(&self) {
        let [runs, right, refused] = [0, 1, 2].map(|at| self.counts[at].load(Ordering::Relaxed));
        assert!(
            runs > 500 && refused > right,
            "{}: {runs} runs, {right} right, {refused} refused",
            self.name
        );
        let exchanges = self.recording.exchanges.len();
        common::say(&format!(
            "{}, {exchanges} exchanges: {runs} faults, {refused} refused by name, {right} survived with the right result",
            self.name
        ));
    }
}

fn sweep<'a>(name: &str, chip: Chip, flow: Flow, trust: &'a TrustStore) -> Sweep<'a> {
    let mut right = None;
    let recording = Arc::new(record(chip, |link| right = Some(flow(link, trust).unwrap())));
    let counts = [const { AtomicUsize::new(0) }; 3];
    Sweep { name: format!("{chip:?}, {name}"), recording, flow, trust, right: right.unwrap(), counts }
}

#[test]
fn every_fault_of_a_kiosks_check() {
    let trust = country();
    for (chip, each) in CHIPS.into_iter().zip([5, 67, 67, 67]) {
        let sweep = sweep("NIS", chip, of_a_stranger, &trust);
        assert_eq!(sweep.right, demo().citizen.nis);
        sweep.on_the_wire(each);
        sweep.inside_the_card(each);
        sweep.report();
    }
    let sweep = sweep("NIS of a card that was here before", Chip::Gemalto, of_an_acquaintance, &trust);
    assert_eq!(sweep.right, demo().citizen.nis);
    sweep.on_the_wire(7);
    sweep.report();
}

#[test]
fn every_fault_of_a_chips_check() {
    let trust = country();
    for (chip, each) in CHIPS.into_iter().zip([23, 211, 211, 211]) {
        let sweep = sweep("genuine chip", chip, of_the_chip, &trust);
        sweep.on_the_wire(each);
        sweep.inside_the_card(each);
        sweep.report();
    }
}

/// In clear, one inverted byte of the number, of the key or of the answer to the challenge is never overlooked; and one
/// of EF.SOD is, at most, where nothing is signed: what it says of the files is then what it said.
#[test]
fn no_signed_byte_is_overlooked() {
    let trust = country();
    let sweep = sweep("NIS", Chip::Gemalto, of_a_stranger, &trust);
    let right = digests(of_a_stranger_whole(common::link(&common::card(Chip::Gemalto)), &trust).unwrap());
    let (mut file, mut jobs, mut read) = (0, Vec::new(), [0; 8]);
    for (at, (command, answer)) in sweep.recording.exchanges.iter().enumerate() {
        match command[1] {
            0xB0 if command[2] & 0x80 != 0 => file = usize::from(command[2] & 0x1F),
            0xB0 => {}
            0x88 => file = 0,
            _ => continue,
        }
        read[file] += answer.len() - 2;
        jobs.extend((0..answer.len() - 2).map(|byte| (at, file, byte)));
    }
    // All of the answer, of the NIS, of the key for services and of EF.SOD.
    let length = |identifier| cie::iso7816::tlv::encoded_length(&content(identifier)).unwrap();
    assert_eq!([read[0], read[1], read[5], read[6]], [256, 12, length(0x1005), length(0x1006)]);
    let survived = AtomicUsize::new(0);
    on_all_cores(jobs, |(at, file, byte)| {
        let (link, _) = faulty_wire(&sweep.recording, at, Fault::Flipped(byte, 0x01));
        match of_a_stranger_whole(link, &trust) {
            Ok(nis) => {
                assert_eq!((file, digests(nis)), (6, right.clone()), "exchange {at}, byte {byte}");
                survived.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) if file == 0 => assert_eq!(error.code(), "chip-not-authentic", "byte {byte}"),
            Err(error) => assert!(!error.code().is_empty()),
        }
    });
    let survived = survived.into_inner();
    assert!(survived < 60, "{survived}");
    common::say(&format!("one bit of each byte read: {survived} survived, all in what EF.SOD does not sign"));
}

fn of_a_stranger_whole(link: Link, trust: &TrustStore) -> Result<AuthenticNis, cie::Error> {
    let mut application = Application::select(link)?;
    Ok(kiosk::verify_nis(&mut application, trust, &SecurityObjectPolicy::new())?)
}

fn content(identifier: u16) -> Vec<u8> {
    let files = &demo().personalisation.files;
    files.iter().find(|file| file.identifier == identifier).unwrap().content.clone()
}

/// The number, and all that EF.SOD says.
fn digests(nis: AuthenticNis) -> (String, Vec<u8>) {
    let content = nis.files().security_object().signed_data().content().unwrap().to_vec();
    (nis.digits().to_owned(), content)
}

/// What `kiosk` and `genuine` refuse is one of their own errors, never another's.
#[test]
fn a_refusal_says_which_check_failed() {
    let trust = TrustStore::new().allow_test_pki();
    let card = common::card(Chip::Gemalto);
    let mut application = Application::select(common::link(&card)).unwrap();
    let policy = SecurityObjectPolicy::new();
    let refused = kiosk::verify_nis(&mut application, &trust, &policy).unwrap_err();
    assert_eq!(cie::Error::from(refused).code(), "issuer-unknown");
    let mut session = Session::open(application.into_link()).unwrap();
    let refused = genuine::verify(&mut session, &trust, &policy).unwrap_err();
    assert_eq!(cie::Error::from(refused).code(), "issuer-unknown");
}
