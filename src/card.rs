//! Any card that lies on a reader: recognised by what it answers, never by its answer to reset alone
//! (ISO/IEC 7816-4 section 12.2: application identification), and used in one way whatever its kind.
//!
//! ```text
//! Link ── open ──▶ Card             what it tells anyone
//!                    │ open_session
//!                    ▼
//!                 Session           tries, certificate where no PIN is needed, PUK
//!                    │ verify_pin
//!                    ▼
//!                 Unlocked          certificate, signatures, change of PIN
//! ```
//!
//! A program that opens cards again gives each session one [`TriesMemory`](crate::pin::TriesMemory) to
//! [remember](Session::remember): else a card that does not tell is asked for its last try unawares.
//!
//! What one kind can do and another cannot is in its own module: `into_ias`, `into_cns`.

mod chip;
mod error;
mod information;
mod mark;
mod session;
mod unlocked;

use std::fmt;

use crate::cns::{self, Credential, Family};
use crate::dialogue::Step as _;
use crate::ias::{self, Application, CardCache};
use crate::pin::{LastTry, Tries};
use crate::transport::Link;

pub use chip::ChipFamily;
pub use error::{Error, Refused};
pub use information::{Cie3Information, ContactInformation, Information, KnownApplication};
pub use mark::find_mark;
pub use session::{Session, Unblock};
pub use unlocked::{HolderSigner, Unlocked};

/// A card that was recognised. `Send`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Card {
    /// An electronic identity card of the third generation, with its IAS ECC application selected.
    Cie3(Application),
    /// A contact card: an identity card of the first generations, a CNS or a health card.
    Contact(cns::Session),
}

/// Recognises the card by asking for its applications and one file that anyone may read. Nothing that it
/// sends carries a PIN or changes the card.
///
/// A CIE 3 has the IAS application (by name or as master file), under it the CIE's directory, and in that
/// EF 1001 with twelve digits. A contact card has EF_IDCarta with a number. The answer to reset only decides
/// which of them is looked for first. What a card says is not proved by that.
///
/// # Errors
/// [`Refused`] with the link: [`Error::NotACie`] for another card, [`Error::Unsupported`] for one that says
/// it is a contact card and has not their files, [`Error::Failed`] or [`Error::Contact`] if the link failed.
pub fn open(mut link: Link) -> Result<Card, Refused<Link>> {
    link.hold();
    let mut outcome = recognise(link);
    match &mut outcome {
        Ok(Card::Cie3(application)) => application.link().let_go(),
        Ok(Card::Contact(session)) => session.link().let_go(),
        Err(refused) => refused.back.let_go(),
    }
    outcome
}

fn recognise(link: Link) -> Result<Card, Refused<Link>> {
    if cns::AtrHint::parse(link.atr()).is_some() {
        let (link, unlike) = match contact(link) {
            Err(Refused { back, error: Error::Unsupported(unlike) }) => (*back, unlike),
            other => return other,
        };
        return cie3(link).map_err(|refused| match refused.error {
            Error::NotACie(_) => Refused { back: refused.back, error: Error::Unsupported(unlike) },
            _ => refused,
        });
    }
    let (link, unlike) = match cie3(link) {
        Err(Refused { back, error: Error::NotACie(unlike) }) => (*back, unlike),
        other => return other,
    };
    contact(link).map_err(|refused| match refused.error {
        Error::Unsupported(_) => Refused { back: refused.back, error: Error::NotACie(unlike) },
        _ => refused,
    })
}

/// Any answer of a card is an answer, and a wrong one says that this is another card; a lost link or bytes
/// that are no answer say nothing of the kind.
fn cie3(link: Link) -> Result<Card, Refused<Link>> {
    let refused = |link, error: ias::Error| {
        Refused::new(link, if error.is_transport() { Error::Failed(error) } else { Error::NotACie(error) })
    };
    let mut application = Application::select(link).map_err(|e| refused(*e.back, e.error))?;
    match application.read_nis() {
        Ok(_) => Ok(Card::Cie3(application)),
        Err(error) => Err(refused(application.into_link(), error)),
    }
}

fn contact(link: Link) -> Result<Card, Refused<Link>> {
    let of = |error: cns::Error| {
        if error.is_transport() { Error::Contact(error) } else { Error::Unsupported(error) }
    };
    cns::Session::open(link).map(Card::Contact).map_err(|refused| refused.map(|link| link, of))
}

