//! The contact cards: every flow on every model, the ways in which cards differ one by one, the worked examples.
#![cfg(feature = "emulator")]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

#[path = "contact/any_card.rs"]
mod any_card;
mod common;
#[path = "contact/protection.rs"]
mod protection;
#[path = "contact/refusals.rs"]
mod refusals;
#[path = "contact/transactions.rs"]
mod transactions;
#[path = "contact/tries.rs"]
mod tries;
#[path = "contact/variants.rs"]
mod variants;
#[path = "contact/worked.rs"]
mod worked;

use cie::cns::Credential;
use cie::cns::Session;
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::pin::LastTry;
use cie::secret::ContactPin;

use common::contact_flows::{Desk, FLOWS, SIGNATURE_PIN, card, link, pin, reach, signs_without_pin};

fn session(card: &SoftCard) -> Session {
    Session::open(link(card)).unwrap()
}

#[test]
fn every_flow_on_every_model() {
    for model in Model::ALL {
        for (what, flow) in FLOWS {
            let card = card(model);
            common::say(&format!("{model}: {what}"));
            flow(&Desk { model, card: &card, connect: &|| reach(&card) });
        }
    }
}

/// To a card with a verified PIN it matters who comes by: the probe for that must find one.
#[test]
fn a_pin_that_was_left_behind_would_be_found() {
    for model in Model::ALL {
        for (credential, pin) in [
            (Credential::Authentication, pin()),
            (Credential::Signature, ContactPin::parse(SIGNATURE_PIN).unwrap()),
        ] {
            let card = card(model);
            let desk = Desk { model, card: &card, connect: &|| reach(&card) };
            assert!(!signs_without_pin(&desk), "{model}");
            let unlocked = desk.session().verify_pin_of(credential, &pin, LastTry::Refuse).unwrap();
            assert!(signs_without_pin(&desk), "{model}, {credential:?}");
            drop(unlocked);
            assert!(!signs_without_pin(&desk), "{model}, {credential:?}");
        }
    }
}
