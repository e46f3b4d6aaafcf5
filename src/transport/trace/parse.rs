//! Reading a trace: anybody may have written it. Bounded, and an error says in which line and column.

mod lines;

use std::time::Duration;

use lines::{Line, Lines, Words, number};
use zeroize::Zeroizing;

use super::event::{ATR_MAX, DRAW_MAX, LABEL_MAX};
use super::{EVENTS_MAX, Entry, Event, Failure, Kind, Origin, Piece, TRACE_MAX, Told, Trace};
use crate::environment::moment;
use crate::iso7816::{StatusWord, command};

/// The longest time for one command that is written: a day, in microseconds.
const TIME_MAX: u64 = 86_400_000_000;

/// What is wrong with a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More than [`TRACE_MAX`] bytes, or than [`EVENTS_MAX`] events.
    #[error("the file is longer than any trace")]
    TooLong,
    /// More than [`LINE_MAX`](super::LINE_MAX) bytes before the next line.
    #[error("the line is longer than any of a trace")]
    LineTooLong,
    /// A byte that is no printable ASCII character.
    #[error("this is not text")]
    NotText,
    /// The first line is not `cie-trace 1`.
    #[error("this is not a trace, or of another version; `cie-trace 1` is expected")]
    NotATrace,
    /// A line of the head is missing or in the wrong place.
    #[error("`{0}` is expected here")]
    Expected(&'static str),
    /// A word that does not belong here.
    #[error("this word is not known here")]
    UnknownWord,
    /// The moment is not RFC 3339 to the second, of the years 1970 to 9999.
    #[error("a moment such as 2026-01-01T00:00:00Z is expected")]
    Moment,
    /// Not two hexadecimal digits for each byte.
    #[error("two hexadecimal digits for each byte are expected")]
    Hex,
    /// More bytes, or a larger number, than there can be.
    #[error("this is longer than it can be")]
    OutOfRange,
    /// An event before the first connection.
    #[error("the answer to reset (`atr`) comes first")]
    NotConnected,
    /// An answer without a command before it.
    #[error("there is no command to which this belongs")]
    NoCommand,
    /// A command of which nobody says what became of it.
    #[error("the command before has no answer")]
    Unanswered,
    /// Something that a trace of this kind has not.
    #[error("a trace of this kind has none of these")]
    WrongKind,
    /// A plain trace with a PIN or PUK in it.
    #[error("a command that carries a PIN must not have its data in a plain trace")]
    Pin,
    /// Something behind `end`.
    #[error("nothing may follow the end")]
    AfterEnd,
    /// No `end`, or no line break behind it.
    #[error("the trace is cut off: `end` is missing")]
    CutOff,
}

/// What is wrong with a trace, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl Trace {
    /// Reads a whole trace.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let (trace, missing) = read(bytes)?;
        missing.map_or(Ok(trace), Err)
    }

    /// Reads a trace whose recording may have broken off: as far as whole lines go. Says as well where the end is
    /// missing, if it is.
    ///
    /// # Errors
    /// [`ParseError`] for everything else.
    pub fn parse_broken_off(bytes: &[u8]) -> Result<(Self, Option<ParseError>), ParseError> {
        read(bytes)
    }
}

