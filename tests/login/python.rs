//! What a program that shares nothing with this crate makes of its tokens: `verify_token.py`, beside this file. It
//! also has to take the tokens of the Web eID project, so that the two do not just agree about a misunderstanding.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64ct::{Base64, Encoding};
use cie::emulator::Chip;
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::environment::moment;
use cie::login::{Nonce, Origin};
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::attack::changed;
use crate::common::contact::contact_card;
use crate::common::{NOW, card, demo};
use crate::pki::{Profile, Whose, authority};
use crate::portal::{ORIGIN, answer, origin};

fn python(arguments: &[&str]) -> Output {
    Command::new("python3").args(arguments).output().expect("missing program: python3 (Debian: python3)")
}

/// A folder with the files that the program is given.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let found = python(&["-c", "import cryptography"]);
        assert!(
            found.status.success(),
            "missing package of python3: cryptography (Debian: python3-cryptography)"
        );
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn pem(&self, name: &str, der: &[u8]) -> PathBuf {
        self.put(name, &X509::from_der(der).unwrap().to_pem().unwrap())
    }

    /// What it prints if it accepts.
    fn verdict(&self, token: &[u8], asked: &Asked<'_>) -> Result<String, String> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/login/verify_token.py");
        let token = self.put("token.json", token);
        let files = asked.issuers.iter().map(|file| file.to_str().unwrap());
        let texts =
            [program.to_str().unwrap(), token.to_str().unwrap(), asked.origin, asked.nonce, asked.time];
        let output = python(&texts.into_iter().chain(files).collect::<Vec<_>>());
        let said = String::from_utf8(output.stdout).unwrap();
        match output.status.code() {
            Some(0) => Ok(said.trim_end().to_owned()),
            Some(1) => Err(String::from_utf8(output.stderr).unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

/// What a verifier knows by itself.
#[derive(Clone, Copy)]
struct Asked<'a> {
    origin: &'a str,
    nonce: &'a str,
    time: &'a str,
    /// The anchor first.
    issuers: &'a [PathBuf],
}

#[test]
fn python_accepts_the_tokens_of_the_software_cards_and_no_others() {
    let desk = Desk::new();
    let pki = &demo().pki;
    let issuers = [desk.pem("root.pem", pki.root_der()), desk.pem("sub-ca.pem", pki.sub_ca_der())];
    let time = moment::format(crate::common::now());
    let nonce = Nonce::of(&[0x3C; 32]);
    let asked = Asked { origin: ORIGIN, nonce: nonce.as_str(), time: &time, issuers: &issuers };
    let cards: [SoftCard; 2] = [card(Chip::Gemalto), contact_card(Model::Cns11)];
    let tokens = cards.map(|card| answer(&card, &origin(), &nonce).to_json().into_bytes());
    for token in &tokens {
        assert_eq!(desk.verdict(token, &asked).as_ref(), Ok(&demo().citizen.fiscal_code));
    }

    let [token, other_card] = &tokens;
    let refused = |token: &[u8], asked: Asked<'_>, reason: &str| {
        let said = desk.verdict(token, &asked).expect_err(reason);
        assert!(said.contains(reason), "{reason} in {said}");
    };
    // Each member changed: to another card's, to something near, to nothing.
    let other: Value = serde_json::from_slice(other_card).unwrap();
    let flipped = changed(token, |token| {
        let mut signature = Base64::decode_vec(token["signature"].as_str().unwrap()).unwrap();
        signature[17] ^= 1;
        token["signature"] = json!(Base64::encode_string(&signature));
    });
    refused(&flipped, asked, "InvalidSignature");
    for member in ["signature", "unverifiedCertificate"] {
        let exchanged = changed(token, |token| token[member] = other[member].clone());
        refused(&exchanged, asked, "InvalidSignature");
        refused(&changed(token, |token| token[member] = json!("====")), asked, "Error");
    }
    for (algorithm, reason) in [("RS512", "InvalidSignature"), ("ES256", "another key"), ("none", "Error")] {
        refused(&changed(token, |token| token["algorithm"] = json!(algorithm)), asked, reason);
    }
    refused(&changed(token, |token| token["format"] = json!("web-eid:2.0")), asked, "format");
    for member in ["signature", "unverifiedCertificate", "algorithm", "format"] {
        let without = changed(token, |token| drop(token.as_object_mut().unwrap().remove(member)));
        refused(&without, asked, "KeyError");
    }
    let twice = String::from_utf8(token.clone()).unwrap().replacen('{', r#"{"format":"web-eid:1.0","#, 1);
    refused(twice.as_bytes(), asked, "twice");

    // Another origin, another nonce, another time, other issuers: of other names, and of the same with other keys.
    let other_nonce = Nonce::of(&[0x3D; 32]);
    refused(token, Asked { origin: "https://evil.example", ..asked }, "InvalidSignature");
    refused(token, Asked { origin: &format!("{ORIGIN}/"), ..asked }, "InvalidSignature");
    refused(token, Asked { nonce: other_nonce.as_str(), ..asked }, "InvalidSignature");
    let expired = moment::format(std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW + 400_000_000));
    for time in [expired.as_str(), "2025-12-31T23:59:59Z"] {
        refused(token, Asked { time, ..asked }, "not valid at this time");
    }
    let stranger = desk.pem("stranger.pem", &authority("Somebody", Whose::Stranger).by(None).der);
    refused(token, Asked { issuers: &[stranger], ..asked }, "unknown issuer");
    refused(token, Asked { issuers: &[issuers[0].clone()], ..asked }, "unknown issuer");
    let named = Profile { subject: names_of(pki.root_der()), ..authority("", Whose::Stranger) };
    let named = desk.pem("named.pem", &named.by(None).der);
    refused(token, Asked { issuers: &[named, issuers[1].clone()], ..asked }, "InvalidSignature");
}

/// The names in a subject, in their order.
fn names_of(der: &[u8]) -> Vec<(&'static str, String)> {
    let certificate = X509::from_der(der).unwrap();
    let entries = certificate.subject_name().entries();
    let named = entries.map(|entry| {
        let field = entry.object().nid().short_name().unwrap();
        (field, String::from_utf8(entry.data().as_slice().to_vec()).unwrap())
    });
    named.collect()
}

#[test]
fn python_accepts_the_tokens_of_the_web_eid_project() {
    let desk = Desk::new();
    let vectors: Value = serde_json::from_str(include_str!("../../fixtures/vectors/web-eid.json")).unwrap();
    let text = |value: &'static str, vector: &Value| vector[value].as_str().unwrap().to_owned();
    for vector in vectors["tokens"].as_array().unwrap() {
        let [origin, nonce, time, other_origin, other_nonce, issuer] =
            ["origin", "nonce", "at", "other_origin", "other_nonce", "issuer"].map(|name| text(name, vector));
        let issuers = [desk.pem("issuer.pem", &Base64::decode_vec(&issuer).unwrap())];
        let asked = Asked { origin: &origin, nonce: &nonce, time: &time, issuers: &issuers };
        let token = vector["token"].to_string();
        let token = token.as_bytes();
        let printed = desk.verdict(token, &asked).unwrap();
        let read = cie::login::AuthToken::parse(token).unwrap();
        assert_eq!(Some(printed), read.unverified_certificate().subject().common_name);
        assert!(Origin::parse(&origin).is_ok());
        for other in [
            Asked { origin: &other_origin, ..asked },
            Asked { nonce: &other_nonce, ..asked },
            Asked { time: "2044-08-01T00:00:00Z", ..asked },
        ] {
            assert!(desk.verdict(token, &other).is_err());
        }
    }
}
