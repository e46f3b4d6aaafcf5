//! Readers, through the PC/SC service of the system (PC/SC part 5; pcscd on Linux).
//!
//! ```no_run
//! use std::time::Duration;
//! use cie::transport::pcsc::{Service, Sharing};
//!
//! # fn main() -> Result<(), cie::Error> {
//! let service = Service::open()?;
//! let reader = service.watch().wait_for_card(None, Duration::from_secs(30))?;
//! let link = service.connect(&reader.name, Sharing::Shared)?;
//! # Ok(())
//! # }
//! ```
//!
//! What the service cannot do is done here: every call to a card has a deadline. The call itself cannot be
//! taken back, so it runs in a thread of its own; when the deadline passes the connection is given up, and
//! its reader is [`Error::Unresponsive`] until the call returns. The thread then resets the card, which may
//! have carried out anything meanwhile, a VERIFY included.

mod abandoned;
mod connection;
mod monitor;
mod observer;
mod token;
mod watch;
mod worker;

use std::ffi::CString;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use ::pcsc::{Context, ReaderState as State, Scope};

use super::{Error, Link};
use abandoned::{Abandoned, Call};
pub use connection::Connection;
pub use monitor::{Event, Monitor};
use observer::Observer;
use token::Token;
pub use watch::{Canceller, Watch};

/// How long an exchange with a card may take, unless [`Service::with_deadline`] says otherwise. The slowest
/// commands of known cards take some two seconds; programs for phones wait ten.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How often readers are listed, if one goes meanwhile.
const LISTINGS: usize = 5;

/// How often who is denied access asks again, and how long it waits before: a service is gone by then that stops.
const DENIALS: usize = 4;
const DENIED: Duration = Duration::from_millis(100);

/// Who else may use a card while we are connected to it. There is no default: it depends on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Nobody. For cards whose verified PIN serves every program (CNS, TS-CNS).
    Exclusive,
    /// Any program, but not in the middle of an operation. Enough for a CIE 3, whose verified PIN belongs
    /// to one secure channel; a reset by another program ends the session, and no PIN is shown again.
    Shared,
}

/// A reader, and what lay on it when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reader {
    /// The name that the service gives it, at most 128 bytes; what is not UTF-8 is replaced.
    pub name: String,
    /// What lies on it.
    pub state: ReaderState,
    /// How often a card came or went since the service knows the reader, as far as it counts.
    movements: u32,
}

/// What lies on a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReaderState {
    /// Nothing.
    Empty,
    /// A card that answers.
    Present {
        /// Its answer to reset, at most 33 bytes.
        atr: Vec<u8>,
        /// Whether a program is connected to it.
        in_use: bool,
        /// Whether that program does not share it.
        exclusive: bool,
    },
    /// A card that does not answer, or cannot be powered.
    Mute,
    /// The reader is there but cannot be used.
    Unavailable,
}

impl From<&State> for Reader {
    fn from(state: &State) -> Self {
        let name = state.name().to_string_lossy().into_owned();
        let movements = state.event_count();
        let event = state.event_state();
        let has = |flag| event.contains(flag);
        let state = if has(::pcsc::State::MUTE) {
            ReaderState::Mute
        } else if has(::pcsc::State::PRESENT) {
            let exclusive = has(::pcsc::State::EXCLUSIVE);
            let in_use = exclusive || has(::pcsc::State::INUSE);
            ReaderState::Present { atr: state.atr().to_vec(), in_use, exclusive }
        } else if has(::pcsc::State::EMPTY) {
            ReaderState::Empty
        } else {
            ReaderState::Unavailable
        };
        Self { name, state, movements }
    }
}

/// The way to the PC/SC service. Clones share what they know of readers that do not come back, so a program
/// keeps one for its whole life. `Send` and `Sync`.
///
/// A service that is stopped and started later is found again by the next call.
#[derive(Clone)]
pub struct Service {
    connections: Arc<Mutex<Vec<Weak<Token>>>>,
    abandoned: Abandoned,
    deadline: Duration,
}

impl Service {
    /// The way to the service, whether or not it runs now: for programs that start before it does.
    #[must_use]
    pub fn new() -> Self {
        Self { connections: Arc::default(), abandoned: Abandoned::default(), deadline: DEADLINE }
    }

    /// The way to the service, which must be running.
    ///
    /// # Errors
    /// [`Error::NoService`] if it is not, or does not answer; [`Error::AccessDenied`] if it lets this account use no
    /// readers.
    pub fn open() -> Result<Self, Error> {
        let service = Self::new();
        within(DEADLINE, &service.abandoned, || establish().map(drop))?;
        Ok(service)
    }

