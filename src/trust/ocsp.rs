//! What a responder is asked and what its answer is worth (OCSP: RFC 6960; nonce: RFC 9654).
//!
//! Two pure functions: [`request`] writes the question, [`judge`] says whether bytes that came back from anywhere
//! are an answer to it, by somebody who may answer, about now. A fault of form, authority or time means that
//! nothing is known of the certificate; it never means good.

mod responder;
mod response;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use hex_literal::hex;

use super::{Certificate, Revoked};
use crate::cms;
use crate::crypto::DigestAlgorithm;
use crate::iso7816::tlv;
use response::{Answer, Extension, Outer, Response, Status};

/// The longest response that is looked at, in bytes. One answer with the certificates of a path takes less than a
/// tenth of it.
pub(super) const DER_MAX: usize = 0x1_0000;
/// Bytes of a nonce: the one length that RFC 8954 (section 2.1: at most 32) and RFC 9654 (section 2.1: a client
/// takes at least 32) both allow.
const NONCE_LENGTH: usize = 32;

/// id-sha1.
const SHA1: [u8; 5] = hex!("2B0E03021A");
/// id-pkix-ocsp-basic.
const BASIC: [u8; 9] = hex!("2B0601050507300101");
/// id-pkix-ocsp-nonce.
const NONCE: [u8; 9] = hex!("2B0601050507300102");

/// Why a response says nothing about the certificate that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseFault {
    /// Not the DER that RFC 6960 asks for.
    #[error("malformed status response: {0}")]
    Malformed(&'static str),
    /// More than 64 KiB.
    #[error("the status response is too long")]
    TooLong,
    /// The responder did not answer the question; its responseStatus (RFC 6960 section 4.2.1): 1 malformed
    /// request, 2 internal error, 3 try later, 5 wants a signed request, 6 is not the one to ask.
    #[error("the responder gave no answer (status {0})")]
    NotSuccessful(u8),
    /// A response of another type than id-pkix-ocsp-basic.
    #[error("a status response of an unknown type")]
    OtherType,
    /// Nothing is said about the certificate that was asked for.
    #[error("the status response is about other certificates")]
    NoAnswer,
    /// Whoever signed may not speak for the certificate's issuer (RFC 6960 section 4.2.2.2).
    #[error("the status response is by somebody who may not answer for the issuer")]
    UnauthorizedResponder,
    /// The responder's certificate, or that of the configured authority above it, is not valid at this time.
    #[error("the responder's certificate has expired or is not valid yet")]
    ResponderExpired,
    /// The responder's own status would have to be known: its certificate has no id-pkix-ocsp-nocheck.
    #[error("the responder's certificate may itself be revoked")]
    ResponderStatus,
    /// The signature over the response is wrong.
    #[error("the signature of the status response is wrong")]
    BadSignature,
    /// The response or its signer's certificate is signed with SHA-1, or an RSA key has less than 2048 bits.
    #[error("a key or digest of the status response is too weak")]
    TooWeak,
    /// A key or a signature of a kind that is not verified here.
    #[error("a key or signature of the status response is of an unknown kind")]
    UnknownAlgorithm,
    /// It was made in the future.
    #[error("the status response is not valid yet")]
    NotYetValid,
    /// Its nextUpdate has passed: there is newer information.
    #[error("the status response has expired")]
    Stale,
    /// Its thisUpdate lies too far back for a response that nothing ties to the question.
    #[error("the status response is too old")]
    TooOld,
    /// It answers another question: its nonce is not the one that was sent.
    #[error("the status response has another nonce")]
    NonceDiffers,
    /// It has no nonce, and one was asked for.
    #[error("the status response has no nonce")]
    NonceMissing,
    /// The responder does not know the certificate.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// An extension of the response or of the responder's certificate is critical and not known here.
    #[error("the status response has a critical extension that is not known")]
    UnknownCritical,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// Whose status.
    pub(super) certificate: &'a Certificate,
    /// The one whose key signed it: the next one of a valid path, not just any of that name.
    pub(super) issuer: &'a Certificate,
    /// What ties the answer to this question: 32 random bytes.
    pub(super) nonce: Option<&'a [u8]>,
}

/// What an answer has to fulfil.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The moment for which it is judged.
    pub(super) at: SystemTime,
    /// How far the responder's clock and ours may lie apart.
    pub(super) skew: Duration,
    /// How old thisUpdate may be; asked only when no matching nonce came back.
    pub(super) max_age: Duration,
    /// Whether a response without a nonce is an answer to a question with one. Responses that were signed in
    /// advance never have one.
    pub(super) nonce_optional: bool,
    /// Responders that are trusted for every question, and authorities that are trusted to certify such
    /// responders.
    pub(super) configured: &'a [&'a Certificate],
    /// Whether a delegated responder whose certificate has no id-pkix-ocsp-nocheck is taken, unchecked.
    pub(super) allow_without_no_check: bool,
}

