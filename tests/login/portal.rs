//! A portal with a clock of its own, and citizens before it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cie::card;
use cie::emulator::SoftCard;
use cie::emulator::entropy::Seeded;
use cie::emulator::pki::{Authority, ListProfile};
use cie::environment::Clock;
use cie::login::store::{MemoryStore, SessionId};
use cie::login::{AuditEvent, AuthToken, Nonce, Origin, RelyingParty};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{AnchorPurpose, HolderPolicy, Revocation, RevocationRules, TrustStore};

use crate::common::{demo, now, trust};
use crate::lists::Net;
use crate::pki::World;

pub const ORIGIN: &str = "https://portale.comune.example.it";
pub const DAY: Duration = Duration::from_secs(86_400);

pub fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

pub fn session(name: &str) -> SessionId {
    SessionId::new(format!("a session of the portal, {name}")).unwrap()
}

/// A clock that a test moves on.
#[derive(Clone)]
pub struct Hands(Arc<Mutex<SystemTime>>);

impl Hands {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(now())))
    }

    pub fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// The lists of the demo PKI, revoking these certificates.
pub fn lists(revoked: &[&[u8]]) -> Vec<Vec<u8>> {
    let list = |authority| {
        let list = ListProfile { revoked, number: 1, this_update: now(), next_update: now() + 7 * DAY };
        demo().pki.revocation_list(authority, &list, &mut Seeded::new(3)).unwrap()
    };
    vec![list(Authority::Root), list(Authority::SubCa)]
}

/// A portal, its clock and what it wrote down.
pub struct Portal {
    pub party: RelyingParty,
    pub clock: Hands,
    pub log: Arc<Mutex<Vec<AuditEvent>>>,
}

impl Portal {
    /// With the lists of the demo PKI.
    pub fn new() -> Self {
        let portal = Self::with(trust(), HolderPolicy::default());
        portal.give(&lists(&[]));
        portal
    }

    /// Without any list.
    pub fn with(trust: TrustStore, policy: HolderPolicy) -> Self {
        Self::on(trust, policy, RevocationRules::default(), &Net::new())
    }

    /// One that trusts the little PKI and fetches its lists.
    pub fn of(world: &World) -> Self {
        Self::at(world, &Net::of(world))
    }

    /// The same, on this network.
    pub fn at(world: &World, net: &Net) -> Self {
        Self::on(world.trust(), HolderPolicy::default(), RevocationRules::default(), net)
    }

    pub fn on(trust: TrustStore, policy: HolderPolicy, rules: RevocationRules, net: &Net) -> Self {
        let (clock, log) = (Hands::new(), Arc::new(Mutex::new(Vec::new())));
        let written = Arc::clone(&log);
        let revocation = Revocation::new(&trust, rules);
        let party = RelyingParty::builder(origin(), trust, MemoryStore::new())
            .accept(policy)
            .revocation(revocation)
            .fetch(net.clone())
            .clock(clock.clone())
            .audit(move |event: &AuditEvent| written.lock().unwrap().push(event.clone()))
            .finish();
        Self { party, clock, log }
    }

    pub fn give(&self, lists: &[Vec<u8>]) {
        lists.iter().for_each(|list| self.party.revocation().add_list(list).unwrap());
    }
}

/// A store that trusts the demo PKI for every kind of card.
pub fn trust_of_all() -> TrustStore {
    let mut trust = trust();
    for purpose in [AnchorPurpose::Cns, AnchorPurpose::FirstGenerations] {
        trust.add_anchor(purpose, demo().pki.root_der()).unwrap();
    }
    trust
}

/// The citizen's side: the card on a reader, the PIN typed, the challenge answered.
pub fn answer(card: &SoftCard, origin: &Origin, nonce: &Nonce) -> AuthToken {
    let session = card::open(card.insert()).unwrap().open_session().unwrap();
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = session.verify_pin(&pin, LastTry::Refuse).unwrap();
    AuthToken::create(&mut unlocked.signer().unwrap(), origin, nonce).unwrap()
}
