//! What the counter does, as a pure state machine: what happened and the moment go in, what is to be seen comes out.
//!
//! A card is known by the number of its insertion ([`Turn`]), never by its reader alone: a result that comes after its
//! card has left belongs to nobody and is dropped. What is kept of a person lives in one place, [`Stage::Shown`], and
//! goes with the card, with its reader, with the service, or when its time is over.

use std::fmt;
use std::time::{Duration, Instant};

use cie::transport::pcsc::Event;
use cie::{Language, transport, trust};

/// How long it is said that a card was taken away too early.
pub(crate) const NOTICE: Duration = Duration::from_secs(5);
/// How long a check may last: longer than every deadline in it together should.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a language that somebody chose outlives their turn.
pub(crate) const CHOICE: Duration = Duration::from_secs(60);

/// One insertion of a card: counted, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(pub(crate) u64);

/// What is shown of whoever has a genuine card. It is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// The words of the list; nothing for who is not on it.
    pub(crate) words: Option<String>,
    /// The last three digits of the NIS.
    pub(crate) ending: String,
    /// A software card, not a person's.
    pub(crate) is_test: bool,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person(listed: {}, test: {})", self.words.is_some(), self.is_test)
    }
}

/// Why nothing is known of whose card it is. Nothing personal is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// [`cie::Error::code`], or one of this program.
    pub(crate) code: &'static str,
}

impl From<cie::Error> for Refusal {
    fn from(error: cie::Error) -> Self {
        Self { code: error.code() }
    }
}

impl Refusal {
    /// Whether the card went away under the check.
    fn is_of_moving(&self) -> bool {
        matches!(self.code, "card-removed" | "no-card" | "card-mute")
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Genuine(Person),
    Refused(Refusal),
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// At the readers.
    Desk(Event),
    /// A check ended.
    Checked { turn: Turn, outcome: Outcome },
    /// Somebody asked for the other language.
    SwitchLanguage,
    /// Nothing but time passed.
    Tick,
}

/// A card that is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) turn: Turn,
    pub(crate) reader: String,
}

/// What does not change while the program runs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The only reader that counts, by the beginning of its name.
    pub(crate) reader: Option<String>,
    pub(crate) show_for: Duration,
    pub(crate) language: Language,
    pub(crate) allow_test: bool,
}

/// What is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View<'a> {
    NoService,
    NoReader,
    Welcome,
    Checking,
    MayPass { words: &'a str, person: &'a Person },
    MayNotPass(&'a Person),
    Refused(Refusal),
    TooEarly,
    TakeCard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Served,
    Done,
}

/// A card that lies there.
#[derive(Debug)]
struct Card {
    turn: Turn,
    reader: String,
    is_mute: bool,
    progress: Progress,
}

#[derive(Debug)]
enum Stage {
    Idle,
    Checking {
        turn: Turn,
        until: Instant,
    },
    Shown {
        turn: Turn,
        outcome: Outcome,
        until: Instant,
    },
    /// The card was taken away before it was known: of nobody.
    TooEarly {
        until: Instant,
    },
}

