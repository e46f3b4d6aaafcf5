//! What an issuer says of a certificate's status: by list or by response.

use std::fmt;
use std::time::SystemTime;

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason is told.
    Unspecified,
    /// The holder's key is in other hands.
    KeyCompromise,
    /// The issuer's key is in other hands.
    AuthorityCompromise,
    /// The holder's name or the like has changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// Suspended: it may come back, or be revoked for good.
    Hold,
    /// A privilege was withdrawn.
    PrivilegeWithdrawn,
    /// The key of an attribute authority is in other hands.
    AttributeAuthorityCompromise,
}

impl RevocationReason {
    /// The reason by its number; `None` for removeFromCRL (8), which is none, and for what has no meaning.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::AuthorityCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::Hold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AttributeAuthorityCompromise,
            _ => return None,
        })
    }
}

/// A certificate was revoked. Neither Debug nor Display tells since when: beside the issuer's public list that would
/// tell whose certificate it is, and errors get into logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Revoked {
    /// Since when, as the issuer says.
    pub since: SystemTime,
    /// Why, if the issuer says.
    pub reason: Option<RevocationReason>,
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("revoked")?;
        match self.reason {
            Some(reason) => write!(f, " ({reason:?})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revoked({:?})", self.reason)
    }
}
