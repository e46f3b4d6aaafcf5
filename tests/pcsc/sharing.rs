//! Several programs on one reader: who waits for whom, and what a reset by one means for the others.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cie::iso7816::command;
use cie::transport::pcsc::{ReaderState, Service, Sharing};
use cie::transport::{Company, Error, Link, Transport};

use crate::common::pcscd::{Pcscd, READER, until};
use crate::isolated_tests;
use crate::raw_card::{ATR, RawCard, Reaction, Seen};

const COMMAND: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x08];
const LONG: Duration = Duration::from_secs(5);
const OK: [u8; 2] = [0x90, 0x00];

/// A service, and a card that it has noticed.
fn card() -> (Service, RawCard) {
    let card = RawCard::answering(&OK);
    let service = Service::open().unwrap();
    service.watch().wait_for_card(Some(READER), LONG).unwrap();
    (service, card)
}

fn shared(service: &Service) -> Link {
    service.connect(READER, Sharing::Shared).unwrap()
}

fn state(service: &Service) -> ReaderState {
    let readers = service.readers().unwrap();
    readers.into_iter().find(|reader| reader.name == READER).unwrap().state
}

fn present(in_use: bool, exclusive: bool) -> ReaderState {
    ReaderState::Present { atr: ATR.to_vec(), in_use, exclusive }
}

