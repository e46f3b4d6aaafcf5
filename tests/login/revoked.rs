//! Attacks with certificates that were revoked, and with lists and responses that are to hide it.

use cie::emulator::Chip;
use cie::emulator::contact::Model;
use cie::login::{Error, Nonce};
use cie::trust::{
    CertifiedCard, Error as Trust, HolderPolicy, ListFault, ResponseFault, RevocationReason, RevocationRules,
    StatusFault, StatusSource,
};

use crate::attack::Attack;
use crate::common::card;
use crate::common::contact::contact_card;
use crate::lists::{DAY, Echo, HOUR, List, Net, Response, Says, at};
use crate::pki::{
    AUTHORITY, LIST, Made, Profile, RESPONDER, ROOT_LIST, Whose, World, authority, holder, responder,
};
use crate::portal::{Portal, answer, lists, origin, trust_of_all};

const SERIAL: u32 = 0x0BAD_CA4D;

/// Another holder's card.
fn other(world: &World) -> Made {
    Profile { serial: SERIAL, key: Whose::Stranger, ..holder() }.by(Some(&world.authority))
}

#[track_caller]
fn is_revoked(error: &Error, since: i64, reason: RevocationReason) {
    let Error::Trust(Trust::Revoked(revoked)) = error else { panic!("{error:?}") };
    assert_eq!((revoked.since, revoked.reason), (at(since), Some(reason)));
    assert!(!error.is_unchecked());
}

fn unavailable(fault: impl Into<StatusFault>) -> Error {
    Trust::StatusUnavailable { depth: 0, fault: fault.into() }.into()
}

/// A portal that asks responders first.
fn asking_responders(world: &World, net: &Net) -> Portal {
    let rules = RevocationRules::default().prefer(StatusSource::Responder);
    Portal::on(world.trust(), HolderPolicy::default(), rules, net)
}

#[test]
fn revoked_by_crl() {
    let world = World::new();
    let list = List::by(&world.authority).revoking(SERIAL, 1).der();
    // Fetched, and given before.
    let net = Net::of(&world);
    net.serve(LIST, list.clone());
    let fetching = Portal::at(&world, &net);
    let holding = Portal::of(&world);
    holding.give(&[list]);
    for portal in [fetching, holding] {
        let card = other(&world);
        // Twice: when the list comes, and when it is held.
        for _ in 0..2 {
            let attack = Attack::on(&portal, &world);
            let error = attack.refused_card(|nonce| card.answers(&origin(), nonce));
            is_revoked(&error, -DAY - HOUR, RevocationReason::KeyCompromise);
        }
    }
}

#[test]
fn revoked_by_ocsp() {
    let world = World::new();
    let net = Net::of(&world);
    let portal = asking_responders(&world, &net);
    let signer = responder().by(Some(&world.authority));
    let by = signer.clone();
    net.respond(RESPONDER, signer.clone(), |response| response.says = Says::Revoked);
    let attack = Attack::on(&portal, &world).repaired_by(move || net.respond(RESPONDER, by.clone(), |_| {}));
    let error = attack.refused_card(|nonce| other(&world).answers(&origin(), nonce));
    is_revoked(&error, -HOUR, RevocationReason::KeyCompromise);
}

#[test]
fn authority_revoked() {
    let world = World::new();
    let net = Net::of(&world);
    net.serve(ROOT_LIST, List::by(&world.root).revoking(0x11, 2).der());
    // The next holder has a card of another authority.
    let second = Profile { serial: 0x12, ..authority("Second", Whose::Stranger) }.by(Some(&world.root));
    let mut trust = world.trust();
    trust.add_intermediate(&second.der).unwrap();
    net.serve("http://lists.example/second.crl", List::by(&second).der());
    let card = Profile { lists: vec!["http://lists.example/second.crl"], ..holder() }.by(Some(&second));
    let portal = Portal::on(trust, HolderPolicy::default(), RevocationRules::default(), &net);
    let attack = Attack::with(&portal, |nonce| card.answers(&origin(), nonce));
    let error = attack.refused_card(|nonce| world.holder.answers(&origin(), nonce));
    is_revoked(&error, -DAY - HOUR, RevocationReason::AuthorityCompromise);
}

