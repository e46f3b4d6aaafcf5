//! A software card: an in-memory CIE 3 with its own test PKI, for tests, examples and kiosks without
//! a reader.
//!
//! It is written from the card's side and shares only the ground floor with the terminal's code, so
//! that a mistake in one is not mirrored by the other.

pub mod citizen;
pub mod entropy;
pub mod issue;
pub mod personalisation;
pub mod pki;
