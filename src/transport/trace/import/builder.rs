//! Makes a diagnostic trace of what a log says, and notes what it does not say: nothing of the log goes past the
//! [`AllowList`] into it.

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime};

use super::{ImportError, Imported, LogFormat, Reason, UNPARSED_MAX, Unparsed};
use crate::transport::trace::{
    AllowList, EVENTS_MAX, Entry, Event, Failure, Kind, Origin, TRACE_MAX, Told, Trace,
};

/// The longest time that a trace writes: a day, in microseconds.
const DAY: u64 = 86_400_000_000;

/// A command whose answer is to come.
struct Waiting {
    line: usize,
    /// When it went out, in microseconds from anywhere.
    at: Option<u64>,
}

/// A trace in the making.
pub(super) struct Builder {
    entries: Vec<Entry>,
    allow: AllowList,
    /// The one that each connection begins with.
    fresh: AllowList,
    /// A connection that the log tells of and that nothing was said on yet.
    begun: Option<Event>,
    connected: bool,
    waiting: Option<Waiting>,
    commands: usize,
    unparsed: Vec<Unparsed>,
    unparsed_count: usize,
    /// What it comes to as text, in bytes.
    size: Size,
}

impl Builder {
    /// `is_counted` is whether the log says how long each answer is, so that its end is its status word.
    pub(super) fn new(is_counted: bool) -> Self {
        let allow = if is_counted { AllowList::new() } else { AllowList::of_uncounted_bytes() };
        Self {
            entries: Vec::new(),
            allow: allow.clone(),
            fresh: allow,
            begun: None,
            connected: false,
            waiting: None,
            commands: 0,
            unparsed: Vec::new(),
            unparsed_count: 0,
            size: Size(256),
        }
    }

    /// A connection begins. It is told with the first thing that happens on it: programs open many on which
    /// nothing does.
    pub(super) fn begin(&mut self, atr: &[u8], shared: bool) {
        self.unanswered();
        self.begun = Some(Event::Connected { atr: atr.to_vec(), shared });
    }

    /// The answer to reset of the connection that just began, or of the first one.
    pub(super) fn atr(&mut self, line: usize, found: &[u8]) {
        if !is_atr(found) {
            return self.note(line, Reason::Atr);
        }
        if self.begun.is_none() && !self.connected {
            self.begin(&[], true);
        }
        if let Some(Event::Connected { atr, .. }) = &mut self.begun {
            *atr = found.to_vec();
        }
    }

    /// A command that goes out.
    pub(super) fn command(&mut self, line: usize, bytes: &[u8], at: Option<u64>) {
        self.unanswered();
        self.connect();
        let told = self.allow.command(bytes);
        self.push(Event::Command(told));
        self.commands += 1;
        self.waiting = Some(Waiting { line, at });
    }

    /// Its answer, and when that was there.
    pub(super) fn answer(&mut self, line: usize, bytes: &[u8], at: Option<u64>) {
        // Clocks of the day begin again at midnight.
        let since =
            |sent: u64| at.map(|at| if at < sent { (at + DAY).saturating_sub(sent) } else { at - sent });
        let time = self.waiting.as_ref().and_then(|waiting| waiting.at).and_then(since);
        self.answer_after(line, bytes, time);
    }

    /// Its answer, and how many microseconds that took.
    pub(super) fn answer_after(&mut self, line: usize, bytes: &[u8], time: Option<u64>) {
        let answer = self.allow.response(bytes);
        self.answered(line, answer, time);
    }

    /// Its answer, of which not even the end is known.
    pub(super) fn answer_untold(&mut self, line: usize) {
        self.answered(line, Told::default().and_uncounted(), None);
    }

    /// A command that goes out, of which only the beginning is known.
    pub(super) fn command_begun(&mut self, line: usize, bytes: &[u8]) {
        let header = bytes.get(..4).unwrap_or_default();
        self.command(line, header, None);
        if let Some(Entry { event: Event::Command(told), .. }) = self.entries.last_mut() {
            *told = std::mem::take(told).and_uncounted();
        }
    }

    /// Its answer, of which nothing but the status word is known.
    pub(super) fn answer_uncounted(&mut self, line: usize, status: [u8; 2]) {
        let answer = Told::default().and_uncounted().and_told(self.allow.response(&status));
        self.answered(line, answer, None);
    }

