//! Redactions: from a private recording to a card and a dialogue that anybody may see, for every chip and model, and
//! nothing of the holder in what is shared. Our own software cards stand in for a citizen's.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "redact/cie3.rs"]
mod cie3;
#[path = "redact/contact.rs"]
mod contact;
#[path = "redact/input.rs"]
mod input;
#[path = "redact/record.rs"]
mod record;
