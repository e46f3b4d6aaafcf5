//! A connection to a software card, as a PC/SC reader would give it.

use super::slot::{Lost, Place, Seen, SharedSlot};
use crate::transport::{Error, Transport};

/// One connection. Several may be open at once, as in PC/SC's shared mode.
pub struct SoftTransport {
    card: SharedSlot,
    atr: Vec<u8>,
    seen: Seen,
}

impl SoftTransport {
    pub(super) fn new(card: SharedSlot) -> Self {
        let slot = card.lock();
        let (atr, seen) = (slot.card.atr().to_vec(), slot.look(Place::Here));
        drop(slot);
        Self { card, atr, seen }
    }
}

impl Transport for SoftTransport {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let mut slot = self.card.lock();
        match slot.check(self.seen) {
            Ok(()) => Ok(slot.transmit(command)),
            Err(Lost::Removed) => Err(Error::Removed),
            Err(Lost::Reset) => {
                self.seen = slot.look(Place::Here);
                Err(Error::Reset)
            }
        }
    }

    fn reset(&mut self) -> Result<(), Error> {
        let mut slot = self.card.lock();
        if slot.check(self.seen) == Err(Lost::Removed) {
            return Err(Error::Removed);
        }
        slot.reset();
        self.seen = slot.look(Place::Here);
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn company(&mut self) -> Option<&mut dyn crate::transport::Company> {
        None
    }
}

impl std::fmt::Debug for SoftTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftTransport(..)")
    }
}
