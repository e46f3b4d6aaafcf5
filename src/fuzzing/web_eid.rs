//! What a browser hands to the program beside it.

use base64ct::{Base64, Encoding as _};
use serde_json::json;

use crate::login::Origin;
use crate::web_eid::{MESSAGE_LENGTH, Request, read_message, write_message};

/// Messages as they come, and the requests in them: a message is exactly as long as it says, what follows stays; a
/// request that is written anew is the same.
pub fn native_message(input: &[u8]) {
    let mut rest = input;
    while let Ok(Some(message)) = read_message(&mut rest) {
        assert!(MESSAGE_LENGTH.contains(&message.len()));
        let taken = input.len() - rest.len();
        let start = taken - message.len();
        assert_eq!(input.get(start..taken), Some(message.as_slice()));
        if let Ok(text) = std::str::from_utf8(&message) {
            let mut framed = Vec::new();
            write_message(&mut framed, text).expect("memory takes everything");
            assert_eq!(input.get(start - 4..taken), Some(framed.as_slice()));
        }
        request(&message);
    }
    request(input);
}

fn request(message: &[u8]) {
    let Ok((request, lang)) = Request::parse(message) else { return };
    let (command, mut arguments) = match &request {
        Request::Quit => ("quit", json!({})),
        Request::Authenticate { origin, nonce } => {
            check_origin(origin);
            ("authenticate", json!({ "origin": origin.as_str(), "challengeNonce": nonce.as_str() }))
        }
        Request::GetSigningCertificate { origin } => {
            check_origin(origin);
            ("get-signing-certificate", json!({ "origin": origin.as_str() }))
        }
        Request::Sign(sign) => {
            check_origin(&sign.origin);
            let arguments = json!({
                "origin": sign.origin.as_str(),
                "hash": Base64::encode_string(sign.digest.as_bytes()),
                "hashFunction": sign.algorithm.hash_function,
                "certificate": Base64::encode_string(&sign.certificate),
            });
            ("sign", arguments)
        }
    };
    if let (Some(lang), Some(arguments)) = (&lang, arguments.as_object_mut()) {
        arguments.insert("lang".to_owned(), json!(lang));
    }
    let again = json!({ "command": command, "arguments": arguments }).to_string();
    assert_eq!(Request::parse(again.as_bytes()), Ok((request, lang)));
}

/// What is shown to a person, and written into a line.
fn check_origin(origin: &Origin) {
    assert!(origin.as_str().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%'));
    assert!(origin.as_str().starts_with("https://") && origin.as_str().len() <= 255);
}
