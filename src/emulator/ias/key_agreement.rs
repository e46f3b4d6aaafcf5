//! The card's side of the Diffie-Hellman exchange (IAS ECC 1.0.1, key transport over MSE SET KAT).

use super::channel::Channel;
use super::volatile::Agreement;
use super::{Answer, Card, FAILURE, done};
use crate::crypto::agreement::KeyPair;
use crate::iso7816::StatusWord;

impl Card {
    /// Takes the terminal's public value, draws the card's own exponent and opens secure messaging.
    /// Whatever was proved over an earlier channel is void.
    pub(super) fn agree(&mut self, y_ifd: &[u8]) -> Answer {
        let group = &self.keys.group;
        // Both sides sign the values as they travelled: one number, one form.
        if y_ifd.len() != group.size() {
            return Err(StatusWord::WRONG_DATA);
        }
        let pair = KeyPair::generate(group, &mut self.entropy, "DH.y").map_err(|_| FAILURE)?;
        let y_icc = pair.public().to_vec();
        let secret = pair.agree(group, y_ifd).map_err(|_| StatusWord::WRONG_DATA)?;
        self.volatile.close_channel();
        self.volatile.channel = Some(Channel::open(&secret));
        self.volatile.agreement = Some(Agreement { y_ifd: y_ifd.to_vec(), y_icc });
        Ok(done())
    }
}
