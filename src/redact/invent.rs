//! A citizen who does not exist, with names and numbers as long as those that were seen.

use crate::cns::Field;
use crate::emulator::citizen::{Citizen, Date, Person, Sex};
use crate::emulator::contact::PersonalData;
use crate::emulator::pki;

use super::Error;
use super::shapes::{Name, Shapes};

/// Words that names are made of: each says that nobody bears it.
const SURNAMES: [&str; 5] = ["INVENTATI", "IMMAGINARI", "SIMULATI", "IPOTETICI", "PRESUNTI"];
const GIVEN_NAMES: [&str; 5] = ["NESSUNO", "ANONIMO", "IGNOTO", "FANTASMA", "QUALUNQUE"];
const ADDRESS: [&str; 3] = ["VIA CHE NON ESISTE", "VICOLO CIECO", "PIAZZA VUOTA"];
/// Municipalities and states of birth.
const BORN_HERE: [&str; 4] = ["L219", "D612", "A944", "G273"];
const BORN_ABROAD: [&str; 3] = ["Z133", "Z103", "Z129"];
/// Length of a name that was not seen.
const USUAL: usize = 9;
/// As much of a name as a certificate takes, in characters.
const CERTIFIED_MAX: usize = 64;

/// Somebody; each `choice` is somebody else.
pub(super) fn citizen(shapes: &Shapes, choice: usize) -> Result<Citizen, Error> {
    let abroad = shapes.field(Field::BirthState).is_some_and(|length| length > 0);
    let places: &[&str] = if abroad { &BORN_ABROAD } else { &BORN_HERE };
    let place = places.iter().cycle().nth(choice).copied().unwrap_or("L219");
    let day = u8::try_from(choice % 28).unwrap_or(0) + 1;
    let year = 1950 + u16::try_from(choice % 40).unwrap_or(0);
    let person = Person {
        surname: name(shapes.surname, &SURNAMES, choice),
        given_names: name(shapes.given_names, &GIVEN_NAMES, choice),
        sex: if choice % 2 == 0 { Sex::F } else { Sex::M },
        birth_date: Date::new(year, 4, day).ok_or(pki::Error::Time)?,
        birth_place: place.to_owned(),
    };
    let (number, nis) =
        (format!("CA{:05}ZZ", 73_951 + 17 * choice), format!("{:012}", 739_517_395_173_u64 + choice as u64));
    Ok(Citizen::new(person, &number, &nis).map_err(pki::Error::from)?)
}

/// A name as long as the one that was seen, in both places where it was.
fn name(seen: Name, words: &[&str], choice: usize) -> String {
    let length = seen.written.max(seen.certified).unwrap_or(USUAL).max(1);
    let mut letters: Vec<char> = text(words, choice, length).chars().collect();
    let certified = seen.certified.unwrap_or(length).min(CERTIFIED_MAX);
    if length > CERTIFIED_MAX {
        // A blank where the field ends was cut off with the rest.
        letters.iter_mut().take(CERTIFIED_MAX).skip(certified).for_each(|letter| *letter = ' ');
    }
    let accented = |letter: char| match letter {
        'A' => Some('À'),
        'E' => Some('È'),
        'I' => Some('Ì'),
        'O' => Some('Ò'),
        'U' => Some('Ù'),
        _ => None,
    };
    let mut missing = seen.accents;
    for only_vowels in [true, false] {
        for letter in letters.iter_mut().take(certified).filter(|letter| letter.is_ascii_alphabetic()) {
            let accented = accented(*letter).or((!only_vowels).then_some('Ù'));
            if let (Some(accented), true) = (accented, missing > 0) {
                *letter = accented;
                missing -= 1;
            }
        }
    }
    letters.into_iter().collect()
}

/// Words one after the other, cut to a length, without a blank at its end.
fn text(words: &[&str], choice: usize, length: usize) -> String {
    let cycle = words.iter().cycle().skip(choice);
    let mut text = String::new();
    for word in cycle.take(length + 1) {
        if text.len() >= length {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text += word;
    }
    text.truncate(length);
    if text.ends_with(' ') {
        text.pop();
        text.push('X');
    }
    text
}

/// The personal data of a contact card, each field as long as the one that was seen.
pub(super) fn personal_data(
    lengths: &[usize],
    citizen: &Citizen,
    card_number: &str,
    (from, to): (Date, Date),
    choice: usize,
) -> Result<PersonalData, Error> {
    let length = |field: Field| lengths.get(usize::from(field.number()) - 1).copied().unwrap_or(0);
    let digits = |field, first: usize| {
        (first + choice..)
            .take(length(field))
            .map(|digit| char::from(b'1' + u8::try_from(digit % 9).unwrap_or(0)))
            .collect::<String>()
    };
    let filler = |field| text(&ADDRESS, choice, length(field));
    let day = |field, date: Date| match length(field) {
        8 => format!("{:02}{:02}{:04}", date.day(), date.month(), date.year()),
        length => text(&ADDRESS, choice, length),
    };
    let person = &citizen.person;
    let fitted = |field, text: String| match length(field) {
        length if length == text.len() => text,
        _ => filler(field),
    };
    Ok(PersonalData {
        issuer_code: match length(Field::IssuerCode) {
            length @ ..=4 => card_number.chars().take(length).collect(),
            _ => digits(Field::IssuerCode, 3),
        },
        issue_date: day(Field::IssueDate, from),
        expiry_date: day(Field::ExpiryDate, to),
        surname: fitted(Field::Surname, person.plain_surname().map_err(pki::Error::from)?),
        given_name: fitted(Field::GivenNames, person.plain_given_names().map_err(pki::Error::from)?),
        birth_date: day(Field::BirthDate, person.birth_date),
        sex: fitted(Field::Sex, if person.sex == Sex::F { "F" } else { "M" }.to_owned()),
        stature_cm: digits(Field::Stature, 0),
        fiscal_code: fitted(Field::FiscalCode, citizen.fiscal_code.clone()),
        citizenship_code: digits(Field::Citizenship, 1),
        birth_municipality: fitted(Field::BirthMunicipality, person.birth_place.clone()),
        birth_state: fitted(Field::BirthState, person.birth_place.clone()),
        birth_act: filler(Field::BirthAct),
        residence_municipality: fitted(Field::ResidenceMunicipality, "F839".to_owned()),
        residence_address: filler(Field::ResidenceAddress),
        travel_note: filler(Field::TravelNote),
    })
}
