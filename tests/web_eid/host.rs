//! The host and everything around it: a folder with a card, a person, and the browser's end of the pipes.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use cie::crypto::PresentedCertificate;
use cie::emulator::{Chip, SoftCard};
use serde_json::{Value, json};

use crate::common::pinentry::Pinentry;
use crate::common::{demo, now};

pub(crate) const ORIGIN: &str = "https://portale.comune.example.it";
pub(crate) const NONCE: &str = "12345678123456781234567812345678912356789123";
pub(crate) const PIN: &str = "12345678";
pub(crate) const WRONG_PIN: &str = "99999999";
/// Long enough for a slow machine, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A citizen's desk: the card in its file, and a pinentry with somebody in front of it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    pub(crate) pinentry: Pinentry,
}

impl Desk {
    /// With a CIE 3.
    pub(crate) fn new(steps: &[&str]) -> Self {
        let desk = Self::without_card(steps);
        SoftCard::create(desk.card(), demo().personalisation.clone(), Chip::Gemalto).unwrap();
        desk
    }

    pub(crate) fn without_card(steps: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pinentry = Pinentry::new(&folder.path().join("pinentry"), steps);
        Self { folder, pinentry }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn card(&self) -> PathBuf {
        self.path().join("card.json")
    }

    /// How many tries the card has left.
    pub(crate) fn tries(&self) -> u8 {
        SoftCard::open(self.card()).unwrap().pin_tries()
    }

    /// Spends tries, down to so many.
    pub(crate) fn spend_tries(&self, left: u8) {
        use cie::pin::LastTry;
        let card = SoftCard::open(self.card()).unwrap();
        let mut session = cie::card::open(card.insert()).unwrap().open_session().unwrap();
        while card.pin_tries() > left {
            let wrong = cie::secret::Typed::new(WRONG_PIN.to_owned());
            session = *session.verify_pin(&wrong, LastTry::Spend).unwrap_err().back;
        }
    }

    /// How often a command of this kind was recorded: the record knows the command, not what it carried.
    pub(crate) fn verifications(&self) -> usize {
        let recorded = fs::read_to_string(self.path().join("trace")).unwrap_or_default();
        recorded.lines().filter(|line| is_verify(line)).count()
    }

    /// The host, as a browser starts it.
    pub(crate) fn host(&self) -> Host {
        self.host_by(&self.pinentry.program())
    }

    /// The same, with another pinentry.
    pub(crate) fn host_by(&self, pinentry: &Path) -> Host {
        let trace = self.path().join("trace");
        let _ = fs::remove_file(&trace);
        let mut command = self.command(&["--trace".as_ref(), trace.as_os_str()], pinentry);
        command.arg("chrome-extension://abcdefghijklmnopabcdefghijklmnop/");
        Host::of(command)
    }

    /// The bare command, with options of its own.
    pub(crate) fn command(&self, options: &[&OsStr], pinentry: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cie"));
        let reader = format!("soft:{}", self.card().display());
        command
            .args(["--lang", "en", "--reader", &reader])
            .args(options)
            .args(["web-eid", "host", "--pinentry"])
            .arg(pinentry)
            .env("HOME", self.path())
            .env_remove("XDG_RUNTIME_DIR");
        command
    }
}

/// A recorded command line that is a VERIFY, in clear or protected.
fn is_verify(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let command = words.next() == Some(">");
    let header = words.next().unwrap_or_default().to_ascii_uppercase();
    command && (header.starts_with("0020") || header.starts_with("0C20"))
}

/// A running host, from the browser's side.
pub(crate) struct Host {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<Value>,
    errors: Option<JoinHandle<String>>,
}

impl Host {
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let (sender, answers) = mpsc::channel();
        std::thread::spawn(move || {
            let mut length = [0; 4];
            while output.read_exact(&mut length).is_ok() {
                let mut message = vec![0; u32::from_ne_bytes(length) as usize];
                let whole = output.read_exact(&mut message).is_ok();
                let message = serde_json::from_slice(&message).ok().filter(|_| whole);
                if sender.send(message.unwrap_or_else(|| json!("not JSON"))).is_err() {
                    break;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        let input = child.stdin.take();
        Self { child, input, answers, errors: Some(errors) }
    }

    /// What it says first, unasked.
    pub(crate) fn greeted(self) -> Self {
        let version = self.answer();
        assert_eq!(version, json!({ "version": cie::web_eid::PROTOCOL_VERSION }));
        self
    }

    pub(crate) fn send(&mut self, request: &Value) {
        let text = request.to_string();
        self.send_bytes(&[&u32::try_from(text.len()).unwrap().to_ne_bytes(), text.as_bytes()].concat());
    }

    /// A host that has refused already may have closed its end.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        let _ = input.write_all(bytes).and_then(|()| input.flush());
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The browser closes its end.
    pub(crate) fn leave(&mut self) {
        self.input = None;
    }

    /// The next answer.
    pub(crate) fn answer(&self) -> Value {
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }

    /// The next answer, if it comes so soon.
    pub(crate) fn answer_within(&self, patience: Duration) -> Option<Value> {
        self.answers.recv_timeout(patience).ok()
    }

    /// The browser closes its end, no further answer comes, and the host ends: its exit status and what it said on
    /// standard error.
    pub(crate) fn end(mut self) -> (i32, String) {
        self.input = None;
        assert_eq!(self.answers.recv_timeout(PATIENCE).ok(), None, "one answer is all");
        let status = self.child.wait().unwrap().code().unwrap();
        (status, self.errors.take().unwrap().join().unwrap())
    }

    /// The whole of a request: its answer, the exit status and standard error.
    pub(crate) fn ask(self, request: &Value) -> (Value, i32, String) {
        let mut host = self.greeted();
        host.send(request);
        let answer = host.answer();
        let (status, said) = host.end();
        (answer, status, said)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn authenticate() -> Value {
    json!({ "command": "authenticate", "arguments": { "origin": ORIGIN, "challengeNonce": NONCE } })
}

pub(crate) fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("no error")
}

/// Verifies a token of the demo citizen for this origin.
pub(crate) fn verifies(token: &Value, origin: &str) -> bool {
    use cie::login::{AuthToken, Nonce, Origin};
    let token = AuthToken::parse(token.to_string().as_bytes()).unwrap();
    let presented = PresentedCertificate::from_der(token.unverified_certificate().as_der()).unwrap();
    let path = crate::common::trust().verify_holder(&presented, now());
    path.is_ok()
        && token
            .verify_signature(
                &token.unverified_certificate().public_key().unwrap(),
                &Origin::parse(origin).unwrap(),
                &Nonce::parse(NONCE).unwrap(),
            )
            .is_ok()
}
