//! Stores of pending challenges: what each must do, whichever it is; the one in memory against a simple model; the one
//! in Redis with a real server.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "login_store/contract.rs"]
mod contract;
#[path = "login_store/memory.rs"]
mod memory;
#[cfg(feature = "redis")]
#[path = "login_store/silence.rs"]
mod silence;

#[cfg(all(feature = "redis", feature = "system-tests"))]
#[path = "login_store/redis.rs"]
mod redis_server;
#[cfg(all(feature = "redis", feature = "system-tests"))]
#[path = "login_store/server.rs"]
mod server;

use std::time::{Duration, SystemTime};

use cie::login::store::{Pending, SessionId};

/// The session of this number.
fn session(number: u64) -> SessionId {
    SessionId::new(format!("a session, number {number:020}")).unwrap()
}

/// A nonce that no other number has.
fn nonce(number: u64) -> [u8; 32] {
    std::array::from_fn(|at| number.to_be_bytes()[at % 8] ^ u8::try_from(at).unwrap())
}

/// A challenge that lives for so long from `now` on.
fn challenge(number: u64, now: SystemTime, lifetime: Duration) -> Pending {
    Pending::new(nonce(number), now + lifetime)
}

/// The time now, to the millisecond, as challenges keep it.
fn now() -> SystemTime {
    Pending::new([0; 32], SystemTime::now()).expires_at()
}

const MINUTE: Duration = Duration::from_secs(60);
