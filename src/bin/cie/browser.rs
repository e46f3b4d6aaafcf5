//! The browser at the other end of standard input and output: one request, and whether it is still there.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use cie::web_eid::{Answer, FramingError, read_message, write_message};

use crate::pinentry::Leash;

/// What the browser did since its request.
const WAITS: u8 = 0;
const GONE: u8 = 1;
const SPOKE: u8 = 2;

/// How long the browser may take to close its end after the answer. It takes milliseconds.
const FAREWELL: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(2);
/// How often it is looked whether this process is to end while there is no request.
const PATIENCE: Duration = Duration::from_millis(50);

/// Why not to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The browser has closed its end: the page, the tab, or the browser itself is no longer there.
    Gone,
    /// It sent something more before it was answered.
    Spoke,
}

/// The browser that started this program.
pub(crate) struct Browser {
    request: Receiver<Result<Option<Vec<u8>>, FramingError>>,
    since: Arc<AtomicU8>,
    leash: Leash,
}

impl Browser {
    /// Listens. From the request on whatever comes, also the end, pulls the leash: no window outlives its browser.
    pub(crate) fn listen(mut input: impl Read + Send + 'static) -> Self {
        let (sender, request) = mpsc::channel();
        let (since, leash) = (Arc::new(AtomicU8::new(WAITS)), Leash::default());
        leash.pull_when_ended();
        let (noted, pulled) = (since.clone(), leash.clone());
        std::thread::spawn(move || {
            let first = read_message(&mut input);
            let is_over = matches!(first, Ok(None));
            let _ = sender.send(first);
            let more =
                if is_over { Err(io::ErrorKind::UnexpectedEof.into()) } else { input.read_exact(&mut [0]) };
            noted.store(if more.is_ok() { SPOKE } else { GONE }, Ordering::SeqCst);
            pulled.pull();
        });
        Self { request, since, leash }
    }

    /// The request; `None` if the browser went without one, or this process is to end.
    pub(crate) fn request(&self) -> Result<Option<Vec<u8>>, FramingError> {
        loop {
            let is_over = self.leash.is_pulled();
            match self.request.recv_timeout(PATIENCE) {
                Ok(request) => return request,
                Err(RecvTimeoutError::Timeout) if !is_over => {}
                Err(_) => return Ok(None),
            }
        }
    }

    /// Whether the browser still waits for the answer.
    pub(crate) fn check(&self) -> Result<(), Interruption> {
        match self.since.load(Ordering::SeqCst) {
            WAITS if !self.leash.is_pulled() => Ok(()),
            SPOKE => Err(Interruption::Spoke),
            _ => Err(Interruption::Gone),
        }
    }

    /// What ends the windows when the browser goes.
    pub(crate) fn leash(&self) -> &Leash {
        &self.leash
    }

    /// Says who is here.
    pub(crate) fn greet(&self) {
        let _ = write_message(&mut io::stdout().lock(), &Answer::Version.to_json());
    }

    /// Answers, and lets the browser close first: an extension may take a program that ends at once for one that never
    /// answered. Whoever is gone is told nothing.
    pub(crate) fn answer(&self, answer: Answer<'_>) {
        let written = write_message(&mut io::stdout().lock(), &answer.to_json());
        let began = Instant::now();
        while written.is_ok() && !self.leash.is_pulled() && began.elapsed() < FAREWELL {
            std::thread::sleep(LOOK);
        }
    }
}
