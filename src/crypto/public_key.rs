//! Public keys of any kind that certificates of this field have, and the signatures they check: RSA (RFC 8017) and
//! ECDSA (FIPS 186-5), by their `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7, RFC 5480).

use openssl::bn::{BigNum, BigNumRef};
use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::RsaPssSaltlen;

use super::signature::{MODULUS_BITS, PUBLIC_EXPONENT_BITS, pkcs1_block};
use super::{Digest, DigestAlgorithm, Error, NumberFault, constant_time_equal, library};

/// Longest salt of RSASSA-PSS that is taken, in bytes: that of the longest digest.
const SALT_MAX: usize = 64;

/// A curve with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256 (secp256r1, prime256v1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// NIST P-521 (secp521r1).
    P521,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1.
    BrainpoolP384r1,
    /// brainpoolP512r1.
    BrainpoolP512r1,
}

impl Curve {
    const ALL: [(Nid, Self); 6] = [
        (Nid::X9_62_PRIME256V1, Self::P256),
        (Nid::SECP384R1, Self::P384),
        (Nid::SECP521R1, Self::P521),
        (Nid::BRAINPOOL_P256R1, Self::BrainpoolP256r1),
        (Nid::BRAINPOOL_P384R1, Self::BrainpoolP384r1),
        (Nid::BRAINPOOL_P512R1, Self::BrainpoolP512r1),
    ];

    fn of(nid: Nid) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == nid).map(|(_, curve)| curve)
    }

    /// Length of a coordinate, and of each half of a raw signature, in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::P256 | Self::BrainpoolP256r1 => 32,
            Self::P384 | Self::BrainpoolP384r1 => 48,
            Self::BrainpoolP512r1 => 64,
            Self::P521 => 66,
        }
    }
}

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA, with so many bits.
    Rsa(usize),
    /// On a named curve, or on one whose parameters are written out and are those of a named one.
    Ec(Curve),
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS; MGF1 takes the same digest.
    RsaPss {
        /// The digest of the message.
        digest: DigestAlgorithm,
        /// Length of the salt in bytes, at most 64.
        salt_length: usize,
    },
    /// ECDSA; the signature is the DER of `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
    Ecdsa(DigestAlgorithm),
}

impl SignatureScheme {
    /// The digest of the message.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } | Self::Ecdsa(digest) => digest,
        }
    }
}

/// A public key that checks signatures.
#[derive(Clone)]
pub struct PublicKey {
    key: Key,
    kind: KeyKind,
}

/// OpenSSL's older forms of keys: what reads the newer one takes ten times longer than a signature does.
#[derive(Clone)]
enum Key {
    Rsa(Rsa<Public>),
    Ec(EcKey<Public>),
}

/// Object identifiers of the algorithm in a `SubjectPublicKeyInfo`, with tag and length: rsaEncryption (RFC 8017
/// appendix A.1), id-ecPublicKey (RFC 5480 section 2.1.1).
const RSA_ENCRYPTION: &[u8] = &hex_literal::hex!("06092A864886F70D010101");
const EC_PUBLIC_KEY: &[u8] = &hex_literal::hex!("06072A8648CE3D0201");

