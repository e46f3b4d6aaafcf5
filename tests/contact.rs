//! The contact cards: every flow on every model, the ways in which cards differ one by one, the worked examples.
#![cfg(feature = "emulator")]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;
#[path = "contact/variants.rs"]
mod variants;
#[path = "contact/worked.rs"]
mod worked;

use cie::emulator::contact::Model;

use common::contact_flows::{Desk, FLOWS, card, link};

#[test]
fn every_flow_on_every_model() {
    for model in Model::ALL {
        for (what, flow) in FLOWS {
            let card = card(model);
            common::say(&format!("{model}: {what}"));
            flow(&Desk { model, card: &card, connect: &|| link(&card) });
        }
    }
}
