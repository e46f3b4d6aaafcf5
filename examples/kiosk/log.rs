//! The log: what happened and when, a line for each; never whose card it was.
//!
//! A thread of its own writes it. Whoever reads it may hang, as the system's journal does, and the screen must not.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, SystemTime};

use cie::environment::moment;
use cie::transport::pcsc::Event;

/// How many lines may wait to be written. Those beyond are counted, and lost.
const WAITING: usize = 256;
/// How long the end of the program waits for the last lines.
const LAST: Duration = Duration::from_millis(500);

/// Where lines go, if anywhere.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Option<SyncSender<String>>,
    lost: u64,
    /// Closed once everything is written.
    written: Receiver<()>,
}

impl Log {
    /// A file, at its end; else standard error, unless that is the terminal on which the screen is. It must not be the
    /// list of those who may pass.
    pub(crate) fn open(path: Option<&Path>, list: Option<&Path>) -> io::Result<Self> {
        match path {
            Some(path) => {
                let file = open(path, list)?;
                Self::start(file)
            }
            None if io::stderr().is_terminal() => {
                Ok(Self { lines: None, lost: 0, written: mpsc::channel().1 })
            }
            None => Self::start(io::stderr()),
        }
    }

    fn start(mut sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, inbox) = mpsc::sync_channel::<String>(WAITING);
        let (writing, written) = mpsc::channel();
        thread::Builder::new().name("kiosk log".to_owned()).spawn(move || {
            for line in inbox {
                // In one write: whoever turns the file over finds whole lines. A full disk ends no counter.
                let _ = sink.write_all(line.as_bytes());
            }
            drop(writing);
        })?;
        Ok(Self { lines: Some(lines), lost: 0, written })
    }

    /// Notes a line, and waits for nobody.
    pub(crate) fn line(&mut self, text: &str) {
        let Some(lines) = &self.lines else { return };
        let now = moment::format(SystemTime::now());
        if self.lost > 0 && lines.try_send(format!("{now} lost {}\n", self.lost)).is_ok() {
            self.lost = 0;
        }
        if lines.try_send(format!("{now} {text}\n")).is_err() {
            self.lost += 1;
        }
    }

    /// Waits a moment for what is not written yet.
    pub(crate) fn finish(mut self) {
        self.lines = None;
        let _ = self.written.recv_timeout(LAST);
    }
}

/// Opens a regular file. A pipe in its place is not waited for.
fn open(path: &Path, list: Option<&Path>) -> io::Result<File> {
    let refused = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        options.mode(0o600).custom_flags(flags);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return refused("it is no file");
    }
    if list.is_some_and(|list| is_same(path, list)) {
        return refused("it is the list of those who may pass");
    }
    Ok(file)
}

/// Whether two names are of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let about = |path: &Path| std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
        about(one).is_some_and(|one| about(other) == Some(one))
    }
    #[cfg(not(unix))]
    {
        let place = |path: &Path| path.canonicalize().ok();
        place(one).is_some_and(|one| place(other) == Some(one))
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
