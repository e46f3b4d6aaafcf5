//! The store in Redis, with a real server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cie::login::store::{ChallengeStore, RedisStore, StoreError};

use super::server::Server;
use super::{MINUTE, challenge, contract, nonce, now, session};

fn unavailable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_))
}

fn key(number: u64) -> String {
    format!("cie:challenge:{}", hex::encode(session(number).digest()))
}

/// Two relying parties that know each other only through the server; among others, they race for one challenge in 500
/// rounds.
#[test]
fn the_contract_holds() {
    let server = Server::start();
    let (one, other) = (RedisStore::open(&server.url()).unwrap(), RedisStore::open(&server.url()).unwrap());
    contract::holds(&one, &other);
    // The parties' connections, and this one: none piles up.
    let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut server.connection()).unwrap();
    assert!(clients.lines().count() <= 2 * 16 + 1, "{clients}");
    assert_eq!(redis::cmd("DBSIZE").query::<u64>(&mut server.connection()).unwrap(), 0, "nothing is left");
}

#[test]
fn portals_with_prefixes_of_their_own_do_not_meet() {
    let server = Server::start();
    let one = RedisStore::open(&server.url()).unwrap();
    let other = RedisStore::open(&server.url()).unwrap().with_prefix("other:");
    one.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    assert!(other.take(&session(1), now()).unwrap().is_none());
    other.put(&session(1), challenge(2, now(), MINUTE), now()).unwrap();
    assert_eq!(one.take(&session(1), now()).unwrap().unwrap().nonce(), &nonce(1));
    assert_eq!(other.take(&session(1), now()).unwrap().unwrap().nonce(), &nonce(2));
}

#[test]
fn the_server_drops_what_has_expired() {
    let server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    let mut connection = server.connection();
    store.put(&session(1), challenge(1, now(), Duration::from_secs(2)), now()).unwrap();
    let left: i64 = redis::cmd("PTTL").arg(key(1)).query(&mut connection).unwrap();
    assert!((1..=2000).contains(&left), "{left}");
    let began = Instant::now();
    while redis::cmd("DBSIZE").query::<u64>(&mut connection).unwrap() > 0 {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(store.take(&session(1), now()).unwrap().is_none());
    // A later challenge of the session brings its own time.
    store.put(&session(1), challenge(1, now(), Duration::from_secs(2)), now()).unwrap();
    store.put(&session(1), challenge(2, now(), MINUTE), now()).unwrap();
    let left: i64 = redis::cmd("PTTL").arg(key(1)).query(&mut connection).unwrap();
    assert!((50_000..=60_000).contains(&left), "{left}");
}

#[test]
fn nothing_of_the_session_is_there_to_read() {
    let server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.connection()).unwrap();
    assert_eq!(keys, [key(1)]);
    let value: Vec<u8> = redis::cmd("GET").arg(key(1)).query(&mut server.connection()).unwrap();
    assert_eq!((value.len(), &value[9..]), (41, &nonce(1)[..]));
}

#[test]
fn a_server_that_dies_fails_every_login_until_it_is_back() {
    let mut server = Server::start();
    let (one, other) = (RedisStore::open(&server.url()).unwrap(), RedisStore::open(&server.url()).unwrap());
    let failed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = if thread % 2 == 0 { &one } else { &other };
            let failed = &failed;
            scope.spawn(move || {
                let began = Instant::now();
                for round in 0.. {
                    let number = thread * 1_000_000 + round;
                    let put = store.put(&session(number), challenge(number, now(), MINUTE), now());
                    let taken = put.and_then(|()| store.take(&session(number), now()));
                    match taken {
                        Ok(Some(taken)) => assert_eq!(taken.nonce(), &nonce(number)),
                        // Between the two the server may have come back with nothing in it: not in this test.
                        Ok(None) => panic!("lost"),
                        Err(error) => {
                            assert!(unavailable(&error), "{error}");
                            failed.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                    }
                    assert!(began.elapsed() < Duration::from_secs(60), "the server was to be killed");
                }
            });
        }
        thread::sleep(Duration::from_millis(200));
        server.kill();
    });
    assert_eq!(failed.into_inner(), 4);
    assert!(unavailable(&one.take(&session(1), now()).unwrap_err()));
    assert!(unavailable(&one.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap_err()));
    server.restart();
    for store in [&one, &other] {
        store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
        assert_eq!(other.take(&session(1), now()).unwrap().unwrap().nonce(), &nonce(1));
    }
}

/// The server restarts while nobody asks: whoever comes next does not pay for it.
#[test]
fn a_connection_that_rested_is_tried_before_it_is_relied_on() {
    let mut server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    server.restart();
    thread::sleep(Duration::from_millis(1100));
    assert!(store.take(&session(1), now()).unwrap().is_none());
}

