//! Pending challenges in the memory of one process: for a portal that runs on one machine, and for tests.
//!
//! A million people may be at the login page at once, so a challenge takes one slot of 88 bytes and about four more
//! to be found by. Slots never move: where a nonce lay is known, and cleared once it was taken.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use zeroize::{Zeroize, Zeroizing};

use super::{ChallengeStore, Pending, SessionId, StoreError, milliseconds};

/// How many challenges a store keeps unless told otherwise.
const LIMIT: usize = 1_000_000;
/// How many expired challenges one new one sweeps out at most: more than one, so that they become fewer, and not all,
/// so that nobody waits for a million.
const SWEEP: usize = 32;
/// Slots that are allocated together: a power of two.
const CHUNK: u32 = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 10;
/// No slot: they are counted from one, so that a table of none is a table of zeros, which costs nothing until used.
const NONE: u32 = 0;
/// No more buckets than these: 64 MB. Only bounds of more than 16 million make several challenges share one.
const BUCKETS: usize = 1 << 24;

/// Keeps challenges in memory, up to a bound, at which the oldest makes way for the new.
///
/// Whoever opens login pages by the million fills any store. Were new challenges refused then, nobody could log in
/// until the old ones expire. Instead the oldest go first: an honest person loses the challenge only if as many new
/// ones as the store keeps are issued before the PIN was typed, and then opens the login page again. The bound should
/// be several times what the portal issues while a challenge lives; slowing down who asks for too many is the part of
/// the portal. Expired challenges leave as new ones come, the oldest first. Memory grows to the most that were pending
/// at once, some 92 MB for a million, and is kept for the next rush.
pub struct MemoryStore(Mutex<Kept>);

impl MemoryStore {
    /// A store of at most 1,000,000 challenges.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_limit(LIMIT)
    }

    /// A store of at most so many challenges, at least one and at most 2³² − 1025.
    #[must_use]
    pub fn with_capacity_limit(limit: usize) -> Self {
        Self(Mutex::new(Kept::new(limit)))
    }

    /// How many challenges are kept, with those that have expired and were not swept out yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().length
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nothing below panics half way, so a lock that was poisoned all the same guards something sound.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl ChallengeStore for MemoryStore {
    fn put(&self, session: &SessionId, challenge: Pending, now: SystemTime) -> Result<(), StoreError> {
        let now = milliseconds(now);
        let mut kept = self.kept();
        drop(kept.take(session.digest()));
        kept.sweep(now);
        if challenge.expires > now {
            kept.put(session.digest(), &challenge);
        }
        Ok(())
    }

    fn take(&self, session: &SessionId, _now: SystemTime) -> Result<Option<Pending>, StoreError> {
        Ok(self.kept().take(session.digest()))
    }
}

/// One challenge, in two lists: that of its bucket, and that of all by age. A free slot uses `newer` to name the next
/// free one.
struct Slot {
    session: [u8; 32],
    nonce: [u8; 32],
    expires: u64,
    older: u32,
    newer: u32,
    chain: u32,
}

impl Slot {
    fn empty() -> Self {
        Self { session: [0; 32], nonce: [0; 32], expires: 0, older: NONE, newer: NONE, chain: NONE }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.nonce.zeroize();
    }
}

/// Slots in chunks, a table of buckets that chain slots, and the order of age as a list through the slots.
struct Kept {
    chunks: Vec<Box<[Slot]>>,
    /// The first slot of each bucket: a power of two of them, as many as the bound asks for from the start. A table
    /// that grows makes somebody wait for a million challenges to be distributed anew.
    buckets: Vec<u32>,
    /// Buckets are drawn with a secret, so that nobody can open sessions that all fall into one.
    hasher: RandomState,
    free: u32,
    oldest: u32,
    newest: u32,
    length: usize,
    limit: usize,
}

