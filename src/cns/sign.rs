//! Signatures (CNS functional specification: MSE RESTORE and SET, PERFORM SECURITY OPERATION): the ways to
//! have a PKCS #1 v1.5 block signed, tried in order until one gives a signature that verifies.

use super::{Error, Family, Step};
use crate::crypto::signature::pkcs1_block;
use crate::crypto::{Digest, PresentedCertificate};
use crate::dialogue::{Cause, Step as _};
use crate::iso7816::{Command, StatusWord, apdu, command};
use crate::secure_messaging::Channel;

/// Control reference template of a key that deciphers, and of one that signs.
const CONFIDENTIALITY: u8 = 0xB8;
const DIGITAL_SIGNATURE: u8 = 0xB6;
/// P1 of MANAGE SECURITY ENVIRONMENT, SET, on these cards.
const SET: u8 = 0xF1;

/// A way to have a digest signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// PSO DECIPHER of the whole block, which is made here: the keys are of the class that deciphers, and
    /// apply the private exponent to whatever they are given. Blocks of 256 bytes go out as a chain.
    Decipher,
    /// The same in one command of extended length.
    DecipherInOnePiece,
    /// PSO COMPUTE DIGITAL SIGNATURE of the DigestInfo; the card makes the block.
    SignDigestInfo,
    /// PSO COMPUTE DIGITAL SIGNATURE of the bare digest; the card makes DigestInfo and block.
    SignDigest,
}

impl Route {
    /// The ways to try on a card of this family, in order.
    pub(super) fn of(family: Family) -> &'static [Self] {
        match family {
            Family::Cie1 => &[Self::SignDigestInfo, Self::SignDigest],
            _ => &[Self::Decipher, Self::DecipherInOnePiece, Self::SignDigestInfo, Self::SignDigest],
        }
    }

    fn template(self) -> u8 {
        match self {
            Self::Decipher | Self::DecipherInOnePiece => CONFIDENTIALITY,
            Self::SignDigestInfo | Self::SignDigest => DIGITAL_SIGNATURE,
        }
    }

    fn operation(self, digest: &Digest, size: usize) -> Result<Command, Cause> {
        let block = || pkcs1_block(size, &digest.digest_info());
        Ok(match self {
            Self::Decipher => command::decipher(&block()?),
            Self::DecipherInOnePiece => command::decipher(&block()?).in_one_piece(),
            Self::SignDigestInfo => command::compute_digital_signature(&digest.digest_info()),
            Self::SignDigest => command::compute_digital_signature(digest.as_bytes()),
        })
    }
}

/// The key to sign with, in the directory that is current.
pub(super) struct Key<'a> {
    pub(super) reference: u8,
    /// Number of the security environment that the keys are used in.
    pub(super) environment: u8,
    pub(super) certificate: &'a PresentedCertificate,
}

/// Has the digest signed, by the first of the ways that gives a signature of the certificate's key. Gives
/// the way, too, for the next time.
///
/// # Errors
/// [`Cause::WrongSignature`] if the card signs, but with another key; [`Cause::PinStateLost`] if the PIN was
/// missing; else the first refusal.
pub(super) fn sign(
    channel: &mut Channel,
    key: &Key<'_>,
    routes: &[Route],
    digest: &Digest,
) -> Result<(Route, Vec<u8>), Error> {
    let step = Step::Sign;
    let size = key.certificate.public_key().size();
    let (mut wrong, mut refusals) = (false, Vec::new());
    for route in routes {
        // One piece and a chain are the same for a block that fits into a short command.
        if *route == Route::DecipherInOnePiece && size < apdu::SHORT_DATA_MAX {
            continue;
        }
        match attempt(channel, key, *route, digest, size)? {
            Ok(signature) if key.certificate.public_key().check_signature(digest, &signature).is_ok() => {
                return Ok((*route, signature));
            }
            Ok(_) => wrong = true,
            Err(status) if leads_on(status) => refusals.push(status),
            Err(status) => return Err(step.failed(status)),
        }
    }
    // A key refuses what it is not made for whether or not the PIN was shown.
    let pin_lost = refusals.contains(&StatusWord::SECURITY_STATUS_NOT_SATISFIED);
    Err(step.failed(match refusals.first() {
        _ if wrong => Cause::WrongSignature,
        Some(_) if pin_lost => Cause::PinStateLost,
        Some(first) => Cause::Status(*first),
        None => Cause::WrongSignature,
    }))
}

/// One way: restores the security environment, names the key, has it used.
fn attempt(
    channel: &mut Channel,
    key: &Key<'_>,
    route: Route,
    digest: &Digest,
    size: usize,
) -> Result<Result<Vec<u8>, StatusWord>, Error> {
    let step = Step::Sign;
    let mut send = |command: &Command| channel.exchange(command).map_err(|e| step.failed(e));
    let mut restored = send(&command::restore_security_environment(key.environment))?.status();
    if restored == StatusWord::WRONG_LENGTH {
        restored = send(&command::restore_security_environment_bare(key.environment))?.status();
    }
    if !restored.is_success() {
        return Ok(Err(restored));
    }
    let reference = [0x83, 0x01, key.reference];
    let set = command::manage_security_environment(SET, route.template(), &reference);
    let set = send(&set)?.status();
    if !set.is_success() {
        return Ok(Err(set));
    }
    let operation = route.operation(digest, size).map_err(|cause| step.failed(cause))?;
    let response = send(&operation)?;
    match response.status() {
        StatusWord::SUCCESS => Ok(Ok(response.into_data())),
        status => Ok(Err(status)),
    }
}

/// Whether the next way may be tried after this answer: the card does not do it in this one, and has not used
/// the key.
fn leads_on(status: StatusWord) -> bool {
    match status {
        StatusWord::CONDITIONS_NOT_SATISFIED
        | StatusWord::FUNCTION_NOT_SUPPORTED
        | StatusWord::WRONG_P1_P2
        | StatusWord::REFERENCE_NOT_FOUND
        | StatusWord::SECURITY_STATUS_NOT_SATISFIED
        | StatusWord::WRONG_DATA
        | StatusWord::WRONG_LENGTH
        | StatusWord::CLA_NOT_SUPPORTED
        | StatusWord::INS_NOT_SUPPORTED => true,
        // The next fragment of a chain expected; chains not supported.
        status => matches!(status.value(), 0x6883 | 0x6884),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What says that the key was used, or that a try was spent, or what nobody knows, is final.
    #[test]
    fn few_answers_lead_to_the_next_way() {
        let known = [0x6700, 0x6883, 0x6884, 0x6982, 0x6985, 0x6A80, 0x6A81, 0x6A86, 0x6A88, 0x6D00, 0x6E00];
        for word in 0..=u16::MAX {
            assert_eq!(leads_on(StatusWord::new(word)), known.contains(&word), "{word:04X}");
        }
    }

    /// The keys of a CIE 1 are not of the class that deciphers.
    #[test]
    fn a_first_identity_card_is_not_asked_to_decipher() {
        assert_eq!(Route::of(Family::Cie1), [Route::SignDigestInfo, Route::SignDigest]);
        for family in [Family::Cie2, Family::Cns] {
            assert_eq!(Route::of(family).first(), Some(&Route::Decipher));
        }
    }
}
