//! How a certificate, a list or a response says that it is signed (RFC 5280 section 4.1.1.2; RFC 4055, RFC 5758).

use x509_parser::signature_algorithm::{RsaSsaPssParams, SignatureAlgorithm};
use x509_parser::x509::AlgorithmIdentifier;

use crate::crypto::{DigestAlgorithm, SignatureScheme};

/// The scheme that an identifier names; `None` for what this crate does not verify: other digests than SHA-1 and
/// SHA-2, DSA, RSASSA-PSS with two different digests.
pub(super) fn scheme(algorithm: &AlgorithmIdentifier<'_>) -> Option<SignatureScheme> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureScheme::{Ecdsa, RsaPkcs1};
    Some(match algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.5" => RsaPkcs1(Sha1),
        "1.2.840.113549.1.1.11" => RsaPkcs1(Sha256),
        "1.2.840.113549.1.1.12" => RsaPkcs1(Sha384),
        "1.2.840.113549.1.1.13" => RsaPkcs1(Sha512),
        "1.2.840.10045.4.1" => Ecdsa(Sha1),
        "1.2.840.10045.4.3.2" => Ecdsa(Sha256),
        "1.2.840.10045.4.3.3" => Ecdsa(Sha384),
        "1.2.840.10045.4.3.4" => Ecdsa(Sha512),
        "1.2.840.113549.1.1.10" => match SignatureAlgorithm::try_from(algorithm).ok()? {
            SignatureAlgorithm::RSASSA_PSS(parameters) => pss(&parameters)?,
            _ => return None,
        },
        _ => return None,
    })
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
fn digest(oid: &str) -> Option<DigestAlgorithm> {
    Some(match oid {
        "1.3.14.3.2.26" => DigestAlgorithm::Sha1,
        "2.16.840.1.101.3.4.2.1" => DigestAlgorithm::Sha256,
        "2.16.840.1.101.3.4.2.2" => DigestAlgorithm::Sha384,
        "2.16.840.1.101.3.4.2.3" => DigestAlgorithm::Sha512,
        _ => return None,
    })
}
