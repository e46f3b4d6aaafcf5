//! The PIN: typed without echo, or from a file; never from an argument, which others can see.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

use cie::secret::Typed;
use zeroize::Zeroizing;

/// The longest PIN that is read, in bytes. A longer line is none.
const PIN_MAX: u64 = 64;

/// The first line of a file, or what the person types.
pub(crate) fn pin(file: Option<&Path>) -> io::Result<Typed> {
    let Some(path) = file else { return ask() };
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(PIN_MAX).unwrap_or_default()));
    File::open(path)?.take(PIN_MAX).read_to_string(&mut text)?;
    Ok(Typed::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Ctrl-C ends the question and not the program, which must live to make the terminal show again what is typed.
fn ask() -> io::Result<Typed> {
    #[cfg(unix)]
    let allowed = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, allowed.clone())?;
    forget_what_was_typed();
    let answer = rpassword::prompt_password("PIN: ").map(Typed::new);
    #[cfg(unix)]
    allowed.store(true, Ordering::SeqCst);
    answer
}

/// What was typed before the question stands on the screen, and is not the answer to it.
fn forget_what_was_typed() {
    #[cfg(unix)]
    if let Ok(terminal) = File::open("/dev/tty") {
        // A terminal that cannot do this is asked all the same.
        let _ = rustix::termios::tcflush(&terminal, rustix::termios::QueueSelector::IFlush);
    }
}
