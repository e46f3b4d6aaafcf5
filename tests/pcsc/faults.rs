//! Every fault that the service is known to pass on, in the order of the table in docs/readers.md: what the
//! library makes of it.

use std::thread;
use std::time::{Duration, Instant};

use cie::transport::pcsc::{Connection, Event, Service, Sharing};
use cie::transport::{Company, Error, Transport};

use crate::common::pcscd::{PORT, Pcscd, READER, SECOND_READER, until};
use crate::isolated_tests;
use crate::raw_card::{RawCard, Reaction, Seen};

const COMMAND: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x08];
const SHORT: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(5);
/// How often a busy service is stopped, and under how many connections: it says "access denied" in some of them.
const STOPS: usize = 5;
const BUSY: usize = 12;

fn service() -> Service {
    Service::open().unwrap()
}

/// Connects as soon as the service has noticed the card.
fn connect(service: &Service) -> Connection {
    service.watch().wait_for_card(Some(READER), LONG).unwrap();
    service.transport(READER, Sharing::Shared).unwrap()
}

fn refused(service: &Service) -> Error {
    service.transport(READER, Sharing::Shared).unwrap_err()
}

fn gone(service: &Service) {
    service.watch().wait_for_removal(READER, LONG).unwrap();
    assert_eq!(refused(service), Error::NoCard);
}

