//! Killed at every step: nothing that was promised is lost, nothing is settled twice, no PIN try goes astray.
//!
//! strace kills the process (SIGKILL) as it enters a system call, once for each call that it makes when left alone. Then
//! a new process does what is left to do, and Python's sqlite3 is asked what there is. Calls that change nothing leave
//! the same behind as the next one that does, so they are passed over; `CIE_EXHAUSTIVE=1` takes them as well.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{CONFIRM, Place, present, python, said};

/// The calls that change files, or come between two that do.
const CHANGING: &str = "write,writev,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,\
    unlink,unlinkat,open,openat,creat,mkdir,mkdirat,link,linkat,chmod,fchmod,fchmodat,fchown,flock,exit_group";

/// What Python finds in a place: the ledger's payments with their notices, and the outbox's orders. The key of a
/// folder says whether it is as the killed process left it.
const LOOK: &str = r#"
import json, os, sqlite3, sys
def look(path, *queries):
    if not os.path.exists(path):
        return [[] for query in queries]
    db = sqlite3.connect(path)
    # An empty file is a database without tables: nothing was committed.
    if not db.execute("SELECT * FROM sqlite_schema").fetchall():
        return [[] for query in queries]
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
    assert not db.execute("PRAGMA foreign_key_check").fetchall(), path
    return [db.execute(query).fetchall() for query in queries]
found = {}
for folder in json.loads(sys.argv[1]):
    payments, notices, odd = look(folder + "/ledger.db",
        "SELECT order_id, total, receipt FROM payment",
        "SELECT creditor, number, amount, receipt FROM notice ORDER BY creditor",
        "SELECT receipt FROM payment p WHERE total != (SELECT sum(amount) FROM notice n WHERE n.receipt = p.receipt)")
    assert not odd, folder
    confirmed, = look(folder + "/outbox.db", "SELECT order_id, receipt, refused FROM confirmed")
    found[folder] = {"payments": payments, "notices": notices, "confirmed": confirmed}
print(json.dumps(found))
"#;

/// Each step of a command: a system call, and the how-manieth of its kind.
fn steps(place: &Place, arguments: &[&str]) -> Vec<(String, usize)> {
    let calls = if exhaustive() { "trace=all" } else { &format!("trace={}", existing(CHANGING)) };
    let output = place.strace(&["-e", calls], arguments);
    assert!(output.status.success(), "{}", said(&output));
    let mut seen = BTreeMap::<String, usize>::new();
    let mut steps = Vec::new();
    for line in fs::read_to_string(place.path("strace.txt")).unwrap().lines() {
        let call = line.split_once(' ').unwrap().1.trim_start();
        let Some((name, _)) = call.split_once('(') else { continue };
        if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            let count = seen.entry(name.to_owned()).or_default();
            *count += 1;
            // The call that becomes the example is strace's own.
            if name != "execve" {
                steps.push((name.to_owned(), *count));
            }
        }
    }
    assert!(steps.iter().any(|(name, _)| name == "exit_group") && steps.len() > 40, "{}", steps.len());
    steps
}

/// A question mark lets strace pass over what this machine's kernel has not.
fn existing(calls: &str) -> String {
    calls.split(',').map(|call| format!("?{call}")).collect::<Vec<_>>().join(",")
}

fn exhaustive() -> bool {
    std::env::var_os("CIE_EXHAUSTIVE").is_some_and(|value| value == "1")
}

