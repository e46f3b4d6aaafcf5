//! The command `cie`, as scripts and people use it. Every file `tests/cli/NAME.LANGUAGE.txt` is a session,
//! run in a folder of its own, which is HOME and reads as `~`, with fresh software cards (`card.json` is a CIE 3, the others are contact cards:
//! see `CARDS`), under the locale of its language:
//!
//! ```text
//! # a comment
//! % write pin.txt 12345678          a step of the test itself, see `Session::own`; without a text it writes
//! < a line                          the lines that follow
//! $ cie pin verify --pin-file -     a command; words are split at spaces, '…' keeps them together
//! < 12345678                        a line of its standard input
//! The PIN is right.                 a line of its standard output; [..] is anything, [...] any lines
//! ! error: …                        a line of its standard error, after all of standard output
//! ? 0                               its exit status, which ends the command
//! ```
#![cfg(feature = "cli")]
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "system-tests")]
mod common;
#[cfg(feature = "system-tests")]
#[path = "cli/fetch.rs"]
mod fetch;
#[path = "cli/openssl.rs"]
mod openssl;
#[cfg(feature = "system-tests")]
#[path = "cli/readers.rs"]
mod readers;
#[path = "cli/session.rs"]
mod session;
#[cfg(target_os = "linux")]
#[path = "cli/terminal.rs"]
mod terminal;

#[path = "cli/traces.rs"]
mod traces;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program under test.
const CIE: &str = env!("CARGO_BIN_EXE_cie");

/// The cards that every session finds, by the names of their files, and what each is made with.
const CARDS: [(&str, &str); 5] = [
    ("card", "--kind cie3"),
    ("cns", "--kind cns --pin 31415 --puk 27182818"),
    ("cie2", "--kind cie2 --pin 12345678"),
    ("cie1", "--kind cie1"),
    ("ace", "--kind cns-ace"),
];

/// A folder with a software card and its PKI, made once by the program itself.
fn folder_of(card: &str) -> PathBuf {
    static FOLDERS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folders = FOLDERS.get_or_init(|| {
        let folders = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for (name, options) in CARDS {
                let folder = folders.path().join(name);
                scope.spawn(move || make(options, &folder));
            }
        });
        folders
    });
    folders.path().join(card)
}

