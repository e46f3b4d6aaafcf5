//! `certificate`: the holder's certificate, as the card presents it.

use serde_json::json;

use crate::arguments::{Certificate, Common};
use crate::failure::Failure;
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;

pub(super) fn run(command: &Certificate, common: &Common, output: Output) -> Result<(), Failure> {
    if let Some(path) = &command.out {
        output::check_new(path, command.force)?;
    }
    let mut unlocked = super::pin::unlock(&command.pin, common, output)?;
    let progress = Progress::start(output, language::READING_CERTIFICATE);
    let pem = unlocked.certificate()?.to_pem()?;
    drop(progress);
    let Some(path) = &command.out else {
        return output.result(&json!({ "certificate": { "pem": pem, "file": null } }), &pem);
    };
    output::write_file(path, pem.as_bytes(), command.force)?;
    let object = json!({ "certificate": { "pem": pem, "file": output::path(path) } });
    output.result(&object, &format!("{}\n", language::WRITTEN.with(output.language, &[&path.display()])))
}
