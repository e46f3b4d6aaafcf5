//! The operations of a recorded dialogue, once more on the software card and through this library.

use std::sync::Arc;

use super::operations::Operation;
use crate::card::{self, Card};
use crate::cns::{self, Credential};
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, DigestAlgorithm};
use crate::emulator::SoftCard;
use crate::environment::FixedClock;
use crate::ias::{self, Application, CardCache, Terminal};
use crate::pin::LastTry;
use crate::secret::{ContactPin, ContactPuk, Pin, Puk};
use crate::transport::Link;
use crate::transport::trace::Recorder;

/// The PINs that the card of a redaction has one after the other, when its PIN is changed. They protect nothing.
pub const PINS: [&str; 3] = ["12345678", "24681357", "97531864"];
/// Its PUK.
pub const PUK: &str = "87654321";
/// The digits that stand for every wrong PIN and PUK.
pub const WRONG: &str = "00000000";
/// What is signed in the place of what was.
pub const MESSAGE: &[u8] = b"Nothing that anybody wrote.";

/// How far the dialogue is.
enum Now {
    Nothing,
    Link(Box<Link>),
    Application(Box<Application>),
    Session(Box<ias::Session>),
    Unlocked(Box<ias::Unlocked>),
    Contact(Box<cns::Session>),
    ContactUnlocked(Box<cns::Unlocked>),
}

/// Performs operations on one card.
pub(super) struct Performance {
    card: SoftCard,
    recorders: [Recorder; 2],
    clock: FixedClock,
    now: Now,
    pin: usize,
    /// What could not be done.
    pub(super) failed: Vec<String>,
}

impl Performance {
    /// On a card, with everything recorded: first what is on the wire, then what is said above it.
    pub(super) fn new(card: SoftCard, recorders: [Recorder; 2], clock: FixedClock) -> Self {
        Self { card, recorders, clock, now: Now::Nothing, pin: 0, failed: Vec::new() }
    }

    pub(super) fn perform(&mut self, operation: &Operation) {
        if *operation == Operation::Connect {
            // First what is there is over, with the reset that belongs to it.
            self.now = Now::Nothing;
            self.now = Now::Link(Box::new(self.connect()));
            return;
        }
        let now = std::mem::replace(&mut self.now, Now::Nothing);
        let (now, done) = self.step(now, operation);
        self.now = now;
        if !done {
            self.failed.push(operation.name());
        }
    }

    fn connect(&self) -> Link {
        let [wire, plain] = &self.recorders;
        let mut link = self.card.insert_with(crate::crypto::SystemEntropy, self.clock);
        // It is one of ours, whether it has a file that shows it or not.
        link.mark();
        link.recorded(wire).recorded(plain)
    }

    /// One operation: how far the dialogue is then, and whether it could be done at all.
    fn step(&mut self, now: Now, operation: &Operation) -> (Now, bool) {
        match (operation, now) {
            (Operation::Reset, now) => self.reset(now),
            (Operation::SelectApplication, Now::Link(link)) => match Application::select(*link) {
                Ok(application) => (Now::Application(Box::new(application)), true),
                Err(refused) => (Now::Link(refused.back), true),
            },
            (Operation::Open, Now::Link(link)) => match card::open(*link) {
                Ok(Card::Cie3(application)) => (Now::Application(Box::new(application)), true),
                Ok(Card::Contact(session)) => (Now::Contact(Box::new(session)), true),
                Err(refused) => (Now::Link(refused.back), true),
            },
            (Operation::OpenContact, Now::Link(link)) => match cns::Session::open(*link) {
                Ok(session) => (Now::Contact(Box::new(session)), true),
                Err(refused) => (Now::Link(refused.back), true),
            },
            (operation, Now::Application(application)) => in_clear(application, operation),
            (operation, Now::Session(session)) => self.session(session, operation),
            (operation, Now::Unlocked(unlocked)) => self.unlocked(unlocked, operation),
            (operation, Now::Contact(session)) => self.contact(session, operation),
            (operation, Now::ContactUnlocked(unlocked)) => self.contact_unlocked(unlocked, operation),
            (_, now) => (now, false),
        }
    }

