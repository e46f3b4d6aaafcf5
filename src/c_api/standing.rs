//! Where an open card stands, from call to call.

use std::sync::Arc;

use super::failure::Fault;
use super::result::CIE_PIN_STATE_LOST;
use crate::card::{self, Card, Session, Unblock, Unlocked};
use crate::dialogue::{Refused, Step as _};
use crate::genuine::GenuineChip;
use crate::ias;
use crate::kiosk;
use crate::pin::{LastTry, Remembered, Tries, TriesMemory, Which};
use crate::secret::Typed;
use crate::transport::Link;

/// Where a card stands. Calls that need another standing change it, except that nothing but a call for it shows a PIN
/// or ends the state after a PIN.
pub(super) enum Standing {
    /// What lies there has to be recognised anew, after a failure.
    Link(Link),
    /// Recognised; in clear.
    Known(Card),
    /// Ready for a PIN; the channel of a CIE 3 is open.
    Ready(Session),
    /// The PIN was verified.
    Unlocked(Unlocked),
}

/// Which chip is shown a PIN or PUK.
enum Trusted {
    /// Whichever answers, as nobody had it checked.
    Any,
    /// The one that was found to be genuine.
    Only(Arc<GenuineChip>),
    /// None: the last check failed.
    None,
}

/// A card that is open.
pub(super) struct OpenCard {
    /// Where it stands; nothing while a step is under way, and for good if that panics.
    standing: Option<Standing>,
    /// What is known of the tries of all cards.
    memory: TriesMemory,
    /// What is known of those of this card, while it is open, whatever becomes of a session.
    remembered: Option<Remembered>,
    /// Which chip is shown a PIN.
    trusted: Trusted,
    /// Whether it was a contact card when it was opened.
    is_contact: bool,
}

impl OpenCard {
    pub(super) fn new(card: Card, memory: TriesMemory) -> Self {
        let is_contact = matches!(card, Card::Contact(_));
        let standing = Some(Standing::Known(card));
        Self { standing, memory, remembered: None, trusted: Trusted::Any, is_contact }
    }

    /// Puts back what a refusal gave, and passes the error on.
    fn give_back<T: std::fmt::Debug, E: std::error::Error + Into<crate::Error>>(
        &mut self,
        refused: Refused<T, E>,
        standing: impl FnOnce(T) -> Standing,
    ) -> Fault {
        self.standing = Some(standing(*refused.back));
        refused.error.into().into()
    }

    fn take(&mut self) -> Result<Standing, Fault> {
        self.standing.take().ok_or(Fault::Handle)
    }

    pub(super) fn standing(&mut self) -> Option<&mut Standing> {
        self.standing.as_mut()
    }

    /// The card in clear.
    pub(super) fn known(&mut self) -> Result<&mut Card, Fault> {
        let link = match self.take()? {
            standing @ Standing::Unlocked(_) => {
                self.standing = Some(standing);
                return Err(Fault::Unlocked);
            }
            Standing::Known(card) => return self.stay(card),
            Standing::Ready(Session::Contact(session)) => return self.stay(Card::Contact(session)),
            // A card in a protected channel is made to forget it.
            Standing::Ready(session) => self.forgetting(session.into_link())?,
            // So is one of which it is not known whether it forgot its PIN.
            Standing::Link(link) if link.is_reset_when_dropped() => self.forgetting(link)?,
            Standing::Link(link) => link,
        };
        match card::open(link) {
            Ok(card) => self.stay(card),
            Err(refused) => Err(self.give_back(refused, Standing::Link)),
        }
    }

    fn stay(&mut self, card: Card) -> Result<&mut Card, Fault> {
        match self.standing.insert(Standing::Known(card)) {
            Standing::Known(card) => Ok(card),
            _ => Err(Fault::Handle),
        }
    }

    /// The link to a card that was reset, and so knows of no channel and no PIN.
    fn forgetting(&mut self, mut link: Link) -> Result<Link, Fault> {
        let outcome = link.reset().and_then(|()| {
            link.reset_when_dropped(false);
            link.share_again()
        });
        match outcome {
            Ok(()) => Ok(link),
            Err(error) => {
                self.standing = Some(Standing::Link(link));
                Err(error.into())
            }
        }
    }

