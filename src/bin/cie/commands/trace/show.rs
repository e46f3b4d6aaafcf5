//! `trace show`: explains a trace. A recording that broke off is shown as far as it goes.

mod json;
mod text;

use cie::explain;
use cie::transport::replay::OpenError;
use cie::transport::trace::{TRACE_MAX, Trace};

use crate::arguments::TraceShow;
use crate::failure::Failure;
use crate::input;
use crate::output::Output;

pub(super) fn run(command: &TraceShow, output: Output) -> Result<(), Failure> {
    let bytes = input::read(&command.file, TRACE_MAX)?;
    let (trace, missing) = Trace::parse_broken_off(&bytes).map_err(OpenError::Malformed)?;
    let explanation = explain::explain(&trace);
    if output.json {
        output.result(&json::object(&explanation, missing.is_none()), "")
    } else {
        output.result(&serde_json::Value::Null, &text::page(&explanation, missing, output.language))
    }
}
