//! What happens at the readers, one event after the other, for as long as a program runs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::Error;
use super::watch::{Canceller, Watch, left_until};
use super::{Reader, ReaderState};

/// How long to wait before a service that is gone is looked for again.
const RETRY: Duration = Duration::from_millis(250);

/// Something that happened. What a reader or the service takes along when it goes is told before: a program that ends
/// a person's turn at [`Event::CardRemoved`] misses nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The PC/SC service does not answer, or lets this account in no more. The cards and readers that were there have
    /// been told as gone.
    ServiceLost,
    /// The service answers again; it is told only after [`Event::ServiceLost`]. Its readers follow.
    ServiceBack,
    /// A reader was plugged in, or was there when the monitor began.
    ReaderAdded {
        /// The name that the service gives it, at most 128 bytes.
        reader: String,
    },
    /// A reader is gone.
    ReaderRemoved {
        /// Its name.
        reader: String,
    },
    /// A card that answers was laid on.
    CardInserted {
        /// The reader.
        reader: String,
        /// The answer to reset, at most 33 bytes.
        atr: Vec<u8>,
    },
    /// A card was laid on that does not answer to power.
    CardMute {
        /// The reader.
        reader: String,
    },
    /// The card, mute or not, is not there any more: taken away, exchanged for the one that is told next, or gone with
    /// its reader or with the service.
    CardRemoved {
        /// The reader.
        reader: String,
    },
}

/// Tells what happens at the readers. It outlives readers and service, and keeps nothing but what is there now. `Send`.
///
/// A card that was taken away and laid on between two looks is told as removed and inserted, wherever the service
/// counts (pcscd and Windows do). It looks while [`Monitor::next_event`] runs, and half a second longer: with a reader
/// that is unplugged, plugged in again and given another card meanwhile the count begins anew, so a thread that waits
/// for events should do nothing else.
pub struct Monitor {
    watch: Watch,
    readers: Vec<Reader>,
    lost: bool,
    events: VecDeque<Event>,
}

