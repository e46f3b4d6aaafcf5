//! The PUK: unblocking the PIN with a new value or the old one, and what the PUK's own tries cost.

use cie::ias::{Session, Step, Unblock};
use cie::iso7816::StatusWord;
use cie::pin::{self, LastTry, Tries};
use cie::secret::{Pin, Puk};

use crate::common::{CHIPS, blocked_card, card, link, pin, puk};
use crate::{asks_for_tries, logged_out};

fn new_pin() -> Pin {
    Pin::parse("31415926").unwrap()
}

#[test]
fn the_puk_unblocks_the_pin_with_a_new_one_or_the_old() {
    for chip in CHIPS {
        for keep in [false, true] {
            let card = blocked_card(chip);
            let session = Session::open(link(&card)).unwrap();
            assert_eq!(session.pin_tries(), Tries::Left(0));
            let new = new_pin();
            let unblock = if keep { Unblock::KeepPin } else { Unblock::NewPin(&new) };
            let mut session = session.unblock_pin(&puk(), unblock, LastTry::Refuse).unwrap();
            assert_eq!(
                (session.pin_tries(), session.puk_tries().unwrap()),
                (Tries::Left(3), Tries::Left(10))
            );
            assert_eq!((card.pin_tries(), card.puk_tries()), (3, 10));
            assert!(!logged_out(&card), "the PUK counts as shown while the session stands");

            let session = Session::open(link(&card)).unwrap();
            let (right, wrong) = if keep { (pin(), new) } else { (new, pin()) };
            let refused = session.verify_pin(&wrong).unwrap_err();
            assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
            drop(refused.back.verify_pin(&right).unwrap());
        }
    }
}

#[test]
fn an_unblocked_pin_is_verified_over_the_same_channel() {
    for chip in CHIPS {
        let card = blocked_card(chip);
        let session = Session::open(link(&card)).unwrap();
        let session = session.unblock_pin(&puk(), Unblock::NewPin(&new_pin()), LastTry::Refuse).unwrap();
        let mut unlocked = session.verify_pin(&new_pin()).unwrap();
        unlocked.certificate().unwrap();
    }
}

#[test]
fn a_shown_puk_does_not_outlive_its_session() {
    let wrong = Puk::parse("00000000").unwrap();
    for puk in [puk(), wrong] {
        let card = blocked_card(CHIPS[0]);
        let session = Session::open(link(&card)).unwrap();
        drop(session.unblock_pin(&puk, Unblock::KeepPin, LastTry::Refuse));
        assert!(logged_out(&card));
    }
}

#[test]
fn a_wrong_puk_costs_one_try_and_the_last_one_waits_for_a_word() {
    let wrong = Puk::parse("00000000").unwrap();
    for chip in CHIPS {
        let card = blocked_card(chip);
        let before = card.verify_count();
        let mut session = Session::open(link(&card)).unwrap();
        for left in (1..10).rev() {
            let refused = session.unblock_pin(&wrong, Unblock::KeepPin, LastTry::Refuse).unwrap_err();
            let expected = pin::Error::Wrong(Tries::Left(left));
            assert_eq!(refused.error.pin_error(), Some(&expected));
            session = *refused.back;
            assert_eq!((session.puk_tries().unwrap(), card.puk_tries()), (Tries::Left(left), left));
            let error = cie::Error::from(refused.error);
            assert_eq!((error.code(), error.tries_left()), ("puk-wrong", Some(left)));
        }
        assert_eq!(card.verify_count() - before, 9);
        // A session that has not heard it yet is told as well.
        let said = session.statistics();
        let refused = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap_err();
        assert_eq!(refused.back.statistics(), said, "nothing was sent");
        let session = Session::open(refused.back.into_link()).unwrap();
        let refused = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
        assert_eq!(cie::Error::from(refused.error).code(), "puk-last-try");
        assert_eq!((card.verify_count() - before, card.puk_tries()), (9, 1));

        let refused = refused.back.unblock_pin(&wrong, Unblock::KeepPin, LastTry::Spend).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
        for last_try in [LastTry::Refuse, LastTry::Spend] {
            let session = Session::open(link(&card)).unwrap();
            let refused = session.unblock_pin(&puk(), Unblock::KeepPin, last_try).unwrap_err();
            assert_eq!(cie::Error::from(refused.error).code(), "puk-blocked");
        }
        assert_eq!((card.puk_tries(), card.pin_tries()), (0, 0));
    }
}

#[test]
fn the_puks_tries_are_asked_for_only_if_the_card_told_the_pins() {
    for tells in [true, false] {
        let card = card(CHIPS[0]);
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = asked.clone();
        card.set_tamper(Some(Box::new(move |command, response| {
            if !asks_for_tries(command) {
                return response;
            }
            heard.lock().unwrap().push(command.data()[6]);
            if tells { response } else { StatusWord::REFERENCE_NOT_FOUND.into() }
        })));
        let session = Session::open(link(&card)).unwrap();
        let before = session.statistics();
        let session = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
        assert_eq!((session.statistics() - before).commands, if tells { 3 } else { 2 });
        let before = session.statistics();
        let session = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Spend).unwrap();
        assert_eq!((session.statistics() - before).commands, 2, "known, or not to be asked");
        assert_eq!(*asked.lock().unwrap(), if tells { vec![1, 2] } else { vec![1] });
    }
}

#[test]
fn a_refused_unblocking_says_that_the_puk_was_right() {
    // A card that wants the tries back before it takes a new PIN: the other way of the two in use.
    let card = blocked_card(CHIPS[0]);
    card.set_tamper(Some(Box::new(|command, response| match (command.ins(), command.p1()) {
        (0x2C, 0x02) => StatusWord::WRONG_P1_P2.into(),
        _ => response,
    })));
    let session = Session::open(link(&card)).unwrap();
    let before = card.verify_count();
    let refused = session.unblock_pin(&puk(), Unblock::NewPin(&new_pin()), LastTry::Refuse).unwrap_err();
    assert_eq!(refused.error.step, Step::UnblockPin);
    assert_eq!(refused.error.pin_error(), None);
    assert!(refused.back.is_open());
    assert_eq!((card.puk_tries(), card.verify_count() - before), (10, 2), "PUK and new PIN once each");
    assert_eq!(cie::Error::from(refused.error).code(), "unblock-refused");
    refused.back.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
}

/// What the worked examples protect is what goes out.
#[test]
fn the_commands_are_those_of_the_worked_examples() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../fixtures/vectors/cie3-ias.json")).unwrap();
    let worked = |name: &str| {
        let vector = &vectors["sm_wrap"][name];
        let hex = |field: &str| hex::decode(vector[field].as_str().unwrap()).unwrap();
        (hex("header"), hex("data"), vector["le"].as_str().map(|_| 256))
    };
    let new = Pin::parse("11223344").unwrap();
    for (unblock, reset) in [
        (Unblock::NewPin(&new), "reset_retry_new_pin"),
        (Unblock::KeepPin, "reset_retry_no_data_as_middleware"),
    ] {
        let card = card(CHIPS[0]);
        let session = Session::open(link(&card)).unwrap();
        let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = said.clone();
        card.set_tamper(Some(Box::new(move |command, response| {
            heard.lock().unwrap().push((command.header().to_vec(), command.data().to_vec(), command.ne()));
            response
        })));
        session.unblock_pin(&puk(), unblock, LastTry::Spend).unwrap();
        assert_eq!(*said.lock().unwrap(), [worked("verify_puk"), worked(reset)]);
    }
}
