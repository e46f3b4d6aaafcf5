//! `kiosk.c`, with a software card and at a reader.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cie::emulator::{SoftCard, vpcd};

use crate::common::c_library::c_library;
use crate::common::pcscd::{PORT, Pcscd, enclosed, folder, is_enclosed};
use crate::common::until_within;
use crate::raw_card::{RawCard, Reaction};
use crate::{BUILT, FOUND, Folder, Ran, built, done, example, plain, watched};

#[track_caller]
fn kiosk(options: &[&str], folders: &[(&str, &Path)]) -> Ran {
    kiosk_by(example("kiosk"), options, folders)
}

#[track_caller]
fn kiosk_by(mut kiosk: Command, options: &[&str], folders: &[(&str, &Path)]) -> Ran {
    kiosk.args(options);
    for (option, path) in folders {
        kiosk.arg(option).arg(path);
    }
    kiosk.output().unwrap().into()
}

#[test]
fn a_software_card_is_shown_as_one() {
    let card = Folder::cie3();
    let (trust, soft) = (card.path("trust"), card.path("card.json"));
    let nis = card.of_citizen("nis");
    for (language, words) in [("it", "La carta è autentica"), ("en", "The card is genuine")] {
        let ran = kiosk(&["--allow-test-pki", "--lang", language], &[("--trust", &trust), ("--card", &soft)])
            .ended(0, &["checked: genuine"]);
        assert!(ran.out.contains(&format!("{words}: NIS ...{}", &nis[nis.len() - 3..])), "{}", ran.out);
        assert!(ran.out.contains("TEST - NOT A REAL CARD"), "{}", ran.out);
        assert!(!ran.out.contains(&nis) && !ran.log.contains(&nis), "{}{}", ran.out, ran.log);
    }
}

#[test]
fn a_card_that_is_not_genuine_does_not_pass() {
    let (card, foreign, contact) = (Folder::cie3(), Folder::foreign(), Folder::contact());
    let (trust, soft) = (card.path("trust"), card.path("card.json"));
    let no_csca = card.path("no-csca");
    fs::create_dir_all(no_csca.join("holder")).unwrap();
    fs::copy(card.path("trust/holder/root.pem"), no_csca.join("holder/root.pem")).unwrap();
    let nowhere = card.path("nowhere");
    for (folder, soft, name, words) in [
        (&foreign.path("trust"), &soft, "issuer-unknown", "cannot check this card"),
        (&trust, &contact.path("card.json"), "other-card", "identity card is needed"),
        (&trust, &nowhere, "soft-card", "software card cannot be used"),
        (&nowhere, &soft, "trust-folder", "trusted certificates cannot be used"),
        (&no_csca, &soft, "no country signing certificate", ""),
    ] {
        let options = ["--allow-test-pki", "--lang", "en"];
        let is_watched = matches!(name, "issuer-unknown" | "soft-card");
        let program = if is_watched { example("kiosk") } else { plain("kiosk") };
        let ran = kiosk_by(program, &options, &[("--trust", folder), ("--card", soft)]).ended(1, &[name]);
        assert!(ran.out.contains(words) && !ran.out.contains("NIS"), "{words}: {}", ran.out);
    }
    // Software cards are not taken without a word, neither with a folder of anybody's nor with Italy's.
    kiosk_by(plain("kiosk"), &[], &[("--trust", &trust), ("--card", &soft)])
        .ended(1, &["a test certificate"]);
    kiosk_by(plain("kiosk"), &[], &[("--italian-roots", &card.path("trust/csca")), ("--card", &soft)])
        .ended(1, &["start: "]);
    for wrong in
        [&[][..], &["--lang", "de"], &["--trust", "a", "--italian-roots", "b"], &["--trust", "a", "more"]]
    {
        kiosk_by(plain("kiosk"), wrong, &[]).ended(2, &["usage: kiosk"]);
    }
}

/// Two kiosks of one program with one memory: what either learns in the middle of the other's check is known afterwards.
#[test]
fn a_memory_of_cards_serves_two_checks_at_once() {
    let (card, foreign) = (Folder::cie3(), Folder::foreign());
    let program = card.path("memory");
    compile("memory.c", &program);
    let mut run = watched();
    run.arg(program).args([card.path("trust"), foreign.path("trust")]);
    run.args([card.path("card.json"), foreign.path("card.json")]);
    Ran::from(run.env("LD_LIBRARY_PATH", c_library().prefix.join("lib")).output().unwrap()).ended(0, &[]);
}

