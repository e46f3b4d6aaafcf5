//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4 sections 11.5.6, 11.5.7, 11.5.10).
//!
//! A try is written off before the comparison and given back after it, so that taking the power away
//! in between gains nothing.

use super::{Answer, Card, MEMORY_FAILURE, done};
use crate::crypto::constant_time_equal;
use crate::emulator::personalisation::Directory;
use crate::emulator::store::{PIN_TRIES, PUK_TRIES};
use crate::iso7816::{Command, StatusWord};

/// Length of a PIN or PUK.
const DIGITS: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// 81, the holder's PIN.
    Pin,
    /// 82, the PUK.
    Puk,
}

impl Card {
    /// An empty VERIFY asks how many tries are left and spends none.
    pub(super) fn verify(&mut self, command: &Command, protected: bool) -> Answer {
        let reference = self.reference(command, protected)?;
        if command.p1() != 0 {
            return Err(StatusWord::WRONG_P1_P2);
        }
        match command.data() {
            [] if self.verified(reference) => Ok(done()),
            [] => Err(tries_status(self.tries(reference))),
            presented => {
                let presented: &[u8; DIGITS] = presented.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
                self.compare(reference, presented)?;
                self.restore_tries(reference)?;
                self.set_verified(reference, true);
                Ok(done())
            }
        }
    }

    /// The old PIN, then the new one.
    pub(super) fn change_reference_data(&mut self, command: &Command, protected: bool) -> Answer {
        let reference = self.reference(command, protected)?;
        if command.p1() != 0 {
            return Err(StatusWord::WRONG_P1_P2);
        }
        if reference == Reference::Puk {
            // The PUK is the issuer's choice.
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        let wrong = StatusWord::WRONG_LENGTH;
        let (old, new) = command.data().split_first_chunk::<DIGITS>().ok_or(wrong)?;
        let new: &[u8; DIGITS] = new.try_into().map_err(|_| wrong)?;
        check_digits(new)?;
        self.compare(reference, old)?;
        self.write_pin(Some(*new))?;
        Ok(done())
    }

    /// With the PUK shown before: gives the PIN all its tries back (P1 = 03), with a new value too
    /// (P1 = 02).
    pub(super) fn reset_retry_counter(&mut self, command: &Command, protected: bool) -> Answer {
        let reference = self.reference(command, protected)?;
        let new = match command.p1() {
            0x02 => Some(command.data().try_into().map_err(|_| StatusWord::WRONG_LENGTH)?),
            0x03 if command.data().is_empty() => None,
            0x03 => return Err(StatusWord::WRONG_LENGTH),
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        if reference == Reference::Puk || !self.volatile.puk_verified {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if let Some(new) = &new {
            check_digits(new)?;
            self.verify_count += 1;
        }
        self.write_pin(new)?;
        Ok(done())
    }

    /// What P2 names. PIN and PUK belong to the CIE directory and are touched over a channel between
    /// authenticated devices only.
    fn reference(&self, command: &Command, protected: bool) -> Result<Reference, StatusWord> {
        if !self.volatile.is_authenticated(protected) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        match (self.volatile.directory, command.p2()) {
            (Some(Directory::Cie), 0x81) => Ok(Reference::Pin),
            (Some(Directory::Cie), 0x82) => Ok(Reference::Puk),
            _ => Err(StatusWord::REFERENCE_NOT_FOUND),
        }
    }

    /// Writes one try off, then compares. A failed write spends no comparison.
    fn compare(&mut self, reference: Reference, presented: &[u8; DIGITS]) -> Result<(), StatusWord> {
        self.set_verified(reference, false);
        let before = self.tries(reference);
        let left = before.checked_sub(1).ok_or(StatusWord::METHOD_BLOCKED)?;
        *self.tries_mut(reference) = left;
        if self.store.save(&self.persistent).is_err() {
            *self.tries_mut(reference) = before;
            return Err(MEMORY_FAILURE);
        }
        self.verify_count += 1;
        let expected = match reference {
            Reference::Pin => &self.persistent.personalisation.pin,
            Reference::Puk => &self.persistent.personalisation.puk,
        };
        if constant_time_equal(expected, presented) { Ok(()) } else { Err(wrong_status(left)) }
    }

    /// Gives all tries back; if that cannot be written, the one that was written off stays so.
    fn restore_tries(&mut self, reference: Reference) -> Result<(), StatusWord> {
        let before = self.tries(reference);
        *self.tries_mut(reference) = match reference {
            Reference::Pin => PIN_TRIES,
            Reference::Puk => PUK_TRIES,
        };
        self.store.save(&self.persistent).map_err(|_| {
            *self.tries_mut(reference) = before;
            MEMORY_FAILURE
        })
    }

    /// Writes the PIN's counter, and its value if there is a new one, in one go.
    fn write_pin(&mut self, new: Option<[u8; DIGITS]>) -> Result<(), StatusWord> {
        let old = self.persistent.personalisation.pin;
        self.persistent.personalisation.pin = new.unwrap_or(old);
        let written = self.restore_tries(Reference::Pin);
        if written.is_err() {
            self.persistent.personalisation.pin = old;
        }
        written
    }

    fn tries(&self, reference: Reference) -> u8 {
        match reference {
            Reference::Pin => self.persistent.pin_tries,
            Reference::Puk => self.persistent.puk_tries,
        }
    }

    fn tries_mut(&mut self, reference: Reference) -> &mut u8 {
        match reference {
            Reference::Pin => &mut self.persistent.pin_tries,
            Reference::Puk => &mut self.persistent.puk_tries,
        }
    }

    fn verified(&self, reference: Reference) -> bool {
        match reference {
            Reference::Pin => self.volatile.pin_verified,
            Reference::Puk => self.volatile.puk_verified,
        }
    }

    fn set_verified(&mut self, reference: Reference, verified: bool) {
        match reference {
            Reference::Pin => self.volatile.pin_verified = verified,
            Reference::Puk => self.volatile.puk_verified = verified,
        }
    }
}

/// 63Cx after a comparison that failed.
fn wrong_status(left: u8) -> StatusWord {
    StatusWord::from([0x63, 0xC0 | left.min(0x0F)])
}

/// The answer to a question: 6983 when nothing is left.
fn tries_status(left: u8) -> StatusWord {
    if left == 0 { StatusWord::METHOD_BLOCKED } else { wrong_status(left) }
}

fn check_digits(pin: &[u8; DIGITS]) -> Result<(), StatusWord> {
    if pin.iter().all(u8::is_ascii_digit) { Ok(()) } else { Err(StatusWord::WRONG_DATA) }
}
