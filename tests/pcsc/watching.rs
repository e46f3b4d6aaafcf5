//! Waiting for cards and readers: deadlines, cancellation, readers plugged in, a service that restarts.

use std::thread;
use std::time::{Duration, Instant};

use cie::transport::Error;
use cie::transport::pcsc::{ReaderState, Service, Sharing};

use crate::common::pcscd::{PORT, Pcscd, READER, SECOND_READER, configure, folder, until};
use crate::isolated_tests;
use crate::raw_card::{ATR, RawCard, Reaction};

const LONG: Duration = Duration::from_secs(5);

fn answering(port: u16) -> RawCard {
    RawCard::insert_at(port, |_| Reaction::Answer(vec![0x90, 0x00]))
}

isolated_tests! {
    fn cards_come_and_go() {
        let _pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        let mut watch = service.watch();
        let names = |readers: &[cie::transport::pcsc::Reader]| {
            readers.iter().map(|reader| reader.name.clone()).collect::<Vec<_>>()
        };
        let first = watch.changes(LONG).unwrap();
        assert_eq!(names(&first), [READER, SECOND_READER]);
        assert!(first.iter().all(|reader| reader.state == ReaderState::Empty));
        assert_eq!(first, service.readers().unwrap());
        let began = Instant::now();
        assert_eq!(watch.changes(Duration::from_millis(700)).unwrap_err(), Error::TimedOut);
        assert!((700..900).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());

        let card = answering(PORT + 1);
        let changed = watch.changes(LONG).unwrap();
        let present = ReaderState::Present { atr: ATR.to_vec(), in_use: false, exclusive: false };
        assert_eq!((&changed[0].state, &changed[1].state), (&ReaderState::Empty, &present));
        assert_eq!(service.watch().wait_for_card(None, LONG).unwrap().name, SECOND_READER);
        let short = Duration::from_millis(100);
        assert_eq!(service.watch().wait_for_card(Some(READER), short).unwrap_err(), Error::TimedOut);
        assert_eq!(service.watch().wait_for_card(Some("none"), short).unwrap_err(), Error::NoReader);
        assert_eq!(service.watch().wait_for_removal(SECOND_READER, short).unwrap_err(), Error::TimedOut);

        card.remove();
        let changed = watch.changes(LONG).unwrap();
        assert!(changed.iter().all(|reader| reader.state == ReaderState::Empty));
        service.watch().wait_for_removal(SECOND_READER, LONG).unwrap();
    }

    fn a_card_that_was_taken_and_laid_on_is_a_change() {
        let _pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        let card = answering(PORT);
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        let mut watch = service.watch();
        watch.changes(LONG).unwrap();
        card.remove();
        service.watch().wait_for_removal(READER, LONG).unwrap();
        let _card = answering(PORT);
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        // Nobody looked meanwhile, and all looks as before.
        let changed = watch.changes(LONG).unwrap();
        assert!(matches!(changed[0].state, ReaderState::Present { .. }));
    }

    fn waiting_is_cancelled_from_another_thread() {
        let _pcscd = Pcscd::start();
        let mut watch = Service::open().unwrap().watch();
        let canceller = watch.canceller();
        thread::scope(|scope| {
            let began = Instant::now();
            let watch = &mut watch;
            let waiting = scope.spawn(move || {
                (watch.wait_for_card(None, Duration::from_secs(60)).unwrap_err(), began.elapsed())
            });
            thread::sleep(Duration::from_millis(1200));
            assert!(!waiting.is_finished());
            let cancelled = Instant::now();
            canceller.cancel();
            let (error, waited) = waiting.join().unwrap();
            assert_eq!(error, Error::Cancelled);
            assert!(waited >= Duration::from_millis(1200));
            assert!(cancelled.elapsed() < Duration::from_millis(200), "{:?}", cancelled.elapsed());
        });
        // Cancelled once, for the wait that went on; then, before it begins.
        assert_eq!(watch.wait_for_card(None, Duration::from_millis(50)).unwrap_err(), Error::TimedOut);
        canceller.clone().cancel();
        assert_eq!(watch.wait_for_card(None, Duration::from_secs(60)).unwrap_err(), Error::Cancelled);
    }

    fn a_reader_is_there_when_the_service_comes_back() {
        // Only USB readers can be plugged into a running pcscd: here the service restarts with one more.
        let pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        let mut watch = service.watch();
        assert_eq!(watch.changes(LONG).unwrap().len(), 2);
        pcscd.stop();
        configure("another", "ACME Contactless", PORT + 10);
        let _pcscd = Pcscd::start();
        assert_eq!(watch.changes(LONG).unwrap_err(), Error::NoService, "said once");
        // Readers come one after the other.
        let name = loop {
            let mut readers = watch.changes(LONG).unwrap().into_iter();
            if let Some(reader) = readers.find(|reader| reader.name.starts_with("ACME Contactless 0")) {
                break reader.name;
            }
        };
        let _card = answering(PORT + 10);
        service.watch().wait_for_card(Some(&name), LONG).unwrap();
        service.connect(&name, Sharing::Shared).unwrap();
    }

    fn a_service_that_restarts_does_not_end_the_waiting() {
        let pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        let (mut waiting, mut watch) = (service.watch(), service.watch());
        watch.changes(LONG).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| waiting.wait_for_card(Some(READER), Duration::from_secs(20)));
            let watching = scope.spawn(move || (watch.changes(LONG), watch));
            thread::sleep(Duration::from_millis(300));
            pcscd.kill();
            let (outcome, mut watch) = watching.join().unwrap();
            assert_eq!(outcome.unwrap_err(), Error::NoService);
            thread::sleep(Duration::from_millis(300));
            let _pcscd = Pcscd::start();
            let _card = answering(PORT);
            assert_eq!(waiting.join().unwrap().unwrap().name, READER);
            assert_eq!(watch.changes(LONG).unwrap().len(), 2);
        });
        let short = Duration::from_millis(300);
        assert_eq!(service.watch().wait_for_card(None, short).unwrap_err(), Error::NoService);
    }

    fn there_are_no_readers() {
        std::fs::create_dir(folder().join("readers")).unwrap();
        let _pcscd = Pcscd::start_as_configured();
        let service = Service::open().unwrap();
        assert_eq!(service.readers().unwrap(), []);
        let mut watch = service.watch();
        assert_eq!(watch.changes(LONG).unwrap(), []);
        let began = Instant::now();
        let short = Duration::from_millis(700);
        assert_eq!(watch.changes(short).unwrap_err(), Error::TimedOut);
        assert!(began.elapsed() >= short);
        assert_eq!(watch.wait_for_card(None, short).unwrap_err(), Error::NoReader);
    }

    fn a_reader_whose_name_is_not_utf8_is_called_as_it_was_told() {
        const NAME: &[u8] = b"Lettore citt\xE0";
        configure("vpcd", "NAME", PORT);
        let file = folder().join("readers/vpcd");
        let text = std::fs::read(&file).unwrap();
        let at = text.windows(4).position(|word| word == b"NAME" ).unwrap();
        let quoted = text[at..].windows(6).position(|word| word == b"\"NAME\"").unwrap() + at;
        std::fs::write(&file, [&text[..=quoted], NAME, &text[quoted + 5..]].concat()).unwrap();
        let _pcscd = Pcscd::start_as_configured();
        let _card = answering(PORT);
        let service = Service::open().unwrap();
        let found = service.watch().wait_for_card(None, LONG).unwrap().name;
        assert!(found.starts_with("Lettore citt\u{FFFD} "), "{found}");
        let mut link = service.connect(&found, Sharing::Shared).unwrap();
        link.exchange(&cie::iso7816::command::get_challenge(8)).unwrap();
        drop(link);
        let other = found.replace("Lettore", "lettore");
        assert_eq!(service.connect(&other, Sharing::Shared).unwrap_err(), Error::NoReader);
    }

    fn a_card_that_cannot_be_powered() {
        let _pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        // Longer than an answer to reset can be: the driver reports that powering failed.
        let _card = RawCard::insert_with_atr(PORT, &[0x3B; 40], |_| Reaction::Silence);
        until("the service has tried", || service.readers().unwrap()[0].state == ReaderState::Mute);
        assert_eq!(service.connect(READER, Sharing::Shared).unwrap_err(), Error::Unpowered);
        let short = Duration::from_millis(300);
        assert_eq!(service.watch().wait_for_card(None, short).unwrap_err(), Error::Unpowered);
    }
}
