//! What a plain trace tells of its card beside whose it is: kind, chip, lengths, padding, quirks.

mod cie3;
mod contact;

use super::Error;
use super::certificate::Parts;
use super::dialogue::{Exchange, Step, exchanges, steps};
use super::files::{CIE, Seen, Tracker};
use super::values::{Values, trimmed};
use crate::ias::CIE_AID;
use crate::iso7816::tlv;
use crate::transport::trace::{Event, Kind, Trace};

pub(super) use cie3::Cie3;
pub(super) use contact::{Contact, key_set_of};

/// What a plain trace shows of a card.
pub struct Shapes {
    pub(super) card: Card,
    pub(super) steps: Vec<Step>,
    pub(super) files: Vec<Seen>,
    pub(super) values: Values,
    pub(super) surname: Name,
    pub(super) given_names: Name,
}

/// The card, by its kind.
pub(super) enum Card {
    Cie3(Box<Cie3>),
    Contact(Box<Contact>),
}

/// The lengths of a name, in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Name {
    /// As it stands in a certificate.
    pub(super) certified: Option<usize>,
    /// How many bytes more than characters that has.
    pub(super) accents: usize,
    /// As it stands in the personal data.
    pub(super) written: Option<usize>,
}

impl Shapes {
    /// Looks at a trace.
    ///
    /// # Errors
    /// [`Error::NotPlain`] for a trace of another kind, [`Error::NotRecognised`] if no card that is known here
    /// speaks in it, [`Error::TooMuch`] for more than any card tells.
    pub fn of(trace: &Trace) -> Result<Self, Error> {
        if trace.kind != Kind::Plain {
            return Err(Error::NotPlain(trace.kind));
        }
        let steps = steps(trace);
        let files = Tracker::all(&steps);
        let values = Values::of(&steps, &files);
        if values.are_too_many() {
            return Err(Error::TooMuch);
        }
        let atr = trace.entries.iter().find_map(|entry| match &entry.event {
            Event::Connected { atr, .. } => Some(atr.as_slice()),
            _ => None,
        });
        let seen = Observed { atr: atr.unwrap_or_default(), steps: &steps, files: &files };
        let is_cie3 =
            exchanges(&steps).any(|exchange| exchange.selects_name(&CIE_AID) && exchange.is_success());
        let card = if is_cie3 {
            Card::Cie3(Box::new(Cie3::of(&seen)))
        } else if exchanges(&steps).any(Contact::tells) {
            Card::Contact(Box::new(Contact::of(&seen)?))
        } else {
            return Err(Error::NotRecognised);
        };
        let (surname, given_names) = names(&seen);
        Ok(Self { card, steps, files, values, surname, given_names })
    }

    /// The kind of card and what it behaves like, in words that name nobody.
    #[must_use]
    pub fn card(&self) -> String {
        match &self.card {
            Card::Cie3(card) => format!("CIE 3, chip {}", card.chip),
            Card::Contact(card) => format!("contact card, model {}", card.model),
        }
    }
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shapes({}, {} files)", self.card(), self.files.len())
    }
}

/// What is looked at.
pub(super) struct Observed<'a> {
    pub(super) atr: &'a [u8],
    pub(super) steps: &'a [Step],
    pub(super) files: &'a [Seen],
}

/// A READ BINARY, the file that it was of and how much of that there was from there on, if that is known.
pub(super) struct Read<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) rest: Option<usize>,
    /// Whether more of the file was read later on.
    pub(super) goes_on: bool,
}

impl<'a> Observed<'a> {
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &'a Exchange> {
        exchanges(self.steps)
    }

    pub(super) fn file(&self, path: &[u16]) -> Option<&'a Seen> {
        self.files.iter().find(|file| file.path == path).filter(|file| !file.content.is_empty())
    }

    /// All reads with what is known of their files.
    pub(super) fn reads(&self) -> Vec<Read<'a>> {
        let (mut tracker, mut reads) = (Tracker::default(), Vec::new());
        for step in self.steps {
            tracker.step(step);
            let Step::Exchange(exchange) = step else { continue };
            if !exchange.reads() {
                continue;
            }
            let file = self.files.iter().find(|file| file.path == tracker.here());
            let (offset, _) = exchange.place();
            let size = file.and_then(Seen::size);
            let known = file.map_or(0, |file| file.content.len());
            reads.push(Read {
                exchange,
                rest: size.map(|size| size.saturating_sub(offset)),
                goes_on: known > offset + exchange.answer.len(),
            });
        }
        reads
    }

    /// The holder's certificate, and what stands in front of it.
    pub(super) fn certificate(&self) -> Option<Parts<'a>> {
        let wrapped = self.file(&[0x2FFF, 0x8228]).and_then(|file| file.content.get(5..));
        let plain = [&[CIE, 0x1003][..], &[0x1100, 0x1101], &[0x1400, 0x9001, 0x2002], &[0xDA01, 0xC001]];
        let plain = plain.iter().filter_map(|path| self.file(path)).map(|file| file.content.as_slice());
        plain.chain(wrapped).find_map(Parts::of)
    }
}

/// The lengths of surname and given names.
fn names(seen: &Observed<'_>) -> (Name, Name) {
    let certificate = seen.certificate();
    let data =
        seen.file(&[0x1100, 0x1102]).and_then(|file| crate::cns::PersonalData::parse(&file.content).ok());
    let name = |identifier: &[u8], field| {
        let certified = certificate.as_ref().and_then(|parts| parts.attribute(identifier));
        let text = certified.map(String::from_utf8_lossy);
        let characters = text.as_ref().map(|text| text.chars().count());
        let bytes = certified.map_or(0, <[u8]>::len);
        let written = data.as_ref().and_then(|data| data.text(field)).map(|text| text.chars().count());
        Name { certified: characters, accents: bytes.saturating_sub(characters.unwrap_or(0)), written }
    };
    (
        name(&super::certificate::SURNAME, crate::cns::Field::Surname),
        name(&super::certificate::GIVEN_NAME, crate::cns::Field::GivenNames),
    )
}

/// How many bytes of a file are not padding: its object, or else all up to the last that is not zero. The object of a
/// certificate, a key, EF.DH, EF.SN.ICC or EF.SOD can itself end with what looks like padding.
pub(super) fn used(content: &[u8]) -> usize {
    let object = tlv::encoded_length(content).ok().filter(|length| *length <= content.len());
    let is_one = matches!(content.first(), Some(0x30 | 0x5A | 0x70 | 0x77));
    object.filter(|_| is_one).unwrap_or_else(|| trimmed(content).len())
}
