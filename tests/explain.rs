//! Recorded dialogues, explained: every flow, in every kind of trace.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::contact::Model;
use cie::explain::{Exchange, Explanation, ITEMS_MAX, Item, Step, explain};
use cie::pin::{LastTry, Unblock};
use cie::secret::Typed;
use cie::transport::trace::{Event, Kind, Origin, Recorder, Trace, What};
use cie::transport::{Link, Statistics};
use common::{CHIPS, contact_flows};
use proptest::prelude::*;

const HEAD: &str = "cie-trace 1\norigin citizen\nkind KIND\nclock 2026-01-01T00:00:00Z\n";
const KINDS: [Kind; 3] = [Kind::Diagnostic, Kind::Replayable, Kind::Plain];

/// What was recorded so far.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Records a dialogue on a link.
fn recorded<T>(kind: Kind, link: impl FnOnce() -> Link, dialogue: impl FnOnce(Link) -> T) -> (Trace, T) {
    let link = card::find_mark(link()).unwrap();
    let what = match kind {
        Kind::Replayable => What::Replayable(link.test_card().unwrap()),
        Kind::Plain => What::Plain(Origin::Emulator),
        _ => What::Diagnostic(Origin::Emulator),
    };
    let paper = Paper::default();
    let recorder = Recorder::new(paper.clone(), what);
    let outcome = dialogue(link.recorded(&recorder));
    recorder.finish().unwrap();
    let text = paper.0.lock().unwrap().clone();
    (Trace::parse(&text).unwrap(), outcome)
}

fn log_in_and_sign(link: Link) -> Statistics {
    let session = card::open(link).unwrap().open_session().unwrap();
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = session.verify_pin(&pin, LastTry::Refuse).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a challenge");
    unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
    unlocked.statistics()
}

fn exchanges(explanation: &Explanation) -> Vec<&Exchange> {
    let items = explanation.connections.iter().flat_map(|connection| &connection.items);
    items
        .filter_map(|item| if let Item::Exchange(exchange) = item { Some(&**exchange) } else { None })
        .collect()
}

/// The steps, each time another one begins.
fn steps(explanation: &Explanation) -> Vec<Step> {
    let mut steps: Vec<_> = exchanges(explanation).iter().map(|exchange| exchange.step).collect();
    steps.dedup();
    steps
}

/// The statistics, as far as a trace of this kind tells them.
fn check_totals(trace: &Trace, explanation: &Explanation, said: Statistics, name: &str) {
    let totals = explanation.totals.statistics;
    match trace.kind {
        // Above secure messaging bytes are others.
        Kind::Plain => {
            assert_eq!(
                (totals.commands, totals.get_responses),
                (said.commands, said.get_responses),
                "{name}"
            );
        }
        _ if explanation.totals.uncounted > 0 => {
            assert_eq!(
                (totals.commands, totals.get_responses),
                (said.commands, said.get_responses),
                "{name}"
            );
            assert_eq!(totals.bytes_received, said.bytes_received, "{name}");
            assert!(totals.bytes_sent < said.bytes_sent, "{name}");
        }
        _ => assert_eq!(totals, said, "{name}"),
    }
    let sum = explanation.steps.iter().fold(Statistics::default(), |sum, (_, here)| sum + here.statistics);
    assert_eq!(sum, totals, "{name}");
}

fn check_names(explanation: &Explanation, name: &str) {
    for exchange in exchanges(explanation) {
        assert!(exchange.name.is_some() && exchange.header.is_some(), "{name}: {exchange:?}");
        assert_ne!(exchange.step, Step::Other, "{name}: {exchange:?}");
    }
}

#[test]
fn a_login_with_a_cie_3_goes_through_its_steps() {
    for chip in CHIPS {
        let card = common::card(chip);
        for kind in KINDS {
            let name = format!("{chip:?}, {kind}");
            let (trace, said) = recorded(kind, || common::link(&card), log_in_and_sign);
            let explanation = explain(&trace);
            check_names(&explanation, &name);
            check_totals(&trace, &explanation, said, &name);
            let expected = [
                Step::Recognition,
                Step::PinTries,
                Step::PublicFiles,
                Step::KeyExchange,
                Step::DeviceAuthentication,
                Step::Pin,
                Step::Certificate,
                Step::Signature,
            ];
            assert_eq!(steps(&explanation), expected, "{name}");
        }
    }
}

