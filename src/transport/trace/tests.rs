//! The text form: written and read back, and what is wrong with what is not one.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::iso7816::StatusWord;

const HEAD: &str = "cie-trace 1\norigin citizen\nkind plain\nclock 2026-01-01T00:00:00Z\n";

fn told(gaps: bool) -> impl Strategy<Value = Told> {
    let piece = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| Told::all(&bytes)),
        1 => (1_usize..300).prop_map(Told::hidden),
        1 => Just(Told::default().and_uncounted()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(move |pieces| {
        let keep = |told: &Told| gaps || told.whole().is_some();
        pieces.into_iter().filter(keep).fold(Told::default(), Told::and_told)
    })
}

fn failure(plain: bool) -> impl Strategy<Value = Failure> {
    let usable: Vec<_> = Failure::ALL.iter().map(|(failure, _)| *failure).collect();
    let usable: Vec<_> = usable.into_iter().filter(|f| plain || *f != Failure::Unprotected).collect();
    prop::sample::select(usable)
}

/// What may follow a connection: a command with its answer, or something else.
fn happening(kind: Kind) -> impl Strategy<Value = Vec<Event>> {
    let (gaps, plain) = (kind != Kind::Replayable, kind == Kind::Plain);
    let command = told(gaps).prop_filter("no PIN in the clear", move |told| {
        !plain || told.header().is_some_and(|header| !crate::iso7816::command::carries_pin(header[1]))
    });
    let words = prop::collection::vec(any::<u16>().prop_map(StatusWord::new), 1..4);
    let time = prop::option::of((0_u64..10_000_000).prop_map(Duration::from_micros));
    let answer = prop_oneof![
        5 => (told(gaps), time).prop_map(|(answer, time)| Event::Response { answer, time }),
        1 => failure(plain).prop_map(Event::Failed),
    ];
    let exchange = (command, prop::option::of(words), answer).prop_map(move |(command, words, answer)| {
        let words = words.filter(|_| plain).map(Event::Wire);
        [Some(Event::Command(command)), words, Some(answer)].into_iter().flatten().collect()
    });
    let random = ("[A-Z.a-z]{1,32}", prop::collection::vec(any::<u8>(), 0..99))
        .prop_map(|(label, bytes)| Event::Random { label, bytes: bytes.into() });
    let alone = prop_oneof![
        prop::option::of(failure(plain)).prop_map(Event::TerminalReset),
        failure(plain).prop_map(Event::BeginFailed),
        failure(plain).prop_map(Event::ExclusiveFailed),
        failure(plain).prop_map(Event::ShareFailed),
        Just(Event::Protected),
        Just(Event::Clear),
        random,
    ];
    let fits = move |event: &Event| match event {
        Event::Random { .. } => !gaps,
        Event::Protected | Event::Clear => plain,
        _ => true,
    };
    prop_oneof![
        4 => exchange,
        1 => alone.prop_filter("of this kind", fits).prop_map(|event| vec![event]),
    ]
}

