//! Faults, and the wire that shows them.

use std::sync::{Arc, Mutex};

use cie::emulator::entropy::Seeded;
use cie::emulator::{Chip, SoftCard, SoftTransport, Tamper};
use cie::environment::FixedClock;
use cie::iso7816::{Command, Response, StatusWord};
use cie::transport::{Company, Error, Link, Transport};

use crate::common;

/// What happens to one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is lost after the card carried the command out.
    Dropped,
    /// Only so many bytes of it arrive.
    Truncated(usize),
    /// One byte is inverted, or one bit of it.
    Flipped(usize, u8),
    /// Another status word, with the data or without.
    Status(u16, bool),
    /// Other bytes come as data of a success.
    Replaced(&'static [u8]),
    /// The card is taken away before the command.
    Removed,
    /// Another program resets the card before the command.
    Reset,
}

/// The status words that every answer is replaced by.
pub fn status_words() -> Vec<u16> {
    let mut words = vec![
        0x6300, 0x6581, 0x6700, 0x6881, 0x6882, 0x6883, 0x6884, 0x6982, 0x6983, 0x6984, 0x6985, 0x6987,
        0x6988, 0x6A80, 0x6A82, 0x6A88, 0x6B00, 0x6C00, 0x6D00, 0x6E00, 0x6F00, 0x6100, 0x9000,
    ];
    words.extend(0x63C0..=0x63CF);
    words
}

impl Fault {
    /// Every fault of an answer with so many bytes, status word included.
    pub fn all(length: usize, on_the_wire: bool) -> Vec<Self> {
        let mut faults: Vec<Self> = (0..length).map(Self::Truncated).collect();
        faults.extend((0..length).map(|at| Self::Flipped(at, [0xFF, 0x01, 0x80][at % 3])));
        for word in status_words() {
            faults.push(Self::Status(word, false));
            faults.extend((length > 2).then_some(Self::Status(word, true)));
        }
        if on_the_wire {
            faults.extend([Self::Dropped, Self::Removed, Self::Reset]);
        }
        faults
    }

    /// The bytes that arrive instead of `answer`.
    pub fn apply(self, mut answer: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Truncated(length) => answer.truncate(length),
            Self::Flipped(at, mask) => answer[at] ^= mask,
            Self::Status(word, with_data) => {
                answer.truncate(if with_data { answer.len() - 2 } else { 0 });
                answer.extend(word.to_be_bytes());
            }
            Self::Replaced(bytes) => answer = [bytes, &[0x90, 0x00]].concat(),
            Self::Dropped | Self::Removed | Self::Reset => {}
        }
        answer
    }
}

/// A flow without faults: what was said, and the card as it was before each exchange.
pub struct Recording {
    pub exchanges: Vec<(Vec<u8>, Vec<u8>)>,
    pub cards: Vec<SoftCard>,
    /// How many answers the card had made (before protection) before each exchange.
    pub answers_before: Vec<usize>,
    /// The encoded clear answers, in order.
    pub answers: Vec<Vec<u8>>,
}

impl Recording {
    /// The exchange in which the card made its answer number `at`.
    pub fn exchange_of(&self, at: usize) -> usize {
        self.answers_before.iter().rposition(|before| *before <= at).unwrap()
    }
}

struct Recorder {
    card: SoftCard,
    transport: SoftTransport,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
    recording: Arc<Mutex<Recording>>,
}

impl Transport for Recorder {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let mut recording = self.recording.lock().unwrap();
        recording.cards.push(self.card.snapshot());
        recording.answers_before.push(self.answers.lock().unwrap().len());
        let answer = self.transport.transmit(command)?;
        recording.exchanges.push((command.to_vec(), answer.clone()));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.transport.reset()
    }

    fn atr(&self) -> &[u8] {
        self.transport.atr()
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

/// Records what `flow` says to a fresh card.
pub fn record(chip: Chip, flow: impl FnOnce(Link)) -> Recording {
    record_on(&common::card(chip), flow)
}

/// Records what `flow` says to this card, which is powered up anew for it.
pub fn record_on(card: &SoftCard, flow: impl FnOnce(Link)) -> Recording {
    drop(card.insert());
    let answers = Arc::new(Mutex::new(Vec::new()));
    let seen = answers.clone();
    card.set_tamper(Some(Box::new(move |_, response| {
        seen.lock().unwrap().push(response.encode());
        response
    })));
    let recording = Recording {
        exchanges: Vec::new(),
        cards: Vec::new(),
        answers_before: Vec::new(),
        answers: Vec::new(),
    };
    let recording = Arc::new(Mutex::new(recording));
    let transport = card.transport();
    let recorder =
        Recorder { card: card.clone(), transport, answers: answers.clone(), recording: recording.clone() };
    flow(Link::with_sources(recorder, Seeded::new(2), FixedClock(common::now())));
    let mut recording = Arc::into_inner(recording).unwrap().into_inner().unwrap();
    recording.answers = answers.lock().unwrap().clone();
    recording
}

/// A wire that repeats a recording up to one exchange, shows one fault there, and is a live card after.
pub struct Wire {
    recording: Arc<Recording>,
    at: usize,
    fault_at: usize,
    fault: Option<Fault>,
    card: SoftCard,
    live: SoftTransport,
    traffic: Traffic,
    /// Whether the PIN goes out in clear, and its state serves every program.
    in_clear: bool,
    /// Whether others are kept off.
    exclusive: bool,
    /// Whether a secret went out since the last reset.
    shown: bool,
}

/// What the terminal sent and saw: every command with its answer, and how often it asked for a reset.
#[derive(Clone, Default)]
pub struct Traffic(Arc<Mutex<(Vec<Exchange>, usize)>>);

/// A command, and what came back as the terminal saw it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub command: Vec<u8>,
    pub answer: Result<Vec<u8>, Error>,
}

