//! The files themselves: that there is one, that it is whole, the example's own, and its owner's only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use crate::ledger::Ledger;
use crate::process::{CONFIRM, Place, TILL, binary, python, said, settle};

/// A place with a signed order.
fn signed(folder: &Path) -> Place {
    let place = Place::with_order(folder);
    place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    place
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], why: &str) {
    let output = place.run(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty() && said(&output).contains(why), "{}", said(&output));
}

#[test]
fn what_sqlite_takes_for_memory_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    let (outbox, ledger) = (":memory:", "file:x?mode=memory");
    let confirm = CONFIRM.map(|word| if word == "outbox.db" { outbox } else { word });
    assert!(
        place.succeed(&[&confirm[..], &["--out", "signed.json"]].concat()).contains("CONFIRMED, pending")
    );
    assert!(place.succeed(&confirm).contains("CONFIRMED BEFORE"));
    let with = |ledger| {
        settle("signed.json").into_iter().map(move |word| if word == "ledger.db" { ledger } else { word })
    };
    assert!(place.succeed(&with(ledger).collect::<Vec<_>>()).contains("PAID"));
    // Python takes a whole path as it is.
    let count = "import json, sqlite3, sys\nprint(sqlite3.connect(json.loads(sys.argv[1])).execute('SELECT count(*) FROM notice').fetchone()[0])";
    assert_eq!(python(count, &json!(place.path(ledger).to_str().unwrap())), json!(2));
    assert!(place.succeed(&["ledger", ledger]).contains("receipt 1"));
    assert!(place.succeed(&with(outbox.trim_end_matches(':')).collect::<Vec<_>>()).contains("PAID"));
    assert!(place.path(":memory").exists());
}

#[test]
fn what_was_changed_by_another_program_is_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    for change in [
        "CREATE TRIGGER once AFTER INSERT ON notice BEGIN DELETE FROM notice; END",
        "CREATE VIEW paid AS SELECT * FROM payment",
        "CREATE TABLE other (a)",
        "CREATE INDEX other ON payment (total)",
        "DROP TABLE notice",
        "DROP TABLE notice; CREATE TABLE notice (creditor TEXT, number TEXT, amount INTEGER, receipt INTEGER)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 0",
        "DROP TABLE notice; DROP TABLE payment; PRAGMA user_version = 0; PRAGMA application_id = 0",
    ] {
        drop(Ledger::open(&place.path("ledger.db")).unwrap());
        Connection::open(place.path("ledger.db")).unwrap().execute_batch(change).unwrap();
        refused(&place, &settle("signed.json"), "ledger.db: the file is of another program or version");
        refused(&place, &["ledger", "ledger.db"], "ledger.db: the file is of another program or version");
        fs::remove_file(place.path("ledger.db")).unwrap();
    }
    // A journal of another kind is made the usual one, if nobody else needs it.
    drop(Ledger::open(&place.path("ledger.db")).unwrap());
    let mode = |sql| {
        let connection = Connection::open(place.path("ledger.db")).unwrap();
        connection.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(mode("PRAGMA journal_mode = WAL"), "wal");
    assert!(place.succeed(&settle("signed.json")).contains("PAID"));
    assert_eq!(mode("PRAGMA journal_mode"), "delete");
}

#[test]
fn an_emptied_ledger_is_not_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    place.succeed(&settle("signed.json"));
    fs::OpenOptions::new().write(true).truncate(true).open(place.path("ledger.db")).unwrap();
    refused(&place, &settle("signed.json"), "ledger.db: the file is empty");
    // One that is gone with its journal left behind is none either.
    fs::rename(place.path("ledger.db"), place.path("ledger.db-journal")).unwrap();
    refused(&place, &settle("signed.json"), "there is a journal");
    assert!(!place.path("ledger.db").exists());
}

