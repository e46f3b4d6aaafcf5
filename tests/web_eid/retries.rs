//! What was learned of a PIN outlives the connection: a recorded dialogue with a contact card, which never says how many
//! tries are left before it is shown one, and which is pulled away in the middle.

use std::fs;
use std::path::Path;

use cie::emulator::SoftCard;
use cie::emulator::contact::Model;

use crate::common::contact::issued;
use crate::host::{Desk, Host, authenticate, code};

/// Selects the master file; before each VERIFY.
const SELECT: &str = "> 00A40000023F0000";
const VERIFY: &str = "> 00200090";

/// A dialogue of two wrong PINs, recorded with the host itself.
fn recorded(steps: &[&str]) -> Vec<String> {
    let desk = Desk::without_card(steps);
    SoftCard::create_contact(desk.card(), issued(Model::Cns11).personalisation, Model::Cns11).unwrap();
    let trace = desk.path().join("recorded");
    let options = ["--trace".as_ref(), trace.as_os_str(), "--trace-kind".as_ref(), "replayable".as_ref()];
    let host = Host::of(desk.command(&options, &desk.pinentry.program()));
    assert_eq!(code(&host.ask(&authenticate()).0), "ERR_WEBEID_USER_CANCELLED");
    fs::read_to_string(trace).unwrap().lines().map(str::to_owned).collect()
}

fn positions(lines: &[String], begin: &str) -> Vec<usize> {
    let found = lines.iter().enumerate().filter(|(_, line)| line.starts_with(begin));
    found.map(|(at, _)| at).collect()
}

/// The card goes when it was shown the second PIN; then it is recognised once more, and nothing else is said to it.
fn pulled_away(lines: &[String]) -> String {
    let shown = positions(lines, VERIFY)[1];
    let atr = positions(lines, "atr ")[0];
    let recognised = positions(lines, SELECT)[0];
    let mut made = lines[..=shown].to_vec();
    made.extend(["event removed".to_owned(), "event terminal-reset".to_owned()]);
    made.extend_from_slice(&lines[atr..recognised]);
    made.push("end".to_owned());
    made.join("\n") + "\n"
}

fn replay(desk: &Desk, trace: &Path) -> Host {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cie"));
    command.args(["--lang", "en", "--reader"]).arg(format!("trace:{}", trace.display()));
    command.args(["web-eid", "host", "--pinentry"]).arg(desk.pinentry.program());
    command.env("HOME", desk.path()).env_remove("XDG_RUNTIME_DIR");
    Host::of(command)
}

#[test]
fn after_a_retry_the_last_try_is_still_the_last_and_a_refused_pin_still_refused() {
    let lines = recorded(&["pin 11111", "pin 22222", "cancel"]);
    let desk = Desk::without_card(&["pin 11111", "pin 22222", "yes", "yes", "pin 11111", "yes", "cancel"]);
    let trace = desk.path().join("trace");
    fs::write(&trace, pulled_away(&lines)).unwrap();
    // A VERIFY too many is not in the recording, and would end the request otherwise.
    let (answer, _, said) = replay(&desk, &trace).ask(&authenticate());
    assert_eq!(code(&answer), "ERR_WEBEID_USER_CANCELLED", "{said}");
    let shown = desk.pinentry.shown();
    // Two PINs, the question whether to try again; then the last try, the refused PIN, the last try again.
    let kinds = ["GETPIN", "GETPIN", "CONFIRM", "CONFIRM", "GETPIN", "CONFIRM", "GETPIN"];
    assert_eq!(desk.pinentry.kinds(), kinds, "{shown:#?}");
    assert!(shown[2].text.contains("not known whether a try was spent"), "{shown:#?}");
    assert!(shown[3].text.contains("ONLY ONE TRY IS LEFT"), "{shown:#?}");
    assert!(shown[4].text.contains("THIS IS THE LAST TRY"), "{shown:#?}");
    assert!(shown[6].error.contains("not sent again"), "{shown:#?}");
    desk.pinentry.check_end(&["11111", "22222"]);
}
