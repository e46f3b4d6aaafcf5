//! Messages as browsers send them, in the order of bytes of most machines.

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use super::Seeds;

const NONCE: &str = "12345678123456781234567812345678912356789123";
const ORIGIN: &str = "https://portale.comune.example.it";

fn framed(message: &Value) -> Vec<u8> {
    let text = message.to_string();
    [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
}

pub(super) fn messages(_: &Value) -> Seeds {
    let request = |command: &str, arguments: Value| json!({ "command": command, "arguments": arguments });
    let sign = |function: &str, length: usize| {
        let (hash, certificate) = (Base64::encode_string(&vec![7; length]), Base64::encode_string(&[8; 30]));
        request(
            "sign",
            json!({ "origin": ORIGIN, "hash": hash, "hashFunction": function, "certificate": certificate }),
        )
    };
    let authenticate = request("authenticate", json!({ "origin": ORIGIN, "challengeNonce": NONCE }));
    let italian =
        json!({ "origin": "https://xn--citt-5na.example:8443", "challengeNonce": NONCE, "lang": "it" });
    let quit = request("quit", json!({}));
    let seeds = [
        ("quit", framed(&quit)),
        ("authenticate", framed(&authenticate)),
        ("authenticate-italian", framed(&request("authenticate", italian))),
        (
            "certificate",
            framed(&request("get-signing-certificate", json!({ "origin": "https://[::1]:8443" }))),
        ),
        ("sign-sha256", framed(&sign("SHA-256", 32))),
        ("sign-sha384", framed(&sign("SHA-384", 48))),
        ("sign-sha512", framed(&sign("SHA-512", 64))),
        ("two", [framed(&quit), framed(&authenticate)].concat()),
        ("cut", framed(&quit)[..20].to_vec()),
        ("padded", framed(&json!({ "version": 2, "arguments": {}, "command": "quit", "more": [1, null] }))),
        ("unframed-authenticate", authenticate.to_string().into_bytes()),
        ("unframed-sign", sign("SHA-256", 32).to_string().into_bytes()),
        ("empty-object", framed(&json!({ "": {} }))),
        ("too-long", [&[0x00, 0x00, 0x10, 0x00][..], b"{}"].concat()),
    ];
    super::named(&seeds)
}
