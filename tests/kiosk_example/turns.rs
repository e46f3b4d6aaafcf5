//! Turns at the counter, one rule after the other.

use std::time::{Duration, Instant};

use cie::transport::pcsc::Event;
use cie::{Language, kiosk};

use crate::model::{CHOICE, Input, Model, NOTICE, Order, Outcome, PATIENCE, Person, Settings, Turn, View};

pub(crate) const SHOW_FOR: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(1);

pub(crate) fn settings() -> Settings {
    Settings { reader: None, show_for: SHOW_FOR, language: Language::Italian, allow_test: false }
}

pub(crate) fn added(reader: &str) -> Input {
    Input::Desk(Event::ReaderAdded { reader: reader.to_owned() })
}

pub(crate) fn unplugged(reader: &str) -> Input {
    Input::Desk(Event::ReaderRemoved { reader: reader.to_owned() })
}

pub(crate) fn laid(reader: &str) -> Input {
    Input::Desk(Event::CardInserted { reader: reader.to_owned(), atr: vec![0x3B] })
}

pub(crate) fn mute(reader: &str) -> Input {
    Input::Desk(Event::CardMute { reader: reader.to_owned() })
}

pub(crate) fn gone(reader: &str) -> Input {
    Input::Desk(Event::CardRemoved { reader: reader.to_owned() })
}

pub(crate) fn person(words: &str) -> Person {
    Person { words: Some(words.to_owned()), ending: "123".to_owned(), is_test: false }
}

pub(crate) fn genuine(turn: Turn, words: &str) -> Input {
    Input::Checked { turn, outcome: Outcome::Genuine(person(words)) }
}

fn refused(turn: Turn, error: impl Into<cie::Error>) -> Input {
    Input::Checked { turn, outcome: Outcome::Refused(error.into().into()) }
}

/// A counter with two readers, and the moment.
struct Counter {
    model: Model,
    now: Instant,
}

impl Counter {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let mut counter = Self { model: Model::new(settings), now: Instant::now() };
        assert_eq!(counter.model.view(), View::NoReader);
        counter.step(added("a"));
        counter.step(added("b"));
        counter
    }

    fn step(&mut self, input: Input) -> Option<Order> {
        self.now += MOMENT;
        self.model.step(input, self.now)
    }

    /// Lays a card on that is to be checked at once.
    fn ordered(&mut self, reader: &str) -> Turn {
        let order = self.step(laid(reader)).unwrap();
        assert_eq!((&*order.reader, self.model.view()), (reader, View::Checking));
        order.turn
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        assert_eq!(self.model.step(Input::Tick, self.now), None);
    }

    #[track_caller]
    fn shows(&self, words: &str) {
        let View::MayPass { words: shown, .. } = self.model.view() else { panic!("{:?}", self.model) };
        assert_eq!(shown, words);
    }

    #[track_caller]
    fn refuses(&self, code: &str) {
        let View::Refused(refusal) = self.model.view() else { panic!("{:?}", self.model) };
        assert_eq!(refusal.code, code);
    }
}

#[test]
fn a_turn_from_the_first_to_the_last() {
    let mut counter = Counter::new();
    assert_eq!(counter.model.view(), View::Welcome);
    let turn = counter.ordered("a");
    counter.step(genuine(turn, "Anna"));
    counter.shows("Anna");
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::Welcome);
    // The next one is somebody else, and not on the list.
    let turn = counter.ordered("a");
    let outcome = Outcome::Genuine(Person { words: None, ..person("") });
    counter.step(Input::Checked { turn, outcome });
    assert!(matches!(counter.model.view(), View::MayNotPass(_)));
    counter.step(gone("a"));
    let turn = counter.ordered("b");
    counter.step(refused(turn, kiosk::Error::NotGenuine));
    counter.refuses("chip-not-authentic");
    counter.step(gone("b"));
    assert_eq!(counter.model.view(), View::Welcome);
}

