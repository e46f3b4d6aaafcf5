//! What somebody may send instead of a signed order.

use cie::crypto::{DigestAlgorithm, PresentedCertificate, SystemEntropy};
use cie::emulator::pki::TestPki;
use cie::environment::FixedClock;
use cie::login::store::{MemoryStore, SessionId};
use cie::login::{self, AuthToken, Nonce, Origin, RelyingParty, signed_message};
use cie::trust::{self, AnchorPurpose, HolderPolicy, TrustStore};
use serde_json::{Value, json};

use crate::order::{DOMAIN, Draft, Order, OrderError, TimeError};
use crate::scene::{self, TAX, later, now, trust_of, world};
use crate::signed::{LENGTH_MAX, SignedOrder, VerifyError};

fn verify(signed: &SignedOrder) -> Result<(), VerifyError> {
    signed.verify(&world().trust(), now()).map(drop)
}

/// The same with other values in its JSON.
fn changed(signed: &SignedOrder, change: impl FnOnce(&mut Value)) -> SignedOrder {
    let mut value: Value = serde_json::from_str(&signed.to_json().unwrap()).unwrap();
    change(&mut value);
    SignedOrder::parse(value.to_string().as_bytes()).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

#[test]
fn an_order_of_its_payer_is_pending() {
    let order = world().order();
    let signed = world().sign(&order.encode());
    let pending = signed.verify(&world().trust(), now()).unwrap();
    assert_eq!(pending.order(), &order);
    assert!(pending.is_test(), "it is said that nobody's card signed");
    let person = &world().citizens[0].person;
    let name = pending.name().to_lowercase();
    for part in [&person.given_names, &person.surname] {
        assert!(name.contains(&part.to_lowercase()), "{name}");
    }
    assert_eq!(SignedOrder::parse(signed.to_json().unwrap().as_bytes()).unwrap(), signed);
}

#[test]
fn other_first_words_are_no_order_however_well_signed() {
    let text = String::from_utf8(world().order().encode()).unwrap();
    for other in [
        "cie payment order v2\n",
        "cie payment order v1 \n",
        "",
        "cie payment order v1\ncie payment order v1\n",
    ] {
        let signed = world().sign(text.replacen(DOMAIN, other, 1).as_bytes());
        assert!(matches!(verify(&signed), Err(VerifyError::Order(_))), "{other:?}");
    }
}

fn origin() -> Origin {
    Origin::parse("https://portale.comune.example.it").unwrap()
}

#[test]
fn the_signature_of_a_login_is_no_order() {
    let nonce = Nonce::parse(&"A".repeat(44)).unwrap();
    let token = world().with_signer(0, |signer| AuthToken::create(signer, &origin(), &nonce).unwrap());
    let message = signed_message(DigestAlgorithm::Sha256, &origin(), &nonce);
    let certificate = PresentedCertificate::from_der(token.unverified_certificate().as_der()).unwrap();
    // The signature itself is good.
    let path = world().trust().verify_holder(&certificate, now()).unwrap();
    path.verify_signature(&message, DigestAlgorithm::Sha256, token.signature()).unwrap();
    let signed = SignedOrder::new(message, &certificate, token.signature().to_vec());
    assert!(matches!(verify(&signed), Err(VerifyError::Order(OrderError::Domain))));
    // And over the bytes of an order it is a wrong one.
    let signed = SignedOrder::new(world().order().encode(), &certificate, token.signature().to_vec());
    assert!(matches!(verify(&signed), Err(VerifyError::Trust(trust::Error::WrongSignature))));
}

#[test]
fn the_signature_of_an_order_is_no_login() {
    let portal = RelyingParty::builder(origin(), world().trust(), MemoryStore::new())
        .accept(HolderPolicy::default())
        .revocation(world().revocation(now(), &[]))
        .clock(FixedClock(now()))
        .finish();
    let session = SessionId::new([7; 16]).unwrap();
    let signed = world().sign(&world().order().encode());
    let answer = |signature: Option<&[u8]>| {
        let nonce = portal.challenge(&session).unwrap();
        let token = world().with_signer(0, |signer| AuthToken::create(signer, &origin(), &nonce).unwrap());
        let mut value: Value = serde_json::from_str(&token.to_json()).unwrap();
        if let Some(signature) = signature {
            value["signature"] = base64(signature).into();
        }
        portal.verify(&session, value.to_string().as_bytes())
    };
    answer(None).unwrap();
    let outcome = answer(Some(signed.signature()));
    assert!(matches!(outcome, Err(login::Error::Trust(trust::Error::WrongSignature))), "{outcome:?}");
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let order = world().order();
    let signed = world().sign(&order.encode());
    let text = String::from_utf8(order.encode()).unwrap();
    for (from, to) in [
        (" 123456\n", " 100000\n"),
        ("channel kiosk", "channel bank"),
        ("until 2026-01-02", "until 2026-01-03"),
        ("TARI 2026", "TARI 2027"),
        (TAX.1, scene::CANTEEN.1),
    ] {
        let mut other = text.replacen(from, to, 1);
        if from == " 123456\n" {
            other = other.replace("total 132206", "total 108750");
        }
        // It is a sound order, only not the one that was signed.
        Order::parse(other.as_bytes()).unwrap();
        let signed = changed(&signed, |value| value["order"] = base64(other.as_bytes()).into());
        let outcome = verify(&signed);
        assert!(matches!(outcome, Err(VerifyError::Trust(trust::Error::WrongSignature))), "{from}");
    }
    let mut signature = signed.signature().to_vec();
    signature[100] ^= 1;
    let other = changed(&signed, |value| value["signature"] = base64(&signature).into());
    assert!(matches!(verify(&other), Err(VerifyError::Trust(trust::Error::WrongSignature))));
}

#[test]
fn somebody_else_cannot_pay_in_the_payers_name() {
    let bytes = world().order().encode();
    // Signed by another citizen, with the certificate that says so …
    let other = world().sign_by(1, &bytes);
    assert!(matches!(verify(&other), Err(VerifyError::OtherPayer)));
    // … and with the payer's.
    let signed = world().sign(&bytes);
    let certificate = base64(signed.certificate_der());
    let mixed = changed(&other, |value| value["certificate"] = certificate.into());
    assert!(matches!(verify(&mixed), Err(VerifyError::Trust(trust::Error::WrongSignature))));
    // The payer's signature with the other's certificate.
    let mixed = changed(&signed, |value| value["certificate"] = base64(other.certificate_der()).into());
    assert!(matches!(verify(&mixed), Err(VerifyError::Trust(trust::Error::WrongSignature))));
}

#[test]
fn unknown_issuers_and_software_cards() {
    let signed = world().sign(&world().order().encode());
    // A test PKI of the same names, but other keys, and one with nothing at all.
    let foreign = trust_of(&TestPki::generate(&mut SystemEntropy, now()).unwrap());
    let error = signed.verify(&foreign, now()).unwrap_err();
    assert!(matches!(error, VerifyError::Trust(_)), "{error}");
    let error = signed.verify(&TrustStore::new().allow_test_pki(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Trust(trust::Error::UnknownIssuer)) && error.is_unchecked());
    // Unless it is asked for, a software card is nobody's, and its anchors do not even enter.
    let error = signed.verify(&TrustStore::new(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Trust(trust::Error::TestCertificate)) && !error.is_unchecked());
    let entered = TrustStore::new().add_anchor(AnchorPurpose::Holder, world().pki.root_der());
    assert_eq!(entered, Err(trust::Error::TestCertificate));
}

#[test]
fn neither_too_late_nor_too_early() {
    let signed = world().sign(&world().order().encode());
    let at = |moment| signed.verify(&world().trust(), moment).map(drop);
    at(later(86_399)).unwrap();
    assert!(matches!(at(later(86_400)), Err(VerifyError::Time(TimeError::Expired))));
    let tomorrow = Draft { issued: later(3600), ..world().draft() };
    let signed = world().sign(&Order::new(tomorrow).unwrap().encode());
    let error = signed.verify(&world().trust(), now()).unwrap_err();
    assert!(matches!(error, VerifyError::Time(TimeError::Future)) && error.is_unchecked());
}

#[test]
fn signed_orders_of_another_form_are_refused() {
    let good: Value =
        serde_json::from_str(&world().sign(&world().order().encode()).to_json().unwrap()).unwrap();
    let parse = |value: &Value| SignedOrder::parse(value.to_string().as_bytes());
    parse(&good).unwrap();
    for member in ["format", "order", "certificate", "algorithm", "signature"] {
        let mut other = good.clone();
        other.as_object_mut().unwrap().remove(member);
        assert!(matches!(parse(&other), Err(VerifyError::Json(_))), "without {member}");
        let text = good.to_string();
        let twice = text.replacen('{', &format!("{{{}:{},", json!(member), good[member]), 1);
        assert!(matches!(SignedOrder::parse(twice.as_bytes()), Err(VerifyError::Json(_))), "two of {member}");
    }
    let with = |member: &str, value: Value| {
        let mut other = good.clone();
        other[member] = value;
        parse(&other)
    };
    assert!(matches!(with("paid", true.into()), Err(VerifyError::Json(_))));
    assert!(matches!(with("order", json!({ "order": [] })), Err(VerifyError::Json(_))));
    assert!(matches!(with("format", "cie-payment:2".into()), Err(VerifyError::Format)));
    for algorithm in ["RS1", "none", "HS256", "rs256", ""] {
        assert!(matches!(with("algorithm", algorithm.into()), Err(VerifyError::Algorithm)), "{algorithm}");
    }
    let order = good["order"].as_str().unwrap();
    for other in [format!(" {order}"), format!("{order}\n"), format!("{order}="), order.replacen('A', "_", 1)]
    {
        assert!(matches!(with("order", other.clone().into()), Err(VerifyError::Json(_))), "{other}");
    }
    let long = [good.to_string().into_bytes(), vec![b' '; LENGTH_MAX]].concat();
    assert!(matches!(SignedOrder::parse(&long), Err(VerifyError::Length)));
    let deep = "[".repeat(LENGTH_MAX);
    assert!(matches!(SignedOrder::parse(deep.as_bytes()), Err(VerifyError::Json(_))));
    let behind = good.to_string() + "{}";
    assert!(matches!(SignedOrder::parse(behind.as_bytes()), Err(VerifyError::Json(_))));
    // What is no certificate is refused before anything is made of it.
    let signed = with("certificate", base64(&[0x30, 0x80]).into()).unwrap();
    assert!(matches!(verify(&signed), Err(VerifyError::Certificate(_))));
}
