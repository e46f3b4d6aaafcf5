//! What the certificates of the test PKI say, after the shapes that Italy publishes.

use std::time::SystemTime;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc4519, rfc5280};
use der::asn1::{GeneralizedTime, Ia5String, OctetString, PrintableString, SetOfVec, UtcTime};
use der::flagset::FlagSet;
use der::{Any, DateTime, Encode, Sequence, Tag};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsages,
    PrivateKeyUsagePeriod,
};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::time::{Time, Validity};

use super::{Error, days_from, encoding, oid};
use crate::emulator::citizen::Citizen;
use crate::test_mark;

/// The document type list of a document signer (ICAO 9303-12 section 7.1.1).
const DOCUMENT_TYPE_LIST: ObjectIdentifier = oid("2.23.136.1.1.6.2");

/// Addresses that certificates name. The top-level domain `test` never resolves (RFC 2606).
const CRL_ROOT: &str = "http://pki.cie.test/root.crl";
pub(super) const CRL_SUB_CA: &str = "http://pki.cie.test/sub-ca.crl";
const CRL_CSCA: &str = "http://pki.cie.test/csca.crl";
const PRACTICE: &str = "http://pki.cie.test/cps.html";

/// All that differs between kinds of certificates.
pub(super) struct Profile {
    pub(super) subject: Name,
    pub(super) validity: Validity,
    pub(super) key_usage: FlagSet<KeyUsages>,
    /// All extensions but the key identifiers, the key usage and the test mark.
    pub(super) extensions: Vec<Extension>,
}

/// What can be chosen about a holder's certificate.
#[derive(Debug, Clone, Copy)]
pub struct HolderProfile {
    /// Start of the validity.
    pub not_before: SystemTime,
    /// End of the validity.
    pub not_after: SystemTime,
    /// Whether the extended key usage says client authentication. What real certificates say is not
    /// known to us.
    pub extended_key_usage: bool,
}

impl HolderProfile {
    /// A certificate that is valid as long as a card issued `now`: ten years, for minors five, below the
    /// age of three years three (decree-law 70/2011, article 10). Real cards last until the birthday after.
    ///
    /// # Errors
    /// [`Error::Time`] if certificates cannot express it.
    pub fn at_issue(citizen: &Citizen, now: SystemTime) -> Result<Self, Error> {
        let (today, birth) = (date_time(now)?, citizen.person.birth_date);
        let birthday_to_come = (today.month(), today.day()) < (birth.month(), birth.day());
        let age = today.year().saturating_sub(birth.year()).saturating_sub(u16::from(birthday_to_come));
        let days = match age {
            0..3 => 1096,
            3..18 => 1826,
            _ => 3652,
        };
        Ok(Self { not_before: now, not_after: days_from(now, days)?, extended_key_usage: false })
    }
}

/// Upper bound of a surname and of given names, in characters (X.520 until its edition of 2008). RFC 5280
/// allows more; programs that read certificates may not.
const NAME_MAX: usize = 64;

/// As much of a name as its field takes. What is cut off, and where, is not known of real certificates.
pub(super) fn fitted(name: &str) -> String {
    name.chars().take(NAME_MAX).collect::<String>().trim_end().to_owned()
}

/// The root of the holders' hierarchy.
pub(super) fn root(now: SystemTime) -> Result<Profile, Error> {
    Ok(Profile {
        subject: authority("TEST root CA for the Italian Electronic Identity Card")?,
        validity: validity(days_from(now, -900)?, days_from(now, 20 * 365)?)?,
        key_usage: KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign,
        extensions: vec![constraints(None)?, policy("1.3.76.47.1")?, crl(CRL_ROOT)?],
    })
}

/// The CA that issues to holders.
pub(super) fn sub_ca(now: SystemTime) -> Result<Profile, Error> {
    Ok(Profile {
        // Longer than the 64 characters that X.520 allows, as the real name is.
        subject: authority("TEST issuing sub CA for the Italian Electronic Identity Card - SUBCATEST")?,
        validity: validity(days_from(now, -800)?, days_from(now, 15 * 365)?)?,
        key_usage: KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign,
        extensions: vec![constraints(Some(0))?, policy("1.3.76.47.2")?, crl(CRL_ROOT)?],
    })
}

