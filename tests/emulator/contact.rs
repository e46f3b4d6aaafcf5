//! The contact card against the worked dialogues, byte for byte.

use cie::emulator::contact::{
    Directory, ElementaryFile, FilePath, Key, KeyUse, Model, Personalisation, Profile, ReadAccess,
    ReferenceData,
};
use cie::emulator::entropy::Seeded;
use cie::emulator::personalisation::CardKey;
use cie::emulator::{SoftCard, SoftTransport};
use serde_json::Value;

use super::bench::{hex, send};

pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../fixtures/vectors/cie2-cns.json")).unwrap()
}

fn padded(mut content: Vec<u8>, size: usize) -> Vec<u8> {
    content.resize(size, 0);
    content
}

/// The card of the worked dialogues with another profile.
pub(crate) fn changed(change: impl FnOnce(&mut Profile)) -> (SoftCard, SoftTransport) {
    let card = card(&vectors());
    let mut profile = card.contact_profile().unwrap();
    change(&mut profile);
    card.set_contact_profile(profile);
    let transport = card.transport();
    (card, transport)
}

#[track_caller]
pub(crate) fn play(transport: &mut SoftTransport, steps: &[(&str, &str)]) {
    for (command, answer) in steps {
        assert_eq!(send(transport, &command.replace(' ', "")), *answer, "{command}");
    }
}

/// The card of the worked dialogues.
pub(crate) fn personalisation(v: &Value) -> Personalisation {
    let root = FilePath::default();
    let file = |path: &[u16], content| ElementaryFile {
        path: FilePath::new(path),
        access: ReadAccess::Always,
        content,
    };
    let directory = |identifier| Directory { path: FilePath::new(&[identifier]), name: Vec::new() };
    let reference_data = |identifier, value: &[u8; 8], tries, unblocked_by| ReferenceData {
        directory: root.clone(),
        identifier,
        value: *value,
        tries,
        tries_left: tries,
        unblocked_by,
    };
    let key = &v["test_key"];
    Personalisation {
        directories: vec![directory(0x1000), directory(0x1100), directory(0x1400)],
        files: vec![
            file(&[0x1000, 0x1003], v["card_id"]["valid"][0].as_str().unwrap().as_bytes().to_vec()),
            file(&[0x1100, 0x1101], padded(hex(&v["certificates"]["cns_holder"]), 0x800)),
            file(&[0x1100, 0x1102], hex(&v["dati_personali"][0]["ef_hex"])),
            file(&[0x3F01], hex(&key["pkcs1_public_key"])),
        ],
        reference_data: vec![
            reference_data(0x10, b"12345678", 3, Some(0x11)),
            reference_data(0x11, b"87654321", 10, None),
        ],
        keys: vec![Key {
            directory: root.clone(),
            identifier: 0x01,
            key: CardKey {
                modulus: hex(&key["n"]),
                public_exponent: hex(&key["e"]),
                private_exponent: hex(&key["d"]),
                prime_p: hex(&key["p"]),
                prime_q: hex(&key["q"]),
            },
            pin: 0x10,
            made_for: None,
        }],
    }
}

pub(crate) fn card(v: &Value) -> SoftCard {
    SoftCard::new_contact(personalisation(v), Model::Cns10, Seeded::new(1)).unwrap()
}

#[test]
fn every_worked_dialogue_is_ours() {
    let v = vectors();
    let dialogues = v["dialogues"].as_object().unwrap();
    assert_eq!(dialogues.len(), 16);
    for (name, steps) in dialogues {
        let card = card(&v);
        if name == "sign_sha1_pso_cds_card_pads" {
            // The other class of key: a card has one or the other.
            let mut profile = card.contact_profile().unwrap();
            profile.key_use = KeyUse::Sign;
            card.set_contact_profile(profile);
        }
        let mut transport = card.transport();
        for step in steps.as_array().unwrap() {
            let answer = send(&mut transport, step["c"].as_str().unwrap());
            assert_eq!(answer, step["r"].as_str().unwrap(), "{name}: {}", step["what"]);
        }
    }
}

#[test]
fn what_opensc_looks_for_is_not_there() {
    let v = vectors();
    let mut transport = card(&v).transport();
    for probe in v["opensc_probe_apdus_0_23"].as_array().unwrap() {
        let probe = probe.as_str().unwrap();
        let expected = if probe.starts_with("00A404") { "6A82" } else { "6D00" };
        assert_eq!(send(&mut transport, probe), expected, "{probe}");
    }
    for (command, expected) in [
        ("00A40800022F0000", "6A82"),
        ("00A4080C025015", "6A82"),
        ("00A4080002503100", "6A82"),
        ("00A4000C023F00", "9000"),
        ("80860000080000000000000000", "6E00"),
        ("0CB000000B", "6882"),
        ("00880000080000000000000000", "6D00"),
    ] {
        assert_eq!(send(&mut transport, command), expected, "{command}");
    }
}
