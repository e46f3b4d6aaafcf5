//! Who may answer for an issuer, and whether that one did (RFC 6960 section 4.2.2.2).
//!
//! Anybody can send a response and enclose certificates in it. Only these are believed: the issuer of the
//! certificate itself; a responder whose certificate that very key issued for this; and whom the caller configured.

#[cfg(test)]
mod tests;

use x509_parser::prelude::FromDer;
use x509_parser::x509::AlgorithmIdentifier;

use super::response::{ResponderId, Response};
use super::{ResponseFault, Rules, key_hash};
use crate::crypto::{DigestAlgorithm, SignatureScheme};
use crate::trust::{Certificate, algorithm};

/// The least bits of an RSA key: OpenSSL's security level 2, as in paths.
const RSA_BITS_MIN: usize = 2048;

/// By what right somebody answers.
enum Right<'a> {
    /// It is the issuer, of whom the path was verified.
    Issuer,
    /// The caller names it.
    Configured,
    /// The issuer certified it for that.
    ByIssuer(&'a Certificate),
    /// An authority that the caller names certified it for that.
    ByConfigured(&'a Certificate),
}

/// Checks that one of those who may have signed the response.
///
/// A name may be that of several: all of them are tried. What is found wrong with one who could have been it is
/// told rather than that others may not answer.
pub(super) fn check(
    response: &Response<'_>,
    issuer: &Certificate,
    rules: &Rules<'_>,
) -> Result<(), ResponseFault> {
    let scheme = scheme(response.algorithm)?;
    let parsed = response.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
    let enclosed: Vec<_> = parsed.filter(|certificate| response.responder.is(certificate)).collect();
    let configured = rules.configured.iter().copied();
    let themselves = [(issuer, Right::Issuer)]
        .into_iter()
        .chain(configured.clone().map(|certificate| (certificate, Right::Configured)))
        .filter(|(certificate, _)| response.responder.is(certificate));
    let delegated = enclosed.iter().flat_map(|responder| {
        let authorities = configured.clone().filter(|authority| may_certify(authority));
        [Right::ByIssuer(issuer)]
            .into_iter()
            .chain(authorities.map(Right::ByConfigured))
            .map(move |right| (responder, right))
    });
    let mut found = ResponseFault::UnauthorizedResponder;
    for (responder, right) in themselves.chain(delegated) {
        let outcome =
            check_right(responder, &right, rules).and_then(|()| check_signature(response, scheme, responder));
        match outcome {
            Ok(()) => return Ok(()),
            Err(fault) if found == ResponseFault::UnauthorizedResponder => found = fault,
            Err(_) => {}
        }
    }
    Err(found)
}

impl ResponderId<'_> {
    /// Whether it names the subject or the key of a certificate.
    fn is(self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name == certificate.subject_der(),
            Self::Key(hash) => key_hash(certificate).is_some_and(|key| key == hash),
        }
    }
}

/// How the response says that it is signed.
fn scheme(der: &[u8]) -> Result<SignatureScheme, ResponseFault> {
    let identifier = AlgorithmIdentifier::from_der(der).ok().filter(|(rest, _)| rest.is_empty());
    let scheme = identifier.and_then(|(_, identifier)| algorithm::scheme(&identifier));
    strong(scheme)
}

fn strong(scheme: Option<SignatureScheme>) -> Result<SignatureScheme, ResponseFault> {
    match scheme {
        Some(scheme) if scheme.digest() == DigestAlgorithm::Sha1 => Err(ResponseFault::TooWeak),
        Some(scheme) => Ok(scheme),
        None => Err(ResponseFault::UnknownAlgorithm),
    }
}

/// Whether a configured certificate is that of an authority, which may certify responders.
fn may_certify(certificate: &Certificate) -> bool {
    certificate.is_authority() && certificate.allows_certificate_signing() != Some(false)
}

fn check_right(responder: &Certificate, right: &Right<'_>, rules: &Rules<'_>) -> Result<(), ResponseFault> {
    match right {
        Right::Issuer => Ok(()),
        Right::Configured => check_validity(responder, rules),
        Right::ByIssuer(issuer) => check_delegated(responder, issuer, rules),
        Right::ByConfigured(authority) => {
            check_delegated(responder, authority, rules)?;
            check_validity(authority, rules)
        }
    }
}

/// Checks that an authority made somebody its responder.
fn check_delegated(
    responder: &Certificate,
    authority: &Certificate,
    rules: &Rules<'_>,
) -> Result<(), ResponseFault> {
    // Without extKeyUsage a certificate is for anything, but not for this: every citizen has one by the issuer.
    if !responder.names_as_issuer(authority)
        || !responder.allows_status_signing()
        || responder.allows_digital_signature() == Some(false)
    {
        return Err(ResponseFault::UnauthorizedResponder);
    }
    strong(responder.scheme())?;
    check_key(authority)?;
    // An authority that only has the name of this one has no say.
    let signed = authority.public_key().and_then(|key| responder.check_signature(&key));
    signed.map_err(|_| ResponseFault::UnauthorizedResponder)?;
    check_validity(responder, rules)?;
    if responder.has_unknown_critical() {
        return Err(ResponseFault::UnknownCritical);
    }
    // A responder that was revoked could vouch for itself and everybody else.
    if !responder.needs_no_status() && !rules.allow_without_no_check {
        return Err(ResponseFault::ResponderStatus);
    }
    Ok(())
}

fn check_validity(certificate: &Certificate, rules: &Rules<'_>) -> Result<(), ResponseFault> {
    let (from, until) = certificate.validity();
    if from <= rules.at && rules.at < until { Ok(()) } else { Err(ResponseFault::ResponderExpired) }
}

fn check_key(certificate: &Certificate) -> Result<(), ResponseFault> {
    match certificate.rsa_bits() {
        Some(bits) if bits < RSA_BITS_MIN => Err(ResponseFault::TooWeak),
        _ => Ok(()),
    }
}

/// Checks the signature over the data as they came.
fn check_signature(
    response: &Response<'_>,
    scheme: SignatureScheme,
    responder: &Certificate,
) -> Result<(), ResponseFault> {
    check_key(responder)?;
    let key = responder.public_key().map_err(|_| ResponseFault::UnknownAlgorithm)?;
    let verified = key.verify(scheme, response.signed, response.signature);
    verified.map_err(|_| ResponseFault::BadSignature)
}
