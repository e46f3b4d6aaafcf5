//! A software card: an in-memory CIE 3, or a [contact card](contact) of an older kind, with its own test PKI,
//! for tests, examples and kiosks without a reader.
//!
//! It is written from the card's side and shares only the ground floor with the terminal's code, so
//! that a mistake in one is not mirrored by the other.
//!
//! A [`SoftCard`] is a handle to one card. It lives in memory or in a file, and is reached like a card
//! in a reader: through a [`Transport`](crate::transport::Transport) or a
//! [`Link`](crate::transport::Link).

mod card;
mod card_file;
pub mod citizen;
mod cns;
pub mod contact;
mod draft;
pub mod entropy;
mod error;
mod exchange;
pub mod folder;
mod ias;
pub mod issue;
pub mod personalisation;
pub mod pki;
mod profile;
mod slot;
mod soft_card;
mod soft_transport;
mod source;
mod store;
pub mod vpcd;
mod written;

pub(crate) use draft::Draft;
pub use error::Error;
pub use exchange::Tamper;
pub use profile::{Chip, Profile, UnknownChip, WrongLe};
pub use soft_card::SoftCard;
pub use soft_transport::SoftTransport;
