//! The contact cards: every flow on every model, and the ways in which cards differ, one by one.
#![cfg(feature = "emulator")]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

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
