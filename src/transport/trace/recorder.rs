//! Writing a trace while the dialogue goes on: each line is written when it happens, so that a crash keeps what
//! was said before it.

mod link;

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::{AllowList, EVENTS_MAX, Event, Kind, Origin, TRACE_MAX, Trace};

pub(crate) use link::Tap;
pub(in crate::transport) use link::record;

/// A card of which everything may be recorded, its PIN included: the draws of randomness and the bytes on the wire
/// together give the session keys, and so the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard(Origin);

impl TestCard {
    /// The caller declares that the card is made for tests and that no citizen's PIN is typed.
    #[must_use]
    pub const fn declared() -> Self {
        Self(Origin::TestCard)
    }

    /// A card that shows the mark of a software card ([`card::find_mark`](crate::card::find_mark)).
    pub(crate) const fn marked() -> Self {
        Self(Origin::Emulator)
    }

    /// Whose card it is: [`Origin::Emulator`] if the card carries the mark, [`Origin::TestCard`] if somebody
    /// declared it.
    #[must_use]
    pub const fn origin(self) -> Origin {
        self.0
    }
}

/// What is to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// [`Kind::Diagnostic`], with the time of each command.
    Diagnostic(Origin),
    /// [`Kind::Replayable`], without times: the same dialogue is the same file. Its clock stands still.
    Replayable(TestCard),
    /// [`Kind::Plain`].
    Plain(Origin),
}

impl What {
    /// The kind of trace.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Diagnostic(_) => Kind::Diagnostic,
            Self::Replayable(_) => Kind::Replayable,
            Self::Plain(_) => Kind::Plain,
        }
    }

    /// Whose card it is.
    #[must_use]
    pub fn origin(self) -> Origin {
        match self {
            Self::Diagnostic(origin) | Self::Plain(origin) => origin,
            Self::Replayable(card) => card.origin(),
        }
    }
}

/// Writes a trace; [`Link::recorded`](crate::transport::Link::recorded) says of what. Clones are handles to the same
/// trace. One connection after the other can be recorded, not two at once.
#[derive(Clone)]
pub struct Recorder {
    what: What,
    tape: Arc<Mutex<Tape>>,
}

impl Recorder {
    /// Records into a new file, which must not exist and is readable by its owner only.
    ///
    /// # Errors
    /// If the file exists or cannot be made.
    pub fn create(path: impl AsRef<Path>, what: What) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // No buffer: what was written stays when this process dies.
        let file: File = options.open(path)?;
        Ok(Self::new(file, what))
    }

    /// Records into anything. A writer with a buffer keeps back what a crash would lose.
    #[must_use]
    pub fn new(sink: impl Write + Send + 'static, what: What) -> Self {
        let tape = Tape {
            sink: Box::new(sink),
            state: State::Blank,
            clock: None,
            connections: 0,
            is_open: false,
            events: 0,
            bytes: 0,
            allow: AllowList::new(),
        };
        Self { what, tape: Arc::new(Mutex::new(tape)) }
    }

    /// Writes the end, when the recorded links are gone. Without this it is written with the last handle and the last
    /// recorded link; after a panic it is not.
    ///
    /// # Errors
    /// The first error of writing, or why the trace is not whole: two connections at once, one that is still open or
    /// was given up by a panic, a card without the mark, something that no trace holds. The dialogue itself went on
    /// regardless.
    pub fn finish(self) -> io::Result<()> {
        let mut tape = self.lock();
        if tape.is_open {
            return Err(io::Error::other("a recorded connection is still open"));
        }
        tape.end();
        match &tape.state {
            State::Broken(kind, reason) => Err(io::Error::new(*kind, reason.clone())),
            _ => Ok(()),
        }
    }

    /// Whether a recorded connection is open, so that [`Recorder::finish`] would come too early.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lock().is_open
    }

    /// What it records.
    pub(in crate::transport) fn what(&self) -> What {
        self.what
    }

    /// Something must not be recorded.
    pub(in crate::transport) fn refuse(&self, reason: &str) {
        self.lock().break_off(io::ErrorKind::PermissionDenied, reason);
    }

    fn lock(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head, if this is the first connection, and its beginning; and the moment of the trace.
    fn connect(&self, now: SystemTime, atr: &[u8], shared: bool) -> (Connection, SystemTime) {
        let mut tape = self.lock();
        let now = *tape.clock.get_or_insert(now);
        if matches!(tape.state, State::Blank) {
            tape.state = State::Written;
            let (origin, kind) = (self.what.origin(), self.what.kind());
            tape.write(&Trace { origin, kind, clock: now, entries: Vec::new() }.head());
        }
        if tape.is_open {
            tape.break_off(io::ErrorKind::Other, "two connections were recorded at once");
        }
        tape.connections += 1;
        tape.is_open = true;
        tape.allow = AllowList::new();
        let number = tape.connections;
        tape.event(number, &Event::Connected { atr: atr.to_vec(), shared });
        drop(tape);
        (Connection { recorder: self.clone(), number }, now)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({:?})", self.what)
    }
}

