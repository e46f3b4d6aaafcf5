//! Device authentication and secure messaging against a terminal that cheats.

use super::bench::{
    Channel, VERIFY_RIGHT, agree, authenticated, card, exponent_draw, hex, personalisation, play, send,
    send_all, upper, vectors, wire,
};
use cie::crypto::sha256;
use cie::crypto::signature::RsaPrivateKey;
use cie::emulator::entropy::Scripted;
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::iso7816::tlv;
use serde_json::Value;

#[test]
fn a_tampered_terminal_proof_is_refused_and_the_challenge_spent() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..5);
    let proof = v["external_auth"]["command_data"].as_str().unwrap().to_owned();
    let authenticate = |card: &SoftCard, proof: &str| {
        let mut transport = card.transport();
        let mut channel = super::bench::Channel::new(&v, 0x0B);
        let (head, tail) = proof.split_at(462);
        assert_eq!(channel.send(&mut transport, &format!("10820000E7{head}")), "9000");
        let tail = format!("{:02X}{tail}", tail.len() / 2);
        let answer = channel.send(&mut transport, &format!("00820000{tail}"));
        (answer, transport, channel)
    };
    let (answer, mut transport, mut channel) = authenticate(&card.snapshot(), &proof);
    assert_eq!(answer, "9000");
    assert_eq!(channel.send(&mut transport, "00820000"), "6985", "no challenge");
    assert_eq!(channel.send(&mut transport, "00200081"), "6982", "the card has not proved its key yet");

    for position in [0, 15, 16, 300, proof.len() - 1] {
        let mut tampered = proof.clone();
        let digit = if &proof[position..=position] == "0" { "1" } else { "0" };
        tampered.replace_range(position..=position, digit);
        let (answer, mut transport, mut channel) = authenticate(&card.snapshot(), &tampered);
        assert_eq!(answer, "6300", "{position}");
        channel.send(&mut transport, "002241A40684018280019B");
        assert_eq!(channel.send(&mut transport, "0088000008C91090A716390F4E"), "6985");
        // The right proof is too late: its challenge was spent.
        let (head, tail) = proof.split_at(462);
        channel.send(&mut transport, &format!("10820000E7{head}"));
        assert_eq!(channel.send(&mut transport, &format!("0082000021{tail}")), "6985");
    }
    let (answer, ..) = authenticate(&card.snapshot(), &proof[..proof.len() - 2]);
    assert_eq!(answer, "6700");
}

#[test]
fn a_tampered_certificate_is_refused() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..1);
    let pso = v["cvc"]["pso_data"].as_str().unwrap();
    let present = |certificate: &str| {
        let card = card.snapshot();
        let (mut transport, mut channel) = (card.transport(), super::bench::Channel::new(&v, 3));
        let (head, tail) = certificate.split_at(462);
        assert_eq!(channel.send(&mut transport, &format!("102A00AEE7{head}")), "9000");
        channel.send(&mut transport, &format!("002A00AE7B{tail}"))
    };
    assert_eq!(present(pso), "9000");
    for (position, answer) in [(0, "6A80"), (100, "6300"), (540, "6300"), (706, "6A88")] {
        let mut tampered = pso.to_owned();
        let digit = if &pso[position..=position] == "2" { "1" } else { "2" };
        tampered.replace_range(position..=position, digit);
        assert_eq!(present(&tampered), answer, "{position}");
    }
}

#[test]
fn a_fault_in_the_protection_ends_the_channel() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    let ssc = channel.ssc;
    let good = channel.protect("00B0830010");
    let verify = super::bench::Channel::new(&v, ssc).protect("0020008100");
    for (broken, answer) in [
        (good.replace("0CB08300", "0CB08301"), "6988"),
        (format!("{}00", &good[..10]), "6700"),
        ("0CB083000397011000".to_owned(), "6987"),
        ("0CB0830000".to_owned(), "6987"),
        ("0CB08300029701".to_owned(), "6988"),
        ("0CB083000D9701108E08000000000000000000".to_owned(), "6988"),
        ("0CB083000B970110 8E060000000000 0000".replace(' ', ""), "6988"),
        (good.replace("8E08", "8E07"), "6988"),
        (good.replace("9701", "9601"), "6988"),
        (format!("0CB0830010970110{}", &good[10..]), "6988"),
    ] {
        let card = card.snapshot();
        let mut transport = card.transport();
        assert_eq!(send(&mut transport, &broken), answer, "{broken}");
        let next = super::bench::Channel::new(&v, ssc).protect("00200081");
        if answer == "6700" {
            assert_ne!(send(&mut transport, &next), "6985", "no command at all");
        } else {
            assert_eq!(send(&mut transport, &next), "6985", "{broken}");
        }
    }
    // A replayed command.
    let card = card.snapshot();
    let mut transport = card.transport();
    assert_ne!(send(&mut transport, &verify), "6988");
    assert_eq!(send(&mut transport, &verify), "6988");
}