impl Kept {
    fn new(limit: usize) -> Self {
        // Numbers of slots have 32 bits, and come by the chunk.
        let most = usize::try_from(u32::MAX - CHUNK).unwrap_or(usize::MAX);
        let limit = limit.clamp(1, most);
        Self {
            chunks: Vec::new(),
            buckets: vec![NONE; limit.min(BUCKETS).next_power_of_two()],
            hasher: RandomState::new(),
            free: NONE,
            oldest: NONE,
            newest: NONE,
            length: 0,
            limit,
        }
    }

    fn slot(&self, at: u32) -> Option<&Slot> {
        let (chunk, within) = place(at)?;
        self.chunks.get(chunk)?.get(within)
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        let (chunk, within) = place(at)?;
        self.chunks.get_mut(chunk)?.get_mut(within)
    }

    fn bucket(&mut self, session: &[u8; 32]) -> Option<&mut u32> {
        let mask = self.buckets.len().wrapping_sub(1);
        // The low bits are all that is wanted of the hash.
        let hash = usize::try_from(self.hasher.hash_one(session) & mask as u64).ok()?;
        self.buckets.get_mut(hash)
    }

    /// Puts in a challenge of a session that has none, and the oldest out if there are as many as may be.
    fn put(&mut self, session: &[u8; 32], challenge: &Pending) {
        while self.length >= self.limit && self.remove(self.oldest).is_some() {}
        let Some(at) = self.free_slot() else { return };
        let newest = std::mem::replace(&mut self.newest, at);
        match self.slot_mut(newest) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        let chain = self.bucket(session).map_or(NONE, |first| std::mem::replace(first, at));
        if let Some(slot) = self.slot_mut(at) {
            slot.session = *session;
            slot.nonce = *challenge.nonce;
            slot.expires = challenge.expires;
            (slot.older, slot.newer, slot.chain) = (newest, NONE, chain);
        }
        self.length += 1;
    }

    fn take(&mut self, session: &[u8; 32]) -> Option<Pending> {
        let mut at = *self.bucket(session)?;
        loop {
            let slot = self.slot(at)?;
            if slot.session == *session {
                return self.remove(at);
            }
            at = slot.chain;
        }
    }

    /// Drops what has expired from the old end on.
    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEEP {
            if self.slot(self.oldest).is_none_or(|slot| slot.expires > now) {
                return;
            }
            self.remove(self.oldest);
        }
    }

    /// Unlinks a slot in use from its lists, clears it and makes it the next one to use.
    fn remove(&mut self, at: u32) -> Option<Pending> {
        let free = self.free;
        let slot = self.slot_mut(at)?;
        let session = slot.session;
        let challenge = Pending { nonce: Zeroizing::new(slot.nonce), expires: slot.expires };
        slot.nonce.zeroize();
        let (older, newer, chain) = (slot.older, std::mem::replace(&mut slot.newer, free), slot.chain);
        self.free = at;
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        let mut link = self.bucket(&session);
        while let Some(next) = link {
            if *next == at {
                *next = chain;
                break;
            }
            let next = *next;
            link = self.slot_mut(next).map(|slot| &mut slot.chain);
        }
        self.length = self.length.saturating_sub(1);
        Some(challenge)
    }

    /// The next slot to use, of a new chunk if all are in use.
    fn free_slot(&mut self) -> Option<u32> {
        if self.free == NONE {
            let first = u32::try_from(self.chunks.len()).ok()?.checked_mul(CHUNK)?.checked_add(1)?;
            let last = first.checked_add(CHUNK - 1)?;
            let link = |at| Slot { newer: if at == last { NONE } else { at + 1 }, ..Slot::empty() };
            self.chunks.push((first..=last).map(link).collect());
            self.free = first;
        }
        let at = self.free;
        self.free = self.slot(at)?.newer;
        Some(at)
    }
}

