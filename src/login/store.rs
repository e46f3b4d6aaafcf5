//! Where a portal keeps the challenges that it issued until they are answered: each is found by the session that
//! it was issued to, never by anything in the answer, and is taken out in one step before the answer is looked at,
//! so that a failed login costs the challenge too.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::crypto::sha256;

pub use self::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;

/// The last millisecond of the year 9999, since 1970: a moment that every platform can tell.
const LAST_MOMENT: u64 = 253_402_300_799_999;

/// These bytes cannot be a session's identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session identifier has 16 to 512 bytes, not {length}")]
pub struct SessionIdError {
    /// How many there were.
    pub length: usize,
}

/// A portal's session identifier: 16 to 512 bytes that the portal drew at random and that only this browser knows.
/// Whoever reads a store must not be able to take sessions over: only a digest is kept or sent anywhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId {
    digest: [u8; 32],
}

impl SessionId {
    /// Takes the identifier as it stands in the portal's cookie or session. The bytes themselves are forgotten.
    ///
    /// # Errors
    /// [`SessionIdError`] for fewer than 16 bytes, which could be guessed, and for more than 512.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, SessionIdError> {
        let bytes = bytes.as_ref();
        if !(16..=512).contains(&bytes.len()) {
            return Err(SessionIdError { length: bytes.len() });
        }
        // The words in front keep the digest from being one that the portal computes for something else.
        Ok(Self { digest: sha256(&[b"cie login session", &[0], bytes]) })
    }

    /// SHA-256 of `cie login session`, a zero byte and the identifier: what a [`ChallengeStore`] finds the challenge
    /// by.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// A challenge that was issued and not yet answered. There is no copying it: whoever took it out of a store is the
/// only one to have it.
pub struct Pending {
    nonce: Zeroizing<[u8; 32]>,
    /// Milliseconds since 1970.
    expires: u64,
}

impl Pending {
    /// A challenge of these 32 random bytes, of no use from `expires_at` on. That moment is kept to the millisecond,
    /// rounded down; one before 1970 counts as 1970, one after the year 9999 as its end.
    #[must_use]
    pub fn new(nonce: [u8; 32], expires_at: SystemTime) -> Self {
        Self { nonce: Zeroizing::new(nonce), expires: milliseconds(expires_at) }
    }

    /// The random bytes.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// From when on the challenge must not be accepted any more.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.expires)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

/// Milliseconds since 1970, rounded down, up to [`LAST_MOMENT`].
fn milliseconds(moment: SystemTime) -> u64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(LAST_MOMENT)
}

/// A store did not do what it was asked to. No login may go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be opened like this: its address is wrong or of a kind that is not served here.
    #[error("the store of challenges cannot be opened: {0}")]
    Address(&'static str),
    /// The store gave no answer, or one that says it cannot serve now. A challenge that was to be taken may be gone:
    /// the person has to begin the login anew.
    #[error("the store of challenges is unavailable: {0}")]
    Unavailable(String),
    /// What lies in the store in a challenge's place is none.
    #[error("the store of challenges holds something that is no challenge")]
    Malformed,
}

/// Keeps challenges until they are answered. Calls may block (one over a network for some seconds): an asynchronous
/// server makes them where blocking is allowed.
pub trait ChallengeStore: Send + Sync {
    /// Keeps the challenge under the session, in place of an earlier one of the same session: the last login page
    /// that a browser opened is the one that counts. A challenge that has expired at `now` only removes the earlier.
    ///
    /// # Errors
    /// [`StoreError`]; the challenge must then not be handed out.
    fn put(&self, session: &SessionId, challenge: Pending, now: SystemTime) -> Result<(), StoreError>;

    /// Takes the challenge out: at most one caller ever gets it, however many ask at once, on however many machines.
    /// `None` if there is none for this session, or it was taken, replaced or dropped. What comes out may have
    /// expired, if the store had not dropped it yet: the caller compares [`Pending::expires_at`] with its own clock.
    ///
    /// # Errors
    /// [`StoreError`]; whether the challenge is still there is then unknown, and nothing is accepted.
    fn take(&self, session: &SessionId, now: SystemTime) -> Result<Option<Pending>, StoreError>;
}

/// One store for several relying parties of a process.
impl<S: ChallengeStore + ?Sized> ChallengeStore for Arc<S> {
    fn put(&self, session: &SessionId, challenge: Pending, now: SystemTime) -> Result<(), StoreError> {
        (**self).put(session, challenge, now)
    }

    fn take(&self, session: &SessionId, now: SystemTime) -> Result<Option<Pending>, StoreError> {
        (**self).take(session, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_by_a_digest_of_its_own() {
        // printf 'cie login session\0sixteen bytes ok' | sha256sum
        let session = SessionId::new(b"sixteen bytes ok").unwrap();
        assert_eq!(
            hex::encode(session.digest()),
            "65a5ebcea65d1669fac9afb48e80dfcc2044512630eb58edd49a4fc65a51a66c"
        );
        assert_eq!(format!("{session:?}"), "SessionId(..)");
        for (length, fits) in [(0, false), (15, false), (16, true), (512, true), (513, false)] {
            let made = SessionId::new(vec![b'a'; length]);
            assert_eq!(
                made.map(|_| ()).map_err(|error| error.length),
                if fits { Ok(()) } else { Err(length) }
            );
        }
    }

    #[test]
    fn moments_are_kept_to_the_millisecond() {
        let epoch = SystemTime::UNIX_EPOCH;
        let kept = |moment| Pending::new([7; 32], moment).expires_at();
        let moment = epoch + Duration::from_millis(1_700_000_000_123);
        assert_eq!(kept(moment), moment);
        assert_eq!(kept(moment + Duration::from_nanos(999_999)), moment);
        assert_eq!(kept(epoch - Duration::from_secs(5)), epoch);
        let last = epoch + Duration::from_millis(LAST_MOMENT);
        assert_eq!(kept(last + Duration::from_secs(1)), last);
        let pending = Pending::new([7; 32], moment);
        assert_eq!((pending.nonce(), format!("{pending:?}").as_str()), (&[7; 32], "Pending(..)"));
    }
}
