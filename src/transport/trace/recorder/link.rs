//! A link that is recorded: its transport, its randomness, its clock, and what is said above secure messaging.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{Connection, Recorder};
use crate::environment::{Clock, Entropy, EntropyError, FixedClock, moment};
use crate::iso7816::{Command, Response, StatusWord, command};
use crate::transport::trace::{Event, Failure, Kind, Told};
use crate::transport::{Company, Error, Transport};

impl Connection {
    /// A command on the wire, before it goes out.
    fn command(&self, bytes: &[u8]) {
        let told = match self.kind() {
            Kind::Diagnostic => self.recorder.lock().allow.command(bytes),
            _ => Told::all(bytes),
        };
        self.event(&Event::Command(told));
    }

    fn outcome(&self, outcome: &Result<Vec<u8>, Error>, time: Duration) {
        self.event(&match outcome {
            Ok(bytes) if self.kind() == Kind::Diagnostic => {
                let answer = self.recorder.lock().allow.response(bytes);
                Event::Response { answer, time: Some(Duration::from_micros(micros(time))) }
            }
            Ok(bytes) => Event::Response { answer: Told::all(bytes), time: None },
            Err(error) => Event::Failed(error.into()),
        });
    }
}

/// No more than a trace writes: a day.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(86_400_000_000)
}

/// The transport, randomness and clock of a link, recorded.
pub(in crate::transport) struct Recorded {
    pub(in crate::transport) transport: Box<dyn Transport>,
    pub(in crate::transport) entropy: Box<dyn Entropy>,
    pub(in crate::transport) clock: Box<dyn Clock>,
    pub(in crate::transport) tap: Option<Tap>,
}

/// Has everything that goes over these recorded.
pub(in crate::transport) fn record(
    recorder: &Recorder,
    mut transport: Box<dyn Transport>,
    entropy: Box<dyn Entropy>,
    clock: Box<dyn Clock>,
) -> Recorded {
    let shared = transport.company().is_some_and(|company| company.is_shared());
    let now = moment::to_the_second(clock.now());
    // The trace has one moment, which is that of its first connection.
    let (connection, now) = recorder.connect(now, transport.atr(), shared);
    let words = Arc::new(Mutex::new(Vec::new()));
    let tap = Tap { connection: connection.clone(), words: words.clone(), protected: false };
    match connection.kind() {
        Kind::Plain => {
            let transport = Box::new(RecordedTransport::new(transport, connection, Some(words)));
            Recorded { transport, entropy, clock, tap: Some(tap) }
        }
        Kind::Diagnostic => {
            let transport = Box::new(RecordedTransport::new(transport, connection, None));
            Recorded { transport, entropy, clock, tap: None }
        }
        Kind::Replayable => {
            let entropy = Box::new(RecordedEntropy { inner: entropy, connection: connection.clone() });
            let transport = Box::new(RecordedTransport::new(transport, connection, None));
            // In the recording as in its replay no time passes.
            Recorded { transport, entropy, clock: Box::new(FixedClock(now)), tap: None }
        }
    }
}

struct RecordedEntropy {
    inner: Box<dyn Entropy>,
    connection: Connection,
}

impl Entropy for RecordedEntropy {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        self.inner.draw(label, out)?;
        let (label, bytes) = (label.to_owned(), Zeroizing::new(out.to_vec()));
        self.connection.event(&Event::Random { label, bytes });
        Ok(())
    }
}

struct RecordedTransport {
    inner: Box<dyn Transport>,
    connection: Connection,
    /// In a plain trace the exchanges are recorded above secure messaging; here only their status words.
    words: Option<Arc<Mutex<Vec<StatusWord>>>>,
    /// Whether other programs may use the card, as last seen.
    shared: bool,
}

impl Transport for RecordedTransport {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(words) = &self.words {
            let answer = self.inner.transmit(command)?;
            let status = answer.last_chunk().map(|status| StatusWord::from(*status));
            words.lock().unwrap_or_else(PoisonError::into_inner).extend(status);
            return Ok(answer);
        }
        self.connection.command(command);
        let began = Instant::now();
        let outcome = self.inner.transmit(command);
        self.connection.outcome(&outcome, began.elapsed());
        outcome
    }

    fn reset(&mut self) -> Result<(), Error> {
        let outcome = self.inner.reset();
        self.connection.event(&Event::TerminalReset(outcome.as_ref().err().map(Failure::from)));
        outcome
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        self.look();
        if self.inner.company().is_some() { Some(self) } else { None }
    }
}

