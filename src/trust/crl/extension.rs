//! What the extensions of a revocation list and of its entries say (RFC 5280 sections 5.2 and 5.3).

use std::collections::HashSet;

use super::super::{Certificate, RevocationReason};
use super::ListFault;
use super::parse::{
    BOOLEAN, ENUMERATED, Fields, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE,
    moment, whole,
};
use crate::iso7816::tlv::Reader;

// Object identifiers below id-ce (2.5.29), as they are encoded.
const ISSUER_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 18];
const LIST_NUMBER: &[u8] = &[0x55, 0x1D, 20];
const REASON_CODE: &[u8] = &[0x55, 0x1D, 21];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1D, 24];
const DELTA_LIST_INDICATOR: &[u8] = &[0x55, 0x1D, 27];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1D, 28];
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1D, 29];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1D, 35];
const FRESHEST_LIST: &[u8] = &[0x55, 0x1D, 46];

/// removeFromCRL: takes a certificate off the list that a delta is about.
const REMOVE_FROM_LIST: u8 = 8;

/// One extension.
struct Extension<'a> {
    oid: &'a [u8],
    critical: bool,
    /// The content of extnValue: DER of something.
    value: &'a [u8],
}

/// Calls for each extension; two of one kind could say different things to different readers.
fn each<'a>(
    extensions: &'a [u8],
    mut take: impl FnMut(Extension<'a>) -> Result<(), ListFault>,
) -> Result<(), ListFault> {
    const WHAT: &str = "extension";
    let mut seen = HashSet::new();
    for extension in Reader::new(extensions) {
        let extension = extension.ok().filter(|extension| extension.tag.0 == SEQUENCE);
        let mut fields = Fields::of(extension.ok_or(ListFault::Malformed(WHAT))?.value);
        let oid = fields.required(OBJECT_IDENTIFIER, WHAT)?.value;
        // What other readers could take for an identifier that is known here must not pass for an unknown one.
        if !is_well_formed(oid) {
            return Err(ListFault::Malformed(WHAT));
        }
        let critical = fields.optional(BOOLEAN).map_or(Ok(false), |critical| boolean(critical.value))?;
        let value = fields.required(OCTET_STRING, WHAT)?.value;
        fields.end(WHAT)?;
        if !seen.insert(oid) {
            return Err(ListFault::Malformed("an extension stands there twice"));
        }
        take(Extension { oid, critical, value })?;
    }
    Ok(())
}

/// Whether each number of an object identifier is whole and written in its shortest form (X.690 section 8.19.2).
fn is_well_formed(oid: &[u8]) -> bool {
    let ends = |byte: &u8| *byte < 0x80;
    oid.last().is_some_and(ends) && oid.split_inclusive(ends).all(|number| number.first() != Some(&0x80))
}

/// The content of a BOOLEAN. DER knows one TRUE; the others are taken for it too, as all that can be true here is
/// a restriction.
fn boolean(content: &[u8]) -> Result<bool, ListFault> {
    match content {
        [byte] => Ok(*byte != 0),
        _ => Err(ListFault::Malformed("BOOLEAN")),
    }
}

/// What the extensions of a list say.
#[derive(Default)]
pub(super) struct ListExtensions {
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) scope: Scope,
}

impl ListExtensions {
    pub(super) fn read(extensions: &[u8]) -> Result<Self, ListFault> {
        let mut said = Self::default();
        each(extensions, |extension| {
            match extension.oid {
                // A full list that names its deltas lacks what was revoked since. Critical or not: RFC 5280 lets
                // those pass it over who do not mind.
                DELTA_LIST_INDICATOR | FRESHEST_LIST => return Err(ListFault::Delta),
                AUTHORITY_KEY_IDENTIFIER => {
                    said.authority_key_identifier = key_identifier(extension.value)?.map(<[u8]>::to_vec);
                }
                // Every list of version 2 must have one. What the lists of the first cards' authorities look like
                // is not known to us, and nothing here is decided by it: so it may be missing, but not be wrong.
                LIST_NUMBER => check_number(extension.value)?,
                // Should be critical; what it says is true also if it is not.
                ISSUING_DISTRIBUTION_POINT => said.scope = Scope::read(extension.value)?,
                ISSUER_ALTERNATIVE_NAME => {}
                _ if extension.critical => return Err(ListFault::UnknownCritical),
                _ => {}
            }
            Ok(())
        })?;
        Ok(said)
    }
}

/// keyIdentifier of AuthorityKeyIdentifier (section 4.2.1.1).
fn key_identifier(value: &[u8]) -> Result<Option<&[u8]>, ListFault> {
    const WHAT: &str = "authorityKeyIdentifier";
    let mut fields = Fields::of(whole(value, SEQUENCE, WHAT)?.value);
    let identifier = fields.optional(0x80).map(|identifier| identifier.value);
    fields.optional(0xA1);
    fields.optional(0x82);
    fields.end(WHAT)?;
    Ok(identifier)
}

