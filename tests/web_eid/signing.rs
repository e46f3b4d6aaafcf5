//! Signatures for pages: never with a key that logs in, whatever the page says it signs.

use std::sync::OnceLock;

use base64ct::{Base64, Encoding};
use cie::crypto::{DigestAlgorithm, PresentedCertificate};
use cie::emulator::SoftCard;
use cie::emulator::contact::{IssueOptions, Issued, Model, SignatureKey};
use cie::login::{AuthToken, Nonce, Origin, signed_message};
use cie::trust::{AnchorPurpose, CertifiedCard, HolderPolicy, TrustStore};
use cie::web_eid::{SigningRefused, check_signing_certificate};
use serde_json::{Value, json};

use crate::common::contact::{issued, issued_with};
use crate::common::{demo, now};
use crate::host::{Desk, NONCE, ORIGIN, PIN, authenticate, code};

const FATAL: &str = "ERR_WEBEID_NATIVE_FATAL";
const CANCELLED: &str = "ERR_WEBEID_USER_CANCELLED";
const SIGNATURE_PIN: &str = "24681357";

/// A citizen with a CNS that has a key for signatures.
fn with_two_keys(steps: &[&str]) -> (Desk, Vec<u8>, Vec<u8>) {
    let desk = Desk::without_card(steps);
    static ISSUED: OnceLock<Issued> = OnceLock::new();
    let key = SignatureKey { pin: *b"24681357", puk: *b"87654321" };
    let options = IssueOptions { signature_key: Some(key), ..IssueOptions::default() };
    let issued = ISSUED.get_or_init(|| issued_with(Model::Cns11, &options)).clone();
    SoftCard::create_contact(desk.card(), issued.personalisation, Model::Cns11).unwrap();
    (desk, issued.certificate, issued.signature_certificate.unwrap())
}

fn get_certificate() -> Value {
    json!({ "command": "get-signing-certificate", "arguments": { "origin": ORIGIN } })
}

fn sign(digest: &[u8], function: &str, certificate: &[u8]) -> Value {
    json!({ "command": "sign", "arguments": {
        "origin": ORIGIN,
        "hash": Base64::encode_string(digest),
        "hashFunction": function,
        "certificate": Base64::encode_string(certificate),
    }})
}

/// What a page would have signed to log in elsewhere: the digest of hash(origin) ‖ hash(nonce).
fn login_elsewhere() -> Vec<u8> {
    let origin = Origin::parse("https://banca.example.it").unwrap();
    let message = signed_message(DigestAlgorithm::Sha256, &origin, &Nonce::parse(NONCE).unwrap());
    DigestAlgorithm::Sha256.hash(&message)
}

#[test]
fn a_cie_signs_nothing_for_a_page_and_says_why() {
    for (request, steps, kinds) in [
        (get_certificate(), &["yes", "no"][..], &["CONFIRM", "CONFIRM"][..]),
        (sign(&login_elsewhere(), "SHA-256", b"certificate"), &["no"], &["CONFIRM"]),
        // Another card may lie there the next time.
        (sign(&login_elsewhere(), "SHA-256", b"certificate"), &["yes", "no"], &["CONFIRM", "CONFIRM"]),
    ] {
        let desk = Desk::new(steps);
        let (answer, status, _) = desk.host().ask(&request);
        assert_eq!((code(&answer), status), (FATAL, 2));
        assert!(answer["error"]["message"].as_str().unwrap().contains("could be a login somewhere else"));
        assert_eq!(desk.pinentry.kinds(), kinds, "no PIN is asked for");
        let shown = desk.pinentry.shown();
        let last = shown.last().unwrap();
        assert!(last.text.starts_with(ORIGIN) && last.text.contains("one key"), "{last:?}");
        assert_eq!((desk.verifications(), desk.tries()), (0, 3));
        desk.pinentry.check_end(&[PIN]);
    }
}

#[test]
fn nor_does_a_contact_card_with_one_key() {
    for (request, steps) in [
        (get_certificate(), &["yes", "no"][..]),
        (sign(&login_elsewhere(), "SHA-256", b"certificate"), &["no"]),
    ] {
        let desk = Desk::without_card(steps);
        SoftCard::create_contact(desk.card(), issued(Model::Cns11).personalisation, Model::Cns11).unwrap();
        let (answer, ..) = desk.host().ask(&request);
        assert_eq!(code(&answer), FATAL);
        assert!(answer["error"]["message"].as_str().unwrap().contains("one key"), "{answer}");
        assert!(!desk.pinentry.kinds().contains(&"GETPIN".to_owned()));
    }
}

