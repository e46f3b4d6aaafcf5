//! Attacks with answers and challenges of another time or another session.

use std::time::Duration;

use cie::login::{Error, LIFETIME, Nonce, Outcome};
use cie::trust::Error::{Expired, WrongSignature};

use crate::attack::Attack;
use crate::pki::World;
use crate::portal::{DAY, Portal, origin, session};

#[test]
fn token_replayed() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let nonce = portal.party.challenge(&session("attacked")).unwrap();
    let token = world.holder.answers(&origin(), &nonce);
    portal.party.verify(&session("attacked"), &token).unwrap();
    // Without a challenge, in the same session and another; and for the next challenge.
    assert_eq!(attack.refused_later(&nonce, &token), Error::NoChallenge);
    assert_eq!(portal.party.verify(&session("other"), &token).unwrap_err(), Error::NoChallenge);
    attack.refused(&WrongSignature.into(), |_| token);
}

#[test]
fn token_replayed_by_many_at_once() {
    let world = World::new();
    let portal = Portal::of(&world);
    let nonce = portal.party.challenge(&session("a")).unwrap();
    let token = world.holder.answers(&origin(), &nonce);
    let at_once = || portal.party.verify(&session("a"), &token).is_ok();
    let let_in = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(at_once)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
    });
    assert_eq!(let_in, 1);
    let log = portal.log.lock().unwrap();
    let refused = log.iter().filter(|event| event.outcome == Outcome::Refused(Error::NoChallenge));
    assert_eq!(refused.count(), 7);
}

#[test]
fn nonce_of_another_session() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    // The victim answered the challenge of a page that is open elsewhere.
    let victims = portal.party.challenge(&session("victim")).unwrap();
    let token = world.holder.answers(&origin(), &victims);
    attack.refused(&WrongSignature.into(), |_| token.clone());
    // What somebody tries in his own session costs the victim nothing.
    portal.party.verify(&session("victim"), &token).unwrap();
}

#[test]
fn nonce_that_a_later_page_replaced() {
    let world = World::new();
    let portal = Portal::of(&world);
    let earlier = portal.party.challenge(&session("attacked")).unwrap();
    let token = world.holder.answers(&origin(), &earlier);
    Attack::on(&portal, &world).refused(&WrongSignature.into(), |_| token);
}

#[test]
fn expired_nonce() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    for late in [LIFETIME, LIFETIME + Duration::from_secs(3600)] {
        attack.refused(&Error::ChallengeExpired, |nonce| {
            portal.clock.pass(late);
            world.holder.answers(&origin(), nonce)
        });
    }
    // Just in time.
    let nonce = portal.party.challenge(&session("a")).unwrap();
    portal.clock.pass(LIFETIME - Duration::from_millis(1));
    portal.party.verify(&session("a"), &world.holder.answers(&origin(), &nonce)).unwrap();
}

/// The nonce is not in the token: what is too short or too long can only have been signed.
#[test]
fn nonce_too_short_or_too_long() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let changes: [fn(&str) -> String; 8] = [
        |_| String::new(),
        |nonce| nonce[..43].to_owned(),
        |nonce| nonce[..22].to_owned(),
        |nonce| nonce.trim_end_matches('=').to_owned(),
        |nonce| format!("{nonce}="),
        |nonce| nonce.repeat(2),
        |nonce| nonce.repeat(250_000),
        |nonce| format!("{nonce}\0"),
    ];
    for change in changes {
        attack.refused(&WrongSignature.into(), |nonce| {
            let other = change(nonce.as_str());
            assert!(!(44..=128).contains(&other.len()) || other != nonce.as_str());
            world.holder.answer(origin().as_str(), &other)
        });
    }
    for length in [0, 43, 129, 1 << 20] {
        assert!(Nonce::parse(&"n".repeat(length)).is_err(), "{length}");
    }
}

/// What the text stands for, instead of the text.
#[test]
fn nonce_signed_in_its_bytes() {
    use base64ct::Encoding;
    let world = World::new();
    let portal = Portal::of(&world);
    Attack::on(&portal, &world).refused(&WrongSignature.into(), |nonce| {
        let bytes = base64ct::Base64::decode_vec(nonce.as_str()).unwrap();
        let message =
            [openssl::sha::sha256(origin().as_str().as_bytes()), openssl::sha::sha256(&bytes)].concat();
        let signature = world.holder.sign(openssl::hash::MessageDigest::sha256(), &message);
        crate::pki::token(&world.holder.der, "RS256", &signature)
    });
}

/// A login that was begun with a certificate that has expired since is not finished by asking nobody.
#[test]
fn certificate_that_expires_before_the_end() {
    let world = World::new();
    for (days, expected) in [(2999, None), (3001, Some(Expired.into()))] {
        let portal = Portal::of(&world);
        let nonce = portal.party.challenge(&session("a")).unwrap();
        let pending = portal.party.begin(&session("a"), &world.holder.answers(&origin(), &nonce)).unwrap();
        portal.clock.pass(DAY * days);
        assert_eq!(pending.finish_offline().err(), expected);
    }
}
