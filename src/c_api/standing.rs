//! Where an open card stands, from call to call.

use super::failure::Fault;
use crate::card::{self, Card, Session, Unblock, Unlocked};
use crate::dialogue::{Refused, Step as _};
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
    /// What is known of the tries of PIN and PUK: a card that does not tell them and is recognised anew would otherwise
    /// be asked for its last one unawares.
    tries: [Tries; 2],
}

impl OpenCard {
    pub(super) fn new(card: Card) -> Self {
        Self { standing: Some(Standing::Known(card)), tries: [Tries::Unknown; 2] }
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

    /// Ends the state after a PIN, if there is one.
    pub(super) fn lock(&mut self) -> Result<(), Fault> {
        match self.take()? {
            Standing::Unlocked(unlocked) => match unlocked.lock() {
                Ok(session) => {
                    self.standing = Some(Standing::Ready(session));
                    Ok(())
                }
                Err(refused) => Err(self.give_back(refused, Standing::Link)),
            },
            other => {
                self.standing = Some(other);
                Ok(())
            }
        }
    }

    /// How many tries the PIN has left.
    pub(super) fn pin_tries(&mut self) -> Result<Tries, Fault> {
        let told = match self.standing.as_ref() {
            Some(Standing::Unlocked(unlocked)) => unlocked.pin_tries(),
            Some(Standing::Ready(session)) => session.pin_tries(),
            _ => self.known()?.pin_tries()?,
        };
        let [known, _] = self.tries;
        Ok(if told == Tries::Unknown { known } else { told })
    }

    /// How many tries the PUK has left.
    pub(super) fn puk_tries(&mut self) -> Result<Tries, Fault> {
        let told = match self.standing.as_mut() {
            Some(Standing::Ready(session)) => session.puk_tries()?,
            _ => self.known()?.puk_tries()?,
        };
        let [_, known] = self.tries;
        Ok(if told == Tries::Unknown { known } else { told })
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
            Standing::Ready(session) => {
                let mut link = session.into_link();
                if let Err(error) = link.reset() {
                    self.standing = Some(Standing::Link(link));
                    return Err(error.into());
                }
                link
            }
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

    /// The card ready for its PIN, taken out of its place.
    fn take_ready(&mut self) -> Result<Session, Fault> {
        if !matches!(self.standing, Some(Standing::Ready(_))) {
            self.known()?;
        }
        match self.take()? {
            Standing::Ready(session) => Ok(session),
            Standing::Known(card) => {
                card.open_session().map_err(|refused| self.give_back(refused, Standing::Link))
            }
            other => {
                self.standing = Some(other);
                Err(Fault::Handle)
            }
        }
    }

    /// Puts a session back after a call. A channel that is closed for good is given up: the next call opens another.
    fn put_ready<T>(&mut self, session: Session, outcome: Result<T, Fault>) -> Result<T, Fault> {
        let gives_up =
            matches!((&session, &outcome), (Session::Cie3(_), Err(fault)) if fault.is_of_the_channel());
        self.standing =
            Some(if gives_up { Standing::Link(session.into_link()) } else { Standing::Ready(session) });
        outcome
    }

    /// What a call makes of a card that is ready for its PIN, which stays so.
    pub(super) fn with_ready<T>(
        &mut self,
        body: impl FnOnce(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut session = self.take_ready()?;
        let outcome = body(&mut session);
        self.put_ready(session, outcome)
    }

    /// Verifies the PIN.
    pub(super) fn verify_pin(&mut self, pin: &Typed, last_try: LastTry) -> Result<(), Fault> {
        let [known, of_puk] = self.tries;
        let session = self.take_ready()?;
        if session.pin_tries() == Tries::Unknown
            && let Err(error) = known.check(last_try)
        {
            let error = match &session {
                Session::Cie3(_) => ias::Step::VerifyPin.failed(error).into(),
                Session::Contact(_) => cns::Step::VerifyPin.failed(error).into(),
            };
            return self.put_ready(session, Err(error));
        }
        match session.verify_pin(pin, last_try) {
            Ok(unlocked) => {
                self.tries = [unlocked.pin_tries(), of_puk];
                self.standing = Some(Standing::Unlocked(unlocked));
                Ok(())
            }
            Err(refused) => {
                self.tries = [refused.back.pin_tries(), of_puk];
                self.put_ready(*refused.back, Err(refused.error.into()))
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
        let [_, known] = self.tries;
        let mut session = self.take_ready()?;
        let told = match session.puk_tries() {
            Ok(told) => told,
            Err(error) => return self.put_ready(session, Err(error.into())),
        };
        if told == Tries::Unknown
            && let Err(error) = known.check(last_try)
        {
            let error = match &session {
                Session::Cie3(_) => ias::Step::VerifyPuk.failed(error).into(),
                Session::Contact(_) => cns::Step::UnblockPin.failed(error).into(),
            };
            return self.put_ready(session, Err(error));
        }
        match session.unblock_pin(puk, unblock, last_try) {
            Ok(session) => {
                self.tries = [session.pin_tries(), Tries::Unknown];
                self.put_ready(session, Ok(()))
            }
            Err(refused) => {
                let mut session = *refused.back;
                self.tries = [session.pin_tries(), session.puk_tries().unwrap_or(known)];
                self.put_ready(session, Err(refused.error.into()))
            }
        }
    }

    /// What a call makes of a card whose PIN was verified.
    pub(super) fn with_unlocked<T>(
        &mut self,
        body: impl FnOnce(&mut Unlocked) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        match self.take()? {
            Standing::Unlocked(mut unlocked) => {
                let outcome = body(&mut unlocked);
                let [_, of_puk] = self.tries;
                self.tries = [unlocked.pin_tries(), of_puk];
                self.standing = Some(Standing::Unlocked(unlocked));
                outcome
            }
            other => {
                self.standing = Some(other);
                Err(ias::Error::from(ias::Step::VerifyPin.failed(ias::Cause::PinNeeded)).into())
            }
        }
    }
}

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests {
    use super::super::result::{
        CIE_CARD_RESET, CIE_PIN_LAST_TRY, CIE_PIN_WRONG, CIE_PUK_LAST_TRY, CIE_PUK_WRONG,
    };
    use super::*;
    use crate::emulator::entropy::Seeded;
    use crate::emulator::issue::demo_card;
    use crate::emulator::{Chip, SoftCard};
    use crate::iso7816::StatusWord;

    /// A CIE 3 that tells its tries to nobody but with the status word of a wrong PIN.
    fn reticent_card() -> (SoftCard, OpenCard) {
        let now = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_600);
        let (_, _, personalisation) = demo_card(&mut Seeded::new(2026), now).unwrap();
        let soft = SoftCard::new(personalisation, Chip::Nxp, Seeded::new(1)).unwrap();
        soft.set_tamper(Some(Box::new(|command, response| {
            let asks_for_tries =
                command.ins() == 0xCB && command.data().windows(2).any(|pair| pair == [0xBF, 0x81]);
            if asks_for_tries { StatusWord::REFERENCE_NOT_FOUND.into() } else { response }
        })));
        let card = OpenCard::new(card::open(soft.insert()).unwrap());
        (soft, card)
    }

    /// Another program resets the card, and a call finds that out.
    fn interrupt(soft: &SoftCard, card: &mut OpenCard) {
        soft.reset_by_other();
        let ask = |session: &mut Session| match session {
            Session::Cie3(session) => Ok(session.read(ias::File::SecurityObject).map(drop)?),
            Session::Contact(_) => Err(Fault::OtherCard),
        };
        assert_eq!(card.with_ready(ask).unwrap_err().number(), CIE_CARD_RESET);
        assert!(matches!(card.standing, Some(Standing::Link(_))), "the next call begins anew");
    }

    fn typed(digits: &str) -> Typed {
        Typed::new(digits.to_owned())
    }

    #[test]
    fn the_last_try_is_kept_though_the_card_is_recognised_anew() {
        let (soft, mut card) = reticent_card();
        assert_eq!(card.pin_tries().unwrap(), Tries::Unknown);
        for left in [2, 1] {
            let fault = card.verify_pin(&typed("99999999"), LastTry::Refuse).unwrap_err();
            assert_eq!((fault.number(), soft.pin_tries()), (CIE_PIN_WRONG, left));
            interrupt(&soft, &mut card);
        }
        assert_eq!(card.pin_tries().unwrap(), Tries::Left(1));
        let fault = card.verify_pin(&typed("99999999"), LastTry::Refuse).unwrap_err();
        assert_eq!((fault.number(), soft.pin_tries()), (CIE_PIN_LAST_TRY, 1));
        card.verify_pin(&typed("12345678"), LastTry::Spend).unwrap();
        card.lock().unwrap();
        assert_eq!((card.pin_tries().unwrap(), soft.pin_tries()), (Tries::Left(3), 3));
    }

    #[test]
    fn so_is_that_of_the_puk() {
        let (soft, mut card) = reticent_card();
        let mut left = soft.puk_tries();
        while left > 1 {
            left -= 1;
            let refused = card.unblock_pin(&typed("00000000"), Unblock::KeepPin, LastTry::Refuse);
            assert_eq!((refused.unwrap_err().number(), soft.puk_tries()), (CIE_PUK_WRONG, left));
            interrupt(&soft, &mut card);
        }
        let refused = card.unblock_pin(&typed("00000000"), Unblock::KeepPin, LastTry::Refuse);
        assert_eq!((refused.unwrap_err().number(), soft.puk_tries()), (CIE_PUK_LAST_TRY, 1));
        assert_eq!(card.puk_tries().unwrap(), Tries::Left(1));
        card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Spend).unwrap();
        assert_eq!(soft.puk_tries(), 10);
    }
}