/// The counter.
#[derive(Debug)]
pub(crate) struct Model {
    settings: Settings,
    has_service: bool,
    readers: Vec<String>,
    /// In the order in which they came.
    cards: Vec<Card>,
    stage: Stage,
    turns: u64,
    /// The language that somebody chose, and until when.
    chosen: Option<(Language, Instant)>,
}

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            // A service without readers has nothing to tell.
            has_service: true,
            readers: Vec::new(),
            cards: Vec::new(),
            stage: Stage::Idle,
            turns: 0,
            chosen: None,
        }
    }

    /// Takes in what happened; the card that is to be checked now, if there is one.
    pub(crate) fn step(&mut self, input: Input, now: Instant) -> Option<Order> {
        // What is over is over before anything else: a program that was stopped for a while shows nothing late.
        self.expire(now);
        match input {
            Input::Desk(event) => self.happened(event, now),
            Input::Checked { turn, outcome } => self.checked(turn, outcome, now),
            Input::SwitchLanguage => {
                let other = match self.language() {
                    Language::Italian => Language::English,
                    _ => Language::Italian,
                };
                self.chosen = Some((other, now + CHOICE));
            }
            Input::Tick => {}
        }
        let order = self.serve_next(now);
        // Last, or it would be due for ever once a turn has outlived it.
        if self.chosen.is_some_and(|(_, until)| until <= now) && !self.is_serving() {
            self.chosen = None;
        }
        order
    }

    fn happened(&mut self, event: Event, now: Instant) {
        match event {
            Event::ServiceLost => {
                self.has_service = false;
                self.readers.clear();
                self.cards.clear();
                self.stage = Stage::Idle;
            }
            Event::ServiceBack => self.has_service = true,
            Event::ReaderAdded { reader } if self.counts(&reader) => {
                self.has_service = true;
                self.readers.retain(|known| *known != reader);
                self.readers.push(reader);
            }
            Event::ReaderRemoved { reader } => {
                self.leave(&reader, now);
                self.readers.retain(|known| *known != reader);
            }
            Event::CardInserted { reader, .. } if self.counts(&reader) => self.lay(reader, false, now),
            Event::CardMute { reader } if self.counts(&reader) => self.lay(reader, true, now),
            Event::CardRemoved { reader } => self.leave(&reader, now),
            _ => {}
        }
    }

    fn counts(&self, reader: &str) -> bool {
        self.settings.reader.as_ref().is_none_or(|wanted| reader.starts_with(&**wanted))
    }

    fn lay(&mut self, reader: String, is_mute: bool, now: Instant) {
        // There is one card on a reader: whatever lay there is gone, told or not.
        self.leave(&reader, now);
        self.turns += 1;
        self.cards.push(Card { turn: Turn(self.turns), reader, is_mute, progress: Progress::Waiting });
    }

    fn leave(&mut self, reader: &str, now: Instant) {
        let Some(at) = self.cards.iter().position(|card| card.reader == reader) else { return };
        let card = self.cards.remove(at);
        if card.progress != Progress::Served {
            return;
        }
        let too_early = match &self.stage {
            Stage::Checking { .. } => true,
            Stage::Shown { outcome: Outcome::Refused(refusal), .. } => {
                refusal.is_of_moving() && !card.is_mute
            }
            _ => false,
        };
        self.stage = if too_early { Stage::TooEarly { until: now + NOTICE } } else { Stage::Idle };
    }

    fn checked(&mut self, turn: Turn, outcome: Outcome, now: Instant) {
        // Of a card that left meanwhile, however the check ended.
        if !matches!(&self.stage, Stage::Checking { turn: current, .. } if *current == turn) {
            return;
        }
        let outcome = match outcome {
            Outcome::Genuine(person) if person.is_test && !self.settings.allow_test => {
                Outcome::Refused(cie::Error::from(trust::Error::TestCertificate).into())
            }
            outcome => outcome,
        };
        self.show(turn, outcome, now);
    }

    fn show(&mut self, turn: Turn, outcome: Outcome, now: Instant) {
        self.stage = Stage::Shown { turn, outcome, until: now + self.settings.show_for };
    }

    /// Ends what has lasted long enough.
    fn expire(&mut self, now: Instant) {
        match self.stage {
            Stage::Checking { turn, until } if until <= now => {
                let stuck = cie::Error::from(transport::Error::Unresponsive);
                self.show(turn, Outcome::Refused(stuck.into()), now);
            }
            Stage::Shown { turn, until, .. } if until <= now => {
                let served = self.cards.iter_mut().filter(|card| card.turn == turn);
                served.for_each(|card| card.progress = Progress::Done);
                self.stage = Stage::Idle;
            }
            Stage::TooEarly { until } if until <= now => self.stage = Stage::Idle,
            _ => {}
        }
    }

    fn is_serving(&self) -> bool {
        matches!(self.stage, Stage::Checking { .. } | Stage::Shown { .. })
    }

    /// The next card's turn, if nobody else has it. Whoever came first is first; a card that was forgotten keeps nobody.
    fn serve_next(&mut self, now: Instant) -> Option<Order> {
        if self.is_serving() {
            return None;
        }
        let card = self.cards.iter_mut().find(|card| card.progress == Progress::Waiting)?;
        card.progress = Progress::Served;
        let (turn, reader, is_mute) = (card.turn, card.reader.clone(), card.is_mute);
        if is_mute {
            let mute = cie::Error::from(transport::Error::Unpowered);
            self.show(turn, Outcome::Refused(mute.into()), now);
            return None;
        }
        self.stage = Stage::Checking { turn, until: now + PATIENCE };
        Some(Order { turn, reader })
    }

    /// What is to be seen, as of the last step.
    pub(crate) fn view(&self) -> View<'_> {
        match &self.stage {
            Stage::Shown { outcome: Outcome::Genuine(person), .. } => match &person.words {
                Some(words) => View::MayPass { words, person },
                None => View::MayNotPass(person),
            },
            Stage::Shown { outcome: Outcome::Refused(refusal), .. } => View::Refused(*refusal),
            Stage::Checking { .. } => View::Checking,
            _ if !self.has_service => View::NoService,
            _ if self.readers.is_empty() => View::NoReader,
            Stage::TooEarly { .. } => View::TooEarly,
            Stage::Idle if self.cards.is_empty() => View::Welcome,
            Stage::Idle => View::TakeCard,
        }
    }

    /// Whether cards lie there whose turn is still to come.
    pub(crate) fn others_wait(&self) -> bool {
        self.cards.iter().any(|card| card.progress == Progress::Waiting)
    }

    pub(crate) fn language(&self) -> Language {
        self.chosen.map_or(self.settings.language, |(language, _)| language)
    }

    /// Whose turn it is.
    pub(crate) fn turn(&self) -> Option<Turn> {
        match self.stage {
            Stage::Checking { turn, .. } | Stage::Shown { turn, .. } => Some(turn),
            _ => None,
        }
    }

    /// When the next step is due, if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let stage = match self.stage {
            Stage::Checking { until, .. } | Stage::Shown { until, .. } | Stage::TooEarly { until } => {
                return Some(until);
            }
            Stage::Idle => None,
        };
        stage.or(self.chosen.map(|(_, until)| until))
    }
}
