//! A portal and those who want to get in: citizens with software cards, and everybody else.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, unreachable_pub)]

mod common;
#[path = "login/portal.rs"]
mod portal;
#[path = "login/way_in.rs"]
mod way_in;

#[cfg(all(feature = "redis", feature = "system-tests"))]
#[allow(dead_code, reason = "what the stores' own tests use of it")]
#[path = "login_store/server.rs"]
mod server;
#[cfg(all(feature = "redis", feature = "system-tests"))]
#[path = "login/several_servers.rs"]
mod several_servers;
