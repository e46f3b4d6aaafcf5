//! Login tokens that other programs made (fixtures/vectors/web-eid.json), and texts that are no tokens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use base64ct::{Base64, Encoding};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, PresentedCertificate};
use cie::environment::moment;
use cie::login::{AuthToken, Nonce, Origin, TokenError, signed_message};
use cie::trust::{AnchorPurpose, Error, TrustStore};
use serde_json::{Value, json};

fn vectors() -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../fixtures/vectors/web-eid.json")).unwrap();
    all["tokens"].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The token of a vector, with its members changed.
fn changed(vector: &Value, change: impl Fn(&mut Value)) -> Result<AuthToken, TokenError> {
    let mut token = vector["token"].clone();
    change(&mut token);
    AuthToken::parse(token.to_string().as_bytes())
}

#[test]
fn tokens_of_the_web_eid_project_verify() {
    for vector in vectors() {
        let token = AuthToken::parse(vector["token"].to_string().as_bytes()).unwrap();
        let certificate = token.unverified_certificate();
        assert_eq!(hex::encode(certificate.fingerprint()), text(&vector["certificate_sha256"]));
        let origin = Origin::parse(text(&vector["origin"])).unwrap();
        let nonce = Nonce::parse(text(&vector["nonce"])).unwrap();
        let message = signed_message(token.algorithm().digest(), &origin, &nonce);
        assert_eq!(hex::encode(message), text(&vector["signed_message"]));
        let key = certificate.public_key().unwrap();
        token.verify_signature(&key, &origin, &nonce).unwrap();
        assert_eq!(token.algorithm().name(), text(&vector["token"]["algorithm"]));
        assert!(token.app_version().unwrap().starts_with("https://web-eid.eu/web-eid-app/releases/"));

        // For another challenge, another portal, or another key it is worth nothing.
        let other_nonce = Nonce::parse(text(&vector["other_nonce"])).unwrap();
        let other_origin = Origin::parse(text(&vector["other_origin"])).unwrap();
        let issuer = Base64::decode_vec(text(&vector["issuer"])).unwrap();
        let issuer_key = cie::trust::Certificate::from_der(&issuer).unwrap().public_key().unwrap();
        for outcome in [
            token.verify_signature(&key, &origin, &other_nonce),
            token.verify_signature(&key, &other_origin, &nonce),
            token.verify_signature(&issuer_key, &origin, &nonce),
        ] {
            assert_eq!(outcome, Err(Error::WrongSignature));
        }

        // The path to the published issuer holds at the time, for a store that trusts it.
        let at = moment::parse(text(&vector["at"])).unwrap();
        let mut store = TrustStore::new();
        store.add_anchor(AnchorPurpose::Holder, &issuer).unwrap();
        let path = store.verify_path(AnchorPurpose::Holder, certificate.clone(), at).unwrap();
        token.verify_signature(path.public_key(), &origin, &nonce).unwrap();
        // But no Italian card has such a certificate.
        let refused = store.verify_holder_certificate(certificate.clone(), at, &Default::default());
        assert!(matches!(refused, Err(Error::WrongPurpose(_))));
    }
}

#[test]
fn what_was_read_is_written_again() {
    for vector in vectors() {
        let token = AuthToken::parse(vector["token"].to_string().as_bytes()).unwrap();
        let again: Value = serde_json::from_str(&token.to_json()).unwrap();
        assert_eq!(again, vector["token"]);
        assert_eq!(AuthToken::parse(token.to_json().as_bytes()), Ok(token));
    }
}