#[test]
fn a_login_with_a_contact_card_goes_through_its_steps() {
    for model in Model::ALL {
        let card = contact_flows::card(model);
        for kind in KINDS {
            let name = format!("{model}, {kind}");
            let (trace, said) = recorded(kind, || contact_flows::link(&card), log_in_and_sign);
            let explanation = explain(&trace);
            check_names(&explanation, &name);
            check_totals(&trace, &explanation, said, &name);
            let steps = steps(&explanation);
            let expected: &[Step] = match model {
                // What its application forgets when it is selected again is read before.
                Model::Ace => {
                    &[Step::Recognition, Step::PersonalData, Step::Certificate, Step::Pin, Step::Signature]
                }
                _ => &[Step::Recognition, Step::Pin, Step::Certificate, Step::Signature],
            };
            assert_eq!(steps, expected, "{name}");
        }
    }
}

/// What happens, the dialogue, and the steps after the opening of a CIE 3.
type Flow<'a> = (&'a str, &'a dyn Fn(Link) -> Statistics, &'a [Step]);

/// Whatever else people do with cards, in every kind of trace.
#[test]
fn every_flow_has_its_steps() {
    use Step::{Certificate, DeviceAuthentication, KeyExchange, PinTries, PublicFiles, Recognition};
    let typed = |digits: &str| Typed::new(digits.to_owned());
    let open = |link: Link| card::open(link).unwrap().open_session().unwrap();
    let ask = |link: Link| {
        let mut card = card::open(link).unwrap();
        card.information().unwrap();
        card.into_link().statistics()
    };
    let mistype = |link: Link| {
        let refused = open(link).verify_pin(&typed("99999999"), LastTry::Refuse).unwrap_err();
        refused.back.statistics()
    };
    let change = |link: Link| {
        let mut unlocked = open(link).verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
        unlocked.change_pin(&typed("12345678"), &typed("31415926")).unwrap();
        unlocked.statistics()
    };
    let unblock = |link: Link| {
        let session =
            open(link).unblock_pin(&typed("87654321"), Unblock::NewPin(&typed("27182818")), LastTry::Refuse);
        session.unwrap().statistics()
    };
    let opening = [Recognition, PinTries, PublicFiles, KeyExchange, DeviceAuthentication];
    let flows: [Flow<'_>; 3] = [
        ("mistype", &mistype, &[Step::Pin]),
        ("change", &change, &[Step::Pin, Step::PinChange]),
        ("unblock", &unblock, &[PinTries, Step::Unblocking]),
    ];
    for kind in KINDS {
        for chip in CHIPS {
            for (flow, dialogue, then) in flows {
                let name = format!("{chip:?}, {kind}, {flow}");
                let card = common::card(chip);
                let (trace, said) = recorded(kind, || common::link(&card), dialogue);
                let explanation = explain(&trace);
                check_names(&explanation, &name);
                check_totals(&trace, &explanation, said, &name);
                assert_eq!(steps(&explanation), [&opening[..], then].concat(), "{name}");
            }
            let name = format!("{chip:?}, {kind}, information");
            let card = common::card(chip);
            let (trace, said) = recorded(kind, || common::link(&card), ask);
            let explanation = explain(&trace);
            check_names(&explanation, &name);
            check_totals(&trace, &explanation, said, &name);
            let steps = steps(&explanation);
            let known = [Recognition, PinTries, PublicFiles, Certificate, Step::TravelDocument];
            assert!(steps.iter().all(|step| known.contains(step)), "{name}: {steps:?}");
            assert!(steps.contains(&Step::TravelDocument), "{name}: {steps:?}");
        }
        for model in Model::ALL {
            for (flow, dialogue, _) in flows {
                let name = format!("{model}, {kind}, {flow}");
                let card = contact_flows::card(model);
                let (trace, said) = recorded(kind, || contact_flows::link(&card), dialogue);
                let explanation = explain(&trace);
                check_names(&explanation, &name);
                check_totals(&trace, &explanation, said, &name);
                let last = steps(&explanation).last().copied();
                let expected = match flow {
                    "mistype" => Step::Pin,
                    "change" => Step::PinChange,
                    _ => Step::Unblocking,
                };
                assert_eq!(last, Some(expected), "{name}");
            }
            let name = format!("{model}, {kind}, information");
            let card = contact_flows::card(model);
            let (trace, said) = recorded(kind, || contact_flows::link(&card), ask);
            let explanation = explain(&trace);
            check_names(&explanation, &name);
            check_totals(&trace, &explanation, said, &name);
        }
    }
}