/// A holder's certificate.
pub(super) fn holder(citizen: &Citizen, holder: &HolderProfile) -> Result<Profile, Error> {
    citizen.check()?;
    let mut extensions = vec![policy("1.3.76.47.4")?, crl(CRL_SUB_CA)?];
    if holder.extended_key_usage {
        let usage = ExtendedKeyUsage(vec![rfc5280::ID_KP_CLIENT_AUTH]);
        extensions.push(extension(rfc5280::ID_CE_EXT_KEY_USAGE, false, &usage)?);
    }
    let number = format!("IDCIT-{}", citizen.document_number);
    Ok(Profile {
        subject: name([
            (rfc4519::C, Tag::PrintableString, "IT"),
            (rfc4519::O, Tag::Utf8String, test_mark::ORGANISATION),
            (rfc4519::SN, Tag::Utf8String, &fitted(&citizen.person.surname)),
            (rfc4519::GIVEN_NAME, Tag::Utf8String, &fitted(&citizen.person.given_names)),
            (rfc4519::SERIAL_NUMBER, Tag::PrintableString, &number),
            (rfc4519::CN, Tag::Utf8String, &citizen.fiscal_code),
        ])?,
        validity: validity(holder.not_before, holder.not_after)?,
        key_usage: KeyUsages::DigitalSignature.into(),
        extensions,
    })
}

/// The country signing CA, as it is since 2020.
pub(super) fn csca(now: SystemTime) -> Result<Profile, Error> {
    let start = days_from(now, -400)?;
    let contact = vec![
        GeneralName::Rfc822Name(ia5("csca@pki.cie.test")?),
        GeneralName::DirectoryName(name([(rfc4519::L, Tag::Utf8String, "ITA")])?),
        GeneralName::UniformResourceIdentifier(ia5("https://pki.cie.test/")?),
    ];
    Ok(Profile {
        subject: name([
            (rfc4519::CN, Tag::Utf8String, "TEST Italian Country Signer CA"),
            (rfc4519::O, Tag::Utf8String, test_mark::ORGANISATION),
            (rfc4519::C, Tag::PrintableString, "IT"),
        ])?,
        validity: validity(start, days_from(start, 15 * 365 + 90)?)?,
        key_usage: KeyUsages::KeyCertSign | KeyUsages::CRLSign,
        extensions: vec![
            constraints(Some(0))?,
            extension(rfc5280::ID_CE_ISSUER_ALT_NAME, false, &contact)?,
            extension(rfc5280::ID_CE_SUBJECT_ALT_NAME, false, &contact)?,
            crl(CRL_CSCA)?,
            key_period(start, days_from(start, 4 * 365)?)?,
        ],
    })
}

/// DocumentTypeListSyntax.
#[derive(Sequence)]
struct DocumentTypeList {
    version: u8,
    types: SetOfVec<PrintableString>,
}

/// The document signer: it signs for three months, its signatures are checked for as long as cards last.
pub(super) fn document_signer(now: SystemTime) -> Result<Profile, Error> {
    let start = days_from(now, -30)?;
    let card = PrintableString::new("C").map_err(encoding)?;
    let types = SetOfVec::try_from(vec![card]).map_err(encoding)?;
    Ok(Profile {
        subject: name([
            // The real name is "eIdentityCardSigner" with a number.
            (rfc4519::CN, Tag::Utf8String, "TEST eIdentityCardSigner"),
            (rfc4519::SERIAL_NUMBER, Tag::PrintableString, "00001"),
            (rfc4519::O, Tag::Utf8String, test_mark::ORGANISATION),
            (rfc4519::C, Tag::PrintableString, "IT"),
        ])?,
        validity: validity(start, days_from(start, 10 * 365 + 180)?)?,
        key_usage: KeyUsages::DigitalSignature.into(),
        extensions: vec![
            extension(DOCUMENT_TYPE_LIST, false, &DocumentTypeList { version: 0, types })?,
            crl(CRL_CSCA)?,
            key_period(start, days_from(start, 91)?)?,
        ],
    })
}

