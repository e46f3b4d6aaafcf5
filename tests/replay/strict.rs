//! What a strict replay says when something else happens, what it does not say, and what a lenient one lets pass.

use cie::error::Error;
use cie::ias::{self, File, Session};
use cie::iso7816::command;
use cie::secret::Pin;
use cie::transport;
use cie::transport::replay::{Failed, OpenError, Replay};
use cie::transport::trace::{Event, Kind, Trace};

use crate::dialogues::{PIN, WRONG};

const HEAD: &str = "cie-trace 1\norigin emulator\nkind replayable\nclock 2026-01-01T00:00:00Z\n";

fn replay(events: &str) -> Replay {
    Replay::of(Trace::parse(format!("{HEAD}{events}end\n").as_bytes()).unwrap()).unwrap()
}

/// Opens a session, shows the PIN, reads what only the holder may.
fn recorded() -> Trace {
    Trace::open(crate::fixtures().join("traces/cie3-gemalto-holder-files.trace")).unwrap()
}

/// What the error says of the mismatch.
fn said<T: std::fmt::Debug>(outcome: Result<T, transport::Error>) -> String {
    match outcome {
        Err(transport::Error::NotAsRecorded(mismatch)) => mismatch.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_command_is_named_with_its_difference() {
    let select = command::select_application(&ias::IAS_AID);
    let recorded = "atr 3B00\n> 00A4040C0DA0000000308000000009816002\n< 9000\n";
    let difference = "line 6 of the trace: 00A4040C (18 bytes) was recorded; 00A4040C (18 bytes) was sent; \
                      the first difference is at byte 17";
    let told = said(replay(recorded).link().unwrap().exchange(&select));
    assert_eq!(told, format!("{difference}: 01, not 02"));
    // Of anybody else's card no byte is told, and no byte of a PIN of any.
    let others = HEAD.replace("emulator", "citizen");
    let trace = Trace::parse(format!("{others}{recorded}end\n").as_bytes()).unwrap();
    assert_eq!(said(Replay::of(trace).unwrap().link().unwrap().exchange(&select)), difference);
    let recorded = "atr\n> 0020008108 3132333435363738\n< 9000\n";
    let verify = command::verify(0x81, b"12399999");
    let told = said(replay(recorded).link().unwrap().exchange(&verify));
    assert!(told.ends_with("at byte 8"), "{told}");
    let told = said(replay(recorded).link().unwrap().exchange(&command::read_binary(0, 4)));
    assert!(told.ends_with("00B00000 (5 bytes) was sent; the first difference is at byte 1"), "{told}");
}

#[test]
fn everything_comes_in_its_order_and_to_its_end() {
    let read = command::read_binary(0, 4);
    let dialogue = "atr\nrandom RND.IFD 0102\n> 00B0000004\n< 9000\nevent terminal-reset\n";
    // As recorded.
    let all = replay(dialogue);
    assert!(!all.is_lenient() && all.mismatch().is_none());
    let mut link = all.link().unwrap();
    let mut drawn = [0; 2];
    link.draw("RND.IFD", &mut drawn).unwrap();
    assert_eq!(drawn, [1, 2]);
    assert!(link.exchange(&read).unwrap().status().is_success());
    link.reset().unwrap();
    all.conclude::<_, Error>(Ok(())).unwrap();
    assert_eq!(all.line(), 9);
    // Too early, under another name, of another length, once more.
    let early = replay(dialogue);
    let told = said(early.link().unwrap().exchange(&read));
    assert!(
        told.starts_with("line 6 of the trace: a draw of 2 bytes for RND.IFD was recorded; 00B00000"),
        "{told}"
    );
    for (label, length) in [("DH.x", 2), ("RND.IFD", 3)] {
        let other = replay(dialogue);
        let mut link = other.link().unwrap();
        link.draw(label, &mut vec![0; length]).unwrap_err();
        // Nothing goes on after that.
        assert!(said(link.exchange(&read)).contains(&format!("{length} bytes were drawn for {label}")));
        link.reset().unwrap_err();
        let failed = other.conclude::<(), Error>(Ok(())).unwrap_err();
        assert_eq!((failed.line(), other.mismatch().unwrap().line), (6, 6));
        assert!(matches!(failed, Failed::Mismatch(_)));
    }
    // Not even what was recorded here is answered once it went another way.
    let wrong = replay("atr\n> 00B0000004\n< 9000\nevent terminal-reset\n");
    let mut link = wrong.link().unwrap();
    let first = said(link.exchange(&command::read_binary(4, 4)));
    assert_eq!(said(link.exchange(&read)), first);
    assert_eq!(said(link.reset().map(|()| 0)), first);
    assert_eq!(said(wrong.link().map(|_| 0)), first);
    let short = replay(dialogue);
    drop(short.link().unwrap());
    let failed = short.conclude::<_, Error>(Ok(())).unwrap_err();
    assert!(failed.to_string().ends_with("nothing happened any more, 4 left over"), "{failed}");
    let reset = replay(dialogue);
    let told = said(reset.link().unwrap().reset());
    assert!(told.ends_with("the card was reset"), "{told}");
    let twice = replay("atr\n");
    twice.link().unwrap();
    assert!(said(twice.link().map(|_| ())).contains("the end was recorded; a new connection was made"));
}

/// Each link is its own connection: an earlier one is not answered with what was said over a later one.
#[test]
fn an_earlier_connection_is_over() {
    let read = command::read_binary(0, 4);
    let two = replay("atr\nrandom A 01\natr\n> 00B0000004\n< 9000\nrandom A 02\n");
    let mut first = two.link().unwrap();
    first.draw("A", &mut [0]).unwrap();
    let mut second = two.link().unwrap();
    second.exchange(&read).unwrap();
    first.draw("A", &mut [0]).unwrap_err();
    let told = said(second.exchange(&read));
    assert!(told.ends_with("an earlier connection was used once more"), "{told}");
    two.conclude::<_, Error>(Ok(())).unwrap_err();
    // Nor does a lenient one draw from a later connection.
    let two = replay("atr\natr\nrandom A 02\n").lenient();
    two.link().unwrap().draw("A", &mut [0]).unwrap_err();
}

#[test]
fn what_went_wrong_then_goes_wrong_again() {
    let read = command::read_binary(0, 4);
    for (event, error) in [
        ("removed", transport::Error::Removed),
        ("reset", transport::Error::Reset),
        ("no-answer", transport::Error::NoAnswer),
        ("in-use", transport::Error::InUse),
    ] {
        let replay = replay(&format!("atr\n> 00B0000004\nevent {event}\n"));
        assert_eq!(replay.link().unwrap().exchange(&read).unwrap_err(), error);
        replay.conclude::<_, Error>(Ok(())).unwrap();
    }
    let shared = replay("atr 3B00 shared\nevent begin in-use\nevent exclusive in-use\nevent share removed\n");
    let mut link = shared.link().unwrap();
    assert_eq!(link.exchange(&read).unwrap_err(), transport::Error::InUse);
    assert_eq!(link.keep_exclusive().unwrap_err(), transport::Error::InUse);
    assert_eq!(link.share_again().unwrap_err(), transport::Error::Removed);
    assert_eq!(link.atr(), [0x3B, 0x00]);
    shared.conclude::<_, Error>(Ok(())).unwrap();
}

/// Others may have been at a shared card between two operations; alone nobody was.
#[test]
fn company_is_played_back() {
    let dialogue = "atr 3B00 shared\n> 00B0000004\n< 9000\n> 00B0000004\n< 9000\n";
    for (text, interruptions) in [(dialogue.to_owned(), 2), (dialogue.replace(" shared", ""), 0)] {
        let replay = replay(&text);
        let mut link = replay.link().unwrap();
        for _ in 0..2 {
            link.exchange(&command::read_binary(0, 4)).unwrap();
        }
        assert_eq!(link.interruptions(), interruptions);
    }
}

#[test]
fn a_wrong_pin_is_another_dialogue() {
    let replay = Replay::of(recorded()).unwrap();
    let session = Session::open(replay.link().unwrap()).unwrap();
    let refused = session.verify_pin(&Pin::parse(WRONG).unwrap()).unwrap_err();
    let error = Error::from(refused.error);
    assert_eq!(error.code(), "not-as-recorded");
    let told = error.to_string();
    assert!(told.contains("0C200081 (35 bytes) was recorded") && !told.contains("not 0"), "{told}");
    // The right one in the same place.
    let replay = Replay::of(recorded()).unwrap();
    let session = Session::open(replay.link().unwrap()).unwrap();
    session.verify_pin(&Pin::parse(PIN).unwrap()).unwrap();
}

#[test]
fn an_error_of_the_dialogue_names_the_line() {
    let mut trace = recorded();
    let reads = |event: &Event| matches!(event, Event::Command(told) if told.to_string().starts_with("0C88"));
    let place = trace.entries.iter().position(|entry| reads(&entry.event)).unwrap() + 1;
    let line = trace.entries[place].line;
    let Event::Response { answer, time } = trace.entries[place].event.clone() else { panic!() };
    let mut bytes = answer.whole().unwrap().to_vec();
    bytes[20] ^= 1;
    let answer = cie::transport::trace::Told::all(&bytes);
    trace.entries[place].event = Event::Response { answer, time };
    let replay = Replay::of(trace).unwrap();
    let outcome = Session::open(replay.link().unwrap()).map_err(Error::from);
    let failed = replay.conclude(outcome).unwrap_err();
    // The answer comes in two pieces; the second is the last thing that was played back.
    assert_eq!(failed.line(), line + 2);
    assert!(failed.to_string().starts_with(&format!("line {} of the trace: ", line + 2)), "{failed}");
    assert!(matches!(failed, Failed::Dialogue { .. }));
}

#[test]
fn only_whole_replayable_traces_are_played_back() {
    for kind in [Kind::Diagnostic, Kind::Plain] {
        let text = HEAD.replace("replayable", &kind.to_string()) + "end\n";
        let trace = Trace::parse(text.as_bytes()).unwrap();
        assert_eq!(Replay::of(trace).unwrap_err(), OpenError::Kind(kind));
    }
    let missing = Replay::open("fixtures/traces/no-such.trace").unwrap_err();
    assert!(matches!(missing, OpenError::File(_)));
    // A file of a byte more than any trace is not read as if that byte were not there.
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("long");
    let room = cie::transport::trace::TRACE_MAX - HEAD.len() - "atr\nend\n".len();
    let comments = format!("#{}\n", "x".repeat(98)).repeat(room / 100 + 1);
    for (more, is_read) in [(0, true), (1, false)] {
        let padding = &comments[comments.len() - room - more..];
        std::fs::write(&long, format!("#{}{HEAD}atr\nend\n", &padding[1..])).unwrap();
        let outcome = Replay::open(&long).map(drop);
        assert_eq!(outcome.is_ok(), is_read, "{outcome:?}");
    }
    let error = Error::from(Replay::open(crate::fixtures().join("traces/README.md")).unwrap_err());
    assert_eq!(error.code(), "trace-unusable");
}

#[test]
fn a_lenient_replay_goes_on_and_says_so() {
    // What was not recorded here is looked for elsewhere, and what was not recorded at all is still an error.
    let replay = Replay::of(recorded()).unwrap().lenient();
    assert!(replay.is_lenient() && format!("{replay:?}").contains("lenient"));
    let mut application = ias::Application::select(replay.link().unwrap()).unwrap();
    let key = application.read(File::DeviceKey).unwrap();
    assert_eq!((key.len(), replay.deviations().len()), (270, 1), "the tries were asked for before");
    let error = Error::from(application.read(File::SecurityObject).unwrap_err());
    assert_eq!(error.code(), "not-as-recorded");
    // A PIN that was not recorded is answered as the recorded one was; what that means is nothing.
    let dialogue = "atr\n> 00200081083132333435363738\n< 9000\n> 00B0000004\n< 41429000\nrandom A 01\n";
    let strict = self::replay(dialogue);
    assert!(strict.link().unwrap().exchange(&command::read_binary(0, 4)).is_err());
    let lenient = self::replay(dialogue).lenient();
    let mut link = lenient.link().unwrap();
    assert_eq!(link.exchange(&command::read_binary(0, 4)).unwrap().data(), [0x41, 0x42]);
    assert!(
        link.exchange(&command::verify(0x81, b"87654321")).is_err(),
        "another one was not recorded after this"
    );
    let lenient = self::replay(dialogue).lenient();
    let mut link = lenient.link().unwrap();
    link.draw("A", &mut [0]).unwrap();
    assert_eq!(
        link.exchange(&command::read_binary(0, 4)).unwrap().data(),
        [0x41, 0x42],
        "it was sent before"
    );
    link.reset().unwrap();
    let lines: Vec<_> = lenient.deviations().iter().map(|deviation| deviation.line).collect();
    assert_eq!(lines, [6, 10, 10]);
    lenient.conclude::<_, Error>(Ok(())).unwrap();
}