impl PublicKey {
    /// Takes the DER of a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`Error::KeyEncoding`] unless it is an RSA key (rsaEncryption) or one on a known curve; [`Error::Number`] for
    /// numbers of an RSA key that are even or outside their bounds.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let malformed = |_: ErrorStack| Error::KeyEncoding;
        // The outer SEQUENCE and that of the algorithm are shorter than 256 bytes, or up to 64 KiB long.
        let begins_with = |oid: &[u8]| der.windows(oid.len()).take(10).any(|window| window == oid);
        let outcome = if begins_with(RSA_ENCRYPTION) {
            Rsa::public_key_from_der(der).map_err(malformed).and_then(Self::of_rsa)
        } else if begins_with(EC_PUBLIC_KEY) {
            EcKey::public_key_from_der(der).map_err(malformed).and_then(Self::of_ec)
        } else {
            Err(Error::KeyEncoding)
        };
        drop(ErrorStack::get());
        outcome
    }

    fn of_rsa(key: Rsa<Public>) -> Result<Self, Error> {
        let bits = |number: &BigNumRef| usize::try_from(number.num_bits()).unwrap_or_default();
        let check = |name, number: &BigNumRef, (least, most): (usize, usize)| {
            let fault = match bits(number) {
                bits if bits < least => NumberFault::TooSmall(bits),
                bits if bits > most => NumberFault::TooLarge(bits),
                _ if !number.is_bit_set(0) => NumberFault::Even,
                _ => return Ok(()),
            };
            Err(Error::Number { name, fault })
        };
        check("RSA modulus", key.n(), MODULUS_BITS)?;
        check("RSA exponent", key.e(), PUBLIC_EXPONENT_BITS)?;
        let kind = KeyKind::Rsa(bits(key.n()));
        Ok(Self { key: Key::Rsa(key), kind })
    }

    fn of_ec(key: EcKey<Public>) -> Result<Self, Error> {
        key.check_key().map_err(|_| Error::KeyEncoding)?;
        let curve = key.group().curve_name().and_then(Curve::of).ok_or(Error::KeyEncoding)?;
        Ok(Self { key: Key::Ec(key), kind: KeyKind::Ec(curve) })
    }

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Checks a signature over a message.
    ///
    /// # Errors
    /// [`Error::BadSignature`] if it is not one by this key, whatever the reason.
    pub fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify_digest(scheme, &scheme.digest().hash(message), signature)
    }

    /// The same over a message that was hashed already, by the scheme's digest.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::Length`] unless the digest has its length.
    pub fn verify_digest(
        &self,
        scheme: SignatureScheme,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        if digest.len() != scheme.digest().output_length() {
            return Err(Error::Length { name: "digest", found: digest.len() });
        }
        let verified = match (&self.key, scheme) {
            (Key::Rsa(key), SignatureScheme::RsaPkcs1(algorithm)) => {
                Digest::from_bytes(algorithm, digest).and_then(|digest| check_pkcs1(key, &digest, signature))
            }
            (Key::Rsa(key), SignatureScheme::RsaPss { digest: algorithm, salt_length }) => {
                check_pss(key, md(algorithm), salt_length, digest, signature)
            }
            (Key::Ec(key), SignatureScheme::Ecdsa(_)) => check_ecdsa(key, digest, signature),
            _ => Err(Error::BadSignature),
        };
        // A wrong signature leaves entries in this thread's queue, where the next user of OpenSSL would take
        // them for its own.
        drop(ErrorStack::get());
        verified.map_err(|_| Error::BadSignature)
    }

    /// Checks an ECDSA signature that is written as R ‖ S, each half as long as the curve's coordinates (RFC 7518
    /// section 3.4).
    ///
    /// # Errors
    /// [`Error::BadSignature`].
    pub fn verify_raw_ecdsa(
        &self,
        digest: DigestAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let KeyKind::Ec(curve) = self.kind else { return Err(Error::BadSignature) };
        let halves = signature.split_at_checked(curve.size()).filter(|(r, s)| r.len() == s.len());
        let (r, s) = halves.ok_or(Error::BadSignature)?;
        let number = |half: &[u8]| BigNum::from_slice(half).map_err(library("number"));
        let signature = EcdsaSig::from_private_components(number(r)?, number(s)?)
            .and_then(|signature| signature.to_der())
            .map_err(library("ECDSA signature"))?;
        self.verify(SignatureScheme::Ecdsa(digest), message, &signature)
    }
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): the whole block is compared, so that nothing of its padding is let pass.
fn check_pkcs1(key: &Rsa<Public>, digest: &Digest, signature: &[u8]) -> Result<(), Error> {
    let size = usize::try_from(key.size()).map_err(|_| Error::BadSignature)?;
    if signature.len() != size {
        return Err(Error::BadSignature);
    }
    let mut block = vec![0; size];
    key.public_decrypt(signature, &mut block, Padding::NONE).map_err(library("RSA"))?;
    let expected = pkcs1_block(size, &digest.digest_info())?;
    if constant_time_equal(&block, &expected) { Ok(()) } else { Err(Error::BadSignature) }
}

/// RSASSA-PSS (RFC 8017 section 8.1.2).
fn check_pss(
    key: &Rsa<Public>,
    md: &MdRef,
    salt_length: usize,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    if salt_length > SALT_MAX || usize::try_from(key.size()) != Ok(signature.len()) {
        return Err(Error::BadSignature);
    }
    let salt_length = i32::try_from(salt_length).map_err(|_| Error::BadSignature)?;
    let verified = || {
        let key = PKey::from_rsa(key.clone())?;
        let mut context = PkeyCtx::new(&key)?;
        context.verify_init()?;
        context.set_rsa_padding(Padding::PKCS1_PSS)?;
        context.set_rsa_mgf1_md(md)?;
        context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt_length))?;
        context.set_signature_md(md)?;
        context.verify(digest, signature)
    };
    if verified().map_err(library("RSA"))? { Ok(()) } else { Err(Error::BadSignature) }
}

