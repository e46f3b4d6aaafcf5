//! EF.SOD verified: who signed the digests, and that a country signing authority vouches for them (ICAO 9303-11 section
//! 5.1, passive authentication; RFC 5652 sections 5.4 and 5.6).

use std::fmt;
use std::time::SystemTime;

use super::{ClaimedSecurityObject, Error, LDS_SECURITY_OBJECT};
use crate::cms::{SignerIdentifier, SignerInfo};
use crate::crypto::{DigestAlgorithm, SignatureScheme, constant_time_equal};
use crate::iso7816::tlv;
use crate::trust::{AnchorPurpose, Certificate, TrustStore, ValidPath, algorithm};

/// rsaEncryption: the digest is that of the signer's info.
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";

/// What is let pass besides what holds today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecurityObjectPolicy {
    allow_sha1: bool,
}

impl SecurityObjectPolicy {
    /// SHA-2 only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes EF.SODs with SHA-1 as well, as some of the first cards may have them: who spends enough can make two
    /// files of one digest. It is a decision, and [`AuthenticFiles::is_legacy`] says so each time. The signer's
    /// certificate is judged as strictly as ever.
    #[must_use]
    pub fn allow_sha1(self) -> Self {
        Self { allow_sha1: true }
    }
}

/// The digests of a card's files, signed by a document signer that a country signing authority vouches for. It says
/// nothing of the chip that gave them: files can be copied.
#[derive(Clone)]
pub struct AuthenticFiles {
    files: ClaimedSecurityObject,
    signer: ValidPath,
    is_legacy: bool,
}

impl ClaimedSecurityObject {
    /// Verifies the signature and the path of the signer to a country signing authority
    /// ([`AnchorPurpose::Csca`]).
    ///
    /// Cards outlive the certificates of their signers, so the path is judged at the moment from which on the signer's
    /// key was used (`privateKeyUsagePeriod`, else the beginning of its certificate), which must not lie after `now`.
    ///
    /// # Errors
    /// [`Error::Signer`] if the signer's certificate is not good or its issuer unknown; [`Error::WrongSignature`],
    /// [`Error::ContentAltered`], [`Error::Sha1`], [`Error::UnsupportedSignature`], [`Error::NoSigner`];
    /// [`Error::Malformed`] if not exactly one signed.
    pub fn verify(
        self,
        trust: &TrustStore,
        policy: &SecurityObjectPolicy,
        now: SystemTime,
    ) -> Result<AuthenticFiles, Error> {
        let [signer] = self.signed_data.signers() else { return Err(Error::Malformed("several signers")) };
        let scheme = scheme(signer)?;
        let uses_sha1 = [scheme.digest(), self.lds.algorithm].contains(&DigestAlgorithm::Sha1);
        if uses_sha1 && !policy.allow_sha1 {
            return Err(Error::Sha1);
        }
        self.check_attributes(signer, scheme.digest())?;
        // Several certificates may fit: whichever signed it.
        let mut outcome = Err(Error::NoSigner);
        for certificate in self.certificates_of(signer.identifier()) {
            outcome = path(certificate, trust, now)
                .and_then(|path| check_signature(signer, scheme, &path).map(|()| path));
            if outcome.is_ok() {
                break;
            }
        }
        let signer = outcome?;
        Ok(AuthenticFiles { files: self, signer, is_legacy: uses_sha1 })
    }

    /// The signed attributes are about this content, and about it as an LDS security object.
    fn check_attributes(&self, signer: &SignerInfo, digest: DigestAlgorithm) -> Result<(), Error> {
        let attributes = signer.signed_attributes().ok_or(Error::Malformed("no signed attributes"))?;
        if attributes.content_type() != LDS_SECURITY_OBJECT {
            return Err(Error::WrongContentType(attributes.content_type().to_owned()));
        }
        let content = self.signed_data.content().ok_or(Error::Malformed("no content"))?;
        let same = constant_time_equal(&digest.hash(content), attributes.message_digest());
        if same { Ok(()) } else { Err(Error::ContentAltered) }
    }

