//! What becomes of promises: refused and paid after all, damaged, or somebody else's order in their place.

use std::path::PathBuf;

use cie::crypto::SystemEntropy;
use cie::emulator::pki::TestPki;
use cie::trust::TrustStore;
use rusqlite::Connection;

use crate::ledger::Ledger;
use crate::order::{Draft, Order};
use crate::outbox::{Outbox, State};
use crate::present::{Offline, PresentError, Presented, Till};
use crate::scene::{later, notice, now, numbered, presented, state_of, trust_of, world};
use crate::signed::SignedOrder;

struct Desk {
    _folder: tempfile::TempDir,
    file: PathBuf,
    outbox: Outbox,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outbox.db");
        let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
        Self { outbox: Outbox::open(&file).unwrap(), file, ledger, _folder: folder }
    }

    fn promise(&mut self, order: &Order) -> SignedOrder {
        let signed = world().sign(&order.encode());
        self.outbox.keep(&signed.verify(&world().trust(), now()).unwrap(), now()).unwrap();
        signed
    }

    fn present(&mut self, trust: &TrustStore, at: std::time::SystemTime) -> Vec<Presented> {
        let revocation = world().revocation(at, &[]);
        let mut till = Till { trust, revocation: &revocation, fetch: &Offline, ledger: &mut self.ledger };
        presented(&mut till, &mut self.outbox, at)
    }

    /// As another program may change the file.
    fn execute(&self, sql: &str) {
        assert_eq!(Connection::open(&self.file).unwrap().execute(sql, ()).unwrap(), 1, "{sql}");
    }
}

#[test]
fn a_receipt_is_worth_more_than_a_refusal() {
    let (mut desk, order) = (Desk::new(), world().order());
    let signed = desk.promise(&order);
    // A clock that is a day ahead for once.
    let refused = desk.present(&world().trust(), later(86_400)).pop().unwrap();
    assert!(refused.is_test && refused.outcome.is_err());
    assert!(matches!(state_of(&desk.outbox, &order), Some(State::Refused(_))));
    assert!(desk.present(&world().trust(), now()).is_empty(), "what is refused is not presented again");
    // Somebody settles it by hand, and the channel hears of it.
    world().settle(&mut desk.ledger, &signed, now()).unwrap();
    let settled = desk.present(&world().trust(), now()).pop().unwrap();
    assert_eq!(settled.outcome.unwrap().number, 1);
    assert_eq!(state_of(&desk.outbox, &order), Some(State::Settled(1)));
    assert!(desk.present(&world().trust(), now()).is_empty());
    assert!(desk.outbox.mark_refused(signed.order_bytes(), "late").is_err(), "no refusal after a receipt");
}

#[test]
fn a_wrong_folder_of_anchors_breaks_no_promise() {
    let (mut desk, order) = (Desk::new(), world().order());
    desk.promise(&order);
    let foreign = trust_of(&TestPki::generate(&mut SystemEntropy, now()).unwrap());
    for wrong in [TrustStore::new(), TrustStore::new().allow_test_pki(), foreign] {
        let error = desk.present(&wrong, now()).pop().unwrap().outcome.unwrap_err();
        assert!(matches!(error, PresentError::Verify(_)) && error.may_pass(), "{error}");
        assert_eq!(state_of(&desk.outbox, &order), Some(State::Waiting));
    }
    assert!(desk.present(&world().trust(), now()).pop().unwrap().outcome.is_ok());
}

#[test]
fn a_receipt_is_noted_for_the_order_that_was_signed_only() {
    let (mut desk, order) = (Desk::new(), world().order());
    desk.promise(&order);
    let cheap = world().sign(&world().order_of(vec![notice(crate::scene::TAX, 1)]).encode());
    let receipt = world().settle(&mut desk.ledger, &cheap, now()).unwrap();
    // The cheap order in the place of the other one, by the same payer.
    desk.execute(&format!("UPDATE confirmed SET signed = '{}'", cheap.to_json().unwrap()));
    let outcome = desk.present(&world().trust(), now()).pop().unwrap().outcome;
    assert!(matches!(outcome, Err(PresentError::Outbox(_))), "{outcome:?}");
    assert!(desk.outbox.find(&order).is_err(), "nobody is told that it was paid");
    assert!(desk.outbox.mark_settled(&order.encode(), &receipt).is_err(), "another order's receipt");
    assert!(
        desk.outbox.mark_settled(cheap.order_bytes(), &receipt).is_err(),
        "an order that is not in there"
    );
    // The receipt of an order that has its identifier as well.
    let draft = Draft { id: order.id(), notices: vec![numbered(1)], ..world().draft() };
    let same_id = world().sign(&Order::new(draft).unwrap().encode());
    let receipt_of_same_id = world().settle(&mut desk.ledger, &same_id, now()).unwrap();
    assert_eq!(receipt_of_same_id.order, order.id());
    assert!(desk.outbox.mark_settled(&order.encode(), &receipt_of_same_id).is_err());
    // With the other one's identifier.
    let mut desk = Desk::new();
    desk.promise(&order);
    desk.execute(&format!("UPDATE confirmed SET order_id = '{}'", receipt.order));
    let outcome = desk.present(&world().trust(), now()).pop().unwrap().outcome;
    assert!(matches!(outcome, Err(PresentError::Outbox(_))), "{outcome:?}");
    assert_eq!(desk.ledger.receipts().unwrap().len(), 0);
}

#[test]
fn a_damaged_row_does_not_keep_the_others_waiting() {
    let mut desk = Desk::new();
    let orders = [1, 2, 3].map(|number| world().order_of(vec![numbered(number)]));
    orders.iter().for_each(|order| drop(desk.promise(order)));
    let id = orders[1].id().to_string();
    desk.execute(&format!("UPDATE confirmed SET signed = '{{' WHERE order_id = '{id}'"));
    let all = desk.present(&world().trust(), now());
    assert_eq!(all.len(), 3);
    for presented in all {
        assert_eq!(presented.outcome.is_err(), presented.id == id);
    }
    assert_eq!(desk.ledger.receipts().unwrap().len(), 2);
    let damaged = desk.outbox.all().unwrap().into_iter().filter(|kept| kept.signed.is_err());
    assert_eq!(damaged.map(|kept| kept.id).collect::<Vec<_>>(), [id]);
}
