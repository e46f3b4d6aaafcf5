//! What a signature is for, and what must not be signed for it.
//!
//! A login token of Web eID is a signature over hash(origin) ‖ hash(nonce), and whoever chooses an origin or the bytes
//! of a document chooses much of what a card is asked to sign. Signed attributes (RFC 5652 section 5.4) that are well
//! formed from the first byte to the last are nothing that begins with the hash of a portal's origin, whatever that
//! hash is.

use hex_literal::hex;

use super::super::{Digest, DigestAlgorithm};

/// What a signature is for. A CIE has one holder key for everything, so a signature over bytes that
/// somebody else chose can be a login somewhere else; the purpose keeps the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A login: the signed bytes come from a login protocol that binds origin and challenge.
    Login,
    /// A document: the signed bytes are structured attributes, or begin with words that no other protocol signs; never
    /// the document alone. Refused when they could be a login token ([`LOGIN_TOKEN_LENGTHS`], or of unknown length),
    /// unless they are signed attributes through and through (RFC 5652 section 5.4).
    Document,
    /// Bytes of unknown meaning. Refused when they could be a login token ([`LOGIN_TOKEN_LENGTHS`], or of unknown
    /// length).
    Raw,
    /// Bytes of unknown meaning that the caller vouches for: they are not a login token.
    RawAcknowledged,
}

/// How many bytes a login token of Web eID signs, hash(origin) ‖ hash(nonce): with SHA-256, SHA-384 or SHA-512.
pub const LOGIN_TOKEN_LENGTHS: [usize; 3] = [
    2 * DigestAlgorithm::Sha256.output_length(),
    2 * DigestAlgorithm::Sha384.output_length(),
    2 * DigestAlgorithm::Sha512.output_length(),
];

impl Purpose {
    /// Whether a digest may be signed for this purpose.
    #[must_use]
    pub fn allows(self, digest: &Digest) -> bool {
        let could_be_token =
            digest.message_length().is_none_or(|length| LOGIN_TOKEN_LENGTHS.contains(&length));
        match self {
            Self::Login | Self::RawAcknowledged => true,
            Self::Raw => !could_be_token,
            Self::Document => !could_be_token || digest.is_of_signed_attributes(),
        }
    }
}

/// Tags in DER.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// contentType and messageDigest (RFC 5652 section 11), without which attributes are none that are signed.
const CONTENT_TYPE: [u8; 9] = hex!("2A864886F70D010903");
const MESSAGE_DIGEST: [u8; 9] = hex!("2A864886F70D010904");

/// Whether a message as long as a login token's is signed attributes from the first byte to the last. None that is
/// longer is asked about: so short ones have no long lengths in them.
pub(in super::super) fn is_signed_attributes(message: &[u8]) -> bool {
    if !LOGIN_TOKEN_LENGTHS.contains(&message.len()) {
        return false;
    }
    let names = || {
        let [(SET, attributes)] = elements(message)?[..] else { return None };
        elements(attributes)?.into_iter().map(attribute_type).collect::<Option<Vec<_>>>()
    };
    names().is_some_and(|names| names.contains(&&CONTENT_TYPE[..]) && names.contains(&&MESSAGE_DIGEST[..]))
}

/// The type of an attribute, if it is one (RFC 5652 section 5.3).
fn attribute_type((tag, value): (u8, &[u8])) -> Option<&[u8]> {
    match elements(value)?[..] {
        [(OBJECT_IDENTIFIER, name), (SET, _)] if tag == SEQUENCE => Some(name),
        _ => None,
    }
}

/// Tags and values that stand one behind the other and fill these bytes; only lengths of one byte (X.690 section
/// 8.1.3.4).
fn elements(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let length = Some(usize::from(*length)).filter(|length| *length < 0x80)?;
        let (value, behind) = rest.split_at_checked(length)?;
        found.push((*tag, value));
        bytes = behind;
    }
    bytes.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
    }

    /// Signed attributes of so many bytes: a third attribute fills up what the two that must be there leave.
    fn attributes(length: usize) -> Vec<u8> {
        let attribute = |name: &[u8], value: &[u8]| {
            element(SEQUENCE, &[element(OBJECT_IDENTIFIER, name), element(SET, value)].concat())
        };
        let must = [
            attribute(&CONTENT_TYPE, &element(OBJECT_IDENTIFIER, &hex!("2A864886F70D010701"))),
            attribute(&MESSAGE_DIGEST, &element(0x04, &[7; 8])),
        ]
        .concat();
        let whole = |filler: usize| element(SET, &[&must[..], &attribute(&[42], &vec![5; filler])].concat());
        (0..length).map(whole).find(|set| set.len() == length).unwrap()
    }

    fn allows(purpose: Purpose, message: &[u8]) -> bool {
        purpose.allows(&Digest::of(DigestAlgorithm::Sha256, message))
    }

    #[test]
    fn raw_signing_refuses_what_could_be_a_login() {
        for length in [64, 96, 128] {
            for message in [vec![0; length], attributes(length)] {
                assert!(!allows(Purpose::Raw, &message));
                assert!(allows(Purpose::RawAcknowledged, &message));
                assert!(allows(Purpose::Login, &message));
            }
        }
        assert!(allows(Purpose::Raw, &[0; 63]));
        let unknown = Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 32]).unwrap();
        assert!(!Purpose::Raw.allows(&unknown) && !Purpose::Document.allows(&unknown));
        assert!(Purpose::RawAcknowledged.allows(&unknown) && Purpose::Login.allows(&unknown));
    }

    #[test]
    fn what_could_be_a_login_is_no_document() {
        for length in [64, 96, 128] {
            let good = attributes(length);
            assert!(allows(Purpose::Document, &good));
            for at in 0..length - 12 {
                // Whichever byte of the structure is another one; values are anybody's.
                let mut bad = good.clone();
                bad[at] ^= 0x80;
                let is_value = |from: usize, count: usize| (from..from + count).contains(&at);
                // The object identifiers that nobody asks about, and what stands in the sets.
                let is_anybodys = is_value(17, 11) || is_value(43, 10) || is_value(57, 1) || at >= 60;
                assert_eq!(allows(Purpose::Document, &bad), is_anybodys, "{at}: {}", hex::encode(&bad));
            }
            // A SET, and no attributes in it: a portal whose address has such a hash.
            let mut set = vec![0; length];
            set[0] = 0x31;
            set[1] = u8::try_from(length - 2).unwrap();
            let mut longer = attributes(length - 1);
            longer.push(0);
            for other in [set, longer, vec![0x31; length], vec![0; length]] {
                assert!(!allows(Purpose::Document, &other), "{other:?}");
            }
            assert!(allows(Purpose::Document, &vec![0; length + 1]));
        }
    }
}