    fn certificates_of(&self, identifier: &SignerIdentifier) -> impl Iterator<Item = Certificate> {
        let certificates = self.signed_data.certificates().iter();
        certificates.filter_map(|der| Certificate::from_der(der).ok()).filter(move |certificate| {
            match identifier {
                SignerIdentifier::IssuerAndSerialNumber { issuer, serial_number } => {
                    certificate.serial_number() == serial_number
                        && is_same_name(certificate.issuer_der(), issuer)
                }
                SignerIdentifier::SubjectKeyIdentifier(identifier) => {
                    certificate.subject_key_identifier() == Some(identifier)
                }
            }
        })
    }
}

/// A document signer's path, at the moment from which on it signed.
fn path(certificate: Certificate, trust: &TrustStore, now: SystemTime) -> Result<ValidPath, Error> {
    use crate::trust::Error::{NotYetValid, WrongPurpose};
    if certificate.allows_digital_signature() != Some(true)
        || certificate.is_authority()
        || is_for_other(&certificate)
    {
        return Err(Error::Signer(WrongPurpose("signing identity cards")));
    }
    let at = certificate.key_used_from();
    if at > now {
        return Err(Error::Signer(NotYetValid));
    }
    trust.verify_path(AnchorPurpose::Csca, certificate, at).map_err(Error::Signer)
}

/// Whether a country made the certificate for something else. An extended key usage names all that it is for, and
/// there is none for signing documents (RFC 5280 section 4.2.1.12): master lists, deviation lists and servers have
/// theirs. Where a list of document types is given, an identity card has to be among them: A, C or I (ICAO 9303-5
/// section 4.2.2), as the first character of their machine-readable zone.
fn is_for_other(signer: &Certificate) -> bool {
    let is_card = |kind: &String| kind.starts_with(['A', 'C', 'I']);
    signer.extended_key_usage().is_some()
        || signer.document_types().is_some_and(|types| !types.iter().any(is_card))
}

/// How it is signed; the digest is the one that the signer's info names, twice.
fn scheme(signer: &SignerInfo) -> Result<SignatureScheme, Error> {
    let digest = algorithm::digest(signer.digest_algorithm().oid()).ok_or(Error::UnsupportedDigest)?;
    let named = signer.signature_algorithm();
    let scheme = match named.oid() {
        RSA_ENCRYPTION => Some(SignatureScheme::RsaPkcs1(digest)),
        oid => algorithm::named(oid, named.parameters()),
    };
    scheme.filter(|scheme| scheme.digest() == digest).ok_or(Error::UnsupportedSignature)
}

/// What is signed is the DER of the attributes as a SET; some signers leave them in the order in which they wrote them.
fn check_signature(signer: &SignerInfo, scheme: SignatureScheme, path: &ValidPath) -> Result<(), Error> {
    let attributes = signer.signed_attributes().ok_or(Error::Malformed("no signed attributes"))?;
    let verify = |message: &[u8]| path.public_key().verify(scheme, message, signer.signature()).is_ok();
    let verified = verify(attributes.as_der()) || verify(attributes.as_received());
    if verified { Ok(()) } else { Err(Error::WrongSignature) }
}

/// Whether two names have the same parts: issuers write them in different orders (RFC 5280 section 7.1 is stricter;
/// the signature decides in any case).
fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    let parts = |name| {
        let name = tlv::parse(name).ok()?;
        let mut parts = tlv::Reader::new(name.value)
            .map(|part| part.map(|part| part.encoded.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        parts.sort_unstable();
        Some(parts)
    };
    one == other || parts(one).is_some_and(|one| Some(one) == parts(other))
}

impl AuthenticFiles {
    /// Checks that a file's content, without padding, is the one that was signed.
    ///
    /// # Errors
    /// [`Error::MissingGroup`] or [`Error::DigestDiffers`].
    pub fn check_file(&self, group: u8, content: &[u8]) -> Result<(), Error> {
        self.files.check_digest(group, content)
    }

    /// The security object.
    #[must_use]
    pub fn security_object(&self) -> &ClaimedSecurityObject {
        &self.files
    }

    /// The document signer, with its path to the country signing authority.
    #[must_use]
    pub fn signer(&self) -> &ValidPath {
        &self.signer
    }

    /// Whether it holds only because SHA-1 was let pass.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// Whether the signer belongs to a test PKI: a software card's files, not a person's.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.signer.is_test()
    }
}

impl fmt::Debug for AuthenticFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthenticFiles({:?}, {:?})", self.files, self.signer)
    }
}
