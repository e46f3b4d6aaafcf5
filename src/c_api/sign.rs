//! Signatures with the holder's key.

use super::border::{Bytes, BytesOut, ContextIn, SizeInOut};
use super::cie_handle;
use super::failure::Fault;
use super::result::cie_result;
use crate::crypto::signature::{MODULUS_BITS, Purpose, Signer};
use crate::crypto::{Digest, DigestAlgorithm};
use crate::dialogue::Step as _;
use crate::ias;

/// A document: `data` is what CMS, PAdES and their kin sign, the signed attributes (RFC 5652 section 5.4), or begins
/// with words that say what it is and that no other protocol signs. Never the document alone.
pub const CIE_PURPOSE_DOCUMENT: i32 = 1;
/// Bytes of unknown meaning. Refused when they could be a login token of Web eID: 64, 96 or 128 bytes. Other logins are
/// not known by their length (client authentication of TLS and SSH sign this way, too): do not sign what a stranger
/// sends.
pub const CIE_PURPOSE_RAW: i32 = 2;
/// Bytes of unknown meaning of which the program knows that they are no login token.
pub const CIE_PURPOSE_RAW_ACKNOWLEDGED: i32 = 3;

/// SHA-1: for old verifiers only.
pub const CIE_HASH_SHA1: i32 = 1;
/// SHA-256.
pub const CIE_HASH_SHA256: i32 = 256;
/// SHA-384.
pub const CIE_HASH_SHA384: i32 = 384;
/// SHA-512.
pub const CIE_HASH_SHA512: i32 = 512;

/// The longest signature, in bytes: what a buffer for any card has room for.
pub const CIE_SIGNATURE_SIZE: usize = 512;

/// The most bytes that are signed at once: 64 MiB.
const DATA_MAX: usize = 64 << 20;
const _: () = assert!(CIE_SIGNATURE_SIZE * 8 == MODULUS_BITS.1);

/// Signs with the holder's key (RSASSA-PKCS1-v1_5), after `cie_card_verify_pin`. What comes out was verified against
/// the certificate.
///
/// A card has one key for logging in and for signing, and a signature over bytes that somebody else chose could be a
/// login somewhere. So `purpose` says what is signed (`CIE_PURPOSE_DOCUMENT`, `CIE_PURPOSE_RAW`,
/// `CIE_PURPOSE_RAW_ACKNOWLEDGED`), and what is said to be a document but has the length of a login token must be
/// signed attributes through and through: else `CIE_PURPOSE_REFUSED`. So what you sign yourself begins with words of
/// more than 128 bytes, and never has such a length. Logins are made by `cie_card_login`.
///
/// `hash`: `CIE_HASH_SHA256` or one of its kin. `data`, `length`: what is signed, at most 64 MiB; it is hashed here.
/// `buffer`, `size`: see "Sizes" at the head. Room for `CIE_SIGNATURE_SIZE` bytes is asked for before anything is
/// signed, and no signature is made by asking for the size.
/// `CIE_PIN_NEEDED`; `CIE_PIN_STATE_LOST` or `CIE_CARD_RESET` if the card was reset meanwhile.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_sign(
    context: ContextIn,
    card: cie_handle,
    purpose: i32,
    hash: i32,
    data: Bytes,
    length: usize,
    buffer: BytesOut,
    size: SizeInOut,
) -> cie_result {
    context.call(|context| {
        let room = buffer.room(size)?;
        let data = data.required(length, DATA_MAX)?;
        let algorithm = algorithm(hash)?;
        let purpose = self::purpose(purpose)?;
        let digest = Digest::of(algorithm, &data);
        if !purpose.allows(&digest) {
            return Err(ias::Step::Sign.failed(ias::Cause::PurposeRefused).into());
        }
        let card = context.shared().handles.card(card)?;
        let Some(room) = room.offers(CIE_SIGNATURE_SIZE)? else { return Ok(()) };
        let signature = card
            .edit(|card| card.with_unlocked(|unlocked| Ok(unlocked.signer()?.sign(purpose, &digest)?)))?;
        room.fill(&signature)
    })
}

fn purpose(number: i32) -> Result<Purpose, Fault> {
    match number {
        CIE_PURPOSE_DOCUMENT => Ok(Purpose::Document),
        CIE_PURPOSE_RAW => Ok(Purpose::Raw),
        CIE_PURPOSE_RAW_ACKNOWLEDGED => Ok(Purpose::RawAcknowledged),
        _ => Err(Fault::Argument("purpose: none of CIE_PURPOSE_DOCUMENT and its kin")),
    }
}

fn algorithm(number: i32) -> Result<DigestAlgorithm, Fault> {
    match number {
        CIE_HASH_SHA1 => Ok(DigestAlgorithm::Sha1),
        CIE_HASH_SHA256 => Ok(DigestAlgorithm::Sha256),
        CIE_HASH_SHA384 => Ok(DigestAlgorithm::Sha384),
        CIE_HASH_SHA512 => Ok(DigestAlgorithm::Sha512),
        _ => Err(Fault::Argument("hash: none of CIE_HASH_SHA256 and its kin")),
    }
}