/// What the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not revoked.
    Good,
    /// Revoked, or never issued: responders say so by a hold since 1970 (RFC 6960 section 2.2).
    Revoked(Revoked),
}

/// An answer that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// When what it says was known to be right.
    pub(super) this_update: SystemTime,
    /// When there will be something newer; `None` if there always is.
    pub(super) next_update: Option<SystemTime>,
    /// When it was signed.
    pub(super) produced_at: SystemTime,
    /// Whether it was made for this question.
    pub(super) nonce_matched: bool,
}

/// The DER of an `OCSPRequest` (RFC 6960 section 4.1.1) about one certificate, not signed.
pub(super) fn request(question: &Question<'_>) -> Result<Vec<u8>, ResponseFault> {
    let asked = Asked::new(question)?;
    let algorithm = sequence(&[&tlv::encode(0x06, &SHA1), &tlv::encode(0x05, &[])]);
    let certificate = sequence(&[
        &algorithm,
        &octets(&asked.issuer_name_hash),
        &octets(&asked.issuer_key_hash),
        &tlv::encode(0x02, asked.serial_number),
    ]);
    let list = sequence(&[&sequence(&[&certificate])]);
    let extensions = match &asked.nonce {
        Some(nonce) => {
            let nonce = sequence(&[&tlv::encode(0x06, &NONCE), &octets(nonce)]);
            tlv::encode(0xA2, &sequence(&[&nonce]))
        }
        None => Vec::new(),
    };
    Ok(sequence(&[&sequence(&[&list, &extensions])]))
}

/// Whether a response answers the question (RFC 6960 section 3.2), and what it says.
///
/// What is said about time, nonce and status is looked at last, when it is known who says so.
pub(super) fn judge(
    response: &[u8],
    question: &Question<'_>,
    rules: &Rules<'_>,
) -> Result<Judged, ResponseFault> {
    if response.len() > DER_MAX {
        return Err(ResponseFault::TooLong);
    }
    let asked = Asked::new(question)?;
    let response = read(response)?;
    responder::check(&response, question.issuer, rules)?;
    check_extensions(&response.extensions, &[&NONCE])?;
    let nonce_matched = check_nonce(&asked, &response.extensions, rules)?;
    // Should a responder contradict itself, the worst counts; of two that say the same, the newer one.
    let about_it = response.answers.iter().filter(|answer| asked.is_about(answer));
    let answer = about_it.max_by_key(|answer| (severity(answer.status), answer.this_update));
    let answer = answer.ok_or(ResponseFault::NoAnswer)?;
    check_extensions(&answer.extensions, &[])?;
    check_times(answer, response.produced_at, nonce_matched, rules)?;
    let verdict = match answer.status {
        Status::Good => Verdict::Good,
        Status::Revoked(revoked) => Verdict::Revoked(revoked),
        Status::Unknown => return Err(ResponseFault::Unknown),
    };
    let (this_update, next_update) = (answer.this_update, answer.next_update);
    Ok(Judged { verdict, this_update, next_update, produced_at: response.produced_at, nonce_matched })
}

/// What the question says, as it stands in requests and responses.
struct Asked<'a> {
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial_number: &'a [u8],
    /// The value of the nonce's extension: it is an OCTET STRING in its own right.
    nonce: Option<Vec<u8>>,
}

impl<'a> Asked<'a> {
    fn new(question: &Question<'a>) -> Result<Self, ResponseFault> {
        if question.nonce.is_some_and(|nonce| nonce.len() != NONCE_LENGTH) {
            return Err(ResponseFault::Malformed("nonce of the question"));
        }
        // SHA-1 names the issuer here and proves nothing: a second issuer with this hash would still have to
        // sign. It is the one digest that every responder knows (RFC 5019 section 2.1.1 allows no other).
        let name_hash = DigestAlgorithm::Sha1.hash(question.issuer.subject_der());
        Ok(Self {
            issuer_name_hash: name_hash,
            issuer_key_hash: key_hash(question.issuer)
                .ok_or(ResponseFault::Malformed("key of the issuer"))?,
            serial_number: question.certificate.serial_number(),
            nonce: question.nonce.map(octets),
        })
    }

    /// Whether an answer is about this certificate. What was named by another digest was not asked for.
    fn is_about(&self, answer: &Answer<'_>) -> bool {
        let id = &answer.certificate;
        id.hash_algorithm == SHA1
            && id.issuer_name_hash == self.issuer_name_hash
            && id.issuer_key_hash == self.issuer_key_hash
            && id.serial_number == self.serial_number
    }
}

