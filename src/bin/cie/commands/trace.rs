//! `trace …`: recorded dialogues.

mod redact;

use crate::arguments::Trace;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &Trace, output: Output) -> Result<(), Failure> {
    match command {
        Trace::Redact(command) => redact::run(command, output),
    }
}