/// A software card that its own PKI revoked; the citizen's other one is good.
#[test]
fn revoked_card_of_the_test_pki() {
    let lost = card(Chip::Gemalto);
    let certificate = answer(&lost, &origin(), &Nonce::of(&[7; 32])).unverified_certificate().clone();
    let policy = HolderPolicy::of(CertifiedCard::Cie3).and(CertifiedCard::Cns);
    let portal = Portal::with(trust_of_all(), policy);
    portal.give(&lists(&[certificate.as_der()]));
    let other = contact_card(Model::Cns11);
    let right = |nonce: &Nonce| answer(&other, &origin(), nonce).to_json().into_bytes();
    let attack = Attack::with(&portal, right);
    let error = attack.refused_card(|nonce| answer(&lost, &origin(), nonce).to_json().into_bytes());
    let Error::Trust(Trust::Revoked(revoked)) = error else { panic!("{error:?}") };
    assert_eq!((revoked.since, revoked.reason), (at(0), None));
}

#[test]
fn status_unavailable_under_hard_fail() {
    let world = World::new();
    // Nobody answers; the certificate names nobody; only the root's status is not to be had.
    let net = Net::new();
    let portal = Portal::at(&world, &net);
    let whole = || {
        net.serve(ROOT_LIST, List::by(&world.root).der());
        net.serve(LIST, List::by(&world.authority).der());
    };
    let attack = Attack::on(&portal, &world).repaired_by(whole);
    let right = |nonce: &_| world.holder.answers(&origin(), nonce);
    let no_answer = unavailable(StatusFault::NoAnswer);
    assert!(no_answer.is_unchecked());
    attack.refused(&no_answer, right);
    let silent = Profile { lists: vec![], responders: vec![], ..holder() }.by(Some(&world.authority));
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    // The authority's list is not held yet, and would be found under the other certificate's address only.
    attack.refused(&unavailable(StatusFault::NoLocation), |nonce| silent.answers(&origin(), nonce));

    let net = Net::of(&world);
    net.silence(ROOT_LIST);
    let portal = Portal::at(&world, &net);
    let attack =
        Attack::on(&portal, &world).repaired_by(|| net.serve(ROOT_LIST, List::by(&world.root).der()));
    let expected = Trust::StatusUnavailable { depth: 1, fault: StatusFault::NoAnswer };
    attack.refused(&expected.into(), right);
}

#[test]
fn stale_crl() {
    let world = World::new();
    let fresh = List::by(&world.authority);
    let stranger = authority(AUTHORITY, Whose::Stranger).by(Some(&world.root));
    let net = Net::of(&world);
    net.silence(RESPONDER);
    for (list, fault) in [
        // Out of date by more than the clocks may differ; of the future; nobody's; of another key, of another name.
        (List { this_update: -9 * DAY, next_update: -301, ..fresh.clone() }, ListFault::Stale),
        (List { this_update: 301, next_update: DAY, ..fresh.clone() }, ListFault::NotYetValid),
        (List { signer: &stranger, ..fresh.clone() }, ListFault::BadSignature),
        (List::by(&stranger), ListFault::OtherIssuer),
        (List { names_key: false, ..List::by(&stranger) }, ListFault::BadSignature),
        (List::by(&world.root), ListFault::OtherIssuer),
        (List { sha1: true, ..fresh.clone() }, ListFault::TooWeak),
    ] {
        net.serve(LIST, list.der());
        let portal = Portal::at(&world, &net);
        let attack = Attack::on(&portal, &world).repaired_by(|| net.serve(LIST, fresh.der()));
        attack.refused(&unavailable(fault), |nonce| world.holder.answers(&origin(), nonce));
    }
    for (page, fault) in [
        (b"<html>Please log in to the network</html>".to_vec(), "not a revocation list"),
        (Vec::new(), "not a revocation list"),
    ] {
        net.serve(LIST, page);
        let portal = Portal::at(&world, &net);
        let attack = Attack::on(&portal, &world).repaired_by(|| net.serve(LIST, fresh.der()));
        let expected = unavailable(ListFault::Malformed(fault));
        attack.refused(&expected, |nonce| world.holder.answers(&origin(), nonce));
    }
}

