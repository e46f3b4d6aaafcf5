//! Playing a recorded dialogue back: a card that says what it said, to whoever says what was said to it.
//!
//! ```
//! use cie::{card, transport::replay::Replay};
//!
//! let replay = Replay::open("fixtures/traces/cie3-gemalto-recognise.trace")?;
//! let outcome = replay.link().map_err(cie::Error::from).and_then(|link| Ok(card::open(link)?.information()?));
//! let information = replay.conclude(outcome)?; // an error names the line; nothing may be left over
//! assert_eq!(information.kind(), card::Kind::Cie3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Strict unless asked otherwise: the same commands, the same draws under the same labels, in the same order, at the
//! recorded moment; all of it.

mod state;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::trace::{Event, Kind, Origin, ParseError, TRACE_MAX, Trace};
use super::{Company, Link, Transport};
use crate::environment::{Entropy, EntropyError, FixedClock};
use state::State;
use zeroize::Zeroizing;

/// Why a trace cannot be played back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read, with the system's reason.
    #[error("the trace cannot be read: {0}")]
    File(String),
    /// It is no trace, or cut off.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// A diagnostic or plain trace leaves out what a replay needs.
    #[error("a {0} trace cannot be played back, only a replayable one")]
    Kind(Kind),
}

/// What happened instead of what was recorded.
///
/// It tells headers, lengths and where the first difference is. Bytes it tells only if the card was a software card
/// and no PIN or PUK is among them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trace: {recorded} was recorded; {happened}{}", difference.as_deref().unwrap_or_default())]
pub struct Mismatch {
    /// The line of the trace, from 1: of the event that did not come, or, at its end, of the last one.
    pub line: usize,
    /// What was recorded there.
    pub recorded: String,
    /// What happened.
    pub happened: String,
    /// Where two commands differ first: the offset in bytes from 0, and around it the bytes if they may be told.
    pub difference: Option<String>,
}

/// A dialogue that did not end as it should when it was played back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failed<E: std::error::Error + 'static> {
    /// It went another way than the recorded one.
    #[error(transparent)]
    Mismatch(Mismatch),
    /// It went the recorded way and failed.
    #[error("line {line} of the trace: {error}")]
    Dialogue {
        /// The line of the last answer, draw or event that was played back.
        line: usize,
        /// What it failed with.
        error: E,
    },
}

impl<E: std::error::Error + 'static> Failed<E> {
    /// The line of the trace that it is about.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Mismatch(mismatch) => mismatch.line,
            Self::Dialogue { line, .. } => *line,
        }
    }
}

/// A trace that is being played back. Clones are handles to the same.
#[derive(Clone)]
pub struct Replay(Arc<Mutex<State>>);

