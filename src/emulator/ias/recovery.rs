//! Signatures with message recovery: ISO/IEC 9796-2 scheme 1, SHA-256, implicit trailer BC.

use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use crate::crypto::{self, constant_time_equal, sha256};

/// First byte of the block: the message is recovered in part.
const HEADER: u8 = 0x6A;
/// Last byte: the hash function is known from elsewhere.
const TRAILER: u8 = 0xBC;
/// Length of the hash.
const HASH: usize = 32;

/// What a signature block carries, its two end bytes checked.
pub(super) struct Block(Vec<u8>);

impl Block {
    /// Opens a signature; `None` if it is none.
    pub(super) fn recover(key: &RsaPublicKey, signature: &[u8]) -> Option<Self> {
        let block = key.recover(signature).ok()?;
        match block.as_slice() {
            [HEADER, inner @ .., TRAILER] if inner.len() > HASH => Some(Self(inner.to_vec())),
            _ => None,
        }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.0.split_at_checked(self.0.len().saturating_sub(HASH)).unwrap_or_default()
    }

    /// The part of the message that the signature carries.
    pub(super) fn message(&self) -> &[u8] {
        self.split().0
    }

    /// Whether the hash is that of the recovered part and `rest` together.
    pub(super) fn covers(&self, rest: &[&[u8]]) -> bool {
        let (message, hash) = self.split();
        let parts: Vec<&[u8]> = std::iter::once(message).chain(rest.iter().copied()).collect();
        constant_time_equal(&sha256(&parts), hash)
    }
}

/// How many bytes a signature of this key carries.
pub(super) fn capacity(key: &RsaPrivateKey) -> usize {
    key.size().saturating_sub(HASH + 2)
}

/// Signs `message`, which fills the block, together with `rest`, which does not travel in it.
pub(super) fn sign(key: &RsaPrivateKey, message: &[u8], rest: &[&[u8]]) -> Result<Vec<u8>, crypto::Error> {
    let parts: Vec<&[u8]> = std::iter::once(message).chain(rest.iter().copied()).collect();
    key.sign_raw(&[&[HEADER], message, &sha256(&parts), &[TRAILER]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_signature() {
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie3-ias.json")).unwrap();
        let v = &v["internal_auth"];
        let hex = |name: &str| hex::decode(v[name].as_str().unwrap()).unwrap();
        let modulus = hex("test_icc_modulus");
        let key = RsaPrivateKey::new(&modulus, &hex("test_icc_private_exponent")).unwrap();
        let public = RsaPublicKey::new(&modulus, &hex("test_icc_public_exponent")).unwrap();
        assert_eq!(capacity(&key), 222);

        let block = Block::recover(&public, &hex("signature")).unwrap();
        assert_eq!(block.message(), hex("prnd"));
        assert!(!block.covers(&[]));

        let signature = sign(&key, &hex("prnd"), &[b"the", b" rest"]).unwrap();
        assert!(Block::recover(&public, &signature).unwrap().covers(&[b"the rest"]));
        for wrong in [&[0x6B, 0xBC], &[0x6A, 0xCC]] {
            let block = [&wrong[..1], &[7; 254], &wrong[1..]].concat();
            assert!(Block::recover(&public, &key.sign_raw(&block).unwrap()).is_none());
        }
        assert!(Block::recover(&public, &signature[1..]).is_none());
        assert!(Block::recover(&public, &[0xFF; 256]).is_none());
    }
}
