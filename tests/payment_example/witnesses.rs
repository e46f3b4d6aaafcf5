//! Programs that we did not write: OpenSSL verifies what was signed, Python reads the ledger, and several processes
//! settle at once.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::{CONFIRM, Place, TILL, binary, present, python, said, settle};
use crate::scene::{CANTEEN, TAX};

fn openssl(arguments: &[&str], place: &Place) -> (bool, String) {
    let output =
        Command::new("openssl").args(arguments).current_dir(place.path("")).output().expect("openssl");
    (output.status.success(), said(&output))
}

/// Takes a signed order apart.
const UNPACK: &str = r#"
import base64, json, sys
folder = json.loads(sys.argv[1])
signed = json.load(open(folder + "/signed.json"))
for name in "order", "certificate", "signature":
    open(folder + "/" + name + ".bin", "wb").write(base64.b64decode(signed[name], validate=True))
print(json.dumps([signed["format"], signed["algorithm"], sorted(signed)]))
"#;

#[test]
fn openssl_verifies_the_order_and_its_signer() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    let screen = place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    assert!(screen.contains("CONFIRMED, pending"));
    let members = python(UNPACK, &json!(place.path("").to_str().unwrap()));
    let names = ["algorithm", "certificate", "format", "order", "signature"];
    assert_eq!(members, json!(["cie-payment:1", "RS256", names]));
    // What is in it is the file that was shown, byte for byte.
    let order = fs::read(place.path("order.txt")).unwrap();
    assert_eq!(fs::read(place.path("order.bin")).unwrap(), order);

    let ran = |arguments: &[&str]| openssl(arguments, &place);
    let (good, text) = ran(&["x509", "-inform", "DER", "-in", "certificate.bin", "-out", "certificate.pem"]);
    assert!(good, "{text}");
    let (good, text) = ran(&["x509", "-in", "certificate.pem", "-pubkey", "-noout", "-out", "key.pem"]);
    assert!(good, "{text}");
    let signature = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature.bin"];
    let (good, text) = ran(&[&signature[..], &["order.bin"]].concat());
    assert!(good && text.contains("Verified OK"), "{text}");
    let anchors = ["-CAfile", "trust/holder/root.pem", "-untrusted", "trust/holder/intermediate/sub-ca.pem"];
    let (good, text) = ran(&[&["verify"], &anchors[..], &["certificate.pem"]].concat());
    assert!(good, "{text}");
    // And not what was changed.
    let other = String::from_utf8(order).unwrap().replace("channel kiosk", "channel web");
    fs::write(place.path("other.txt"), other).unwrap();
    let (good, _) = ran(&[&signature[..], &["other.txt"]].concat());
    assert!(!good);

    // Another channel takes it, if it takes software cards at all.
    let verify = ["verify", "signed.json", "--trust", "trust", "--allow-test-pki"];
    let said_of_it = place.succeed(&verify);
    assert!(said_of_it.contains("PENDING") && said_of_it.contains("TEST - NOT A REAL CARD"), "{said_of_it}");
    let output = place.run(&verify[..4]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty() && said(&output).contains("a test certificate"), "{}", said(&output));
    assert!(!place.path("ledger.db").exists(), "pending is not paid");
}

#[test]
fn the_demonstration_tells_the_whole_story() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("place"));
    let told = place.succeed(&["demo", "kept"]);
    let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words}: {told}"));
    assert!(at("TOTAL") < at("CONFIRMED, pending") && at("CONFIRMED, pending") < at("pending, 1.322,06 €"));
    assert!(at("pending, 1.322,06 €") < at("PAID: ricevuta / receipt 1"));
    assert!(
        at("PAID: ricevuta")
            < at("refused: ordine già regolato / this order was settled before: receipt 1  (TEST")
    );
    at(
        "refused: avviso già regolato / notice 001721265093769322 of 00087640256 was settled before: ricevuta / receipt 1",
    );
    let names: Value = serde_json::from_slice(&fs::read(place.path("kept/citizen.json")).unwrap()).unwrap();
    assert!(told.contains(names["fiscal_code"].as_str().unwrap()));
    // As the head of the example says.
    let (good, text) = openssl(
        &["dgst", "-sha256", "-verify", "kept/key.der", "-signature", "kept/signature.bin", "kept/order.txt"],
        &place,
    );
    assert!(good, "{text}");
}

