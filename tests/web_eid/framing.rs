//! What a browser never sends, and what one does that goes away or does not wait.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::until_within;
use crate::host::{Desk, Host, PIN, authenticate, code};

const FATAL: &str = "ERR_WEBEID_NATIVE_FATAL";

fn framed(length: u32, body: &[u8]) -> Vec<u8> {
    [&length.to_ne_bytes(), body].concat()
}

/// No window was opened, no PIN asked for, the card not touched.
fn nobody_was_asked(desk: &Desk) {
    assert!(desk.pinentry.shown().is_empty());
    assert_eq!(desk.verifications(), 0);
    assert!(!desk.path().join("trace").exists(), "the card was not even looked for");
}

#[test]
fn broken_framing_is_refused_with_one_answer() {
    let body = authenticate().to_string();
    let length = u32::try_from(body.len()).unwrap();
    for (bytes, reason) in [
        (framed(0, b""), "5 to 8192 bytes, not 0"),
        (framed(4, b"null"), "not 4"),
        (framed(8193, &[b' '; 8193]), "not 8193"),
        (framed(1 << 20, &vec![b' '; 1 << 20]), "not 1048576"),
        (framed(u32::MAX, b"{"), "not 4294967295"),
        // The other order of bytes: a length of many millions.
        (framed(length.swap_bytes(), body.as_bytes()), "5 to 8192 bytes"),
        (framed(length, &[0xFF; 200][..body.len()]), "not a request"),
        (framed(length, &b" ".repeat(body.len())), "not a request"),
        (framed(5, b"[   ]"), "not a request"),
    ] {
        let desk = Desk::new(&[]);
        let mut host = desk.host().greeted();
        host.send_bytes(&bytes);
        let answer = host.answer();
        assert_eq!(code(&answer), FATAL);
        assert!(answer["error"]["message"].as_str().unwrap().contains(reason), "{answer}");
        let (status, said) = host.end();
        assert_eq!(status, 2, "{said}");
        assert!(said.contains("request-refused"), "{said}");
        nobody_was_asked(&desk);
    }
}

/// Only to look who is there, or on the way to a request.
#[test]
fn a_browser_that_goes_before_its_request_is_over_is_told_nothing_more() {
    let whole = authenticate().to_string();
    let whole = framed(u32::try_from(whole.len()).unwrap(), whole.as_bytes());
    for cut in [0, 1, 3, 4, 5, whole.len() - 1] {
        let desk = Desk::new(&[]);
        let mut host = desk.host().greeted();
        host.send_bytes(&whole[..cut]);
        host.leave();
        match cut {
            0 => assert_eq!(host.end(), (0, String::new())),
            _ => {
                assert_eq!(code(&host.answer()), FATAL);
                assert_eq!(host.end().0, 2);
            }
        }
        nobody_was_asked(&desk);
    }
}

#[test]
fn the_extension_asks_for_the_version_and_leaves() {
    let desk = Desk::new(&[]);
    let (answer, status, said) = desk.host().ask(&json!({ "command": "quit", "arguments": {} }));
    assert_eq!((answer, status, said.as_str()), (json!({}), 0, ""));
    nobody_was_asked(&desk);
}

/// What each browser says on the command line is taken, and decides nothing.
#[test]
fn the_arguments_of_every_browser_are_taken() {
    let quit = json!({ "command": "quit", "arguments": {} });
    for arguments in [
        &["chrome-extension://ncibgoaomkmdpilpocfeponihegamlic/"][..],
        &["chrome-extension://ncibgoaomkmdpilpocfeponihegamlic/", "--parent-window=0"],
        &[
            "/home/maria/.mozilla/native-messaging-hosts/eu.webeid.json",
            "{e68418bc-f2b0-4459-a9ea-3e72b6751b07}",
        ],
        &[],
    ] {
        let desk = Desk::new(&[]);
        let mut command = desk.command(&[], &desk.pinentry.program());
        command.args(arguments);
        assert_eq!(Host::of(command).ask(&quit).0, json!({}));
    }
}

/// The window does not outlive the page that asked, and a PIN typed into it goes nowhere.
#[test]
fn the_window_ends_with_the_browser() {
    let desk = Desk::new(&["hang"]);
    let mut host = desk.host().greeted();
    host.send(&authenticate());
    desk.pinentry.wait_for(1);
    assert_eq!(desk.pinentry.running().len(), 1);
    host.leave();
    assert_eq!(host.end(), (0, String::new()), "nobody is there to be answered");
    until_within(Duration::from_secs(2), "the window is closed", || desk.pinentry.running().is_empty());
    assert_eq!((desk.verifications(), desk.tries()), (0, 3));
}

/// Two answers could not be told apart: both requests are refused, and the window is closed.
#[test]
fn a_second_request_ends_both() {
    for second in [authenticate().to_string(), "x".to_owned()] {
        let desk = Desk::new(&["hang"]);
        let mut host = desk.host().greeted();
        host.send(&authenticate());
        desk.pinentry.wait_for(1);
        host.send_bytes(&framed(u32::try_from(second.len()).unwrap(), second.as_bytes()));
        let answer = host.answer();
        assert_eq!(code(&answer), FATAL);
        assert_eq!(answer["error"]["message"], "a second request");
        assert_eq!(host.end().0, 2);
        until_within(Duration::from_secs(2), "the window is closed", || desk.pinentry.running().is_empty());
        assert_eq!((desk.verifications(), desk.tries()), (0, 3));
    }
    // Sent in one piece with the first.
    let desk = Desk::new(&["hang"]);
    let mut host = desk.host().greeted();
    let one = authenticate().to_string();
    let one = framed(u32::try_from(one.len()).unwrap(), one.as_bytes());
    host.send_bytes(&[one.clone(), one].concat());
    assert_eq!(code(&host.answer()), FATAL);
    assert_eq!((host.end().0, desk.verifications(), desk.tries()), (2, 0, 3));
    assert!(desk.pinentry.running().is_empty());
}

