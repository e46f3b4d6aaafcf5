//! The real pinentries: that of the desktop in a window of its own (under Xvfb, the keys pressed by xdotool), those for
//! terminals where there is one, and where there is none.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::terminal::Terminal;
use crate::common::until_within;
use crate::host::{Desk, Host, ORIGIN, PIN, authenticate, code, verifies};

const PATIENCE: Duration = Duration::from_secs(20);

/// A screen that nobody looks at.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn new() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed (Debian: xvfb)");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, display: format!(":{}", number.trim()) }
    }

    fn xdotool(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("xdotool").env("DISPLAY", &self.display).args(arguments).output();
        let output = output.expect("xdotool is needed (Debian: xdotool)");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn window(&self) -> Option<String> {
        let (found, window) = self.xdotool(&["search", "--onlyvisible", "--class", "pinentry"]);
        found.then_some(window).filter(|window| !window.is_empty())
    }

    /// Waits for the window, and for it to take the keyboard.
    fn wait_for_window(&self) {
        until_within(PATIENCE, "pinentry's window", || self.window().is_some());
        let window = self.window().unwrap();
        // Without a window manager nobody else gives it the keyboard.
        self.xdotool(&["mousemove", "--window", &window, "20", "20"]);
        self.xdotool(&["windowfocus", &window]);
        std::thread::sleep(Duration::from_millis(700));
    }

    /// How wide the window is, in pixels.
    fn width(&self) -> u32 {
        let window = self.window().unwrap();
        let (_, said) = self.xdotool(&["getwindowgeometry", "--shell", &window]);
        let width = said.lines().find_map(|line| line.strip_prefix("WIDTH=")).unwrap();
        width.parse().unwrap()
    }

    fn press(&self, keys: &str) {
        assert!(self.xdotool(&["type", "--delay", "20", keys]).0);
        assert!(self.xdotool(&["key", "Return"]).0);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn desktop_host(desk: &Desk, screen: &Screen) -> Host {
    let mut command = desk.command(&[], Path::new("pinentry-gtk-2"));
    command.env("DISPLAY", &screen.display).env_remove("WAYLAND_DISPLAY").env_remove("GPG_TTY");
    Host::of(command)
}

#[test]
fn the_desktops_window_takes_the_pin() {
    let (desk, screen) = (Desk::new(&[]), Screen::new());
    let mut host = desktop_host(&desk, &screen).greeted();
    host.send(&authenticate());
    screen.wait_for_window();
    screen.press("99999999");
    until_within(PATIENCE, "the wrong PIN is refused", || screen.window().is_none());
    // A busy machine may lose a key: what has too few digits is not sent, and the window comes anew.
    let mut token = None;
    until_within(PATIENCE, "a token", || {
        if screen.window().is_some() {
            screen.wait_for_window();
            screen.press(PIN);
        }
        token = host.answer_within(Duration::from_secs(3));
        token.is_some()
    });
    assert!(verifies(&token.unwrap(), ORIGIN));
    assert_eq!((host.end().0, screen.window()), (0, None));
    assert_eq!(desk.tries(), 3, "one wrong, one right");
}

#[test]
fn the_desktops_window_is_cancelled() {
    let (desk, screen) = (Desk::new(&[]), Screen::new());
    let mut host = desktop_host(&desk, &screen).greeted();
    host.send(&authenticate());
    screen.wait_for_window();
    // A busy machine may be late in giving it the keyboard.
    until_within(PATIENCE, "Escape closes the window", || {
        screen.xdotool(&["key", "Escape"]);
        std::thread::sleep(Duration::from_millis(300));
        screen.window().is_none()
    });
    assert_eq!(code(&host.answer()), "ERR_WEBEID_USER_CANCELLED");
    assert_eq!((host.end().0, desk.tries()), (0, 3));
}

/// On a screen of its own: no key that was pressed before comes late.
#[test]
fn the_desktops_window_is_closed_with_the_page() {
    let (desk, screen) = (Desk::new(&[]), Screen::new());
    let mut host = desktop_host(&desk, &screen).greeted();
    host.send(&authenticate());
    screen.wait_for_window();
    host.leave();
    assert_eq!(host.end(), (0, String::new()));
    assert_eq!((screen.window(), desk.tries()), (None, 3));
}

/// No part of an address is off the screen, however long it is.
#[test]
fn the_desktops_window_is_no_wider_than_a_screen() {
    let (desk, screen) = (Desk::new(&[]), Screen::new());
    let labels = [&"w".repeat(63)[..], &"w".repeat(63), &"w".repeat(63), &"w".repeat(49)].join(".");
    for origin in [format!("https://{labels}:65535"), ORIGIN.to_owned()] {
        let mut request = authenticate();
        request["arguments"]["origin"] = origin.into();
        let mut host = desktop_host(&desk, &screen).greeted();
        host.send(&request);
        screen.wait_for_window();
        assert!(screen.width() <= 1024, "{}", screen.width());
        host.leave();
        host.end();
    }
}

/// A page that goes while somebody types at a terminal: it shows again what is typed, and what was typed is gone.
#[test]
fn a_terminal_is_left_as_it_was() {
    for program in ["pinentry-tty", "pinentry-curses"] {
        let desk = Desk::new(&[]);
        assert!(Command::new("mkfifo").arg(desk.path().join("in")).status().unwrap().success());
        let line = format!(
            "{} --lang en --reader 'soft:{}' web-eid host --pinentry {program} <in >out 2>err; echo the-end; \
             stty -a | tr ' ' '\\n' | grep -x -e echo -e -echo; read -r -t 2 left; echo \"left:<$left>\"",
            env!("CARGO_BIN_EXE_cie"),
            desk.card().display()
        );
        let mut terminal = Terminal::new(&format!("bash -c {line:?}"), "C.UTF-8", desk.path());
        let mut input = OpenOptions::new().write(true).open(desk.path().join("in")).unwrap();
        let request = authenticate().to_string();
        let length = u32::try_from(request.len()).unwrap().to_ne_bytes();
        input.write_all(&[&length, request.as_bytes()].concat()).unwrap();
        terminal.wait_for(ORIGIN).wait_for("PIN:");
        terminal.hidden("1234567");
        std::thread::sleep(Duration::from_millis(300));
        drop(input);
        terminal.wait_for("the-end");
        let (shown, _) = terminal.end();
        let after = shown.rsplit_once("the-end").unwrap().1;
        assert!(after.contains("\necho"), "{program}: {after}");
        assert!(after.contains("left:<>") && !shown.contains("1234567"), "{program}: {after}");
    }
}

/// A browser that was started at a terminal, and a pinentry that needs one.
#[test]
fn the_pinentries_for_terminals_ask_at_the_browsers_terminal() {
    for program in ["pinentry-tty", "pinentry-curses"] {
        let desk = Desk::new(&[]);
        let at = |name: &str| desk.path().join(name);
        let made = Command::new("mkfifo").arg(at("in")).status().unwrap();
        assert!(made.success());
        let card = desk.card();
        let line = format!(
            "{} --lang en --reader 'soft:{}' web-eid host --pinentry {program} <in >out 2>err",
            env!("CARGO_BIN_EXE_cie"),
            card.display()
        );
        let mut terminal = Terminal::new(&line, "C.UTF-8", desk.path());
        let mut input = OpenOptions::new().write(true).open(at("in")).unwrap();
        let request = authenticate().to_string();
        let length = u32::try_from(request.len()).unwrap().to_ne_bytes();
        input.write_all(&[&length, request.as_bytes()].concat()).unwrap();
        // Curses draws a box, and breaks the lines where it likes.
        terminal.wait_for(ORIGIN).wait_for("PIN:");
        let enter = if program == "pinentry-tty" { "\n" } else { "\r" };
        terminal.hidden(&format!("{PIN}{enter}"));
        let (shown, status) = terminal.end();
        drop(input);
        assert_eq!(status, Some(0), "{shown}: {}", fs::read_to_string(at("err")).unwrap());
        assert!(!shown.contains(PIN), "{shown}");
        let token = second_message(&fs::read(at("out")).unwrap());
        assert!(verifies(&token, ORIGIN));
    }
}

fn second_message(mut output: &[u8]) -> Value {
    let mut next = || {
        let (length, rest) = output.split_at(4);
        let (message, rest) = rest.split_at(u32::from_ne_bytes(length.try_into().unwrap()) as usize);
        output = rest;
        serde_json::from_slice::<Value>(message).unwrap()
    };
    next();
    let token = next();
    assert!(output.is_empty());
    token
}

/// pinentry-tty would say that somebody cancelled. Nobody did: there is no terminal to ask at.
#[test]
fn without_a_terminal_their_silence_is_not_taken_for_a_persons() {
    for (program, display) in
        [("pinentry-tty", None), ("pinentry-curses", None), ("pinentry-gtk-2", Some(":4711"))]
    {
        let desk = Desk::new(&[]);
        let command = desk.command(&[], Path::new(program));
        // A session of its own has no terminal.
        let mut apart = Command::new("setsid");
        apart.arg("--wait").arg(command.get_program()).args(command.get_args());
        apart.env("HOME", desk.path()).env_remove("XDG_RUNTIME_DIR").env_remove("GPG_TTY");
        apart.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        if let Some(display) = display {
            apart.env("DISPLAY", display);
        }
        let (answer, status, said) = Host::of(apart).ask(&authenticate());
        assert_eq!((code(&answer), status), ("ERR_WEBEID_NATIVE_FATAL", 2), "{program}: {said}");
        assert!(said.contains("pinentry-failed") && said.contains("pinentry-gnome3"), "{program}: {said}");
        assert_eq!(desk.tries(), 3);
    }
}
