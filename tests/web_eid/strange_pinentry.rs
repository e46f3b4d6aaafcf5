//! A pinentry that does not do what it should: the request ends, the card is untouched, nothing hangs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::host::{Desk, authenticate, code};

/// A pinentry in a line of shell, behind its greeting.
fn pinentry(desk: &Desk, script: &str) -> PathBuf {
    let path = desk.path().join("strange");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Answers every line with OK, but for GETPIN.
fn at_getpin(answer: &str) -> String {
    format!(
        "echo 'OK hello'; while read -r line; do case \"$line\" in GETPIN) {answer};; BYE) exit;; *) echo OK;; esac; done"
    )
}

#[track_caller]
fn outcome(script: &str) -> (String, i32, String) {
    let desk = Desk::new(&[]);
    let host = desk.host_by(&pinentry(&desk, script));
    let (answer, status, said) = host.ask(&authenticate());
    assert_eq!((desk.verifications(), desk.tries()), (0, 3), "{script}");
    (code(&answer).to_owned(), status, said)
}

const FATAL: &str = "ERR_WEBEID_NATIVE_FATAL";
const CANCELLED: &str = "ERR_WEBEID_USER_CANCELLED";

#[test]
fn it_ends_or_talks_nonsense() {
    let long = "head -c 5000 /dev/zero | tr '\\0' 1; echo";
    for script in [
        "exit 0".to_owned(),
        "exit 1".to_owned(),
        "echo hello; cat >/dev/null".to_owned(),
        "echo 'ERR 83918950 Inappropriate ioctl for device'; cat >/dev/null".to_owned(),
        "printf 'OK'".to_owned(),
        "printf '\\377\\376\\n'; cat >/dev/null".to_owned(),
        "yes '# comment'".to_owned(),
        "yes 'S PROGRESS'".to_owned(),
        format!("{long}; cat >/dev/null"),
        "while :; do head -c 100 /dev/zero; done".to_owned(),
        at_getpin("exit 0"),
        at_getpin("echo 'INQUIRE QUALITY 12345678'"),
        at_getpin("yes 'D 1'"),
        at_getpin("echo 'D 12345678'; exit 0"),
        at_getpin("echo 'ERR x'"),
        at_getpin("echo 'ERR 83918950 Inappropriate ioctl for device'"),
        at_getpin(&format!("printf 'D '; {long}; echo OK")),
    ] {
        let (code, status, said) = outcome(&script);
        assert_eq!((code.as_str(), status), (FATAL, 2), "{script}: {said}");
        assert!(said.contains("pinentry-failed"), "{script}: {said}");
        assert!(!said.contains("12345678") && !said.contains("1111"), "{said}");
    }
}

#[test]
fn it_says_that_nobody_was_there() {
    for (answer, expected) in [
        ("echo 'ERR 83886179 Operation cancelled <Pinentry>'", CANCELLED),
        ("echo 'ERR 83886142 Timeout <Pinentry>'", CANCELLED),
        // A source other than pinentry.
        ("echo 'ERR 99 Operation cancelled'", CANCELLED),
    ] {
        let (code, status, said) = outcome(&at_getpin(answer));
        assert_eq!((code.as_str(), status), (expected, 0), "{answer}: {said}");
    }
}

/// It has to show what the person must see. The rest is for those that can.
#[test]
fn it_does_not_know_a_command() {
    let but = |refused: &str, pin: &str| {
        format!(
            "echo OK; while read -r line; do case \"$line\" in {refused}*) echo 'ERR 83886355 Unknown IPC command';; \
             GETPIN) {pin};; BYE) exit;; *) echo OK;; esac; done"
        )
    };
    let cancel = "echo 'ERR 83886179 cancelled'";
    for optional in ["OPTION", "GETINFO", "SETTITLE", "SETOK", "SETCANCEL", "SETPROMPT", "SETTIMEOUT"] {
        assert_eq!(outcome(&but(optional, cancel)).0, CANCELLED, "{optional}");
    }
    for required in ["SETDESC", "GETPIN"] {
        assert_eq!(outcome(&but(required, cancel)).0, FATAL, "{required}");
    }
}

#[test]
fn it_is_not_there() {
    let desk = Desk::new(&[]);
    for missing in ["/nowhere/pinentry", "no-such-pinentry-anywhere", "/", "/etc/passwd"] {
        let host = desk.host_by(missing.as_ref());
        let (answer, status, said) = host.ask(&authenticate());
        assert_eq!((code(&answer), status), (FATAL, 2), "{missing}");
        assert!(said.contains("no-pinentry") && said.contains("pinentry-gnome3"), "{said}");
    }
    assert_eq!(desk.tries(), 3);
}
