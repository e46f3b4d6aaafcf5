//! Two invented citizens of one test PKI, and what they order.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use cie::card;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, SystemEntropy};
use cie::emulator::citizen::Citizen;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::{Authority, ListProfile, TestPki};
use cie::emulator::{Chip, SoftCard};
use cie::environment::{FixedClock, moment};
use cie::identity::FiscalCode;
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::transport::Link;
use cie::trust::{AnchorPurpose, Revocation, RevocationRules, TrustStore};

use crate::channel::Channel;
use crate::ledger::Ledger;
use crate::notice::{Cents, Creditor, Notice, NoticeNumber};
use crate::order::{Draft, Order, OrderId};
use crate::outbox::{Outbox, State};
use crate::present::{Offline, PresentError, Presented, Till};
use crate::signed::SignedOrder;
use crate::text::Text;

/// Numbers that pagoPA S.p.A. uses as examples of its QR code, each with its creditor: the tests of
/// io-pagopa-commons, `src/__tests__/pagopa.test.ts`.
pub(crate) const TAX: (&str, &str) = ("302032002700000251", "03334231200");
pub(crate) const CANTEEN: (&str, &str) = ("001721265093769322", "00087640256");

pub(crate) const PIN: &str = "12345678";

pub(crate) struct World {
    pub(crate) pki: TestPki,
    /// The payer, and somebody else.
    pub(crate) citizens: [Citizen; 2],
    cards: [Personalisation; 2],
}

/// Made once: keys take their time.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let pki = TestPki::generate(&mut SystemEntropy, now()).unwrap();
        let citizens = [Citizen::numbered(0), Citizen::numbered(1)];
        let card =
            |citizen| issue(&pki, citizen, &IssueOptions::default(), &mut SystemEntropy, now()).unwrap();
        let cards = [card(&citizens[0]), card(&citizens[1])];
        World { pki, citizens, cards }
    })
}

pub(crate) fn now() -> SystemTime {
    moment::parse("2026-01-01T10:00:00Z").unwrap()
}

pub(crate) fn later(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

impl World {
    pub(crate) fn personalisation(&self, whose: usize) -> Personalisation {
        self.cards[whose].clone()
    }

    pub(crate) fn card(&self, whose: usize) -> SoftCard {
        SoftCard::new(self.personalisation(whose), Chip::Gemalto, SystemEntropy).unwrap()
    }

    pub(crate) fn trust(&self) -> TrustStore {
        trust_of(&self.pki)
    }

    /// What the authorities say at this moment, of whom they revoked.
    pub(crate) fn revocation(&self, at: SystemTime, revoked: &[&[u8]]) -> Revocation {
        let revocation = Revocation::new(&self.trust(), RevocationRules::default());
        let next_update = at + Duration::from_secs(86_400);
        for authority in [Authority::Root, Authority::SubCa] {
            let revoked = if authority == Authority::SubCa { revoked } else { &[] };
            let list = ListProfile { revoked, number: 1, this_update: at, next_update };
            let list = self.pki.revocation_list(authority, &list, &mut SystemEntropy).unwrap();
            revocation.add_list(&list).unwrap();
        }
        revocation
    }

    pub(crate) fn payer(&self) -> FiscalCode {
        FiscalCode::parse(&self.citizens[0].fiscal_code).unwrap()
    }

    pub(crate) fn draft(&self) -> Draft {
        Draft {
            id: OrderId::draw(&mut SystemEntropy).unwrap(),
            channel: Channel::Kiosk,
            payer: self.payer(),
            issued: now(),
            until: later(86_400),
            notices: vec![notice(TAX, 123_456), notice(CANTEEN, 8_750)],
        }
    }

    pub(crate) fn order(&self) -> Order {
        Order::new(self.draft()).unwrap()
    }

    /// An order over these notices.
    pub(crate) fn order_of(&self, notices: Vec<Notice>) -> Order {
        Order::new(Draft { notices, ..self.draft() }).unwrap()
    }

    /// Signed by the payer, without any of the example's own care.
    pub(crate) fn sign(&self, bytes: &[u8]) -> SignedOrder {
        self.sign_by(0, bytes)
    }

    pub(crate) fn sign_by(&self, whose: usize, bytes: &[u8]) -> SignedOrder {
        self.with_signer(whose, |signer| {
            let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
            let signature = signer.sign(Purpose::Document, &digest).unwrap();
            SignedOrder::new(bytes.to_vec(), signer.certificate(), signature)
        })
    }

    pub(crate) fn with_signer<T>(
        &self,
        whose: usize,
        work: impl FnOnce(&mut card::HolderSigner<'_>) -> T,
    ) -> T {
        let session = card::open(link(&self.card(whose))).unwrap().open_session().unwrap();
        let mut unlocked = session.verify_pin(&pin(), LastTry::Refuse).unwrap();
        work(&mut unlocked.signer().unwrap())
    }

    /// What the ledger says of a signed order, the lists being fresh.
    pub(crate) fn settle(
        &self,
        ledger: &mut Ledger,
        signed: &SignedOrder,
        at: SystemTime,
    ) -> Result<crate::ledger::Receipt, PresentError> {
        let (trust, revocation) = (self.trust(), self.revocation(at, &[]));
        Till { trust: &trust, revocation: &revocation, fetch: &Offline, ledger }.settle(signed, at)
    }
}

pub(crate) fn trust_of(pki: &TestPki) -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, pki.root_der()).unwrap();
    trust.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
    trust.add_intermediate(pki.sub_ca_der()).unwrap();
    trust
}

/// The card on a reader whose clock shows the moment of the tests.
pub(crate) fn link(card: &SoftCard) -> Link {
    card.insert_with(SystemEntropy, FixedClock(now()))
}

pub(crate) fn pin() -> Typed {
    Typed::new(PIN.to_owned())
}

pub(crate) fn notice((number, creditor): (&str, &str), cents: u64) -> Notice {
    Notice {
        number: NoticeNumber::parse(number).unwrap(),
        creditor: Creditor::parse(creditor).unwrap(),
        amount: Cents::new(cents).unwrap(),
        name: Text::parse("Comune di Esempio").unwrap(),
        reason: Text::parse("TARI 2026, rata unica").unwrap(),
    }
}

/// Nobody's notice, with right check digits.
pub(crate) fn numbered(number: u64) -> Notice {
    let base = format!("301{number:013}");
    let check = base.parse::<u64>().unwrap() % 93;
    notice((&format!("{base}{check:02}"), TAX.1), 100 + number % 1000)
}

/// A ledger in a folder of its own.
pub(crate) fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    (folder, ledger)
}

/// What becomes of the orders of an outbox.
pub(crate) fn presented(till: &mut Till<'_>, outbox: &mut Outbox, at: SystemTime) -> Vec<Presented> {
    let mut all = Vec::new();
    till.present(outbox, at, &mut |presented| all.push(presented)).unwrap();
    all
}

pub(crate) fn state_of(outbox: &Outbox, order: &Order) -> Option<State> {
    outbox.find(order).unwrap().map(|kept| kept.state)
}
