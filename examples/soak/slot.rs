//! One reader and whoever lays cards on it: each insertion is judged until the kiosk has had its last word about it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use cie::emulator::SoftCard;

use super::cards::body;
use super::kiosk::DEADLINE;
use super::plan::{Dice, Fault, Flow, Insertion, PEOPLE, Visit, plain};
use super::street::Street;
use super::tally::End;
use super::weather::{LOOK, left};
use super::wire::{self, Laid};
use super::words::{Order, Said};

/// What a busy machine may add to everything that takes time.
const ALLOWANCE: Duration = Duration::from_secs(4);
/// From laying a card on to its end: the service looks twice (an earlier card went, this one came), a reader is
/// waited for that hangs, and one exchange is not answered. After that nothing more is asked.
pub(crate) const BOUND: Duration =
    LOOK.saturating_mul(2).saturating_add(DEADLINE.saturating_mul(2)).saturating_add(ALLOWANCE);
/// From the card's end until an event about it must have come, if any comes.
const LATE: Duration = LOOK.saturating_mul(2);
/// From a card's end until the service has certainly looked. A reset of a card that went meanwhile makes pcscd (1.9.9)
/// say that the reader is empty before it has looked; a card laid on before it does is then never told of.
const APART: Duration = LOOK.saturating_add(Duration::from_millis(150));
/// How often a genuine card is laid on again because the service was lost once more.
const AGAIN: usize = 5;
/// How much is kept of what was heard.
const TRAIL: usize = 16;
/// What may be said of any card while the service is lost, hangs, or comes back.
const SERVICE: [&str; 6] =
    ["no-service", "no-reader", "no-card", "card-mute", "card-removed", "reader-stuck"];

/// What a reader's owner hears.
pub(crate) enum Note {
    Said(Said),
    /// The fault took the card away.
    Fired,
}

/// A card that is or was on the reader in this insertion.
struct Hand {
    laid: Laid,
    card: Option<SoftCard>,
    person: usize,
    tries: u8,
}

/// What came before an insertion on this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Fault,
    Service,
}

pub(crate) struct Slot {
    number: usize,
    port: u16,
    notes: Receiver<Note>,
    own: Sender<Note>,
    dice: Dice,
    /// The reader's name, while it is there.
    reader: Option<String>,
    lying: bool,
    /// Cards about which the kiosk has not had its last word.
    pending: BTreeSet<u64>,
    before: Before,
    /// Until then the service may still tell of a card that was there when the reader came.
    settled: Instant,
    /// The kiosk told of a card since that was last asked for.
    told: bool,
    /// What was heard last, for whoever looks for the cause of a failure.
    trail: VecDeque<String>,
    born: Instant,
    /// When the last card was taken away.
    emptied: Instant,
}

impl Slot {
    pub(crate) fn new(number: usize, notes: Receiver<Note>, own: Sender<Note>, seed: u64) -> Self {
        Self {
            number,
            port: super::weather::port(number),
            notes,
            own,
            dice: Dice::new(seed),
            reader: None,
            lying: false,
            pending: BTreeSet::new(),
            before: Before::Nothing,
            settled: Instant::now(),
            told: false,
            trail: VecDeque::new(),
            born: Instant::now(),
            emptied: Instant::now(),
        }
    }

    /// Lays on what comes, until nothing more does.
    pub(crate) fn work(&mut self, street: &Street) {
        while let Some(visit) = street.next() {
            self.visit(street, &visit);
        }
    }

    fn visit(&mut self, street: &Street, visit: &Visit) {
        for insertion in visit {
            street.began();
            match self.insertion(street, insertion) {
                Ok(true) => {}
                Ok(false) => self.recover(street, insertion),
                Err(failure) => {
                    self.emptied = Instant::now();
                    let trail = &self.trail;
                    street
                        .fail(format!("reader {}, {insertion:?}: {failure}; before: {trail:?}", self.number));
                    self.recover(street, insertion);
                }
            }
        }
    }

    /// A genuine card must be accepted after the service was lost; a fault that did not come to pass is left for later.
    fn recover(&mut self, street: &Street, disturbed: &Insertion) {
        let mut again = plain(&mut self.dice);
        if disturbed.is_plain() {
            again = *disturbed;
        } else if disturbed.fault.exchange().is_some() {
            street.postpone(vec![*disturbed]);
        }
        for _ in 0..AGAIN {
            self.before = Before::Service;
            street.tally().again += 1;
            match self.insertion(street, &again) {
                Ok(true) => return,
                Ok(false) => {}
                Err(failure) => street.fail(format!(
                    "reader {}, after the service was lost, {again:?}: {failure}; before: {:?}",
                    self.number, self.trail
                )),
            }
        }
        street.fail(format!("reader {}: no card was accepted in {AGAIN} insertions", self.number));
    }

