//! `soft …`: software cards, to try everything without a card and without a reader.

use std::ops::ControlFlow;
use std::time::SystemTime;

use cie::emulator::contact;
use cie::emulator::folder::{self, FolderOptions};
use cie::emulator::vpcd::{self, Event};
use cie::emulator::{Chip, SoftCard};
use serde_json::json;

use crate::arguments::{Kind, Soft, SoftInsert, SoftNew};
use crate::failure::{self, Failure};
use crate::language;
use crate::output::{self, Output};
use crate::progress::Progress;

/// Where the virtual reader listens, as its package installs it.
const HOST: &str = "127.0.0.1";

pub(super) fn run(command: &Soft, output: Output) -> Result<(), Failure> {
    match command {
        Soft::New(command) => new(command, output),
        Soft::Insert(command) => insert(command, output),
    }
}

fn new(command: &SoftNew, output: Output) -> Result<(), Failure> {
    // A PIN with fewer digits than the kind of card takes is left as it is, for the library to refuse.
    let value = |digits: &Option<String>| digits.as_deref().and_then(contact::reference_value);
    let usual = FolderOptions::new(command.now.unwrap_or_else(SystemTime::now));
    let options = FolderOptions {
        chip: command.chip.unwrap_or(Chip::Gemalto),
        contact: match command.kind.unwrap_or_default() {
            Kind::Cie3 => None,
            Kind::Contact(model) => Some(model),
        },
        pin: value(&command.pin).unwrap_or(usual.pin),
        puk: value(&command.puk).unwrap_or(usual.puk),
        seed: command.seed,
        insecure_fixed_pki: command.insecure_fixed_pki,
        ..usual
    };
    if options.contact.is_some() && command.chip.is_some() {
        return Err(Failure::Own(failure::NO_SUCH_CHIP, String::new()));
    }
    let progress = Progress::start(output, language::MAKING_CARD);
    let citizen = folder::create(&command.folder, &options)?;
    drop(progress);
    let (card, trust) = (command.folder.join(folder::CARD), command.folder.join(folder::TRUST));
    let object = json!({ "soft": {
        "card": output::path(&card),
        "citizen": output::path(&command.folder.join(folder::CITIZEN)),
        "trust": output::path(&trust),
    }});
    let name = format!("{} {}", citizen.person.given_names, citizen.person.surname);
    let digits =
        |value: [u8; 8]| value.map(char::from).into_iter().filter(char::is_ascii_digit).collect::<String>();
    let (pin, puk) = (digits(options.pin), digits(options.puk));
    let text =
        language::SOFT_MADE.with(output.language, &[&name, &card.display(), &trust.display(), &pin, &puk]);
    let reader = quoted(&format!("soft:{}", card.display()));
    output.result(&object, &format!("{text}\n  cie --reader {reader} info\n"))
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || ":/._-".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Keeps the card on the virtual reader. The process is ended by a signal; the card's file is always whole.
fn insert(command: &SoftInsert, output: Output) -> Result<(), Failure> {
    let card = SoftCard::open(&command.card)?;
    let host = command.host.as_deref().unwrap_or(HOST);
    let port = command.port.unwrap_or(vpcd::PORT);
    let (mut waiting, mut told, mut ended) = (false, false, Ok(()));
    vpcd::lay_on_reader(&card, (host, port), |event| {
        let outcome = match event {
            Event::Waiting(kind) => {
                if !std::mem::replace(&mut waiting, true) {
                    output.note(&language::SOFT_WAITING.with(output.language, &[&host, &port, &kind]));
                }
                Ok(())
            }
            Event::Laid(_) => {
                waiting = false;
                let object = json!({ "inserted": {
                    "card": output::path(&command.card), "host": host, "port": port,
                }});
                let file = command.card.display();
                let text = language::SOFT_INSERTED.with(output.language, &[&file, &host, &port]);
                // One object, however often the service is started anew.
                match output.json && std::mem::replace(&mut told, true) {
                    true => Ok(()),
                    false => output.result(&object, &format!("{text}\n")),
                }
            }
            // A service that is killed breaks off wherever it is.
            Event::Gone(Ok(()) | Err(vpcd::Error::Truncated | vpcd::Error::Connection(_))) => {
                output.note(language::SOFT_GONE.of(output.language));
                Ok(())
            }
            Event::Gone(Err(error)) => Err(Failure::Own(failure::VIRTUAL_READER, error.to_string())),
            _ => Ok(()),
        };
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                ended = Err(failure);
                ControlFlow::Break(())
            }
        }
    });
    ended
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_with_blanks_can_be_pasted() {
        assert_eq!(quoted("soft:demo/card-1.json"), "soft:demo/card-1.json");
        assert_eq!(quoted("soft:la mia/card.json"), "'soft:la mia/card.json'");
        assert_eq!(quoted("soft:l'altra"), "'soft:l'\\''altra'");
    }
}
