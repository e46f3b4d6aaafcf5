//! What the contact card does with its keys: environments, operations, chains, challenges.

use cie::crypto::DigestAlgorithm;
use cie::crypto::signature::RsaPublicKey;
use cie::emulator::contact::{KeyUse, SignatureInput};

use super::bench::{hex, send};
use super::contact::{changed, play, vectors};

const VERIFY: &str = "00200010083132333435363738";
const RESTORE: &str = "0022F303";
const DECIPHER: &str = "0022F1B803830101";
const SIGN: &str = "0022F1B603830101";

/// PSO DECIPHER of a block.
fn decipher(block: &str) -> String {
    format!("002A8086{:02X}00{block}00", block.len() / 2 + 1)
}

/// PSO COMPUTE DIGITAL SIGNATURE of these bytes.
fn sign(input: &[u8]) -> String {
    format!("002A9E9A{:02X}{}00", input.len(), hex::encode_upper(input))
}

#[test]
fn an_operation_needs_environment_key_and_pin_in_this_order() {
    let v = vectors();
    let block = v["sign_input"]["em_sha256_1024"].as_str().unwrap();
    let signature = v["dialogues"]["sign_sha256_pso_dec_raw"][3]["r"].as_str().unwrap();
    let (_, mut transport) = changed(|_| ());
    play(
        &mut transport,
        &[
            (&decipher(block), "6985"),
            (DECIPHER, "6985"),
            ("0022F301", "6A88"),
            ("0022F330", "6A88"),
            (RESTORE, "9000"),
            (&decipher(block), "6985"),
            ("0022F1B803830102", "6A88"),
            ("0022F1B803840101", "6A80"),
            ("0022F1B8020101", "6A80"),
            ("0022F1A403830101", "6A86"),
            ("002241B803830101", "6A86"),
            ("0022F303020000", "6700"),
            (DECIPHER, "9000"),
            (&decipher(block), "6982"),
            (VERIFY, "9000"),
            (&decipher(block), signature),
            // Again, without another word.
            (&decipher(block), signature),
            // To restore is to forget the key; a literal Lc or Le of 00 is the same.
            ("0022F30300", "9000"),
            (&decipher(block), "6985"),
            ("0022F1B803830181", "9000"),
            (&decipher(block), signature),
            // In another directory all is to be set anew.
            ("00A4080C021100", "9000"),
            (&decipher(block), "6985"),
            (RESTORE, "9000"),
            (DECIPHER, "9000"),
            (&decipher(block), signature),
        ],
    );
    let (card, mut transport) = changed(|_| ());
    play(&mut transport, &[(VERIFY, "9000"), (RESTORE, "9000"), (DECIPHER, "9000")]);
    card.reset_by_other();
    play(&mut card.transport(), &[(&decipher(block), "6985"), (RESTORE, "9000"), (DECIPHER, "9000")]);
    assert_eq!(send(&mut card.transport(), &decipher(block)), "6982", "the reset forgot the PIN");
}

#[test]
fn only_whole_blocks_are_deciphered() {
    let v = vectors();
    let block = v["sign_input"]["em_sha1_1024"].as_str().unwrap();
    let (_, mut transport) = changed(|_| ());
    play(&mut transport, &[(VERIFY, "9000"), (RESTORE, "9000"), (DECIPHER, "9000")]);
    let modulus = v["test_key"]["n"].as_str().unwrap();
    for (command, answer) in [
        ("002A808600".to_owned(), "6A80"),
        (decipher(&block[2..]), "6A80"),
        (decipher(&format!("{block}00")), "6A80"),
        (decipher(block).replacen("8100", "8101", 1), "6A80"),
        (decipher(modulus), "6A80"),
        (decipher(block).strip_suffix("00").unwrap().to_owned(), "6700"),
        (decipher(block).replacen("2A8086", "2A8680", 1), "6A86"),
    ] {
        assert_eq!(send(&mut transport, &command), answer, "{command}");
    }
    // What stands in the block is not looked at.
    let any = "00".repeat(127) + "02";
    assert_eq!(send(&mut transport, &decipher(&any)).len(), 2 * 130);
}

#[test]
fn a_key_serves_what_it_was_made_for() {
    let v = vectors();
    let block = v["sign_input"]["em_sha1_1024"].as_str().unwrap();
    let info = "3021300906052B0E03021A05000414037D707373D35149BF05EB8024A90CDB0C2D596B";
    let info = hex::decode(info).unwrap();
    for (key_use, deciphers, signs) in
        [(KeyUse::Decipher, true, false), (KeyUse::Sign, false, true), (KeyUse::Both, true, true)]
    {
        let (_, mut transport) = changed(|profile| profile.key_use = key_use);
        for (set, command, works) in [(DECIPHER, decipher(block), deciphers), (SIGN, sign(&info), signs)] {
            play(&mut transport, &[(VERIFY, "9000"), (RESTORE, "9000"), (set, "9000")]);
            assert_eq!(send(&mut transport, &command).len() == 2 * 130, works, "{key_use:?}");
        }
        // A template for the other operation is of no use.
        play(&mut transport, &[(RESTORE, "9000"), (DECIPHER, "9000"), (&sign(&info), "6985")]);
    }
}

