//! What applications, files, keys and PINs are called, in the words of their specifications ("CIE 3.0 - Specifiche
//! Chip"; CNS file system).

use super::Step;
use super::text::{Pair, Text};
use crate::cns;
use crate::ias::{CIE_AID, IAS_AID};

/// What may be selected by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Application {
    /// Nothing is known to be selected.
    #[default]
    Unknown,
    /// The root of IAS ECC, or the master file.
    Root,
    /// The CIE's directory below it.
    Cie,
    /// The file system of a contact card.
    Contact,
    /// The travel document.
    TravelDocument,
}

const APPLICATIONS: [(&[u8], Application, Pair); 5] = [
    (&IAS_AID, Application::Root, ("IAS ECC", "IAS ECC")),
    (&CIE_AID, Application::Cie, ("CIE", "CIE")),
    (
        &hex_literal::hex!("A0000002471001"),
        Application::TravelDocument,
        ("travel document (ICAO)", "documento di viaggio (ICAO)"),
    ),
    (&cns::APPLICATION, Application::Contact, ("CNS, within an application", "CNS, in un'applicazione")),
    (
        &hex_literal::hex!("A0000005 30455349474E"),
        Application::Unknown,
        ("signature application (ESIGN)", "applicazione di firma (ESIGN)"),
    ),
];

/// The application with this name.
pub(super) fn application(aid: &[u8]) -> Option<(Application, Text)> {
    let found = APPLICATIONS.iter().find(|(known, ..)| *known == aid)?;
    Some((found.1, found.2.into()))
}

/// An elementary file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Identifiers from the directory of its application, or from the master file of a contact card.
    pub(super) path: &'static [u16],
    /// Short identifier on a CIE 3; 0 elsewhere.
    short: u8,
    /// What selecting and reading it is for.
    pub(super) step: Step,
    name: Pair,
}

const fn file(path: &'static [u16], short: u8, step: Step, name: Pair) -> File {
    File { path, short, step, name }
}

/// Files of the CIE's directory.
const CIE: [File; 6] = [
    file(&[0x1001], 1, Step::Recognition, ("NIS", "NIS")),
    file(&[0x1002], 2, Step::Certificate, ("document number", "numero del documento")),
    file(&[0x1003], 3, Step::Certificate, ("holder's certificate", "certificato del titolare")),
    file(&[0x1004], 4, Step::PublicFiles, ("device key", "chiave del dispositivo")),
    file(&[0x1005], 5, Step::PublicFiles, ("services key", "chiave dei servizi")),
    file(&[0x1006], 6, Step::PublicFiles, ("EF.SOD", "EF.SOD")),
];

/// Files of its root.
const ROOT: [File; 4] = [
    file(&[0x2F00], 0x1E, Step::PublicFiles, ("EF.DIR", "EF.DIR")),
    file(&[0x2F01], 0x1D, Step::PublicFiles, ("EF.ATR", "EF.ATR")),
    file(&[0xD003], 0x1C, Step::PublicFiles, ("card number, EF.SN.ICC", "numero della carta, EF.SN.ICC")),
    file(&[0xD004], 0x1B, Step::PublicFiles, ("domain parameters, EF.DH", "parametri di dominio, EF.DH")),
];