enum State {
    /// Nothing is written yet.
    Blank,
    Written,
    /// Nothing more is written, and why.
    Broken(io::ErrorKind, String),
    Ended,
}

struct Tape {
    sink: Box<dyn Write + Send>,
    state: State,
    /// The moment of the trace.
    clock: Option<SystemTime>,
    connections: u64,
    /// Whether the last of them is still there.
    is_open: bool,
    events: usize,
    bytes: usize,
    allow: AllowList,
}

impl Tape {
    fn write(&mut self, text: &str) {
        if matches!(self.state, State::Written) {
            self.bytes = self.bytes.saturating_add(text.len());
            if let Err(error) = self.sink.write_all(text.as_bytes()).and_then(|()| self.sink.flush()) {
                self.break_off(error.kind(), &error.to_string());
            }
        }
    }

    fn break_off(&mut self, kind: io::ErrorKind, reason: &str) {
        if !matches!(self.state, State::Broken(..) | State::Ended) {
            self.state = State::Broken(kind, reason.to_owned());
        }
    }

    fn event(&mut self, connection: u64, event: &Event) {
        if std::thread::panicking() {
            self.break_off(io::ErrorKind::Interrupted, "the dialogue was given up by a panic");
        } else if connection != self.connections || !self.is_open {
            self.break_off(io::ErrorKind::Other, "two connections were recorded at once");
        } else if !event.is_writable()
            || self.events == EVENTS_MAX
            || self.bytes > TRACE_MAX - event.text_max()
        {
            self.break_off(io::ErrorKind::InvalidData, "this is more than a trace holds");
        } else {
            self.events += 1;
            // With room for all of it: what grows leaves copies behind.
            let mut line = Zeroizing::new(String::with_capacity(event.text_max()));
            let _ = writeln!(line, "{event}");
            self.write(&line);
        }
    }

    fn close(&mut self, connection: u64) {
        if connection == self.connections {
            self.is_open = false;
        }
        if std::thread::panicking() {
            self.break_off(io::ErrorKind::Interrupted, "the dialogue was given up by a panic");
        }
    }

    fn end(&mut self) {
        self.write("end\n");
        if matches!(self.state, State::Blank | State::Written) {
            self.state = State::Ended;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        // What a panic left is no whole dialogue.
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// One connection of a recorded trace.
#[derive(Clone)]
struct Connection {
    recorder: Recorder,
    number: u64,
}

impl Connection {
    fn event(&self, event: &Event) {
        self.recorder.lock().event(self.number, event);
    }

    fn kind(&self) -> Kind {
        self.recorder.what.kind()
    }

    /// Nothing more is said over it.
    fn close(&self) {
        self.recorder.lock().close(self.number);
    }
}
