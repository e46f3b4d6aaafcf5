//! `trace …`: recorded dialogues with cards.

mod import;
#[cfg(feature = "emulator")]
mod redact;
mod show;

use crate::arguments::Trace;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &Trace, output: Output) -> Result<(), Failure> {
    match command {
        Trace::Import(command) => import::run(command, output),
        Trace::Show(command) => show::run(command, output),
        #[cfg(feature = "emulator")]
        Trace::Redact(command) => redact::run(command, output),
    }
}