/// What does not come to pass in a test, by a library that is laid before the real one.
fn without(what: &str, place: &Folder, mut example: Command) -> Command {
    let broken = place.path("broken.so");
    compile_with(&["-shared", "-fPIC", "-Wl,--as-needed", &format!("-D{what}")], "broken.c", &broken);
    example.env("LD_PRELOAD", broken);
    example
}

#[test]
fn what_cannot_begin_or_go_on_ends_and_says_why() {
    let card = Folder::cie3();
    let trust = card.path("trust");
    // Forgotten soon enough to be a failure, and not the end of all tests.
    let kiosk = || {
        let mut kiosk = Command::new("timeout");
        kiosk.arg("20").arg(built().join("kiosk"));
        kiosk
    };
    let run = |what: &str| {
        let program = without(what, &card, kiosk());
        kiosk_by(program, &["--allow-test-pki", "--lang", "en"], &[("--trust", &trust)])
    };
    // A monitor that is closed for good sees no card any more: the supervisor begins the program anew.
    run("MONITOR=CIE_INTERNAL").ended(1, &["monitor: internal"]);
    run("MONITOR=CIE_HANDLE").ended(1, &["monitor: handle"]);
    run("MONITOR=CIE_CANCELLED").ended(0, &[]);
    run("CONTEXT=CIE_INTERNAL").ended(1, &["start: the library cannot be used"]);
    run("THREAD=EAGAIN").ended(1, &["start: no thread can be begun"]);

    // What another program uses is told before anybody types.
    let mut login = without("PREPARE=CIE_CARD_IN_USE", &card, plain("login"));
    login.args(crate::citizen::login_options(&card)).args(["--pin-file", "/nowhere"]);
    let ran = Ran::from(login.output().unwrap()).ended(1, &["the card: "]);
    assert!(!ran.log.contains("/nowhere"), "{}", ran.log);
    let mut login = without("CONTEXT=CIE_INTERNAL", &card, plain("login"));
    Ran::from(login.args(crate::citizen::login_options(&card)).output().unwrap())
        .ended(1, &["the library: "]);
}

/// A program in C that is only a test, linked with the library.
fn compile(source: &str, program: &Path) {
    compile_with(&[], source, program);
}

fn compile_with(flags: &[&str], source: &str, program: &Path) {
    let prefix = &c_library().prefix;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c_examples").join(source);
    let mut compile = Command::new("gcc");
    compile.args(["-std=c11", "-pthread", "-Wall", "-Wextra", "-Werror", "-I"]).arg(prefix.join("include"));
    done(
        compile.args(flags).arg(source).arg("-L").arg(prefix.join("lib")).args(["-lcie", "-o"]).arg(program),
    );
}

