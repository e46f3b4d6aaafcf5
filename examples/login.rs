//! A citizen logs in at a portal: a software card is made in memory, the secure channel opened, the demo PIN shown,
//! the portal's challenge answered with a login token (Web eID format); then the portal verifies the token and lets
//! the citizen in.
//!
//! Run:   cargo run --release --features emulator --example login [FOLDER]
//! Check: with a FOLDER (made if need be) the pieces are written there, and OpenSSL agrees:
//!
//! ```text
//! openssl verify -CAfile FOLDER/root.pem -untrusted FOLDER/sub-ca.pem -purpose sslclient FOLDER/holder.pem
//! openssl x509 -in FOLDER/holder.pem -pubkey -noout > FOLDER/holder.pub
//! openssl dgst -sha256 -verify FOLDER/holder.pub -signature FOLDER/token.sig FOLDER/signed.bin
//! ```
//!
//! `signed.bin` is what the signature in `token.json` covers: SHA-256 of the origin, then SHA-256 of the challenge.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use cie::crypto::SystemEntropy;
use cie::emulator::issue::{DEMO_PIN, demo_card};
use cie::emulator::pki::{Authority, ListProfile, TestPki};
use cie::emulator::{Chip, SoftCard, pki};
use cie::environment::Entropy;
use cie::ias::Session;
use cie::login::store::{MemoryStore, SessionId};
use cie::login::{AuthToken, Nonce, Origin, RelyingParty, signed_message};
use cie::secret::Pin;
use cie::trust::{AnchorPurpose, TrustStore};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);

    // The card: an invented citizen, and a public key infrastructure that nobody should trust.
    let now = SystemTime::now();
    println!("making a software card (keys of 4096 bits take a moment) …");
    let (test_pki, _, personalisation) = demo_card(&mut SystemEntropy, now)?;
    let card = SoftCard::new(personalisation, Chip::Gemalto, SystemEntropy)?;

    // The portal: trusts the test root, and sends a challenge that nobody has seen before to this session.
    let portal = portal(&test_pki, now)?;
    let browser = new_session()?;
    let nonce = portal.challenge(&browser)?;

    // The citizen: holds the card to the reader and types the PIN. A reader's link works the same.
    let began = Instant::now();
    let session = Session::open(card.insert())?;
    println!("secure channel open; PIN tries: {:?}", session.pin_tries());
    let pin = Pin::parse(std::str::from_utf8(&DEMO_PIN)?)?;
    let mut unlocked = session.verify_pin(&pin)?;
    let token = AuthToken::create(&mut unlocked.signer()?, portal.origin(), &nonce)?;
    let elapsed = began.elapsed();
    let said = unlocked.statistics();
    drop(unlocked); // resets the card: the PIN is forgotten

    // The portal again: path, signature, name and revocation, in one call; the challenge is used up.
    let citizen = portal.verify(&browser, token.to_json().as_bytes())?;
    let known = |value: Option<&str>| value.unwrap_or("?").to_owned();
    println!("{} {}", known(citizen.given_names()), known(citizen.surname()));
    println!("fiscal code {}, card {}", citizen.fiscal_code().as_str(), known(citizen.card_number()));
    if citizen.is_test() {
        println!("TEST - NOT A REAL CARD");
    }
    println!(
        "{} commands and {} GET RESPONSE, {} bytes out, {} bytes in, {:.1} ms",
        said.commands,
        said.get_responses,
        said.bytes_sent,
        said.bytes_received,
        elapsed.as_secs_f64() * 1e3
    );

    if let Some(folder) = folder {
        write(&folder, &test_pki, &token, portal.origin(), &nonce)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        println!("written to {}", folder.display());
    }
    Ok(())
}

fn portal(test_pki: &TestPki, now: SystemTime) -> Result<RelyingParty, Box<dyn Error>> {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, test_pki.root_der())?;
    trust.add_intermediate(test_pki.sub_ca_der())?;
    let origin = Origin::parse("https://portale.comune.example.it")?;
    let portal = RelyingParty::new(origin, trust, MemoryStore::new());
    // A real portal fetches the lists of its issuers.
    let next_update = now + Duration::from_secs(86_400);
    let list = ListProfile { revoked: &[], number: 1, this_update: now, next_update };
    for authority in [Authority::Root, Authority::SubCa] {
        portal.revocation().add_list(&test_pki.revocation_list(authority, &list, &mut SystemEntropy)?)?;
    }
    Ok(portal)
}

/// The pieces, for other people's programs to check.
fn write(
    folder: &Path,
    test_pki: &TestPki,
    token: &AuthToken,
    origin: &Origin,
    nonce: &Nonce,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("root.pem"), pki::pem(test_pki.root_der())?)?;
    std::fs::write(folder.join("sub-ca.pem"), pki::pem(test_pki.sub_ca_der())?)?;
    std::fs::write(folder.join("holder.pem"), pki::pem(token.unverified_certificate().as_der())?)?;
    std::fs::write(folder.join("token.json"), token.to_json())?;
    std::fs::write(folder.join("nonce.txt"), nonce.as_str())?;
    std::fs::write(folder.join("signed.bin"), signed_message(token.algorithm().digest(), origin, nonce))?;
    std::fs::write(folder.join("token.sig"), token.signature())?;
    Ok(())
}

/// The identifier of a browser's session, as it stands in its cookie: drawn, and nobody else's.
fn new_session() -> Result<SessionId, Box<dyn Error>> {
    let mut drawn = [0; 16];
    SystemEntropy.draw("session", &mut drawn)?;
    Ok(SessionId::new(drawn)?)
}
