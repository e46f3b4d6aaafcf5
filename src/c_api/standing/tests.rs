//! Tries, chips and states of a card that goes away, is reset, or is opened twice.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use super::*;
use crate::c_api::result::{
    CIE_CARD_RESET, CIE_CHIP_NOT_AUTHENTIC, CIE_OK, CIE_OTHER_CARD, CIE_PIN_LAST_TRY, CIE_PIN_MALFORMED,
    CIE_PIN_NEEDED, CIE_PIN_STATE_LOST, CIE_PIN_WRONG, CIE_PUK_LAST_TRY, CIE_PUK_MALFORMED, CIE_PUK_WRONG,
    cie_result,
};
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

fn opened(soft: &SoftCard, memory: &TriesMemory) -> OpenCard {
    OpenCard::new(card::open(soft.insert()).unwrap(), memory.clone())
}

/// A CIE 3 that tells its tries to nobody but with the status word of a wrong PIN.
fn reticent_card() -> (SoftCard, OpenCard) {
    let (_, soft) = made();
    soft.set_tamper(Some(Box::new(|command, response| {
        let asks_for_tries =
            command.ins() == 0xCB && command.data().windows(2).any(|pair| pair == [0xBF, 0x81]);
        if asks_for_tries { StatusWord::REFERENCE_NOT_FOUND.into() } else { response }
    })));
    let card = opened(&soft, &TriesMemory::new());
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
        let memory = TriesMemory::new();
        for left in [2, 1] {
            let mut card = opened(&soft, &memory);
            assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
            assert_eq!(soft.pin_tries(), left);
        }
        let mut card = opened(&soft, &memory);
        assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_LAST_TRY);
        assert_eq!(soft.pin_tries(), 1);
        card.verify_pin(&typed("12345678"), LastTry::Spend).unwrap();
        drop(card);
        // The right PIN gave it all its tries, and that is known as well.
        let mut card = opened(&soft, &memory);
        assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
        assert_eq!(soft.pin_tries(), 2);
    }
}

