//! What comes from outside: randomness and time are inputs, so that a dialogue can be replayed.

pub mod moment;

use std::time::SystemTime;

/// The source of randomness gave nothing. Whatever asked for it must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness could be drawn for {0}")]
pub struct EntropyError(pub &'static str);

/// A source of randomness.
pub trait Entropy: Send {
    /// Fills `out` with random bytes. `label` is the standard's name of the value drawn (`RND.IFD`,
    /// `DH.x`, …), so that a recording says what each draw was for.
    ///
    /// # Errors
    /// [`EntropyError`] if no bytes can be had; `out` is then not to be used.
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// A source of time.
pub trait Clock: Send {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The time of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still, for recorded dialogues and for judging something at a given moment.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub SystemTime);

impl Clock for FixedClock {
    fn now(&self) -> SystemTime {
        self.0
    }
}