fn traces() -> impl Strategy<Value = Trace> {
    let kind = prop::sample::select(Kind::ALL.map(|(kind, _)| kind).to_vec());
    let origin = prop::sample::select(Origin::ALL.map(|(origin, _)| origin).to_vec());
    (kind, origin, 0_u64..253_402_300_799).prop_flat_map(|(kind, origin, clock)| {
        let atr = (prop::collection::vec(any::<u8>(), 0..33), any::<bool>());
        let connection =
            (atr, prop::collection::vec(happening(kind), 0..8)).prop_map(|((atr, shared), events)| {
                let mut all = vec![Event::Connected { atr, shared }];
                all.extend(events.into_iter().flatten());
                all
            });
        prop::collection::vec(connection, 0..3).prop_map(move |connections| {
            let entry = |(at, event)| Entry { line: at + 5, event };
            let entries = connections.into_iter().flatten().enumerate().map(entry).collect();
            Trace { origin, kind, clock: SystemTime::UNIX_EPOCH + Duration::from_secs(clock), entries }
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(trace in traces()) {
        let text = trace.to_string();
        prop_assert!(Trace::parse(text.as_bytes()) == Ok(trace.clone()), "{text}");
        // The same with other line breaks, comments and empty lines, which only move the lines.
        let spread = text.replace('\n', "\r\n# a comment\n\n");
        let read = Trace::parse(spread.as_bytes()).unwrap();
        prop_assert_eq!(read.to_string(), text);
        prop_assert!(read.entries.iter().zip(&trace.entries).all(|(a, b)| a.line == 3 * b.line - 2));
    }

    /// However a file is cut off, that is found; and up to there it can be shown.
    #[test]
    fn what_is_cut_off_is_found_to_be(trace in traces(), at in any::<prop::sample::Index>()) {
        let text = trace.to_string();
        let cut = &text.as_bytes()[..at.index(text.len())];
        prop_assert!(Trace::parse(cut).is_err());
        if let Ok((shown, error)) = Trace::parse_broken_off(cut) {
            prop_assert!(error.is_some_and(|error| error.problem == Problem::CutOff));
            prop_assert!(trace.entries.starts_with(&shown.entries));
        } else {
            prop_assert!(cut.len() < trace.head().len(), "only within the head there is nothing to show");
        }
    }

    #[test]
    fn junk_is_an_error(junk in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Trace::parse(&junk).is_err());
        let text = [HEAD.as_bytes(), b"atr\n", &junk, b"\nend\n"].concat();
        let _ = Trace::parse(&text);
    }
}

#[test]
fn an_error_says_where_and_what() {
    let body = |lines: &str| format!("{HEAD}atr 3B00\n{lines}\nend\n");
    let replayable = |lines: &str| body(lines).replace("plain", "replayable");
    for (text, line, column, problem) in [
        (String::new(), 1, 1, Problem::Expected("cie-trace")),
        ("cie-trace 2\n".into(), 1, 11, Problem::NotATrace),
        ("cie-trace  1\n".into(), 1, 11, Problem::NotATrace),
        ("\u{7f}ELF".into(), 1, 5, Problem::CutOff),
        ("\u{7f}ELF\n".into(), 1, 1, Problem::NotText),
        ("cie-trace 1\nkind plain\n".into(), 2, 1, Problem::Expected("origin")),
        ("cie-trace 1\norigin moon\n".into(), 2, 8, Problem::UnknownWord),
        ("cie-trace 1\norigin citizen citizen\n".into(), 2, 16, Problem::UnknownWord),
        ("cie-trace 1\norigin citizen\nkind full\n".into(), 3, 6, Problem::UnknownWord),
        (HEAD.replace("01-01T", "13-01T"), 4, 7, Problem::Moment),
        (HEAD.replace("Z\n", "Z \nend\n"), 4, 28, Problem::UnknownWord),
        (HEAD.into(), 5, 1, Problem::CutOff),
        (format!("{HEAD}end"), 5, 4, Problem::CutOff),
        (format!("{HEAD}end\nend\n"), 6, 1, Problem::AfterEnd),
        (format!("{HEAD}> 00A40000\nend\n"), 5, 1, Problem::NotConnected),
        (format!("{HEAD}atr 3B0\nend\n"), 5, 8, Problem::Hex),
        (format!("{HEAD}atr 3B shared no\nend\n"), 5, 15, Problem::UnknownWord),
        (format!("{HEAD}atr {}\nend\n", "3B".repeat(65)), 5, 133, Problem::OutOfRange),
        (body("< 9000"), 6, 1, Problem::NoCommand),
        (body("event removed"), 6, 1, Problem::NoCommand),
        (body("event wire 6100"), 6, 1, Problem::NoCommand),
        (body("> 00A40000\n> 00A40000"), 6, 1, Problem::Unanswered),
        (body("> 00A40000\nevent terminal-reset"), 6, 1, Problem::Unanswered),
        (body("> 00A40000"), 6, 1, Problem::Unanswered),
        (body("> 00a4 0000\n< 90 0x"), 7, 7, Problem::Hex),
        (body("> 00A40000 "), 6, 12, Problem::Hex),
        (body("> [0]"), 6, 3, Problem::OutOfRange),
        (body("> [65545]"), 6, 3, Problem::OutOfRange),
        (body("> [65544] 00"), 6, 11, Problem::OutOfRange),
        (body("> [99999999999999999999999]"), 6, 3, Problem::OutOfRange),
        (body("> 00A40000\n< 9000 us"), 7, 10, Problem::UnknownWord),
        (body("> 00A40000\n< 9000 us -1"), 7, 11, Problem::OutOfRange),
        (body("> 00A40000\n< 9000 us 86400000001"), 7, 11, Problem::OutOfRange),
        (body("event nothing"), 6, 7, Problem::UnknownWord),
        (body("event begin"), 6, 12, Problem::UnknownWord),
        (body("> 00A40000\nevent wire 610000"), 7, 16, Problem::OutOfRange),
        (body("> 00A40000\nevent wire 61"), 7, 12, Problem::Hex),
        (body("tab\there"), 6, 4, Problem::NotText),
        (body("> 00A4\u{e9}"), 6, 7, Problem::NotText),
        (body("random RND.IFD 00"), 6, 1, Problem::WrongKind),
        (body("> 00200081 08 3132333435363738"), 6, 1, Problem::Pin),
        (body("> 00200081 [1] 3132333435363738"), 6, 1, Problem::Pin),
        (body("> 00 [1] 008108 3132333435363738"), 6, 1, Problem::Pin),
        (body("> [1] 3132333435363738"), 6, 1, Problem::Pin),
        (body("> 00200081 02 3132"), 6, 1, Problem::Pin),
        (body("> 00240081 10 [8] 3132333435363738"), 6, 1, Problem::Pin),
        (body("> 00A40000\nevent wire 6100\nevent wire 6100\n< 9000"), 8, 1, Problem::UnknownWord),
        (body("> [+5]"), 6, 3, Problem::OutOfRange),
        (body("> 00A40000\n< 9000 us +5"), 7, 11, Problem::OutOfRange),
        (replayable("> 00200081 08 [8]"), 6, 1, Problem::WrongKind),
        (replayable("event protected"), 6, 1, Problem::WrongKind),
        (replayable(&format!("random {} 00", "A".repeat(33))), 6, 8, Problem::OutOfRange),
        (replayable(&format!("random A {}", "00".repeat(1025))), 6, 2058, Problem::OutOfRange),
        (replayable("random"), 6, 7, Problem::UnknownWord),
    ] {
        let found = Trace::parse(text.as_bytes()).unwrap_err();
        assert_eq!((found.line, found.column, found.problem), (line, column, problem), "{text}");
        assert!(found.to_string().starts_with(&format!("line {line}, column {column}: ")));
    }
}

#[test]
fn what_is_too_long_is_not_read_on() {
    let line = [HEAD.as_bytes(), b"atr\n> ", "00".repeat(5 << 20).as_bytes(), b"\n< 9000\nend\n"].concat();
    let error = Trace::parse(&line).unwrap_err();
    assert_eq!((error.line, error.column, error.problem), (6, LINE_MAX + 1, Problem::LineTooLong));
    let file = vec![b'#'; TRACE_MAX + 1];
    assert_eq!(Trace::parse(&file).unwrap_err().problem, Problem::TooLong);
    let events = format!("{HEAD}atr\n{}end\n", ">\n<\n".repeat(EVENTS_MAX / 2));
    let error = Trace::parse(events.as_bytes()).unwrap_err();
    assert_eq!((error.line, error.problem), (EVENTS_MAX + 5, Problem::TooLong));
    // The longest command there is has its place.
    let longest = [HEAD.as_bytes(), b"atr\n> ", "00".repeat(65_544).as_bytes(), b"\n< 9000\nend\n"].concat();
    assert_eq!(Trace::parse(&longest).unwrap().entries.len(), 3);
}

/// However a line is cut into words, it is read in one go: if each word were put behind all before it once more,
/// nobody would wait for the end of this.
#[test]
fn many_pieces_take_no_more_time_than_few() {
    for words in ["00 ", "[1] 00 ", "[1] "] {
        let line = format!("> 00B00000 {}\n< 9000\n", words.repeat(130_000 / words.len()).trim_end());
        let text = format!("{HEAD}atr\n{}end\n", line.repeat(100));
        assert_eq!(Trace::parse(text.as_bytes()).unwrap().entries.len(), 201);
    }
}

#[test]
fn debug_shows_no_bytes() {
    let text = HEAD.replace("plain", "replayable")
        + "atr 3B00\nrandom DH.x 0011223344\n> 00B00000\n< 434C4C46549000\nend\n";
    let trace = Trace::parse(text.as_bytes()).unwrap();
    let shown = format!("{trace:?} {:?}", trace.entries);
    assert!(shown.contains("DH.x, 5 bytes") && !shown.contains("434C") && !shown.contains("0011"), "{shown}");
}

#[test]
fn names_are_told_apart() {
    for (failure, name) in Failure::ALL {
        assert_eq!((Failure::named(name), failure.to_string().as_str()), (Some(failure), name));
        let told = Failure::from(&failure.to_error());
        assert!(told == failure || failure == Failure::Unprotected, "{failure}");
    }
    assert_eq!(Failure::named("Removed"), None);
    assert_eq!(format!("{:<9}|", Origin::Citizen), "citizen  |");
}
