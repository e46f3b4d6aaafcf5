//! The dialogues of fixtures/traces, recorded anew from the software cards: what is recorded today is what is kept.
//! `CIE_WRITE_FIXTURES=1 cargo test --features emulator --test recording` writes the files instead.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
mod dialogues;
#[path = "recording/private.rs"]
mod private;
#[path = "dialogues/recorded.rs"]
mod recorded;
#[path = "recording/tape.rs"]
mod tape;

use std::fs;

use dialogues::fixtures;
use recorded::{all, record};

fn write() -> bool {
    std::env::var_os("CIE_WRITE_FIXTURES").is_some()
}

/// The certificates come first: the dialogues are judged by them.
fn certificates() {
    let pki = &common::demo().pki;
    let folder = fixtures().join("certificates");
    for (name, der) in [
        ("test-root.der", pki.root_der()),
        ("test-sub-ca.der", pki.sub_ca_der()),
        ("test-csca.der", pki.csca_der()),
    ] {
        if write() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), der).unwrap();
        }
        assert!(fs::read(folder.join(name)).unwrap() == der, "{name} is not the one of today");
    }
}

#[test]
fn what_is_recorded_today_is_what_is_kept() {
    certificates();
    let folder = fixtures().join("traces");
    let mut differ = Vec::new();
    let mut names = Vec::new();
    for recording in all() {
        let text = record(&recording, recorded::link);
        let path = folder.join(recording.file());
        if write() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept != text {
            let line = kept.lines().zip(text.lines()).take_while(|(a, b)| a == b).count() + 1;
            differ.push(format!("{} from line {line} on", recording.file()));
        }
        names.push(recording.file());
    }
    assert!(differ.is_empty(), "write them anew if that is meant: {differ:#?}");
    let mut kept: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    kept.retain(|name| name.ends_with(".trace"));
    kept.sort();
    names.sort();
    assert_eq!(kept, names, "each file belongs to a dialogue");
}
