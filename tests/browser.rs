//! Logins from end to end: a page in a real Chromium, an extension, the native host, a pinentry, and a software card
//! at a real pcscd. Debian packages: chromium, chromium-driver, libnss3-tools, pcscd, vsmartcard-vpcd.
//!
//! Each test leaves pictures of what the citizen sees in the folder `browser` of cargo's temporary folder
//! (`target/tmp`).
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

#[path = "browser/card.rs"]
mod card;
#[path = "browser/challenge.rs"]
mod challenge;
#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/extension.rs"]
mod extension;
#[path = "browser/home.rs"]
mod home;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/pin.rs"]
mod pin;
#[path = "browser/portal.rs"]
mod portal;
#[path = "browser/process.rs"]
mod process;
#[path = "browser/readers.rs"]
mod readers;
#[path = "browser/relay.rs"]
mod relay;
#[path = "browser/scene.rs"]
mod scene;
#[path = "browser/token.rs"]
mod token;

/// The PIN of the software card, and another.
const PIN: &str = "12345678";
const WRONG_PIN: &str = "99999999";
