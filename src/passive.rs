//! EF.SOD: the digests of a card's files, and who is said to have signed them (ICAO 9303-10 section
//! 4.6.2, ICAO 9303-11 section 5.1).
//!
//! **A [`ClaimedSecurityObject`] proves nothing.** Whoever can write a file can write an EF.SOD that fits it: a digest
//! counts only after the signature and the certification path of its signer have been verified, which
//! [`ClaimedSecurityObject::verify`] does: it gives [`AuthenticFiles`]. Before, all that can be told is that a file
//! does *not* belong to an EF.SOD.

use std::fmt;

use crate::cms::{self, SignedData};
use crate::crypto::{DigestAlgorithm, constant_time_equal};
use crate::iso7816::tlv;

mod authentic;
mod lds;

pub use authentic::{AuthenticFiles, SecurityObjectPolicy};
#[cfg(feature = "fuzzing")]
pub(crate) use lds::LdsSecurityObject;
pub use lds::LdsVersion;

/// Numbers under which EF.SOD of a CIE 3 lists the files of its IAS application.
pub mod group {
    /// EF 1001, the number for services (NIS): its 12 digits are hashed.
    pub const NIS: u8 = 0xA1;
    /// EF 1002, the document number: its 9 characters are hashed.
    pub const SERIAL_NUMBER: u8 = 0xA2;
    /// EF 1003, the holder's certificate, without padding.
    pub const HOLDER_CERTIFICATE: u8 = 0xA3;
    /// EF 1004, the public key of device authentication, without padding.
    pub const DEVICE_KEY: u8 = 0xA4;
    /// EF 1005, the public key for services, without padding.
    pub const SERVICES_KEY: u8 = 0xA5;
    /// EF D004, the domain parameters of the key agreement, without padding.
    pub const DOMAIN_PARAMETERS: u8 = 0x1B;
}

/// The longest file that is looked at, padding included, in bytes.
const FILE_MAX: usize = 0x1_0000;
/// The most files in one EF.SOD.
pub const GROUPS_MAX: usize = 32;
/// Outermost tag of EF.SOD.
const TAG_SECURITY_OBJECT: u32 = 0x77;
/// ldsSecurityObject.
const LDS_SECURITY_OBJECT: &str = "2.23.136.1.1.1";

/// Why a file was not accepted as an EF.SOD, or a content not as the file that it lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes around the signed data or in the LDS security object are wrong.
    #[error("malformed EF.SOD: {0}")]
    Malformed(&'static str),
    /// The signed data is malformed.
    #[error("malformed EF.SOD: {0}")]
    SignedData(#[from] cms::Error),
    /// The signed content is something else than an LDS security object.
    #[error("EF.SOD holds content of type {0}")]
    WrongContentType(String),
    /// The digest algorithm of the files is none that is known here.
    #[error("EF.SOD uses a digest algorithm that is not supported")]
    UnsupportedDigest,
    /// A digest does not have the length of the algorithm.
    #[error("the digest of file {group:02X} in EF.SOD has {found} bytes")]
    DigestLength {
        /// The file's number.
        group: u8,
        /// How many bytes its digest has.
        found: usize,
    },
    /// The signature is made in a way that is not known here, or its digest is named in two ways.
    #[error("EF.SOD is signed in a way that is not supported")]
    UnsupportedSignature,
    /// SHA-1, which the policy does not let pass.
    #[error("EF.SOD is signed with SHA-1")]
    Sha1,
    /// The certificate of its signer is not in it.
    #[error("the certificate of the signer is not in EF.SOD")]
    NoSigner,
    /// The digests are not those that were signed.
    #[error("the digests in EF.SOD are not those that were signed")]
    ContentAltered,
    /// The signature is not one by its signer.
    #[error("the signature of EF.SOD is wrong")]
    WrongSignature,
    /// What is wrong with the signer's certificate, or above it.
    #[error("the signer of EF.SOD: {0}")]
    Signer(crate::trust::Error),
    /// A file is listed twice.
    #[error("EF.SOD lists file {0:02X} twice")]
    DuplicateGroup(u8),
    /// A file is not listed: it does not belong to this EF.SOD.
    #[error("EF.SOD does not list file {0:02X}")]
    MissingGroup(u8),
    /// The file's content is not the one that was hashed.
    #[error("the content of file {0:02X} differs from its digest in EF.SOD")]
    DigestDiffers(u8),
}

impl From<tlv::Error> for Error {
    fn from(_: tlv::Error) -> Self {
        Self::Malformed("not DER")
    }
}

/// An EF.SOD that was read, not verified: its digests are what the card claims about itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedSecurityObject {
    signed_data: SignedData,
    lds: lds::LdsSecurityObject,
}

