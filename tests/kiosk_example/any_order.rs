//! Whatever happens in whatever order: nobody is on the screen whose card is not there, or for too long.

use std::time::{Duration, Instant};

use cie::transport::pcsc::Event;
use proptest::prelude::*;

use crate::model::{Input, Model, Outcome, Turn, View};
use crate::turns::{SHOW_FOR, added, genuine, gone, laid, mute, settings, unplugged};

const READERS: [&str; 3] = ["a", "b", "c"];

/// Something that may happen.
#[derive(Debug, Clone)]
enum Step {
    Added(usize),
    Unplugged(usize),
    Laid(usize),
    Mute(usize),
    Gone(usize),
    Lost,
    Back,
    /// One of the orders so far is answered, well or not, however long ago it was.
    Answer(usize, bool),
    Language,
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let reader = 0..READERS.len();
    prop_oneof![
        1 => reader.clone().prop_map(Step::Added),
        1 => reader.clone().prop_map(Step::Unplugged),
        6 => reader.clone().prop_map(Step::Laid),
        1 => reader.clone().prop_map(Step::Mute),
        4 => reader.prop_map(Step::Gone),
        1 => Just(Step::Lost),
        1 => Just(Step::Back),
        6 => (0..4_usize, any::<bool>()).prop_map(|(ago, good)| Step::Answer(ago, good)),
        1 => Just(Step::Language),
        2 => Just(Step::Tick),
    ]
}

/// What the test knows by itself: which insertion lies on which reader, and who was checked when.
#[derive(Default)]
struct Known {
    insertions: usize,
    lies: [Option<usize>; READERS.len()],
    /// Of each order: its number, and the insertion that it was for.
    orders: Vec<(Turn, usize)>,
    /// Of each insertion: when its first good answer came.
    answered: Vec<Option<Instant>>,
}

impl Known {
    fn lay(&mut self, at: usize) {
        self.lies[at] = Some(self.insertions);
        self.insertions += 1;
        self.answered.push(None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn nobody_is_shown_without_their_card_or_too_long(
        steps in proptest::collection::vec((step(), 0..4000_u64), 1..60),
    ) {
        let mut now = Instant::now();
        let mut model = Model::new(settings());
        let mut known = Known::default();
        let mut shown = 0;
        for (step, milliseconds) in steps {
            now += Duration::from_millis(milliseconds);
            let input = match &step {
                Step::Added(at) => added(READERS[*at]),
                Step::Unplugged(at) => { known.lies[*at] = None; unplugged(READERS[*at]) }
                Step::Laid(at) => { known.lay(*at); laid(READERS[*at]) }
                Step::Mute(at) => { known.lay(*at); mute(READERS[*at]) }
                Step::Gone(at) => { known.lies[*at] = None; gone(READERS[*at]) }
                Step::Lost => { known.lies = Default::default(); Input::Desk(Event::ServiceLost) }
                Step::Back => Input::Desk(Event::ServiceBack),
                Step::Language => Input::SwitchLanguage,
                Step::Tick => Input::Tick,
                Step::Answer(ago, good) => {
                    let Some((turn, insertion)) = known.orders.iter().rev().nth(*ago).copied() else { continue };
                    if *good {
                        known.answered[insertion].get_or_insert(now);
                        genuine(turn, &insertion.to_string())
                    } else {
                        let error = cie::Error::from(cie::kiosk::Error::NotGenuine);
                        Input::Checked { turn, outcome: Outcome::Refused(error.into()) }
                    }
                }
            };
            if let Some(order) = model.step(input, now) {
                let at = READERS.iter().position(|reader| *reader == order.reader).unwrap();
                let insertion = known.lies[at];
                prop_assert!(insertion.is_some(), "an order for a card that is not there");
                prop_assert!(known.orders.iter().all(|(turn, _)| *turn != order.turn), "a number twice");
                known.orders.push((order.turn, insertion.unwrap()));
            }
            // A picture is drawn when it is due, too.
            prop_assert!(model.deadline().is_none_or(|at| at > now), "it would be due for ever");
            if let View::MayPass { words, .. } = model.view() {
                shown += 1;
                let insertion: usize = words.parse().unwrap();
                prop_assert!(known.lies.contains(&Some(insertion)), "{words} is shown, and the card is gone");
                let since = known.answered[insertion].unwrap();
                prop_assert!(now < since + SHOW_FOR, "{words} is shown for too long");
            }
        }
        // Once everything is gone, so is everybody.
        model.step(Input::Desk(Event::ServiceLost), now);
        prop_assert_eq!(model.view(), View::NoService);
        SHOWN.fetch_add(shown, std::sync::atomic::Ordering::Relaxed);
    }
}

static SHOWN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// The property above is about something: people are shown.
#[test]
fn people_are_shown_in_such_orders() {
    nobody_is_shown_without_their_card_or_too_long();
    assert!(SHOWN.load(std::sync::atomic::Ordering::Relaxed) > 2000);
}
