//! The software card: an invented citizen, new keys under a new test PKI, and the shapes that were seen.

use std::time::{Duration, SystemTime};

use super::Error;
use super::files::Seen;
use super::invent;
use super::search::Search;
use super::shapes::{Card, Cie3, Contact, Shapes, used};
use crate::cns::Field;
use crate::emulator::citizen::{Citizen, day_of};
use crate::emulator::contact::{self, CardNumber, Given, SignatureKey};
use crate::emulator::issue::{self, DEMO_PIN, DEMO_PUK};
use crate::emulator::pki::{self, TestPki};
use crate::emulator::{self, Draft, folder};
use crate::environment::Entropy;

/// How many citizens are tried until one shares nothing with the holder.
const CHOICES: usize = 64;
/// A time of day at which nobody's certificate begins, and the length of a day.
const HOUR: Duration = Duration::from_secs(4 * 3600 + 5 * 60 + 6);
const DAY: Duration = Duration::from_secs(86_400);
/// Validity in days of a CNS and of an identity card of its time.
const CNS_DAYS: u32 = 2191;
const CIE_DAYS: u32 = 1826;

/// A card with its papers.
pub(super) struct Built {
    pub(super) draft: Draft,
    /// Whose it is and the certificates to check it with.
    pub(super) papers: Vec<(&'static str, Vec<u8>)>,
    /// What could not be made alike.
    pub(super) notes: Vec<String>,
}

impl Shapes {
    /// The length of a field of the personal data, if they were read.
    pub(super) fn field(&self, field: Field) -> Option<usize> {
        match &self.card {
            Card::Cie3(_) => None,
            Card::Contact(card) => card.fields.as_ref()?.get(usize::from(field.number()) - 1).copied(),
        }
    }
}

/// Makes a card that is like the one that was seen, and nobody's.
pub(super) fn build(
    shapes: &Shapes,
    search: &Search,
    pki: &TestPki,
    entropy: &mut dyn Entropy,
    today: SystemTime,
) -> Result<Built, Error> {
    let mut choice = 0;
    loop {
        let citizen = invent::citizen(shapes, choice)?;
        let days = u32::try_from(choice).unwrap_or(0);
        let from = midnight(today).checked_sub(DAY * days).unwrap_or(today) + HOUR;
        let attempt = Attempt { shapes, citizen, from, choice };
        let known = serde_json::to_vec(&attempt.citizen).unwrap_or_default();
        let data = match &shapes.card {
            Card::Cie3(_) => Vec::new(),
            Card::Contact(card) => {
                serde_json::to_vec(&attempt.given(card)?.personal_data).unwrap_or_default()
            }
        };
        let shares = search.check("", &known).is_err() || search.check("", &data).is_err();
        choice += 1;
        // What is shared in the end is found in the end.
        if shares && choice < CHOICES {
            continue;
        }
        return match &shapes.card {
            Card::Cie3(card) => attempt.cie3(card, pki, entropy),
            Card::Contact(card) => attempt.contact(card, pki, entropy),
        };
    }
}

pub(super) fn midnight(moment: SystemTime) -> SystemTime {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs() / 86_400 * 86_400)
}

/// A card for one citizen.
struct Attempt<'a> {
    shapes: &'a Shapes,
    citizen: Citizen,
    /// The moment of issue.
    from: SystemTime,
    choice: usize,
}

