//! The ledger: each order once, each notice once, all of an order or nothing.

use std::time::Duration;

use cie::identity::FiscalCode;
use cie::trust::{self, Revocation, RevocationRules};

use crate::channel::Channel;
use crate::ledger::{Ledger, Refusal};
use crate::order::{Draft, Order, TimeError};
use crate::outbox::{Outbox, State};
use crate::present::{Offline, PresentError, Till};
use crate::scene::{CANTEEN, TAX, later, ledger, notice, now, numbered, presented, state_of, world};
use crate::signed::{SignedOrder, VerifyError};

fn signed(order: &Order) -> SignedOrder {
    world().sign(&order.encode())
}

#[test]
fn an_order_is_settled_once() {
    let (_folder, mut ledger) = ledger();
    let order = world().order();
    let signed = signed(&order);
    let receipt = world().settle(&mut ledger, &signed, now()).unwrap();
    assert_eq!((receipt.number, receipt.cents, receipt.is_test), (1, 132_206, true));
    assert_eq!((receipt.channel, receipt.order), (Channel::Kiosk, order.id()));
    // Again, at once and when its time is over: the same receipt, however old.
    for at in [now(), later(86_400 * 30)] {
        match world().settle(&mut ledger, &signed, at) {
            Err(PresentError::Refused(Refusal::SameOrder(earlier))) => assert_eq!(*earlier, receipt),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ledger.receipts().unwrap(), [receipt]);
}

#[test]
fn the_ledger_itself_refuses_what_gets_past_the_first_look() {
    let (_folder, mut ledger) = ledger();
    let order = world().order();
    let payable = |order: &Order, at| {
        let pending = signed(order).verify(&world().trust(), at).unwrap();
        pending.ask(&world().revocation(at, &[]), at).unwrap().finish(&[], at).unwrap()
    };
    let first = payable(&order, now());
    ledger.settle(&first, now()).unwrap();
    assert!(matches!(ledger.settle(&first, now()), Err(Refusal::SameOrder(_))));
    // Another order with the same identifier is not taken for it.
    let other =
        Draft { id: order.id(), channel: Channel::Web, notices: vec![numbered(1)], ..world().draft() };
    let other = payable(&Order::new(other).unwrap(), now());
    assert!(matches!(ledger.settle(&other, now()), Err(Refusal::OtherOrder(receipt)) if receipt.number == 1));
    // An order that expired between its verification and now, or a certificate that nobody asked about since.
    let third = payable(&world().order_of(vec![numbered(2)]), now());
    assert!(matches!(ledger.settle(&third, later(86_400)), Err(Refusal::Time(TimeError::Expired))));
    let long = Draft { until: later(86_400 * 3), notices: vec![numbered(3)], ..world().draft() };
    let fourth = payable(&Order::new(long).unwrap(), now());
    assert!(matches!(ledger.settle(&fourth, later(86_400 * 2)), Err(Refusal::Stale)));
    assert_eq!(ledger.receipts().unwrap().len(), 1);
}

#[test]
fn all_notices_of_an_order_or_none() {
    let (_folder, mut ledger) = ledger();
    world().settle(&mut ledger, &signed(&world().order_of(vec![notice(TAX, 5)])), now()).unwrap();
    // The second notice of this order was paid, in another channel and with another amount.
    let both = signed(&world().order_of(vec![notice(CANTEEN, 8_750), notice(TAX, 123_456)]));
    match world().settle(&mut ledger, &both, now()) {
        Err(PresentError::Refused(Refusal::Notice { number, creditor, receipt })) => {
            assert_eq!((number.as_str(), creditor.as_str(), receipt.number), (TAX.0, TAX.1, 1));
        }
        other => panic!("{other:?}"),
    }
    // So the first one was not, and can be.
    let receipt =
        world().settle(&mut ledger, &signed(&world().order_of(vec![notice(CANTEEN, 8_750)])), now());
    assert_eq!(receipt.unwrap().cents, 8_750);
    // The same number of another creditor is another notice.
    world()
        .settle(&mut ledger, &signed(&world().order_of(vec![notice((TAX.0, CANTEEN.1), 1)])), now())
        .unwrap();
    assert_eq!(ledger.receipts().unwrap().len(), 3);
}

#[test]
fn a_revoked_card_pays_nothing_and_an_unknown_status_waits() {
    let (folder, mut ledger) = ledger();
    let order = world().order();
    let signed = signed(&order);
    let trust = world().trust();
    let pending = signed.verify(&trust, now()).unwrap();
    let mut outbox = Outbox::open(&folder.path().join("outbox.db")).unwrap();
    outbox.keep(&pending, now()).unwrap();
    let present = |revocation: &Revocation, ledger: &mut Ledger, outbox: &mut Outbox, at| {
        let mut till = Till { trust: &trust, revocation, fetch: &Offline, ledger };
        presented(&mut till, outbox, at).pop().unwrap().outcome
    };
    // Without a list nothing is known: the order goes on waiting.
    let none = Revocation::new(&world().trust(), RevocationRules::default());
    let error = present(&none, &mut ledger, &mut outbox, now()).unwrap_err();
    assert!(
        matches!(error, PresentError::Status(trust::Error::StatusUnavailable { .. })) && error.may_pass()
    );
    assert_eq!(state_of(&outbox, &order), Some(State::Waiting));
    // A clock that went back is no reason to break a promise either: to before the order, or before its card.
    for wrong in [now() - Duration::from_secs(301), now() - Duration::from_secs(86_400 * 365)] {
        let error = present(&none, &mut ledger, &mut outbox, wrong).unwrap_err();
        assert!(matches!(error, PresentError::Verify(_)) && error.may_pass(), "{error}");
    }
    // With a list that revokes it, the citizen has to be told.
    let revoked = world().revocation(now(), &[signed.certificate_der()]);
    let error = present(&revoked, &mut ledger, &mut outbox, now()).unwrap_err();
    assert!(matches!(error, PresentError::Status(trust::Error::Revoked(_))) && !error.may_pass());
    assert!(
        matches!(state_of(&outbox, &order), Some(State::Refused(reason)) if reason.contains("revoked") && reason.contains("revocato"))
    );
    assert!(ledger.receipts().unwrap().is_empty());
}

#[test]
fn an_expired_order_is_kept_and_said_to_be_refused() {
    let (folder, mut ledger) = ledger();
    let (order, trust) = (world().order(), world().trust());
    let mut outbox = Outbox::open(&folder.path().join("outbox.db")).unwrap();
    outbox.keep(&signed(&order).verify(&trust, now()).unwrap(), now()).unwrap();
    let late = later(86_400);
    let revocation = world().revocation(late, &[]);
    let mut till = Till { trust: &trust, revocation: &revocation, fetch: &Offline, ledger: &mut ledger };
    let outcome = presented(&mut till, &mut outbox, late).pop().unwrap().outcome;
    let expired = PresentError::Verify(VerifyError::Time(TimeError::Expired));
    assert_eq!(outcome.unwrap_err().to_string(), expired.to_string());
    assert_eq!(
        state_of(&outbox, &order),
        Some(State::Refused("l'ordine è scaduto / the order has expired".to_owned()))
    );
    // It is asked about no more.
    assert!(presented(&mut till, &mut outbox, late).is_empty());
}

#[test]
fn a_receipt_that_got_lost_is_found_again() {
    let (folder, mut ledger) = ledger();
    let (order, trust) = (world().order(), world().trust());
    let signed = signed(&order);
    let mut outbox = Outbox::open(&folder.path().join("outbox.db")).unwrap();
    outbox.keep(&signed.verify(&trust, now()).unwrap(), now()).unwrap();
    // The ledger settled it, and the channel went down before it heard of that. Since then the order has expired and the
    // card was revoked.
    world().settle(&mut ledger, &signed, now()).unwrap();
    let late = later(86_400 * 2);
    let revocation = world().revocation(late, &[signed.certificate_der()]);
    let mut till = Till { trust: &trust, revocation: &revocation, fetch: &Offline, ledger: &mut ledger };
    assert_eq!(presented(&mut till, &mut outbox, late).pop().unwrap().outcome.unwrap().number, 1);
    assert_eq!(state_of(&outbox, &order), Some(State::Settled(1)));
}

#[test]
fn nobody_else_can_use_up_an_identifier() {
    let (_folder, mut ledger) = ledger();
    let order = world().order();
    // Somebody has seen a pending order, and settles one with its identifier for a cent, with a card of their own.
    let payer = FiscalCode::parse(&world().citizens[1].fiscal_code).unwrap();
    let draft =
        Draft { id: order.id(), payer, notices: vec![notice((TAX.0, CANTEEN.1), 1)], ..world().draft() };
    let other = world().sign_by(1, &Order::new(draft).unwrap().encode());
    assert_eq!(world().settle(&mut ledger, &other, now()).unwrap().number, 1);
    assert_eq!(world().settle(&mut ledger, &signed(&order), now()).unwrap().number, 2);
    // Its receipt is found by what was signed, not by the identifier.
    let [theirs, own] =
        [&other, &signed(&order)].map(|signed| ledger.receipt_of(signed.order_bytes()).unwrap());
    assert_eq!((theirs.unwrap().number, own.unwrap().number), (1, 2));
}
