//! The monitor that a kiosk lives by: events across cards, readers and a service that come and go.

use std::thread;
use std::time::{Duration, Instant};

use cie::transport::Error;
use cie::transport::pcsc::{Event, Monitor, Service, Sharing};

use crate::common::pcscd::{PORT, Pcscd, READER, SECOND_READER, configure, until};
use crate::isolated_tests;
use crate::raw_card::{ATR, RawCard, Reaction};

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(700);

fn answering(port: u16) -> RawCard {
    RawCard::insert_at(port, |_| Reaction::Answer(vec![0x90, 0x00]))
}

fn added(reader: &str) -> Event {
    Event::ReaderAdded { reader: reader.to_owned() }
}

fn removed(reader: &str) -> Event {
    Event::ReaderRemoved { reader: reader.to_owned() }
}

fn inserted(reader: &str) -> Event {
    Event::CardInserted { reader: reader.to_owned(), atr: ATR.to_vec() }
}

fn gone(reader: &str) -> Event {
    Event::CardRemoved { reader: reader.to_owned() }
}

fn next(monitor: &mut Monitor) -> Event {
    monitor.next_event(LONG).unwrap()
}

fn expect(monitor: &mut Monitor, events: &[Event]) {
    for event in events {
        assert_eq!(next(monitor), *event);
    }
}

fn nothing_more(monitor: &mut Monitor) {
    assert_eq!(monitor.next_event(SHORT).unwrap_err(), Error::TimedOut);
}

/// Both readers are there, and nothing on them.
fn began() -> (Pcscd, Service, Monitor) {
    let pcscd = Pcscd::start();
    let service = Service::open().unwrap();
    let mut monitor = service.monitor();
    expect(&mut monitor, &[added(READER), added(SECOND_READER)]);
    (pcscd, service, monitor)
}

/// Readers come one after the other, in whichever order; what lies on them is told with them.
fn come_back(monitor: &mut Monitor, expected: &[Event]) {
    assert_eq!(next(monitor), Event::ServiceBack);
    let mut missing = expected.to_vec();
    while !missing.is_empty() {
        let event = next(monitor);
        let at = missing.iter().position(|one| *one == event);
        missing.remove(at.unwrap_or_else(|| panic!("{event:?} is not one of {missing:?}")));
    }
}

