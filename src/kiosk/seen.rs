//! What is remembered of cards that were genuine, so that one that comes back need not give its largest file again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crypto::sha256;

/// EF.SODs of genuine cards, found by SHA-256 of what the card gives anew each time: its NIS and its key for services.
///
/// Nothing here vouches for a card. What is found is verified like what is read, under the trust and the policy of the
/// moment, and the card must answer a fresh challenge; a memory saves nothing but commands. Only a card that passed
/// the whole check is remembered, so a card that shows another's files can neither use nor replace what that other
/// left.
///
/// The digests in an EF.SOD tell the twelve digits to whoever tries them all: a memory is personal data, and ends with
/// the process.
///
/// Any number of checks may share one: it is locked while it is looked at, never while a card is spoken to.
#[derive(Default)]
pub struct SeenCards {
    cards: Mutex<Cards>,
}

type Cards = VecDeque<([u8; 32], Arc<[u8]>)>;

impl SeenCards {
    /// How many cards are remembered; the one that was not seen for longest is forgotten first. An EF.SOD has some two
    /// thousand bytes, at most 32,767.
    pub const CAPACITY: usize = 64;

    /// Nothing seen so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// EF.SOD of the card that gave these files, which then counts as seen last.
    pub(super) fn find(&self, files: &[u8; 32]) -> Option<Arc<[u8]>> {
        find(&mut self.lock(), files)
    }

    pub(super) fn remember(&self, files: [u8; 32], security_object: &[u8]) {
        let mut cards = self.lock();
        if find(&mut cards, &files).is_none() {
            cards.truncate(Self::CAPACITY - 1);
            cards.push_front((files, security_object.into()));
        }
    }

    /// Forgets every card.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Whatever panicked meanwhile: what is in it is whole, and vouches for nothing.
    fn lock(&self) -> MutexGuard<'_, Cards> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(cards: &mut Cards, files: &[u8; 32]) -> Option<Arc<[u8]>> {
    let at = cards.iter().position(|(seen, _)| seen == files)?;
    let card = cards.remove(at)?;
    let security_object = card.1.clone();
    cards.push_front(card);
    Some(security_object)
}

/// What a card is found by.
pub(super) fn digest(nis: &str, services_key: &[u8]) -> [u8; 32] {
    // Twelve digits, then the rest: no two pairs are written alike.
    sha256(&[nis.as_bytes(), services_key])
}

/// Of nobody.
impl std::fmt::Debug for SeenCards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeenCards({})", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_not_seen_for_longest_is_forgotten() {
        let seen = SeenCards::new();
        let card = |number: usize| digest(&format!("{number:012}"), b"key");
        for number in 0..SeenCards::CAPACITY {
            seen.remember(card(number), &number.to_be_bytes());
        }
        assert_eq!(seen.find(&card(0)).as_deref(), Some(&0_usize.to_be_bytes()[..]));
        seen.remember(card(SeenCards::CAPACITY), b"new");
        assert!(seen.find(&card(1)).is_none() && seen.find(&card(0)).is_some());
        seen.remember(card(0), b"other");
        assert_eq!(seen.find(&card(0)).as_deref(), Some(&0_usize.to_be_bytes()[..]), "what was there stays");
        assert_eq!(format!("{seen:?}"), "SeenCards(64)");
        seen.clear();
        assert!(seen.find(&card(0)).is_none());
    }

    #[test]
    fn a_card_is_found_by_both_files() {
        let seen = SeenCards::new();
        seen.remember(digest("000000000001", b"key"), b"sod");
        assert!(seen.find(&digest("000000000001", b"kez")).is_none());
        assert!(seen.find(&digest("000000000002", b"key")).is_none());
    }
}
