//! A connection to a software card, as a PC/SC reader would give it.

use super::slot::SharedSlot;
use crate::transport::{Error, Transport};

/// One connection. Several may be open at once, as in PC/SC's shared mode.
pub struct SoftTransport {
    card: SharedSlot,
    atr: &'static [u8],
    removals_seen: u64,
    resets_seen: u64,
}

impl SoftTransport {
    pub(super) fn new(card: SharedSlot) -> Self {
        let slot = card.lock();
        let (atr, removals_seen, resets_seen) = (slot.card.profile().atr, slot.removals, slot.resets);
        drop(slot);
        Self { card, atr, removals_seen, resets_seen }
    }
}

impl Transport for SoftTransport {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let mut guard = self.card.lock();
        let slot = &mut *guard;
        if !slot.present || slot.removals != self.removals_seen {
            return Err(Error::Removed);
        }
        if slot.resets != self.resets_seen {
            self.resets_seen = slot.resets;
            return Err(Error::Reset);
        }
        Ok(slot.card.transmit(command, &mut slot.tamper).encode())
    }

    fn reset(&mut self) -> Result<(), Error> {
        let mut slot = self.card.lock();
        if !slot.present || slot.removals != self.removals_seen {
            return Err(Error::Removed);
        }
        slot.reset();
        self.resets_seen = slot.resets;
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        self.atr
    }
}

impl std::fmt::Debug for SoftTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftTransport(..)")
    }
}
