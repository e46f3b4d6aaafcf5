//! The fields of an OCSP response as they stand in its DER (RFC 6960 section 4.2.1).
//!
//! Everything is borrowed from the input and nothing is written anew: what is signed is a piece of the input, and so
//! are the names and numbers that are compared. **No signature is checked here.**

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use der::asn1::{GeneralizedTime, ObjectIdentifier};
use der::{Tag, TagNumber};

use crate::cms::Error;
use crate::cms::fields::{Fields, context};
use crate::trust::{RevocationReason, Revoked};

/// The most answers in a response; one certificate was asked for.
const ANSWERS_MAX: usize = 64;
/// The most certificates that are looked at, and the most extensions in one place.
const CERTIFICATES_MAX: usize = 8;
const EXTENSIONS_MAX: usize = 16;

/// `OCSPResponse`: status, and what is in `responseBytes`.
pub(super) struct Outer<'a> {
    pub(super) status: u8,
    /// The content of responseType, and the DER of such a response.
    pub(super) response: Option<(&'a [u8], &'a [u8])>,
}

/// `BasicOCSPResponse` with the `ResponseData` in it.
pub(super) struct Response<'a> {
    /// tbsResponseData as it came.
    pub(super) signed: &'a [u8],
    pub(super) responder: ResponderId<'a>,
    pub(super) produced_at: SystemTime,
    pub(super) answers: Vec<Answer<'a>>,
    pub(super) extensions: Vec<Extension<'a>>,
    /// The DER of signatureAlgorithm.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// The DER of the first few enclosed certificates.
    pub(super) certificates: Vec<&'a [u8]>,
}

/// Who is said to have signed.
#[derive(Clone, Copy)]
pub(super) enum ResponderId<'a> {
    /// The DER of the subject's name.
    Name(&'a [u8]),
    /// SHA-1 of the key.
    Key(&'a [u8]),
}

/// `SingleResponse`.
pub(super) struct Answer<'a> {
    pub(super) certificate: CertificateId<'a>,
    pub(super) status: Status,
    pub(super) this_update: SystemTime,
    pub(super) next_update: Option<SystemTime>,
    pub(super) extensions: Vec<Extension<'a>>,
}

/// `CertID`; of algorithm and number the content.
pub(super) struct CertificateId<'a> {
    pub(super) hash_algorithm: &'a [u8],
    pub(super) issuer_name_hash: &'a [u8],
    pub(super) issuer_key_hash: &'a [u8],
    pub(super) serial_number: &'a [u8],
}

/// `CertStatus`.
#[derive(Clone, Copy)]
pub(super) enum Status {
    Good,
    Revoked(Revoked),
    Unknown,
}

/// An extension (RFC 5280 section 4.2) that was not looked into.
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// The tag [number] of a primitive, context-specific field.
const fn primitive(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber::new(number) }
}

impl<'a> Outer<'a> {
    /// Nothing may be left over.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let mut fields = only(der, "OCSPResponse")?;
        let status = code(fields.value(Tag::Enumerated)?, "responseStatus")?;
        let response = match fields.inside_if(context(0))? {
            Some(explicit) => {
                let mut explicit = explicit.named("responseBytes");
                let mut inside = explicit.inside(Tag::Sequence)?;
                explicit.end()?;
                let response = (inside.value(Tag::ObjectIdentifier)?, inside.value(Tag::OctetString)?);
                inside.end()?;
                Some(response)
            }
            None => None,
        };
        fields.end()?;
        Ok(Self { status, response })
    }
}

