//! The sweep of the contact cards: every fault of every exchange of what people do with them.
//!
//! Everything goes in clear, so a wire may say what it likes. What it cannot do: have a PIN shown twice, or
//! without need, or left in the card; have anything accepted that the holder's certificate does not vouch for.

#[path = "contact/flows.rs"]
mod flows;
#[path = "contact/judge.rs"]
mod judge;
#[path = "contact/objects.rs"]
mod objects;
#[path = "contact/random.rs"]
mod random;
#[path = "contact/references.rs"]
mod references;

use std::sync::Arc;

use cie::emulator::SoftCard;
use cie::emulator::contact::{Model, PinReferences};

use crate::faults::{Fault, Recording, faulty_card, faulty_wire, record_on};
use crate::sweep::on_all_cores;
use flows::{CHANGE, FLOWS, Flow, KEEP, LOG_IN, READ, SIGN, UNBLOCK, WRONG_PIN, WRONG_PUK_THEN_LOGIN};
use judge::{Counts, Course};

/// The model on which each flow meets every fault; of a long file only some bytes are altered.
const THOROUGH: [(Flow, Model); 10] = [
    (READ, Model::Cns10),
    (LOG_IN, Model::Cns10),
    (LOG_IN, Model::Cns11),
    (SIGN, Model::Cns10),
    (CHANGE, Model::Cns10),
    (CHANGE, Model::Cns11),
    (UNBLOCK, Model::Cns10),
    (KEEP, Model::Cns11),
    (WRONG_PIN, Model::Cns10),
    (WRONG_PUK_THEN_LOGIN, Model::Cns10),
];
/// Of the altered bytes of a block of a file, one in so many.
const EACH_BYTE: usize = 3;
/// On the other models, one in so many of all faults.
const EACH_ELSEWHERE: usize = 61;

fn exhaustive() -> bool {
    std::env::var_os("CIE_EXHAUSTIVE").is_some()
}

/// A flow that was recorded on an honest card.
struct Recorded {
    course: Course,
    recording: Arc<Recording>,
}

fn record(flow: Flow, model: Model, card: &SoftCard) -> Recorded {
    let mut outcome = None;
    let recording = Arc::new(record_on(card, |link| outcome = Some((flow.run)(link))));
    let course = Course::new(flow, model, outcome.unwrap(), &recording);
    Recorded { course, recording }
}

/// Whether the command reads a block of a file.
fn reads(command: &[u8]) -> bool {
    command[1] == 0xB0
}

/// All faults of the answers, fewer where every byte of a file is altered alike.
fn jobs(recorded: &Recorded, on_the_wire: bool, thorough: bool) -> Vec<(usize, Fault)> {
    let recording = &recorded.recording;
    let answers: Vec<(&[u8], usize)> = if on_the_wire {
        recording.exchanges.iter().map(|(command, answer)| (&command[..], answer.len())).collect()
    } else {
        let exchange = |at| &recording.exchanges[recording.exchange_of(at)];
        recording.answers.iter().enumerate().map(|(at, answer)| (&exchange(at).0[..], answer.len())).collect()
    };
    let mut chosen = Vec::new();
    let mut number = 0;
    for (at, (command, length)) in answers.into_iter().enumerate() {
        for fault in Fault::all(length, on_the_wire) {
            number += 1;
            let alike = match fault {
                Fault::Flipped(byte, _) | Fault::Truncated(byte) => {
                    reads(command) && (8..length - 2).contains(&byte)
                }
                _ => false,
            };
            let each = match thorough {
                true if alike => EACH_BYTE,
                true => 1,
                false => EACH_ELSEWHERE,
            };
            if exhaustive() || number % each == 0 {
                chosen.push((at, fault));
            }
        }
    }
    chosen
}

/// Meets the faults on the wire, and those inside the card.
fn sweep(flow: Flow, model: Model, card: &SoftCard, thorough: bool, counts: &Counts) {
    let recorded = record(flow, model, card);
    let Recorded { course, recording } = &recorded;
    on_all_cores(jobs(&recorded, true, thorough), |(at, fault)| {
        let what = format!("{model}, {}, exchange {at}, {fault:?}", flow.name);
        course.check(Some(at), faulty_wire(recording, at, fault), &what, counts);
    });
    on_all_cores(jobs(&recorded, false, thorough), |(at, fault)| {
        let what = format!("{model}, {}, answer {at}, {fault:?}", flow.name);
        let exchange = recording.exchange_of(at);
        course.check(Some(exchange), faulty_card(recording, at, fault), &what, counts);
    });
}

#[test]
fn every_fault_of_every_flow() {
    for (flow, model) in THOROUGH {
        let counts = Counts::default();
        sweep(flow, model, &flow.card(model), true, &counts);
        counts.report(&format!("{model}, {}", flow.name));
    }
}

#[test]
fn some_faults_of_every_flow_on_every_model() {
    for model in Model::ALL {
        let counts = Counts::default();
        for flow in FLOWS {
            sweep(flow, model, &flow.card(model), false, &counts);
        }
        counts.report(&format!("{model}, every flow"));
    }
}

/// A card that knows its PIN by the other reference only: the first command is answered 6A88, without fail.
#[test]
fn every_fault_where_the_second_reference_is_needed() {
    for (model, references) in
        [(Model::Cns10, PinReferences::Plain), (Model::Athena, PinReferences::Backtracking)]
    {
        let counts = Counts::default();
        for flow in [LOG_IN, CHANGE, UNBLOCK, WRONG_PIN, WRONG_PUK_THEN_LOGIN] {
            let card = flow.card(model);
            let mut profile = card.contact_profile().unwrap();
            profile.references = references;
            card.set_contact_profile(profile);
            sweep(flow, model, &card, flow.name == CHANGE.name, &counts);
        }
        counts.report(&format!("{model}, by the second reference"));
    }
}
