//! The terminal: taken over at the start, and given back empty, however the program ends.
//!
//! It may stop taking output (a stopped terminal, a connection that nobody reads): whoever draws hangs then, and the
//! end of the program must not. So nothing here takes the lock of standard output, and what is written last is waited
//! for no longer than a second.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType as Region, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::crossterm::cursor::{Hide, MoveTo, Show};
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode, size,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::{Position, Rect, Size};

use super::screen::{self, Scene};

/// Whoever writes to the terminal holds it; once it says so, nobody writes any more.
static IS_OVER: Mutex<bool> = Mutex::new(false);
/// The same for whoever hangs with [`IS_OVER`] in their hands.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// How long a panic waits for a picture that is being drawn.
const DRAWING: Duration = Duration::from_millis(200);
/// How long the last writing may take, four times.
const WRITING: Duration = Duration::from_millis(250);
/// How long a last sentence may take.
const SENTENCE: Duration = Duration::from_millis(500);
/// What is drawn at most: a terminal may claim any size, and every cell takes memory.
const LARGEST: (u16, u16) = (500, 200);

/// The terminal with the counter's screen on it. It is given back empty when this is dropped.
pub(crate) struct Screen(Terminal<Bounded>);

impl Screen {
    /// Takes the terminal over. From then on a panic anywhere wipes it before it says where it was, and ends the
    /// program: half a counter is none.
    pub(crate) fn open() -> io::Result<Self> {
        std::panic::set_hook(Box::new(die));
        enable_raw_mode()?;
        let entered = execute!(Out::default(), EnterAlternateScreen, Hide, DisableLineWrap);
        let backend = Bounded(CrosstermBackend::new(Out::default()));
        let terminal = entered.and_then(|()| Terminal::new(backend));
        terminal.map(Self).inspect_err(|_| restore())
    }

    /// Draws what differs from the last picture.
    pub(crate) fn draw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        let is_over = lock();
        if !*is_over {
            self.0.draw(|frame| screen::draw(frame, scene))?;
        }
        drop(is_over);
        Ok(())
    }

    /// Draws everything anew, whatever is there: what another program wrote over it goes.
    pub(crate) fn redraw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        {
            let is_over = lock();
            if !*is_over {
                let mut out = Out::default();
                wipe(&mut out)?;
                out.flush()?;
                // Clearing would ask the terminal where its cursor is, and the keys' thread would hear the answer.
                let size = self.0.size()?;
                self.0.resize(Rect::new(0, 0, size.width, size.height))?;
            }
        }
        self.draw(scene)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut is_over = lock();
        if !*is_over {
            *is_over = true;
            restore();
        }
    }
}

fn lock() -> MutexGuard<'static, bool> {
    IS_OVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A picture on its way to the terminal, which goes out as a whole when it is flushed.
#[derive(Debug, Default)]
struct Out(Vec<u8>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        put(&std::mem::take(&mut self.0), || IS_ENDING.load(Ordering::SeqCst))
    }
}

/// Writes to the terminal, until all is written or nobody wants it any more.
fn put(mut bytes: &[u8], is_unwanted: impl Fn() -> bool) -> io::Result<()> {
    while !bytes.is_empty() && !is_unwanted() {
        match put_some(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the terminal with this program may have asked for that.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn put_some(bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(io::stdout(), bytes)?)
}

#[cfg(not(unix))]
fn put_some(bytes: &[u8]) -> io::Result<usize> {
    let mut stdout = io::stdout();
    let written = stdout.write(bytes)?;
    stdout.flush()?;
    Ok(written)
}

/// What is drawn on, in columns and rows. A line that knows no size says that it has none.
fn bounds((columns, rows): (u16, u16)) -> (u16, u16) {
    if columns == 0 || rows == 0 {
        return (80, 24);
    }
    (columns.min(LARGEST.0), rows.min(LARGEST.1))
}

/// The library's terminal, no larger than is drawn on.
struct Bounded(CrosstermBackend<Out>);

impl Backend for Bounded {
    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.0.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, region: Region) -> io::Result<()> {
        self.0.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(bounds(size()?).into())
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}

/// Empties every line by itself: clearing the whole screen would move it into the history of some terminals.
fn wipe(out: &mut Out) -> io::Result<()> {
    queue!(out, ResetColor)?;
    let (_, rows) = size().map_or((80, 60), bounds);
    for row in 0..rows {
        queue!(out, MoveTo(0, row), Clear(ClearType::CurrentLine))?;
    }
    queue!(out, MoveTo(0, 0))
}

/// Gives the terminal back. Whatever fails, the rest is tried: somebody's name may be on it. It takes a second at most.
fn restore() {
    let mut out = Out::default();
    let _ = wipe(&mut out);
    let _ = queue!(out, EnableLineWrap, Show, LeaveAlternateScreen);
    let was_emptied = Arc::new(AtomicBool::new(false));
    let (done, wait) = mpsc::channel();
    let write = {
        let was_emptied = Arc::clone(&was_emptied);
        move || {
            let _ = put(&out.0, || false);
            // Part of it may have gone with what was in its way.
            if was_emptied.load(Ordering::SeqCst) {
                let _ = put(&out.0, || false);
            }
            let _ = done.send(());
        }
    };
    flow();
    if thread::Builder::new().name("kiosk end".to_owned()).spawn(write).is_ok() {
        for _ in 0..4 {
            if wait.recv_timeout(WRITING).is_ok() {
                break;
            }
            was_emptied.store(true, Ordering::SeqCst);
            empty();
        }
    }
    let _ = disable_raw_mode();
}

/// Lets a terminal that was stopped go on.
fn flow() {
    #[cfg(unix)]
    let _ = rustix::termios::tcflow(io::stdout(), rustix::termios::Action::OOn);
}

/// Throws away what the terminal did not take so far.
fn empty() {
    flow();
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdout(), rustix::termios::QueueSelector::OFlush);
}

/// From now on nobody draws, unless whoever does so hangs in it, or is the one that asks.
fn silence() {
    IS_ENDING.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let held = loop {
        match IS_OVER.try_lock() {
            Ok(held) => break Some(held),
            Err(TryLockError::Poisoned(held)) => break Some(held.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() > DRAWING => break None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    };
    // Held to the end of the program.
    std::mem::forget(held);
}

/// Says a last sentence on standard error. Nobody may be there to read it, or somebody who never does.
pub(crate) fn tell(sentence: String) {
    let (done, wait) = mpsc::channel();
    let say = move || {
        let _ = writeln!(io::stderr(), "kiosk: {sentence}");
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(say).is_ok() {
        let _ = wait.recv_timeout(SENTENCE);
    }
}

/// Ends a program whose main thread was told to end, and does not.
pub(crate) fn give_up() -> ! {
    silence();
    restore();
    tell("it did not end when it was told to".to_owned());
    std::process::exit(1)
}

/// A panic, in any thread. What it would say may hold what was being looked at, so only its place is told.
fn die(info: &PanicHookInfo<'_>) {
    silence();
    restore();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tell(format!("it panicked at {place}"));
    std::process::exit(101);
}
