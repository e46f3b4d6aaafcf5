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
use cie::explain::{Exchange, Explanation, Item, Step, explain};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::transport::trace::{Kind, Origin, Recorder, Trace, What};
use cie::transport::{Link, Statistics};
use common::{CHIPS, contact_flows};

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
fn recorded<T>(kind: Kind, link: impl Fn() -> Link, dialogue: impl Fn(Link) -> T) -> (Trace, T) {
    let what = match kind {
        Kind::Replayable => What::Replayable(card::find_mark(link()).unwrap().1.unwrap()),
        Kind::Plain => What::Plain(Origin::Emulator),
        _ => What::Diagnostic(Origin::Emulator),
    };
    let paper = Paper::default();
    let recorder = Recorder::new(paper.clone(), what);
    let outcome = dialogue(link().recorded(&recorder));
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
