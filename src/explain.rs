//! A recorded dialogue in words: what each command is called and does, which step of the protocol it belongs to, what
//! the card said, and how long it took.
//!
//! ```
//! use cie::explain::{self, Item};
//! use cie::transport::trace::Trace;
//!
//! let trace = "cie-trace 1\norigin citizen\nkind diagnostic\nclock 2026-01-01T00:00:00Z\natr 3B80800101\n\
//!              > 00A4040C06A00000000039\n< 6A82 us 12345\nend\n";
//! let explanation = explain::explain(&Trace::parse(trace.as_bytes())?);
//! let Some(Item::Exchange(select)) = explanation.connections[0].items.first() else { panic!() };
//! assert_eq!((select.name, select.step.english()), (Some("SELECT"), "recognition and selection"));
//! assert_eq!(explanation.totals.statistics.commands, 1);
//! # Ok::<(), cie::transport::trace::ParseError>(())
//! ```
//!
//! It works for every kind of trace. What is hidden, or protected, is told by what comes before it, and nothing is
//! decrypted. A trace can be anybody's: the work is linear, what is kept of it bounded. Of a command that carries a
//! PIN or PUK only header and length are told, whatever the trace has.

mod apdu;
mod names;
mod objects;
mod parts;
mod place;
mod status;
mod step;
mod tags;
mod text;
mod totals;
mod walk;
mod walker;

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

#[cfg(feature = "emulator")]
pub(crate) use names::is_directory;
pub use objects::{Data, Object};
pub use step::Step;
pub use text::Text;
pub use totals::Totals;

use crate::iso7816::StatusWord;
use crate::transport::trace::{AllowList, Entry, Failure, Kind, Origin, Trace};

/// The most events that are explained one by one; those behind are only counted. A login and a signature are some
/// sixty.
pub const ITEMS_MAX: usize = 10_000;

/// A trace, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Whose card it was.
    pub origin: Origin,
    /// What the trace tells.
    pub kind: Kind,
    /// When it was recorded.
    pub clock: SystemTime,
    /// One after the other.
    pub connections: Vec<Connection>,
    /// How much was said in each step, in the order of [`Step::ALL`], without steps that were not gone.
    pub steps: Vec<(Step, Totals)>,
    /// How much was said in all.
    pub totals: Totals,
    /// Events beyond [`ITEMS_MAX`].
    pub left_out: usize,
}

/// What was said over one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The line of the trace.
    pub line: usize,
    /// The answer to reset; empty if the reader gave none.
    pub atr: Vec<u8>,
    /// Whether other programs could use the card as well.
    pub shared: bool,
    /// In order.
    pub items: Vec<Item>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A command and what came of it.
    Exchange(Box<Exchange>),
    /// A draw of randomness. What was drawn is not told: with the wire it gives the session keys.
    Draw {
        /// The line of the trace.
        line: usize,
        /// The standard's name of what it is for.
        label: String,
        /// How many bytes.
        length: usize,
    },
    /// Something else.
    Happened {
        /// The line of the trace.
        line: usize,
        /// What.
        what: Happening,
        /// Why it failed, if it did.
        failure: Option<Failure>,
    },
}

/// What can happen beside commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Happening {
    /// The terminal reset the card.
    Reset,
    /// A transaction could not begin.
    Begin,
    /// Other programs could not be kept off the card.
    Exclusive,
    /// Other programs could not be let in again.
    Share,
    /// In a plain trace: from here on commands went out under secure messaging.
    Protection,
    /// In a plain trace: from here on they went out in clear again.
    Clearness,
}

impl Happening {
    /// The stable name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Begin => "begin",
            Self::Exclusive => "exclusive",
            Self::Share => "share",
            Self::Protection => "protection",
            Self::Clearness => "clearness",
        }
    }

    /// What happened, in both languages.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::Reset => ("the terminal resets the card", "il terminale azzera la carta"),
            Self::Begin => ("a transaction cannot begin", "una transazione non può iniziare"),
            Self::Exclusive => (
                "other programs cannot be kept off the card",
                "la carta non può essere tolta ad altri programmi",
            ),
            Self::Share => {
                ("other programs cannot be let in again", "la carta non può essere resa ad altri programmi")
            }
            Self::Protection => ("from here on protected", "da qui in poi protetto"),
            Self::Clearness => ("from here on in clear", "da qui in poi in chiaro"),
        }
        .into()
    }
}

