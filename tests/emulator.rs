//! The software card against the worked examples, and against a terminal that breaks every rule.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "emulator/authentication.rs"]
mod authentication;
#[path = "emulator/bench.rs"]
mod bench;
#[path = "emulator/chips.rs"]
mod chips;
#[path = "emulator/commands.rs"]
mod commands;
#[path = "emulator/contact.rs"]
mod contact;
#[path = "emulator/contact_files.rs"]
mod contact_files;
#[path = "emulator/contact_handle.rs"]
mod contact_handle;
#[path = "emulator/contact_keys.rs"]
mod contact_keys;
#[path = "emulator/contact_pins.rs"]
mod contact_pins;
#[path = "emulator/garbage.rs"]
mod garbage;
#[path = "emulator/handle.rs"]
mod handle;
#[path = "emulator/holder.rs"]
mod holder;
#[path = "emulator/worked.rs"]
mod worked;
