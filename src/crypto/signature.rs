//! RSA signatures (RFC 8017) and the [`Signer`] that every card offers.

mod purpose;

use openssl::bn::{BigNum, BigNumContext};
use openssl::pkey::Private;
use openssl::rsa::{Padding, Rsa, RsaPrivateKeyBuilder};

use super::digest::{Digest, sha512};
use super::number::{NumberFault, SecretNumber, bounded, bounded_odd, copy, power, to_fixed};
use super::{Error, PresentedCertificate, constant_time_equal, library};
pub(super) use purpose::is_signed_attributes;
pub use purpose::{LOGIN_TOKEN_LENGTHS, Purpose};

/// Sizes of an RSA modulus that are accepted, in bits.
pub const MODULUS_BITS: (usize, usize) = (1024, 4096);
/// Sizes of the public exponent of a key that verifies, in bits: 3 and up; a larger one only costs time.
pub(super) const PUBLIC_EXPONENT_BITS: (usize, usize) = (2, 64);

/// A key that signs, with the certificate that says whose it is.
pub trait Signer {
    /// Why a signature was not made.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The signer's certificate, as presented: nothing about it has been verified.
    fn certificate(&self) -> &PresentedCertificate;

    /// Signs a digest with RSASSA-PKCS1-v1_5 and returns the signature, already verified against the
    /// certificate's key.
    ///
    /// # Errors
    /// If the purpose does not allow the digest, the card refuses or the signature is wrong.
    fn sign(&mut self, purpose: Purpose, digest: &Digest) -> Result<Vec<u8>, Self::Error>;
}

/// The PKCS #1 v1.5 block of type 1 (RFC 8017 section 9.2): 00 01 FF … FF 00 ‖ content.
///
/// # Errors
/// [`Error::Length`] if fewer than eight bytes FF would fit.
pub fn pkcs1_block(size: usize, content: &[u8]) -> Result<Vec<u8>, Error> {
    let filler = size.checked_sub(content.len() + 3).filter(|filler| *filler >= 8);
    let filler = filler.ok_or(Error::Length { name: "block content", found: content.len() })?;
    Ok([&[0, 1][..], &vec![0xFF; filler], &[0], content].concat())
}

/// An RSA public key with bounded, odd numbers.
pub struct RsaPublicKey {
    n: BigNum,
    e: BigNum,
    size: usize,
}

impl RsaPublicKey {
    /// Takes modulus and public exponent as big-endian bytes.
    ///
    /// # Errors
    /// [`Error::Number`] if a number is even or outside its size.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let n = bounded_odd("RSA modulus", modulus, MODULUS_BITS)?;
        let e = bounded_odd("RSA exponent", exponent, PUBLIC_EXPONENT_BITS)?;
        let size = usize::try_from(n.num_bytes()).map_err(|_| Error::Library("number"))?;
        Ok(Self { n, e, size })
    }

    /// A key whose public exponent is as long as its modulus, because the private one was fixed first.
    /// For a card that checks its terminal with such a key; every check costs as much as a signature.
    ///
    /// # Errors
    /// As [`RsaPublicKey::new`], the exponent's limit being that of the modulus.
    #[cfg(feature = "emulator")]
    pub fn with_long_exponent(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let n = bounded_odd("RSA modulus", modulus, MODULUS_BITS)?;
        let e = bounded_odd("RSA exponent", exponent, (PUBLIC_EXPONENT_BITS.0, MODULUS_BITS.1))?;
        if e >= n {
            return Err(Error::Number { name: "RSA exponent", fault: NumberFault::OutOfRange });
        }
        let size = usize::try_from(n.num_bytes()).map_err(|_| Error::Library("number"))?;
        Ok(Self { n, e, size })
    }

    /// Reads the DER of a PKCS #1 `RSAPublicKey` (RFC 8017 appendix A.1.1); nothing may be left over.
    ///
    /// # Errors
    /// [`Error::KeyEncoding`] unless it is exactly that DER, else as [`RsaPublicKey::new`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let key = Rsa::public_key_from_der_pkcs1(der).map_err(|_| Error::KeyEncoding)?;
        let canonical = key.public_key_to_der_pkcs1().map_err(|_| Error::KeyEncoding)?;
        if canonical != der {
            return Err(Error::KeyEncoding);
        }
        Self::new(&key.n().to_vec(), &key.e().to_vec())
    }

    /// The DER of the PKCS #1 `RSAPublicKey`.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        Rsa::from_public_components(copy(&self.n)?, copy(&self.e)?)
            .and_then(|key| key.public_key_to_der_pkcs1())
            .map_err(library("RSA key"))
    }

    /// Length of the modulus in bytes; signatures have exactly this length.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        usize::try_from(self.n.num_bits()).unwrap_or_default()
    }

    /// The modulus, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        self.n.to_vec()
    }

    /// RSAVP1: signature ^ e mod n on |n| bytes.
    ///
    /// # Errors
    /// [`Error::Length`] unless the signature has |n| bytes, [`Error::Number`] unless it is below n.
    pub fn recover(&self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = below(&self.n, self.size, signature)?;
        to_fixed(&*power(&signature, &self.e, &self.n)?, self.size)
    }

    /// Checks a PKCS #1 v1.5 signature over `content` placed in the block as it is: the whole block is
    /// compared.
    ///
    /// # Errors
    /// [`Error::BadSignature`] or as [`RsaPublicKey::recover`].
    pub fn check_block(&self, content: &[u8], signature: &[u8]) -> Result<(), Error> {
        let expected = pkcs1_block(self.size, content)?;
        let found = self.recover(signature)?;
        if constant_time_equal(&found, &expected) { Ok(()) } else { Err(Error::BadSignature) }
    }

    /// Checks an RSASSA-PKCS1-v1_5 signature over a digest (RFC 8017 section 8.2.2).
    ///
    /// # Errors
    /// [`Error::BadSignature`] or as [`RsaPublicKey::recover`].
    pub fn check_signature(&self, digest: &Digest, signature: &[u8]) -> Result<(), Error> {
        self.check_block(&digest.digest_info(), signature)
    }
}