impl Attempt<'_> {
    fn cie3(self, card: &Cie3, pki: &TestPki, entropy: &mut dyn Entropy) -> Result<Built, Error> {
        let options = issue::IssueOptions {
            generation: card.generation,
            extended_key_usage: card.extended_key_usage,
            ..issue::IssueOptions::default()
        };
        let personalisation = issue::issue(pki, &self.citizen, &options, entropy, self.from)?;
        let mut draft = Draft::cie3(personalisation, card.chip, card.profile.clone(), card.tries);
        let lengths: Vec<_> =
            draft.files().map(|(identifier, content)| (identifier, used(content))).collect();
        let mut notes = Vec::new();
        for seen in &self.shapes.files {
            let ours = lengths.iter().find(|(identifier, _)| Some(identifier) == seen.path.last());
            match (ours, seen.size()) {
                (Some((identifier, ours)), Some(size)) if size >= *ours => draft.resize(*identifier, size),
                (Some((_, ours)), size) => notes.extend(length_note(seen, *ours, size)),
                (None, _) => notes.push(format!("{} is not on the software card", seen.name())),
            }
            if let Some((_, ours)) = ours {
                notes.extend(content_note(seen, *ours));
            }
        }
        let papers = folder::papers(pki, &self.citizen, None, self.from)?;
        Ok(Built { draft, papers, notes })
    }

    /// What is to stand in a contact card's files.
    fn given(&self, card: &Contact) -> Result<Given, Error> {
        let days = if card.model.is_cie() { CIE_DAYS } else { CNS_DAYS };
        let to = self.from + DAY * days;
        let days = (day_of(self.from).map_err(pki::Error::from)?, day_of(to).map_err(pki::Error::from)?);
        let number = match card.card_number {
            Some(CardNumber::Printed) => "7000",
            _ => "7099",
        };
        let data = card
            .fields
            .as_ref()
            .map(|lengths| invent::personal_data(lengths, &self.citizen, number, days, self.choice));
        let file = self.shapes.files.iter().find(|seen| seen.path == [0x1100, 0x1102]);
        Ok(Given {
            card_number: None,
            personal_data: data.transpose()?,
            personal_data_size: file.filter(|_| card.fields.is_some()).and_then(Seen::size),
        })
    }

    fn contact(self, card: &Contact, pki: &TestPki, entropy: &mut dyn Entropy) -> Result<Built, Error> {
        let options = contact::IssueOptions {
            header: card.header,
            digest_over: card.digest_over,
            card_number: card.card_number,
            certificate_only_signs: card.only_signs,
            signature_key: card.signature_key.then_some(SignatureKey { pin: DEMO_PIN, puk: DEMO_PUK }),
            ..contact::IssueOptions::default()
        };
        let given = self.given(card)?;
        let mut issued =
            contact::issue_given(pki, &self.citizen, card.model, &options, given, entropy, self.from)?;
        let mut notes = Vec::new();
        for seen in &self.shapes.files {
            let files = &mut issued.personalisation.files;
            let ours = files.iter_mut().find(|file| file.path.identifiers().ends_with(&seen.path));
            let Some(file) = ours else {
                notes.push(format!("{} is not on the software card", seen.name()));
                continue;
            };
            let length = used(&file.content);
            match seen.size() {
                Some(size) if size >= length => file.content.resize(size, 0),
                size => notes.extend(length_note(seen, length, size)),
            }
            notes.extend(content_note(seen, length));
        }
        let [pin, puk] = card.tries;
        for data in &mut issued.personalisation.reference_data {
            let left = match data.identifier {
                0x10 => pin,
                0x11 => puk,
                _ => None,
            };
            data.tries = data.tries.max(left.unwrap_or(0)).min(15);
            data.tries_left = left.unwrap_or(data.tries).min(data.tries);
        }
        let papers = folder::papers(pki, &self.citizen, Some((card.model, &issued)), self.from)?;
        let draft = Draft::contact(issued.personalisation, card.model, card.profile.clone());
        Ok(Built { draft, papers, notes })
    }
}

fn length_note(seen: &Seen, ours: usize, size: Option<usize>) -> Option<String> {
    size.map(|size| format!("{} has {size} bytes, and on the software card at least {ours}", seen.name()))
}

/// Where the content itself, padding left out, has another length.
fn content_note(seen: &Seen, ours: usize) -> Option<String> {
    let theirs = used(&seen.content);
    let whole =
        seen.ended || seen.told.is_some_and(|told| told == seen.content.len()) || object_is_whole(seen);
    (whole && theirs != ours && !seen.content.is_empty())
        .then(|| format!("the content of {} has {theirs} bytes, on the software card {ours}", seen.name()))
}

fn object_is_whole(seen: &Seen) -> bool {
    crate::iso7816::tlv::encoded_length(&seen.content).is_ok_and(|length| length == seen.content.len())
}

impl From<pki::Error> for Error {
    fn from(error: pki::Error) -> Self {
        Self::Card(emulator::Error::Issue(error))
    }
}
