//! Distinguished names (RFC 5280 section 4.1.2.4), as far as they say who somebody is.

use std::fmt;

use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

use crate::test_mark;

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
    /// An attribute that stands there twice is ambiguous, and is left out; so is one with control characters, which
    /// are in no name and end it or move it about wherever it is shown.
    pub(super) fn from_parsed(name: &X509Name<'_>) -> Self {
        let find = |oid: [u8; 3]| {
            let mut found =
                name.iter_attributes().filter(|attribute| attribute.attr_type().as_bytes() == oid);
            found
                .next()
                .filter(|_| found.next().is_none())
                .and_then(text)
                .filter(|text| !text.contains(char::is_control))
        };
        // The arc of the X.500 attribute types, 2.5.4, is 55 04 in DER.
        Self {
            common_name: find([0x55, 0x04, 3]),
            surname: find([0x55, 0x04, 4]),
            given_name: find([0x55, 0x04, 42]),
            serial_number: find([0x55, 0x04, 5]),
            organization: find([0x55, 0x04, 10]),
            country: find([0x55, 0x04, 6]),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(..)")
    }
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
pub(super) fn has_test_organisation(name: &X509Name<'_>) -> bool {
    let folded = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().filter(|byte| byte.is_ascii_graphic()).map(u8::to_ascii_uppercase).collect()
    };
    let mark = test_mark::ORGANISATION.as_bytes();
    let is_mark = |bytes: &[u8]| bytes.len() >= MARK_LENGTH && folded(bytes) == folded(mark);
    name.iter_attributes().any(|attribute| is_mark(attribute.attr_value().data))
}

/// Characters of the mark without its blanks.
const MARK_LENGTH: usize = 17;
