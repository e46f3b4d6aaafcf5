//! The login of a municipality's portal: who has a CIE 3, a CNS (a health card, say) or an identity card of the first
//! generations may come in; a token that somebody sends a second time may not.
//!
//! Run:   cargo run --release --features emulator --example municipal_login
//! Check: three citizens come in, the replay is refused, and the log names nobody.
//!
//! The citizens are software cards here, and the lists of their test PKI are handed over instead of fetched. A real
//! portal differs in three lines: `TrustStore::load_italian` in place of the test's roots, no `allow_test_pki`, and a
//! `Fetch` for the lists. See docs/portal.md.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::time::{Duration, SystemTime};

use cie::card;
use cie::crypto::SystemEntropy;
use cie::emulator::contact::{self, Model};
use cie::emulator::issue::demo_card;
use cie::emulator::pki::{Authority, ListProfile, TestPki};
use cie::emulator::{Chip, SoftCard};
use cie::environment::Entropy;
use cie::login::store::{MemoryStore, SessionId};
use cie::login::{AuditEvent, AuthToken, Nonce, Origin, RelyingParty};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{AnchorPurpose, CertifiedCard, HolderPolicy, TrustStore};

fn main() -> Result<(), Box<dyn Error>> {
    println!("making an invented citizen with three software cards …");
    let now = SystemTime::now();
    let (pki, citizen, cie3) = demo_card(&mut SystemEntropy, now)?;
    let issue = |model| {
        let issued = contact::issue(&pki, &citizen, model, &Default::default(), &mut SystemEntropy, now)?;
        Ok::<_, Box<dyn Error>>(SoftCard::new_contact(issued.personalisation, model, SystemEntropy)?)
    };
    let cards = [
        ("CIE 3", SoftCard::new(cie3, Chip::Gemalto, SystemEntropy)?),
        ("CNS", issue(Model::Cns11)?),
        ("CIE 2", issue(Model::Cie2)?),
    ];
    let portal = portal(&pki, now)?;

    for (name, card) in &cards {
        println!("\n{name}:");
        // The page asks for a challenge; the session is the one of its cookie.
        let session = new_session()?;
        let nonce = portal.challenge(&session)?;
        // The citizen's program answers it, for the origin that the browser names.
        let token = answer(card, portal.origin(), &nonce)?;
        // The page posts the answer.
        let citizen = portal.verify(&session, token.to_json().as_bytes())?;
        println!(
            "  welcome, {} {} ({}){}",
            citizen.given_names().unwrap_or_default(),
            citizen.surname().unwrap_or_default(),
            citizen.fiscal_code().as_str(),
            if citizen.is_test() { " - TEST - NOT A REAL CARD" } else { "" }
        );
        // Somebody who saw the token posts it once more.
        match portal.verify(&session, token.to_json().as_bytes()) {
            Ok(_) => return Err("a token was taken twice".into()),
            Err(error) => println!("  the same token again: {error}"),
        }
    }
    Ok(())
}

/// The portal's side, made once when the server starts.
fn portal(pki: &TestPki, now: SystemTime) -> Result<RelyingParty, Box<dyn Error>> {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, pki.root_der())?;
    trust.add_anchor(AnchorPurpose::Cns, pki.root_der())?;
    trust.add_anchor(AnchorPurpose::FirstGenerations, pki.root_der())?;
    trust.add_intermediate(pki.sub_ca_der())?;

    // The first identity cards have keys of 1024 bits: to take them is a decision, and the log tells each time.
    let policy = HolderPolicy::of(CertifiedCard::Cie3)
        .and(CertifiedCard::Cns)
        .and(CertifiedCard::FirstGenerations)
        .allow_legacy_cryptography();
    let origin = Origin::parse("https://portale.comune.example.it")?;
    let portal = RelyingParty::builder(origin, trust, MemoryStore::new())
        .accept(policy)
        .audit(|event: &AuditEvent| println!("  log: {:?}", event.outcome))
        .finish();

    let next_update = now + Duration::from_secs(86_400);
    let list = ListProfile { revoked: &[], number: 1, this_update: now, next_update };
    for authority in [Authority::Root, Authority::SubCa] {
        portal.revocation().add_list(&pki.revocation_list(authority, &list, &mut SystemEntropy)?)?;
    }
    Ok(portal)
}

/// The citizen's side: the card is on the reader, the PIN typed.
fn answer(card: &SoftCard, origin: &Origin, nonce: &Nonce) -> Result<AuthToken, Box<dyn Error>> {
    let session = card::open(card.insert())?.open_session()?;
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = session.verify_pin(&pin, LastTry::Refuse).map_err(cie::Error::from)?;
    Ok(AuthToken::create(&mut unlocked.signer()?, origin, nonce)?)
}

/// The identifier of a browser's session, as it stands in its cookie: drawn, and nobody else's.
fn new_session() -> Result<SessionId, Box<dyn Error>> {
    let mut drawn = [0; 16];
    SystemEntropy.draw("session", &mut drawn)?;
    Ok(SessionId::new(drawn)?)
}
