//! What happens in a dialogue: a connection, a draw, a command, its answer, or what came instead.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Told;
use super::told::BYTES_MAX;
use crate::iso7816::StatusWord;
use crate::transport::Error;

/// One event. `Display` writes its line.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// `atr HEX`, `atr HEX shared`: a connection to a card begins, and whether other programs may use the card
    /// meanwhile.
    Connected {
        /// The answer to reset; empty if the reader gave none.
        atr: Vec<u8>,
        /// Whether other programs may use the card as well.
        shared: bool,
    },
    /// `random LABEL HEX`: a draw of randomness, under the standard's name of what it is for.
    Random {
        /// The name, such as `RND.IFD`.
        label: String,
        /// What was drawn.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// `> HEX`: a command APDU.
    Command(Told),
    /// `< HEX`: the answer to the command before, and after `us` how long it took.
    Response {
        /// The answer, status word included.
        answer: Told,
        /// From sending the command to having the answer, to the microsecond.
        time: Option<Duration>,
    },
    /// `event FAILURE`: what came instead of an answer to the command before.
    Failed(Failure),
    /// `event terminal-reset`: the terminal reset the card, or tried to.
    TerminalReset(Option<Failure>),
    /// `event begin FAILURE`: a transaction that could not begin.
    BeginFailed(Failure),
    /// `event exclusive FAILURE`: other programs could not be kept off the card.
    ExclusiveFailed(Failure),
    /// `event share FAILURE`: they could not be let in again.
    ShareFailed(Failure),
    /// `event wire SW SW …`: in a plain trace, the status words on the wire before that of the answer: of
    /// fragments of a chain, 61xx and 6Cxx.
    Wire(Vec<StatusWord>),
    /// `event protected`: in a plain trace, from here on commands went out under secure messaging.
    Protected,
    /// `event clear`: in a plain trace, from here on in clear again.
    Clear,
}

/// The most bytes of one draw: more than any exponent or key of this library takes.
pub(super) const DRAW_MAX: usize = 1024;
/// The longest label of a draw.
pub(super) const LABEL_MAX: usize = 32;
/// The longest answer to reset (ISO/IEC 7816-3 section 8.2.1), and some for readers that invent their own.
pub(super) const ATR_MAX: usize = 64;

impl Event {
    /// Whether it is read back when it is written.
    pub(super) fn is_writable(&self) -> bool {
        match self {
            Self::Connected { atr, .. } => atr.len() <= ATR_MAX,
            Self::Random { label, bytes } => {
                let printable = label.bytes().all(|byte| byte.is_ascii_graphic());
                (1..=LABEL_MAX).contains(&label.len()) && printable && bytes.len() <= DRAW_MAX
            }
            Self::Command(told) | Self::Response { answer: told, .. } => told.len() <= BYTES_MAX,
            _ => true,
        }
    }

