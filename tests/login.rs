//! A portal and those who want to get in: citizens with software cards, and everybody else.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, unreachable_pub)]

mod common;
#[path = "login/portal.rs"]
mod portal;
#[path = "login/way_in.rs"]
mod way_in;
