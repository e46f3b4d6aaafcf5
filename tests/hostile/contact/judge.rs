//! What must hold of every run, whatever happened in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cie::cns::{Credential, Session, Step};
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::iso7816::command;
use cie::pin::LastTry;
use cie::secret::ContactPin;
use cie::transport::Link;

use super::flows::{self, Failure, Flow, Got, SIGN, Secret};
use crate::common;
use crate::common::contact_flows::{Desk, SIGNATURE_PIN, link, pin, reach, signs_without_pin};
use crate::faults::{Exchange, Fault, Recording, Witness, faulty_wire};

/// More commands than this beyond three times those of the honest flow are too many: a lie about a length has a
/// whole file read.
const COMMANDS_MORE: usize = 40;

/// A flow on one model: what the honest card makes of it.
pub struct Course {
    flow: Flow,
    model: Model,
    right: Option<Got>,
    /// How many commands the honest flow takes.
    length: usize,
    /// Of each exchange, which step it belongs to: the one that its lost answer is blamed on.
    homes: Vec<usize>,
    /// The exchanges in which a secret is refused: whoever alters that answer can say that all is done.
    refusals: Vec<usize>,
}

impl Course {
    pub fn new(flow: Flow, model: Model, outcome: Result<Got, Failure>, recording: &Arc<Recording>) -> Self {
        assert_eq!(outcome.is_ok(), flow.succeeds, "{model}, {}: {outcome:?}", flow.name);
        let length = recording.exchanges.len();
        let refused = |at: &usize| {
            let (command, answer) = &recording.exchanges[*at];
            matches!(command[1], 0x20 | 0x24 | 0x2C) && answer[..] != [0x90, 0x00]
        };
        let refusals = (0..length).filter(refused).collect();
        let mut course = Self { flow, model, right: outcome.ok(), length, homes: Vec::new(), refusals };
        for at in 0..length {
            let (link, witness) = faulty_wire(recording, at, Fault::Dropped);
            let outcome = (flow.run)(link);
            course.judge(None, &outcome, &witness, &format!("{model}, {}, exchange {at} dropped", flow.name));
            let Err(Failure::Card(error)) = outcome else { panic!("{outcome:?}") };
            let from = course.homes.last().copied().unwrap_or(0);
            let home = (from..flow.steps.len()).find(|at| flow.steps[*at] == error.step);
            course.homes.push(home.unwrap_or_else(|| panic!("{error} at exchange {at}, after {from}")));
        }
        course
    }

    /// Runs the flow on this link and judges what comes of it.
    pub fn check(&self, fault_at: Option<usize>, run: (Link, Witness), what: &str, counts: &Counts) {
        let (link, witness) = run;
        let outcome = (self.flow.run)(link);
        self.judge(fault_at, &outcome, &witness, what);
        counts.note(&outcome, &witness);
    }

    fn judge(&self, fault_at: Option<usize>, outcome: &Result<Got, Failure>, witness: &Witness, what: &str) {
        witness.card.set_tamper(None);
        let exchanges = witness.traffic.exchanges();
        assert!(exchanges.len() <= 3 * self.length + COMMANDS_MORE, "{what}: {} commands", exchanges.len());
        let secrets = (self.flow.secrets)();
        let doubled = check_secrets(&secrets, &exchanges, what);
        if exchanges.iter().any(Exchange::carries_secret) {
            assert!(witness.traffic.resets() > 0, "{what}: the card was not reset");
        }
        match outcome {
            Ok(got) if self.flow.succeeds => assert_eq!(Some(got), self.right.as_ref(), "{what}"),
            Ok(got) => panic!("{what}: a wrong success: {got:?}"),
            Err(Failure::Card(error)) => {
                let last = self.flow.steps.iter().rposition(|step| *step == error.step);
                let step = last.unwrap_or_else(|| panic!("{what}: {error} is no step of the flow"));
                let home = fault_at.and_then(|at| self.homes.get(at)).copied().unwrap_or(0);
                assert!(step >= home, "{what}: {error} names an earlier step");
                check_silence(&format!("{error} {error:?} {}", error.cause), what);
            }
            Err(Failure::Paper(said)) => check_silence(said, what),
        }
        // Of what is done in clear, 9000 is all the proof there is.
        let believed = fault_at.is_none_or(|at| self.refusals.contains(&at));
        let done = outcome.is_ok() && !believed;
        self.check_tries(done, &exchanges, doubled, &witness.card, what);
        self.check_forgotten(&witness.card, what);
    }

