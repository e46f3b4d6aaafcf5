//! `auth`: answers a portal's challenge with the holder's key. What comes out is a login, for this portal and this
//! challenge only.

use cie::login::{AuthToken, Nonce, Origin};
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::arguments::login::{Auth, Challenge};
use crate::failure::Failure;
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;

/// Everything that can be refused without the card is refused before the PIN is asked for.
pub(super) fn run(command: &Auth, common: &Common, output: Output) -> Result<(), Failure> {
    let (origin, nonce) = challenge(&command.challenge)?;
    if let Some(path) = &command.to.out {
        output::check_new(path, command.to.force)?;
    }
    let token = answer(command, &origin, &nonce, common, output)?.to_json();
    let object = |file: Option<Value>| {
        let token: Value = serde_json::from_str(&token).unwrap_or_default();
        json!({ "token": token, "file": file })
    };
    let line = format!("{token}\n");
    let Some(path) = &command.to.out else { return output.result(&object(None), &line) };
    // Whoever has it before the portal does could answer in the holder's place.
    output::write_private(path, line.as_bytes(), command.to.force)?;
    let text = language::WRITTEN.with(output.language, &[&path.display()]);
    output.result(&object(Some(output::path(path))), &format!("{text}\n"))
}

/// What a login is bound to, as it was typed.
pub(super) fn challenge(words: &Challenge) -> Result<(Origin, Nonce), Failure> {
    Ok((Origin::parse(&words.origin)?, Nonce::parse(&words.nonce)?))
}

fn answer(
    command: &Auth,
    origin: &Origin,
    nonce: &Nonce,
    common: &Common,
    output: Output,
) -> Result<AuthToken, Failure> {
    let mut unlocked = super::pin::unlock(&command.pin, common, output)?;
    let progress = Progress::start(output, language::READING_CERTIFICATE);
    let mut signer = unlocked.signer()?;
    drop(progress);
    let _progress = Progress::start(output, language::SIGNING);
    Ok(AuthToken::create(&mut signer, origin, nonce)?)
}
