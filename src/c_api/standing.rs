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
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, SystemTime};

    use super::super::result::{
        CIE_CARD_RESET, CIE_CHIP_NOT_AUTHENTIC, CIE_OK, CIE_PIN_LAST_TRY, CIE_PIN_MALFORMED, CIE_PIN_NEEDED,
        CIE_PIN_STATE_LOST, CIE_PIN_WRONG, CIE_PUK_LAST_TRY, CIE_PUK_MALFORMED, CIE_PUK_WRONG, cie_result,
    };
    use super::*;
    use crate::emulator::citizen::Citizen;
    use crate::emulator::contact::{Model, issue};
    use crate::emulator::entropy::Seeded;
    use crate::emulator::issue::demo_card;
    use crate::emulator::personalisation::Personalisation;
    use crate::emulator::pki::TestPki;
    use crate::emulator::{Chip, SoftCard, SoftTransport};
    use crate::iso7816::StatusWord;
    use crate::transport::{Company, Error, Transport};
    use crate::trust::{AnchorPurpose, TrustStore};

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
    }

    /// Keys take seconds to make.
    fn demo() -> &'static (TestPki, Citizen, Personalisation) {
        static DEMO: OnceLock<(TestPki, Citizen, Personalisation)> = OnceLock::new();
        DEMO.get_or_init(|| demo_card(&mut Seeded::new(2026), now()).unwrap())
    }

    fn made() -> (&'static TestPki, SoftCard) {
        let (pki, _, personalisation) = demo();
        (pki, SoftCard::new(personalisation.clone(), Chip::Nxp, Seeded::new(1)).unwrap())
    }

    fn contact_card() -> SoftCard {
        let (pki, citizen, _) = demo();
        let options = crate::emulator::contact::IssueOptions::default();
        let issued = issue(pki, citizen, Model::Cie2, &options, &mut Seeded::new(2), now()).unwrap();
        SoftCard::new_contact(issued.personalisation, Model::Cie2, Seeded::new(3)).unwrap()
    }

    fn opened(soft: &SoftCard, remembered: &Arc<Remembered>) -> OpenCard {
        OpenCard::new(card::open(soft.insert()).unwrap(), remembered.clone())
    }

    /// A CIE 3 that tells its tries to nobody but with the status word of a wrong PIN.
    fn reticent_card() -> (SoftCard, OpenCard) {
        let (_, soft) = made();
        soft.set_tamper(Some(Box::new(|command, response| {
            let asks_for_tries =
                command.ins() == 0xCB && command.data().windows(2).any(|pair| pair == [0xBF, 0x81]);
            if asks_for_tries { StatusWord::REFERENCE_NOT_FOUND.into() } else { response }
        })));
        let card = opened(&soft, &Arc::default());
        (soft, card)
    }

    /// Another program resets the card, and a call finds that out.
    fn interrupt(soft: &SoftCard, card: &mut OpenCard) {
        soft.reset_by_other();
        let ask = |session: &mut Session| match session {
            Session::Cie3(session) => Ok(session.read(ias::File::SecurityObject).map(drop)?),
            Session::Contact(_) => Err(Fault::OtherCard),
        };
        assert_eq!(number(card.with_ready(ask)), CIE_CARD_RESET);
        assert!(matches!(&card.standing, Some(Standing::Ready(session)) if session.is_closed()));
    }

    fn typed(digits: &str) -> Typed {
        Typed::new(digits.to_owned())
    }

    fn number<T>(outcome: Result<T, Fault>) -> cie_result {
        outcome.map_or_else(|fault| fault.number(), |_| CIE_OK)
    }

    #[test]
    fn the_last_try_is_kept_though_the_card_is_recognised_anew() {
        let (soft, mut card) = reticent_card();
        assert_eq!(card.pin_tries().unwrap(), Tries::Unknown);
        for left in [2, 1] {
            let outcome = card.verify_pin(&typed("99999999"), LastTry::Refuse);
            assert_eq!((number(outcome), soft.pin_tries()), (CIE_PIN_WRONG, left));
            interrupt(&soft, &mut card);
        }
        assert_eq!(card.pin_tries().unwrap(), Tries::Left(1));
        // What is refused without being sent takes nothing of that away, whoever was ready to spend it.
        assert_eq!(number(card.verify_pin(&typed("1234567"), LastTry::Spend)), CIE_PIN_MALFORMED);
        let outcome = card.verify_pin(&typed("99999999"), LastTry::Refuse);
        assert_eq!((number(outcome), soft.pin_tries()), (CIE_PIN_LAST_TRY, 1));
        card.verify_pin(&typed("12345678"), LastTry::Spend).unwrap();
        card.lock().unwrap();
        assert_eq!((card.pin_tries().unwrap(), soft.pin_tries()), (Tries::Left(3), 3));
    }

    #[test]
    fn so_is_that_of_the_puk() {
        let (soft, mut card) = reticent_card();
        let unblock = |card: &mut OpenCard, puk: &str, last_try| {
            number(card.unblock_pin(&typed(puk), Unblock::KeepPin, last_try))
        };
        let mut left = soft.puk_tries();
        while left > 1 {
            left -= 1;
            assert_eq!(unblock(&mut card, "00000000", LastTry::Refuse), CIE_PUK_WRONG);
            assert_eq!(soft.puk_tries(), left);
            interrupt(&soft, &mut card);
        }
        assert_eq!(unblock(&mut card, "1", LastTry::Spend), CIE_PUK_MALFORMED);
        assert_eq!(unblock(&mut card, "00000000", LastTry::Refuse), CIE_PUK_LAST_TRY);
        assert_eq!((card.puk_tries().unwrap(), soft.puk_tries()), (Tries::Left(1), 1));
        assert_eq!(unblock(&mut card, "87654321", LastTry::Spend), CIE_OK);
        assert_eq!(soft.puk_tries(), 10);
    }

    #[test]
    fn a_card_that_is_opened_again_is_remembered() {
        for (soft, wrong) in [(contact_card(), "99999"), (reticent_card().0, "99999999")] {
            let remembered = Arc::default();
            for left in [2, 1] {
                let mut card = opened(&soft, &remembered);
                assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
                assert_eq!(soft.pin_tries(), left);
            }
            let mut card = opened(&soft, &remembered);
            assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_LAST_TRY);
            assert_eq!(soft.pin_tries(), 1);
            card.verify_pin(&typed("12345678"), LastTry::Spend).unwrap();
            drop(card);
            // The right PIN gave it all its tries, and that is known as well.
            let mut card = opened(&soft, &remembered);
            assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
            assert_eq!(soft.pin_tries(), 2);
        }
    }

    #[test]
    fn a_card_that_is_used_by_two_handles_is_known_by_what_it_said_last() {
        for (soft, wrong) in [(contact_card(), "99999"), (reticent_card().0, "99999999")] {
            let remembered = Arc::default();
            let mut first = opened(&soft, &remembered);
            assert_eq!(number(first.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
            let mut second = opened(&soft, &remembered);
            assert_eq!(number(second.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
            drop(second);
            // The first knew of two; it learns of the reset first, and then of what the other was told.
            let outcomes: Vec<_> =
                (0..3).map(|_| number(first.verify_pin(&typed(wrong), LastTry::Refuse))).collect();
            assert!(outcomes.contains(&CIE_PIN_LAST_TRY), "{outcomes:?}");
            assert_eq!(soft.pin_tries(), 1, "{outcomes:?}");
        }
    }

    #[test]
    fn a_wrong_old_pin_is_remembered_as_well() {
        for (soft, wrong) in [(contact_card(), "99999"), (reticent_card().0, "99999999")] {
            let remembered = Arc::default();
            let mut card = opened(&soft, &remembered);
            card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
            for _ in 0..2 {
                let outcome = card.change_pin(&typed(wrong), &typed("31415926"));
                assert_eq!(number(outcome), CIE_PIN_WRONG);
            }
            drop(card);
            let mut card = opened(&soft, &remembered);
            assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_LAST_TRY);
            assert_eq!((card.pin_tries().unwrap(), soft.pin_tries()), (Tries::Left(1), 1));
        }
    }

    #[test]
    fn what_a_person_is_told_is_the_newest() {
        let (soft, remembered) = (contact_card(), Arc::default());
        let mut first = opened(&soft, &remembered);
        assert_eq!(number(first.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
        let mut second = opened(&soft, &remembered);
        assert_eq!(second.pin_tries().unwrap(), Tries::Left(2), "before it is made ready, too");
        assert_eq!(number(second.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
        assert_eq!(first.pin_tries().unwrap(), Tries::Left(1));
    }

    /// A PUK whose tries nobody tells: that nothing is known after a right one is news for an older handle.
    #[test]
    fn an_older_handle_hears_of_an_unblocked_pin() {
        let (soft, remembered) = (contact_card(), Arc::default());
        let mut first = opened(&soft, &remembered);
        let unblock = |card: &mut OpenCard, puk: &str, last_try| {
            number(card.unblock_pin(&typed(puk), Unblock::KeepPin, last_try))
        };
        while soft.puk_tries() > 1 {
            assert_eq!(unblock(&mut first, "00000000", LastTry::Refuse), CIE_PUK_WRONG);
        }
        assert_eq!(unblock(&mut first, "00000000", LastTry::Refuse), CIE_PUK_LAST_TRY);
        let mut second = opened(&soft, &remembered);
        assert_eq!(unblock(&mut second, "87654321", LastTry::Refuse), CIE_PUK_LAST_TRY);
        assert_eq!(unblock(&mut second, "87654321", LastTry::Spend), CIE_OK);
        let outcomes: Vec<_> = (0..3).map(|_| unblock(&mut first, "87654321", LastTry::Refuse)).collect();
        assert!(outcomes.contains(&CIE_OK) && !outcomes.contains(&CIE_PUK_LAST_TRY), "{outcomes:?}");
    }

    #[test]
    fn a_reset_while_it_is_found_out_which_card_it_is_is_told() {
        let (pki, citizen, _) = demo();
        let options = crate::emulator::contact::IssueOptions::default();
        let issued = issue(pki, citizen, Model::Ace, &options, &mut Seeded::new(2), now()).unwrap();
        let soft = SoftCard::new_contact(issued.personalisation, Model::Ace, Seeded::new(3)).unwrap();
        let remembered = Arc::default();
        let mut older = opened(&soft, &remembered);
        let mut newer = opened(&soft, &remembered);
        for _ in 0..2 {
            assert_eq!(number(newer.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
        }
        let outcomes: Vec<_> =
            (0..3).map(|_| number(older.verify_pin(&typed("99999"), LastTry::Refuse))).collect();
        assert_eq!((outcomes.contains(&CIE_PIN_LAST_TRY), soft.pin_tries()), (true, 1), "{outcomes:?}");
    }

    #[test]
    fn a_card_without_a_number_is_known_by_its_certificate() {
        let (pki, citizen, _) = demo();
        let options = crate::emulator::contact::IssueOptions::default();
        let issued = issue(pki, citizen, Model::Ace, &options, &mut Seeded::new(2), now()).unwrap();
        let soft = SoftCard::new_contact(issued.personalisation, Model::Ace, Seeded::new(3)).unwrap();
        let remembered = Arc::default();
        for _ in 0..2 {
            let mut card = opened(&soft, &remembered);
            assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
        }
        let mut card = opened(&soft, &remembered);
        assert_eq!(card.pin_tries().unwrap(), Tries::Left(1));
        assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_LAST_TRY);
    }

    #[test]
    fn only_the_chip_that_was_checked_is_shown_a_pin() {
        let (pki, soft) = made();
        let mut trust = TrustStore::new().allow_test_pki();
        trust.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
        let verify = |session: &mut Session| {
            let Session::Cie3(session) = session else { return Err(Fault::OtherCard) };
            Ok(crate::genuine::verify(session, &trust, &crate::passive::SecurityObjectPolicy::new())?)
        };
        let mut card = opened(&soft, &Arc::default());
        let chip = Arc::new(card.with_ready(verify).unwrap());
        card.insist_on(chip.clone());
        interrupt(&soft, &mut card);
        card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();

        // The next card in the same place, as if somebody sat between.
        let (_, _, other) = demo_card(&mut Seeded::new(2027), now()).unwrap();
        let other = SoftCard::new(other, Chip::Nxp, Seeded::new(1)).unwrap();
        let mut card = opened(&other, &Arc::default());
        card.insist_on(chip);
        let before = other.verify_count();
        assert_eq!(number(card.verify_pin(&typed("12345678"), LastTry::Refuse)), CIE_CHIP_NOT_AUTHENTIC);
        let unblocked = card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse);
        assert_eq!((number(unblocked), other.verify_count()), (CIE_CHIP_NOT_AUTHENTIC, before));
    }

    #[test]
    fn a_pin_state_that_is_lost_is_over() {
        let (_, soft) = made();
        let mut card = opened(&soft, &Arc::default());
        card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
        soft.reset_by_other();
        let read = |unlocked: &mut Unlocked| Ok(unlocked.certificate().map(drop)?);
        let outcome = number(card.with_unlocked(read));
        assert!([CIE_CARD_RESET, CIE_PIN_STATE_LOST].contains(&outcome), "{outcome}");
        assert_eq!(number(card.with_unlocked(read)), CIE_PIN_NEEDED);
        card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
        card.with_unlocked(read).unwrap();
    }

    /// Loses the answer to VERIFY if it is told to, and counts resets.
    struct Deaf(SoftTransport, bool, Arc<AtomicU32>);

    impl Transport for Deaf {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
            let answer = self.0.transmit(command)?;
            // An empty VERIFY only asks.
            let verifies = command.get(1) == Some(&0x20) && command.len() > 5;
            if verifies && self.1 { Err(Error::NoAnswer) } else { Ok(answer) }
        }

        fn reset(&mut self) -> Result<(), Error> {
            self.2.fetch_add(1, Ordering::Relaxed);
            self.0.reset()
        }

        fn atr(&self) -> &[u8] {
            self.0.atr()
        }

        fn company(&mut self) -> Option<&mut dyn Company> {
            None
        }
    }

    /// A card that may know a PIN or PUK is reset by a lock, once.
    fn locked_once(soft: &SoftCard, is_deaf: bool, secret: impl FnOnce(&mut OpenCard) -> Result<(), Fault>) {
        let resets = Arc::new(AtomicU32::new(0));
        let link = Link::new(Deaf(soft.transport(), is_deaf, resets.clone()));
        let mut card = OpenCard::new(card::open(link).unwrap(), Arc::default());
        card.lock().unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), 0, "no secret was shown");
        assert_eq!(secret(&mut card).is_err(), is_deaf);
        let before = resets.load(Ordering::Relaxed);
        card.lock().unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), before + 1);
        card.lock().unwrap();
        assert_eq!(resets.load(Ordering::Relaxed), before + 1, "it has forgotten it");
        card.known().unwrap();
    }

    #[test]
    fn a_card_that_may_know_a_secret_is_locked_by_a_reset() {
        locked_once(&contact_card(), true, |card| {
            let outcome = card.verify_pin(&typed("12345678"), LastTry::Refuse);
            assert!(matches!(&outcome, Err(Fault::Library(error)) if error.is_doubtful()));
            outcome
        });
        let unblock =
            |card: &mut OpenCard| card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse);
        locked_once(&made().1, false, unblock);
    }
}