isolated_tests! {
    fn the_card_goes_after_it_read_the_command() {
        let _pcscd = Pcscd::start();
        let card = RawCard::insert(|_| Reaction::BreakOff(0, Vec::new()));
        let service = service();
        let mut connection = connect(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::NoAnswer), "the service says success, 0 bytes");
        // Which of the two depends on whether the service has looked again meanwhile.
        let next = connection.transmit(&COMMAND).unwrap_err();
        assert!(matches!(next, Error::NoAnswer | Error::Removed), "{next}");
        gone(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::Removed));
        assert_eq!(card.commands(), 1, "nothing was sent twice");
    }

    fn the_answer_breaks_off() {
        let _pcscd = Pcscd::start();
        let card = RawCard::insert(|_| Reaction::BreakOff(16, vec![0x90]));
        let service = service();
        let mut connection = connect(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::NoAnswer), "the service says success, 1 byte");
        gone(&service);
        assert_eq!(card.commands(), 1);
    }

    fn the_answer_has_one_byte() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90]);
        let service = service();
        let mut connection = connect(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::NoAnswer));
        assert_eq!(card.commands(), 1);
    }

    fn the_card_announces_an_answer_of_no_bytes() {
        hangs(|_| Reaction::Nothing);
    }

    fn the_card_never_answers() {
        hangs(|_| Reaction::Silence);
    }

    fn a_slow_answer_is_waited_for() {
        let _pcscd = Pcscd::start();
        let _card = RawCard::insert(|_| {
            thread::sleep(Duration::from_secs(3));
            Reaction::Answer(vec![0x90, 0x00])
        });
        let mut connection = connect(&service());
        assert_eq!(connection.transmit(&COMMAND).unwrap(), [0x90, 0x00]);
    }

    fn the_card_is_removed_between_commands() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90, 0x00]);
        let service = service();
        let mut connection = connect(&service);
        connection.transmit(&COMMAND).unwrap();
        card.remove();
        gone(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::Removed));
        assert_eq!(connection.begin(), Err(Error::Removed));
        assert_eq!(connection.reset(), Err(Error::Removed));
    }

    fn the_card_is_removed_inside_a_transaction() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90, 0x00]);
        let service = service();
        let mut connection = connect(&service);
        connection.begin().unwrap();
        connection.transmit(&COMMAND).unwrap();
        card.remove();
        gone(&service);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::Removed));
        connection.end();
        assert_eq!(connection.transmit(&COMMAND), Err(Error::Removed));
    }

    fn the_card_is_laid_on_again_between_commands() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90, 0x00]);
        let service = service();
        let mut old = connect(&service);
        card.remove();
        gone(&service);
        let card = RawCard::answering(&[0x6A, 0x82]);
        let mut new = connect(&service);
        assert_eq!(old.transmit(&COMMAND), Err(Error::Removed), "perhaps it is another card");
        assert_eq!(new.transmit(&COMMAND).unwrap(), [0x6A, 0x82]);
        // Nothing that the old connection does reaches the new card: the service would let it.
        assert_eq!(old.reset(), Err(Error::Removed));
        assert_eq!(old.transmit(&COMMAND), Err(Error::Removed));
        assert_eq!(old.begin(), Err(Error::Removed));
        old.reset_when_dropped(true);
        drop(old);
        assert_eq!(new.transmit(&COMMAND).unwrap(), [0x6A, 0x82]);
        assert_eq!((card.commands(), card.resets()), (2, 0));
    }

    fn the_card_is_swapped_and_the_new_one_reset() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90, 0x00]);
        let service = service();
        let mut old = [connect(&service), connect(&service)];
        old.iter_mut().for_each(|old| drop(old.transmit(&COMMAND).unwrap()));
        card.remove();
        gone(&service);
        let card = RawCard::answering(&[0x6A, 0x82]);
        let mut new = connect(&service);
        new.reset().unwrap();
        // The service now says "reset" to the old ones, too, and forgets that their card has gone.
        let [one, other] = &mut old;
        assert_eq!(one.transmit(&COMMAND), Err(Error::Removed));
        assert_eq!(one.transmit(&COMMAND), Err(Error::Removed));
        assert_eq!(other.begin(), Err(Error::Removed));
        other.end();
        assert_eq!(other.reset(), Err(Error::Removed));
        drop(old);
        new.transmit(&COMMAND).unwrap();
        assert_eq!((card.commands(), card.resets()), (1, 1));
    }

    fn there_is_no_card() {
        let _pcscd = Pcscd::start();
        assert_eq!(refused(&service()), Error::NoCard);
    }

    fn there_is_no_such_reader() {
        let _pcscd = Pcscd::start();
        for name in ["", "Virtual PCD", "Virtual PCD 00 00\0", "è"] {
            assert_eq!(service().transport(name, Sharing::Shared).unwrap_err(), Error::NoReader, "{name:?}");
        }
    }

    fn a_command_is_longer_than_the_reader_carries() {
        let _pcscd = Pcscd::start();
        let card = RawCard::answering(&[0x90, 0x00]);
        let service = service();
        let mut connection = connect(&service);
        // Extended case 3 with as much data as 65,535 bytes hold, then one byte more.
        let command = |length: u16| {
            let [high, low] = length.to_be_bytes();
            [&[0x00, 0xDA, 0x00, 0x00, 0x00, high, low][..], &vec![7; usize::from(length)]].concat()
        };
        assert_eq!(connection.transmit(&command(65_528)).unwrap(), [0x90, 0x00]);
        assert_eq!(connection.transmit(&command(65_529)), Err(Error::NoAnswer));
        gone(&service);
        assert_eq!(card.seen().last(), Some(&Seen::Command(command(65_528))));
    }

    fn the_service_is_stopped_between_commands() {
        service_ends(Pcscd::stop);
    }

    fn the_service_is_killed_between_commands() {
        service_ends(Pcscd::kill);
    }

    fn the_service_is_killed_while_a_command_is_under_way() {
        for end in [Pcscd::kill, Pcscd::stop] {
            let pcscd = Pcscd::start();
            let card = RawCard::insert(|_| Reaction::Silence);
            let mut connection = connect(&service());
            thread::scope(|scope| {
                let call = scope.spawn(|| {
                    (connection.transmit(&COMMAND), connection.transmit(&COMMAND), connection.begin())
                });
                until("the command is under way", || card.commands() == 1);
                end(pcscd);
                let none = Error::NoService;
                assert_eq!(call.join().unwrap(), (Err(none.clone()), Err(none.clone()), Err(none)));
            });
            assert_eq!(card.commands(), 1, "nothing is sent twice");
        }
    }

    /// A service that stops under load says "access denied" to whoever is not gone yet; nobody's rights have changed.
    fn the_service_is_stopped_while_many_commands_are_under_way() {
        for _ in 0..STOPS {
            let pcscd = Pcscd::start();
            let _cards = [PORT, PORT + 1].map(|port| RawCard::insert_at(port, |_| Reaction::Answer(vec![0x90, 0x00])));
            let service = service();
            for reader in [READER, SECOND_READER] {
                service.watch().wait_for_card(Some(reader), LONG).unwrap();
            }
            thread::scope(|scope| {
                let busy: Vec<_> = (0..BUSY)
                    .map(|number| {
                        let reader = [READER, SECOND_READER][number % 2];
                        let mut connection = service.transport(reader, Sharing::Shared).unwrap();
                        scope.spawn(move || loop {
                            if let Err(error) = connection.transmit(&COMMAND) {
                                return error;
                            }
                        })
                    })
                    .collect();
                let mut watch = service.watch();
                let watching = scope.spawn(move || loop {
                    match watch.changes(LONG) {
                        Ok(_) | Err(Error::TimedOut) => {}
                        Err(error) => return error,
                    }
                });
                thread::sleep(Duration::from_millis(100));
                pcscd.stop();
                for errors in busy.into_iter().chain([watching]) {
                    assert_eq!(errors.join().unwrap(), Error::NoService);
                }
            });
        }
    }

    fn a_service_that_hangs_is_asked_once() {
        let pcscd = Pcscd::start();
        let service = service().with_deadline(SHORT);
        service.readers().unwrap();
        pcscd.pause();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        for _ in 0..10 {
            assert_eq!(service.readers().unwrap_err(), Error::NoService);
            assert_eq!(service.watch().wait_for_card(None, Duration::ZERO).unwrap_err(), Error::NoService);
            let mut monitor = service.monitor();
            assert_eq!(monitor.next_event(SHORT).unwrap(), Event::ServiceLost);
        }
        assert!(threads() <= before + 1, "{before} threads became {}", threads());
        pcscd.resume();
        until("the service is asked again", || service.readers().is_ok());
        until("the thread is gone", || threads() <= before);
        let state = service.watch().wait_for_card(None, Duration::ZERO).unwrap_err();
        assert!([Error::TimedOut, Error::NoReader].contains(&state), "{state}");
    }

    fn the_service_hangs() {
        let pcscd = Pcscd::start();
        let _card = RawCard::answering(&[0x90, 0x00]);
        let service = service().with_deadline(SHORT);
        let mut connection = connect(&service);
        let (mut watch, mut cancelled) = (service.watch(), service.watch());
        watch.changes(LONG).unwrap();
        pcscd.pause();
        let began = Instant::now();
        assert_eq!(service.readers().unwrap_err(), Error::NoService);
        assert_eq!(connection.transmit(&COMMAND), Err(Error::Unresponsive), "it never got to the card");
        assert_eq!(watch.changes(SHORT).unwrap_err(), Error::NoService);
        assert_eq!(watch.changes(SHORT).unwrap_err(), Error::NoService);
        thread::scope(|scope| {
            let canceller = cancelled.canceller();
            let waiting = scope.spawn(|| cancelled.wait_for_card(None, Duration::from_secs(60)));
            thread::sleep(Duration::from_millis(100));
            canceller.cancel();
            assert_eq!(waiting.join().unwrap().unwrap_err(), Error::Cancelled);
        });
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        pcscd.resume();
        until("the service is back", || watch.changes(SHORT).is_ok() || service.readers().is_ok());
        until("the reader is free", || service.transport(READER, Sharing::Shared).is_ok());
    }

    fn there_is_no_service() {
        assert_eq!(Service::open().unwrap_err(), Error::NoService);
    }
}