/// What an attacker on the network can send instead of a good response.
fn false_response(world: &World, signer: &Made, change: fn(&mut Response<'_>), fault: ResponseFault) {
    let net = Net::of(world);
    let portal = asking_responders(world, &net);
    let spoil = || {
        net.silence(LIST);
        net.respond(RESPONDER, signer.clone(), change);
    };
    let attack = Attack::on(&portal, world).repaired_by(|| net.serve(LIST, List::by(&world.authority).der()));
    spoil();
    attack.refused(&unavailable(fault), |nonce| world.holder.answers(&origin(), nonce));
}

#[test]
fn ocsp_by_an_unauthorized_responder() {
    let world = World::new();
    let stranger = authority(AUTHORITY, Whose::Stranger).by(None);
    let unauthorized = [
        // By an authority that only has the name; by the root, which did not issue it; by a holder; by itself.
        responder().by(Some(&stranger)),
        Profile { names_key: false, ..responder() }.by(Some(&stranger)),
        responder().by(Some(&world.root)),
        Profile { extended: vec![], ..responder() }.by(Some(&world.authority)),
        Profile { extended: vec!["1.3.6.1.5.5.7.3.2"], ..responder() }.by(Some(&world.authority)),
        responder().by(None),
        world.holder.clone(),
        world.root.clone(),
    ];
    for signer in unauthorized {
        false_response(&world, &signer, |_| {}, ResponseFault::UnauthorizedResponder);
    }
    // Who has the name or the certificate, but not the key.
    let right = responder().by(Some(&world.authority));
    let stolen = Made { key: crate::pki::key(Whose::Stranger), ..right };
    false_response(&world, &stolen, |_| {}, ResponseFault::BadSignature);
    let named = Made { key: crate::pki::key(Whose::Stranger), ..world.authority.clone() };
    false_response(&world, &named, |response| response.encloses = false, ResponseFault::BadSignature);
    let expired = Profile { days: (-9, -1), ..responder() }.by(Some(&world.authority));
    false_response(&world, &expired, |_| {}, ResponseFault::ResponderExpired);
    let unchecked = Profile { no_check: false, ..responder() }.by(Some(&world.authority));
    false_response(&world, &unchecked, |_| {}, ResponseFault::ResponderStatus);
}

#[test]
fn ocsp_with_a_wrong_nonce() {
    let world = World::new();
    let signer = responder().by(Some(&world.authority));
    for (change, fault) in [
        ((|response| response.echo = Echo::Wrong) as fn(&mut Response<'_>), ResponseFault::NonceDiffers),
        (|response| response.echo = Echo::None, ResponseFault::NonceMissing),
        (|response| response.says = Says::Unknown, ResponseFault::Unknown),
        (|response| response.this_update = HOUR, ResponseFault::NotYetValid),
        (|response| (response.this_update, response.next_update) = (-9 * HOUR, -HOUR), ResponseFault::Stale),
    ] {
        false_response(&world, &signer, change, fault);
    }
}

/// A good response from before the revocation, sent again.
#[test]
fn ocsp_replayed() {
    let world = World::new();
    let net = Net::of(&world);
    let portal = asking_responders(&world, &net);
    let signer = responder().by(Some(&world.authority));
    let session = crate::portal::session("before");
    let nonce = portal.party.challenge(&session).unwrap();
    let pending = portal.party.begin(&session, &world.holder.answers(&origin(), &nonce)).unwrap();
    let mut requests = pending.requests().iter();
    let request = requests.find(|request| request.source == StatusSource::Responder).unwrap();
    net.serve(RESPONDER, Response::by(&signer).to(request.body.as_deref().unwrap()));
    let answers = pending.fetch();
    pending.finish(&answers).unwrap();
    // To the next question it is no answer.
    net.silence(LIST);
    let attack =
        Attack::on(&portal, &world).repaired_by(|| net.serve(LIST, List::by(&world.authority).der()));
    let expected = unavailable(ResponseFault::NonceDiffers);
    attack.refused(&expected, |nonce| world.holder.answers(&origin(), nonce));
}
