//! The flows of tests/common/flows.rs on every chip, in process.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cie::transport::Link;
use common::flows::{Desk, FLOWS};
use common::{CHIPS, card};

#[test]
fn every_flow_holds_on_every_chip_in_process() {
    for chip in CHIPS {
        for (flow, run) in FLOWS {
            let card = card(chip);
            drop(card.insert());
            println!("{chip}: {flow}");
            run(&Desk { card: &card, connect: &|| Link::new(card.transport()) });
        }
    }
}
