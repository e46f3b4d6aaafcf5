//! The terminal that a pinentry without windows asks at, and how it was before.

/// The terminal to ask at, for programs that need one.
pub(super) fn name() -> Option<String> {
    let named = std::env::var("GPG_TTY").ok().filter(|name| name.starts_with("/dev/"));
    named.or_else(|| std::fs::File::open("/dev/tty").ok().map(|_| "/dev/tty".to_owned()))
}

/// How a terminal was before a program changed it: one that is killed leaves it without echo, and what was typed to the
/// next that reads, which may be a shell that keeps a history.
#[cfg(unix)]
pub(super) struct Terminal(std::fs::File, rustix::termios::Termios);

#[cfg(unix)]
impl Terminal {
    pub(super) fn remember(name: &str) -> Option<Self> {
        let file = std::fs::File::open(name).ok()?;
        let settings = rustix::termios::tcgetattr(&file).ok()?;
        // In the background, setting a terminal stops a process that does not hear of it.
        signal_hook::flag::register(signal_hook::consts::SIGTTOU, std::sync::Arc::default()).ok()?;
        Some(Self(file, settings))
    }

    pub(super) fn restore(&self) {
        use rustix::termios::{OptionalActions, QueueSelector, tcflush, tcsetattr};
        let _ = tcflush(&self.0, QueueSelector::IFlush);
        let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
    }
}

#[cfg(not(unix))]
pub(super) struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    pub(super) fn remember(_: &str) -> Option<Self> {
        None
    }

    pub(super) fn restore(&self) {}
}
