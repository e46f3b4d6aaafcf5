//! A card of any kind that is ready for its PIN.

use std::fmt;

use super::{Error, Kind, Refused, Unlocked, kind_of};
use crate::cns::{self, Credential};
use crate::crypto::PresentedCertificate;
use crate::dialogue::Step as _;
use crate::ias;
#[cfg(feature = "c-api")]
use crate::pin::KnownTries;
use crate::pin::{self, LastTry, Tries, TriesMemory};
use crate::secret::{ContactPin, ContactPuk, Malformed, Pin, Puk, Typed};
use crate::transport::{Link, Statistics};

/// What becomes of the PIN when it is unblocked with the PUK.
pub type Unblock<'a> = pin::Unblock<'a, Typed>;

/// A card that waits for its PIN. `Send`.
///
/// What a person types is judged by the rules of the card that lies there, before anything is sent.
#[non_exhaustive]
pub enum Session {
    /// The protected channel of a CIE 3.
    Cie3(ias::Session),
    /// A contact card.
    Contact(cns::Session),
}

impl Session {
    /// What kind of card it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cie3(_) => Kind::Cie3,
            Self::Contact(session) => kind_of(session.family()),
        }
    }

    /// Whether a failure closed the protected channel: nothing more can be said over it.
    #[cfg(feature = "c-api")]
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Cie3(session) if !session.is_open())
    }

    /// Shares with other sessions what is known of this card's tries, from now on and through [`Unlocked`] and back. A
    /// card is known by the key of its chip, or by its number, or by its certificate; of one that has none of them
    /// nothing is shared. A recording that is played back is another card.
    ///
    /// # Errors
    /// If an exchange fails, so that it is not known which card it is.
    pub fn remember(&mut self, memory: &TriesMemory) -> Result<(), Error> {
        match self {
            Self::Cie3(session) => session.remember(memory),
            Self::Contact(session) => session.remember(memory)?,
        }
        Ok(())
    }

    /// What this session shares.
    #[cfg(feature = "c-api")]
    pub(crate) fn tries(&self) -> &KnownTries {
        match self {
            Self::Cie3(session) => session.tries(),
            Self::Contact(session) => session.tries(),
        }
    }

    /// How many tries the PIN has left, as far as the card told without spending one.
    #[must_use]
    pub fn pin_tries(&self) -> Tries {
        match self {
            Self::Cie3(session) => session.pin_tries(),
            Self::Contact(session) => session.pin_tries(Credential::Authentication),
        }
    }

    /// How many tries the PUK has left, as far as the card tells without spending one.
    ///
    /// # Errors
    /// If the exchange fails.
    pub fn puk_tries(&mut self) -> Result<Tries, Error> {
        match self {
            Self::Cie3(session) => Ok(session.puk_tries()?),
            Self::Contact(session) => Ok(session.puk_tries(Credential::Authentication)),
        }
    }

    /// The holder's certificate, from cards that give it without a PIN: the contact cards. A CIE 3 gives it to an
    /// [`Unlocked`] only, and `None` here.
    ///
    /// # Errors
    /// If the exchange fails or the card has none.
    pub fn public_certificate(&mut self) -> Result<Option<&PresentedCertificate>, Error> {
        match self {
            Self::Cie3(_) => Ok(None),
            Self::Contact(session) => Ok(Some(session.certificate(Credential::Authentication)?)),
        }
    }

    /// Refuses, before anybody types a PIN, what [`Session::verify_pin`] would refuse to send.
    ///
    /// # Errors
    /// With [`Error::pin_error`]: the last try is left, or none.
    pub fn check_pin_tries(&self, last_try: LastTry) -> Result<Tries, Error> {
        let tries = self.pin_tries();
        match (tries.check(last_try), self) {
            (Ok(()), _) => Ok(tries),
            (Err(error), Self::Cie3(_)) => Err(ias::Step::VerifyPin.failed(error).into()),
            (Err(error), Self::Contact(_)) => Err(cns::Step::VerifyPin.failed(error).into()),
        }
    }

    /// Keeps other programs off a card whose verified PIN would serve them too, already before anybody types it. A
    /// CIE 3 is not such a card: nothing is done.
    ///
    /// # Errors
    /// If another program is connected to the card.
    pub fn keep_exclusive(&mut self) -> Result<(), Error> {
        match self {
            Self::Cie3(_) => Ok(()),
            Self::Contact(session) => Ok(session.keep_exclusive()?),
        }
    }

    /// Whether this may be a PIN of this card, as it was typed. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn check_pin(&self, typed: &Typed) -> Result<(), Error> {
        match self {
            Self::Cie3(_) => Pin::parse(typed.expose()).map(drop)?,
            Self::Contact(_) => ContactPin::parse(typed.expose()).map(drop)?,
        }
        Ok(())
    }

    /// Whether this may become the PIN of this card, as it was typed. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Malformed`], which speaks of the new PIN.
    pub fn check_new_pin(&self, typed: &Typed) -> Result<(), Error> {
        self.check_pin(typed).map_err(|error| match error {
            Error::Malformed(error) => Error::Malformed(error.of_a_new_pin()),
            error => error,
        })
    }

    /// Whether this may be a PUK of this card, as it was typed. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn check_puk(&self, typed: &Typed) -> Result<(), Error> {
        match self {
            Self::Cie3(_) => Puk::parse(typed.expose()).map(drop)?,
            Self::Contact(_) => ContactPuk::parse(typed.expose()).map(drop)?,
        }
        Ok(())
    }

    /// Shows the PIN: one VERIFY, never repeated. With one try or none known to be left nothing is sent, unless the
    /// caller says so.
    ///
    /// # Errors
    /// [`Refused`] with the error and this session; [`Error::Malformed`] if nothing was sent because it can be
    /// no PIN, else [`Error::pin_error`] tells wrong from blocked.
    pub fn verify_pin(self, typed: &Typed, last_try: LastTry) -> Result<Unlocked, Refused<Self>> {
        match self {
            Self::Cie3(session) => match Pin::parse(typed.expose()) {
                Err(error) => Err(Refused::new(Self::Cie3(session), error.into())),
                Ok(pin) => session
                    .verify_pin_with(&pin, last_try)
                    .map(Unlocked::Cie3)
                    .map_err(|refused| refused.map(Self::Cie3, Error::from)),
            },
            Self::Contact(session) => match ContactPin::parse(typed.expose()) {
                Err(error) => Err(Refused::new(Self::Contact(session), error.into())),
                Ok(pin) => session
                    .verify_pin_of(Credential::Authentication, &pin, last_try)
                    .map(Unlocked::Contact)
                    .map_err(|refused| refused.map(Self::Contact, Error::from)),
            },
        }
    }

    /// Unblocks the PIN with the PUK, which is shown once. With one try of the PUK or none known to be left nothing
    /// is sent, unless the caller says so. The PIN is not verified by this.
    ///
    /// # Errors
    /// [`Refused`] with the error, whose [`Error::pin_error`] is about the PUK, and this session.
    pub fn unblock_pin(
        self,
        puk: &Typed,
        unblock: Unblock<'_>,
        last_try: LastTry,
    ) -> Result<Self, Refused<Self>> {
        match self {
            Self::Cie3(session) => {
                let new = new_pin(unblock, Pin::parse);
                let (puk, new) = match Puk::parse(puk.expose()).and_then(|puk| Ok((puk, new?))) {
                    Ok(secrets) => secrets,
                    Err(error) => return Err(Refused::new(Self::Cie3(session), error.into())),
                };
                let unblock = new.as_ref().map_or(ias::Unblock::KeepPin, ias::Unblock::NewPin);
                let outcome = session.unblock_pin(&puk, unblock, last_try);
                outcome.map(Self::Cie3).map_err(|refused| refused.map(Self::Cie3, Error::from))
            }
            Self::Contact(mut session) => {
                let new = new_pin(unblock, ContactPin::parse);
                let (puk, new) = match ContactPuk::parse(puk.expose()).and_then(|puk| Ok((puk, new?))) {
                    Ok(secrets) => secrets,
                    Err(error) => return Err(Refused::new(Self::Contact(session), error.into())),
                };
                let unblock = new.as_ref().map_or(cns::Unblock::KeepPin, cns::Unblock::NewPin);
                match session.unblock_pin(Credential::Authentication, &puk, unblock, last_try) {
                    Ok(()) => Ok(Self::Contact(session)),
                    Err(error) => Err(Refused::new(Self::Contact(session), error.into())),
                }
            }
        }
    }

    /// What was said over the link so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        match self {
            Self::Cie3(session) => session.statistics(),
            Self::Contact(session) => session.statistics(),
        }
    }

    /// Gives the link back.
    #[must_use]
    pub fn into_link(self) -> Link {
        match self {
            Self::Cie3(session) => session.into_link(),
            Self::Contact(session) => session.into_link(),
        }
    }
}

/// The new PIN, if there is one, by the rules of a kind of card.
fn new_pin<P>(
    unblock: Unblock<'_>,
    parse: impl FnOnce(&str) -> Result<P, Malformed>,
) -> Result<Option<P>, Malformed> {
    match unblock {
        Unblock::NewPin(typed) => parse(typed.expose()).map(Some).map_err(Malformed::of_a_new_pin),
        Unblock::KeepPin => Ok(None),
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cie3(session) => session.fmt(f),
            Self::Contact(session) => session.fmt(f),
        }
    }
}
