//! `SignerInfo`: who is said to have signed, how, and over which attributes (RFC 5652 sections 5.3, 5.4, 11).

use std::fmt;

use cms::content_info::CmsVersion;
use der::Tag;
use der::asn1::OctetStringRef;
use hex_literal::hex;

use super::fields::{Fields, context};
use super::{AlgorithmIdentifier, Error, dotted};
use crate::iso7816::tlv;

/// Content bytes of id-contentType, 1.2.840.113549.1.9.3.
const CONTENT_TYPE: &[u8] = &hex!("2A864886F70D010903");
/// Content bytes of id-messageDigest, 1.2.840.113549.1.9.4.
const MESSAGE_DIGEST: &[u8] = &hex!("2A864886F70D010904");

/// How a signer names its certificate. A claim, in the bytes of the file.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerIdentifier {
    /// By issuer and serial number.
    IssuerAndSerialNumber {
        /// The DER of the issuer's name, not looked into.
        issuer: Vec<u8>,
        /// The content bytes of the serial number, sign and leading zeros as they are.
        serial_number: Vec<u8>,
    },
    /// By the key identifier of the certificate.
    SubjectKeyIdentifier(Vec<u8>),
}

impl SignerIdentifier {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let identifier = fields.any_or_missing()?;
        let key_identifier = Tag::ContextSpecific { constructed: false, number: der::TagNumber::new(0) };
        if identifier.tag == key_identifier {
            return Ok(Self::SubjectKeyIdentifier(identifier.value.to_vec()));
        }
        if identifier.tag != Tag::Sequence {
            return Err(Error::Malformed("signer identifier"));
        }
        let mut inside = Fields::new(identifier.value, "signer identifier")?;
        let issuer = inside.field(Tag::Sequence)?.encoded.to_vec();
        let serial_number = inside.value(Tag::Integer)?.to_vec();
        inside.end()?;
        if serial_number.is_empty() {
            return Err(Error::Malformed("serial number"));
        }
        Ok(Self::IssuerAndSerialNumber { issuer, serial_number })
    }
}

impl fmt::Debug for SignerIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssuerAndSerialNumber { .. } => "IssuerAndSerialNumber(..)",
            Self::SubjectKeyIdentifier(_) => "SubjectKeyIdentifier(..)",
        })
    }
}

/// The signed attributes: what the signature covers in place of the content, and the two of them that tie
/// it to the content.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedAttributes {
    received: Vec<u8>,
    sorted: Vec<u8>,
    content_type: String,
    message_digest: Vec<u8>,
}

impl SignedAttributes {
    fn read(content: &[u8]) -> Result<Self, Error> {
        let (mut content_type, mut message_digest) = (None, None);
        let mut encoded = Vec::new();
        let attributes = Fields::new(content, "signed attributes")?;
        for attribute in attributes.entries(|set| set.field(Tag::Sequence))? {
            encoded.push(attribute.encoded);
            let mut inside = Fields::new(attribute.value, "signed attribute")?;
            // Compared as bytes: others may have arcs that no decoder here stands.
            let oid = inside.value(Tag::ObjectIdentifier)?;
            let values = inside.inside(Tag::Set)?;
            inside.end()?;
            match oid {
                CONTENT_TYPE => {
                    let value =
                        single(values, &content_type, |value| dotted(value.value(Tag::ObjectIdentifier)?))?;
                    content_type = Some(value);
                }
                MESSAGE_DIGEST => {
                    let value = single(values, &message_digest, |value| {
                        Ok(value.decode::<OctetStringRef<'_>>()?.as_bytes().to_vec())
                    })?;
                    message_digest = Some(value);
                }
                _ => {}
            }
        }
        let received = tlv::encode(0x31, content);
        encoded.sort_unstable();
        let sorted = tlv::encode(0x31, &encoded.concat());
        let content_type = content_type.ok_or(Error::Malformed("no contentType attribute"))?;
        let message_digest = message_digest.ok_or(Error::Malformed("no messageDigest attribute"))?;
        Ok(Self { received, sorted, content_type, message_digest })
    }

    /// The attributes as a SET OF in the order of the file. Some signers sign this even where it is not
    /// DER.
    #[must_use]
    pub fn as_received(&self) -> &[u8] {
        &self.received
    }

    /// The attributes as a SET OF in the order of DER, which a signature has to cover.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.sorted
    }

    /// What the signer says the content is, in dotted form. Not compared with
    /// [`super::SignedData::content_type`].
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// What the signer says the digest of the content is. Not compared with the content.
    #[must_use]
    pub fn message_digest(&self) -> &[u8] {
        &self.message_digest
    }
}

impl fmt::Debug for SignedAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedAttributes({} bytes)", self.received.len())
    }
}

/// The one value of an attribute that may stand once.
fn single<'a, T>(
    mut values: Fields<'a>,
    earlier: &Option<T>,
    read: impl FnOnce(&mut Fields<'a>) -> Result<T, Error>,
) -> Result<T, Error> {
    if earlier.is_some() {
        return Err(Error::Malformed("a signed attribute stands twice"));
    }
    let value = read(&mut values)?;
    values.end()?;
    Ok(value)
}

/// One signature as it is described in the file. Not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerInfo {
    identifier: SignerIdentifier,
    digest_algorithm: AlgorithmIdentifier,
    signed_attributes: Option<SignedAttributes>,
    signature_algorithm: AlgorithmIdentifier,
    signature: Vec<u8>,
}

impl SignerInfo {
    /// Without `needs_attributes` the signed attributes may be missing.
    pub(super) fn read(set: &mut Fields<'_>, needs_attributes: bool) -> Result<Self, Error> {
        let mut fields = set.inside(Tag::Sequence)?.named("SignerInfo");
        fields.decode::<CmsVersion>()?;
        let identifier = SignerIdentifier::read(&mut fields)?;
        let digest_algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let signed_attributes = match fields.field_if(context(0))? {
            Some(attributes) => Some(SignedAttributes::read(attributes.value)?),
            // A signature over the bare content could be taken for one over attributes.
            None if needs_attributes => return Err(Error::Malformed("no signed attributes")),
            None => None,
        };
        let signature_algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let signature = fields.decode::<OctetStringRef<'_>>()?.as_bytes().to_vec();
        // Unsigned attributes say nothing that a signature covers.
        fields.field_if(context(1))?;
        fields.end()?;
        Ok(Self { identifier, digest_algorithm, signed_attributes, signature_algorithm, signature })
    }

    /// How the signer names its certificate.
    #[must_use]
    pub fn identifier(&self) -> &SignerIdentifier {
        &self.identifier
    }

    /// What the content was hashed with.
    #[must_use]
    pub fn digest_algorithm(&self) -> &AlgorithmIdentifier {
        &self.digest_algorithm
    }

    /// The signed attributes; always there unless the content is plain data (RFC 5652 section 5.3).
    #[must_use]
    pub fn signed_attributes(&self) -> Option<&SignedAttributes> {
        self.signed_attributes.as_ref()
    }

    /// What was signed with; the parameters of RSASSA-PSS among it.
    #[must_use]
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifier {
        &self.signature_algorithm
    }

    /// The signature, of any length.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}
