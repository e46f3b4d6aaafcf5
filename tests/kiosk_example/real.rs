//! The whole counter: the example in a terminal, a real PC/SC service, and software cards on the virtual reader.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use cie::Language;
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::{self, Model};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{TestPki, pem};
use cie::emulator::{Chip, SoftCard, vpcd};

use crate::common::pcscd::{PORT, Pcscd, folder};
use crate::common::until_within;
use crate::isolated_tests;
use crate::model::View;
use crate::raw_card::{RawCard, Reaction};
use crate::screen::Scene;
use crate::tmux::{Screen, kiosk, write_list};

const WORDS: &str = "Niccolò dell'ufficio tributi";
const OTHER_WORDS: &str = "Sportello 2";
const MAY_PASS: &str = "ed è nell'elenco";
const WELCOME: &str = "Il PIN non serve";
const CHECKING: &str = "Stiamo controllando la carta";
const TOO_EARLY: &str = "La carta è stata tolta durante il controllo";
const TAKE_CARD: &str = "Sul lettore c'è ancora una carta";
const NO_SERVICE: &str = "Il servizio dei lettori non risponde";
const NOT_LISTED: &str = "ma non è nell'elenco";
const TEST: &str = "TEST - NOT A REAL CARD";

/// The second slot of the reader.
const SECOND: u16 = PORT + 1;

/// Cards of this moment, as the example's clock is the system's.
struct Cards {
    pki: TestPki,
    listed: Citizen,
    one: Personalisation,
    other: Personalisation,
}

impl Cards {
    fn make() -> Self {
        let (now, entropy) = (SystemTime::now(), &mut Seeded::new(2026));
        let pki = TestPki::generate(entropy, now).unwrap();
        let listed = Citizen::numbered(1);
        let mut card = |citizen| issue(&pki, citizen, &IssueOptions::default(), entropy, now).unwrap();
        let (one, other) = (card(&listed), card(&Citizen::numbered(2)));
        Self { pki, listed, one, other }
    }

    fn list(&self) -> String {
        format!("{}\t{WORDS}\n000000000009\t{OTHER_WORDS}\n", self.listed.nis)
    }
}

fn soft(personalisation: &Personalisation) -> SoftCard {
    SoftCard::new(personalisation.clone(), Chip::Gemalto, Seeded::new(1)).unwrap()
}

/// A software card on the virtual reader, until the value goes.
struct Laid(vpcd::Remover);