isolated_tests! {
    fn a_wait_without_an_end_has_none() {
        let (_pcscd, _service, mut monitor) = began();
        let canceller = monitor.canceller();
        let began = Instant::now();
        let cancelling = thread::spawn(move || {
            thread::sleep(3 * SHORT);
            canceller.cancel();
        });
        assert_eq!(monitor.next_event(Duration::MAX).unwrap_err(), Error::Cancelled);
        assert!(began.elapsed() >= 3 * SHORT);
        cancelling.join().unwrap();
    }

    fn cards_on_several_readers() {
        let (_pcscd, _service, mut monitor) = began();
        nothing_more(&mut monitor);
        let one = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        let other = answering(PORT + 1);
        expect(&mut monitor, &[inserted(SECOND_READER)]);
        one.remove();
        expect(&mut monitor, &[gone(READER)]);
        let one = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        other.remove();
        expect(&mut monitor, &[gone(SECOND_READER)]);
        nothing_more(&mut monitor);
        // What was there before a monitor began is told to it, too.
        let mut later = Service::new().monitor();
        expect(&mut later, &[added(READER), inserted(READER), added(SECOND_READER)]);
        drop(one);
        expect(&mut monitor, &[gone(READER)]);
    }

    /// As many as pcscd takes: its notice of new ones would be one question too many.
    fn cards_on_sixteen_readers() {
        for number in 1..8 {
            configure(&format!("more{number}"), &format!("More {number}"), PORT + 10 * number);
        }
        let _pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        until("all readers are there", || service.readers().unwrap().len() == 16);
        let mut monitor = service.monitor();
        for _ in 0..16 {
            assert!(matches!(next(&mut monitor), Event::ReaderAdded { .. }));
        }
        nothing_more(&mut monitor);
        let card = answering(PORT + 71);
        assert!(matches!(next(&mut monitor), Event::CardInserted { .. }));
        card.remove();
        assert!(matches!(next(&mut monitor), Event::CardRemoved { .. }));
        nothing_more(&mut monitor);
    }

    fn a_card_is_not_told_again_when_somebody_uses_it() {
        let (_pcscd, service, mut monitor) = began();
        let _card = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        let link = service.connect(READER, Sharing::Exclusive).unwrap();
        nothing_more(&mut monitor);
        drop(link);
        nothing_more(&mut monitor);
    }

    /// Whoever looks only now and then must not take the next person's card for this person's.
    fn a_card_that_was_exchanged_unseen_is_told() {
        let (_pcscd, service, mut monitor) = began();
        let card = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        card.remove();
        service.watch().wait_for_removal(READER, LONG).unwrap();
        let _card = answering(PORT);
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        expect(&mut monitor, &[gone(READER), inserted(READER)]);
        nothing_more(&mut monitor);
    }

    fn a_card_that_does_not_answer() {
        let (_pcscd, _service, mut monitor) = began();
        let card = RawCard::insert_with_atr(PORT, &[0x3B; 40], |_| Reaction::Silence);
        // The service may show it as present before it has tried.
        let mut event = next(&mut monitor);
        while event != (Event::CardMute { reader: READER.to_owned() }) {
            event = next(&mut monitor);
        }
        card.remove();
        expect(&mut monitor, &[gone(READER)]);
    }

    fn a_service_that_is_stopped_and_killed_and_started() {
        let (mut pcscd, _service, mut monitor) = began();
        let card = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        drop(card);
        expect(&mut monitor, &[gone(READER)]);
        for kill in [false, true, true] {
            let card = answering(PORT);
            expect(&mut monitor, &[inserted(READER)]);
            if kill { pcscd.kill() } else { pcscd.stop() }
            // The card first: a screen that shows its holder is cleared whatever went.
            expect(&mut monitor, &[gone(READER), removed(READER), removed(SECOND_READER), Event::ServiceLost]);
            drop(card);
            nothing_more(&mut monitor);
            pcscd = Pcscd::start();
            come_back(&mut monitor, &[added(READER), added(SECOND_READER)]);
            nothing_more(&mut monitor);
        }
    }

    fn a_monitor_that_begins_before_the_service() {
        let mut monitor = Service::new().monitor();
        expect(&mut monitor, &[Event::ServiceLost]);
        nothing_more(&mut monitor);
        let _pcscd = Pcscd::start();
        come_back(&mut monitor, &[added(READER), added(SECOND_READER)]);
    }

    fn a_service_that_hangs_is_lost_and_comes_back() {
        let (pcscd, _service, mut monitor) = began();
        let _card = answering(PORT);
        expect(&mut monitor, &[inserted(READER)]);
        pcscd.pause();
        expect(&mut monitor, &[gone(READER), removed(READER), removed(SECOND_READER), Event::ServiceLost]);
        nothing_more(&mut monitor);
        pcscd.resume();
        come_back(&mut monitor, &[added(READER), added(SECOND_READER), inserted(READER)]);
        nothing_more(&mut monitor);
    }

    /// A reader that goes while a command is under way. Only USB readers can go from a service that lives: here it is
    /// killed, and is started without it.
    fn a_reader_that_goes_in_mid_exchange() {
        let pcscd = Pcscd::start();
        configure("another", "ACME Contactless", PORT + 10);
        pcscd.stop();
        let pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        let name = || {
            let readers = service.readers().unwrap_or_default();
            readers.into_iter().find(|reader| reader.name.starts_with("ACME Contactless 0")).map(|reader| reader.name)
        };
        until("the third reader is there", || name().is_some());
        let name = name().unwrap();
        let mut monitor = service.monitor();
        let _card = RawCard::insert_at(PORT + 10, |_| Reaction::Silence);
        while next(&mut monitor) != inserted(&name) {}
        let mut link = service.connect(&name, Sharing::Shared).unwrap();
        let exchange = thread::spawn(move || link.exchange(&cie::iso7816::command::read_binary(0, 256)));
        thread::sleep(Duration::from_millis(300));
        pcscd.kill();
        std::fs::remove_file(crate::common::pcscd::folder().join("readers/another")).unwrap();
        let _pcscd = Pcscd::start();
        assert_eq!(exchange.join().unwrap().unwrap_err(), Error::NoService);
        let mut left = vec![];
        let mut event = next(&mut monitor);
        while event != Event::ServiceLost {
            left.push(event);
            event = next(&mut monitor);
        }
        let before = |one: &Event, other: &Event| {
            let at = |event| left.iter().position(|it| it == event).unwrap_or_else(|| panic!("{event:?}: {left:?}"));
            at(one) < at(other)
        };
        assert!(before(&gone(&name), &removed(&name)));
        come_back(&mut monitor, &[added(READER), added(SECOND_READER)]);
        nothing_more(&mut monitor);
        assert_eq!(service.connect(&name, Sharing::Shared).unwrap_err(), Error::NoReader);
    }

    fn waiting_for_events_is_cancelled() {
        let (pcscd, _service, mut monitor) = began();
        let canceller = monitor.canceller();
        let cancelled = |monitor: &mut Monitor| {
            thread::scope(|scope| {
                let waiting = scope.spawn(|| monitor.next_event(Duration::from_secs(60)).unwrap_err());
                thread::sleep(Duration::from_millis(400));
                let began = Instant::now();
                canceller.cancel();
                assert_eq!(waiting.join().unwrap(), Error::Cancelled);
                assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
            });
        };
        cancelled(&mut monitor);
        pcscd.stop();
        expect(&mut monitor, &[removed(READER), removed(SECOND_READER), Event::ServiceLost]);
        cancelled(&mut monitor);
        let _pcscd = Pcscd::start();
        come_back(&mut monitor, &[added(READER), added(SECOND_READER)]);
    }

    /// Whoever waits does nothing: with readers, and without a service.
    fn waiting_costs_nothing() {
        let (pcscd, _service, mut monitor) = began();
        let idle = |monitor: &mut Monitor| {
            let (began, before) = (Instant::now(), crate::common::processor_time());
            assert_eq!(monitor.next_event(Duration::from_secs(5)).unwrap_err(), Error::TimedOut);
            (crate::common::processor_time() - before).as_secs_f64() / began.elapsed().as_secs_f64()
        };
        let watching = idle(&mut monitor);
        pcscd.stop();
        expect(&mut monitor, &[removed(READER), removed(SECOND_READER), Event::ServiceLost]);
        let lost = idle(&mut monitor);
        println!("measured: waiting for events: {:.2} % of a processor, {:.2} % without the service", watching * 1e2, lost * 1e2);
        // A loop that never rests takes all of one.
        assert!(watching < 0.2 && lost < 0.2, "{watching} {lost}");
    }
}