isolated_tests! {
    fn who_is_exclusive_is_alone() {
        let _pcscd = Pcscd::start();
        let (service, _card) = card();
        assert_eq!(state(&service), present(false, false));
        let first = shared(&service);
        let second = shared(&service);
        assert_eq!(first.atr(), ATR);
        until("the service tells", || state(&service) == present(true, false));
        assert_eq!(service.connect(READER, Sharing::Exclusive).unwrap_err(), Error::InUse);
        drop((first, second));
        let mut alone = service.transport(READER, Sharing::Exclusive).unwrap();
        alone.begin().unwrap();
        assert_eq!(alone.transmit(&COMMAND).unwrap(), OK);
        until("the service tells", || state(&service) == present(true, true));
        for sharing in [Sharing::Shared, Sharing::Exclusive] {
            assert_eq!(service.connect(READER, sharing).unwrap_err(), Error::InUse);
        }
        drop(alone);
        shared(&service);
    }

    fn a_connection_leaves_the_card_as_it_is() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let mut other = shared(&service);
        let mut link = shared(&service);
        link.exchange(&command::get_challenge(8)).unwrap();
        drop(link);
        other.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(card.resets(), 0);
    }

    fn a_connection_resets_the_card_when_it_is_told_to() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let mut link = shared(&service);
        link.reset_when_dropped(true);
        link.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(card.resets(), 0);
        drop(link);
        // Not "soon": when the link is gone, so is what the card remembers.
        assert_eq!(card.resets(), 1);
    }

    fn a_reset_is_told_to_the_others_once() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let (mut one, mut other) = (shared(&service), shared(&service));
        let challenge = command::get_challenge(8);
        one.reset().unwrap();
        one.exchange(&challenge).unwrap();
        assert_eq!(other.exchange(&challenge).unwrap_err(), Error::Reset);
        assert_eq!(card.commands(), 1, "nothing was sent after the reset that the caller does not know of");
        other.exchange(&challenge).unwrap();
        // Under a transaction of one's own it is the same.
        one.hold();
        one.exchange(&challenge).unwrap();
        one.reset().unwrap();
        one.exchange(&challenge).unwrap();
        one.let_go();
        assert_eq!(other.exchange(&challenge).unwrap_err(), Error::Reset);
        other.exchange(&challenge).unwrap();
        one.exchange(&challenge).unwrap();
        assert_eq!((card.resets(), card.commands()), (2, 6));
    }

    fn nobody_comes_between_the_commands_of_an_operation() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let (mut one, mut other) = (shared(&service), shared(&service));
        one.hold();
        one.exchange(&command::get_challenge(1)).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| other.exchange(&command::get_challenge(2)).unwrap());
            thread::sleep(Duration::from_millis(700));
            assert!(!waiting.is_finished());
            one.exchange(&command::get_challenge(3)).unwrap();
            one.let_go();
            waiting.join().unwrap();
        });
        one.exchange(&command::get_challenge(4)).unwrap();
        let lengths = card.seen().into_iter().filter_map(|seen| match seen {
            Seen::Command(command) => command.last().copied(),
            _ => None,
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [1, 3, 2, 4]);
    }

    fn a_program_that_does_not_let_go_is_not_waited_for_for_ever() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let impatient = service.clone().with_deadline(Duration::from_millis(500));
        let (mut one, mut other) = (shared(&service), shared(&impatient));
        one.hold();
        one.exchange(&command::get_challenge(8)).unwrap();
        let began = Instant::now();
        for _ in 0..2 {
            assert_eq!(other.exchange(&command::get_challenge(8)).unwrap_err(), Error::InUse);
        }
        assert_eq!(impatient.connect(READER, Sharing::Shared).unwrap_err(), Error::InUse);
        assert!(began.elapsed() < LONG);
        one.exchange(&command::get_challenge(8)).unwrap();
        one.let_go();
        until("the waiting call returns", || impatient.connect(READER, Sharing::Shared).is_ok());
        assert_eq!(other.exchange(&command::get_challenge(8)).unwrap_err(), Error::InUse, "given up for good");
        drop(other);
        one.exchange(&command::get_challenge(8)).unwrap();
        shared(&impatient).exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(card.commands(), 4, "what was given up was never sent");
        assert_eq!(card.resets(), 0, "and the other program's session is as it was");
    }

    fn to_connect_waits_for_no_program_for_ever() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let mut one = shared(&service);
        one.hold();
        one.exchange(&command::get_challenge(8)).unwrap();
        let impatient = Service::new().with_deadline(Duration::from_millis(500));
        for _ in 0..2 {
            assert_eq!(impatient.connect(READER, Sharing::Shared).unwrap_err(), Error::InUse);
        }
        one.exchange(&command::get_challenge(8)).unwrap();
        one.let_go();
        until("the waiting call returns", || impatient.connect(READER, Sharing::Shared).is_ok());
        one.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!((card.commands(), card.resets()), (3, 0));
    }

    fn a_single_command_that_was_given_up_before_it_was_sent_is_not_sent_later() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let mut one = shared(&service);
        let impatient = service.clone().with_deadline(Duration::from_millis(500));
        let mut other = impatient.transport(READER, Sharing::Shared).unwrap();
        one.hold();
        one.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(other.transmit(&COMMAND), Err(Error::InUse), "by itself, without a transaction begun");
        one.let_go();
        until("the waiting call returns", || impatient.connect(READER, Sharing::Shared).is_ok());
        one.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!((card.commands(), card.resets()), (2, 0));
    }

    fn a_card_that_has_to_forget_is_reset_as_soon_as_others_let_go_of_it() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let impatient = service.clone().with_deadline(Duration::from_millis(500));
        let (mut one, mut other) = (shared(&service), shared(&impatient));
        other.reset_when_dropped(true);
        other.exchange(&command::get_challenge(8)).unwrap();
        one.hold();
        one.exchange(&command::get_challenge(8)).unwrap();
        let began = Instant::now();
        drop(other);
        assert!(began.elapsed() < LONG);
        one.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(card.resets(), 0, "not under the other program's hands");
        one.let_go();
        until("the card is reset", || card.resets() == 1);
        until("the reader is free", || impatient.connect(READER, Sharing::Shared).is_ok());
        assert_eq!(one.exchange(&command::get_challenge(8)).unwrap_err(), Error::Reset);
        one.exchange(&command::get_challenge(8)).unwrap();
        assert_eq!(card.resets(), 1, "once");
    }

    fn a_card_that_answers_at_the_last_moment_does_not_do_so_for_hours() {
        let _pcscd = Pcscd::start();
        // 64 bytes at a time, and always more to come.
        let card = RawCard::insert(|_| {
            thread::sleep(Duration::from_millis(150));
            Reaction::Answer([&[7; 64][..], &[0x61, 0x40]].concat())
        });
        let service = Service::new().with_deadline(Duration::from_millis(200));
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        let mut link = shared(&service);
        let began = Instant::now();
        assert_eq!(link.exchange(&command::get_challenge(8)).unwrap_err(), Error::NoAnswer);
        assert!((2400..4000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        let commands = card.commands();
        assert_eq!(link.exchange(&command::get_challenge(8)).unwrap_err(), Error::NoAnswer);
        assert!(card.commands() > commands, "the next operation has its own time");

        // Whoever wants the card for several commands and dawdles between two of them is told that one was not sent.
        link.hold();
        let commands = card.commands();
        link.exchange(&command::get_challenge(8)).unwrap_err();
        assert!(card.commands() > commands);
        let commands = card.commands();
        assert_eq!(link.exchange(&command::verify(0x81, b"12345678")).unwrap_err(), Error::Overdue);
        link.let_go();
        assert_eq!(card.commands(), commands);
    }

    fn a_command_that_was_given_up_ends_with_a_reset() {
        let _pcscd = Pcscd::start();
        // It may have been a VERIFY: the card must not know a PIN that nobody waits for any more.
        let card = RawCard::insert(|_| {
            thread::sleep(Duration::from_millis(1500));
            Reaction::Answer(OK.to_vec())
        });
        let service = Service::open().unwrap().with_deadline(Duration::from_millis(500));
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        let mut link = shared(&service);
        assert_eq!(link.exchange(&command::verify(0x81, b"12345678")).unwrap_err(), Error::NoAnswer);
        assert_eq!(service.connect(READER, Sharing::Shared).unwrap_err(), Error::Unresponsive);
        until("the call returns and the card is reset", || card.resets() == 1);
        until("the reader is free", || service.connect(READER, Sharing::Shared).is_ok());
        assert_eq!(card.commands(), 1);
    }

    fn another_program_uses_the_card_in_between() {
        let _pcscd = Pcscd::start();
        let (service, card) = card();
        let mut link = shared(&service);
        link.exchange(&command::get_challenge(8)).unwrap();
        let opensc = |arguments: &[&str]| {
            let output = Command::new("opensc-tool").args(["-r", "0"]).args(arguments).output();
            let output = output.expect("opensc-tool (Debian: opensc) is needed");
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        let atr = opensc(&["--atr"]);
        assert!(atr.contains("3b:80:80:01:01"), "{atr}");
        let answer = opensc(&["-s", "00A4000C"]);
        assert!(answer.contains("Received (SW1=0x90, SW2=0x00)"), "{answer}");
        link.exchange(&command::get_challenge(8)).unwrap();
        opensc(&["--reset"]);
        assert_eq!(link.exchange(&command::get_challenge(8)).unwrap_err(), Error::Reset);
        // While we hold the card the other program waits.
        link.hold();
        link.exchange(&command::get_challenge(8)).unwrap();
        let before = card.commands();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| opensc(&["-s", "00A4000C"]));
            thread::sleep(Duration::from_millis(700));
            assert!(!waiting.is_finished());
            assert_eq!(card.commands(), before);
            link.let_go();
            assert!(waiting.join().unwrap().contains("SW1=0x90"));
        });
    }

    fn answers_of_every_length_fit() {
        let _pcscd = Pcscd::start();
        // As many bytes as the command's last two say, then 9000.
        let _card = RawCard::insert(|command| {
            let length = command.last_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
            Reaction::Answer([&vec![0xA5; usize::from(length)][..], &OK].concat())
        });
        let service = Service::open().unwrap();
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        let mut connection = service.transport(READER, Sharing::Shared).unwrap();
        for length in [0_u16, 1, 254, 255, 256, 257, 4096, 32_767, 65_533] {
            let [high, low] = length.to_be_bytes();
            let answer = connection.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x00, high, low]).unwrap();
            assert_eq!(answer.len(), usize::from(length) + 2);
            assert!(answer[..usize::from(length)].iter().all(|byte| *byte == 0xA5));
        }
    }
}
