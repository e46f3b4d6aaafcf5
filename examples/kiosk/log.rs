//! The log: what happened and when, a line for each; never whose card it was.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::SystemTime;

use cie::environment::moment;
use cie::transport::pcsc::Event;

/// Where lines go, if anywhere.
pub(crate) enum Log {
    File(File),
    Stderr,
    Nowhere,
}

impl Log {
    /// A file, at its end; else standard error, unless that is the terminal on which the screen is.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        match path {
            Some(path) => {
                let mut options = OpenOptions::new();
                options.append(true).create(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                Ok(Self::File(options.open(path)?))
            }
            None if io::stderr().is_terminal() => Ok(Self::Nowhere),
            None => Ok(Self::Stderr),
        }
    }

    /// A line, in one write: whoever turns the file over finds whole lines. A full disk ends no counter.
    pub(crate) fn line(&mut self, text: &str) {
        let line = format!("{} {text}\n", moment::format(SystemTime::now()));
        let _ = match self {
            Self::File(file) => file.write_all(line.as_bytes()),
            Self::Stderr => io::stderr().write_all(line.as_bytes()),
            Self::Nowhere => Ok(()),
        };
    }
}

/// What a line says of an event. The name of a reader comes from the device: what could write to a terminal is escaped.
/// The answer to reset is left out: that of a contact card may hold its number.
pub(crate) fn of_event(event: &Event) -> String {
    match event {
        Event::ServiceLost => "service-lost".to_owned(),
        Event::ServiceBack => "service-back".to_owned(),
        Event::ReaderAdded { reader } => format!("reader-added {reader:?}"),
        Event::ReaderRemoved { reader } => format!("reader-removed {reader:?}"),
        Event::CardInserted { reader, .. } => format!("card-inserted {reader:?}"),
        Event::CardMute { reader } => format!("card-mute {reader:?}"),
        Event::CardRemoved { reader } => format!("card-removed {reader:?}"),
        _ => "something".to_owned(),
    }
}
