//! The terminal: taken over at the start, and given back empty, however the program ends.

use std::io::{self, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, MoveTo, Show};
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode, size,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::Rect;

use super::screen::{self, Scene};

/// Whoever writes to the terminal holds it; once it says so, nobody writes any more.
static IS_OVER: Mutex<bool> = Mutex::new(false);
/// How long a panic waits for a picture that is being drawn.
const DRAWING: Duration = Duration::from_millis(200);

/// The terminal with the counter's screen on it. It is given back empty when this is dropped.
pub(crate) struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Takes the terminal over. From then on a panic anywhere wipes it before it says where it was, and ends the
    /// program: half a counter is none.
    pub(crate) fn open() -> io::Result<Self> {
        std::panic::set_hook(Box::new(die));
        enable_raw_mode()?;
        let entered = execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap);
        let terminal = entered.and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
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
                wipe()?;
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

/// Empties every line by itself: clearing the whole screen would move it into the history of some terminals.
fn wipe() -> io::Result<()> {
    let mut stdout = io::stdout();
    queue!(stdout, ResetColor)?;
    let (_, rows) = size().unwrap_or((80, 60));
    for row in 0..rows {
        queue!(stdout, MoveTo(0, row), Clear(ClearType::CurrentLine))?;
    }
    queue!(stdout, MoveTo(0, 0))?;
    stdout.flush()
}

/// Gives the terminal back. Whatever fails, the rest is tried: somebody's name may be on it.
fn restore() {
    let _ = wipe();
    let _ = execute!(io::stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}

/// From now on nobody draws, unless whoever does so hangs in it, or is the one that asks.
fn silence() {
    let began = Instant::now();
    let held = loop {
        match IS_OVER.try_lock() {
            Ok(held) => break Some(held),
            Err(TryLockError::Poisoned(held)) => break Some(held.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() > DRAWING => break None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    // Held to the end of the program.
    std::mem::forget(held);
}

/// Ends a program whose main thread was told to end, and does not.
pub(crate) fn give_up() -> ! {
    silence();
    restore();
    let _ = writeln!(io::stderr(), "kiosk: it did not end when it was told to");
    std::process::exit(1)
}

/// A panic, in any thread. What it would say may hold what was being looked at, so only its place is told.
fn die(info: &PanicHookInfo<'_>) {
    silence();
    restore();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "kiosk: it panicked at {place}");
    std::process::exit(101);
}
