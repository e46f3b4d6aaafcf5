//! The sweep of recognition and information, of every kind of card: in clear anything can be said, but a lost
//! link is never taken for another card, nothing carries a PIN, and it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cie::card::{self, Information};
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::transport::Link;

use crate::common::{self, CHIPS};
use crate::faults::{Fault, faulty_wire, record_on};
use crate::sweep::on_all_cores;

fn ask(link: Link) -> Result<Information, cie::Error> {
    Ok(card::open(link)?.information()?)
}

/// What a fault of the link itself is called.
fn lost(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::Dropped => Some("card-mute"),
        Fault::Removed => Some("card-removed"),
        Fault::Reset => Some("card-reset"),
        // Less than a status word is no answer.
        Fault::Truncated(0 | 1) => Some("card-malformed"),
        _ => None,
    }
}

#[test]
fn every_fault_of_recognition() {
    for (chip, each) in CHIPS.into_iter().zip([3, 17, 17, 17]) {
        sweep(&format!("{chip:?}"), &common::card(chip), each);
    }
    for model in Model::ALL {
        let each = if model == Model::Cns10 { 7 } else { 97 };
        sweep(&model.to_string(), &common::contact_flows::card(model), each);
    }
}

/// Loses every answer, and shows one in `each` of the other faults.
fn sweep(name: &str, card: &SoftCard, each: usize) {
    let mut right = None;
    let recording = Arc::new(record_on(card, |link| right = Some(ask(link).unwrap())));
    let right = right.unwrap();
    let most = 3 * recording.exchanges.len();
    let exhaustive = std::env::var_os("CIE_EXHAUSTIVE").is_some();
    let jobs: Vec<_> = (0..recording.exchanges.len())
        .flat_map(|at| Fault::all(recording.exchanges[at].1.len(), true).into_iter().map(move |f| (at, f)))
        .enumerate()
        .filter(|(index, (_, fault))| exhaustive || lost(*fault).is_some() || index % each == 0)
        .map(|(_, job)| job)
        .collect();
    let counts = [const { AtomicUsize::new(0) }; 3];
    on_all_cores(jobs, |(at, fault)| {
        let what = format!("{name}, exchange {at}, {fault:?}");
        let (link, witness) = faulty_wire(&recording, at, fault);
        let outcome = ask(link);
        assert!(witness.sent() <= most, "{what}: {} commands", witness.sent());
        assert_eq!(witness.verifies_on_the_wire(), 0, "{what}");
        assert_eq!((witness.card.pin_tries(), witness.card.puk_tries()), (3, 10), "{what}");
        match outcome {
            Ok(found) => {
                assert_eq!((lost(fault), found.atr().to_vec()), (None, right.atr().to_vec()), "{what}");
                assert_eq!(found.kind(), right.kind(), "{what}");
                counts[1].fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let code = error.code();
                let expected = lost(fault).map_or(code, |code| code);
                assert_eq!(code, expected, "{what}: {error}");
                counts[2].fetch_add(1, Ordering::Relaxed);
            }
        }
        counts[0].fetch_add(1, Ordering::Relaxed);
    });
    let [runs, found, refused] = counts.map(AtomicUsize::into_inner);
    assert!(found > 20 && refused > 100, "{name}: {runs} runs, {found} found, {refused} refused");
    common::say(&format!("{name}, recognition: {runs} faults, {found} still recognised, {refused} refused"));
}
