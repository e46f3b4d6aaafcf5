//! How many tries cards have left, as they said last. Without this a card that does not tell it, and is opened anew,
//! would be asked for its last one unawares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Tries;
use super::known::{self, Count, Which};
use crate::crypto::sha256;

/// Of how many cards it is remembered at most, and for how long after they are closed: a citizen who comes back another
/// day may have entered the right PIN elsewhere.
const REMEMBERED_MAX: usize = 4096;
const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);

/// What a card is known by from one opening to the next.
type Identity = [u8; 32];

/// What cards said of the tries of their PIN and PUK, for all sessions that are told to remember it:
/// [`card::Session::remember`](crate::card::Session::remember) and its kin.
///
/// Contact cards, and perhaps real CIE 3, tell how many tries are left only after a wrong PIN. A program that opens a
/// card again keeps one of these, so that [`LastTry::Refuse`](super::LastTry::Refuse) holds across sessions, handles
/// and threads. It is kept in memory only: for as long as a session has the card open and 15 minutes longer, of at most
/// 4096 cards that are closed, each known by a hash. A card is known by what it says itself: one that poses as another
/// can have that one refused as "last try" meanwhile, and the other way round.
///
/// Clones share what they know. `Send` and `Sync`.
#[derive(Clone, Default)]
pub struct TriesMemory(Arc<Mutex<HashMap<Identity, Entry>>>);

struct Entry {
    counts: [Count; 2],
    /// How many have this card open.
    open: usize,
    /// When the last of them closed it.
    closed: Instant,
}

impl Entry {
    fn new() -> Self {
        Self { counts: Default::default(), open: 0, closed: Instant::now() }
    }

    fn is_kept(&self) -> bool {
        self.open > 0 || self.closed.elapsed() < REMEMBERED_FOR
    }
}

impl TriesMemory {
    /// One that knows of no card yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory of a card, for somebody who has it open.
    pub(super) fn of(&self, card: &[&[u8]]) -> Remembered {
        let card = sha256(card);
        let mut cards = self.lock();
        cards.retain(|_, entry| entry.is_kept());
        if cards.len() >= REMEMBERED_MAX && !cards.contains_key(&card) {
            let closed = cards.iter().filter(|(_, entry)| entry.open == 0);
            let oldest = closed.min_by_key(|(_, entry)| entry.closed).map(|(card, _)| *card);
            oldest.map(|oldest| cards.remove(&oldest));
        }
        cards.entry(card).or_insert_with(Entry::new).open += 1;
        Remembered { card, memory: self.clone() }
    }
}

impl std::fmt::Debug for TriesMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TriesMemory({} cards)", self.lock().len())
    }
}

/// The memory of one card, for as long as somebody has it open, and a while longer.
pub(crate) struct Remembered {
    card: Identity,
    memory: TriesMemory,
}

impl Remembered {
    /// The memory of which this is one card.
    pub(crate) fn memory(&self) -> &TriesMemory {
        &self.memory
    }

    /// How many tries are left, as far as anybody knows.
    pub(crate) fn left(&self, which: Which) -> Tries {
        self.with(|counts| known::of(counts, which).tries)
    }

    /// What is known of its PIN and PUK. `body` must not drop or clone a [`Remembered`], which asks for the same lock.
    pub(super) fn with<T>(&self, body: impl FnOnce(&mut [Count; 2]) -> T) -> T {
        body(&mut self.memory.lock().entry(self.card).or_insert_with(Entry::new).counts)
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Self) -> bool {
        self.card == other.card && Arc::ptr_eq(&self.memory.0, &other.memory.0)
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        self.memory.lock().entry(self.card).or_insert_with(Entry::new).open += 1;
        Self { card: self.card, memory: self.memory.clone() }
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        if let Some(entry) = self.memory.lock().get_mut(&self.card) {
            (entry.open, entry.closed) = (entry.open.saturating_sub(1), Instant::now());
        }
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::known::KnownTries;

    fn session(memory: &TriesMemory, card: &[u8]) -> KnownTries {
        let mut known = KnownTries::default();
        known.remember(memory, false, &[card]);
        known
    }

    /// As if all that are closed had been so for a quarter of an hour.
    fn age(memory: &TriesMemory) {
        for entry in memory.lock().values_mut() {
            entry.closed = entry.closed.checked_sub(REMEMBERED_FOR).unwrap();
        }
    }

    #[test]
    fn what_was_said_counts_while_the_card_is_open_and_a_while_longer() {
        let memory = TriesMemory::new();
        let (mut one, other) = (session(&memory, b"one"), session(&memory, b"one"));
        assert_eq!(one.left(Which::Pin), Tries::Unknown);
        one.told(one.ask(), Which::Pin, Tries::Left(1));
        drop(one);
        age(&memory);
        // Somebody has it open still.
        assert_eq!(session(&memory, b"one").left(Which::Pin), Tries::Left(1));
        assert_eq!(session(&memory, b"two").left(Which::Pin), Tries::Unknown);
        age(&memory);
        drop(other);
        // It counts from when it was closed, however long ago it was said.
        assert_eq!(session(&memory, b"one").left(Which::Pin), Tries::Left(1));
        age(&memory);
        assert_eq!(session(&memory, b"one").left(Which::Pin), Tries::Unknown);
    }

    #[test]
    fn the_oldest_makes_room() {
        let memory = TriesMemory::new();
        let card = |number: usize| session(&memory, &number.to_be_bytes());
        for number in 0..=REMEMBERED_MAX {
            let mut known = card(number);
            known.told(known.ask(), Which::Pin, Tries::Left(1));
        }
        assert_eq!(memory.lock().len(), REMEMBERED_MAX);
        assert_eq!(card(REMEMBERED_MAX).left(Which::Pin), Tries::Left(1));
        assert_eq!(card(1).left(Which::Pin), Tries::Left(1));
        assert_eq!(card(0).left(Which::Pin), Tries::Unknown);
    }
}
