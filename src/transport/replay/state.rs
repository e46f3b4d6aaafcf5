//! Where a replay stands, and what it compares.

use super::Mismatch;
use crate::environment::EntropyError;
use crate::iso7816::command;
use crate::transport::Error;
use crate::transport::trace::{Entry, Event, Failure, Origin, Trace};

/// A trace and how far it was played back.
pub(super) struct State {
    pub(super) trace: Trace,
    /// The next entry.
    next: usize,
    /// The connection that it stands in, from 1.
    pub(super) connection: usize,
    pub(super) lenient: bool,
    pub(super) mismatch: Option<Mismatch>,
    pub(super) deviations: Vec<Mismatch>,
}

/// The most deviations that a lenient replay remembers.
const DEVIATIONS_MAX: usize = 1000;

impl State {
    pub(super) fn of(trace: Trace) -> Self {
        Self { trace, next: 0, connection: 0, lenient: false, mismatch: None, deviations: Vec::new() }
    }

    pub(super) fn line(&self) -> usize {
        self.next.checked_sub(1).and_then(|last| self.trace.entries.get(last)).map_or(0, |entry| entry.line)
    }

    /// The next entry of this connection.
    fn peek(&self) -> Option<&Entry> {
        self.trace.entries.get(self.next).filter(|entry| !matches!(entry.event, Event::Connected { .. }))
    }

    /// Says that this happened where something else was recorded, now and from now on.
    fn differ(&mut self, happened: String, difference: Option<String>) -> Error {
        let mismatch = self.mismatch(happened, difference);
        self.stop(mismatch)
    }

    fn mismatch(&self, happened: String, difference: Option<String>) -> Mismatch {
        let entry = self.trace.entries.get(self.next);
        let (line, recorded) = match entry {
            Some(entry) => (entry.line, named(&entry.event)),
            None => (self.line(), "the end".to_owned()),
        };
        Mismatch { line, recorded, happened, difference }
    }

    fn stop(&mut self, mismatch: Mismatch) -> Error {
        let mismatch = self.mismatch.get_or_insert(mismatch).clone();
        Error::NotAsRecorded(Box::new(mismatch))
    }

    /// A lenient replay goes on, and remembers.
    fn deviate(&mut self, mismatch: Mismatch) {
        if self.deviations.len() < DEVIATIONS_MAX {
            self.deviations.push(mismatch);
        }
    }

    fn stopped(&self) -> Option<Error> {
        self.mismatch.clone().map(|mismatch| Error::NotAsRecorded(Box::new(mismatch)))
    }

    pub(super) fn left_over(&self) -> Option<Mismatch> {
        let left = self.trace.entries.len().saturating_sub(self.next);
        (left > 0 && !self.lenient)
            .then(|| self.mismatch(format!("nothing happened any more, {left} left over"), None))
    }

    pub(super) fn connect(&mut self) -> Result<(Vec<u8>, bool), Error> {
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        if self.lenient {
            let entries = self.trace.entries.iter().skip(self.next);
            self.next += entries.take_while(|entry| !matches!(entry.event, Event::Connected { .. })).count();
        }
        match self.trace.entries.get(self.next).map(|entry| entry.event.clone()) {
            Some(Event::Connected { atr, shared }) => {
                self.next += 1;
                self.connection += 1;
                Ok((atr, shared))
            }
            _ => Err(self.differ("a new connection was made".to_owned(), None)),
        }
    }

    /// Whether this is the connection in which the replay stands.
    pub(super) fn check(&mut self, connection: usize) -> Result<(), Error> {
        if connection == self.connection {
            return Ok(());
        }
        Err(self.differ("an earlier connection was used once more".to_owned(), None))
    }

    /// The recorded answer to this command.
    pub(super) fn transmit(&mut self, sent: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        let recorded = match self.peek().map(|entry| &entry.event) {
            Some(Event::Command(told)) => told.whole(),
            _ => None,
        };
        if recorded != Some(sent) {
            let difference = recorded.and_then(|recorded| self.difference(recorded, sent));
            let mismatch = self.mismatch(format!("{} was sent", command_named(sent)), difference);
            match self.elsewhere(sent).filter(|_| self.lenient) {
                Some(place) => {
                    self.deviate(mismatch);
                    self.next = place;
                }
                None => return Err(self.stop(mismatch)),
            }
        }
        self.next += 1;
        let outcome = match self.peek().map(|entry| &entry.event) {
            Some(Event::Response { answer, .. }) => Ok(answer.whole().unwrap_or_default().to_vec()),
            Some(Event::Failed(failure)) => Err(failure.to_error()),
            _ => return Err(self.differ("an answer was waited for".to_owned(), None)),
        };
        self.next += 1;
        outcome
    }

