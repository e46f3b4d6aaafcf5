//! The file while it is written: for its owner only, whole after a crash as far as it went, and never in the way of
//! the dialogue.

use std::io::{self, Write};

use cie::card;
use cie::emulator::Chip;
use cie::error::Error;
use cie::iso7816::command;
use cie::transport::replay::Replay;
use cie::transport::trace::{Event, Kind, Origin, Problem, Recorder, TestCard, Trace, What};
use cie::transport::{self, Link, Transport};

use crate::common::{card, link};
use crate::recorded::Sink;

const ALL: [What; 3] =
    [What::Diagnostic(Origin::Citizen), What::Replayable(TestCard::declared()), What::Plain(Origin::Citizen)];

fn select() -> cie::iso7816::Command {
    command::select_application(&cie::ias::IAS_AID)
}

#[test]
fn a_crash_keeps_what_was_said() {
    for what in ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let recorder = Recorder::create(&path, what).unwrap();
        let mut link = link(&card(Chip::Gemalto)).recorded(&recorder);
        link.exchange(&select()).unwrap();
        let application = cie::ias::Application::select(link).unwrap();
        // As if the process were gone: nothing is dropped.
        std::mem::forget((application, recorder));
        let bytes = std::fs::read(&path).unwrap();
        let error = Trace::parse(&bytes).unwrap_err();
        assert_eq!(error.problem, Problem::CutOff);
        let (trace, missing) = Trace::parse_broken_off(&bytes).unwrap();
        assert_eq!((missing, trace.kind), (Some(error), what.kind()));
        let told = |entry: &cie::transport::trace::Entry| matches!(entry.event, Event::Response { .. });
        let answers = if trace.kind == Kind::Plain { 1 } else { 2 };
        assert_eq!(trace.entries.iter().filter(|entry| told(entry)).count(), answers);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let there = Recorder::create(&path, what).unwrap_err();
        assert_eq!(there.kind(), io::ErrorKind::AlreadyExists);
    }
}

/// The end is written by whoever is last, and not after a panic.
#[test]
fn the_end_is_written_when_nobody_can_say_more() {
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[0]);
    let link = link(&card(Chip::Gemalto)).recorded(&recorder);
    drop(recorder);
    assert!(!sink.text().ends_with("end\n"));
    drop(link);
    assert!(sink.text().ends_with("end\n"));
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[0]);
    let panicked = std::thread::spawn(move || {
        let _link = crate::common::link(&card(Chip::Gemalto)).recorded(&recorder);
        drop(recorder);
        panic!("as a test does");
    });
    assert!(panicked.join().is_err() && !sink.text().contains("end"));
    // A recorder that never saw a card leaves an empty file.
    let sink = Sink::default();
    Recorder::new(sink.clone(), ALL[0]).finish().unwrap();
    assert_eq!(sink.text(), "");
}

/// A disk that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_does_not_disturb_the_dialogue() {
    for room in [0, 50, 120, 200] {
        let recorder = Recorder::new(Full(room), ALL[0]);
        let card = card::open(link(&card(Chip::Gemalto)).recorded(&recorder)).unwrap();
        drop(card);
        assert_eq!(recorder.finish().unwrap_err().kind(), io::ErrorKind::StorageFull, "{room}");
    }
}

#[test]
fn one_connection_after_the_other_and_not_two_at_once() {
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[1]);
    let card = card(Chip::Nxp);
    for _ in 0..2 {
        link(&card).recorded(&recorder).exchange(&select()).unwrap();
    }
    recorder.finish().unwrap();
    let trace = Trace::parse(sink.text().as_bytes()).unwrap();
    assert_eq!(trace.connections().map(<[_]>::len).collect::<Vec<_>>(), [3, 3]);
    let replay = Replay::of(trace).unwrap();
    for _ in 0..2 {
        replay.link().unwrap().exchange(&select()).unwrap();
    }
    replay.conclude::<_, Error>(Ok(())).unwrap();

    let recorder = Recorder::new(Sink::default(), ALL[1]);
    let mut first = link(&card).recorded(&recorder);
    let second = link(&card).recorded(&recorder);
    let _ = first.exchange(&select());
    drop((first, second));
    assert!(recorder.finish().unwrap_err().to_string().contains("two connections"));
}

/// A reader that fails as it is told to.
struct Failing(transport::Error);

impl Transport for Failing {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, transport::Error> {
        Err(self.0.clone())
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        Err(self.0.clone())
    }

    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn company(&mut self) -> Option<&mut dyn transport::Company> {
        None
    }
}

