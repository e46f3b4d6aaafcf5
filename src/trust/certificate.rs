//! The fields of an X.509 certificate that decide about trust (RFC 5280 section 4), in our own types.

use std::fmt;
use std::time::{Duration, SystemTime};

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};
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
    fn from_parsed(name: &X509Name<'_>) -> Self {
        let find = |oid: &str| {
            name.iter_attributes()
                .find(|attribute| attribute.attr_type().to_id_string() == oid)
                .and_then(|attribute| attribute.as_str().ok())
                .map(str::to_owned)
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
    extended_usages: Option<Vec<String>>,
    policies: Vec<String>,
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
            extended_usages: None,
            policies: Vec::new(),
            is_test: has_test_organisation(parsed.subject()) || has_test_organisation(parsed.issuer()),
        };
        for extension in parsed.extensions() {
            // Compared as bytes: the mark must be found however the rest of the extension looks.
            certificate.is_test |= extension.oid.as_bytes() == test_mark::EXTENSION_OID_DER;
            certificate.take(extension.parsed_extension())?;
        }
        Ok(certificate)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>) -> Result<(), Error> {
        match extension {
            ParsedExtension::BasicConstraints(constraints) => self.is_authority = constraints.ca,
            ParsedExtension::KeyUsage(usage) => self.digital_signature = Some(usage.digital_signature()),
            ParsedExtension::CertificatePolicies(policies) => {
                self.policies = policies.iter().map(|policy| policy.policy_id.to_id_string()).collect();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let mut usages: Vec<String> = usage.other.iter().map(ToString::to_string).collect();
                usages.extend(usage.any.then(|| ANY_EXTENDED_USAGE.to_owned()));
                usages.extend(usage.client_auth.then(|| CLIENT_AUTHENTICATION.to_owned()));
                self.extended_usages = Some(usages);
            }
            ParsedExtension::ParseError { .. } => return Err(Error::Malformed("extension")),
            ParsedExtension::SubjectAlternativeName(names)
                if names.general_names.iter().any(|name| matches!(name, GeneralName::Invalid(..))) =>
            {
                return Err(Error::Malformed("subject alternative name"));
            }
            _ => {}
        }
        Ok(())
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

    /// Object identifiers of certificatePolicies, in dotted form.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// Whether extKeyUsage is absent, or allows client authentication or anything.
    #[must_use]
    pub fn allows_client_authentication(&self) -> bool {
        let allows = |usage: &String| usage == CLIENT_AUTHENTICATION || usage == ANY_EXTENDED_USAGE;
        self.extended_usages.as_ref().is_none_or(|usages| usages.iter().any(allows))
    }

    /// Whether it carries the mark of a test PKI, by extension, organisation or issuer.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test
    }
}

/// extKeyUsage id-kp-clientAuth.
const CLIENT_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.2";
/// extKeyUsage anyExtendedKeyUsage.
const ANY_EXTENDED_USAGE: &str = "2.5.29.37.0";

fn has_test_organisation(name: &X509Name<'_>) -> bool {
    name.iter_attributes()
        .any(|attribute| attribute.as_str().is_ok_and(|text| text == test_mark::ORGANISATION))
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