    /// Where a lenient replay finds this command in the same connection: the next time that it was sent, else the
    /// first; else the next one with its header.
    fn elsewhere(&self, sent: &[u8]) -> Option<usize> {
        let begins = |entry: &Entry| matches!(entry.event, Event::Connected { .. });
        let before = self.trace.entries.get(..self.next).unwrap_or_default();
        let first = before.iter().rposition(begins).map_or(0, |at| at + 1);
        let here = self.trace.entries.iter().enumerate().skip(first);
        let here: Vec<_> = here.take_while(|(_, entry)| !begins(entry)).collect();
        let find = |from: usize, fits: &dyn Fn(&[u8]) -> bool| {
            let fits = |entry: &Entry| match &entry.event {
                Event::Command(told) => told.whole().is_some_and(fits),
                _ => false,
            };
            here.iter().find(|(place, entry)| *place >= from && fits(entry)).map(|(place, _)| *place)
        };
        let same = |recorded: &[u8]| recorded == sent;
        let alike = |recorded: &[u8]| recorded.first_chunk::<4>() == sent.first_chunk::<4>();
        find(self.next, &same).or_else(|| find(first, &same)).or_else(|| find(self.next, &alike))
    }

    /// Where two commands differ first, and the bytes there if the card was a software card's and none is of a PIN.
    fn difference(&self, recorded: &[u8], sent: &[u8]) -> Option<String> {
        let at = recorded.iter().zip(sent).take_while(|(a, b)| a == b).count();
        let secret = |bytes: &[u8]| bytes.get(1).is_none_or(|ins| command::carries_pin(*ins));
        if self.trace.origin != Origin::Emulator || secret(recorded) || secret(sent) {
            return Some(format!("; the first difference is at byte {at}"));
        }
        let from = |bytes: &[u8]| {
            let bytes = bytes.get(at..).unwrap_or_default();
            let told = hex::encode_upper(bytes.get(..8).unwrap_or(bytes));
            if told.is_empty() { "nothing".to_owned() } else { told }
        };
        Some(format!("; the first difference is at byte {at}: {}, not {}", from(sent), from(recorded)))
    }

    pub(super) fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        let failed = EntropyError(label);
        if self.mismatch.is_some() {
            return Err(failed);
        }
        let drawn = |entry: &Entry| match &entry.event {
            Event::Random { label: recorded, bytes } if *recorded == label && bytes.len() == out.len() => {
                Some(bytes.clone())
            }
            _ => None,
        };
        let mut place = self.next;
        if self.lenient && self.peek().and_then(&drawn).is_none() {
            let begins = |entry: &&Entry| matches!(entry.event, Event::Connected { .. });
            let here = self.trace.entries.iter().skip(self.next).take_while(|entry| !begins(entry));
            let later = here.map(&drawn).position(|drawn| drawn.is_some());
            if let Some(later) = later {
                self.deviate(self.mismatch(format!("{} bytes were drawn for {label}", out.len()), None));
                place += later;
            }
        }
        match self.trace.entries.get(place).and_then(&drawn) {
            Some(bytes) => {
                out.copy_from_slice(&bytes);
                self.next = place + 1;
                Ok(())
            }
            None => {
                let _ = self.differ(format!("{} bytes were drawn for {label}", out.len()), None);
                Err(failed)
            }
        }
    }

    pub(super) fn reset(&mut self) -> Result<(), Error> {
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        match self.peek().map(|entry| &entry.event) {
            Some(Event::TerminalReset(failure)) => {
                let outcome = failure.map_or(Ok(()), |failure| Err(failure.to_error()));
                self.next += 1;
                outcome
            }
            _ if self.lenient => {
                self.deviate(self.mismatch("the card was reset".to_owned(), None));
                Ok(())
            }
            _ => Err(self.differ("the card was reset".to_owned(), None)),
        }
    }

    /// What was recorded about other programs in this place, if anything: only failures are.
    pub(super) fn company(&mut self, failure_of: fn(&Event) -> Option<Failure>) -> Result<(), Error> {
        match self.peek().and_then(|entry| failure_of(&entry.event)) {
            Some(failure) => {
                self.next += 1;
                Err(failure.to_error())
            }
            None => Ok(()),
        }
    }
}

/// What an event is, without its bytes.
fn named(event: &Event) -> String {
    match event {
        Event::Connected { .. } => "a new connection".to_owned(),
        Event::Random { label, bytes } => format!("a draw of {} bytes for {label}", bytes.len()),
        Event::Command(told) => command_named(told.whole().unwrap_or_default()),
        Event::Response { answer, .. } => format!("an answer of {} bytes", answer.len()),
        other => other.to_string(),
    }
}

/// Header and length of a command.
fn command_named(bytes: &[u8]) -> String {
    match bytes.first_chunk::<4>() {
        Some(header) => format!("{} ({} bytes)", hex::encode_upper(header), bytes.len()),
        None => format!("a command of {} bytes", bytes.len()),
    }
}
