//! Whom a relying party trusts, and for what: anchors by purpose, and certificates that may stand between.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::path::{self, PathCache, Prepared, Purpose, Search, ValidPath};
use super::{Certificate, Error, HolderPolicy, holder};
use crate::crypto::PresentedCertificate;

/// What an anchor is trusted for. A path for one purpose never ends at an anchor for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnchorPurpose {
    /// Certificates of citizens in a CIE 3.
    Holder,
    /// Those in citizen's services cards and health cards ([`CertifiedCard::Cns`]). Many authorities issue them, and
    /// none of these may vouch for an identity card.
    ///
    /// [`CertifiedCard::Cns`]: super::CertifiedCard::Cns
    Cns,
    /// Those in identity cards of the first generations ([`CertifiedCard::FirstGenerations`]), which nothing but
    /// their issuer tells.
    ///
    /// [`CertifiedCard::FirstGenerations`]: super::CertifiedCard::FirstGenerations
    FirstGenerations,
    /// Document signers, whose signatures stand under a card's files: country signing certificates (ICAO 9303-12).
    Csca,
    /// OCSP responders that answer for any issuer, by local configuration (RFC 6960 section 4.2.2.2): a responder's
    /// own certificate, or that of the authority which issued it.
    Responder,
}

/// Anchors by purpose, and certificates that may stand between.
///
/// Paths that were found to be valid are remembered, by the digest of their certificate and without it, until one
/// of their certificates expires: a server that sees a citizen again checks no signature of an authority twice.
#[derive(Clone, Default)]
pub struct TrustStore {
    anchors: Vec<(AnchorPurpose, Prepared)>,
    intermediates: Vec<Prepared>,
    allow_test_pki: bool,
    paths: Arc<PathCache>,
}

impl TrustStore {
    /// A store that trusts nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same store, taking certificates of software cards too: for tests and demonstrations. What is
    /// verified with one says so ([`ValidPath::is_test`]).
    #[must_use]
    pub fn allow_test_pki(mut self) -> Self {
        self.allow_test_pki = true;
        self
    }

    /// Whether certificates of software cards are taken.
    #[must_use]
    pub fn allows_test_pki(&self) -> bool {
        self.allow_test_pki
    }

    /// Trusts a certificate (DER) as the end of paths for one purpose. Its own signature is not judged. One that is
    /// trusted for it already is not added twice.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TestCertificate`], or [`Error::WrongPurpose`] unless it is an authority's; a
    /// responder's own certificate, with extKeyUsage OCSPSigning, may be an anchor for responders.
    pub fn add_anchor(&mut self, purpose: AnchorPurpose, der: &[u8]) -> Result<(), Error> {
        let anchor = self.read(der)?;
        let answers = purpose == AnchorPurpose::Responder && anchor.allows_status_signing();
        if !anchor.is_authority() && !answers {
            return Err(Error::WrongPurpose("not an authority"));
        }
        let is_known = |known: &Prepared| known.certificate().as_der() == anchor.as_der();
        if self.anchors_for(purpose).any(is_known) {
            return Ok(());
        }
        self.anchors.push((purpose, Prepared::new(anchor)?));
        self.paths = Arc::default();
        Ok(())
    }

    /// Knows a certificate (DER) that may stand between an end entity and an anchor; it is not trusted by
    /// itself.
    ///
    /// # Errors
    /// As [`TrustStore::add_anchor`].
    pub fn add_intermediate(&mut self, der: &[u8]) -> Result<(), Error> {
        let intermediate = self.read(der)?;
        if !intermediate.is_authority() {
            return Err(Error::WrongPurpose("not an authority"));
        }
        if self.intermediates.iter().any(|known| known.certificate().as_der() == intermediate.as_der()) {
            return Ok(());
        }
        self.intermediates.push(Prepared::new(intermediate)?);
        self.paths = Arc::default();
        Ok(())
    }

    fn read(&self, der: &[u8]) -> Result<Certificate, Error> {
        let certificate = Certificate::from_der(der)?;
        self.check_test_mark(&certificate)?;
        Ok(certificate)
    }

    pub(super) fn check_test_mark(&self, certificate: &Certificate) -> Result<(), Error> {
        if certificate.is_test() && !self.allow_test_pki { Err(Error::TestCertificate) } else { Ok(()) }
    }