fn read(bytes: &[u8]) -> Result<(Trace, Option<ParseError>), ParseError> {
    if bytes.len() > TRACE_MAX {
        return Err(ParseError { line: 1, column: 1, problem: Problem::TooLong });
    }
    let mut lines = Lines::of(bytes);
    let mut head = |name| match lines.next() {
        Some(line) => line.map(Some),
        None => {
            let missing = ParseError { line: lines.line + 1, column: 1, problem: Problem::Expected(name) };
            Err(lines.cut.unwrap_or(missing))
        }
    };
    let (mut first, mut origin, mut kind, mut clock) = (None, None, None, None);
    for name in ["cie-trace", "origin", "kind", "clock"] {
        let Some(line) = head(name)? else { continue };
        let mut words = Words::of(line);
        let word = words.next();
        let expected = if name == "cie-trace" { Problem::NotATrace } else { Problem::Expected(name) };
        word.filter(|word| word.text == name).ok_or(words.error_at(word, expected))?;
        let value = words.next();
        let text = value.map_or("", |value| value.text);
        let problem = match name {
            "cie-trace" => Some(Problem::NotATrace).filter(|_| text != "1"),
            "origin" => {
                origin = Origin::named(text);
                Some(Problem::UnknownWord).filter(|_| origin.is_none())
            }
            "kind" => {
                kind = Kind::named(text);
                Some(Problem::UnknownWord).filter(|_| kind.is_none())
            }
            _ => {
                clock = moment::parse(text);
                Some(Problem::Moment).filter(|_| clock.is_none())
            }
        };
        first = first.or(problem.map(|problem| words.error_at(value, problem)));
        if let Some(error) = first {
            return Err(error);
        }
        words.end()?;
    }
    let (Some(origin), Some(kind), Some(clock)) = (origin, kind, clock) else {
        return Err(ParseError { line: 1, column: 1, problem: Problem::NotATrace });
    };
    let mut trace = Trace { origin, kind, clock, entries: Vec::new() };
    let mut state = State { kind, connected: false, waiting: None, wire_told: false };
    while let Some(line) = lines.next() {
        let line = line?;
        if line.text == "end" {
            if let Some(error) = state.unanswered() {
                return Err(error);
            }
            return match lines.next() {
                None => Ok((trace, lines.cut)),
                Some(line) => Err(line?.error(1, Problem::AfterEnd)),
            };
        }
        let event = event(line)?;
        state.check(line, &event)?;
        if trace.entries.len() == EVENTS_MAX {
            return Err(line.error(1, Problem::TooLong));
        }
        trace.entries.push(Entry { line: line.number, event });
    }
    let end = ParseError { line: lines.line + 1, column: 1, problem: Problem::CutOff };
    Ok((trace, Some(lines.cut.unwrap_or(end))))
}

fn event(line: Line<'_>) -> Result<Event, ParseError> {
    let mut words = Words::of(line);
    let word = words.needed()?;
    let event = match word.text {
        "atr" => {
            let (mut atr, mut shared) = (Vec::new(), false);
            let mut value = words.next();
            if let Some(hex) = value.filter(|word| word.text != "shared") {
                atr = words.hex(hex, ATR_MAX)?.to_vec();
                value = words.next();
            }
            if let Some(word) = value {
                shared = word.text == "shared";
                shared.then_some(()).ok_or(words.error_at(value, Problem::UnknownWord))?;
            }
            Event::Connected { atr, shared }
        }
        "random" => {
            let label = words.needed()?;
            let fits = (1..=LABEL_MAX).contains(&label.text.len());
            fits.then_some(()).ok_or(words.error_at(Some(label), Problem::OutOfRange))?;
            let bytes = match words.next() {
                Some(word) => words.hex(word, DRAW_MAX)?,
                None => Zeroizing::default(),
            };
            Event::Random { label: label.text.to_owned(), bytes }
        }
        ">" => Event::Command(words.told()?),
        "<" => {
            let answer = words.told()?;
            let time = match words.next() {
                None => None,
                Some(_) => {
                    let word = words.needed()?;
                    let time = number(word.text).and_then(|time| u64::try_from(time).ok());
                    let time = time.filter(|time| *time <= TIME_MAX);
                    Some(Duration::from_micros(time.ok_or(words.error_at(Some(word), Problem::OutOfRange))?))
                }
            };
            Event::Response { answer, time }
        }
        "event" => happened(&mut words)?,
        _ => return Err(words.error_at(Some(word), Problem::UnknownWord)),
    };
    words.end()?;
    Ok(event)
}

