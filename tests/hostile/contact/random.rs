//! Cards without any sense: answers by chance, or one answer to everything; and a wire on which anything breaks,
//! more than once.

use std::sync::atomic::{AtomicUsize, Ordering};

use cie::cns::{Credential, Session, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftTransport;
use cie::emulator::contact::Model;
use cie::emulator::entropy::Seeded;
use cie::environment::FixedClock;
use cie::pin::LastTry;
use cie::transport::{Error, Link, Transport};

use super::flows::{CHANGE, FLOWS, KEEP, LOG_IN, SIGN, Secret, new_pin};
use super::judge::{Counts, check_secrets};
use super::record;
use crate::common::contact_flows::{SIGNATURE_PIN, issued, pin, puk};
use crate::common::{self, now};
use crate::faults::{Fault, Traffic, Witness, status_words};
use crate::sweep::on_all_cores;

/// More commands than this for one operation keep a person waiting for minutes.
const COMMANDS_MOST: usize = 1_500;

/// A stream of numbers (xorshift).
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            chance.below(2);
        }
        chance
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }
}

/// Answers by chance, with a leaning to what leads on.
struct Senseless {
    chance: Chance,
    selected: Vec<u8>,
    traffic: Traffic,
}

impl Senseless {
    fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let chance = &mut self.chance;
        if chance.one_in(200) {
            return Err(chance
                .of(&[Error::NoAnswer, Error::Reset, Error::Removed, Error::AnswerTooLong].each_ref())
                .clone());
        }
        let length = chance.of(&[0, 0, 1, 2, 3, 16, 31, 64, 128, 255, 256, 257, 300]);
        if chance.one_in(12) {
            return Ok(chance.bytes(length));
        }
        if chance.one_in(10) {
            let word = match chance.below(4) {
                0 => 0x6100 | u16::from(chance.byte()),
                1 => 0x6C00 | u16::from(chance.byte()),
                _ => chance.of(&status_words()),
            };
            return Ok([chance.bytes(length), word.to_be_bytes().to_vec()].concat());
        }
        let data = match command[1] {
            0xA4 => {
                self.selected = command[5..command.len() - 1].to_vec();
                let size = chance.bytes(2);
                if chance.one_in(2) { vec![0x6F, 0x04, 0x80, 0x02, size[0], size[1]] } else { Vec::new() }
            }
            0xB0 => {
                let asked = command.last().map_or(0, |ne| if *ne == 0 { 256 } else { usize::from(*ne) });
                let offset = usize::from(u16::from_be_bytes([command[2], command[3]]));
                let given = if chance.one_in(4) { 1 + chance.below(asked) } else { asked };
                let certificate = &issued(Model::Cns10).certificate;
                if self.selected.ends_with(&[0x11, 0x01]) || self.selected.ends_with(&[0x90, 0x10]) {
                    certificate.iter().copied().skip(offset).chain(std::iter::repeat(0)).take(given).collect()
                } else {
                    let alphabet =
                        chance.of(&[&b"0123456789"[..], b"0", b"0123456789ABCDEF", b"\x00\xFF\x30\x82A1"]);
                    (0..given).map(|_| chance.of(alphabet)).collect()
                }
            }
            0x20 | 0x24 | 0x2C => {
                let answers =
                    [0x9000_u16, 0x9000, 0x6A88, 0x6A88, 0x6A88, 0x63C2, 0x6300, 0x6983, 0x6982, 0x6108];
                return Ok(chance.of(&answers).to_be_bytes().to_vec());
            }
            0xC0 if chance.one_in(2) => return Ok(vec![0x6A, 0x88]),
            0x2A => chance.bytes(128),
            _ => Vec::new(),
        };
        Ok([data, vec![0x90, 0x00]].concat())
    }
}