#[test]
fn a_result_that_comes_too_late_is_nobodys() {
    let mut counter = Counter::new();
    let first = counter.ordered("a");
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::TooEarly);
    counter.step(genuine(first, "Anna"));
    assert_eq!(counter.model.view(), View::TooEarly);
    counter.pass(NOTICE);
    assert_eq!(counter.model.view(), View::Welcome);
    counter.step(genuine(first, "Anna"));
    assert_eq!(counter.model.view(), View::Welcome);
    // Nor the next person's on the same reader.
    let second = counter.ordered("a");
    assert_ne!(first, second);
    counter.step(genuine(first, "Anna"));
    assert_eq!(counter.model.view(), View::Checking);
    counter.step(genuine(second, "Bruno"));
    counter.step(genuine(first, "Anna"));
    counter.shows("Bruno");
    // And none is shown twice.
    counter.pass(SHOW_FOR);
    counter.step(genuine(second, "Bruno"));
    assert_eq!(counter.model.view(), View::TakeCard);
}

#[test]
fn nobody_is_shown_longer_than_was_said() {
    let mut counter = Counter::new();
    let turn = counter.ordered("a");
    counter.step(genuine(turn, "Anna"));
    counter.pass(SHOW_FOR - MOMENT);
    counter.shows("Anna");
    assert_eq!(counter.model.deadline(), Some(counter.now + MOMENT));
    counter.pass(MOMENT);
    assert_eq!((counter.model.view(), counter.model.deadline()), (View::TakeCard, None));
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::Welcome);
}

#[test]
fn whatever_goes_takes_the_person_along() {
    for input in [gone("a"), unplugged("a"), Input::Desk(Event::ServiceLost), laid("a"), mute("a")] {
        let mut counter = Counter::new();
        let turn = counter.ordered("a");
        counter.step(genuine(turn, "Anna"));
        counter.shows("Anna");
        counter.step(input.clone());
        assert!(!matches!(counter.model.view(), View::MayPass { .. }), "{input:?}");
    }
    // What happens at the other reader does not.
    for input in [gone("b"), unplugged("b"), laid("b"), added("c"), Input::SwitchLanguage] {
        let mut counter = Counter::new();
        let turn = counter.ordered("a");
        counter.step(genuine(turn, "Anna"));
        assert_eq!(counter.step(input), None);
        counter.shows("Anna");
    }
}

#[test]
fn a_service_that_comes_back_begins_anew() {
    let mut counter = Counter::new();
    counter.ordered("a");
    counter.step(Input::Desk(Event::ServiceLost));
    assert_eq!((counter.model.view(), counter.model.deadline()), (View::NoService, None));
    counter.step(Input::Desk(Event::ServiceBack));
    assert_eq!(counter.model.view(), View::NoReader);
    counter.step(added("a"));
    assert_eq!(counter.model.view(), View::Welcome);
    let turn = counter.ordered("a");
    counter.step(genuine(turn, "Anna"));
    counter.shows("Anna");
}

#[test]
fn one_card_at_a_time_and_a_forgotten_one_keeps_nobody() {
    let mut counter = Counter::new();
    let first = counter.ordered("a");
    assert_eq!(counter.step(laid("b")), None);
    assert!(counter.model.others_wait());
    counter.step(genuine(first, "Anna"));
    counter.shows("Anna");
    // The first leaves, the second is next.
    let second = counter.step(gone("a")).unwrap();
    assert_eq!((&*second.reader, counter.model.others_wait()), ("b", false));
    counter.step(genuine(second.turn, "Bruno"));
    counter.shows("Bruno");
    // It is forgotten there.
    counter.pass(SHOW_FOR);
    assert_eq!(counter.model.view(), View::TakeCard);
    let third = counter.ordered("a");
    counter.step(genuine(third, "Carla"));
    counter.shows("Carla");
    assert_eq!(counter.step(gone("a")), None);
    assert_eq!(counter.model.view(), View::TakeCard);
    // One that waits while another is shown to the end is served then.
    let fourth = counter.ordered("a");
    counter.step(gone("b"));
    counter.step(laid("b"));
    counter.step(genuine(fourth, "Dario"));
    counter.now += SHOW_FOR;
    let fifth = counter.step(Input::Tick).unwrap();
    assert_eq!(fifth.reader, "b");
    // One that was taken away while it waited is not.
    counter.step(genuine(fifth.turn, "Elsa"));
    counter.step(gone("a"));
    counter.step(laid("a"));
    counter.step(gone("a"));
    assert_eq!(counter.step(gone("b")), None);
    assert_eq!(counter.model.view(), View::Welcome);
}

