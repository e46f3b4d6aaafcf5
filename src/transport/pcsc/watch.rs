//! Waiting for cards and readers to come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, PNP_NOTIFICATION, ReaderState as State};

use super::super::Error;
use super::{Reader, ReaderState, establish, list, states};

/// The longest that one call waits: a cancellation that comes just before the call is not heard by it, and
/// not every service tells of readers that are plugged in.
const SLICE: Duration = Duration::from_millis(500);
/// How long to wait before a service that is gone is looked for again.
const RETRY: Duration = Duration::from_millis(100);

/// A watch over the readers. It outlives the service: a service that comes back is found again. `Send`.
pub struct Watch {
    context: Option<Context>,
    states: Vec<State>,
    /// Whether the readers' state was never told since it changed.
    fresh: bool,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    /// The context in which the watch waits.
    context: Mutex<Option<Context>>,
}

/// Ends a [`Watch`]'s waiting from another thread. `Send` and `Sync`.
#[derive(Clone)]
pub struct Canceller(Arc<Shared>);

impl Canceller {
    /// Ends the waiting that goes on, or else the next one, with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        let context = self.0.context.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(context) = context {
            // If nobody waits in it, the flag is seen before the next wait.
            let _ = context.cancel();
        }
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canceller(..)")
    }
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { context: None, states: Vec::new(), fresh: true, shared: Arc::default() }
    }

    /// What cancels this watch's waiting.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(self.shared.clone())
    }

    /// Waits until something changes on any reader or a reader comes or goes, and tells the state of all.
    /// The first call tells it at once; so does the first after the service was gone.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Cancelled`], [`Error::NoService`] at once when the service is gone,
    /// [`Error::Reader`].
    pub fn changes(&mut self, within: Duration) -> Result<Vec<Reader>, Error> {
        let until = Instant::now().checked_add(within);
        loop {
            if self.shared.cancelled.swap(false, Ordering::SeqCst) {
                return Err(Error::Cancelled);
            }
            let left = until.map_or(SLICE, |until| until.saturating_duration_since(Instant::now()));
            match self.look(left.min(SLICE)) {
                Ok(true) => return Ok(self.states.iter().map(Reader::from).collect()),
                Ok(false) if left.is_zero() => return Err(Error::TimedOut),
                Ok(false) => {}
                Err(error) => {
                    self.forget();
                    return Err(error);
                }
            }
        }
    }

    /// Waits until a card that answers lies on this reader, or on any.
    ///
    /// A service that is stopped and started again while this waits does not end the waiting.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Cancelled`]; [`Error::NoService`] or [`Error::NoReader`] if the time
    /// is over and there is none, [`Error::Unpowered`] if there is only a card that does not answer.
    pub fn wait_for_card(&mut self, reader: Option<&str>, within: Duration) -> Result<Reader, Error> {
        self.wait_for(reader, within, |reader| matches!(reader.state, ReaderState::Present { .. }))
    }

    /// Waits until nothing lies on this reader.
    ///
    /// # Errors
    /// As [`Watch::wait_for_card`].
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
        self.forget();
        let mut late = Error::TimedOut;
        loop {
            let left = until.map_or(SLICE, |until| until.saturating_duration_since(Instant::now()));
            match self.changes(left) {
                Ok(readers) => {
                    let mut ours = readers.into_iter().filter(|r| name.is_none_or(|name| name == r.name));
                    late = match ours.next() {
                        None => Error::NoReader,
                        Some(first) => {
                            let mut ours = std::iter::once(first).chain(ours).collect::<Vec<_>>();
                            if let Some(at) = ours.iter().position(&wanted) {
                                return Ok(ours.swap_remove(at));
                            }
                            let mute = ours.iter().any(|reader| reader.state == ReaderState::Mute);
                            if mute { Error::Unpowered } else { Error::TimedOut }
                        }
                    };
                }
                Err(Error::TimedOut) => {}
                Err(Error::NoService) => {
                    late = Error::NoService;
                    thread::sleep(RETRY.min(left));
                }
                Err(error) => return Err(error),
            }
            if left.is_zero() {
                return Err(late);
            }
        }
    }

    /// Waits once; `true` if something changed.
    fn look(&mut self, slice: Duration) -> Result<bool, Error> {
        let context = self.context()?;
        self.follow(list(&context)?);
        let mut asked = Vec::with_capacity(self.states.len() + 1);
        asked.append(&mut self.states);
        if !self.fresh && cfg!(not(target_os = "macos")) {
            asked.push(State::new(PNP_NOTIFICATION(), pcsc::State::UNAWARE));
        }
        // Without anything to ask about the service answers at once.
        let wait = if self.fresh { Duration::ZERO } else { slice };
        let outcome = match asked.is_empty() {
            true => {
                thread::sleep(wait);
                Err(pcsc::Error::Timeout)
            }
            false => context.get_status_change(wait, &mut asked),
        };
        asked.retain(|state| state.name() != PNP_NOTIFICATION());
        self.states = asked;
        match outcome {
            Ok(()) => {
                let changed = self.states.iter().any(|s| s.event_state().contains(pcsc::State::CHANGED));
                self.states.iter_mut().for_each(State::sync_current_state);
                Ok(std::mem::take(&mut self.fresh) || changed)
            }
            Err(pcsc::Error::Timeout) => Ok(std::mem::take(&mut self.fresh)),
            // A reader went while it was watched, or one came: the next look lists them anew.
            Err(pcsc::Error::UnknownReader) => Ok(false),
            // Cancelled, by us or by a call too many that came late: the flag tells.
            Err(pcsc::Error::Cancelled) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes up readers that came, and drops those that went.
    fn follow(&mut self, names: Vec<std::ffi::CString>) {
        let before = self.states.len();
        self.states.retain(|state| names.iter().any(|name| name.as_c_str() == state.name()));
        let gone = self.states.len() != before;
        let known =
            |name: &std::ffi::CString| self.states.iter().any(|state| state.name() == name.as_c_str());
        let new: Vec<_> = names.iter().filter(|name| !known(name)).cloned().collect();
        self.fresh |= gone || !new.is_empty();
        self.states.append(&mut states(new));
    }

    fn context(&mut self) -> Result<Context, Error> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let context = establish()?;
        self.context = Some(context.clone());
        *self.shared.context.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.clone());
        Ok(context)
    }

    /// Begins from nothing.
    fn forget(&mut self) {
        *self.shared.context.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.context = None;
        self.states.clear();
        self.fresh = true;
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({} readers)", self.states.len())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    #[test]
    fn readers_that_come_or_go_are_news_and_the_others_keep_their_state() {
        let names =
            |names: &[&str]| names.iter().map(|name| CString::new(*name).unwrap()).collect::<Vec<_>>();
        let mut watch = Watch::new();
        let mut follow = |now: &[&str]| {
            watch.fresh = false;
            watch.follow(names(now));
            let known: Vec<_> = watch.states.iter().map(|state| state.name().to_owned()).collect();
            (watch.fresh, known)
        };
        assert_eq!(follow(&["one"]), (true, names(&["one"])));
        assert_eq!(follow(&["one"]), (false, names(&["one"])));
        assert_eq!(follow(&["zero", "one"]), (true, names(&["one", "zero"])));
        assert_eq!(follow(&["zero"]), (true, names(&["zero"])));
        assert_eq!(follow(&[]), (true, names(&[])));
        assert_eq!(follow(&[]), (false, names(&[])));
    }
}