/// Software cards reset each other's connections and hide what two programs at one reader see.
#[test]
fn two_handles_of_a_card_at_a_reader_know_the_same() {
    const PROGRAM: &str = "CIE_TEST_PROGRAM";
    if let Some(program) = std::env::var_os(PROGRAM) {
        let card = Folder::cie3();
        let _pcscd = Pcscd::start();
        let _laid = lay(&card);
        let output = Command::new(program).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return assert_eq!(said, "9 wrong, left 1\n");
    }
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("two_handles");
    compile("two_handles.c", &program);
    let output = enclosed(place.path())
        .env(PROGRAM, &program)
        .env("LD_LIBRARY_PATH", c_library().prefix.join("lib"))
        .args(["--exact", "kiosk::two_handles_of_a_card_at_a_reader_know_the_same", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "in its own process:\n{text}");
}

/// A software card on the reader, until the value goes.
struct Laid(vpcd::Remover);

fn lay(folder: &Folder) -> Laid {
    let card = SoftCard::open(folder.path("card.json")).unwrap();
    let mut laid = None;
    until_within(Duration::from_secs(10), "the reader takes the card", || {
        laid = vpcd::connect(&card, ("127.0.0.1", PORT)).ok();
        laid.is_some()
    });
    let connection = laid.unwrap();
    let remover = connection.remover();
    thread::spawn(move || connection.serve());
    Laid(remover)
}

impl Drop for Laid {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// A kiosk that is watched while it runs.
struct Running {
    child: Child,
    seen: usize,
}

impl Running {
    fn start(card: &Folder, options: &[&str]) -> Self {
        let file = |name| File::create(folder().join(name)).unwrap();
        let child = example("kiosk")
            .args(["--allow-test-pki", "--lang", "en", "--trust"])
            .arg(card.path("trust"))
            .args(options)
            .stdout(Stdio::from(file("screen")))
            .stderr(Stdio::from(file("log")))
            .spawn()
            .unwrap();
        Self { child, seen: 0 }
    }

    fn screen() -> String {
        fs::read_to_string(folder().join("screen")).unwrap()
    }

    fn log() -> String {
        fs::read_to_string(folder().join("log")).unwrap()
    }

    /// Waits until the screen says this, after what was waited for before.
    #[track_caller]
    fn says(&mut self, text: &str) -> &mut Self {
        self.says_one_of(&[text])
    }

    #[track_caller]
    fn says_one_of(&mut self, texts: &[&str]) -> &mut Self {
        let began = Instant::now();
        loop {
            let screen = Self::screen();
            let end = |text: &&str| screen[self.seen..].find(*text).map(|at| self.seen + at + text.len());
            if let Some(end) = texts.iter().filter_map(end).min() {
                self.seen = end;
                return self;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{texts:?}: {screen}{}", Self::log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn ends(mut self, signal: Option<&str>, status: i32) -> String {
        if let Some(signal) = signal {
            let id = self.child.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        }
        let code = self.child.wait().unwrap().code();
        assert!(code != Some(FOUND) && !Self::log().contains("=="), "valgrind: {}", Self::log());
        assert_eq!(code, Some(status), "{}{}", Self::screen(), Self::log());
        Self::log()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a process of its own, which cannot build anything.
#[test]
fn at_a_reader_it_goes_on_whatever_happens() {
    if is_enclosed() {
        return at_a_reader();
    }
    let place = tempfile::tempdir().unwrap();
    let output = enclosed(place.path())
        .env(BUILT, built())
        .args([
            "--exact",
            "kiosk::at_a_reader_it_goes_on_whatever_happens",
            "--nocapture",
            "--test-threads=1",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "in its own process:\n{text}");
}

const GENUINE: &str = "The card is genuine: NIS ...";
const WELCOME: &str = "Lay your identity card";

fn at_a_reader() {
    let (card, foreign, contact) = (Folder::cie3(), Folder::foreign(), Folder::contact());
    let nis = card.of_citizen("nis");
    let mut kiosk = Running::start(&card, &[]);
    kiosk.says("Out of order");
    let pcscd = Pcscd::start();
    kiosk.says(WELCOME);

    // Twice: the second time the card is remembered. Exchanged for others, and back.
    for _ in 0..2 {
        let laid = lay(&card);
        kiosk.says("Please wait").says("TEST - NOT A REAL CARD").says(GENUINE).says(&nis[nis.len() - 3..]);
        drop(laid);
        kiosk.says(WELCOME);
        let laid = lay(&foreign);
        kiosk.says("cannot check this card");
        drop(laid);
        kiosk.says(WELCOME);
    }
    let laid = lay(&contact);
    kiosk.says("An electronic identity card is needed");
    drop(laid);
    kiosk.says(WELCOME);
    let mute = RawCard::insert_with_atr(PORT, &[0x3B; 40], |_| Reaction::Silence);
    kiosk.says("middle of the reader");
    drop(mute);
    kiosk.says(WELCOME);
    // Taken away in the middle: the check or the reader says so, whichever is first.
    let silent = RawCard::insert(|_| Reaction::Silence);
    kiosk.says("Please wait");
    drop(silent);
    kiosk.says_one_of(&["Too early", WELCOME]);

    // The service goes with a card on the reader, and comes back: the card is checked anew.
    let laid = lay(&card);
    kiosk.says(GENUINE);
    pcscd.kill();
    kiosk.says("Out of order");
    drop(laid);
    let _pcscd = Pcscd::start();
    kiosk.says(WELCOME);
    let laid = lay(&card);
    kiosk.says(GENUINE);
    let log = kiosk.ends(Some("TERM"), 0);
    for line in ["service lost", "service back", "reader added: Virtual PCD", "reader removed", "card mute"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("monitor:"), "{log}");
    assert!(!log.contains(&nis) && !Running::screen().contains(&nis), "{log}");

    // After one card.
    let mut kiosk = Running::start(&card, &["--once"]);
    kiosk.says(GENUINE);
    kiosk.ends(None, 0);
    drop(laid);
    let laid = lay(&foreign);
    Running::start(&card, &["--once"]).ends(None, 1);
    drop(laid);
    // In the middle of a card that does not answer: no longer than the deadline of an exchange.
    let mut kiosk = Running::start(&card, &[]);
    let _silent = RawCard::insert(|_| Reaction::Silence);
    kiosk.says("Please wait");
    kiosk.ends(Some("INT"), 0);
}
