//! The citizen's side: what is shown, which PIN tries are spent, and what is promised.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use cie::crypto::SystemEntropy;
use cie::emulator::{Chip, SoftCard};
use cie::environment::{Clock, FixedClock};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{AnchorPurpose, TrustStore};

use crate::confirm::{Channel, ConfirmError};
use crate::order::{Order, OrderError, TimeError};
use crate::outbox::{Outbox, State};
use crate::scene::{self, PIN, later, link, now, state_of, world};
use crate::signed::VerifyError;

/// A channel with its outbox.
struct Kiosk {
    _folder: tempfile::TempDir,
    outbox: Outbox,
    trust: TrustStore,
    last_try: LastTry,
    screen: Vec<u8>,
    /// How often a PIN was asked for.
    asked: usize,
}

impl Kiosk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&folder.path().join("outbox.db")).unwrap();
        let (trust, last_try) = (world().trust(), LastTry::Refuse);
        Self { _folder: folder, outbox, trust, last_try, screen: Vec::new(), asked: 0 }
    }

    fn confirm(&mut self, bytes: &[u8], card: &SoftCard, typed: &str) -> Result<(), ConfirmError> {
        self.confirm_at(bytes, card, typed, now())
    }

    fn confirm_at(
        &mut self,
        bytes: &[u8],
        card: &SoftCard,
        typed: &str,
        at: SystemTime,
    ) -> Result<(), ConfirmError> {
        self.confirm_by(bytes, card, typed, &FixedClock(at))
    }

    fn confirm_by(
        &mut self,
        bytes: &[u8],
        card: &SoftCard,
        typed: &str,
        clock: &dyn Clock,
    ) -> Result<(), ConfirmError> {
        let asked = &mut self.asked;
        let mut pin = || {
            *asked += 1;
            match typed {
                "" => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                typed => Ok(Typed::new(typed.to_owned())),
            }
        };
        let (trust, outbox, last_try) = (&self.trust, &mut self.outbox, self.last_try);
        let mut channel = Channel { trust, outbox, last_try, clock, pin: &mut pin, screen: &mut self.screen };
        channel.confirm(bytes, link(card))
    }

    fn screen(&self) -> String {
        String::from_utf8(self.screen.clone()).unwrap()
    }

    #[track_caller]
    fn promised_nothing(&self) {
        assert!(!self.screen().contains("CONFERMATO") && self.outbox.all().unwrap().is_empty());
    }
}

/// The library's name for what the card, or what it says of itself, is to blame for.
#[track_caller]
fn code(outcome: Result<(), ConfirmError>) -> &'static str {
    match outcome {
        Err(ConfirmError::Card(error)) => error.code(),
        other => panic!("{other:?}"),
    }
}

/// A clock that shows these moments one after the other, and the last one for ever.
struct Moments(Mutex<Vec<SystemTime>>);

impl Moments {
    fn of(moments: &[SystemTime]) -> Self {
        Self(Mutex::new(moments.iter().rev().copied().collect()))
    }
}

impl Clock for Moments {
    fn now(&self) -> SystemTime {
        let mut left = self.0.lock().unwrap();
        if left.len() > 1 { left.pop().unwrap() } else { left[0] }
    }
}

#[test]
fn what_expires_while_the_pin_is_awaited_is_not_confirmed() {
    let (mut kiosk, card, bytes) = (Kiosk::new(), world().card(0), world().order().encode());
    // At the question: no try is spent.
    let outcome = kiosk.confirm_by(&bytes, &card, PIN, &Moments::of(&[now(), later(86_400)]));
    assert!(matches!(outcome, Err(ConfirmError::Time(TimeError::Expired))), "{outcome:?}");
    assert_eq!((kiosk.asked, card.verify_count()), (1, 0));
    kiosk.promised_nothing();
    // While the card signs.
    let outcome = kiosk.confirm_by(&bytes, &card, PIN, &Moments::of(&[now(), now(), later(86_400)]));
    let expired = |error: &VerifyError| matches!(error, VerifyError::Time(TimeError::Expired));
    assert!(matches!(&outcome, Err(ConfirmError::Verify(error)) if expired(error)), "{outcome:?}");
    assert_eq!(card.verify_count(), 1);
    kiosk.promised_nothing();
}

