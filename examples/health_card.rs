//! A health card (TS-CNS) at a counter: a software card is made in memory, recognised, its personal data read and
//! bound to its certificate, the demo PIN shown, a fresh challenge signed; then the portal's side verifies
//! certificate path and signature. The same code serves a CIE 3: the API is that for any card.
//!
//! Run:   cargo run --release --features emulator --example health_card [FOLDER]
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
use std::time::SystemTime;

use cie::card::{self, Card};
use cie::cns::Credential;
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate, SystemEntropy};
use cie::emulator::contact::{Model, demo_card};
use cie::emulator::{SoftCard, pki};
use cie::environment::Entropy;
use cie::identity::{HashPolicy, verify_personal_data};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{AnchorPurpose, CertifiedCard, HolderPolicy, TrustStore};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);

    // The card: an invented citizen, and a public key infrastructure that nobody should trust.
    let now = SystemTime::now();
    println!("making a software card (keys of 4096 bits take a moment) …");
    let (test_pki, _, issued) = demo_card(Model::Cns11, &mut SystemEntropy, now)?;
    let soft = SoftCard::new_contact(issued.personalisation, Model::Cns11, SystemEntropy)?;

    // The counter: what lies there, and who it says its holder is.
    let mut card = card::open(soft.insert())?;
    println!("{} on the reader", card.kind());
    let Card::Contact(session) = &mut card else { return Err("not a contact card".into()) };
    let data = session.read_personal_data()?;
    let der = session.certificate(Credential::Authentication)?.as_der().to_vec();
    let certificate = PresentedCertificate::from_der(&der)?;
    let card_id = session.card_id().cloned();
    let bound = verify_personal_data(&certificate, card_id.as_ref(), &data, HashPolicy::Strict)?;

    // The holder logs in: from here on no other program gets at the card.
    let mut nonce = [0; 32];
    SystemEntropy.draw("challenge", &mut nonce)?;
    let challenge = format!("log in at https://counter.example, {}", hex::encode(nonce));
    let pin = Typed::new("12345678".to_owned());
    let mut unlocked = card.open_session()?.verify_pin(&pin, LastTry::Refuse)?;
    let digest = Digest::of(DigestAlgorithm::Sha256, challenge.as_bytes());
    let signature = unlocked.signer()?.sign(Purpose::Login, &digest)?;
    drop(unlocked); // resets the card

    // The portal: takes certificates of CIE 3 and CNS, whose issuers it knows.
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Cns, test_pki.root_der())?;
    trust.add_intermediate(test_pki.sub_ca_der())?;
    let policy = HolderPolicy::of(CertifiedCard::Cie3).and(CertifiedCard::Cns);
    let path = trust.verify_holder_with(&certificate, now, &policy)?;
    path.verify_signature(challenge.as_bytes(), DigestAlgorithm::Sha256, &signature)?;
    // Only now are the personal data somebody's word: those of the issuer at the end of this path.
    let holder = bound.under(&path)?;
    println!(
        "{} {}, fiscal code {}{}",
        holder.data().given_names().unwrap_or_default(),
        holder.data().surname().unwrap_or_default(),
        holder.fiscal_code().as_str(),
        if path.is_test() { ": TEST - NOT A REAL CARD" } else { "" }
    );

    if let Some(folder) = folder {
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in [
            ("root.pem", pki::pem(test_pki.root_der())?.into_bytes()),
            ("sub-ca.pem", pki::pem(test_pki.sub_ca_der())?.into_bytes()),
            ("holder.pem", certificate.to_pem()?.into_bytes()),
            ("challenge.txt", challenge.into_bytes()),
            ("challenge.sig", signature),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        println!("written to {}", folder.display());
    }
    Ok(())
}
