//! `LDSSecurityObject`: the numbered digests that EF.SOD signs (ICAO 9303-10 section 4.6.2.3).

use hex_literal::hex;

use super::{Error, GROUPS_MAX};
use crate::crypto::DigestAlgorithm;
use crate::iso7816::tlv::{self, Reader, Tlv};

const INTEGER: u32 = 0x02;
const OCTET_STRING: u32 = 0x04;
const NULL: &[u8] = &[0x05, 0x00];
const OBJECT_IDENTIFIER: u32 = 0x06;
const PRINTABLE_STRING: u32 = 0x13;
const SEQUENCE: u32 = 0x30;

/// Content bytes of the object identifiers of the digest algorithms (RFC 5754 section 2; RFC 3370).
const ALGORITHMS: [(&[u8], DigestAlgorithm); 4] = [
    (&hex!("2B0E03021A"), DigestAlgorithm::Sha1),
    (&hex!("608648016503040201"), DigestAlgorithm::Sha256),
    (&hex!("608648016503040202"), DigestAlgorithm::Sha384),
    (&hex!("608648016503040203"), DigestAlgorithm::Sha512),
];

/// The longest version text, in bytes.
const VERSION_MAX: usize = 16;

/// `LDSVersionInfo`, as claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdsVersion {
    lds: String,
    unicode: String,
}

impl LdsVersion {
    fn parse(info: &[u8]) -> Result<Self, Error> {
        let mut fields = Reader::new(info);
        let lds = version_text(next(&mut fields, PRINTABLE_STRING)?)?;
        let unicode = version_text(next(&mut fields, PRINTABLE_STRING)?)?;
        end(fields)?;
        Ok(Self { lds, unicode })
    }

    /// Version of the logical data structure: "0108" is 1.8.
    #[must_use]
    pub fn lds(&self) -> &str {
        &self.lds
    }

    /// Version of Unicode: "040000" is 4.0.0.
    #[must_use]
    pub fn unicode(&self) -> &str {
        &self.unicode
    }
}

/// What EF.SOD signs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LdsSecurityObject {
    pub(crate) version: u8,
    pub(crate) algorithm: DigestAlgorithm,
    pub(crate) digests: Vec<(u8, Vec<u8>)>,
    pub(crate) lds_version: Option<LdsVersion>,
}

impl LdsSecurityObject {
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Error> {
        let object = tlv::parse(content)?;
        if object.tag.0 != SEQUENCE {
            return Err(Error::Malformed("LDS security object"));
        }
        let mut fields = Reader::new(object.value);
        let version = match next(&mut fields, INTEGER)? {
            [version @ (0 | 1)] => *version,
            _ => return Err(Error::Malformed("version")),
        };
        let algorithm = algorithm(next(&mut fields, SEQUENCE)?)?;
        let digests = digests(next(&mut fields, SEQUENCE)?, algorithm)?;
        let lds_version = match fields.next().transpose()? {
            Some(Tlv { tag: tlv::Tag(SEQUENCE), value, .. }) => Some(LdsVersion::parse(value)?),
            Some(_) => return Err(Error::Malformed("LDS version")),
            None => None,
        };
        end(fields)?;
        Ok(Self { version, algorithm, digests, lds_version })
    }
}

/// The value of the next object, which must have this tag.
fn next<'a>(fields: &mut Reader<'a>, tag: u32) -> Result<&'a [u8], Error> {
    let object = fields.next().ok_or(Error::Malformed("LDS security object"))??;
    if object.tag.0 == tag { Ok(object.value) } else { Err(Error::Malformed("LDS security object")) }
}

fn end(mut fields: Reader<'_>) -> Result<(), Error> {
    if fields.next().is_none() { Ok(()) } else { Err(Error::Malformed("LDS security object")) }
}

fn algorithm(identifier: &[u8]) -> Result<DigestAlgorithm, Error> {
    let mut fields = Reader::new(identifier);
    let oid = next(&mut fields, OBJECT_IDENTIFIER)?;
    // Cards leave the parameters out; others write NULL.
    if let Some(parameters) = fields.next().transpose()? {
        if parameters.encoded != NULL {
            return Err(Error::Malformed("parameters of the digest algorithm"));
        }
    }
    end(fields)?;
    let known = ALGORITHMS.into_iter().find(|(bytes, _)| *bytes == oid);
    known.map(|(_, algorithm)| algorithm).ok_or(Error::UnsupportedDigest)
}

fn digests(list: &[u8], algorithm: DigestAlgorithm) -> Result<Vec<(u8, Vec<u8>)>, Error> {
    let mut digests: Vec<(u8, Vec<u8>)> = Vec::new();
    for entry in Reader::new(list) {
        let entry = entry?;
        if entry.tag.0 != SEQUENCE {
            return Err(Error::Malformed("digest of a file"));
        }
        if digests.len() == GROUPS_MAX {
            return Err(Error::Malformed("too many files"));
        }
        let mut fields = Reader::new(entry.value);
        let group = number(next(&mut fields, INTEGER)?)?;
        let digest = next(&mut fields, OCTET_STRING)?;
        end(fields)?;
        if digest.len() != algorithm.output_length() {
            return Err(Error::DigestLength { group, found: digest.len() });
        }
        if digests.iter().any(|(earlier, _)| *earlier == group) {
            return Err(Error::DuplicateGroup(group));
        }
        digests.push((group, digest.to_vec()));
    }
    if digests.is_empty() { Err(Error::Malformed("no files")) } else { Ok(digests) }
}

/// The number of a file. Cards write A5 as one byte, which DER reads as a negative number; the byte is
/// taken as it is. `00 A5`, which is how DER writes the positive number, means the same.
fn number(integer: &[u8]) -> Result<u8, Error> {
    match integer {
        [number] => Ok(*number),
        [0, number] if *number >= 0x80 => Ok(*number),
        _ => Err(Error::Malformed("number of a file")),
    }
}

fn version_text(bytes: &[u8]) -> Result<String, Error> {
    let malformed = Error::Malformed("LDS version");
    if bytes.len() > VERSION_MAX || !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(malformed);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| malformed)
}