    /// What is left of PIN and PUK, and which PIN the card has: the new one for sure if all is done.
    fn check_tries(&self, done: bool, exchanges: &[Exchange], doubled: bool, card: &SoftCard, what: &str) {
        let (pin_tries, puk_tries) = (card.pin_tries(), card.puk_tries());
        let sent = exchanges.iter().filter(|exchange| exchange.carries_secret()).count();
        // An answer of 6A88 says that nothing was compared. If that is a lie, two commands are two tries.
        let most = if doubled { 2 } else { sent.min(1) };
        let lost = |left: u8, tries: u8| usize::from(tries - left);
        match self.flow.steps {
            steps if !self.flow.succeeds && steps.contains(&Step::UnblockPin) => {
                assert!(lost(puk_tries, 10) <= most, "{what}: {puk_tries} tries of the PUK");
                assert_eq!(pin_tries, 0, "{what}");
            }
            _ if !self.flow.succeeds => {
                assert!(lost(pin_tries, 3) <= most, "{what}: {pin_tries} tries");
                assert_eq!(puk_tries, 10, "{what}");
            }
            steps if steps.contains(&Step::UnblockPin) => {
                assert_eq!(puk_tries, 10, "{what}: a right PUK cost a try");
                let expected: &[u8] = if done { &[3] } else { &[0, 3] };
                assert!(expected.contains(&pin_tries) && (sent > 0 || pin_tries == 0), "{what}: {pin_tries}");
                let renewed = self.flow.name == flows::UNBLOCK.name && pin_tries == 3;
                let valid = if renewed { flows::new_pin() } else { pin() };
                assert!(pin_tries == 0 || accepts(card, &valid), "{what}: another PIN");
            }
            steps if steps.contains(&Step::ChangePin) => {
                let changed = accepts(card, &flows::new_pin());
                assert!(changed || !done && accepts(card, &pin()), "{what}: neither PIN");
                assert!(!changed || sent > 0, "{what}");
                // If 6A88 was said of a change that was made, the second command shows a PIN that is no more.
                let tries = if doubled && changed && !done { 2..=3 } else { 3..=3 };
                assert!(tries.contains(&pin_tries) && puk_tries == 10, "{what}: a right PIN cost a try");
            }
            _ => assert_eq!((pin_tries, puk_tries), (3, 10), "{what}: a right PIN cost a try"),
        }
        if self.flow.name == SIGN.name {
            assert_eq!(signature_pin_tries(card, self.model), 3, "{what}: a right PIN cost a try");
        }
    }

    /// Once the link is gone, the card serves nobody with the PIN that it was shown.
    fn check_forgotten(&self, card: &SoftCard, what: &str) {
        if reach(card).exchange(&command::get_challenge(8)) == Err(cie::transport::Error::Removed) {
            return;
        }
        let desk = Desk { model: self.model, card, connect: &|| reach(card) };
        assert!(!signs_without_pin(&desk), "{what}: the PIN was left in the card");
    }
}

/// Every command with a secret is one of those that the flow has, in its order, whole, and goes out once; or a
/// second time under the other reference, at once, after 6A88 and nothing else. Whether one did.
pub fn check_secrets(secrets: &[Secret], exchanges: &[Exchange], what: &str) -> bool {
    let carrying: Vec<usize> = (0..exchanges.len()).filter(|at| exchanges[*at].carries_secret()).collect();
    let (mut secrets, mut doubled) = (secrets.iter(), false);
    let mut next = 0;
    while let Some(at) = carrying.get(next).copied() {
        let secret = secrets.next().unwrap_or_else(|| panic!("{what}: one command with a secret too many"));
        let reference = is_whole(secret, &exchanges[at].command, what);
        next += 1;
        let refused = exchanges[at].answer == Ok(vec![0x6A, 0x88]);
        if refused && carrying.get(next) == Some(&(at + 1)) {
            let other = is_whole(secret, &exchanges[at + 1].command, what);
            assert_ne!(reference, other, "{what}: the same command twice");
            (next, doubled) = (next + 1, true);
        }
    }
    doubled
}