    /// The card ready for its PIN, taken out of its place.
    fn take_ready(&mut self) -> Result<Session, Fault> {
        // A channel that a failure closed is opened anew; nothing that was sent over the old one is sent again.
        if !matches!(&self.standing, Some(Standing::Ready(session)) if !session.is_closed()) {
            self.known()?;
        }
        let mut session = match self.take()? {
            Standing::Ready(session) => return Ok(session),
            Standing::Known(card) => {
                card.open_session().map_err(|refused| self.give_back(refused, Standing::Link))?
            }
            other => {
                self.standing = Some(other);
                return Err(Fault::Handle);
            }
        };
        if let Err(error) = session.remember(&self.memory) {
            // The next call asks again which card it is.
            self.standing = Some(match session {
                Session::Contact(session) => Standing::Known(Card::Contact(session)),
                session @ Session::Cie3(_) => Standing::Ready(session),
            });
            return Err(error.into());
        }
        self.remembered = session.tries().memory().cloned();
        Ok(session)
    }

    /// Puts a session back after a call.
    fn put_ready(&mut self, session: Session) {
        self.standing = Some(Standing::Ready(session));
    }

    /// What a call makes of a card that is ready for its PIN, which stays so.
    pub(super) fn with_ready<T>(
        &mut self,
        body: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut session = self.take_ready()?;
        let outcome = body(&mut session);
        self.put_ready(session);
        outcome
    }

    /// Checks the chip of a CIE 3. From now on the one that was found to be genuine is shown a PIN, and none if it was
    /// not.
    pub(super) fn check_chip(
        &mut self,
        verify: impl FnOnce(&mut ias::Session) -> Result<GenuineChip, Fault>,
    ) -> Result<Arc<GenuineChip>, Fault> {
        let outcome = self.with_ready(|session| match session {
            Session::Cie3(session) => verify(session),
            Session::Contact(_) => Err(Fault::OtherCard),
        });
        let outcome = outcome.map(Arc::new);
        // A contact card has no chip to check, whatever became of the question.
        if !self.is_contact && !matches!(outcome, Err(Fault::Unlocked | Fault::Handle)) {
            self.trusted = outcome.as_ref().map_or(Trusted::None, |chip| Trusted::Only(chip.clone()));
        }
        outcome
    }

    /// The card ready for a secret: the one that was checked, if one was.
    fn take_trusted(&mut self) -> Result<Session, Fault> {
        let session = self.take_ready()?;
        let is_trusted = match (&self.trusted, &session) {
            (Trusted::Any, _) => true,
            (Trusted::Only(chip), Session::Cie3(session)) => chip.is_of(session),
            (Trusted::Only(_), Session::Contact(_)) | (Trusted::None, _) => false,
        };
        if is_trusted {
            return Ok(session);
        }
        self.put_ready(session);
        Err(kiosk::Error::NotGenuine.into())
    }

    /// Verifies the PIN.
    pub(super) fn verify_pin(&mut self, pin: &Typed, last_try: LastTry) -> Result<(), Fault> {
        match self.take_trusted()?.verify_pin(pin, last_try) {
            Ok(unlocked) => {
                self.standing = Some(Standing::Unlocked(unlocked));
                Ok(())
            }
            Err(refused) => Err(self.give_back(refused, Standing::Ready)),
        }
    }

    /// Unblocks the PIN with the PUK.
    pub(super) fn unblock_pin(
        &mut self,
        puk: &Typed,
        unblock: Unblock<'_>,
        last_try: LastTry,
    ) -> Result<(), Fault> {
        match self.take_trusted()?.unblock_pin(puk, unblock, last_try) {
            Ok(session) => {
                self.put_ready(session);
                Ok(())
            }
            Err(refused) => Err(self.give_back(refused, Standing::Ready)),
        }
    }

    /// Changes the PIN of a card whose PIN was verified.
    pub(super) fn change_pin(&mut self, old: &Typed, new: &Typed) -> Result<(), Fault> {
        self.with_unlocked(|unlocked| Ok(unlocked.change_pin(old, new)?))
    }

