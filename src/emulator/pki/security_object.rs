//! EF.SOD: the signed digests of a card's files (ICAO 9303-10 section 4.6.2, RFC 5652 section 5).

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{OctetString, PrintableString, SetOfVec};
use der::{Any, Encode, Sequence};
use serde::{Deserialize, Serialize};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::{Attribute, Attributes};

use super::certificate::Scheme;
use super::{Entity, Error, encoding, oid};
use crate::crypto::DigestAlgorithm;
use crate::environment::Entropy;
use crate::iso7816::tlv;

/// ldsSecurityObject.
const LDS_SECURITY_OBJECT: ObjectIdentifier = oid("2.23.136.1.1.1");

/// The two ways in which cards had their files signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// SHA-256, LDS version 0, RSASSA-PKCS1-v1_5.
    First,
    /// SHA-512, LDS version 1, RSASSA-PSS.
    #[default]
    Second,
}

impl Generation {
    /// What the files are hashed with.
    #[must_use]
    pub fn digest_algorithm(self) -> DigestAlgorithm {
        match self {
            Self::First => DigestAlgorithm::Sha256,
            Self::Second => DigestAlgorithm::Sha512,
        }
    }

    fn scheme(self) -> Scheme {
        match self {
            Self::First => Scheme::Pkcs1Sha256,
            Self::Second => Scheme::PssSha512,
        }
    }

    /// The digest algorithm; without parameters, as on real cards, not with NULL.
    fn algorithm(self) -> AlgorithmIdentifierOwned {
        let oid = match self {
            Self::First => rfc5912::ID_SHA_256,
            Self::Second => rfc5912::ID_SHA_512,
        };
        AlgorithmIdentifierOwned { oid, parameters: None }
    }
}

/// DataGroupHash.
#[derive(Sequence)]
struct DataGroupHash {
    /// Real cards write A5 as one content byte, which DER reads as a negative number.
    number: i8,
    value: OctetString,
}

/// LDSVersionInfo.
#[derive(Sequence)]
struct LdsVersionInfo {
    lds_version: PrintableString,
    unicode_version: PrintableString,
}

/// LDSSecurityObject.
#[derive(Sequence)]
struct LdsSecurityObject {
    version: u8,
    hash_algorithm: AlgorithmIdentifierOwned,
    hashes: Vec<DataGroupHash>,
    #[asn1(optional = "true")]
    version_info: Option<LdsVersionInfo>,
}

fn security_object(generation: Generation, files: &[(u8, &[u8])]) -> der::Result<Vec<u8>> {
    let digest = generation.digest_algorithm();
    let hash = |(number, content): &(u8, &[u8])| {
        let value = OctetString::new(digest.hash(content))?;
        Ok(DataGroupHash { number: i8::from_be_bytes([*number]), value })
    };
    let (version, version_info) = match generation {
        Generation::First => (0, None),
        Generation::Second => {
            let lds_version = PrintableString::new("0108")?;
            (1, Some(LdsVersionInfo { lds_version, unicode_version: PrintableString::new("040000")? }))
        }
    };
    let hashes = files.iter().map(hash).collect::<der::Result<_>>()?;
    LdsSecurityObject { version, hash_algorithm: generation.algorithm(), hashes, version_info }.to_der()
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

/// The whole content of EF.SOD.
pub(super) fn encode(
    generation: Generation,
    files: &[(u8, &[u8])],
    signer: &Entity,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let content = security_object(generation, files).map_err(encoding)?;
    let digest = generation.digest_algorithm().hash(&content);
    let signed_attributes = signed_attributes(digest).map_err(encoding)?;
    // The signature covers the attributes under the tag of SET OF, not under [0] as they are stored.
    let message = signed_attributes.to_der().map_err(encoding)?;
    let signature = generation.scheme().sign(&signer.key, &message, entropy)?;
    let algorithm = generation.scheme().algorithm()?;
    let signed = signed_data(generation, content, signed_attributes, algorithm, signature, signer)
        .map_err(encoding)?;
    Ok(tlv::encode(0x77, &signed))
}

fn signed_attributes(digest: Vec<u8>) -> der::Result<Attributes> {
    Attributes::try_from(vec![
        attribute(rfc5911::ID_CONTENT_TYPE, Any::encode_from(&LDS_SECURITY_OBJECT)?)?,
        attribute(rfc5911::ID_MESSAGE_DIGEST, Any::encode_from(&OctetString::new(digest)?)?)?,
    ])
}

fn signed_data(
    generation: Generation,
    content: Vec<u8>,
    signed_attributes: Attributes,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
    signer: &Entity,
) -> der::Result<Vec<u8>> {
    let certificate = &signer.certificate;
    let signer_info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.tbs_certificate.issuer.clone(),
            serial_number: certificate.tbs_certificate.serial_number.clone(),
        }),
        digest_alg: generation.algorithm(),
        signed_attrs: Some(signed_attributes),
        signature_algorithm,
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let certificates = vec![CertificateChoices::Certificate(certificate.clone())];
    let signed_data = SignedData {
        version: CmsVersion::V3,
        digest_algorithms: SetOfVec::try_from(vec![generation.algorithm()])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: LDS_SECURITY_OBJECT,
            econtent: Some(Any::encode_from(&OctetString::new(content)?)?),
        },
        certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer_info])?),
    };
    let content = Any::encode_from(&signed_data)?;
    ContentInfo { content_type: rfc5911::ID_SIGNED_DATA, content }.to_der()
}
