//! Seeds of what a relying party is handed: revocation lists, responses of responders, login tokens.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use cie::emulator::contact::{IssueOptions, Model, issue as issue_contact};
use cie::emulator::entropy::Seeded;
use cie::emulator::pki::{Authority, ListProfile};
use cie::iso7816::tlv;
use serde_json::{Value, json};

use super::{Seeds, hexadecimal, named};
use crate::common::{demo, now};
use crate::der::{replace, sequence};

const DAY: Duration = Duration::from_secs(86_400);

/// From a list to its fields.
const NEXT_UPDATE: &[usize] = &[0, 4];
const EXTENSIONS: &[usize] = &[0, 5];

/// Lists of the software card's authorities, and variants of them with short signatures.
pub(super) fn revocation_lists(_: &Value) -> Seeds {
    let pki = &demo().pki;
    let list = |authority, revoked: &[&[u8]]| {
        let list = ListProfile { revoked, number: 1, this_update: now(), next_update: now() + 7 * DAY };
        pki.revocation_list(authority, &list, &mut Seeded::new(3)).unwrap()
    };
    let short = |list: &[u8]| replace(list, &[2], &|_| tlv::encode(3, &[0; 9]));
    let root = list(Authority::Root, &[]);
    let empty = short(&root);
    let full = short(&list(Authority::SubCa, &[pki.root_der(), pki.sub_ca_der(), pki.csca_der()]));
    let with_extension = |oid: &str, critical: bool, value: &[u8]| {
        replace(&empty, EXTENSIONS, &|_| {
            let critical = if critical { hexadecimal("0101FF") } else { Vec::new() };
            let extension =
                sequence(&[&tlv::encode(6, &hexadecimal(oid)), &critical, &tlv::encode(4, value)]);
            tlv::encode(0xA0, &sequence(&[&extension]))
        })
    };
    let point = tlv::encode(0x86, b"http://pki.cie.test/root.crl");
    let point = tlv::encode(0xA0, &tlv::encode(0xA0, &point));
    let with_entry = |extension: &[u8]| {
        replace(&full, &[0, 5], &|_| {
            let time = tlv::encode(0x17, b"260101000000Z");
            let entry = sequence(&[&tlv::encode(2, &[0x41, 7]), &time, &sequence(&[extension])]);
            sequence(&[&entry, &entry])
        })
    };
    let reason =
        |code: u8| sequence(&[&tlv::encode(6, &hexadecimal("551D15")), &tlv::encode(4, &[0x0A, 1, code])]);
    let base64 = Base64::encode_string(&empty);
    let pem = format!("-----BEGIN X509 CRL-----\n{base64}\n-----END X509 CRL-----\n");
    named(&[
        ("root", root),
        ("empty", empty.clone()),
        ("full", full.clone()),
        ("pem", pem.into_bytes()),
        ("no_next_update", replace(&empty, NEXT_UPDATE, &|_| Vec::new())),
        ("generalized_time", replace(&empty, NEXT_UPDATE, &|_| tlv::encode(0x18, b"20500101000000Z"))),
        ("no_extensions", replace(&empty, EXTENSIONS, &|_| Vec::new())),
        ("delta", with_extension("551D1B", true, &[2, 1, 1])),
        ("users_only", with_extension("551D1C", true, &sequence(&[&[0x81, 1, 0xFF]]))),
        ("at_a_point", with_extension("551D1C", true, &sequence(&[&point]))),
        ("indirect", with_extension("551D1C", true, &sequence(&[&[0x84, 1, 0xFF]]))),
        ("unknown", with_extension("2A0304", false, &[5, 0])),
        ("superseded", with_entry(&reason(4))),
        ("hold", with_entry(&reason(6))),
        ("taken_back", with_entry(&reason(8))),
    ])
}

