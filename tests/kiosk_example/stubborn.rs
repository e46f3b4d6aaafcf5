//! Terminals, logs and keyboards that do not behave: the demonstration in a real terminal.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::termios::{Action, LocalModes, tcflow, tcgetattr};

use crate::common::pcscd::folder;
use crate::common::until_within;
use crate::isolated_tests;
use crate::tmux::{Screen, kiosk};

const WELCOME: &str = "Il PIN non serve";
const MAY_PASS: &str = "ed è nell'elenco";
const TAKE_CARD: &str = "Sul lettore c'è ancora una carta";
/// Beside every name, and in no other picture.
const SOMEBODY: &str = "NIS";
const PATIENCE: Duration = Duration::from_secs(15);

/// The demonstration, after `before` in a shell of its own.
fn demo(name: &str, before: &str, options: &str) -> Screen {
    let screen =
        Screen::start(name, &format!("sh -c \"{before} exec {} --demo {options}\"", kiosk().display()));
    screen.shows(WELCOME);
    screen
}

fn shows_somebody(screen: &Screen) {
    screen.press("1");
    screen.shows(MAY_PASS);
}

/// Nobody is on the screen, and the terminal is as it was.
#[track_caller]
fn is_left_empty(screen: &Screen) {
    assert!(!screen.kept().contains(SOMEBODY), "{}", screen.kept());
    let modes = tcgetattr(screen.device()).unwrap().local_modes;
    assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO));
}

/// Fills a pipe to which nobody listens.
fn fill(pipe: &mut File) {
    loop {
        match pipe.write(&[b'x'; 512]) {
            Ok(written) => assert!(written > 0),
            Err(error) => return assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

isolated_tests! {
    fn a_log_that_nobody_reads_holds_nobody_on_the_screen() {
        let pipe = folder().join("nobody-reads");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut reader = File::options().read(true).write(true).custom_flags(nonblocking).open(&pipe).unwrap();
        let screen = demo("pipe", &format!("exec 2>{};", pipe.display()), "--show-for 120");
        shows_somebody(&screen);
        fill(&mut reader);
        screen.press("0");
        screen.shows(WELCOME);
        // More than the log holds back.
        for _ in 0..30 {
            screen.type_at_once("1010101010");
        }
        shows_somebody(&screen);
        screen.signal("TERM");
        screen.shows("over 0");
        is_left_empty(&screen);
    }

    fn a_terminal_that_was_stopped_is_given_back_empty() {
        let screen = demo("stopped", "", "--show-for 120");
        shows_somebody(&screen);
        let terminal = screen.device();
        tcflow(&terminal, Action::OOff).unwrap();
        // It is in the middle of a picture now.
        screen.press("0");
        let began = Instant::now();
        screen.signal("TERM");
        screen.shows("over ");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        is_left_empty(&screen);
    }

    fn a_flood_of_keys_neither_fills_the_memory_nor_keeps_anybody() {
        let screen = demo("flood", "", "--show-for 2");
        let before = screen.memory();
        shows_somebody(&screen);
        let began = Instant::now();
        let flood = "\t".repeat(100_000);
        while began.elapsed() < Duration::from_secs(3) {
            screen.type_at_once(&flood);
        }
        assert!(screen.memory() < before + 20_000, "{before}, {}", screen.memory());
        assert!(!screen.kept().contains(SOMEBODY), "{}", screen.seen());
        // And Ctrl-C is heard, after an escape in the same read, too.
        screen.type_at_once("\u{1B}\u{3}");
        screen.shows("over 0");
    }

    fn a_program_that_was_stopped_shows_nobody_late() {
        let copy = folder().join("copy");
        let screen = demo("late", "", "--show-for 1");
        // Which of the moment and the signal is heard first is chance.
        for _ in 0..5 {
            shows_somebody(&screen);
            screen.signal("STOP");
            std::thread::sleep(Duration::from_millis(1100));
            screen.copy_to(&copy);
            screen.signal("CONT");
            screen.shows(TAKE_CARD);
            until_within(PATIENCE, "a copy", || fs::metadata(&copy).unwrap().len() > 0);
            let written = fs::read_to_string(&copy).unwrap();
            assert!(!written.contains(SOMEBODY), "{written:?}");
            screen.copy_to_nobody();
            screen.press("0");
            screen.shows(WELCOME);
        }
    }

    fn signals_leave_nobody_on_the_screen() {
        let log = folder().join("signals.log");
        // A block of 512 bytes, or of 1024: the log outgrows it.
        let screen = demo("signals", "ulimit -f 1;", &format!("--log {} --show-for 120", log.display()));
        for _ in 0..30 {
            shows_somebody(&screen);
            screen.press("0");
            screen.shows(WELCOME);
        }
        assert!(fs::metadata(&log).unwrap().len() >= 512);
        for signal in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XFSZ"] {
            screen.signal(signal);
        }
        shows_somebody(&screen);
        screen.signal("ABRT");
        screen.shows("over 0");
        is_left_empty(&screen);
    }

    fn a_terminal_of_any_size_is_drawn_on() {
        let screen = demo("none", "stty rows 0 cols 0;", "");
        shows_somebody(&screen);
        screen.press("C-c");
        screen.shows("over 0");
        is_left_empty(&screen);
        let log = folder().join("huge.log");
        let program = format!(
            "sh -c \"stty rows 20000 cols 20000; exec {} --demo --log {}\"", kiosk().display(), log.display()
        );
        let screen = Screen::start("huge", &program);
        until_within(PATIENCE, "it has begun", || fs::read_to_string(&log).is_ok_and(|log| log.contains("started")));
        screen.press("1");
        until_within(PATIENCE, "a check", || fs::read_to_string(&log).unwrap().contains("may-pass"));
        assert!(screen.memory() < 150_000, "{}", screen.memory());
        screen.press("C-c");
        screen.shows("over 0");
        assert_eq!(screen.seen(), "over 0");
    }

    fn a_terminal_that_does_not_wait_for_keys_is_none_that_is_gone() {
        // The flag is of the terminal that both have in common.
        let flag = "import fcntl,os;fcntl.fcntl(0,fcntl.F_SETFL,fcntl.fcntl(0,fcntl.F_GETFL)|os.O_NONBLOCK)";
        let screen = demo("nonblocking", &format!("python3 -c '{flag}';"), "");
        shows_somebody(&screen);
        screen.press("0");
        screen.shows(WELCOME);
    }
}

#[test]
fn no_name_is_no_reader() {
    let output = Command::new(kiosk())
        .args(["--trust", "t", "--may-pass", "l", "--reader", ""])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("--reader"), "{said}");
}