/// The connection is cut on a server that goes on: a put gets through, a take says that it does not know.
#[test]
fn a_cut_connection() {
    let server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    let cut = || {
        redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).query::<u64>(&mut server.connection()).unwrap();
    };
    cut();
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    cut();
    let (mut outcomes, began) = (Vec::new(), Instant::now());
    while outcomes.len() < 2 && began.elapsed() < Duration::from_secs(20) {
        outcomes.push(store.take(&session(1), now()));
        if outcomes.last().is_some_and(Result::is_ok) {
            break;
        }
    }
    // On a slow machine the connection has rested, and was replaced in time.
    let last = outcomes.pop().unwrap().unwrap().unwrap();
    assert_eq!(last.nonce(), &nonce(1));
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(unavailable)));
}

/// The server takes the challenge out and the answer comes too late: the challenge is gone, and nobody got it.
#[test]
fn an_answer_that_comes_too_late_gives_the_challenge_to_nobody() {
    let server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    server.pause();
    let error = store.take(&session(1), now()).unwrap_err();
    server.resume();
    assert!(unavailable(&error), "{error}");
    let began = Instant::now();
    while redis::cmd("DBSIZE").query::<u64>(&mut server.connection()).unwrap() > 0 {
        // The connection had rested on a slow machine: then a PING was asked for, and nothing taken.
        if began.elapsed() > Duration::from_secs(3) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(store.take(&session(1), now()).unwrap().is_none());
    // And no answer is ever given to another question.
    store.put(&session(2), challenge(2, now(), MINUTE), now()).unwrap();
    assert_eq!(store.take(&session(2), now()).unwrap().unwrap().nonce(), &nonce(2));
}

#[test]
fn what_is_no_challenge_is_malformed() {
    let server = Server::start();
    let store = RedisStore::open(&server.url()).unwrap();
    let mut connection = server.connection();
    redis::cmd("RPUSH").arg(key(1)).arg("x").exec(&mut connection).unwrap();
    for _ in 0..2 {
        assert_eq!(store.take(&session(1), now()).unwrap_err(), StoreError::Malformed);
    }
    // A new challenge takes the place of whatever is there.
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    assert_eq!(store.take(&session(1), now()).unwrap().unwrap().nonce(), &nonce(1));
    let long = vec![1; 1 << 20];
    let mut future = vec![2; 41];
    future[1..9].fill(0);
    for value in [&b""[..], b"x", &[1; 40], &[1; 41], &[1; 42], &future, &long] {
        redis::cmd("SET").arg(key(1)).arg(value).exec(&mut connection).unwrap();
        assert_eq!(store.take(&session(1), now()).unwrap_err(), StoreError::Malformed, "{}", value.len());
        assert!(store.take(&session(1), now()).unwrap().is_none(), "taken out all the same");
    }
}

#[test]
fn a_password_is_in_no_error() {
    let mut server = Server::start();
    let (url, password) = (server.url(), server.password().to_owned());
    let store = RedisStore::open(&url).unwrap();
    assert_eq!(format!("{store:?}"), "RedisStore { prefix: \"cie:challenge:\", .. }");
    let mut errors = vec![
        RedisStore::open(&url.replace(&password, &format!("wrong{password}"))).unwrap_err(),
        RedisStore::open(&url.replace("redis://", &format!("redis://{password}"))).unwrap_err(),
        RedisStore::open(&format!("{url}/77")).unwrap_err(),
        RedisStore::open(&format!("{url}/x")).unwrap_err(),
        RedisStore::open(&format!("{url}?protocol={password}")).unwrap_err(),
        RedisStore::open(&url.replace("redis:", "rediss:")).unwrap_err(),
    ];
    // Without a password: the server says so when something is asked for.
    let stranger = RedisStore::open(&url.replace(&format!(":{password}@"), "")).unwrap();
    errors.push(stranger.take(&session(1), now()).unwrap_err());
    errors.push(stranger.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap_err());
    server.kill();
    errors.push(store.take(&session(1), now()).unwrap_err());
    errors.push(RedisStore::open(&url).unwrap_err());
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(!text.contains(&password) && !text.contains("secret"), "{text}");
    }
}

/// A user who may do no more than this.
#[test]
fn three_commands_on_its_own_keys_are_all_it_needs() {
    let server = Server::start();
    let rights = ["resetkeys", "~cie:challenge:*", "-@all", "+set", "+getdel", "+del"];
    let mut acl = redis::cmd("ACL");
    acl.arg("SETUSER").arg("portal").arg("on").arg(">word").arg(&rights);
    acl.exec(&mut server.connection()).unwrap();
    let url = server.url().replace(&format!(":{}@", server.password()), "portal:word@");
    let store = RedisStore::open(&url).unwrap();
    for lifetime in [MINUTE, Duration::ZERO] {
        store.put(&session(1), challenge(1, now(), lifetime), now()).unwrap();
    }
    // Longer than a connection rests: PING is refused, and a new connection made.
    store.put(&session(1), challenge(1, now(), MINUTE), now()).unwrap();
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(store.take(&session(1), now()).unwrap().unwrap().nonce(), &nonce(1));
    let elsewhere = RedisStore::open(&url).unwrap().with_prefix("other:");
    let error = elsewhere.take(&session(1), now()).unwrap_err();
    assert_eq!(error, StoreError::Unavailable("it answered NOPERM".to_owned()));
}