#[test]
fn looking_makes_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    for command in ["ledger", "outbox"] {
        refused(&place, &[command, "none.db"], "none.db");
    }
    let present = [&["present", "--outbox", "none.db"], &TILL[..]].concat();
    refused(&place, &present, "none.db");
    assert!(!place.path("none.db").exists());
    // A disk that cannot be written says so to whoever opens a file to write.
    place.succeed(&settle("signed.json"));
    for (command, file) in [("ledger", "ledger.db"), ("outbox", "outbox.db")] {
        let path = place.path(file);
        let options = ["-P", path.to_str().unwrap(), "-e", "inject=openat:error=EROFS:when=1"];
        let output = place.strace(&options, &[command, file]);
        assert!(output.status.success() && said(&output).contains("TEST"), "{}", said(&output));
        let trace = fs::read_to_string(place.path("strace.txt")).unwrap();
        assert!(trace.contains("EROFS") && trace.contains("O_RDONLY"), "{trace}");
    }
}

#[test]
fn files_are_their_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    for name in ["order.txt", "signed.json", "outbox.db"] {
        assert_eq!(fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    place.succeed(&settle("signed.json"));
    fs::set_permissions(place.path("ledger.db"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&place, &settle("signed.json"), "ledger.db: other people may read");
    // Nothing half made is left beside them.
    let names: Vec<String> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with(".payment-")), "{names:?}");
}

#[test]
fn nobody_waits_for_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    for name in ["pipe", "lists/pipe"] {
        assert!(Command::new("mkfifo").arg(place.path(name)).status().unwrap().success());
    }
    let ledger = [&["settle", "signed.json"], &TILL[..6], &["pipe"]].concat();
    let trust = ["--trust", "trust", "--allow-test-pki"];
    let verify = [&["verify", "pipe"], &trust[..]].concat();
    let confirm = CONFIRM.map(|word| if word == "order.txt" { "pipe" } else { word });
    for arguments in
        [&verify[..], &confirm, &settle("signed.json"), &ledger, &["ledger", "pipe"], &["outbox", "pipe"]]
    {
        let mut command = Command::new("timeout");
        command.arg("10").arg(binary()).args(arguments).current_dir(place.path(""));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("pipe: not a file"), "{}", said(&output));
    }
}

#[test]
fn opening_a_ledger_takes_nobodys_lock_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path).unwrap());
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Closing any descriptor of the file would end the locks that this process has on it.
    drop(Ledger::open(&path).unwrap());
    drop(Ledger::open_to_read(&path).unwrap());
    let lock = "import json, sqlite3, sys\ntry:\n    sqlite3.connect(json.loads(sys.argv[1]), isolation_level=None, timeout=0).execute('BEGIN IMMEDIATE')\n    print('1')\nexcept sqlite3.OperationalError as error:\n    print(json.dumps(str(error)))";
    assert_eq!(python(lock, &json!(path.to_str().unwrap())), json!("database is locked"));
    holder.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn a_full_disk_settles_nothing_and_says_which_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    drop(Ledger::open(&place.path("ledger.db")).unwrap());
    let path = place.path("ledger.db");
    let options = ["-P", path.to_str().unwrap(), "-e", "inject=pwrite64:error=ENOSPC"];
    let output = place.strace(&options, &settle("signed.json"));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty() && said(&output).contains("ledger.db: "), "{}", said(&output));
    assert!(place.succeed(&settle("signed.json")).contains("receipt 1"));
}

#[test]
fn looking_after_a_crash_shows_what_was_settled_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = signed(&folder.path().join("place"));
    drop(Ledger::open(&place.path("ledger.db")).unwrap());
    // All is written, and the journal, whose end commits, is still there.
    let options = ["-e", "inject=unlink:signal=SIGKILL:when=1"];
    let output = place.strace(&options, &settle("signed.json"));
    assert!(!output.status.success() && place.path("ledger.db-journal").exists(), "{}", said(&output));
    assert_eq!(place.succeed(&["ledger", "ledger.db"]), "");
    assert!(place.succeed(&settle("signed.json")).contains("receipt 1"));
}