/// Bytes that look like commands and answers, with holes.
fn told() -> impl Strategy<Value = String> {
    let known = [
        "00A4040C06A00000000039",
        "00A40000023F00",
        "00A40800041100",
        "00B08100",
        "0CB00000",
        "002241A6",
        "0C2000811D87",
        "00CB3FFF0A4D087006BF810102A080",
        "9000",
        "610E",
        "99029000",
        "7F4982",
        "6F84FFFFFFFF",
        "30BF8101",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        4 => prop::collection::vec(any::<u8>(), 1..24).prop_map(hex::encode_upper),
        2 => (1_usize..70).prop_map(|count| format!("[{count}]")),
        1 => Just("[?]".to_owned()),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| {
        // Two stretches of digits side by side are one.
        let mut line = String::new();
        for piece in pieces {
            let both_told = line.ends_with(|c: char| c.is_ascii_hexdigit()) && !piece.starts_with('[');
            if !line.is_empty() && !both_told {
                line.push(' ');
            }
            line += &piece;
        }
        line
    })
}

fn event() -> impl Strategy<Value = String> {
    let exchange = |outcome: String| told().prop_map(move |command| format!("> {command}\n{outcome}\n"));
    prop_oneof![
        6 => told().prop_flat_map(move |answer| exchange(format!("< {answer}"))),
        1 => exchange("event wire 6100 6C01\n< 9000".to_owned()),
        1 => exchange("event removed".to_owned()),
        1 => prop::sample::select(vec![
            "event terminal-reset\n".to_owned(),
            "event protected\n".to_owned(),
            "atr 3B00\n".to_owned(),
            "atr shared\n".to_owned(),
        ]),
    ]
}

proptest! {
    #[test]
    fn any_trace_can_be_explained(events in prop::collection::vec(event(), 0..20)) {
        let text = format!("{}atr 3B00\n{}end\n", HEAD.replace("KIND", "plain"), events.concat());
        let lines: String =
            text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        // Only a plain trace has what stands above secure messaging, and it has no PIN in it.
        let is_plain = |line: &&str| line.starts_with("event wire") || line.starts_with("event protected");
        let others: String = lines.lines().filter(|line| !is_plain(line)).map(|line| format!("{line}\n")).collect();
        let diagnostic = Trace::parse(others.replace("plain", "diagnostic").as_bytes()).unwrap();
        for trace in [diagnostic].into_iter().chain(Trace::parse(lines.as_bytes())) {
            let explanation = explain(&trace);
            let commands = trace.entries.iter().filter(|entry| matches!(entry.event, Event::Command(_))).count();
            prop_assert_eq!(exchanges(&explanation).len(), commands);
            let sum = explanation.steps.iter().fold(Statistics::default(), |sum, (_, here)| sum + here.statistics);
            prop_assert_eq!(sum, explanation.totals.statistics);
            let bounded = |exchange: &&Exchange| exchange.command.beginning.len() <= 70 * 16 && exchange.command.objects.len() <= 64;
            prop_assert!(exchanges(&explanation).iter().all(bounded));
        }
    }
}

/// Traces that are made to take long: if the work were not linear, nobody would wait for the end of this.
#[test]
fn a_long_trace_takes_no_longer_than_it_is_long() {
    let holes = format!(
        "> 0CB00000 {}\n< 8000 {}9000\n",
        "[1] 00 ".repeat(9_000).trim_end(),
        "[1] 80 ".repeat(9_000)
    );
    let nested = format!("> 00CB3FFFFF{}\n< {}9000\n", "7080".repeat(120), "7F4984000000FF".repeat(4_000));
    let small = "> 00A4\n< 61\n".to_owned();
    let leading = "> 00A40000023F00\n< 9000\n".to_owned();
    let connections = "atr\n".to_owned();
    for lines in [holes, nested, small, leading, connections] {
        let count = ((1 << 20) / lines.len()).min(cie::transport::trace::EVENTS_MAX / 2 - 1);
        let text = format!("{}atr\n{}end\n", HEAD.replace("KIND", "diagnostic"), lines.repeat(count));
        let trace = Trace::parse(text.as_bytes()).unwrap();
        let explanation = explain(&trace);
        assert!(exchanges(&explanation).len() <= ITEMS_MAX);
    }
}
