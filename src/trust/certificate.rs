//! The fields of an X.509 certificate that decide about trust (RFC 5280 section 4), in our own types.

mod document_types;
mod encoding;
mod extensions;
mod key_period;
mod locations;

use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use x509_parser::asn1_rs::Oid;
use x509_parser::extensions::{KeyUsage, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::time::ASN1Time;

use super::name::{self, Name};
use super::{Error, algorithm};
use crate::crypto::{PublicKey, SignatureScheme, sha256};
use crate::iso7816::tlv;
use crate::test_mark;
use extensions::Extensions;

/// The longest certificate that is looked at, in bytes.
const DER_MAX: usize = 0x7FFF;

/// A certificate that was read, not verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    /// Where in the DER the signed part, the names, the serial number's content and the key lie.
    signed: Range<usize>,
    issuer_name: Range<usize>,
    subject_name: Range<usize>,
    serial_number: Range<usize>,
    key: Range<usize>,
    signature: Vec<u8>,
    scheme: Option<SignatureScheme>,
    subject: Name,
    not_before: SystemTime,
    not_after: SystemTime,
    rsa_bits: Option<usize>,
    is_test: bool,
    extensions: Extensions,
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
        let ends_with_signature = |part: &[u8]| range_within(der, part).is_some_and(|r| r.end == der.len());
        if !ends_with_signature(&parsed.signature_value.data) {
            return Err(Error::Malformed("bytes after its signature"));
        }
        // A signature has whole bytes. OpenSSL insists on it when it checks one, as certificates would otherwise be
        // changed without breaking it; here it holds for every certificate.
        if parsed.signature_value.unused_bits != 0 {
            return Err(Error::Malformed("signatureValue"));
        }
        // OpenSSL compares the two for paths; here it holds for every certificate.
        if parsed.tbs_certificate.signature != parsed.signature_algorithm {
            return Err(Error::Malformed("two signature algorithms"));
        }
        if !encoding::is_written_in_one_way(der) {
            return Err(Error::Malformed("not DER around what is signed"));
        }
        let range = |part: &[u8]| range_within(der, part).ok_or(Error::Malformed("not X.509"));
        // The parser of names stops where it does not understand one; half of a name is nobody's.
        let whole = |name: &X509Name<'_>| match tlv::parse(name.as_raw()) {
            Ok(_) => range(name.as_raw()),
            Err(_) => Err(Error::Malformed("name")),
        };
        let mut certificate = Self {
            der: der.to_vec(),
            fingerprint: sha256(&[der]),
            signed: range(parsed.tbs_certificate.as_ref())?,
            issuer_name: whole(parsed.issuer())?,
            subject_name: whole(parsed.subject())?,
            serial_number: range(parsed.raw_serial())?,
            key: range(parsed.public_key().raw)?,
            signature: parsed.signature_value.data.to_vec(),
            scheme: algorithm::scheme(&parsed.signature_algorithm),
            subject: Name::from_parsed(parsed.subject()),
            not_before: system_time(parsed.validity().not_before)?,
            not_after: system_time(parsed.validity().not_after)?,
            rsa_bits: rsa_bits(&parsed),
            is_test: name::has_test_organisation(parsed.subject())
                || name::has_test_organisation(parsed.issuer()),
            extensions: Extensions::default(),
        };
        // Two extensions of one kind could say different things to different readers.
        let mut kinds: Vec<&[u8]> =
            parsed.extensions().iter().map(|extension| extension.oid.as_bytes()).collect();
        kinds.sort_unstable();
        if kinds.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Error::Malformed("an extension stands there twice"));
        }
        for extension in parsed.extensions() {
            // Compared as bytes: the mark must be found however the rest of the extension looks.
            certificate.is_test |= extension.oid.as_bytes() == test_mark::EXTENSION_OID_DER;
            let known = certificate.extensions.take(&extension.oid, extension.parsed_extension());
            if extension.oid.as_bytes() == key_period::OID {
                certificate.extensions.key_used_from = key_period::begins(extension.value)?;
            }
            if extension.oid.as_bytes() == document_types::OID {
                certificate.extensions.document_types = Some(document_types::listed(extension.value));
            }
            let unreadable = matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. });
            // What nobody here looks at may be malformed in a real card's certificate; OpenSSL has its say.
            if unreadable && (extension.critical || is_consulted(&extension.oid)) {
                return Err(Error::Malformed("extension"));
            }
            certificate.extensions.has_unknown_critical |= extension.critical && !known;
        }
        Ok(certificate)
    }

    /// The DER it was read from.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER: the fingerprint by which certificates are published.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The DER of the subject's name.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        self.part(&self.subject_name)
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.part(&self.issuer_name)
    }

    /// The serial number: the content bytes of the INTEGER, sign and leading zeros as they are. Serial numbers are
    /// compared as these.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        self.part(&self.serial_number)
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        self.part(&self.key)
    }

    /// The subject's public key, as claimed.
    ///
    /// # Errors
    /// [`Error::Crypto`] unless it is an RSA key within bounds or one on a known curve.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        Ok(PublicKey::from_spki(self.public_key_der())?)
    }

    /// First and last moment of validity.
    #[must_use]
    pub fn validity(&self) -> (SystemTime, SystemTime) {
        (self.not_before, self.not_after)
    }

    /// Whether it may issue certificates (basicConstraints cA).
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.extensions.is_authority
    }

    /// The most authorities that may follow below it (basicConstraints pathLenConstraint).
    #[must_use]
    pub fn path_length(&self) -> Option<u32> {
        self.extensions.path_length
    }

    /// keyUsage digitalSignature; `None` without keyUsage.
    #[must_use]
    pub fn allows_digital_signature(&self) -> Option<bool> {
        self.extensions.key_usage.as_ref().map(KeyUsage::digital_signature)
    }

    /// keyUsage contentCommitment (nonRepudiation): the key makes signatures that bind; `None` without keyUsage.
    #[must_use]
    pub fn allows_content_commitment(&self) -> Option<bool> {
        self.extensions.key_usage.as_ref().map(KeyUsage::non_repudiation)
    }

    /// keyUsage keyCertSign; `None` without keyUsage.
    #[must_use]
    pub fn allows_certificate_signing(&self) -> Option<bool> {
        self.extensions.key_usage.as_ref().map(KeyUsage::key_cert_sign)
    }

    /// keyUsage cRLSign; `None` without keyUsage.
    #[must_use]
    pub fn allows_list_signing(&self) -> Option<bool> {
        self.extensions.key_usage.as_ref().map(KeyUsage::crl_sign)
    }

    /// Bits of the modulus, if the key is an RSA key.
    #[must_use]
    pub fn rsa_bits(&self) -> Option<usize> {
        self.rsa_bits
    }

    /// Object identifiers of certificatePolicies, in dotted form.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.extensions.policies
    }

    /// Object identifiers of extKeyUsage, in dotted form; `None` without it.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.extensions.extended_key_usage.as_deref()
    }

    /// The types of documents that it signs (documentTypeList, ICAO 9303-12 section 7.1.1); `None` without the list,
    /// none if it cannot be read.
    #[must_use]
    pub fn document_types(&self) -> Option<&[String]> {
        self.extensions.document_types.as_deref()
    }

    /// extKeyUsage clientAuth; `None` without extKeyUsage. anyExtendedKeyUsage alone does not count, as in
    /// OpenSSL.
    #[must_use]
    pub fn allows_client_authentication(&self) -> Option<bool> {
        self.extended_key_usage().map(|usage| usage.iter().any(|oid| oid == "1.3.6.1.5.5.7.3.2"))
    }

    /// extKeyUsage OCSPSigning (RFC 6960 section 4.2.2.2): it answers for the authority that issued it.
    #[must_use]
    pub fn allows_status_signing(&self) -> bool {
        self.extended_key_usage().is_some_and(|usage| usage.iter().any(|oid| oid == "1.3.6.1.5.5.7.3.9"))
    }

    /// id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1): its issuer wants nobody to ask for its status.
    #[must_use]
    pub fn needs_no_status(&self) -> bool {
        self.extensions.has_no_check
    }

    /// subjectKeyIdentifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// The key identifier in authorityKeyIdentifier.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// Addresses of full revocation lists by the issuer (cRLDistributionPoints), in the order of the certificate:
    /// points for some reasons only or with another issuer are left out. Somebody's claim until the path is
    /// verified; at most eight.
    #[must_use]
    pub fn list_locations(&self) -> &[String] {
        &self.extensions.list_locations
    }

    /// Addresses of OCSP responders (authorityInfoAccess), likewise.
    #[must_use]
    pub fn responder_locations(&self) -> &[String] {
        &self.extensions.responder_locations
    }

    /// Whether it carries the mark of a test PKI, by extension, organisation or issuer.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// From when on its private key was used: what `privateKeyUsagePeriod` says (ICAO 9303-12 section 7.1.1), else the
    /// beginning of its validity.
    #[must_use]
    pub fn key_used_from(&self) -> SystemTime {
        self.extensions.key_used_from.unwrap_or(self.not_before)
    }

    pub(super) fn has_name_constraints(&self) -> bool {
        self.extensions.has_name_constraints
    }

    /// Whether an extension is critical that nothing here knows.
    pub(super) fn has_unknown_critical(&self) -> bool {
        self.extensions.has_unknown_critical
    }

    /// How its own signature says that it was made, if that is known here.
    pub(super) fn scheme(&self) -> Option<SignatureScheme> {
        self.scheme
    }

    /// Whether subject and issuer have one name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// Whether another certificate could be its issuer's, going by names and key identifiers.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        let identifiers = (self.authority_key_identifier(), issuer.subject_key_identifier());
        let same_key = !matches!(identifiers, (Some(authority), Some(subject)) if authority != subject);
        same_key && self.issuer_der() == issuer.subject_der()
    }

    /// Checks its signature by an issuer's key.
    pub(super) fn check_signature(&self, issuer: &PublicKey) -> Result<(), Error> {
        let scheme = self.scheme.ok_or(Error::TooWeak)?;
        let outcome = issuer.verify(scheme, self.part(&self.signed), &self.signature);
        outcome.map_err(|_| Error::BadSignature)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }
}

/// Where in `whole` a part of it lies that a parser handed out.
fn range_within(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let range = start..start.checked_add(part.len())?;
    (whole.get(range.clone()) == Some(part)).then_some(range)
}

/// Bits of the modulus, leading zeros left out.
fn rsa_bits(certificate: &X509Certificate<'_>) -> Option<usize> {
    let Ok(ParsedKey::RSA(key)) = certificate.public_key().parsed() else { return None };
    let modulus: Vec<u8> = key.modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
    let first = modulus.first()?;
    Some(modulus.len() * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

/// Whether an extension decides something here: basicConstraints (2.5.29.19), keyUsage (15), certificatePolicies (32),
/// extKeyUsage (37).
fn is_consulted(oid: &Oid<'_>) -> bool {
    matches!(oid.as_bytes(), [0x55, 0x1D, 19 | 15 | 32 | 37])
}

pub(super) fn system_time(time: ASN1Time) -> Result<SystemTime, Error> {
    // Before 1970 no certificate of any of these cards was valid.
    let seconds = u64::try_from(time.timestamp()).map_err(|_| Error::Malformed("validity"))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(Error::Malformed("validity"))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes{})", self.der.len(), if self.is_test { ", test" } else { "" })
    }
}
