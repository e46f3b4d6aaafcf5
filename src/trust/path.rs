//! Certification paths (RFC 5280 section 6), built by OpenSSL, with this crate's policy on top.
//!
//! The one file outside `crypto` that names OpenSSL.

mod cache;
mod written_out;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};

use super::{AnchorPurpose, Certificate, CertifiedCard, Error, Name, TrustStore};
use crate::crypto::{self, DigestAlgorithm, PublicKey, SignatureScheme};

pub(super) use cache::PathCache;
use cache::Question;

/// The most certificates between an end entity and its anchor.
const DEPTH_MAX: i32 = 4;
/// OpenSSL's security level 2: 112 bits, RSA of 2048 bits and more, no SHA-1.
pub(super) const SECURITY_LEVEL: i32 = 2;
/// No level at all: what is let pass is then checked here.
pub(super) const NO_SECURITY_LEVEL: i32 = 0;

/// What OpenSSL is to ask of the extended key usage along the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// Client authentication.
    Client,
    /// Nothing.
    Any,
}

/// A certificate of the store, read by both parsers once.
#[derive(Clone)]
pub(super) struct Prepared {
    certificate: Arc<Certificate>,
    /// Shared: copying it copies a pointer.
    openssl: X509,
}

impl Prepared {
    pub(super) fn new(certificate: Certificate) -> Result<Self, Error> {
        let openssl = parse(&certificate)?;
        Ok(Self { certificate: Arc::new(certificate), openssl })
    }

    pub(super) fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }
}

/// What one parser takes and the other does not is refused.
fn parse(certificate: &Certificate) -> Result<X509, Error> {
    let parsed = X509::from_der(certificate.as_der());
    drop(ErrorStack::get());
    parsed.map_err(|_| Error::Malformed("not X.509"))
}

/// A path that was built: the certificate's key, and the path from the certificate to the anchor.
pub(super) struct Built {
    pub(super) key: PublicKey,
    pub(super) path: Vec<Arc<Certificate>>,
}

/// What path is looked for.
pub(super) struct Search<'a> {
    pub(super) store: &'a TrustStore,
    pub(super) purpose: AnchorPurpose,
    pub(super) certificate: &'a Arc<Certificate>,
    pub(super) at: SystemTime,
    pub(super) security_level: i32,
    pub(super) usage: Purpose,
}

impl Search<'_> {
    /// A path from the certificate to an anchor, remembered or built.
    pub(super) fn path(&self) -> Result<Built, Error> {
        let &Self { store, purpose, certificate, at, security_level, usage } = self;
        let question = Question { purpose, security_level, usage, fingerprint: certificate.fingerprint() };
        if let Some((key, issuers)) = store.paths().find(&question, at) {
            let path = [certificate].into_iter().chain(issuers.iter()).cloned().collect();
            return Ok(Built { key, path });
        }
        let path = match build_with_openssl(self, &HashSet::new()) {
            // OpenSSL takes no written out curve, named one or not, so these are checked without it.
            Err(Error::WrittenOutCurve) => written_out::build(self)?,
            // Of several authorities of one name it tries one, if no key identifier tells which it is.
            Err(Error::BadSignature) => match self.namesakes() {
                Some(namesakes) => build_with_openssl(self, &namesakes)?,
                None => return Err(Error::BadSignature),
            },
            path => path?,
        };
        let key = certificate.public_key()?;
        store.paths().keep(question, key.clone(), &path);
        Ok(Built { key, path })
    }

    /// The authorities, by their fingerprints, that have the name of an issuer on the way up, where another one of
    /// that name signed; `None` if there is none.
    fn namesakes(&self) -> Option<HashSet<[u8; 32]>> {
        let &Self { store, purpose, certificate, .. } = self;
        let stored = store.prepared_intermediates().iter().chain(store.anchors_for(purpose));
        let stored: Vec<&Certificate> = stored.map(|stored| &**stored.certificate()).collect();
        let (mut signers, mut namesakes) = (HashSet::new(), HashSet::new());
        let mut below: Vec<&Certificate> = vec![certificate];
        while let Some(last) = below.pop() {
            let named = stored.iter().copied().filter(|issuer| last.issuer_der() == issuer.subject_der());
            let signed = |issuer: &&Certificate| {
                issuer.public_key().and_then(|key| last.check_signature(&key)).is_ok()
            };
            let (signed, others): (Vec<_>, Vec<_>) = named.partition(signed);
            if !signed.is_empty() {
                namesakes.extend(others.iter().map(|other| other.fingerprint()));
            }
            below.extend(signed.into_iter().filter(|signer| signers.insert(signer.fingerprint())));
        }
        namesakes.retain(|namesake| !signers.contains(namesake));
        (!namesakes.is_empty()).then_some(namesakes)
    }
}