fn make(options: &str, folder: &Path) {
    let made = Command::new(CIE)
        .args(["soft", "new", "--seed", "1", "--now", "2026-01-01T00:00:00Z", "--insecure-fixed-pki"])
        .args(options.split(' '))
        .arg(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A new folder with copies of the cards: every session has all their tries.
fn fresh_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in CARDS {
        put_card(name, folder.path());
    }
    folder
}

/// The same, with files that have a PIN or PUK in them, and one to sign.
fn folder_with_secrets() -> tempfile::TempDir {
    let folder = fresh_folder();
    let files = [
        ("right", "12345678"),
        ("wrong", "99999999"),
        ("new", "20250417"),
        ("puk", "87654321"),
        ("message", "a message"),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Copies a card into a folder, under its own name.
fn put_card(name: &str, folder: &Path) {
    let copy = folder.join(name).with_extension("json");
    std::fs::copy(folder_of(name).join("card.json"), copy).unwrap();
}

/// As in `cie manual | head -1`: whoever stops reading has seen enough.
#[cfg(unix)]
#[test]
fn output_that_nobody_reads_is_no_failure() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    drop(ours);
    let output = Command::new(CIE)
        .arg("manual")
        .stdout(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
    let full = Command::new("sh").args(["-c", &format!("{CIE} manual > /dev/full")]).output().unwrap();
    assert_eq!(full.status.code(), Some(2), "a full disk is one");
}

/// What goes to the shell and to `man` names every command, in the person's language.
#[test]
fn completions_and_manual_name_every_command() {
    let said = |words: &[&str]| {
        let output = Command::new(CIE).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let commands = [
        "readers",
        "info",
        "soft",
        "pin",
        "personal-data",
        "certificate",
        "auth",
        "auth-verify",
        "web-eid",
        "sign",
        "trace",
        "completions",
        "manual",
    ];
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&["completions", shell]);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    for (language, sections) in [
        ("en", ["SYNOPSIS", "OPTIONS", "COMMANDS", "\"EXIT STATUS\"", "SECRETS"]),
        ("it", ["SINTASSI", "OPZIONI", "COMANDI", "\"STATO DI USCITA\"", "SEGRETI"]),
    ] {
        let page = said(&["manual", "--lang", language]);
        for section in sections {
            assert_eq!(page.matches(&format!("\n.SH {section}\n")).count(), 1, "{section}");
        }
        for command in [
            "readers",
            "soft new",
            "pin unblock",
            "personal-data",
            "auth",
            "auth-verify",
            "web-eid install",
            "sign raw",
            "trace show",
        ] {
            assert!(page.contains(&format!("\n.SS \"cie {command}\"\n")), "{command}");
        }
    }
}

/// With one try left every command that carries a PIN or PUK keeps it, even for the right one.
#[test]
fn the_last_try_is_kept_by_every_command() {
    let folder = folder_with_secrets();
    let cie = |words: &str| {
        let output = Command::new(CIE)
            .args(["--json", "--reader", "soft:card.json"])
            .args(words.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), serde_json::from_slice::<serde_json::Value>(&said).unwrap())
    };
    for _ in 0..2 {
        assert_eq!(cie("pin verify --pin-file wrong").0, 5);
    }
    for command in [
        "pin verify --pin-file right",
        "pin change --pin-file right --new-pin-file new",
        "certificate --pin-file right",
        "sign raw message signature --pin-file right",
        "auth --origin https://a.example --nonce 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH --pin-file right",
    ] {
        let (status, said) = cie(command);
        assert_eq!((status, &said["error"]["code"]), (2, &"pin-last-try".into()), "{command}");
        assert_eq!(cie("info").1["pin"]["tries_left"], 1, "{command}");
    }
    for _ in 0..9 {
        assert_eq!(cie("pin unblock --puk-file wrong --keep-pin").0, 5);
    }
    let (status, said) = cie("pin unblock --puk-file puk --keep-pin");
    assert_eq!((status, &said["error"]["code"]), (2, &"puk-last-try".into()));
    assert_eq!(cie("info").1["puk"]["tries_left"], 1);
    assert_eq!(cie("pin unblock --puk-file puk --keep-pin --last-try").0, 0);
    for _ in 0..2 {
        assert_eq!(cie("pin verify --pin-file wrong").0, 5);
    }
    assert_eq!(cie("sign raw message signature --pin-file right --last-try").0, 0);
    assert_eq!(cie("info").1["pin"]["tries_left"], 3);
}

/// Personal data are shown with what ties them to the certificate: all of the file, a part of it, or nothing.
#[test]
fn personal_data_are_shown_with_what_ties_them_to_the_certificate() {
    use cie::emulator::contact::{DigestOver, IssueOptions, Model, issue};
    use cie::emulator::{SoftCard, citizen::Citizen, entropy::Seeded, pki::TestPki};
    let folder = fresh_folder();
    let cie = |words: &[&str]| {
        let output = Command::new(CIE).args(words).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    };
    let json = |card: &str| {
        let said = cie(&["--reader", &format!("soft:{card}"), "personal-data", "--json"]);
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_600);
    let pki = TestPki::generate(&mut Seeded::new(1), now).unwrap();
    let mut citizen = Citizen::numbered(1);
    // Whoever changes the name keeps the fiscal code.
    "ALTRINOMI".clone_into(&mut citizen.person.surname);
    for (digest_over, range) in [(DigestOver::Used, "used-prefix"), (DigestOver::Fields, "fields-only")] {
        let options = IssueOptions { digest_over, ..IssueOptions::default() };
        let issued = issue(&pki, &citizen, Model::Cie2, &options, &mut Seeded::new(2), now).unwrap();
        let card = format!("{range}.json");
        let path = folder.path().join(&card);
        SoftCard::create_contact(path, issued.personalisation, Model::Cie2).unwrap();
        let said = json(&card);
        assert_eq!(said["binding"]["range"], range);
        assert_eq!(said["differing"], serde_json::json!(["surname"]));
        let said = cie(&["--lang", "it", "--reader", &format!("soft:{card}"), "personal-data"]);
        assert!(said.contains(&format!("una parte insolita del file ({range})")), "{said}");
        assert!(said.contains("Il codice fiscale non corrisponde a questi: Cognome\n"), "{said}");
    }

    // A certificate with a name of another form says nothing of any data.
    let mut card: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("cns.json")).unwrap()).unwrap();
    let files = card["card"]["personalisation"]["files"].as_array_mut().unwrap();
    let certificate = files.iter_mut().find(|file| file["path"] == "11001101").unwrap();
    certificate["content"] = hex::encode(pki.root_der()).into();
    std::fs::write(folder.path().join("cns.json"), card.to_string()).unwrap();
    let said = json("cns.json");
    assert_eq!(
        (&said["binding"], &said["personal_data"]["surname"]),
        (&serde_json::Value::Null, &"PROVA".into())
    );
    let said = cie(&["--lang", "en", "--reader", "soft:cns.json", "personal-data"]);
    assert!(said.contains("they are the card's word only"), "{said}");
}

/// A PIN given where a file's name belongs, and a name that a terminal would obey.
#[test]
fn nothing_that_was_given_by_mistake_is_repeated() {
    let folder = fresh_folder();
    let cie = |words: &[&str]| {
        let output = Command::new(CIE).args(words).current_dir(folder.path()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for json in ["--json", "--lang=it"] {
        let said = cie(&[json, "--reader", "soft:card.json", "pin", "verify", "--pin-file", "1234-5678"]);
        assert!(!said.contains("1234") && !said.contains("5678") && said.contains('…'), "{said}");
    }
    let said = cie(&["--reader", "soft:\u{1b}[2J", "info"]);
    assert!(!said.contains('\u{1b}') && said.contains("[2J"), "{said}");
}
