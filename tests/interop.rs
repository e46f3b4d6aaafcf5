//! Other people's programs judge what the example `login` writes out. Needs the program `openssl`.
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the example as the README does, built from the sources as they are now.
fn login_example(folder: &Path) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "run",
        "--quiet",
        "--all-features",
        "--example",
        "login",
    ]);
    cargo.arg("--").arg(folder).output().unwrap()
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").current_dir(folder).args(arguments).output().expect("missing program: openssl")
}

#[track_caller]
fn verdict(folder: &Path, arguments: &[&str], accepts: bool) -> String {
    let output = openssl(folder, arguments);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), accepts, "openssl {arguments:?}: {said}");
    said
}

#[test]
fn openssl_agrees_with_the_login_example() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let output = login_example(folder);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    for part in ["fiscal code", "TEST - NOT A REAL CARD", "commands and", "ms"] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let chain = ["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "sub-ca.pem", "-purpose"];
    verdict(folder, &[&chain[..], &["sslclient", "holder.pem"]].concat(), true);
    verdict(folder, &["verify", "-CAfile", "root.pem", "holder.pem"], false);
    verdict(folder, &["verify", "-CAfile", "sub-ca.pem", "-untrusted", "root.pem", "holder.pem"], false);
    let text = verdict(folder, &["x509", "-in", "holder.pem", "-noout", "-text"], true);
    for part in ["1.3.76.47.4", "O = TEST - NOT A REAL CARD", "Digital Signature", "Public-Key: (2048 bit)"] {
        assert!(text.contains(part), "{part} in {text}");
    }

    let key = verdict(folder, &["x509", "-in", "holder.pem", "-noout", "-pubkey"], true);
    std::fs::write(folder.join("holder.pub"), key).unwrap();
    let check = ["dgst", "-sha256", "-verify", "holder.pub", "-signature", "token.sig", "signed.bin"];
    assert!(verdict(folder, &check, true).contains("Verified OK"));
    std::fs::write(folder.join("signed.bin"), "another challenge").unwrap();
    verdict(folder, &check, false);
}