/// A command and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The line of the command in the trace.
    pub line: usize,
    /// The step of the protocol.
    pub step: Step,
    /// CLA, INS, P1 and P2, if they are told and those of a known command.
    pub header: Option<[u8; 4]>,
    /// What the standard calls it.
    pub name: Option<&'static str>,
    /// What it is about: an application, a file, a key, a PIN.
    pub detail: Option<Text>,
    /// Whether it went out under secure messaging.
    pub is_protected: bool,
    /// Whether more of the same command follows.
    pub is_chained: bool,
    /// Bytes of the command, at least.
    pub sent: usize,
    /// Whether they are told to be so many: how long a PIN is may be hidden.
    pub sent_is_counted: bool,
    /// Nc: bytes of data.
    pub nc: Option<usize>,
    /// Ne: bytes that were asked for at most.
    pub ne: Option<u32>,
    /// What is told of the data.
    pub command: Data,
    /// In a plain trace, the status words on the wire before that of the answer.
    pub wire: Vec<StatusWord>,
    /// What came of it; none where the trace breaks off.
    pub outcome: Option<Outcome>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer.
    Answer(Box<Answer>),
    /// What came instead of one.
    Failed(Failure),
}

/// What a card answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The line of the trace.
    pub line: usize,
    /// The status word, if it is told.
    pub status: Option<StatusWord>,
    /// The status word under secure messaging, if there is one: the one that counts.
    pub protected_status: Option<StatusWord>,
    /// Bytes of the answer, status word included.
    pub received: usize,
    /// How long it took.
    pub time: Option<Duration>,
    /// What is told of the data.
    pub data: Data,
}

impl Answer {
    /// What the status word that counts means.
    #[must_use]
    pub fn meaning(&self) -> Option<Text> {
        self.protected_status.or(self.status).map(status::meaning)
    }
}

/// Why there was no answer, in both languages.
#[must_use]
pub fn failure(failure: Failure) -> Text {
    match failure {
        Failure::Removed => ("the card was removed", "la carta è stata tolta"),
        Failure::Reset => ("another program reset the card", "un altro programma ha azzerato la carta"),
        Failure::NoAnswer => ("no answer came", "nessuna risposta"),
        Failure::AnswerTooLong => ("the answer was too long", "la risposta era troppo lunga"),
        Failure::NoService => ("no service for readers", "nessun servizio per i lettori"),
        Failure::NoReader => ("no reader", "nessun lettore"),
        Failure::NoCard => ("no card", "nessuna carta"),
        Failure::InUse => ("another program uses the card", "un altro programma usa la carta"),
        Failure::Unresponsive => ("the reader is stuck", "il lettore è fermo"),
        Failure::Unpowered => {
            ("the reader cannot power the card", "il lettore non riesce ad alimentare la carta")
        }
        Failure::TimedOut => ("it took too long", "tempo scaduto"),
        Failure::Cancelled => ("cancelled", "annullato"),
        Failure::Unprotected => {
            ("the protection of the answer was wrong", "la protezione della risposta era errata")
        }
        Failure::Failed => ("the reader failed", "errore del lettore"),
    }
    .into()
}

/// Explains a trace. Of a citizen's, whatever its kind, only what a diagnostic one tells: what is explained is shown
/// around sooner than a file.
#[must_use]
pub fn explain(trace: &Trace) -> Explanation {
    if trace.origin != Origin::Citizen || trace.kind == Kind::Diagnostic {
        return walker::explain(trace);
    }
    let mut list = AllowList::new();
    let told = |entry: &Entry| Entry { line: entry.line, event: list.event(&entry.event) };
    walker::explain(&Trace { entries: trace.entries.iter().map(told).collect(), ..*trace })
}
