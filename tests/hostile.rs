//! Login, signature, unblocking and recognition against a hostile wire and a hostile card: every exchange failed
//! in every way.
//!
//! Each run must end in an error that names the step, or in the right result byte for byte; never in a
//! panic, a wrong success, a lost PIN try or a PIN sent twice. Exhaustive on one profile, a fixed sample
//! on the others, everything with `CIE_EXHAUSTIVE=1`.
#![cfg(feature = "emulator")]
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

#[path = "hostile/chip.rs"]
mod chip;
mod common;
#[path = "hostile/contact.rs"]
mod contact;
#[path = "hostile/faults.rs"]
mod faults;
#[path = "hostile/kiosk.rs"]
mod kiosk;
#[path = "hostile/recognition.rs"]
mod recognition;
#[path = "hostile/sweep.rs"]
mod sweep;
#[path = "hostile/unblock.rs"]
mod unblock;
