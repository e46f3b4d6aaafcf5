//! Certification paths (RFC 5280 section 6), built by OpenSSL, with this crate's policy on top.
//!
//! The one file outside `crypto` that names OpenSSL.

use std::fmt;
use std::time::{Duration, SystemTime};

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};

use super::holder::{self, CertifiedCard, HolderPolicy};
use super::{Certificate, Error, Name};
use crate::crypto::{self, Digest, DigestAlgorithm, PresentedCertificate};

/// The most certificates between an end entity and its anchor.
const DEPTH_MAX: i32 = 4;
/// OpenSSL's security level 2: 112 bits, RSA of 2048 bits and more, no SHA-1.
const SECURITY_LEVEL: i32 = 2;
/// No level at all: what is let pass is then checked here.
const NO_SECURITY_LEVEL: i32 = 0;

/// What an anchor is trusted for. A path for one purpose never ends at an anchor for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnchorPurpose {
    /// Certificates of citizens, in their cards.
    Holder,
    /// Those in identity cards of the first generations ([`CertifiedCard::FirstGenerations`]), which nothing but
    /// their issuer tells.
    FirstGenerations,
}

/// Anchors by purpose, and certificates that may stand between.
#[derive(Clone, Default)]
pub struct TrustStore {
    anchors: Vec<(AnchorPurpose, Certificate)>,
    intermediates: Vec<Certificate>,
    allow_test_pki: bool,
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

    /// Trusts a certificate (DER) as the end of paths for one purpose. Its own signature is not judged.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::WrongPurpose`] unless it is an authority's, or
    /// [`Error::TestCertificate`].
    pub fn add_anchor(&mut self, purpose: AnchorPurpose, der: &[u8]) -> Result<(), Error> {
        let anchor = self.authority(der)?;
        self.anchors.push((purpose, anchor));
        Ok(())
    }

    /// Knows a certificate (DER) that may stand between an end entity and an anchor; it is not trusted by
    /// itself.
    ///
    /// # Errors
    /// As [`TrustStore::add_anchor`].
    pub fn add_intermediate(&mut self, der: &[u8]) -> Result<(), Error> {
        let intermediate = self.authority(der)?;
        self.intermediates.push(intermediate);
        Ok(())
    }

    fn authority(&self, der: &[u8]) -> Result<Certificate, Error> {
        let certificate = Certificate::from_der(der)?;
        self.check_test_mark(&certificate)?;
        if certificate.is_authority() {
            Ok(certificate)
        } else {
            Err(Error::WrongPurpose("not an authority"))
        }
    }

    fn check_test_mark(&self, certificate: &Certificate) -> Result<(), Error> {
        if certificate.is_test() && !self.allow_test_pki { Err(Error::TestCertificate) } else { Ok(()) }
    }

    /// Builds and checks a path for a CIE 3 holder's certificate at one moment. Revocation is not looked at.
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
    /// As [`TrustStore::verify_holder`]; [`Error::TooWeak`] for the keys and digests of older cards, unless the
    /// policy takes them.
    pub fn verify_holder_with(
        &self,
        presented: &PresentedCertificate,
        at: SystemTime,
        policy: &HolderPolicy,
    ) -> Result<ValidPath, Error> {
        let holder = Certificate::from_der(presented.as_der())?;
        self.check_test_mark(&holder)?;
        let card = policy.check_profile(&holder)?;
        let build = |level| self.build_path(card.anchors(), &holder, at, level);
        let (path, is_legacy) = match build(SECURITY_LEVEL) {
            Err(Error::TooWeak) if policy.allows_legacy() => (build(NO_SECURITY_LEVEL)?, true),
            path => (path?, false),
        };
        // Every certificate of the path, not only those that were added here.
        let path: Vec<Certificate> =
            path.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?;
        if is_legacy {
            holder::check_legacy(&path)?;
        }
        path.iter().try_for_each(|certificate| self.check_test_mark(certificate))?;
        let is_test = path.iter().any(Certificate::is_test);
        let key = PresentedCertificate::from_der(presented.as_der())?;
        Ok(ValidPath { holder, key, path, card, checked_at: at, is_legacy, is_test })
    }