/// ECDSA (FIPS 186-5 section 6.4.2); the DER is read strictly.
fn check_ecdsa(key: &EcKey<Public>, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    let parsed = EcdsaSig::from_der(signature).map_err(library("ECDSA"))?;
    if parsed.to_der().map_err(library("ECDSA"))? != signature {
        return Err(Error::BadSignature);
    }
    if parsed.verify(digest, key).map_err(library("ECDSA"))? { Ok(()) } else { Err(Error::BadSignature) }
}

/// OpenSSL's name of a digest.
fn md(digest: DigestAlgorithm) -> &'static MdRef {
    match digest {
        DigestAlgorithm::Sha1 => Md::sha1(),
        DigestAlgorithm::Sha256 => Md::sha256(),
        DigestAlgorithm::Sha384 => Md::sha384(),
        DigestAlgorithm::Sha512 => Md::sha512(),
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use openssl::ec::{Asn1Flag, EcGroup};
    use openssl::hash::MessageDigest;
    use openssl::pkey::Private;
    use openssl::sign::Signer;

    use super::*;

    const MESSAGE: &[u8] = b"message";

    fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
    }

    fn ec(nid: Nid, flag: Asn1Flag) -> PKey<Private> {
        let mut group = EcGroup::from_curve_name(nid).unwrap();
        group.set_asn1_flag(flag);
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    fn public(key: &PKey<Private>) -> PublicKey {
        PublicKey::from_spki(&key.public_key_to_der().unwrap()).unwrap()
    }

    fn md_of(digest: DigestAlgorithm) -> MessageDigest {
        match digest {
            DigestAlgorithm::Sha1 => MessageDigest::sha1(),
            DigestAlgorithm::Sha256 => MessageDigest::sha256(),
            DigestAlgorithm::Sha384 => MessageDigest::sha384(),
            DigestAlgorithm::Sha512 => MessageDigest::sha512(),
        }
    }

    fn sign(key: &PKey<Private>, scheme: SignatureScheme) -> Vec<u8> {
        let mut signer = Signer::new(md_of(scheme.digest()), key).unwrap();
        if let SignatureScheme::RsaPss { salt_length, .. } = scheme {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            let salt = i32::try_from(salt_length).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
        }
        signer.sign_oneshot_to_vec(MESSAGE).unwrap()
    }

    #[test]
    fn what_openssl_signs_verifies_and_nothing_else() {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        let (rsa, ec) = (rsa(2048), ec(Nid::SECP384R1, Asn1Flag::NAMED_CURVE));
        let mut schemes = Vec::new();
        for digest in [Sha1, Sha256, Sha384, Sha512] {
            schemes.push((&rsa, SignatureScheme::RsaPkcs1(digest)));
            schemes.push((&rsa, SignatureScheme::RsaPss { digest, salt_length: digest.output_length() }));
            schemes.push((&rsa, SignatureScheme::RsaPss { digest, salt_length: 0 }));
            schemes.push((&ec, SignatureScheme::Ecdsa(digest)));
        }
        for (key, scheme) in &schemes {
            let (public, signature) = (public(key), sign(key, *scheme));
            public.verify(*scheme, MESSAGE, &signature).unwrap();
            assert_eq!(public.verify(*scheme, b"messagf", &signature), Err(Error::BadSignature));
            for (_, other) in schemes.iter().filter(|(_, other)| other != scheme) {
                assert_eq!(public.verify(*other, MESSAGE, &signature), Err(Error::BadSignature), "{other:?}");
            }
            for index in (0..signature.len()).step_by(7) {
                let mut flipped = signature.clone();
                flipped[index] ^= 0x10;
                assert_eq!(public.verify(*scheme, MESSAGE, &flipped), Err(Error::BadSignature));
            }
            for length in [0, 1, signature.len() - 1] {
                let cut = public.verify(*scheme, MESSAGE, &signature[..length]);
                assert_eq!(cut, Err(Error::BadSignature));
            }
            let longer = public.verify(*scheme, MESSAGE, &[&signature[..], &[0]].concat());
            assert_eq!(longer, Err(Error::BadSignature));
        }
        assert!(ErrorStack::get().errors().is_empty(), "nothing is left for the next user of OpenSSL");
    }

    #[test]
    fn curves_are_known_by_name_or_by_their_parameters() {
        for (nid, curve) in Curve::ALL {
            for flag in [Asn1Flag::NAMED_CURVE, Asn1Flag::EXPLICIT_CURVE] {
                let key = ec(nid, flag);
                let public = public(&key);
                assert_eq!(public.kind(), KeyKind::Ec(curve));
                let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
                public.verify(scheme, MESSAGE, &sign(&key, scheme)).unwrap();
            }
        }
        for nid in [Nid::SECP256K1, Nid::SECP224R1, Nid::X9_62_PRIME192V1] {
            for flag in [Asn1Flag::NAMED_CURVE, Asn1Flag::EXPLICIT_CURVE] {
                let der = ec(nid, flag).public_key_to_der().unwrap();
                assert_eq!(PublicKey::from_spki(&der).unwrap_err(), Error::KeyEncoding);
            }
        }
    }

    #[test]
    fn raw_ecdsa_signatures_have_two_whole_halves() {
        for (nid, curve) in Curve::ALL {
            let key = ec(nid, Asn1Flag::NAMED_CURVE);
            let der = sign(&key, SignatureScheme::Ecdsa(DigestAlgorithm::Sha512));
            let parsed = EcdsaSig::from_der(&der).unwrap();
            let half =
                |number: &BigNumRef| number.to_vec_padded(i32::try_from(curve.size()).unwrap()).unwrap();
            let raw = [half(parsed.r()), half(parsed.s())].concat();
            let public = public(&key);
            let verify = |raw: &[u8]| public.verify_raw_ecdsa(DigestAlgorithm::Sha512, MESSAGE, raw);
            verify(&raw).unwrap();
            for wrong in [&raw[1..], &raw[..raw.len() - 1], &raw[2..], &der, &[], &vec![0; raw.len()]] {
                assert_eq!(verify(wrong), Err(Error::BadSignature));
            }
        }
        assert_eq!(
            public(&rsa(2048)).verify_raw_ecdsa(DigestAlgorithm::Sha256, MESSAGE, &[0; 64]),
            Err(Error::BadSignature)
        );
    }

    #[test]
    fn keys_outside_their_bounds_are_none() {
        let number = |name, fault| Error::Number { name, fault };
        let spki = |n: &[u8], e: &[u8]| {
            let number = |bytes: &[u8]| BigNum::from_slice(bytes).unwrap();
            Rsa::from_public_components(number(n), number(e)).unwrap().public_key_to_der().unwrap()
        };
        let modulus = rsa(2048).rsa().unwrap().n().to_vec();
        let mut even = modulus.clone();
        *even.last_mut().unwrap() &= 0xFE;
        let long = [&[0x01][..], &[0; 511], &[0x01]].concat();
        for (der, error) in [
            (spki(&modulus[..64], &[1, 0, 1]), number("RSA modulus", NumberFault::TooSmall(512))),
            (spki(&long, &[1, 0, 1]), number("RSA modulus", NumberFault::TooLarge(4097))),
            (spki(&even, &[1, 0, 1]), number("RSA modulus", NumberFault::Even)),
            (spki(&modulus, &[2]), number("RSA exponent", NumberFault::Even)),
            (spki(&modulus, &[1]), number("RSA exponent", NumberFault::TooSmall(1))),
            (spki(&modulus, &[0xFF; 9]), number("RSA exponent", NumberFault::TooLarge(72))),
        ] {
            assert_eq!(PublicKey::from_spki(&der).unwrap_err(), error);
        }
        let good = spki(&modulus, &[1, 0, 1]);
        assert_eq!(public(&rsa(1024)).kind(), KeyKind::Rsa(1024));
        for length in 0..good.len() {
            assert_eq!(PublicKey::from_spki(&good[..length]).unwrap_err(), Error::KeyEncoding);
        }
        let ed25519 = PKey::generate_ed25519().unwrap().public_key_to_der().unwrap();
        assert_eq!(PublicKey::from_spki(&ed25519).unwrap_err(), Error::KeyEncoding);
        assert!(ErrorStack::get().errors().is_empty());
    }

    #[test]
    fn a_digest_has_its_length() {
        let key = public(&rsa(2048));
        let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
        let outcome = key.verify_digest(scheme, &[0; 31], &[0; 256]);
        assert_eq!(outcome, Err(Error::Length { name: "digest", found: 31 }));
        let salty = SignatureScheme::RsaPss { digest: DigestAlgorithm::Sha256, salt_length: 65 };
        assert_eq!(key.verify(salty, MESSAGE, &[0; 256]), Err(Error::BadSignature));
        assert_eq!(format!("{key:?}"), "PublicKey(Rsa(2048))");
    }
}
