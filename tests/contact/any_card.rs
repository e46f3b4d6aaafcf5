//! What is asked and told of a card in one way, whatever its kind: each kind by its own rules.

use cie::card::{self, Card, Information, Session, Unblock};
use cie::cns;
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::ias;
use cie::pin::{self, LastTry, Tries};
use cie::secret::Typed;

use crate::common::{self, contact_flows};

fn typed(text: &str) -> Typed {
    Typed::new(text.to_owned())
}

/// A CIE 3 and a contact card, the PIN and the PUK of each.
fn cards() -> [(SoftCard, String, String); 2] {
    let text = |digits: [u8; 8]| String::from_utf8(digits.to_vec()).unwrap();
    let (pin, puk) = (cie::emulator::issue::DEMO_PIN, cie::emulator::issue::DEMO_PUK);
    [
        (common::card(common::CHIPS[0]), text(pin), text(puk)),
        (contact_flows::card(Model::Cns10), "12345678".to_owned(), "87654321".to_owned()),
    ]
}

fn session(card: &SoftCard) -> Session {
    card::open(common::link(card)).unwrap().open_session().unwrap()
}

#[test]
fn what_is_typed_is_judged_by_the_card_that_lies_there() {
    let [(cie3, ..), (contact, ..)] = cards();
    let (cie3, contact) = (session(&cie3), session(&contact));
    for (text, of_cie3, of_contact) in [
        ("12345678", true, true),
        ("12345", false, true),
        ("1234", false, false),
        ("123456789", false, false),
        ("1234567a", false, false),
    ] {
        let text = typed(text);
        assert_eq!((cie3.check_pin(&text).is_ok(), cie3.check_puk(&text).is_ok()), (of_cie3, of_cie3));
        assert_eq!(
            (contact.check_pin(&text).is_ok(), contact.check_puk(&text).is_ok()),
            (of_contact, of_contact)
        );
    }
}

#[test]
fn the_last_try_of_a_pin_is_spent_only_if_it_is_said() {
    for (card, pin, _) in cards() {
        let mut session = session(&card);
        for left in [2, 1] {
            let refused = session.verify_pin(&typed("99999999"), LastTry::Refuse).unwrap_err();
            assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(left))));
            session = *refused.back;
        }
        assert_eq!((session.pin_tries(), card.pin_tries()), (Tries::Left(1), 1));
        let kept = session.check_pin_tries(LastTry::Refuse).unwrap_err();
        assert_eq!(kept.pin_error(), Some(&pin::Error::LastTryLeft));
        assert!(match kept {
            card::Error::Cie3(error) => error.step == ias::Step::VerifyPin,
            card::Error::Contact(error) => error.step == cns::Step::VerifyPin,
            _ => false,
        });
        assert_eq!(session.check_pin_tries(LastTry::Spend).unwrap(), Tries::Left(1));
        let kept = session.verify_pin(&typed(&pin), LastTry::Refuse).unwrap_err();
        assert_eq!(kept.error.pin_error(), Some(&pin::Error::LastTryLeft));
        kept.back.verify_pin(&typed(&pin), LastTry::Spend).unwrap();
    }
}

#[test]
fn the_last_try_of_a_puk_is_spent_only_if_it_is_said() {
    for (card, _, puk) in cards() {
        let mut session = session(&card);
        let most = card.puk_tries();
        for left in (1..most).rev() {
            let refused =
                session.unblock_pin(&typed("11111111"), Unblock::KeepPin, LastTry::Refuse).unwrap_err();
            assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(left))));
            session = *refused.back;
        }
        assert_eq!(session.puk_tries().unwrap(), Tries::Left(1));
        let session = match session {
            // The same card before a session, as far as it knows.
            Session::Contact(known) => {
                let mut known = Card::Contact(known);
                let kept = known.check_puk_tries(LastTry::Refuse).unwrap_err();
                assert_eq!(kept.pin_error(), Some(&pin::Error::LastTryLeft));
                let card::Error::Contact(error) = kept else { panic!("{kept}") };
                assert_eq!(error.step, cns::Step::UnblockPin);
                assert_eq!(known.pin_tries().unwrap(), Tries::Unknown);
                known.open_session().unwrap()
            }
            other => other,
        };
        let kept = session.unblock_pin(&typed(&puk), Unblock::KeepPin, LastTry::Refuse).unwrap_err();
        assert_eq!(kept.error.pin_error(), Some(&pin::Error::LastTryLeft));
        assert_eq!(card.puk_tries(), 1);
        let session = match *kept.back {
            // Before a session it is refused, too, where the card tells.
            Session::Cie3(session) => {
                let mut known = Card::Cie3(ias::Application::select(session.into_link()).unwrap());
                let kept = known.check_puk_tries(LastTry::Refuse).unwrap_err();
                assert_eq!(kept.pin_error(), Some(&pin::Error::LastTryLeft));
                let card::Error::Cie3(error) = kept else { panic!("{kept}") };
                assert_eq!(error.step, ias::Step::VerifyPuk);
                known.open_session().unwrap()
            }
            session => session,
        };
        session.unblock_pin(&typed(&puk), Unblock::KeepPin, LastTry::Spend).unwrap();
    }
}

#[test]
fn an_unblocked_pin_is_the_new_one() {
    for (card, pin, puk) in cards() {
        let new = typed("27182818");
        let session = session(&card);
        let session = session.unblock_pin(&typed(&puk), Unblock::NewPin(&new), LastTry::Refuse).unwrap();
        let refused = session.verify_pin(&typed(&pin), LastTry::Refuse).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
        refused.back.verify_pin(&new, LastTry::Refuse).unwrap();
    }
}

#[test]
fn what_anyone_is_told_is_what_the_card_gives() {
    let [_, (card, ..)] = cards();
    let mut found = card::open(common::link(&card)).unwrap();
    let Information::Contact(said) = found.information().unwrap() else { panic!() };
    assert!(said.readable.contains(&cns::File::Certificate), "{:?}", said.readable);
    assert!(!said.readable.contains(&cns::File::Photograph), "a CNS has none");
    let mut session = found.open_session().unwrap();
    let certificate = session.public_certificate().unwrap().unwrap();
    assert_eq!(certificate.as_der(), contact_flows::issued(Model::Cns10).certificate);
}