#[test]
fn the_citizen_sees_all_of_it_and_confirms_once() {
    let (mut kiosk, card) = (Kiosk::new(), world().card(0));
    let order = world().order();
    kiosk.confirm(&order.encode(), &card, PIN).unwrap();
    let screen = kiosk.screen();
    for seen in [
        "chiosco / kiosk",
        world().payer().as_str(),
        "3020 3200 2700 0002 51",
        "0017 2126 5093 7693 22",
        "    Cod. fiscale / Code:  03334231200\n",
        "    Ente / Creditor:      «Comune di Esempio»\n",
        "    Causale / Reason:     «TARI 2026, rata unica»\n",
        "    Importo / Amount:     1.234,56 €\n",
        "    Importo / Amount:     87,50 €\n",
        "\n  TOTALE / TOTAL:       1.322,06 €\n",
        "2026-01-01T10:00:00Z - 2026-01-02T10:00:00Z",
        "Tries left for the PIN: 3",
        "TEST - NOT A REAL CARD",
    ] {
        assert!(screen.contains(seen), "{seen}: {screen}");
    }
    assert!(!screen.contains(PIN) && !screen.chars().any(|c| c.is_control() && c != '\n'));
    // All of it stood there before the PIN was asked for.
    let (before, after) = screen.split_once("Tries left").unwrap();
    assert!(before.contains("TOTAL") && after.contains("CONFIRMED, pending"));
    assert_eq!((kiosk.asked, card.verify_count(), card.pin_tries()), (1, 1, 3));
    assert_eq!(state_of(&kiosk.outbox, &order), Some(State::Waiting));

    // Once more: nothing is signed, nobody is asked for a PIN, and the promise stands.
    kiosk.confirm(&order.encode(), &card, PIN).unwrap();
    assert!(kiosk.screen().contains("CONFIRMED BEFORE"));
    assert_eq!((kiosk.asked, card.verify_count(), kiosk.outbox.all().unwrap().len()), (1, 1, 1));
}

#[test]
fn a_wrong_pin_costs_one_try_and_the_last_one_is_not_spent_unasked() {
    let (mut kiosk, card, bytes) = (Kiosk::new(), world().card(0), world().order().encode());
    for left in [2, 1] {
        assert_eq!(code(kiosk.confirm(&bytes, &card, "87654321")), "pin-wrong");
        assert_eq!(card.pin_tries(), left);
    }
    assert_eq!(card.verify_count(), 2, "one for each time");
    // With one try left nobody is asked at all.
    assert_eq!(code(kiosk.confirm(&bytes, &card, PIN)), "pin-last-try");
    assert_eq!((kiosk.asked, card.verify_count(), card.pin_tries()), (2, 2, 1));
    kiosk.promised_nothing();
    kiosk.last_try = LastTry::Spend;
    kiosk.confirm(&bytes, &card, PIN).unwrap();
    assert!(kiosk.screen().contains("LAST try"));
    assert_eq!((card.verify_count(), card.pin_tries()), (3, 3));
}

#[test]
fn what_can_be_no_pin_costs_nothing() {
    let (mut kiosk, card, bytes) = (Kiosk::new(), world().card(0), world().order().encode());
    assert_eq!(code(kiosk.confirm(&bytes, &card, "1234")), "pin-malformed");
    assert!(matches!(kiosk.confirm(&bytes, &card, ""), Err(ConfirmError::NoPin(_))));
    assert_eq!((card.verify_count(), card.pin_tries()), (0, 3));
    kiosk.promised_nothing();
}

#[test]
fn no_pin_is_asked_for_by_a_chip_that_nobody_vouches_for() {
    let bytes = world().order().encode();
    let refused = |mut kiosk: Kiosk, card: &SoftCard, why: &str| {
        assert_eq!(code(kiosk.confirm(&bytes, card, PIN)), why);
        assert_eq!((kiosk.asked, card.verify_count()), (0, 0));
        kiosk.promised_nothing();
    };
    // A chip with somebody else's signed files.
    let mut copied = world().personalisation(0);
    let others = world().personalisation(1);
    let of_security_object = |identifier: u16| identifier == 0x1006;
    let genuine = others.files.into_iter().find(|file| of_security_object(file.identifier)).unwrap();
    let place = copied.files.iter_mut().find(|file| of_security_object(file.identifier)).unwrap();
    place.content = genuine.content;
    refused(Kiosk::new(), &SoftCard::new(copied, Chip::Gemalto, SystemEntropy).unwrap(), "file-altered");
    // A country that is not known here.
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, world().pki.root_der()).unwrap();
    trust.add_intermediate(world().pki.sub_ca_der()).unwrap();
    refused(Kiosk { trust, ..Kiosk::new() }, &world().card(0), "issuer-unknown");
    // A kiosk that takes no software cards.
    refused(Kiosk { trust: TrustStore::new(), ..Kiosk::new() }, &world().card(0), "test-certificate");
}