/// Kills the command in this place at a step, and gives what it had said by then.
fn kill_at((call, count): &(String, usize), place: &Place, arguments: &[&str]) -> String {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when={count}"));
    let output = place.strace(&["-e", &trace, "-e", &inject], arguments);
    // How often memory is asked for, say, may differ from run to run; what changes something may not.
    let ended = output.status.success() && exhaustive() && !CHANGING.split(',').any(|name| name == call);
    assert!(ended || output.status.signal() == Some(9), "at {call} {count}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What was said, and where to look.
struct Killed {
    step: String,
    said: String,
    before: String,
    after: String,
}

/// Kills a command at each of its steps, each time in a new copy of the place; then recovers, and looks.
fn kill_everywhere(
    start: &Place,
    folder: &Path,
    arguments: &[&str],
    recover: impl Fn(&Place, &str),
) -> (Vec<Killed>, Value) {
    let alone = start.copied_to(&folder.join("alone"));
    let mut killed = Vec::new();
    for (index, step) in steps(&alone, arguments).iter().enumerate() {
        let place = start.copied_to(&folder.join(index.to_string()));
        let said = kill_at(step, &place, arguments);
        // Whoever looks into a database that was left behind repairs it. So a copy is looked at.
        let before = folder.join(format!("{index}-killed"));
        keep_databases(&place.path(""), &before);
        recover(&place, &format!("{step:?}"));
        let after = folder.join(format!("{index}-recovered"));
        keep_databases(&place.path(""), &after);
        fs::remove_dir_all(place.path("")).unwrap();
        let text = |folder: &Path| folder.to_str().unwrap().to_owned();
        killed.push(Killed { step: format!("{step:?}"), said, before: text(&before), after: text(&after) });
    }
    let folders: Vec<&str> = killed.iter().flat_map(|killed| [&*killed.before, &*killed.after]).collect();
    let found = python(LOOK, &json!(folders));
    (killed, found)
}

/// Killed processes lose nothing that they wrote, on whatever disk, so the quickest will do. (Power cuts are SQLite's
/// own tests' to try; what is asked of it here is in `database.rs`.)
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() && !exhaustive() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Copies the databases of a folder, with their journals.
fn keep_databases(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name.to_str().unwrap().contains(".db") {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn count(found: &Value, folder: &str, what: &str) -> usize {
    found[folder][what].as_array().unwrap().len()
}

fn settled_once(found: &Value, killed: &Killed, id: &str) {
    let expected = json!({
        "payments": [[id, 17_500, 1]],
        "notices": [["00087640256", "001721265093769322", 8_750, 1], ["03334231200", "302032002700000251", 8_750, 1]],
        "confirmed": [[id, 1, null]],
    });
    assert_eq!(found[&killed.after], expected, "killed at {}", killed.step);
}

/// The identifier in an order's file.
fn id_of(place: &Place) -> String {
    let text = fs::read_to_string(place.path("order.txt")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("id ")).unwrap().to_owned()
}

/// As the card's file says. It is not opened as a card: its lock would go on to processes that other tests start just
/// then, and the card be in use for a moment longer.
fn tries(place: &Place) -> u64 {
    let card: Value = serde_json::from_slice(&fs::read(place.path("card.json")).unwrap()).unwrap();
    card["card"]["pin_tries"].as_u64().unwrap()
}

#[test]
fn a_channel_that_is_killed_loses_no_confirmed_order() {
    let folder = scratch();
    let start = Place::with_order(&folder.path().join("start"));
    let id = id_of(&start);
    let (killed, found) = kill_everywhere(&start, folder.path(), &CONFIRM, |place, step| {
        // One PIN at most was on its way, and none was lost that was right.
        assert!((2..=3).contains(&tries(place)), "killed at {step}");
        let screen = place.succeed(&CONFIRM);
        assert!(screen.contains("CONFIRMED"), "killed at {step}: {screen}");
        place.succeed(&present());
        assert_eq!(tries(place), 3, "killed at {step}");
    });
    let (mut told, mut kept) = (0, 0);
    for killed in &killed {
        let was_told = killed.said.contains("CONFIRMED, pending");
        let was_kept = count(&found, &killed.before, "confirmed") == 1;
        assert!(was_kept || !was_told, "killed at {}: the promise was lost", killed.step);
        assert_eq!(count(&found, &killed.before, "payments"), 0);
        settled_once(&found, killed, &id);
        (told, kept) = (told + usize::from(was_told), kept + usize::from(was_kept));
    }
    // Every stage was seen: not kept yet, kept and not told yet, and told.
    assert!(0 < told && told < kept && kept < killed.len(), "{told} {kept} {}", killed.len());
}

#[test]
fn a_ledger_that_is_killed_settles_nothing_twice() {
    let folder = scratch();
    let start = Place::with_order(&folder.path().join("start"));
    let id = id_of(&start);
    start.succeed(&CONFIRM);
    let (killed, found) = kill_everywhere(&start, folder.path(), &present(), |place, step| {
        let first = place.succeed(&present());
        assert!(first.is_empty() || first.contains("receipt 1"), "killed at {step}: {first}");
        // What has its receipt is not presented again.
        assert_eq!(place.succeed(&present()), "", "killed at {step}");
    });
    let (mut told, mut settled, mut heard) = (0, 0, 0);
    for killed in &killed {
        let was_told = killed.said.contains("PAID");
        let was_settled = count(&found, &killed.before, "payments") == 1;
        let was_heard = found[&killed.before]["confirmed"][0][1] == 1;
        // The money first, then the channel's own note, then the word.
        assert!(was_settled || !was_heard, "killed at {}", killed.step);
        assert!(was_heard || !was_told, "killed at {}", killed.step);
        let notices = count(&found, &killed.before, "notices");
        assert_eq!(notices, if was_settled { 2 } else { 0 }, "killed at {}", killed.step);
        settled_once(&found, killed, &id);
        told += usize::from(was_told);
        settled += usize::from(was_settled);
        heard += usize::from(was_heard);
    }
    assert!(
        0 < told && told < heard && heard < settled && settled < killed.len(),
        "{told} {heard} {settled}"
    );
}
