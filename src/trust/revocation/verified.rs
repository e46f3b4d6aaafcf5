//! What comes out of it all: certificates by how much is known of their status.

use std::fmt;
use std::time::SystemTime;

use super::{StatusFault, StatusSource};
use crate::trust::ValidPath;

/// The good status of one certificate, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateStatus {
    /// A list or a responder.
    pub source: StatusSource,
    /// The moment for which it was known to be good.
    pub this_update: SystemTime,
    /// Until when that may be relied on.
    pub good_until: SystemTime,
}

/// What vouches for a certificate: at least a path that holds.
pub trait Proof: sealed::Sealed {
    /// The path.
    fn path(&self) -> &ValidPath;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ValidPath {}
    impl Sealed for super::VerifiedCertificate {}
    impl Sealed for super::UnknownStatus {}
}

impl Proof for ValidPath {
    fn path(&self) -> &ValidPath {
        self
    }
}

/// A certificate whose path holds and of whose path no certificate was revoked, at one moment.
#[derive(Clone)]
pub struct VerifiedCertificate {
    path: ValidPath,
    statuses: Vec<CertificateStatus>,
    checked_at: SystemTime,
}

impl VerifiedCertificate {
    pub(super) fn new(path: ValidPath, statuses: Vec<CertificateStatus>, checked_at: SystemTime) -> Self {
        Self { path, statuses, checked_at }
    }

    /// The status of each certificate of the path but the anchor, the holder's first.
    #[must_use]
    pub fn statuses(&self) -> &[CertificateStatus] {
        &self.statuses
    }

    /// The moment at which the status was judged.
    #[must_use]
    pub fn checked_at(&self) -> SystemTime {
        self.checked_at
    }

    /// Until when it may be relied on: until one of the certificates expires, or newer information may be had of
    /// one's status.
    #[must_use]
    pub fn good_until(&self) -> SystemTime {
        let ends = self.statuses.iter().map(|status| status.good_until);
        ends.chain([self.path.valid_until()]).min().unwrap_or(self.checked_at)
    }
}

impl Proof for VerifiedCertificate {
    fn path(&self) -> &ValidPath {
        &self.path
    }
}

impl fmt::Debug for VerifiedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedCertificate({:?})", self.path)
    }
}

/// A certificate whose path holds, and of which nobody could say whether it was revoked.
#[derive(Clone)]
pub struct UnknownStatus {
    path: ValidPath,
    depth: usize,
    fault: StatusFault,
}

impl UnknownStatus {
    pub(super) fn new(path: ValidPath, depth: usize, fault: StatusFault) -> Self {
        Self { path, depth, fault }
    }

    /// Why the status is not known, of the certificate at this place in the path.
    #[must_use]
    pub fn fault(&self) -> (usize, StatusFault) {
        (self.depth, self.fault)
    }
}

impl Proof for UnknownStatus {
    fn path(&self) -> &ValidPath {
        &self.path
    }
}

impl fmt::Debug for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnknownStatus({:?}, {})", self.path, self.fault)
    }
}

/// What comes out under soft-fail.
#[derive(Debug, Clone)]
pub enum SoftVerified {
    /// Not revoked.
    Verified(VerifiedCertificate),
    /// Nobody could say.
    Unknown(UnknownStatus),
}
