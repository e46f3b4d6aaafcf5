//! The fuzz targets on stable Rust: every file of the corpus, then variants of it from a fixed seed.
//!
//! `CIE_EXHAUSTIVE=1` makes fifty times as many. The corpus is written by the ignored test
//! `make_corpus`; see `fuzz/README.md`.
#![cfg(feature = "fuzzing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![allow(clippy::panic, clippy::print_stdout)]

#[cfg(feature = "emulator")]
mod common;
#[path = "fuzz/corpus.rs"]
mod corpus;
#[cfg(feature = "emulator")]
#[path = "common/der.rs"]
mod der;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::path::PathBuf;
use std::time::Instant;

use mutate::Mutator;

/// Variants per target, so that all targets together take under ten seconds.
const VARIANTS: u32 = 60_000;

fn corpus_folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", "corpus", target].iter().collect()
}

/// The committed inputs of a target in a fixed order.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus_folder(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Prints the input of a body that panics, so that it can become a file of the corpus.
struct Input<'a>(&'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("input: {}", hex::encode(self.0));
        }
    }
}

fn run(target: &str) {
    let (_, body) = cie::fuzzing::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let start = Instant::now();
    let files = corpus(target);
    assert!(files.len() >= 10, "{target} has {} seeds", files.len());
    for (name, bytes) in &files {
        println!("{target}/{name}");
        body(bytes);
    }
    let seeds: Vec<Vec<u8>> = files.into_iter().map(|(_, bytes)| bytes).collect();
    let exhaustive = std::env::var_os("CIE_EXHAUSTIVE").is_some_and(|value| value == "1");
    let variants = if exhaustive { VARIANTS * 50 } else { VARIANTS };
    let mut mutator = Mutator::new(2026);
    for _ in 0..variants {
        let input = mutator.variant(&seeds);
        let input = Input(&input);
        body(input.0);
    }
    println!("{target}: {} seeds, {variants} variants, {:?}", seeds.len(), start.elapsed());
}

#[test]
fn apdu() {
    run("apdu");
}

#[test]
fn atr() {
    run("atr");
}

#[test]
fn certificate() {
    run("certificate");
}

#[test]
fn common_name() {
    run("common_name");
}

#[test]
fn fci() {
    run("fci");
}

#[test]
fn import_hex_list() {
    run("import_hex_list");
}

#[test]
fn import_opensc() {
    run("import_opensc");
}

#[test]
fn import_pcsc_spy() {
    run("import_pcsc_spy");
}

#[test]
fn import_pcscd() {
    run("import_pcscd");
}

#[test]
fn import_scriptor() {
    run("import_scriptor");
}

#[test]
fn lds_security_object() {
    run("lds_security_object");
}

#[test]
fn native_message() {
    run("native_message");
}

#[test]
fn ocsp_response() {
    run("ocsp_response");
}

#[test]
fn personal_data() {
    run("personal_data");
}

#[test]
fn revocation_list() {
    run("revocation_list");
}

#[test]
fn rsa_public_key() {
    run("rsa_public_key");
}

#[test]
fn secure_messaging_unwrap() {
    run("secure_messaging_unwrap");
}

#[test]
fn security_object() {
    run("security_object");
}

#[test]
fn tlv() {
    run("tlv");
}

#[test]
fn token() {
    run("token");
}

#[test]
fn trace() {
    run("trace");
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let names = |folder: PathBuf| -> Vec<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| stem(file.unwrap().path())).collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = cie::fuzzing::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names(corpus_folder("")), targets);
    assert_eq!(names([env!("CARGO_MANIFEST_DIR"), "fuzz", "fuzz_targets"].iter().collect()), targets);
}

/// Variants are worth something only if many of them get past the first check.
#[test]
fn many_variants_are_accepted() {
    for (target, accepts) in [
        ("security_object", (|b| cie::passive::ClaimedSecurityObject::parse(b).is_ok()) as fn(&[u8]) -> bool),
        ("certificate", |b| cie::trust::Certificate::from_der(b).is_ok()),
        ("rsa_public_key", |b| cie::crypto::signature::RsaPublicKey::from_der(b).is_ok()),
        ("tlv", |b| cie::iso7816::tlv::parse(b).is_ok()),
        ("apdu", |b| cie::iso7816::Command::parse(b).is_ok()),
        ("atr", |b| cie::cns::AtrHint::parse(b).is_some()),
        ("fci", |b| cie::cns::Fci::parse(b).is_ok()),
        ("personal_data", |b| cie::cns::PersonalData::parse(b).is_ok()),
        ("trace", |b| cie::transport::trace::Trace::parse(b).is_ok()),
        ("revocation_list", |b| cie::trust::RevocationList::from_bytes(b).is_ok()),
        ("native_message", |b| matches!(cie::web_eid::read_message(&mut &b[..]), Ok(Some(_)))),
        ("token", |b| cie::login::AuthToken::parse(b).is_ok()),
    ] {
        let seeds: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
        let mut mutator = Mutator::new(1);
        let accepted = (0..2_000).filter(|_| accepts(&mutator.variant(&seeds))).count();
        println!("{target}: {accepted} of 2000 variants accepted");
        assert!((100..1_900).contains(&accepted), "{target}: {accepted}");
    }
}
