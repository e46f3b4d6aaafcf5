//! A certificate as somebody presented it: its key can check signatures, nothing about it is verified.

use openssl::x509::X509;

use super::signature::RsaPublicKey;
use super::{Error, library};

/// An X.509 certificate that was only read, never verified: the subject is a claim.
pub struct PresentedCertificate {
    der: Vec<u8>,
    key: RsaPublicKey,
}

impl PresentedCertificate {
    /// Takes the DER of a certificate with an RSA key; nothing may be left over.
    ///
    /// # Errors
    /// [`Error::CertificateEncoding`] unless it is one, [`Error::Number`] if its key is out of bounds.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = |_| Error::CertificateEncoding;
        let certificate = X509::from_der(der).map_err(malformed)?;
        // OpenSSL keeps the bytes of a parsed certificate: this finds bytes that follow it.
        if certificate.to_der().map_err(malformed)? != der {
            return Err(Error::CertificateEncoding);
        }
        let key = certificate.public_key().and_then(|key| key.rsa()).map_err(malformed)?;
        let key = RsaPublicKey::new(&key.n().to_vec(), &key.e().to_vec())?;
        Ok(Self { der: der.to_vec(), key })
    }

    /// The DER of the certificate.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM (RFC 7468), as programs of the command line take it.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn to_pem(&self) -> Result<String, Error> {
        let pem = X509::from_der(&self.der).and_then(|certificate| certificate.to_pem());
        let pem = pem.map_err(library("PEM"))?;
        String::from_utf8(pem).map_err(|_| Error::Library("PEM"))
    }

    /// The subject's public key, as claimed.
    #[must_use]
    pub fn public_key(&self) -> &RsaPublicKey {
        &self.key
    }
}

impl std::fmt::Debug for PresentedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PresentedCertificate({} bytes)", self.der.len())
    }
}
