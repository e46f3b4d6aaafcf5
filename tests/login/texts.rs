//! Attacks with texts that are no tokens, or are more than one.

use base64ct::{Base64, Base64Unpadded, Base64Url, Encoding};
use cie::login::{Error, Nonce, TokenError};
use cie::trust::Error as Trust;
use serde_json::json;

use crate::attack::{Attack, changed};
use crate::pki::World;
use crate::portal::{Portal, origin};

/// Makes something else of the right token.
type Change<'a> = &'a dyn Fn(&str) -> Vec<u8>;

/// A portal, and the right token for a nonce with its text changed.
#[track_caller]
fn refused(expected: &Error, changes: &[Change<'_>]) {
    let world = World::new();
    let portal = Portal::of(&world);
    let attack = Attack::on(&portal, &world);
    let right = |nonce: &Nonce| String::from_utf8(world.holder.answers(&origin(), nonce)).unwrap();
    for change in changes {
        attack.refused(expected, |nonce| change(&right(nonce)));
    }
}

fn json_error(text: &str) -> Error {
    TokenError::Json(text.to_owned()).into()
}

#[test]
fn trailing_bytes() {
    let malformed = json_error("malformed JSON");
    let with = |after: &'static str| move |token: &str| format!("{token}{after}").into_bytes();
    let changes: Vec<_> =
        ["\0", "x", "{}", "[]", "1", ",", "}", "//", "\u{FEFF}", "\u{A0}", "\n{}"].map(with).to_vec();
    refused(&malformed, &changes.iter().map(|change| change as Change<'_>).collect::<Vec<_>>());
    refused(
        &malformed,
        &[
            // Two tokens, one after the other; one in a list; bytes before it; one that is cut.
            &|token| [token, token].concat().into_bytes(),
            &|token| [token, "\n", token].concat().into_bytes(),
            &|token| format!("\u{FEFF}{token}").into_bytes(),
            &|token| format!("\0{token}").into_bytes(),
            &|token| token.as_bytes()[..token.len() - 1].to_vec(),
            &|token| token.as_bytes()[..token.len() / 2].to_vec(),
            &|token| token.replace(':', " ").into_bytes(),
            &|token| token.replace("\"}", "\",}").into_bytes(),
        ],
    );
    let other_type = json_error("a member of the wrong type");
    refused(
        &other_type,
        &[&|token| format!("[{token}]").into_bytes(), &|token| json!(token).to_string().into_bytes()],
    );
    // In the certificate and behind the signature.
    let certificate = |with: &'static [u8]| {
        move |token: &str| {
            changed(token.as_bytes(), |token| {
                let der = Base64::decode_vec(token["unverifiedCertificate"].as_str().unwrap()).unwrap();
                token["unverifiedCertificate"] = json!(Base64::encode_string(&[&der, with].concat()));
            })
        }
    };
    refused(
        &TokenError::Certificate(Trust::Malformed("bytes after it")).into(),
        &[&certificate(&[0]), &certificate(&[0x30, 0])],
    );
}

#[test]
fn duplicate_json_keys() {
    let twice = json_error("a member stands there twice");
    // The same, another and an unknown one; at either end; written with escapes.
    refused(
        &twice,
        &[
            &|token| token.replacen('{', r#"{"algorithm":"RS256","#, 1).into_bytes(),
            &|token| token.replacen('}', r#","algorithm":"none"}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","signature":""}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","format":"web-eid:1.0"}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","unverifiedCertificate":"AAAA"}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","\u0061lgorithm":"RS256"}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","x":1,"x":1}"#, 1).into_bytes(),
            &|token| token.replacen('}', r#","appVersion":"a","appVersion":"b"}"#, 1).into_bytes(),
        ],
    );
    // One that only differs in case is none of ours, and changes nothing.
    let world = World::new();
    let portal = Portal::of(&world);
    let session = crate::portal::session("a");
    let nonce = portal.party.challenge(&session).unwrap();
    let token = String::from_utf8(world.holder.answers(&origin(), &nonce)).unwrap();
    let token = token.replacen('}', r#","Algorithm":"none","nonce":"x","origin":"https://evil.example"}"#, 1);
    portal.party.verify(&session, token.as_bytes()).unwrap();
}

#[test]
fn oversized_json() {
    let length = |length: usize| Error::from(TokenError::Length(length));
    let padded = |to: usize| {
        move |token: &str| {
            let filler = " ".repeat(to - token.len());
            token.replacen('{', &format!("{{{filler}"), 1).into_bytes()
        }
    };
    refused(&length(10_001), &[&padded(10_001)]);
    refused(&length(99), &[&|_| vec![b' '; 99]]);
    refused(&length(0), &[&|_| Vec::new()]);
    // As long as may be, it is still a token.
    let world = World::new();
    let portal = Portal::of(&world);
    let session = crate::portal::session("a");
    let nonce = portal.party.challenge(&session).unwrap();
    let token = String::from_utf8(world.holder.answers(&origin(), &nonce)).unwrap();
    portal.party.verify(&session, &padded(10_000)(&token)).unwrap();
    // Deep as well as long.
    let nested =
        |token: &str| token.replacen('{', &format!(r#"{{"x":{},"#, "[".repeat(4000)), 1).into_bytes();
    refused(&json_error("malformed JSON"), &[&nested]);
    // What is not known is passed over, however deep, and not by a call for each level.
    let nonce = portal.party.challenge(&session).unwrap();
    let token = String::from_utf8(world.holder.answers(&origin(), &nonce)).unwrap();
    let deep = format!(r#"{{"x":{}{},"#, "[".repeat(3000), "]".repeat(3000));
    portal.party.verify(&session, token.replacen('{', &deep, 1).as_bytes()).unwrap();
}

#[test]
fn ten_megabytes() {
    let length = 10 << 20;
    refused(
        &TokenError::Length(length).into(),
        &[
            &|token| token.replacen('{', &format!("{{{}", " ".repeat(length - token.len())), 1).into_bytes(),
            &|_| vec![b'['; length],
            &|_| vec![0xFF; length],
        ],
    );
}

#[test]
fn json_that_is_not_utf8() {
    let wide = |token: &str| token.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let inside = |bytes: &'static [u8]| {
        move |token: &str| {
            let mut text = token.as_bytes().to_vec();
            text.truncate(text.len() - 1);
            [&text, &b",\"appVersion\":\""[..], bytes, b"\"}"].concat()
        }
    };
    refused(
        &TokenError::Encoding.into(),
        &[&inside(&[0xFF]), &inside(&[0xE9]), &inside(&[0xC0, 0xAF]), &inside(&[0xED, 0xA0, 0x80])],
    );
    // Whoever takes it for UTF-8 sees zeros; and half a character by escapes is none.
    refused(&json_error("malformed JSON"), &[&wide, &inside(b"\\uD800"), &inside(b"\n"), &inside(b"\0")]);
}

#[test]
fn wrong_base64_alphabet() {
    let decoded = |token: &str, member: &str| {
        let token: serde_json::Value = serde_json::from_str(token).unwrap();
        Base64::decode_vec(token[member].as_str().unwrap()).unwrap()
    };
    let encodings: [fn(&[u8]) -> String; 7] = [
        // Of URLs; without padding; in lines; with a blank; padded too much; hex; a character of none.
        |bytes| Base64Url::encode_string(&[bytes, &[0xFB, 0xFF, 0xFE]].concat()),
        |bytes| Base64Unpadded::encode_string(&bytes[..bytes.len() / 3 * 3 - 1]),
        |bytes| Base64::encode_string(bytes).replacen('=', "\n=", 1) + "\n",
        |bytes| format!(" {}", Base64::encode_string(bytes)),
        |bytes| format!("{}=", Base64::encode_string(bytes)),
        |bytes| format!("{}:", hex::encode(bytes)),
        |bytes| Base64::encode_string(bytes).replacen('A', "*", 1),
    ];
    for (member, name) in [("unverifiedCertificate", "the certificate"), ("signature", "the signature")] {
        let change = |encode: fn(&[u8]) -> String| {
            move |token: &str| {
                let text = encode(&decoded(token, member));
                changed(token.as_bytes(), |token| token[member] = json!(text))
            }
        };
        let changes = encodings.map(change);
        refused(
            &TokenError::Base64(name).into(),
            &changes.iter().map(|change| change as Change<'_>).collect::<Vec<_>>(),
        );
    }
    // Bits that add nothing must be zero: or one signature would have several texts.
    let odd = |token: &str| {
        changed(token.as_bytes(), |token| {
            let text = token["signature"].as_str().unwrap().to_owned();
            let last = text.trim_end_matches('=').chars().next_back().unwrap();
            assert!("AQgw".contains(last), "256 bytes end with two bits");
            let other = char::from(u8::try_from(last).unwrap() + 1);
            token["signature"] = json!(text.replace(&format!("{last}=="), &format!("{other}==")));
        })
    };
    refused(&TokenError::Base64("the signature").into(), &[&odd]);
}

#[test]
fn members_that_are_not_there_or_something_else() {
    let without = |member: &'static str| {
        move |token: &str| {
            changed(token.as_bytes(), |token| drop(token.as_object_mut().unwrap().remove(member)))
        }
    };
    for member in ["unverifiedCertificate", "algorithm", "signature", "format"] {
        refused(&json_error(&format!("missing field `{member}`")), &[&without(member)]);
        let set = |value: serde_json::Value| {
            move |token: &str| changed(token.as_bytes(), |token| token[member] = value.clone())
        };
        refused(
            &json_error("a member of the wrong type"),
            &[&set(json!(null)), &set(json!(1)), &set(json!(["RS256"])), &set(json!({}))],
        );
    }
    let format = |text: &'static str| {
        move |token: &str| changed(token.as_bytes(), |token| token["format"] = json!(text))
    };
    refused(
        &TokenError::Format.into(),
        &[
            &format(""),
            &format("web-eid"),
            &format("web-eid:2.0"),
            &format("web-eid:10"),
            &format("web-eid:1.x"),
            &format("WEB-EID:1.0"),
            &format("invalid.0"),
        ],
    );
}