impl Replay {
    /// Opens a replayable trace, to be played back strictly.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::of(Trace::open(path)?)
    }

    /// The same with a trace that is read already.
    ///
    /// # Errors
    /// [`OpenError::Kind`].
    pub fn of(trace: Trace) -> Result<Self, OpenError> {
        if trace.kind != Kind::Replayable {
            return Err(OpenError::Kind(trace.kind));
        }
        Ok(Self(Arc::new(Mutex::new(State::of(trace)))))
    }

    /// The same for exploration: a command that was not recorded at this place is answered by the next place where it
    /// was, or by the next command with the same header; draws of randomness may be left out. What a dialogue comes
    /// to by that proves nothing: [`Replay::deviations`] says what was not as recorded.
    #[must_use]
    pub fn lenient(self) -> Self {
        self.state().lenient = true;
        self
    }

    /// Whether it is for exploration only.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        self.state().lenient
    }

    /// What a lenient replay let pass so far.
    #[must_use]
    pub fn deviations(&self) -> Vec<Mismatch> {
        self.state().deviations.clone()
    }

    /// Whose card it was.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.state().trace.origin
    }

    /// The next recorded connection.
    ///
    /// # Errors
    /// [`Error::NotAsRecorded`](super::Error::NotAsRecorded) if there is none, or if the one before was not used to
    /// its end.
    pub fn link(&self) -> Result<Link, super::Error> {
        let mut state = self.state();
        let (atr, shared) = state.connect()?;
        let (clock, number) = (FixedClock(state.trace.clock), state.connection);
        let is_emulated = state.trace.origin == Origin::Emulator;
        drop(state);
        let transport =
            ReplayTransport { replay: self.clone(), number, atr, shared_at_first: shared, exclusive: false };
        let entropy = ReplayEntropy { replay: self.clone(), number };
        let mut link = Link::assemble(Box::new(transport), Box::new(entropy), Box::new(clock));
        link.set_replayed();
        if is_emulated {
            link.mark();
        }
        Ok(link)
    }

    /// The line of the trace, from 1, of what was last played back; 0 before the first.
    #[must_use]
    pub fn line(&self) -> usize {
        self.state().line()
    }

    /// Where the dialogue first went another way than the recorded one, if it did.
    #[must_use]
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.state().mismatch.clone()
    }

    /// What the dialogue came to, if it went the recorded way to the end. Drop what was made of the link first: a
    /// card with a verified PIN is reset then, and that was recorded, too.
    ///
    /// # Errors
    /// [`Failed::Mismatch`] if something else happened than was recorded, or if something is left over after a
    /// dialogue that did not fail; [`Failed::Dialogue`] with the dialogue's own error and the line where it arose.
    pub fn conclude<T, E: std::error::Error>(&self, outcome: Result<T, E>) -> Result<T, Failed<E>> {
        let state = self.state();
        match (&state.mismatch, outcome) {
            (Some(mismatch), _) => Err(Failed::Mismatch(mismatch.clone())),
            (None, Err(error)) => Err(Failed::Dialogue { line: state.line(), error }),
            (None, Ok(value)) => match state.left_over() {
                Some(mismatch) => Err(Failed::Mismatch(mismatch)),
                None => Ok(value),
            },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let mode = if state.lenient { "lenient" } else { "strict" };
        write!(f, "Replay({mode}, {:?}, at line {})", state.trace, state.line())
    }
}

impl Trace {
    /// Reads a trace from its file.
    ///
    /// # Errors
    /// [`OpenError::File`] or [`OpenError::Malformed`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let bytes = read(path.as_ref()).map_err(|error| OpenError::File(error.to_string()))?;
        Ok(Self::parse(&bytes)?)
    }
}

/// A file of at most [`TRACE_MAX`] bytes; what is longer is read one byte further, so that it is seen to be.
fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read;
    // Before it is opened: to open a pipe is to wait for somebody to write into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a file"));
    }
    let file = std::fs::File::open(path)?;
    let room = usize::try_from(file.metadata()?.len()).unwrap_or(TRACE_MAX).min(TRACE_MAX);
    // With room for all of it: what grows leaves copies behind, and a PIN can be in it.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 2));
    file.take(TRACE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The randomness of one recorded connection.
struct ReplayEntropy {
    replay: Replay,
    number: usize,
}

impl Entropy for ReplayEntropy {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.replay.state();
        state.check(self.number).map_err(|_| EntropyError(label))?;
        state.draw(label, out)
    }
}

/// One recorded connection.
struct ReplayTransport {
    replay: Replay,
    number: usize,
    atr: Vec<u8>,
    shared_at_first: bool,
    exclusive: bool,
}

impl ReplayTransport {
    /// Where the replay stands, unless it stands in another connection by now.
    fn state(&self) -> Result<MutexGuard<'_, State>, super::Error> {
        let mut state = self.replay.state();
        state.check(self.number)?;
        Ok(state)
    }
}

impl Transport for ReplayTransport {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, super::Error> {
        self.state()?.transmit(command)
    }

    fn reset(&mut self) -> Result<(), super::Error> {
        self.state()?.reset()
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for ReplayTransport {
    fn begin(&mut self) -> Result<(), super::Error> {
        self.state()?.company(|event| match event {
            Event::BeginFailed(failure) => Some(*failure),
            _ => None,
        })
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        self.shared_at_first && !self.exclusive
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), super::Error> {
        let outcome = self.state()?.company(match exclusive {
            true => |event| if let Event::ExclusiveFailed(failure) = event { Some(*failure) } else { None },
            false => |event| if let Event::ShareFailed(failure) = event { Some(*failure) } else { None },
        });
        if outcome.is_ok() {
            self.exclusive = exclusive;
        }
        outcome
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}
