//! What happens to the service: killed, stopped, or paused for longer than any deadline, and back again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::common::pcscd::{PORT, Pcscd, configure, listens};
use super::kiosk::DEADLINE;
use super::plan::Dice;

/// How often the service looks for cards on each reader.
pub(crate) const LOOK: Duration = Duration::from_millis(400);
/// Longer than an exchange may take, and than a watch waits for a service that hangs.
const PAUSE: Duration = DEADLINE.saturating_add(Duration::from_millis(1500));
/// How long the service may take to start.
const PATIENCE: Duration = Duration::from_secs(10);
/// The driver has two slots in each copy of its library.
const SLOTS: usize = 2;

/// The port of a slot.
pub(crate) fn port(slot: usize) -> u16 {
    PORT + (10 * (slot / SLOTS) + slot % SLOTS) as u16
}

/// The slot of a reader, by the name that the service makes of ours: name, number of the reader, number of the slot.
pub(crate) fn slot_of(reader: &str) -> Option<usize> {
    let mut words = reader.strip_prefix("Soak ")?.split(' ');
    let library = words.next()?.parse::<usize>().ok()?;
    let slot = usize::from_str_radix(words.nth(1)?, 16).ok()?;
    Some(SLOTS * library + slot)
}

/// The service, and how often something happened to it. The count is even while all is well.
pub(crate) struct Weather {
    slots: usize,
    service: Mutex<Option<Pcscd>>,
    changes: Mutex<u64>,
    since: Mutex<Instant>,
    changed: Condvar,
    /// Killed, stopped, paused.
    pub(crate) counts: [AtomicUsize; 3],
    next: AtomicUsize,
    born: Instant,
}

impl Weather {
    /// Starts the service with so many slots.
    pub(crate) fn new(slots: usize) -> Self {
        for library in 0..slots.div_ceil(SLOTS) {
            configure(&format!("soak{library}"), &format!("Soak {library}"), port(SLOTS * library));
        }
        let weather = Self {
            slots,
            service: Mutex::default(),
            changes: Mutex::default(),
            since: Mutex::new(Instant::now()),
            changed: Condvar::new(),
            counts: Default::default(),
            next: AtomicUsize::new(0),
            born: Instant::now(),
        };
        let service = weather.start();
        *weather.service.lock().unwrap_or_else(PoisonError::into_inner) = Some(service);
        weather
    }

    fn start(&self) -> Pcscd {
        let service = Pcscd::start_as_configured();
        super::common::until_within(PATIENCE, "all readers listen", || {
            (0..self.slots).all(|slot| listens(port(slot)))
        });
        service
    }

    /// How often something changed so far.
    pub(crate) fn changes(&self) -> u64 {
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all is well.
    pub(crate) fn calm(&self) -> u64 {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let calm = self.changed.wait_while(changes, |changes| *changes % 2 != 0);
        *calm.unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when it is as it is.
    pub(crate) fn since(&self) -> Instant {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Does the next thing to the service each time that `every` more insertions began, at a random moment.
    pub(crate) fn rage(&self, began: &AtomicUsize, every: usize, done: &AtomicBool, mut dice: Dice) {
        let mut next = began.load(SeqCst) + every;
        while !done.load(SeqCst) {
            if began.load(SeqCst) < next {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            thread::sleep(Duration::from_millis(dice.below(700) as u64));
            let what = self.next.fetch_add(1, SeqCst) % self.counts.len();
            self.counts[what].fetch_add(1, SeqCst);
            self.change();
            eprintln!("{:.2} {}", self.born.elapsed().as_secs_f64(), ["killed", "stopped", "paused"][what]);
            let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(running) = service.take() {
                *service = Some(match what {
                    0 => {
                        running.kill();
                        self.away(&mut dice);
                        self.start()
                    }
                    1 => {
                        running.stop();
                        self.away(&mut dice);
                        self.start()
                    }
                    _ => {
                        running.pause();
                        thread::sleep(PAUSE);
                        running.resume();
                        running
                    }
                });
            }
            drop(service);
            self.change();
            eprintln!("{:.2} there again", self.born.elapsed().as_secs_f64());
            next = began.load(SeqCst) + every;
        }
    }

    /// The service comes back at once, or after a while.
    fn away(&self, dice: &mut Dice) {
        thread::sleep(Duration::from_millis(dice.pick(&[0, 100, 1000])));
    }

    /// The slots of the service.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }
}

/// Time that is left.
pub(crate) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
