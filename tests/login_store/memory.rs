//! The store in memory: the contract, and all that it does against a model of a few lines.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cie::login::store::{ChallengeStore, MemoryStore};
use proptest::prelude::*;

use super::{MINUTE, challenge, contract, nonce, session};

#[test]
fn the_contract_holds() {
    let store = MemoryStore::new();
    contract::holds(&store, &store);
    let shared = Arc::new(MemoryStore::with_capacity_limit(100));
    contract::holds(&shared, &Arc::clone(&shared));
    let dynamic: Arc<dyn ChallengeStore> = shared;
    contract::holds(&dynamic, &dynamic);
}

/// What is kept, the oldest first.
#[derive(Default)]
struct Model(Vec<(u64, u64, SystemTime)>);

impl Model {
    fn take(&mut self, session: u64) -> Option<(u64, SystemTime)> {
        let at = self.0.iter().position(|kept| kept.0 == session)?;
        let (_, nonce, expires) = self.0.remove(at);
        Some((nonce, expires))
    }

    fn put(&mut self, session: u64, nonce: u64, expires: SystemTime, now: SystemTime, limit: usize) {
        self.take(session);
        while self.0.first().is_some_and(|oldest| oldest.2 <= now) {
            self.0.remove(0);
        }
        if expires > now {
            if self.0.len() == limit {
                self.0.remove(0);
            }
            self.0.push((session, nonce, expires));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put {
        session: u64,
        lifetime: u64,
    },
    Take(u64),
    Pass(u64),
    /// The clock of the machine is set back.
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u64, 0..200_u64).prop_map(|(session, lifetime)| Step::Put { session, lifetime }),
        3 => (0..40_u64).prop_map(Step::Take),
        2 => (0..50_u64).prop_map(Step::Pass),
        1 => (0..20_u64).prop_map(Step::Back),
    ]
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(
        limit in 1..32_usize,
        steps in proptest::collection::vec(step(), 0..400),
    ) {
        let store = MemoryStore::with_capacity_limit(limit);
        let mut model = Model::default();
        let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Put { session: to, lifetime } => {
                    let lifetime = Duration::from_millis(lifetime);
                    store.put(&session(to), challenge(number, now, lifetime), now).unwrap();
                    model.put(to, number, now + lifetime, now, limit);
                }
                Step::Take(from) => {
                    let taken = store.take(&session(from), now).unwrap();
                    let taken = taken.map(|taken| (*taken.nonce(), taken.expires_at()));
                    prop_assert_eq!(taken, model.take(from).map(|(number, expires)| (nonce(number), expires)));
                }
                Step::Pass(time) => now += Duration::from_millis(time),
                Step::Back(time) => now -= Duration::from_millis(time),
            }
            prop_assert_eq!(store.len(), model.0.len());
            prop_assert_eq!(store.is_empty(), model.0.is_empty());
        }
        for from in 0..40 {
            let taken = store.take(&session(from), now).unwrap().map(|taken| *taken.nonce());
            prop_assert_eq!(taken, model.take(from).map(|(number, _)| nonce(number)));
        }
        prop_assert!(store.is_empty());
    }
}

#[test]
fn at_the_bound_the_oldest_goes() {
    let now = super::now();
    let store = MemoryStore::with_capacity_limit(5_000);
    for number in 0..12_000 {
        store.put(&session(number), challenge(number, now, MINUTE), now).unwrap();
        assert!(store.len() <= 5_000);
    }
    for number in 0..12_000 {
        let taken = store.take(&session(number), now).unwrap().map(|taken| *taken.nonce());
        assert_eq!(taken, (number >= 7_000).then(|| nonce(number)));
    }
    assert!(store.is_empty());
}

#[test]
fn whoever_comes_back_is_not_the_oldest_any_more() {
    let now = super::now();
    let store = MemoryStore::with_capacity_limit(2);
    for number in [1, 2, 1, 3] {
        store.put(&session(number), challenge(number, now, MINUTE), now).unwrap();
    }
    let left = [1, 2, 3].map(|number| store.take(&session(number), now).unwrap().is_some());
    assert_eq!(left, [true, false, true]);
}

#[test]
fn a_bound_of_nothing_keeps_one() {
    let now = super::now();
    let store = MemoryStore::with_capacity_limit(0);
    for number in 0..3 {
        store.put(&session(number), challenge(number, now, MINUTE), now).unwrap();
    }
    assert_eq!(store.len(), 1);
    assert!(store.take(&session(2), now).unwrap().is_some());
}

#[test]
fn expired_ones_leave_as_new_ones_come() {
    let now = super::now();
    let store = MemoryStore::new();
    for number in 0..10_000 {
        store.put(&session(number), challenge(number, now, MINUTE), now).unwrap();
    }
    let later = now + MINUTE;
    for number in 0..1_000 {
        store.put(&session(20_000 + number), challenge(number, later, MINUTE), later).unwrap();
    }
    assert_eq!(store.len(), 1_000);
}

#[test]
fn debug_tells_how_many_and_no_more() {
    let now = super::now();
    let store = MemoryStore::default();
    store.put(&session(1), challenge(1, now, MINUTE), now).unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { len: 1, .. }");
}
