//! Attacks with answers for another origin: what a page that only looks like the portal gets out of a browser.

use cie::login::{Origin, OriginError};
use cie::trust::Error::WrongSignature;

use crate::attack::Attack;
use crate::pki::World;
use crate::portal::{ORIGIN, Portal};

#[test]
fn token_for_another_origin() {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    for other in [
        // Scheme.
        "http://portale.comune.example.it",
        "wss://portale.comune.example.it",
        "HTTPS://portale.comune.example.it",
        "//portale.comune.example.it",
        "portale.comune.example.it",
        // Port.
        "https://portale.comune.example.it:8443",
        "https://portale.comune.example.it:443",
        "https://portale.comune.example.it:",
        // Punycode, and the letters that it stands for.
        "https://portale.xn--comune-9ua.example.it",
        "https://portale.comùne.example.it",
        "https://portale.c\u{43E}mune.example.it",
        "https://portale.xn--cmune-7ye.example.it",
        // A dot at the end, case, a slash, blanks, a user, somebody below and above.
        "https://portale.comune.example.it.",
        "https://Portale.Comune.Example.It",
        "https://PORTALE.COMUNE.EXAMPLE.IT",
        "https://portale.comune.example.it/",
        "https://portale.comune.example.it/login",
        " https://portale.comune.example.it",
        "https://portale.comune.example.it\n",
        "https://portale.comune.example.it\0",
        "https://user@portale.comune.example.it",
        "https://comune.example.it",
        "https://a.portale.comune.example.it",
        "https://portale-comune.example.it",
        "https://portale.comune.example.it.evil.example",
        "https://evil.example",
        "null",
        "",
    ] {
        assert_ne!(other, ORIGIN);
        attack.refused(&WrongSignature.into(), |nonce| world.holder.answer(other, nonce.as_str()));
    }
}

/// A portal that has a port, or stands in punycode, is another one than its neighbour without.
#[test]
fn token_of_a_neighbour() {
    use crate::common::now;
    use crate::lists::Net;
    use cie::environment::FixedClock;
    use cie::login::RelyingParty;
    use cie::login::store::MemoryStore;
    let world = World::new();
    let names = [
        "https://comune.example.it",
        "https://comune.example.it:8443",
        "https://xn--citt-5na.example.it",
        "https://citta.example.it",
        "https://127.0.0.1",
        "https://[::1]",
    ];
    for own in names {
        let origin = Origin::parse(own).unwrap();
        let party = RelyingParty::builder(origin, world.trust(), MemoryStore::new())
            .fetch(Net::of(&world))
            .clock(FixedClock(now()))
            .finish();
        for signed in names {
            let session = crate::portal::session("a");
            let nonce = party.challenge(&session).unwrap();
            let outcome = party.verify(&session, &world.holder.answer(signed, nonce.as_str()));
            assert_eq!(outcome.err(), (own != signed).then(|| WrongSignature.into()), "{own} {signed}");
        }
    }
}

/// A portal cannot call itself what no browser would say, and then wait for answers that never come.
#[test]
fn no_portal_has_such_an_origin() {
    for (text, error) in [
        ("http://portale.comune.example.it", OriginError::Scheme),
        ("https://portale.comune.example.it:443", OriginError::Port),
        ("https://portale.comune.example.it.", OriginError::Host),
        ("https://Portale.comune.example.it", OriginError::Host),
        ("https://portale.comùne.example.it", OriginError::Host),
        ("https://portale.comune.example.it/", OriginError::Path),
    ] {
        assert_eq!(Origin::parse(text), Err(error), "{text}");
    }
}
