//! The real PC/SC stack: a private pcscd with the virtual reader (Debian packages pcscd and
//! vsmartcard-vpcd), and cards that a test controls.
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "pcsc/contact.rs"]
mod contact;
mod dialogues;
#[path = "pcsc/faults.rs"]
mod faults;
#[path = "pcsc/flows.rs"]
mod flows;
#[path = "pcsc/import.rs"]
mod import;
#[path = "pcsc/monitoring.rs"]
mod monitoring;
#[path = "pcsc/opensc.rs"]
mod opensc;
#[path = "pcsc/raw_card.rs"]
mod raw_card;
#[path = "dialogues/recorded.rs"]
mod recorded;
#[path = "pcsc/recording.rs"]
mod recording;
#[path = "pcsc/sharing.rs"]
mod sharing;
#[path = "pcsc/watching.rs"]
mod watching;
