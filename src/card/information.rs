//! What a card tells anyone about itself: everything here is its own claim.

use super::{ChipFamily, Kind, kind_of};
use crate::cns;
use crate::ias::{Application, ClaimedCardNumber, ClaimedNis, Error, File, RootFile};
use crate::pin::Tries;

/// Identifier of the travel document's application (ICAO 9303-10 section 3.1).
const TRAVEL_DOCUMENT: [u8; 7] = hex_literal::hex!("A0000002471001");

/// An application that was found on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownApplication {
    /// IAS ECC, the root of the CIE 3's own files.
    IasEcc,
    /// The CIE's directory under IAS ECC.
    Cie,
    /// The electronic travel document (ICAO 9303).
    TravelDocument,
}

impl KnownApplication {
    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IasEcc => "ias-ecc",
            Self::Cie => "cie",
            Self::TravelDocument => "travel-document",
        }
    }
}

/// What a card says in clear, by its kind. Nothing of it is verified; what names a person or a card is not
/// printed by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Information {
    /// Of a CIE 3.
    Cie3(Cie3Information),
    /// Of a contact card.
    Contact(ContactInformation),
}

impl Information {
    /// Which kind of card it was recognised as.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cie3(_) => Kind::Cie3,
            Self::Contact(information) => information.kind,
        }
    }

    /// Answer to reset, as the reader gave it.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        match self {
            Self::Cie3(information) => &information.atr,
            Self::Contact(information) => &information.atr,
        }
    }
}

/// What a contact card says in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactInformation {
    /// Which kind of card it was recognised as.
    pub kind: Kind,
    /// What its answer to reset says, if it is that of one of these cards.
    pub hint: Option<cns::AtrHint>,
    /// Answer to reset, as the reader gave it.
    pub atr: Vec<u8>,
    /// How its files are selected.
    pub layout: cns::Layout,
    /// The card's number.
    pub card_id: Option<cns::ClaimedCardId>,
    /// Bits of the modulus of each key that has a certificate: authentication, signature. Older cards have 1024,
    /// which many services refuse.
    pub key_bits: [Option<usize>; 2],
    /// The files that the card gives without a PIN.
    pub readable: Vec<cns::File>,
}

/// What a CIE 3 says in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cie3Information {
    /// Who made the chip, by fragments of EF.ATR or of the answer to reset. It drives nothing.
    pub chip: ChipFamily,
    /// Answer to reset, as the reader gave it.
    pub atr: Vec<u8>,
    /// The applications that were found.
    pub applications: Vec<KnownApplication>,
    /// The card number of EF.SN.ICC, if the card gives it.
    pub card_number: Option<ClaimedCardNumber>,
    /// The number for services.
    pub nis: ClaimedNis,
    /// Tries that the PIN has left.
    pub pin_tries: Tries,
    /// Tries that the PUK has left.
    pub puk_tries: Tries,
    /// Files of the CIE directory that the card gives without a PIN.
    pub readable: Vec<File>,
    /// Files of the root directory that the card gives without a PIN.
    pub readable_root: Vec<RootFile>,
}

/// Asks for all of it: first in the CIE's directory, then in the root, the other application last, because
/// asking for it leaves this one.
pub(super) fn of_cie3(application: &mut Application) -> Result<Cie3Information, Error> {
    let nis = application.read_nis()?;
    let (pin_tries, puk_tries) = (application.pin_tries()?, application.puk_tries()?);
    let mut readable = Vec::new();
    for file in File::ALL {
        readable.extend(application.is_readable(file)?.then_some(file));
    }
    let mut readable_root = Vec::new();
    for file in RootFile::ALL {
        readable_root.extend(application.is_readable_root(file)?.then_some(file));
    }
    let card_number = optional(application.read_root(RootFile::SerialNumber))?
        .map(|content| ClaimedCardNumber::parse(&content));
    let ef_atr = optional(application.read_root(RootFile::CardInformation))?.unwrap_or_default();
    let atr = application.atr().to_vec();

    let mut applications = vec![KnownApplication::IasEcc, KnownApplication::Cie];
    let travel_document = application.has_application(&TRAVEL_DOCUMENT)?;
    applications.extend(travel_document.then_some(KnownApplication::TravelDocument));
    Ok(Cie3Information {
        chip: ChipFamily::claimed(&ef_atr, &atr),
        atr,
        applications,
        card_number,
        nis,
        pin_tries,
        puk_tries,
        readable,
        readable_root,
    })
}

/// Asks for all of it.
pub(super) fn of_contact(session: &mut cns::Session) -> Result<ContactInformation, cns::Error> {
    let mut readable = Vec::new();
    for file in cns::File::ALL {
        readable.extend(session.is_readable(file)?.then_some(file));
    }
    let mut key_bits = [None, None];
    for (credential, bits) in
        [cns::Credential::Authentication, cns::Credential::Signature].into_iter().zip(&mut key_bits)
    {
        *bits = match session.certificate(credential) {
            Ok(certificate) => Some(certificate.public_key().bits()),
            Err(error) if error.is_transport() => return Err(error),
            Err(_) => None,
        };
    }
    Ok(ContactInformation {
        kind: kind_of(session.family()),
        hint: session.hint().cloned(),
        atr: session.atr().to_vec(),
        layout: session.layout(),
        card_id: session.card_id().cloned(),
        key_bits,
        readable,
    })
}

/// What the card does not give is absent; only a failed exchange is an error.
fn optional(read: Result<Vec<u8>, Error>) -> Result<Option<Vec<u8>>, Error> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.is_transport() => Err(error),
        Err(_) => Ok(None),
    }
}
