//! The command `cie`: what the library does, from a terminal, in Italian and English.

mod arguments;
mod browser;
mod commands;
mod failure;
mod fetch;
mod help;
mod input;
mod language;
mod output;
mod pinentry;
mod progress;
mod reader;
mod secret_input;
mod tape;

use std::ffi::OsString;
use std::process::ExitCode;

use help::Parsed;
use output::Output;

fn main() -> ExitCode {
    keep_memory_private();
    let words: Vec<OsString> = std::env::args_os().collect();
    // As for the language, the form of a complaint must be known before the words are understood.
    let json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let output = Output { language: language::choose(&words), json };
    let outcome = help::parse(&words, output.language).and_then(|parsed| match parsed {
        Parsed::Text(text) => output.bytes(text.as_bytes()),
        Parsed::Arguments(arguments) => commands::run(arguments, output),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.failure(&failure),
    }
}

/// No core of this process is ever written: it would hold what was typed. A system that refuses this is
/// used all the same.
fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
