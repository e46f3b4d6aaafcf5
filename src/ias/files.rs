//! The elementary files of the CIE (reference section 4), and what each one holds.

use crate::file::{Extent, FileReference};

/// A file that the card's holder or anyone may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum File {
    /// EF.ID_Servizi (1001): the NIS, 12 ASCII digits.
    Nis,
    /// EF.Seriale (1002): the document number, 9 ASCII characters. Readable once the PIN is verified.
    DocumentNumber,
    /// EF.Cert_CIE (1003): the holder's certificate. Readable once the PIN is verified.
    HolderCertificate,
    /// EF.Int.Kpub (1004): public key of device authentication, PKCS #1 DER.
    DeviceKey,
    /// EF.Servizi_Int.Kpub (1005): public key of the services key, PKCS #1 DER.
    ServicesKey,
    /// EF.SOD (1006): hashes of the other files, signed by the document signer.
    SecurityObject,
}

/// EF.Int.Kpub, which the key exchange needs.
pub(super) const DEVICE_KEY: FileReference = FileReference { identifier: 0x1004, short_identifier: 4 };

impl File {
    /// All files of the CIE application.
    pub const ALL: [Self; 6] = [
        Self::Nis,
        Self::DocumentNumber,
        Self::HolderCertificate,
        Self::DeviceKey,
        Self::ServicesKey,
        Self::SecurityObject,
    ];

    /// File identifier and short identifier.
    #[must_use]
    pub const fn reference(self) -> FileReference {
        let (identifier, short_identifier) = match self {
            Self::Nis => (0x1001, 1),
            Self::DocumentNumber => (0x1002, 2),
            Self::HolderCertificate => (0x1003, 3),
            Self::DeviceKey => return DEVICE_KEY,
            Self::ServicesKey => (0x1005, 5),
            Self::SecurityObject => (0x1006, 6),
        };
        FileReference { identifier, short_identifier }
    }

    /// How much of the file is content.
    #[must_use]
    pub const fn extent(self) -> Extent {
        match self {
            Self::Nis => Extent::Bytes(12),
            Self::DocumentNumber => Extent::Bytes(9),
            _ => Extent::OuterObject,
        }
    }

    /// Whether the card gives the file only to its holder.
    #[must_use]
    pub const fn needs_pin(self) -> bool {
        matches!(self, Self::DocumentNumber | Self::HolderCertificate)
    }
}

/// A file of the root directory. Anyone may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RootFile {
    /// EF.DIR (2F00): the applications of the card.
    Directory,
    /// EF.ATR (2F01): what the chip can do; zero padding included.
    CardInformation,
    /// EF.SN.ICC (D003): the card number, as far as is known under tag 5A.
    SerialNumber,
    /// EF.DH (D004): Diffie-Hellman domain parameters, as EF.SOD covers them.
    DomainParameters,
}

impl RootFile {
    /// All files of the root directory.
    pub const ALL: [Self; 4] =
        [Self::Directory, Self::CardInformation, Self::SerialNumber, Self::DomainParameters];

    /// File identifier and short identifier.
    #[must_use]
    pub const fn reference(self) -> FileReference {
        let (identifier, short_identifier) = match self {
            Self::Directory => (0x2F00, 0x1E),
            Self::CardInformation => (0x2F01, 0x1D),
            Self::SerialNumber => (0xD003, 0x1C),
            Self::DomainParameters => (0xD004, 0x1B),
        };
        FileReference { identifier, short_identifier }
    }

    /// How much of the file is content.
    #[must_use]
    pub const fn extent(self) -> Extent {
        match self {
            Self::DomainParameters => Extent::OuterObject,
            // Their outer form on real cards is not sure.
            Self::Directory | Self::CardInformation | Self::SerialNumber => Extent::AtMost(512),
        }
    }
}