/// A path without these authorities, by their fingerprints.
fn build_with_openssl(
    search: &Search<'_>,
    left_out: &HashSet<[u8; 32]>,
) -> Result<Vec<Arc<Certificate>>, Error> {
    let &Search { store, purpose, certificate, at, security_level, usage } = search;
    let end_entity = parse(certificate)?;
    let is_used = |stored: &&Prepared| !left_out.contains(&stored.certificate.fingerprint());
    let outcome = (|| {
        let mut anchors = X509StoreBuilder::new()?;
        for anchor in store.anchors_for(purpose).filter(is_used) {
            anchors.add_cert(anchor.openssl.clone())?;
        }
        let mut parameters = X509VerifyParam::new()?;
        // An anchor ends the path, self-signed or not. Nothing but anchors is in the store.
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        parameters.set_time(unix_seconds(at));
        parameters.set_depth(DEPTH_MAX);
        parameters.set_auth_level(security_level);
        parameters.set_purpose(match usage {
            Purpose::Client => X509PurposeId::SSL_CLIENT,
            Purpose::Any => X509PurposeId::ANY,
        })?;
        anchors.set_param(&parameters)?;
        let mut untrusted = Stack::new()?;
        for intermediate in store.prepared_intermediates().iter().filter(is_used) {
            untrusted.push(intermediate.openssl.clone())?;
        }
        X509StoreContext::new()?.init(&anchors.build(), &end_entity, &untrusted, |context| {
            let verified = context.verify_cert()?;
            let path = context.chain().map(|chain| chain.iter().map(|c| c.to_der()).collect());
            Ok((verified, context.error(), context.error_depth(), path.transpose()?))
        })
    })();
    // A wrong signature leaves entries in this thread's queue, where the next user of OpenSSL, a TLS
    // connection say, would take them for its own.
    drop(ErrorStack::get());
    let path: Vec<Vec<u8>> =
        match outcome.map_err(|_: ErrorStack| Error::Crypto(crypto::Error::Library("path building")))? {
            (true, X509VerifyResult::OK, _, Some(path)) => path,
            (_, result, depth, _) => return Err(path_error(result, depth)),
        };
    path.iter().map(|der| known(store, purpose, certificate, der)).collect()
}

/// The certificate of the path as the store has it.
fn known(
    store: &TrustStore,
    purpose: AnchorPurpose,
    end_entity: &Arc<Certificate>,
    der: &[u8],
) -> Result<Arc<Certificate>, Error> {
    let stored = store.prepared_intermediates().iter().chain(store.anchors_for(purpose));
    let mut known = stored.map(Prepared::certificate).chain([end_entity]);
    match known.find(|certificate| certificate.as_der() == der) {
        Some(certificate) => Ok(Arc::clone(certificate)),
        None => Certificate::from_der(der).map(Arc::new),
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
        94 => Error::WrittenOutCurve,
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

/// A certificate with a valid path to an anchor, at one moment. Proof of issuer, purpose and time; revocation was
/// not looked at: [`Revocation::begin`](super::Revocation::begin) goes on to that.
#[derive(Clone)]
pub struct ValidPath {
    pub(super) path: Vec<Arc<Certificate>>,
    pub(super) key: PublicKey,
    pub(super) purpose: AnchorPurpose,
    pub(super) card: Option<CertifiedCard>,
    pub(super) checked_at: SystemTime,
    pub(super) is_legacy: bool,
    pub(super) is_test: bool,
}

impl ValidPath {
    /// Looks at every certificate of the path, not only those that were added to the store.
    pub(super) fn new(
        store: &TrustStore,
        purpose: AnchorPurpose,
        Built { key, path }: Built,
        at: SystemTime,
    ) -> Result<Self, Error> {
        path.iter().try_for_each(|certificate| store.check_test_mark(certificate))?;
        let is_test = path.iter().any(|certificate| certificate.is_test());
        Ok(Self { path, key, purpose, card: None, checked_at: at, is_legacy: false, is_test })
    }

    /// The certificate that the path was built for.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::missing_panics_doc,
        reason = "a path has its first certificate"
    )]
    pub fn certificate(&self) -> &Certificate {
        &self.path[0]
    }

    /// The holder's name as the issuer certified it.
    #[must_use]
    pub fn subject(&self) -> &Name {
        self.certificate().subject()
    }

    /// From the certificate to the anchor, both included.
    #[must_use]
    pub fn path(&self) -> &[Arc<Certificate>] {
        &self.path
    }

    /// What its anchor is trusted for.
    #[must_use]
    pub fn purpose(&self) -> AnchorPurpose {
        self.purpose
    }

    /// The kind of card that the certificate is from, if it was verified as a holder's.
    #[must_use]
    pub fn card(&self) -> Option<CertifiedCard> {
        self.card
    }

    /// Whether the path holds only because older keys and digests were let pass
    /// ([`HolderPolicy::allow_legacy_cryptography`](super::HolderPolicy::allow_legacy_cryptography)).
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// The moment for which it was checked.
    #[must_use]
    pub fn checked_at(&self) -> SystemTime {
        self.checked_at
    }

    /// The moment at which the first certificate of the path expires.
    #[must_use]
    pub fn valid_until(&self) -> SystemTime {
        let ends = self.path.iter().map(|certificate| certificate.validity().1);
        ends.min().unwrap_or(self.checked_at)
    }

    /// Whether any certificate of the path belongs to a test PKI: a software card, not a person.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// The certificate's key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks an RSASSA-PKCS1-v1_5 signature by the holder over a message.
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
        match self.key.verify(SignatureScheme::RsaPkcs1(algorithm), message, signature) {
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
