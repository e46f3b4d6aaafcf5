//! The example as a process, in a folder with a software card, and Python to look at what it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use cie::emulator::citizen::Citizen;
use cie::emulator::folder::{self, FolderOptions};
use serde_json::Value;

use crate::scene::{CANTEEN, PIN, TAX};

/// The example's binary, beside the tests.
pub(crate) fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/payment");
    assert!(path.exists(), "first: cargo build --all-features --example payment");
    path
}

/// A folder with a software card that the system's clock takes for valid, made once.
fn card_folder() -> &'static (tempfile::TempDir, Citizen) {
    static FOLDER: OnceLock<(tempfile::TempDir, Citizen)> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = FolderOptions { seed: Some(1), ..FolderOptions::new(SystemTime::now()) };
        let citizen = folder::create(folder.path(), &options).unwrap();
        fs::write(folder.path().join("pin.txt"), format!("{PIN}\n")).unwrap();
        (folder, citizen)
    })
}

/// A place where somebody pays: a card, a trust folder, lists, and what comes of it.
pub(crate) struct Place(PathBuf);

impl Place {
    /// In a new folder at this path.
    pub(crate) fn new(path: &Path) -> Self {
        copy(card_folder().0.path(), path);
        Self(path.to_owned())
    }

    /// With everything that lies there.
    pub(crate) fn copied_to(&self, path: &Path) -> Self {
        copy(&self.0, path);
        Self(path.to_owned())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn command(&self, program: &mut Command, arguments: &[&str]) -> Output {
        program.args(arguments).current_dir(&self.0).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(&mut Command::new(binary()), arguments)
    }

    /// The same under strace, with these options.
    pub(crate) fn strace(&self, options: &[&str], arguments: &[&str]) -> Output {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "strace.txt"]).args(options).arg(binary());
        self.command(&mut strace, arguments)
    }

    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes an order of the card's citizen over these notices.
    pub(crate) fn order(&self, name: &str, notices: &[(&str, &str)]) {
        let payer = &card_folder().1.fiscal_code;
        let mut arguments = vec!["order", "--channel", "kiosk", "--payer", payer, "--out", name];
        let notices = notices.iter();
        let notices: Vec<String> = notices
            .map(|(number, creditor)| {
                format!("{number}/{creditor}/8750/Comune di Esempio/TARI 2026, saldo 1/2")
            })
            .collect();
        notices.iter().for_each(|notice| arguments.extend(["--notice", notice]));
        self.succeed(&arguments);
    }

    /// A place with an order over two notices.
    pub(crate) fn with_order(path: &Path) -> Self {
        let place = Self::new(path);
        place.order("order.txt", &[TAX, CANTEEN]);
        place
    }
}

pub(crate) const CONFIRM: [&str; 11] = [
    "confirm",
    "order.txt",
    "--reader",
    "soft:card.json",
    "--trust",
    "trust",
    "--allow-test-pki",
    "--outbox",
    "outbox.db",
    "--pin-file",
    "pin.txt",
];
pub(crate) const TILL: [&str; 7] =
    ["--trust", "trust", "--allow-test-pki", "--lists", "lists", "--ledger", "ledger.db"];

/// `present`, with what it needs.
pub(crate) fn present() -> Vec<&'static str> {
    [&["present", "--outbox", "outbox.db"], &TILL[..]].concat()
}

/// `settle` of this file, with what it needs.
pub(crate) fn settle(signed: &str) -> Vec<&str> {
    [&["settle", signed], &TILL[..]].concat()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], b"\n", &output.stderr].concat()).into_owned()
}

/// Runs a Python program with something to read, and gives what it writes.
pub(crate) fn python(program: &str, input: &Value) -> Value {
    let output = Command::new("python3").args(["-c", program, &input.to_string()]).output().expect("python3");
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}
