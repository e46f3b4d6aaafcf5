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
        self.set_verified(reference, self.profile.verified_after_change);
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
            // Nobody has shown the new PIN yet.
            self.volatile.pin_verified = false;
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::emulator::Chip;
    use crate::emulator::entropy::Seeded;
    use crate::emulator::ias::volatile::Authentication;
    use crate::emulator::personalisation::{CardKey, CertificationKey, DhGroup, Personalisation};
    use crate::emulator::source::Source;
    use crate::emulator::store::{Persistent, Store};
    use crate::iso7816::command;

    #[derive(Default)]
    struct Cells {
        written: Vec<(u8, u8)>,
        broken: bool,
    }

    /// Remembers the counters that were written; fails while it is told to.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Cells>>);

    impl Store<Persistent> for Memory {
        fn save(&mut self, state: &Persistent) -> io::Result<()> {
            let mut cells = self.0.lock().unwrap();
            if cells.broken {
                return Err(io::Error::other("worn out"));
            }
            cells.written.push((state.pin_tries, state.puk_tries));
            Ok(())
        }
    }

    impl Memory {
        fn written(&self) -> Vec<(u8, u8)> {
            std::mem::take(&mut self.0.lock().unwrap().written)
        }

        fn break_down(&self, broken: bool) {
            self.0.lock().unwrap().broken = broken;
        }
    }

    /// A card to which the terminal has proved itself.
    fn card(store: &Memory) -> Card {
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie3-ias.json")).unwrap();
        let hex = |part: &str, name: &str| hex::decode(v[part][name].as_str().unwrap()).unwrap();
        let key = CardKey {
            modulus: hex("signing", "test_user_modulus"),
            public_exponent: vec![1, 0, 1],
            private_exponent: hex("signing", "test_user_private_exponent"),
            prime_p: Vec::new(),
            prime_q: Vec::new(),
        };
        let personalisation = Personalisation {
            files: Vec::new(),
            holder_key: key.clone(),
            device_key: key.clone(),
            services_key: key,
            certification_key: CertificationKey {
                modulus: hex("test_ca", "modulus"),
                public_exponent: hex("test_ca", "public_exponent"),
                holder_reference: hex("test_ca", "chr"),
                holder_authorisation: hex("test_ca", "cha"),
            },
            dh_group: DhGroup { g: hex("dh", "g"), p: hex("dh", "p"), q: hex("dh", "q") },
            serial_number: [1; 8],
            pin: *b"12345678",
            puk: *b"87654321",
        };
        let state = Persistent::new(personalisation, Chip::Gemalto);
        let mut card = Card::new(state, Box::new(store.clone()), Source::new(Seeded::new(1))).unwrap();
        card.volatile.directory = Some(Directory::Cie);
        card.volatile.authentication = Authentication::Mutual;
        card
    }

    fn status(answer: Answer) -> u16 {
        answer.map_or_else(|refused| refused, |response| response.status()).value()
    }

    #[test]
    fn the_try_is_written_off_before_the_comparison() {
        let store = Memory::default();
        let mut card = card(&store);
        let mut verify = |reference, pin: &[u8]| status(card.verify(&command::verify(reference, pin), true));
        assert_eq!(verify(0x81, b"00000000"), 0x63C2);
        assert_eq!(store.written(), [(2, 10)]);
        assert_eq!(verify(0x81, b"12345678"), 0x9000);
        assert_eq!(store.written(), [(1, 10), (3, 10)], "off, then back");
        assert_eq!(verify(0x82, b"00000000"), 0x63C9);
        assert_eq!(store.written(), [(3, 9)]);
    }

    #[test]
    fn what_cannot_be_written_off_is_not_compared() {
        let store = Memory::default();
        let mut card = card(&store);
        let right = command::verify(0x81, b"12345678");
        assert_eq!(status(card.verify(&right, true)), 0x9000);
        store.break_down(true);
        for pin in [b"12345678", b"00000000"] {
            assert_eq!(status(card.verify(&command::verify(0x81, pin), true)), 0x6581);
            assert!(!card.volatile.pin_verified);
            let change = command::change_reference_data(0x81, &[*pin, *b"11112222"].concat());
            assert_eq!(status(card.change_reference_data(&change, true)), 0x6581);
            assert_eq!((card.verify_count, card.persistent.pin_tries), (1, 3));
        }
        card.volatile.puk_verified = true;
        let reset = command::reset_retry_counter(0x81, b"11112222");
        assert_eq!(status(card.reset_retry_counter(&reset, true)), 0x6581);
        store.break_down(false);
        assert_eq!(status(card.verify(&right, true)), 0x9000, "the PIN is still the old one");
    }

    #[test]
    fn a_success_that_cannot_be_written_leaves_the_try_spent() {
        /// Writes once, then never again.
        struct Once(bool);
        impl Store<Persistent> for Once {
            fn save(&mut self, _: &Persistent) -> io::Result<()> {
                if std::mem::replace(&mut self.0, true) { Err(io::Error::other("full")) } else { Ok(()) }
            }
        }
        let mut card = card(&Memory::default());
        card.store = Box::new(Once(false));
        assert_eq!(status(card.verify(&command::verify(0x81, b"12345678"), true)), 0x6581);
        assert_eq!((card.persistent.pin_tries, card.volatile.pin_verified), (2, false));
        card.store = Box::new(Once(false));
        let change = command::change_reference_data(0x81, b"1234567811112222");
        assert_eq!(status(card.change_reference_data(&change, true)), 0x6581);
        assert_eq!((card.persistent.pin_tries, card.persistent.personalisation.pin), (1, *b"12345678"));
    }
}
