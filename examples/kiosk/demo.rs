//! The demonstration: software cards that keys lay on a counter without a reader.

use cie::crypto::SystemEntropy;
use cie::emulator::citizen::Citizen;
use cie::emulator::contact::{self, Model};
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::pki::TestPki;
use cie::emulator::{Chip, SoftCard};
use cie::environment::{Clock, SystemClock};
use cie::kiosk::SeenCards;
use cie::transport;
use cie::transport::pcsc::Event;
use cie::trust::{AnchorPurpose, TrustStore};

use super::desk::Checker;
use super::list::List;

/// The reader that there is not.
const READER: &str = "demo";

/// The cards, and which of them lies there.
pub(crate) struct Demo {
    cards: [SoftCard; 4],
    lies: Option<usize>,
}

impl Demo {
    /// Makes the cards and their authority, which takes some seconds, and what checks them.
    pub(crate) fn new() -> Result<(Self, Checker), Box<dyn std::error::Error>> {
        let now = SystemClock.now();
        let entropy = &mut SystemEntropy;
        let pki = TestPki::generate(entropy, now)?;
        let (listed, other) = (Citizen::numbered(1), Citizen::numbered(2));
        let options = IssueOptions::default();
        let one = issue(&pki, &listed, &options, entropy, now)?;
        let two = issue(&pki, &other, &options, entropy, now)?;
        // Everything that can be read of the first card, and a key of another one.
        let mut copy = one.clone();
        copy.services_key = two.services_key.clone();
        let model = Model::Athena;
        let health = contact::issue(&pki, &listed, model, &contact::IssueOptions::default(), entropy, now)?;
        let cie3 = |personalisation| SoftCard::new(personalisation, Chip::Gemalto, SystemEntropy);
        let cards = [
            cie3(one)?,
            cie3(two)?,
            cie3(copy)?,
            SoftCard::new_contact(health.personalisation, model, SystemEntropy)?,
        ];

        let mut trust = TrustStore::new().allow_test_pki();
        trust.add_anchor(AnchorPurpose::Csca, pki.csca_der())?;
        let words = format!("{} {}", listed.person.given_names, listed.person.surname);
        let list = List::Text(format!("{}\t{words}\n", listed.nis));
        let there = cards.clone();
        let connect = move |reader: &str| {
            // Which one lies there, the name says: this reader's cards are not mixed up.
            let at = reader.rsplit(' ').next().and_then(|at| at.parse::<usize>().ok());
            let card = at.and_then(|at| there.get(at)).ok_or(transport::Error::NoReader)?;
            Ok(card.insert())
        };
        let checker = Checker { connect: Box::new(connect), trust, list, seen: SeenCards::new() };
        Ok((Self { cards, lies: None }, checker))
    }

    /// What is there at the beginning.
    pub(crate) fn begin(&self) -> Vec<Event> {
        (0..self.cards.len()).map(|at| Event::ReaderAdded { reader: name(at) }).collect()
    }

    /// What a key does: `1` to `4` lay a card there instead of what lies there, `0` takes it away.
    pub(crate) fn press(&mut self, key: u8) -> Vec<Event> {
        let Some(at) = key.checked_sub(b'0').map(usize::from).filter(|at| *at <= self.cards.len()) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        if let Some(lies) = self.lies.take() {
            if let Some(card) = self.cards.get(lies) {
                card.remove();
            }
            events.push(Event::CardRemoved { reader: name(lies) });
        }
        if let Some((at, card)) = at.checked_sub(1).and_then(|at| Some((at, self.cards.get(at)?))) {
            self.lies = Some(at);
            events.push(Event::CardInserted { reader: name(at), atr: card.atr() });
        }
        events
    }
}

fn name(at: usize) -> String {
    format!("{READER} {at}")
}
