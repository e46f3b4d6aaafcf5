//! Device authentication and secure messaging against a terminal that cheats.

use super::bench::{VERIFY_RIGHT, agree, authenticated, card, play, send, vectors};
use cie::emulator::{Chip, SoftCard};

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