impl std::fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaPublicKey({} bits)", self.n.num_bits())
    }
}

/// `block` as a number below `n`.
fn below(n: &BigNum, size: usize, block: &[u8]) -> Result<BigNum, Error> {
    if block.len() != size {
        return Err(Error::Length { name: "RSA input", found: block.len() });
    }
    let number = bounded("RSA input", block, (0, MODULUS_BITS.1))?;
    if number < *n {
        Ok(number)
    } else {
        Err(Error::Number { name: "RSA input", fault: NumberFault::OutOfRange })
    }
}

/// An RSA private key: modulus and private exponent, with the primes when they are known.
pub struct RsaPrivateKey {
    n: BigNum,
    size: usize,
    d: SecretNumber,
    crt: Option<Rsa<Private>>,
}

impl RsaPrivateKey {
    /// A key known by its modulus and private exponent only, as published terminal keys are.
    ///
    /// # Errors
    /// [`Error::Number`] if the modulus is even or a number is outside its size.
    pub fn new(modulus: &[u8], private_exponent: &[u8]) -> Result<Self, Error> {
        let n = bounded_odd("RSA modulus", modulus, MODULUS_BITS)?;
        let d = SecretNumber::new(bounded("RSA private exponent", private_exponent, (2, MODULUS_BITS.1))?);
        let size = usize::try_from(n.num_bytes()).map_err(|_| Error::Library("number"))?;
        Ok(Self { n, size, d, crt: None })
    }

    /// A key with its public exponent and primes, which makes signing several times faster.
    ///
    /// # Errors
    /// As [`RsaPrivateKey::new`], and [`Error::Number`] unless the primes multiply to the modulus.
    pub fn with_primes(modulus: &[u8], e: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Result<Self, Error> {
        let mut key = Self::new(modulus, d)?;
        let error = library("RSA key");
        let number = |bytes: &[u8]| SecretNumber::from_bytes(bytes);
        let (p, q) = (number(p)?, number(q)?);
        let mut context = BigNumContext::new_secure().map_err(&error)?;
        let mut product = BigNum::new().map_err(&error)?;
        product.checked_mul(&p, &q, &mut context).map_err(&error)?;
        if product != key.n {
            return Err(Error::Number { name: "RSA primes", fault: NumberFault::OutOfRange });
        }
        let mut less_one = |prime: &SecretNumber| -> Result<BigNum, Error> {
            let mut reduced = SecretNumber::new(copy(prime)?);
            reduced.sub_word(1).map_err(library("RSA key"))?;
            let mut remainder = BigNum::new_secure().map_err(library("RSA key"))?;
            remainder.nnmod(&key.d, &reduced, &mut context).map_err(library("RSA key"))?;
            Ok(remainder)
        };
        let (dmp1, dmq1) = (less_one(&p)?, less_one(&q)?);
        let mut iqmp = BigNum::new_secure().map_err(&error)?;
        iqmp.mod_inverse(&q, &p, &mut context).map_err(&error)?;
        let e = BigNum::from_slice(e).map_err(&error)?;
        let n = copy(&key.n)?;
        let rsa = RsaPrivateKeyBuilder::new(n, e, copy(&key.d)?)
            .and_then(|builder| builder.set_factors(p.to_owned()?, q.to_owned()?))
            .and_then(|builder| builder.set_crt_params(dmp1, dmq1, iqmp))
            .map_err(&error)?;
        key.crt = Some(rsa.build());
        Ok(key)
    }

    /// Length of the modulus in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The modulus, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        self.n.to_vec()
    }