/// Files of a contact card, by their paths.
const CONTACT: [File; 22] = [
    file(&[0x2F01], 0, Step::PublicFiles, ("EF_ATR", "EF_ATR")),
    file(&[0x2F02], 0, Step::PublicFiles, ("EF_GDO", "EF_GDO")),
    file(&[0x3F01], 0, Step::PublicFiles, ("EF_KeyPub", "EF_KeyPub")),
    file(&[0x3F02], 0, Step::PublicFiles, ("EF_CardStatus", "EF_CardStatus")),
    file(&[0x0405], 0, Step::PublicFiles, ("EF_RootInstFile", "EF_RootInstFile")),
    file(&[0x1000, 0x1002], 0, Step::PublicFiles, ("EF_DatiProcessore", "EF_DatiProcessore")),
    file(&[0x1000, 0x1003], 0, Step::Recognition, ("EF_IDCarta", "EF_IDCarta")),
    file(&[0x1000, 0x1004], 0, Step::PublicFiles, ("EF_DatiSistema", "EF_DatiSistema")),
    file(&[0x1100, 0x1101], 0, Step::Certificate, ("EF_C_Carta (certificate)", "EF_C_Carta (certificato)")),
    file(&[0x1100, 0x1102], 0, Step::PersonalData, ("EF_DatiPersonali", "EF_DatiPersonali")),
    file(
        &[0x1100, 0x1103],
        0,
        Step::PersonalData,
        ("EF_DatiPersonali_Annotazioni", "EF_DatiPersonali_Annotazioni"),
    ),
    file(&[0x1100, 0x1104], 0, Step::PublicFiles, ("EF_Impronte", "EF_Impronte")),
    file(&[0x1100, 0x1105], 0, Step::PublicFiles, ("EF_Foto", "EF_Foto")),
    file(
        &[0x1200, 0x1201],
        0,
        Step::PublicFiles,
        ("EF_DatiPersonaliAggiuntivi", "EF_DatiPersonaliAggiuntivi"),
    ),
    file(&[0x1200, 0x1202], 0, Step::PublicFiles, ("EF_MemoriaResidua", "EF_MemoriaResidua")),
    file(&[0x1200, 0x1203], 0, Step::PublicFiles, ("EF_ServiziInstallati", "EF_ServiziInstallati")),
    file(&[0x1200, 0x4142], 0, Step::PublicFiles, ("EF_INST_FILE", "EF_INST_FILE")),
    file(&[0x1400, 0x9010], 0, Step::Certificate, ("signature certificate", "certificato di firma")),
    file(&[0x1400, 0x9001, 0x2002], 0, Step::Certificate, ("certificate (Idemia)", "certificato (Idemia)")),
    file(&[0x2FFF, 0x8228], 0, Step::Certificate, ("certificate (Infocamere)", "certificato (Infocamere)")),
    file(&[0xDA01, 0xC001], 0, Step::Certificate, ("certificate (ACe)", "certificato (ACe)")),
    file(&[0xD003], 0, Step::PublicFiles, ("card number (ACe)", "numero della carta (ACe)")),
];

/// Directories of a contact card.
const DIRECTORIES: [(&[u16], Pair); 10] = [
    (&[0x1000], ("DF0, card data", "DF0, dati della carta")),
    (&[0x1100], ("DF1, holder's data", "DF1, dati del titolare")),
    (&[0x1200], ("DF2, additional services", "DF2, servizi aggiuntivi")),
    (&[0x1400], ("DF_DS, signature", "DF_DS, firma")),
    (&[0x1400, 0x8110], ("signature key", "chiave di firma")),
    (&[0x1400, 0x9001], ("certificates (Idemia)", "certificati (Idemia)")),
    (&[0x1400, 0x9002], ("key (Idemia)", "chiave (Idemia)")),
    (&[0xDA01], ("certificate (ACe)", "certificato (ACe)")),
    (&[0x2FFF], ("directory of the key (Infocamere)", "directory della chiave (Infocamere)")),
    (&[0x2FFF, 0x0000], ("key (Infocamere)", "chiave (Infocamere)")),
];

impl File {
    /// Identifier and name.
    pub(super) fn text(&self) -> Text {
        Text::same(format!("EF {}", path_text(self.path))).and(Text::from(self.name))
    }
}

/// The file with this identifier or path.
pub(super) fn file_of(application: Application, path: &[u16]) -> Option<&'static File> {
    let find = |files: &'static [File]| files.iter().find(|file| file.path == path);
    match application {
        Application::Cie => find(&CIE),
        Application::Contact => find(&CONTACT),
        Application::Root => find(&ROOT).or_else(|| find(&CONTACT)),
        Application::Unknown => find(&CONTACT),
        Application::TravelDocument => None,
    }
}

/// The file with this short identifier.
pub(super) fn file_of_short(application: Application, short: u8) -> Option<&'static File> {
    let find = |files: &'static [File]| files.iter().find(|file| file.short == short);
    match application {
        Application::Cie => find(&CIE),
        Application::Root => find(&ROOT),
        _ => None,
    }
}

/// The directory of a contact card with this path.
pub(super) fn directory(path: &[u16]) -> Option<Text> {
    let (path, name) = DIRECTORIES.iter().find(|(known, _)| *known == path)?;
    Some(Text::same(format!("DF {}", path_text(path))).and(Text::from(*name)))
}

/// Whether a contact card is known to have a directory with this path.
pub(crate) fn is_directory(path: &[u16]) -> bool {
    DIRECTORIES.iter().any(|(known, _)| *known == path)
}

