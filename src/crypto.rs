//! The door to OpenSSL: the only place, with `crypto/*` and `trust::path`, where it is named.
//!
//! No type of OpenSSL appears in a public signature.

pub mod agreement;
pub mod cipher;
mod digest;
#[cfg(feature = "emulator")]
pub mod generate;
mod number;
mod presented;
mod public_key;
pub mod signature;

use openssl::error::ErrorStack;

use crate::environment::{Entropy, EntropyError};

pub use digest::{Digest, DigestAlgorithm, sha256, sha512};
pub use number::NumberFault;
pub use presented::PresentedCertificate;
pub use public_key::{Curve, KeyKind, PublicKey, SignatureScheme};

/// A cryptographic operation that did not come to a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// OpenSSL refused the operation.
    #[error("OpenSSL could not do: {0}")]
    Library(&'static str),
    /// A number is outside what the operation stands.
    #[error("{name}: {fault}")]
    Number {
        /// The standard's name of the number.
        name: &'static str,
        /// What is wrong with it.
        fault: NumberFault,
    },
    /// A block, key or signature has the wrong number of bytes.
    #[error("{name} has {found} bytes")]
    Length {
        /// What has the wrong length.
        name: &'static str,
        /// How many bytes it has.
        found: usize,
    },
    /// Padding that is not there or is malformed.
    #[error("the padding is wrong")]
    Padding,
    /// A public key that is not the DER that was asked for, or of a kind that is not known here.
    #[error("not the DER of a public key of a kind that is known here")]
    KeyEncoding,
    /// A certificate that is not the DER of an X.509 certificate with an RSA key.
    #[error("not a DER encoded certificate with an RSA key")]
    CertificateEncoding,
    /// The signature is not one by this key over this digest.
    #[error("the signature does not verify")]
    BadSignature,
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Turns OpenSSL's error into ours and keeps its error queue out of our signatures.
fn library(operation: &'static str) -> impl Fn(ErrorStack) -> Error {
    move |_| Error::Library(operation)
}

/// Compares two byte strings in a time that depends on their length only.
#[must_use]
pub fn constant_time_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && openssl::memcmp::eq(a, b)
}

/// OpenSSL's random generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), EntropyError> {
        openssl::rand::rand_bytes(out).map_err(|_| EntropyError(label))
    }
}