/// Class, instruction and parameters of the secret, all its bytes and no other; the reference that was used.
fn is_whole(secret: &Secret, command: &[u8], what: &str) -> u8 {
    let Secret { ins, p1, references, data } = secret;
    let length = u8::try_from(data.len()).unwrap();
    assert!([8, 16].contains(&length));
    assert_eq!(command[..3], [0x00, *ins, *p1], "{what}");
    assert!(references.contains(&command[3]), "{what}: reference {:02X}", command[3]);
    assert!(command[4] == length && command[5..] == data[..], "{what}: not the secret");
    command[3]
}

/// Whether the card takes this PIN, asked of a copy of it.
fn accepts(card: &SoftCard, pin: &ContactPin) -> bool {
    let copy = card.snapshot();
    let session = Session::open(link(&copy)).unwrap();
    session.verify_pin_of(Credential::Authentication, pin, LastTry::Spend).is_ok()
}

/// How many tries the PIN of the second key had, which the card's handle does not tell: a wrong one spends one.
fn signature_pin_tries(card: &SoftCard, model: Model) -> u8 {
    let copy = card.snapshot();
    let session = Session::open(link(&copy)).unwrap();
    let wrong = ContactPin::parse("00000").unwrap();
    let refused = session.verify_pin_of(Credential::Signature, &wrong, LastTry::Spend).unwrap_err();
    match refused.error.pin_error() {
        Some(cie::pin::Error::Wrong(cie::pin::Tries::Left(left))) => left + 1,
        // This model does not count aloud: as often as it takes.
        Some(cie::pin::Error::Wrong(_)) if model == Model::Infocamere => {
            let mut session = *refused.back;
            for tries in 1.. {
                let refused =
                    session.verify_pin_of(Credential::Signature, &wrong, LastTry::Spend).unwrap_err();
                if refused.error.pin_error() == Some(&cie::pin::Error::Blocked) {
                    return tries;
                }
                session = *refused.back;
            }
            unreachable!("a counter that does not end")
        }
        other => panic!("{other:?}"),
    }
}

/// No error tells a secret, in text, hex or decimal bytes.
fn check_silence(said: &str, what: &str) {
    assert!(said.len() > 10, "{what}");
    for secret in ["12345678", SIGNATURE_PIN, flows::NEW, "99999", "87654321", flows::WRONG_PUK] {
        let decimal: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        for form in [secret.to_owned(), hex::encode(secret), hex::encode_upper(secret), decimal.join(", ")] {
            assert!(!said.contains(&form), "{what}: {said}");
        }
    }
}

/// What became of the runs.
#[derive(Default)]
pub struct Counts {
    runs: AtomicUsize,
    right: AtomicUsize,
    refused: AtomicUsize,
    doubled: AtomicUsize,
    longest: AtomicUsize,
}

impl Counts {
    fn note(&self, outcome: &Result<Got, Failure>, witness: &Witness) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let to = if outcome.is_ok() { &self.right } else { &self.refused };
        to.fetch_add(1, Ordering::Relaxed);
        let secrets = witness.pin_commands();
        let twice = secrets.windows(2).any(|pair| pair[0][0] == pair[1][0]);
        self.doubled.fetch_add(usize::from(twice), Ordering::Relaxed);
        self.longest.fetch_max(witness.sent(), Ordering::Relaxed);
    }

    pub fn report(&self, what: &str) {
        let [runs, right, refused, doubled, longest] =
            [&self.runs, &self.right, &self.refused, &self.doubled, &self.longest]
                .map(|count| count.load(Ordering::Relaxed));
        assert!(runs > 100 && refused > 50, "{what}: {runs} runs, {right} right, {refused} refused");
        common::say(&format!(
            "{what}: {runs} faults, {refused} refused by name, {right} survived with the right result, \
             {doubled} with a second reference, at most {longest} commands"
        ));
    }
}
