//! Bodies for EF.SOD verified, and for the LDS security object in it.

use der::asn1::{Int, OctetStringRef, PrintableStringRef};
use der::{AnyRef, Decode, Sequence, ValueOrd};

use crate::crypto::DigestAlgorithm;
use crate::passive::{self, ClaimedSecurityObject, SecurityObjectPolicy};
use crate::trust::{AnchorPurpose, TrustStore};

/// Countries and the one card of each (fixtures/security-objects): who has their keys is not known any more.
const KEPT: [(&[u8], &[u8]); 3] = [
    (
        include_bytes!("../../fixtures/security-objects/rsa-sha256.csca.der"),
        include_bytes!("../../fixtures/security-objects/rsa-sha256.sod"),
    ),
    (
        include_bytes!("../../fixtures/security-objects/pss-sha512.csca.der"),
        include_bytes!("../../fixtures/security-objects/pss-sha512.sod"),
    ),
    (
        include_bytes!("../../fixtures/security-objects/ecdsa-sha256.csca.der"),
        include_bytes!("../../fixtures/security-objects/ecdsa-sha256.sod"),
    ),
];

/// The signed content of the kept ones.
fn kept(object: &[u8]) -> Option<Vec<u8>> {
    ClaimedSecurityObject::parse(object).ok()?.signed_data().content().map(<[u8]>::to_vec)
}

/// What is verified under the kept countries is what they signed, and nothing else: no input is a forgery.
pub(super) fn verified(object: ClaimedSecurityObject) {
    let mut trust = TrustStore::new();
    for (country, _) in KEPT {
        trust.add_anchor(AnchorPurpose::Csca, country).expect("a country's certificate");
    }
    let now = crate::environment::moment::parse("2026-01-01T00:00:00Z").expect("a moment");
    if let Ok(files) = object.verify(&trust, &SecurityObjectPolicy::new().allow_sha1(), now) {
        let content = files.security_object().signed_data().content().expect("it was parsed");
        assert!(KEPT.iter().any(|(_, sod)| kept(sod).as_deref() == Some(content)), "a forgery");
    }
}

/// `DataGroupHash`, as another parser has it.
#[derive(Sequence, ValueOrd)]
struct DataGroupHash<'a> {
    number: Int,
    digest: OctetStringRef<'a>,
}

#[derive(Sequence)]
struct VersionInfo<'a> {
    lds: PrintableStringRef<'a>,
    unicode: PrintableStringRef<'a>,
}

#[derive(Sequence)]
struct Algorithm<'a> {
    oid: der::oid::ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct SecurityObject<'a> {
    version: u8,
    algorithm: Algorithm<'a>,
    digests: Vec<DataGroupHash<'a>>,
    info: Option<VersionInfo<'a>>,
}

/// The LDS security object: bounds, and whatever the crate `der` makes of the same bytes says the same.
pub fn lds_security_object(input: &[u8]) {
    let Ok(object) = passive::LdsSecurityObject::parse(input) else { return };
    assert!((1..=passive::GROUPS_MAX).contains(&object.digests.len()) && object.version < 2);
    let length = object.algorithm.output_length();
    assert!(object.digests.iter().all(|(_, digest)| digest.len() == length));
    let mut numbers: Vec<u8> = object.digests.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), object.digests.len(), "each file once");

    let Ok(theirs) = SecurityObject::from_der(input) else { return };
    assert_eq!(theirs.version, object.version);
    let oid = match object.algorithm {
        DigestAlgorithm::Sha1 => "1.3.14.3.2.26",
        DigestAlgorithm::Sha256 => "2.16.840.1.101.3.4.2.1",
        DigestAlgorithm::Sha384 => "2.16.840.1.101.3.4.2.2",
        DigestAlgorithm::Sha512 => "2.16.840.1.101.3.4.2.3",
    };
    assert_eq!(theirs.algorithm.oid.to_string(), oid);
    assert!(theirs.algorithm.parameters.is_none_or(|parameters| parameters.value().is_empty()));
    assert_eq!(theirs.digests.len(), object.digests.len());
    for (their, (number, digest)) in theirs.digests.iter().zip(&object.digests) {
        // Theirs has the sign; the last byte is the number in any case.
        assert_eq!(their.number.as_bytes().last(), Some(number));
        assert_eq!(their.digest.as_bytes(), digest);
    }
    let ours = object.lds_version.as_ref().map(|info| (info.lds(), info.unicode()));
    assert_eq!(theirs.info.as_ref().map(|info| (info.lds.as_str(), info.unicode.as_str())), ours);
}
