//! Where each model keeps what is written into it: files, keys, PINs.
//!
//! The files are those of the CNS and CIE file system; of those whose content is not known the content here
//! is plausible, or zeros.

use super::model::Model;
use super::personalisation::{
    Directory, ElementaryFile, FilePath, Key, Personalisation, ReadAccess, ReferenceData,
};
use super::profile::KeyUse;
use crate::emulator::personalisation::CardKey;
use crate::emulator::pki::Error;
use crate::iso7816::tlv;

/// Size of the file that holds a certificate.
const CERTIFICATE_SIZE: usize = 0x800;
/// Tries of a PIN.
const PIN_TRIES: u8 = 3;

/// The name of the application behind which an ACe keeps everything.
const ACE_APPLICATION: [u8; 12] = hex_literal::hex!("A00000053000 0B104001021A");
/// An identifier that is never seen: the application's directory is reached by its name.
const ACE_DIRECTORY: u16 = 0xACE0;

/// What lies on a card.
pub(super) struct Content<'a> {
    pub(super) model: Model,
    pub(super) card_number: &'a str,
    /// The whole file.
    pub(super) personal_data: Vec<u8>,
    pub(super) certificate: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) key: CardKey,
    /// Of the chip.
    pub(super) serial_number: [u8; 8],
    pub(super) pin: [u8; 8],
    pub(super) puk: [u8; 8],
    pub(super) puk_tries: u8,
    pub(super) signature: Option<Signature>,
}

/// What lies in the signature directory.
pub(super) struct Signature {
    pub(super) certificate: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) key: CardKey,
    pub(super) pin: [u8; 8],
    pub(super) puk: [u8; 8],
}

/// A file's content with zeros up to its size.
pub(super) fn filled(mut content: Vec<u8>, size: usize, what: &'static str) -> Result<Vec<u8>, Error> {
    if content.len() > size {
        return Err(Error::TooLong(what));
    }
    content.resize(size, 0);
    Ok(content)
}

