//! Any card that lies on a reader: recognised by what it answers, never by its answer to reset alone
//! (ISO/IEC 7816-4 section 12.2: application identification).

mod chip;
mod information;

use std::fmt;

use crate::ias::{self, Application};
use crate::transport::Link;

pub use chip::ChipFamily;
pub use information::{Information, KnownApplication};

/// A card that was recognised. `Send`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Card {
    /// An electronic identity card of the third generation, with its IAS ECC application selected.
    Cie3(Application),
}

/// Why a card was not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The card answers, but not what the cards known here answer; with the first answer that differs.
    #[error("not an electronic identity card: {0}")]
    NotACie(ias::Error),
    /// The link failed, or the answers are not even those of a card: what lies there is not known.
    #[error(transparent)]
    Failed(ias::Error),
}

/// A refusal that gives the link back.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// What was put in.
    pub back: Box<Link>,
    /// Why it was refused.
    pub error: Error,
}

/// Recognises the card by asking for its applications and one file that anyone may read. Nothing that it
/// sends carries a PIN or changes the card.
///
/// A CIE 3 has the IAS application (by name or as master file), under it the CIE's directory, and in that
/// EF 1001 with twelve digits. What it says is not proved by that.
///
/// # Errors
/// [`Refused`] with the link: [`Error::NotACie`] for another card, [`Error::Failed`] if the link failed.
pub fn open(mut link: Link) -> Result<Card, Refused> {
    link.hold();
    let mut outcome = recognise(link);
    match &mut outcome {
        Ok(Card::Cie3(application)) => application.link().let_go(),
        Err(refused) => refused.back.let_go(),
    }
    outcome
}

fn recognise(link: Link) -> Result<Card, Refused> {
    let mut application =
        Application::select(link).map_err(|refused| of_ias(*refused.back, refused.error))?;
    match application.read_nis() {
        Ok(_) => Ok(Card::Cie3(application)),
        Err(error) => Err(of_ias(application.into_link(), error)),
    }
}

/// Any answer of a card is an answer, and a wrong one says that this is another card; a lost link or bytes
/// that are no answer say nothing of the kind.
fn of_ias(link: Link, error: ias::Error) -> Refused {
    let error = if error.is_transport() { Error::Failed(error) } else { Error::NotACie(error) };
    Refused { back: Box::new(link), error }
}

impl Card {
    /// What the card tells anyone about itself. About thirty commands, none of which costs a try; afterwards
    /// the card's own application is selected again.
    ///
    /// # Errors
    /// If an exchange fails; what the card merely refuses is absent from the result.
    pub fn information(&mut self) -> Result<Information, ias::Error> {
        match self {
            Self::Cie3(application) => {
                application.link().hold();
                let outcome = information::of_cie3(application);
                application.link().let_go();
                outcome
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
        }
    }

    /// Gives the link back.
    #[must_use]
    pub fn into_link(self) -> Link {
        match self {
            Self::Cie3(application) => application.into_link(),
        }
    }
}

/// What kind of card it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Electronic identity card of the third generation.
    Cie3,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cie3 => "CIE 3",
        })
    }
}
