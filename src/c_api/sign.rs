//! Signatures with the holder's key.

use hex_literal::hex;

use super::border::{Bytes, BytesOut, ContextIn, SizeInOut};
use super::cie_handle;
use super::failure::Fault;
use super::result::cie_result;
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, DigestAlgorithm};
use crate::dialogue::Step as _;
use crate::ias;
use crate::iso7816::tlv;

/// A document: `data` is what CMS, PAdES and their kin sign, the signed attributes (RFC 5652 section 5.4), or begins with
/// words that say what it is and that no other protocol signs. Never the document alone.
pub const CIE_PURPOSE_DOCUMENT: i32 = 1;
/// Bytes of unknown meaning. Refused when they could be a login token of Web eID: 64, 96 or 128 bytes. Other logins are not
/// known by their length (client authentication of TLS and SSH sign this way, too): do not sign what a stranger sends.
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
/// Tags in DER.
const SEQUENCE: u32 = 0x30;
const SET: u32 = 0x31;
const OBJECT_IDENTIFIER: u32 = 0x06;
/// contentType and messageDigest (RFC 5652 section 11), without which attributes are none that are signed.
const CONTENT_TYPE: [u8; 9] = hex!("2A864886F70D010903");
const MESSAGE_DIGEST: [u8; 9] = hex!("2A864886F70D010904");

/// Signs with the holder's key (RSASSA-PKCS1-v1_5), after `cie_card_verify_pin`. What comes out was verified against the
/// certificate.
///
/// A card has one key for logging in and for signing, and a signature over bytes that somebody else chose could be a
/// login somewhere. So `purpose` says what is signed (`CIE_PURPOSE_DOCUMENT`, `CIE_PURPOSE_RAW`,
/// `CIE_PURPOSE_RAW_ACKNOWLEDGED`), and what is said to be a document but has the length of a login token must be signed
/// attributes through and through: else `CIE_PURPOSE_REFUSED`. So what you sign yourself begins with words of more than
/// 128 bytes, and never has such a length. Logins are made by `cie_card_login`.
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
        let purpose = self::purpose(purpose, &data)?;
        let digest = Digest::of(algorithm, &data);
        if !purpose.allows(&digest) {
            return Err(refused());
        }
        let card = context.shared().handles.card(card)?;
        let Some(room) = room.offers(CIE_SIGNATURE_SIZE)? else { return Ok(()) };
        let signature = card
            .edit(|card| card.with_unlocked(|unlocked| Ok(unlocked.signer()?.sign(purpose, &digest)?)))?;
        room.fill(&signature)
    })
}

fn purpose(number: i32, data: &[u8]) -> Result<Purpose, Fault> {
    let could_be_token = matches!(data.len(), 64 | 96 | 128);
    match number {
        CIE_PURPOSE_DOCUMENT if could_be_token && !are_signed_attributes(data) => Err(refused()),
        CIE_PURPOSE_DOCUMENT => Ok(Purpose::Document),
        CIE_PURPOSE_RAW => Ok(Purpose::Raw),
        CIE_PURPOSE_RAW_ACKNOWLEDGED => Ok(Purpose::RawAcknowledged),
        _ => Err(Fault::Argument("purpose: none of CIE_PURPOSE_DOCUMENT and its kin")),
    }
}

/// Whether these are signed attributes from the first byte to the last (RFC 5652 section 5.4): what begins with the hash of
/// a portal's address is not, whatever that hash is.
fn are_signed_attributes(data: &[u8]) -> bool {
    let Ok(set) = tlv::parse(data) else { return false };
    let mut types = Vec::new();
    for attribute in tlv::Reader::new(set.value) {
        let Ok(attribute) = attribute else { return false };
        let mut parts = tlv::Reader::new(attribute.value);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(name)), Some(Ok(values)), None)
                if attribute.tag.0 == SEQUENCE && name.tag.0 == OBJECT_IDENTIFIER && values.tag.0 == SET =>
            {
                types.push(name.value);
            }
            _ => return false,
        }
    }
    set.tag.0 == SET && types.contains(&&CONTENT_TYPE[..]) && types.contains(&&MESSAGE_DIGEST[..])
}

fn refused() -> Fault {
    ias::Step::Sign.failed(ias::Cause::PurposeRefused).into()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed attributes of so many bytes: a third attribute fills up what the two that must be there leave.
    fn attributes(length: usize) -> Vec<u8> {
        let attribute = |name: &[u8], value: &[u8]| {
            tlv::encode(SEQUENCE, &[tlv::encode(OBJECT_IDENTIFIER, name), tlv::encode(SET, value)].concat())
        };
        let must = [
            attribute(&CONTENT_TYPE, &tlv::encode(OBJECT_IDENTIFIER, &hex!("2A864886F70D010701"))),
            attribute(&MESSAGE_DIGEST, &tlv::encode(0x04, &[7; 8])),
        ]
        .concat();
        let whole =
            |filler: usize| tlv::encode(SET, &[&must[..], &attribute(&[42], &vec![5; filler])].concat());
        (0..length).map(whole).find(|set| set.len() == length).unwrap()
    }

    #[test]
    fn what_could_be_a_login_is_no_document() {
        for length in [64, 96, 128] {
            let good = attributes(length);
            assert_eq!(purpose(CIE_PURPOSE_DOCUMENT, &good).unwrap(), Purpose::Document);
            for at in 0..length - 12 {
                // Whichever byte of the structure is another one; values are anybody's.
                let mut bad = good.clone();
                bad[at] ^= 0x80;
                let structure = !are_signed_attributes(&bad);
                assert_eq!(purpose(CIE_PURPOSE_DOCUMENT, &bad).is_err(), structure, "{at}");
            }
            // A SET, and no attributes in it: a portal whose address has such a hash.
            let mut set = vec![0; length];
            set[0] = 0x31;
            set[1] = u8::try_from(length - 2).unwrap();
            let mut longer = attributes(length - 1);
            longer.push(0);
            for other in [set, longer, vec![0x31; length], vec![0; length]] {
                assert!(purpose(CIE_PURPOSE_DOCUMENT, &other).is_err(), "{other:?}");
            }
            assert_eq!(purpose(CIE_PURPOSE_DOCUMENT, &vec![0; length + 1]).unwrap(), Purpose::Document);
        }
        assert!(purpose(0, b"data").is_err() && purpose(4, b"data").is_err());
    }
}
