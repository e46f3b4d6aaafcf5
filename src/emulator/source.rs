//! The card's own randomness: any source that can be copied, so that a snapshot goes on drawing what
//! the original would have drawn.

use crate::environment::{Entropy, EntropyError};

/// A source of randomness that can be copied behind a pointer.
trait CopyableEntropy: Entropy {
    fn duplicate(&self) -> Box<dyn CopyableEntropy>;
}

impl<E: Entropy + Clone + 'static> CopyableEntropy for E {
    fn duplicate(&self) -> Box<dyn CopyableEntropy> {
        Box::new(self.clone())
    }
}

/// The source that one card draws from.
pub(super) struct Source(Box<dyn CopyableEntropy>);

impl Source {
    pub(super) fn new(entropy: impl Entropy + Clone + 'static) -> Self {
        Self(Box::new(entropy))
    }
}

impl Clone for Source {
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl Entropy for Source {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0.draw(label, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::entropy::Seeded;

    #[test]
    fn a_copy_draws_what_the_original_draws() {
        let mut original = Source::new(Seeded::new(7));
        let mut draws = [[0; 8]; 3];
        original.draw("RND.ICC", &mut draws[0]).unwrap();
        let mut copy = original.clone();
        original.draw("RND.ICC", &mut draws[1]).unwrap();
        copy.draw("RND.ICC", &mut draws[2]).unwrap();
        assert_eq!(draws[1], draws[2]);
        assert_ne!(draws[0], draws[1]);
    }
}
