//! A citizen logs in: a software card is made in memory, the secure channel opened, the demo PIN shown,
//! a fresh challenge signed; then the portal's side verifies certificate path and signature.
//!
//! Run:   cargo run --release --features emulator --example login [FOLDER]
//! Check: with a FOLDER (made if need be) the pieces are written there, and OpenSSL agrees:
//!
//! ```text
//! openssl verify -CAfile FOLDER/root.pem -untrusted FOLDER/sub-ca.pem -purpose sslclient FOLDER/holder.pem
//! openssl x509 -in FOLDER/holder.pem -pubkey -noout > FOLDER/holder.pub
//! openssl dgst -sha256 -verify FOLDER/holder.pub -signature FOLDER/challenge.sig FOLDER/challenge.txt
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, SystemEntropy};
use cie::emulator::issue::{DEMO_PIN, demo_card};
use cie::emulator::{Chip, SoftCard, pki};
use cie::environment::Entropy;
use cie::ias::Session;
use cie::secret::Pin;
use cie::trust::{AnchorPurpose, TrustStore};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);

    // The card: an invented citizen, and a public key infrastructure that nobody should trust.
    let now = SystemTime::now();
    println!("making a software card (keys of 4096 bits take a moment) …");
    let (test_pki, _, personalisation) = demo_card(&mut SystemEntropy, now)?;
    let card = SoftCard::new(personalisation, Chip::Gemalto, SystemEntropy)?;

    // The portal: trusts the test root, and sends a challenge that nobody has seen before.
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, test_pki.root_der())?;
    trust.add_intermediate(test_pki.sub_ca_der())?;
    let mut nonce = [0; 32];
    SystemEntropy.draw("nonce", &mut nonce)?;
    // A text of its own in front: a signature over these bytes is a login nowhere else.
    let challenge = format!("cie example login, challenge {}", hex::encode(nonce));

    // The citizen: holds the card to the reader and types the PIN. A reader's link works the same.
    let began = Instant::now();
    let session = Session::open(card.insert())?;
    println!("secure channel open; PIN tries: {:?}", session.pin_tries());
    let pin = Pin::parse(std::str::from_utf8(&DEMO_PIN)?)?;
    let mut unlocked = session.verify_pin(&pin)?;
    let mut signer = unlocked.signer()?;
    let digest = Digest::of(DigestAlgorithm::Sha256, challenge.as_bytes());
    let signature = signer.sign(Purpose::Login, &digest)?;
    let certificate = signer.certificate().as_der().to_vec();
    let elapsed = began.elapsed();
    let said = unlocked.statistics();
    drop(unlocked); // resets the card: the PIN state ends here

    // The portal again: who is it?
    let presented = cie::crypto::PresentedCertificate::from_der(&certificate)?;
    let path = trust.verify_holder(&presented, now)?;
    path.verify_signature(challenge.as_bytes(), DigestAlgorithm::Sha256, &signature)?;
    let subject = path.subject();
    let field = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
    println!("{} {}", field(&subject.given_name), field(&subject.surname));
    println!("fiscal code {}, card {}", field(&subject.common_name), field(&subject.serial_number));
    if path.is_test() {
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
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        std::fs::write(folder.join("root.pem"), pki::pem(test_pki.root_der())?)?;
        std::fs::write(folder.join("sub-ca.pem"), pki::pem(test_pki.sub_ca_der())?)?;
        std::fs::write(folder.join("holder.pem"), pki::pem(&certificate)?)?;
        std::fs::write(folder.join("challenge.txt"), &challenge)?;
        std::fs::write(folder.join("challenge.sig"), &signature)?;
        println!("written to {}", folder.display());
    }
    Ok(())
}