impl Monitor {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch, readers: Vec::new(), lost: false, events: VecDeque::new() }
    }

    /// What cancels this monitor's waiting.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.watch.canceller()
    }

    /// Waits for the next event. The first ones tell what is there already. A service that hangs may be waited for two
    /// seconds longer.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if nothing happened, [`Error::Cancelled`]; [`Error::Reader`] if the service says something
    /// that has no meaning here, a quarter of a second after it did. None of them ends the monitor.
    pub fn next_event(&mut self, within: Duration) -> Result<Event, Error> {
        let until = Instant::now().checked_add(within);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let left = left_until(until);
            match self.watch.changes(left) {
                Ok(readers) => self.found(readers),
                Err(Error::NoService | Error::AccessDenied) if !self.lost => self.lose(),
                Err(Error::NoService | Error::AccessDenied) if left.is_zero() => return Err(Error::TimedOut),
                Err(Error::NoService | Error::AccessDenied) => self.watch.pause(RETRY.min(left))?,
                Err(error @ (Error::TimedOut | Error::Cancelled)) => return Err(error),
                Err(error) => {
                    self.watch.pause(RETRY)?;
                    return Err(error);
                }
            }
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        let readers = std::mem::take(&mut self.readers);
        self.events.extend(readers.into_iter().flat_map(departure));
        self.events.push_back(Event::ServiceLost);
    }

    fn found(&mut self, readers: Vec<Reader>) {
        if std::mem::take(&mut self.lost) {
            self.events.push_back(Event::ServiceBack);
        }
        let before = std::mem::replace(&mut self.readers, readers);
        self.events.extend(differences(before, &self.readers));
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor")
            .field("readers", &self.readers)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

/// What happened between two looks: what went, then what came.
fn differences(before: Vec<Reader>, after: &[Reader]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut stayed = Vec::new();
    for old in before {
        match after.iter().find(|new| new.name == old.name) {
            Some(new) => stayed.push((old, new)),
            None => events.extend(departure(old)),
        }
    }
    for new in after {
        match stayed.iter().find(|(old, _)| old.name == new.name) {
            None => {
                events.extend([Event::ReaderAdded { reader: new.name.clone() }].into_iter().chain(card(new)))
            }
            Some((old, _)) if is_same_card(old, new) => {}
            Some((old, _)) => events.extend(removal(old).into_iter().chain(card(new))),
        }
    }
    events
}

/// Whether what lies on a reader is what lay there, powered or not, used or not.
fn is_same_card(old: &Reader, new: &Reader) -> bool {
    let same = match (&old.state, &new.state) {
        (ReaderState::Present { atr, .. }, ReaderState::Present { atr: now, .. }) => atr == now,
        (old, new) => old == new,
    };
    same && old.movements == new.movements
}

fn holds_card(reader: &Reader) -> bool {
    matches!(reader.state, ReaderState::Present { .. } | ReaderState::Mute)
}

fn card(reader: &Reader) -> Option<Event> {
    let name = || reader.name.clone();
    match &reader.state {
        ReaderState::Present { atr, .. } => Some(Event::CardInserted { reader: name(), atr: atr.clone() }),
        ReaderState::Mute => Some(Event::CardMute { reader: name() }),
        _ => None,
    }
}

fn removal(reader: &Reader) -> Option<Event> {
    holds_card(reader).then(|| Event::CardRemoved { reader: reader.name.clone() })
}

/// A reader that is gone, and its card before it.
fn departure(reader: Reader) -> impl Iterator<Item = Event> {
    removal(&reader).into_iter().chain([Event::ReaderRemoved { reader: reader.name }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, state: ReaderState, movements: u32) -> Reader {
        Reader { name: name.to_owned(), state, movements }
    }

    fn present(atr: u8) -> ReaderState {
        ReaderState::Present { atr: vec![0x3B, atr], in_use: false, exclusive: false }
    }

    fn told(before: &[Reader], after: &[Reader]) -> Vec<String> {
        let word = |event| match event {
            Event::ReaderAdded { reader } => format!("+{reader}"),
            Event::ReaderRemoved { reader } => format!("-{reader}"),
            Event::CardInserted { reader, atr } => format!("{reader}:{:02X}", atr[1]),
            Event::CardMute { reader } => format!("{reader}:mute"),
            Event::CardRemoved { reader } => format!("{reader}:gone"),
            other => format!("{other:?}"),
        };
        differences(before.to_vec(), after).into_iter().map(word).collect()
    }

    #[test]
    fn what_changed_is_told_and_nothing_else() {
        use ReaderState::{Empty, Mute, Unavailable};
        let in_use = ReaderState::Present { atr: vec![0x3B, 1], in_use: true, exclusive: true };
        for (before, after, expected) in [
            ((Empty, 0), (present(1), 1), &["a:01"][..]),
            ((present(1), 1), (Empty, 2), &["a:gone"]),
            ((present(1), 1), (present(1), 1), &[]),
            ((present(1), 1), (in_use, 1), &[]),
            ((Empty, 2), (Empty, 4), &[]),
            // Another card between two looks, or the same one again.
            ((present(1), 1), (present(1), 3), &["a:gone", "a:01"]),
            ((present(1), 1), (present(2), 1), &["a:gone", "a:02"]),
            ((Mute, 1), (present(1), 1), &["a:gone", "a:01"]),
            ((Empty, 0), (Mute, 1), &["a:mute"]),
            ((Mute, 1), (Mute, 1), &[]),
            ((present(1), 1), (Unavailable, 1), &["a:gone"]),
            ((Unavailable, 1), (Empty, 1), &[]),
        ] {
            let (before, after) = (reader("a", before.0, before.1), reader("a", after.0, after.1));
            assert_eq!(
                told(std::slice::from_ref(&before), std::slice::from_ref(&after)),
                expected,
                "{before:?}"
            );
        }
        let (a, b) = (reader("a", present(1), 1), reader("b", Empty, 0));
        let both = [a, b];
        assert_eq!(told(&[], &both), ["+a", "a:01", "+b"]);
        assert_eq!(told(&both, &both[1..]), ["a:gone", "-a"]);
        assert_eq!(told(&both[..1], &both[1..]), ["a:gone", "-a", "+b"]);
        assert_eq!(told(&both, &[]), ["a:gone", "-a", "-b"]);
    }
}
