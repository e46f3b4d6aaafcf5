//! How a certificate, a list or a response says that it is signed (RFC 5280 section 4.1.1.2; RFC 4055, RFC 5758).

use hex_literal::hex;
use x509_parser::prelude::FromDer as _;
use x509_parser::signature_algorithm::{RsaSsaPssParams, SignatureAlgorithm};
use x509_parser::x509::AlgorithmIdentifier;

use crate::crypto::{DigestAlgorithm, SignatureScheme};
use crate::iso7816::tlv;

/// Content bytes of the object identifiers, 1.2.840.113549.1.1.5 and 11 to 13 (RFC 8017 appendix A.2.4), 10 (A.2.3).
const SHA1_WITH_RSA: &[u8] = &hex!("2A864886F70D010105");
const SHA256_WITH_RSA: &[u8] = &hex!("2A864886F70D01010B");
const SHA384_WITH_RSA: &[u8] = &hex!("2A864886F70D01010C");
const SHA512_WITH_RSA: &[u8] = &hex!("2A864886F70D01010D");
const RSASSA_PSS: &[u8] = &hex!("2A864886F70D01010A");
/// 1.2.840.10045.4.1 (RFC 3279 section 2.2.3), 1.2.840.10045.4.3.2 to 4 (RFC 5758 section 3.2).
const ECDSA_WITH_SHA1: &[u8] = &hex!("2A8648CE3D0401");
const ECDSA_WITH_SHA256: &[u8] = &hex!("2A8648CE3D040302");
const ECDSA_WITH_SHA384: &[u8] = &hex!("2A8648CE3D040303");
const ECDSA_WITH_SHA512: &[u8] = &hex!("2A8648CE3D040304");

/// The scheme that an identifier names; `None` for what this crate does not verify: other digests than SHA-1 and
/// SHA-2, DSA, RSASSA-PSS with two different digests.
pub(super) fn scheme(algorithm: &AlgorithmIdentifier<'_>) -> Option<SignatureScheme> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureScheme::{Ecdsa, RsaPkcs1};
    Some(match algorithm.algorithm.as_bytes() {
        SHA1_WITH_RSA => RsaPkcs1(Sha1),
        SHA256_WITH_RSA => RsaPkcs1(Sha256),
        SHA384_WITH_RSA => RsaPkcs1(Sha384),
        SHA512_WITH_RSA => RsaPkcs1(Sha512),
        ECDSA_WITH_SHA1 => Ecdsa(Sha1),
        ECDSA_WITH_SHA256 => Ecdsa(Sha256),
        ECDSA_WITH_SHA384 => Ecdsa(Sha384),
        ECDSA_WITH_SHA512 => Ecdsa(Sha512),
        RSASSA_PSS => match SignatureAlgorithm::try_from(algorithm).ok()? {
            SignatureAlgorithm::RSASSA_PSS(parameters) => pss(&parameters)?,
            _ => return None,
        },
        _ => return None,
    })
}

/// The same of an identifier that stands elsewhere: its object identifier in dotted form, and the DER of its
/// parameters.
pub(crate) fn named(oid: &str, parameters: Option<&[u8]>) -> Option<SignatureScheme> {
    let oid = der::asn1::ObjectIdentifier::new(oid).ok()?;
    let inside = [&tlv::encode(0x06, oid.as_bytes()), parameters.unwrap_or_default()].concat();
    let identifier = tlv::encode(0x30, &inside);
    let (rest, algorithm) = AlgorithmIdentifier::from_der(&identifier).ok()?;
    if rest.is_empty() { scheme(&algorithm) } else { None }
}

fn pss(parameters: &RsaSsaPssParams<'_>) -> Option<SignatureScheme> {
    let digest = digest(&parameters.hash_algorithm_oid().to_id_string())?;
    let mask = parameters.mask_gen_algorithm().ok()?;
    let same = mask.mgf.to_id_string() == "1.2.840.113549.1.1.8"
        && self::digest(&mask.hash.to_id_string()) == Some(digest);
    let salt_length = usize::try_from(parameters.salt_length()).ok()?;
    (same && parameters.trailer_field() == 1).then_some(SignatureScheme::RsaPss { digest, salt_length })
}

/// A digest by its object identifier.
pub(crate) fn digest(oid: &str) -> Option<DigestAlgorithm> {
    Some(match oid {
        "1.3.14.3.2.26" => DigestAlgorithm::Sha1,
        "2.16.840.1.101.3.4.2.1" => DigestAlgorithm::Sha256,
        "2.16.840.1.101.3.4.2.2" => DigestAlgorithm::Sha384,
        "2.16.840.1.101.3.4.2.3" => DigestAlgorithm::Sha512,
        _ => return None,
    })
}
