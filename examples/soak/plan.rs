//! What is laid on the readers, in which order, and what may come of it: all of it from one seed.

use std::collections::{BTreeMap, VecDeque};

use cie::emulator::Chip;

/// What the kiosk does with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flow {
    /// `kiosk::verify_nis_with`.
    Nis,
    /// `ias::Session` and `genuine::verify`.
    Genuine,
    /// The same, then the right PIN and a signature.
    Sign,
}

impl Flow {
    pub(crate) const ALL: [Self; 3] = [Self::Nis, Self::Genuine, Self::Sign];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nis => "nis",
            Self::Genuine => "genuine",
            Self::Sign => "sign",
        }
    }
}

/// What lies on the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Genuine(Chip),
    /// All files of a card, and keys of its own: what cannot be copied.
    Copy,
    /// A genuine card with another number in EF 1001.
    AnotherNumber,
    /// A genuine card with the EF.SOD of another one.
    AnotherSecurityObject,
    /// Genuine, of a country that nobody vouches for.
    UnknownCountry,
    /// A TS-CNS.
    Contact,
    /// Does not answer to power.
    Mute,
    /// Answers to power and to nothing else.
    Silent,
    /// Announces an answer of no bytes, which the service waits for without end.
    Nothing,
    /// Answers with one byte.
    Short,
    /// Answers with bytes that have no meaning.
    Garbage,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Genuine(Chip::Gemalto) => "genuine, gemalto",
            Self::Genuine(Chip::Nxp) => "genuine, nxp",
            Self::Genuine(Chip::St) => "genuine, st",
            Self::Genuine(_) => "genuine, actalis",
            Self::Copy => "copy with keys of its own",
            Self::AnotherNumber => "another's number",
            Self::AnotherSecurityObject => "another's EF.SOD",
            Self::UnknownCountry => "unknown country",
            Self::Contact => "contact card",
            Self::Mute => "mute",
            Self::Silent => "silent",
            Self::Nothing => "answers of no bytes",
            Self::Short => "answers of one byte",
            Self::Garbage => "garbage",
        }
    }

    pub(crate) fn is_genuine(self) -> bool {
        matches!(self, Self::Genuine(_))
    }

    /// The refusals that fit this card, by `cie::Error::code`; none for a card that has to be accepted.
    pub(crate) fn refusals(self, flow: Flow) -> &'static [&'static str] {
        match (self, flow) {
            (Self::Genuine(_), _) => &[],
            (Self::Copy, Flow::Nis) => &["chip-not-authentic"],
            (Self::Copy | Self::AnotherNumber | Self::AnotherSecurityObject, _) => &["file-altered"],
            (Self::UnknownCountry, _) => &["issuer-unknown"],
            (Self::Contact, _) => &["not-a-cie"],
            (Self::Mute, _) => &["card-unpowered"],
            (Self::Silent | Self::Nothing | Self::Short, _) => &["card-mute"],
            (Self::Garbage, _) => &["not-a-cie", "card-malformed"],
        }
    }
}

/// What happens while the kiosk reads the card. Exchanges are counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The card goes with the command, which it does not carry out.
    Before(usize),
    /// The card carries the command out, and goes with its answer.
    After(usize),
    /// The card goes within its answer.
    Within(usize),
    /// The card says nothing from this command on.
    Silence(usize),
    /// The card goes with its answer, and another person's is laid on at once.
    Swap(usize),
    /// The card is taken away so many milliseconds after it was laid on, whatever happens then.
    Early(u64),
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Before(_) => "gone before exchange N",
            Self::After(_) => "gone after exchange N",
            Self::Within(_) => "gone within answer N",
            Self::Silence(_) => "silent from exchange N",
            Self::Swap(_) => "exchanged at N",
            Self::Early(_) => "taken away at any moment",
        }
    }

    /// The exchange at which it happens.
    pub(crate) fn exchange(self) -> Option<usize> {
        match self {
            Self::Before(at) | Self::After(at) | Self::Within(at) | Self::Silence(at) | Self::Swap(at) => {
                Some(at)
            }
            Self::None | Self::Early(_) => None,
        }
    }

    /// The refusals that fit a genuine card to which this happens.
    pub(crate) fn refusals(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Silence(_) => &["card-mute"],
            Self::Before(_) | Self::After(_) | Self::Within(_) | Self::Swap(_) => {
                &["card-mute", "card-removed"]
            }
            Self::Early(_) => &["card-mute", "card-removed", "no-card"],
        }
    }
}

/// One card laid on a reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Insertion {
    pub(crate) kind: Kind,
    pub(crate) flow: Flow,
    pub(crate) fault: Fault,
    /// Which of the people.
    pub(crate) person: usize,
    /// Whether the kiosk forgets the cards that it has seen: then it asks for everything.
    pub(crate) fresh: bool,
}

impl Insertion {
    /// A genuine card to which nothing happens.
    pub(crate) fn plain(flow: Flow, chip: Chip, person: usize) -> Self {
        Self { kind: Kind::Genuine(chip), flow, fault: Fault::None, person, fresh: false }
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.kind.is_genuine() && self.fault == Fault::None
    }

    /// How many cards it takes.
    fn cards(&self) -> usize {
        if matches!(self.fault, Fault::Swap(_)) { 2 } else { 1 }
    }
}

/// What is done on one reader without a break: perhaps something bad, and a genuine card that must be accepted.
pub(crate) type Visit = Vec<Insertion>;

/// Cards that are laid on in a visit.
pub(crate) fn cards(visit: &[Insertion]) -> usize {
    visit.iter().map(Insertion::cards).sum()
}

/// A sequence of numbers that looks random (SplitMix64).
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// How many people have genuine cards.
pub(crate) const PEOPLE: usize = 2;