fn lay(card: &SoftCard, port: u16) -> Laid {
    let mut laid = None;
    until_within(Duration::from_secs(5), "the reader takes the card", || {
        laid = vpcd::connect(card, ("127.0.0.1", port)).ok();
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

/// A counter in a terminal.
struct Counter<'a> {
    screen: Screen,
    log: PathBuf,
    list: PathBuf,
    cards: &'a Cards,
}

impl<'a> Counter<'a> {
    fn start(cards: &'a Cards, name: &str, options: &str) -> Self {
        let place = folder().join(name);
        let csca = place.join("trust/csca");
        fs::create_dir_all(&csca).unwrap();
        fs::write(csca.join("csca.pem"), pem(cards.pki.csca_der()).unwrap()).unwrap();
        let (list, log) = (place.join("list"), place.join("log"));
        write_list(&list, &cards.list());
        let program = format!(
            "{} --trust {} --allow-test-pki --may-pass {} --log {} {options}",
            kiosk().display(),
            place.join("trust").display(),
            list.display(),
            log.display()
        );
        Self { screen: Screen::start(name, &program), log, list, cards }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    fn logged(&self, text: &str) {
        until_within(Duration::from_secs(15), text, || self.log().contains(text));
    }

    #[track_caller]
    fn shows_the_person(&self) {
        self.screen.shows(MAY_PASS);
        let seen = self.screen.seen();
        for text in [WORDS, TEST, &self.masked()] {
            assert!(seen.contains(text), "{text}: {seen}");
        }
        assert!(!seen.contains(&self.cards.listed.nis), "{seen}");
    }

    fn masked(&self) -> String {
        format!("NIS ·········{}", &self.cards.listed.nis[9..])
    }

    /// Nothing of anybody is left: not on the screen, not behind it, not in what was written.
    #[track_caller]
    fn nothing_is_left(&self) {
        let kept = self.screen.kept();
        let written = self.log() + &self.screen.said();
        for text in [WORDS, OTHER_WORDS, "NIS", &self.cards.listed.nis, &self.cards.listed.nis[6..]] {
            assert!(!kept.contains(text), "{text} is left: {kept}");
            assert!(!written.contains(text), "{text} was written: {written}");
        }
    }
}

isolated_tests! {
    fn cards_of_every_kind() {
        let cards = Cards::make();
        let _pcscd = Pcscd::start();
        let counter = Counter::start(&cards, "kinds", "");
        let screen = &counter.screen;
        screen.shows(WELCOME);

        let laid = lay(&soft(&cards.one), PORT);
        counter.shows_the_person();
        // The other language, with the person where they were.
        screen.press("Tab");
        screen.shows("you may pass");
        assert!(screen.seen().contains(WORDS));
        screen.press("Tab");
        screen.shows(MAY_PASS);
        drop(laid);
        screen.shows(WELCOME);
        counter.nothing_is_left();

        let laid = lay(&soft(&cards.other), PORT);
        screen.shows(NOT_LISTED);
        assert!(!screen.seen().contains(MAY_PASS) && !screen.seen().contains(WORDS));
        // The list is changed while it lies there: the next time it counts.
        write_list(&counter.list, &format!("{}\t{OTHER_WORDS}\n", Citizen::numbered(2).nis));
        drop(laid);
        screen.shows(WELCOME);
        let laid = lay(&soft(&cards.other), PORT);
        screen.shows(OTHER_WORDS);
        drop(laid);
        screen.shows(WELCOME);
        let laid = lay(&soft(&cards.one), PORT);
        screen.shows(NOT_LISTED);
        // And a list that cannot be used lets nobody pass.
        fs::write(&counter.list, format!("{}\t{WORDS}\nhalf a li", cards.listed.nis)).unwrap();
        drop(laid);
        screen.shows(WELCOME);
        let laid = lay(&soft(&cards.one), PORT);
        screen.shows("(list-unusable)");
        drop(laid);
        write_list(&counter.list, &cards.list());
        screen.shows(WELCOME);

        // Everything that can be read of the first card, and another's key. The original was seen before.
        let mut copy = cards.one.clone();
        copy.services_key = cards.other.services_key.clone();
        let laid = lay(&soft(&copy), PORT);
        screen.shows("(chip-not-authentic)");
        drop(laid);
        screen.shows(WELCOME);

        let (model, entropy) = (Model::Athena, &mut Seeded::new(3));
        let options = contact::IssueOptions::default();
        let issued = contact::issue(&cards.pki, &cards.listed, model, &options, entropy, SystemTime::now()).unwrap();
        let laid = lay(&SoftCard::new_contact(issued.personalisation, model, Seeded::new(1)).unwrap(), PORT);
        screen.shows("(not-a-cie)");
        drop(laid);
        screen.shows(WELCOME);

        let mute = RawCard::insert_with_atr(PORT, &[0x3B; 40], |_| Reaction::Silence);
        screen.shows("(card-unpowered)");
        drop(mute);
        screen.shows(WELCOME);

        // A card that waits while another is served.
        let laid = lay(&soft(&cards.other), SECOND);
        screen.shows(NOT_LISTED);
        let waiting = lay(&soft(&cards.one), PORT);
        screen.shows("Un'altra carta è in attesa");
        assert!(!screen.seen().contains(WORDS));
        drop(laid);
        counter.shows_the_person();
        // Every size, with somebody on it.
        for (width, height) in [(20, 5), (160, 50), (1, 1), (80, 24)] {
            screen.resize(width, height);
        }
        screen.shows(&counter.masked());
        drop(waiting);
        screen.shows(WELCOME);
        screen.press("C-c");
        screen.shows("over 0");
        counter.nothing_is_left();
        let log = counter.log();
        for line in ["checked turn=1 may-pass ms=", "may-not-pass", "list-unusable", "not-a-cie", "ended key"] {
            assert!(log.contains(line), "{line}: {log}");
        }
    }

    fn what_clears_the_screen() {
        let cards = Cards::make();
        let pcscd = Pcscd::start();
        let counter = Counter::start(&cards, "clears", "--show-for 1");
        let screen = &counter.screen;
        screen.shows(WELCOME);

        // The time is over, and the card lies there still.
        let card = soft(&cards.one);
        let laid = lay(&card, PORT);
        counter.logged("turn=1 may-pass");
        screen.shows(TAKE_CARD);
        counter.nothing_is_left();
        assert!(!counter.log().contains("card-removed"), "{}", counter.log());
        drop(laid);
        screen.shows(WELCOME);

        // Pulled in the middle of the check, which goes on and comes to an end of its own.
        let (answer, wait) = mpsc::channel::<()>();
        let slow = soft(&cards.one);
        slow.set_tamper(Some(Box::new(move |command, response| {
            if command.ins() == 0x88 {
                let _ = wait.recv();
            }
            response
        })));
        let laid = lay(&slow, PORT);
        screen.shows(CHECKING);
        drop(laid);
        drop(answer);
        screen.shows(TOO_EARLY);
        screen.shows(WELCOME);
        assert!(!counter.log().contains("turn=2 may-pass"), "{}", counter.log());
        counter.nothing_is_left();

        // One that breaks off within an answer, and one that never gives it.
        let raw = RawCard::insert_at(PORT, |_| Reaction::BreakOff(10, vec![0x90]));
        screen.shows(TOO_EARLY);
        drop(raw);
        screen.shows(WELCOME);
        let raw = RawCard::insert_at(PORT, |_| Reaction::Silence);
        screen.shows(CHECKING);
        drop(raw);
        screen.shows(WELCOME);

        // The service works as before after all of that; then it is killed.
        drop(counter);
        let counter = Counter::start(&cards, "service", "");
        let screen = &counter.screen;
        let laid = lay(&card, PORT);
        counter.shows_the_person();
        pcscd.kill();
        screen.shows(NO_SERVICE);
        counter.logged("fault no-service");
        counter.nothing_is_left();
        drop(laid);
        let pcscd = Pcscd::start();
        screen.shows(WELCOME);
        let laid = lay(&card, PORT);
        counter.shows_the_person();
        // One that hangs is as good as killed.
        pcscd.pause();
        screen.shows(NO_SERVICE);
        counter.nothing_is_left();
        pcscd.resume();
        // The card lies there, and is checked anew.
        counter.shows_the_person();
        drop(laid);
        screen.shows(WELCOME);
        // A card while the service is killed in the middle of its check.
        let raw = RawCard::insert_at(PORT, |_| Reaction::Silence);
        screen.shows(CHECKING);
        pcscd.kill();
        screen.shows(NO_SERVICE);
        drop(raw);
        let _pcscd = Pcscd::start();
        screen.shows(WELCOME);
        let _laid = lay(&card, PORT);
        counter.shows_the_person();
    }

    fn however_it_ends_the_terminal_is_empty() {
        let cards = Cards::make();
        let _pcscd = Pcscd::start();
        let card = soft(&cards.one);
        let _laid = lay(&card, PORT);
        for signal in ["TERM", "INT", "HUP", "QUIT"] {
            let counter = Counter::start(&cards, signal, "--show-for 120");
            counter.shows_the_person();
            // A program that is stopped would leave somebody on its screen.
            counter.screen.signal("TSTP");
            counter.screen.press("Tab");
            counter.screen.shows("you may pass");
            counter.screen.signal(signal);
            counter.screen.shows("over 0");
            counter.nothing_is_left();
            counter.logged("ended signal");
            assert_eq!(counter.screen.seen(), "over 0");
        }
        // The terminal itself goes: nobody is served behind it, and nothing spins.
        let Counter { screen, log, .. } = Counter::start(&cards, "gone", "--show-for 120");
        screen.shows(MAY_PASS);
        drop(screen);
        until_within(Duration::from_secs(5), "it has ended", || fs::read_to_string(&log).unwrap().contains(" ended "));
        // A panic, with somebody on the screen and in what it says.
        let program = format!(
            "env KIOSK_PANICS=1 {} --exact real::a_panic --nocapture --test-threads=1",
            std::env::current_exe().unwrap().display()
        );
        let screen = Screen::start("panic", &program);
        screen.shows("over 101");
        assert!(!screen.kept().contains(WORDS), "{}", screen.kept());
        let said = screen.said();
        assert!(said.contains("kiosk: it panicked at ") && said.contains("real.rs"), "{said}");
        assert!(!said.contains(WORDS), "{said}");
    }
}

/// Not a test by itself: [`however_it_ends_the_terminal_is_empty`] runs it in a terminal.
#[test]
fn a_panic() {
    if std::env::var_os("KIOSK_PANICS").is_none() {
        return;
    }
    let person = crate::turns::person(WORDS);
    let view = View::MayPass { words: WORDS, person: &person };
    let scene = Scene { view, language: Language::Italian, others_wait: false, is_demo: false };
    let mut screen = crate::terminal::Screen::open().unwrap();
    screen.draw(&scene).unwrap();
    let _ = thread::spawn(|| panic!("{WORDS}")).join();
    screen.draw(&scene).unwrap();
}

#[test]
fn who_cannot_begin_says_why_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (now, entropy) = (SystemTime::now(), &mut Seeded::new(1));
    let pki = TestPki::generate(entropy, now).unwrap();
    let csca = folder.path().join("trust/csca");
    let holder = folder.path().join("holders/holder");
    for (folder, der) in [(&csca, pki.csca_der()), (&holder, pki.root_der())] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("one.pem"), pem(der).unwrap()).unwrap();
    }
    let list = folder.path().join("list");
    write_list(&list, "123456789012\tAnna\n");
    fs::hard_link(&list, folder.path().join("same")).unwrap();
    let broken = folder.path().join("broken");
    write_list(&broken, "123456789012\tAnna\n12345678901x\tBruno\n");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let kiosk = kiosk().display().to_string();
    for (options, expected) in [
        // Its software cards are not taken without a word.
        (format!("--trust {} --may-pass {}", path("trust"), path("list")), "test"),
        (
            format!("--trust {} --allow-test-pki --may-pass {}", path("holders"), path("list")),
            "no country signing",
        ),
        (format!("--trust {} --allow-test-pki --may-pass {}", path("trust"), path("broken")), "line 2 "),
        (
            format!("--trust {} --allow-test-pki --may-pass {}", path("trust"), path("nothing")),
            "cannot be read",
        ),
        (format!("--trust {} --may-pass {}", path("nowhere"), path("list")), "nowhere"),
        (format!("--trust {} --may-pass {} --log {}", path("trust"), path("list"), path("trust")), "--log"),
        (format!("--trust {} --may-pass {} --log {}", path("trust"), path("list"), path("same")), "--log"),
        (format!("--trust {} --may-pass {} --log /dev/null", path("trust"), path("list")), "it is no file"),
    ] {
        // With a terminal on standard input and output, that of `script`; standard error is a file.
        let said = folder.path().join("said");
        let command = format!("{kiosk} {options} 2>{}", said.display());
        let status = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("script of util-linux");
        let said = fs::read_to_string(said).unwrap();
        assert_eq!(status.code(), Some(2), "{options}: {said}");
        assert!(said.starts_with("kiosk: ") && said.matches('\n').count() == 1, "{said}");
        assert!(said.contains(expected) && !said.contains("Bruno"), "{said}");
    }
    // And without a terminal there is no counter.
    let output = Command::new(&kiosk).args(["--demo"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("a terminal is needed"));
}