impl Drop for RecordedTransport {
    fn drop(&mut self) {
        // Whoever panicked has not said all.
        self.connection.close();
    }
}

impl RecordedTransport {
    fn new(
        inner: Box<dyn Transport>,
        connection: Connection,
        words: Option<Arc<Mutex<Vec<StatusWord>>>>,
    ) -> Self {
        Self { inner, connection, words, shared: false }
    }

    /// The company below is reached by what may change it, and asked by what may not.
    fn look(&mut self) {
        self.shared = self.inner.company().is_some_and(|company| company.is_shared());
    }

    fn told(
        &mut self,
        call: impl FnOnce(&mut dyn Company) -> Result<(), Error>,
        event: fn(Failure) -> Event,
    ) -> Result<(), Error> {
        let outcome = self.inner.company().map_or(Ok(()), call);
        self.look();
        if let Err(error) = &outcome {
            self.connection.event(&event(error.into()));
        }
        outcome
    }
}

/// What goes well here is not recorded: whether others are there is said at the beginning.
impl Company for RecordedTransport {
    fn begin(&mut self) -> Result<(), Error> {
        if self.words.is_some() {
            // The tap has told of the command already that the transaction is for, and tells what came instead of
            // its answer.
            return self.inner.company().map_or(Ok(()), |company| company.begin());
        }
        self.told(|company| company.begin(), Event::BeginFailed)
    }

    fn end(&mut self) {
        if let Some(company) = self.inner.company() {
            company.end();
        }
        self.look();
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
        let event = if exclusive { Event::ExclusiveFailed } else { Event::ShareFailed };
        self.told(|company| company.set_exclusive(exclusive), event)
    }

    fn reset_when_dropped(&mut self, reset: bool) {
        if let Some(company) = self.inner.company() {
            company.reset_when_dropped(reset);
        }
    }
}

/// Where a plain trace listens: above secure messaging.
pub(crate) struct Tap {
    connection: Connection,
    words: Arc<Mutex<Vec<StatusWord>>>,
    protected: bool,
}

impl Tap {
    /// A command that is about to be carried out, and whether it will go out under secure messaging.
    pub(crate) fn command(&mut self, command: &Command, protected: bool) {
        if std::mem::replace(&mut self.protected, protected) != protected {
            self.connection.event(if protected { &Event::Protected } else { &Event::Clear });
        }
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let told = match command.encode() {
            // The rest of the program says what is wrong with it; it never goes out.
            Err(_) => Told::all(&command.header()),
            Ok(bytes) if command::carries_pin(command.ins()) => without_data(&bytes, command.data().len()),
            Ok(bytes) => Told::all(&bytes),
        };
        self.connection.event(&Event::Command(told));
    }

    /// What came of it.
    pub(crate) fn outcome(&mut self, outcome: Result<&Response, Failure>) {
        let mut words = std::mem::take(&mut *self.words.lock().unwrap_or_else(PoisonError::into_inner));
        // The last one is that of the answer.
        if outcome.is_ok() {
            words.pop();
        }
        if !words.is_empty() {
            self.connection.event(&Event::Wire(words));
        }
        self.connection.event(&match outcome {
            Ok(response) => {
                Event::Response { answer: Told::all(&Zeroizing::new(response.encode())), time: None }
            }
            Err(failure) => Event::Failed(failure),
        });
    }
}

/// Header, length and Le of a command.
fn without_data(bytes: &[u8], length: usize) -> Told {
    let extended = bytes.len() > 7 && bytes.get(4) == Some(&0);
    let begins = if length == 0 {
        4
    } else if extended {
        7
    } else {
        5
    };
    let (before, rest) = bytes.split_at(begins.min(bytes.len()));
    Told::all(before).and_hidden(length).and(rest.get(length..).unwrap_or_default())
}
