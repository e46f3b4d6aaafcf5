//! Whoever should get in gets in: every kind of card that the portal takes.

use cie::emulator::contact::Model;
use cie::identity::FiscalCode;
use cie::trust::{CertifiedCard, HolderPolicy, Proof, StatusSource};

use crate::common::contact::contact_card;
use crate::common::{CHIPS, card, demo, now};
use crate::portal::{DAY, Portal, answer, lists, origin, session, trust_of_all};

#[test]
fn a_citizen_with_a_cie_gets_in() {
    for chip in CHIPS {
        let portal = Portal::new();
        let nonce = portal.party.challenge(&session("a")).unwrap();
        let token = answer(&card(chip), &origin(), &nonce).to_json();
        let citizen = portal.party.verify(&session("a"), token.as_bytes()).unwrap();
        let invented = &demo().citizen;
        assert_eq!(citizen.fiscal_code(), &FiscalCode::parse(&invented.fiscal_code).unwrap());
        assert_eq!(citizen.surname(), Some(invented.person.surname.as_str()));
        assert_eq!(citizen.given_names(), Some(invented.person.given_names.as_str()));
        assert_eq!(citizen.card_number(), Some(invented.document_number.as_str()));
        assert_eq!(citizen.card(), Some(CertifiedCard::Cie3));
        assert!(citizen.is_test() && !citizen.is_legacy());
        let proof = citizen.proof();
        assert_eq!(proof.statuses().len(), 2);
        assert!(proof.statuses().iter().all(|status| status.source == StatusSource::List));
        assert_eq!((proof.good_until(), proof.checked_at()), (now() + 7 * DAY, now()));
        assert_eq!(proof.path().path().len(), 3);
        assert_eq!(format!("{citizen:?}"), "Citizen(.., test)");
    }
}

#[test]
fn a_portal_names_the_cards_that_it_takes() {
    let policy = HolderPolicy::of(CertifiedCard::Cie3)
        .and(CertifiedCard::Cns)
        .and(CertifiedCard::FirstGenerations)
        .allow_legacy_cryptography();
    let portal = Portal::with(trust_of_all(), policy);
    portal.give(&lists(&[]));
    for (model, kind, is_legacy) in [
        (Model::Cns11, CertifiedCard::Cns, false),
        (Model::Cns10, CertifiedCard::Cns, true),
        (Model::Cie2, CertifiedCard::FirstGenerations, true),
    ] {
        let nonce = portal.party.challenge(&session("a")).unwrap();
        let token = answer(&contact_card(model), &origin(), &nonce).to_json();
        let citizen = portal.party.verify(&session("a"), token.as_bytes()).unwrap();
        assert_eq!(citizen.fiscal_code().as_str(), demo().citizen.fiscal_code, "{model}");
        assert_eq!((citizen.card(), citizen.is_legacy()), (Some(kind), is_legacy), "{model}");
        assert!(citizen.card_number().is_some(), "{model}");
    }
}
