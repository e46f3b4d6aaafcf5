//! Message digests (FIPS 180-4) and what is remembered of the message.

use openssl::sha::sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// SHA-256 of the concatenation of `parts`: 32 bytes.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-512 of the concatenation of `parts`: 64 bytes.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// A message digest algorithm that the card's signatures may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1, 20 bytes: for existing protocols that still ask for it.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    /// Length of the digest in bytes.
    #[must_use]
    pub const fn output_length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of a message.
    #[must_use]
    pub fn hash(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// The DER of `DigestInfo` up to the digest itself (RFC 8017 section 9.2, note 1).
    const fn digest_info_prefix(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &hex_literal::hex!("3021300906052B0E03021A05000414"),
            Self::Sha256 => &hex_literal::hex!("3031300D060960864801650304020105000420"),
            Self::Sha384 => &hex_literal::hex!("3041300D060960864801650304020205000430"),
            Self::Sha512 => &hex_literal::hex!("3051300D060960864801650304020305000440"),
        }
    }
}

/// The digest of a message, with its algorithm and, if known, the length of the message: a signature
/// over bytes of certain lengths can be a login elsewhere, see [`super::signature::Purpose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    bytes: Vec<u8>,
    message: Option<Message>,
}

/// What is remembered of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Message {
    length: usize,
    /// Of messages that could be a login token, and only of those, this is known.
    is_signed_attributes: bool,
}

impl Digest {
    /// Hashes a message.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, message: &[u8]) -> Self {
        let is_signed_attributes = super::signature::is_signed_attributes(message);
        let remembered = Message { length: message.len(), is_signed_attributes };
        Self { algorithm, bytes: algorithm.hash(message), message: Some(remembered) }
    }

    /// Takes a digest that was computed elsewhere, of a message that is not known here.
    ///
    /// # Errors
    /// [`super::Error::Length`] unless it has the algorithm's length.
    pub fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Result<Self, super::Error> {
        if bytes.len() != algorithm.output_length() {
            return Err(super::Error::Length { name: "digest", found: bytes.len() });
        }
        Ok(Self { algorithm, bytes: bytes.to_vec(), message: None })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the hashed message in bytes, if it was hashed here.
    #[must_use]
    pub fn message_length(&self) -> Option<usize> {
        self.message.map(|message| message.length)
    }

    /// Whether the hashed message has the length of a login token's and is signed attributes all the same.
    pub(super) fn is_of_signed_attributes(&self) -> bool {
        self.message.is_some_and(|message| message.is_signed_attributes)
    }

    /// The DER of the `DigestInfo`: what an RSASSA-PKCS1-v1_5 signature covers (RFC 8017 section 9.2).
    #[must_use]
    pub fn digest_info(&self) -> Vec<u8> {
        [self.algorithm.digest_info_prefix(), &self.bytes].concat()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:?})", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_agrees_with_openssl() {
        use openssl::hash::{MessageDigest, hash};
        for (ours, theirs) in [
            (DigestAlgorithm::Sha1, MessageDigest::sha1()),
            (DigestAlgorithm::Sha256, MessageDigest::sha256()),
            (DigestAlgorithm::Sha384, MessageDigest::sha384()),
            (DigestAlgorithm::Sha512, MessageDigest::sha512()),
        ] {
            let digest = ours.hash(b"abc");
            assert_eq!(digest, hash(theirs, b"abc").unwrap().to_vec());
            assert_eq!(digest.len(), ours.output_length());
            let info = Digest::of(ours, b"abc").digest_info();
            assert_eq!(usize::from(info[1]), info.len() - 2, "the outer length of {ours:?}");
        }
    }

    #[test]
    fn a_digest_of_the_wrong_length_is_refused() {
        assert!(Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 31]).is_err());
        assert_eq!(Digest::from_bytes(DigestAlgorithm::Sha256, &[0; 32]).unwrap().message_length(), None);
    }

    #[test]
    fn a_digest_gives_back_what_it_took() {
        let taken = Digest::from_bytes(DigestAlgorithm::Sha1, &[7; 20]).unwrap();
        assert_eq!((taken.algorithm(), taken.as_bytes()), (DigestAlgorithm::Sha1, &[7; 20][..]));
        assert_eq!(format!("{taken:?}"), "Digest(Sha1)");
    }
}
