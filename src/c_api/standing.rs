//! Where an open card stands, from call to call.

use std::sync::Arc;

use super::failure::Fault;
use super::remembered::{Identity, Memory, Remembered, Secret};
use super::result::CIE_PIN_STATE_LOST;
use crate::card::{self, Card, Session, Unblock, Unlocked};
use crate::crypto::sha256;
use crate::dialogue::{Refused, Step as _};
use crate::genuine::GenuineChip;
use crate::kiosk;
use crate::pin::{LastTry, Tries};
use crate::secret::Typed;
use crate::transport::Link;
use crate::{cns, ias};

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

/// A card that is open.
pub(super) struct OpenCard {
    /// Where it stands; nothing while a step is under way, and for good if that panics.
    standing: Option<Standing>,
    /// What is remembered of this card, once it is known which it is; a card that nothing tells from others has none.
    memory: Option<Memory>,
    remembered: Arc<Remembered>,
    /// The chip that was found to be genuine: another one is not shown a PIN.
    genuine: Option<Arc<GenuineChip>>,
}

impl OpenCard {
    pub(super) fn new(card: Card, remembered: Arc<Remembered>) -> Self {
        let standing = Some(Standing::Known(card));
        Self { standing, memory: None, remembered, genuine: None }
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
        let (mut session, is_new) = match self.take()? {
            Standing::Ready(session) => (session, false),
            Standing::Known(card) => {
                (card.open_session().map_err(|refused| self.give_back(refused, Standing::Link))?, true)
            }
            other => {
                self.standing = Some(other);
                return Err(Fault::Handle);
            }
        };
        if let Err(fault) = self.recognise(&mut session) {
            self.standing = Some(Standing::Ready(session));
            return Err(fault);
        }
        let [pin, puk] = session.known_tries();
        if let Some(memory) = &self.memory {
            // What a CIE 3 said of its PIN when its channel was opened is news; a contact card says nothing then.
            if is_new && matches!((&session, pin), (Session::Cie3(_), Tries::Left(_))) {
                memory.keep(Secret::Pin, pin);
            }
            let recalled = |secret, own| memory.recall(secret).unwrap_or(own);
            session.set_known_tries([recalled(Secret::Pin, pin), recalled(Secret::Puk, puk)]);
        }
        Ok(session)
    }

    /// Finds out which card it is, unless that is known.
    fn recognise(&mut self, session: &mut Session) -> Result<(), Fault> {
        if self.memory.is_none() {
            let card = match session {
                // By the key of its chip.
                Session::Cie3(session) => Some(sha256(&[b"cie3", session.device_key_file()])),
                Session::Contact(session) => contact_identity(session)?,
            };
            self.memory = card.map(|card| self.remembered.of(card));
        }
        Ok(())
    }

