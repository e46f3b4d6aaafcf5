//! What a certificate is worth: X.509 fields, anchors by purpose, certification paths (RFC 5280).
//!
//! Nothing here talks to a card, and nothing here fetches anything: what has to be fetched to know whether a
//! certificate was revoked is described, and its answers are judged ([`Revocation::begin`]).

pub(crate) mod algorithm;
mod certificate;
mod crl;
mod folder;
mod holder;
mod italian;
mod name;
mod ocsp;
mod path;
mod revocation;
mod status;
mod store;

pub use certificate::Certificate;
pub use crl::{ListFault, RevocationList};
pub use folder::FolderError;
#[cfg(feature = "c-api")]
pub(crate) use folder::one_certificate;
pub use holder::{CertifiedCard, ClientAuthentication, HolderPolicy};
pub use italian::{Found, FoundAs, ItalianRoots, Report};
pub use name::Name;
pub use ocsp::ResponseFault;
#[cfg(feature = "fuzzing")]
pub(crate) use ocsp::check_reading as check_reading_of_responses;
pub use path::{ValidPath, VerifiedSignature};
pub use revocation::{
    Answer, CertificateStatus, Fetch, FetchError, PendingStatus, Proof, Revocation, RevocationRules,
    SoftVerified, StatusFault, StatusRequest, StatusSource, UnknownStatus, VerifiedCertificate,
};
pub use status::{RevocationReason, Revoked};
pub use store::{AnchorPurpose, TrustStore};

use crate::crypto;

/// Why a certificate was not trusted. [`Error::is_unchecked`] tells "nothing could be checked" from
/// "checked and bad".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the DER of an X.509 certificate, or with a field that is.
    #[error("malformed certificate: {0}")]
    Malformed(&'static str),
    /// No path leads to an anchor for this purpose: nothing was checked.
    #[error("the issuer of the certificate is unknown")]
    UnknownIssuer,
    /// A certificate of the path is not valid at this time.
    #[error("the certificate or one above it has expired")]
    Expired,
    /// A certificate of the path is not valid yet at this time.
    #[error("the certificate or one above it is not valid yet")]
    NotYetValid,
    /// A signature of the path is wrong.
    #[error("a signature above the certificate is wrong")]
    BadSignature,
    /// A key or digest of the path is too weak.
    #[error("a key or digest of the path is too weak")]
    TooWeak,
    /// A key's curve is written out, and is not one of those that are known here.
    #[error("a key on a curve that is written out and not known")]
    WrittenOutCurve,
    /// The path breaks a rule of RFC 5280; the text is OpenSSL's.
    #[error("no valid path: {0}")]
    InvalidPath(String),
    /// The certificate is not made for this purpose.
    #[error("the certificate is not made for this: {0}")]
    WrongPurpose(&'static str),
    /// The certificate says that it is from a card of a kind that is not asked for. Nothing above it was checked: this
    /// speaks neither for the card nor against it.
    #[error("from a card of a kind that is not taken here: {}", .0.name())]
    CardNotTaken(CertifiedCard),
    /// A certificate of a test PKI, and those are not allowed here.
    #[error("a test certificate, not a real card's")]
    TestCertificate,
    /// The signature over the message is wrong.
    #[error("the signature is wrong")]
    WrongSignature,
    /// A certificate of the path was revoked.
    #[error("the certificate or one above it was {0}")]
    Revoked(Revoked),
    /// Whether a certificate of the path was revoked cannot be told.
    #[error("the status of the certificate at place {depth} of the path is not known: {fault}")]
    StatusUnavailable {
        /// Its place: 0 for the holder's own.
        depth: usize,
        /// Why.
        fault: StatusFault,
    },
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

impl Error {
    /// Whether nothing could be checked, as opposed to checked and found bad.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        use crypto::Error::{Entropy, Library};
        matches!(
            self,
            Self::UnknownIssuer | Self::StatusUnavailable { .. } | Self::Crypto(Library(_) | Entropy(_))
        )
    }
}
