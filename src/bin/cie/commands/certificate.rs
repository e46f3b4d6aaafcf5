//! `certificate`: the holder's certificate, as the card presents it: a CIE 3 to its holder, contact cards to
//! anyone.

use serde_json::json;

use crate::arguments::{Certificate, Common};
use crate::failure::Failure;
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;
use crate::reader;

pub(super) fn run(command: &Certificate, common: &Common, output: Output) -> Result<(), Failure> {
    if let Some(path) = &command.to.out {
        output::check_new(path, command.to.force)?;
    }
    let pem = pem(command, common, output)?;
    let Some(path) = &command.to.out else {
        return output.result(&json!({ "certificate": { "pem": pem, "file": null } }), &pem);
    };
    output::write_file(path, pem.as_bytes(), command.to.force)?;
    let object = json!({ "certificate": { "pem": pem, "file": output::path(path) } });
    output.result(&object, &format!("{}\n", language::WRITTEN.with(output.language, &[&path.display()])))
}

/// Asks for the PIN only if the card does.
fn pem(command: &Certificate, common: &Common, output: Output) -> Result<String, Failure> {
    let mut session = reader::session(reader::card(common, output)?, output)?;
    let progress = Progress::start(output, language::READING_CERTIFICATE);
    if let Some(certificate) = session.public_certificate()? {
        return Ok(certificate.to_pem()?);
    }
    drop(progress);
    let mut unlocked = super::pin::show(session, &command.pin, output)?;
    let _progress = Progress::start(output, language::READING_CERTIFICATE);
    Ok(unlocked.certificate()?.to_pem()?)
}