    /// OpenSSL's part: the DER of the path, from the end entity to the anchor.
    fn build_path(
        &self,
        purpose: AnchorPurpose,
        certificate: &Certificate,
        at: SystemTime,
        security_level: i32,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let parse = |certificate: &Certificate| X509::from_der(certificate.as_der());
        let outcome = (|| {
            let mut store = X509StoreBuilder::new()?;
            for (_, anchor) in self.anchors.iter().filter(|(anchor, _)| *anchor == purpose) {
                store.add_cert(parse(anchor)?)?;
            }
            let mut parameters = X509VerifyParam::new()?;
            // An anchor ends the path, self-signed or not. Nothing but anchors is in the store.
            parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
            parameters.set_time(unix_seconds(at));
            parameters.set_depth(DEPTH_MAX);
            parameters.set_auth_level(security_level);
            parameters.set_purpose(X509PurposeId::SSL_CLIENT)?;
            store.set_param(&parameters)?;
            let mut untrusted = Stack::new()?;
            for intermediate in &self.intermediates {
                untrusted.push(parse(intermediate)?)?;
            }
            X509StoreContext::new()?.init(&store.build(), &*parse(certificate)?, &untrusted, |context| {
                let verified = context.verify_cert()?;
                let path = context.chain().map(|chain| chain.iter().map(|c| c.to_der()).collect());
                Ok((verified, context.error(), context.error_depth(), path.transpose()?))
            })
        })();
        // A wrong signature leaves entries in this thread's queue, where the next user of OpenSSL, a TLS
        // connection say, would take them for its own.
        drop(ErrorStack::get());
        match outcome.map_err(|_: ErrorStack| Error::Crypto(crypto::Error::Library("path building")))? {
            (true, X509VerifyResult::OK, _, Some(path)) => Ok(path),
            (_, result, depth, _) => Err(path_error(result, depth)),
        }
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (anchors, between) = (self.anchors.len(), self.intermediates.len());
        write!(f, "TrustStore({anchors} anchors, {between} intermediates)")
    }
}

/// Our names for OpenSSL's verdicts (x509_vfy.h); what is not listed is an invalid path.
fn path_error(result: X509VerifyResult, depth: u32) -> Error {
    match result.as_raw() {
        // Unable to get the issuer's certificate, self-signed but unknown, no chain at all.
        2 | 18 | 19 | 20 | 21 | 27 => Error::UnknownIssuer,
        9 => Error::NotYetValid,
        10 => Error::Expired,
        4 | 7 => Error::BadSignature,
        66..=68 => Error::TooWeak,
        _ => Error::InvalidPath(format!("{} (at depth {depth})", result.error_string())),
    }
}

/// The moment as OpenSSL takes it.
#[allow(clippy::useless_conversion, reason = "time_t has 32 bits on some targets")]
fn unix_seconds<T: TryFrom<i64> + Default>(at: SystemTime) -> T {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    // A moment that does not fit lies outside every validity: zero, too, is before all of them.
    i64::try_from(seconds).ok().and_then(|seconds| T::try_from(seconds).ok()).unwrap_or_default()
}

/// A holder's certificate with a valid path to an anchor, at one moment. Proof of issuer, purpose and
/// time; revocation was not looked at.
pub struct ValidPath {
    holder: Certificate,
    key: PresentedCertificate,
    path: Vec<Certificate>,
    card: CertifiedCard,
    checked_at: SystemTime,
    is_legacy: bool,
    is_test: bool,
}

impl ValidPath {
    /// The holder's name as the issuer certified it.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.holder.subject()
    }

    /// From the holder's certificate to the anchor.
    #[must_use]
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The kind of card that the certificate is from.
    #[must_use]
    pub fn card(&self) -> CertifiedCard {
        self.card
    }

    /// Whether the path holds only because older keys and digests were let pass
    /// ([`HolderPolicy::allow_legacy_cryptography`]).
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// The moment for which it was checked.
    #[must_use]
    pub fn checked_at(&self) -> SystemTime {
        self.checked_at
    }

    /// Whether any certificate of the path belongs to a test PKI: a software card, not a person.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// Checks a signature by the holder over a message.
    ///
    /// # Errors
    /// [`Error::WrongSignature`], or [`Error::TooWeak`] for SHA-1.
    pub fn verify_signature<'a>(
        &'a self,
        message: &'a [u8],
        algorithm: DigestAlgorithm,
        signature: &[u8],
    ) -> Result<VerifiedSignature<'a>, Error> {
        if algorithm == DigestAlgorithm::Sha1 {
            return Err(Error::TooWeak);
        }
        match self.key.public_key().check_signature(&Digest::of(algorithm, message), signature) {
            Ok(()) => Ok(VerifiedSignature { message, signer: self }),
            Err(_) => Err(Error::WrongSignature),
        }
    }
}

impl fmt::Debug for ValidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidPath({} certificates{})", self.path.len(), if self.is_test { ", test" } else { "" })
    }
}

/// Bytes that a holder with a valid path signed, and who that was.
#[derive(Clone, Copy)]
pub struct VerifiedSignature<'a> {
    message: &'a [u8],
    signer: &'a ValidPath,
}

impl<'a> VerifiedSignature<'a> {
    /// The bytes that were signed.
    #[must_use]
    pub fn message(&self) -> &'a [u8] {
        self.message
    }

    /// Who signed them, and whether that is a person at all ([`ValidPath::is_test`]).
    #[must_use]
    pub fn signer(&self) -> &'a ValidPath {
        self.signer
    }
}

impl fmt::Debug for VerifiedSignature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedSignature({} bytes, {:?})", self.message.len(), self.signer)
    }
}
