//! What surrounds the kiosk: the service, the readers, the people with their cards; and the run from its beginning to
//! its end.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cie::emulator::Chip;

use super::Settings;
use super::cards::Stock;
use super::common::pcscd::folder;
use super::kiosk::DEADLINE;
use super::measure::{Sample, described};
use super::plan::{Dice, Flow, Insertion, Kind, Lengths, Visit, visits};
use super::slot::{Note, Slot};
use super::tally::Tally;
use super::weather::{Weather, left, slot_of};
use super::words::Said;

/// How long the kiosk may take to be at rest: a call that hangs comes back, a watch lists readers anew.
const QUIET: Duration = DEADLINE.saturating_mul(3);
/// How long it must be at rest.
const STILL: Duration = Duration::from_millis(700);
/// The parts of a run; after each, everything comes to rest and is counted.
const PARTS: usize = 4;
/// How much the kiosk's own memory may grow in the second half of a run: an allocator that gives threads pools of
/// their own does not come to rest to the byte. What it finds is a leak of 4 KiB in each of 1,000 insertions, or of
/// one answer's buffer (64 KiB) in each of 100.
const GROWTH: u64 = 4 * 1024;
/// How much of a processor a kiosk at rest may take.
const IDLE: f64 = 0.1;
/// After so many failures nothing more is learnt.
const FAILURES: usize = 20;

pub(crate) struct Street {
    pub(crate) stock: Stock,
    pub(crate) weather: Weather,
    wire: Mutex<UnixStream>,
    kiosk: u32,
    queue: Mutex<VecDeque<Visit>>,
    tally: Mutex<Tally>,
    lengths: Mutex<Lengths>,
    began: AtomicUsize,
}

impl Street {
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Visit>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lengths(&self) -> MutexGuard<'_, Lengths> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next visit, if there is one.
    pub(crate) fn next(&self) -> Option<Visit> {
        if self.tally().failures.len() >= FAILURES { None } else { self.queue().pop_front() }
    }

    /// To be done again.
    pub(crate) fn postpone(&self, visit: Visit) {
        self.queue().push_back(visit);
    }

    pub(crate) fn fail(&self, failure: String) {
        eprintln!("FAILED: {failure}");
        self.tally().failures.push(failure);
    }

    pub(crate) fn say(&self, line: &str) -> io::Result<()> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }

    /// An insertion of the plan began.
    pub(crate) fn began(&self) {
        self.began.fetch_add(1, SeqCst);
    }

    /// How many exchanges a genuine card took.
    pub(crate) fn measured(&self, insertion: &Insertion, exchanges: usize) {
        self.lengths().see(insertion, exchanges);
    }

    /// What the kiosk holds, in words.
    pub(crate) fn described(&self) -> String {
        described(self.kiosk)
    }

    /// Lays on everything that is queued, on all readers at once, with something happening to the service each time
    /// that so many insertions began.
    fn part(&self, slots: &mut [Slot], every: usize, dice: Dice) {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let weather = scope.spawn(|| self.weather.rage(&self.began, every, &done, dice));
            let at_work: Vec<_> = slots.iter_mut().map(|slot| scope.spawn(|| slot.work(self))).collect();
            for worker in at_work {
                if worker.join().is_err() {
                    self.fail("a reader's thread panicked".to_owned());
                }
            }
            done.store(true, SeqCst);
            if weather.join().is_err() {
                self.fail("the service could not be started".to_owned());
            }
        });
    }

    /// Looks at the kiosk at rest: it must hold what it held `before`, or come to hold the same for a while.
    fn rest(&self, when: &str, before: Option<&Sample>) -> io::Result<Sample> {
        let until = Instant::now() + QUIET;
        let mut still = Instant::now();
        let mut last = Sample::of(self.kiosk)?;
        loop {
            thread::sleep(Duration::from_millis(50));
            let sample = Sample::of(self.kiosk)?;
            if sample.held() != last.held() {
                still = Instant::now();
            }
            last = sample;
            let same = before.is_none_or(|before| before.held() == last.held());
            if same && still.elapsed() >= STILL {
                break;
            }
            if left(until).is_zero() {
                self.fail(format!("{when}: {:?} held, {before:?} before: {}", last.held(), self.described()));
                break;
            }
        }
        self.tally().samples.push((when.to_owned(), last.clone()));
        Ok(last)
    }
}

/// Ends the kiosk if the run does not come to that.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives each word of the kiosk to the reader that it is about.
fn listen(wire: UnixStream, street: &Street, slots: &[Sender<Note>]) {
    let mut lost = false;
    for line in BufReader::new(wire).lines().map_while(Result::ok) {
        let said = Said::parse(&line);
        let slot = said.as_ref().and_then(Said::reader).and_then(slot_of).and_then(|slot| slots.get(slot));
        match (said, slot) {
            (Some(said), Some(slot)) => drop(slot.send(Note::Said(said))),
            (Some(Said::ServiceLost), _) => {
                lost = true;
                street.tally().lost += 1;
            }
            (Some(Said::ServiceBack), _) => lost = false,
            // So a service that stops speaks to whoever asks to be let in; it is not gone yet.
            (Some(Said::Strange(text)), _) if lost && text.contains("Access was denied") => {
                street.tally().denied += 1;
            }
            _ => street.fail(format!("the kiosk says: {line}")),
        }
    }
}

