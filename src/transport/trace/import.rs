//! Reading the logs that people have already, of other programs: as a diagnostic trace, which tells of each command
//! and answer what the [`AllowList`](super::AllowList) lets it.
//!
//! Such logs show everything, PINs included. What is not told by the list stands nowhere in what comes out: not in
//! the trace, nor in an error, a note or under `Debug`. A note says the line of the log and one of a few reasons.
//!
//! Connections, resets and failures are told where the format has them. A log that does not say how the card was
//! shared counts as shared. A command that the log has no answer to is followed by `event no-answer`, and its line is
//! noted. A connection on which nothing was said is left out.

mod builder;
mod hex_list;
mod lines;
mod open;
mod opensc;
mod outcome;
mod pcsc_spy;
mod pcscd;
mod scriptor;

use std::time::SystemTime;

use super::{Failure, Origin, Trace};
use builder::Builder;

/// The longest log that is read, in bytes.
pub const LOG_MAX: usize = 64 << 20;
/// The longest line of a log that is read, in bytes: room for the longest APDU, three characters a byte.
pub const LOG_LINE_MAX: usize = 3 * 65_544 + 512;
/// The most notes that are kept; the others are counted.
pub const UNPARSED_MAX: usize = 100;

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// `opensc-debug.log` of OpenSC.
    OpenSc,
    /// The output of `pcscd -a`.
    Pcscd,
    /// The output of `pcsc-spy`.
    PcscSpy,
    /// The output of `scriptor` or of `opensc-tool -s`, or the results of `gscriptor`.
    Scriptor,
    /// Lines of hexadecimal digits behind `>` and `<`.
    HexList,
}

impl LogFormat {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::OpenSc, "opensc"),
        (Self::Pcscd, "pcscd"),
        (Self::PcscSpy, "pcsc-spy"),
        (Self::Scriptor, "scriptor"),
        (Self::HexList, "hex-list"),
    ];

    /// The format of a log by what is in it: the first line that only one program writes decides. `None` if there is
    /// none, or the log is longer than [`LOG_MAX`].
    #[must_use]
    pub fn recognise(log: &[u8]) -> Option<Self> {
        if log.len() > LOG_MAX {
            return None;
        }
        let plain = lines::without_colours(log);
        let mut list = None;
        let marked = lines::lines(plain.as_ref().map_or(log, |plain| plain.as_slice())).find_map(|line| {
            let text = line.text?;
            let is = |mark: fn(&[u8]) -> bool, format| mark(text).then_some(format);
            list = list.or_else(|| is(hex_list::is_mark, Self::HexList));
            is(opensc::is_mark, Self::OpenSc)
                .or_else(|| is(pcscd::is_mark, Self::Pcscd))
                .or_else(|| is(pcsc_spy::is_mark, Self::PcscSpy))
                .or_else(|| is(scriptor::is_mark, Self::Scriptor))
        });
        marked.or(list)
    }
}

/// Why something of a log is not in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Longer than [`LOG_LINE_MAX`].
    #[error("the line is longer than any with a command")]
    LineTooLong,
    /// Something else where bytes belong.
    #[error("two hexadecimal digits for each byte are expected")]
    NotHex,
    /// More bytes than a command or answer has.
    #[error("more bytes than there can be")]
    TooLong,
    /// Fewer bytes than were announced.
    #[error("bytes are missing behind this line")]
    Cut,
    /// A command, with no answer.
    #[error("the log has no answer to this command")]
    Unanswered,
    /// An answer, with no command.
    #[error("an answer without a command")]
    NoCommand,
    /// Bytes that have not the form of an answer to reset.
    #[error("this is no answer to reset")]
    Atr,
    /// A line that has no meaning in this format.
    #[error("this is no line of such a log")]
    Unknown,
}

impl Reason {
    /// Its name, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LineTooLong => "line-too-long",
            Self::NotHex => "not-hex",
            Self::TooLong => "too-long",
            Self::Cut => "cut",
            Self::Unanswered => "unanswered",
            Self::NoCommand => "no-command",
            Self::Atr => "atr",
            Self::Unknown => "unknown",
        }
    }
}

/// A line of a log that is not in the trace, or not wholly; nothing of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unparsed {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub reason: Reason,
}

/// What came of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// What may be told. It is a trace of the kind [`Diagnostic`](super::Kind::Diagnostic).
    pub trace: Trace,
    /// Whose log it was.
    pub format: LogFormat,
    /// How many commands there are.
    pub commands: usize,
    /// The first lines that were not understood, in order, [`UNPARSED_MAX`] at most.
    pub unparsed: Vec<Unparsed>,
    /// How many there were.
    pub unparsed_count: usize,
}

/// Why nothing came of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Longer than [`LOG_MAX`].
    #[error("the log is longer than {} MiB", LOG_MAX >> 20)]
    TooLong,
    /// More than [`EVENTS_MAX`](super::EVENTS_MAX) events, or more text than a trace may have.
    #[error("the log says more than a trace holds")]
    TraceTooLong,
    /// Not a single command.
    #[error("no command was found in the log")]
    Nothing,
}

/// Makes a diagnostic trace of a log. `origin` says whose card it was: [`Origin::Citizen`] unless it is known for
/// certain. `clock` is written into the trace; logs have no date.
///
/// # Errors
/// [`ImportError`]. Whatever else is wrong with a log is noted in [`Imported::unparsed`].
pub fn import(
    log: &[u8],
    format: LogFormat,
    origin: Origin,
    clock: SystemTime,
) -> Result<Imported, ImportError> {
    if log.len() > LOG_MAX {
        return Err(ImportError::TooLong);
    }
    let plain = lines::without_colours(log);
    let log = plain.as_ref().map_or(log, |plain| plain.as_slice());
    let is_counted = matches!(format, LogFormat::OpenSc | LogFormat::Pcscd | LogFormat::PcscSpy);
    let mut builder = Builder::new(is_counted);
    match format {
        LogFormat::OpenSc => opensc::import(log, &mut builder),
        LogFormat::Pcscd => pcscd::import(log, &mut builder),
        LogFormat::PcscSpy => pcsc_spy::import(log, &mut builder),
        LogFormat::Scriptor => scriptor::import(log, &mut builder),
        LogFormat::HexList => hex_list::import(log, &mut builder),
    }
    builder.finish(format, origin, clock)
}

#[cfg(test)]
mod tests;