    fn reset(&mut self, now: Now) -> (Now, bool) {
        let link = match now {
            Now::Nothing => return (Now::Nothing, false),
            Now::Link(link) => *link,
            Now::Application(application) => application.into_link(),
            Now::Session(session) => session.into_link(),
            Now::Contact(session) => session.into_link(),
            Now::Unlocked(unlocked) => match unlocked.release() {
                Ok(link) => return (Now::Link(Box::new(link)), true),
                Err(refused) => *refused.back,
            },
            Now::ContactUnlocked(unlocked) => match unlocked.release() {
                Ok(link) => return (Now::Link(Box::new(link)), true),
                Err(refused) => *refused.back,
            },
        };
        let mut link = link;
        let done = link.reset().is_ok();
        link.reset_when_dropped(false);
        (Now::Link(Box::new(link)), done)
    }

    fn secret(&self, right: bool) -> &'static str {
        if right { PINS.get(self.pin).copied().unwrap_or(WRONG) } else { WRONG }
    }

    /// The next PIN; it is the card's from now on if that goes well.
    fn next_pin(&self) -> (usize, &'static str) {
        let next = (self.pin + 1) % PINS.len();
        (next, PINS.get(next).copied().unwrap_or(WRONG))
    }

    fn session(&mut self, mut session: Box<ias::Session>, operation: &Operation) -> (Now, bool) {
        match operation {
            Operation::ReadProtected(file) => {
                let _ = session.read(*file);
            }
            Operation::PukTries => {
                let _ = session.puk_tries();
            }
            Operation::Verify { right, .. } => {
                let Ok(pin) = Pin::parse(self.secret(*right)) else { return (Now::Session(session), false) };
                return match session.verify_pin_with(&pin, LastTry::Spend) {
                    Ok(unlocked) => (Now::Unlocked(Box::new(unlocked)), true),
                    Err(refused) => (Now::Session(refused.back), true),
                };
            }
            Operation::Unblock { right, new_pin, asks, .. } => {
                let (next, new) = self.next_pin();
                let puk = Puk::parse(if *right { PUK } else { WRONG });
                let (Ok(puk), Ok(new)) = (puk, Pin::parse(new)) else {
                    return (Now::Session(session), false);
                };
                let unblock = if *new_pin { ias::Unblock::NewPin(&new) } else { ias::Unblock::KeepPin };
                let last_try = if *asks { LastTry::Refuse } else { LastTry::Spend };
                return match session.unblock_pin(&puk, unblock, last_try) {
                    Ok(session) => {
                        self.pin = if *new_pin { next } else { self.pin };
                        (Now::Session(Box::new(session)), true)
                    }
                    Err(refused) => (Now::Session(refused.back), true),
                };
            }
            _ => return (Now::Session(session), false),
        }
        (Now::Session(session), true)
    }

    fn unlocked(&mut self, mut unlocked: Box<ias::Unlocked>, operation: &Operation) -> (Now, bool) {
        match operation {
            Operation::Certificate(_) => {
                let _ = unlocked.certificate();
            }
            Operation::ReadProtected(file) => {
                let _ = unlocked.read(*file);
            }
            Operation::Sign(algorithm) => {
                let _ = unlocked.signer().map(|mut signer| sign(&mut signer, *algorithm));
            }
            Operation::Change { right, .. } => {
                let (next, new) = self.next_pin();
                if let (Ok(old), Ok(new)) = (Pin::parse(self.secret(*right)), Pin::parse(new)) {
                    self.pin = if unlocked.change_pin(&old, &new).is_ok() { next } else { self.pin };
                }
            }
            Operation::Lock => {
                return match unlocked.lock() {
                    Ok(session) => (Now::Session(Box::new(session)), true),
                    Err(refused) => (Now::Link(refused.back), false),
                };
            }
            _ => return (Now::Unlocked(unlocked), false),
        }
        (Now::Unlocked(unlocked), true)
    }

    fn contact(&mut self, mut session: Box<cns::Session>, operation: &Operation) -> (Now, bool) {
        match operation {
            Operation::ReadContact(file) => {
                let _ = session.read(*file);
            }
            Operation::ProbeContact(file) => {
                let _ = session.is_readable(*file);
            }
            Operation::Certificate(credential) => {
                let _ = session.certificate(*credential);
            }
            Operation::Verify { credential, right } => {
                let Ok(pin) = ContactPin::parse(self.secret_of(*credential, *right)) else {
                    return (Now::Contact(session), false);
                };
                return match session.verify_pin_of(*credential, &pin, LastTry::Spend) {
                    Ok(unlocked) => (Now::ContactUnlocked(Box::new(unlocked)), true),
                    Err(refused) => (Now::Contact(refused.back), true),
                };
            }
            Operation::Change { credential, right } => {
                let (next, new) = self.next_pin();
                if let (Ok(old), Ok(new)) =
                    (ContactPin::parse(self.secret_of(*credential, *right)), ContactPin::parse(new))
                {
                    let changed = session.change_pin(*credential, &old, &new, LastTry::Spend).is_ok();
                    self.pin = if changed { next } else { self.pin };
                }
            }
            Operation::Unblock { credential, right, new_pin, .. } => {
                let (next, new) = self.next_pin();
                let puk = ContactPuk::parse(if *right { PUK } else { WRONG });
                if let (Ok(puk), Ok(new)) = (puk, ContactPin::parse(new)) {
                    let unblock = if *new_pin { cns::Unblock::NewPin(&new) } else { cns::Unblock::KeepPin };
                    let done = session.unblock_pin(*credential, &puk, unblock, LastTry::Spend).is_ok();
                    self.pin = if done && *new_pin { next } else { self.pin };
                }
            }
            _ => return (Now::Contact(session), false),
        }
        (Now::Contact(session), true)
    }

    fn contact_unlocked(&mut self, mut unlocked: Box<cns::Unlocked>, operation: &Operation) -> (Now, bool) {
        match operation {
            Operation::ReadContact(file) => {
                let _ = unlocked.read(*file);
            }
            Operation::Certificate(_) => {
                let _ = unlocked.certificate();
            }
            Operation::Sign(algorithm) => {
                let _ = unlocked.signer().map(|mut signer| sign(&mut signer, *algorithm));
            }
            Operation::Change { right, .. } => {
                let (next, new) = self.next_pin();
                if let (Ok(old), Ok(new)) = (ContactPin::parse(self.secret(*right)), ContactPin::parse(new)) {
                    self.pin = if unlocked.change_pin(&old, &new).is_ok() { next } else { self.pin };
                }
            }
            Operation::Lock => {
                return match unlocked.lock() {
                    Ok(session) => (Now::Contact(Box::new(session)), true),
                    Err(refused) => (Now::Link(refused.back), false),
                };
            }
            _ => return (Now::ContactUnlocked(unlocked), false),
        }
        (Now::ContactUnlocked(unlocked), true)
    }

    /// The PIN of the signature key is never changed.
    fn secret_of(&self, credential: Credential, right: bool) -> &'static str {
        match (credential, right) {
            (Credential::Signature, true) => PINS.first().copied().unwrap_or(WRONG),
            _ => self.secret(right),
        }
    }
}

