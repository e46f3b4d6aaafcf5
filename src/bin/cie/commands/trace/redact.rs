//! `trace redact`: from a private recording to something to share.

use std::io::ErrorKind;
use std::time::SystemTime;

use cie::redact::{self, Report};
use cie::transport::trace::Trace;
use serde_json::{Value, json};

use crate::arguments::TraceRedact;
use crate::failure::Failure;
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;

pub(super) fn run(command: &TraceRedact, output: Output) -> Result<(), Failure> {
    let plain = Trace::open(&command.plain)?;
    // Before the keys are made, which takes longer.
    if command.folder.symlink_metadata().is_ok() {
        let (path, reason) = (command.folder.display().to_string(), ErrorKind::AlreadyExists.to_string());
        return Err(cie::emulator::Error::File { path, reason }.into());
    }
    let progress = Progress::start(output, language::REDACTING);
    let redacted = redact::redact(&plain, SystemTime::now())?;
    redacted.write(&command.folder)?;
    drop(progress);
    let report = redacted.report();
    let (folder, file) = (command.folder.display(), command.folder.join(redact::REPORT));
    let searched = report.replaced.iter().filter(|value| value.searched).count();
    let text = language::REDACTED
        .with(output.language, &[&folder, &searched, &file.display(), &report.differences.len()]);
    output.result(&object(command, report), &format!("{text}\n\n{report}"))
}

fn object(command: &TraceRedact, report: &Report) -> Value {
    let replaced: Vec<_> = report
        .replaced
        .iter()
        .map(|value| json!({ "what": value.what, "length": value.length, "searched": value.searched }))
        .collect();
    json!({ "redacted": {
        "folder": output::path(&command.folder),
        "card": report.card,
        "replaced": replaced,
        "operations": report.operations,
        "not_understood": report.not_understood,
        "not_done": report.not_done,
        "differences": report.differences,
    }})
}