impl ClaimedSecurityObject {
    /// Reads the content of EF.SOD; zeros may follow it, as cards pad their files.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::MissingGroup`] and [`Error::DigestDiffers`].
    pub fn parse(ef_sod: &[u8]) -> Result<Self, Error> {
        if ef_sod.len() > FILE_MAX {
            return Err(Error::Malformed("too long"));
        }
        let length = tlv::encoded_length(ef_sod)?;
        let (object, padding) = ef_sod.split_at_checked(length).ok_or(Error::Malformed("cut off"))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::Malformed("bytes after it"));
        }
        let object = tlv::parse(object)?;
        if object.tag.0 != TAG_SECURITY_OBJECT {
            return Err(Error::Malformed("not tagged 77"));
        }
        let signed_data = SignedData::from_der(object.value)?;
        if signed_data.content_type() != LDS_SECURITY_OBJECT {
            return Err(Error::WrongContentType(signed_data.content_type().to_owned()));
        }
        if signed_data.signers().is_empty() {
            return Err(Error::Malformed("nobody signed it"));
        }
        let content = signed_data.content().ok_or(Error::Malformed("no content"))?;
        let lds = lds::LdsSecurityObject::parse(content)?;
        Ok(Self { signed_data, lds })
    }

    /// What the files are hashed with. The signature may use another digest.
    #[must_use]
    pub fn digest_algorithm(&self) -> DigestAlgorithm {
        self.lds.algorithm
    }

    /// The claimed digest of a file, if it is listed.
    #[must_use]
    pub fn digest(&self, group: u8) -> Option<&[u8]> {
        let listed = self.lds.digests.iter().find(|(number, _)| *number == group);
        listed.map(|(_, digest)| digest.as_slice())
    }

    /// The numbers of the listed files, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = u8> {
        self.lds.digests.iter().map(|(number, _)| *number)
    }

    /// The signed data around the digests: what a verification starts from.
    #[must_use]
    pub fn signed_data(&self) -> &SignedData {
        &self.signed_data
    }

    /// Version of the LDS security object: 0 or 1.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.lds.version
    }

    /// Versions of LDS and Unicode, where they are given; from version 1 on.
    #[must_use]
    pub fn lds_version(&self) -> Option<&LdsVersion> {
        self.lds.lds_version.as_ref()
    }

    /// Checks that a file's content, without padding, has the digest that is claimed for it. That it
    /// does proves nothing while the signature is not verified.
    ///
    /// # Errors
    /// [`Error::MissingGroup`] or [`Error::DigestDiffers`].
    pub fn check_digest(&self, group: u8, content: &[u8]) -> Result<(), Error> {
        let claimed = self.digest(group).ok_or(Error::MissingGroup(group))?;
        let found = self.lds.algorithm.hash(content);
        if constant_time_equal(&found, claimed) { Ok(()) } else { Err(Error::DigestDiffers(group)) }
    }
}

impl fmt::Debug for ClaimedSecurityObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No digest: that of the NIS is as good as its 12 digits.
        let groups: Vec<String> = self.groups().map(|group| format!("{group:02X}")).collect();
        write!(f, "ClaimedSecurityObject({:?}, files {})", self.lds.algorithm, groups.join(" "))
    }
}
