//! `trace …`: recorded dialogues with cards.

mod import;

use crate::arguments::Trace;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &Trace, output: Output) -> Result<(), Failure> {
    match command {
        Trace::Import(command) => import::run(command, output),
    }
}