/// What stands behind `event`.
fn happened(words: &mut Words<'_>) -> Result<Event, ParseError> {
    let failure = |words: &mut Words<'_>| {
        let word = words.needed()?;
        Failure::named(word.text).ok_or(words.error_at(Some(word), Problem::UnknownWord))
    };
    let word = words.needed()?;
    Ok(match word.text {
        "terminal-reset" if words.rest.is_none() => Event::TerminalReset(None),
        "terminal-reset" => Event::TerminalReset(Some(failure(words)?)),
        "begin" => Event::BeginFailed(failure(words)?),
        "exclusive" => Event::ExclusiveFailed(failure(words)?),
        "share" => Event::ShareFailed(failure(words)?),
        "protected" => Event::Protected,
        "clear" => Event::Clear,
        "wire" => {
            let mut found = Vec::new();
            loop {
                let word = words.needed()?;
                let status = <[u8; 2]>::try_from(words.hex(word, 2)?.as_slice());
                found.push(StatusWord::from(status.map_err(|_| words.error_at(Some(word), Problem::Hex))?));
                if words.rest.is_none() {
                    break Event::Wire(found);
                }
            }
        }
        name => Event::Failed(Failure::named(name).ok_or(words.error_at(Some(word), Problem::UnknownWord))?),
    })
}

/// What may come next.
struct State<'a> {
    kind: Kind,
    connected: bool,
    /// The command whose answer is to come.
    waiting: Option<Line<'a>>,
    /// Whether its status words on the wire were told.
    wire_told: bool,
}

impl<'a> State<'a> {
    fn unanswered(&self) -> Option<ParseError> {
        self.waiting.map(|line| line.error(1, Problem::Unanswered))
    }

    fn check(&mut self, line: Line<'a>, event: &Event) -> Result<(), ParseError> {
        let error = |problem| Err(line.error(1, problem));
        if !self.connected && !matches!(event, Event::Connected { .. }) {
            return error(Problem::NotConnected);
        }
        let (plain, replayable) = (self.kind == Kind::Plain, self.kind == Kind::Replayable);
        match event {
            Event::Response { .. } | Event::Failed(_) | Event::Wire(_) if self.waiting.is_none() => {
                return error(Problem::NoCommand);
            }
            // A draw and a reset between a command and its answer would have no place to be played back.
            Event::Response { .. } | Event::Failed(_) => self.waiting = None,
            // Once, and before the answer.
            Event::Wire(_) if std::mem::replace(&mut self.wire_told, true) => {
                return error(Problem::UnknownWord);
            }
            Event::Wire(_) => {}
            _ => {
                if let Some(error) = self.unanswered() {
                    return Err(error);
                }
            }
        }
        match event {
            Event::Random { .. } if !replayable => error(Problem::WrongKind),
            Event::Wire(_) | Event::Protected | Event::Clear | Event::Failed(Failure::Unprotected)
                if !plain =>
            {
                error(Problem::WrongKind)
            }
            Event::Command(told) | Event::Response { answer: told, .. }
                if replayable && told.whole().is_none() =>
            {
                error(Problem::WrongKind)
            }
            Event::Command(told) if plain && may_tell_a_pin(told) => error(Problem::Pin),
            Event::Command(_) => {
                (self.waiting, self.wire_told) = (Some(line), false);
                Ok(())
            }
            Event::Connected { .. } => {
                self.connected = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether anything but header, length and Le is told of a command that carries a PIN, or of one that does not say
/// what it is.
fn may_tell_a_pin(told: &Told) -> bool {
    match (told.header(), told.pieces()) {
        (Some([_, ins, ..]), _) if !command::carries_pin(ins) => false,
        (Some(_), [Piece::Bytes(head)]) => head.len() > 5,
        (Some(_), [Piece::Bytes(head), _]) => head.len() > 7,
        (Some(_), [Piece::Bytes(head), _, Piece::Bytes(le)]) => head.len() > 7 || le.len() > 2,
        (None, [Piece::Bytes(_)] | [Piece::Hidden(_) | Piece::Uncounted] | []) => false,
        _ => true,
    }
}