/// A signature that carries the start of the message, over the message and what is not in it.
fn sign(key: &RsaPrivateKey, message: &[u8], rest: &[&[u8]]) -> Vec<u8> {
    let covered = [message, &rest.concat()].concat();
    let carried = &message[..222];
    key.sign_raw(&[&[0x6A], carried, &sha256(&[&covered]), &[0xBC]].concat()).unwrap()
}

/// What PSO VERIFY CERTIFICATE is given for this content, signed as every terminal can sign it.
fn certificate(v: &Value, content: &[u8]) -> String {
    let key =
        RsaPrivateKey::new(&hex(&v["test_ca"]["modulus"]), &hex(&v["constants"]["ca_private_exponent"]));
    let parts = [
        tlv::encode(0x5F37, &sign(&key.unwrap(), content, &[])),
        tlv::encode(0x5F38, &content[222..]),
        tlv::encode(0x42, &hex(&v["cvc"]["car"])),
    ];
    upper(&tlv::encode(0x7F21, &parts.concat()))
}

/// What EXTERNAL AUTHENTICATE is given: a proof by the terminal's key under this number.
fn proof(v: &Value, sn_ifd: &[u8], rnd_icc: &[u8]) -> String {
    let constants = &v["constants"];
    let key = RsaPrivateKey::new(&hex(&constants["ifd_modulus"]), &hex(&constants["ifd_private_exponent"]));
    let dh = |name: &str| hex(&v["dh"][name]);
    let rest =
        [dh("ifd_public"), sn_ifd.to_vec(), rnd_icc.to_vec(), dh("icc_public"), dh("g"), dh("p"), dh("q")];
    let rest: Vec<&[u8]> = rest.iter().map(Vec::as_slice).collect();
    upper(&[sn_ifd, &sign(&key.unwrap(), &[0x77; 222], &rest)].concat())
}

/// A long command in two fragments over the channel; what the second one is answered.
fn send_in_two(channel: &mut Channel, transport: &mut SoftTransport, header: &str, data: &str) -> String {
    let (head, tail) = data.split_at(462);
    assert_eq!(channel.send(transport, &format!("10{header}E7{head}")), "9000");
    channel.send(transport, &format!("00{header}{:02X}{tail}", tail.len() / 2))
}

#[test]
fn a_signed_certificate_must_say_the_right_thing() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..1);
    let content = hex(&v["cvc"]["cert_content"]);
    assert_eq!(certificate(&v, &content), v["cvc"]["pso_data"], "signed as in the worked example");
    let present = |content: &[u8]| {
        let card = card.snapshot();
        let (mut transport, mut channel) = (card.transport(), Channel::new(&v, 3));
        let answer = send_in_two(&mut channel, &mut transport, "2A00AE", &certificate(&v, content));
        (answer, transport, channel)
    };
    let choose = "002281A40E830C000000002000000000000001";
    let (answer, mut transport, mut channel) = present(&content);
    assert_eq!(answer, "9000");
    assert_eq!(channel.send(&mut transport, "002281A40E830C000000002000000000000002"), "6A88");
    assert_eq!(channel.send(&mut transport, choose), "9000");
    for (name, position) in [
        ("profile", 0),
        ("authority", 8),
        ("application", 21),
        ("application", 26),
        ("role", 27),
        ("algorithm", 28),
        ("algorithm", 36),
    ] {
        let mut wrong = content.clone();
        wrong[position] ^= 0x01;
        let (answer, mut transport, mut channel) = present(&wrong);
        assert_eq!(answer, "6300", "{name}");
        assert_eq!(channel.send(&mut transport, choose), "6A88", "{name}");
    }
}

