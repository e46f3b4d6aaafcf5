//! The desktop's own window for a PIN: the program `pinentry`, spoken to in Assuan (GnuPG, "The Assuan Protocol").
//!
//! One program for each question: nothing of one window is left in the next. A line that is sent is at most 1000 bytes
//! and one line, whatever stands in it; what is read is bounded, and kept only where it is cleared.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cie::secret::Typed;
use zeroize::Zeroizing;

/// The longest line of the protocol, its end included.
const LINE_MAX: usize = 1000;
/// The most lines of one answer; a pinentry says two or three.
const LINES_MAX: usize = 64;
/// How long a person may take: as long as the extension waits.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the program may take to say that the person took too long, and to end.
const GRACE: Duration = Duration::from_secs(5);
const ENDING: Duration = Duration::from_secs(1);
/// Codes of libgpg-error that are an answer of the person; their source stands in the upper half.
const CANCELLED: u32 = 99;
const NOT_CONFIRMED: u32 = 114;
const TIMED_OUT: u32 = 62;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum PinentryError {
    /// The program cannot be started.
    Missing(io::Error),
    /// It cannot show anything, or does not speak the protocol.
    Failed(String),
    /// The person does not want to.
    Cancelled,
    /// The person did nothing for two minutes.
    TimedOut,
    /// The leash was pulled.
    Ended,
}

/// What a window shows.
#[derive(Default)]
pub(crate) struct Window<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: String,
    pub(crate) prompt: &'a str,
    /// What went wrong before; shown where it is seen.
    pub(crate) error: Option<String>,
    pub(crate) ok: &'a str,
    pub(crate) cancel: &'a str,
}

/// Ends the window from elsewhere, whatever it is doing, and every later one.
#[derive(Clone, Default)]
pub(crate) struct Leash(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    child: Option<Child>,
    pulled: bool,
    timed_out: bool,
}

impl Leash {
    /// Ends the window that is open, if one is, and lets none open again.
    pub(crate) fn pull(&self) {
        let mut held = self.held();
        held.pulled = true;
        end(&mut held);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, child: Child) {
        let mut held = self.held();
        held.child = Some(child);
        held.timed_out = false;
        if held.pulled {
            end(&mut held);
        }
    }
}

fn end(held: &mut Held) {
    if let Some(mut child) = held.child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Which program to start, by name or path.
pub(crate) struct Program(OsString);

impl Program {
    /// The one that was asked for, else the system's.
    pub(crate) fn of(asked: Option<&Path>) -> Self {
        let usual = if cfg!(target_os = "macos") { "pinentry-mac" } else { "pinentry" };
        Self(asked.map_or_else(|| usual.into(), |path| path.as_os_str().to_owned()))
    }

    /// Asks for a PIN.
    pub(crate) fn ask(&self, window: &Window<'_>, leash: &Leash) -> Result<Typed, PinentryError> {
        let mut pinentry = Pinentry::start(&self.0, leash)?;
        pinentry.show(window)?;
        let mut typed = pinentry.request("GETPIN", "")?;
        Ok(Typed::new(std::mem::take(&mut *typed)))
    }

    /// Asks whether to go on.
    pub(crate) fn confirm(&self, window: &Window<'_>, leash: &Leash) -> Result<(), PinentryError> {
        let mut pinentry = Pinentry::start(&self.0, leash)?;
        pinentry.show(window)?;
        pinentry.request("CONFIRM", "").map(drop)
    }

    /// Tells something, until it was read.
    pub(crate) fn tell(&self, window: &Window<'_>, leash: &Leash) -> Result<(), PinentryError> {
        let mut pinentry = Pinentry::start(&self.0, leash)?;
        pinentry.show(window)?;
        pinentry.request("MESSAGE", "").map(drop)
    }
}

/// A program that runs.
struct Pinentry<'a> {
    leash: &'a Leash,
    input: ChildStdin,
    output: ChildStdout,
    /// Closing it lets the watchdog go.
    _watchdog: Sender<()>,
}