impl Card {
    /// What kind of card it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cie3(_) => Kind::Cie3,
            Self::Contact(session) => kind_of(session.family()),
        }
    }

    /// How many tries the PIN has left, as far as the card tells without spending one.
    ///
    /// # Errors
    /// If the exchange fails.
    pub fn pin_tries(&mut self) -> Result<Tries, Error> {
        match self {
            Self::Cie3(application) => Ok(application.pin_tries()?),
            Self::Contact(session) => Ok(session.pin_tries(Credential::Authentication)),
        }
    }

    /// How many tries the PUK has left, as far as the card tells without spending one. The session that this
    /// becomes knows it from then on.
    ///
    /// # Errors
    /// If the exchange fails.
    pub fn puk_tries(&mut self) -> Result<Tries, Error> {
        match self {
            Self::Cie3(application) => Ok(application.puk_tries()?),
            Self::Contact(session) => Ok(session.puk_tries(Credential::Authentication)),
        }
    }

    /// Refuses, before anybody types a PUK, what [`Session::unblock_pin`] would refuse to send.
    ///
    /// # Errors
    /// With [`Error::pin_error`]: the last try is left, or none; else if the exchange fails.
    pub fn check_puk_tries(&mut self, last_try: LastTry) -> Result<Tries, Error> {
        let tries = self.puk_tries()?;
        match (tries.check(last_try), self) {
            (Ok(()), _) => Ok(tries),
            (Err(error), Self::Cie3(_)) => Err(ias::Step::VerifyPuk.failed(error).into()),
            (Err(error), Self::Contact(_)) => Err(cns::Step::UnblockPin.failed(error).into()),
        }
    }

    /// What the card tells anyone about itself. About thirty commands, none of which costs a try.
    ///
    /// # Errors
    /// If an exchange fails; what the card merely refuses is absent from the result.
    pub fn information(&mut self) -> Result<Information, Error> {
        match self {
            Self::Cie3(application) => {
                application.link().hold();
                let outcome = information::of_cie3(application);
                application.link().let_go();
                Ok(Information::Cie3(outcome?))
            }
            Self::Contact(session) => {
                session.link().hold();
                let outcome = information::of_contact(session);
                session.link().let_go();
                Ok(Information::Contact(outcome?))
            }
        }
    }

    /// Makes the card ready for its PIN: a CIE 3 opens its protected channel, with the published terminal keys;
    /// a contact card has none.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link.
    pub fn open_session(self) -> Result<Session, Refused<Link>> {
        match self {
            Self::Contact(session) => Ok(Session::Contact(session)),
            Self::Cie3(application) => {
                let terminal = match ias::Terminal::published() {
                    Ok(terminal) => std::sync::Arc::new(terminal),
                    Err(error) => {
                        let error =
                            ias::Error { step: ias::Step::VerifyTerminalCertificate, cause: error.into() };
                        return Err(Refused::new(application.into_link(), error.into()));
                    }
                };
                let opened = application.authenticate(&terminal, &mut CardCache::new());
                opened.map(Session::Cie3).map_err(|refused| refused.map(|link| link, Error::from))
            }
        }
    }

    /// The CIE 3 application, in clear, to authenticate with.
    ///
    /// # Errors
    /// The card itself, if it is of another kind.
    pub fn into_ias(self) -> Result<Application, Box<Self>> {
        match self {
            Self::Cie3(application) => Ok(application),
            other @ Self::Contact(_) => Err(Box::new(other)),
        }
    }

    /// The contact card.
    ///
    /// # Errors
    /// The card itself, if it is of another kind.
    pub fn into_cns(self) -> Result<cns::Session, Box<Self>> {
        match self {
            Self::Contact(session) => Ok(session),
            other @ Self::Cie3(_) => Err(Box::new(other)),
        }
    }

    /// Gives the link back.
    #[must_use]
    pub fn into_link(self) -> Link {
        match self {
            Self::Cie3(application) => application.into_link(),
            Self::Contact(session) => session.into_link(),
        }
    }
}

fn kind_of(family: Family) -> Kind {
    match family {
        Family::Cie1 => Kind::Cie1,
        Family::Cie2 => Kind::Cie2,
        Family::Cns => Kind::Cns,
    }
}

/// What kind of card it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Electronic identity card of the first generation.
    Cie1,
    /// Electronic identity card of the second generation.
    Cie2,
    /// Electronic identity card of the third generation.
    Cie3,
    /// Citizen's services card (CNS), or health card with its application (TS-CNS).
    Cns,
}

impl Kind {
    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cie1 => "cie1",
            Self::Cie2 => "cie2",
            Self::Cie3 => "cie3",
            Self::Cns => "cns",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cie1 => "CIE 1",
            Self::Cie2 => "CIE 2",
            Self::Cie3 => "CIE 3",
            Self::Cns => "CNS",
        })
    }
}
