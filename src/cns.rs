//! The contact cards: identity cards of the first generations (CIE 1, CIE 2), the citizen's services card (CNS)
//! and health cards with its application (TS-CNS); CNS functional specification and file system.
//!
//! ```text
//! Link ── Session::open ──▶ Session     certificate, personal data, card number, change of PIN, PUK
//!                              │ verify_pin: other programs are kept off
//!                              ▼
//!                           Unlocked    signatures; dropping it resets the card
//! ```
//!
//! Everything here goes in clear, the PIN too: whoever sits between card and program sees it, and anything
//! that the card says can be anybody's word. What it says is worth something once the certificate's path is
//! verified, a signature proves the key, and `identity` has bound the personal data to the certificate.
//!
//! A PIN that such a card has verified serves every program until the card is reset. So no other program is
//! let near from VERIFY on, and the card is reset at the end.

mod atr;
mod card_id;
mod credential;
mod date;
mod error;
mod fci;
mod layout;
mod personal_data;
mod secrets;
mod sign;
mod unlocked;

use std::sync::Arc;

use crate::crypto::PresentedCertificate;
pub use crate::dialogue::Cause;
use crate::dialogue::Step as _;
use crate::file::{self, Extent};
use crate::iso7816::{StatusWord, tlv};
use crate::pin::Tries;
use crate::secure_messaging::Channel;
use crate::transport::{Link, Statistics};
use zeroize::Zeroizing;

pub use atr::{AtrHint, Family};
pub use card_id::{CardIdError, CardType, ClaimedCardId};
pub use credential::Credential;
pub use date::Date;
pub use error::{Error, Refused, Step};
pub use fci::{Access, Fci, FciError, FileType};
pub use layout::{File, Layout};
pub use personal_data::{Doubt, Field, Header, PersonalData, PersonalDataError, Sex, WrittenDate};
pub use secrets::Unblock;
pub use unlocked::{HolderSigner, Unlocked};

use credential::{Form, KeySet};
use layout::Path;
use secrets::Secrets;

/// Length of EF_IDCarta in bytes.
const CARD_ID_LENGTH: usize = 16;
/// The most that is read of a file whose size the card does not tell. EF_DatiPersonali of a CIE has 1200 bytes.
const UNTOLD_SIZE_MAX: usize = 4096;
/// Bytes before a wrapped certificate; the second and third are its length.
const WRAPPING: usize = 5;

/// A contact card that was recognised, spoken to in clear. `Send`.
///
/// Where the card is shared, another program may select something else between two operations: each begins by
/// selecting anew what it needs.
pub struct Session {
    channel: Channel,
    layout: Layout,
    family: Family,
    hint: Option<AtrHint>,
    card_id: Option<ClaimedCardId>,
    /// The directory that is current, if that is known.
    current: Option<Path>,
    /// [`Link::interruptions`] when it was selected.
    seen: u64,
    certificates: [Option<Held>; 2],
    secrets: [Secrets; 2],
}

/// A certificate that was read, and the key that belongs to it.
#[derive(Clone)]
struct Held {
    key_set: KeySet,
    certificate: Arc<PresentedCertificate>,
}

