//! The desktop's own window for a PIN: the program `pinentry`, spoken to in Assuan (GnuPG, "The Assuan Protocol").
//!
//! One program for each question: nothing of one window is left in the next. A line that is sent is at most 1000 bytes
//! and one line, whatever stands in it; what is read is bounded, and kept only where it is cleared.

mod assuan;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use cie::secret::Typed;
use zeroize::Zeroizing;

use assuan::{LINE_MAX, decode, line};
use terminal::Terminal;

/// The most lines of one answer; a pinentry says two or three.
const LINES_MAX: usize = 64;
/// How long a person may take: as long as the extension waits.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the program may take to say that the person took too long, and to end.
const GRACE: Duration = Duration::from_secs(5);
const ENDING: Duration = Duration::from_secs(1);
/// How often it is looked whether the leash was pulled.
const LOOK: Duration = Duration::from_millis(20);
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
pub(crate) struct Leash(Arc<AtomicBool>);

impl Leash {
    /// Ends the window that is open, if one is, and lets none open again.
    pub(crate) fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_pulled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Whoever ends this process pulls it, too.
    pub(crate) fn pull_when_ended(&self) {
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP]
        {
            // Without it the window stays until somebody answers it, and nothing comes of that.
            let _ = signal_hook::flag::register(signal, self.0.clone());
        }
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
    child: Child,
    input: ChildStdin,
    /// What it says, read elsewhere: a program that it started may keep the pipe open, and nobody waits for that.
    lines: Receiver<Result<Zeroizing<String>, &'static str>>,
    deadline: Instant,
    /// It was answered to the end, and ends by itself.
    is_done: bool,
    terminal: Option<Terminal>,
}

impl<'a> Pinentry<'a> {
    fn start(program: &OsStr, leash: &'a Leash) -> Result<Self, PinentryError> {
        if leash.is_pulled() {
            return Err(PinentryError::Ended);
        }
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(PinentryError::Missing)?;
        let Some((input, output)) = child.stdin.take().zip(child.stdout.take()) else {
            return Err(PinentryError::Failed("no pipes".to_owned()));
        };
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = output;
            loop {
                let line = read_line(&mut output);
                let goes_on = line.is_ok();
                if sender.send(line).is_err() || !goes_on {
                    return;
                }
            }
        });
        let deadline = Instant::now() + PATIENCE + GRACE;
        let mut pinentry = Self { leash, child, input, lines, deadline, is_done: false, terminal: None };
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
        let name = terminal::name();
        if for_terminals && name.is_none() {
            return Err(PinentryError::Failed(format!("pinentry-{}", flavor.as_str())));
        }
        if let Some(name) = name {
            self.optional("OPTION", &format!("ttyname={name}"))?;
            let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
            self.optional("OPTION", &format!("ttytype={kind}"))?;
            self.terminal = for_terminals.then(|| Terminal::remember(&name)).flatten();
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

    /// A request that a program need not know, and that need not be made if it does not fit into a line.
    fn optional(
        &mut self,
        request: &str,
        parameter: &str,
    ) -> Result<Option<Zeroizing<String>>, PinentryError> {
        if line(request, parameter).is_none() {
            return Ok(None);
        }
        match self.request(request, parameter) {
            Ok(data) => Ok(Some(data)),
            Err(PinentryError::Failed(said)) if said.starts_with(REFUSED) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn request(&mut self, request: &str, parameter: &str) -> Result<Zeroizing<String>, PinentryError> {
        let line = line(request, parameter).ok_or_else(|| PinentryError::Failed("too long".to_owned()))?;
        // An answer to nothing would be taken for one to this.
        if self.lines.try_recv().is_ok() {
            return Err(PinentryError::Failed("it spoke out of turn".to_owned()));
        }
        let lost = |error: io::Error| PinentryError::Failed(error.kind().to_string());
        self.input.write_all(line.as_bytes()).map_err(lost)?;
        let answer = self.answer();
        self.is_done = answer.is_ok() || matches!(answer, Err(PinentryError::Cancelled));
        answer
    }

    /// Reads to the line that ends an answer: the data in it.
    fn answer(&mut self) -> Result<Zeroizing<String>, PinentryError> {
        let mut data = Zeroizing::new(String::with_capacity(LINE_MAX));
        for _ in 0..LINES_MAX {
            let line = self.next_line()?;
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

    /// The next line, as long as somebody waits for it.
    fn next_line(&self) -> Result<Zeroizing<String>, PinentryError> {
        loop {
            if self.leash.is_pulled() {
                return Err(PinentryError::Ended);
            }
            if Instant::now() > self.deadline {
                return Err(PinentryError::TimedOut);
            }
            match self.lines.recv_timeout(LOOK) {
                Ok(line) => return line.map_err(|reason| PinentryError::Failed(reason.to_owned())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PinentryError::Failed("it ended".to_owned()));
                }
            }
        }
    }
}

impl Drop for Pinentry<'_> {
    fn drop(&mut self) {
        if self.is_done && self.input.write_all(b"BYE\n").is_ok() {
            let began = Instant::now();
            while began.elapsed() < ENDING {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(terminal) = &self.terminal {
            terminal.restore();
        }
    }
}

/// One line, byte by byte into a place that is cleared and never moves.
fn read_line(output: &mut ChildStdout) -> Result<Zeroizing<String>, &'static str> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    let mut byte = Zeroizing::new([0_u8; 1]);
    loop {
        match output.read(&mut byte[..]) {
            Ok(0) => return Err("it ended"),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Err("it cannot be read"),
        }
        match *byte {
            [b'\n'] => break,
            [other] if line.len() < LINE_MAX => line.push(other),
            _ => return Err("an endless line"),
        }
    }
    match std::str::from_utf8(&line) {
        Ok(text) => Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned())),
        Err(_) => Err("not UTF-8"),
    }
}

/// What a refused request says first.
const REFUSED: &str = "it refused: ";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(refusal("83886179 Operation cancelled <Pinentry>"), PinentryError::Cancelled));
        assert!(matches!(refusal("83886194 Not confirmed <Pinentry>"), PinentryError::Cancelled));
        assert!(matches!(refusal("83886142 Timeout <Pinentry>"), PinentryError::TimedOut));
        assert!(matches!(refusal("83918950 Inappropriate ioctl"), PinentryError::Failed(_)));
        assert!(matches!(refusal("x"), PinentryError::Failed(_)));
    }
}
