//! What one maker's chip does and another's does not.

use super::bench::{
    SELECT_CIE, SELECT_IAS, VERIFY_RIGHT, authenticated, card, send, send_all, upper, vectors,
};
use cie::emulator::Chip;

/// The parts of EF.ATR by which published programs tell the maker. Contiguous: some ask for that.
fn fragment(chip: Chip) -> Vec<u8> {
    let text = match chip {
        Chip::Gemalto => return b"IasEccRoot".to_vec(),
        Chip::Nxp => "800043 01B8 4604 10101010 470394 0180",
        Chip::St => {
            "800043 01B9 4604 00000010 470394 0181 4F0C A000000095000000008A0001
             E010 0202 00FF 0202 00FF 0202 0100 0202 0100 7808 0606 2B8122F87802 820290 00"
        }
        Chip::Actalis => {
            "800043 01B8 4604 10101010 470394 01E0 7F66 08 0202 04D6 0202 07E3
             E010 0202 0104 0202 00E6 0202 00E6 0202 00E6 7808 0606 2B8122F87802"
        }
        _ => unreachable!("another chip"),
    };
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

#[test]
fn every_chip_has_its_own_ef_atr() {
    let v = vectors();
    for chip in Chip::ALL {
        let card = card(&v, chip);
        let mut transport = card.transport();
        assert_eq!(send(&mut transport, "00A40000"), "9000");
        let answer = hex::decode(send_all(&mut transport, "00B09D0060")).unwrap();
        let (content, status) = answer.split_at(answer.len() - 2);
        assert_eq!((content.len(), status), (96, &[0x90, 0x00][..]), "{chip}");
        let position = |part: &[u8]| content.windows(part.len()).position(|window| window == part);
        for other in Chip::ALL {
            assert_eq!(position(&fragment(other)).is_some(), chip == other, "{chip}, {other}");
        }
        let end = position(&[0x82, 0x02, 0x90, 0x00]).unwrap();
        assert!(end >= 33, "{chip}: {end}");
        assert!(content[end + 4..].iter().all(|byte| *byte == 0), "{chip}");
        // What is before the padding is a list of data objects, behind a category indicator perhaps.
        let start = if content.starts_with(&[0x80, 0x00]) { 2 } else { 0 };
        let objects: Result<Vec<_>, _> = cie::iso7816::tlv::Reader::new(&content[start..end + 4]).collect();
        assert_eq!(objects.unwrap().last().unwrap().value, [0x90, 0x00], "{chip}");
    }
}

/// Answers to reset as other people's programs list them.
#[test]
fn every_chip_has_its_own_answer_to_reset() {
    for (chip, atr) in [
        (Chip::Gemalto, "3B8F800180318065B085040011120FFF8290008A"),
        (Chip::Nxp, "3B8E80018031806549544E5850120FFF8290F0"),
        (Chip::St, "3B8B80018066475000B8007F8290002E"),
        (Chip::Actalis, "3B8F80018031806549544A3441120FFF82900088"),
    ] {
        assert_eq!(upper(&chip.profile().atr), atr, "{chip}");
    }
}

#[test]
fn three_chips_know_the_application_by_name_and_all_the_master_file() {
    let v = vectors();
    for chip in Chip::ALL {
        let card = card(&v, chip);
        let mut transport = card.transport();
        let known = chip != Chip::Nxp;
        assert_eq!(send(&mut transport, SELECT_IAS), if known { "9000" } else { "6A82" }, "{chip}");
        card.reset_by_other();
        for command in ["00A40000", "00A40000023F00"] {
            let mut transport = card.transport();
            assert_eq!(send(&mut transport, command), "9000", "{chip}");
            assert_eq!(send(&mut transport, SELECT_CIE), "9000", "{chip}");
        }
        // All domain parameters in one answer: on two chips.
        let mut transport = card.transport();
        let together = send_all(&mut transport, "00CB3FFF0A4D087006BFA10102A380");
        let one = send_all(&mut transport, "00CB3FFF0C4D0A7008BFA10104A3029900");
        match chip {
            Chip::Gemalto | Chip::St => {
                assert_eq!(together, v["dh_apdus"]["get_data_all_rsp"].as_str().unwrap().to_owned() + "9000");
            }
            _ => assert_eq!(together, "6A88", "{chip}"),
        }
        assert!(one.ends_with("9000"), "{chip}");
    }
}

#[test]
fn st_takes_the_terminals_key_under_one_template_and_corrects_le() {
    let v = vectors();
    let card = card(&v, Chip::St);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let choose = "002281B60E830C000000002000000000000001";
    assert_eq!(channel.send(&mut transport, choose), "6A80");
    assert_eq!(channel.send(&mut transport, &choose.replace("81B6", "81A4")), "9000");

    let key = v["nis_flow"]["ef_1005"].as_str().unwrap();
    assert_eq!(send(&mut transport, "00B0850000"), format!("{}9000", &key[..512]));
    for asked in ["0F", "00", "FF"] {
        assert_eq!(send(&mut transport, &format!("00B00100{asked}")), "6C0E", "{asked}");
    }
    assert_eq!(send(&mut transport, "00B001000E"), format!("{}9000", &key[512..]));
    assert_eq!(send(&mut transport, "00B0010E01"), "6B00");
    // Protected, the end of the file is a warning.
    assert_eq!(channel.send(&mut transport, "00B001000F"), format!("{}6282", &key[512..]));

    let sign = |length: usize| format!("00880000{length:02X}{}", "41".repeat(length));
    assert_eq!(channel.send(&mut transport, "002241A406800102840183"), "9000");
    assert_eq!(channel.send(&mut transport, &sign(102)).len(), 2 * 258);
    assert_eq!(channel.send(&mut transport, &sign(103)), "6700");

    let (right, new) = ("3132333435363738", "3030303030303030");
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert_eq!(channel.send(&mut transport, &format!("0024008110{right}{new}")), "9000");
    assert_eq!(channel.send(&mut transport, "00200081"), "63C3", "the new PIN was not shown");
}

#[test]
fn actalis_keeps_to_230_bytes() {
    let v = vectors();
    let card = card(&v, Chip::Actalis);
    let key = v["nis_flow"]["ef_1005"].as_str().unwrap();
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    assert_eq!(send(&mut transport, "00B0850000"), format!("{}9000", &key[..460]));
    assert_eq!(send(&mut transport, "00B08500E6"), format!("{}9000", &key[..460]));
    assert_eq!(send(&mut transport, "00B08500E7"), "61E7", "longer than what comes at once");
    assert_eq!(send(&mut transport, "00C00000E7"), format!("{}9000", &key[..462]));
    assert_eq!(send(&mut transport, "00B0010000"), format!("{}9000", &key[512..]), "Le 00 does not warn");
    assert_eq!(send(&mut transport, "002241A406800102840183"), "9000");
    assert_eq!(send(&mut transport, "0088000003414243"), "6100", "no Le");
    assert_eq!(send(&mut transport, "008800000341424300"), "6100", "Le has room");
    assert_eq!(send(&mut transport, "00C0000000").len(), 2 * 258);

    // The worked session's fragments of 231 bytes are too long for it: the card is told to be lenient
    // until device authentication is over.
    let strict = card.profile();
    let mut lenient = strict.clone();
    lenient.longest_protected_data = 231;
    card.set_profile(lenient);
    let (mut transport, mut channel) = authenticated(&v, &card);
    card.set_profile(strict);
    let sign = |length: usize| format!("00880000{length:02X}{}", "41".repeat(length));
    assert_eq!(channel.send(&mut transport, "002241A406800102840183"), "9000");
    assert_eq!(channel.send(&mut transport, &sign(231)), "6700", "over the channel, which stays open");
    assert_eq!(channel.send(&mut transport, &sign(230)).len(), 2 * 258, "the limit is not for signatures");
    assert_eq!(channel.send(&mut transport, &format!("10{}", &sign(231)[2..])), "6700", "nor a fragment");
    for asked in ["E6", "E7", "00"] {
        let answer = channel.send(&mut transport, &format!("00B08500{asked}"));
        assert_eq!(answer, format!("{}9000", &key[..460]), "{asked}");
    }
    assert_eq!(channel.send(&mut transport, "00B000E600"), format!("{}9000", &key[460..]));
    assert_eq!(channel.send(&mut transport, "00B000E6FF"), format!("{}6282", &key[460..]));
    // The odd form counts its header: 53 81 E3.
    let odd = channel.send(&mut transport, "00B1000604 54020000 FF".replace(' ', "").as_str());
    assert!(odd.starts_with("5381E3") && odd.len() == 2 * (230 + 2), "{odd}");

    let (right, new) = ("3132333435363738", "3030303030303030");
    assert_eq!(channel.send(&mut transport, &format!("0024008110{right}{new}")), "9000");
    assert_eq!(channel.send(&mut transport, "00200081"), "9000", "the new PIN counts as shown");
}

#[test]
fn the_two_that_came_first_stay_as_they_were() {
    let (gemalto, nxp) = (Chip::Gemalto.profile(), Chip::Nxp.profile());
    for profile in [&gemalto, &nxp] {
        let lengths =
            [profile.longest_protected_data, profile.longest_protected_read, profile.longest_direct_answer];
        assert_eq!(lengths, [231, 256, 256]);
    }
    assert_eq!((gemalto.longest_clear_read, nxp.longest_clear_read), (256, 231));
}
