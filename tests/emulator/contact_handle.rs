//! The contact card as an object: models, file, copies, tampering, and anything at all as a command.

use std::sync::{Arc, Mutex};

use cie::crypto::signature::RsaPublicKey;
use cie::emulator::contact::{FilePath, KeyUse, Model, Personalisation};
use cie::emulator::entropy::Seeded;
use cie::emulator::{Chip, Error, SoftCard};
use cie::iso7816::{Response, StatusWord};
use cie::transport::Transport;
use proptest::prelude::*;

use super::bench::{hex, send};
use super::contact::{card, personalisation, vectors};

const VERIFY: &str = "00200010083132333435363738";
const WRONG: &str = "00200010083030303030303030";

#[test]
fn a_card_file_keeps_its_kind_and_its_counters() {
    let v = vectors();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    SoftCard::create_contact(&path, personalisation(&v), Model::Cie2).unwrap();
    assert!(matches!(
        SoftCard::create_contact(&path, personalisation(&v), Model::Cie2).unwrap_err(),
        Error::File { .. }
    ));
    let text = std::fs::read_to_string(&path).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&written["format"], &written["kind"]), (&"cie software card 2".into(), &"contact".into()));
    assert_eq!(written["card"]["model"], "cie2");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    {
        let card = SoftCard::open(&path).unwrap();
        assert_eq!(SoftCard::open(&path).unwrap_err(), Error::InUse);
        assert_eq!(card.contact_profile(), Some(Model::Cie2.profile()));
        assert_eq!(card.profile().atr, Model::Cie2.profile().atr);
        let mut transport = card.transport();
        assert_eq!(transport.atr(), &*Model::Cie2.profile().atr);
        assert_eq!(send(&mut transport, WRONG), "63C2");
        assert_eq!(send(&mut transport, WRONG), "63C1");
    }
    {
        let card = SoftCard::open(&path).unwrap();
        assert_eq!(card.pin_tries(), 1);
        let mut transport = card.transport();
        assert_eq!(send(&mut transport, "002C00101038373635343332313233343536FFFFFF"), "9000");
    }
    let card = SoftCard::open(&path).unwrap();
    assert_eq!(card.pin_tries(), 3);
    assert_eq!(send(&mut card.transport(), "00200010083233343536FFFFFF"), "9000");
    // Something stands where the new file would be written.
    let new = folder.path().join("card.json.new");
    std::fs::create_dir(&new).unwrap();
    let mut transport = card.transport();
    for command in [VERIFY, WRONG] {
        assert_eq!(send(&mut transport, command), "6581");
    }
    assert_eq!((card.verify_count(), card.pin_tries()), (1, 3), "nothing was compared");
    drop((card, transport));

    for (from, to) in [
        (r#""kind": "contact""#, r#""kind": "cie3""#),
        (r#""kind": "contact""#, r#""kind": "passport""#),
        ("software card 2", "software card 1"),
        (r#""model": "cie2""#, r#""model": "cie9""#),
        ("10001003", "1000100"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        assert!(matches!(SoftCard::open(&path), Err(Error::Format(_))), "{to}");
    }
}

#[test]
fn unusable_personalisations_are_refused() {
    let v = vectors();
    let refused = |change: &dyn Fn(&mut Personalisation)| {
        let mut personalisation = personalisation(&v);
        change(&mut personalisation);
        SoftCard::new_contact(personalisation, Model::Cns10, Seeded::new(0)).unwrap_err()
    };
    assert!(matches!(refused(&|p| p.keys[0].key.modulus.clear()), Error::Key { .. }));
    assert_eq!(refused(&|p| p.keys[0].identifier = 0x80), Error::Malformed("a key identifier"));
    assert_eq!(refused(&|p| p.files[0].content.resize(0x8000, 0)), Error::Malformed("an elementary file"));
    for change in [
        (|p: &mut Personalisation| p.files[0].path = p.files[1].path.clone()) as fn(&mut Personalisation),
        |p| p.files[0].path = p.directories[0].path.clone(),
        |p| p.files[0].path = Default::default(),
        |p| p.files[0].path = FilePath::new(&[0x1300, 0x1003]),
        |p| p.keys[0].directory = FilePath::new(&[0x1300]),
        |p| p.reference_data[0].directory = FilePath::new(&[0x1300]),
    ] {
        assert_eq!(refused(&change), Error::Malformed("the tree of files"));
    }
    for change in [
        (|p: &mut Personalisation| p.reference_data[0].tries_left = 4) as fn(&mut Personalisation),
        |p| p.reference_data[0].tries = 0,
        |p| p.reference_data[0].tries = 16,
    ] {
        assert_eq!(refused(&change), Error::Malformed("a try counter"));
    }
    assert_eq!(refused(&|p| p.reference_data[0].value[0] = b'x'), Error::Malformed("a PIN or PUK"));
    assert_eq!(refused(&|p| p.reference_data[0].identifier = 0x20), Error::Malformed("a PIN or PUK"));
}

#[test]
fn a_snapshot_goes_its_own_way() {
    let v = vectors();
    let card = card(&v);
    let mut transport = card.transport();
    for command in [VERIFY, "0022F303", "0022F1B803830101"] {
        assert_eq!(send(&mut transport, command), "9000");
    }
    let copy = card.snapshot();
    let mut other = copy.transport();
    let (decipher, signature) =
        (&v["dialogues"]["sign_sha1_pso_dec_raw"][3]["c"], &v["dialogues"]["sign_sha1_pso_dec_raw"][3]["r"]);
    assert_eq!(send(&mut transport, WRONG), "63C2");
    assert_eq!(send(&mut transport, decipher.as_str().unwrap()), "6982");
    assert_eq!(send(&mut other, decipher.as_str().unwrap()), signature.as_str().unwrap());
    assert_eq!((card.pin_tries(), copy.pin_tries()), (2, 3));
    assert_eq!(send(&mut transport, "0084000008"), send(&mut other, "0084000008"));
    card.remove();
    assert_eq!(transport.transmit(&hex(&"00B0000010".into())), Err(cie::transport::Error::Removed));
    assert_eq!(send(&mut other, "0084000008").len(), 20);
}

#[test]
fn a_hostile_card_sees_every_piece() {
    let card = card(&vectors());
    let mut transport = card.transport();
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let sees = seen.clone();
    card.set_tamper(Some(Box::new(move |command, answer| {
        sees.lock().unwrap().extend(command.header());
        if command.ins() == 0xB0 { Response::new(vec![0xEE; 300], StatusWord::SUCCESS) } else { answer }
    })));
    assert_eq!(send(&mut transport, "102A8086020000"), "9000");
    assert_eq!(send(&mut transport, "1020001000"), "6883");
    assert_eq!(send(&mut transport, "00B0000010"), format!("{}6100", "EE".repeat(16)));
    assert_eq!(send(&mut transport, "00C0000000"), format!("{}611C", "EE".repeat(256)));
    let expected = hex::decode("102A8086".to_owned() + "10200010" + "00B00000").unwrap();
    assert_eq!(*seen.lock().unwrap(), expected);
    card.set_tamper(None);
    assert_eq!(send(&mut transport, "00B0000010"), "6986");
}

#[test]
fn the_two_kinds_have_profiles_of_their_own() {
    let v = vectors();
    let contact = card(&v);
    let mut profile = contact.profile();
    profile.atr = (&[0x3B, 0x00]).into();
    contact.set_profile(profile);
    assert_eq!(contact.atr(), [0x3B, 0x00]);
    let cie3 = super::bench::card(&super::bench::vectors(), Chip::St);
    assert_eq!((cie3.atr(), cie3.contact_profile()), (Chip::St.profile().atr.to_vec(), None));
    cie3.set_contact_profile(Model::Cns10.profile());
    assert_eq!(cie3.profile(), Chip::St.profile());
}

/// Bytes that are no command, commands with wild parameters, and commands of the worked dialogues with a byte
/// changed; none has a right PIN or PUK in it.
fn any_command() -> impl Strategy<Value = Vec<u8>> {
    let dialogues = vectors()["dialogues"].clone();
    let steps = dialogues.as_object().unwrap().values().flat_map(|steps| steps.as_array().unwrap().clone());
    let worked: Vec<Vec<u8>> = steps
        .map(|step| hex(&step["c"]))
        .filter(|command| !matches!(command[1], 0x20 | 0x24 | 0x2C))
        .collect();
    let instructions = [
        0x20, 0x22, 0x24, 0x2A, 0x2C, 0x46, 0x82, 0x84, 0x88, 0xA4, 0xB0, 0xB2, 0xC0, 0xCA, 0xD6, 0xDA, 0xE0,
    ];
    let shaped = (
        prop::sample::select(vec![0x00_u8, 0x10, 0x0C, 0xC0, 0x80]),
        prop::sample::select(instructions.to_vec()),
        any::<[u8; 2]>(),
        prop::collection::vec(any::<u8>(), 0..300),
        prop::option::of(any::<u8>()),
    );
    let shaped = shaped.prop_map(|(cla, ins, [p1, p2], data, le)| {
        let mut command = cie::iso7816::Command::new(cla, ins, p1, p2).with_data(&data);
        if let Some(le) = le {
            command = command.with_ne(u32::from(le) + 1);
        }
        command.encode().unwrap().to_vec()
    });
    let changed = (prop::sample::select(worked), any::<prop::sample::Index>(), any::<u8>());
    let changed = changed.prop_map(|(mut command, at, bits)| {
        let at = at.index(command.len());
        command[at] ^= bits;
        command
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..40), shaped, changed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever comes, on whichever model: a status word, an answer of bounded length, and no signature.
    #[test]
    fn anything_is_answered_with_a_status_word(
        model in prop::sample::select(Model::ALL.to_vec()),
        commands in prop::collection::vec(any_command(), 1..40),
    ) {
        let v = vectors();
        let key = RsaPublicKey::new(&hex(&v["test_key"]["n"]), &hex(&v["test_key"]["e"])).unwrap();
        let card = card(&v);
        let mut profile = model.profile();
        profile.key_use = KeyUse::Both;
        card.set_contact_profile(profile);
        let mut transport = card.transport();
        for command in commands {
            let answer = transport.transmit(&command).unwrap();
            prop_assert!((2..=0x8002).contains(&answer.len()));
            let status = &answer[answer.len() - 2..];
            prop_assert!(matches!(status[0], 0x61..=0x6F | 0x90), "{status:?}");
            let block = key.recover(&answer[..answer.len() - 2]);
            prop_assert!(!block.is_ok_and(|block| block.starts_with(&[0x00, 0x01, 0xFF])), "a signature");
        }
    }
}
