//! The commands, one file for each noun.

mod auth;
mod auth_verify;
mod certificate;
mod citizen;
mod info;
mod nis;
mod personal_data;
mod pin;
mod readers;
mod shell;
mod sign;
#[cfg(feature = "emulator")]
mod soft;
mod trace;
mod trusted;
mod web_eid;

use cie::pin::Tries;

use crate::arguments::{Arguments, Command, Common};
use crate::failure::Failure;
use crate::output::Output;
use crate::tape::Tape;

/// Carries out one command, recorded or played back if that was asked for.
pub(crate) fn run(mut arguments: Box<Arguments>, output: Output) -> Result<(), Failure> {
    arguments.common.tape = Tape::begin(&arguments)?;
    let outcome = carry_out(&arguments, output);
    arguments.common.tape.end(outcome, output)
}

fn carry_out(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let common: &Common = &arguments.common;
    match &arguments.command {
        Command::Readers => readers::run(common, output),
        Command::Info => info::run(common, output),
        #[cfg(feature = "emulator")]
        Command::Soft(command) => soft::run(command, output),
        Command::Pin(command) => pin::run(command, common, output),
        Command::PersonalData => personal_data::run(common, output),
        Command::Certificate(command) => certificate::run(command, common, output),
        Command::Auth(command) => auth::run(command, common, output),
        Command::AuthVerify(command) => auth_verify::run(command, output),
        Command::Nis(command) => nis::run(command, common, output),
        Command::WebEid(command) => web_eid::run(command, common, output),
        Command::Sign(command) => sign::run(command, common, output),
        Command::Trace(command) => trace::run(command, output),
        Command::Completions { shell } => shell::completions(*shell, output),
        Command::Manual => shell::manual(output),
    }
}

/// The tries for a program: a number, if the card tells.
fn left(tries: Tries) -> Option<u8> {
    match tries {
        Tries::Left(left) => Some(left),
        _ => None,
    }
}
