//! The structure of a revocation list (RFC 5280 section 5.1), field by field.
//!
//! `x509-parser` reads the fields, but not the list as a whole: it passes over whatever is left at the end of a
//! SEQUENCE, also over the extensions of an entry that it cannot read, and holds every entry of a list of millions in
//! memory at once. Here an entry is dropped as soon as it is understood, and nothing is passed over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::iter::Peekable;
use std::time::SystemTime;

use x509_parser::asn1_rs::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AlgorithmIdentifier, X509Name};

use super::super::{RevocationReason, Revoked, algorithm, certificate};
use super::extension::{EntryExtensions, ListExtensions};
use super::{ListFault, RevocationList, shortest};
use crate::iso7816::tlv::{Reader, Tlv};

pub(super) const BOOLEAN: u32 = 0x01;
pub(super) const INTEGER: u32 = 0x02;
const BIT_STRING: u32 = 0x03;
pub(super) const OCTET_STRING: u32 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u32 = 0x06;
pub(super) const ENUMERATED: u32 = 0x0A;
const UTC_TIME: u32 = 0x17;
pub(super) const GENERALIZED_TIME: u32 = 0x18;
pub(super) const SEQUENCE: u32 = 0x30;
const EXTENSIONS: u32 = 0xA0;

/// The elements of a constructed value, taken one after the other.
pub(super) struct Fields<'a>(Peekable<Reader<'a>>);

impl<'a> Fields<'a> {
    pub(super) fn of(content: &'a [u8]) -> Self {
        Self(Reader::new(content).peekable())
    }

    /// The next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u32) -> Option<Tlv<'a>> {
        self.0.next_if(|field| field.is_ok_and(|field| field.tag.0 == tag))?.ok()
    }

    /// The next element, which has this tag.
    pub(super) fn required(&mut self, tag: u32, what: &'static str) -> Result<Tlv<'a>, ListFault> {
        self.optional(tag).ok_or(ListFault::Malformed(what))
    }

    /// Nothing is left, read or not.
    pub(super) fn end(mut self, what: &'static str) -> Result<(), ListFault> {
        if self.0.next().is_none() { Ok(()) } else { Err(ListFault::Malformed(what)) }
    }
}

/// The one element that `encoded` consists of.
pub(super) fn whole<'a>(encoded: &'a [u8], tag: u32, what: &'static str) -> Result<Tlv<'a>, ListFault> {
    let mut fields = Fields::of(encoded);
    let element = fields.required(tag, what)?;
    fields.end(what)?;
    Ok(element)
}

/// Reads the DER of a list. Its entries come last: `check` sees the list without them.
pub(super) fn list<T>(
    der: &[u8],
    check: impl FnOnce(&RevocationList) -> Result<T, ListFault>,
) -> Result<(RevocationList, T), ListFault> {
    let mut outer = Fields::of(whole(der, SEQUENCE, "not a revocation list")?.value);
    let signed = outer.required(SEQUENCE, "tbsCertList")?;
    let outer_algorithm = outer.required(SEQUENCE, "signatureAlgorithm")?;
    let signature = outer.required(BIT_STRING, "signatureValue")?;
    outer.end("bytes after the signature")?;
    // A signature has whole bytes.
    let Some((0, signature)) = signature.value.split_first() else {
        return Err(ListFault::Malformed("signatureValue"));
    };

    let mut fields = Fields::of(signed.value);
    let version_2 = match fields.optional(INTEGER).map(|version| version.value) {
        None => false,
        Some([1]) => true,
        Some(_) => return Err(ListFault::Malformed("version")),
    };
    let algorithm = fields.required(SEQUENCE, "signature")?;
    if algorithm.encoded != outer_algorithm.encoded {
        return Err(ListFault::Malformed("two signature algorithms"));
    }
    let (_, algorithm) = AlgorithmIdentifier::from_der(algorithm.encoded)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .ok_or(ListFault::Malformed("signature"))?;
    let issuer = fields.required(SEQUENCE, "issuer")?;
    let name = X509Name::from_der(issuer.encoded);
    if !name.is_ok_and(|(_, name)| name.as_raw() == issuer.encoded) {
        return Err(ListFault::Malformed("issuer"));
    }
    let this_update = optional_time(&mut fields, "thisUpdate")?.ok_or(ListFault::Malformed("thisUpdate"))?;
    let next_update = optional_time(&mut fields, "nextUpdate")?;
    let entries = fields.optional(SEQUENCE);
    let extensions = fields.optional(EXTENSIONS);
    fields.end("tbsCertList")?;

    // What the list is comes before what stands in it: the answer to a delta is that it is one, not that one of its
    // entries takes something back.
    let mut said = ListExtensions::default();
    if let Some(extensions) = extensions {
        check_version(version_2)?;
        said = ListExtensions::read(whole(extensions.value, SEQUENCE, "crlExtensions")?.value)?;
    }
    let next_update = next_update.ok_or(ListFault::NoNextUpdate)?;
    if next_update < this_update {
        return Err(ListFault::Malformed("nextUpdate before thisUpdate"));
    }
    let scheme = algorithm::scheme(&algorithm);
    let mut list = RevocationList {
        issuer: issuer.encoded.to_vec(),
        this_update,
        next_update,
        signed: scheme.map(|scheme| (scheme, scheme.digest().hash(signed.encoded))),
        signature: signature.to_vec(),
        authority_key_identifier: said.authority_key_identifier,
        scope: said.scope,
        revoked: HashMap::new(),
    };
    let checked = check(&list)?;
    list.revoked = revoked(entries.map_or(&[], |entries| entries.value), version_2)?;
    Ok((list, checked))
}

