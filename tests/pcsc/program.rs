//! The command `cie` beside the real service: `soft insert` lays a card on the virtual reader, the other
//! commands find it there.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cie::transport::pcsc::Service;
use cie::transport::pcsc::{ReaderState, Sharing};
use serde_json::Value;

use crate::common::pcscd::{Pcscd, READER, folder, until};
use crate::isolated_tests;

const LONG: Duration = Duration::from_secs(5);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cie"));
    command.current_dir(folder()).args(["--lang", "en"]).args(arguments).stdin(Stdio::null());
    command
}

/// Exit status, standard output, standard error.
fn cie(arguments: &[&str]) -> (i32, String, String) {
    let output = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let (status, out, error) = cie(arguments);
    assert_eq!(status, 0, "{arguments:?}: {error}");
    out
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(&[&["--json"], arguments].concat())).unwrap()
}

/// A program that lays the card on the reader until it is ended.
struct Inserted(Child);

impl Inserted {
    fn new() -> Self {
        let quiet = command(&["soft", "insert", "demo/card.json"]).stdout(Stdio::null()).spawn();
        let inserted = Self(quiet.unwrap());
        Service::open().unwrap().watch().wait_for_card(Some(READER), LONG).unwrap();
        inserted
    }

    /// As a person does with Ctrl-C.
    fn interrupt(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn new_card() {
    succeeds(&["soft", "new", "demo", "--chip", "nxp", "--pin", "13572468", "--seed", "1"]);
    fs::write(folder().join("pin"), "13572468\n").unwrap();
    fs::write(folder().join("wrong"), "00000000\n").unwrap();
}

isolated_tests! {
    fn a_card_laid_on_the_reader_serves_every_command() {
        let _pcscd = Pcscd::start();
        new_card();
        let inserted = Inserted::new();
        let readers = json(&["readers"]);
        assert_eq!(readers["readers"][0]["name"], READER, "{readers}");
        // The only card is found without being named.
        let info = json(&["info"]);
        assert_eq!((&info["pin"]["tries_left"], &info["puk"]["tries_left"]), (&Value::from(3), &Value::from(10)), "{info}");
        for sharing in ["shared", "exclusive"] {
            let verify = ["--sharing", sharing, "pin", "verify", "--pin-file", "wrong"];
            let (status, _, error) = cie(&verify);
            assert_eq!(status, 5, "{error}");
            succeeds(&["--reader", READER, "--sharing", sharing, "pin", "verify", "--pin-file", "pin"]);
        }
        let certificate = succeeds(&["certificate", "--pin-file", "pin"]);
        fs::write(folder().join("holder.pem"), certificate).unwrap();
        fs::write(folder().join("message"), "a message").unwrap();
        succeeds(&["sign", "raw", "message", "signature", "--pin-file", "pin"]);
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl").current_dir(folder()).args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let trust = "demo/trust/holder";
        let (root, sub_ca) = (format!("{trust}/root.pem"), format!("{trust}/intermediate/sub-ca.pem"));
        openssl(&["verify", "-CAfile", &root, "-untrusted", &sub_ca, "-purpose", "sslclient", "holder.pem"]);
        let key = openssl(&["x509", "-in", "holder.pem", "-noout", "-pubkey"]);
        fs::write(folder().join("key.pem"), key).unwrap();
        openssl(&["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"]);

        // The same card in a second process: its file is locked, and nothing was read or spent.
        let (status, out, error) = cie(&["--reader", "soft:demo/card.json", "info"]);
        assert_eq!((status, out.as_str()), (3, ""), "{error}");
        let (status, ..) = cie(&["--reader", "soft:demo/card.json", "pin", "verify", "--pin-file", "wrong"]);
        assert_eq!(status, 3);
        let (status, _, error) = cie(&["soft", "insert", "demo/card.json", "--port", "35964"]);
        assert_eq!(status, 3, "{error}");
        assert_eq!(json(&["pin", "status"])["pin"]["tries_left"], 3);

        inserted.interrupt();
        Service::open().unwrap().watch().wait_for_removal(READER, LONG).unwrap();
        let (status, _, error) = cie(&["--reader", READER, "info"]);
        assert_eq!(status, 3, "{error}");
        // What was spent stays spent, wherever the card is next.
        let soft = ["--reader", "soft:demo/card.json"];
        let (status, ..) = cie(&[&soft[..], &["pin", "verify", "--pin-file", "wrong"]].concat());
        assert_eq!(status, 5);
        let _inserted = Inserted::new();
        assert_eq!(json(&["pin", "status"])["pin"]["tries_left"], 2);
    }

    fn a_card_laid_on_the_reader_outlives_the_service() {
        let pcscd = Pcscd::start();
        new_card();
        let _inserted = Inserted::new();
        json(&["info"]);
        pcscd.kill();
        let (status, _, error) = cie(&["info"]);
        assert_eq!(status, 3, "{error}");
        let pcscd = Pcscd::start();
        let service = Service::open().unwrap();
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        json(&["info"]);
        pcscd.stop();
        let _pcscd = Pcscd::start();
        succeeds(&["--wait", "5", "pin", "verify", "--pin-file", "pin"]);
    }

    fn a_card_can_be_waited_for() {
        let _pcscd = Pcscd::start();
        new_card();
        let began = Instant::now();
        let (status, _, error) = cie(&["--wait", "1", "info"]);
        assert_eq!(status, 3, "{error}");
        assert!(began.elapsed() >= Duration::from_secs(1));
        let waiting = command(&["--wait", "20", "--json", "info"]).stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let _inserted = Inserted::new();
        let output = waiting.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["pin"]["tries_left"], 3);
    }

    fn a_card_that_another_program_keeps_for_itself() {
        let _pcscd = Pcscd::start();
        new_card();
        let _inserted = Inserted::new();
        let service = Service::open().unwrap();
        let link = service.connect(READER, Sharing::Exclusive).unwrap();
        let exclusive = |reader: &cie::transport::pcsc::Reader| {
            matches!(reader.state, ReaderState::Present { exclusive: true, .. })
        };
        until("the service tells", || service.readers().unwrap().iter().any(exclusive));
        let (status, _, error) = cie(&["pin", "verify", "--pin-file", "pin"]);
        assert_eq!(status, 3, "{error}");
        assert!(error.contains("Another program uses the card"), "{error}");
        succeeds(&["readers"]);
        drop(link);
        succeeds(&["pin", "verify", "--pin-file", "pin"]);
    }
}