#[test]
fn a_key_chosen_under_another_name_does_not_serve() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..4);
    let mut channel = Channel::new(&v, 9);
    // The key under the chosen name gives way to one under another.
    let mut content = hex(&v["cvc"]["cert_content"]);
    content[20] = 2;
    let other = certificate(&v, &content);
    assert_eq!(send_in_two(&mut channel, &mut transport, "2A00AE", &other), "9000");
    assert_eq!(channel.send(&mut transport, "0084000008"), "EC74988C952281A09000");
    let rnd_icc = hex(&v["external_auth"]["rnd_icc"]);
    for sn_ifd in ["2000000000000001", "2000000000000002"] {
        let proof = proof(&v, &hex::decode(sn_ifd).unwrap(), &rnd_icc);
        let card = card.snapshot();
        let (mut transport, mut channel) = (card.transport(), Channel::new(&v, channel.ssc));
        assert_eq!(send_in_two(&mut channel, &mut transport, "820000", &proof), "6985", "{sn_ifd}");
    }
    assert_eq!(channel.send(&mut transport, "002281A40E830C000000002000000000000002"), "9000");
    let proof = proof(&v, &hex::decode("2000000000000002").unwrap(), &rnd_icc);
    assert_eq!(send_in_two(&mut channel, &mut transport, "820000", &proof), "9000");
}

#[test]
fn a_signed_proof_must_be_of_the_certified_number() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..5);
    let rnd_icc = hex(&v["external_auth"]["rnd_icc"]);
    for (sn_ifd, expected) in
        [("2000000000000001", "9000"), ("2000000000000002", "6300"), ("0000000000000000", "6300")]
    {
        let proof = proof(&v, &hex::decode(sn_ifd).unwrap(), &rnd_icc);
        let card = card.snapshot();
        let (mut transport, mut channel) = (card.transport(), Channel::new(&v, 0x0B));
        assert_eq!(send_in_two(&mut channel, &mut transport, "820000", &proof), expected, "{sn_ifd}");
    }
}

#[test]
fn a_failed_proof_ends_an_earlier_authentication() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert_eq!(channel.send(&mut transport, "00B0830010").len(), 36);
    let rnd_icc = hex::decode("5A5A5A5A5A5A5A5A").unwrap();
    assert_eq!(channel.send(&mut transport, "0084000008"), "5A5A5A5A5A5A5A5A9000");
    let wrong = proof(&v, &hex::decode("2000000000000002").unwrap(), &rnd_icc);
    assert_eq!(send_in_two(&mut channel, &mut transport, "820000", &wrong), "6300");
    assert_eq!(channel.send(&mut transport, "00B0830010"), "6982");
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "6982");
    assert_eq!(card.verify_count(), 1);
}

#[test]
fn device_authentication_does_not_work_in_clear() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    let (algorithm, name) = ("80014183 0184".replace(' ', ""), "830C000000002000000000000001");
    let in_clear = |transport: &mut SoftTransport, command: &str| {
        assert_eq!(send(transport, command), "6982", "{command}");
    };
    in_clear(&mut transport, &format!("002281B606{algorithm}"));
    play(&mut transport, &v, 0..1);
    let (head, tail) = v["cvc"]["pso_data"].as_str().unwrap().split_at(462);
    assert_eq!(send(&mut transport, &format!("102A00AEE7{head}")), "9000", "half a command says nothing");
    in_clear(&mut transport, &format!("002A00AE7B{tail}"));
    play(&mut transport, &v, 1..3);
    for place in ["A4", "B6"] {
        in_clear(&mut transport, &format!("002281{place}0E{name}"));
    }
    play(&mut transport, &v, 3..4);
    in_clear(&mut transport, "0084000008");
    play(&mut transport, &v, 4..5);
    // A refused one does not spend the challenge that came over the channel.
    in_clear(&mut transport, "0084000008");
    assert_eq!(send(&mut transport, "002241A406800102840183"), "9000", "key 83 stays free");
    play(&mut transport, &v, 5..9);
    // Without a channel anyone may ask for a challenge, which leads nowhere.
    assert_eq!(send(&mut transport, super::bench::SELECT_CIE), "9000");
    assert_eq!(send(&mut transport, "0084000008"), "5A5A5A5A5A5A5A5A9000");
}

