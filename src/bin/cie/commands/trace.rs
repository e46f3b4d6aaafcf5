//! `trace …`: recorded dialogues with cards.

mod show;

use crate::arguments::Trace;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &Trace, output: Output) -> Result<(), Failure> {
    match command {
        Trace::Show(command) => show::run(command, output),
    }
}