    /// With another deadline for each exchange with a card.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// All readers and what lies on them now.
    ///
    /// # Errors
    /// [`Error::NoService`] if the service is not running or does not answer, [`Error::AccessDenied`],
    /// [`Error::Reader`].
    pub fn readers(&self) -> Result<Vec<Reader>, Error> {
        snapshot(self.deadline, &self.abandoned)
    }

    /// A watch over the readers: cards that come and go, readers that are plugged in and out.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.abandoned.clone())
    }

    /// The same as a series of events, for a program that runs for months.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::new(self.watch())
    }

    /// Connects to the card on this reader and powers it if it is not. What the card remembers of others
    /// is left as it is; so it is when the link is dropped, unless it was told to reset the card.
    ///
    /// # Errors
    /// [`Error::NoService`], [`Error::AccessDenied`], [`Error::NoReader`], [`Error::NoCard`]; [`Error::InUse`] if
    /// another program keeps the card for itself, or longer than the deadline in a transaction; [`Error::Unpowered`];
    /// [`Error::Unresponsive`] if the reader does not come back in time or did not from an earlier command.
    pub fn connect(&self, reader: &str, sharing: Sharing) -> Result<Link, Error> {
        Ok(Link::new(self.transport(reader, sharing)?))
    }

    /// The same without a [`Link`] on top: single APDUs, of any length that the reader carries.
    ///
    /// # Errors
    /// As [`Service::connect`].
    pub fn transport(&self, reader: &str, sharing: Sharing) -> Result<Connection, Error> {
        let mut name = CString::new(reader).map_err(|_| Error::NoReader)?;
        if self.abandoned.any() {
            return Err(Error::NoService);
        }
        // A name that is not UTF-8 was told with this in place of what is none.
        if reader.contains(char::REPLACEMENT_CHARACTER) {
            let names = within(self.deadline, &self.abandoned, || list(&establish()?))?;
            name = names.into_iter().find(|name| name.to_string_lossy() == reader).ok_or(Error::NoReader)?;
        }
        let token = self.admit(reader)?;
        Connection::open(name, sharing, self.deadline, token)
    }

    /// Notes a new connection, unless an earlier one to this reader hangs.
    fn admit(&self, reader: &str) -> Result<Arc<Token>, Error> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|token| token.strong_count() > 0);
        let hanging = connections.iter().filter_map(Weak::upgrade).find_map(|token| token.hangs(reader));
        if let Some(error) = hanging {
            return Err(error);
        }
        let token = Arc::new(Token::new(reader));
        connections.push(Arc::downgrade(&token));
        Ok(token)
    }
}

impl Default for Service {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Service(deadline {:?})", self.deadline)
    }
}

/// Makes a call to the service that nothing limits, in a thread of its own.
fn within<T: Send + 'static>(
    deadline: Duration,
    abandoned: &Abandoned,
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if abandoned.any() {
        return Err(Error::NoService);
    }
    let (outbox, reply) = mpsc::channel();
    let pending = Call::new();
    let token = pending.token();
    // If nobody waits any more, the reply is lost with its thread.
    let called = move || {
        drop(outbox.send(call()));
        drop(token);
    };
    thread::Builder::new()
        .name("cie service".to_owned())
        .spawn(called)
        .map_err(|error| Error::Reader(error.to_string()))?;
    reply.recv_timeout(deadline).unwrap_or_else(|_| {
        abandoned.note(&pending);
        Err(Error::NoService)
    })
}

/// All readers and what lies on them now.
fn snapshot(deadline: Duration, abandoned: &Abandoned) -> Result<Vec<Reader>, Error> {
    within(deadline, abandoned, || {
        let mut observer = Observer::new();
        // One that was unplugged since it was listed: the others are still worth knowing.
        for _ in 0..LISTINGS {
            if let Some(readers) = observer.look(Duration::ZERO, true)? {
                return Ok(readers);
            }
        }
        Err(Error::Reader("the readers change faster than they can be listed".to_owned()))
    })
}

/// A context of its own: calls in one context wait for each other.
fn establish() -> Result<Context, Error> {
    Ok(let_in(|| Context::establish(Scope::User))?)
}

/// Asks to be let in. pcscd denies access also while it stops, for a moment: who asks again is told that it is gone,
/// or let in by the next one. Nothing was sent to a card.
fn let_in<T>(ask: impl Fn() -> Result<T, ::pcsc::Error>) -> Result<T, ::pcsc::Error> {
    let mut answer = ask();
    for _ in 0..DENIALS {
        if answer.as_ref().err() != Some(&::pcsc::Error::SecurityViolation) {
            break;
        }
        thread::sleep(DENIED);
        answer = ask();
    }
    answer
}

