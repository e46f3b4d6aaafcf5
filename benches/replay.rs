//! How fast recorded dialogues play back, beside the same dialogues with a software card in this process: what a
//! test suite saves that replays instead of emulating.
//!
//! `cargo bench --all-features --bench replay`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/dialogues/mod.rs"]
mod dialogues;
#[path = "../tests/dialogues/recorded.rs"]
mod recorded;

use std::time::{Duration, Instant};

use cie::error::Error;
use cie::transport::replay::Replay;
use cie::transport::trace::Trace;

/// How long each is repeated.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs a second on one thread.
fn rate(mut run: impl FnMut()) -> f64 {
    run();
    let (began, mut runs) = (Instant::now(), 0_u32);
    while began.elapsed() < PATIENCE {
        run();
        runs += 1;
    }
    f64::from(runs) / began.elapsed().as_secs_f64()
}

fn main() {
    println!("{:<28}{:>14}{:>14}{:>8}", "dialogue", "replayed/s", "emulated/s", "ratio");
    for recording in recorded::all() {
        let name = recording.file().trim_end_matches(".trace").to_owned();
        if !name.ends_with("log-in") && name != "cie3-gemalto-holder-files" {
            continue;
        }
        let path = dialogues::fixtures().join("traces").join(recording.file());
        let trace = Trace::open(&path).unwrap();
        let replayed = rate(|| {
            let replay = Replay::of(trace.clone()).unwrap();
            let outcome = replay.link().map_err(Error::from).and_then(recording.dialogue);
            replay.conclude(outcome).unwrap();
        });
        let emulated = rate(|| {
            (recording.dialogue)(recorded::link(&recording.kind.card())).unwrap();
        });
        println!("{name:<28}{replayed:>14.0}{emulated:>14.0}{:>8.1}", replayed / emulated);
    }
}