/// Two pages: the second is told that the first one's window is open, and gets no window for a PIN over it.
#[test]
fn two_hosts_at_once_ask_for_one_pin() {
    let desk = Desk::new(&["wait first-may-end"]);
    std::fs::create_dir_all(desk.path().join(".local/share/cie")).unwrap();
    let mut first = desk.host().greeted();
    first.send(&authenticate());
    desk.pinentry.wait_for(1);
    desk.pinentry.will(&["read"]);
    let second = desk.command(&[], &desk.pinentry.program());
    let (answer, status, said) = Host::of(second).ask(&authenticate());
    assert_eq!((code(&answer), status), (FATAL, 2));
    assert!(said.contains("other-request"), "{said}");
    assert_eq!(desk.pinentry.kinds(), ["GETPIN", "MESSAGE"]);
    assert!(desk.pinentry.shown()[1].text.contains("Another window of this program is open"));
    desk.pinentry.will(&["pin 12345678"]);
    desk.pinentry.go_on("first-may-end");
    assert_eq!(code(&first.answer()), "no error");
    assert_eq!(first.end().0, 0);
    desk.pinentry.check_end(&[PIN]);
}

/// An extension may take a program that ends at once for one that never answered (version 2.2 of the published one does).
#[test]
fn the_browser_closes_first() {
    let desk = Desk::new(&["cancel"]);
    let mut host = desk.host().greeted();
    host.send(&authenticate());
    assert_eq!(code(&host.answer()), "ERR_WEBEID_USER_CANCELLED");
    std::thread::sleep(Duration::from_millis(500));
    assert!(host.is_running());
    // One that does not close is not waited for without end.
    until_within(Duration::from_secs(4), "the host ends by itself", || !host.is_running());
}

/// Whoever ends the host ends its window.
#[test]
fn the_window_ends_with_its_host() {
    let desk = Desk::new(&["hang"]);
    let mut host = desk.host().greeted();
    host.send(&authenticate());
    desk.pinentry.wait_for(1);
    let ended = std::process::Command::new("kill").arg(host.id().to_string()).status().unwrap();
    assert!(ended.success());
    until_within(Duration::from_secs(4), "the window is closed", || desk.pinentry.running().is_empty());
    until_within(Duration::from_secs(4), "the host ends", || !host.is_running());
    assert_eq!((desk.verifications(), desk.tries()), (0, 3));
    // One that was asked nothing yet ends as well.
    let mut host = desk.host().greeted();
    let ended = std::process::Command::new("kill").arg(host.id().to_string()).status().unwrap();
    assert!(ended.success());
    until_within(Duration::from_secs(4), "the host ends", || !host.is_running());
}

/// A pinentry that is a script around the real one cannot be closed, but nobody waits for it, and what is typed into
/// it goes nowhere.
#[test]
fn a_host_does_not_wait_for_a_wrapped_window() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new(&["wait late", "pin 12345678"]);
    let wrapper = desk.path().join("wrapper");
    let script = format!("#!/bin/sh\n\"{}\"\nexit 0\n", desk.pinentry.program().display());
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut host = desk.host_by(&wrapper).greeted();
    host.send(&authenticate());
    desk.pinentry.wait_for(1);
    host.leave();
    until_within(Duration::from_secs(5), "the host ends", || !host.is_running());
    desk.pinentry.go_on("late");
    until_within(Duration::from_secs(5), "it was typed", || desk.pinentry.running().is_empty());
    assert_eq!((desk.verifications(), desk.tries()), (0, 3));
}

/// By hand there is no browser: the reason in words, and nothing of the protocol on the screen.
#[test]
fn at_a_terminal_it_says_who_starts_it() {
    let script = format!("{} --lang it web-eid host", env!("CARGO_BIN_EXE_cie"));
    let output = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &script, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script of util-linux");
    let said = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    assert!(said.contains("lo avvia il browser") && said.contains("cie web-eid install"), "{said}");
    assert!(!said.contains("version"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn answers_are_json_objects_whatever_was_asked() {
    for request in [
        json!(null),
        json!({ "command": "authenticate" }),
        json!({ "command": "sign", "arguments": {} }),
        json!({ "command": "\u{0}", "arguments": {} }),
        json!({ "command": "status", "arguments": {} }),
        Value::String("x".repeat(8000)),
        serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap(),
    ] {
        let desk = Desk::new(&[]);
        let mut host = desk.host().greeted();
        host.send(&request);
        let answer = host.answer();
        // Shorter than any message that a browser sends: "null".
        assert_eq!(code(&answer), FATAL, "{request}");
        assert!(!answer.to_string().contains("xxxx"), "nothing of it is repeated");
        assert_eq!(host.end().0, 2);
        nobody_was_asked(&desk);
    }
}
