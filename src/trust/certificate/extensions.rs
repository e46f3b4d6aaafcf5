//! What a certificate's extensions say (RFC 5280 section 4.2), as far as anything here asks.

use std::time::SystemTime;

use x509_parser::asn1_rs::Oid;
use x509_parser::extensions::{DistributionPointName, KeyUsage, ParsedExtension};

use super::locations;

/// Content bytes of id-ad-ocsp, 1.3.6.1.5.5.7.48.1, and of id-pkix-ocsp-nocheck below it.
const ACCESS_OCSP: &[u8] = &hex_literal::hex!("2B06010505073001");
const OCSP_NO_CHECK: &[u8] = &hex_literal::hex!("2B0601050507300105");

/// What the extensions say.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Extensions {
    pub(super) is_authority: bool,
    pub(super) path_length: Option<u32>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<Vec<String>>,
    pub(super) policies: Vec<String>,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) list_locations: Vec<String>,
    pub(super) responder_locations: Vec<String>,
    pub(super) key_used_from: Option<SystemTime>,
    pub(super) document_types: Option<Vec<String>>,
    pub(super) has_no_check: bool,
    pub(super) has_name_constraints: bool,
    pub(super) has_unknown_critical: bool,
}

impl Extensions {
    /// Takes what an extension says; whether it is one that this crate or OpenSSL's path building heeds.
    pub(super) fn take(&mut self, oid: &Oid<'_>, extension: &ParsedExtension<'_>) -> bool {
        match extension {
            ParsedExtension::BasicConstraints(constraints) => {
                self.is_authority = constraints.ca;
                self.path_length = constraints.path_len_constraint;
            }
            ParsedExtension::KeyUsage(usage) => self.key_usage = Some(*usage),
            ParsedExtension::CertificatePolicies(policies) => {
                self.policies = policies.iter().map(|policy| policy.policy_id.to_id_string()).collect();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let named = [
                    (usage.any, "2.5.29.37.0"),
                    (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
                    (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
                    (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
                    (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
                    (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
                    (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
                ];
                let named = named.iter().filter(|(is_there, _)| *is_there).map(|(_, oid)| (*oid).to_owned());
                let usage = named.chain(usage.other.iter().map(Oid::to_id_string)).collect();
                self.extended_key_usage = Some(usage);
            }
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key_identifier = Some(identifier.0.to_vec());
            }
            ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                self.authority_key_identifier = identifier.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let full =
                    points.iter().filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
                let names = full.filter_map(|point| match &point.distribution_point {
                    Some(DistributionPointName::FullName(names)) => Some(names),
                    _ => None,
                });
                self.list_locations = locations::of(names.flatten());
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                let responders = access
                    .accessdescs
                    .iter()
                    .filter(|description| description.access_method.as_bytes() == ACCESS_OCSP);
                self.responder_locations =
                    locations::of(responders.map(|description| &description.access_location));
            }
            ParsedExtension::NameConstraints(_) => self.has_name_constraints = true,
            ParsedExtension::SubjectAlternativeName(_) | ParsedExtension::IssuerAlternativeName(_) => {}
            _ if oid.as_bytes() == OCSP_NO_CHECK => self.has_no_check = true,
            _ => return false,
        }
        true
    }
}