/// Puts everything in its place.
pub(super) fn lay_out(content: Content<'_>) -> Result<Personalisation, Error> {
    let Content { model, card_number, personal_data, public_key, serial_number, signature, .. } = content;
    let certificate = filled(content.certificate.clone(), CERTIFICATE_SIZE, "the certificate")?;
    let mut tree = Tree::new(match model {
        Model::Ace => FilePath::new(&[ACE_DIRECTORY]),
        _ => FilePath::default(),
    });
    let atr = model.profile().atr;
    let length = u8::try_from(atr.len()).unwrap_or(0);
    tree.file(&[0x2F01], filled([&[length], &*atr].concat(), 0x1E, "EF_ATR")?);
    tree.file(&[0x2F02], tlv::encode(0x5A, &serial_number));
    tree.file(&[0x3F01], public_key);
    tree.file(&[0x3F02], vec![0; 8]);
    tree.file(&[0x0405], vec![0; 16]);
    tree.directories(&[&[0x1000], &[0x1100], &[0x1200], &[0x1400]]);
    tree.file(&[0x1000, 0x1002], filled(serial_number.to_vec(), 54, "EF_DatiProcessore")?);
    tree.file(&[0x1100, 0x1102], personal_data);
    for (identifier, size) in [(0x1201, 64), (0x1202, 2), (0x1203, 160), (0x4142, 16)] {
        tree.file(&[0x1200, identifier], vec![0; size]);
    }
    if model.is_cie() {
        tree.file(&[0x1000, 0x1004], vec![0; 32]);
        tree.file(&[0x1100, 0x1103], vec![0; 128]);
        tree.hidden(&[0x1100, 0x1104], vec![0; 512]);
        tree.hidden(&[0x1100, 0x1105], vec![0; 512]);
    }
    if model == Model::Ace {
        tree.file(&[0xD003], tlv::encode(0x5A, card_number.as_bytes()));
    } else {
        tree.file(&[0x1000, 0x1003], filled(card_number.as_bytes().to_vec(), 16, "the card number")?);
    }

    let (key_directory, identifier): (&[u16], u8) = match model {
        Model::Cie1 => (&[], 0x31),
        Model::Infocamere => (&[0x2FFF], 0x21),
        Model::Idemia => (&[0x1400, 0x9002], 0x02),
        _ => (&[], 0x01),
    };
    match model {
        Model::Idemia => {
            tree.directories(&[&[0x1400, 0x9001], &[0x1400, 0x9002]]);
            tree.file(&[0x1400, 0x9001, 0x2002], certificate);
        }
        Model::Infocamere => {
            // Nobody has told what the first and the last two of the five bytes are.
            let [high, low] = u16::try_from(content.certificate.len()).unwrap_or(0).to_be_bytes();
            let wrapped = [&[0x01, high, low, 0x00, 0x00], content.certificate.as_slice()].concat();
            tree.directories(&[&[0x2FFF], &[0x2FFF, 0x0000]]);
            tree.file(&[0x2FFF, 0x8228], filled(wrapped, CERTIFICATE_SIZE, "the certificate")?);
        }
        Model::Ace => {
            tree.directories(&[&[0xDA01]]);
            tree.file(&[0xDA01, 0xC001], certificate);
        }
        _ => tree.file(&[0x1100, 0x1101], certificate),
    }
    tree.key(key_directory, identifier, content.key, 0x10, None);
    tree.reference_data(&[], 0x10, content.pin, PIN_TRIES, Some(0x11));
    tree.reference_data(&[], 0x11, content.puk, content.puk_tries, None);
    if let Some(signature) = signature {
        tree.file(&[0x1400, 0x9010], filled(signature.certificate, CERTIFICATE_SIZE, "the certificate")?);
        tree.directories(&[&[0x1400, 0x8110]]);
        tree.file(&[0x1400, 0x8110, 0x8010], signature.public_key);
        tree.key(&[0x1400], 0x10, signature.key, 0x1A, Some(KeyUse::Sign));
        tree.reference_data(&[0x1400], 0x1A, signature.pin, PIN_TRIES, Some(0x1B));
        tree.reference_data(&[0x1400], 0x1B, signature.puk, content.puk_tries, None);
    }
    Ok(tree.grown)
}

/// A personalisation while it is made; every path is under one root.
struct Tree {
    root: FilePath,
    grown: Personalisation,
}

impl Tree {
    fn new(root: FilePath) -> Self {
        let mut directories = Vec::new();
        if root != FilePath::default() {
            directories.push(Directory { path: root.clone(), name: ACE_APPLICATION.to_vec() });
        }
        let (files, reference_data, keys) = (Vec::new(), Vec::new(), Vec::new());
        Self { root, grown: Personalisation { directories, files, reference_data, keys } }
    }

    fn path(&self, identifiers: &[u16]) -> FilePath {
        identifiers.iter().fold(self.root.clone(), |path, identifier| path.child(*identifier))
    }

    fn directories(&mut self, paths: &[&[u16]]) {
        for path in paths {
            let path = self.path(path);
            self.grown.directories.push(Directory { path, name: Vec::new() });
        }
    }

    fn file(&mut self, path: &[u16], content: Vec<u8>) {
        let path = self.path(path);
        self.grown.files.push(ElementaryFile { path, access: ReadAccess::Always, content });
    }

    fn hidden(&mut self, path: &[u16], content: Vec<u8>) {
        let path = self.path(path);
        self.grown.files.push(ElementaryFile { path, access: ReadAccess::Never, content });
    }

    fn key(&mut self, directory: &[u16], identifier: u8, key: CardKey, pin: u8, made_for: Option<KeyUse>) {
        let directory = self.path(directory);
        self.grown.keys.push(Key { directory, identifier, key, pin, made_for });
    }

    fn reference_data(
        &mut self,
        directory: &[u16],
        identifier: u8,
        value: [u8; 8],
        tries: u8,
        unblocked_by: Option<u8>,
    ) {
        let directory = self.path(directory);
        let tries_left = tries;
        let data = ReferenceData { directory, identifier, value, tries, tries_left, unblocked_by };
        self.grown.reference_data.push(data);
    }
}