#[test]
fn a_card_that_is_used_by_two_handles_is_known_by_what_it_said_last() {
    for (soft, wrong) in [(contact_card(), "99999"), (reticent_card().0, "99999999")] {
        let memory = TriesMemory::new();
        let mut first = opened(&soft, &memory);
        assert_eq!(number(first.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
        let mut second = opened(&soft, &memory);
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
        let memory = TriesMemory::new();
        let mut card = opened(&soft, &memory);
        card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
        for _ in 0..2 {
            let outcome = card.change_pin(&typed(wrong), &typed("31415926"));
            assert_eq!(number(outcome), CIE_PIN_WRONG);
        }
        drop(card);
        let mut card = opened(&soft, &memory);
        assert_eq!(number(card.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_LAST_TRY);
        assert_eq!((card.pin_tries().unwrap(), soft.pin_tries()), (Tries::Left(1), 1));
    }
}

#[test]
fn what_a_person_is_told_is_the_newest() {
    let (soft, memory) = (contact_card(), TriesMemory::new());
    let mut first = opened(&soft, &memory);
    assert_eq!(number(first.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
    let mut second = opened(&soft, &memory);
    assert_eq!(second.pin_tries().unwrap(), Tries::Left(2), "before it is made ready, too");
    assert_eq!(number(second.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
    assert_eq!(first.pin_tries().unwrap(), Tries::Left(1));
}

/// A PUK whose tries nobody tells: that nothing is known after a right one is news for an older handle.
#[test]
fn an_older_handle_hears_of_an_unblocked_pin() {
    let (soft, memory) = (contact_card(), TriesMemory::new());
    let mut first = opened(&soft, &memory);
    let unblock = |card: &mut OpenCard, puk: &str, last_try| {
        number(card.unblock_pin(&typed(puk), Unblock::KeepPin, last_try))
    };
    while soft.puk_tries() > 1 {
        assert_eq!(unblock(&mut first, "00000000", LastTry::Refuse), CIE_PUK_WRONG);
    }
    assert_eq!(unblock(&mut first, "00000000", LastTry::Refuse), CIE_PUK_LAST_TRY);
    let mut second = opened(&soft, &memory);
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
    let memory = TriesMemory::new();
    let mut older = opened(&soft, &memory);
    let mut newer = opened(&soft, &memory);
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
    let memory = TriesMemory::new();
    for _ in 0..2 {
        let mut card = opened(&soft, &memory);
        assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
    }
    let mut card = opened(&soft, &memory);
    assert_eq!(card.pin_tries().unwrap(), Tries::Left(1));
    assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_LAST_TRY);
}

#[test]
fn only_the_chip_that_was_checked_is_shown_a_pin() {
    let (pki, soft) = made();
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
    let verify = |session: &mut ias::Session| {
        Ok(crate::genuine::verify(session, &trust, &crate::passive::SecurityObjectPolicy::new())?)
    };
    let mut card = opened(&soft, &TriesMemory::new());
    let chip = card.check_chip(verify).unwrap();
    interrupt(&soft, &mut card);
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();

    // The next card in the same place, as if somebody sat between.
    let (_, _, other) = demo_card(&mut Seeded::new(2027), now()).unwrap();
    let other = SoftCard::new(other, Chip::Nxp, Seeded::new(1)).unwrap();
    let mut card = opened(&other, &TriesMemory::new());
    card.trusted = Trusted::Only(chip);
    let before = other.verify_count();
    assert_eq!(number(card.verify_pin(&typed("12345678"), LastTry::Refuse)), CIE_CHIP_NOT_AUTHENTIC);
    let unblocked = card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse);
    assert_eq!((number(unblocked), other.verify_count()), (CIE_CHIP_NOT_AUTHENTIC, before));
}

/// Whoever overlooks that the check failed does not show the PIN to a forger's chip.
#[test]
fn a_chip_that_failed_its_check_is_shown_no_pin() {
    let (pki, soft) = made();
    let empty = TrustStore::new().allow_test_pki();
    let mut full = TrustStore::new().allow_test_pki();
    full.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
    let policy = crate::passive::SecurityObjectPolicy::new();
    let mut card = opened(&soft, &TriesMemory::new());
    card.check_chip(|session| Ok(crate::genuine::verify(session, &full, &policy)?)).unwrap();
    assert!(card.check_chip(|session| Ok(crate::genuine::verify(session, &empty, &policy)?)).is_err());
    let before = soft.verify_count();
    assert_eq!(number(card.verify_pin(&typed("12345678"), LastTry::Refuse)), CIE_CHIP_NOT_AUTHENTIC);
    let unblocked = card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse);
    assert_eq!((number(unblocked), soft.verify_count()), (CIE_CHIP_NOT_AUTHENTIC, before));
    card.check_chip(|session| Ok(crate::genuine::verify(session, &full, &policy)?)).unwrap();
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    // What is not asked is no answer, and a card without such a chip has none to check.
    assert!(card.check_chip(|_| Err(Fault::Absent)).is_err());
    card.lock().unwrap();
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    // A contact card has none to check, and is asked for its PIN all the same, also after it could not say so.
    let soft = contact_card();
    let mut card = opened(&soft, &TriesMemory::new());
    let Some(Standing::Known(known)) = card.standing.take() else { panic!("it was recognised") };
    card.standing = Some(Standing::Link(known.into_link()));
    soft.reset_by_other();
    assert_eq!(number(card.check_chip(|_| Err(Fault::Absent))), CIE_CARD_RESET);
    assert_eq!(number(card.check_chip(|_| Err(Fault::Absent))), CIE_OTHER_CARD);
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
}

/// A handle whose PIN was verified before knows no better than those that were told since.
#[test]
fn an_older_handle_takes_nothing_back_by_a_change_that_fails() {
    for (soft, wrong) in [(contact_card(), "99999"), (reticent_card().0, "99999999")] {
        let memory = TriesMemory::new();
        let mut older = opened(&soft, &memory);
        older.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
        soft.reset_by_other();
        let mut newer = opened(&soft, &memory);
        for _ in 0..2 {
            assert_eq!(number(newer.verify_pin(&typed(wrong), LastTry::Refuse)), CIE_PIN_WRONG);
        }
        assert_eq!(number(older.change_pin(&typed("12345678"), &typed("31415926"))), CIE_PIN_LAST_TRY);
        for card in [&mut newer, &mut opened(&soft, &memory)] {
            let outcomes: Vec<_> =
                (0..2).map(|_| number(card.verify_pin(&typed(wrong), LastTry::Refuse))).collect();
            assert_eq!((outcomes.contains(&CIE_PIN_LAST_TRY), soft.pin_tries()), (true, 1), "{outcomes:?}");
        }
    }
}

/// The answer to an unblocking is lost: the PIN may have one try still, whatever became of the PUK.
#[test]
fn an_unblocking_that_nobody_heard_of_gives_no_tries() {
    let (soft, memory) = (contact_card(), TriesMemory::new());
    let mut card = opened(&soft, &memory);
    for _ in 0..2 {
        assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_WRONG);
    }
    drop(card);
    let link = Link::new(Deaf::to(0x2C, &soft));
    let mut card = OpenCard::new(card::open(link).unwrap(), memory.clone());
    assert!(card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse).is_err());
    drop(card);
    let mut card = opened(&soft, &memory);
    assert_eq!(number(card.verify_pin(&typed("99999"), LastTry::Refuse)), CIE_PIN_LAST_TRY);
    // One that was blocked may be so no longer, and to ask costs nothing.
    card.verify_pin(&typed("12345678"), LastTry::Spend).unwrap();
    drop(card);
    let mut card = opened(&soft, &memory);
    while soft.pin_tries() > 0 {
        assert!(card.verify_pin(&typed("99999"), LastTry::Spend).is_err());
    }
    assert_eq!(card.pin_tries().unwrap(), Tries::Left(0));
    drop(card);
    let link = Link::new(Deaf::to(0x2C, &soft));
    let mut card = OpenCard::new(card::open(link).unwrap(), memory.clone());
    assert!(card.unblock_pin(&typed("87654321"), Unblock::KeepPin, LastTry::Refuse).is_err());
    drop(card);
    opened(&soft, &memory).verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
}

/// What another program did to the PUK meanwhile is told, whatever was heard before.
#[test]
fn a_card_that_tells_is_asked() {
    let (_, soft) = made();
    let (here, elsewhere) = (TriesMemory::new(), TriesMemory::new());
    let unblock =
        |card: &mut OpenCard| number(card.unblock_pin(&typed("00000000"), Unblock::KeepPin, LastTry::Refuse));
    assert_eq!(unblock(&mut opened(&soft, &here)), CIE_PUK_WRONG);
    for _ in 0..2 {
        assert_eq!(unblock(&mut opened(&soft, &elsewhere)), CIE_PUK_WRONG);
    }
    let mut card = opened(&soft, &here);
    let left = Tries::Left(soft.puk_tries());
    assert_eq!(card.puk_tries().unwrap(), left);
    card.with_ready(|_| Ok(())).unwrap();
    assert_eq!(card.puk_tries().unwrap(), left);
    while soft.puk_tries() > 1 {
        assert_eq!(unblock(&mut opened(&soft, &elsewhere)), CIE_PUK_WRONG);
    }
    let outcomes: Vec<_> = (0..2).map(|_| unblock(&mut card)).collect();
    assert_eq!((outcomes.contains(&CIE_PUK_LAST_TRY), soft.puk_tries()), (true, 1), "{outcomes:?}");
}

/// A handle that shows a wrong PIN, and in the middle of that, after the `turn`th answer, others that do the same.
fn nested(soft: &SoftCard, memory: &TriesMemory, wrong: &'static str, turn: u32, depth: u32) {
    let (inner, shared, mut turns) = (soft.clone(), memory.clone(), 0);
    let link = soft.insert().watched(move |_| {
        turns += 1;
        if turns == turn && depth > 0 {
            nested(&inner, &shared, wrong, turn, depth - 1);
            nested(&inner, &shared, wrong, turn, depth - 1);
        }
        true
    });
    let Ok(card) = card::open(link) else { return };
    let mut card = OpenCard::new(card, memory.clone());
    for _ in 0..2 {
        let _ = card.verify_pin(&typed(wrong), LastTry::Refuse);
    }
}

/// A contact card that says of a wrong PIN only that it is wrong.
fn laconic_card() -> SoftCard {
    let soft = contact_card();
    soft.set_tamper(Some(Box::new(|_, response| {
        if response.status().tries_left().is_some() {
            StatusWord::VERIFICATION_FAILED.into()
        } else {
            response
        }
    })));
    soft
}

/// Handles of one card, each of which is used while another waits for its answer, whichever that is.
#[test]
fn the_last_try_is_kept_whoever_comes_between() {
    for turn in 1..40 {
        let cards = [
            (contact_card(), "99999"),
            (laconic_card(), "99999"),
            (reticent_card().0, "99999999"),
            (made().1, "99999999"),
        ];
        for (soft, wrong) in cards {
            let memory = TriesMemory::new();
            nested(&soft, &memory, wrong, turn, 2);
            for _ in 0..4 {
                let _ = opened(&soft, &memory).verify_pin(&typed(wrong), LastTry::Refuse);
            }
            assert!(soft.pin_tries() > 0, "the others came after answer {turn}");
        }
    }
}

#[test]
fn a_pin_state_that_is_lost_is_over() {
    let (_, soft) = made();
    let mut card = opened(&soft, &TriesMemory::new());
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    soft.reset_by_other();
    let read = |unlocked: &mut Unlocked| Ok(unlocked.certificate().map(drop)?);
    let outcome = number(card.with_unlocked(read));
    assert!([CIE_CARD_RESET, CIE_PIN_STATE_LOST].contains(&outcome), "{outcome}");
    assert_eq!(number(card.with_unlocked(read)), CIE_PIN_NEEDED);
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    card.with_unlocked(read).unwrap();
}

/// Loses the answer to commands of one instruction that carry a secret, and counts resets.
struct Deaf(SoftTransport, Option<u8>, Arc<AtomicU32>);

impl Deaf {
    fn to(instruction: u8, soft: &SoftCard) -> Self {
        Self(soft.transport(), Some(instruction), Arc::default())
    }
}

impl Transport for Deaf {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let answer = self.0.transmit(command)?;
        // An empty VERIFY only asks.
        let carries = command.get(1).copied() == self.1 && command.len() > 5;
        if carries { Err(Error::NoAnswer) } else { Ok(answer) }
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
    let link = Link::new(Deaf(soft.transport(), is_deaf.then_some(0x20), resets.clone()));
    let mut card = OpenCard::new(card::open(link).unwrap(), TriesMemory::new());
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

/// On a reader that other programs use as well; says whether they are kept off.
struct Busy(SoftTransport, Arc<AtomicBool>);

impl Transport for Busy {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Busy {
    fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self) {}

    fn is_shared(&self) -> bool {
        !self.1.load(Ordering::Relaxed)
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), Error> {
        self.1.store(exclusive, Ordering::Relaxed);
        Ok(())
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

/// Nobody typed a PIN after all: the card that was kept for it is let go.
#[test]
fn a_lock_lets_other_programs_in_again() {
    let (soft, is_kept) = (contact_card(), Arc::new(AtomicBool::new(false)));
    let link = Link::new(Busy(soft.transport(), is_kept.clone()));
    let mut card = OpenCard::new(card::open(link).unwrap(), TriesMemory::new());
    card.with_ready(|session| Ok(session.keep_exclusive()?)).unwrap();
    assert!(is_kept.load(Ordering::Relaxed));
    card.lock().unwrap();
    assert!(!is_kept.load(Ordering::Relaxed));
    card.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    assert!(is_kept.load(Ordering::Relaxed));
    card.lock().unwrap();
    assert!(!is_kept.load(Ordering::Relaxed));
}
