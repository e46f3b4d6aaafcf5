//! Certificates: a profile and a public key, sealed by a signatory (RFC 5280 section 4.1).

use const_oid::db::{rfc5280, rfc5912};
use der::asn1::{BitString, OctetString};
use der::{Any, AnyRef, Encode, Sequence, Tag};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, KeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use crate::crypto::{Digest, DigestAlgorithm};
use crate::environment::Entropy;
use crate::test_mark;

use super::profile::{Profile, extension};
use super::{Error, encoding, oid};

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Pkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-1, as old contact cards have it.
    Pkcs1Sha1,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, salt of 64 bytes.
    PssSha512,
}

/// RSASSA-PSS-params (RFC 8017 appendix A.2.3); the trailer field keeps its default.
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt_length: u8,
}

impl Scheme {
    /// The identifier that goes with a signature.
    pub(super) fn algorithm(self) -> Result<AlgorithmIdentifierOwned, Error> {
        let null = Some(Any::from(AnyRef::NULL));
        let pkcs1 = match self {
            Self::Pkcs1Sha256 => Some(rfc5912::SHA_256_WITH_RSA_ENCRYPTION),
            Self::Pkcs1Sha1 => Some(rfc5912::SHA_1_WITH_RSA_ENCRYPTION),
            Self::PssSha512 => None,
        };
        if let Some(oid) = pkcs1 {
            return Ok(AlgorithmIdentifierOwned { oid, parameters: null });
        }
        let hash = AlgorithmIdentifierOwned { oid: rfc5912::ID_SHA_512, parameters: null };
        let parameters = Some(Any::encode_from(&hash).map_err(encoding)?);
        let mask = AlgorithmIdentifierOwned { oid: rfc5912::ID_MGF_1, parameters };
        let parameters = PssParameters { hash, mask, salt_length: 64 };
        let parameters = Some(Any::encode_from(&parameters).map_err(encoding)?);
        Ok(AlgorithmIdentifierOwned { oid: rfc5912::ID_RSASSA_PSS, parameters })
    }

    pub(super) fn sign(
        self,
        key: &RsaPrivateKey,
        message: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let pkcs1 = |algorithm| Ok(key.sign_block(&Digest::of(algorithm, message).digest_info())?);
        match self {
            Self::Pkcs1Sha256 => pkcs1(DigestAlgorithm::Sha256),
            Self::Pkcs1Sha1 => pkcs1(DigestAlgorithm::Sha1),
            Self::PssSha512 => {
                let mut salt = [0; 64];
                entropy.draw("PSS salt", &mut salt)?;
                Ok(key.sign_pss_sha512(message, &salt)?)
            }
        }
    }
}

/// Who signs a certificate.
pub(super) struct Signatory<'a> {
    name: Name,
    key_identifier: OctetString,
    key: &'a RsaPrivateKey,
    scheme: Scheme,
}

impl<'a> Signatory<'a> {
    /// The subject of another certificate.
    pub(super) fn new(
        certificate: &Certificate,
        key: &'a RsaPrivateKey,
        scheme: Scheme,
    ) -> Result<Self, Error> {
        let tbs = &certificate.tbs_certificate;
        let bits = tbs.subject_public_key_info.subject_public_key.raw_bytes();
        Ok(Self { name: tbs.subject.clone(), key_identifier: key_identifier(bits)?, key, scheme })
    }

    /// subjectKeyIdentifier of its certificate.
    pub(super) fn key_identifier(&self) -> &OctetString {
        &self.key_identifier
    }

    /// The subject of the certificate that is to be made.
    pub(super) fn of_itself(
        profile: &Profile,
        public_key: &RsaPublicKey,
        key: &'a RsaPrivateKey,
        scheme: Scheme,
    ) -> Result<Self, Error> {
        let key_identifier = key_identifier(&public_key.to_der()?)?;
        Ok(Self { name: profile.subject.clone(), key_identifier, key, scheme })
    }
}

/// SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2, method 1).
fn key_identifier(public_key: &[u8]) -> Result<OctetString, Error> {
    OctetString::new(DigestAlgorithm::Sha1.hash(public_key)).map_err(encoding)
}

/// Makes a certificate.
pub(super) fn certify(
    profile: &Profile,
    public_key: &RsaPublicKey,
    signatory: &Signatory<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Certificate, Error> {
    let public_key = public_key.to_der()?;
    let mut serial_number = [0; 8];
    entropy.draw("serial number", &mut serial_number)?;
    // Positive, and always eight bytes long.
    if let Some(first) = serial_number.first_mut() {
        *first = *first & 0x7F | 0x40;
    }

    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(signatory.key_identifier.clone()),
        ..Default::default()
    };
    let mut extensions = profile.extensions.clone();
    extensions.push(extension(rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &authority)?);
    let subject = SubjectKeyIdentifier(key_identifier(&public_key)?);
    extensions.push(extension(rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER, false, &subject)?);
    extensions.push(extension(rfc5280::ID_CE_KEY_USAGE, true, &KeyUsage(profile.key_usage))?);
    extensions.push(test_extension()?);

    let algorithm = signatory.scheme.algorithm()?;
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial_number).map_err(encoding)?,
        signature: algorithm.clone(),
        issuer: signatory.name.clone(),
        validity: profile.validity,
        subject: profile.subject.clone(),
        subject_public_key_info: SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: rfc5912::RSA_ENCRYPTION,
                parameters: Some(AnyRef::NULL.into()),
            },
            subject_public_key: BitString::from_bytes(&public_key).map_err(encoding)?,
        },
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    let message = tbs_certificate.to_der().map_err(encoding)?;
    let signature = signatory.scheme.sign(signatory.key, &message, entropy)?;
    let signature = BitString::from_bytes(&signature).map_err(encoding)?;
    Ok(Certificate { tbs_certificate, signature_algorithm: algorithm, signature })
}

/// The extension that says that nothing here is real.
fn test_extension() -> Result<Extension, Error> {
    const OID: const_oid::ObjectIdentifier = oid(test_mark::EXTENSION_OID);
    let text = Any::new(Tag::Utf8String, test_mark::ORGANISATION.as_bytes()).map_err(encoding)?;
    extension(OID, false, &text)
}
