//! A terminal with somebody in front of it: that of `script` (util-linux), a real one of the kernel.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A command at a terminal of its own.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
    /// The terminal's file.
    file: String,
}

impl Terminal {
    pub fn new(command: &str, locale: &str, folder: &Path) -> Self {
        let mut script = Command::new("script");
        let command = format!("tty; {command}");
        script.args(["--quiet", "--return", "--echo", "always", "--command", &command, "/dev/null"]);
        script.current_dir(folder).env_remove("LANGUAGE").env_remove("LC_ALL").env("LANG", locale);
        script.env("TERM", "xterm").env("SHELL", "/bin/sh");
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().expect("script of util-linux");
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut terminal = Self { child, keys, screen, shown: String::new(), file: String::new() };
        terminal.wait_for("\n");
        terminal.file = std::mem::take(&mut terminal.shown).trim().to_owned();
        terminal
    }

    /// Waits until the screen shows this, after what was waited for before.
    pub fn wait_for(&mut self, text: &str) -> &mut Self {
        let from = self.shown.len();
        let mut bytes = self.shown.clone().into_bytes();
        while !self.shown[from..].contains(text) {
            let mut byte = [0];
            assert_eq!(self.screen.read(&mut byte).unwrap(), 1, "{text:?} never came: {}", self.shown);
            bytes.push(byte[0]);
            if let Ok(shown) = std::str::from_utf8(&bytes) {
                self.shown = shown.to_owned();
            }
        }
        self
    }

    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Types what must not be shown, as soon as the terminal hides it: a program faster than any person
    /// could type between the question and that.
    pub fn hidden(&mut self, keys: &str) -> &mut Self {
        let began = Instant::now();
        let hides = || {
            let output = Command::new("stty").args(["-a", "-F", &self.file]).output().unwrap();
            String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == "-echo")
        };
        while !hides() {
            assert!(began.elapsed() < Duration::from_secs(10), "never hidden: {}", self.shown);
            std::thread::sleep(Duration::from_millis(5));
        }
        self.press(keys)
    }

    /// All that was shown, and the exit status.
    pub fn end(mut self) -> (String, Option<i32>) {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.shown += std::str::from_utf8(&rest).unwrap();
        (self.shown.replace("\r\n", "\n"), self.child.wait().unwrap().code())
    }
}
