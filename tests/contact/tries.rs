//! What is known of each PIN and PUK, and what is not sent because of it.

use std::sync::{Arc, Mutex};

use cie::cns::{Credential, Session, Step, Unblock};
use cie::dialogue::Cause;
use cie::emulator::contact::{Model, PinReferences};
use cie::iso7816::{Response, StatusWord};
use cie::pin::{self, LastTry, Tries, TriesMemory};
use cie::secret::{ContactPin, ContactPuk};

use crate::common::contact_flows::{SIGNATURE_PIN, card, pin, puk, wrong_pin};
use crate::session;

const BOTH: [Credential; 2] = [Credential::Authentication, Credential::Signature];

fn new_pin() -> ContactPin {
    ContactPin::parse("54321").unwrap()
}

/// Every session begins anew, and none is told anything: without a memory the last try goes unawares.
#[test]
fn the_last_try_is_known_to_sessions_that_share_a_memory() {
    for model in Model::ALL {
        let (with, without) = (card(model), card(model));
        let memory = TriesMemory::new();
        for (card, memory) in [(&with, Some(&memory)), (&without, None)] {
            for _ in 0..3 {
                let mut session = session(card);
                memory.iter().for_each(|memory| session.remember(memory).unwrap());
                session.verify_pin(&wrong_pin()).unwrap_err();
            }
        }
        assert_eq!((with.pin_tries(), without.pin_tries()), (1, 0), "{model}");
        let mut session = session(&with);
        session.remember(&memory).unwrap();
        assert_eq!(session.pin_tries(Credential::Authentication), Tries::Left(1), "{model}");
        assert_eq!(session.pin_tries(Credential::Signature), Tries::Unknown, "{model}");
        // Through the right PIN and back, and for the next session as well.
        let unlocked = session.verify_pin_of(Credential::Authentication, &pin(), LastTry::Spend).unwrap();
        let session = unlocked.lock().unwrap();
        session.verify_pin(&wrong_pin()).unwrap_err();
        let mut next = self::session(&with);
        next.remember(&memory.clone()).unwrap();
        assert_eq!(next.pin_tries(Credential::Authentication), Tries::Left(2), "{model}");
    }
}

#[test]
fn each_pin_and_each_puk_has_tries_of_its_own() {
    let right = |credential| match credential {
        Credential::Authentication => pin(),
        _ => ContactPin::parse(SIGNATURE_PIN).unwrap(),
    };
    for [spent, other] in [BOTH, [BOTH[1], BOTH[0]]] {
        let card = card(Model::Cns10);
        let mut session = session(&card);
        for _ in 0..2 {
            session = *session.verify_pin_of(spent, &wrong_pin(), LastTry::Refuse).unwrap_err().back;
        }
        let wrong = ContactPuk::parse("11111111").unwrap();
        session.unblock_pin(spent, &wrong, Unblock::KeepPin, LastTry::Refuse).unwrap_err();
        assert_eq!((session.pin_tries(spent), session.puk_tries(spent)), (Tries::Left(1), Tries::Left(9)));
        assert_eq!((session.pin_tries(other), session.puk_tries(other)), (Tries::Unknown, Tries::Unknown));
        let unlocked = session.verify_pin_of(other, &right(other), LastTry::Refuse).unwrap();
        assert_eq!((unlocked.credential(), unlocked.pin_tries()), (other, Tries::Left(3)));
        let session = unlocked.lock().unwrap();
        let kept = session.verify_pin_of(spent, &right(spent), LastTry::Refuse).unwrap_err();
        assert_eq!(kept.error.pin_error(), Some(&pin::Error::LastTryLeft));
    }
}

#[test]
fn no_change_of_pin_spends_the_last_try_unasked() {
    let (card, credential) = (card(Model::Cns10), Credential::Authentication);
    let mut session = session(&card);
    let change = |session: &mut Session, last_try| {
        session.change_pin(credential, &wrong_pin(), &new_pin(), last_try).unwrap_err()
    };
    for left in [2, 1] {
        let error = change(&mut session, LastTry::Refuse);
        assert_eq!(error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(left))));
    }
    let kept = change(&mut session, LastTry::Refuse);
    assert_eq!((kept.step, kept.pin_error()), (Step::ChangePin, Some(&pin::Error::LastTryLeft)));
    assert_eq!((card.pin_tries(), card.verify_count()), (1, 2));
    assert_eq!(change(&mut session, LastTry::Spend).pin_error(), Some(&pin::Error::Blocked));
}

#[test]
fn nor_does_one_after_the_right_pin() {
    let card = card(Model::Cns10);
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    for left in [2, 1] {
        let error = unlocked.change_pin(&wrong_pin(), &new_pin()).unwrap_err();
        assert_eq!(error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(left))));
    }
    let kept = unlocked.change_pin(&pin(), &new_pin()).unwrap_err();
    assert_eq!((kept.step, kept.pin_error()), (Step::ChangePin, Some(&pin::Error::LastTryLeft)));
    assert_eq!((card.pin_tries(), card.verify_count()), (1, 3));
}

