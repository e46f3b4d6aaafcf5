//! The fields of an X.509 certificate that decide about trust (RFC 5280 section 4), in our own types.

use std::fmt;
use std::time::{Duration, SystemTime};

use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate, X509Name};
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use super::Error;
use crate::test_mark;

/// The longest certificate that is looked at, in bytes.
const DER_MAX: usize = 0x7FFF;

/// The attributes of a distinguished name that say who somebody is. Debug prints none of them.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Name {
    /// commonName (2.5.4.3); the fiscal code in a CIE 3 certificate.
    pub common_name: Option<String>,
    /// surname (2.5.4.4).
    pub surname: Option<String>,
    /// givenName (2.5.4.42).
    pub given_name: Option<String>,
    /// serialNumber (2.5.4.5); prefix and document number in a CIE 3 certificate.
    pub serial_number: Option<String>,
    /// organizationName (2.5.4.10).
    pub organization: Option<String>,
    /// countryName (2.5.4.6).
    pub country: Option<String>,
}

impl Name {
    /// An attribute that stands there twice is ambiguous, and is left out.
    fn from_parsed(name: &X509Name<'_>) -> Self {
        let find = |oid: &str| {
            let mut found =
                name.iter_attributes().filter(|attribute| attribute.attr_type().to_id_string() == oid);
            found.next().filter(|_| found.next().is_none()).and_then(text)
        };
        Self {
            common_name: find("2.5.4.3"),
            surname: find("2.5.4.4"),
            given_name: find("2.5.4.42"),
            serial_number: find("2.5.4.5"),
            organization: find("2.5.4.10"),
            country: find("2.5.4.6"),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(..)")
    }
}

/// A certificate that was read, not verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    subject: Name,
    not_before: SystemTime,
    not_after: SystemTime,
    is_authority: bool,
    digital_signature: Option<bool>,
    content_commitment: Option<bool>,
    client_authentication: Option<bool>,
    policies: Vec<String>,
    signature_algorithm: String,
    rsa_bits: Option<usize>,
    is_test: bool,
}

impl Certificate {
    /// Reads the DER of a certificate; nothing may be left over.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > DER_MAX {
            return Err(Error::Malformed("too long"));
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| Error::Malformed("not X.509"))?;
        if !rest.is_empty() {
            return Err(Error::Malformed("bytes after it"));
        }
        let mut certificate = Self {
            der: der.to_vec(),
            subject: Name::from_parsed(parsed.subject()),
            not_before: system_time(parsed.validity().not_before)?,
            not_after: system_time(parsed.validity().not_after)?,
            is_authority: false,
            digital_signature: None,
            content_commitment: None,
            client_authentication: None,
            policies: Vec::new(),
            signature_algorithm: parsed.signature_algorithm.algorithm.to_id_string(),
            rsa_bits: rsa_bits(&parsed),
            is_test: has_test_organisation(parsed.subject()) || has_test_organisation(parsed.issuer()),
        };
        // Two extensions of one kind could say different things to different readers.
        parsed.extensions_map().map_err(|_| Error::Malformed("an extension stands there twice"))?;
        for extension in parsed.extensions() {
            // Compared as bytes: the mark must be found however the rest of the extension looks.
            certificate.is_test |= extension.oid.as_bytes() == test_mark::EXTENSION_OID_DER;
            let unreadable = matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. });
            // What nobody here looks at may be malformed in a real card's certificate; OpenSSL has its say.
            if unreadable && (extension.critical || is_consulted(&extension.oid)) {
                return Err(Error::Malformed("extension"));
            }
            certificate.take(extension.parsed_extension());
        }
        Ok(certificate)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::BasicConstraints(constraints) => self.is_authority = constraints.ca,
            ParsedExtension::KeyUsage(usage) => {
                self.digital_signature = Some(usage.digital_signature());
                self.content_commitment = Some(usage.non_repudiation());
            }
            ParsedExtension::CertificatePolicies(policies) => {
                self.policies = policies.iter().map(|policy| policy.policy_id.to_id_string()).collect();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.client_authentication = Some(usage.client_auth);
            }
            _ => {}
        }
    }

    /// The DER it was read from.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// First and last moment of validity.
    #[must_use]
    pub fn validity(&self) -> (SystemTime, SystemTime) {
        (self.not_before, self.not_after)
    }

    /// Whether it may issue certificates (basicConstraints cA).
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// keyUsage digitalSignature; `None` without keyUsage.
    #[must_use]
    pub fn allows_digital_signature(&self) -> Option<bool> {
        self.digital_signature
    }

    /// keyUsage contentCommitment (nonRepudiation): the key makes signatures that bind; `None` without keyUsage.
    #[must_use]
    pub fn allows_content_commitment(&self) -> Option<bool> {
        self.content_commitment
    }

    /// Bits of the modulus, if the key is an RSA key.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        self.rsa_bits
    }

    /// Whether its own signature says that it is one with RSA (PKCS #1 v1.5) and SHA-1 or SHA-2.
    pub(super) fn is_signed_with_known_rsa(&self) -> bool {
        RSA_SIGNATURES.contains(&&*self.signature_algorithm)
    }

    /// Object identifiers of certificatePolicies, in dotted form.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// extKeyUsage clientAuth; `None` without extKeyUsage. anyExtendedKeyUsage alone does not count, as in
    /// OpenSSL.
    #[must_use]
    pub fn allows_client_authentication(&self) -> Option<bool> {
        self.client_authentication
    }

    /// Whether it carries the mark of a test PKI, by extension, organisation or issuer.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }
}

/// sha1WithRSAEncryption, then SHA-256, SHA-384 and SHA-512 (RFC 8017 appendix A.2.4).
const RSA_SIGNATURES: [&str; 4] =
    ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"];

/// Bits of the modulus, leading zeros left out.
fn rsa_bits(certificate: &X509Certificate<'_>) -> Option<usize> {
    let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { return None };
    let modulus: Vec<u8> = key.modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
    let first = modulus.first()?;
    Some(modulus.len() * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

/// Whether an extension decides something here: basicConstraints, keyUsage, certificatePolicies,
/// extKeyUsage.
fn is_consulted(oid: &Oid<'_>) -> bool {
    matches!(oid.to_id_string().as_str(), "2.5.29.19" | "2.5.29.15" | "2.5.29.32" | "2.5.29.37")
}

/// The text of an attribute in any of the string types of RFC 5280 (DirectoryString).
fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let bytes = attribute.attr_value().data;
    match attribute.attr_value().tag() {
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|unit| unit.try_into().ok().map(u16::from_be_bytes));
            String::from_utf16(&units.collect::<Option<Vec<u16>>>()?).ok()
        }
        // Teletex in practice is Latin-1.
        Tag::T61String => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        _ => attribute.as_str().ok().map(str::to_owned),
    }
}

/// Looks for the mark in whatever string type, case and spacing it is written.
fn has_test_organisation(name: &X509Name<'_>) -> bool {
    let folded = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().filter(|byte| byte.is_ascii_graphic()).map(u8::to_ascii_uppercase).collect()
    };
    let mark = folded(test_mark::ORGANISATION.as_bytes());
    name.iter_attributes().any(|attribute| folded(attribute.attr_value().data) == mark)
}

fn system_time(time: ASN1Time) -> Result<SystemTime, Error> {
    // Before 1970 no certificate of any of these cards was valid.
    let seconds = u64::try_from(time.timestamp()).map_err(|_| Error::Malformed("validity"))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(Error::Malformed("validity"))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes{})", self.der.len(), if self.is_test { ", test" } else { "" })
    }
}
