//! Two-key triple DES in CBC mode, the retail MAC and ISO padding.
//!
//! ISO/IEC 9797-1 MAC algorithm 3 with padding method 2; ISO/IEC 7816-4 section 10.2.3.1. OpenSSL 3
//! keeps single DES in its legacy provider, so a single DES is done here as EDE with equal keys.

use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use super::{Error, library};
use crate::secret::TripleDesKey;

/// Block length of DES in bytes.
pub const BLOCK: usize = 8;

type Block = [u8; BLOCK];

/// EDE in CBC mode over whole blocks.
fn cbc(mode: Mode, key: &Zeroizing<[u8; 24]>, iv: &Block, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if data.is_empty() || data.len() % BLOCK != 0 {
        return Err(Error::Length { name: "triple DES input", found: data.len() });
    }
    let error = library("triple DES");
    let mut crypter = Crypter::new(Cipher::des_ede3_cbc(), mode, key.as_slice(), Some(iv)).map_err(&error)?;
    crypter.pad(false);
    let mut out = Zeroizing::new(vec![0; data.len() + BLOCK]);
    let length = crypter.update(data, &mut out).map_err(&error)?;
    out.truncate(length);
    if length == data.len() { Ok(out) } else { Err(Error::Library("triple DES")) }
}

/// K1 ‖ K2 ‖ K1.
fn two_key(key: &TripleDesKey) -> Zeroizing<[u8; 24]> {
    let mut long = Zeroizing::new([0; 24]);
    long.iter_mut().zip(key.expose().iter().cycle()).for_each(|(to, from)| *to = *from);
    long
}

/// K1 ‖ K1 ‖ K1: single DES under K1.
fn single_key(key: &TripleDesKey) -> Zeroizing<[u8; 24]> {
    let mut long = Zeroizing::new([0; 24]);
    long.iter_mut().zip(key.expose().iter().take(BLOCK).cycle()).for_each(|(to, from)| *to = *from);
    long
}

/// Encrypts whole blocks, IV zero.
///
/// # Errors
/// [`Error::Length`] unless `data` is one or more whole blocks.
pub fn encrypt(key: &TripleDesKey, data: &[u8]) -> Result<Vec<u8>, Error> {
    cbc(Mode::Encrypt, &two_key(key), &[0; BLOCK], data).map(|out| out.to_vec())
}

/// Decrypts whole blocks, IV zero.
///
/// # Errors
/// [`Error::Length`] unless `data` is one or more whole blocks.
pub fn decrypt(key: &TripleDesKey, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    cbc(Mode::Decrypt, &two_key(key), &[0; BLOCK], data)
}

/// The retail MAC over whole blocks, all eight bytes: CBC with single DES under K1, the last block
/// under EDE with K1 and K2. The caller pads.
///
/// # Errors
/// [`Error::Length`] unless `data` is one or more whole blocks.
pub fn retail_mac(key: &TripleDesKey, data: &[u8]) -> Result<Block, Error> {
    let wrong = Error::Length { name: "MAC input", found: data.len() };
    let (head, last) = data.split_last_chunk::<BLOCK>().ok_or(wrong)?;
    let chained = match head {
        [] => [0; BLOCK],
        _ => {
            let out = cbc(Mode::Encrypt, &single_key(key), &[0; BLOCK], head)?;
            *out.last_chunk().ok_or(wrong)?
        }
    };
    let mac = cbc(Mode::Encrypt, &two_key(key), &chained, last)?;
    mac.last_chunk().copied().ok_or(wrong)
}

/// Appends 80 and zeros up to a whole block; always at least one byte.
#[must_use]
pub fn pad(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = (data.len() / BLOCK + 1) * BLOCK;
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    out.extend_from_slice(data);
    out.push(0x80);
    out.resize(length, 0);
    out
}

/// Takes the padding off.
///
/// # Errors
/// [`Error::Padding`] unless the last block ends in 80 and zeros.
pub fn unpad(data: &[u8]) -> Result<&[u8], Error> {
    let end = data.iter().rposition(|b| *b != 0).ok_or(Error::Padding)?;
    match data.split_at_checked(end) {
        Some((content, [0x80, zeros @ ..])) if zeros.len() < BLOCK && data.len() % BLOCK == 0 => Ok(content),
        _ => Err(Error::Padding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TripleDesKey {
        TripleDesKey::new(&hex_literal::hex!("2288AABBCCDDEEFF00AABBCCDDEEFF00"))
    }

    #[test]
    fn the_primitives_agree_with_the_unit_tests_of_another_project() {
        let bytes = |name: &str| crate::vectors::bytes(&format!("/upstream_tests/{name}"));
        let key = |name: &str| TripleDesKey::new(&bytes(&format!("{name}/key")).try_into().unwrap());
        let mac = retail_mac(&key("retail_mac"), &bytes("retail_mac/data")).unwrap();
        assert_eq!(mac.to_vec(), bytes("retail_mac/mac"));
        let ciphertext = encrypt(&key("tdes_cbc_iv0"), &bytes("tdes_cbc_iv0/data")).unwrap();
        assert_eq!(ciphertext, bytes("tdes_cbc_iv0/ciphertext"));
        assert_eq!(pad(&bytes("iso_pad/data")).to_vec(), bytes("iso_pad/padded"));
        assert_eq!(unpad(&bytes("iso_unpad/padded")).unwrap(), bytes("iso_unpad/data"));
    }

    #[test]
    fn partial_blocks_are_refused() {
        for length in [0, 1, 7, 9, 15] {
            assert!(encrypt(&key(), &vec![0; length]).is_err());
            assert!(decrypt(&key(), &vec![0; length]).is_err());
            assert!(retail_mac(&key(), &vec![0; length]).is_err());
        }
    }

    #[test]
    fn padding_round_trips_and_is_strict() {
        for length in 0..40 {
            let data = vec![0x80; length];
            let padded = pad(&data);
            assert_eq!(padded.len() % BLOCK, 0);
            assert_eq!(unpad(&padded).unwrap(), data);
        }
        for bad in [
            &[][..],
            &[0; 8],
            &[1; 8],
            &[0x80, 0, 0, 0],
            &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(unpad(bad).unwrap_err(), Error::Padding, "{bad:?}");
        }
    }

    #[test]
    fn decrypt_undoes_encrypt() {
        let data = pad(b"a secret of some length");
        assert_eq!(decrypt(&key(), &encrypt(&key(), &data).unwrap()).unwrap(), data);
    }
}