/// An extension with its value.
pub(super) fn extension(
    extn_id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> Result<Extension, Error> {
    let extn_value = OctetString::new(value.to_der().map_err(encoding)?).map_err(encoding)?;
    Ok(Extension { extn_id, critical, extn_value })
}

fn authority(common_name: &str) -> Result<Name, Error> {
    name([
        (rfc4519::CN, Tag::Utf8String, common_name),
        (rfc4519::OU, Tag::Utf8String, "Software card"),
        (rfc4519::O, Tag::Utf8String, test_mark::ORGANISATION),
        (rfc4519::C, Tag::PrintableString, "IT"),
    ])
}

pub(super) fn name<const N: usize>(attributes: [(ObjectIdentifier, Tag, &str); N]) -> Result<Name, Error> {
    let relative = |(oid, tag, text): (ObjectIdentifier, Tag, &str)| {
        let value = Any::new(tag, text.as_bytes())?;
        let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }])?;
        Ok(RelativeDistinguishedName(set))
    };
    Ok(RdnSequence(attributes.into_iter().map(relative).collect::<der::Result<_>>().map_err(encoding)?))
}

fn ia5(text: &str) -> Result<Ia5String, Error> {
    Ia5String::new(text).map_err(encoding)
}

fn constraints(path_length: Option<u8>) -> Result<Extension, Error> {
    let constraints = BasicConstraints { ca: true, path_len_constraint: path_length };
    extension(rfc5280::ID_CE_BASIC_CONSTRAINTS, true, &constraints)
}

pub(super) fn policy(identifier: &str) -> Result<Extension, Error> {
    let statement = PolicyQualifierInfo {
        policy_qualifier_id: rfc5280::ID_QT_CPS,
        qualifier: Some(Any::encode_from(&ia5(PRACTICE)?).map_err(encoding)?),
    };
    let policy = PolicyInformation {
        policy_identifier: ObjectIdentifier::new(identifier)
            .map_err(|error| Error::Encoding(error.to_string()))?,
        policy_qualifiers: Some(vec![statement]),
    };
    extension(rfc5280::ID_CE_CERTIFICATE_POLICIES, false, &CertificatePolicies(vec![policy]))
}

pub(super) fn crl(address: &str) -> Result<Extension, Error> {
    let name = DistributionPointName::FullName(vec![GeneralName::UniformResourceIdentifier(ia5(address)?)]);
    let point = DistributionPoint { distribution_point: Some(name), reasons: None, crl_issuer: None };
    extension(rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS, false, &CrlDistributionPoints(vec![point]))
}

fn key_period(from: SystemTime, to: SystemTime) -> Result<Extension, Error> {
    let period = PrivateKeyUsagePeriod {
        not_before: Some(GeneralizedTime::from_date_time(date_time(from)?)),
        not_after: Some(GeneralizedTime::from_date_time(date_time(to)?)),
    };
    extension(rfc5280::ID_CE_PRIVATE_KEY_USAGE_PERIOD, false, &period)
}

pub(super) fn validity(from: SystemTime, to: SystemTime) -> Result<Validity, Error> {
    Ok(Validity { not_before: time(from)?, not_after: time(to)? })
}

/// UTCTime up to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5).
pub(super) fn time(time: SystemTime) -> Result<Time, Error> {
    let date_time = date_time(time)?;
    match UtcTime::from_date_time(date_time) {
        Ok(time) => Ok(Time::UtcTime(time)),
        Err(_) => Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date_time))),
    }
}

fn date_time(time: SystemTime) -> Result<DateTime, Error> {
    DateTime::from_system_time(time).map_err(|_| Error::Time)
}