    /// More bytes than its line has.
    pub(super) fn text_max(&self) -> usize {
        const WORDS: usize = 128;
        let bytes = match self {
            Self::Connected { atr, .. } => atr.len(),
            Self::Random { bytes, .. } => bytes.len(),
            // Between two pieces there is a blank, and a gap is written in a few digits.
            Self::Command(told) | Self::Response { answer: told, .. } => {
                told.told_len() + 8 * told.pieces().len()
            }
            Self::Wire(words) => 4 * words.len(),
            _ => 0,
        };
        2 * bytes + WORDS
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The card was removed.
    Removed,
    /// The card was reset by another program.
    Reset,
    /// No answer came.
    NoAnswer,
    /// The answer was too long and is lost.
    AnswerTooLong,
    /// No service for readers.
    NoService,
    /// No such reader.
    NoReader,
    /// No card.
    NoCard,
    /// Another program uses the card.
    InUse,
    /// The reader does not come back from an earlier command.
    Unresponsive,
    /// The reader cannot power the card.
    Unpowered,
    /// It took too long.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// The answer was there, but its protection was wrong (plain traces only).
    Unprotected,
    /// Something else; a reader's own words are not recorded.
    Failed,
}

impl Failure {
    pub(super) const ALL: [(Self, &'static str); 14] = [
        (Self::Removed, "removed"),
        (Self::Reset, "reset"),
        (Self::NoAnswer, "no-answer"),
        (Self::AnswerTooLong, "answer-too-long"),
        (Self::NoService, "no-service"),
        (Self::NoReader, "no-reader"),
        (Self::NoCard, "no-card"),
        (Self::InUse, "in-use"),
        (Self::Unresponsive, "unresponsive"),
        (Self::Unpowered, "unpowered"),
        (Self::TimedOut, "timed-out"),
        (Self::Cancelled, "cancelled"),
        (Self::Unprotected, "unprotected"),
        (Self::Failed, "failed"),
    ];

    /// The error that a transport gives for it.
    #[must_use]
    pub fn to_error(self) -> Error {
        match self {
            Self::Removed => Error::Removed,
            Self::Reset => Error::Reset,
            Self::NoAnswer => Error::NoAnswer,
            Self::AnswerTooLong => Error::AnswerTooLong,
            Self::NoService => Error::NoService,
            Self::NoReader => Error::NoReader,
            Self::NoCard => Error::NoCard,
            Self::InUse => Error::InUse,
            Self::Unresponsive => Error::Unresponsive,
            Self::Unpowered => Error::Unpowered,
            Self::TimedOut => Error::TimedOut,
            Self::Cancelled => Error::Cancelled,
            Self::Unprotected | Self::Failed => Error::Reader("as recorded".to_owned()),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Removed => Self::Removed,
            Error::Reset => Self::Reset,
            Error::NoAnswer | Error::Overdue => Self::NoAnswer,
            Error::AnswerTooLong => Self::AnswerTooLong,
            Error::NoService => Self::NoService,
            Error::NoReader => Self::NoReader,
            Error::NoCard => Self::NoCard,
            Error::InUse => Self::InUse,
            Error::Unresponsive => Self::Unresponsive,
            Error::Unpowered => Self::Unpowered,
            Error::TimedOut => Self::TimedOut,
            Error::Cancelled | Error::Stopped => Self::Cancelled,
            // Whoever is not let in has no dialogue to record.
            Error::Apdu(_)
            | Error::EndlessAnswer
            | Error::AccessDenied
            | Error::NotAsRecorded(_)
            | Error::Reader(_) => Self::Failed,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { atr, shared } => {
                let (blank, shared) =
                    (if atr.is_empty() { "" } else { " " }, if *shared { " shared" } else { "" });
                write!(f, "atr{blank}{}{shared}", hex::encode_upper(atr))
            }
            Self::Random { label, bytes } => {
                write!(f, "random {label}")?;
                // Digit by digit: no copy of a secret stays behind.
                bytes.iter().enumerate().try_for_each(|(index, byte)| {
                    write!(f, "{}{byte:02X}", if index == 0 { " " } else { "" })
                })
            }
            Self::Command(told) if told.is_empty() => f.write_str(">"),
            Self::Command(told) => write!(f, "> {told}"),
            Self::Response { answer, time } => {
                f.write_str("<")?;
                if !answer.is_empty() {
                    write!(f, " {answer}")?;
                }
                time.map_or(Ok(()), |time| write!(f, " us {}", time.as_micros()))
            }
            Self::Failed(failure) => write!(f, "event {failure}"),
            Self::TerminalReset(None) => f.write_str("event terminal-reset"),
            Self::TerminalReset(Some(failure)) => write!(f, "event terminal-reset {failure}"),
            Self::BeginFailed(failure) => write!(f, "event begin {failure}"),
            Self::ExclusiveFailed(failure) => write!(f, "event exclusive {failure}"),
            Self::ShareFailed(failure) => write!(f, "event share {failure}"),
            Self::Wire(words) => {
                f.write_str("event wire")?;
                words.iter().try_for_each(|word| write!(f, " {word:?}"))
            }
            Self::Protected => f.write_str("event protected"),
            Self::Clear => f.write_str("event clear"),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random { label, bytes } => write!(f, "Random({label}, {} bytes)", bytes.len()),
            Self::Command(told) => write!(f, "Command({told:?})"),
            Self::Response { answer, .. } => write!(f, "Response({answer:?})"),
            other => write!(f, "{other}"),
        }
    }
}