    /// Lays a card on and takes it away after its end; whether the service was there all the while.
    fn insertion(&mut self, street: &Street, insertion: &Insertion) -> Result<bool, String> {
        let mut changes = self.ready(street)?;
        self.order(street, Order { flow: insertion.flow, fresh: insertion.fresh })?;
        // What the kiosk said before it heard the order may have been that the service is gone.
        while !self.is_empty(street) {
            changes = self.ready(street)?;
        }
        let mut hands = vec![self.lay(street, insertion)?];
        let began = Instant::now();
        let early =
            if let Fault::Early(after) = insertion.fault { Some(Duration::from_millis(after)) } else { None };
        let (mut until, mut fired, mut end, mut seen) = (began + BOUND, None, None, false);
        let disturbed = || street.weather.changes() != changes;

        while early.is_none_or(|early| began.elapsed() < early) {
            let lost = disturbed();
            if lost && street.weather.changes() % 2 == 0 {
                break;
            }
            if left(until).is_zero() && !lost {
                let cards = states(&hands);
                return Err(format!("no end within {BOUND:?}; {cards}; the kiosk: {}", street.described()));
            }
            if !lost && hands.len() > 1 && fired.is_some_and(|fired| self.is_unseen(fired)) {
                end = Some(End::Unseen);
                break;
            }
            let note = self.take(began + early.unwrap_or(BOUND * 10));
            seen |= matches!(&note, Some(Note::Said(Said::Card(..) | Said::Mute(_))));
            match note {
                Some(Note::Fired) => {
                    fired = Some(Instant::now());
                    street.tally().cover(insertion.flow, insertion.fault);
                    if matches!(insertion.fault, Fault::Swap(_)) {
                        self.told = false;
                        let person = (insertion.person + 1) % PEOPLE;
                        hands
                            .push(self.lay(street, &Insertion { person, fault: Fault::None, ..*insertion })?);
                        until = Instant::now() + BOUND;
                    }
                }
                Some(Note::Said(Said::Mute(_))) if hands.iter().all(|hand| hand.card.is_none()) => {
                    end = Some(End::Mute);
                    break;
                }
                Some(Note::Said(said)) => {
                    if matches!(said, Said::Refused(..)) {
                        let cards = states(&hands);
                        self.trace(&cards);
                    }
                    let Some(found) = judge(street, insertion, &hands, &said, fired.is_some(), &disturbed)?
                    else {
                        continue;
                    };
                    let waits_for_next = hands.len() > 1 && found != End::Accepted;
                    if waits_for_next || insertion.kind == super::plan::Kind::Mute {
                        continue;
                    }
                    end = Some(found);
                    break;
                }
                None => {}
            }
        }
        let took = fired.unwrap_or(began).elapsed();
        self.leave(street, insertion, &mut hands, seen, fired.is_some(), &changes, &mut end)?;
        if matches!(insertion.fault, Fault::Silence(at) if hands.iter().any(|hand| hand.laid.exchanges() >= at))
        {
            street.tally().cover(insertion.flow, insertion.fault);
        }
        let lost = disturbed();
        self.count(street, insertion, &hands, end, lost, took)?;
        Ok(!lost)
    }

    /// Whether the service would have told of an exchange by now, and the kiosk has had its last word about the first
    /// card. The virtual reader lets the second one take its place within one look; one of plastic takes longer.
    fn is_unseen(&self, exchanged: Instant) -> bool {
        !self.told && self.pending.is_empty() && exchanged.elapsed() > LATE * 2
    }

    /// Waits until the service is there, and the kiosk knows that nothing lies on the reader.
    fn ready(&mut self, street: &Street) -> Result<u64, String> {
        let mut changes = street.weather.calm();
        let mut until = Instant::now() + BOUND;
        while !self.is_empty(street) {
            self.take(until);
            if street.weather.changes() != changes {
                changes = street.weather.calm();
                until = Instant::now() + BOUND;
            } else if left(until).is_zero() {
                let (reader, lying, pending) = (&self.reader, self.lying, &self.pending);
                let kiosk = street.described();
                return Err(format!(
                    "not empty within {BOUND:?}: {reader:?}, {lying}, {pending:?}; the kiosk: {kiosk}"
                ));
            }
        }
        Ok(changes)
    }