#[test]
fn a_new_key_agreement_forgets_pin_and_authentication() {
    let v = vectors();
    let exponent = || ("DH.y", exponent_draw(&v["dh"]["icc_private"]));
    let entropy = Scripted::new([
        exponent(),
        ("RND.ICC", hex(&v["external_auth"]["rnd_icc"])),
        ("PRND.ICC", hex(&v["internal_auth"]["prnd"])),
        exponent(),
    ]);
    let card = SoftCard::new(personalisation(&v), Chip::Gemalto, entropy).unwrap();
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert_eq!(channel.send(&mut transport, "002241A406800102840181"), "9000");
    assert_eq!(channel.send(&mut transport, "00B0830010").len(), 36);
    for fragment in v["dh_apdus"]["mse_set_kat_chain"].as_array().unwrap() {
        assert_eq!(send(&mut transport, fragment.as_str().unwrap()), "9000");
    }
    // The same draws, hence the same keys, from the start again.
    let mut channel = Channel::new(&v, 1);
    assert_eq!(channel.send(&mut transport, "0088000003414243"), "6985", "nothing is chosen");
    assert_eq!(channel.send(&mut transport, "00B0830010"), "6982");
    assert_eq!(channel.send(&mut transport, "00200081"), "6982");
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "6982");
}

#[test]
fn malformed_protection_under_a_right_checksum_ends_the_channel() {
    let v = vectors();
    let session = card(&v, Chip::Gemalto);
    let (_, channel) = authenticated(&v, &session);
    let (select, read) = ([0x0C, 0xA4, 0x02, 0x0C], [0x0C, 0xB0, 0x81, 0x00]);
    let cryptogram = |indicator| channel.cryptogram(0x87, &[indicator], &[0x10, 0x05]);
    let le = tlv::encode(0x97, &[0x0C]);
    let twice = |object: &[u8]| [object, object].concat();
    // The checksum stands behind `covered`, and `behind` after it, covered too.
    for (name, header, covered, behind, good) in [
        ("nothing wrong", select, cryptogram(1), vec![], true),
        ("nothing wrong", read, le.clone(), vec![], true),
        ("two cryptograms", select, twice(&cryptogram(1)), vec![], false),
        ("two lengths", read, twice(&le), vec![], false),
        ("another padding", select, cryptogram(2), vec![], false),
        ("no padding", select, cryptogram(0), vec![], false),
        ("the checksum before the length", read, vec![], le.clone(), false),
        ("the checksum before the cryptogram", select, vec![], cryptogram(1), false),
        ("the checksum between", select, cryptogram(1), le.clone(), false),
    ] {
        let card = session.snapshot();
        let mut transport = card.transport();
        let mut terminal = Channel::new(&v, channel.ssc);
        let checksum = terminal.seal(header, &[&covered[..], &behind].concat());
        let answer = send_all(&mut transport, &wire(header, &[covered, checksum, behind].concat()));
        if good {
            assert!(terminal.open(&answer).ends_with("9000"), "{name}");
        } else {
            assert_eq!(answer, "6988", "{name}");
            let next = terminal.protect("00200081");
            assert_eq!(send(&mut transport, &next), "6985", "{name}");
        }
    }
    // Two checksums, each right for what stands before it.
    let mut terminal = Channel::new(&v, channel.ssc);
    let checksum = terminal.seal(read, &le);
    let mut transport = session.transport();
    assert_eq!(send(&mut transport, &wire(read, &[le, twice(&checksum)].concat())), "6988");
}

#[test]
fn protected_commands_are_no_longer_than_their_limit() {
    let v = vectors();
    let session = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &session);
    assert_eq!(channel.send(&mut transport, "002241A406800102840183"), "9000");
    let sign = |length: usize| format!("00880000{length:02X}{}", "41".repeat(length));
    assert_eq!(channel.send(&mut transport, &sign(231)).len(), 2 * 258);
    for length in [232, 239] {
        assert_eq!(channel.send(&mut transport, &sign(length)), "6700", "{length}");
    }
    let mut profile = session.profile();
    profile.longest_protected_data = 230;
    session.set_profile(profile);
    assert_eq!(channel.send(&mut transport, &sign(231)), "6700");
    assert_eq!(channel.send(&mut transport, &sign(230)).len(), 2 * 258, "the channel is still open");
    // The limit is for each fragment; the one that is too long takes the chain with it.
    let fragment = |cla: u8, length: usize| format!("{cla:02X}880000{length:02X}{}", "41".repeat(length));
    assert_eq!(channel.send(&mut transport, &fragment(0x10, 100)), "9000");
    assert_eq!(channel.send(&mut transport, &fragment(0x10, 232)), "6700");
    // Without the outer Le, too.
    let read = channel.protect("00B081000C");
    let answer = send_all(&mut transport, read.strip_suffix("00").unwrap());
    assert!(channel.open(&answer).ends_with("319000"));
}