impl Session {
    /// Recognises the card by its files: EF_IDCarta, or within its application EF_DatiPersonali, is where these
    /// cards have it. The answer to reset only says which family it may be and which way to try first. Nothing
    /// that is sent carries a PIN or changes the card.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link; [`Cause::Status`] with the first answer of a card of another
    /// kind.
    pub fn open(mut link: Link) -> Result<Self, Refused<Link>> {
        link.hold();
        let hint = AtrHint::parse(link.atr());
        let mut channel = Channel::clear(link);
        let found = find(&mut channel);
        channel.link().let_go();
        let (layout, card_id) = match found {
            Ok(found) => found,
            Err(error) => return Err(Refused::new(channel.into_link(), error)),
        };
        // Over the air, or in a reader that invents answers to reset, the number is all there is to go by; what is
        // no number of a CNS must have a CIE's personal data beside it.
        let family = match (&hint, &card_id) {
            (Some(hint), _) => hint.family,
            (None, Some(id)) if !id.is_cns_number() => Family::Cie2,
            (None, _) => Family::Cns,
        };
        if hint.is_none() && family == Family::Cie2 {
            channel.link().hold();
            let found = has_personal_data(&mut channel, layout);
            channel.link().let_go();
            match found {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    return Err(Refused::new(channel.into_link(), Step::Recognise.failed(cause)));
                }
                Err(error) => return Err(Refused::new(channel.into_link(), error)),
            }
        }
        let seen = channel.link().interruptions();
        let (certificates, secrets) = ([None, None], [Secrets::default(), Secrets::default()]);
        Ok(Self { channel, layout, family, hint, card_id, current: None, seen, certificates, secrets })
    }

    /// Which family the card belongs to, by its answer to reset, or else by its number: a claim.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// What the answer to reset says, if it is that of one of these cards.
    #[must_use]
    pub fn hint(&self) -> Option<&AtrHint> {
        self.hint.as_ref()
    }

    /// How the card's files are selected.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The card's number, as EF_IDCarta gave it when the card was recognised. Some cards that keep their files
    /// in an application have it elsewhere.
    #[must_use]
    pub fn card_id(&self) -> Option<&ClaimedCardId> {
        self.card_id.as_ref()
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        self.channel.atr()
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.channel.statistics()
    }

    /// How many tries the PIN has left: unknown until the card said it of a wrong one, because these cards are
    /// not known to tell without spending one.
    #[must_use]
    pub fn pin_tries(&self, credential: Credential) -> Tries {
        self.secrets_of(credential).pin_tries
    }

    /// How many tries the PUK has left, in the same way.
    #[must_use]
    pub fn puk_tries(&self, credential: Credential) -> Tries {
        self.secrets_of(credential).puk_tries
    }

    /// Reads a file, as much as the card says that it has, padding included. Nothing about it is verified.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::SecureMessagingRequired`] for a file that only an administrator reads.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, Error> {
        self.read_path(file.path(), Step::ReadFile(file), |fci| {
            Extent::AtMost(fci.size().unwrap_or(UNTOLD_SIZE_MAX))
        })
    }

    /// Whether the card gives a file. One byte of it is read.
    ///
    /// # Errors
    /// Only if an exchange fails.
    pub fn is_readable(&mut self, file: File) -> Result<bool, Error> {
        match self.read_path(file.path(), Step::ReadFile(file), |_| Extent::Bytes(1)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_transport() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Reads EF_DatiPersonali. It is not signed: anybody can have written it, until `identity` has bound it to a
    /// verified certificate.
    ///
    /// # Errors
    /// [`Error`]; [`Cause::NotPersonalised`] if it is empty, [`Cause::Malformed`] if it is not in its form.
    pub fn read_personal_data(&mut self) -> Result<PersonalData, Error> {
        let content = Zeroizing::new(self.read(File::PersonalData)?);
        let step = Step::ReadFile(File::PersonalData);
        PersonalData::parse(&content).map_err(|error| {
            step.failed(match error {
                PersonalDataError::NotPersonalised => Cause::NotPersonalised,
                PersonalDataError::TooShort(_) | PersonalDataError::Header => {
                    Cause::Malformed("header of the personal data")
                }
                PersonalDataError::Truncated { .. } => Cause::Malformed("length of the personal data"),
                _ => Cause::Malformed("field of the personal data"),
            })
        })
    }

    /// The certificate of a key; read from the card the first time. Anybody may read it: no PIN is needed.
    ///
    /// # Errors
    /// [`Cause::NoCertificate`] if the card has none, [`Cause::Crypto`] if it is not one.
    pub fn certificate(&mut self, credential: Credential) -> Result<&PresentedCertificate, Error> {
        Ok(&self.hold_certificate(credential)?.certificate)
    }

    fn hold_certificate(&mut self, credential: Credential) -> Result<&Held, Error> {
        let held = match self.certificate_slot(credential).take() {
            Some(held) => held,
            None => self.read_certificate(credential)?,
        };
        Ok(self.certificate_slot(credential).insert(held))
    }

    /// Looks where the certificate may be; an empty file is like none.
    fn read_certificate(&mut self, credential: Credential) -> Result<Held, Error> {
        let step = Step::ReadCertificate(credential);
        let mut missing = step.failed(Cause::NoCertificate);
        for key_set in credential.key_sets(self.family) {
            match self.read_one_certificate(key_set, step) {
                Ok(certificate) => return Ok(Held { key_set, certificate: Arc::new(certificate) }),
                // Not there, or not for us: the next place. What was refused is told if there is no other.
                Err(error) => match error.cause {
                    Cause::NoCertificate | Cause::Status(StatusWord::FILE_NOT_FOUND) => {}
                    Cause::Status(_) | Cause::SecureMessagingRequired => missing = error,
                    _ => return Err(error),
                },
            }
        }
        Err(missing)
    }

    fn read_one_certificate(&mut self, set: KeySet, step: Step) -> Result<PresentedCertificate, Error> {
        let der = match set.form {
            Form::Plain => match self.read_path(set.certificate, step, |_| Extent::OuterObject) {
                Err(error) if is_of_nothing(&error.cause) => return Err(step.failed(Cause::NoCertificate)),
                read => read?,
            },
            Form::Wrapped => {
                let size = |fci: &Fci| Extent::AtMost(fci.size().unwrap_or(UNTOLD_SIZE_MAX));
                let wrapped = self.read_path(set.certificate, step, size)?;
                unwrap(&wrapped).ok_or_else(|| step.failed(Cause::NoCertificate))?.to_vec()
            }
        };
        // A file that nobody wrote a certificate to has zeros, or nothing but ones.
        if matches!(der.first(), None | Some(0x00 | 0xFF)) {
            return Err(step.failed(Cause::NoCertificate));
        }
        PresentedCertificate::from_der(&der).map_err(|e| step.failed(e))
    }

    /// Selects and reads, with nobody in between.
    fn read_path(
        &mut self,
        path: Path,
        step: Step,
        extent: impl FnOnce(&Fci) -> Extent,
    ) -> Result<Vec<u8>, Error> {
        self.current = None;
        let layout = self.layout;
        self.channel.uninterrupted(|channel| {
            let fci = match layout.select(channel, path).map_err(|e| step.failed(e))? {
                Ok(fci) => fci,
                Err(status) => return Err(step.failed(refusal(status, false))),
            };
            file::read_current(channel, extent(&fci)).map_err(|error| match error {
                file::Error::Status(status) => step.failed(refusal(status, fci.demands_secure_messaging())),
                error => step.failed(error),
            })
        })
    }

    /// Makes a directory the current one, unless it is and nobody else can have been at the card.
    fn enter(&mut self, directory: Path) -> Result<(), Error> {
        let step = Step::SelectKey;
        let interruptions = self.channel.link().interruptions();
        if self.current == Some(directory) && self.seen == interruptions {
            return Ok(());
        }
        self.current = None;
        let selected = self.layout.select(&mut self.channel, directory).map_err(|e| step.failed(e))?;
        selected.map_err(|status| step.failed(status))?;
        (self.current, self.seen) = (Some(directory), interruptions);
        Ok(())
    }

    fn secrets_of(&self, credential: Credential) -> &Secrets {
        let [authentication, signature] = &self.secrets;
        match credential {
            Credential::Authentication => authentication,
            Credential::Signature => signature,
        }
    }

    fn secrets_slot(&mut self, credential: Credential) -> &mut Secrets {
        let [authentication, signature] = &mut self.secrets;
        match credential {
            Credential::Authentication => authentication,
            Credential::Signature => signature,
        }
    }

    fn certificate_slot(&mut self, credential: Credential) -> &mut Option<Held> {
        let [authentication, signature] = &mut self.certificates;
        match credential {
            Credential::Authentication => authentication,
            Credential::Signature => signature,
        }
    }

    /// The link below, for operations of several steps.
    pub(crate) fn link(&mut self) -> &mut Link {
        self.channel.link()
    }

    /// Gives the link back.
    #[must_use]
    pub fn into_link(self) -> Link {
        self.channel.into_link()
    }
}

/// The way to the card's files, and its number: by the first of the ways that leads to either.
fn find(channel: &mut Channel) -> Result<(Layout, Option<ClaimedCardId>), Error> {
    let step = Step::Recognise;
    let mut first: Option<Cause> = None;
    for layout in Layout::ALL {
        let failed = match look(channel, layout)? {
            Ok(card_id) => return Ok((layout, card_id)),
            Err(cause) => cause,
        };
        first.get_or_insert(failed);
    }
    Err(step.failed(first.unwrap_or(Cause::NoCertificate)))
}

/// Whether the card's number is where this way leads.
fn look(channel: &mut Channel, layout: Layout) -> Result<Result<Option<ClaimedCardId>, Cause>, Error> {
    match read_beginning(channel, layout, File::CardId, CARD_ID_LENGTH)? {
        Ok(content) => {
            let id = ClaimedCardId::parse(&content).map_err(|_| Cause::Malformed("card number"));
            Ok(id.map(Some))
        }
        // Such cards keep a number elsewhere: here the application's name and the form of the file tell.
        Err(cause) if layout == Layout::Application => {
            Ok(has_personal_data(channel, layout)?.map(|()| None).map_err(|_| cause))
        }
        Err(cause) => Ok(Err(cause)),
    }
}

/// Whether EF_DatiPersonali begins as it must.
fn has_personal_data(channel: &mut Channel, layout: Layout) -> Result<Result<(), Cause>, Error> {
    let header = read_beginning(channel, layout, File::PersonalData, PersonalData::HEADER_LENGTH)?;
    Ok(header.and_then(|header| {
        let is_header =
            header.len() == PersonalData::HEADER_LENGTH && header.iter().all(u8::is_ascii_hexdigit);
        if is_header { Ok(()) } else { Err(Cause::Malformed("header of the personal data")) }
    }))
}

/// The first bytes of a file, or why the card does not give them.
fn read_beginning(
    channel: &mut Channel,
    layout: Layout,
    file: File,
    length: usize,
) -> Result<Result<Vec<u8>, Cause>, Error> {
    let step = Step::Recognise;
    if let Err(status) = layout.select(channel, file.path()).map_err(|e| step.failed(e))? {
        return Ok(Err(status.into()));
    }
    match file::read_current(channel, Extent::AtMost(length)) {
        Err(file::Error::Channel(error)) => Err(step.failed(error)),
        Err(error) => Ok(Err(error.into())),
        Ok(content) => Ok(Ok(content)),
    }
}

/// What a refusal to select or read means.
fn refusal(status: StatusWord, demands_secure_messaging: bool) -> Cause {
    let protection = [StatusWord::SM_OBJECT_MISSING, StatusWord::SM_OBJECT_INCORRECT];
    if demands_secure_messaging || protection.contains(&status) {
        Cause::SecureMessagingRequired
    } else {
        Cause::Status(status)
    }
}

/// Whether a file that should begin with an object has none: no byte, or ones, which are a tag without an end.
fn is_of_nothing(cause: &Cause) -> bool {
    match cause {
        Cause::Status(StatusWord::WRONG_OFFSET) | Cause::File(file::Error::NoData) => true,
        Cause::File(file::Error::Malformed(tlv::Error { kind, position })) => match kind {
            tlv::ErrorKind::TagTooLong => true,
            tlv::ErrorKind::Truncated => *position < 4,
            _ => false,
        },
        _ => false,
    }
}

/// The certificate behind its five bytes.
fn unwrap(file: &[u8]) -> Option<&[u8]> {
    let [_, high, low] = file.first_chunk::<3>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    file.get(WRAPPING..WRAPPING + length)
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?}, {:?})", self.family, self.layout)
    }
}
