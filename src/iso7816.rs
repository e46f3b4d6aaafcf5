//! Interindustry commands for interchange (ISO/IEC 7816-4): bytes only, nothing here talks to a card.

pub mod apdu;
pub mod command;
mod status;
pub mod tlv;

pub use apdu::{Command, Response};
pub use status::StatusWord;