    /// Whether the reader is there, with nothing on it, and neither the service nor the kiosk can still think otherwise:
    /// a service that was paused tells at first what it knew before.
    fn is_empty(&self, street: &Street) -> bool {
        let settled = (self.settled.max(self.emptied + APART)).max(street.weather.since() + LATE);
        self.reader.is_some() && !self.lying && self.pending.is_empty() && left(settled).is_zero()
    }

    fn order(&mut self, street: &Street, order: Order) -> Result<(), String> {
        let Some(reader) = self.reader.clone() else { return Err("no reader".to_owned()) };
        street.say(&order.line(&reader)).map_err(|error| error.to_string())?;
        let until = Instant::now() + ALLOWANCE;
        while !left(until).is_zero() {
            if let Some(Note::Said(Said::Ready(_))) = self.take(until) {
                return Ok(());
            }
        }
        Err("the kiosk does not hear".to_owned())
    }

    fn lay(&mut self, street: &Street, insertion: &Insertion) -> Result<Hand, String> {
        let seed = self.dice.next();
        let card = street.stock.card(insertion, seed).map_err(|error| error.to_string())?;
        let body = body(insertion.kind, card.as_ref(), seed);
        let own = self.own.clone();
        let fired = move || drop(own.send(Note::Fired));
        let laid = wire::lay(self.port, body, insertion.fault, fired).map_err(|error| error.to_string())?;
        self.trace("laid on");
        street.tally().laid += 1;
        let tries = card.as_ref().map_or(0, SoftCard::pin_tries);
        Ok(Hand { laid, card, person: insertion.person, tries })
    }

