//! A card that other programs use, too: what they select or reset between our operations, and cards on which
//! they left a channel of their own.

use std::sync::{Arc, Mutex};

use cie::card;
use cie::emulator::{Chip, SoftTransport};
use cie::ias::{Application, CardCache, File, RootFile, Session, Terminal, Unblock};
use cie::iso7816::StatusWord;
use cie::pin::{LastTry, Tries};
use cie::transport::{self, Company, Link, Transport};

use crate::common::{CHIPS, blocked_card, card as fresh, demo, link, pin, puk, wrong_pin};

/// A shared card: whenever nobody holds it, another program selects something else.
struct Disturbed {
    ours: SoftTransport,
    theirs: SoftTransport,
    held: bool,
}

impl Transport for Disturbed {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        assert!(self.held, "no command goes out without a transaction");
        self.ours.transmit(command)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.ours.reset()
    }

    fn atr(&self) -> &[u8] {
        self.ours.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Disturbed {
    fn begin(&mut self) -> Result<(), transport::Error> {
        self.held = true;
        Ok(())
    }

    fn end(&mut self) {
        self.held = false;
        // The root, and there a file whose short identifier is another one in the CIE's directory.
        self.theirs.transmit(&[0x00, 0xA4, 0x00, 0x00]).unwrap();
        self.theirs.transmit(&[0x00, 0xB0, 0x9E, 0x00, 0x01]).unwrap();
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn set_exclusive(&mut self, _: bool) -> Result<(), transport::Error> {
        Ok(())
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

#[test]
fn what_others_select_between_two_operations_does_not_change_what_is_read() {
    for chip in CHIPS {
        let laid = fresh(chip);
        drop(laid.insert());
        let link = Link::new(Disturbed { ours: laid.transport(), theirs: laid.transport(), held: false });
        let mut card = card::open(link).unwrap();
        let card::Information::Cie3(said) = card.information().unwrap() else { panic!() };
        assert_eq!(said.nis.digits(), demo().citizen.nis);
        assert_eq!((said.pin_tries, said.puk_tries), (Tries::Left(3), Tries::Left(10)));
        let mut application = card.into_ias().unwrap();
        let written = |identifier| {
            let files = &demo().personalisation.files;
            files.iter().find(|file| file.identifier == identifier).unwrap().content.clone()
        };
        for _ in 0..2 {
            let key = application.read(File::DeviceKey).unwrap();
            assert!(written(0x1004).starts_with(&key) && key.len() > 250, "{chip}");
            let number = application.read_root(RootFile::SerialNumber).unwrap();
            assert!(written(0xD003).starts_with(&number), "{chip}");
            assert!(application.is_readable(File::Nis).unwrap());
            assert!(!application.has_application(&[0xA0, 0, 0, 0, 1]).unwrap());
        }
        let terminal = Arc::new(Terminal::published().unwrap());
        application.authenticate(&terminal, &mut CardCache::new()).unwrap();
    }
}

#[test]
fn after_a_reset_by_others_the_application_is_selected_anew() {
    for chip in CHIPS {
        let laid = fresh(chip);
        let mut application = Application::select(link(&laid)).unwrap();
        application.read_nis().unwrap();
        laid.reset_by_other();
        let lost = application.pin_tries().unwrap_err();
        assert_eq!(cie::Error::from(lost).code(), "card-reset", "said once");
        assert_eq!(application.pin_tries().unwrap(), Tries::Left(3));
        laid.reset_by_other();
        application.has_application(&[0xA0, 0, 0, 0, 1]).unwrap_err();
        assert_eq!(application.read_nis().unwrap().digits(), demo().citizen.nis);
    }
}

#[test]
fn a_closed_session_sends_nothing_and_counts_nothing() {
    let laid = fresh(Chip::Gemalto);
    let mut session = Session::open(link(&laid)).unwrap();
    laid.reset_by_other();
    session = *session.verify_pin(&pin()).unwrap_err().back;
    let told = session.pin_tries();
    for _ in 0..3 {
        session = *session.verify_pin(&pin()).unwrap_err().back;
        assert_eq!(session.pin_tries(), told);
    }
    assert_eq!((laid.pin_tries(), laid.verify_count()), (3, 0));
    let blocked = blocked_card(Chip::Gemalto);
    let mut session = Session::open(link(&blocked)).unwrap();
    assert_eq!(session.puk_tries().unwrap(), Tries::Left(10));
    blocked.reset_by_other();
    for _ in 0..11 {
        session = *session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap_err().back;
    }
    assert_eq!(
        (session.puk_tries().unwrap(), blocked.puk_tries()),
        (Tries::Left(9), 10),
        "the first, at most"
    );
}

#[test]
fn a_card_that_tells_no_counts_is_not_blocked_without_a_word() {
    let laid = fresh(Chip::Gemalto);
    laid.set_tamper(Some(Box::new(|command, answer| match (command.ins(), answer.status().tries_left()) {
        (0xCB, _) if command.data().windows(2).any(|tag| tag == [0xBF, 0x81]) => {
            StatusWord::REFERENCE_NOT_FOUND.into()
        }
        (0x20, Some(_)) => StatusWord::VERIFICATION_FAILED.into(),
        _ => answer,
    })));
    let mut session = Session::open(link(&laid)).unwrap();
    for told in [Tries::Left(2), Tries::Left(1), Tries::Left(1)] {
        session = *session.verify_pin(&wrong_pin()).unwrap_err().back;
        assert_eq!(session.pin_tries(), told);
    }
    assert_eq!((laid.pin_tries(), laid.verify_count()), (1, 2), "the last try was kept");
}

/// A secure channel of the travel document: everything is 6988 until the master file is selected, whatever
/// that is answered.
struct ForeignChannel {
    card: SoftTransport,
    open: bool,
    answer_to_root: u16,
}

impl Transport for ForeignChannel {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        if self.open {
            self.open = command != [0x00, 0xA4, 0x00, 0x00];
            let answer = if self.open { 0x6988 } else { self.answer_to_root };
            if answer != 0x9000 {
                return Ok(answer.to_be_bytes().to_vec());
            }
        }
        self.card.transmit(command)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.card.reset()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

#[test]
fn a_channel_that_another_application_left_is_ended_on_every_chip() {
    for chip in CHIPS {
        for answer_to_root in [0x9000, 0x6988, 0x6982] {
            for root_at_reset in [true, false] {
                let laid = fresh(chip);
                let mut profile = laid.profile();
                profile.root_at_reset = root_at_reset;
                laid.set_profile(profile);
                drop(laid.insert());
                let foreign = ForeignChannel { card: laid.transport(), open: true, answer_to_root };
                let card = card::open(Link::new(foreign));
                assert!(card.is_ok(), "{chip}, {answer_to_root:04X}: {:?}", card.err());
            }
        }
    }
}

/// Refuses, in clear, the question for the PUK's tries over the channel, and counts resets.
struct Reserved(SoftTransport, Arc<Mutex<u32>>);

impl Transport for Reserved {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        if command.starts_with(&[0x0C, 0xCB]) { Ok(vec![0x6A, 0x88]) } else { self.0.transmit(command) }
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        *self.1.lock().unwrap() += 1;
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

#[test]
fn the_puks_tries_that_were_told_in_clear_are_not_asked_for_again() {
    let blocked = blocked_card(Chip::Gemalto);
    drop(blocked.insert());
    let mut application =
        Application::select(Link::new(Reserved(blocked.transport(), Arc::default()))).unwrap();
    assert_eq!(application.puk_tries().unwrap(), Tries::Left(10));
    let terminal = Arc::new(Terminal::published().unwrap());
    let session = application.authenticate(&terminal, &mut CardCache::new()).unwrap();
    let session = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
    session.verify_pin(&pin()).unwrap();
}

#[test]
fn a_link_that_was_released_does_not_reset_the_card_again() {
    let laid = fresh(Chip::Gemalto);
    drop(laid.insert());
    let resets = Arc::new(Mutex::new(0));
    let unlocked = || {
        let link = Link::new(Reserved(laid.transport(), resets.clone()));
        Session::open(link).unwrap().verify_pin(&pin()).unwrap()
    };
    drop(unlocked().release().unwrap());
    assert_eq!(*resets.lock().unwrap(), 1);
    drop(unlocked());
    assert_eq!(*resets.lock().unwrap(), 2);
}