/// What can be asked for before there is a channel.
fn in_clear(mut application: Box<Application>, operation: &Operation) -> (Now, bool) {
    match operation {
        Operation::Read(file) => drop(application.read(*file)),
        Operation::Probe(file) => drop(application.is_readable(*file)),
        Operation::ReadRoot(file) => drop(application.read_root(*file)),
        Operation::ProbeRoot(file) => drop(application.is_readable_root(*file)),
        Operation::PinTries => drop(application.pin_tries()),
        Operation::PukTries => drop(application.puk_tries()),
        Operation::ChallengeServicesKey => drop(application.challenge_services_key()),
        Operation::HasApplication(name) => drop(application.has_application(name)),
        Operation::Authenticate => {
            let Ok(terminal) = Terminal::published() else { return (Now::Application(application), false) };
            return match application.authenticate(&Arc::new(terminal), &mut CardCache::new()) {
                Ok(session) => (Now::Session(Box::new(session)), true),
                Err(refused) => (Now::Link(refused.back), true),
            };
        }
        _ => return (Now::Application(application), false),
    }
    (Now::Application(application), true)
}

fn sign(signer: &mut impl Signer, algorithm: DigestAlgorithm) {
    // A signature that the card refuses is part of the dialogue.
    let _ = signer.sign(Purpose::Raw, &Digest::of(algorithm, MESSAGE));
}