#[test]
fn a_signature_is_made_of_whatever_it_is_told() {
    let v = vectors();
    let key = RsaPublicKey::new(&hex(&v["test_key"]["n"]), &hex(&v["test_key"]["e"])).unwrap();
    let hash = |algorithm: DigestAlgorithm| algorithm.hash(b"a message");
    let [sha1, sha256] = [hash(DigestAlgorithm::Sha1), hash(DigestAlgorithm::Sha256)];
    let info =
        |algorithm, bytes: &[u8]| cie::crypto::Digest::from_bytes(algorithm, bytes).unwrap().digest_info();
    let whole = hex(&v["sign_input"]["em_sha1_1024"]);
    for (style, input, content) in [
        (SignatureInput::Padded, sha1.clone(), Some(sha1.clone())),
        (SignatureInput::Padded, vec![7; 117], Some(vec![7; 117])),
        (SignatureInput::Padded, vec![7; 118], None),
        (SignatureInput::Padded, whole.clone(), None),
        (SignatureInput::DigestInfoAdded, sha1.clone(), Some(info(DigestAlgorithm::Sha1, &sha1))),
        (SignatureInput::DigestInfoAdded, sha256.clone(), Some(info(DigestAlgorithm::Sha256, &sha256))),
        (
            SignatureInput::DigestInfoAdded,
            info(DigestAlgorithm::Sha1, &sha1),
            Some(info(DigestAlgorithm::Sha1, &sha1)),
        ),
        (SignatureInput::BlockTaken, sha256.clone(), Some(sha256)),
        (SignatureInput::BlockTaken, whole.clone(), Some(whole[128 - 35..].to_vec())),
    ] {
        let (_, mut transport) = changed(|profile| {
            profile.key_use = KeyUse::Sign;
            profile.signature_input = style;
        });
        play(&mut transport, &[(VERIFY, "9000"), (RESTORE, "9000"), (SIGN, "9000"), ("002A9E9A00", "6A80")]);
        let answer = hex::decode(send(&mut transport, &sign(&input))).unwrap();
        match content {
            Some(content) => key.check_block(&content, &answer[..128]).unwrap(),
            None => assert_eq!(answer, [0x6A, 0x80]),
        }
    }
}

#[test]
fn a_block_may_come_in_pieces() {
    let v = vectors();
    let block = v["sign_input"]["em_sha256_1024"].as_str().unwrap();
    let signature = v["dialogues"]["sign_sha256_pso_dec_raw"][3]["r"].as_str().unwrap();
    let (_, mut transport) = changed(|_| ());
    play(&mut transport, &[(VERIFY, "9000"), (RESTORE, "9000"), (DECIPHER, "9000")]);
    let first = format!("102A80864100{}", &block[..128]);
    let last = format!("002A808640{}00", &block[128..]);
    play(
        &mut transport,
        &[
            (&first, "9000"),
            (&last, signature),
            // Without its beginning it is nothing.
            (&last, "6A80"),
            // A beginning that was given up, and one that another chain broke into.
            (&first, "9000"),
        ],
    );
    play(&mut transport, &[(&first.replacen("8086", "9E9A", 1), "6883"), (&last, "6A80")]);
    for ins in ["A4", "20", "22", "24", "2C", "84", "B0", "D6"] {
        assert_eq!(send(&mut transport, &format!("10{ins}0000020000")), "6884", "{ins}");
    }
    // There is an end to what is kept.
    let piece = format!("102A8086FF{}", "00".repeat(255));
    for _ in 0..4 {
        assert_eq!(send(&mut transport, &piece), "9000");
    }
    assert_eq!(send(&mut transport, &piece), "6700");
}

#[test]
fn challenges_are_as_long_as_asked_for() {
    let (_, mut transport) = changed(|_| ());
    let first = send(&mut transport, "0084000008");
    let second = send(&mut transport, "0084000008");
    assert!(first != second && first.len() == 20 && first.ends_with("9000"));
    assert_eq!(send(&mut transport, "0084000000").len(), 2 * 258);
    play(&mut transport, &[("00840000", "6700"), ("0084010008", "6A86"), ("00840000010008", "6700")]);
    let (_, mut transport) = changed(|profile| profile.longest_challenge = 32);
    assert_eq!(send(&mut transport, "0084000020").len(), 2 * 34);
    play(&mut transport, &[("0084000021", "6700"), ("0084000000", "6700")]);
}
