//! The front end of `SignedData`: what a signed file says about itself (RFC 5652 section 5).
//!
//! **No signature is checked here.** Everything that [`SignedData`] returns is the claim of whoever wrote
//! the bytes: the content, who is said to have signed it, and the certificates that happen to lie beside
//! it. A value of these types is evidence of nothing.
//!
//! DER only: the indefinite lengths and split strings of BER are refused as malformed. Certificates,
//! names and signed attributes are kept as the bytes they came in, because a decoder that writes them
//! anew may write something else than what was signed.

pub(crate) mod fields;
mod signer;

use std::fmt;

use cms::content_info::{CmsVersion, ContentInfo};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag, Tagged};

use fields::{Fields, context};

pub use signer::{SignedAttributes, SignerIdentifier, SignerInfo};

/// The longest `SignedData` that is looked at, in bytes.
pub const DER_MAX: usize = 0x8000;
/// The most entries of any of its sets.
pub const ENTRIES_MAX: usize = 32;

/// id-signedData.
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
/// id-data, the only content that may be signed without attributes.
const DATA: &str = "1.2.840.113549.1.7.1";

/// Why bytes are not a `SignedData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More than [`DER_MAX`] bytes.
    #[error("signed data of {0} bytes is too long")]
    TooLong(usize),
    /// A set with more than [`ENTRIES_MAX`] entries.
    #[error("too many entries: {0}")]
    TooMany(&'static str),
    /// Not the DER that RFC 5652 asks for.
    #[error("malformed signed data: {0}")]
    Malformed(&'static str),
    /// A `ContentInfo` of another type.
    #[error("the content is not signed data")]
    NotSignedData,
}

/// An algorithm as it is named in a signed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmIdentifier {
    oid: String,
    parameters: Option<Vec<u8>>,
}

impl AlgorithmIdentifier {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let mut inside = fields.inside(Tag::Sequence)?;
        let oid = dotted(inside.value(Tag::ObjectIdentifier)?)?;
        let parameters = inside.any()?.map(|parameters| parameters.encoded.to_vec());
        inside.end()?;
        Ok(Self { oid, parameters })
    }

    /// The object identifier, in dotted form.
    #[must_use]
    pub fn oid(&self) -> &str {
        &self.oid
    }

    /// The DER of the parameters; `None` if they are left out, which is not the same as NULL.
    #[must_use]
    pub fn parameters(&self) -> Option<&[u8]> {
        self.parameters.as_deref()
    }
}

/// A `SignedData` that was read, not verified.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedData {
    content_type: String,
    content: Option<Vec<u8>>,
    digest_algorithms: Vec<AlgorithmIdentifier>,
    certificates: Vec<Vec<u8>>,
    signers: Vec<SignerInfo>,
}

impl SignedData {
    /// Reads the DER of a `ContentInfo` with a `SignedData` in it; nothing may be left over.
    ///
    /// # Errors
    /// An [`Error`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > DER_MAX {
            return Err(Error::TooLong(der.len()));
        }
        let info = ContentInfo::from_der(der).map_err(|_| Error::Malformed("ContentInfo"))?;
        if info.content_type.to_string() != SIGNED_DATA {
            return Err(Error::NotSignedData);
        }
        if info.content.tag() != Tag::Sequence {
            return Err(Error::Malformed("SignedData"));
        }
        let mut fields = Fields::new(info.content.value(), "SignedData")?;
        fields.decode::<CmsVersion>()?;
        let digest_algorithms =
            fields.inside(Tag::Set)?.named("digestAlgorithms").entries(AlgorithmIdentifier::read)?;
        let (content_type, content) = encapsulated(fields.inside(Tag::Sequence)?.named("encapContentInfo"))?;
        let certificates = match fields.inside_if(context(0))? {
            Some(set) => set.named("certificates").entries(|set| set.any_or_missing())?,
            None => Vec::new(),
        };
        // Other formats than X.509 (RFC 5652 section 10.2.2) are nothing that we could use.
        let certificates = certificates.into_iter().filter(|entry| entry.tag == Tag::Sequence);
        let certificates = certificates.map(|entry| entry.encoded.to_vec()).collect();
        // Revocation lists: those of the card's files come from elsewhere.
        fields.inside_if(context(1))?;
        let needs_attributes = content_type != DATA;
        let signers = fields
            .inside(Tag::Set)?
            .named("signerInfos")
            .entries(|set| SignerInfo::read(set, needs_attributes))?;
        fields.end()?;
        Ok(Self { content_type, content, digest_algorithms, certificates, signers })
    }

    /// What the content is said to be (eContentType), in dotted form.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The content octets: what the digest is taken over. `None` if the content is kept elsewhere.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// The digest algorithms that are announced for the signers. Nothing has to agree with them.
    #[must_use]
    pub fn digest_algorithms(&self) -> &[AlgorithmIdentifier] {
        &self.digest_algorithms
    }

    /// What stands in the places of X.509 certificates, each as one DER sequence that was not looked
    /// into, in the order of the file.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Who is said to have signed, in the order of the file. May be empty.
    #[must_use]
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }
}

impl fmt::Debug for SignedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.content.as_ref().map_or(0, Vec::len);
        write!(f, "SignedData({}, {length} bytes, {} signers)", self.content_type, self.signers.len())
    }
}

/// `EncapsulatedContentInfo`: content type and content.
fn encapsulated(mut fields: Fields<'_>) -> Result<(String, Option<Vec<u8>>), Error> {
    let content_type = dotted(fields.value(Tag::ObjectIdentifier)?)?;
    let content = match fields.inside_if(context(0))? {
        Some(mut explicit) => {
            let content = explicit.decode::<OctetStringRef<'_>>()?.as_bytes().to_vec();
            explicit.end()?;
            Some(content)
        }
        None => None,
    };
    fields.end()?;
    Ok((content_type, content))
}

/// Content bytes of an object identifier in dotted form.
fn dotted(bytes: &[u8]) -> Result<String, Error> {
    let oid = ObjectIdentifier::from_bytes(bytes).map_err(|_| Error::Malformed("object identifier"))?;
    Ok(oid.to_string())
}
