//! RSA keys from one drawn seed, so that the software card's keys can be made again from a recording.
//!
//! Used by the emulator's test PKI only.

use openssl::bn::{BigNum, BigNumContext, BigNumRef};

use super::number::{SecretNumber, copy, to_fixed};
use super::{Error, library, sha256};
use crate::environment::Entropy;

/// The exponent that is given when a key is generated; the other one follows.
#[derive(Debug, Clone, Copy)]
pub enum GivenExponent<'a> {
    /// The public exponent, usually 65537.
    Public(&'a [u8]),
    /// The private exponent: the primes are chosen so that it works.
    Private(&'a [u8]),
}

/// All numbers of a generated key, big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct GeneratedKey {
    pub modulus: Vec<u8>,
    pub public_exponent: Vec<u8>,
    pub private_exponent: Vec<u8>,
    pub prime_p: Vec<u8>,
    pub prime_q: Vec<u8>,
}

impl std::fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GeneratedKey({} bytes)", self.modulus.len())
    }
}

/// Draws one seed of 32 bytes and finds a key of exactly `bits` bits, a multiple of 128; the modulus
/// starts with at least 90 hex.
///
/// # Errors
/// [`Error::Entropy`] or [`Error::Library`].
pub fn generate_rsa(
    bits: usize,
    exponent: GivenExponent<'_>,
    entropy: &mut dyn Entropy,
    label: &'static str,
) -> Result<GeneratedKey, Error> {
    let error = library("RSA key generation");
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    entropy.draw(label, seed.as_mut_slice())?;
    let (GivenExponent::Public(given) | GivenExponent::Private(given)) = exponent;
    let given = BigNum::from_slice(given).map_err(&error)?;
    let mut context = BigNumContext::new_secure().map_err(&error)?;

    let mut expansion = (0_u64..).flat_map(|counter| sha256(&[seed.as_slice(), &counter.to_be_bytes()]));
    let mut next_prime = || prime(bits / 2, &given, &mut expansion);
    let p = next_prime()?;
    let mut q = next_prime()?;
    while *p == *q {
        q = next_prime()?;
    }

    let less_one = |prime: &SecretNumber| -> Result<SecretNumber, Error> {
        let mut number = SecretNumber::new(copy(prime)?);
        number.sub_word(1).map_err(library("RSA key generation"))?;
        Ok(number)
    };
    let (p_less_one, q_less_one) = (less_one(&p)?, less_one(&q)?);
    let number = || BigNum::new().map_err(library("RSA key generation"));
    let (mut modulus, mut product, mut divisor, mut order, mut other) =
        (number()?, number()?, number()?, number()?, number()?);
    modulus.checked_mul(&p, &q, &mut context).map_err(&error)?;
    product.checked_mul(&p_less_one, &q_less_one, &mut context).map_err(&error)?;
    divisor.gcd(&p_less_one, &q_less_one, &mut context).map_err(&error)?;
    order.checked_div(&product, &divisor, &mut context).map_err(&error)?;
    other.mod_inverse(&given, &order, &mut context).map_err(&error)?;
    let (public, private) = match exponent {
        GivenExponent::Public(_) => (given.to_vec(), other.to_vec()),
        GivenExponent::Private(_) => (other.to_vec(), given.to_vec()),
    };
    Ok(GeneratedKey {
        modulus: to_fixed(&modulus, bits / 8)?,
        public_exponent: public,
        private_exponent: private,
        prime_p: p.to_vec(),
        prime_q: q.to_vec(),
    })
}

/// The first prime from a random start for which the exponent has an inverse modulo prime − 1.
fn prime(
    bits: usize,
    exponent: &BigNumRef,
    bytes: &mut impl Iterator<Item = u8>,
) -> Result<SecretNumber, Error> {
    let error = library("prime search");
    let mut context = BigNumContext::new_secure().map_err(&error)?;
    let mut start: zeroize::Zeroizing<Vec<u8>> = zeroize::Zeroizing::new(bytes.take(bits / 8).collect());
    // The two top bits make the product of two primes exactly twice as long.
    if let [first, .., last] = start.as_mut_slice() {
        *first |= 0xC0;
        *last |= 1;
    }
    let mut candidate = SecretNumber::from_bytes(&start)?;
    let mut less_one = SecretNumber::new(BigNum::new().map_err(&error)?);
    let mut divisor = BigNum::new().map_err(&error)?;
    loop {
        if candidate.is_prime_fasttest(0, &mut context, true).map_err(&error)? {
            less_one
                .checked_sub(&candidate, BigNum::from_u32(1).map_err(&error)?.as_ref())
                .map_err(&error)?;
            divisor.gcd(&less_one, exponent, &mut context).map_err(&error)?;
            if divisor.num_bits() == 1 {
                return Ok(candidate);
            }
        }
        candidate.add_word(2).map_err(&error)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;
    use crate::crypto::signature::{RsaPrivateKey, RsaPublicKey};

    #[test]
    fn a_key_works_either_way_round() {
        let ours = generate_rsa(1024, GivenExponent::Public(&[1, 0, 1]), &mut SystemEntropy, "key").unwrap();
        let private = RsaPrivateKey::with_primes(
            &ours.modulus,
            &ours.public_exponent,
            &ours.private_exponent,
            &ours.prime_p,
            &ours.prime_q,
        );
        let signature = private.unwrap().sign_block(b"content").unwrap();
        let public = RsaPublicKey::new(&ours.modulus, &ours.public_exponent).unwrap();
        public.check_block(b"content", &signature).unwrap();

        let given = GivenExponent::Private(&ours.private_exponent);
        let other = generate_rsa(1024, given, &mut SystemEntropy, "key").unwrap();
        assert_ne!(other.modulus, ours.modulus);
        let private = RsaPrivateKey::new(&other.modulus, &ours.private_exponent).unwrap();
        let signature = BigNum::from_slice(&private.sign_block(b"content").unwrap()).unwrap();
        let e = BigNum::from_slice(&other.public_exponent).unwrap();
        let n = BigNum::from_slice(&other.modulus).unwrap();
        let block = super::super::number::power(&signature, &e, &n).unwrap().to_vec();
        assert!(block.ends_with(b"\0content"));
    }
}