impl<'a> Response<'a> {
    /// Nothing may be left over.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let mut fields = only(der, "BasicOCSPResponse")?;
        let signed = fields.field(Tag::Sequence)?;
        let algorithm = algorithm(&mut fields)?;
        let signature = bits(&mut fields, "signature")?;
        let mut certificates = Vec::new();
        if let Some(explicit) = fields.inside_if(context(0))? {
            let mut explicit = explicit.named("certs");
            let mut list = explicit.inside(Tag::Sequence)?;
            explicit.end()?;
            while let Some(certificate) = list.any()? {
                // The signer's is among the first, if not the only one.
                if certificate.tag == Tag::Sequence && certificates.len() < CERTIFICATES_MAX {
                    certificates.push(certificate.encoded);
                }
            }
        }
        fields.end()?;

        let mut data = Fields::new(signed.value, "tbsResponseData")?;
        if let Some(explicit) = data.inside_if(context(0))? {
            let mut explicit = explicit.named("version");
            // v1, which DER leaves out; there is no other.
            if explicit.value(Tag::Integer)? != [0] {
                return Err(Error::Malformed("version"));
            }
            explicit.end()?;
        }
        let responder = ResponderId::read(&mut data)?;
        let produced_at = time(&mut data)?;
        let mut list = data.inside(Tag::Sequence)?.named("responses");
        let mut answers = Vec::new();
        while let Some(answer) = list.field_if(Tag::Sequence)? {
            if answers.len() == ANSWERS_MAX {
                return Err(Error::TooMany("responses"));
            }
            answers.push(Answer::read(answer.value)?);
        }
        list.end()?;
        let extensions = extensions(&mut data, "responseExtensions")?;
        data.end()?;
        Ok(Self {
            signed: signed.encoded,
            responder,
            produced_at,
            answers,
            extensions,
            algorithm,
            signature,
            certificates,
        })
    }
}

impl<'a> ResponderId<'a> {
    fn read(fields: &mut Fields<'a>) -> Result<Self, Error> {
        if let Some(explicit) = fields.inside_if(context(1))? {
            let mut explicit = explicit.named("responderID");
            let name = explicit.field(Tag::Sequence)?.encoded;
            explicit.end()?;
            return Ok(Self::Name(name));
        }
        let mut explicit = fields.inside(context(2))?.named("responderID");
        let key = explicit.value(Tag::OctetString)?;
        explicit.end()?;
        Ok(Self::Key(key))
    }
}

impl<'a> Answer<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(content, "SingleResponse")?;
        let certificate = CertificateId::read(fields.inside(Tag::Sequence)?.named("certID"))?;
        let status = Status::read(&mut fields)?;
        let this_update = time(&mut fields)?;
        let next_update = match fields.inside_if(context(0))? {
            Some(explicit) => {
                let mut explicit = explicit.named("nextUpdate");
                let next_update = time(&mut explicit)?;
                explicit.end()?;
                Some(next_update)
            }
            None => None,
        };
        let extensions = extensions(&mut fields, "singleExtensions")?;
        fields.end()?;
        Ok(Self { certificate, status, this_update, next_update, extensions })
    }
}

impl<'a> CertificateId<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, Error> {
        let mut algorithm = fields.inside(Tag::Sequence)?;
        let hash_algorithm = algorithm.value(Tag::ObjectIdentifier)?;
        // Left out or NULL: both are written, both mean none.
        if algorithm.field_if(Tag::Null)?.is_some_and(|null| !null.value.is_empty()) {
            return Err(Error::Malformed("certID"));
        }
        algorithm.end()?;
        let issuer_name_hash = fields.value(Tag::OctetString)?;
        let issuer_key_hash = fields.value(Tag::OctetString)?;
        let serial_number = fields.value(Tag::Integer)?;
        fields.end()?;
        Ok(Self { hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number })
    }
}

