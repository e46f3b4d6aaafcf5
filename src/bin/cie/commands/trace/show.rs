//! `trace show`: explains a trace. A recording that broke off is shown as far as it goes.

mod json;
mod text;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cie::explain;
use cie::transport::replay::OpenError;
use cie::transport::trace::{TRACE_MAX, Trace};
use zeroize::Zeroizing;

use crate::arguments::TraceShow;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &TraceShow, output: Output) -> Result<(), Failure> {
    let bytes = read(&command.file).map_err(|error| Failure::input(&command.file, &error))?;
    let (trace, missing) = Trace::parse_broken_off(&bytes).map_err(OpenError::Malformed)?;
    let explanation = explain::explain(&trace);
    if output.json {
        output.result(&json::object(&explanation, missing.is_none()), "")
    } else {
        output.result(&serde_json::Value::Null, &text::page(&explanation, missing, output.language))
    }
}

/// The file, or standard input. What is longer than any trace is read one byte further, so that it is seen to be.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = TRACE_MAX as u64 + 1;
    let mut bytes = Zeroizing::default();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
