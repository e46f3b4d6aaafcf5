//! The keys of the holder: where each lies, under which numbers key, PIN and PUK are used, and where its
//! certificate is (CNS file system; key sets as programs in use have them).

use super::layout::{MASTER_FILE, Path};
use super::{Family, File};

/// A key of the holder, with a certificate and a PIN of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// The key that logs in. Its signatures never are qualified ones.
    Authentication,
    /// The key of the signature directory (DF_DS), on the few cards that have one.
    Signature,
}

/// How a certificate lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// DER from the first byte, then padding.
    Plain,
    /// Behind five bytes, of which the second and third are its length (Infocamere, lot 1204).
    Wrapped,
}

/// A key and its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeySet {
    pub(super) certificate: Path,
    pub(super) form: Form,
    /// The directory that must be current when the key is used.
    pub(super) directory: Path,
    /// Key reference, also the number that MANAGE SECURITY ENVIRONMENT takes.
    pub(super) key: u8,
}

impl Credential {
    /// Where key and certificate may be, in the order in which they are looked for.
    pub(super) fn key_sets(self, family: Family) -> Vec<KeySet> {
        use Form::{Plain, Wrapped};
        let set = |certificate, form, directory, key| KeySet { certificate, form, directory, key };
        match (self, family) {
            (Self::Authentication, Family::Cie1) => {
                vec![set(File::Certificate.path(), Plain, MASTER_FILE, 0x31)]
            }
            (Self::Authentication, _) => vec![
                set(File::Certificate.path(), Plain, MASTER_FILE, 0x01),
                // Idemia, 2021.
                set(&[0x1400, 0x9001, 0x2002], Plain, &[0x1400, 0x9002], 0x02),
                set(&[0x2FFF, 0x8228], Wrapped, &[0x2FFF, 0x0000], 0x21),
                // Within the application of newer cards.
                set(&[0xDA01, 0xC001], Plain, MASTER_FILE, 0x01),
            ],
            (Self::Signature, _) => {
                vec![set(File::SignatureCertificate.path(), Plain, &[0x1400, 0x8110], 0x10)]
            }
        }
    }

    /// The directory in which PIN and PUK are found.
    pub(super) fn pin_directory(self) -> Path {
        match self {
            Self::Authentication => MASTER_FILE,
            Self::Signature => &[0x1400, 0x8110],
        }
    }

    /// References of the PIN: the one to use first, then the one to use if the card knows no such object, if there
    /// is one. Without bit 8 the PIN of another directory would be one of the master file, if any.
    ///
    /// With bit 8 the card looks in the current directory and upwards, without it in the master file only.
    /// One maker's cards (STIncard, mask 09) want the bit even there.
    pub(super) fn pin_references(self, mask: Option<u8>) -> (u8, Option<u8>) {
        match (self, mask) {
            (Self::Authentication, Some(0x09)) => (0x90, Some(0x10)),
            (Self::Authentication, _) => (0x10, Some(0x90)),
            (Self::Signature, _) => (0x9A, None),
        }
    }
}
