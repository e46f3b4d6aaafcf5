//! The one case in which a PIN goes out a second time in one call: the card answers 6A88, alone and at once, to the
//! first reference that it is ever shown one under.

use std::collections::VecDeque;

use cie::cns::{Cause, Credential, Session, Step, Unblock};
use cie::emulator::contact::Model;
use cie::emulator::entropy::Seeded;
use cie::emulator::{SoftCard, SoftTransport};
use cie::environment::FixedClock;
use cie::iso7816::StatusWord;
use cie::pin::{self, LastTry, Tries};
use cie::transport::{Error, Link, Transport};

use crate::common::contact_flows::{Desk, card, pin, puk, reach, signs_without_pin, wrong_pin};
use crate::common::now;
use crate::faults::{Exchange, Traffic};

/// A live card; from the first command with a secret on these seem to be its answers, as long as there are any.
struct Scripted {
    live: SoftTransport,
    answers: VecDeque<&'static [u8]>,
    begun: bool,
    traffic: Traffic,
}

impl Transport for Scripted {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.begun |= matches!(command[1], 0x20 | 0x24 | 0x2C);
        let answer = self.live.transmit(command);
        let scripted = if self.begun { self.answers.pop_front() } else { None };
        let answer = scripted.map_or(answer, |scripted| Ok(scripted.to_vec()));
        self.traffic.note(command, &answer);
        answer
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.traffic.note_reset();
        self.live.reset()
    }

    fn atr(&self) -> &[u8] {
        self.live.atr()
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

fn session(card: &SoftCard, answers: &[&'static [u8]]) -> (Session, Traffic) {
    let (live, answers, traffic) = (card.transport(), answers.iter().copied().collect(), Traffic::default());
    let wire = Scripted { live, answers, begun: false, traffic: traffic.clone() };
    (Session::open(Link::with_sources(wire, Seeded::new(2), FixedClock(now()))).unwrap(), traffic)
}

/// The references under which secrets were shown.
fn references(traffic: &Traffic) -> Vec<u8> {
    let exchanges = traffic.exchanges();
    exchanges.iter().filter(|e| Exchange::carries_secret(e)).map(|exchange| exchange.command[3]).collect()
}

#[test]
fn only_6a88_alone_and_at_once_leads_to_the_other_reference() {
    let known = |model, expected: [u8; 2]| {
        for (answers, shown) in [
            (&[&[0x6A, 0x88][..]][..], 2),
            (&[&[0x6A, 0x88], &[0x6A, 0x88]], 2),
            (&[&[0x00, 0x6A, 0x88]], 1),
            (&[&[0x6A, 0x88, 0x6A, 0x88]], 1),
            (&[&[0x61, 0x00], &[0x6A, 0x88]], 1),
            (&[&[0x61, 0x02], &[0x61, 0x02], &[0x6A, 0x88]], 1),
            (&[&[0x6C, 0x00]], 1),
            (&[&[0x6A, 0x82]], 1),
            (&[&[0x6A, 0x89]], 1),
            (&[&[0x6A, 0x86]], 1),
            (&[&[0x67, 0x00]], 1),
            (&[&[0x6A]], 1),
            (&[&[]], 1),
            (&[], 1),
        ] {
            let card = card(model);
            let what = format!("{model}, {answers:02X?}");
            let (opened, traffic) = session(&card, answers);
            let outcome = opened.verify_pin(&pin()).map_err(|refused| refused.error);
            assert_eq!(references(&traffic), expected[..shown], "{what}");
            if answers.len() == 2 && shown == 2 {
                let error = outcome.unwrap_err();
                let unknown = Cause::Status(StatusWord::REFERENCE_NOT_FOUND);
                assert_eq!((error.step, error.cause), (Step::VerifyPin, unknown), "{what}");
            }
            let (mut opened, traffic) = session(&card, answers);
            let _ = opened.unblock_pin(Credential::Authentication, &puk(), Unblock::KeepPin, LastTry::Refuse);
            assert_eq!(references(&traffic), expected[..shown], "{what}");
            assert_eq!((card.pin_tries(), card.puk_tries()), (3, 10), "{what}");
        }
    };
    known(Model::Cns10, [0x90, 0x10]);
    known(Model::Idemia, [0x10, 0x90]);
}

/// Once the card has answered to one of the two, 6A88 is a doubtful answer: following it could spend a try that
/// was to be kept.
#[test]
fn a_reference_that_was_answered_to_is_kept() {
    let card = card(Model::Cns10);
    let (opened, traffic) = session(&card, &[]);
    let refused = opened.verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    let mut known = *refused.back;
    card.set_tamper(Some(Box::new(|command, response| match command.ins() {
        0x20 | 0x24 => StatusWord::REFERENCE_NOT_FOUND.into(),
        _ => response,
    })));
    let credential = Credential::Authentication;
    known.change_pin(credential, &wrong_pin(), &pin(), LastTry::Refuse).unwrap_err();
    assert_eq!((references(&traffic), card.pin_tries()), (vec![0x90, 0x90], 1));
    // And what is left is not spent unasked.
    let refused = known.verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
    assert_eq!((references(&traffic).len(), card.pin_tries()), (2, 1));
}

/// The card has verified the PIN, and its answer is spoiled. If that says that it refused, it is reset at once, for
/// whoever comes next; if it says nothing at all, when the link goes.
#[test]
fn a_pin_that_was_verified_all_the_same_is_forgotten() {
    let answers: [(&[&[u8]], bool); 7] = [
        (&[&[0x6F, 0x00]], false),
        (&[&[0x63, 0xC2]], false),
        (&[&[0x69, 0x83]], false),
        (&[&[0x00, 0x6A, 0x88]], false),
        (&[&[0x61, 0x00], &[0x6A, 0x88]], false),
        (&[&[0x90]], true),
        (&[&[]], true),
    ];
    for model in Model::ALL {
        for (answers, kept) in answers {
            let what = format!("{model}, {answers:02X?}");
            let card = card(model);
            let desk = Desk { model, card: &card, connect: &|| reach(&card) };
            let (opened, traffic) = session(&card, answers);
            let refused = opened.verify_pin(&pin()).unwrap_err();
            assert_eq!((references(&traffic).len(), refused.error.step), (1, Step::VerifyPin), "{what}");
            assert_eq!(traffic.resets(), usize::from(!kept), "{what}");
            assert_eq!(signs_without_pin(&desk), kept, "{what}");
            drop(refused);
            assert_eq!(traffic.resets(), 1, "{what}");
            assert!(!signs_without_pin(&desk), "{what}");
            assert_eq!(card.pin_tries(), 3, "{what}");
        }
    }
}