const WRONG: [Kind; 10] = [
    Kind::Copy,
    Kind::AnotherNumber,
    Kind::AnotherSecurityObject,
    Kind::UnknownCountry,
    Kind::Contact,
    Kind::Mute,
    Kind::Silent,
    Kind::Nothing,
    Kind::Short,
    Kind::Garbage,
];

/// How many exchanges each flow has, and the chip with which it has most of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths(BTreeMap<Flow, (usize, Option<Chip>)>);

impl Lengths {
    pub(crate) fn of(&self, flow: Flow) -> (usize, Option<Chip>) {
        self.0.get(&flow).copied().unwrap_or_default()
    }

    /// A flow was seen to have so many with this card.
    pub(crate) fn see(&mut self, insertion: &Insertion, exchanges: usize) {
        let Kind::Genuine(chip) = insertion.kind else { return };
        if exchanges > self.of(insertion.flow).0 {
            self.0.insert(insertion.flow, (exchanges, Some(chip)));
        }
    }
}

/// Every visit of a run: what must occur once, then chance, until so many cards were laid on. The order is chance.
///
/// The flow `genuine` is the beginning of `sign`: the exchanges of the other two are covered one by one.
pub(crate) fn visits(total: usize, lengths: &Lengths, seed: u64) -> Result<VecDeque<Visit>, String> {
    let mut dice = Dice::new(seed);
    let mut visits = Vec::new();
    for flow in [Flow::Nis, Flow::Sign] {
        let (length, Some(longest)) = lengths.of(flow) else { return Err("no flow was measured".to_owned()) };
        let mut faults: Vec<_> = (1..=length)
            .map(|at| {
                let fault = gone(&mut dice, at);
                Insertion { kind: Kind::Genuine(longest), ..faulty(&mut dice, flow, fault) }
            })
            .collect();
        for at in (1..faults.len()).rev() {
            faults.swap(at, dice.below(at + 1));
        }
        // Two at a time, so that a run of 200 has them all; the reader is seen to recover from both.
        visits.extend(faults.chunks(2).map(|faults| with_end(&mut dice, faults.to_vec())));
    }
    for kind in WRONG {
        for flow in Flow::ALL {
            // A chip that is genuine shows nothing else over its channel; those that never answer do so in every flow.
            let once = matches!(kind, Kind::AnotherNumber | Kind::Mute | Kind::Silent | Kind::Nothing);
            if !once || flow == Flow::Nis {
                visits.push(wrong(&mut dice, kind, flow));
            }
        }
    }
    for flow in Flow::ALL {
        let at = 1 + dice.below(lengths.of(flow).0);
        let card = faulty(&mut dice, flow, Fault::Silence(at));
        visits.push(with_end(&mut dice, vec![card]));
        visits.push(early(&mut dice, flow));
        let at = 1 + dice.below(lengths.of(flow).0);
        let card = faulty(&mut dice, flow, Fault::Swap(at));
        visits.push(with_end(&mut dice, vec![card]));
    }
    let least: usize = visits.iter().map(|visit| cards(visit)).sum();
    if least > total {
        return Err(format!("at least {least} insertions are needed to have everything once"));
    }
    let mut laid = least;
    while laid < total {
        let flow = dice.pick(&Flow::ALL);
        let visit = match dice.below(100) {
            _ if laid + 1 == total => vec![plain(&mut dice)],
            0..35 => vec![plain(&mut dice)],
            35..65 => {
                let at = 1 + dice.below(lengths.of(flow).0);
                let fault = if dice.below(3) == 0 { Fault::Swap(at) } else { gone(&mut dice, at) };
                let card = faulty(&mut dice, flow, fault);
                with_end(&mut dice, vec![card])
            }
            65..70 => {
                let at = 1 + dice.below(lengths.of(flow).0);
                let card = faulty(&mut dice, flow, Fault::Silence(at));
                with_end(&mut dice, vec![card])
            }
            70..78 => early(&mut dice, flow),
            _ => match dice.pick(&WRONG) {
                Kind::AnotherNumber => wrong(&mut dice, Kind::AnotherNumber, Flow::Nis),
                kind => wrong(&mut dice, kind, flow),
            },
        };
        laid += cards(&visit);
        visits.push(visit);
    }
    for at in (1..visits.len()).rev() {
        visits.swap(at, dice.below(at + 1));
    }
    Ok(visits.into())
}

/// The card goes at this exchange, in one way or another.
fn gone(dice: &mut Dice, at: usize) -> Fault {
    dice.pick(&[Fault::Before(at), Fault::After(at), Fault::Within(at)])
}

/// A genuine card of chance, to which nothing happens.
pub(crate) fn plain(dice: &mut Dice) -> Insertion {
    Insertion::plain(dice.pick(&Flow::ALL), dice.pick(&Chip::ALL), dice.below(PEOPLE))
}

fn wrong(dice: &mut Dice, kind: Kind, flow: Flow) -> Visit {
    // Of a card that was here before, the EF.SOD that it gave then is the one that counts.
    let fresh = kind == Kind::AnotherSecurityObject;
    vec![Insertion { kind, flow, fault: Fault::None, person: dice.below(PEOPLE), fresh }, plain(dice)]
}

fn early(dice: &mut Dice, flow: Flow) -> Visit {
    let fault = Fault::Early(dice.below(900) as u64);
    vec![Insertion { fault, flow, ..plain(dice) }, plain(dice)]
}

fn faulty(dice: &mut Dice, flow: Flow, fault: Fault) -> Insertion {
    Insertion { fault, flow, fresh: true, ..plain(dice) }
}

/// What ends with a genuine card that must be accepted.
fn with_end(dice: &mut Dice, mut visit: Visit) -> Visit {
    visit.push(plain(dice));
    visit
}
