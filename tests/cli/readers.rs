//! The command at real PC/SC readers: a private pcscd with two virtual ones, and cards that `cie soft
//! insert` lays on them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use cie::emulator::{SoftCard, vpcd};
use cie::iso7816::{StatusWord, command};
use cie::transport::Link;
use cie::transport::pcsc::{Service, Sharing};
use serde_json::{Value, json};

use crate::common::pcscd::{PORT, Pcscd, READER, SECOND_READER, folder, until};
use crate::common::terminal::Terminal;

/// Makes the card of this isolated process, in its folder.
fn make_card(name: &str) {
    std::fs::copy(super::folder_of("card").join("card.json"), folder().join(name)).unwrap();
}

fn cie(words: &[&str]) -> Command {
    let mut command = Command::new(super::CIE);
    command.args(words).current_dir(folder()).env("LANG", "C").env_remove("LC_ALL").env_remove("LANGUAGE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(words: &[&str]) -> Output {
    cie(words).output().unwrap()
}

/// The object on standard output.
fn object(words: &[&str]) -> Value {
    let output = run(&[words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit status and code of a failure.
fn failure(output: &Output) -> (i32, String) {
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    (output.status.code().unwrap(), error["error"]["code"].as_str().unwrap().to_owned())
}

fn fails(words: &[&str]) -> (i32, String) {
    failure(&run(&[words, &["--json"]].concat()))
}

/// `cie soft insert`, with its card on the reader; Ctrl-C when dropped.
struct Inserted(Child);

impl Inserted {
    fn new(card: &str, port: u16) -> Self {
        let mut child =
            cie(&["soft", "insert", card, "--port", &port.to_string(), "--json"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said, json!({ "inserted": { "card": card, "host": "127.0.0.1", "port": port }}));
        Self(child)
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

/// A contact card on the reader whose card this process holds, to see what it was told.
fn lay_cns() -> (SoftCard, vpcd::Remover) {
    super::put_card("cns", &folder());
    let card = SoftCard::open(folder().join("cns.json")).unwrap();
    let connection = vpcd::connect(&card, ("127.0.0.1", PORT)).unwrap();
    let remover = connection.remover();
    std::thread::spawn(move || connection.serve());
    until_states(["card", "empty"]);
    (card, remover)
}

/// The secrets of the contact card that is laid, a new PIN, and something to sign.
fn write_secrets_and_message() {
    for (name, content) in
        [("pin.txt", "31415\n"), ("new.txt", "161803\n"), ("puk.txt", "27182818\n"), ("message", "a message")]
    {
        std::fs::write(folder().join(name), content).unwrap();
    }
}

/// Has the authentication key of the CNS used, without a word about the PIN.
fn use_the_key(link: &mut Link) -> StatusWord {
    // A block of type 1, which is all that matters here.
    let block = [&[0x00, 0x01][..], &[0xFF; 250], &[0x00, 0x01, 0x02, 0x03]].concat();
    let commands = [
        command::select_master_file(),
        command::restore_security_environment(0x03),
        command::manage_security_environment(0xF1, 0xB8, &[0x83, 0x01, 0x01]),
        command::decipher(&block),
    ];
    commands.iter().map(|command| link.exchange(command).unwrap().status()).last().unwrap()
}

/// What lies on each of the two readers, as `cie readers` says.
fn states() -> Vec<String> {
    let readers = object(&["readers"]);
    let readers = readers["readers"].as_array().unwrap();
    readers.iter().map(|reader| reader["state"].as_str().unwrap().to_owned()).collect()
}

/// Waits for the service to see what was laid on or taken away.
fn until_states(expected: [&str; 2]) {
    until(&format!("{expected:?}"), || states() == expected);
}

crate::isolated_tests! {
    fn readers_are_found_and_chosen() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        make_card("other.json");
        until_states(["empty", "empty"]);
        assert_eq!(fails(&["info"]), (3, "no-card".to_owned()));
        assert_eq!(fails(&["--reader", READER, "pin", "status"]), (3, "no-card".to_owned()));
        assert_eq!(fails(&["--reader", "Virtual PCD", "info"]), (3, "no-reader".to_owned()));
        assert_eq!(fails(&["--reader", "nonesuch", "readers"]), (3, "no-reader".to_owned()));

        let first = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        assert_eq!(object(&["readers"])["readers"][0]["card"], "cie3");
        let said = String::from_utf8(run(&["readers", "--lang", "it"]).stdout).unwrap();
        assert_eq!(said, format!("{READER}: carta d'identità elettronica (CIE 3)\n{SECOND_READER}: nessuna carta\n"));
        assert_eq!(object(&["info"])["chip"], "gemalto");
        assert_eq!(object(&["info", "--sharing", "exclusive"])["chip"], "gemalto");

        let second = Inserted::new("other.json", PORT + 1);
        until_states(["card", "card"]);
        assert_eq!(fails(&["pin", "status"]), (3, "several-cards".to_owned()));
        let said = String::from_utf8(run(&["pin", "status"]).stderr).unwrap();
        assert!(said.contains(&format!("{READER}, {SECOND_READER}")), "{said}");
        assert_eq!(object(&["--reader", SECOND_READER, "pin", "status"])["pin"]["tries_left"], 3);

        drop(first);
        until_states(["empty", "card"]);
        drop(second);
        until_states(["empty", "empty"]);
    }

    fn the_pin_works_over_readers_and_its_state_ends_with_the_command() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        std::fs::write(folder().join("pin.txt"), "12345678\n").unwrap();
        std::fs::write(folder().join("wrong.txt"), "99999999\n").unwrap();
        let _card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        let verify = ["pin", "verify", "--pin-file"];
        assert_eq!(object(&[&verify[..], &["pin.txt"]].concat()), json!({"pin": {"tries_left": 3, "verified": true}}));
        assert_eq!(fails(&[&verify[..], &["wrong.txt"]].concat()), (5, "pin-wrong".to_owned()));
        assert_eq!(object(&["info"])["pin"]["tries_left"], 2);
        let certificate = object(&["certificate", "--pin-file", "pin.txt"]);
        assert!(certificate["certificate"]["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
        assert_eq!(object(&["info"])["pin"]["tries_left"], 3);
    }

    fn a_card_of_another_program_is_left_alone() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        let _card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        let service = Service::open().unwrap();
        let link = service.connect(READER, Sharing::Exclusive).unwrap();
        until_states(["exclusive", "empty"]);
        assert_eq!(fails(&["info"]), (3, "card-in-use".to_owned()));
        drop(link);
        let link = service.connect(READER, Sharing::Shared).unwrap();
        until_states(["in-use", "empty"]);
        assert_eq!(object(&["info"])["card"], "cie3", "shared is shared");
        assert_eq!(fails(&["info", "--sharing", "exclusive"]), (3, "card-in-use".to_owned()));
        drop(link);
        until_states(["card", "empty"]);
    }

    fn a_card_is_waited_for() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        assert_eq!(fails(&["--wait", "1", "info"]), (3, "timed-out".to_owned()));
        let mut waiting = cie(&["--wait", "60", "info"]).spawn().unwrap();
        let mut asked = [0; 4];
        waiting.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"Lay ");
        let _card = Inserted::new("card.json", PORT);
        let output = waiting.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("CIE 3"));
    }

    /// Moved too early: said so, and the PIN that comes after is not spent.
    fn a_card_that_goes_is_said_to_be_gone() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        let card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        let mut verify = Terminal::new(&format!("{} pin verify", super::CIE), "it_IT.UTF-8", &folder());
        // The channel is open when the PIN is asked for.
        verify.wait_for("PIN: ");
        drop(card);
        until_states(["empty", "empty"]);
        verify.hidden("99999999\n").wait_for("Rimettere la carta").wait_for("(card-removed");
        assert_eq!(verify.end().1, Some(3));
        assert_eq!(object(&["--reader", "soft:card.json", "pin", "status"])["pin"]["tries_left"], 3);
    }

    fn openssl_verifies_what_the_command_signed_through_a_reader() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        std::fs::write(folder().join("pin.txt"), "12345678\n").unwrap();
        std::fs::write(folder().join("message"), "a message").unwrap();
        let _card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        object(&["certificate", "--out", "holder.pem", "--pin-file", "pin.txt"]);
        object(&["sign", "raw", "message", "signature", "--pin-file", "pin.txt"]);
        let openssl = |words: &[&str]| {
            let output = Command::new("openssl").current_dir(folder()).args(words).output().unwrap();
            (output.status.success(), output.stdout)
        };
        let trust = super::folder_of("card").join("trust/holder");
        let (root, sub_ca) = (trust.join("root.pem"), trust.join("intermediate/sub-ca.pem"));
        let (root, sub_ca) = (root.to_str().unwrap(), sub_ca.to_str().unwrap());
        let verify = ["verify", "-purpose", "sslclient", "-CAfile", root, "-untrusted", sub_ca, "holder.pem"];
        assert!(openssl(&verify).0);
        assert!(!openssl(&["verify", "-CAfile", root, "holder.pem"]).0, "without what is between");
        let (_, key) = openssl(&["x509", "-in", "holder.pem", "-noout", "-pubkey"]);
        std::fs::write(folder().join("key.pem"), key).unwrap();
        let check = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"];
        assert!(openssl(&check).0);
        std::fs::write(folder().join("message"), "another message").unwrap();
        assert!(!openssl(&check).0);
    }

    fn a_contact_card_works_on_a_reader() {
        let _pcscd = Pcscd::start();
        super::put_card("cns", &folder());
        super::put_card("cie2", &folder());
        std::fs::write(folder().join("pin.txt"), "31415\n").unwrap();
        std::fs::write(folder().join("wrong.txt"), "99999\n").unwrap();
        std::fs::write(folder().join("message"), "a message").unwrap();
        let card = Inserted::new("cns.json", PORT);
        let other = Inserted::new("cie2.json", PORT + 1);
        until_states(["card", "card"]);
        let readers = object(&["readers"]);
        assert_eq!((&readers["readers"][0]["card"], &readers["readers"][1]["card"]), (&json!("cns"), &json!("cie2")));
        let said = String::from_utf8(run(&["readers", "--lang", "it"]).stdout).unwrap();
        assert!(said.starts_with(&format!("{READER}: carta nazionale dei servizi o tessera sanitaria")), "{said}");
        assert_eq!(object(&["--reader", SECOND_READER, "personal-data"])["card_number"], "0000001AA");
        drop(other);
        until_states(["card", "empty"]);

        let info = object(&["info"]);
        assert_eq!((&info["card"], &info["key_bits"]["authentication"]), (&json!("cns"), &json!(2048)));
        assert_eq!(object(&["personal-data"])["binding"]["range"], "whole-file");
        let verify = ["pin", "verify", "--pin-file"];
        for sharing in ["shared", "exclusive"] {
            let right = [&verify[..], &["pin.txt", "--sharing", sharing]].concat();
            assert_eq!(object(&right), json!({"pin": {"tries_left": 3, "verified": true}}));
        }
        let output = run(&[&verify[..], &["wrong.txt", "--json"]].concat());
        assert_eq!(failure(&output), (5, "pin-wrong".to_owned()));
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["tries_left"], 2);
        assert_eq!(object(&["pin", "status"])["pin"]["tries_left"], Value::Null);

        object(&["certificate", "--out", "holder.pem"]);
        object(&["sign", "raw", "message", "signature", "--pin-file", "pin.txt"]);
        let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
        super::openssl::check("sha256", &read("message"), &read("signature"), &read("holder.pem"));

        // Moved too early: no PIN went out.
        let mut verify = Terminal::new(&format!("{} pin verify", super::CIE), "en_US.UTF-8", &folder());
        verify.wait_for("five to eight digits").wait_for("PIN: ");
        drop(card);
        until_states(["empty", "empty"]);
        verify.hidden("31415\n").wait_for("Put the card back").wait_for("(card-removed");
        assert_eq!(verify.end().1, Some(3));
    }

    /// What such a card knows, every program at it could use: it is told nothing while another one is there.
    fn a_contact_card_is_shown_no_pin_while_another_program_is_connected() {
        let _pcscd = Pcscd::start();
        let (card, _remover) = lay_cns();
        write_secrets_and_message();
        let service = Service::open().unwrap();
        let other = service.connect(READER, Sharing::Shared).unwrap();
        until_states(["in-use", "empty"]);
        for command in [
            "pin verify --pin-file pin.txt",
            "pin verify --pin-file pin.txt --sharing shared --last-try",
            "pin verify --pin-file pin.txt --sharing exclusive",
            "pin change --pin-file pin.txt --new-pin-file new.txt",
            "pin unblock --puk-file puk.txt --keep-pin",
            "sign raw message signature --pin-file pin.txt",
        ] {
            let words: Vec<_> = command.split(' ').collect();
            assert_eq!(fails(&words), (3, "card-in-use".to_owned()), "{command}");
        }
        let said = String::from_utf8(run(&["pin", "verify", "--pin-file", "pin.txt"]).stderr).unwrap();
        assert!(said.contains("nothing was sent"), "{said}");
        assert!(!folder().join("signature").exists());
        // What anybody may see is shown all the same.
        assert_eq!(object(&["info"])["card"], "cns");
        assert_eq!(object(&["personal-data"])["personal_data"]["surname"], "PROVA");
        object(&["certificate"]);
        drop(other);
        until_states(["card", "empty"]);

        // Nobody is asked for a PIN that could not be shown.
        let other = service.connect(READER, Sharing::Shared).unwrap();
        let mut verify = Terminal::new(&format!("{} pin verify", super::CIE), "it_IT.UTF-8", &folder());
        verify.wait_for("nulla è stato inviato").wait_for("(card-in-use");
        assert_eq!(verify.end().1, Some(3));
        assert_eq!((card.verify_count(), card.pin_tries(), card.puk_tries()), (0, 3, 10));
        drop(other);
        until_states(["card", "empty"]);

        // And while somebody types, nobody else comes in.
        let mut verify = Terminal::new(&format!("{} pin verify", super::CIE), "it_IT.UTF-8", &folder());
        verify.wait_for("PIN: ");
        assert_eq!(service.connect(READER, Sharing::Shared).unwrap_err(), cie::transport::Error::InUse);
        verify.hidden("31415\n");
        assert_eq!(verify.end().1, Some(0));
        assert_eq!((card.verify_count(), card.pin_tries(), card.puk_tries()), (1, 3, 10));
    }

    fn the_pin_of_a_contact_card_ends_with_the_command() {
        let _pcscd = Pcscd::start();
        let (card, _remover) = lay_cns();
        write_secrets_and_message();
        let service = Service::open().unwrap();
        for command in [
            "pin verify --pin-file pin.txt",
            "sign raw message signature --pin-file pin.txt",
            "pin change --pin-file pin.txt --new-pin-file new.txt",
            "pin unblock --puk-file puk.txt --new-pin-file pin.txt",
        ] {
            let words: Vec<_> = command.split(' ').collect();
            object(&words);
            let mut link = service.connect(READER, Sharing::Shared).unwrap();
            assert_eq!(use_the_key(&mut link), StatusWord::SECURITY_STATUS_NOT_SATISFIED, "{command}");
            drop(link);
            until_states(["card", "empty"]);
        }
        // That key does work, for whoever shows the PIN.
        let mut link = service.connect(READER, Sharing::Exclusive).unwrap();
        let before = card.verify_count();
        link.exchange(&command::select_master_file()).unwrap();
        let shown = link.exchange(&command::verify(0x90, b"31415\xFF\xFF\xFF")).unwrap();
        assert_eq!((shown.status(), card.verify_count() - before), (StatusWord::SUCCESS, 1));
        assert_eq!(use_the_key(&mut link), StatusWord::SUCCESS);
        link.reset().unwrap();
    }

    fn a_card_on_the_reader_is_nobody_elses_and_no_try_comes_back() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        std::fs::write(folder().join("wrong.txt"), "99999999\n").unwrap();
        let wrong = ["pin", "verify", "--pin-file", "wrong.txt"];
        let soft = ["--reader", "soft:card.json"];
        let card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        assert_eq!(fails(&wrong), (5, "pin-wrong".to_owned()));
        let in_use = (3, "card-in-use".to_owned());
        assert_eq!(fails(&[&soft[..], &wrong].concat()), in_use);
        assert_eq!(fails(&["soft", "insert", "card.json", "--port", &(PORT + 1).to_string()]), in_use);
        drop(card);
        until_states(["empty", "empty"]);
        assert_eq!(fails(&[&soft[..], &wrong, &["--last-try"]].concat()), (5, "pin-wrong".to_owned()));
        let _card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        assert_eq!(object(&["pin", "status"])["pin"]["tries_left"], 1);
    }

    fn a_card_on_the_reader_outlives_the_service() {
        let pcscd = Pcscd::start();
        make_card("card.json");
        let _card = Inserted::new("card.json", PORT);
        until_states(["card", "empty"]);
        pcscd.kill();
        assert_eq!(fails(&["info"]), (3, "no-service".to_owned()));
        let pcscd = Pcscd::start();
        until_states(["card", "empty"]);
        pcscd.stop();
        let _pcscd = Pcscd::start();
        assert_eq!(object(&["--wait", "5", "info"])["pin"]["tries_left"], 3);
    }

    /// What is recorded at a reader: of a software card, known by its mark, all that plays back; of two readers two
    /// connections.
    fn a_dialogue_at_a_reader_is_recorded_and_plays_back() {
        let _pcscd = Pcscd::start();
        make_card("card.json");
        super::put_card("cie2", &folder());
        let _card = Inserted::new("card.json", PORT);
        let _other = Inserted::new("cie2.json", PORT + 1);
        until_states(["card", "card"]);
        for (reader, name) in [(READER, "cie3"), (SECOND_READER, "cie2")] {
            let words = ["--reader", reader, "--trace", name, "--trace-kind", "replayable", "info"];
            let said = object(&words);
            let text = std::fs::read_to_string(folder().join(name)).unwrap();
            assert!(text.starts_with("cie-trace 1\norigin emulator\nkind replayable\n"), "{text}");
            assert_eq!(object(&["--reader", &format!("trace:{name}"), "info"]), said);
        }
        object(&["--trace", "both", "readers"]);
        let both = cie::transport::trace::Trace::open(folder().join("both")).unwrap();
        assert_eq!((both.connections().count(), both.origin.to_string().as_str()), (2, "citizen"));
    }
}
