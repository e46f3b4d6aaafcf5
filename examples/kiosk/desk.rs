//! The desk: a thread that hears what happens at the readers, and one that checks cards, one after the other.
//!
//! Neither knows what is on the screen: one sends events, the other answers orders by their numbers. Each exchange has
//! its deadline, so a card that is silent holds the second thread for a while, and the first one never.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use cie::ias::Application;
use cie::kiosk::{SeenCards, verify_nis_with};
use cie::passive::SecurityObjectPolicy;
use cie::transport::pcsc::{Event, Service};
use cie::transport::{self, Link};
use cie::trust::TrustStore;

use super::list::List;
use super::model::{Order, Outcome, Person, Turn};

/// How long one exchange with a card may take. The slowest of a check, a signature of the chip, takes about one second.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(5);
/// How often a check is tried: a card that is being laid down is lost and found.
const TRIES: usize = 3;
/// How long the monitor waits at a time.
const LONG: Duration = Duration::from_secs(3600);
/// And right after it was made anew: whoever is still there would have said so.
const SHORT: Duration = Duration::from_secs(1);

/// What comes from the desk.
#[derive(Debug)]
pub(crate) enum Report {
    Happened(Event),
    /// The service says what has no meaning; what is known of the readers is worth nothing until it is asked anew.
    Fault(&'static str),
    Checked {
        turn: Turn,
        outcome: Outcome,
        took: Duration,
    },
}

/// Hears what happens at the readers, until nobody listens.
pub(crate) fn listen(
    service: &Service,
    mut report: impl FnMut(Report) -> Result<(), ()> + Send + 'static,
) -> io::Result<()> {
    let service = service.clone();
    let mut hear = move || {
        let mut monitor = service.monitor();
        let mut is_new = false;
        let mut was_lost = false;
        loop {
            let event = match monitor.next_event(if is_new { SHORT } else { LONG }) {
                Err(transport::Error::TimedOut) => None,
                Ok(event) => Some(event),
                Err(error) => {
                    // Cards may come and go unheard now: nobody's turn goes on.
                    monitor = service.monitor();
                    is_new = true;
                    report(Report::Fault(cie::Error::from(error).code()))?;
                    report(Report::Happened(Event::ServiceLost))?;
                    continue;
                }
            };
            let is_lost = event == Some(Event::ServiceLost);
            if std::mem::take(&mut is_new) && !is_lost {
                report(Report::Happened(Event::ServiceBack))?;
            }
            if let Some(event) = event {
                report(Report::Happened(event))?;
                // Why, which the monitor does not say: there is none, or it lets nobody in.
                if is_lost && !was_lost {
                    if let Err(error) = service.readers() {
                        report(Report::Fault(cie::Error::from(error).code()))?;
                    }
                }
                was_lost = is_lost;
            }
        }
    };
    start("kiosk monitor", move || {
        let _: Result<(), ()> = hear();
    })
}

/// A thread without which there is no counter.
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Connects to the card on a reader.
pub(crate) type Connect = Box<dyn FnMut(&str) -> Result<Link, cie::Error> + Send>;

/// What a check needs. It lives as long as the program, and so does its memory of cards.
pub(crate) struct Checker {
    pub(crate) connect: Connect,
    pub(crate) trust: TrustStore,
    pub(crate) list: List,
    pub(crate) seen: SeenCards,
}

impl Checker {
    /// Checks cards as they are ordered, until nobody listens.
    pub(crate) fn start(
        mut self,
        mut report: impl FnMut(Report) -> Result<(), ()> + Send + 'static,
    ) -> io::Result<Sender<Order>> {
        let (orders, inbox): (_, Receiver<Order>) = mpsc::channel();
        start("kiosk checker", move || {
            while let Ok(mut order) = inbox.recv() {
                // There is one turn at a time: whoever's came before is gone.
                while let Ok(newer) = inbox.try_recv() {
                    order = newer;
                }
                let began = Instant::now();
                let outcome = self.check(&order.reader);
                let checked = Report::Checked { turn: order.turn, outcome, took: began.elapsed() };
                if report(checked).is_err() {
                    break;
                }
            }
        })?;
        Ok(orders)
    }

    /// Checks the card on a reader. No command of it carries a PIN, so what was disturbed may be done again.
    pub(crate) fn check(&mut self, reader: &str) -> Outcome {
        let mut tries = 1;
        loop {
            match self.check_once(reader) {
                Ok(outcome) => return outcome,
                Err(error) if tries < TRIES && is_disturbance(&error) => tries += 1,
                Err(error) => return Outcome::Refused(error.into()),
            }
        }
    }

    fn check_once(&mut self, reader: &str) -> Result<Outcome, cie::Error> {
        let link = (self.connect)(reader)?;
        let mut application = Application::select(link).map_err(|refused| refused.error)?;
        let policy = SecurityObjectPolicy::new();
        let nis = verify_nis_with(&mut application, &self.trust, &policy, &self.seen)?;
        let words = match self.list.find(nis.digits()) {
            Ok(words) => words,
            Err(error) => return Ok(Outcome::Refused(error.into())),
        };
        let ending = nis.digits().chars().skip(9).collect();
        Ok(Outcome::Genuine(Person { words, ending, is_test: nis.is_test() }))
    }
}

/// Whether the card may simply not have lain well. One that does not come back is not asked again: its reader is stuck.
fn is_disturbance(error: &cie::Error) -> bool {
    matches!(error.code(), "card-mute" | "card-reset" | "card-unpowered")
}