/// Which chunk a slot lies in, and where; `None` for [`NONE`].
fn place(at: u32) -> Option<(usize, usize)> {
    let at = at.checked_sub(1)?;
    Some((usize::try_from(at >> CHUNK_BITS).ok()?, usize::try_from(at & (CHUNK - 1)).ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    fn put(store: &MemoryStore, number: u64) {
        let session = SessionId::new([&[0; 8][..], &number.to_be_bytes()].concat()).unwrap();
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        store.put(&session, Pending::new([7; 32], expires), SystemTime::UNIX_EPOCH).unwrap();
    }

    fn take(store: &MemoryStore, number: u64) -> bool {
        let session = SessionId::new([&[0; 8][..], &number.to_be_bytes()].concat()).unwrap();
        store.take(&session, SystemTime::UNIX_EPOCH).unwrap().is_some()
    }

    /// Both lists and the free slots tell the same story: all slots are in exactly one of them.
    fn check(store: &MemoryStore) {
        let kept = store.kept();
        let kept = &*kept;
        let walk = |first: u32, next: fn(&Slot) -> u32| {
            let all = std::iter::successors(Some(first), move |at| kept.slot(*at).map(next));
            all.take_while(|at| *at != NONE)
        };
        let forward: Vec<u32> = walk(kept.oldest, |slot| slot.newer).collect();
        let mut backward: Vec<u32> = walk(kept.newest, |slot| slot.older).collect();
        backward.reverse();
        assert_eq!(forward, backward);
        let used: HashSet<u32> = forward.iter().copied().collect();
        let chained: Vec<u32> =
            kept.buckets.iter().flat_map(|first| walk(*first, |slot| slot.chain)).collect();
        assert_eq!((used.len(), chained.len()), (kept.length, kept.length));
        assert_eq!(used, chained.into_iter().collect());
        let free: Vec<u32> = walk(kept.free, |slot| slot.newer).collect();
        assert!(free.iter().all(|at| !used.contains(at)));
        assert_eq!(free.len() + used.len(), kept.chunks.iter().map(|chunk| chunk.len()).sum::<usize>());
        // What was taken is nowhere.
        assert!(free.iter().all(|at| kept.slot(*at).unwrap().nonce == [0; 32]));
    }

    #[test]
    fn slots_are_used_again() {
        let store = MemoryStore::new();
        for _ in 0..5_000 {
            put(&store, 1);
        }
        for number in 0..5_000 {
            put(&store, number);
            assert!(take(&store, number));
        }
        assert_eq!(
            store.kept().chunks.len(),
            1,
            "a challenge that is replaced or taken leaves nothing behind"
        );
        check(&store);
    }

    #[test]
    fn the_lists_agree_whatever_happens() {
        let store = MemoryStore::with_capacity_limit(3_000);
        let mut drawn = 1_u64;
        for step in 0..40_000 {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (drawn >> 33) % 6_000;
            // Mostly more, then mostly less.
            if (drawn >> 20) % 10 < if (step / 10_000) % 2 == 0 { 8 } else { 2 } {
                put(&store, number);
            } else {
                take(&store, number);
            }
            if step % 1_000 == 0 {
                check(&store);
            }
        }
        check(&store);
        assert!(store.kept().chunks.len() <= 3);
    }

    #[test]
    fn a_slot_is_as_small_as_the_page_says() {
        assert_eq!(std::mem::size_of::<Slot>(), 88);
    }

    #[test]
    fn a_crowded_bucket_loses_nobody() {
        let store = MemoryStore::new();
        store.kept().buckets = vec![NONE];
        (0..8).for_each(|number| put(&store, number));
        for number in [3, 0, 7, 5, 1, 2, 6, 4] {
            assert!(take(&store, number) && !take(&store, number));
            check(&store);
        }
        assert!(store.is_empty());
    }

    #[test]
    fn any_bound_can_be_asked_for() {
        for limit in [0, 1, 2, 3, 1_000_000, usize::MAX] {
            let store = MemoryStore::with_capacity_limit(limit);
            put(&store, 1);
            check(&store);
            assert!(take(&store, 1));
        }
    }
}