/// The whole run; `again` is how this program is started once more. The report, and whether all was well.
pub(crate) fn run(
    settings: &Settings,
    again: &mut Command,
) -> Result<(String, bool), Box<dyn std::error::Error>> {
    let Settings { total, slots, seed } = *settings;
    let began = Instant::now();
    let stock = Stock::make(seed)?;
    let made = began.elapsed();
    fs::write(folder().join("csca"), &stock.csca)?;
    let weather = Weather::new(slots);
    let socket = folder().join("kiosk");
    let listener = UnixListener::bind(&socket)?;
    let mut kiosk = Guard(again.env(super::KIOSK, &socket).spawn()?);
    let (wire, _) = listener.accept()?;
    let street = Street {
        stock,
        weather,
        wire: Mutex::new(wire.try_clone()?),
        kiosk: kiosk.0.id(),
        queue: Mutex::default(),
        tally: Mutex::default(),
        lengths: Mutex::default(),
        began: AtomicUsize::new(0),
    };
    let (senders, mut readers): (Vec<_>, Vec<_>) = (0..slots)
        .map(|number| {
            let (sender, notes) = channel();
            (sender.clone(), Slot::new(number, notes, sender, seed.wrapping_add(1000 + number as u64)))
        })
        .unzip();

    thread::scope(|scope| {
        scope.spawn(|| listen(wire, &street, &senders));
        let outcome = course(&street, &mut readers, settings);
        // The kiosk ends when nobody listens to it any more.
        let hung_up =
            street.wire.lock().unwrap_or_else(PoisonError::into_inner).shutdown(std::net::Shutdown::Both);
        outcome.and(hung_up)
    })?;
    let until = Instant::now() + QUIET;
    loop {
        match kiosk.0.try_wait()? {
            Some(status) if status.success() => break,
            Some(status) => break street.fail(format!("the kiosk ended with {status}")),
            None if left(until).is_zero() => break street.fail("the kiosk does not end".to_owned()),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }

    let weather = street.weather.counts.each_ref().map(|count| count.load(SeqCst));
    let (tally, lengths) = (street.tally(), street.lengths());
    let mut report = format!(
        "{total} insertions on {} readers, seed {seed}; {:.1} s, keys {:.1} s of them\n",
        street.weather.slots(),
        began.elapsed().as_secs_f64(),
        made.as_secs_f64()
    );
    report += &tally.report(&lengths, weather);
    Ok((report, tally.failures.is_empty()))
}

/// From the first look at the kiosk to the last.
fn course(street: &Street, readers: &mut [Slot], settings: &Settings) -> io::Result<()> {
    let mut dice = Dice::new(settings.seed);
    let idle = street.rest("before the first card", None)?;

    // Every flow with every chip, whole; every card that hangs; everything that happens to the service.
    let mut first: VecDeque<Visit> = VecDeque::new();
    for chip in Chip::ALL {
        for flow in Flow::ALL {
            first.push_back(vec![Insertion { fresh: true, ..Insertion::plain(flow, chip, 0) }]);
        }
    }
    for kind in [Kind::Silent, Kind::Mute, Kind::Nothing] {
        let card = Insertion { kind, ..Insertion::plain(Flow::Nis, Chip::Nxp, 0) };
        first.push_back(vec![card, Insertion::plain(Flow::Sign, Chip::Nxp, 1)]);
    }
    for number in 0..2 * readers.len() {
        let flow = Flow::ALL[number % Flow::ALL.len()];
        first.push_back(vec![Insertion::plain(flow, Chip::ALL[number % Chip::ALL.len()], number % 2)]);
    }
    let every = first.len().div_ceil(4);
    *street.queue() = first;
    street.part(readers, every, dice.clone());
    let warm = street.rest("warm", Some(&idle))?;
    let warm_up = street.tally().laid;

    let plan = visits(settings.total, &street.lengths(), settings.seed);
    let mut plan = plan.map_err(io::Error::other)?;
    let mut samples = vec![warm.clone()];
    for part in 1..=PARTS {
        let rest = if part == PARTS { 0 } else { plan.len() - plan.len() / (PARTS - part + 1) };
        let now = plan.split_off(rest);
        *street.queue() = now;
        dice.next();
        street.part(readers, (settings.total / 40).max(40), dice.clone());
        let laid = street.tally().laid - warm_up;
        eprintln!("{laid} cards laid on");
        samples.push(street.rest(&format!("after {laid} cards"), Some(&warm))?);
    }

    let lengths = street.lengths().clone();
    for flow in [Flow::Nis, Flow::Sign] {
        let missing = street.tally().uncovered(flow, &lengths);
        if !missing.is_empty() || lengths.of(flow).0 == 0 {
            street.fail(format!("no fault happened at exchanges {missing:?} of {flow:?}"));
        }
    }
    let (half, end) = (&samples[PARTS / 2], &samples[PARTS]);
    if end.anonymous > half.anonymous + GROWTH {
        let grown = end.anonymous - half.anonymous;
        street.fail(format!("the kiosk's memory grew by {grown} KiB in the second half"));
    }
    let (looked, before) = (Instant::now(), Sample::of(street.kiosk)?.processor);
    thread::sleep(Duration::from_secs(2));
    let share = (Sample::of(street.kiosk)?.processor - before).as_secs_f64() / looked.elapsed().as_secs_f64();
    if share > IDLE {
        street.fail(format!("the kiosk at rest takes {share:.2} of a processor"));
    }
    let laid = street.tally().laid - warm_up;
    if laid < settings.total {
        street.fail(format!("only {laid} cards were laid on"));
    }
    Ok(())
}