/// Identifiers with strokes between them.
pub(super) fn path_text(path: &[u16]) -> String {
    path.iter().map(|identifier| format!("{identifier:04X}")).collect::<Vec<_>>().join("/")
}

/// The PIN or PUK with this reference, and whether it is a PUK. Those of a CIE 3 and of contact cards differ.
pub(super) fn pin(reference: u8) -> (Text, bool) {
    let (name, is_puk): (Pair, _) = match reference {
        0x81 | 0x10 | 0x90 => (("PIN {}", "PIN {}"), false),
        0x82 | 0x11 | 0x91 => (("PUK {}", "PUK {}"), true),
        0x1A | 0x9A => (("PIN {}, of the signature key", "PIN {}, della chiave di firma"), false),
        0x1B | 0x9B => (("PUK {}, of the signature key", "PUK {}, della chiave di firma"), true),
        _ => (("reference {}", "riferimento {}"), false),
    };
    (Text::filled(name, format!("{reference:02X}")), is_puk)
}

/// The key with this reference, and the step that it is used in.
pub(super) fn key(reference: u8) -> Option<(Text, Step)> {
    let (name, step): (Pair, _) = match reference {
        0x81 => (("holder's key 81", "chiave 81 del titolare"), Step::Signature),
        0x82 => (("device key 82", "chiave 82 del dispositivo"), Step::DeviceAuthentication),
        0x83 => (("services key 83", "chiave 83 dei servizi"), Step::ServicesKey),
        0x84 => (("CA key 84 of terminals", "chiave 84 dei terminali"), Step::DeviceAuthentication),
        0x01 => (("holder's key 01", "chiave 01 del titolare"), Step::Signature),
        0x02 => (("holder's key 02 (Idemia)", "chiave 02 del titolare (Idemia)"), Step::Signature),
        0x21 => (("holder's key 21 (Infocamere)", "chiave 21 del titolare (Infocamere)"), Step::Signature),
        0x31 => (("holder's key 31 (CIE 1)", "chiave 31 del titolare (CIE 1)"), Step::Signature),
        0x10 | 0x90 => (("signature key", "chiave di firma"), Step::Signature),
        _ => return None,
    };
    Some((name.into(), step))
}

/// A security data object by its tag, as GET DATA asks for it (IAS ECC 1.0.1).
pub(super) fn object(tag: u32) -> Option<(Text, Step)> {
    let reference = u8::try_from(tag & 0x7F).unwrap_or_default();
    let local = reference | 0x80;
    Some(match tag & 0xFF_FF80 {
        0xBF_8100 => (pin(local).0, Step::PinTries),
        0xBF_9000 => (private(local), Step::KeyExchange),
        0xBF_A000 => (private(local), Step::KeyExchange),
        0xBF_A100 => {
            (Text::filled(("domain parameters {}", "parametri di dominio {}"), reference), Step::KeyExchange)
        }
        0xBF_FB00 => (
            Text::filled(("security environment {}", "ambiente di sicurezza {}"), reference),
            Step::PublicFiles,
        ),
        _ => return None,
    })
}

fn private(reference: u8) -> Text {
    let unknown = || Text::filled(("key {}", "chiave {}"), format!("{reference:02X}"));
    key(reference).map_or_else(unknown, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cns, ias};

    #[test]
    fn every_file_of_the_library_has_its_name() {
        for file in ias::File::ALL {
            let reference = file.reference();
            let found = file_of(Application::Cie, &[reference.identifier]).unwrap();
            assert_eq!(file_of_short(Application::Cie, reference.short_identifier), Some(found));
            assert_eq!(file.needs_pin(), found.step == Step::Certificate);
        }
        for file in ias::RootFile::ALL {
            let reference = file.reference();
            let found = file_of(Application::Root, &[reference.identifier]).unwrap();
            assert_eq!(file_of_short(Application::Root, reference.short_identifier), Some(found));
        }
        for file in cns::File::ALL {
            let found = file_of(Application::Contact, file.path()).unwrap();
            assert!(found.text().english.starts_with(&file.to_string()), "{file}");
        }
    }

    #[test]
    fn no_file_is_a_directory_and_none_is_there_twice() {
        for (index, file) in CONTACT.iter().enumerate() {
            assert_eq!(directory(file.path), None);
            assert!(CONTACT.iter().skip(index + 1).all(|other| other.path != file.path), "{:?}", file.path);
        }
    }
}