impl<'a> Pinentry<'a> {
    fn start(program: &OsStr, leash: &'a Leash) -> Result<Self, PinentryError> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(PinentryError::Missing)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        leash.hold(child);
        let (input, output) = pipes.ok_or_else(|| PinentryError::Failed("no pipes".to_owned()))?;
        let (sender, receiver) = mpsc::channel();
        let watched = leash.clone();
        std::thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE + GRACE) == Err(RecvTimeoutError::Timeout) {
                let mut held = watched.held();
                held.timed_out = true;
                end(&mut held);
            }
        });
        let mut pinentry = Self { leash, input, output, _watchdog: sender };
        // It speaks first.
        pinentry.answer()?;
        pinentry.find_a_screen()?;
        Ok(pinentry)
    }

    /// A program for terminals needs one; the browser's is better than none. Without one such a program would say that
    /// the person cancelled.
    fn find_a_screen(&mut self) -> Result<(), PinentryError> {
        let flavor = self.optional("GETINFO", "flavor")?.unwrap_or_default();
        let for_terminals = matches!(flavor.as_str(), "tty" | "curses") || flavor.ends_with(":curses");
        let terminal = terminal();
        if for_terminals && terminal.is_none() {
            return Err(PinentryError::Failed(format!("pinentry-{}", flavor.as_str())));
        }
        if let Some(name) = terminal {
            self.optional("OPTION", &format!("ttyname={name}"))?;
            let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
            self.optional("OPTION", &format!("ttytype={kind}"))?;
        }
        Ok(())
    }

    /// What the person must see is required; the rest is for those programs that know it.
    fn show(&mut self, window: &Window<'_>) -> Result<(), PinentryError> {
        self.optional("SETTITLE", window.title)?;
        self.request("SETDESC", &window.description)?;
        if !window.prompt.is_empty() {
            self.optional("SETPROMPT", window.prompt)?;
        }
        if let Some(error) = &window.error {
            self.request("SETERROR", error)?;
        }
        self.optional("SETOK", window.ok)?;
        if !window.cancel.is_empty() {
            self.optional("SETCANCEL", window.cancel)?;
        }
        self.optional("SETTIMEOUT", &PATIENCE.as_secs().to_string())?;
        Ok(())
    }

    /// A request that a program need not know.
    fn optional(
        &mut self,
        request: &str,
        parameter: &str,
    ) -> Result<Option<Zeroizing<String>>, PinentryError> {
        match self.request(request, parameter) {
            Ok(data) => Ok(Some(data)),
            Err(PinentryError::Failed(said)) if said.starts_with(REFUSED) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn request(&mut self, request: &str, parameter: &str) -> Result<Zeroizing<String>, PinentryError> {
        let line = line(request, parameter).ok_or_else(|| PinentryError::Failed("too long".to_owned()))?;
        self.input.write_all(line.as_bytes()).map_err(|error| self.lost(&error))?;
        self.answer()
    }

    /// Reads to the line that ends an answer: the data in it.
    fn answer(&mut self) -> Result<Zeroizing<String>, PinentryError> {
        let mut data = Zeroizing::new(String::with_capacity(LINE_MAX));
        for _ in 0..LINES_MAX {
            let line = self.read_line()?;
            let (keyword, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match keyword {
                "OK" => return Ok(data),
                "D" if data.len() + rest.len() <= LINE_MAX => decode(rest, &mut data),
                "S" | "#" => {}
                "ERR" => return Err(refusal(rest)),
                _ => return Err(PinentryError::Failed("not Assuan".to_owned())),
            }
        }
        Err(PinentryError::Failed("an endless answer".to_owned()))
    }

    /// One line, byte by byte into a place that is cleared and never moves.
    fn read_line(&mut self) -> Result<Zeroizing<String>, PinentryError> {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
        let mut byte = Zeroizing::new([0_u8; 1]);
        loop {
            match self.output.read(&mut byte[..]) {
                Ok(0) => return Err(self.lost(&io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.lost(&error)),
            }
            match *byte {
                [b'\n'] => break,
                [other] if line.len() < LINE_MAX => line.push(other),
                _ => return Err(PinentryError::Failed("an endless line".to_owned())),
            }
        }
        match std::str::from_utf8(&line) {
            Ok(text) => Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned())),
            Err(_) => Err(PinentryError::Failed("not UTF-8".to_owned())),
        }
    }

    /// The program is gone: by whom?
    fn lost(&self, error: &io::Error) -> PinentryError {
        let held = self.leash.held();
        match (held.pulled, held.timed_out) {
            (true, _) => PinentryError::Ended,
            (_, true) => PinentryError::TimedOut,
            _ => PinentryError::Failed(error.kind().to_string()),
        }
    }
}

impl Drop for Pinentry<'_> {
    fn drop(&mut self) {
        let _ = self.input.write_all(b"BYE\n");
        let began = Instant::now();
        while began.elapsed() < ENDING {
            let mut held = self.leash.held();
            match held.child.as_mut().map(Child::try_wait) {
                Some(Ok(None)) => {}
                _ => {
                    held.child = None;
                    return;
                }
            }
            drop(held);
            std::thread::sleep(Duration::from_millis(2));
        }
        end(&mut self.leash.held());
    }
}