    /// RSASP1: block ^ d mod n on |n| bytes.
    ///
    /// # Errors
    /// [`Error::Length`] unless the block has |n| bytes, [`Error::Number`] unless it is below n.
    pub fn sign_raw(&self, block: &[u8]) -> Result<Vec<u8>, Error> {
        let number = below(&self.n, self.size, block)?;
        let Some(rsa) = &self.crt else {
            return to_fixed(&*power(&number, &self.d, &self.n)?, self.size);
        };
        let mut out = vec![0; self.size];
        let length = rsa.private_encrypt(block, &mut out, Padding::NONE).map_err(library("RSA signature"))?;
        if length == self.size { Ok(out) } else { Err(Error::Library("RSA signature")) }
    }

    /// Signs `content` placed as it is into a PKCS #1 v1.5 block.
    ///
    /// # Errors
    /// [`Error::Length`] if the content does not fit.
    pub fn sign_block(&self, content: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_raw(&pkcs1_block(self.size, content)?)
    }

    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes that the caller drew
    /// (RFC 8017 section 9.1.1).
    ///
    /// # Errors
    /// [`Error::Length`] if the modulus is too short.
    pub fn sign_pss_sha512(&self, message: &[u8], salt: &[u8; 64]) -> Result<Vec<u8>, Error> {
        let bits = usize::try_from(self.n.num_bits() - 1).map_err(|_| Error::Library("number"))?;
        let size = bits.div_ceil(8);
        let hash = sha512(&[&[0; 8], &sha512(&[message]), salt]);
        let wrong = Error::Length { name: "RSA modulus", found: self.size };
        let zeros = size.checked_sub(64 + 64 + 2).ok_or(wrong)?;
        let mut block = [&vec![0; zeros][..], &[1], salt].concat();
        let mask = (0_u32..).flat_map(|counter| sha512(&[&hash, &counter.to_be_bytes()]));
        block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        if let Some(first) = block.first_mut() {
            *first &= 0xFF >> (size * 8 - bits);
        }
        let leading = vec![0; self.size - size];
        self.sign_raw(&[&leading, &block, &hash[..], &[0xBC]].concat())
    }
}

