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

/// The mark of one card is no licence for another: what is not found to have it is not recorded whole.
#[test]
fn another_card_is_not_recorded_under_the_mark_of_one() {
    let soft = card(Chip::Gemalto);
    let mark = card::find_mark(link(&soft)).unwrap().test_card().unwrap();
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), What::Replayable(mark));
    let mut other = link(&card(Chip::Nxp)).recorded(&recorder);
    other.exchange(&command::verify(0x81, b"12345678")).unwrap();
    drop(other);
    assert_eq!(recorder.finish().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(sink.text(), "");
}

/// A trace has one moment, for all its connections.
#[test]
fn the_moment_of_a_trace_is_that_of_its_first_connection() {
    let soft = card(Chip::Gemalto);
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[1]);
    let at = |seconds| {
        let clock =
            cie::environment::FixedClock(crate::common::now() + std::time::Duration::from_secs(seconds));
        soft.insert_with(cie::emulator::entropy::Seeded::new(1), clock).recorded(&recorder).now()
    };
    assert_eq!((at(0), at(90_000)), (crate::common::now(), crate::common::now()));
    recorder.finish().unwrap();
    let replay = Replay::of(Trace::parse(sink.text().as_bytes()).unwrap()).unwrap();
    assert_eq!(replay.link().unwrap().now(), crate::common::now());
}

#[test]
fn what_is_not_whole_is_said_to_be() {
    // While a link is there, more can come.
    let recorder = Recorder::new(Sink::default(), ALL[0]);
    let open = link(&card(Chip::Gemalto)).recorded(&recorder);
    assert!(recorder.clone().finish().unwrap_err().to_string().contains("still open"));
    drop(open);
    recorder.finish().unwrap();
    // Whoever asks, and however often, is told the same.
    let recorder = Recorder::new(Full(60), ALL[0]);
    drop(link(&card(Chip::Gemalto)).recorded(&recorder));
    for _ in 0..2 {
        assert_eq!(recorder.clone().finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    // A panic in the thread of the link, with the recorder elsewhere.
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), ALL[0]);
    let theirs = recorder.clone();
    let panicked = std::thread::spawn(move || {
        let mut link = link(&card(Chip::Gemalto)).recorded(&theirs);
        link.reset_when_dropped(true);
        panic!("as a test does");
    });
    assert!(panicked.join().is_err());
    assert_eq!(recorder.finish().unwrap_err().kind(), io::ErrorKind::Interrupted);
    assert!(!sink.text().contains("terminal-reset") && !sink.text().contains("end"));
    // What no trace holds.
    for (label, length) in [("two words", 4), ("", 4), ("RND", 1025)] {
        let recorder = Recorder::new(Sink::default(), ALL[1]);
        let mut link = link(&card(Chip::Gemalto)).recorded(&recorder);
        link.draw(label, &mut vec![0; length]).unwrap();
        drop(link);
        assert_eq!(recorder.finish().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

/// One on the wire and one above it.
#[test]
fn two_recorders_can_listen() {
    let sinks = [Sink::default(), Sink::default()];
    let [plain, wire] =
        [(&sinks[0], ALL[2]), (&sinks[1], ALL[0])].map(|(sink, what)| Recorder::new(sink.clone(), what));
    let both = link(&card(Chip::Gemalto)).recorded(&plain).recorded(&wire);
    drop(cie::ias::Application::select(both).unwrap());
    for recorder in [plain, wire] {
        recorder.finish().unwrap();
    }
    for sink in sinks {
        assert!(sink.text().contains("> 00A4040C0DA0000000308000000009816001\n< 9000"), "{}", sink.text());
    }
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
        let mut link = card::find_mark(link(&soft)).unwrap();
        assert_eq!(link.test_card().map(TestCard::origin), marked.then_some(Origin::Emulator));
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
