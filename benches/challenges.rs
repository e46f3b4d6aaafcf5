//! What a million pending challenges cost in memory: resident memory, puts and takes a second, beside the map of texts
//! that a web framework would keep them in; and that the bound holds.
//!
//! `cargo bench --bench challenges`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss
)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use base64ct::{Base64, Encoding};
use cie::login::store::{ChallengeStore, MemoryStore, Pending, SessionId};

const CHALLENGES: u64 = 1_000_000;
const BOUND: u64 = 100_000;
const LIFETIME: Duration = Duration::from_secs(300);

/// Resident memory of this process in bytes. A counting allocator would need `unsafe`, which this crate forbids.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc (Linux) tells resident memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// 32 bytes that look drawn: of the session's identifier, or of its nonce.
fn drawn(number: u64, which: u8) -> [u8; 32] {
    cie::crypto::sha256(&[&number.to_be_bytes(), &[which]])
}

fn session(number: u64) -> SessionId {
    SessionId::new(drawn(number, 0)).unwrap()
}

/// All numbers, in an order in which none follows its neighbour.
fn shuffled() -> impl Iterator<Item = u64> {
    (0..CHALLENGES).map(|number| number * 7_919 % CHALLENGES)
}

struct Measured {
    name: &'static str,
    bytes: f64,
    puts: f64,
    takes: f64,
    slowest: Duration,
}

/// Puts and takes a million. What is put is made before the clock starts, a thousand at a time, so that the store is
/// measured and not the making.
fn measure<K, V>(
    name: &'static str,
    make: impl Fn(u64) -> (K, V),
    mut put: impl FnMut(K, V),
    mut take: impl FnMut(K) -> bool,
) -> Measured {
    let before = resident();
    let (mut putting, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for thousand in 0..CHALLENGES / 1000 {
        let made: Vec<_> = (thousand * 1000..(thousand + 1) * 1000).map(&make).collect();
        for (key, value) in made {
            let began = Instant::now();
            put(key, value);
            let took = began.elapsed();
            putting += took;
            slowest = slowest.max(took);
        }
    }
    let bytes = resident().saturating_sub(before) as f64 / CHALLENGES as f64;
    let (mut taking, mut found) = (Duration::ZERO, 0);
    let mut numbers = shuffled().peekable();
    while numbers.peek().is_some() {
        let keys: Vec<_> = numbers.by_ref().take(1000).map(|number| make(number).0).collect();
        let began = Instant::now();
        found += keys.into_iter().map(&mut take).filter(|found| *found).count();
        taking += began.elapsed();
    }
    assert_eq!(found as u64, CHALLENGES, "{name}: each was there");
    let rate = |time: Duration| CHALLENGES as f64 / time.as_secs_f64();
    Measured { name, bytes, puts: rate(putting), takes: rate(taking), slowest }
}

fn main() {
    let now = SystemTime::now();
    // Whatever is measured stays, so that what comes next does not get memory that was given back.
    // Somebody opens login pages and never answers.
    let before = resident();
    let bounded = MemoryStore::with_capacity_limit(usize::try_from(BOUND).unwrap());
    for number in 0..CHALLENGES + BOUND {
        bounded.put(&session(number), Pending::new(drawn(number, 1), now + LIFETIME), now).unwrap();
    }
    let (kept, grown) = (bounded.len(), resident().saturating_sub(before));
    let there = |numbers: std::ops::Range<u64>| {
        numbers.filter(|number| bounded.take(&session(*number), now).unwrap().is_some()).count()
    };
    let (old, new) = (there(0..CHALLENGES), there(CHALLENGES..CHALLENGES + BOUND));
    println!(
        "bound {BOUND}: {kept} kept after {} puts, {old} of the oldest {CHALLENGES} and {new} of the newest {BOUND}; \
         {:.1} MB\n",
        CHALLENGES + BOUND,
        grown as f64 / 1e6
    );
    assert_eq!((kept as u64, old, new as u64), (BOUND, 0, BOUND));

    let store = MemoryStore::new();
    let ours = measure(
        "MemoryStore",
        |number| (session(number), Pending::new(drawn(number, 1), now + LIFETIME)),
        |session, pending| store.put(&session, pending, now).unwrap(),
        |session| store.take(&session, now).unwrap().is_some(),
    );
    assert!(store.is_empty());
    let map = Mutex::new(HashMap::<String, (String, SystemTime)>::new());
    let text = |number, which| Base64::encode_string(&drawn(number, which));
    let peer = measure(
        "HashMap<String, …>",
        |number| (text(number, 0), (text(number, 1), now + LIFETIME)),
        |session, pending| drop(map.lock().unwrap().insert(session, pending)),
        |session| map.lock().unwrap().remove(&session).is_some(),
    );
    println!(
        "{:<22}{:>16}{:>14}{:>14}{:>16}",
        "1,000,000 pending", "bytes for each", "puts/s", "takes/s", "slowest put"
    );
    for Measured { name, bytes, puts, takes, slowest } in [&ours, &peer] {
        println!("{name:<22}{bytes:>16.0}{puts:>14.0}{takes:>14.0}{slowest:>16.1?}");
    }
    println!(
        "{:<22}{:>16.2}{:>14.2}{:>14.2}",
        "ours / theirs",
        ours.bytes / peer.bytes,
        ours.puts / peer.puts,
        ours.takes / peer.takes
    );
}