/// A page that asks without end learns nothing that nobody told it: not even whether a card lies there.
#[test]
fn no_page_learns_of_a_card_without_a_window() {
    for has_card in [true, false] {
        let desk = if has_card { with_two_keys(&["no"]).0 } else { Desk::without_card(&["no"]) };
        let (answer, status, _) = desk.host().ask(&get_certificate());
        assert_eq!((code(&answer), status), (CANCELLED, 0));
        assert_eq!(desk.pinentry.kinds(), ["CONFIRM"]);
        assert!(!desk.path().join("trace").exists(), "the card was not even looked for");
    }
}

#[test]
fn the_certificate_of_the_other_key_is_given_when_its_holder_says_so() {
    let (desk, _, certificate) = with_two_keys(&["yes"]);
    let (answer, status, _) = desk.host().ask(&get_certificate());
    assert_eq!(status, 0, "{answer}");
    assert_eq!(answer["certificate"], Base64::encode_string(&certificate));
    let algorithms = answer["supportedSignatureAlgorithms"].as_array().unwrap();
    let expected =
        |hash| json!({ "cryptoAlgorithm": "RSA", "hashFunction": hash, "paddingScheme": "PKCS1.5" });
    assert_eq!(*algorithms, ["SHA-256", "SHA-384", "SHA-512"].map(expected));
    let shown = desk.pinentry.shown();
    assert!(shown[0].text.starts_with(ORIGIN) && shown[0].text.contains("who you are"), "{shown:?}");

    let (desk, ..) = with_two_keys(&["no"]);
    let (answer, ..) = desk.host().ask(&get_certificate());
    assert_eq!(code(&answer), CANCELLED);
    assert!(answer.get("certificate").is_none());
}

/// OpenSSL says whether it is a signature of that certificate's key.
#[test]
fn the_other_key_signs_after_its_own_pin() {
    let message = b"a document's signed attributes";
    for (algorithm, function, option) in [
        (DigestAlgorithm::Sha256, "SHA-256", "-sha256"),
        (DigestAlgorithm::Sha384, "SHA-384", "-sha384"),
        (DigestAlgorithm::Sha512, "SHA-512", "-sha512"),
    ] {
        let (desk, _, certificate) = with_two_keys(&["pin 24681357"]);
        let (answer, status, said) = desk.host().ask(&sign(&algorithm.hash(message), function, &certificate));
        assert_eq!(status, 0, "{said}");
        assert_eq!(
            answer["signatureAlgorithm"],
            json!({ "cryptoAlgorithm": "RSA", "hashFunction": function, "paddingScheme": "PKCS1.5" })
        );
        let shown = desk.pinentry.shown();
        assert!(shown[0].text.starts_with("SIGNATURE, asked for by\nhttps://portale.comune.example.it\n"));
        assert!(shown[0].text.contains("another one than that for logins"), "{shown:?}");
        let signature = Base64::decode_vec(answer["signature"].as_str().unwrap()).unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(desk.path().join(name), bytes).unwrap();
        write("signature", &signature);
        write("message", message);
        write("holder.pem", presented(&certificate).to_pem().unwrap().as_bytes());
        let openssl = |arguments: &[&str]| {
            std::process::Command::new("openssl").current_dir(desk.path()).args(arguments).output().unwrap()
        };
        write("key.pem", &openssl(&["x509", "-in", "holder.pem", "-noout", "-pubkey"]).stdout);
        let check = ["dgst", option, "-verify", "key.pem", "-signature", "signature", "message"];
        assert!(openssl(&check).status.success());
        desk.pinentry.check_end(&[SIGNATURE_PIN]);
    }
}

/// The login's PIN is another one: shown for a signature it costs a try of the signature's.
#[test]
fn a_wrong_pin_for_signatures_is_counted_apart() {
    let (desk, _, certificate) = with_two_keys(&["pin 12345678", "pin 24681357"]);
    let digest = DigestAlgorithm::Sha256.hash(b"x");
    let (answer, ..) = desk.host().ask(&sign(&digest, "SHA-256", &certificate));
    assert_eq!(code(&answer), "no error");
    let shown = desk.pinentry.shown();
    assert!(
        shown[1].error.contains("PIN is wrong") && shown[1].error.contains("Tries left: 2."),
        "{shown:?}"
    );
    assert_eq!((desk.verifications(), desk.tries()), (2, 3), "the login's tries are untouched");
}