#[test]
fn every_flipped_bit_of_the_signature_is_noticed() {
    for vector in vectors() {
        let signature = Base64::decode_vec(text(&vector["token"]["signature"])).unwrap();
        let origin = Origin::parse(text(&vector["origin"])).unwrap();
        let nonce = Nonce::parse(text(&vector["nonce"])).unwrap();
        let verify = |signature: &[u8]| {
            let token =
                changed(&vector, |token| token["signature"] = json!(Base64::encode_string(signature)))
                    .unwrap();
            token.verify_signature(&token.unverified_certificate().public_key().unwrap(), &origin, &nonce)
        };
        verify(&signature).unwrap();
        for index in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[index] ^= 1 << (index % 8);
            assert_eq!(verify(&flipped), Err(Error::WrongSignature));
        }
        for signature in [
            &[][..],
            &signature[1..],
            &signature[..signature.len() - 1],
            &[&[0], &signature[..]].concat(),
            &[&signature[..], &[0]].concat(),
            &vec![0; signature.len()],
            &vec![0xFF; signature.len()],
        ] {
            assert_eq!(verify(signature), Err(Error::WrongSignature));
        }
    }
}

#[test]
fn an_algorithm_that_was_changed_is_refused() {
    for vector in vectors() {
        let own = text(&vector["token"]["algorithm"]).to_owned();
        let origin = Origin::parse(text(&vector["origin"])).unwrap();
        let nonce = Nonce::parse(text(&vector["nonce"])).unwrap();
        for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] {
            let token = changed(&vector, |token| token["algorithm"] = json!(algorithm)).unwrap();
            let key = token.unverified_certificate().public_key().unwrap();
            assert_eq!(
                token.verify_signature(&key, &origin, &nonce).is_ok(),
                algorithm == own,
                "{algorithm}"
            );
        }
        for algorithm in ["", "NONE", "none", "rs256", "RS256 ", "HS256", "RS1", "RS\u{0}256", "RS256\n"] {
            let outcome = changed(&vector, |token| token["algorithm"] = json!(algorithm));
            assert_eq!(outcome, Err(TokenError::Algorithm), "{algorithm}");
        }
    }
}

#[test]
fn the_format_is_that_of_version_one() {
    let vector = &vectors()[1];
    for format in ["web-eid:1", "web-eid:1.0"] {
        assert!(changed(vector, |token| token["format"] = json!(format)).is_ok(), "{format}");
    }
    for format in [
        "",
        "web-eid",
        "web-eid:",
        "web-eid:2",
        "web-eid:10",
        "web-eid:1.",
        "web-eid:1.x",
        "web-eid:1.0.0",
        "web-eid:1 ",
        "Web-eid:1.0",
        "invalid.0",
        "web-eid:1.-1",
        "web-eid:1.99999",
    ] {
        assert_eq!(
            changed(vector, |token| token["format"] = json!(format)),
            Err(TokenError::Format),
            "{format}"
        );
    }
    // From 1.1 on there is a signing certificate.
    for format in ["web-eid:1.1", "web-eid:1.9"] {
        let outcome = changed(vector, |token| token["format"] = json!(format));
        assert!(matches!(outcome, Err(TokenError::Json(_))), "{format}");
    }
}

#[test]
fn members_that_are_not_known_are_passed_over_and_none_stands_there_twice() {
    let vector = &vectors()[1];
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    for value in [json!(1), json!("web-eid:authenticate"), json!({"a": [null, {"b": 1.5}]}), deep] {
        assert!(changed(vector, |token| token["action"] = value.clone()).is_ok());
    }
    let plain = vector["token"].to_string();
    for member in [
        r#""algorithm":"RS256","#,
        r#""action":1,"action":2,"#,
        r#""\u0061lgorithm":"RS256","#,
        r#""appVersion":"x","#,
    ] {
        let twice = plain.replacen('{', &format!("{{{member}"), 1);
        let outcome = AuthToken::parse(twice.as_bytes());
        assert!(matches!(&outcome, Err(TokenError::Json(said)) if said.contains("twice")), "{outcome:?}");
    }
    for missing in ["unverifiedCertificate", "algorithm", "signature", "format"] {
        let outcome = changed(vector, |token| drop(token.as_object_mut().unwrap().remove(missing)));
        assert!(matches!(&outcome, Err(TokenError::Json(said)) if said.contains(missing)), "{outcome:?}");
        for value in [json!(null), json!(1), json!(["x"]), json!({"a": "SECRET"}), json!(true)] {
            let outcome = changed(vector, |token| token[missing] = value.clone()).unwrap_err();
            assert!(matches!(outcome, TokenError::Json(_)) && !outcome.to_string().contains("SECRET"));
        }
    }
}