/// The entries by serial number. An empty SEQUENCE should have been left out, and often is not.
fn revoked(entries: &[u8], version_2: bool) -> Result<HashMap<Box<[u8]>, Revoked>, ListFault> {
    let mut revoked = HashMap::new();
    for entry in Reader::new(entries) {
        let entry = entry.ok().filter(|entry| entry.tag.0 == SEQUENCE);
        let (serial_number, said) =
            self::entry(entry.ok_or(ListFault::Malformed("revokedCertificates"))?.value, version_2)?;
        match revoked.entry(Box::from(serial_number)) {
            Entry::Vacant(place) => {
                place.insert(said);
            }
            // Listed twice: who relies on it should rather distrust the longer time, and what was only suspended may
            // come back.
            Entry::Occupied(mut place) => {
                let finality =
                    |revoked: &Revoked| (revoked.reason == Some(RevocationReason::Hold), revoked.since);
                if finality(&said) < finality(place.get()) {
                    place.insert(said);
                }
            }
        }
    }
    revoked.shrink_to_fit();
    Ok(revoked)
}

fn entry(content: &[u8], version_2: bool) -> Result<(&[u8], Revoked), ListFault> {
    let mut fields = Fields::of(content);
    let serial_number = fields.required(INTEGER, "userCertificate")?.value;
    if serial_number.is_empty() {
        return Err(ListFault::Malformed("userCertificate"));
    }
    let since =
        optional_time(&mut fields, "revocationDate")?.ok_or(ListFault::Malformed("revocationDate"))?;
    let extensions = fields.optional(SEQUENCE);
    fields.end("revokedCertificates")?;
    let mut said = EntryExtensions::default();
    if let Some(extensions) = extensions {
        check_version(version_2)?;
        said = EntryExtensions::read(extensions.value)?;
    }
    Ok((shortest(serial_number), Revoked { since, reason: said.reason }))
}

/// Extensions came with version 2 (sections 5.1.2.1, 5.2 and 5.3).
fn check_version(version_2: bool) -> Result<(), ListFault> {
    if version_2 { Ok(()) } else { Err(ListFault::Malformed("extensions in version 1")) }
}

fn optional_time(fields: &mut Fields<'_>, what: &'static str) -> Result<Option<SystemTime>, ListFault> {
    let time = fields.optional(UTC_TIME).or_else(|| fields.optional(GENERALIZED_TIME));
    time.map(|time| moment(&time).ok_or(ListFault::Malformed(what))).transpose()
}

/// A moment in one of the two forms that RFC 5280 leaves (sections 5.1.2.4 to 5.1.2.6): to the second, in UTC.
/// `x509-parser` also takes local times, which mean something else on every computer.
pub(super) fn moment(time: &Tlv<'_>) -> Option<SystemTime> {
    let length = if time.tag.0 == UTC_TIME { 13 } else { 15 };
    if time.value.len() != length || time.value.last() != Some(&b'Z') {
        return None;
    }
    let (_, moment) = ASN1Time::from_der(time.encoded).ok()?;
    certificate::system_time(moment).ok()
}
