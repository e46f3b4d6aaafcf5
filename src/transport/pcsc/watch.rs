//! Waiting for cards and readers to come and go.

use std::convert::Infallible;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::super::Error;
use super::observer::Observer;
use super::{Reader, ReaderState};

/// The longest that one look takes, unless the service hangs. Not every service tells of readers that are
/// plugged in: the next look lists them.
const SLICE: Duration = Duration::from_millis(500);
/// How much longer than asked for a look may take before the service counts as one that hangs.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait before a service that is gone is looked for again.
const RETRY: Duration = Duration::from_millis(100);

/// How long a dropped watch waits for its thread, which a service that hangs may hold up.
const LEAVE: Duration = Duration::from_secs(1);

/// A request to look: how long, and whether to begin from nothing.
struct Look {
    within: Duration,
    anew: bool,
}

/// What wakes the side that waits.
enum Event {
    /// The readers, if anything changed.
    Looked(Result<Option<Vec<Reader>>, Error>),
    Cancelled,
}

/// A watch over the readers. It outlives the service: a service that comes back is found again. `Send`.
///
/// The calls to the service are made in a thread of the watch's own. Dropping the watch waits for its end: half a second
/// at most, or a second if the service hangs.
pub struct Watch {
    looks: Option<Sender<Look>>,
    events: Receiver<Event>,
    canceller: Sender<Event>,
    /// A look goes on whose answer nobody has taken yet.
    pending: bool,
    /// What was told so far counts no more.
    anew: bool,
    thread: Option<JoinHandle<()>>,
    /// Nothing comes here; it is closed when the thread has let go of the service.
    ended: Receiver<Infallible>,
}

/// Ends a [`Watch`]'s waiting from another thread. `Send` and `Sync`.
#[derive(Clone)]
pub struct Canceller(Sender<Event>);

impl Canceller {
    /// Ends the waiting that goes on, or else the next one, with [`Error::Cancelled`].
    pub fn cancel(&self) {
        // A watch that is gone waits no more.
        let _ = self.0.send(Event::Cancelled);
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceller(..)")
    }
}

impl Watch {
    pub(super) fn new() -> Self {
        let (looks, inbox) = mpsc::channel::<Look>();
        let (canceller, events) = mpsc::channel();
        let outbox = canceller.clone();
        let (ends, ended) = mpsc::channel();
        let observe = move || {
            // Dropped after what follows.
            let _ends = ends;
            let mut observer = Observer::new();
            while let Ok(Look { within, anew }) = inbox.recv() {
                let looked = observer.look(within, anew);
                if outbox.send(Event::Looked(looked)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("cie watch".to_owned()).spawn(observe).ok();
        let looks = thread.is_some().then_some(looks);
        Self { looks, events, canceller, pending: false, anew: true, thread, ended }
    }

    /// What cancels this watch's waiting.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(self.canceller.clone())
    }

    /// Waits until something changes on any reader or a reader comes or goes, and tells the state of all.
    /// The first call tells it at once; so does the first after the service was gone.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Cancelled`], [`Error::AccessDenied`]; [`Error::NoService`] at once when the
    /// service is gone, and after two seconds when it hangs; [`Error::Reader`].
    pub fn changes(&mut self, within: Duration) -> Result<Vec<Reader>, Error> {
        let until = Instant::now().checked_add(within);
        loop {
            let left = left_until(until);
            let slice = left.min(SLICE);
            self.request(slice)?;
            // The first look of all answers at once, but not in no time.
            match self.events.recv_timeout(slice + GRACE) {
                Ok(Event::Cancelled) => return Err(Error::Cancelled),
                Ok(Event::Looked(_)) if self.anew => self.pending = false,
                Ok(Event::Looked(looked)) => {
                    self.pending = false;
                    match looked {
                        Ok(Some(readers)) => return Ok(readers),
                        Ok(None) if left.is_zero() => return Err(Error::TimedOut),
                        Ok(None) => {}
                        Err(error) => return Err(error),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    // What it says once it goes on may be that nothing changed since before.
                    self.anew = true;
                    return Err(Error::NoService);
                }
                // We hold a sender ourselves.
                Err(RecvTimeoutError::Disconnected) => return Err(Error::NoService),
            }
        }
    }

    /// Has the thread look, unless it still does.
    fn request(&mut self, within: Duration) -> Result<(), Error> {
        if self.pending {
            return Ok(());
        }
        let anew = std::mem::take(&mut self.anew);
        let sent = self.looks.as_ref().is_some_and(|looks| looks.send(Look { within, anew }).is_ok());
        self.pending = sent;
        if sent { Ok(()) } else { Err(Error::Reader("no thread could be started".to_owned())) }
    }

    /// Waits so long, unless it is cancelled.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        let until = Instant::now() + pause;
        while let Ok(event) = self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match event {
                Event::Cancelled => return Err(Error::Cancelled),
                // Nobody waits for what a service said that hung meanwhile: it is asked anew.
                Event::Looked(_) => (self.pending, self.anew) = (false, true),
            }
        }
        Ok(())
    }

    /// Waits until a card that answers lies on this reader, or on any.
    ///
    /// A service that is stopped and started again while this waits does not end the waiting.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Cancelled`], [`Error::AccessDenied`]; [`Error::NoService`] or
    /// [`Error::NoReader`] if the time is over and there is none, [`Error::Unpowered`] if there is only a card that does not answer.
    pub fn wait_for_card(&mut self, reader: Option<&str>, within: Duration) -> Result<Reader, Error> {
        self.wait_for(reader, within, |reader| matches!(reader.state, ReaderState::Present { .. }))
    }

    /// Waits until nothing lies on this reader.
    ///
    /// # Errors
    /// As [`Watch::wait_for_card`]; [`Error::NoReader`] if the reader is gone when the time is over, card
    /// and all.
    pub fn wait_for_removal(&mut self, reader: &str, within: Duration) -> Result<Reader, Error> {
        self.wait_for(Some(reader), within, |reader| reader.state == ReaderState::Empty)
    }

    fn wait_for(
        &mut self,
        name: Option<&str>,
        within: Duration,
        wanted: impl Fn(&Reader) -> bool,
    ) -> Result<Reader, Error> {
        let until = Instant::now().checked_add(within);
        // What is known counts, whether or not it was told before.
        self.anew = true;
        let mut late = Error::TimedOut;
        loop {
            let left = left_until(until);
            match self.changes(left) {
                Ok(readers) => {
                    let ours = readers.into_iter().filter(|r| name.is_none_or(|name| name == r.name));
                    let mut ours: Vec<_> = ours.collect();
                    if let Some(at) = ours.iter().position(&wanted) {
                        return Ok(ours.swap_remove(at));
                    }
                    let mute = ours.iter().any(|reader| reader.state == ReaderState::Mute);
                    late = match (ours.is_empty(), mute) {
                        (true, _) => Error::NoReader,
                        (_, true) => Error::Unpowered,
                        _ => Error::TimedOut,
                    };
                }
                Err(Error::TimedOut) => {}
                Err(Error::NoService) => {
                    late = Error::NoService;
                    self.pause(RETRY.min(left))?;
                }
                Err(error) => return Err(error),
            }
            if left.is_zero() {
                return Err(late);
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looks = None;
        // A library that is unloaded now would be unloaded under it, and a program that ends would leave its context.
        let ended = self.ended.recv_timeout(LEAVE) == Err(RecvTimeoutError::Disconnected);
        if let (true, Some(thread)) = (ended, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// What is left of the time; an end that no clock can express never comes.
pub(super) fn left_until(until: Option<Instant>) -> Duration {
    until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch(..)")
    }
}
