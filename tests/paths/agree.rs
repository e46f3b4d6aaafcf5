//! The program `openssl` judges the same chains, with nothing but their own anchors.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};

use crate::chain::{Case, NOW};
use crate::{cases, say};

/// What is accepted here and refused there.
const MORE: [(&str, &[&str]); 1] = [(
    "A curve that is written out and has a name is accepted, as ICAO 9303-12 asks for it; OpenSSL refuses every one.",
    &[
        "written256: the anchor",
        "written256: the authority",
        "written256: the holder",
        "written384: the anchor",
        "written384: the authority",
        "written384: the holder",
        "all keys written256",
        "all keys written256, the anchor was renewed",
        "all keys written256, the authority was renewed",
    ],
)];

/// What is refused here and accepted there.
const LESS: [(&str, &[&str]); 7] = [
    (
        "An anchor, too, must say that it is an authority; OpenSSL lets whatever is trusted and signs itself pass.",
        &["an anchor without basicConstraints", "an anchor of version 1"],
    ),
    (
        "A holder's key signs, and says so; to OpenSSL any keyUsage will do that a TLS client can have, or none.",
        &["keyUsage keyAgreement", "no keyUsage", "the holder of version 1"],
    ),
    ("An authority logs in nowhere.", &["the holder is an authority"]),
    (
        "Only a card's certificate has a card's policy; OpenSSL is not told of policies.",
        &["another policy", "no policy"],
    ),
    (
        "RSA and the curves of `Curve`, nothing else, whatever its strength.",
        &[
            "the holder's key is p224",
            "the holder's key is k256",
            "the holder's key is ed25519",
            "the holder's key is dsa",
            "the holder's key is for RSASSA-PSS only",
        ],
    ),
    (
        "What two readers could read differently is read by nobody here: OpenSSL minds an extension that stands there \
         twice, or is malformed, if it needs it; and it stops reading where a certificate ends.",
        &[
            "an unknown extension stands there twice",
            "the policy constraints are malformed",
            "bytes after it",
            "an authority with bytes after it",
        ],
    ),
    (
        "Moments since 1970 and certificates below 32 KiB, as cards have them.",
        &["valid since 1960", "an extension of 32 KiB"],
    ),
];

/// What only `-x509_strict` refuses. RFC 5280 asks all of it of whoever issues certificates, and none of it guards
/// anything here: whoever could write such a certificate could as well write a good one. So paths are built without.
const CHANGED_BY_STRICT: [&str; 8] = [
    "basicConstraints is not critical",
    "a path length beside no authority",
    "an authority without keyUsage",
    "the anchor without keyUsage",
    "nobody names a key",
    "an empty subject",
    // These two are refused here in any case.
    "an anchor without basicConstraints",
    "an anchor of version 1",
];

fn pem(ders: &[Vec<u8>]) -> String {
    let block = |der: &Vec<u8>| {
        let text = Base64::encode_string(der);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    ders.iter().map(block).collect()
}

/// What the program says: nothing, or why not.
pub fn openssl_verify(folder: &Path, case: &Case, more: &[&str]) -> Result<(), String> {
    let time = NOW.to_string();
    let mut program = Command::new("openssl");
    program.current_dir(folder).args(["verify", "-no-CAfile", "-no-CApath", "-no-CAstore", "-partial_chain"]);
    program.args(["-purpose", "sslclient", "-auth_level", "2", "-verify_depth", "4", "-attime", &time]);
    program.args(more);
    for (option, file, ders) in
        [("-trusted", "anchors.pem", &case.anchors), ("-untrusted", "others.pem", &case.others)]
    {
        if !ders.is_empty() {
            std::fs::write(folder.join(file), pem(ders)).unwrap();
            program.args([option, file]);
        }
    }
    std::fs::write(folder.join("holder.pem"), pem(std::slice::from_ref(&case.holder))).unwrap();
    let output = program.arg("holder.pem").output().expect("missing program: openssl");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

#[test]
fn openssl_agrees_or_there_is_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let excuses = |table: &[(&str, &'static [&'static str])], accepted: bool| -> Vec<(&str, bool)> {
        table.iter().flat_map(|(_, names)| names.iter().map(move |name| (*name, accepted))).collect()
    };
    // By name, and whether it is accepted here.
    let mut excused: BTreeMap<_, _> = excuses(&MORE, true).into_iter().chain(excuses(&LESS, false)).collect();
    let (mut unexplained, mut strict) = (Vec::new(), Vec::new());
    let mut agreed = 0;
    for case in &cases {
        let (ours, theirs) = (case.verdict(), openssl_verify(folder.path(), case, &[]));
        let differs = ours.is_ok() != theirs.is_ok();
        match (differs, excused.remove(&*case.name)) {
            (false, None) => agreed += 1,
            (true, Some(accepted)) if accepted == ours.is_ok() => {}
            (false, Some(_)) => {
                unexplained.push(format!("{}: no difference, no reason is needed", case.name))
            }
            (true, _) => unexplained.push(format!("{}: {ours:?}, but {theirs:?}", case.name)),
        }
        let strictly = openssl_verify(folder.path(), case, &["-x509_strict"]);
        if strictly.is_ok() != theirs.is_ok() {
            strict.push(&*case.name);
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(excused.is_empty(), "no such case: {excused:?}");
    assert_eq!(strict, CHANGED_BY_STRICT);
    say(&format!(
        "paths: {} chains, {agreed} agreed with openssl, {} differ for {} reasons; -x509_strict changes {} verdicts",
        cases.len(),
        cases.len() - agreed,
        MORE.len() + LESS.len(),
        strict.len()
    ));
}
