//! Finding the card: the reader asked for, else the only one with a card on it.

use std::time::Duration;

use cie::card::{self, Card, Kind, Session};
use cie::transport::pcsc::{Reader, ReaderState, Service, Sharing};
use cie::transport::{self, Link};

use crate::arguments::{self, Common};
use crate::failure::{self, Failure};
use crate::language;
use crate::output::Output;
use crate::progress::Progress;

/// What a software card's name begins with.
const SOFT: &str = "soft:";
/// What the name of a recorded dialogue begins with.
const TRACE: &str = "trace:";

/// A reader, by what the person calls it.
pub(crate) enum Place<'a> {
    /// The only reader with a card.
    Any,
    /// A PC/SC reader.
    Named(&'a str),
    /// A software card's file.
    Soft(&'a str),
    /// A recorded dialogue.
    Recorded(&'a str),
}

impl<'a> Place<'a> {
    pub(crate) fn of(common: &'a Common) -> Self {
        match common.reader.as_deref() {
            None => Self::Any,
            Some(name) => match (name.strip_prefix(SOFT), name.strip_prefix(TRACE)) {
                (Some(path), _) => Self::Soft(path),
                (_, Some(path)) => Self::Recorded(path),
                _ => Self::Named(name),
            },
        }
    }
}

/// Connects to the card.
pub(crate) fn link(common: &Common, output: Output) -> Result<Link, Failure> {
    let name = match Place::of(common) {
        Place::Soft(path) => return common.tape.of(soft(path)?, true),
        Place::Recorded(path) => return common.tape.play(path),
        Place::Named(name) => Some(name),
        Place::Any => None,
    };
    let service = Service::open()?;
    let found = match (choose(&service, name), common.wait) {
        (Err(Failure::Library(error)), Some(patience)) if may_come(&error) => {
            wait(&service, name, patience, output)
        }
        (found, _) => found,
    };
    common.tape.of(service.connect(&found?, sharing(common))?, false)
}

/// Connects to the card and makes sure that it is one we know.
pub(crate) fn card(common: &Common, output: Output) -> Result<Card, Failure> {
    Ok(card::open(link(common, output)?)?)
}

/// Makes the card ready for its PIN: opens the protected channel, if it has one.
pub(crate) fn session(card: Card, output: Output) -> Result<Session, Failure> {
    let _progress = (card.kind() == Kind::Cie3).then(|| Progress::start(output, language::OPENING));
    Ok(card.open_session()?)
}

/// Who else may use the card.
pub(crate) fn sharing(common: &Common) -> Sharing {
    match common.sharing.unwrap_or_default() {
        arguments::Sharing::Shared => Sharing::Shared,
        arguments::Sharing::Exclusive => Sharing::Exclusive,
    }
}

/// The software card in this file, laid on its own reader.
#[cfg(feature = "emulator")]
pub(crate) fn soft(path: &str) -> Result<Link, Failure> {
    Ok(cie::emulator::SoftCard::open(path)?.insert())
}

/// Software cards are not in this build.
#[cfg(not(feature = "emulator"))]
pub(crate) fn soft(_: &str) -> Result<Link, Failure> {
    Err(Failure::Own(failure::NO_SOFT_CARDS, String::new()))
}

/// The reader asked for, or the only one with a card.
fn choose(service: &Service, name: Option<&str>) -> Result<String, Failure> {
    let readers = service.readers()?;
    let asked = |reader: &&Reader| name.is_none_or(|name| name == reader.name);
    let asked: Vec<_> = readers.iter().filter(asked).collect();
    if asked.is_empty() {
        return Err(transport::Error::NoReader.into());
    }
    let with_card: Vec<_> = asked.iter().filter(|reader| has_card(&reader.state)).collect();
    match with_card.as_slice() {
        [] => Err(transport::Error::NoCard.into()),
        [only] => Ok(only.name.clone()),
        several => {
            let names: Vec<_> = several.iter().map(|reader| reader.name.as_str()).collect();
            Err(Failure::Own(failure::SEVERAL_CARDS, names.join(", ")))
        }
    }
}

/// Whether something lies there; whether it can be used, connecting to it tells.
fn has_card(state: &ReaderState) -> bool {
    !matches!(state, ReaderState::Empty | ReaderState::Unavailable)
}

/// Whether waiting can help.
fn may_come(error: &cie::Error) -> bool {
    matches!(error, cie::Error::Transport(transport::Error::NoCard | transport::Error::NoReader))
}

/// Waits until a card is laid on.
fn wait(
    service: &Service,
    name: Option<&str>,
    patience: Duration,
    output: Output,
) -> Result<String, Failure> {
    output.note(language::LAY_CARD.of(output.language));
    Ok(service.watch().wait_for_card(name, patience)?.name)
}

#[cfg(all(test, not(feature = "emulator")))]
mod tests {
    use super::*;

    #[test]
    fn without_the_emulator_a_soft_card_is_refused_with_the_reason() {
        let failure = soft("card.json").unwrap_err();
        assert_eq!(failure.code(), "no-soft-cards");
        assert!(failure.to_text(cie::Language::Italian).contains("--features cli,emulator"));
    }
}