#[test]
fn a_text_that_is_no_json_object_is_refused() {
    let plain = vectors()[1]["token"].to_string();
    let json = |outcome: Result<AuthToken, TokenError>| matches!(outcome, Err(TokenError::Json(_)));
    for length in 0..plain.len() {
        assert!(AuthToken::parse(&plain.as_bytes()[..length]).is_err(), "{length}");
    }
    for after in ["x", "{}", "\u{0}", ","] {
        assert!(json(AuthToken::parse(format!("{plain}{after}").as_bytes())));
    }
    for before in ["\u{feff}", "x", "["] {
        assert!(json(AuthToken::parse(format!("{before}{plain}").as_bytes())));
    }
    assert!(AuthToken::parse(format!(" \r\n{plain}\n").as_bytes()).is_ok(), "blanks are no matter");
    assert!(json(AuthToken::parse(format!("[{plain}]").as_bytes())));
    assert!(json(AuthToken::parse("[".repeat(9000).as_bytes())));
    assert!(json(AuthToken::parse(plain.replace('"', "'").as_bytes())));
    let mut bytes = plain.clone().into_bytes();
    bytes[200] = 0xFF;
    assert_eq!(AuthToken::parse(&bytes), Err(TokenError::Encoding));
}

#[test]
fn a_token_has_its_length() {
    assert_eq!(AuthToken::parse(&[b' '; 99]), Err(TokenError::Length(99)));
    let plain = vectors()[1]["token"].to_string();
    let padded = |length: usize| format!("{plain}{}", " ".repeat(length - plain.len()));
    assert!(AuthToken::parse(padded(10_000).as_bytes()).is_ok());
    assert_eq!(AuthToken::parse(padded(10_001).as_bytes()), Err(TokenError::Length(10_001)));
    let huge = padded(10 << 20);
    assert_eq!(AuthToken::parse(huge.as_bytes()), Err(TokenError::Length(10 << 20)));
}

#[test]
fn base64_has_one_alphabet_and_its_padding() {
    let vector = &vectors()[1];
    for member in ["signature", "unverifiedCertificate"] {
        let value = text(&vector["token"][member]).to_owned();
        assert!(value.contains('+') || value.contains('/'));
        for wrong in [
            value.replace('+', "-").replace('/', "_"),
            value.trim_end_matches('=').to_owned() + "-",
            format!("{value}="),
            format!("{value} "),
            format!(" {value}"),
            value.replacen('A', "A\n", 1),
            value.replacen('A', "é", 1),
        ] {
            if wrong == value {
                continue;
            }
            let outcome = changed(vector, |token| token[member] = json!(wrong));
            assert!(matches!(outcome, Err(TokenError::Base64(_))), "{outcome:?} {wrong}");
        }
    }
    let unpadded = text(&vector["token"]["signature"]).trim_end_matches('=').to_owned();
    let outcome = changed(vector, |token| token["signature"] = json!(unpadded));
    assert!(matches!(outcome, Err(TokenError::Base64(_))));
}

#[test]
fn a_certificate_in_a_token_is_whole() {
    let vector = &vectors()[1];
    let der = Base64::decode_vec(text(&vector["token"]["unverifiedCertificate"])).unwrap();
    for wrong in [&der[..der.len() - 1], &[&der[..], &[0]].concat(), &der[1..], &[]] {
        let outcome =
            changed(vector, |token| token["unverifiedCertificate"] = json!(Base64::encode_string(wrong)));
        assert!(matches!(outcome, Err(TokenError::Certificate(Error::Malformed(_)))), "{outcome:?}");
    }
}