/// Responses with one or more answers, as RFC 6960 has them, with short signatures.
pub(super) fn ocsp_responses(_: &Value) -> Seeds {
    let time = |text: &str| tlv::encode(0x18, text.as_bytes());
    let sha1 = sequence(&[&hexadecimal("06052B0E03021A"), &hexadecimal("0500")]);
    let hash = tlv::encode(4, &[7; 20]);
    let id = sequence(&[&sha1, &hash, &hash, &tlv::encode(2, &[0x41, 1, 2, 3])]);
    let answer = |status: &[u8], next: bool| {
        let next = if next { tlv::encode(0xA0, &time("20260102000000Z")) } else { Vec::new() };
        sequence(&[&id, status, &time("20260101000000Z"), &next])
    };
    let good = hexadecimal("8000");
    let unknown = hexadecimal("8200");
    let reason = tlv::encode(0xA0, &hexadecimal("0A0101"));
    let revoked = tlv::encode(0xA1, &[time("20251231000000Z"), reason].concat());
    let nonce = tlv::encode(4, &tlv::encode(4, &[9; 32]));
    let nonce = sequence(&[&hexadecimal("06092B0601050507300102"), &nonce]);
    let by_key = tlv::encode(0xA2, &hash);
    let by_name = tlv::encode(0xA1, &sequence(&[]));
    let optional = |tag, list: &[u8]| match list {
        [] => Vec::new(),
        list => tlv::encode(tag, &sequence(&[list])),
    };
    let respond = |responder: &[u8], answers: &[Vec<u8>], extensions: &[u8], certificates: &[u8]| {
        let answers = sequence(&[&answers.concat()]);
        let data = sequence(&[responder, &time("20260101000000Z"), &answers, &optional(0xA1, extensions)]);
        let algorithm = sequence(&[&hexadecimal("06092A864886F70D01010B0500")]);
        let signature = tlv::encode(3, &[0; 9]);
        let basic = sequence(&[&data, &algorithm, &signature, &optional(0xA0, certificates)]);
        let bytes = sequence(&[&hexadecimal("06092B0601050507300101"), &tlv::encode(4, &basic)]);
        sequence(&[&hexadecimal("0A0100"), &tlv::encode(0xA0, &bytes)])
    };
    let signer = demo().pki.document_signer_der();
    named(&[
        ("good", respond(&by_key, &[answer(&good, true)], &nonce, &[])),
        ("by_name", respond(&by_name, &[answer(&good, true)], &[], &[])),
        ("revoked", respond(&by_key, &[answer(&revoked, false)], &nonce, &[])),
        ("unknown", respond(&by_key, &[answer(&unknown, true)], &[], &[])),
        ("several", respond(&by_key, &vec![answer(&good, true); 5], &nonce, &[])),
        ("none", respond(&by_key, &[], &[], &[])),
        ("with_certificate", respond(&by_key, &[answer(&good, true)], &[], signer)),
        ("two_nonces", respond(&by_key, &[answer(&good, true)], &nonce.repeat(2), &[])),
        ("by_key_without_next", respond(&by_key, &[answer(&good, false)], &nonce, &[])),
        ("try_later", sequence(&[&hexadecimal("0A0103")])),
    ])
}

/// Tokens of the worked examples and of software cards; a member on each line, so that whole members are changed.
pub(super) fn tokens(_: &Value) -> Seeds {
    let vectors: Value = serde_json::from_str(include_str!("../../fixtures/vectors/web-eid.json")).unwrap();
    let pretty = |token: &Value| serde_json::to_vec_pretty(token).unwrap();
    let demo = demo();
    let options = IssueOptions::default();
    let card =
        issue_contact(&demo.pki, &demo.citizen, Model::Cns11, &options, &mut Seeded::new(2), now()).unwrap();
    let login = Base64::encode_string(&card.certificate);
    let token = |minor: u8| {
        json!({
            "unverifiedCertificate": login,
            "algorithm": "RS256",
            "signature": Base64::encode_string(&[7; 24]),
            "format": format!("web-eid:1.{minor}"),
            "appVersion": "https://example.test/1",
        })
    };
    let algorithms =
        json!([{ "cryptoAlgorithm": "RSA", "hashFunction": "SHA-256", "paddingScheme": "PKCS1.5" }]);
    let (mut with_signing, mut draft) = (token(1), token(1));
    // The same certificate with contentCommitment in its keyUsage: reading a token checks no signature of an issuer.
    let usage = hexadecimal("551D0F0101FF0404030205A0");
    let at = card.certificate.windows(usage.len()).position(|window| window == usage).unwrap();
    let mut signing = card.certificate.clone();
    signing[at + usage.len() - 1] |= 0x40;
    let signing = Base64::encode_string(&signing);
    with_signing["unverifiedSigningCertificates"] =
        json!([{ "certificate": signing, "supportedSignatureAlgorithms": algorithms }]);
    draft["unverifiedSigningCertificate"] = json!(signing);
    draft["supportedSignatureAlgorithms"] = algorithms;
    let with = |name: &str, value: Value| {
        let mut token = token(0);
        token[name] = value;
        token
    };
    named(&[
        ("es384", pretty(&vectors["tokens"][0]["token"])),
        ("rs256", pretty(&vectors["tokens"][1]["token"])),
        ("cns", pretty(&token(0))),
        ("one_line", token(0).to_string().into_bytes()),
        ("with_signing_certificate", pretty(&with_signing)),
        ("draft", pretty(&draft)),
        ("draft_one_line", draft.to_string().into_bytes()),
        ("no_minor", pretty(&with("format", json!("web-eid:1")))),
        ("older", pretty(&with("issuerApp", json!("https://example.test/0")))),
        ("unknown_member", pretty(&with("action", json!({ "a": [1, null, true] })))),
    ])
}