    /// The next note, in a twentieth of a second at most: the weather is looked at in between.
    fn take(&mut self, until: Instant) -> Option<Note> {
        let note = match self.notes.recv_timeout(left(until).min(Duration::from_millis(50))) {
            Ok(note) => note,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        if let Note::Said(said) = &note {
            self.trace(said.line().trim_end());
            match said {
                Said::Reader(reader) => {
                    (self.reader, self.lying) = (Some(reader.clone()), false);
                    self.settled = Instant::now() + LATE;
                }
                Said::ReaderGone(_) => (self.reader, self.lying) = (None, false),
                Said::Card(_, serial) => {
                    (self.lying, self.told) = (true, true);
                    self.pending.insert(*serial);
                }
                Said::Mute(_) => self.lying = true,
                Said::Gone(_) => self.lying = false,
                Said::Accepted(_, serial, _) | Said::Refused(_, serial, ..) => {
                    self.pending.remove(serial);
                }
                _ => {}
            }
        }
        Some(note)
    }

    fn trace(&mut self, what: &str) {
        self.trail.truncate(TRAIL - 1);
        self.trail.push_front(format!("{:.2} {what}", self.born.elapsed().as_secs_f64()));
    }

    /// Takes all cards away, and waits until the kiosk has noticed and has said its last word about each.
    #[allow(clippy::too_many_arguments, reason = "all of it is of one insertion")]
    fn leave(
        &mut self,
        street: &Street,
        insertion: &Insertion,
        hands: &mut [Hand],
        mut seen: bool,
        fired: bool,
        changes: &u64,
        end: &mut Option<End>,
    ) -> Result<(), String> {
        hands.iter_mut().for_each(|hand| hand.laid.remove());
        self.trace("taken away");
        let gone = Instant::now();
        self.emptied = gone;
        let mut calm = street.weather.calm();
        let mut until = Instant::now() + BOUND;
        while self.lying || !self.pending.is_empty() || (!seen && gone.elapsed() < LATE) {
            if street.weather.changes() != calm {
                calm = street.weather.calm();
                until = Instant::now() + BOUND;
            }
            if left(until).is_zero() {
                let (lying, pending) = (self.lying, &self.pending);
                let kiosk = street.described();
                return Err(format!("not over within {BOUND:?}: {lying}, {pending:?}; the kiosk: {kiosk}"));
            }
            let Some(Note::Said(said)) = self.take(until) else { continue };
            seen |= matches!(said, Said::Card(..) | Said::Mute(_));
            let disturbed = || street.weather.changes() != *changes;
            let found = judge(street, insertion, hands, &said, fired, &disturbed)?;
            if end.is_none() {
                *end = found;
            }
        }
        street.tally().leavings.push(gone.elapsed());
        Ok(())
    }

    /// Looks at the cards, and notes what happened.
    fn count(
        &mut self,
        street: &Street,
        insertion: &Insertion,
        hands: &[Hand],
        end: Option<End>,
        lost: bool,
        took: Duration,
    ) -> Result<(), String> {
        let end = match end {
            Some(end) => end,
            None if lost => End::Disturbed,
            None if matches!(insertion.fault, Fault::Early(_)) => End::Unnoticed,
            None => return Err("no end".to_owned()),
        };
        let swapped = hands.len() > 1;
        let unserved = swapped && end == End::Unseen && !lost;
        if unserved && hands.last().is_some_and(|hand| hand.laid.exchanges() > 0) {
            return Err("a card that nobody noticed was sent commands".to_owned());
        }
        let mut tally = street.tally();
        for hand in hands {
            let Some(card) = &hand.card else { continue };
            let (tries, shown) = (card.pin_tries(), card.verify_count());
            tally.pins += shown;
            if tries != hand.tries {
                return Err(format!("{tries} of {} tries are left", hand.tries));
            }
            // One insertion is one attempt; after the service came back the card that lies there is served again.
            let may = insertion.flow == Flow::Sign && insertion.kind.is_genuine();
            let most = if !may {
                0
            } else if lost {
                2
            } else {
                1
            };
            if shown > most {
                return Err(format!("{shown} PINs were shown"));
            }
        }
        let last = hands.last().and_then(|hand| hand.card.as_ref());
        if end == End::Accepted
            && insertion.flow == Flow::Sign
            && last.is_none_or(|card| card.verify_count() == 0)
        {
            return Err("accepted without a PIN".to_owned());
        }
        tally.end(insertion, &end, lost);
        if end == End::Accepted && !lost && insertion.fault == Fault::None || swapped && end == End::Accepted
        {
            let times = match self.before {
                _ if swapped => &mut tally.recoveries,
                Before::Nothing => &mut tally.calm,
                Before::Fault => &mut tally.recoveries,
                Before::Service => &mut tally.after_service,
            };
            times.push(took);
            if insertion.fresh && !swapped {
                drop(tally);
                street.measured(insertion, hands.iter().map(|hand| hand.laid.exchanges()).sum());
            }
        }
        self.before = if lost {
            Before::Service
        } else if insertion.is_plain() || swapped && end == End::Accepted {
            Before::Nothing
        } else {
            Before::Fault
        };
        Ok(())
    }
}

/// What became of the cards on the wire.
fn states(hands: &[Hand]) -> String {
    let state = |hand: &Hand| {
        let (looks, exchanges, over) = (hand.laid.looks(), hand.laid.exchanges(), hand.laid.is_over());
        format!("looked at {looks} times, {exchanges} exchanges{}", if over { ", hung up" } else { "" })
    };
    hands.iter().map(state).collect::<Vec<_>>().join("; ")
}

/// Whether what the kiosk says of a card is what it may say: the end of an insertion, if it is one.
fn judge(
    street: &Street,
    insertion: &Insertion,
    hands: &[Hand],
    said: &Said,
    fired: bool,
    disturbed: &dyn Fn() -> bool,
) -> Result<Option<End>, String> {
    let reached = match insertion.fault {
        Fault::Silence(at) => hands.iter().any(|hand| hand.laid.exchanges() >= at),
        _ => fired,
    };
    match said {
        Said::Accepted(_, _, what) => {
            // Of two cards only the second one can have answered everything.
            let hand = hands.last().filter(|_| insertion.kind.is_genuine() && (!reached || hands.len() > 1));
            let right = hand.is_some_and(|hand| street.stock.is_right(insertion.flow, hand.person, what));
            if right { Ok(Some(End::Accepted)) } else { Err(format!("accepted: {what}")) }
        }
        Said::Refused(_, _, code, text) => {
            let fits = |codes: &[&str]| codes.contains(&code.as_str());
            let fault = if reached || matches!(insertion.fault, Fault::Early(_)) {
                insertion.fault.refusals()
            } else {
                &[]
            };
            let fit = fits(insertion.kind.refusals(insertion.flow)) || fits(fault);
            if fit || disturbed() && fits(&SERVICE) {
                Ok(Some(End::Refused(code.clone())))
            } else {
                Err(format!("refused: {code}: {text}"))
            }
        }
        _ => Ok(None),
    }
}