/// The issuer's certificate in place of a signing certificate: whatever is sent along must be the holder's own.
#[test]
fn a_signing_certificate_is_the_holders_other_one() {
    let vector = &vectors()[1];
    let algorithms =
        json!([{ "cryptoAlgorithm": "RSA", "hashFunction": "SHA-256", "paddingScheme": "PKCS1.5" }]);
    let with = |certificate: &Value, algorithms: &Value| {
        changed(vector, |token| {
            token["format"] = json!("web-eid:1.1");
            token["unverifiedSigningCertificates"] =
                json!([{ "certificate": certificate, "supportedSignatureAlgorithms": algorithms }]);
        })
    };
    let refused = |outcome: Result<AuthToken, TokenError>| match outcome {
        Err(TokenError::SigningCertificate(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(with(&vector["issuer"], &algorithms)), "names somebody else");
    let own = vector["token"]["unverifiedCertificate"].clone();
    assert_eq!(refused(with(&own, &algorithms)), "is not made for signatures that bind");
    // The shape of the draft.
    let draft = changed(vector, |token| {
        token["format"] = json!("web-eid:1.1");
        token["unverifiedSigningCertificate"] = own.clone();
        token["supportedSignatureAlgorithms"] = algorithms.clone();
    });
    assert_eq!(refused(draft), "is not made for signatures that bind");
    for (certificate, algorithms) in [
        (&own, json!([])),
        (&own, json!("x")),
        (&own, json!([{ "cryptoAlgorithm": "DSA", "hashFunction": "SHA-256", "paddingScheme": "NONE" }])),
        (&own, json!([{ "cryptoAlgorithm": "RSA", "hashFunction": "MD5", "paddingScheme": "NONE" }])),
        (&own, json!([{ "cryptoAlgorithm": "RSA", "hashFunction": "SHA-256", "paddingScheme": "" }])),
        (&own, json!([{ "cryptoAlgorithm": "RSA" }])),
        (&json!(1), algorithms.clone()),
    ] {
        assert!(matches!(with(certificate, &algorithms), Err(TokenError::Json(_))));
    }
    let none = changed(vector, |token| {
        token["format"] = json!("web-eid:1.1");
        token["unverifiedSigningCertificates"] = json!([]);
    });
    assert!(matches!(none, Err(TokenError::Json(_))));
    // Format 1.0 knows nothing of them.
    assert!(changed(vector, |token| token["unverifiedSigningCertificates"] = json!([])).is_ok());
}

/// A card whose certificate is long, with a key that must not be used.
struct Long(PresentedCertificate);

impl Signer for Long {
    type Error = std::convert::Infallible;

    fn certificate(&self) -> &PresentedCertificate {
        &self.0
    }

    fn sign(&mut self, _: Purpose, _: &Digest) -> Result<Vec<u8>, Self::Error> {
        panic!("nothing is signed that no server would take")
    }
}

#[test]
fn a_certificate_that_no_token_holds_is_refused_before_it_is_signed_with() {
    use openssl::{asn1, hash, pkey, rsa, x509};
    let key = pkey::PKey::from_rsa(rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = x509::X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
    let oid = asn1::Asn1Object::from_str("1.2.3.4").unwrap();
    let content = asn1::Asn1OctetString::new_from_bytes(&[7; 9000]).unwrap();
    builder.append_extension(x509::X509Extension::new_from_der(&oid, false, &content).unwrap()).unwrap();
    builder.sign(&key, hash::MessageDigest::sha256()).unwrap();
    let der = builder.build().to_der().unwrap();
    let (origin, nonce) =
        (Origin::parse("https://portal.example").unwrap(), Nonce::parse(&"A".repeat(44)).unwrap());
    let outcome =
        AuthToken::create(&mut Long(PresentedCertificate::from_der(&der).unwrap()), &origin, &nonce);
    assert!(outcome.unwrap_err().to_string().contains("longer than a token holds"));
}
