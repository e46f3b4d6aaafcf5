//! What keeps the PIN of a contact card, and the state that it leaves behind, from other programs and from waste.

use std::sync::{Arc, Mutex};

use cie::card;
use cie::cns::{Credential, Session, Step, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::dialogue::Cause;
use cie::emulator::SoftTransport;
use cie::emulator::contact::Model;
use cie::iso7816::{Response, StatusWord};
use cie::pin::{self, LastTry, Tries};
use cie::secret::{ContactPin, Typed};
use cie::transport::{self, Company, Link, Transport};

use crate::common::contact_flows::{card, link, pin, puk, wrong_pin};
use crate::session;

/// A reader on which another program is connected to the card, too.
struct Crowded(SoftTransport);

impl Transport for Crowded {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Crowded {
    fn begin(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        true
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), transport::Error> {
        if exclusive { Err(transport::Error::InUse) } else { Ok(()) }
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

#[test]
fn no_pin_is_shown_while_another_program_is_connected() {
    let card = card(Model::Cns10);
    drop(link(&card));
    let mut session = Session::open(Link::new(Crowded(card.transport()))).unwrap();
    session.read_personal_data().unwrap();
    let (credential, new) = (Credential::Authentication, ContactPin::parse("54321").unwrap());
    let check = |error: cie::cns::Error| {
        assert_eq!(error.step, Step::KeepExclusive);
        assert_eq!(cie::Error::from(error).code(), "card-in-use");
        assert_eq!(card.verify_count(), 0, "nothing was sent");
    };
    let refused = session.verify_pin(&pin()).unwrap_err();
    check(refused.error);
    session = *refused.back;
    check(session.change_pin(credential, &pin(), &new, LastTry::Refuse).unwrap_err());
    check(session.unblock_pin(credential, &puk(), Unblock::KeepPin, LastTry::Refuse).unwrap_err());
    assert_eq!(session.pin_tries(credential), Tries::Unknown, "no try is counted off");
    session.certificate(credential).unwrap();
}

#[test]
fn another_programs_reset_ends_the_login_and_no_pin_is_shown_again() {
    let card = card(Model::Cns10);
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    unlocked.certificate().unwrap();
    card.reset_by_other();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let mut sign = || unlocked.signer().unwrap().sign(Purpose::Login, &digest);
    assert_eq!(cie::Error::from(sign().unwrap_err()).code(), "card-reset");
    assert_eq!(sign().unwrap_err().cause, Cause::PinStateLost);
    assert_eq!(card.verify_count(), 1);
}

/// A reader that writes down what keeps a PIN from others, in order.
struct Guarded {
    card: SoftTransport,
    exclusive: bool,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl Guarded {
    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push(what);
    }
}

impl Transport for Guarded {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        match command[1] {
            0x20 | 0x24 | 0x2C => {
                assert!(self.exclusive, "a PIN goes out while others are let in");
                self.note("secret");
            }
            0x2A => self.note("key"),
            _ => {}
        }
        self.card.transmit(command)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.note("reset");
        self.card.reset()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Guarded {
    fn begin(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        !self.exclusive
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), transport::Error> {
        self.exclusive = exclusive;
        self.note(if exclusive { "alone" } else { "shared" });
        Ok(())
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

/// Others are kept off before a secret goes out, and come in again only after the card was reset.
#[test]
fn what_protects_a_pin_happens_in_this_order() {
    let new = || ContactPin::parse("54321").unwrap();
    type Flow = fn(Session, &dyn Fn() -> ContactPin);
    let flows: [(Flow, &[&str]); 10] = [
        (|session, _| drop(session.verify_pin(&pin()).unwrap()), &["alone", "secret", "reset"]),
        (
            |session, _| drop(session.verify_pin(&pin()).unwrap().lock().unwrap()),
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |session, _| drop(session.verify_pin(&pin()).unwrap().release().unwrap()),
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |session, _| {
                let mut unlocked = session.verify_pin(&pin()).unwrap();
                let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
                unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
                unlocked.read_personal_data().unwrap();
            },
            &["alone", "secret", "key", "reset"],
        ),
        (
            |session, _| drop(session.verify_pin(&wrong_pin()).unwrap_err()),
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |mut session, new| {
                session.change_pin(Credential::Authentication, &pin(), &new(), LastTry::Refuse).unwrap();
            },
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |mut session, new| {
                let (credential, wrong) = (Credential::Authentication, wrong_pin());
                session.change_pin(credential, &wrong, &new(), LastTry::Refuse).unwrap_err();
            },
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |mut session, _| {
                let typed = Typed::new("12345678".to_owned());
                session.keep_exclusive().unwrap();
                let mut session = card::Session::Contact(session);
                session.keep_exclusive().unwrap();
                drop(session.verify_pin(&typed, LastTry::Refuse).unwrap());
            },
            &["alone", "alone", "alone", "secret", "reset"],
        ),
        (
            |mut session, _| {
                session
                    .unblock_pin(Credential::Authentication, &puk(), Unblock::KeepPin, LastTry::Refuse)
                    .unwrap();
            },
            &["alone", "secret", "reset", "shared"],
        ),
        (
            |session, new| {
                let mut unlocked = session.verify_pin(&pin()).unwrap();
                unlocked.change_pin(&pin(), &new()).unwrap();
            },
            &["alone", "secret", "alone", "secret", "reset"],
        ),
    ];
    for (flow, expected) in flows {
        let card = card(Model::Cns10);
        drop(link(&card));
        let log = Arc::default();
        let guarded = Guarded { card: card.transport(), exclusive: false, log: Arc::clone(&log) };
        flow(Session::open(Link::new(guarded)).unwrap(), &new);
        assert_eq!(*log.lock().unwrap(), expected);
    }
}

/// On a card that tells nothing until it is asked, each answer that may have cost a try is counted as one.
#[test]
fn doubtful_answers_do_not_spend_the_last_try_unasked() {
    let card = card(Model::Cns10);
    let spoil = |answer: Option<StatusWord>| {
        card.set_tamper(answer.map(|word| -> cie::emulator::Tamper {
            Box::new(move |command, response| match command.ins() {
                0x20 | 0x24 | 0x2C => Response::from(word),
                _ => response,
            })
        }));
    };
    // The card compares, and something else is said.
    spoil(Some(StatusWord::CONDITIONS_NOT_SATISFIED));
    let mut session = session(&card);
    for left in [2, 1] {
        let refused = session.verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(left));
        session = *refused.back;
    }
    let refused = session.verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
    assert_eq!((card.pin_tries(), card.verify_count()), (1, 2), "the last one was not sent");
    // A PUK may have as few.
    let mut session = *refused.back;
    let unblock = |session: &mut Session| {
        session.unblock_pin(Credential::Authentication, &puk(), Unblock::KeepPin, LastTry::Refuse)
    };
    for _ in 0..2 {
        unblock(&mut session).unwrap_err();
    }
    let kept = unblock(&mut session).unwrap_err();
    assert_eq!(kept.pin_error(), Some(&pin::Error::LastTryLeft));
    assert_eq!(card.verify_count(), 4);
}
