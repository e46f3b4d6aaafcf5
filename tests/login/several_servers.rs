//! A portal on two machines that share a Redis server: what one issued the other may verify, and of two that are shown
//! one token at the same moment exactly one lets the citizen in.

use std::sync::Barrier;
use std::thread;

use cie::login::store::RedisStore;
use cie::login::{AuthToken, Error, Nonce, RelyingParty};
use cie::pin::LastTry;
use cie::secret::Typed;

use crate::common::{CHIPS, card, demo, trust};
use crate::portal::{Hands, lists, origin, session};
use crate::server::Server;

fn party(server: &Server) -> RelyingParty {
    let store = RedisStore::open(&server.url()).unwrap();
    let party = RelyingParty::builder(origin(), trust(), store).clock(Hands::new()).finish();
    lists(&[]).iter().for_each(|list| party.revocation().add_list(list).unwrap());
    party
}

#[test]
fn of_two_servers_that_are_shown_one_token_exactly_one_lets_the_citizen_in() {
    let server = Server::start();
    let parties = [party(&server), party(&server)];
    // One session of the card answers all the challenges: its holder is patient.
    let opened = cie::card::open(card(CHIPS[0]).insert()).unwrap().open_session().unwrap();
    let mut unlocked = opened.verify_pin(&Typed::new("12345678".to_owned()), LastTry::Refuse).unwrap();
    let mut signer = unlocked.signer().unwrap();
    let mut answer =
        |nonce: &Nonce| AuthToken::create(&mut signer, &origin(), nonce).unwrap().to_json().into_bytes();
    let mut wins = [0, 0];
    for round in 0..100 {
        let session = session(&format!("round {round}"));
        let token = answer(&parties[round % 2].challenge(&session).unwrap());
        let barrier = Barrier::new(2);
        let verify = |party: &RelyingParty| {
            barrier.wait();
            party.verify(&session, &token)
        };
        let outcomes = thread::scope(|scope| {
            let other = scope.spawn(|| verify(&parties[1]));
            [verify(&parties[0]), other.join().unwrap()]
        });
        let winner = outcomes.iter().position(Result::is_ok).expect("somebody lets the citizen in");
        wins[winner] += 1;
        let [first, second] = &outcomes;
        let (citizen, refused) = if winner == 0 { (first, second) } else { (second, first) };
        assert_eq!(citizen.as_ref().unwrap().fiscal_code().as_str(), demo().citizen.fiscal_code);
        assert_eq!(refused.as_ref().unwrap_err(), &Error::NoChallenge);
        for party in &parties {
            assert_eq!(party.verify(&session, &token).unwrap_err(), Error::NoChallenge);
        }
    }
    crate::common::say(&format!("of 100 tokens shown to two servers at once: {wins:?} let in, none twice"));
}

#[test]
fn without_the_store_nobody_is_let_in() {
    let mut server = Server::start();
    let party = party(&server);
    let nonce = party.challenge(&session("a")).unwrap();
    let token = crate::portal::answer(&card(CHIPS[0]), &origin(), &nonce).to_json();
    server.kill();
    let refused = party.verify(&session("a"), token.as_bytes()).unwrap_err();
    assert!(matches!(refused, Error::Store(_)) && refused.is_unchecked(), "{refused}");
    assert!(matches!(party.challenge(&session("a")), Err(Error::Store(_))));
    assert_eq!(cie::Error::from(refused).code(), "challenge-store");
    // It comes back without what it knew: the citizen starts anew.
    server.restart();
    assert_eq!(party.verify(&session("a"), token.as_bytes()).unwrap_err(), Error::NoChallenge);
    let nonce = party.challenge(&session("a")).unwrap();
    let token = crate::portal::answer(&card(CHIPS[0]), &origin(), &nonce).to_json();
    party.verify(&session("a"), token.as_bytes()).unwrap();
}
