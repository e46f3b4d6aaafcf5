//! Contact cards of the demo citizen, made once for each test program.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use cie::emulator::SoftCard;
use cie::emulator::contact::{IssueOptions, Issued, Model, issue};
use cie::emulator::entropy::Seeded;

use super::{demo, now};

/// What is on the demo citizen's card of this model.
pub fn issued(model: Model) -> Issued {
    static ISSUED: OnceLock<Mutex<BTreeMap<String, Issued>>> = OnceLock::new();
    let mut issued = ISSUED.get_or_init(Mutex::default).lock().unwrap();
    let make = || issued_with(model, &IssueOptions::default());
    issued.entry(model.to_string()).or_insert_with(make).clone()
}

/// The same, with other choices.
pub fn issued_with(model: Model, options: &IssueOptions) -> Issued {
    issue(&demo().pki, &demo().citizen, model, options, &mut Seeded::new(2027), now()).unwrap()
}

/// A fresh card with all its tries.
pub fn contact_card(model: Model) -> SoftCard {
    laid(model, issued(model))
}

/// A card with this content.
pub fn laid(model: Model, issued: Issued) -> SoftCard {
    SoftCard::new_contact(issued.personalisation, model, Seeded::new(1)).unwrap()
}
