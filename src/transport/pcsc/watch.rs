//! Waiting for cards and readers to come and go.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::super::Error;
use super::abandoned::{Abandoned, Call};
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
/// The calls to the service are made in a thread of the watch's own. Dropping the watch waits for its end: half a
/// second at most, or a second if the service hangs.
pub struct Watch {
    observer: Option<Observing>,
    abandoned: Abandoned,
    events: Receiver<Event>,
    canceller: Canceller,
    /// A look goes on whose answer nobody has taken yet.
    pending: bool,
    /// What was told so far counts no more.
    anew: bool,
}

/// The thread that asks the service.
struct Observing {
    looks: Sender<Look>,
    thread: JoinHandle<()>,
    /// Nothing comes here; it is closed when the thread has let go of the service.
    ended: Receiver<Infallible>,
    call: Call,
}

/// Ends a [`Watch`]'s waiting from another thread. `Send` and `Sync`.
#[derive(Clone)]
pub struct Canceller {
    events: Sender<Event>,
    /// Whether somebody cancelled whom the watch has not heard yet.
    cancelled: Arc<AtomicBool>,
}

impl Canceller {
    /// Ends the waiting that goes on, or else the next one, with [`Error::Cancelled`]: one, however often it is called
    /// before.
    pub fn cancel(&self) {
        if !self.cancelled.swap(true, Ordering::AcqRel) {
            // A watch that is gone waits no more.
            let _ = self.events.send(Event::Cancelled);
        }
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceller(..)")
    }
}

impl Watch {
    pub(super) fn new(abandoned: Abandoned) -> Self {
        let (outbox, events) = mpsc::channel();
        let canceller = Canceller { events: outbox, cancelled: Arc::default() };
        Self { observer: None, abandoned, events, canceller, pending: false, anew: true }
    }

    /// Starts the thread that asks the service, unless an earlier one is still waiting for its answer: a service that
    /// hangs would otherwise cost a thread each time.
    fn observer(&mut self) -> Result<&Sender<Look>, Error> {
        let observer = match self.observer.take() {
            Some(observer) => observer,
            None if self.abandoned.any() => return Err(Error::NoService),
            None => self.start()?,
        };
        Ok(&self.observer.insert(observer).looks)
    }

    fn start(&self) -> Result<Observing, Error> {
        let (looks, inbox) = mpsc::channel::<Look>();
        let outbox = self.canceller.events.clone();
        let (ends, ended) = mpsc::channel();
        let call = Call::new();
        let still = call.token();
        let observe = move || {
            // Dropped after what follows.
            let (_ends, _still) = (ends, still);
            let mut observer = Observer::new();
            while let Ok(Look { within, anew }) = inbox.recv() {
                let looked = observer.look(within, anew);
                if outbox.send(Event::Looked(looked)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("cie watch".to_owned())
            .spawn(observe)
            .map_err(|error| Error::Reader(error.to_string()))?;
        Ok(Observing { looks, thread, ended, call })
    }

    /// What cancels this watch's waiting.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
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
                Ok(Event::Cancelled) => return Err(self.heard()),
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

    /// Somebody cancelled; the next one is heard again.
    fn heard(&self) -> Error {
        self.canceller.cancelled.store(false, Ordering::Release);
        Error::Cancelled
    }

    /// Has the thread look, unless it still does.
    fn request(&mut self, within: Duration) -> Result<(), Error> {
        if self.pending {
            return Ok(());
        }
        let anew = std::mem::take(&mut self.anew);
        let sent = self.observer().map(|looks| looks.send(Look { within, anew }).is_ok());
        self.pending = matches!(sent, Ok(true));
        self.anew |= !self.pending;
        match sent {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Reader("the thread that watches is gone".to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Waits so long, unless it is cancelled.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        let until = Instant::now() + pause;
        while let Ok(event) = self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match event {
                Event::Cancelled => return Err(self.heard()),
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
    /// [`Error::NoReader`] if the time is over and there is none, [`Error::Unpowered`] if there is only a card that
    /// does not answer.
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
        let Some(Observing { looks, thread, ended, call }) = self.observer.take() else { return };
        drop(looks);
        // A library that is unloaded now would be unloaded under it, and a program that ends would leave its context.
        if ended.recv_timeout(LEAVE) == Err(RecvTimeoutError::Disconnected) {
            let _ = thread.join();
        } else {
            self.abandoned.note(&call);
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