impl Exchange {
    /// VERIFY and CHANGE REFERENCE DATA keep their INS under secure messaging.
    pub fn carries_secret(&self) -> bool {
        matches!(self.command[1], 0x20 | 0x24 | 0x2C)
    }
}

impl Traffic {
    pub fn note(&self, command: &[u8], answer: &Result<Vec<u8>, Error>) {
        let exchange = Exchange { command: command.to_vec(), answer: answer.clone() };
        self.0.lock().unwrap().0.push(exchange);
    }

    pub fn note_reset(&self) {
        self.0.lock().unwrap().1 += 1;
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap().0.clone()
    }

    /// How many commands were sent, GET RESPONSE included.
    pub fn sent(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }

    /// How often the terminal asked for a reset, the one of a link that is dropped included.
    pub fn resets(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// What a test looks at after a run.
pub struct Witness {
    pub card: SoftCard,
    pub traffic: Traffic,
}

impl Witness {
    pub fn verifies_on_the_wire(&self) -> usize {
        self.pin_commands().len()
    }

    /// INS and P2 of every command that carried a PIN or PUK, in order.
    pub fn pin_commands(&self) -> Vec<[u8; 2]> {
        let exchanges = self.traffic.exchanges();
        let carrying = exchanges.iter().filter(|exchange| exchange.carries_secret());
        carrying.map(|exchange| [exchange.command[1], exchange.command[3]]).collect()
    }

    /// How many commands were sent, GET RESPONSE included.
    pub fn sent(&self) -> usize {
        self.traffic.sent()
    }
}

/// A link on which the answer of exchange `at` arrives with a fault.
pub fn faulty_wire(recording: &Arc<Recording>, at: usize, fault: Fault) -> (Link, Witness) {
    wire(recording, at, Some(fault), None)
}

/// A link to a card that spoils its answer number `at` before protecting it.
pub fn faulty_card(recording: &Arc<Recording>, at: usize, fault: Fault) -> (Link, Witness) {
    let exchange = recording.exchange_of(at);
    let mut number = recording.answers_before[exchange];
    let tamper: Tamper = Box::new(move |_: &Command, response: Response| {
        let faulty = number == at;
        number += 1;
        if !faulty {
            return response;
        }
        // A card cannot send less than a status word: what a cut leaves is data of a success.
        let bytes = fault.apply(response.encode());
        match fault {
            Fault::Truncated(_) => Response::new(bytes, StatusWord::SUCCESS),
            _ => Response::parse(&bytes).unwrap(),
        }
    });
    wire(recording, exchange, None, Some(tamper))
}

fn wire(
    recording: &Arc<Recording>,
    fault_at: usize,
    fault: Option<Fault>,
    tamper: Option<Tamper>,
) -> (Link, Witness) {
    let card = recording.cards[fault_at].snapshot();
    card.set_tamper(tamper);
    let traffic = Traffic::default();
    let wire = Wire {
        recording: recording.clone(),
        at: 0,
        fault_at,
        fault,
        live: card.transport(),
        in_clear: card.contact_profile().is_some(),
        exclusive: false,
        shown: false,
        card: card.clone(),
        traffic: traffic.clone(),
    };
    let link = Link::with_sources(wire, Seeded::new(2), FixedClock(common::now()));
    (link, Witness { card, traffic })
}

impl Wire {
    fn carry(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let at = self.at;
        self.at += 1;
        if at < self.fault_at {
            let (expected, answer) = &self.recording.exchanges[at];
            assert_eq!(command, expected, "the flow is deterministic");
            return Ok(answer.clone());
        }
        let fault = self.fault.filter(|_| at == self.fault_at);
        match fault {
            Some(Fault::Removed) => self.card.remove(),
            Some(Fault::Reset) => self.card.reset_by_other(),
            _ => {}
        }
        let answer = self.live.transmit(command)?;
        match fault {
            Some(Fault::Dropped) => Err(Error::NoAnswer),
            Some(fault) => Ok(fault.apply(answer)),
            None => Ok(answer),
        }
    }
}

impl Transport for Wire {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        if matches!(command[1], 0x20 | 0x24 | 0x2C) {
            assert!(self.exclusive || !self.in_clear, "a PIN in clear goes out while others are let in");
            self.shown = true;
        }
        let answer = self.carry(command);
        self.traffic.note(command, &answer);
        answer
    }

    /// The live card is that of the faulty exchange already: resets before it lie behind it.
    fn reset(&mut self) -> Result<(), Error> {
        self.traffic.note_reset();
        let outcome = if self.at < self.fault_at { Ok(()) } else { self.live.reset() };
        self.shown &= outcome.is_err();
        outcome
    }

    fn atr(&self) -> &[u8] {
        self.live.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

/// Nobody else is there; but who would be let in, and when, is watched.
impl Company for Wire {
    fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        false
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
        assert!(exclusive || !self.shown, "others are let in before the card was reset");
        self.exclusive = exclusive;
        Ok(())
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}
