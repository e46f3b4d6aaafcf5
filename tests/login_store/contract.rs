//! What every store must do.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use cie::login::store::ChallengeStore;

use super::{MINUTE, challenge, nonce, now, session};

/// Runs all of it. Both stores are doors to the same challenges, as two machines have them; nothing else uses them.
pub fn holds(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    what_is_put_is_taken_once(one, other);
    a_session_has_one_challenge(one, other);
    what_has_expired_is_of_no_use(one, other);
    times_at_the_edge(one, other);
    one_of_many_wins(one, other, 500);
    takes_and_puts_at_once(one, other);
}

fn what_is_put_is_taken_once(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    let now = now();
    assert!(one.take(&session(1), now).unwrap().is_none(), "nothing was put");
    for (first, second) in [(one, one), (one, other), (other, one)] {
        first.put(&session(1), challenge(1, now, MINUTE), now).unwrap();
        first.put(&session(2), challenge(2, now, 2 * MINUTE), now).unwrap();
        assert!(second.take(&session(3), now).unwrap().is_none(), "another session");
        let taken = second.take(&session(1), now).unwrap().unwrap();
        assert_eq!((taken.nonce(), taken.expires_at()), (&nonce(1), now + MINUTE));
        assert!(first.take(&session(1), now).unwrap().is_none());
        assert!(second.take(&session(1), now).unwrap().is_none());
        let taken = second.take(&session(2), now).unwrap().unwrap();
        assert_eq!((taken.nonce(), taken.expires_at()), (&nonce(2), now + 2 * MINUTE));
    }
}

fn a_session_has_one_challenge(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    let now = now();
    for number in 0..10 {
        one.put(&session(1), challenge(number, now, MINUTE), now).unwrap();
    }
    assert_eq!(other.take(&session(1), now).unwrap().unwrap().nonce(), &nonce(9));
    assert!(one.take(&session(1), now).unwrap().is_none(), "the earlier ones do not come back");
}

/// It may be gone, or come out with a time that says so.
fn what_has_expired_is_of_no_use(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    let began = now();
    one.put(&session(1), challenge(1, began, Duration::from_millis(30)), began).unwrap();
    thread::sleep(Duration::from_millis(60));
    let later = now();
    let taken = other.take(&session(1), later).unwrap();
    assert!(taken.is_none_or(|taken| taken.expires_at() <= later));
    // One that comes too late is not kept, and the earlier one is replaced all the same.
    for too_late in [Duration::ZERO, Duration::from_micros(999)] {
        one.put(&session(1), challenge(1, later, MINUTE), later).unwrap();
        one.put(&session(1), challenge(2, later, too_late), later + too_late).unwrap();
        assert!(other.take(&session(1), later).unwrap().is_none());
    }
    one.put(&session(1), challenge(1, later, MINUTE), later).unwrap();
    one.put(&session(1), challenge(2, later, MINUTE), later + 2 * MINUTE).unwrap();
    assert!(other.take(&session(1), later).unwrap().is_none());
}

fn times_at_the_edge(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let end = epoch + Duration::from_millis(253_402_300_799_999);
    for (now, expires, kept) in [
        (epoch - MINUTE, epoch + MINUTE, true),
        (epoch, epoch + Duration::from_millis(60_000), true),
        (now(), end + MINUTE, true),
        (end + MINUTE, end + 2 * MINUTE, false),
        (epoch - 2 * MINUTE, epoch - MINUTE, false),
    ] {
        one.put(&session(1), cie::login::store::Pending::new(nonce(1), expires), now).unwrap();
        let taken = other.take(&session(1), now).unwrap();
        assert_eq!(taken.map(|taken| taken.expires_at()), kept.then_some(expires.min(end)), "{now:?}");
    }
}

/// Eight threads, half of them through each store, reach for one challenge.
fn one_of_many_wins(one: &dyn ChallengeStore, other: &dyn ChallengeStore, rounds: u64) {
    const THREADS: usize = 8;
    let barrier = Barrier::new(THREADS);
    let wins: Vec<AtomicU64> = (0..rounds).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (barrier, wins) = (&barrier, &wins);
            scope.spawn(move || {
                let store = if thread % 2 == 0 { one } else { other };
                for round in 0..rounds {
                    if thread == 0 {
                        one.put(&session(round), challenge(round, now(), MINUTE), now()).unwrap();
                    }
                    barrier.wait();
                    if let Some(taken) = store.take(&session(round), now()).unwrap() {
                        assert_eq!(taken.nonce(), &nonce(round));
                        wins[usize::try_from(round).unwrap()].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    for (round, wins) in wins.iter().enumerate() {
        assert_eq!(wins.load(Ordering::Relaxed), 1, "round {round}");
    }
}

/// Many sessions, each put and taken by whoever comes: nothing is taken twice, and nothing that was not put.
fn takes_and_puts_at_once(one: &dyn ChallengeStore, other: &dyn ChallengeStore) {
    const EACH: u64 = 400;
    let taken: Vec<AtomicU64> = (0..4 * EACH).map(|_| AtomicU64::new(0)).collect();
    let take = |store: &dyn ChallengeStore, number: u64| {
        if let Some(found) = store.take(&session(number % 16), now()).unwrap() {
            let number = (0..4 * EACH).find(|number| found.nonce() == &nonce(*number)).unwrap();
            taken[usize::try_from(number).unwrap()].fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for thread in 0..4 {
            let take = &take;
            scope.spawn(move || {
                let (mine, theirs) = if thread % 2 == 0 { (one, other) } else { (other, one) };
                for number in thread * EACH..(thread + 1) * EACH {
                    mine.put(&session(number % 16), challenge(number, now(), MINUTE), now()).unwrap();
                    take(theirs, number + 1);
                }
            });
        }
    });
    (0..16).for_each(|number| take(one, number));
    let counts: Vec<u64> = taken.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert!(counts.iter().all(|count| *count <= 1));
    assert!(counts.iter().sum::<u64>() >= 16, "something was taken");
    (0..16).for_each(|number| assert!(other.take(&session(number), now()).unwrap().is_none()));
}