/// Its PUK is another one than the login's: nobody is sent to spend that one on it.
#[test]
fn a_blocked_pin_for_signatures_is_told_as_what_it_is() {
    let digest = DigestAlgorithm::Sha256.hash(b"x");
    let (desk, _, certificate) = with_two_keys(&["pin 11111", "pin 22222", "yes", "pin 33333", "read"]);
    let (answer, status, said) = desk.host().ask(&sign(&digest, "SHA-256", &certificate));
    assert_eq!((code(&answer), status), (FATAL, 6), "{said}");
    assert!(said.contains("signature-pin-blocked"), "{said}");
    assert_eq!(desk.pinentry.kinds(), ["GETPIN", "GETPIN", "CONFIRM", "GETPIN", "MESSAGE"]);
    let text = &desk.pinentry.shown()[4].text;
    assert!(text.contains("PUK of its own") && !text.contains("cie pin unblock"), "{text}");
    assert_eq!((desk.verifications(), desk.tries()), (3, 3), "the login's tries are untouched");
}

/// A page that changed the card, or made the certificate up.
#[test]
fn only_the_certificate_that_was_given_is_signed_for() {
    let digest = DigestAlgorithm::Sha256.hash(b"x");
    let (_, login, certificate) = with_two_keys(&[]);
    let mut changed = certificate.clone();
    *changed.last_mut().unwrap() ^= 1;
    for other in [login, changed, certificate[..certificate.len() - 1].to_vec(), Vec::new()] {
        let (desk, ..) = with_two_keys(&["no"]);
        let (answer, status, _) = desk.host().ask(&sign(&digest, "SHA-256", &other));
        assert_eq!((code(&answer), status), (FATAL, 2));
        assert_eq!(desk.pinentry.kinds(), ["CONFIRM"], "before anybody is asked for a PIN");
    }
}

/// The attack itself, all the way: the page gets its signature, and no portal takes it for a login.
#[test]
fn a_signature_over_another_portals_login_logs_in_nowhere() {
    let (desk, login, certificate) = with_two_keys(&["pin 24681357"]);
    let (answer, ..) = desk.host().ask(&sign(&login_elsewhere(), "SHA-256", &certificate));
    assert_eq!(code(&answer), "no error");
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Cns, demo().pki.root_der()).unwrap();
    trust.add_intermediate(demo().pki.sub_ca_der()).unwrap();
    let policy = HolderPolicy::of(CertifiedCard::Cns);
    let (origin, nonce) = (Origin::parse("https://banca.example.it").unwrap(), Nonce::parse(NONCE).unwrap());
    for (certificate, path_holds, signature_holds) in [(&certificate, false, true), (&login, true, false)] {
        let token = json!({
            "unverifiedCertificate": Base64::encode_string(certificate),
            "algorithm": "RS256",
            "signature": answer["signature"],
            "format": "web-eid:1.0",
        });
        let token = AuthToken::parse(token.to_string().as_bytes()).unwrap();
        let holder = token.unverified_certificate();
        assert_eq!(trust.verify_holder_with(&presented(certificate), now(), &policy).is_ok(), path_holds);
        let key = holder.public_key().unwrap();
        assert_eq!(token.verify_signature(&key, &origin, &nonce).is_ok(), signature_holds);
    }
}

/// Whatever a card says of its other key.
#[test]
fn keys_that_could_log_in_are_told_by_their_certificates() {
    let (_, login, signing) = with_two_keys(&[]);
    let (login, signing) = (presented(&login), presented(&signing));
    assert_eq!(check_signing_certificate(&signing, &login), Ok(()));
    assert_eq!(check_signing_certificate(&login, &login), Err(SigningRefused::OneKey));
    assert_eq!(check_signing_certificate(&signing, &signing), Err(SigningRefused::OneKey));
    // Another key, whose certificate has digitalSignature: with clientAuth, without it, and a CIE's own.
    let only_signs = IssueOptions { certificate_only_signs: true, ..IssueOptions::default() };
    for certificate in [
        issued_with(Model::Cns11, &only_signs).certificate,
        issued(Model::Cns10).certificate,
        demo().personalisation.files.iter().find(|file| file.identifier == 0x1003).unwrap().content.clone(),
    ] {
        let certificate = presented(&trimmed(&certificate));
        assert_eq!(check_signing_certificate(&certificate, &signing), Err(SigningRefused::Usage));
    }
}

fn presented(der: &[u8]) -> PresentedCertificate {
    PresentedCertificate::from_der(der).unwrap()
}

/// A certificate without what fills its file up.
fn trimmed(content: &[u8]) -> Vec<u8> {
    let length = 4 + usize::from(u16::from_be_bytes([content[2], content[3]]));
    content[..length].to_vec()
}

/// A login with the same card is not touched by any of this.
#[test]
fn the_card_with_two_keys_still_logs_in_with_the_first() {
    let (desk, login, _) = with_two_keys(&["pin 12345678"]);
    let (token, status, said) = desk.host().ask(&authenticate());
    assert_eq!(status, 0, "{said}");
    assert_eq!(token["unverifiedCertificate"], Base64::encode_string(&login));
}