/// SHA-1 of a certificate's key: of the BIT STRING's bits alone (RFC 6960 section 4.1.1, issuerKeyHash).
fn key_hash(certificate: &Certificate) -> Option<Vec<u8>> {
    Some(DigestAlgorithm::Sha1.hash(response::key_bits(certificate.public_key_der()).ok()?))
}

fn read(der: &[u8]) -> Result<Response<'_>, ResponseFault> {
    let outer = Outer::read(der).map_err(malformed)?;
    if outer.status != 0 {
        return Err(ResponseFault::NotSuccessful(outer.status));
    }
    let Some((response_type, response)) = outer.response else {
        return Err(ResponseFault::Malformed("responseBytes"));
    };
    if response_type != BASIC {
        return Err(ResponseFault::OtherType);
    }
    Response::read(response).map_err(malformed)
}

/// The fault of form under our name; those functions know no others.
fn malformed(fault: cms::Error) -> ResponseFault {
    match fault {
        cms::Error::Malformed(what) | cms::Error::TooMany(what) => ResponseFault::Malformed(what),
        cms::Error::TooLong(_) | cms::Error::NotSignedData => ResponseFault::Malformed("OCSPResponse"),
    }
}

/// Two of a kind could say different things to different readers, and a critical one must be known (RFC 6960
/// section 4.4).
fn check_extensions(extensions: &[Extension<'_>], known: &[&[u8]]) -> Result<(), ResponseFault> {
    for (index, extension) in extensions.iter().enumerate() {
        if extensions.iter().skip(index + 1).any(|other| other.oid == extension.oid) {
            return Err(ResponseFault::Malformed("an extension stands there twice"));
        }
        if extension.critical && !known.contains(&extension.oid) {
            return Err(ResponseFault::UnknownCritical);
        }
    }
    Ok(())
}

/// Whether the nonce that was sent came back. One that nobody sent is no fault: a response that was made for
/// somebody else is as good as one signed in advance.
fn check_nonce(
    asked: &Asked<'_>,
    extensions: &[Extension<'_>],
    rules: &Rules<'_>,
) -> Result<bool, ResponseFault> {
    let came = extensions.iter().find(|extension| extension.oid == NONCE);
    match (&asked.nonce, came) {
        (Some(sent), Some(came)) if came.value == sent => Ok(true),
        (Some(_), Some(_)) => Err(ResponseFault::NonceDiffers),
        (Some(_), None) if !rules.nonce_optional => Err(ResponseFault::NonceMissing),
        _ => Ok(false),
    }
}

/// What counts more if a responder says two things about one certificate.
fn severity(status: Status) -> (u8, Option<Reverse<SystemTime>>) {
    match status {
        Status::Good => (0, None),
        Status::Unknown => (1, None),
        Status::Revoked(revoked) => (2, Some(Reverse(revoked.since))),
    }
}

/// RFC 6960 sections 3.2 (5 and 6) and 4.2.2.1.
fn check_times(
    answer: &Answer<'_>,
    produced_at: SystemTime,
    nonce_matched: bool,
    rules: &Rules<'_>,
) -> Result<(), ResponseFault> {
    // How much later the one is than the other; sums could leave what the clock can tell.
    let exceeds = |late: SystemTime, early: SystemTime, most: Duration| {
        late.duration_since(early).is_ok_and(|difference| difference > most)
    };
    let ahead = |time| exceeds(time, rules.at, rules.skew);
    match answer.next_update {
        _ if ahead(answer.this_update) || ahead(produced_at) => Err(ResponseFault::NotYetValid),
        Some(next) if next < answer.this_update => Err(ResponseFault::Malformed("nextUpdate")),
        Some(next) if exceeds(rules.at, next, rules.skew) => Err(ResponseFault::Stale),
        // Without a nonce it may be an old response that somebody kept, from before the revocation.
        _ if !nonce_matched && exceeds(rules.at, answer.this_update, rules.max_age) => {
            Err(ResponseFault::TooOld)
        }
        _ => Ok(()),
    }
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv::encode(0x30, &parts.concat())
}

fn octets(value: &[u8]) -> Vec<u8> {
    tlv::encode(0x04, value)
}

/// What must hold of whatever is read as a response.
#[cfg(feature = "fuzzing")]
pub(crate) fn check_reading(input: &[u8]) {
    let Ok(response) = read(input) else { return };
    let lies_within = |part: &[u8]| input.windows(part.len()).any(|window| std::ptr::eq(window, part));
    assert!(lies_within(response.signed), "what is signed is a piece of the input");
    assert!(response.certificates.iter().all(|certificate| lies_within(certificate)));
    assert!(response.answers.len() <= 64 && response.certificates.len() <= 8);
    assert!(read(&[input, &[0]].concat()).is_err(), "nothing may be left over");
    let shorter = input.split_last().map(|(_, shorter)| read(shorter).is_err());
    assert_eq!(shorter, Some(true), "a part of a response is none");
}
