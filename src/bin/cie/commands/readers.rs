//! `readers`: the readers, and what lies on each.

use cie::card;
use cie::transport::Link;
use cie::transport::pcsc::{Reader, ReaderState, Service, Sharing};
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::failure::Failure;
use crate::language;
use crate::output::Output;
use crate::progress::Progress;
use crate::reader::{self, Place};

/// A line of the list.
struct Line {
    name: String,
    state: &'static str,
    atr: Option<String>,
    card: Option<card::Kind>,
    error: Option<cie::Error>,
}

pub(super) fn run(common: &Common, output: Output) -> Result<(), Failure> {
    let lines = match Place::of(common) {
        Place::Soft(_) | Place::Recorded(_) => {
            let link = reader::link(common, output)?;
            let name = common.reader.clone().unwrap_or_default();
            vec![Line::of_card(name, hex::encode_upper(link.atr()), Ok(link))]
        }
        place => {
            let service = Service::open()?;
            let mut readers = service.readers()?;
            if let Place::Named(name) = place {
                readers.retain(|reader| reader.name == name);
            }
            if readers.is_empty() {
                return Err(cie::transport::Error::NoReader.into());
            }
            let _progress = Progress::start(output, language::LOOKING);
            let lines = readers.into_iter().map(|reader| look(common, &service, reader));
            lines.collect::<Result<_, Failure>>()?
        }
    };
    let object = json!({ "readers": lines.iter().map(Line::to_json).collect::<Vec<_>>() });
    let text: String = lines.iter().map(|line| format!("{}: {}\n", line.name, line.text(output))).collect();
    output.result(&object, &text)
}

/// Looks at what lies on a reader. A card that another program is using is left alone: to ask it for its
/// applications would end that program's protected channel.
fn look(common: &Common, service: &Service, reader: Reader) -> Result<Line, Failure> {
    let bare = |name, state, atr| Line { name, state, atr, card: None, error: None };
    Ok(match reader.state {
        ReaderState::Empty => bare(reader.name, "empty", None),
        ReaderState::Mute => bare(reader.name, "mute", None),
        ReaderState::Present { atr, in_use, exclusive } => {
            let atr = hex::encode_upper(atr);
            match (exclusive, in_use) {
                (true, _) => bare(reader.name, "exclusive", Some(atr)),
                (false, true) => bare(reader.name, "in-use", Some(atr)),
                _ => {
                    let link = match service.connect(&reader.name, Sharing::Shared) {
                        Ok(link) => Ok(common.tape.of(link, false)?),
                        Err(error) => Err(error.into()),
                    };
                    Line::of_card(reader.name, atr, link)
                }
            }
        }
        _ => bare(reader.name, "unknown", None),
    })
}

impl Line {
    /// A card that was, or was not, reached: recognised by its applications.
    fn of_card(name: String, atr: String, link: Result<Link, cie::Error>) -> Self {
        let found = link.and_then(|link| match card::open(link) {
            Ok(card) => Ok(Some(card.kind())),
            Err(card::Refused { error: card::Error::NotACie(_), .. }) => Ok(None),
            Err(refused) => Err(refused.into()),
        });
        let (card, error) = match found {
            Ok(card) => (card, None),
            Err(error) => (None, Some(error)),
        };
        Self { name, state: "card", atr: Some(atr), card, error }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "state": self.state,
            "atr": self.atr,
            "card": self.card.map(card::Kind::name),
            "error": self.error.as_ref().map(cie::Error::code),
        })
    }

    fn text(&self, output: Output) -> String {
        let text = match (self.state, self.card, &self.error) {
            (_, _, Some(error)) => {
                return language::READER_UNPROBED.with(output.language, &[&error.advice(output.language)]);
            }
            (_, Some(kind), _) => super::info::kind_text(kind),
            ("card", None, None) => language::CARD_OTHER,
            ("empty", ..) => language::READER_EMPTY,
            ("mute", ..) => language::READER_MUTE,
            ("exclusive", ..) => language::READER_EXCLUSIVE,
            ("in-use", ..) => language::READER_IN_USE,
            _ => language::READER_UNKNOWN,
        };
        text.of(output.language).to_owned()
    }
}