/// What a refused request says first.
const REFUSED: &str = "it refused: ";

/// A line that is one: `%`, control characters and line ends escaped. None if it would be too long.
fn line(request: &str, parameter: &str) -> Option<String> {
    let mut line = request.to_owned();
    if !parameter.is_empty() {
        line.push(' ');
    }
    for c in parameter.chars() {
        match c {
            '%' | '\0'..='\u{1F}' | '\u{7F}' => line += &format!("%{:02X}", u32::from(c)),
            c => line.push(c),
        }
    }
    line.push('\n');
    (line.len() <= LINE_MAX).then_some(line)
}

/// `%XX` back to characters. What is not ASCII behind a percent sign is no PIN, and stays none.
fn decode(escaped: &str, data: &mut String) {
    let mut pieces = escaped.split('%');
    data.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (digits.filter(u8::is_ascii), piece.get(2..)) {
            (Some(byte), Some(rest)) => {
                data.push(char::from(byte));
                data.push_str(rest);
            }
            _ => data.push('?'),
        }
    }
}

/// `ERR code text`.
fn refusal(rest: &str) -> PinentryError {
    let code = rest.split(' ').next().and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xFFFF) {
        Some(CANCELLED | NOT_CONFIRMED) => PinentryError::Cancelled,
        Some(TIMED_OUT) => PinentryError::TimedOut,
        Some(code) => PinentryError::Failed(format!("{REFUSED}error {code}")),
        None => PinentryError::Failed("not Assuan".to_owned()),
    }
}

/// The terminal to ask at, for programs that need one.
fn terminal() -> Option<String> {
    let named = std::env::var("GPG_TTY").ok().filter(|name| name.starts_with("/dev/"));
    named.or_else(|| std::fs::File::open("/dev/tty").ok().map(|_| "/dev/tty".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_stays_one_line() {
        assert_eq!(line("GETPIN", "").unwrap(), "GETPIN\n");
        let nasty = "a\nGETPIN\r\0b%0Ac\u{7F}\u{1B}[2Jè";
        let sent = line("SETDESC", nasty).unwrap();
        assert_eq!(sent, "SETDESC a%0AGETPIN%0D%00b%250Ac%7F%1B[2Jè\n");
        assert_eq!(sent.matches('\n').count(), 1);
        assert!(line("SETDESC", &"%".repeat(400)).is_none());
        assert_eq!(line("SETDESC", &"x".repeat(LINE_MAX - 9)).unwrap().len(), LINE_MAX);
    }

    #[test]
    fn what_is_typed_comes_back() {
        for (escaped, typed) in [
            ("12345678", "12345678"),
            ("12%2534", "12%34"),
            ("%0A%0d", "\n\r"),
            ("1%", "1?"),
            ("1%2", "1?"),
            ("1%zz", "1?"),
            ("1%C3%A8", "1??"),
            ("1%2\u{e8}", "1?"),
            ("", ""),
        ] {
            let mut data = String::new();
            decode(escaped, &mut data);
            assert_eq!(data, typed, "{escaped}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(refusal("83886179 Operation cancelled <Pinentry>"), PinentryError::Cancelled));
        assert!(matches!(refusal("83886194 Not confirmed <Pinentry>"), PinentryError::Cancelled));
        assert!(matches!(refusal("83886142 Timeout <Pinentry>"), PinentryError::TimedOut));
        assert!(matches!(refusal("83918950 Inappropriate ioctl"), PinentryError::Failed(_)));
        assert!(matches!(refusal("x"), PinentryError::Failed(_)));
    }
}
