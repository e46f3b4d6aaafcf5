//! Revocation lists of the authority that issued a certificate (RFC 5280 sections 5 and 6.3): full lists, for all
//! reasons, of its own certificates.
//!
//! Whatever says that more has to be known than stands in the list (a delta, an indirect list, a list for some
//! reasons) refuses the whole: a revocation that was overlooked is worse than a list that is not taken.

mod extension;
mod parse;
#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use x509_parser::pem::parse_x509_pem;

use super::{Certificate, Revoked};
use crate::crypto::{DigestAlgorithm, SignatureScheme};
use extension::Scope;

/// The longest list that is looked at, in bytes: those of large authorities have a few million.
pub(super) const LENGTH_MAX: usize = 64 << 20;
/// How a list in PEM begins and ends (RFC 7468 section 6).
const PEM_BEGIN: &[u8] = b"-----BEGIN X509 CRL-----";
const PEM_END: &[u8] = b"-----END X509 CRL-----";
const PEM_LABEL: &str = "X509 CRL";

/// Why a revocation list says nothing about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListFault {
    /// Not the DER or PEM of a list, or with a field that is not what RFC 5280 says.
    #[error("malformed revocation list: {0}")]
    Malformed(&'static str),
    /// Longer than 64 MiB.
    #[error("the revocation list is too long")]
    TooLong,
    /// Issued by somebody else than the certificate, or signed by another key of that issuer.
    #[error("the revocation list is another issuer's")]
    OtherIssuer,
    /// The issuer's keyUsage does not name cRLSign (RFC 5280 section 6.3.3 (f)).
    #[error("the issuer's key may not sign revocation lists")]
    IssuerMayNotSign,
    /// The issuer's key did not make its signature.
    #[error("the signature of the revocation list is wrong")]
    BadSignature,
    /// Its signature, or the key that should have made it, is too weak or of a kind that is not known here.
    #[error("the signature of the revocation list is too weak or of an unknown kind")]
    TooWeak,
    /// Its thisUpdate lies in the future.
    #[error("the revocation list is not valid yet")]
    NotYetValid,
    /// Its nextUpdate has passed, or it is older than asked for.
    #[error("the revocation list is out of date")]
    Stale,
    /// It does not say when the next one comes: there is no telling whether it is out of date.
    #[error("the revocation list does not say when the next one comes")]
    NoNextUpdate,
    /// It only tells what has changed, or says that there are newer changes in another list (sections 5.2.4 and
    /// 5.2.6).
    #[error("the revocation list is incomplete without another one (delta)")]
    Delta,
    /// It holds certificates of several issuers (sections 5.2.5 and 5.3.3).
    #[error("the revocation list is an indirect one")]
    Indirect,
    /// It leaves out some reasons or all certificates of public keys (section 5.2.5).
    #[error("the revocation list is a partial one: {0}")]
    PartialScope(&'static str),
    /// It is not about such certificates, or about those with another distribution point (section 5.2.5).
    #[error("the revocation list is not about this certificate")]
    OtherScope,
    /// A critical extension, of the list or of an entry, that is not known here (sections 5.2 and 5.3).
    #[error("the revocation list has a critical extension that is not known")]
    UnknownCritical,
}

/// A revocation list that was read: complete in itself, and nobody's word until its signature is checked.
#[derive(Clone)]
pub struct RevocationList {
    issuer: Vec<u8>,
    this_update: SystemTime,
    next_update: SystemTime,
    /// How it says that it is signed, and the digest of what is signed; `None` for schemes not known here.
    signed: Option<(SignatureScheme, Vec<u8>)>,
    signature: Vec<u8>,
    authority_key_identifier: Option<Vec<u8>>,
    scope: Scope,
    /// By serial number, in its shortest form.
    revoked: HashMap<Box<[u8]>, Revoked>,
}

impl RevocationList {
    /// Reads a list: the DER of a `CertificateList`, or one PEM block with it (label `X509 CRL`), of up to 64 MiB.
    /// Nothing may be left over. A list that could not be the whole truth about any certificate of its issuer is
    /// refused here already.
    ///
    /// # Errors
    /// [`ListFault::Malformed`], [`ListFault::TooLong`], [`ListFault::NoNextUpdate`], [`ListFault::Delta`],
    /// [`ListFault::Indirect`], [`ListFault::PartialScope`], [`ListFault::UnknownCritical`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ListFault> {
        Self::read(bytes, |_| Ok(())).map(|(list, ())| list)
    }

    /// The same, checked before its entries are read: in memory they take several times what they take on the wire,
    /// and nobody should have them read who did not sign them.
    pub(super) fn read<T>(
        bytes: &[u8],
        check: impl FnOnce(&Self) -> Result<T, ListFault>,
    ) -> Result<(Self, T), ListFault> {
        if bytes.len() > LENGTH_MAX {
            return Err(ListFault::TooLong);
        }
        let text = bytes.trim_ascii();
        if !(text.starts_with(PEM_BEGIN) && text.ends_with(PEM_END)) {
            return parse::list(bytes, check);
        }
        let (rest, block) = parse_x509_pem(text).map_err(|_| ListFault::Malformed("PEM"))?;
        if block.label != PEM_LABEL || !rest.is_empty() {
            return Err(ListFault::Malformed("PEM"));
        }
        parse::list(&block.contents, check)
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// When it was issued (RFC 5280 section 5.1.2.4).
    #[must_use]
    pub fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// By when the next one is issued (section 5.1.2.5).
    #[must_use]
    pub fn next_update(&self) -> SystemTime {
        self.next_update
    }

    /// How many certificates it lists; one that stands there twice counts once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether it lists no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Whether the same was signed, with the same signature.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.signed == other.signed && self.signature == other.signature
    }

    /// Whether it says which key of its issuer signed it.
    pub(super) fn names_key(&self) -> bool {
        self.authority_key_identifier.is_some()
    }

    /// Whether another list is an earlier or later one of the same series: by the same issuer's same key, about the
    /// same certificates.
    pub(super) fn is_of_one_series_with(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.authority_key_identifier == other.authority_key_identifier
            && self.scope == other.scope
    }

    /// Checks that this issuer signed it (RFC 5280 section 6.3.3 (f) and (g)). Whether the issuer's own certificate
    /// and the size of its key can be trusted is for its path to tell.
    pub(super) fn check_issuer(&self, issuer: &Certificate, allow_sha1: bool) -> Result<(), ListFault> {
        let identifiers = (self.authority_key_identifier.as_deref(), issuer.subject_key_identifier());
        let other_key = matches!(identifiers, (Some(authority), Some(subject)) if authority != subject);
        if other_key || self.issuer != issuer.subject_der() {
            return Err(ListFault::OtherIssuer);
        }
        if issuer.allows_list_signing() == Some(false) {
            return Err(ListFault::IssuerMayNotSign);
        }
        let (scheme, digest) = self.signed.as_ref().ok_or(ListFault::TooWeak)?;
        // Whoever can have something of his choosing put on a list may have prepared another list with its SHA-1.
        if scheme.digest() == DigestAlgorithm::Sha1 && !allow_sha1 {
            return Err(ListFault::TooWeak);
        }
        let key = issuer.public_key().map_err(|_| ListFault::TooWeak)?;
        key.verify_digest(*scheme, digest, &self.signature).map_err(|_| ListFault::BadSignature)
    }

    /// Checks that it tells how things stand at a time: issued by then, the next one not due, and no older than
    /// `max_age`. `skew` is how far the clocks may differ, in either direction.
    pub(super) fn check_fresh(
        &self,
        at: SystemTime,
        skew: Duration,
        max_age: Option<Duration>,
    ) -> Result<(), ListFault> {
        // How long after `earlier` a moment is, unless it is not. No sums of moments, which could overflow.
        let longer = |later: SystemTime, earlier: SystemTime, than: Duration| {
            later.duration_since(earlier).is_ok_and(|duration| duration > than)
        };
        if longer(self.this_update, at, skew) {
            return Err(ListFault::NotYetValid);
        }
        let too_old = max_age.is_some_and(|age| longer(at, self.this_update, age.saturating_add(skew)));
        if too_old || longer(at, self.next_update, skew) {
            return Err(ListFault::Stale);
        }
        Ok(())
    }

    /// What it says of a certificate of its issuer: `None` if the certificate is not listed. Whether it is the
    /// issuer's, [`RevocationList::check_issuer`] tells, and whether the certificate is, its path: they may write one
    /// name in two ways (RFC 5280 section 7.1). A date of revocation in the future is handed out like any other: who is
    /// listed is revoked.
    pub(super) fn status(&self, certificate: &Certificate) -> Result<Option<Revoked>, ListFault> {
        if !self.scope.covers(certificate) {
            return Err(ListFault::OtherScope);
        }
        Ok(self.revoked.get(shortest(certificate.serial_number())).copied())
    }
}

/// The content of an INTEGER without the bytes at its front that add nothing (X.690 section 8.3.2). DER has none, but
/// neither parser insists on it, and a certificate must be found whichever of the two was written carelessly.
fn shortest(mut content: &[u8]) -> &[u8] {
    while let [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] = content {
        content = content.get(1..).unwrap_or_default();
    }
    content
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList({} revoked)", self.len())
    }
}