impl Status {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Error> {
        if let Some(revoked) = fields.inside_if(context(1))? {
            let mut revoked = revoked.named("revoked");
            let since = time(&mut revoked)?;
            let reason = match revoked.inside_if(context(0))? {
                Some(mut explicit) => {
                    let reason = code(explicit.value(Tag::Enumerated)?, "revocationReason")?;
                    explicit.end()?;
                    RevocationReason::from_code(reason)
                }
                None => None,
            };
            revoked.end()?;
            return Ok(Self::Revoked(Revoked { since, reason }));
        }
        let field = fields.any_or_missing()?;
        let status = [(primitive(0), Self::Good), (primitive(2), Self::Unknown)];
        let known = status.into_iter().find(|(tag, _)| field.tag == *tag && field.value.is_empty());
        known.map(|(_, status)| status).ok_or(Error::Malformed("certStatus"))
    }
}

/// `[1] EXPLICIT Extensions OPTIONAL`, the last field of `fields`.
fn extensions<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<Vec<Extension<'a>>, Error> {
    let Some(explicit) = fields.inside_if(context(1))? else { return Ok(Vec::new()) };
    let mut explicit = explicit.named(name);
    let mut list = explicit.inside(Tag::Sequence)?;
    explicit.end()?;
    let mut extensions = Vec::new();
    while let Some(extension) = list.field_if(Tag::Sequence)? {
        if extensions.len() == EXTENSIONS_MAX {
            return Err(Error::TooMany(name));
        }
        let mut inside = Fields::new(extension.value, name)?;
        let oid = inside.value(Tag::ObjectIdentifier)?;
        let critical = match inside.field_if(Tag::Boolean)?.map(|critical| critical.value) {
            Some([0xFF]) => true,
            // DER leaves out what is the default; it means the same.
            None | Some([0]) => false,
            Some(_) => return Err(Error::Malformed(name)),
        };
        let value = inside.value(Tag::OctetString)?;
        inside.end()?;
        extensions.push(Extension { oid, critical, value });
    }
    list.end()?;
    Ok(extensions)
}

/// The fields of the one SEQUENCE that `der` consists of.
fn only<'a>(der: &'a [u8], name: &'static str) -> Result<Fields<'a>, Error> {
    let mut whole = Fields::new(der, name)?;
    let fields = whole.inside(Tag::Sequence)?;
    whole.end()?;
    Ok(fields)
}

/// The DER of an `AlgorithmIdentifier`. What reads its meaning is lenient about tags and object identifiers.
fn algorithm<'a>(fields: &mut Fields<'a>) -> Result<&'a [u8], Error> {
    let algorithm = fields.field(Tag::Sequence)?;
    let name = "signatureAlgorithm";
    let mut inside = Fields::new(algorithm.value, name)?;
    let oid = inside.value(Tag::ObjectIdentifier)?;
    ObjectIdentifier::from_bytes(oid).map_err(|_| Error::Malformed(name))?;
    inside.any()?;
    inside.end()?;
    Ok(algorithm.encoded)
}

/// A BIT STRING of whole bytes.
fn bits<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<&'a [u8], Error> {
    match fields.value(Tag::BitString)?.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(Error::Malformed(name)),
    }
}

/// The bits of the key in a `SubjectPublicKeyInfo`.
pub(super) fn key_bits(spki: &[u8]) -> Result<&[u8], Error> {
    let mut fields = only(spki, "SubjectPublicKeyInfo")?;
    fields.field(Tag::Sequence)?;
    let bits = bits(&mut fields, "SubjectPublicKeyInfo")?;
    fields.end()?;
    Ok(bits)
}

/// A GeneralizedTime as RFC 5280 section 4.1.2.5.2 wants it: to the second, in universal time. Nothing before 1970.
fn time(fields: &mut Fields<'_>) -> Result<SystemTime, Error> {
    let since_epoch = fields.decode::<GeneralizedTime>()?.to_unix_duration();
    SystemTime::UNIX_EPOCH.checked_add(since_epoch).ok_or(Error::Malformed("time"))
}

/// The value of an ENUMERATED of one byte.
fn code(content: &[u8], name: &'static str) -> Result<u8, Error> {
    match content {
        [code @ 0..=0x7F] => Ok(*code),
        _ => Err(Error::Malformed(name)),
    }
}
