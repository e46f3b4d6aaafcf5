//! How many tries cards have left, as they said last: without this a card that does not tell it, and is opened anew, would
//! be asked for its last one unawares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::pin::Tries;

/// Of how many cards it is remembered at most, and for how long after they are closed: a citizen who comes back another
/// day may have entered the right PIN elsewhere.
const REMEMBERED_MAX: usize = 4096;
const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);

/// What a card is known by from one opening to the next.
pub(super) type Identity = [u8; 32];

/// Which of the two.
#[derive(Clone, Copy)]
pub(super) enum Secret {
    Pin,
    Puk,
}

/// What was said of one secret, and when. That nothing is known any more is something that was said, too.
type Told = Option<(Instant, Tries)>;

#[derive(Default)]
struct Entry {
    told: [Told; 2],
    /// Handles that have this card open.
    open: Weak<()>,
}

impl Entry {
    fn last(&self) -> Option<Instant> {
        self.told.iter().flatten().map(|(since, _)| *since).max()
    }

    fn is_open(&self) -> bool {
        self.open.strong_count() > 0
    }

    fn counts(&self) -> bool {
        self.is_open() || self.last().is_some_and(|last| last.elapsed() < REMEMBERED_FOR)
    }
}

/// What the clones of a context know of all cards.
#[derive(Default)]
pub(super) struct Remembered(Mutex<HashMap<Identity, Entry>>);

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory of a card, for a handle that has it open.
    pub(super) fn of(self: &Arc<Self>, card: Identity) -> Memory {
        let mut known = self.lock();
        known.retain(|_, entry| entry.counts());
        if known.len() >= REMEMBERED_MAX && !known.contains_key(&card) {
            let closed = known.iter().filter(|(_, entry)| !entry.is_open());
            let oldest = closed.min_by_key(|(_, entry)| entry.last()).map(|(card, _)| *card);
            oldest.map(|oldest| known.remove(&oldest));
        }
        let entry = known.entry(card).or_default();
        let open = entry.open.upgrade().unwrap_or_default();
        entry.open = Arc::downgrade(&open);
        Memory { card, remembered: self.clone(), _open: open }
    }
}

/// The memory of one card, for as long as a handle has it open, and a quarter of an hour longer.
pub(super) struct Memory {
    card: Identity,
    remembered: Arc<Remembered>,
    _open: Arc<()>,
}

impl Memory {
    /// What was said last, by whichever handle it was heard; `None` if nothing was.
    pub(super) fn recall(&self, secret: Secret) -> Option<Tries> {
        let known = self.remembered.lock();
        let told = known.get(&self.card)?.told.get(secret as usize)?;
        told.map(|(_, tries)| tries)
    }

    /// The card has said this now.
    pub(super) fn keep(&self, secret: Secret, tries: Tries) {
        let mut known = self.remembered.lock();
        if let Some(told) = known.entry(self.card).or_default().told.get_mut(secret as usize) {
            *told = Some((Instant::now(), tries));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if it had been said a quarter of an hour ago.
    fn age(remembered: &Remembered) {
        for entry in remembered.lock().values_mut() {
            for (since, _) in entry.told.iter_mut().flatten() {
                *since = since.checked_sub(REMEMBERED_FOR).unwrap();
            }
        }
    }

    #[test]
    fn what_was_said_counts_while_the_card_is_open_and_a_while_longer() {
        let remembered = Arc::<Remembered>::default();
        let (one, other) = (remembered.of([1; 32]), remembered.of([1; 32]));
        assert_eq!(one.recall(Secret::Pin), None);
        one.keep(Secret::Pin, Tries::Left(1));
        drop(one);
        age(&remembered);
        // Somebody has it open still.
        assert_eq!(remembered.of([1; 32]).recall(Secret::Pin), Some(Tries::Left(1)));
        other.keep(Secret::Puk, Tries::Unknown);
        drop(other);
        assert_eq!(remembered.of([1; 32]).recall(Secret::Puk), Some(Tries::Unknown), "that is news as well");
        assert_eq!(remembered.of([2; 32]).recall(Secret::Puk), None);
        age(&remembered);
        assert_eq!(remembered.of([1; 32]).recall(Secret::Pin), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let remembered = Arc::<Remembered>::default();
        let card = |number: usize| {
            let mut card = [0; 32];
            card[..8].copy_from_slice(&number.to_be_bytes());
            card
        };
        for number in 0..=REMEMBERED_MAX {
            remembered.of(card(number)).keep(Secret::Pin, Tries::Left(1));
        }
        assert_eq!(remembered.lock().len(), REMEMBERED_MAX);
        assert_eq!(remembered.of(card(REMEMBERED_MAX)).recall(Secret::Pin), Some(Tries::Left(1)));
        assert_eq!(remembered.of(card(1)).recall(Secret::Pin), Some(Tries::Left(1)));
        assert_eq!(remembered.of(card(0)).recall(Secret::Pin), None);
    }
}
