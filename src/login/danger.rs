//! Verification without a store: for tools that check a token after the fact, never for letting somebody in.
//!
//! A [`RelyingParty`] takes the challenge from its own store, by the session, and uses it up. Here somebody passes a
//! challenge in, and nothing keeps the same token from being accepted twice, or a challenge from being the one that
//! came along with the token.

use super::store::{ChallengeStore, Pending, SessionId, StoreError};
use super::{Error, Nonce, PendingLogin, RelyingParty};

/// A store that has no challenges.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStore;

impl ChallengeStore for NoStore {
    fn put(&self, _: &SessionId, _: Pending, _: std::time::SystemTime) -> Result<(), StoreError> {
        Err(StoreError::Address("there is none"))
    }

    fn take(&self, _: &SessionId, _: std::time::SystemTime) -> Result<Option<Pending>, StoreError> {
        Err(StoreError::Address("there is none"))
    }
}

/// Everything that [`RelyingParty::begin`] does, for a challenge that the caller says was issued, is still good and
/// was never answered before.
///
/// # Errors
/// As [`RelyingParty::begin`], but for those of the store.
pub fn begin(party: &RelyingParty, nonce: &Nonce, token: &[u8]) -> Result<PendingLogin, Error> {
    party.begin_with(nonce, token)
}