    fn answered(&mut self, line: usize, answer: Told, time: Option<u64>) {
        if self.waiting.take().is_none() {
            return self.note(line, Reason::NoCommand);
        }
        let time = time.filter(|time| *time < DAY).map(Duration::from_micros);
        self.push(Event::Response { answer, time });
    }

    /// What came instead of its answer. Without a command it is none of the card's.
    pub(super) fn failed(&mut self, failure: Failure) {
        if self.waiting.take().is_some() {
            self.push(Event::Failed(failure));
        }
    }

    /// The terminal reset the card, or tried to.
    pub(super) fn reset(&mut self, failure: Option<Failure>) {
        self.unanswered();
        self.connect();
        self.push(Event::TerminalReset(failure));
    }

    /// Something that is not in the trace.
    pub(super) fn note(&mut self, line: usize, reason: Reason) {
        self.unparsed_count += 1;
        if self.unparsed.len() < UNPARSED_MAX {
            self.unparsed.push(Unparsed { line, reason });
        }
    }

    /// A command before this has no answer in the log: the trace says so, as what is known of it.
    fn unanswered(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.push(Event::Failed(Failure::NoAnswer));
            self.note(waiting.line, Reason::Unanswered);
        }
    }

    fn connect(&mut self) {
        let implied = || Event::Connected { atr: Vec::new(), shared: true };
        let begun = self.begun.take().or_else(|| (!self.connected).then(implied));
        if let Some(connection) = begun {
            self.push(connection);
            self.allow = self.fresh.clone();
            self.connected = true;
        }
    }

    fn push(&mut self, event: Event) {
        let _ = writeln!(self.size, "{event}");
        if !self.is_full() {
            self.entries.push(Entry { line: 0, event });
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= EVENTS_MAX || self.size.0 > TRACE_MAX
    }

    pub(super) fn finish(
        mut self,
        format: LogFormat,
        origin: Origin,
        clock: SystemTime,
    ) -> Result<Imported, ImportError> {
        self.unanswered();
        if self.is_full() {
            return Err(ImportError::TraceTooLong);
        }
        if self.commands == 0 {
            return Err(ImportError::Nothing);
        }
        self.unparsed.sort_by_key(|unparsed| unparsed.line);
        Ok(Imported {
            trace: Trace { origin, kind: Kind::Diagnostic, clock, entries: self.entries },
            format,
            commands: self.commands,
            unparsed_count: self.unparsed_count,
            unparsed: self.unparsed,
        })
    }
}

/// Counts what is written.
struct Size(usize);

impl Write for Size {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// Whether these bytes have the form of an answer to reset (ISO/IEC 7816-3 section 8.2), to the last byte: others
/// are not told.
pub(super) fn is_atr(atr: &[u8]) -> bool {
    let [0x3B | 0x3F, format, rest @ ..] = atr else { return false };
    let (mut rest, mut next, mut checked) = (rest, *format, false);
    while next & 0xF0 != 0 {
        let count = (next >> 4).count_ones() as usize;
        let Some((interface, behind)) = rest.split_at_checked(count) else { return false };
        rest = behind;
        next = match interface.last() {
            Some(last) if next & 0x80 != 0 => *last,
            _ => 0,
        };
        // A protocol other than T=0 means that a check byte ends it.
        checked |= next & 0x0F != 0;
    }
    atr.len() <= 33 && rest.len() == usize::from(format & 0x0F) + usize::from(checked)
}

#[cfg(test)]
mod tests {
    use super::is_atr;

    #[test]
    fn an_answer_to_reset_is_known_by_its_form() {
        for atr in [
            "3BFF1800FF8131FE55006B02091617011101434E531131808D",
            "3B8F800180318065B085040011120FFF8290008A",
            "3BE900FFC11031FE5500640500C80231800047",
            "3B00",
            "3F0431323334",
        ] {
            let atr = hex::decode(atr).unwrap();
            assert!(is_atr(&atr), "{atr:02X?}");
            assert!(!is_atr(&[&atr[..], &[0]].concat()) && !is_atr(atr.split_last().unwrap().1));
        }
        for other in [&b""[..], b"12345678", b";12345678", &[0x3B], &[0x3B; 40], &[0x3B, 0xFF]] {
            assert!(!is_atr(other));
        }
    }
}
