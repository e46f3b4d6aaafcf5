//! `trace import`: a diagnostic trace of another program's log.

use std::path::Path;
use std::time::SystemTime;

use cie::transport::trace::Origin;
use cie::transport::trace::import::{ImportError, Imported, LOG_MAX, LogFormat, Reason, Unparsed, import};
use serde_json::{Value, json};

use crate::arguments::TraceImport;
use crate::failure::{self, Failure};
use crate::input;
use crate::language::{self, Text};
use crate::output::{self, Output};

pub(super) fn run(command: &TraceImport, output: Output) -> Result<(), Failure> {
    let standard = |path: &Path| path == Path::new("-");
    let to_standard_output = standard(&command.made);
    if !to_standard_output {
        output::check_new(&command.made, command.force)?;
    }
    let log = input::read(&command.log, LOG_MAX)?;
    let own = |problem| Err(Failure::Own(problem, command.log.display().to_string()));
    if log.len() > LOG_MAX {
        return own(failure::LOG_TOO_LONG);
    }
    let Some(format) = command.format.or_else(|| LogFormat::recognise(&log)) else {
        return own(failure::LOG_UNKNOWN);
    };
    // Whose card it was a log does not say.
    let origin = command.origin.unwrap_or(Origin::Citizen);
    let imported = match import(&log, format, origin, SystemTime::now()) {
        Ok(imported) => imported,
        Err(ImportError::Nothing) => return own(failure::LOG_UNKNOWN),
        Err(_) => return own(failure::LOG_TOO_LONG),
    };
    let trace = imported.trace.to_string();
    if to_standard_output {
        return match output.json {
            true => output.result(&object(&imported, Value::Null, Some(&trace)), ""),
            false => {
                output.note(text(&imported, output).trim_end());
                output.bytes(trace.as_bytes())
            }
        };
    }
    output::write_private(&command.made, trace.as_bytes(), command.force)?;
    let written = language::WRITTEN.with(output.language, &[&command.made.display()]);
    let text = format!("{}{written}\n", text(&imported, output));
    output.result(&object(&imported, output::path(&command.made), None), &text)
}

fn object(imported: &Imported, file: Value, trace: Option<&str>) -> Value {
    let line = |unparsed: &Unparsed| json!({ "line": unparsed.line, "reason": unparsed.reason.code() });
    json!({ "imported": {
        "format": imported.format.to_string(),
        "origin": imported.trace.origin.to_string(),
        "connections": imported.trace.connections().count(),
        "commands": imported.commands,
        "unparsed": imported.unparsed.iter().map(line).collect::<Vec<_>>(),
        "unparsed_count": imported.unparsed_count,
        "file": file,
        "trace": trace,
    }})
}

fn text(imported: &Imported, output: Output) -> String {
    let say = |text: Text, gaps: &[&dyn std::fmt::Display]| text.with(output.language, gaps) + "\n";
    let connections = imported.trace.connections().count();
    let mut said = say(language::LOG_IMPORTED, &[&imported.format, &connections, &imported.commands]);
    for Unparsed { line, reason } in &imported.unparsed {
        let reason =
            explained(*reason).map_or_else(|| reason.to_string(), |text| text.with(output.language, &[]));
        said += &say(language::LOG_UNPARSED, &[line, &reason]);
    }
    match imported.unparsed_count.saturating_sub(imported.unparsed.len()) {
        0 => said,
        more => said + &say(language::LOG_UNPARSED_MORE, &[&more]),
    }
}

fn explained(reason: Reason) -> Option<Text> {
    Some(match reason {
        Reason::LineTooLong => language::LOG_LINE_TOO_LONG,
        Reason::NotHex => language::LOG_NOT_HEX,
        Reason::TooLong => language::LOG_TOO_LONG,
        Reason::Cut => language::LOG_CUT,
        Reason::Unanswered => language::LOG_UNANSWERED,
        Reason::NoCommand => language::LOG_NO_COMMAND,
        Reason::Atr => language::LOG_ATR,
        Reason::Unknown => language::LOG_UNKNOWN,
        _ => return None,
    })
}
