//! `sign …`: signatures with the holder's key.

use std::path::Path;

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use serde_json::json;
use zeroize::Zeroizing;

use crate::arguments::{Common, Hash, Sign, SignRaw};
use crate::failure::{self, Failure};
use crate::input;
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;

/// The longest input, in bytes: it is hashed in one piece.
const INPUT_MAX: usize = 256 << 20;

pub(super) fn run(command: &Sign, common: &Common, output: Output) -> Result<(), Failure> {
    match command {
        Sign::Raw(command) => raw(command, common, output),
    }
}

/// Everything that can be refused without the card is refused before the PIN is asked for.
fn raw(command: &SignRaw, common: &Common, output: Output) -> Result<(), Failure> {
    let to_standard_output = command.output == Path::new("-");
    let standard = |path: &Path| path == Path::new("-");
    if standard(&command.input) && command.pin.pin_file.as_deref().is_some_and(standard) {
        return Err(Failure::Own(failure::ONE_STANDARD_INPUT, String::new()));
    }
    if !to_standard_output {
        output::check_new(&command.output, command.force)?;
    }
    let hash = command.hash.unwrap_or_default();
    let digest = Digest::of(algorithm(hash), &read(&command.input)?);
    let purpose = if command.acknowledge_raw { Purpose::RawAcknowledged } else { Purpose::Raw };
    if !purpose.allows(&digest) {
        let (step, cause) = (cie::ias::Step::Sign, cie::ias::Cause::PurposeRefused);
        return Err(cie::ias::Error { step, cause }.into());
    }
    let mut unlocked = super::pin::unlock(&command.pin, common, output)?;
    let progress = Progress::start(output, language::READING_CERTIFICATE);
    let mut signer = unlocked.signer()?;
    drop(progress);
    let progress = Progress::start(output, language::SIGNING);
    let signature = signer.sign(purpose, &digest)?;
    drop(progress);

    let object = |file| {
        json!({ "signature": {
            "algorithm": "rsa-pkcs1-v1_5",
            "hash": name(hash),
            "hex": hex::encode(&signature),
            "file": file,
        }})
    };
    if to_standard_output {
        return if output.json { output.result(&object(None), "") } else { output.bytes(&signature) };
    }
    output::write_file(&command.output, &signature, command.force)?;
    let text = language::WRITTEN.with(output.language, &[&command.output.display()]);
    output.result(&object(Some(output::path(&command.output))), &format!("{text}\n"))
}

/// The input, whole.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = input::read(path, INPUT_MAX)?;
    if bytes.len() <= INPUT_MAX {
        return Ok(bytes);
    }
    Err(Failure::Own(failure::INPUT_TOO_LONG, path.display().to_string()))
}

fn algorithm(hash: Hash) -> DigestAlgorithm {
    match hash {
        Hash::Sha1 => DigestAlgorithm::Sha1,
        Hash::Sha256 => DigestAlgorithm::Sha256,
        Hash::Sha384 => DigestAlgorithm::Sha384,
        Hash::Sha512 => DigestAlgorithm::Sha512,
    }
}

fn name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "sha1",
        Hash::Sha256 => "sha256",
        Hash::Sha384 => "sha384",
        Hash::Sha512 => "sha512",
    }
}
