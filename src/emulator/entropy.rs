//! Randomness that can be told in advance: for tests and recorded dialogues, never for real use.

use std::collections::VecDeque;

use crate::crypto::sha256;
use crate::environment::{Entropy, EntropyError};

/// An endless stream expanded from a seed: the same seed gives the same draws.
#[derive(Debug, Clone)]
pub struct Seeded {
    seed: [u8; 32],
    draws: u64,
}

impl Seeded {
    /// A stream of its own for every number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed: sha256(&[b"cie seeded entropy", &seed.to_be_bytes()]), draws: 0 }
    }
}

impl Entropy for Seeded {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        self.draws += 1;
        for (block, counter) in out.chunks_mut(32).zip(0_u64..) {
            let bytes =
                sha256(&[&self.seed, &self.draws.to_be_bytes(), label.as_bytes(), &counter.to_be_bytes()]);
            block.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

/// A list of draws, each given out once, in order, under its label and with its length.
#[derive(Debug, Clone, Default)]
pub struct Scripted(VecDeque<(&'static str, Vec<u8>)>);

impl Scripted {
    /// The draws to come.
    #[must_use]
    pub fn new(draws: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        Self(draws.into_iter().collect())
    }
}

impl Entropy for Scripted {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        match self.0.pop_front() {
            Some((expected, bytes)) if expected == label && bytes.len() == out.len() => {
                out.copy_from_slice(&bytes);
                Ok(())
            }
            _ => Err(EntropyError(label)),
        }
    }
}