/// A right PUK has all its tries again, and how many these are only the issuer knows.
#[test]
fn what_was_known_of_a_puk_is_forgotten_when_it_was_right() {
    let (card, credential) = (card(Model::Cns10), Credential::Authentication);
    let mut session = session(&card);
    let wrong = ContactPuk::parse("11111111").unwrap();
    session.unblock_pin(credential, &wrong, Unblock::KeepPin, LastTry::Refuse).unwrap_err();
    assert_eq!(session.puk_tries(credential), Tries::Left(9));
    assert_eq!(session.pin_tries(credential), Tries::Unknown, "the PIN was not compared");
    session.unblock_pin(credential, &puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
    assert_eq!(
        (session.puk_tries(credential), session.pin_tries(credential)),
        (Tries::Unknown, Tries::Left(3))
    );
}

/// Any answer about the PIN says by which reference the card knows it, a right and a blocked one, too.
#[test]
fn the_other_reference_is_tried_only_until_the_card_has_answered() {
    for blocked in [false, true] {
        let card = card(Model::Cns10);
        let mut profile = card.contact_profile().unwrap();
        profile.references = PinReferences::Plain;
        card.set_contact_profile(profile);
        if blocked {
            let mut session = session(&card);
            for _ in 0..3 {
                let credential = Credential::Authentication;
                session = *session.verify_pin_of(credential, &wrong_pin(), LastTry::Spend).unwrap_err().back;
            }
        }
        let sent = Arc::new(Mutex::new(Vec::new()));
        let sink = sent.clone();
        card.set_tamper(Some(Box::new(move |command, response| {
            if matches!(command.ins(), 0x20 | 0x24) {
                sink.lock().unwrap().push(command.p2());
            }
            response
        })));
        match session(&card).verify_pin(&pin()) {
            Ok(mut unlocked) => unlocked.change_pin(&pin(), &new_pin()).unwrap(),
            Err(refused) => {
                let again = refused.back.verify_pin_of(Credential::Authentication, &pin(), LastTry::Spend);
                assert_eq!(again.unwrap_err().error.pin_error(), Some(&pin::Error::Blocked));
            }
        }
        assert_eq!(*sent.lock().unwrap(), [0x90, 0x10, 0x10]);
    }
}

/// It knew the PIN before: what it says now may be said after a comparison.
#[test]
fn a_reference_that_is_suddenly_unknown_counts_as_a_try() {
    let card = card(Model::Cns10);
    let refused = session(&card).verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(2));
    card.set_tamper(Some(Box::new(|command, response| match command.ins() {
        0x20 => Response::from(StatusWord::REFERENCE_NOT_FOUND),
        _ => response,
    })));
    let refused = refused.back.verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.cause, Cause::Status(StatusWord::REFERENCE_NOT_FOUND));
    assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(1));
    assert_eq!(card.verify_count(), 2, "and under the other name it is not shown");
}

/// A PIN of the signature directory has one name only.
#[test]
fn the_signature_pin_is_never_shown_twice() {
    let card = card(Model::Cns10);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let sink = sent.clone();
    card.set_tamper(Some(Box::new(move |command, response| match command.ins() {
        0x20 => {
            sink.lock().unwrap().push(command.p2());
            Response::from(StatusWord::REFERENCE_NOT_FOUND)
        }
        _ => response,
    })));
    let pin = ContactPin::parse(SIGNATURE_PIN).unwrap();
    let refused = session(&card).verify_pin_of(Credential::Signature, &pin, LastTry::Refuse).unwrap_err();
    assert_eq!(refused.error.cause, Cause::Status(StatusWord::REFERENCE_NOT_FOUND));
    assert_eq!(*sent.lock().unwrap(), [0x9A]);
}

/// In another directory the reference would name another PIN.
#[test]
fn no_pin_is_shown_where_its_directory_is_not() {
    let card = card(Model::Cns10);
    card.set_tamper(Some(Box::new(|command, response| {
        let selects = command.ins() == 0xA4 && command.data().ends_with(&[0x81, 0x10]);
        if selects { Response::from(StatusWord::FILE_NOT_FOUND) } else { response }
    })));
    let pin = ContactPin::parse(SIGNATURE_PIN).unwrap();
    let refused = session(&card).verify_pin_of(Credential::Signature, &pin, LastTry::Refuse).unwrap_err();
    assert_eq!(refused.error.step, Step::SelectKey);
    assert_eq!(refused.error.cause, Cause::Status(StatusWord::FILE_NOT_FOUND));
    assert_eq!(card.verify_count(), 0);
}
