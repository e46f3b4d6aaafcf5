//! A test as a program that uses this crate would have it: the program's own function, played against a dialogue that
//! was recorded once. It needs no reader, no card and no feature.
#![allow(clippy::unwrap_used, clippy::panic)]

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::transport::Link;
use cie::transport::replay::{Failed, Replay};
use cie::{Error, card, pin::LastTry, secret::Typed};

/// The program under test: signs twice with the card that lies on the reader.
fn sign_twice(link: Link, pin: &str) -> Result<Vec<Vec<u8>>, Error> {
    let session = card::open(link)?.open_session()?;
    let mut unlocked = session.verify_pin(&Typed::new(pin.to_owned()), LastTry::Refuse)?;
    let mut signer = unlocked.signer()?;
    let mut sign = |algorithm| signer.sign(Purpose::Login, &Digest::of(algorithm, b"a message"));
    Ok(vec![sign(DigestAlgorithm::Sha256)?, sign(DigestAlgorithm::Sha512)?])
}

/// Recorded by `cie --reader soft:… --trace FILE --trace-kind replayable …`, or by a [`cie::transport::trace::Recorder`].
fn recorded() -> Replay {
    Replay::open("fixtures/traces/cie3-gemalto-log-in.trace").unwrap()
}

#[test]
fn the_recorded_card_signs_twice() {
    let replay = recorded();
    let outcome = replay.link().map_err(Error::from).and_then(|link| sign_twice(link, "12345678"));
    let signatures = replay.conclude(outcome).unwrap();
    assert!(signatures.iter().all(|signature| signature.len() == 256));
}

#[test]
fn with_another_pin_it_is_another_dialogue() {
    let replay = recorded();
    let outcome = replay.link().map_err(Error::from).and_then(|link| sign_twice(link, "87654321"));
    match replay.conclude(outcome).unwrap_err() {
        Failed::Mismatch(mismatch) => assert!(mismatch.recorded.starts_with("0C200081"), "{mismatch}"),
        other => panic!("{other}"),
    }
}