/// The names of all readers.
fn list(context: &Context) -> Result<Vec<CString>, Error> {
    match context.list_readers_owned() {
        Err(::pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
        other => other.map_err(once_let_in),
    }
}

/// Questions about these readers, of which nothing is known yet.
fn unaware(names: Vec<CString>) -> Vec<State> {
    names.into_iter().map(|name| State::new(name, ::pcsc::State::UNAWARE)).collect()
}

impl From<::pcsc::Error> for Error {
    fn from(error: ::pcsc::Error) -> Self {
        use ::pcsc::Error as Pcsc;
        match error {
            // A communication error is one with the service: it ended while a command was under way.
            Pcsc::NoService | Pcsc::ServiceStopped | Pcsc::Shutdown | Pcsc::CommError => Self::NoService,
            Pcsc::SecurityViolation => Self::AccessDenied,
            Pcsc::UnknownReader | Pcsc::ReaderUnavailable | Pcsc::NoReadersAvailable => Self::NoReader,
            Pcsc::NoSmartcard => Self::NoCard,
            Pcsc::RemovedCard => Self::Removed,
            Pcsc::ResetCard => Self::Reset,
            Pcsc::SharingViolation => Self::InUse,
            Pcsc::UnresponsiveCard | Pcsc::UnpoweredCard => Self::Unpowered,
            // The reader's word for an exchange that broke off, mostly because the card moved.
            Pcsc::NotTransacted => Self::NoAnswer,
            Pcsc::InsufficientBuffer => Self::AnswerTooLong,
            Pcsc::Timeout => Self::TimedOut,
            Pcsc::Cancelled => Self::Cancelled,
            other => Self::Reader(other.to_string()),
        }
    }
}

/// What an error means from a service that had let us in. Access was granted when that began: pcscd denies it later
/// only while it stops, to whoever is not gone yet.
fn once_let_in(error: ::pcsc::Error) -> Error {
    match error {
        ::pcsc::Error::SecurityViolation => Error::NoService,
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_denied_at_first_or_not_at_all() {
        use ::pcsc::Error as Pcsc;
        let asked = std::cell::Cell::new(0);
        let told = |answers: &[Pcsc]| {
            asked.set(0);
            let ask = || Err::<(), _>(answers[(asked.replace(asked.get() + 1)).min(answers.len() - 1)]);
            (let_in(ask).unwrap_err(), asked.get())
        };
        assert_eq!(told(&[Pcsc::NoService]), (Pcsc::NoService, 1));
        assert_eq!(told(&[Pcsc::SecurityViolation, Pcsc::NoService]), (Pcsc::NoService, 2));
        assert_eq!(
            told(&[Pcsc::SecurityViolation]),
            (Pcsc::SecurityViolation, 1 + DENIALS),
            "a policy stays"
        );
        assert_eq!(Error::from(Pcsc::SecurityViolation), Error::AccessDenied);
        assert_eq!(once_let_in(Pcsc::SecurityViolation), Error::NoService);
        assert_eq!(once_let_in(Pcsc::RemovedCard), Error::Removed);
    }

    #[test]
    fn what_the_service_says_keeps_its_meaning() {
        use ::pcsc::Error as Pcsc;
        // Those that no virtual reader brings about; tests/pcsc.rs has the others.
        for (theirs, ours) in [
            (Pcsc::InsufficientBuffer, Error::AnswerTooLong),
            (Pcsc::ServiceStopped, Error::NoService),
            (Pcsc::ReaderUnavailable, Error::NoReader),
            (Pcsc::UnresponsiveCard, Error::Unpowered),
            (Pcsc::Cancelled, Error::Cancelled),
            (Pcsc::SecurityViolation, Error::AccessDenied),
        ] {
            assert_eq!(Error::from(theirs), ours);
        }
        let unknown = Error::from(Pcsc::InternalError);
        assert!(matches!(&unknown, Error::Reader(text) if !text.is_empty()), "{unknown}");
    }

    #[test]
    fn a_reader_hangs_only_once_a_call_was_given_up() {
        let service = Service::new();
        let (one, other) = (service.admit("one").unwrap(), service.admit("one").unwrap());
        assert!(!one.give_up());
        assert_eq!(service.clone().admit("one").err(), Some(Error::Unresponsive));
        let two = service.admit("two").unwrap();
        drop(one);
        service.admit("one").unwrap();
        drop((other, two));
        assert_eq!(service.connections.lock().unwrap().len(), 3, "cleared when the next one comes");
        service.admit("two").unwrap();
        assert_eq!(service.connections.lock().unwrap().len(), 1);
    }
}
