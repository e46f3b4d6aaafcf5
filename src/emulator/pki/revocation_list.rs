//! Revocation lists of the test PKI (RFC 5280 section 5.1), full ones with a number and the issuer's key identifier.

use std::time::SystemTime;

use const_oid::db::rfc5280;
use der::asn1::{BitString, Uint};
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::Version;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber};

use super::profile::{self, extension};
use super::{Authority, Error, TestPki, encoding};
use crate::environment::Entropy;

/// What a list says.
#[derive(Debug, Clone, Copy)]
pub struct ListProfile<'a> {
    /// DER of the certificates that are revoked, since the moment of the list.
    pub revoked: &'a [&'a [u8]],
    /// cRLNumber.
    pub number: u8,
    /// When it is made.
    pub this_update: SystemTime,
    /// When the next one is made.
    pub next_update: SystemTime,
}

impl TestPki {
    /// DER of a list of one of the holders' authorities.
    ///
    /// # Errors
    /// An [`Error`].
    pub fn revocation_list(
        &self,
        authority: Authority,
        list: &ListProfile<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let issuer = match authority {
            Authority::Root => &self.root,
            Authority::SubCa => &self.sub_ca,
        };
        let this_update = profile::time(list.this_update)?;
        let revoked = |der: &&[u8]| {
            let serial_number = Certificate::from_der(der).map_err(encoding)?.tbs_certificate.serial_number;
            Ok(RevokedCert { serial_number, revocation_date: this_update, crl_entry_extensions: None })
        };
        let revoked: Vec<RevokedCert> = list.revoked.iter().map(revoked).collect::<Result<_, Error>>()?;
        let key_identifier = issuer.signatory()?.key_identifier().clone();
        let authority = AuthorityKeyIdentifier { key_identifier: Some(key_identifier), ..Default::default() };
        let number = CrlNumber(Uint::new(&[list.number]).map_err(encoding)?);
        let tbs_cert_list = TbsCertList {
            version: Version::V2,
            signature: issuer.scheme.algorithm()?,
            issuer: issuer.certificate.tbs_certificate.subject.clone(),
            this_update,
            next_update: Some(profile::time(list.next_update)?),
            // RFC 5280 wants it left out rather than empty.
            revoked_certificates: Some(revoked).filter(|revoked| !revoked.is_empty()),
            crl_extensions: Some(vec![
                extension(rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &authority)?,
                extension(rfc5280::ID_CE_CRL_NUMBER, false, &number)?,
            ]),
        };
        let message = tbs_cert_list.to_der().map_err(encoding)?;
        let signature = issuer.scheme.sign(&issuer.key, &message, entropy)?;
        let signature = BitString::from_bytes(&signature).map_err(encoding)?;
        let signature_algorithm = issuer.scheme.algorithm()?;
        CertificateList { tbs_cert_list, signature_algorithm, signature }.to_der().map_err(encoding)
    }
}
