//! The certificates of contact cards, whose common name holds three things at once.

use std::time::SystemTime;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc4519, rfc5280};
use der::Tag;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsages};

use super::profile::{CRL_SUB_CA, Profile, crl, extension, fitted, name, policy, validity};
use super::{Error, oid};
use crate::emulator::citizen::Citizen;
use crate::test_mark;

/// id-kp-documentSigning (RFC 9336).
const DOCUMENT_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.36");

/// What a certificate of a contact card may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HolderUsage {
    /// Digital signature and key encipherment, client authentication.
    Authentication,
    /// Digital signature, and the signing of documents as extended usage. A certificate without any
    /// extended usage is good for all of them, to OpenSSL and so to OpenSC.
    SignatureOnly,
    /// Content commitment (non-repudiation): for documents.
    Document,
}

/// What can be chosen about the certificate of a contact card.
#[derive(Debug, Clone)]
pub struct ContactHolder {
    /// The common name as it is to stand there.
    pub common_name: String,
    /// Start of the validity.
    pub not_before: SystemTime,
    /// End of the validity.
    pub not_after: SystemTime,
    /// The policy, dotted, if there is one.
    pub policy: Option<&'static str>,
    /// What it may be used for.
    pub usage: HolderUsage,
    /// Whether it is signed with SHA-1, as those of old cards are, and not with SHA-256.
    pub sha1: bool,
}

pub(super) fn contact_holder(citizen: &Citizen, holder: &ContactHolder) -> Result<Profile, Error> {
    let mut extensions = vec![crl(CRL_SUB_CA)?];
    if let Some(identifier) = holder.policy {
        extensions.push(policy(identifier)?);
    }
    let extended = match holder.usage {
        HolderUsage::Authentication => Some(rfc5280::ID_KP_CLIENT_AUTH),
        HolderUsage::SignatureOnly => Some(DOCUMENT_SIGNING),
        HolderUsage::Document => None,
    };
    if let Some(usage) = extended {
        let usage = ExtendedKeyUsage(vec![usage]);
        extensions.push(extension(rfc5280::ID_CE_EXT_KEY_USAGE, false, &usage)?);
    }
    Ok(Profile {
        subject: name([
            (rfc4519::C, Tag::PrintableString, "IT"),
            (rfc4519::O, Tag::Utf8String, test_mark::ORGANISATION),
            (rfc4519::OU, Tag::Utf8String, "Software card"),
            (rfc4519::SN, Tag::Utf8String, &fitted(&citizen.person.surname)),
            (rfc4519::GIVEN_NAME, Tag::Utf8String, &fitted(&citizen.person.given_names)),
            (rfc4519::CN, Tag::Utf8String, &holder.common_name),
        ])?,
        validity: validity(holder.not_before, holder.not_after)?,
        key_usage: match holder.usage {
            HolderUsage::Authentication => KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
            HolderUsage::SignatureOnly => KeyUsages::DigitalSignature.into(),
            HolderUsage::Document => KeyUsages::NonRepudiation.into(),
        },
        extensions,
    })
}