const ROWS: &str = r#"
import json, sqlite3, sys
db = sqlite3.connect(json.loads(sys.argv[1]))
assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
payments = db.execute("SELECT receipt, order_id, total, channel, is_test, signed FROM payment").fetchall()
notices = db.execute("SELECT creditor, number, amount, receipt FROM notice ORDER BY number").fetchall()
# The key is the file's own, not the program's: no writer can get past it.
for insert in (
    "INSERT INTO notice SELECT creditor, number, 1, receipt FROM notice LIMIT 1",
    "INSERT INTO payment SELECT 99, order_id, zeroblob(32), payer, channel, total, settled_at, is_test, signed FROM payment",
    "UPDATE notice SET amount = 'much'",
):
    try:
        db.execute(insert)
        raise SystemExit(insert + " was taken")
    except sqlite3.IntegrityError:
        pass
print(json.dumps([payments, notices]))
"#;

#[test]
fn python_reads_the_ledger_and_its_keys_hold() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    let paid = place.succeed(&settle("signed.json"));
    assert!(paid.contains("PAID") && paid.contains("receipt 1") && paid.contains("175,00 €"), "{paid}");
    let found = python(ROWS, &json!(place.path("ledger.db").to_str().unwrap()));
    let signed = fs::read_to_string(place.path("signed.json")).unwrap();
    let [payments, notices] = [&found[0], &found[1]];
    assert_eq!(payments.as_array().unwrap().len(), 1);
    assert_eq!(json!(payments[0].as_array().unwrap()[2..]), json!([17_500, "kiosk", 1, signed]));
    assert_eq!(*notices, json!([[CANTEEN.1, CANTEEN.0, 8_750, 1], [TAX.1, TAX.0, 8_750, 1]]));

    // Once is once; the outbox takes it for settled.
    let again = place.run(&settle("signed.json"));
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("this order was settled before: receipt 1"), "{}", said(&again));
    assert!(place.succeed(&present()).contains("receipt 1"));
    assert!(place.succeed(&["outbox", "outbox.db"]).contains("receipt 1"));
    assert_eq!(place.succeed(&["ledger", "ledger.db"]).matches("PAID").count(), 1);
    #[cfg(unix)]
    for name in ["ledger.db", "outbox.db"] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

/// Starts the example several times at once, and gives what each said, and whether it succeeded.
fn at_once(place: &Place, commands: &[Vec<&str>]) -> Vec<(bool, String)> {
    let start = |arguments: &Vec<&str>| {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(place.path("")).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = commands.iter().map(start).collect();
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs.map(|output| (output.status.success(), said(&output))).collect()
}

#[test]
fn of_several_processes_at_once_one_settles() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("place"));
    // Two orders over the same notice, the second one over another notice as well.
    for (order, notices) in [("a", &[TAX][..]), ("b", &[CANTEEN, TAX])] {
        place.order("order.txt", notices);
        place.succeed(&[&CONFIRM[..], &["--out", &format!("{order}.json")]].concat());
        fs::remove_file(place.path("order.txt")).unwrap();
    }
    for _ in 0..12 {
        // Nobody has made the ledger yet: that is a race as well.
        drop(fs::remove_file(place.path("ledger.db")));
        let said = at_once(&place, &[settle("a.json"), settle("b.json"), settle("a.json"), settle("b.json")]);
        let won: Vec<usize> = (0..4).filter(|index| said[*index].0).collect();
        assert_eq!(won.len(), 1, "{said:?}");
        let winner = won[0] % 2;
        for (index, (good, said)) in said.iter().enumerate().filter(|(_, (good, _))| !good) {
            let expected = if index % 2 == winner { "this order was settled before" } else { "notice 3020" };
            assert!(!good && said.contains(expected) && said.contains("receipt 1"), "{said}");
        }
        let count = "import json, sqlite3, sys\nprint(sqlite3.connect(json.loads(sys.argv[1])).execute('SELECT count(*) FROM notice').fetchone()[0])";
        let notices = python(count, &json!(place.path("ledger.db").to_str().unwrap()));
        assert_eq!(notices, json!(winner + 1), "all notices of the winner and none of the other's");
    }
}

