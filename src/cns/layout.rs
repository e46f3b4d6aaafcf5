//! Where the files lie (CNS file system: paths from the master file), and the ways to get there.

use std::fmt;

use super::Fci;
use crate::iso7816::{Command, StatusWord, command};
use crate::secure_messaging::{self, Channel};

/// Identifiers from the master file down, which is not part of it.
pub(super) type Path = &'static [u16];

/// The master file.
pub(super) const MASTER_FILE: Path = &[];
/// Its identifier.
const MASTER_FILE_IDENTIFIER: u16 = 0x3F00;

/// The application that newer cards keep the whole tree in (Actalis, ACe 2025).
pub(crate) const APPLICATION: [u8; 12] = hex_literal::hex!("A0000005 30000B10 4001021A");

/// An elementary file of the cards that anyone may read, or whose name is known at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum File {
    /// EF_ATR (2F01): the answer to reset.
    CardInformation,
    /// EF_GDO (2F02): serial number of the chip.
    SerialNumber,
    /// EF_KeyPub (3F01): the holder's public key.
    PublicKey,
    /// EF_CardStatus (3F02).
    CardStatus,
    /// EF_RootInstFile (0405).
    RootInstallation,
    /// EF_DatiProcessore (1000/1002): about the chip.
    ProcessorData,
    /// EF_IDCarta (1000/1003): the number of the card.
    CardId,
    /// EF_DatiSistema (1000/1004), on a CIE.
    SystemData,
    /// EF_C_Carta (1100/1101): the holder's authentication certificate.
    Certificate,
    /// EF_DatiPersonali (1100/1102): who the holder is. It is not signed.
    PersonalData,
    /// EF_DatiPersonali_Annotazioni (1100/1103), on a CIE.
    PersonalDataNotes,
    /// EF_Impronte (1100/1104), on a CIE: fingerprints, which nobody is known to read.
    Fingerprints,
    /// EF_Foto (1100/1105), on a CIE.
    Photograph,
    /// EF_DatiPersonaliAggiuntivi (1200/1201).
    AdditionalData,
    /// EF_MemoriaResidua (1200/1202).
    FreeMemory,
    /// EF_ServiziInstallati (1200/1203).
    InstalledServices,
    /// EF_INST_FILE (1200/4142).
    Installation,
    /// The signature certificate (1400/9010), where there is one.
    SignatureCertificate,
}

impl File {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::CardInformation,
        Self::SerialNumber,
        Self::PublicKey,
        Self::CardStatus,
        Self::RootInstallation,
        Self::ProcessorData,
        Self::CardId,
        Self::SystemData,
        Self::Certificate,
        Self::PersonalData,
        Self::PersonalDataNotes,
        Self::Fingerprints,
        Self::Photograph,
        Self::AdditionalData,
        Self::FreeMemory,
        Self::InstalledServices,
        Self::Installation,
        Self::SignatureCertificate,
    ];

    /// File identifiers from the master file down, which is not part of it.
    #[must_use]
    pub const fn path(self) -> &'static [u16] {
        match self {
            Self::CardInformation => &[0x2F01],
            Self::SerialNumber => &[0x2F02],
            Self::PublicKey => &[0x3F01],
            Self::CardStatus => &[0x3F02],
            Self::RootInstallation => &[0x0405],
            Self::ProcessorData => &[0x1000, 0x1002],
            Self::CardId => &[0x1000, 0x1003],
            Self::SystemData => &[0x1000, 0x1004],
            Self::Certificate => &[0x1100, 0x1101],
            Self::PersonalData => &[0x1100, 0x1102],
            Self::PersonalDataNotes => &[0x1100, 0x1103],
            Self::Fingerprints => &[0x1100, 0x1104],
            Self::Photograph => &[0x1100, 0x1105],
            Self::AdditionalData => &[0x1200, 0x1201],
            Self::FreeMemory => &[0x1200, 0x1202],
            Self::InstalledServices => &[0x1200, 0x1203],
            Self::Installation => &[0x1200, 0x4142],
            Self::SignatureCertificate => &[0x1400, 0x9010],
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EF ")?;
        for (index, identifier) in self.path().iter().enumerate() {
            write!(f, "{}{identifier:04X}", if index > 0 { "/" } else { "" })?;
        }
        Ok(())
    }
}

