//! What a portal may write down of a login: that there was one, and how it ended. Nothing of the citizen.

use std::time::SystemTime;

use super::{Error, Nonce, Origin};
use crate::crypto::sha256;
use crate::trust::{self, CertifiedCard, RevocationReason};

/// Something that happened, without anything that tells whom it happened to: no name, no fiscal code, no certificate
/// or digest of one, no address, no session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When.
    pub at: SystemTime,
    /// For which portal.
    pub origin: Origin,
    /// Eight bytes of a digest of the challenge, the same when it is issued and when it is answered. The challenge
    /// itself is random and gone when it was answered. `None` if the session had no challenge.
    pub challenge: Option<[u8; 8]>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a step of a login ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A challenge was issued.
    Challenged,
    /// A citizen was let in.
    Verified {
        /// With which kind of card.
        card: Option<CertifiedCard>,
        /// Whether that is a software card of a test PKI, and nobody at all.
        is_test: bool,
        /// Whether older cryptography had to be let pass.
        is_legacy: bool,
        /// Whether the status of the certificate was known to be good.
        status_known: bool,
    },
    /// Nobody was let in: a certificate of the path was revoked, for this reason. Not since when: the issuer's public
    /// list would tell whose that is.
    Revoked(Option<RevocationReason>),
    /// Nobody was let in, and why. No error names anybody either.
    Refused(Error),
}

/// Takes events, at once and without waiting: it is called while a citizen waits.
pub trait Audit: Send + Sync {
    /// Takes an event.
    fn record(&self, event: &AuditEvent);
}

impl<F: Fn(&AuditEvent) + Send + Sync> Audit for F {
    fn record(&self, event: &AuditEvent) {
        self(event);
    }
}

/// What stands for a challenge in a log.
pub(super) fn reference(nonce: &Nonce) -> [u8; 8] {
    let digest = sha256(&[b"cie login audit\0", nonce.as_str().as_bytes()]);
    let mut reference = [0; 8];
    reference.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    reference
}

impl Outcome {
    pub(super) fn refused(error: &Error) -> Self {
        match error {
            Error::Trust(trust::Error::Revoked(revoked)) => Self::Revoked(revoked.reason),
            error => Self::Refused(error.clone()),
        }
    }
}
