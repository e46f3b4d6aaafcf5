//! A card of any kind whose PIN was verified: the holder's certificate and signatures.

use super::{Error, Kind, Refused, Session, kind_of};
use crate::crypto::signature::{Purpose, Signer};
use crate::crypto::{Digest, PresentedCertificate};
use crate::pin::Tries;
use crate::secret::{ContactPin, Malformed, Pin, Typed};
use crate::transport::{Link, Statistics};
use crate::{cns, ias};

/// A card after a right PIN. `Send`. The PIN state ends with this value: dropping it resets the card.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unlocked {
    /// A CIE 3.
    Cie3(ias::Unlocked),
    /// A contact card, with its authentication key.
    Contact(cns::Unlocked),
}

impl Unlocked {
    /// What kind of card it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cie3(_) => Kind::Cie3,
            Self::Contact(unlocked) => kind_of(unlocked.family()),
        }
    }

    /// The holder's certificate; read from the card the first time.
    ///
    /// # Errors
    /// If the card does not give it.
    pub fn certificate(&mut self) -> Result<&PresentedCertificate, Error> {
        match self {
            Self::Cie3(unlocked) => Ok(unlocked.certificate()?),
            Self::Contact(unlocked) => Ok(unlocked.certificate()?),
        }
    }

    /// The holder's key with its certificate.
    ///
    /// # Errors
    /// If the card does not give the certificate.
    pub fn signer(&mut self) -> Result<HolderSigner<'_>, Error> {
        match self {
            Self::Cie3(unlocked) => Ok(HolderSigner::Cie3(unlocked.signer()?)),
            Self::Contact(unlocked) => Ok(HolderSigner::Contact(unlocked.signer()?)),
        }
    }

    /// Changes the PIN: one command, never repeated. A wrong old PIN costs a try.
    ///
    /// # Errors
    /// [`Error::Malformed`] if one of the two can be no PIN of this card, [`Error::pin_error`] if the old one was
    /// not accepted; after an error of the channel it is not known which PIN the card has.
    pub fn change_pin(&mut self, old: &Typed, new: &Typed) -> Result<(), Error> {
        match self {
            Self::Cie3(unlocked) => {
                let old = Pin::parse(old.expose())?;
                let new = Pin::parse(new.expose()).map_err(Malformed::of_a_new_pin)?;
                Ok(unlocked.change_pin(&old, &new)?)
            }
            Self::Contact(unlocked) => {
                let old = ContactPin::parse(old.expose())?;
                let new = ContactPin::parse(new.expose()).map_err(Malformed::of_a_new_pin)?;
                Ok(unlocked.change_pin(&old, &new)?)
            }
        }
    }

    /// How many tries the PIN has left.
    #[must_use]
    pub fn pin_tries(&self) -> Tries {
        match self {
            Self::Cie3(unlocked) => unlocked.pin_tries(),
            Self::Contact(unlocked) => unlocked.pin_tries(),
        }
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        match self {
            Self::Cie3(unlocked) => unlocked.statistics(),
            Self::Contact(unlocked) => unlocked.statistics(),
        }
    }

    /// Ends the PIN state by a reset of the card, and makes it ready for the PIN again.
    ///
    /// # Errors
    /// [`Refused`] with the error and the link.
    pub fn lock(self) -> Result<Session, Refused<Link>> {
        let back = |link| link;
        match self {
            Self::Cie3(unlocked) => {
                unlocked.lock().map(Session::Cie3).map_err(|refused| refused.map(back, Error::from))
            }
            Self::Contact(unlocked) => {
                unlocked.lock().map(Session::Contact).map_err(|refused| refused.map(back, Error::from))
            }
        }
    }

    /// Ends the PIN state by a reset of the card and gives the link back.
    ///
    /// # Errors
    /// [`Refused`] with the link if the card could not be reset; it may still know of the PIN.
    pub fn release(self) -> Result<Link, Refused<Link>> {
        let back = |link| link;
        match self {
            Self::Cie3(unlocked) => unlocked.release().map_err(|refused| refused.map(back, Error::from)),
            Self::Contact(unlocked) => unlocked.release().map_err(|refused| refused.map(back, Error::from)),
        }
    }
}

/// The holder's key: every signature is verified against the certificate before it is given out.
#[derive(Debug)]
#[non_exhaustive]
pub enum HolderSigner<'a> {
    /// Of a CIE 3.
    Cie3(ias::HolderSigner<'a>),
    /// Of a contact card.
    Contact(cns::HolderSigner<'a>),
}

impl Signer for HolderSigner<'_> {
    type Error = Error;

    fn certificate(&self) -> &PresentedCertificate {
        match self {
            Self::Cie3(signer) => signer.certificate(),
            Self::Contact(signer) => signer.certificate(),
        }
    }

    fn sign(&mut self, purpose: Purpose, digest: &Digest) -> Result<Vec<u8>, Error> {
        match self {
            Self::Cie3(signer) => Ok(signer.sign(purpose, digest)?),
            Self::Contact(signer) => Ok(signer.sign(purpose, digest)?),
        }
    }
}
