//! Recorded dialogues as text: one event on a line, to be read and compared by people (docs/traces.md has the
//! grammar).
//!
//! ```text
//! cie-trace 1
//! origin emulator
//! kind replayable
//! clock 2026-01-01T00:00:00Z
//! atr 3B8F800180318065B085040011120FFF8290008A
//! > 00A4040C0DA0000000308000000009816001
//! < 9000
//! random RND.IFD 0011223344556677
//! event terminal-reset
//! end
//! ```
//!
//! [`Recorder`] writes them, [`Trace`] reads them, [`Replay`](super::replay::Replay) plays them back.

mod allow;
mod event;
pub mod import;
mod parse;
mod recorder;
mod told;

use std::fmt;
use std::time::SystemTime;

pub use allow::AllowList;
pub use event::{Event, Failure};
pub use parse::{ParseError, Problem};
pub use recorder::{Recorder, TestCard, What};
pub use told::{Piece, Told};

pub(crate) use recorder::Tap;
pub(super) use recorder::record;

use crate::environment::moment;

/// The longest trace that is read, in bytes.
pub const TRACE_MAX: usize = 16 << 20;

/// The most events of a trace that is read: a hundred times what any dialogue has.
pub const EVENTS_MAX: usize = 200_000;

/// The longest line of a trace that is read, in bytes: room for the longest APDU, two digits a byte.
pub const LINE_MAX: usize = 2 * 65_544 + 64;

/// Whose card it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A software card, whose citizen is invented and whose PIN protects nothing.
    Emulator,
    /// A card of plastic that somebody declared to be for tests.
    TestCard,
    /// A citizen's card, or one of which nothing is known.
    Citizen,
}

impl Origin {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Emulator, "emulator"), (Self::TestCard, "test-card"), (Self::Citizen, "citizen")];
}

/// What a trace tells and what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// What is on the [allow-list](AllowList), and how long it took: to be sent to whoever helps.
    Diagnostic,
    /// Everything, the draws of randomness included: a dialogue that can be played again.
    Replayable,
    /// What was said within secure messaging, in clear: private. No command that carries a PIN or PUK has its
    /// data in it.
    Plain,
}

impl Kind {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Diagnostic, "diagnostic"), (Self::Replayable, "replayable"), (Self::Plain, "plain")];
}

/// Names of values, as they stand in a trace.
macro_rules! named {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let name = Self::ALL.iter().find(|(value, _)| value == self).map_or("", |(_, name)| name);
                f.pad(name)
            }
        }

        impl $type {
            /// The value with this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
            }
        }
    };
}
named!(Origin);
named!(Kind);
named!(Failure);
named!(import::LogFormat);

/// A recorded dialogue. `Display` writes it as it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace {
    /// Whose card it was.
    pub origin: Origin,
    /// What the trace tells.
    pub kind: Kind,
    /// When it was recorded, to the second.
    pub clock: SystemTime,
    /// What happened, in order; each connection begins with [`Event::Connected`].
    pub entries: Vec<Entry>,
}

/// An event and where it stands in its file.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1; 0 if it was not read from a file.
    pub line: usize,
    /// What happened.
    pub event: Event,
}

impl Trace {
    /// What of it may be told to anybody, as a diagnostic trace: what is on the [`AllowList`], at the same lines. What
    /// only other kinds have is left out.
    #[must_use]
    pub fn diagnostic(&self) -> Self {
        let mut list = AllowList::new();
        let mut told = |entry: &Entry| {
            let event = match &entry.event {
                Event::Random { .. } | Event::Wire(_) | Event::Protected | Event::Clear => return None,
                Event::Failed(Failure::Unprotected) => Event::Failed(Failure::Failed),
                event => list.event(event),
            };
            Some(Entry { line: entry.line, event })
        };
        let entries = self.entries.iter().filter_map(&mut told).collect();
        Self { kind: Kind::Diagnostic, entries, ..*self }
    }

    /// The lines at the head of a trace.
    fn head(&self) -> String {
        let clock = moment::format(self.clock);
        format!("cie-trace 1\norigin {}\nkind {}\nclock {clock}\n", self.origin, self.kind)
    }

    /// Its connections, one after the other.
    pub fn connections(&self) -> impl Iterator<Item = &[Entry]> {
        let begins = |entry: &Entry| matches!(entry.event, Event::Connected { .. });
        self.entries.chunk_by(move |_, next| !begins(next))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        for entry in &self.entries {
            writeln!(f, "{}", entry.event)?;
        }
        f.write_str("end\n")
    }
}

/// What it is and how much of it there is; what was said can be private.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({} {}, {} events)", self.origin, self.kind, self.entries.len())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry(line {}, {:?})", self.line, self.event)
    }
}

#[cfg(test)]
mod tests;
