//! A portal and those who want to get in: citizens with software cards, and everybody else.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, unreachable_pub)]

mod common;

#[path = "login/attack.rs"]
mod attack;
#[path = "login/held.rs"]
mod held;
#[path = "login/issuers.rs"]
mod issuers;
#[path = "login/lists.rs"]
mod lists;
#[path = "login/origins.rs"]
mod origins;
#[path = "login/pki.rs"]
mod pki;
#[path = "login/portal.rs"]
mod portal;
#[path = "login/properties.rs"]
mod properties;
#[cfg(feature = "system-tests")]
#[path = "login/python.rs"]
mod python;
#[path = "login/refresh.rs"]
mod refresh;
#[path = "login/replays.rs"]
mod replays;
#[path = "login/revoked.rs"]
mod revoked;
#[path = "login/signatures.rs"]
mod signatures;
#[path = "login/status.rs"]
mod status;
#[path = "login/texts.rs"]
mod texts;
#[path = "login/way_in.rs"]
mod way_in;

#[cfg(all(feature = "redis", feature = "system-tests"))]
#[allow(dead_code, reason = "what the stores' own tests use of it")]
#[path = "login_store/server.rs"]
mod server;
#[cfg(all(feature = "redis", feature = "system-tests"))]
#[path = "login/several_servers.rs"]
mod several_servers;