#[test]
fn whoever_finds_the_ledger_in_use_waits() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    drop(crate::ledger::Ledger::open(&place.path("ledger.db")).unwrap());
    assert_eq!(place.succeed(&["ledger", "ledger.db"]), "");
    // Python has the file for a second.
    let holding = "import sqlite3, sys, time\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
        db.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\ntime.sleep(1)\ndb.execute('ROLLBACK')";
    let mut python = Command::new("python3");
    python.args(["-c", holding, place.path("ledger.db").to_str().unwrap()]).stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut held = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut held)
        .unwrap();
    let begun = std::time::Instant::now();
    assert!(place.succeed(&settle("signed.json")).contains("PAID"));
    assert!(begun.elapsed() > std::time::Duration::from_millis(500), "it did not have to wait");
    assert!(child.wait().unwrap().success());
}

/// A person at a terminal: answers the question for the PIN, and gives all that was shown.
const AT_A_TERMINAL: &str = r#"
import json, os, pty, sys, time
folder, command, pin = json.loads(sys.argv[1])
os.chdir(folder)
child, terminal = pty.fork()
if child == 0:
    os.execv(command[0], command)
shown = b""
while True:
    try:
        more = os.read(terminal, 1000)
    except OSError:
        break
    if not more:
        break
    shown += more
    if pin and b"\nPIN: " in shown:
        # No person types before the echo is off.
        time.sleep(0.3)
        os.write(terminal, pin.encode() + b"\n")
        pin = None
print(json.dumps([shown.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]))
"#;

#[test]
fn a_pin_that_is_typed_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    let binary = binary();
    let command = [&[binary.to_str().unwrap()], &CONFIRM[..CONFIRM.len() - 2]].concat();
    let input = json!([place.path("").to_str().unwrap(), command, crate::scene::PIN]);
    let outcome = python(AT_A_TERMINAL, &input);
    let shown = outcome[0].as_str().unwrap();
    assert_eq!(outcome[1], 0, "{shown}");
    assert!(shown.contains("CONFIRMED, pending") && !shown.contains(crate::scene::PIN), "{shown}");
    // The order and the tries stood there before the question.
    assert!(shown.find("TOTAL").unwrap() < shown.find("Tries left").unwrap());
    assert!(shown.find("Tries left").unwrap() < shown.find("PIN: ").unwrap());
}

#[test]
fn what_is_mistyped_on_the_command_line_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_order(&folder.path().join("place"));
    assert!(place.succeed(&["notice", TAX.0]).contains("the check digits are right"));
    let output = place.run(&["notice", "302032002700000252"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("mistyped"), "{}", said(&output));
    // An order is not written over another, a PIN is no argument, and a missing list is no reason to pay.
    let taken =
        ["order", "--channel", "web", "--payer", "CVAPVN79C57G999T", "--out", "order.txt", "--notice"];
    let output = place.run(&[&taken[..], &["302032002700000251/03334231200/1/A/B"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = place.run(&[&CONFIRM[..], &["--pin", "12345678"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    place.succeed(&[&CONFIRM[..], &["--out", "signed.json"]].concat());
    fs::create_dir(place.path("none")).unwrap();
    let without: Vec<&str> =
        settle("signed.json").into_iter().map(|word| if word == "lists" { "none" } else { word }).collect();
    assert_eq!(without.len(), TILL.len() + 2);
    let output = place.run(&without);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert!(said(&output).contains("status"), "{}", said(&output));
}
