//! What reaches a terminal and a shell: nothing that they obey, a status that means one thing, an echo that is back.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::process::{CONFIRM, Place, binary, present, python, said, settle};
use crate::scene::{PIN, TAX};

fn signed(folder: &tempfile::TempDir) -> Place {
    let place = Place::with_order(&folder.path().join("place"));
    place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    place
}

#[track_caller]
fn harmless(output: &Output) {
    let text = said(output);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn what_others_wrote_moves_no_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder);
    let escape = "\u{1B}[2J\u{9B}31mPAGATO\r";
    let trust = ["--trust", "trust", "--allow-test-pki"];
    // A member of hostile JSON, and the name of its file.
    let mut hostile: Value = serde_json::from_slice(&fs::read(place.path("signed.json")).unwrap()).unwrap();
    hostile[escape] = json!(1);
    for name in ["hostile.json", escape] {
        fs::write(place.path(name), hostile.to_string()).unwrap();
        let output = place.run(&[&["verify", name], &trust[..]].concat());
        harmless(&output);
        assert!(
            said(&output).contains("line 1 column") && !said(&output).contains("PAGATO"),
            "{}",
            said(&output)
        );
    }
    let output = place.run(&[&["verify", "\u{1B}none"], &trust[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    harmless(&output);
    // What stands in databases.
    place.succeed(&settle("signed.json"));
    for (file, command, sql) in [
        ("outbox.db", "outbox", "UPDATE confirmed SET refused = ?1"),
        ("outbox.db", "outbox", "UPDATE confirmed SET order_id = ?1"),
        ("ledger.db", "ledger", "UPDATE payment SET channel = ?1"),
        ("ledger.db", "ledger", "UPDATE payment SET channel = 'web', order_id = ?1"),
    ] {
        assert_eq!(Connection::open(place.path(file)).unwrap().execute(sql, [escape]).unwrap(), 1);
        let output = place.run(&[command, file]);
        harmless(&output);
        assert!(command == "outbox" || output.status.code() == Some(2), "{sql}: {}", said(&output));
    }
    let output = place.run(&CONFIRM);
    harmless(&output);
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_status_means_one_thing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    let output = place.run(&CONFIRM.map(|word| if word == "pin.txt" { "wrong.txt" } else { word }));
    assert_eq!(status(&output), 2, "there is no such file");
    fs::write(place.path("wrong.txt"), "87654321\n").unwrap();
    let wrong = CONFIRM.map(|word| if word == "pin.txt" { "wrong.txt" } else { word });
    // A file that exists already is said before anything costs a try.
    let output = place.run(&[&wrong[..], &["--out", "order.txt"]].concat());
    assert!(status(&output) == 2 && said(&output).contains("exists already"), "{}", said(&output));
    let output = place.run(&[&wrong[..], &["--out", "none/signed.json"]].concat());
    assert_eq!(status(&output), 2, "{}", said(&output));
    for _ in 0..2 {
        let output = place.run(&wrong);
        assert_eq!(status(&output), 5, "{}", said(&output));
        assert!(
            said(&output).contains("Il PIN è errato") && said(&output).contains("The PIN is wrong"),
            "{}",
            said(&output)
        );
    }
    let output = place.run(&CONFIRM);
    assert_eq!(status(&output), 2, "the last try: {}", said(&output));
    place.succeed(&[&CONFIRM[..], &["--last-try", "--out", "signed.json"]].concat());
    assert!(place.succeed(&["outbox", "outbox.db"]).contains("waiting  (TEST"));

    // Nothing is known: it waits.
    fs::create_dir(place.path("none")).unwrap();
    let none = |arguments: Vec<&'static str>| -> Vec<&str> {
        arguments.into_iter().map(|word| if word == "lists" { "none" } else { word }).collect()
    };
    let output = place.run(&none(present()));
    assert!(
        status(&output) == 7 && said(&output).contains("WAITS") && said(&output).contains("TEST"),
        "{}",
        said(&output)
    );
    assert_eq!(status(&place.run(&none(settle("signed.json")))), 7);
    // Paid, and paid before.
    assert_eq!(status(&place.run(&settle("signed.json"))), 0);
    let output = place.run(&settle("signed.json"));
    assert!(status(&output) == 1 && said(&output).contains("receipt 1  (TEST"), "{}", said(&output));
    assert_eq!(status(&place.run(&present())), 0);
    assert!(place.succeed(&CONFIRM).contains("TEST"));
    // Another order for a notice that was paid.
    place.order("again.txt", &[TAX]);
    let again = CONFIRM.map(|word| if word == "order.txt" { "again.txt" } else { word });
    place.succeed(&again);
    let output = place.run(&present());
    assert!(status(&output) == 1 && said(&output).contains("REFUSED"), "{}", said(&output));
    let line = said(&output).lines().find(|line| line.contains("REFUSED")).unwrap().to_owned();
    assert!(line.contains("TEST"), "{line}");
    // Something that is no card.
    let output =
        place.run(&CONFIRM.map(|word| if word == "soft:card.json" { "no such reader" } else { word }));
    assert_eq!(status(&output), 3, "{}", said(&output));
}

/// With standard output as one that takes nothing.
fn run_to(out: impl Into<Stdio>, place: &Place, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(place.path("")).stdin(Stdio::null()).stdout(out);
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    (status(&output), said(&output))
}

fn full() -> fs::File {
    fs::OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// One that nobody reads any more.
fn broken() -> OwnedFd {
    UnixStream::pair().unwrap().0.into()
}

#[test]
fn what_cannot_be_shown_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder);
    let again = place.copied_to(&folder.path().join("again"));
    let broke = place.copied_to(&folder.path().join("broken"));
    for (status, text) in [run_to(full(), &place, &settle("signed.json")), run_to(full(), &again, &present())]
    {
        assert!(status == 8 && text.contains("settled, but that could not be shown"), "{status}: {text}");
    }
    let (status, text) = run_to(broken(), &broke, &settle("signed.json"));
    assert!(status == 8 && text.contains("settled, but"), "{status}: {text}");
    assert!(again.succeed(&["outbox", "outbox.db"]).contains("receipt 1"));
    // What changes nothing can be asked for again: nobody reading is no error, a full disk is one.
    for arguments in [&["ledger", "ledger.db"][..], &["outbox", "outbox.db"], &["notice", TAX.0]] {
        assert_eq!(run_to(broken(), &place, arguments), (0, "\n".to_owned()), "{arguments:?}");
        let (status, text) = run_to(full(), &place, arguments);
        assert!(status == 2 && text.contains("payment: "), "{arguments:?}: {status}: {text}");
    }
    // An order that nobody sees is signed by nobody.
    place.order("unseen.txt", &[crate::scene::CANTEEN]);
    for (status, text) in [
        run_to(full(), &place, &CONFIRM.map(|word| if word == "order.txt" { "unseen.txt" } else { word })),
        run_to(broken(), &place, &CONFIRM.map(|word| if word == "order.txt" { "unseen.txt" } else { word })),
    ] {
        assert!(status == 2 && text.contains("the terminal"), "{status}: {text}");
    }
    assert_eq!(place.succeed(&["outbox", "outbox.db"]).lines().count(), 1);
}