#[test]
fn nobody_signs_for_somebody_else() {
    let (mut kiosk, card) = (Kiosk::new(), world().card(1));
    let outcome = kiosk.confirm(&world().order().encode(), &card, PIN);
    assert!(matches!(outcome, Err(ConfirmError::OtherPayer)), "{outcome:?}");
    // A CIE 3 says whose it is only after its PIN.
    assert_eq!((card.verify_count(), card.pin_tries()), (1, 3));
    kiosk.promised_nothing();
}

#[test]
fn what_is_no_order_or_out_of_its_time_is_not_shown_to_a_card() {
    let (mut kiosk, card, bytes) = (Kiosk::new(), world().card(0), world().order().encode());
    let outcome = kiosk.confirm(&bytes[1..], &card, PIN);
    assert!(matches!(outcome, Err(ConfirmError::Order(OrderError::Domain))));
    assert!(kiosk.screen().is_empty());
    let outcome = kiosk.confirm_at(&bytes, &card, PIN, later(86_400));
    assert!(matches!(outcome, Err(ConfirmError::Time(TimeError::Expired))));
    assert_eq!((kiosk.asked, card.verify_count()), (0, 0));
    kiosk.promised_nothing();
}

#[test]
fn an_outbox_that_cannot_keep_promises_nothing() {
    let (mut kiosk, card, order) = (Kiosk::new(), world().card(0), world().order());
    kiosk.confirm(&order.encode(), &card, PIN).unwrap();
    // Another order with the same identifier: what was promised is not replaced.
    let other =
        crate::order::Draft { id: order.id(), channel: crate::channel::Channel::Web, ..world().draft() };
    let other = Order::new(other).unwrap();
    kiosk.screen.clear();
    let outcome = kiosk.confirm(&other.encode(), &card, PIN);
    let Err(ConfirmError::Outbox(error)) = outcome else { panic!("{outcome:?}") };
    assert!(error.to_string().ends_with("another order of this payer has the same identifier"), "{error}");
    assert!(!kiosk.screen().contains("CONFIRMED") && kiosk.outbox.all().unwrap().len() == 1);
    // A folder is no outbox, and neither is a ledger.
    let folder = tempfile::tempdir().unwrap();
    assert!(Outbox::open(folder.path()).is_err());
    let ledger: &Path = &folder.path().join("ledger.db");
    drop(crate::ledger::Ledger::open(ledger).unwrap());
    assert!(Outbox::open(ledger).is_err());
    std::fs::write(folder.path().join("text"), "somebody's text, longer than nothing").unwrap();
    assert!(Outbox::open(&folder.path().join("text")).is_err());
}

#[test]
fn the_screen_is_what_the_card_signs() {
    let (mut kiosk, card, order) = (Kiosk::new(), world().card(0), world().order());
    kiosk.confirm(&order.encode(), &card, PIN).unwrap();
    let signed = kiosk.outbox.signed(&order.encode()).unwrap().unwrap();
    let pending = signed.verify(&scene::world().trust(), now()).unwrap();
    assert!(kiosk.screen().starts_with(&crate::show::order(pending.order())));
}

/// A screen that breaks when it should show that the order is confirmed.
struct Broken;

impl io::Write for Broken {
    fn write(&mut self, shown: &[u8]) -> io::Result<usize> {
        let confirmed = String::from_utf8_lossy(shown).contains("CONFIRMED");
        if confirmed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(shown.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_confirmation_that_nobody_sees_is_kept_and_said_to_be() {
    let (mut kiosk, card, order) = (Kiosk::new(), world().card(0), world().order());
    let mut channel = Channel {
        trust: &kiosk.trust,
        outbox: &mut kiosk.outbox,
        last_try: LastTry::Refuse,
        clock: &FixedClock(now()),
        pin: &mut || Ok(scene::pin()),
        screen: &mut Broken,
    };
    let outcome = channel.confirm(&order.encode(), link(&card));
    assert!(matches!(outcome, Err(ConfirmError::Unshown(_))), "{outcome:?}");
    assert_eq!(state_of(&kiosk.outbox, &order), Some(State::Waiting));
}