/// A way to select files. Cards differ, and the standard leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// By path from the master file: one command.
    Path,
    /// Identifier by identifier, from the master file down.
    Identifiers,
    /// Within an application that stands for the master file: its name, then the path from there.
    Application,
}

impl Layout {
    /// In the order in which they are tried on a card that is not known yet.
    pub(super) const ALL: [Self; 3] = [Self::Path, Self::Identifiers, Self::Application];

    /// The commands that select a file or directory.
    fn commands(self, path: Path) -> Vec<Command> {
        let application = || command::select_application_information(&APPLICATION);
        match (self, path) {
            (Self::Path, MASTER_FILE) => vec![command::select_identifier(MASTER_FILE_IDENTIFIER)],
            (Self::Path, path) => vec![command::select_path(path)],
            (Self::Identifiers, path) => {
                let identifiers = std::iter::once(&MASTER_FILE_IDENTIFIER).chain(path);
                identifiers.map(|identifier| command::select_identifier(*identifier)).collect()
            }
            (Self::Application, MASTER_FILE) => vec![application()],
            (Self::Application, path) => vec![application(), command::select_path_from_here(path)],
        }
    }

    /// Selects a file or directory: the first answer that is not 9000, or what the last one says about it.
    ///
    /// # Errors
    /// Only if an exchange fails.
    pub(super) fn select(
        self,
        channel: &mut Channel,
        path: Path,
    ) -> Result<Result<Fci, StatusWord>, secure_messaging::Error> {
        let mut fci = Fci::default();
        for command in self.commands(path) {
            let response = channel.exchange(&command)?;
            if !response.status().is_success() {
                return Ok(Err(response.status()));
            }
            // Old cards leave fields out, or everything: what is not understood is not known.
            fci = Fci::parse(response.data()).unwrap_or_default();
        }
        Ok(Ok(fci))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INS, P1, P2 and data of the commands.
    fn commands(layout: Layout, path: Path) -> Vec<String> {
        let told = |command: &Command| {
            let [_, ins, p1, p2] = command.header();
            format!("{ins:02X}{p1:02X}{p2:02X} {}", hex::encode_upper(command.data()))
        };
        layout.commands(path).iter().map(told).collect()
    }

    #[test]
    fn every_way_begins_at_the_top() {
        let file = File::CardId.path();
        assert_eq!(commands(Layout::Path, file), ["A40800 10001003"]);
        assert_eq!(commands(Layout::Path, MASTER_FILE), ["A40000 3F00"]);
        assert_eq!(commands(Layout::Identifiers, file), ["A40000 3F00", "A40000 1000", "A40000 1003"]);
        assert_eq!(commands(Layout::Identifiers, MASTER_FILE), ["A40000 3F00"]);
        let application = "A40400 A000000530000B104001021A";
        assert_eq!(commands(Layout::Application, file), [application, "A40900 10001003"]);
        assert_eq!(commands(Layout::Application, MASTER_FILE), [application]);
    }

    /// The names of the file system, by the directories that they are in.
    #[test]
    fn files_lie_where_the_file_system_has_them() {
        let names: Vec<_> = File::ALL.iter().map(File::to_string).collect();
        assert_eq!(
            names,
            [
                "EF 2F01",
                "EF 2F02",
                "EF 3F01",
                "EF 3F02",
                "EF 0405",
                "EF 1000/1002",
                "EF 1000/1003",
                "EF 1000/1004",
                "EF 1100/1101",
                "EF 1100/1102",
                "EF 1100/1103",
                "EF 1100/1104",
                "EF 1100/1105",
                "EF 1200/1201",
                "EF 1200/1202",
                "EF 1200/1203",
                "EF 1200/4142",
                "EF 1400/9010",
            ]
        );
    }
}
