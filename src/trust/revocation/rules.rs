//! What is asked of lists and responses.

use std::time::Duration;

use super::StatusSource;

/// What is asked of lists and responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRules {
    pub(super) prefer: StatusSource,
    pub(super) skew: Duration,
    pub(super) list_max_age: Option<Duration>,
    pub(super) response_max_age: Duration,
    pub(super) nonce_optional: bool,
    pub(super) responder_without_no_check: bool,
}

impl Default for RevocationRules {
    /// Lists first: whoever serves one does not learn who logs in where. Clocks may differ by five minutes. A list
    /// is good until its next update; a response proves its freshness by the nonce.
    fn default() -> Self {
        Self {
            prefer: StatusSource::List,
            skew: Duration::from_secs(300),
            list_max_age: None,
            response_max_age: Duration::from_secs(120),
            nonce_optional: false,
            responder_without_no_check: false,
        }
    }
}

impl RevocationRules {
    /// Asks these first, the others only if they give nothing.
    #[must_use]
    pub fn prefer(self, source: StatusSource) -> Self {
        Self { prefer: source, ..self }
    }

    /// By how much other clocks may differ from this one.
    #[must_use]
    pub fn skew(self, skew: Duration) -> Self {
        Self { skew, ..self }
    }

    /// Refuses lists that were made longer ago than this, even before their next update.
    #[must_use]
    pub fn list_max_age(self, age: Duration) -> Self {
        Self { list_max_age: Some(age), ..self }
    }

    /// Takes OCSP responses without the nonce that was sent, as responders give that sign in advance, if they were
    /// made no longer ago than this (RFC 6960 section 4.4.1).
    #[must_use]
    pub fn allow_response_without_nonce(self, max_age: Duration) -> Self {
        Self { nonce_optional: true, response_max_age: max_age, ..self }
    }

    /// Takes responders whose own certificate says nothing about its status (no id-pkix-ocsp-nocheck): for issuers
    /// that give them certificates of short life.
    #[must_use]
    pub fn allow_responder_without_no_check(self) -> Self {
        Self { responder_without_no_check: true, ..self }
    }
}
