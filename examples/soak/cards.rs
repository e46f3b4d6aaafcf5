//! The cards of the run: two people with genuine ones, and what others make of them.

use std::error::Error;
use std::thread;
use std::time::SystemTime;

use cie::emulator::citizen::{Citizen, people};
use cie::emulator::contact::{self, Model};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{DEMO_PIN, IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::TestPki;
use cie::emulator::{Chip, SoftCard};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;

use super::kiosk::MESSAGE;
use super::plan::{Flow, Insertion, Kind, PEOPLE};
use super::wire::Body;

pub(crate) fn pin() -> String {
    String::from_utf8_lossy(&DEMO_PIN).into_owned()
}

/// Everything that cards are made of.
pub(crate) struct Stock {
    pub(crate) csca: Vec<u8>,
    people: Vec<Person>,
    unknown_country: Personalisation,
    contact: contact::Personalisation,
}

struct Person {
    nis: String,
    card: Personalisation,
    /// The holder's public key, for somebody who is not the library.
    key: PKey<Public>,
}

fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Stock {
    /// Makes all keys; they are the same for the same seed.
    pub(crate) fn make(seed: u64) -> Result<Self, Box<dyn Error>> {
        let now = SystemTime::now();
        let pki =
            |number| TestPki::generate(&mut Seeded::new(seed.wrapping_add(number)), now).map_err(failed);
        let card = |pki: &TestPki, citizen: &Citizen, number: u64| {
            let mut entropy = Seeded::new(seed.wrapping_add(number));
            issue(pki, citizen, &IssueOptions::default(), &mut entropy, now).map_err(failed)
        };
        let citizens = people();
        thread::scope(|scope| {
            let abroad = scope.spawn(|| card(&pki(1)?, &citizens[2], 2));
            let ours = pki(3)?;
            let mut people = Vec::new();
            for (citizen, number) in citizens.iter().zip(4..).take(PEOPLE) {
                let card = card(&ours, citizen, number)?;
                let number = |bytes: &[u8]| BigNum::from_slice(bytes);
                let (modulus, exponent) = (&card.holder_key.modulus, &card.holder_key.public_exponent);
                let key = Rsa::from_public_components(number(modulus)?, number(exponent)?)?;
                people.push(Person { nis: citizen.nis.clone(), key: PKey::from_rsa(key)?, card });
            }
            let options = contact::IssueOptions::default();
            let mut entropy = Seeded::new(seed.wrapping_add(10));
            let contact = contact::issue(&ours, &citizens[0], Model::Cns11, &options, &mut entropy, now)?;
            let unknown_country = abroad.join().map_err(|_| "the keys of another country failed")??;
            let csca = ours.csca_der().to_vec();
            Ok(Self { csca, people, unknown_country, contact: contact.personalisation })
        })
    }

    /// The card of an insertion, with all its tries; none where no chip answers.
    pub(crate) fn card(&self, insertion: &Insertion, seed: u64) -> Result<Option<SoftCard>, Box<dyn Error>> {
        let (person, other) = (&self.people[insertion.person], &self.people[(insertion.person + 1) % PEOPLE]);
        let mut chip = Chip::ALL[(seed % 4) as usize];
        let mut card = person.card.clone();
        match insertion.kind {
            Kind::Genuine(of) => chip = of,
            Kind::Copy => {
                // What can be read is the person's; for a channel it needs a key that it has.
                let mut own = self.unknown_country.clone();
                *content(&mut card, 0x1004)? = std::mem::take(content(&mut own, 0x1004)?);
                card.services_key = own.services_key;
                card.device_key = own.device_key;
                card.certification_key = own.certification_key;
            }
            Kind::AnotherNumber => *content(&mut card, 0x1001)? = other.nis.clone().into_bytes(),
            Kind::AnotherSecurityObject => {
                *content(&mut card, 0x1006)? = std::mem::take(content(&mut other.card.clone(), 0x1006)?);
            }
            Kind::UnknownCountry => card = self.unknown_country.clone(),
            Kind::Contact => {
                let card = SoftCard::new_contact(self.contact.clone(), Model::Cns11, Seeded::new(seed))?;
                return Ok(Some(card));
            }
            Kind::Mute | Kind::Silent | Kind::Nothing | Kind::Short | Kind::Garbage => return Ok(None),
        }
        Ok(Some(SoftCard::new(card, chip, Seeded::new(seed))?))
    }

    /// Whether what was accepted is right for the genuine card of this person.
    pub(crate) fn is_right(&self, flow: Flow, person: usize, what: &str) -> bool {
        let person = &self.people[person];
        match flow {
            Flow::Nis => what == person.nis,
            Flow::Genuine => what == "genuine",
            Flow::Sign => person.signed(what).unwrap_or(false),
        }
    }
}

impl Person {
    fn signed(&self, signature: &str) -> Result<bool, Box<dyn Error>> {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key)?;
        verifier.update(MESSAGE)?;
        Ok(verifier.verify(&hex::decode(signature)?)?)
    }
}

fn content(card: &mut Personalisation, identifier: u16) -> Result<&mut Vec<u8>, String> {
    let file = card.files.iter_mut().find(|file| file.identifier == identifier);
    file.map(|file| &mut file.content).ok_or_else(|| format!("the card has no file {identifier:04X}"))
}

/// What answers on the wire for this card.
pub(crate) fn body(kind: Kind, card: Option<&SoftCard>, seed: u64) -> Body {
    match (kind, card) {
        (_, Some(card)) => {
            // Laid on the reader inside this process, which the wire speaks for.
            drop(card.insert());
            Body::Soft(card.transport())
        }
        (Kind::Mute, _) => Body::Mute,
        (Kind::Nothing, _) => Body::Nothing,
        (Kind::Short, _) => Body::Short,
        (Kind::Garbage, _) => Body::Garbage(super::plan::Dice::new(seed)),
        _ => Body::Silent,
    }
}