#[test]
fn what_fails_is_recorded_and_fails_again() {
    for error in [transport::Error::Removed, transport::Error::NoAnswer, transport::Error::Unresponsive] {
        for what in ALL {
            let sink = Sink::default();
            let recorder = Recorder::new(sink.clone(), what);
            let mut link = Link::new(Failing(error.clone())).recorded(&recorder);
            link.reset_when_dropped(true);
            let refused = card::open(link).unwrap_err();
            drop(refused);
            recorder.finish().unwrap();
            let trace = Trace::parse(sink.text().as_bytes()).unwrap();
            let failures =
                trace.entries.iter().filter(|entry| matches!(entry.event, Event::Failed(_))).count();
            assert_eq!(failures, 1, "{}", sink.text());
            if what.kind() == Kind::Replayable {
                let replay = Replay::of(trace).unwrap();
                let mut link = replay.link().unwrap();
                link.reset_when_dropped(true);
                let again = card::open(link).unwrap_err();
                assert!(again.error.to_string().contains(&error.to_string()));
                drop(again);
                replay.conclude::<_, Error>(Ok(())).unwrap();
            }
        }
    }
}

/// Above secure messaging: what the wire does not show, and no PIN.
#[test]
fn a_plain_trace_has_the_files_in_clear_and_no_pin() {
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[2]);
    crate::dialogues::named("holder-files")(link(&card(Chip::St)).recorded(&recorder)).unwrap();
    recorder.finish().unwrap();
    let text = sink.text();
    let trace = Trace::parse(text.as_bytes()).unwrap();
    assert!(text.contains("\nevent protected\n") && text.contains("\nevent wire 61"), "{text}");
    assert!(text.contains("\n> 0020008108 [8]\n< 9000\n"), "{text}");
    for (told, expected) in
        [(crate::dialogues::PIN, false), (&crate::common::demo().citizen.document_number, true)]
    {
        assert_eq!(text.contains(&hex::encode_upper(told)), expected);
    }
    let protected = |entry: &&cie::transport::trace::Entry| match &entry.event {
        Event::Command(told) => told.header().is_some_and(|[cla, ..]| cla & 0x0C != 0),
        _ => false,
    };
    assert_eq!(trace.entries.iter().filter(protected).count(), 0);
}

/// Everything is recorded only of a card with the mark; what has none, or is no card we know, is not one.
#[test]
fn only_what_shows_the_mark_is_a_software_card() {
    let demo = crate::common::demo();
    let with_files = |keep: fn(u16) -> bool| {
        let mut card = demo.personalisation.clone();
        card.files.retain(|file| keep(file.identifier));
        cie::emulator::SoftCard::new(card, Chip::Gemalto, cie::emulator::entropy::Seeded::new(1)).unwrap()
    };
    for (keep, marked) in [
        ((|_| true) as fn(u16) -> bool, true),
        // Without EF.SOD nothing shows it; without EF 1001 it is no CIE.
        (|identifier| identifier != 0x1006, false),
        (|identifier| identifier != 0x1001, false),
    ] {
        let soft = with_files(keep);
        let (mut link, mark) = card::find_mark(link(&soft)).unwrap();
        assert_eq!(mark.map(TestCard::origin), marked.then_some(Origin::Emulator));
        assert_eq!(soft.verify_count(), 0);
        // The card was reset: nothing is selected.
        let read = link.exchange(&command::read_binary_by_short_identifier(1, 12)).unwrap();
        assert!(!read.status().is_success());
    }
    let removed = card(Chip::Gemalto);
    let lost = link(&removed);
    removed.remove();
    assert!(card::find_mark(lost).is_err());
    let failing = Link::new(Failing(transport::Error::NoAnswer));
    assert!(card::find_mark(failing).is_err());
}

/// A card that another program has: every transaction is refused.
struct Taken;

impl Transport for Taken {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, transport::Error> {
        Ok(vec![0x90, 0x00])
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn transport::Company> {
        Some(self)
    }
}

impl transport::Company for Taken {
    fn begin(&mut self) -> Result<(), transport::Error> {
        Err(transport::Error::InUse)
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        true
    }

    fn set_exclusive(&mut self, _: bool) -> Result<(), transport::Error> {
        Err(transport::Error::InUse)
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

#[test]
fn a_transaction_that_cannot_begin_is_recorded_in_every_kind() {
    for what in ALL {
        let sink = Sink::default();
        let recorder = Recorder::new(sink.clone(), what);
        let refused = card::open(Link::new(Taken).recorded(&recorder)).unwrap_err();
        let mut link = *refused.back;
        assert_eq!(link.keep_exclusive(), Err(transport::Error::InUse));
        drop(link);
        recorder.finish().unwrap();
        let trace =
            Trace::parse(sink.text().as_bytes()).unwrap_or_else(|error| panic!("{error}\n{}", sink.text()));
        assert!(sink.text().contains("\natr shared\n") && sink.text().contains("\nevent exclusive in-use\n"));
        if what.kind() == Kind::Replayable {
            let replay = Replay::of(trace).unwrap();
            let again = card::open(replay.link().unwrap()).unwrap_err();
            assert_eq!(again.error, refused.error);
            assert_eq!({ again.back }.keep_exclusive(), Err(transport::Error::InUse));
            replay.conclude::<_, Error>(Ok(())).unwrap();
        }
    }
}