    /// What a card said of a secret that went out.
    fn learn(&self, secret: Secret, tries: Tries) {
        if let Some(memory) = &self.memory {
            memory.keep(secret, tries);
        }
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

    /// From now on only this chip is shown a PIN.
    pub(super) fn insist_on(&mut self, chip: Arc<GenuineChip>) {
        self.genuine = Some(chip);
    }

    /// The card ready for a secret: the one that was checked, if one was.
    fn take_trusted(&mut self) -> Result<Session, Fault> {
        let session = self.take_ready()?;
        let is_another =
            |chip: &GenuineChip| !matches!(&session, Session::Cie3(session) if chip.is_of(session));
        if self.genuine.as_deref().is_some_and(is_another) {
            self.put_ready(session);
            return Err(kiosk::Error::NotGenuine.into());
        }
        Ok(session)
    }

    /// Verifies the PIN.
    pub(super) fn verify_pin(&mut self, pin: &Typed, last_try: LastTry) -> Result<(), Fault> {
        let session = self.take_trusted()?;
        let [known, _] = session.known_tries();
        let is_refused = known.check(last_try).is_err() || session.check_pin(pin).is_err();
        match session.verify_pin(pin, last_try) {
            Ok(unlocked) => {
                self.learn(Secret::Pin, unlocked.pin_tries());
                self.standing = Some(Standing::Unlocked(unlocked));
                Ok(())
            }
            Err(refused) => {
                let fault = Fault::from(refused.error);
                let [left, _] = refused.back.known_tries();
                if !is_refused && !fault.is_unsent() {
                    self.learn(Secret::Pin, left);
                }
                self.put_ready(*refused.back);
                Err(fault)
            }
        }
    }

    /// Unblocks the PIN with the PUK.
    pub(super) fn unblock_pin(
        &mut self,
        puk: &Typed,
        unblock: Unblock<'_>,
        last_try: LastTry,
    ) -> Result<(), Fault> {
        let mut session = self.take_trusted()?;
        // A card that tells is asked now; what it does not tell is recalled.
        if let Session::Cie3(session) = &mut session {
            session.ask_for_puk_tries();
        }
        let told = match session.puk_tries() {
            Ok(told) => told,
            Err(error) => {
                self.put_ready(session);
                return Err(error.into());
            }
        };
        let recalled = self.memory.as_ref().and_then(|memory| memory.recall(Secret::Puk));
        let known = if told == Tries::Unknown { recalled.unwrap_or(told) } else { told };
        let [of_pin, _] = session.known_tries();
        session.set_known_tries([of_pin, known]);
        let is_refused = known.check(last_try).is_err() || session.check_puk(puk).is_err();
        let (session, outcome) = match session.unblock_pin(puk, unblock, last_try) {
            Ok(session) => (session, Ok(())),
            Err(refused) => (*refused.back, Err(Fault::from(refused.error))),
        };
        let is_unsent = is_refused || outcome.as_ref().is_err_and(Fault::is_unsent);
        if !is_unsent {
            let [of_pin, of_puk] = session.known_tries();
            self.learn(Secret::Puk, of_puk);
            self.learn(Secret::Pin, of_pin);
        }
        self.put_ready(session);
        outcome
    }

    /// Changes the PIN of a card whose PIN was verified.
    pub(super) fn change_pin(&mut self, old: &Typed, new: &Typed) -> Result<(), Fault> {
        let mut left = None;
        let outcome = self.with_unlocked(|unlocked| {
            let outcome = unlocked.change_pin(old, new).map_err(Fault::from);
            let is_unsent = outcome.as_ref().is_err_and(Fault::is_unsent);
            left = (!is_unsent).then(|| unlocked.pin_tries());
            outcome
        });
        if let Some(left) = left {
            self.learn(Secret::Pin, left);
        }
        outcome
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

    /// How many tries the PIN has left: what a CIE 3 says that is asked now, else the newest that any handle heard.
    pub(super) fn pin_tries(&mut self) -> Result<Tries, Fault> {
        let (told, is_news) = match self.standing.as_ref() {
            Some(Standing::Unlocked(unlocked)) => (unlocked.pin_tries(), false),
            Some(Standing::Ready(session)) => (session.pin_tries(), false),
            _ => {
                let card = self.known()?;
                (card.pin_tries()?, matches!(card, Card::Cie3(_)))
            }
        };
        self.newest(Secret::Pin, told, is_news)
    }

    /// How many tries the PUK has left, in the same way.
    pub(super) fn puk_tries(&mut self) -> Result<Tries, Fault> {
        let (told, is_news) = match self.standing.as_mut() {
            Some(Standing::Ready(session)) if !session.is_closed() => (session.puk_tries()?, false),
            _ => {
                let card = self.known()?;
                (card.puk_tries()?, matches!(card, Card::Cie3(_)))
            }
        };
        self.newest(Secret::Puk, told, is_news)
    }

    fn newest(&mut self, secret: Secret, told: Tries, is_news: bool) -> Result<Tries, Fault> {
        if is_news && told != Tries::Unknown {
            return Ok(told);
        }
        if let (None, Some(Standing::Known(Card::Contact(session)))) = (&self.memory, &mut self.standing) {
            self.memory = contact_identity(session)?.map(|card| self.remembered.of(card));
        }
        Ok(self.memory.as_ref().and_then(|memory| memory.recall(secret)).unwrap_or(told))
    }
}

/// A contact card is known by its number, or else by its certificate; what has neither is nobody's.
fn contact_identity(session: &mut cns::Session) -> Result<Option<Identity>, Fault> {
    if let Some(number) = session.card_id() {
        return Ok(Some(sha256(&[b"number", number.text().as_bytes()])));
    }
    match session.certificate(cns::Credential::Authentication) {
        Ok(certificate) => Ok(Some(sha256(&[b"certificate", certificate.as_der()]))),
        // A card that is gone, or was reset, may have one all the same.
        Err(error) if error.is_transport() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Whether the card does not know any more that its PIN was verified, or nobody knows whether it does.
fn ends_the_pin_state(fault: &Fault) -> bool {
    fault.number() == CIE_PIN_STATE_LOST || fault.is_of_the_channel()
}

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;