    /// What a call makes of a card whose PIN was verified. If the card has forgotten that, or cannot be asked any more,
    /// it is so no longer.
    pub(super) fn with_unlocked<T>(
        &mut self,
        body: impl FnOnce(&mut Unlocked) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut unlocked = match self.take()? {
            Standing::Unlocked(unlocked) => unlocked,
            other => {
                self.standing = Some(other);
                return Err(ias::Step::VerifyPin.failed(ias::Cause::PinNeeded).into());
            }
        };
        let outcome = body(&mut unlocked);
        self.standing = Some(match &outcome {
            Err(fault) if ends_the_pin_state(fault) => {
                Standing::Link(unlocked.release().unwrap_or_else(|refused| *refused.back))
            }
            _ => Standing::Unlocked(unlocked),
        });
        outcome
    }

    /// Ends the state after a PIN, if there is one or may be one.
    pub(super) fn lock(&mut self) -> Result<(), Fault> {
        let mut standing = match self.take()? {
            // What lies there is recognised anew by the next call that needs it.
            Standing::Unlocked(unlocked) => match unlocked.release() {
                Ok(link) => {
                    self.standing = Some(Standing::Link(link));
                    return Ok(());
                }
                Err(refused) => return Err(self.give_back(refused, Standing::Link)),
            },
            other => other,
        };
        let link = match &mut standing {
            Standing::Link(link) => link,
            Standing::Known(Card::Contact(session)) | Standing::Ready(Session::Contact(session)) => {
                session.link()
            }
            Standing::Known(Card::Cie3(application)) => application.link(),
            Standing::Ready(Session::Cie3(session)) => session.link(),
            Standing::Unlocked(_) => return Err(Fault::Handle),
        };
        if !link.is_reset_when_dropped() {
            // It knows no secret; but it may be kept from others, for a PIN that nobody typed. If this fails the
            // connection is over, which keeps nobody off.
            let _ = link.share_again();
            self.standing = Some(standing);
            return Ok(());
        }
        let link = match standing {
            Standing::Link(link) => link,
            Standing::Known(card) => card.into_link(),
            Standing::Ready(session) => session.into_link(),
            Standing::Unlocked(_) => return Err(Fault::Handle),
        };
        let link = self.forgetting(link)?;
        self.standing = Some(Standing::Link(link));
        Ok(())
    }

    /// How many tries the PIN has left: what a CIE 3 says that is asked now, else the newest that was heard of the
    /// card.
    pub(super) fn pin_tries(&mut self) -> Result<Tries, Fault> {
        match &self.standing {
            Some(Standing::Unlocked(unlocked)) => return Ok(unlocked.pin_tries()),
            Some(Standing::Ready(session)) => return Ok(session.pin_tries()),
            _ => {}
        }
        let told = self.recalling()?.pin_tries()?;
        Ok(self.told_or_heard(Which::Pin, told))
    }

    /// How many tries the PUK has left, in the same way.
    pub(super) fn puk_tries(&mut self) -> Result<Tries, Fault> {
        if let Some(Standing::Ready(session)) = &mut self.standing {
            if !session.is_closed() {
                return Ok(session.puk_tries()?);
            }
        }
        let told = self.recalling()?.puk_tries()?;
        Ok(self.told_or_heard(Which::Puk, told))
    }

    /// The card in clear; a contact card with what is known of it.
    fn recalling(&mut self) -> Result<&mut Card, Fault> {
        let memory = self.memory.clone();
        let card = self.known()?;
        if let Card::Contact(session) = card {
            session.remember(&memory)?;
        }
        Ok(card)
    }

    fn told_or_heard(&self, which: Which, told: Tries) -> Tries {
        match (&self.remembered, told) {
            (Some(remembered), Tries::Unknown) => remembered.left(which),
            _ => told,
        }
    }
}

/// Whether the card does not know any more that its PIN was verified, or nobody knows whether it does.
fn ends_the_pin_state(fault: &Fault) -> bool {
    fault.number() == CIE_PIN_STATE_LOST || fault.is_of_the_channel()
}

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;