    /// The anchors for one purpose, in the order in which they were added.
    pub fn anchors(&self, purpose: AnchorPurpose) -> impl Iterator<Item = &Certificate> {
        self.anchors_for(purpose).map(|anchor| &**anchor.certificate())
    }

    /// The certificates that may stand between.
    pub fn intermediates(&self) -> impl Iterator<Item = &Certificate> {
        self.intermediates.iter().map(|between| &**between.certificate())
    }

    pub(super) fn anchors_for(&self, purpose: AnchorPurpose) -> impl Iterator<Item = &Prepared> {
        self.anchors.iter().filter(move |(of, _)| *of == purpose).map(|(_, anchor)| anchor)
    }

    pub(super) fn prepared_intermediates(&self) -> &[Prepared] {
        &self.intermediates
    }

    pub(super) fn paths(&self) -> &PathCache {
        &self.paths
    }

    /// Builds and checks a path for a CIE 3 holder's certificate at one moment. Revocation is not looked at:
    /// [`Revocation`](super::Revocation) does.
    ///
    /// # Errors
    /// [`Error`]; [`Error::UnknownIssuer`] if no path leads to an anchor for holders.
    pub fn verify_holder(
        &self,
        presented: &PresentedCertificate,
        at: SystemTime,
    ) -> Result<ValidPath, Error> {
        self.verify_holder_with(presented, at, &HolderPolicy::default())
    }

    /// The same for certificates of the cards that the policy names.
    ///
    /// # Errors
    /// As [`TrustStore::verify_holder`]; [`Error::TooWeak`] for the keys and digests of older cards, and
    /// [`Error::CardNotTaken`] for cards of another kind, unless the policy takes them.
    pub fn verify_holder_with(
        &self,
        presented: &PresentedCertificate,
        at: SystemTime,
        policy: &HolderPolicy,
    ) -> Result<ValidPath, Error> {
        self.verify_holder_certificate(Certificate::from_der(presented.as_der())?, at, policy)
    }

    /// The same for a certificate that was read already.
    ///
    /// # Errors
    /// As [`TrustStore::verify_holder_with`].
    pub fn verify_holder_certificate(
        &self,
        holder: Certificate,
        at: SystemTime,
        policy: &HolderPolicy,
    ) -> Result<ValidPath, Error> {
        self.check_test_mark(&holder)?;
        let card = policy.check_profile(&holder)?;
        let usage = if policy.asks_for_client_authentication() { Purpose::Client } else { Purpose::Any };
        let (store, purpose, certificate) = (self, card.anchors(), &Arc::new(holder));
        let build = |security_level| Search { store, purpose, certificate, at, security_level, usage }.path();
        let (path, is_legacy) = match build(path::SECURITY_LEVEL) {
            Err(Error::TooWeak) if policy.allows_legacy() => (build(path::NO_SECURITY_LEVEL)?, true),
            path => (path?, false),
        };
        if is_legacy {
            holder::check_legacy(&path.path)?;
        }
        let path = ValidPath::new(self, purpose, path, at)?;
        Ok(ValidPath { card: Some(card), is_legacy, ..path })
    }

    /// Builds and checks a path for any certificate to an anchor for a purpose (RFC 5280 section 6), keys and
    /// digests of 112 bits of security and more. What the certificate itself is made for is the caller's to ask:
    /// this looks at the authorities above it only. Policies are not processed.
    ///
    /// # Errors
    /// [`Error`]; [`Error::UnknownIssuer`] if no path leads to an anchor for the purpose.
    pub fn verify_path(
        &self,
        purpose: AnchorPurpose,
        certificate: Certificate,
        at: SystemTime,
    ) -> Result<ValidPath, Error> {
        self.check_test_mark(&certificate)?;
        let (store, certificate) = (self, &Arc::new(certificate));
        let (security_level, usage) = (path::SECURITY_LEVEL, Purpose::Any);
        let path = Search { store, purpose, certificate, at, security_level, usage }.path()?;
        ValidPath::new(self, purpose, path, at)
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (anchors, between) = (self.anchors.len(), self.intermediates.len());
        write!(f, "TrustStore({anchors} anchors, {between} intermediates)")
    }
}
