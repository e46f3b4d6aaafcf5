//! Cards of other kinds, and cards that answer at random: none is taken for a CIE 3, none is shown a PIN.
//!
//! The table is `fixtures/cards/foreign.json`. That the software card is a CIE on every chip and under any
//! answer to reset is in `tests/dialogue/recognition.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use cie::card;
use cie::ias::{self, File, Session, Step};
use cie::transport::{Error, Link, Transport};
use serde_json::Value;

/// The most APDUs, GET RESPONSE included, that an unknown card is asked.
const MOST: usize = 40;
/// SELECT, READ BINARY, GET RESPONSE: all that recognition may say. GET DATA: what an opening says besides.
const RECOGNITION: [u8; 3] = [0xA4, 0xB0, 0xC0];
const OPENING: [u8; 4] = [0xA4, 0xB0, 0xC0, 0xCB];

#[derive(Clone)]
struct Foreign {
    name: String,
    atr: Vec<u8>,
    answers: Vec<(Vec<u8>, String)>,
    otherwise: String,
    card: [String; 2],
    session: [String; 2],
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Foreign {
    fn parse(entry: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
        let pair = |value: &Value| [text(&value[0]), text(&value[1])];
        assert!(!text(&entry["source"]).is_empty());
        Self {
            name: text(&entry["name"]),
            atr: bytes(&entry["atr"]),
            answers: entry["answers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| (bytes(&a[0]), text(&a[1])))
                .collect(),
            otherwise: text(&entry["otherwise"]),
            card: pair(&entry["card"]),
            session: pair(&entry["session"]),
            asked: Arc::default(),
        }
    }

    /// What was sent since the last look; each within bounds.
    fn check_asked(&self, allowed: &[u8]) {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        assert!((1..MOST).contains(&asked.len()), "{}: {} commands", self.name, asked.len());
        for command in &asked {
            assert!(allowed.contains(&command[1]), "{}: sent {}", self.name, hex::encode(command));
        }
    }
}

impl Transport for Foreign {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.asked.lock().unwrap().push(command.to_vec());
        let found = self.answers.iter().find(|(prefix, _)| command.starts_with(prefix));
        match found.map_or(&*self.otherwise, |(_, answer)| answer) {
            "mute" => Err(Error::NoAnswer),
            "removed" => Err(Error::Removed),
            "reset" => Err(Error::Reset),
            answer => Ok(hex::decode(answer).unwrap()),
        }
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

fn cards() -> Vec<Foreign> {
    let table: Value = serde_json::from_str(include_str!("../fixtures/cards/foreign.json")).unwrap();
    table.as_array().unwrap().iter().map(Foreign::parse).collect()
}

fn step(step: Step) -> String {
    match step {
        Step::ReadFile(File::Nis) => "Nis".to_owned(),
        step => format!("{step:?}"),
    }
}

#[test]
fn the_table_holds_many_different_cards() {
    let cards = cards();
    let different = |key: fn(&Foreign) -> String| cards.iter().map(key).collect::<BTreeSet<_>>().len();
    assert!(cards.len() >= 60 && different(|card| card.name.clone()) == cards.len());
    assert!(different(|card| format!("{:?}{}", card.answers, card.otherwise)) > 45);
    assert!(different(|card| card.card.concat()) >= 9);
    for card in &cards {
        if let [ts, t0, ..] = card.atr[..] {
            assert!(matches!(ts, 0x3B | 0x3F) && card.atr.len() > usize::from(t0 & 15), "{}", card.name);
        }
    }
}

#[test]
fn no_foreign_card_is_taken_for_a_cie() {
    for foreign in cards() {
        let refused = card::open(Link::new(foreign.clone())).unwrap_err();
        let (code, at) = match &refused.error {
            card::Error::NotACie(error) => (Some("not-a-cie"), step(error.step)),
            card::Error::Unsupported(error) => (Some("card-unsupported"), format!("{:?}", error.step)),
            card::Error::Failed(error) => (None, step(error.step)),
            card::Error::Contact(error) => (None, format!("{:?}", error.step)),
            other => panic!("{other:?}"),
        };
        let found = [cie::Error::from(refused.error.clone()).code().to_owned(), at];
        assert_eq!(found, foreign.card, "{}", foreign.name);
        let refusals = ["not-a-cie", "card-unsupported"];
        assert_eq!(code, refusals.into_iter().find(|code| *code == foreign.card[0]), "{}", foreign.name);
        foreign.check_asked(&RECOGNITION);
        assert_eq!(refused.back.atr(), foreign.atr, "the link comes back");
    }
}

#[test]
fn no_foreign_card_opens_a_session_or_is_shown_a_pin() {
    for foreign in cards() {
        let refused = Session::open(Link::new(foreign.clone())).unwrap_err();
        let ias::Error { step: at, .. } = refused.error;
        let found = [cie::Error::from(refused).code().to_owned(), step(at)];
        assert_eq!(found, foreign.session, "{}", foreign.name);
        foreign.check_asked(&OPENING);
    }
}

/// Recognition proves nothing: who copies what it asks for is recognised, and goes no further.
#[test]
fn a_card_that_copies_what_is_asked_for_is_claimed_and_no_more() {
    let copy = |answers: &[(&str, &str)]| Foreign {
        name: "copy".to_owned(),
        atr: Vec::new(),
        answers: answers.iter().map(|(p, a)| (hex::decode(p).unwrap(), (*a).to_owned())).collect(),
        otherwise: "6A82".to_owned(),
        card: Default::default(),
        session: Default::default(),
        asked: Arc::default(),
    };
    let select = [("00A4040C0D", "9000"), ("00A4040C06A00000000039", "9000")];
    let digits = ("00B081000C", "3031323334353637383930319000");
    let foreign = copy(&[select[0], select[1], digits]);
    let card::Card::Cie3(application) = card::open(Link::new(foreign.clone())).unwrap() else { panic!() };
    foreign.check_asked(&RECOGNITION);
    let terminal = Arc::new(ias::Terminal::published().unwrap());
    let refused = application.authenticate(&terminal, &mut ias::CardCache::new()).unwrap_err();
    assert_eq!(refused.error.step, Step::ReadDeviceKey);
    foreign.check_asked(&OPENING);
    // Without any of the three it is not even that.
    for answers in [&[select[0], digits][..], &[select[1], digits], &select] {
        assert!(card::open(Link::new(copy(answers))).is_err());
    }
}
