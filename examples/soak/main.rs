//! A kiosk that is not left alone: thousands of cards on several readers of a real pcscd, genuine and not, taken away
//! at every exchange, exchanged, silent, and the service killed, stopped and paused under it. Every insertion must end
//! in the right answer or in a refusal that fits, within a bound, and the kiosk must hold at the end what it held
//! before the first card.
//!
//! Run:   cargo run --release --all-features --example soak -- [INSERTIONS] [READERS] [SEED]
//! Check: it prints what happened and ends with status 0; each line that begins with FAILED says what was not as it
//!        must be, and the status is 1. The kiosk is a process of its own (`pgrep -f soak`), so its handles, threads
//!        and memory can be watched from outside meanwhile: ls /proc/PID/fd /proc/PID/task.
//!
//! Needs what the tests of the PC/SC stack need: pcscd, vsmartcard-vpcd, unshare. tests/soak.rs runs 200 insertions.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that talks to a person"
)]

mod cards;
#[path = "../../tests/common/mod.rs"]
mod common;
mod kiosk;
mod measure;
mod plan;
mod slot;
mod street;
mod tally;
mod weather;
mod wire;
mod words;

use std::process::{Command, ExitCode};

use common::pcscd::{enclosed_within, folder, is_enclosed};

/// Where the kiosk finds those to whom it speaks; with it, this program is the kiosk.
const KIOSK: &str = "CIE_SOAK_KIOSK";

/// The size of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) total: usize,
    pub(crate) slots: usize,
    pub(crate) seed: u64,
}

#[allow(dead_code, reason = "the test has its own")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| match arguments.get(at).map(|text| text.parse()) {
        None => otherwise,
        Some(Ok(number)) => number,
        Some(Err(_)) => {
            eprintln!("usage: soak [INSERTIONS] [READERS, at most 16] [SEED]");
            std::process::exit(2);
        }
    };
    let settings = Settings {
        total: number(0, 2000) as usize,
        slots: number(1, 12).clamp(1, 16) as usize,
        seed: number(2, 1),
    };
    if run(&settings, &arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs this program again, enclosed, and there again as the kiosk; with these arguments it must come back to here.
pub(crate) fn run(settings: &Settings, again: &[String]) -> bool {
    if let Some(socket) = std::env::var_os(KIOSK) {
        kiosk::run(socket.as_ref(), &folder().join("csca"), &cards::pin()).unwrap();
        return true;
    }
    if is_enclosed() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let (report, well) = street::run(settings, command.args(again)).unwrap();
        std::fs::write(folder().join("report"), report).unwrap();
        return well;
    }
    let folder = tempfile::tempdir().unwrap();
    let patience = 120 + settings.total as u64;
    let status = enclosed_within(folder.path(), patience).args(again).status();
    let well = status.expect("unshare (Debian: util-linux) is needed").success();
    match std::fs::read_to_string(folder.path().join("report")) {
        Ok(report) => common::say(&report),
        Err(_) => common::say("the run did not come to its end"),
    }
    well
}
