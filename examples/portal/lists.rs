//! Fetching while somebody waits: within the time that a login has for all of it, each list by one login at a time,
//! and nothing from where nothing came a moment ago. So one slow server costs a few citizens a few seconds, once a
//! minute, and nobody else anything.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cie::trust::{Fetch, FetchError, StatusRequest};

use crate::http::{CONNECTING, Http};

/// How long everything together may take if nothing else was said.
const USUAL: Duration = Duration::from_secs(10);
/// How long an address where nothing came from is left alone.
const AGAIN: Duration = Duration::from_secs(60);

thread_local! {
    /// When what this thread does has to be over. The library asks a [`Fetch`] on the thread that verifies the login,
    /// and has no word for how much time is left.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Does something, on this thread. All that it fetches has so much time together.
pub(crate) fn within<T>(time: Duration, work: impl FnOnce() -> T) -> T {
    UNTIL.set(Instant::now().checked_add(time));
    let outcome = work();
    UNTIL.set(None);
    outcome
}

fn left() -> Result<Duration, FetchError> {
    let left = UNTIL.get().map_or(USUAL, |until| until.saturating_duration_since(Instant::now()));
    if left.is_zero() { Err(FetchError("there is no time left".to_owned())) } else { Ok(left) }
}

/// What all logins fetch through. A copy is the same one.
#[derive(Clone)]
pub(crate) struct Lists(Arc<Shared>);

struct Shared {
    http: Http,
    /// When nothing came from an address. Only certificates of verified paths name addresses: there are few.
    failed: Mutex<HashMap<String, Instant>>,
    /// The lists that are on their way.
    coming: Mutex<HashMap<String, Arc<Coming>>>,
}

/// A list that one login fetches and others wait for.
#[derive(Default)]
struct Coming {
    outcome: Mutex<Option<Result<Vec<u8>, FetchError>>>,
    came: Condvar,
}

impl Coming {
    fn wait(&self, time: Duration) -> Option<Result<Vec<u8>, FetchError>> {
        let outcome = lock(&self.outcome);
        let waited = self.came.wait_timeout_while(outcome, time, |outcome| outcome.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

impl Lists {
    pub(crate) fn new(http: Http) -> Self {
        Self(Arc::new(Shared { http, failed: Mutex::default(), coming: Mutex::default() }))
    }

    fn ask(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
        if self.has_failed(location) {
            return Err(FetchError("nothing came from there a moment ago".to_owned()));
        }
        // What is left of the time is for another address.
        let time = left()? * 2 / 3;
        let outcome = self.0.http.fetch(request, location, time);
        // Whoever had no time to connect has learned nothing of the server.
        if outcome.is_err() && time >= CONNECTING {
            lock(&self.0.failed).insert(location.to_owned(), Instant::now());
        }
        outcome
    }

    fn has_failed(&self, location: &str) -> bool {
        let mut failed = lock(&self.0.failed);
        failed.retain(|_, when| when.elapsed() < AGAIN);
        failed.contains_key(location)
    }

    /// One login fetches, and all that want the same list meanwhile get what it got.
    fn share(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
        loop {
            let coming = {
                let mut all = lock(&self.0.coming);
                if let Some(coming) = all.get(location) {
                    coming.clone()
                } else {
                    let coming = Arc::new(Coming::default());
                    all.insert(location.to_owned(), coming.clone());
                    drop(all);
                    let arrival = Arrival { lists: self, location, coming };
                    return arrival.tell(self.ask(request, location));
                }
            };
            match coming.wait(left()?) {
                Some(Ok(list)) => return Ok(list),
                // Whoever fetched may have had less time than there is here.
                Some(Err(error)) if self.has_failed(location) => return Err(error),
                _ => {}
            }
        }
    }
}

impl Fetch for Lists {
    fn fetch(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
        match request.body {
            // A responder is asked about one citizen.
            Some(_) => self.ask(request, location),
            None => self.share(request, location),
        }
    }
}

/// Tells those who wait, whatever happens.
struct Arrival<'a> {
    lists: &'a Lists,
    location: &'a str,
    coming: Arc<Coming>,
}

impl Arrival<'_> {
    fn tell(self, outcome: Result<Vec<u8>, FetchError>) -> Result<Vec<u8>, FetchError> {
        *lock(&self.coming.outcome) = Some(outcome.clone());
        outcome
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        lock(&self.lists.0.coming).remove(self.location);
        lock(&self.coming.outcome).get_or_insert_with(|| Err(FetchError("it was given up".to_owned())));
        self.coming.came.notify_all();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