#[test]
fn cards_that_do_not_answer_and_checks_without_end() {
    let mut counter = Counter::new();
    assert_eq!(counter.step(mute("a")), None);
    counter.refuses("card-unpowered");
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::Welcome);
    let turn = counter.ordered("a");
    counter.pass(PATIENCE - MOMENT);
    assert_eq!(counter.model.view(), View::Checking);
    counter.pass(MOMENT);
    counter.refuses("reader-stuck");
    counter.step(genuine(turn, "Anna"));
    counter.refuses("reader-stuck");
}

#[test]
fn a_card_that_was_moved_is_asked_for_again() {
    let mut counter = Counter::new();
    let turn = counter.ordered("a");
    counter.step(refused(turn, cie::transport::Error::NoAnswer));
    counter.refuses("card-mute");
    // The service tells half a second later that it is gone.
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::TooEarly);
    counter.step(laid("a"));
    assert_eq!(counter.model.view(), View::Checking);
    // A copy that is taken away is not asked for again.
    let mut counter = Counter::new();
    let turn = counter.ordered("a");
    counter.step(refused(turn, kiosk::Error::NotGenuine));
    counter.step(gone("a"));
    assert_eq!(counter.model.view(), View::Welcome);
}

#[test]
fn other_readers_than_the_one_that_was_named_do_not_count() {
    let mut counter = Counter {
        model: Model::new(Settings { reader: Some("ACME".into()), ..settings() }),
        now: Instant::now(),
    };
    counter.step(added("Other 00 00"));
    assert_eq!(counter.model.view(), View::NoReader);
    assert_eq!(counter.step(laid("Other 00 00")), None);
    assert_eq!(counter.step(mute("Other 00 00")), None);
    counter.step(added("ACME 00 00"));
    assert_eq!(counter.model.view(), View::Welcome);
    counter.ordered("ACME 00 00");
}

#[test]
fn a_software_card_passes_only_where_that_was_asked_for() {
    for allow_test in [false, true] {
        let mut counter = Counter::with(Settings { allow_test, ..settings() });
        let turn = counter.ordered("a");
        let outcome = Outcome::Genuine(Person { is_test: true, ..person("Anna") });
        counter.step(Input::Checked { turn, outcome });
        if allow_test { counter.shows("Anna") } else { counter.refuses("test-certificate") }
    }
}

#[test]
fn a_language_is_for_a_turn() {
    let mut counter = Counter::new();
    counter.step(Input::SwitchLanguage);
    assert_eq!(counter.model.language(), Language::English);
    // It stays while a card is served, however long.
    counter.pass(CHOICE - 2 * MOMENT);
    let turn = counter.ordered("a");
    counter.step(genuine(turn, "Anna"));
    counter.pass(SHOW_FOR / 2);
    assert_eq!(counter.model.language(), Language::English);
    counter.step(gone("a"));
    counter.step(Input::Tick);
    assert_eq!((counter.model.language(), counter.model.deadline()), (Language::Italian, None));
    counter.step(Input::SwitchLanguage);
    counter.step(Input::SwitchLanguage);
    assert_eq!(counter.model.language(), Language::Italian);
}

#[test]
fn nothing_personal_is_printed_by_accident() {
    let mut counter = Counter::new();
    let turn = counter.ordered("a");
    let input = genuine(turn, "Anna");
    let printed = format!("{input:?}");
    counter.step(input);
    counter.shows("Anna");
    let printed = format!("{printed} {:?} {:?}", counter.model, person("Anna"));
    assert!(!printed.contains("Anna") && !printed.contains("123"), "{printed}");
}
