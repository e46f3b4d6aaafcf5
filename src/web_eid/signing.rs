//! Which key a page may have used on digests that it chose: one that can never log in.
//!
//! A login is a signature too, over hash(origin) ‖ hash(nonce), and nobody can see of what a digest is. A page that
//! gets the key of a CIE 3 to sign such a digest has logged in somewhere else in its holder's name.

use super::SignRequest;
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{PresentedCertificate, constant_time_equal};
use crate::trust::{self, Certificate};

/// Extended key usages with which somebody may let it log in: clientAuth, anyExtendedKeyUsage (RFC 5280 section
/// 4.2.1.12), logging in to Windows with a smart card.
const LOGS_IN: [&str; 3] = ["1.3.6.1.5.5.7.3.2", "2.5.29.37.0", "1.3.6.1.4.1.311.20.2.2"];

/// Why a key signs nothing that a page chose. Each text tells nothing of the holder, so that the page may see it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningRefused {
    /// The card has one key for everything, or the other one is the same.
    #[error(
        "this card has one key for logins and signatures: what a page wants signed could be a login somewhere else"
    )]
    OneKey,
    /// The certificate is one that lets its key log in, or does not say that its key signs documents.
    #[error("the certificate of the other key does not keep it from logins")]
    Usage,
    /// Not the certificate that the page was given.
    #[error("this is not the certificate that was given before")]
    OtherCertificate,
    /// The certificate cannot be read.
    #[error("the certificate of the other key cannot be read")]
    Malformed(trust::Error),
}

/// Whether the key of `signing` may sign what a page chose: it is another one than that which logs in, its certificate
/// says that it is for documents (contentCommitment), and no portal would take it for a login (no digitalSignature,
/// no clientAuth).
///
/// # Errors
/// [`SigningRefused`].
pub fn check_signing_certificate(
    signing: &PresentedCertificate,
    login: &PresentedCertificate,
) -> Result<(), SigningRefused> {
    let (key, other) = (signing.public_key(), login.public_key());
    // The modulus alone: with another exponent it would still be the same secret.
    if constant_time_equal(&key.modulus(), &other.modulus()) {
        return Err(SigningRefused::OneKey);
    }
    let certificate = Certificate::from_der(signing.as_der()).map_err(SigningRefused::Malformed)?;
    let signs_documents = certificate.allows_content_commitment() == Some(true);
    let usages = certificate.extended_key_usage().unwrap_or_default();
    let logs_in = certificate.allows_digital_signature() != Some(false)
        || usages.iter().any(|usage| LOGS_IN.contains(&usage.as_str()));
    if signs_documents && !logs_in { Ok(()) } else { Err(SigningRefused::Usage) }
}

/// Signs what a page chose, with a key that may ([`check_signing_certificate`] was asked before the PIN): the
/// certificate must be, byte for byte, the one that the page was given.
///
/// # Errors
/// [`SigningRefused`] as the inner one, before anything is sent; else what the signer says.
pub fn sign<S: Signer>(
    signer: &mut S,
    login: &PresentedCertificate,
    request: &SignRequest,
) -> Result<Result<Vec<u8>, SigningRefused>, S::Error> {
    let refused = check_signing_certificate(signer.certificate(), login)
        .and_then(|()| request.check_certificate(signer.certificate()));
    if let Err(refused) = refused {
        return Ok(Err(refused));
    }
    // The key cannot log in, so the digest cannot be a login, whatever it is of.
    signer.sign(Purpose::RawAcknowledged, &request.digest).map(Ok)
}

impl SignRequest {
    /// Whether this is the certificate that the page was given before.
    ///
    /// # Errors
    /// [`SigningRefused::OtherCertificate`].
    pub fn check_certificate(&self, found: &PresentedCertificate) -> Result<(), SigningRefused> {
        let same = self.certificate == found.as_der();
        if same { Ok(()) } else { Err(SigningRefused::OtherCertificate) }
    }
}