impl Transport for Senseless {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let answer = self.answer(command);
        self.traffic.note(command, &answer);
        answer
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.traffic.note_reset();
        if self.chance.one_in(4) { Err(Error::NoAnswer) } else { Ok(()) }
    }

    fn atr(&self) -> &[u8] {
        &hex_literal::hex!("3BFF1800FF8131FE55006B02090200010101434E531031809F")
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

/// One answer to everything.
struct Stubborn {
    answer: Vec<u8>,
    traffic: Traffic,
}

impl Transport for Stubborn {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.traffic.note(command, &Ok(self.answer.clone()));
        Ok(self.answer.clone())
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.traffic.note_reset();
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &hex_literal::hex!("3BFF1800FF8131FE55006B02090200010101434E531031809F")
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

/// How far a senseless card got.
#[derive(Default)]
struct Reached {
    opened: AtomicUsize,
    read: AtomicUsize,
    unlocked: AtomicUsize,
    second: AtomicUsize,
    longest: AtomicUsize,
}

/// Does everything that there is to do, and watches what is said in each operation.
fn everything(link: Link, traffic: &Traffic, what: &str, reached: &Reached) {
    let mut said = 0;
    let mut ended = |secrets: &[Secret]| {
        let exchanges = traffic.exchanges().split_off(said);
        said += exchanges.len();
        assert!(exchanges.len() <= COMMANDS_MOST, "{what}: {} commands", exchanges.len());
        reached.longest.fetch_max(exchanges.len(), Ordering::Relaxed);
        let doubled = check_secrets(secrets, &exchanges, what);
        reached.second.fetch_add(usize::from(doubled), Ordering::Relaxed);
    };
    let opened = Session::open(link);
    ended(&[]);
    let Ok(mut session) = opened else { return };
    reached.opened.fetch_add(1, Ordering::Relaxed);
    let _ = session.read_personal_data();
    ended(&[]);
    for credential in [Credential::Authentication, Credential::Signature] {
        let read = session.certificate(credential).is_ok();
        reached.read.fetch_add(usize::from(read), Ordering::Relaxed);
        ended(&[]);
    }
    let (credential, refuse) = (Credential::Authentication, LastTry::Refuse);
    let _ = session.change_pin(credential, &pin(), &new_pin(), refuse);
    ended(&(CHANGE.secrets)());
    let _ = session.unblock_pin(credential, &puk(), Unblock::KeepPin, refuse);
    ended(&(KEEP.secrets)());
    for (credential, secrets) in [(credential, LOG_IN.secrets), (Credential::Signature, SIGN.secrets)] {
        let shown = match credential {
            Credential::Authentication => pin(),
            Credential::Signature => cie::secret::ContactPin::parse(SIGNATURE_PIN).unwrap(),
            _ => unreachable!("no such key"),
        };
        let outcome = session.verify_pin_of(credential, &shown, LastTry::Spend);
        ended(&secrets());
        let mut unlocked = match outcome {
            Ok(unlocked) => unlocked,
            Err(refused) => {
                session = *refused.back;
                continue;
            }
        };
        reached.unlocked.fetch_add(1, Ordering::Relaxed);
        let digest = Digest::of(DigestAlgorithm::Sha256, what.as_bytes());
        let signed = unlocked.signer().and_then(|mut signer| signer.sign(Purpose::Document, &digest));
        assert!(signed.is_err(), "{what}: a signature by chance");
        ended(&[]);
        match unlocked.lock() {
            Ok(locked) => session = locked,
            Err(_) => return,
        }
    }
}

fn run(transport: impl Transport + 'static, traffic: &Traffic, what: &str, reached: &Reached) {
    let link = Link::with_sources(transport, Seeded::new(2), FixedClock(now()));
    everything(link, traffic, what, reached);
    let exchanges = traffic.exchanges();
    let shown = exchanges.iter().any(crate::faults::Exchange::carries_secret);
    assert!(!shown || traffic.resets() > 0, "{what}: the card was not reset");
}

#[test]
fn a_card_that_answers_by_chance() {
    let count = if super::exhaustive() { 100_000 } else { 4_000 };
    let reached = Reached::default();
    on_all_cores((0..count).collect(), |seed| {
        let traffic = Traffic::default();
        let card = Senseless { chance: Chance::new(seed), selected: Vec::new(), traffic: traffic.clone() };
        run(card, &traffic, &format!("seed {seed}"), &reached);
    });
    let Reached { opened, read, unlocked, second, longest } = reached;
    let [opened, read, unlocked, second, longest] =
        [opened, read, unlocked, second, longest].map(AtomicUsize::into_inner);
    assert!(
        opened > 500 && read > 100 && unlocked > 100 && second > 100,
        "{opened} {read} {unlocked} {second}"
    );
    common::say(&format!(
        "answers by chance: {count} cards, {opened} recognised, {read} certificates read, {unlocked} PINs believed, \
         {second} second references, at most {longest} commands for one operation"
    ));
}

#[test]
fn a_card_that_knows_one_answer() {
    let mut answers: Vec<Vec<u8>> = status_words().iter().map(|word| word.to_be_bytes().to_vec()).collect();
    for length in [1, 6, 16, 63, 64, 128, 255, 256, 257, 1_000] {
        for byte in [b'0', 0x00, 0x30, 0xFF] {
            for word in [0x9000_u16, 0x6282, 0x6100, 0x6140, 0x6C10, 0x6A88] {
                answers.push([vec![byte; length], word.to_be_bytes().to_vec()].concat());
            }
        }
    }
    let reached = Reached::default();
    let count = answers.len();
    on_all_cores(answers, |answer| {
        let what = format!("{:02X?}", &answer[answer.len().saturating_sub(4)..]);
        let traffic = Traffic::default();
        run(Stubborn { answer, traffic: traffic.clone() }, &traffic, &what, &reached);
    });
    let [opened, longest] = [reached.opened, reached.longest].map(AtomicUsize::into_inner);
    assert!(opened > 5, "{opened}");
    common::say(&format!(
        "one answer to everything: {count} cards, {opened} recognised, at most {longest} commands for one operation"
    ));
}

/// A live card on a wire on which one answer in some is spoiled.
struct Chaotic {
    chance: Chance,
    each: usize,
    live: SoftTransport,
    traffic: Traffic,
}

impl Chaotic {
    fn spoil(&mut self, answer: Vec<u8>) -> Result<Vec<u8>, Error> {
        let chance = &mut self.chance;
        let fault = match chance.below(6) {
            0 => Fault::Truncated(chance.below(answer.len())),
            1 => Fault::Flipped(chance.below(answer.len()), 1 << chance.below(8)),
            2 | 3 => Fault::Status(chance.of(&status_words()), chance.one_in(2)),
            4 => return Ok([chance.bytes(answer.len() - 2), vec![0x90, 0x00]].concat()),
            _ => return Err(Error::NoAnswer),
        };
        Ok(fault.apply(answer))
    }
}

impl Transport for Chaotic {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let answer = self.live.transmit(command);
        let spoiled = self.chance.one_in(self.each);
        let answer = if spoiled { answer.and_then(|answer| self.spoil(answer)) } else { answer };
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

#[test]
fn a_wire_on_which_anything_breaks() {
    let each_flow = if super::exhaustive() { 1_000 } else { 150 };
    let counts = Counts::default();
    for (stream, model) in (0_u64..).zip(Model::ALL) {
        for (number, flow) in (0_u64..).zip(FLOWS) {
            let card = flow.card(model);
            let recorded = record(flow, model, &card.snapshot());
            on_all_cores((0..each_flow).collect(), |seed| {
                let (card, traffic) = (card.snapshot(), Traffic::default());
                drop(card.insert());
                let chance = Chance::new((stream << 40) + (number << 32) + seed);
                let each = [3, 6, 12][usize::try_from(seed % 3).unwrap()];
                let wire = Chaotic { chance, each, live: card.transport(), traffic: traffic.clone() };
                let link = Link::with_sources(wire, Seeded::new(2), FixedClock(now()));
                let what = format!("{model}, {}, seed {seed}", flow.name);
                recorded.course.check(None, (link, Witness { card, traffic }), &what, &counts);
            });
        }
    }
    counts.report("a wire on which anything breaks");
}
