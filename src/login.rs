//! A portal lets a citizen in: a challenge, its answer signed by the card, and a citizen whose certificate was
//! verified. No reader, no network, no log: a portal builds this with `default-features = false`.
//!
//! ```no_run
//! use cie::login::store::{MemoryStore, SessionId};
//! use cie::login::{Origin, RelyingParty};
//! use cie::trust::TrustStore;
//!
//! fn start() -> Result<RelyingParty, Box<dyn std::error::Error>> {
//!     let (trust, report) = TrustStore::load_italian("/etc/cie/trust")?; // the roots that Italy published
//!     let origin = Origin::parse("https://portale.comune.example.it")?;
//!     Ok(RelyingParty::new(origin, trust, MemoryStore::new()))
//! }
//!
//! fn log_in(party: &RelyingParty, cookie: &[u8], token: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
//!     // Earlier, for the page: party.challenge(&session)?.as_str()
//!     let session = SessionId::new(cookie)?;
//!     let citizen = party.verify(&session, token)?;
//!     Ok(citizen.fiscal_code().as_str().to_owned())
//! }
//! ```
//!
//! The order of checks is that of the Web eID reference, but for the signature, which is checked before anybody is
//! asked about revocation: who has no key cannot make a portal fetch anything.

mod audit;
mod citizen;
pub mod danger;
mod nonce;
mod origin;
mod relying_party;
pub mod store;
mod token;

pub use audit::{Audit, AuditEvent, Outcome};
pub use citizen::{Citizen, SoftCitizen};
pub use nonce::{NONCE_LENGTH, Nonce, NonceError};
pub use origin::{Origin, OriginError};
pub use relying_party::{LIFETIME, PendingLogin, RelyingParty, RelyingPartyBuilder};
pub use token::{
    AuthToken, CreateError, SigningAlgorithm, SigningCertificate, TokenAlgorithm, TokenError, signed_message,
};

use crate::{crypto, identity, trust};

/// Why nobody was let in. [`Error::is_unchecked`] tells "nothing could be checked" from "checked and bad". To the
/// citizen's browser all of them are one: what exactly was wrong is for the portal's own log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The session has no challenge: none was asked for, it was answered already, or it was forgotten.
    #[error("the session has no challenge that could be answered")]
    NoChallenge,
    /// The challenge was answered too late.
    #[error("the challenge has expired")]
    ChallengeExpired,
    /// What came is no token.
    #[error("the token: {0}")]
    Token(#[from] TokenError),
    /// The certificate, the signature or the status is not good.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// The certificate names nobody.
    #[error("the certificate: {0}")]
    Identity(#[from] identity::CommonNameError),
    /// The store of challenges failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// No nonce could be drawn.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

impl Error {
    /// Whether nothing could be checked, as opposed to checked and found bad.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        match self {
            Self::Trust(error) => error.is_unchecked(),
            Self::Store(_) | Self::Crypto(_) => true,
            _ => false,
        }
    }
}
