//! Middleware for the Italian electronic identity card (CIE): log in and sign through the chip, safely.
//!
//! ```no_run
//! use cie::crypto::signature::{Purpose, Signer};
//! use cie::crypto::{Digest, DigestAlgorithm};
//! use cie::{card, pin::LastTry, secret::Typed, transport::Link};
//!
//! fn log_in(link: Link, pin: String, challenge: &[u8]) -> Result<Vec<u8>, cie::Error> {
//!     let session = card::open(link)?.open_session()?; // whichever card it is
//!     let pin = Typed::new(pin); // judged by its rules before anything is sent
//!     let mut unlocked = session.verify_pin(&pin, LastTry::Refuse)?; // one try, never repeated
//!     let digest = Digest::of(DigestAlgorithm::Sha256, challenge);
//!     Ok(unlocked.signer()?.sign(Purpose::Login, &digest)?) // verified before it is returned
//! } // dropping `unlocked` resets the card
//! ```
//!
//! # The house
//!
//! | floor | modules | |
//! |---|---|---|
//! | 9 | `c_api` (feature `c-api`) | the C library |
//! | 8 | [`error`] | one error, with codes for programs and advice for people |
//! | 7 | [`web_eid`], `redact` (feature `emulator`) | a browser's requests · a private recording as a software card and a dialogue to share |
//! | 6b | [`card`], [`login`], [`explain`], [`kiosk`], [`genuine`] | any card, recognised; a citizen at a portal; a recorded dialogue in words; a card that is genuine, and a chip |
//! | 6a | [`identity`], [`passive`] | whose certificate, whose data; whose signature on a card's files |
//! | 5 | [`ias`], [`cns`] | the CIE 3 application, the contact cards: a state is a value |
//! | 4b | [`dialogue`] | what all dialogues have in common: step, cause, what is given back |
//! | 4a | [`mod@file`], [`pin`] | reading a whole file; PIN verbs and tries |
//! | 3 | [`secure_messaging`] · [`trust`] | the protected channel · what a certificate is worth |
//! | 2 | [`transport`] · [`cms`] | the link to a card · what a signed file says about itself |
//! | 1 | [`iso7816`], [`crypto`] | the codec; the door to OpenSSL |
//! | 0 | [`secret`], [`environment`], [`test_mark`] | what must not leak; what comes from outside |
//!
//! Left of the dot stands the card tower, which talks to a chip; right of it the paper tower, which judges
//! bytes and never talks to one. A module imports only from lower floors. Beside them, with feature
//! `emulator`, stands a software card that shares nothing with the card tower but the ground floor.
//!
//! # What the types promise
//!
//! - A PIN costs at most one try per call, and no command that carries one is ever sent again.
//! - What was only read is named so ([`crypto::PresentedCertificate`]); what was checked is a value that
//!   cannot be made otherwise ([`trust::ValidPath`], [`trust::VerifiedSignature`]).
//! - Every byte from a card, a file or a network is taken for an attacker's: bounded, and an error at
//!   worst.

#![cfg_attr(not(feature = "c-api"), forbid(unsafe_code))]

#[cfg(feature = "c-api")]
pub mod c_api;
pub mod card;
pub mod cms;
pub mod cns;
pub mod crypto;
mod date;
pub mod dialogue;
pub mod environment;
pub mod error;
pub mod explain;
pub mod file;
pub mod genuine;
pub mod ias;
pub mod identity;
pub mod iso7816;

pub mod kiosk;
pub mod login;
pub mod passive;
pub mod pin;
pub mod secret;
pub mod secure_messaging;
pub mod test_mark;
pub mod transport;
pub mod trust;
pub mod web_eid;

#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(feature = "emulator")]
pub mod redact;

pub use error::{Error, Language};

#[cfg(test)]
mod vectors;

/// The code of the README and of the pages compiles.
#[cfg(all(doctest, feature = "pcsc"))]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/portal.md")]
#[doc = include_str!("../docs/readers.md")]
#[doc = include_str!("../docs/traces.md")]
struct Pages;
