//! A certificate in its parts, as far as they name somebody or give it its shape (RFC 5280 section 4.1).

use crate::iso7816::tlv::{self, Reader, Tlv};

const INTEGER: u32 = 0x02;
const OBJECT_IDENTIFIER: u32 = 0x06;

/// extKeyUsage, subjectKeyIdentifier, as the bytes of their object identifiers.
pub(super) const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 0x1D, 0x25];
const SUBJECT_KEY_IDENTIFIER: [u8; 3] = [0x55, 0x1D, 0x0E];
/// id-kp-clientAuth, of a key that logs in.
pub(super) const CLIENT_AUTHENTICATION: [u8; 8] = hex_literal::hex!("2B06010505070302");
/// Attributes of a name.
pub(super) const SURNAME: [u8; 3] = [0x55, 0x04, 0x04];
pub(super) const GIVEN_NAME: [u8; 3] = [0x55, 0x04, 0x2A];
pub(super) const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
pub(super) const SERIAL_NUMBER: [u8; 3] = [0x55, 0x04, 0x05];
/// Country, organisation and its unit: whoever issued the card, not its holder.
const IMPERSONAL: [[u8; 3]; 3] = [[0x55, 0x04, 0x06], [0x55, 0x04, 0x0A], [0x55, 0x04, 0x0B]];

/// The parts.
pub(super) struct Parts<'a> {
    pub(super) serial_number: &'a [u8],
    /// As their times are written.
    pub(super) validity: Vec<&'a [u8]>,
    /// Object identifier and text of the subject's attributes, those of the issuer left out.
    pub(super) subject: Vec<(&'a [u8], &'a [u8])>,
    /// Modulus of an RSA key.
    pub(super) modulus: &'a [u8],
    /// Identifier and value of the extensions.
    pub(super) extensions: Vec<(&'a [u8], &'a [u8])>,
    pub(super) signature: &'a [u8],
}

impl<'a> Parts<'a> {
    /// The parts of a certificate that stands at the beginning of these bytes.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let length = tlv::encoded_length(bytes).ok()?;
        let certificate = tlv::parse(bytes.get(..length)?).ok()?;
        let [tbs, _, signature] = children(certificate.value)?.try_into().ok()?;
        let mut fields = children(tbs.value)?;
        if fields.first().is_some_and(|first| first.tag.0 == 0xA0) {
            fields.remove(0);
        }
        let mut fields = fields.into_iter();
        let serial_number = fields.next().filter(|field| field.tag.0 == INTEGER)?;
        let (_algorithm, _issuer, validity) = (fields.next()?, fields.next()?, fields.next()?);
        let (subject, key) = (fields.next()?, fields.next()?);
        let extensions = fields.find(|field| field.tag.0 == 0xA3);
        Some(Self {
            serial_number: unsigned(serial_number.value),
            validity: children(validity.value)?.into_iter().map(|time| time.value).collect(),
            subject: attributes(subject.value)?,
            modulus: modulus(key.value)?,
            extensions: extensions
                .and_then(|extensions| self::extensions(extensions.value))
                .unwrap_or_default(),
            // Before it the number of unused bits.
            signature: signature.value.get(1..)?,
        })
    }

    /// The text of an attribute of the subject.
    pub(super) fn attribute(&self, identifier: &[u8]) -> Option<&'a [u8]> {
        self.subject.iter().find(|(found, _)| *found == identifier).map(|(_, text)| *text)
    }

    pub(super) fn extension(&self, identifier: &[u8]) -> Option<&'a [u8]> {
        self.extensions.iter().find(|(found, _)| *found == identifier).map(|(_, value)| *value)
    }

    /// The identifier of the holder's key.
    pub(super) fn key_identifier(&self) -> Option<&'a [u8]> {
        Some(tlv::parse(self.extension(&SUBJECT_KEY_IDENTIFIER)?).ok()?.value)
    }
}

/// The objects in a value, if it consists of them.
pub(super) fn children(value: &[u8]) -> Option<Vec<Tlv<'_>>> {
    Reader::new(value).collect::<Result<_, _>>().ok()
}

/// A number without the zeros before it.
pub(super) fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

fn attributes(subject: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut found = Vec::new();
    for set in children(subject)? {
        for attribute in children(set.value)? {
            let [identifier, text] = children(attribute.value)?.try_into().ok()?;
            if !IMPERSONAL.iter().any(|impersonal| impersonal == identifier.value) {
                found.push((identifier.value, text.value));
            }
        }
    }
    Some(found)
}

/// Of a SubjectPublicKeyInfo.
fn modulus(info: &[u8]) -> Option<&[u8]> {
    let [_, bits] = children(info)?.try_into().ok()?;
    rsa_modulus(bits.value.get(1..)?)
}

/// Of an RSAPublicKey that stands at the beginning of these bytes.
pub(super) fn rsa_modulus(bytes: &[u8]) -> Option<&[u8]> {
    let length = tlv::encoded_length(bytes).ok()?;
    let key = tlv::parse(bytes.get(..length)?).ok()?;
    children(key.value)?.first().filter(|first| first.tag.0 == INTEGER).map(|first| unsigned(first.value))
}

fn extensions(wrapped: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let list = tlv::parse(wrapped).ok()?;
    let mut found = Vec::new();
    for extension in children(list.value)? {
        let fields = children(extension.value)?;
        let identifier = fields.first().filter(|first| first.tag.0 == OBJECT_IDENTIFIER)?;
        found.push((identifier.value, fields.last()?.value));
    }
    Some(found)
}