/// CRLNumber (section 5.2.3): not negative. Its length is the list's business.
fn check_number(value: &[u8]) -> Result<(), ListFault> {
    match whole(value, INTEGER, "cRLNumber")?.value.first() {
        Some(0x00..=0x7F) => Ok(()),
        _ => Err(ListFault::Malformed("cRLNumber")),
    }
}

/// Which certificates of its issuer a list is about (section 5.2.5); all, unless it says otherwise.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    users_only: bool,
    authorities_only: bool,
    /// The addresses by which a certificate refers to this list, if it is only about those that do.
    locations: Option<Vec<String>>,
}

impl Scope {
    /// Reads an IssuingDistributionPoint. Its elements are told by tag and order alone, so that one at the wrong
    /// place must not be passed over: it might be the one that says that the list is indirect.
    fn read(value: &[u8]) -> Result<Self, ListFault> {
        const WHAT: &str = "issuingDistributionPoint";
        let mut fields = Fields::of(whole(value, SEQUENCE, WHAT)?.value);
        let point = fields.optional(0xA0);
        let flag =
            |fields: &mut Fields<'_>, tag| fields.optional(tag).map_or(Ok(false), |flag| boolean(flag.value));
        let users_only = flag(&mut fields, 0x81)?;
        let authorities_only = flag(&mut fields, 0x82)?;
        let some_reasons = fields.optional(0x83).is_some();
        let indirect = flag(&mut fields, 0x84)?;
        let attributes_only = flag(&mut fields, 0x85)?;
        fields.end(WHAT)?;
        let locations = point.map(|point| locations(point.value)).transpose()?;
        match () {
            () if indirect => Err(ListFault::Indirect),
            () if some_reasons => Err(ListFault::PartialScope("for some reasons only")),
            () if attributes_only => Err(ListFault::PartialScope("for attribute certificates only")),
            () => Ok(Self { users_only, authorities_only, locations }),
        }
    }

    /// Whether a certificate of the list's issuer would stand in it (section 6.3.3 (b)).
    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let kind = if certificate.is_authority() { !self.users_only } else { !self.authorities_only };
        let refers = |locations: &Vec<String>| {
            locations.iter().any(|location| certificate.list_locations().contains(location))
        };
        kind && self.locations.as_ref().is_none_or(refers)
    }
}

/// The addresses in a DistributionPointName (section 4.2.1.13). A point may have none, and no certificate is known
/// to refer to it then: other kinds of names, and names relative to the issuer's, are compared nowhere here.
fn locations(point: &[u8]) -> Result<Vec<String>, ListFault> {
    const WHAT: &str = "distributionPoint";
    let mut fields = Fields::of(point);
    let full_name = fields.optional(0xA0);
    let is_relative = full_name.is_none() && fields.optional(0xA1).is_some();
    fields.end(WHAT)?;
    let Some(full_name) = full_name else {
        return if is_relative { Ok(Vec::new()) } else { Err(ListFault::Malformed(WHAT)) };
    };
    let mut locations = Vec::new();
    for name in Reader::new(full_name.value) {
        let name = name.map_err(|_| ListFault::Malformed(WHAT))?;
        // uniformResourceIdentifier
        if name.tag.0 == 0x86 {
            let location = std::str::from_utf8(name.value).ok().filter(|location| location.is_ascii());
            locations.push(location.ok_or(ListFault::Malformed(WHAT))?.to_owned());
        }
    }
    Ok(locations)
}

/// What the extensions of an entry say.
#[derive(Default)]
pub(super) struct EntryExtensions {
    pub(super) reason: Option<RevocationReason>,
}

impl EntryExtensions {
    pub(super) fn read(extensions: &[u8]) -> Result<Self, ListFault> {
        let mut said = Self::default();
        each(extensions, |extension| {
            match extension.oid {
                REASON_CODE => said.reason = Some(reason(extension.value)?),
                // From here on the entries are of somebody else's certificates, this one included.
                CERTIFICATE_ISSUER => return Err(ListFault::Indirect),
                // Decides nothing here, so it matters only to who says that it has to be understood.
                INVALIDITY_DATE if extension.critical => {
                    let date = whole(extension.value, GENERALIZED_TIME, "invalidityDate")?;
                    moment(&date).ok_or(ListFault::Malformed("invalidityDate"))?;
                }
                _ if extension.critical => return Err(ListFault::UnknownCritical),
                _ => {}
            }
            Ok(())
        })?;
        Ok(said)
    }
}

/// CRLReason (section 5.3.1).
fn reason(value: &[u8]) -> Result<RevocationReason, ListFault> {
    match whole(value, ENUMERATED, "reasonCode")?.value {
        [REMOVE_FROM_LIST] => Err(ListFault::Malformed("removeFromCRL in a full list")),
        [code] => RevocationReason::from_code(*code).ok_or(ListFault::Malformed("reasonCode")),
        _ => Err(ListFault::Malformed("reasonCode")),
    }
}
