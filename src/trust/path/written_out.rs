//! Paths in which the curve of a key is written out instead of named (RFC 5480 section 2.1.1 forbids it, ICAO
//! 9303-12 asked for it).
//!
//! OpenSSL refuses every path of two certificates or more with such a key in it, whatever the curve. Written out
//! parameters that are those of a named curve say the same as the name, so such paths are checked here, by the part
//! of RFC 5280 section 6 that document signers need: a straight line of certificates, each signed by the next, in
//! its validity, by an authority that may; no name constraints, no critical extension that is not known. Parameters
//! of any other curve are no key ([`PublicKey::from_spki`]): whoever chooses the curve can choose the signature.
//!
//! [`PublicKey::from_spki`]: crate::crypto::PublicKey::from_spki

use std::sync::Arc;
use std::time::SystemTime;

use super::{DEPTH_MAX, Purpose, SECURITY_LEVEL, Search};
use crate::crypto::{DigestAlgorithm, KeyKind, PublicKey};
use crate::trust::{Certificate, Error};

/// The least bits of an RSA key: OpenSSL's security level 2.
const RSA_BITS_MIN: usize = 2048;

/// The path, of which OpenSSL said that a curve is written out.
pub(super) fn build(search: &Search<'_>) -> Result<Vec<Arc<Certificate>>, Error> {
    let &Search { store, purpose, certificate, at, security_level, usage } = search;
    // Older cryptography is let pass for citizens' cards only, whose keys are RSA.
    if security_level != SECURITY_LEVEL {
        return Err(Error::WrittenOutCurve);
    }
    let mut path = vec![Arc::clone(certificate)];
    let mut depth = 0;
    loop {
        let Some(last) = path.last().map(Arc::clone) else { return Err(Error::UnknownIssuer) };
        let anchors = store.anchors_for(purpose).map(|anchor| (anchor.certificate(), true));
        let between = store.prepared_intermediates().iter().map(|between| (between.certificate(), false));
        let issuers = anchors
            .chain(between)
            .filter(|(issuer, _)| !path.contains(issuer) && last.names_as_issuer(issuer));
        // An authority may have several certificates, one that has expired and its successor say: the first that is
        // good is taken.
        let (mut found, mut fault) = (None, Error::UnknownIssuer);
        for (issuer, is_anchor) in issuers {
            match check_issuer(issuer, &path, &last, at, usage) {
                Ok(()) => {
                    found = Some((Arc::clone(issuer), is_anchor));
                    break;
                }
                // What is wrong with one whose key fits says more than that another's does not.
                Err(other) => match fault {
                    Error::UnknownIssuer | Error::BadSignature | Error::WrittenOutCurve => fault = other,
                    _ => {}
                },
            }
        }
        let Some((issuer, is_anchor)) = found else { return Err(fault) };
        check_link(&last, at)?;
        path.push(issuer);
        if is_anchor {
            return path.iter().try_for_each(|certificate| check_key(certificate)).map(|()| path);
        }
        depth += 1;
        if depth > DEPTH_MAX {
            return Err(Error::InvalidPath("too long".to_owned()));
        }
    }
}

/// One that is named as the issuer of the last certificate of a path.
fn check_issuer(
    issuer: &Certificate,
    below: &[Arc<Certificate>],
    last: &Certificate,
    at: SystemTime,
    usage: Purpose,
) -> Result<(), Error> {
    let key = issuer.public_key().map_err(|_| Error::WrittenOutCurve)?;
    last.check_signature(&key)?;
    check_validity(issuer, at)?;
    check_authority(issuer, below, usage)
}

/// A certificate that the next one signed.
fn check_link(certificate: &Certificate, at: SystemTime) -> Result<(), Error> {
    check_validity(certificate, at)?;
    if certificate.has_unknown_critical() || certificate.has_name_constraints() {
        return Err(Error::InvalidPath(
            "an extension that is not taken beside a written out curve".to_owned(),
        ));
    }
    match certificate.scheme().map(|scheme| scheme.digest()) {
        None | Some(DigestAlgorithm::Sha1) => Err(Error::TooWeak),
        Some(_) => Ok(()),
    }
}

fn check_validity(certificate: &Certificate, at: SystemTime) -> Result<(), Error> {
    match certificate.validity() {
        (from, _) if at < from => Err(Error::NotYetValid),
        (_, until) if at >= until => Err(Error::Expired),
        _ => Ok(()),
    }
}

/// One that signed what is below it.
fn check_authority(issuer: &Certificate, below: &[Arc<Certificate>], usage: Purpose) -> Result<(), Error> {
    // The end entity does not count, nor an authority that is called as its issuer.
    let counted = below.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count();
    let too_long =
        issuer.path_length().is_some_and(|most| usize::try_from(most).is_ok_and(|most| counted > most));
    // As OpenSSL has it: what an authority's certificate is for holds for those that it issues.
    let not_for_clients = usage == Purpose::Client && issuer.allows_client_authentication() == Some(false);
    let broken = [
        (!issuer.is_authority(), "not an authority"),
        (issuer.allows_certificate_signing() == Some(false), "keyUsage without keyCertSign"),
        (not_for_clients, "extKeyUsage of an authority without client authentication"),
        (too_long, "path length constraint exceeded"),
        (issuer.has_name_constraints(), "name constraints beside a written out curve"),
        (issuer.has_unknown_critical(), "a critical extension that is not known"),
    ];
    match broken.iter().find(|(broken, _)| *broken) {
        Some((_, what)) => Err(Error::InvalidPath((*what).to_owned())),
        None => Ok(()),
    }
}

fn check_key(certificate: &Certificate) -> Result<(), Error> {
    match certificate.public_key().map(|key: PublicKey| key.kind()) {
        Ok(KeyKind::Rsa(bits)) if bits < RSA_BITS_MIN => Err(Error::TooWeak),
        Ok(_) => Ok(()),
        Err(_) => Err(Error::WrittenOutCurve),
    }
}