/// Somebody at a terminal, who types something before the question (`ahead`), and something at it.
const TYPING: &str = r#"
import fcntl, json, os, pty, select, sys, termios, time
folder, command, ahead, answer = json.loads(sys.argv[1])
os.chdir(folder)
master, slave = pty.openpty()
os.write(master, ahead.encode())
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(slave, descriptor)
    os.execv(command[0], command)
shown, ended, until = b"", None, time.time() + 30
while ended is None and time.time() < until:
    if select.select([master], [], [], 0.05)[0]:
        shown += os.read(master, 4096)
    elif answer and b"PIN: " in shown.split(b"\n")[-1]:
        time.sleep(0.3)
        os.write(master, answer.encode())
        answer = None
    pid, status = os.waitpid(child, os.WNOHANG)
    ended = os.waitstatus_to_exitcode(status) if pid else None
while select.select([master], [], [], 0.1)[0]:
    shown += os.read(master, 4096)
print(json.dumps([shown.decode(), ended, bool(termios.tcgetattr(slave)[3] & termios.ECHO)]))
"#;

#[test]
fn ctrl_c_gives_the_echo_back_and_a_pin_typed_ahead_is_not_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    let binary = binary();
    let command = [&[binary.to_str().unwrap()], &CONFIRM[..CONFIRM.len() - 2]].concat();
    for ahead in ["", &format!("{PIN}\n")] {
        let outcome = python(TYPING, &json!([place.path("").to_str().unwrap(), command, ahead, "\u{3}"]));
        let shown = outcome[0].as_str().unwrap();
        assert_eq!((&outcome[1], &outcome[2]), (&json!(2), &json!(true)), "{shown}");
        assert!(shown.contains("no PIN was entered") && !shown.contains("CONFIRMED"), "{shown}");
    }
    let card: Value = serde_json::from_slice(&fs::read(place.path("card.json")).unwrap()).unwrap();
    assert_eq!(card["card"]["pin_tries"], 3);
}
