//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4 sections 11.5.6, 11.5.7, 11.5.10).
//!
//! A try is written off before the comparison and given back after it, so that taking the power away
//! in between gains nothing.

use super::{Answer, Card, MEMORY_FAILURE, done, tree};
use crate::crypto::constant_time_equal;
use crate::emulator::contact::{
    EmptyVerify, FilePath, PinReferences, ReferenceData, WrongPin, is_reference_value,
};
use crate::iso7816::{Command, StatusWord};

/// Length of a PIN or PUK, filler included.
const LENGTH: usize = 8;
/// The bit of a reference that has it looked for in the current directory and those above.
const BACKTRACKING: u8 = 0x80;

impl Card {
    pub(super) fn verify(&mut self, command: &Command) -> Answer {
        if command.p1() != 0 {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let index = self.reference(command.p2())?;
        match (command.data(), self.profile.empty_verify) {
            ([], EmptyVerify::SpendsTry) => self.compare(index, None)?,
            ([], EmptyVerify::TellsTries) => return Err(self.told(index)),
            ([], EmptyVerify::Refused) => return Err(StatusWord::WRONG_LENGTH),
            (presented, _) => {
                let presented: &[u8; LENGTH] = presented.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
                self.compare(index, Some(presented))?;
            }
        }
        self.write(&[index], None)?;
        self.volatile.shown.insert(index);
        Ok(done())
    }

    /// The old PIN, then the new one. A PUK is the issuer's choice.
    pub(super) fn change_reference_data(&mut self, command: &Command) -> Answer {
        if command.p1() != 0 {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let index = self.reference(command.p2())?;
        self.puk(index)?;
        let wrong = StatusWord::WRONG_LENGTH;
        let (old, new) = command.data().split_first_chunk::<LENGTH>().ok_or(wrong)?;
        let new: &[u8; LENGTH] = new.try_into().map_err(|_| wrong)?;
        check_value(new)?;
        self.compare(index, Some(old))?;
        // Nobody has shown the new PIN yet.
        self.write(&[index], Some((index, new)))?;
        Ok(done())
    }

    /// With the PUK and a new PIN (P1 = 00), with the PUK only (x1, when three bits are looked at), or with
    /// nothing after the PUK was shown (x3).
    pub(super) fn reset_retry_counter(&mut self, command: &Command) -> Answer {
        let index = self.reference(command.p2())?;
        let puk = self.puk(index)?;
        let wrong = StatusWord::WRONG_LENGTH;
        match (command.p1(), command.p1() & 0x07) {
            (0x00, _) => {
                let (presented, new) = command.data().split_first_chunk::<LENGTH>().ok_or(wrong)?;
                let new: &[u8; LENGTH] = new.try_into().map_err(|_| wrong)?;
                check_value(new)?;
                self.compare(puk, Some(presented))?;
                self.volatile.shown.remove(&index);
                self.write(&[puk, index], Some((index, new)))?;
            }
            (_, 0x01) => {
                let presented: &[u8; LENGTH] = command.data().try_into().map_err(|_| wrong)?;
                self.compare(puk, Some(presented))?;
                self.write(&[puk, index], None)?;
            }
            (_, 0x03) if !command.data().is_empty() => return Err(wrong),
            (_, 0x03) if !self.volatile.shown.contains(&puk) => {
                return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
            }
            (_, 0x03) => self.write(&[index], None)?,
            _ => return Err(StatusWord::WRONG_P1_P2),
        }
        Ok(done())
    }

    /// Whether the PIN with this identifier, in this directory or above it, was shown since the reset.
    pub(super) fn is_shown(&self, directory: &FilePath, identifier: u8) -> bool {
        self.nearest(directory, identifier).is_some_and(|index| self.volatile.shown.contains(&index))
    }

    /// What P2 names: without bit 8 in the master file, with it in the current directory or above.
    fn reference(&self, p2: u8) -> Result<usize, StatusWord> {
        let known = match self.profile.references {
            PinReferences::Both => true,
            PinReferences::Plain => p2 & BACKTRACKING == 0,
            PinReferences::Backtracking => p2 & BACKTRACKING != 0,
        };
        let start = if p2 & BACKTRACKING == 0 { &self.volatile.root } else { &self.volatile.directory };
        let found = self.nearest(start, p2 & !BACKTRACKING).filter(|found| known || !self.is_of_root(*found));
        found.ok_or(StatusWord::REFERENCE_NOT_FOUND)
    }

    /// Whether an object lies under the master file itself, where both names mean the same.
    fn is_of_root(&self, index: usize) -> bool {
        let data = self.persistent.personalisation.reference_data.get(index);
        data.is_some_and(|data| data.directory == self.volatile.root)
    }

    fn nearest(&self, directory: &FilePath, identifier: u8) -> Option<usize> {
        let known = &self.persistent.personalisation.reference_data;
        tree::above(&self.volatile.root, directory).find_map(|directory| {
            known.iter().position(|data| data.directory == directory && data.identifier == identifier)
        })
    }

    /// The PUK of a PIN. A PUK has none: what asks for it is not for PUKs.
    fn puk(&self, pin: usize) -> Result<usize, StatusWord> {
        let known = &self.persistent.personalisation.reference_data;
        let pin = known.get(pin).ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
        let puk = pin.unblocked_by.ok_or(StatusWord::SECURITY_STATUS_NOT_SATISFIED)?;
        let found = known.iter().position(|data| data.directory == pin.directory && data.identifier == puk);
        found.ok_or(StatusWord::REFERENCE_NOT_FOUND)
    }

    /// Writes one try off, then compares; nothing at all is a wrong value. A failed write spends no
    /// comparison.
    fn compare(&mut self, index: usize, presented: Option<&[u8; LENGTH]>) -> Result<(), StatusWord> {
        self.volatile.shown.remove(&index);
        let data = self.data_mut(index)?;
        let before = data.tries_left;
        let left = before.checked_sub(1).ok_or(StatusWord::METHOD_BLOCKED)?;
        data.tries_left = left;
        if self.store.save(&self.persistent).is_err() {
            self.data_mut(index)?.tries_left = before;
            return Err(MEMORY_FAILURE);
        }
        self.verify_count += 1;
        let expected = &self.data_mut(index)?.value;
        if presented.is_some_and(|presented| constant_time_equal(expected, presented)) {
            Ok(())
        } else {
            Err(wrong_status(self.profile.wrong_pin, left))
        }
    }

    /// Gives all tries back, and writes a new value if there is one, in one go. If that cannot be written,
    /// everything stays as it was: a try that was written off stays so.
    fn write(&mut self, counters: &[usize], new: Option<(usize, &[u8; LENGTH])>) -> Result<(), StatusWord> {
        let before = self.persistent.personalisation.reference_data.clone();
        for index in counters {
            let data = self.data_mut(*index)?;
            data.tries_left = data.tries;
        }
        if let Some((index, value)) = new {
            self.data_mut(index)?.value = *value;
        }
        if self.store.save(&self.persistent).is_err() {
            self.persistent.personalisation.reference_data = before;
            return Err(MEMORY_FAILURE);
        }
        Ok(())
    }

    fn data_mut(&mut self, index: usize) -> Result<&mut ReferenceData, StatusWord> {
        let known = &mut self.persistent.personalisation.reference_data;
        known.get_mut(index).ok_or(StatusWord::REFERENCE_NOT_FOUND)
    }

    /// The answer to a question.
    fn told(&self, index: usize) -> StatusWord {
        let known = &self.persistent.personalisation.reference_data;
        match known.get(index).map_or(0, |data| data.tries_left) {
            _ if self.volatile.shown.contains(&index) => StatusWord::SUCCESS,
            0 => StatusWord::METHOD_BLOCKED,
            left => wrong_status(WrongPin::Counted, left),
        }
    }
}

/// The answer after a comparison that failed.
fn wrong_status(style: WrongPin, left: u8) -> StatusWord {
    match style {
        WrongPin::CountedThenBlocked if left == 0 => StatusWord::METHOD_BLOCKED,
        WrongPin::CountedThenBlocked | WrongPin::Counted => StatusWord::from([0x63, 0xC0 | left.min(0x0F)]),
        WrongPin::Uncounted => StatusWord::VERIFICATION_FAILED,
    }
}

fn check_value(new: &[u8; LENGTH]) -> Result<(), StatusWord> {
    if is_reference_value(new) { Ok(()) } else { Err(StatusWord::WRONG_DATA) }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::emulator::cns::Persistent;
    use crate::emulator::contact::{Model, Personalisation};
    use crate::emulator::entropy::Seeded;
    use crate::emulator::source::Source;
    use crate::emulator::store::Store;
    use crate::iso7816::command;

    #[derive(Default)]
    struct Cells {
        written: Vec<[u8; 2]>,
        /// How many writes still succeed; without a number all do.
        good_for: Option<usize>,
    }

    /// Remembers the counters that were written; fails when it is worn out.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Cells>>);

    impl Store<Persistent> for Memory {
        fn save(&mut self, state: &Persistent) -> io::Result<()> {
            let mut cells = self.0.lock().unwrap();
            match &mut cells.good_for {
                Some(0) => return Err(io::Error::other("worn out")),
                Some(left) => *left -= 1,
                None => {}
            }
            cells.written.push(state.tries_left());
            Ok(())
        }
    }

    impl Memory {
        fn written(&self) -> Vec<[u8; 2]> {
            std::mem::take(&mut self.0.lock().unwrap().written)
        }

        fn good_for(&self, writes: Option<usize>) {
            self.0.lock().unwrap().good_for = writes;
        }
    }

    fn card(store: &Memory) -> Card {
        let data = |identifier, value: &[u8; 8], tries, unblocked_by| ReferenceData {
            directory: FilePath::default(),
            identifier,
            value: *value,
            tries,
            tries_left: tries,
            unblocked_by,
        };
        let personalisation = Personalisation {
            directories: Vec::new(),
            files: Vec::new(),
            reference_data: vec![data(0x10, b"12345678", 3, Some(0x11)), data(0x11, b"87654321", 10, None)],
            keys: Vec::new(),
        };
        let state = Persistent::new(personalisation, Model::Cns10);
        Card::new(state, Box::new(store.clone()), Source::new(Seeded::new(1))).unwrap()
    }

    fn status(answer: Answer) -> u16 {
        answer.map_or_else(|refused| refused, |response| response.status()).value()
    }

    fn unblock(puk: &[u8; 8], new: &[u8; 8]) -> Command {
        Command::new(0x00, 0x2C, 0x00, 0x10).with_data(&[*puk, *new].concat())
    }

    #[test]
    fn the_try_is_written_off_before_the_comparison() {
        let store = Memory::default();
        let mut card = card(&store);
        assert_eq!(status(card.verify(&command::verify(0x10, b"00000000"))), 0x63C2);
        assert_eq!(store.written(), [[2, 10]]);
        assert_eq!(status(card.verify(&command::verify(0x90, b"12345678"))), 0x9000);
        assert_eq!(store.written(), [[1, 10], [3, 10]], "off, then back");
        assert_eq!(status(card.verify(&command::verify(0x10, &[]))), 0x63C2);
        assert_eq!(store.written(), [[2, 10]], "a question is a wrong PIN");
        assert_eq!(status(card.reset_retry_counter(&unblock(b"00000000", b"11112222"))), 0x63C9);
        assert_eq!(store.written(), [[2, 9]]);
        assert_eq!(status(card.reset_retry_counter(&unblock(b"87654321", b"11112222"))), 0x9000);
        assert_eq!(store.written(), [[2, 8], [3, 10]], "both counters and the new PIN in one go");
        let change = command::change_reference_data(0x10, b"1111222212345678");
        assert_eq!(status(card.change_reference_data(&change)), 0x9000);
        assert_eq!(store.written(), [[2, 10], [3, 10]]);
    }

    #[test]
    fn what_cannot_be_written_off_is_not_compared() {
        let store = Memory::default();
        let mut card = card(&store);
        let right = command::verify(0x10, b"12345678");
        assert_eq!(status(card.verify(&right)), 0x9000);
        store.good_for(Some(0));
        for pin in [b"12345678", b"00000000"] {
            assert_eq!(status(card.verify(&command::verify(0x10, pin))), 0x6581);
            assert!(!card.is_shown(&FilePath::default(), 0x10));
            let change = command::change_reference_data(0x10, &[*pin, *b"11112222"].concat());
            assert_eq!(status(card.change_reference_data(&change)), 0x6581);
            assert_eq!(status(card.reset_retry_counter(&unblock(b"87654321", b"11112222"))), 0x6581);
            assert_eq!((card.verify_count, card.tries_left()), (1, [3, 10]));
        }
        store.good_for(None);
        assert_eq!(status(card.verify(&right)), 0x9000, "the PIN is still the old one");
    }

    #[test]
    fn a_success_that_cannot_be_written_leaves_the_try_spent() {
        let store = Memory::default();
        let mut card = card(&store);
        store.good_for(Some(1));
        assert_eq!(status(card.verify(&command::verify(0x10, b"12345678"))), 0x6581);
        assert_eq!(card.tries_left(), [2, 10]);
        assert!(!card.is_shown(&FilePath::default(), 0x10));
        store.good_for(Some(1));
        let change = command::change_reference_data(0x10, b"1234567811112222");
        assert_eq!(status(card.change_reference_data(&change)), 0x6581);
        assert_eq!(card.tries_left(), [1, 10]);
        store.good_for(Some(1));
        assert_eq!(status(card.reset_retry_counter(&unblock(b"87654321", b"11112222"))), 0x6581);
        assert_eq!(card.tries_left(), [1, 9]);
        store.good_for(None);
        assert_eq!(status(card.verify(&command::verify(0x10, b"12345678"))), 0x9000, "the old one");
    }
}