/// A command that does not come back meets the deadline; its reader is unresponsive until the call returns,
/// and usable after. Other readers are not concerned.
fn hangs(reaction: fn(&[u8]) -> Reaction) {
    let _pcscd = Pcscd::start();
    let card = RawCard::insert(reaction);
    let service = service().with_deadline(SHORT);
    let mut connection = connect(&service);
    let began = Instant::now();
    assert_eq!(connection.transmit(&COMMAND), Err(Error::NoAnswer));
    assert!((SHORT..SHORT * 3).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(connection.transmit(&COMMAND), Err(Error::Unresponsive));
    assert_eq!(connection.begin(), Err(Error::Unresponsive));
    let began = Instant::now();
    assert_eq!(refused(&service), Error::Unresponsive);
    assert_eq!(refused(&service.clone()), Error::Unresponsive);
    assert!(began.elapsed() < SHORT, "known, not found out again");
    drop(connection);
    assert_eq!(refused(&service), Error::Unresponsive);
    assert_eq!(card.commands(), 1);

    // The card is taken away: the call returns.
    card.remove();
    until("the reader is free", || refused(&service) == Error::NoCard);
    let _card = RawCard::answering(&[0x90, 0x00]);
    assert_eq!(connect(&service).transmit(&COMMAND).unwrap(), [0x90, 0x00]);
}

/// Every call says so; the same `Service` serves again once it is back.
fn service_ends(end: fn(Pcscd)) {
    let pcscd = Pcscd::start();
    let card = RawCard::answering(&[0x90, 0x00]);
    let service = service();
    let mut connection = connect(&service);
    let mut held = connect(&service);
    held.begin().unwrap();
    held.transmit(&COMMAND).unwrap();
    end(pcscd);
    assert_eq!(connection.transmit(&COMMAND), Err(Error::NoService));
    assert_eq!(connection.begin(), Err(Error::NoService));
    assert_eq!(connection.reset(), Err(Error::NoService));
    assert_eq!(held.transmit(&COMMAND), Err(Error::NoService));
    held.end();
    assert_eq!(service.readers().unwrap_err(), Error::NoService);
    assert_eq!(refused(&service), Error::NoService);
    assert_eq!(service.watch().changes(Duration::ZERO).unwrap_err(), Error::NoService);
    assert_eq!(card.commands(), 1, "nothing was sent again");

    let _pcscd = Pcscd::start();
    let _card = RawCard::answering(&[0x6A, 0x82]);
    let mut new = connect(&service);
    assert_eq!(new.transmit(&COMMAND).unwrap(), [0x6A, 0x82]);
    assert_eq!(connection.transmit(&COMMAND), Err(Error::NoService), "the old connection stays dead");
}
