//! From a private recording to something to share: a software card of an invented citizen that is like the card
//! that was recorded, the same dialogue with it, and what may be told of the recorded one.
//!
//! ```text
//! plain trace ── Shapes::of ──▶ Shapes      kind, chip, lengths, padding, quirks; every personal value
//!                    │ redact: a card like it, the same operations on it, the search
//!                    ▼
//!                 Redacted           files without any of the values; written at once or not at all
//! ```
//!
//! The search is the point: nothing is written before every output was looked through for every value that was
//! replaced, in every encoding in which it could stand there. What the software card does in another way is told
//! in the report, by lengths and status words.

mod build;
mod certificate;
mod compare;
mod dialogue;
mod files;
mod invent;
mod operations;
mod original;
mod perform;
mod report;
mod search;
mod shapes;
mod values;
mod write;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::crypto::SystemEntropy;
use crate::emulator;
use crate::emulator::pki::{self, TestPki};
use crate::environment::FixedClock;
use crate::transport::trace::{Kind, Origin, ParseError, Recorder, TestCard, Trace, What};

pub use perform::{MESSAGE, PINS, PUK, WRONG};
pub use report::{Replaced, Report};
pub use shapes::Shapes;

use operations::Operations;
use search::Search;
use shapes::Card;

/// Names of the files of a redaction, beside those of a [software card's folder](crate::emulator::folder).
pub const DIALOGUE: &str = "dialogue.trace";
/// The diagnostic trace of the recorded dialogue.
pub const ORIGINAL: &str = "original.trace";
/// The report.
pub const REPORT: &str = "report.txt";

/// How often a card is made before what was found is taken for a leak.
const ATTEMPTS: u8 = 3;

/// Why nothing can be shared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Only a plain trace has in it what is to be replaced.
    #[error("a {0} trace cannot be redacted, only a plain one")]
    NotPlain(Kind),
    /// No card that is known here speaks in the trace.
    #[error("the trace is not of a card that is known here, or it breaks off before the card can be told")]
    NotRecognised,
    /// There is more in the trace than any card tells.
    #[error("the trace has more in it than the files of a card")]
    TooMuch,
    /// A value that was to be replaced stands in the output. Nothing was written.
    #[error("a value that was to be replaced survived in {file}: {what}")]
    Survived {
        /// What it is; never the value.
        what: String,
        /// The file in which it stands.
        file: String,
    },
    /// The search could not be made.
    #[error("the search for what was replaced cannot be made: {0}")]
    Search(String),
    /// Our own recording cannot be read back.
    #[error("the dialogue with the software card was not recorded: {0}")]
    Recording(String),
    /// The software card could not be made or written.
    #[error(transparent)]
    Card(#[from] emulator::Error),
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Recording(error.to_string())
    }
}

/// What a redaction made, in memory.
pub struct Redacted {
    files: Vec<(String, Zeroizing<Vec<u8>>)>,
    report: Report,
}

impl Redacted {
    /// What was replaced and what differs.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The files by their names below the folder.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, content)| (name.as_str(), content.as_slice()))
    }
}

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redacted({} files)", self.files.len())
    }
}

/// Makes a card like the one in a plain trace and has the same dialogue with it, under a new test PKI. Making the
/// keys takes some seconds.
///
/// # Errors
/// An [`Error`].
pub fn redact(trace: &Trace, now: SystemTime) -> Result<Redacted, Error> {
    // Before the keys are made, which takes longer.
    let shapes = Shapes::of(trace)?;
    let pki = TestPki::generate(&mut SystemEntropy, now)?;
    finish(trace, &shapes, &pki, now)
}

/// The same under a test PKI that was made before, at about that time and without a look at the trace.
///
/// # Errors
/// An [`Error`].
pub fn redact_under(trace: &Trace, pki: &TestPki, now: SystemTime) -> Result<Redacted, Error> {
    finish(trace, &Shapes::of(trace)?, pki, now)
}

/// A short value can stand in some key by chance; then other keys are made. A leak would be there again.
fn finish(trace: &Trace, shapes: &Shapes, issuer: &TestPki, now: SystemTime) -> Result<Redacted, Error> {
    let mut attempt = 1;
    loop {
        let (redacted, search) = make(trace, shapes, issuer, now)?;
        let found = redacted.files().try_for_each(|(name, content)| search.check(name, content));
        match found {
            Ok(()) => return Ok(redacted),
            Err(error) if attempt == ATTEMPTS => return Err(error),
            Err(_) => attempt += 1,
        }
    }
}

/// All files, and the search that they have to pass.
fn make(
    trace: &Trace,
    shapes: &Shapes,
    issuer: &TestPki,
    now: SystemTime,
) -> Result<(Redacted, Search), Error> {
    let authorities =
        [issuer.root_der(), issuer.sub_ca_der(), issuer.csca_der(), issuer.document_signer_der()];
    let written = authorities.iter().map(|der| pki::pem(der)).collect::<Result<Vec<_>, _>>()?;
    let written = written.iter().map(String::as_bytes).chain([report::WORDS.as_bytes()]);
    let independent: Vec<&[u8]> = authorities.into_iter().chain(written).collect();
    let (search, fates) = Search::new(&shapes.values, &independent)?;
    let built = build::build(shapes, &search, issuer, &mut SystemEntropy, now)?;

    let operations = Operations::of(&shapes.steps, matches!(shapes.card, Card::Contact(_)));
    let (wire, plain) = (Tape::default(), Tape::default());
    let recorders = [
        Recorder::new(wire.clone(), What::Replayable(TestCard::marked())),
        Recorder::new(plain.clone(), What::Plain(Origin::Emulator)),
    ];
    // What is told of the time is the day.
    let clock = FixedClock(build::midnight(now) + Duration::from_secs(12 * 3600));
    let card = built.draft.in_memory(SystemEntropy)?;
    let mut performance = perform::Performance::new(card, recorders.clone(), clock);
    for operation in &operations.list {
        performance.perform(operation);
    }
    let failed = std::mem::take(&mut performance.failed);
    drop(performance);
    for recorder in recorders {
        recorder.finish().map_err(|error| Error::Recording(error.to_string()))?;
    }

    let ours = dialogue::steps(&Trace::parse(&plain.content())?);
    let report = Report {
        card: shapes.card(),
        replaced: report::replaced(&shapes.values, &fates),
        operations: operations.list.iter().map(operations::Operation::name).collect(),
        not_understood: operations.unknown,
        not_done: failed,
        differences: built.notes.into_iter().chain(compare::compare(&shapes.steps, &ours)).collect(),
    };
    let mut files = vec![
        (emulator::folder::CARD.to_owned(), built.draft.encode()?),
        (DIALOGUE.to_owned(), wire.content()),
        (ORIGINAL.to_owned(), Zeroizing::new(original::diagnostic(trace).to_string().into_bytes())),
        (REPORT.to_owned(), Zeroizing::new(report.to_string().into_bytes())),
    ];
    files.extend(built.papers.into_iter().map(|(name, content)| (name.to_owned(), Zeroizing::new(content))));
    Ok((Redacted { files, report }, search))
}

/// Where a recorder writes: memory that is looked at afterwards.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl Tape {
    fn content(&self) -> Zeroizing<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl io::Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
