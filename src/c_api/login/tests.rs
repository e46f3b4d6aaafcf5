//! Whom a portal refuses, and by which number: real logins of software cards.

use std::time::{Duration, SystemTime};

use super::trust::CIE_ALLOW_LEGACY;
use super::*;
use crate::card::{self, Card};
use crate::emulator::SoftCard;
use crate::emulator::citizen::Citizen;
use crate::emulator::contact::{IssueOptions, Model, issue};
use crate::emulator::entropy::Seeded;
use crate::emulator::pki::{TestPki, pem};
use crate::environment::FixedClock;
use crate::pin::LastTry;
use crate::secret::Typed;
use crate::trust::{AnchorPurpose, TrustStore, one_certificate};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn origin(text: &str) -> Origin {
    Origin::parse(text).unwrap()
}

/// A portal that takes what the options say, and what comes of a login with a card that answers for an origin.
fn refused(
    pki: &TestPki,
    soft: &SoftCard,
    options: &cie_party_options,
    origin_of_card: &str,
) -> Option<(cie_result, String)> {
    let mut trust = TrustStore::new().allow_test_pki();
    for purpose in [AnchorPurpose::Holder, AnchorPurpose::Cns, AnchorPurpose::FirstGenerations] {
        trust.add_anchor(purpose, pki.root_der()).unwrap();
    }
    trust.add_intermediate(pki.sub_ca_der()).unwrap();
    let builder = RelyingParty::builder(origin("https://portal.example"), trust, MemoryStore::new());
    let party = builder.accept(policy(options).unwrap()).clock(FixedClock(now())).finish();
    let session = SessionId::new([7; 32]).unwrap();
    let nonce = party.challenge(&session).unwrap();
    let Card::Contact(session_of_card) = card::open(soft.insert()).unwrap() else { return None };
    let ready = card::Session::Contact(session_of_card);
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = ready.verify_pin(&pin, LastTry::Refuse).unwrap();
    let token = AuthToken::create(&mut unlocked.signer().unwrap(), &origin(origin_of_card), &nonce).unwrap();
    let fault = party.begin(&session, token.to_json().as_bytes()).map(drop).map_err(Fault::from).err()?;
    Some((fault.number(), fault.detail()))
}

/// Not accepted, too old, and for somebody else: three numbers, none of which says that the card is bad.
#[test]
fn a_good_card_is_not_called_bad() {
    use crate::c_api::result::{CIE_CARD_NOT_ACCEPTED, CIE_CERTIFICATE_WEAK, CIE_WRONG_SIGNATURE};
    let pki = TestPki::generate(&mut Seeded::new(2027), now()).unwrap();
    let made = |model| {
        let (citizen, options) = (Citizen::demo(), IssueOptions::default());
        let issued = issue(&pki, &citizen, model, &options, &mut Seeded::new(2), now()).unwrap();
        SoftCard::new_contact(issued.personalisation, model, Seeded::new(3)).unwrap()
    };
    let (cns, cie2) = (made(Model::Cns11), made(Model::Cie2));
    let options = |accept, flags| cie_party_options { accept, flags, ..Default::default() };
    let here = "https://portal.example";
    let all = CIE_ACCEPT_CIE3 | CIE_ACCEPT_CNS | CIE_ACCEPT_FIRST_GENERATIONS;
    for (card, accept, flags, at, expected, said) in [
        (&cns, CIE_ACCEPT_CNS, 0, here, None, ""),
        (&cns, 0, 0, here, Some(CIE_CARD_NOT_ACCEPTED), "not taken here: cns"),
        (&cns, CIE_ACCEPT_FIRST_GENERATIONS, 0, here, Some(CIE_CARD_NOT_ACCEPTED), "not taken here: cns"),
        (&cns, all, 0, "https://other.example", Some(CIE_WRONG_SIGNATURE), "signature"),
        (&cie2, all, 0, here, Some(CIE_CERTIFICATE_WEAK), "too weak"),
        (&cie2, all, CIE_ALLOW_LEGACY, here, None, ""),
    ] {
        let outcome = refused(&pki, card, &options(accept, flags), at);
        assert_eq!(
            outcome.as_ref().map(|(number, _)| *number),
            expected,
            "{accept} {flags} {at}: {outcome:?}"
        );
        assert!(outcome.is_none_or(|(_, detail)| detail.contains(said)), "{said}");
    }
}

#[test]
fn options_of_a_portal_that_mean_nothing_are_named() {
    for (options, name) in [
        (cie_party_options { accept: 8, ..Default::default() }, "accept"),
        (cie_party_options { flags: 1, ..Default::default() }, "flags"),
        (cie_party_options { client_authentication: 3, ..Default::default() }, "client_authentication"),
    ] {
        let detail = policy(&options).unwrap_err().detail();
        assert_eq!(detail.split(':').next(), Some(name), "{detail}");
    }
}

/// The same certificate, however it is given; of several nobody knows which was meant.
#[test]
fn a_certificate_is_der_or_pem() {
    let pki = TestPki::generate(&mut Seeded::new(2028), now()).unwrap();
    let (root, below) = (pki.root_der(), pki.sub_ca_der());
    let text = pem(root).unwrap();
    assert_eq!(one_certificate(root).unwrap(), root);
    assert_eq!(one_certificate(text.as_bytes()).unwrap(), root);
    assert_eq!(one_certificate(format!("Subject: a root\n{text}").as_bytes()).unwrap(), root);
    let two = format!("{text}{}", pem(below).unwrap());
    let list = text.replace("CERTIFICATE", "X509 CRL");
    for none in [two.as_bytes(), b"", b"nothing", &root[..root.len() - 1], list.as_bytes()] {
        let taken =
            one_certificate(none).and_then(|der| TrustStore::new().allow_test_pki().add_intermediate(&der));
        assert!(taken.is_err());
    }
}
