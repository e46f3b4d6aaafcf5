//! A pinentry whose person is written down beforehand (`pinentry.py`), and what it was asked to show.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::until_within;

/// A dialogue as the person sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// `GETPIN`, `CONFIRM` or `MESSAGE`.
    pub kind: String,
    /// What it says; and the mistake of the time before, if it says one.
    pub text: String,
    pub error: String,
}

impl Shown {
    /// Everything that there is to read.
    pub fn all(&self) -> String {
        format!("{}\n{}", self.text, self.error)
    }
}

/// The program, its steps and its log in a folder.
pub struct Pinentry(PathBuf);

impl Pinentry {
    pub fn new(folder: &Path, steps: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let pinentry = Self(folder.to_owned());
        fs::write(pinentry.program(), include_str!("pinentry.py")).unwrap();
        fs::set_permissions(pinentry.program(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("log"), "").unwrap();
        pinentry.will(steps);
        pinentry
    }

    pub fn program(&self) -> PathBuf {
        self.0.join("pinentry")
    }

    /// What the person does next.
    pub fn will(&self, steps: &[&str]) {
        let text: String = steps.iter().map(|step| format!("{step}\n")).collect();
        fs::write(self.0.join("steps"), text).unwrap();
    }

    /// Lets a dialogue go on that waits for a file of this name.
    pub fn go_on(&self, name: &str) {
        fs::write(self.0.join(name), "").unwrap();
    }

    /// The log, each line with the number of the process that wrote it.
    fn log(&self) -> Vec<(u32, String)> {
        let text = fs::read_to_string(self.0.join("log")).unwrap();
        let lines = text.lines().map(|line| line.split_once(' ').unwrap());
        lines.map(|(process, line)| (process.parse().unwrap(), line.to_owned())).collect()
    }

    /// The dialogues so far, in the order in which they were shown.
    pub fn shown(&self) -> Vec<Shown> {
        let log = self.log();
        let mut shown = Vec::new();
        for (at, (process, line)) in log.iter().enumerate() {
            let (command, options) = line.split_once(' ').unwrap_or((line, ""));
            let kind = match command {
                "CONFIRM" if options.contains("--one-button") => "MESSAGE",
                "GETPIN" | "CONFIRM" | "MESSAGE" => command,
                _ => continue,
            };
            let before = log[..at].iter().rev().filter(|(other, _)| other == process).map(|(_, line)| line);
            let text = before.clone().find_map(|line| line.strip_prefix("SETDESC "));
            // What was said to be wrong holds for one dialogue.
            let since = before.take_while(|line| !["GETPIN", "CONFIRM", "MESSAGE"].contains(&line.as_str()));
            let error = since.clone().find_map(|line| line.strip_prefix("SETERROR "));
            let [text, error] = [text, error].map(|text| decode(text.unwrap_or("")));
            shown.push(Shown { kind: kind.to_owned(), text, error });
        }
        shown
    }

    /// Their kinds.
    pub fn kinds(&self) -> Vec<String> {
        self.shown().into_iter().map(|shown| shown.kind).collect()
    }

    /// Waits until so many dialogues were shown.
    pub fn wait_for(&self, dialogues: usize) {
        until_within(Duration::from_secs(15), &format!("dialogue {dialogues}"), || {
            self.shown().len() >= dialogues
        });
    }

    /// The processes that were started and still run.
    pub fn running(&self) -> Vec<u32> {
        let started =
            self.log().into_iter().filter(|(_, line)| line == "STARTED").map(|(process, _)| process);
        started.filter(|process| runs(*process)).collect()
    }

    /// Everything went as written: each step was taken, none was out of place, nothing runs any more, and no
    /// PIN stands in the log.
    pub fn check_end(&self, pins: &[&str]) {
        let nobody = || self.running().is_empty();
        until_within(Duration::from_secs(5), "every pinentry has ended", nobody);
        let log = fs::read_to_string(self.0.join("log")).unwrap();
        assert!(!log.contains("UNEXPECTED"), "{log}");
        assert_eq!(fs::read_to_string(self.0.join("steps")).unwrap(), "", "steps that nobody took\n{log}");
        assert!(pins.iter().all(|pin| !log.contains(pin)), "{log}");
    }
}

/// Undoes the escapes of a command's text.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Whether a process runs; one that nobody has waited for runs no more.
pub fn runs(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}