impl std::fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaPrivateKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::DigestAlgorithm;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::sign::{RsaPssSaltlen, Verifier};

    fn pair() -> (RsaPrivateKey, RsaPublicKey, Rsa<Private>) {
        let rsa = Rsa::generate(2048).unwrap();
        let vec = |n: &openssl::bn::BigNumRef| n.to_vec();
        let private = RsaPrivateKey::with_primes(
            &vec(rsa.n()),
            &vec(rsa.e()),
            &vec(rsa.d()),
            &vec(rsa.p().unwrap()),
            &vec(rsa.q().unwrap()),
        );
        (private.unwrap(), RsaPublicKey::new(&vec(rsa.n()), &vec(rsa.e())).unwrap(), rsa)
    }

    #[test]
    fn openssl_accepts_our_signatures() {
        let (private, public, rsa) = pair();
        let digest = Digest::of(DigestAlgorithm::Sha384, b"message");
        let signature = private.sign_block(&digest.digest_info()).unwrap();
        let without_primes = RsaPrivateKey::new(&rsa.n().to_vec(), &rsa.d().to_vec()).unwrap();
        assert_eq!(without_primes.sign_block(&digest.digest_info()).unwrap(), signature);
        public.check_signature(&digest, &signature).unwrap();

        let key = PKey::from_rsa(rsa).unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha384(), &key).unwrap();
        assert!(verifier.verify_oneshot(&signature, b"message").unwrap());
    }

    #[test]
    fn openssl_accepts_our_pss_signatures_whatever_the_top_bits() {
        // A modulus of 8 k + 1 bits makes a block one byte shorter than itself.
        for bits in [2041, 2047, 2048] {
            let rsa = Rsa::generate(bits).unwrap();
            let private = RsaPrivateKey::new(&rsa.n().to_vec(), &rsa.d().to_vec()).unwrap();
            let key = PKey::from_rsa(rsa).unwrap();
            for salt in 0..16 {
                let pss = private.sign_pss_sha512(b"message", &[salt; 64]).unwrap();
                let mut verifier = Verifier::new(MessageDigest::sha512(), &key).unwrap();
                verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(64)).unwrap();
                assert!(verifier.verify_oneshot(&pss, b"message").unwrap(), "{bits} bits, salt {salt}");
            }
        }
    }

    #[test]
    fn debug_output_shows_no_private_number() {
        let (private, public, _) = pair();
        assert_eq!(format!("{private:?} {public:?}"), "RsaPrivateKey(..) RsaPublicKey(2048 bits)");
    }

    #[test]
    fn the_worked_example_comes_out() {
        use crate::vectors::bytes;
        let (modulus, d) =
            (bytes("/signing/test_user_modulus"), bytes("/signing/test_user_private_exponent"));
        let digest = Digest::of(DigestAlgorithm::Sha256, &bytes("/signing/message"));
        assert_eq!(digest.digest_info(), bytes("/signing/digest_info"));
        assert_eq!(pkcs1_block(256, &digest.digest_info()).unwrap(), bytes("/signing/padded"));
        let signature = RsaPrivateKey::new(&modulus, &d).unwrap().sign_block(&digest.digest_info()).unwrap();
        assert_eq!(signature, bytes("/signing/signature"));
        RsaPublicKey::new(&modulus, &[1, 0, 1]).unwrap().check_signature(&digest, &signature).unwrap();
        for (name, algorithm) in [
            ("sha1", DigestAlgorithm::Sha1),
            ("sha256", DigestAlgorithm::Sha256),
            ("sha384", DigestAlgorithm::Sha384),
            ("sha512", DigestAlgorithm::Sha512),
        ] {
            let prefix = bytes(&format!("/signing/digest_info_prefix/{name}"));
            let info = Digest::of(algorithm, b"").digest_info();
            assert_eq!(info[..prefix.len()], prefix);
        }
    }

    #[test]
    fn the_services_key_signs_challenges_verbatim() {
        use crate::vectors::bytes;
        let key = RsaPublicKey::from_der(&bytes("/nis_flow/ef_1005")).unwrap();
        let (challenge, signature) = (bytes("/nis_flow/challenge"), bytes("/nis_flow/signature"));
        assert_eq!(key.recover(&signature).unwrap(), bytes("/nis_flow/recovered_block"));
        key.check_block(&challenge, &signature).unwrap();
        assert_eq!(key.check_block(&challenge[1..], &signature).unwrap_err(), Error::BadSignature);
        assert_eq!(key.modulus(), bytes("/nis_flow/test_modulus"));
    }

    #[test]
    fn a_wrong_signature_is_refused() {
        let (private, public, _) = pair();
        let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
        let mut signature = private.sign_block(&digest.digest_info()).unwrap();
        let other = Digest::of(DigestAlgorithm::Sha256, b"another");
        assert_eq!(public.check_signature(&other, &signature).unwrap_err(), Error::BadSignature);
        assert!(public.check_signature(&digest, &signature[1..]).is_err());
        assert!(public.check_signature(&digest, &[0xFF; 256]).is_err(), "not below n");
        signature[7] ^= 1;
        assert_eq!(public.check_signature(&digest, &signature).unwrap_err(), Error::BadSignature);
    }

    #[test]
    fn the_der_is_strict() {
        let (_, public, _) = pair();
        let der = public.to_der().unwrap();
        assert_eq!(RsaPublicKey::from_der(&der).unwrap().modulus(), public.modulus());
        assert_eq!(RsaPublicKey::from_der(&[&der[..], &[0]].concat()).unwrap_err(), Error::KeyEncoding);
        for length in 0..der.len() {
            assert!(RsaPublicKey::from_der(&der[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let odd = |bytes: usize| [&vec![0xC0; bytes - 1][..], &[1]].concat();
        assert!(RsaPublicKey::new(&odd(256), &[1, 0, 1]).is_ok());
        for (modulus, exponent) in [
            (odd(127), vec![1, 0, 1]),
            (odd(513), vec![1, 0, 1]),
            (vec![0xC0; 256], vec![1, 0, 1]),
            (odd(256), vec![1]),
            (odd(256), vec![]),
            (odd(256), vec![4]),
            (odd(256), odd(9)),
        ] {
            assert!(RsaPublicKey::new(&modulus, &exponent).is_err());
        }
    }

    #[cfg(feature = "emulator")]
    #[test]
    fn a_long_public_exponent_must_be_asked_for() {
        let (_, _, rsa) = pair();
        // Exchanging the exponents gives a key pair with a long public one.
        let (modulus, long) = (rsa.n().to_vec(), rsa.d().to_vec());
        assert!(RsaPublicKey::new(&modulus, &long).is_err());
        let public = RsaPublicKey::with_long_exponent(&modulus, &long).unwrap();
        let private = RsaPrivateKey::new(&modulus, &rsa.e().to_vec()).unwrap();
        let block = pkcs1_block(public.size(), b"content").unwrap();
        assert_eq!(public.recover(&private.sign_raw(&block).unwrap()).unwrap(), block);
        assert!(RsaPublicKey::with_long_exponent(&modulus, &modulus).is_err());
        assert!(RsaPublicKey::with_long_exponent(&modulus, &[1]).is_err());
    }
}
