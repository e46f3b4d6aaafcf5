//! The login token (Web eID authentication token, format `web-eid:1`): who answers a challenge, and the proof that the
//! key was there.
//!
//! What is signed is hash(origin) ‖ hash(nonce), two digests of texts, by the digest that the algorithm names. Neither
//! stands in the token: a server takes both from its own state, so that it cannot forget to compare them.

mod json;

use std::fmt;

use base64ct::{Base64, Encoding};
use serde_json::json;

use super::{Nonce, Origin};
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{
    Curve, Digest, DigestAlgorithm, KeyKind, PresentedCertificate, PublicKey, SignatureScheme,
};
use crate::trust::{self, Certificate};

/// Length of a token in bytes, shortest and longest: those of the reference implementation.
const LENGTH: std::ops::RangeInclusive<usize> = 100..=10_000;
/// The longest signature of a card in bytes: RSA with 4096 bits.
const SIGNATURE_MAX: usize = 512;
/// The most signing certificates in a token.
const SIGNING_CERTIFICATES_MAX: usize = 4;
/// What made the tokens of this crate. For the reader of a log only: no verifier looks at it.
const APP_VERSION: &str = concat!("https://crates.io/crates/cie-card/", env!("CARGO_PKG_VERSION"));

/// Why a token was not taken, before anything was known of who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Shorter than 100 bytes or longer than 10,000.
    #[error("a token has 100 to 10,000 bytes, not {0}")]
    Length(usize),
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// Not one JSON object with what belongs in it.
    #[error("not a token: {0}")]
    Json(String),
    /// A format that is not known here.
    #[error("not of the format web-eid:1")]
    Format,
    /// Not base64 with the alphabet of RFC 4648 section 4, padded.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// An algorithm that is not known here.
    #[error("not a known signature algorithm")]
    Algorithm,
    /// A certificate that cannot be read.
    #[error("in the token: {0}")]
    Certificate(trust::Error),
    /// A signing certificate that is not the holder's other one: other names, another issuer, another use.
    #[error("the signing certificate {0}")]
    SigningCertificate(&'static str),
}

/// How the signature of a token was made (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenAlgorithm {
    /// RSASSA-PKCS1-v1_5: RS256, RS384, RS512. What a CIE makes.
    Rs(DigestAlgorithm),
    /// RSASSA-PSS with a salt as long as the digest: PS256, PS384, PS512.
    Ps(DigestAlgorithm),
    /// ECDSA on P-256, P-384 or P-521: ES256, ES384, ES512.
    Es(DigestAlgorithm),
}

impl TokenAlgorithm {
    const ALL: [(&'static str, Self); 9] = {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        [
            ("RS256", Self::Rs(Sha256)),
            ("RS384", Self::Rs(Sha384)),
            ("RS512", Self::Rs(Sha512)),
            ("PS256", Self::Ps(Sha256)),
            ("PS384", Self::Ps(Sha384)),
            ("PS512", Self::Ps(Sha512)),
            ("ES256", Self::Es(Sha256)),
            ("ES384", Self::Es(Sha384)),
            ("ES512", Self::Es(Sha512)),
        ]
    };

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, algorithm)| algorithm)
    }

    /// Its name, such as `RS256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// The digest of the texts, of their digests, and of the signature.
    #[must_use]
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Rs(digest) | Self::Ps(digest) | Self::Es(digest) => digest,
        }
    }

    /// Whether it is one for a key of this kind. The curve is fixed by the name (RFC 7518 section 3.4).
    fn fits(self, kind: KeyKind) -> bool {
        let curve = match self.digest() {
            DigestAlgorithm::Sha256 => Curve::P256,
            DigestAlgorithm::Sha384 => Curve::P384,
            _ => Curve::P521,
        };
        match (self, kind) {
            (Self::Rs(_) | Self::Ps(_), KeyKind::Rsa(_)) => true,
            (Self::Es(_), KeyKind::Ec(found)) => found == curve,
            _ => false,
        }
    }
}

/// What a signature in a token covers: hash(origin) ‖ hash(nonce).
#[must_use]
pub fn signed_message(algorithm: DigestAlgorithm, origin: &Origin, nonce: &Nonce) -> Vec<u8> {
    [algorithm.hash(origin.as_str().as_bytes()), algorithm.hash(nonce.as_str().as_bytes())].concat()
}

/// A login token: what somebody says of themselves. Nothing in it is verified by reading it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthToken {
    certificate: Certificate,
    algorithm: TokenAlgorithm,
    signature: Vec<u8>,
    app_version: Option<String>,
    /// Empty in format 1.0.
    signing_certificates: Vec<SigningCertificate>,
}

