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
mod certificate;
mod credential;
mod error;
mod fci;
mod layout;
mod personal_data;
mod recognise;
mod secrets;
mod sign;
mod unlocked;

pub use crate::date::Date;
pub use crate::dialogue::Cause;
use crate::dialogue::Step as _;
use crate::file::{self, Extent};
use crate::iso7816::StatusWord;
#[cfg(feature = "c-api")]
use crate::pin::KnownTries;
use crate::pin::{Tries, TriesMemory, Which};
use crate::secure_messaging::Channel;
use crate::transport::{Link, Statistics};
use zeroize::Zeroizing;

pub use atr::{AtrHint, Family};
pub use card_id::{CardIdError, CardType, ClaimedCardId};
pub use credential::Credential;
pub use error::{Error, Refused, Step};
pub use fci::{Access, Fci, FciError, FileType};
pub(crate) use layout::APPLICATION;
pub use layout::{File, Layout};
pub use personal_data::{Doubt, Field, Header, PersonalData, PersonalDataError, Sex, WrittenDate};
pub use secrets::Unblock;
pub use unlocked::{HolderSigner, Unlocked};

use certificate::Held;
use layout::Path;
use recognise::Recognised;
use secrets::Secrets;

/// The most that is read of a file whose size the card does not tell. EF_DatiPersonali of a CIE has 1200 bytes.
const UNTOLD_SIZE_MAX: usize = 4096;

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
    secrets: Box<[Secrets; 2]>,
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
        let found = recognise::recognise(&mut channel, hint.as_ref());
        channel.link().let_go();
        let Recognised { layout, family, card_id } = match found {
            Ok(found) => found,
            Err(error) => return Err(Refused::new(channel.into_link(), error)),
        };
        let seen = channel.link().interruptions();
        let (certificates, secrets) = ([None, None], Box::default());
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
        self.secrets_of(credential).tries.left(Which::Pin)
    }

    /// How many tries the PUK has left, in the same way.
    #[must_use]
    pub fn puk_tries(&self, credential: Credential) -> Tries {
        self.secrets_of(credential).tries.left(Which::Puk)
    }

    /// Shares with other sessions what is known of this card's tries. The card is known by its number, or by the
    /// authentication key's certificate if it has none, which is read then; of a card that has neither nothing is
    /// shared. A recording that is played back is another card.
    ///
    /// # Errors
    /// If an exchange fails, so that it is not known which card it is.
    pub fn remember(&mut self, memory: &TriesMemory) -> Result<(), Error> {
        let (kind, name) = match &self.card_id {
            Some(number) => ("number", number.text().as_bytes().to_vec()),
            None => match self.certificate(Credential::Authentication) {
                Ok(certificate) => ("certificate", certificate.as_der().to_vec()),
                Err(error) if error.is_transport() => return Err(error),
                Err(_) => return Ok(()),
            },
        };
        let is_replayed = self.channel.link().is_replayed();
        for (secrets, key) in self.secrets.iter_mut().zip([&b"authentication"[..], b"signature"]) {
            secrets.tries.remember(memory, is_replayed, &[kind.as_bytes(), &name, key]);
        }
        Ok(())
    }

    /// What this session shares of the authentication key's PIN.
    #[cfg(feature = "c-api")]
    pub(crate) fn tries(&self) -> &KnownTries {
        &self.secrets_of(Credential::Authentication).tries
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
        let [authentication, signature] = &*self.secrets;
        match credential {
            Credential::Authentication => authentication,
            Credential::Signature => signature,
        }
    }

    fn secrets_slot(&mut self, credential: Credential) -> &mut Secrets {
        let [authentication, signature] = &mut *self.secrets;
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

/// What a refusal to select or read means.
fn refusal(status: StatusWord, demands_secure_messaging: bool) -> Cause {
    let protection = [StatusWord::SM_OBJECT_MISSING, StatusWord::SM_OBJECT_INCORRECT];
    if demands_secure_messaging || protection.contains(&status) {
        Cause::SecureMessagingRequired
    } else {
        Cause::Status(status)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({:?}, {:?})", self.family, self.layout)
    }
}
