//! Public keys of any kind that certificates of this field have, and the signatures they check: RSA (RFC 8017) and
//! ECDSA (FIPS 186-5), by their `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7, RFC 5480).

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::md::{Md, MdRef};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;

use super::signature::MODULUS_BITS;
use super::{DigestAlgorithm, Error, NumberFault, library};

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
    key: PKey<Public>,
    kind: KeyKind,
}

impl PublicKey {
    /// Takes the DER of a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`Error::KeyEncoding`] unless it is an RSA key or one on a known curve; [`Error::Number`] for an RSA key
    /// outside [`MODULUS_BITS`].
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let malformed = |_| Error::KeyEncoding;
        let key = PKey::public_key_from_der(der).map_err(malformed)?;
        let kind = match key.id() {
            Id::RSA | Id::RSA_PSS => {
                let bits = usize::try_from(key.bits()).unwrap_or_default();
                let fault = |fault| Err(Error::Number { name: "RSA modulus", fault });
                match bits {
                    _ if bits < MODULUS_BITS.0 => return fault(NumberFault::TooSmall(bits)),
                    _ if bits > MODULUS_BITS.1 => return fault(NumberFault::TooLarge(bits)),
                    _ => KeyKind::Rsa(bits),
                }
            }
            Id::EC => {
                let curve = key.ec_key().map_err(malformed)?.group().curve_name();
                KeyKind::Ec(curve.and_then(Curve::of).ok_or(Error::KeyEncoding)?)
            }
            _ => return Err(Error::KeyEncoding),
        };
        Ok(Self { key, kind })
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
        let fits = match (scheme, self.kind) {
            (SignatureScheme::Ecdsa(_), KeyKind::Ec(_)) => true,
            (SignatureScheme::RsaPkcs1(_), KeyKind::Rsa(bits)) => signature.len() == bits.div_ceil(8),
            (SignatureScheme::RsaPss { salt_length, .. }, KeyKind::Rsa(bits)) => {
                signature.len() == bits.div_ceil(8) && salt_length <= SALT_MAX
            }
            _ => false,
        };
        let verified = fits && self.verify_with_openssl(scheme, digest, signature).unwrap_or(false);
        // A wrong signature leaves entries in this thread's queue, where the next user of OpenSSL would take
        // them for its own.
        drop(openssl::error::ErrorStack::get());
        if verified { Ok(()) } else { Err(Error::BadSignature) }
    }

    fn verify_with_openssl(
        &self,
        scheme: SignatureScheme,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, openssl::error::ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.verify_init()?;
        let md = md(scheme.digest());
        match scheme {
            SignatureScheme::RsaPkcs1(_) => context.set_rsa_padding(Padding::PKCS1)?,
            SignatureScheme::RsaPss { salt_length, .. } => {
                context.set_rsa_padding(Padding::PKCS1_PSS)?;
                context.set_rsa_mgf1_md(md)?;
                context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(
                    i32::try_from(salt_length).unwrap_or(i32::MAX),
                ))?;
            }
            SignatureScheme::Ecdsa(_) => {}
        }
        context.set_signature_md(md)?;
        context.verify(digest, signature)
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