/// A certificate for signing documents that came with a token of format 1.1. The signature of the token does not
/// cover it: it is worth what its own path is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningCertificate {
    /// The certificate, as presented.
    pub certificate: Certificate,
    /// What the holder's program says that its key can do.
    pub algorithms: Vec<SigningAlgorithm>,
}

/// How a key can sign: three words of the Web eID specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SigningAlgorithm {
    /// `RSA` or `ECC`.
    pub crypto_algorithm: &'static str,
    /// `SHA-224` to `SHA-512`, or the like of SHA-3.
    pub hash_function: &'static str,
    /// `NONE`, `PKCS1.5` or `PSS`.
    pub padding_scheme: &'static str,
}

impl SigningAlgorithm {
    /// What the keys of the cards here do: RSASSA-PKCS1-v1_5, each with the digest that it is made of.
    pub const OF_CARDS: [(Self, DigestAlgorithm); 3] = [
        (Self::pkcs1("SHA-256"), DigestAlgorithm::Sha256),
        (Self::pkcs1("SHA-384"), DigestAlgorithm::Sha384),
        (Self::pkcs1("SHA-512"), DigestAlgorithm::Sha512),
    ];

    const fn pkcs1(hash_function: &'static str) -> Self {
        Self { crypto_algorithm: "RSA", hash_function, padding_scheme: "PKCS1.5" }
    }

    pub(crate) fn to_json(self) -> serde_json::Value {
        json!({
            "cryptoAlgorithm": self.crypto_algorithm,
            "hashFunction": self.hash_function,
            "paddingScheme": self.padding_scheme,
        })
    }
}

impl AuthToken {
    /// Answers a challenge with the holder's key, for the origin that the *browser* names and never the page. The
    /// signature is one for logging in ([`Purpose::Login`]).
    ///
    /// # Errors
    /// What the signer says, or [`CreateError::Certificate`].
    pub fn create<S: Signer>(
        signer: &mut S,
        origin: &Origin,
        nonce: &Nonce,
    ) -> Result<Self, CreateError<S::Error>> {
        let algorithm = TokenAlgorithm::Rs(DigestAlgorithm::Sha256);
        let certificate =
            Certificate::from_der(signer.certificate().as_der()).map_err(CreateError::Certificate)?;
        let message = signed_message(algorithm.digest(), origin, nonce);
        let digest = Digest::of(algorithm.digest(), &message);
        let app_version = Some(APP_VERSION.to_owned());
        let signing_certificates = Vec::new();
        let signature = vec![0; SIGNATURE_MAX];
        let mut token = Self { certificate, algorithm, signature, app_version, signing_certificates };
        // Before anything is signed that nobody would take.
        if token.to_json().len() > *LENGTH.end() {
            return Err(CreateError::Certificate(trust::Error::Malformed("longer than a token holds")));
        }
        token.signature = signer.sign(Purpose::Login, &digest).map_err(CreateError::Signer)?;
        Ok(token)
    }

    /// Adds the holder's certificate for signing documents, which makes it a token of format 1.1. For cards with a
    /// second key: on a CIE 3 one key serves for both, and a document could then be a login.
    ///
    /// # Errors
    /// [`TokenError::Certificate`], or [`TokenError::SigningCertificate`] unless it is the same holder's, by the
    /// same issuer, for signatures that bind.
    pub fn with_signing_certificate(
        mut self,
        certificate: &PresentedCertificate,
    ) -> Result<Self, TokenError> {
        let certificate = Certificate::from_der(certificate.as_der()).map_err(TokenError::Certificate)?;
        check_signing_certificate(&self.certificate, &certificate)?;
        let algorithms = SigningAlgorithm::OF_CARDS.map(|(algorithm, _)| algorithm).to_vec();
        self.signing_certificates.push(SigningCertificate { certificate, algorithms });
        Ok(self)
    }

