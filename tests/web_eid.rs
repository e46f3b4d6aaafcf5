//! `cie web-eid host` as a browser starts it: what it answers, what it shows, and what it never does. The person is a
//! scripted pinentry; the cards are software cards in files.
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "web_eid/desktop.rs"]
mod desktop;
#[path = "web_eid/framing.rs"]
mod framing;
#[path = "web_eid/host.rs"]
mod host;
#[path = "web_eid/login.rs"]
mod login;
#[path = "web_eid/origins.rs"]
mod origins;
#[path = "web_eid/retries.rs"]
mod retries;
#[path = "web_eid/signing.rs"]
mod signing;
#[path = "web_eid/strange_pinentry.rs"]
mod strange_pinentry;
