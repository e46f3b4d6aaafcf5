//! `--trace` with every command, and what was recorded as a reader: `--reader trace:FILE`.

use std::path::Path;
use std::process::{Command, Output};

use super::{CIE, folder_with_secrets as folder};

/// Every command that talks to a card, and the exit status that it has with a CIE 3 and with a contact card. The PIN
/// of both is 12345678 in this file's folder.
const COMMANDS: [(&str, i32, i32); 11] = [
    ("readers", 0, 0),
    ("info", 0, 0),
    ("pin status", 0, 0),
    ("pin verify --pin-file right", 0, 0),
    ("pin verify --pin-file wrong", 5, 5),
    ("pin change --pin-file right --new-pin-file new", 0, 0),
    ("pin unblock --puk-file puk --keep-pin", 0, 0),
    ("personal-data", 4, 0),
    ("certificate --pin-file right", 0, 0),
    ("sign raw message - --pin-file right", 0, 0),
    (
        "auth --origin https://a.example --nonce 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH --pin-file right",
        0,
        0,
    ),
];

fn cie(folder: &Path, reader: &str, words: &str) -> Output {
    let words = format!("--lang en --reader {reader} {words}");
    Command::new(CIE).args(words.split(' ')).current_dir(folder).output().unwrap()
}

/// Recorded, it plays back to the same words on standard output and the same exit status; and the trace that is sent
/// to others has no digit of the PIN in it.
#[test]
fn every_command_is_recorded_and_plays_back() {
    let folder = folder();
    let here = folder.path();
    for (card, contact) in [("card", false), ("cie2", true)] {
        for (index, (words, cie3_status, contact_status)) in COMMANDS.into_iter().enumerate() {
            let status = if contact { contact_status } else { cie3_status };
            for kind in ["diagnostic", "replayable", "plain"] {
                super::put_card(card, here);
                let reader = format!("soft:{card}.json");
                let file = format!("{card}-{index}-{kind}.trace");
                let said = cie(here, &reader, &format!("--trace {file} --trace-kind {kind} {words}"));
                let error = String::from_utf8_lossy(&said.stderr);
                assert_eq!(said.status.code(), Some(status), "{card}, {words}: {error}");
                let text = std::fs::read_to_string(here.join(&file)).unwrap();
                assert!(
                    text.starts_with("cie-trace 1\norigin emulator\n") && text.ends_with("\nend\n"),
                    "{text}"
                );
                let pins = ["12345678", "99999999", "20250417", "87654321"].map(hex::encode_upper);
                let told = pins.iter().any(|pin| text.contains(pin));
                // Replayable traces of contact cards have it in clear.
                assert!(!told || kind == "replayable" && contact, "{text}");
                if kind != "replayable" {
                    continue;
                }
                let again = cie(here, &format!("trace:{file}"), words);
                assert_eq!(again.status.code(), Some(status), "{}", String::from_utf8_lossy(&again.stderr));
                let printed = |output: &Output| String::from_utf8_lossy(&output.stdout).replace(&file, "");
                let expected = printed(&said).replace(&reader, "trace:");
                assert_eq!(printed(&again), expected, "{card}, {words}");
            }
        }
    }
}

#[test]
fn what_cannot_be_recorded_or_played_back_is_refused() {
    let folder = folder();
    let here = folder.path();
    let status = |reader: &str, words: &str, code: &str| {
        let output = cie(here, reader, words);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert!(said.contains(&format!("({code}")), "{words}: {said}");
    };
    // A file that is there, before the card is touched.
    status("soft:card.json", "--trace message info", "trace-exists");
    status("soft:card.json", "--trace none/at/all info", "output");
    status("soft:card.json", "--trace x manual", "no-dialogue");
    let verify = "--trace x auth-verify --origin https://a.example --nonce n --trust t";
    status("soft:card.json", verify, "no-dialogue");
    status("soft:card.json", "--trace-kind plain info", "usage");
    assert!(cie(here, "soft:card.json", "--trace t --trace-kind replayable info").status.success());
    assert!(cie(here, "soft:card.json", "--trace d info").status.success());
    status("trace:t", "pin status", "not-as-recorded");
    status("trace:t", "readers", "not-as-recorded");
    status("trace:d", "info", "trace-unusable");
    status("trace:message", "info", "trace-unusable");
    status("trace:nothing", "info", "trace-unusable");
    assert!(!here.join("x").exists());
}

/// A trace that cannot be written to its end: told beside what else went wrong, and what is there is private all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_breaks_off_is_told_of() {
    let folder = folder();
    let here = folder.path();
    // Files of at most 1024 bytes.
    let limited = |words: &str| {
        let script = format!("ulimit -f 1; exec {CIE} --lang en --reader soft:cns.json {words}");
        let ignored = format!("trap '' XFSZ; {script}");
        let output = Command::new("bash").args(["-c", &ignored]).current_dir(here).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let personal = "p.trace tells who the holder is";
    let (status, said) = limited("--trace p.trace --trace-kind plain certificate");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains(personal) && said.contains("Cannot write p.trace"), "{said}");
    std::fs::remove_file(here.join("p.trace")).unwrap();
    // The card's own file is longer, too: it cannot count the try, and refuses.
    let (status, said) = limited("--trace p.trace --trace-kind plain sign raw message x --pin-file wrong");
    assert_eq!(status, Some(4), "{said}");
    for told in [personal, "Cannot write p.trace", "(card-refused"] {
        assert!(said.contains(told), "{said}");
    }
}

/// What was recorded can be recorded again while it is played back.
#[test]
fn a_replay_is_recorded_as_it_was() {
    let folder = folder();
    let here = folder.path();
    for kind in ["replayable", "plain", "diagnostic"] {
        let first = cie(here, "soft:card.json", "--trace first --trace-kind replayable pin status");
        assert!(first.status.success());
        let again = cie(here, "trace:first", &format!("--trace {kind} --trace-kind {kind} pin status"));
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        let read = |name| std::fs::read_to_string(here.join(name)).unwrap();
        assert_eq!(read(kind) == read("first"), kind == "replayable");
        std::fs::remove_file(here.join("first")).unwrap();
    }
}

/// A software card of which nothing can be read that has the mark is nobody's test card until somebody says so.
#[test]
fn a_card_without_the_mark_is_not_recorded_whole() {
    let folder = folder();
    let here = folder.path();
    let path = here.join("card.json");
    let mut card: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let files = card["card"]["personalisation"]["files"].as_array_mut().unwrap();
    files.retain(|file| file["identifier"] != 0x1006);
    std::fs::write(&path, card.to_string()).unwrap();
    let refused = cie(here, "soft:card.json", "--trace t --trace-kind replayable info");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("(no-test-card)"), "{said}");
    assert!(!here.join("t").exists());
    let words = "--trace t --trace-kind replayable --trace-test-card info";
    assert!(cie(here, "soft:card.json", words).status.success());
    let text = std::fs::read_to_string(here.join("t")).unwrap();
    assert!(text.starts_with("cie-trace 1\norigin test-card\n"), "{text}");
    for kind in ["diagnostic", "plain"] {
        assert!(
            cie(here, "soft:card.json", &format!("--trace {kind} --trace-kind {kind} info")).status.success()
        );
    }
}