    /// Reads a token: one JSON object of 100 to 10,000 bytes, no member twice. Members that are not known are
    /// passed over.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn parse(token: &[u8]) -> Result<Self, TokenError> {
        if !LENGTH.contains(&token.len()) {
            return Err(TokenError::Length(token.len()));
        }
        let text = std::str::from_utf8(token).map_err(|_| TokenError::Encoding)?;
        let members = json::Members::parse(text).map_err(TokenError::Json)?;
        let with_signing = members.minor_version().ok_or(TokenError::Format)? > 0;
        let certificate = certificate(&members.certificate)?;
        let algorithm = TokenAlgorithm::parse(&members.algorithm).ok_or(TokenError::Algorithm)?;
        let signature = decode("the signature", &members.signature)?;
        let mut signing_certificates = Vec::new();
        for (base64, algorithms) in if with_signing { members.signing_certificates()? } else { Vec::new() } {
            let signing = self::certificate(&base64)?;
            check_signing_certificate(&certificate, &signing)?;
            signing_certificates.push(SigningCertificate { certificate: signing, algorithms });
        }
        let app_version = members.app_version;
        Ok(Self { certificate, algorithm, signature, app_version, signing_certificates })
    }

    /// The token as JSON, one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let base64 = |certificate: &Certificate| Base64::encode_string(certificate.as_der());
        let minor = u8::from(!self.signing_certificates.is_empty());
        let mut object = json!({
            "unverifiedCertificate": base64(&self.certificate),
            "algorithm": self.algorithm.name(),
            "signature": Base64::encode_string(&self.signature),
            "format": format!("web-eid:1.{minor}"),
        });
        let mut set = |name: &str, value: serde_json::Value| {
            if let Some(members) = object.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if let Some(version) = &self.app_version {
            set("appVersion", json!(version));
        }
        if minor > 0 {
            let signing = |signing: &SigningCertificate| {
                let algorithms: Vec<_> = signing.algorithms.iter().map(|way| way.to_json()).collect();
                json!({
                    "certificate": base64(&signing.certificate),
                    "supportedSignatureAlgorithms": algorithms,
                })
            };
            let all: Vec<_> = self.signing_certificates.iter().map(signing).collect();
            set("unverifiedSigningCertificates", json!(all));
        }
        object.to_string()
    }

    /// The certificate that came with it: a claim.
    #[must_use]
    pub fn unverified_certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// How it says that it is signed.
    #[must_use]
    pub fn algorithm(&self) -> TokenAlgorithm {
        self.algorithm
    }

    /// The signature: RSA as it is, ECDSA as R ‖ S.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What made it, as it says.
    #[must_use]
    pub fn app_version(&self) -> Option<&str> {
        self.app_version.as_deref()
    }

    /// Certificates for signing documents that came with it (format 1.1): claims of the same name and issuer as the
    /// token's own, no more.
    #[must_use]
    pub fn unverified_signing_certificates(&self) -> &[SigningCertificate] {
        &self.signing_certificates
    }

    /// Checks the signature with a key, for an origin and a nonce: proof that whoever has the key answered this
    /// nonce for this origin. Whose key it is, the certificate's path tells.
    ///
    /// # Errors
    /// [`trust::Error::WrongSignature`], also if the algorithm is not one for the key.
    pub fn verify_signature(
        &self,
        key: &PublicKey,
        origin: &Origin,
        nonce: &Nonce,
    ) -> Result<(), trust::Error> {
        let digest = self.algorithm.digest();
        let message = signed_message(digest, origin, nonce);
        let outcome = match self.algorithm {
            _ if !self.algorithm.fits(key.kind()) => return Err(trust::Error::WrongSignature),
            TokenAlgorithm::Rs(_) => key.verify(SignatureScheme::RsaPkcs1(digest), &message, &self.signature),
            TokenAlgorithm::Ps(_) => {
                let scheme = SignatureScheme::RsaPss { digest, salt_length: digest.output_length() };
                key.verify(scheme, &message, &self.signature)
            }
            TokenAlgorithm::Es(_) => key.verify_raw_ecdsa(digest, &message, &self.signature),
        };
        outcome.map_err(|_| trust::Error::WrongSignature)
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthToken({}, {:?})", self.algorithm.name(), self.certificate)
    }
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError<E: std::error::Error + 'static> {
    /// The card or whatever signs did not.
    #[error(transparent)]
    Signer(E),
    /// The signer's certificate cannot be read.
    #[error("the holder's certificate: {0}")]
    Certificate(trust::Error),
}

fn decode(name: &'static str, base64: &str) -> Result<Vec<u8>, TokenError> {
    Base64::decode_vec(base64).map_err(|_| TokenError::Base64(name))
}

fn certificate(base64: &str) -> Result<Certificate, TokenError> {
    let der = decode("the certificate", base64)?;
    Certificate::from_der(&der).map_err(TokenError::Certificate)
}

/// Whether a certificate is the holder's other one (Web eID format 1.1). Validity and path are for whoever verifies
/// a signature made with it.
fn check_signing_certificate(login: &Certificate, signing: &Certificate) -> Result<(), TokenError> {
    let rules = [
        (login.subject_der() == signing.subject_der(), "names somebody else"),
        (
            login.issuer_der() == signing.issuer_der()
                && login.authority_key_identifier() == signing.authority_key_identifier(),
            "is by another issuer",
        ),
        (signing.allows_content_commitment() == Some(true), "is not made for signatures that bind"),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, broken)) => Err(TokenError::SigningCertificate(broken)),
        None => Ok(()),
    }
}
