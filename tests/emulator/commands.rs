//! Single commands: every form that is accepted, and what the others are answered.

use super::bench::{
    SELECT_CIE, SELECT_IAS, agree, card, hex, personalisation, play, send, send_all, vectors,
};
use cie::emulator::entropy::Seeded;
use cie::emulator::{Chip, SoftCard, WrongLe};
use cie::transport::Transport;

#[test]
fn every_way_to_select() {
    let v = vectors();
    let gemalto = card(&v, Chip::Gemalto);
    let mut transport = gemalto.transport();
    assert_eq!(send(&mut transport, SELECT_CIE), "6A82", "below the root only");
    assert_eq!(send(&mut transport, "00B081000C"), "6A82");
    assert_eq!(send(&mut transport, "00B0000000"), "6986");
    for root in
        [SELECT_IAS, "00A40000", "00A40000023F00", "00A4000C023F00", "00A4040C0DA000000030800000000981600100"]
    {
        assert_eq!(send(&mut transport, root), "9000", "{root}");
        assert_eq!(send(&mut transport, "00A4020C022F01"), "9000");
        assert_eq!(send(&mut transport, "00A4020C021001"), "6A82", "lies elsewhere");
    }
    assert_eq!(send(&mut transport, "00A4040C07A0000002471001"), "6A82", "no travel document");
    assert_eq!(send(&mut transport, SELECT_CIE), "9000");
    assert_eq!(
        send_all(&mut transport, "00A4040406A00000000039"),
        "620E820138 8406A00000000039 8A0105 9000".replace(' ', "")
    );
    let parameters =
        "621B 80020080 820101 83021003 880118 8A0105 A108 8C0201F1 9C0201F1 9000".replace(' ', "");
    assert_eq!(send(&mut transport, "00A40204021003"), "611D");
    assert_eq!(send(&mut transport, "00C000001D"), parameters);
    assert_eq!(send(&mut transport, "00A4020402100300"), parameters);
    assert_eq!(send(&mut transport, "00A4020802100300"), "6A86");
    assert_eq!(send(&mut transport, "00A4030C021003"), "6A86");
    assert_eq!(send(&mut transport, "00A4020C0110"), "6700");

    let nxp = card(&v, Chip::Nxp);
    let mut transport = nxp.transport();
    assert_eq!(send(&mut transport, SELECT_IAS), "6A82");
    assert_eq!(send(&mut transport, SELECT_CIE), "9000", "the root is current from the start");
    assert_eq!(send(&mut transport, "00A40000"), "9000");
    assert_eq!(transport.atr().len(), 19);
}

#[test]
fn reading_in_clear() {
    let v = vectors();
    let gemalto = card(&v, Chip::Gemalto);
    let mut transport = gemalto.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    let key = v["nis_flow"]["ef_1005"].as_str().unwrap();
    assert_eq!(send(&mut transport, "00B0000000"), "6986");
    assert_eq!(send(&mut transport, "00B0850080"), format!("{}9000", &key[..256]));
    assert_eq!(send(&mut transport, "00B0000000"), format!("{}9000", &key[..512]));
    assert_eq!(send(&mut transport, "00B001000E"), format!("{}9000", &key[512..]));
    assert_eq!(send(&mut transport, "00B001000F"), format!("{}6282", &key[512..]));
    assert_eq!(send(&mut transport, "00B0010000"), format!("{}6282", &key[512..]));
    assert_eq!(send(&mut transport, "00B0010E01"), "6B00");
    assert_eq!(send(&mut transport, "00B07FFF00"), "6B00");
    assert_eq!(send(&mut transport, "00B00000"), "6700");
    assert_eq!(send(&mut transport, "00B09F0000"), "6A86");
    assert_eq!(send(&mut transport, "00B0880000"), "6A82");
    assert_eq!(send(&mut transport, "00B0830000"), "6982", "the certificate, in clear");
    assert_eq!(send(&mut transport, "00B0820000"), "6982");
    // The odd form: the header counts.
    let sod: String = (0..600_u16).map(|n| format!("{:02X}", n.to_be_bytes()[1])).collect();
    assert_eq!(
        send(&mut transport, "00B1000604 54020000 E7".replace(' ', "").as_str()),
        format!("5381E4{}9000", &sod[..456])
    );
    assert_eq!(send(&mut transport, "00B10000045402022000"), format!("5338{}6282", &sod[1088..]));
    assert_eq!(send(&mut transport, "00B10000045402025800"), "6B00");
    assert_eq!(send(&mut transport, "00B100000354010082"), format!("537F{}9000", &sod[..254]));
    assert_eq!(send(&mut transport, "00B100000354010002"), "6700");
    assert_eq!(send(&mut transport, "00B1000003530100E7"), "6A80");
    assert_eq!(send(&mut transport, "00B10100045402000000"), "6A86");

    let mut profile = gemalto.profile();
    profile.wrong_le = WrongLe::Refused;
    gemalto.set_profile(profile);
    assert_eq!(send(&mut transport, "00B0810000"), "6C0C");
    assert_eq!(send(&mut transport, "00B081000C").len(), 28);

    let nxp = card(&v, Chip::Nxp);
    let mut transport = nxp.transport();
    send(&mut transport, SELECT_CIE);
    assert_eq!(send(&mut transport, "00B0850000"), format!("{}9000", &key[..462]), "231 and no more");
    assert_eq!(send(&mut transport, "00B000E700"), format!("{}9000", &key[462..]));
    assert_eq!(send(&mut transport, "00B00000E8"), format!("{}9000", &key[..464]));
    assert_eq!(send(&mut transport, "00B000E728"), format!("{}6282", &key[462..]));
}

#[test]
fn classes_and_lengths() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    for (command, answer) in [
        ("", "6700"),
        ("00A404", "6700"),
        ("00A4040C05A0", "6700"),
        ("00B00000000101", "6700"),
        // Extended lengths of numbers that a short one could hold.
        ("00B00000000010", "6700"),
        ("00A4040C00000DA0000000308000000009816001", "6700"),
        ("00A4040C00000DA00000003080000000098160010000", "6700"),
        ("0CB0000000000D9701108E080000000000000000", "6700"),
        ("00C00000000010", "6700"),
        ("80A40000", "6E00"),
        ("01A40000", "6881"),
        ("04A40000", "6E00"),
        ("00FF0000", "6D00"),
        ("10A40000", "6884"),
        ("10200081083132333435363738", "6884"),
        ("0CA40000", "6985"),
        ("00C0000000", "6985"),
        ("00C0010000", "6A86"),
        ("0084000000", "6700"),
        ("00840000015508", "6700"),
        ("0084010008", "6A86"),
        ("0084000108", "6A86"),
    ] {
        assert_eq!(send(&mut transport, command), answer, "{command}");
    }
}

#[test]
fn chains_must_go_on_as_they_began() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    let first = v["dh_apdus"]["mse_set_kat_chain"][0].as_str().unwrap();
    let last = v["dh_apdus"]["mse_set_kat_chain"][1].as_str().unwrap();
    assert_eq!(send(&mut transport, first), "9000");
    assert_eq!(send(&mut transport, "00B081000C").len(), 28, "given up, not broken");
    assert_eq!(send(&mut transport, last), "6A80", "the beginning is gone");
    assert_eq!(send(&mut transport, first), "9000");
    assert_eq!(send(&mut transport, SELECT_CIE), "9000");
    assert_eq!(send(&mut transport, last), "6A80");
    assert_eq!(send(&mut transport, first), "9000");
    assert_eq!(send(&mut transport, "002241A406800102840183"), "9000", "the same instruction, another P2");
    assert_eq!(send(&mut transport, last), "6A80");
    assert_eq!(send(&mut transport, first), "9000");
    assert_eq!(send(&mut transport, "102A00AE0100"), "6883");
    assert_eq!(send(&mut transport, "00B081000C").len(), 28);
    // Longer than any command.
    let long = format!("102A00AEFF{}", "00".repeat(255));
    for _ in 0..4 {
        assert_eq!(send(&mut transport, &long), "9000");
    }
    assert_eq!(send(&mut transport, &long), "6700");
    // A public value outside the group, or not as long as p.
    let card = SoftCard::new(personalisation(&v), Chip::Gemalto, Seeded::new(1)).unwrap();
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    for y in
        [vec![0; 256], [vec![0; 255], vec![1]].concat(), hex(&v["dh"]["p"]), vec![0x11; 255], vec![0x11; 257]]
    {
        let length = u16::try_from(y.len()).unwrap().to_be_bytes();
        let data = [&[0x80, 1, 0x9B, 0x83, 1, 0x81, 0x91, 0x82], &length[..], &y].concat();
        let (head, tail) = data.split_at(200);
        assert_eq!(send(&mut transport, &format!("102241A6C8{}", super::bench::upper(head))), "9000");
        let length = u8::try_from(tail.len()).unwrap();
        let answer = send(&mut transport, &format!("002241A6{length:02X}{}", super::bench::upper(tail)));
        assert_eq!(answer, "6A80", "{} bytes", y.len());
    }
}

#[test]
fn security_environments_that_do_not_exist() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    assert_eq!(send(&mut transport, "002241A406800102840183"), "6A88", "the keys are the CIE directory's");
    send(&mut transport, SELECT_CIE);
    for (command, answer) in [
        ("002241A406840183800102", "9000"),
        ("002241A406800102840184", "6A88"),
        ("002241A40680019B840183", "6A88"),
        ("002241A403840183", "6A80"),
        ("002241A409800102840183840183", "6A80"),
        ("002241A40180", "6A80"),
        ("002281A40E830C000000002000000000000001", "6982"),
        ("002281B60E830C000000002000000000000001", "6982"),
        ("002281B606800141830184", "6982"),
        ("002281A40180", "6A80"),
        ("0022F3A4", "6A86"),
        ("00880000", "6700"),
    ] {
        assert_eq!(send(&mut transport, command), answer, "{command}");
    }
    // Choosing a directory forgets what was chosen.
    send(&mut transport, SELECT_CIE);
    assert_eq!(send(&mut transport, "008800000101"), "6985");
    assert_eq!(send(&mut transport, "002A00AE0100"), "6982");
    assert_eq!(send(&mut transport, "00820000"), "6982");
    assert_eq!(send(&mut transport, "008400000400"), "6700");
}

#[test]
fn what_chips_differ_in_can_be_changed() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    play(&mut transport, &v, 0..3);
    let mut channel = super::bench::Channel::new(&v, 7);
    let choose = "002281B60E830C000000002000000000000001";
    assert_eq!(channel.send(&mut transport, choose), "9000");
    let mut profile = card.profile();
    profile.terminal_key_under_b6 = false;
    profile.combined_domain_parameters = false;
    card.set_profile(profile);
    assert_eq!(channel.send(&mut transport, choose), "6A80");
    assert_eq!(channel.send(&mut transport, &choose.replace("81B6", "81A4")), "9000");
    assert_eq!(channel.send(&mut transport, "00CB3FFF0A4D087006BFA10102A380"), "6A88");
    assert_eq!(channel.send(&mut transport, "00CB3FFF0C4D0A7008BFA10104A3029900").len(), 2 * 44);
}

#[test]
fn the_odd_form_and_asking_for_parameters_over_the_channel() {
    let v = vectors();
    let card = card(&v, Chip::Nxp);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    let mut channel = super::bench::Channel::new(&v, 1);
    assert!(channel.send(&mut transport, "00B100060454020000E7").starts_with("5381E4000102"));
    let with_long_offset = channel.send(&mut transport, "00B1000606540400000001E7");
    assert!(with_long_offset.starts_with("5381E4010203"), "{with_long_offset}");
    assert_eq!(channel.send(&mut transport, "00B10006075405000000000100"), "6A80");
    // 600 bytes: the last 88 exactly, then one more than there are.
    assert!(channel.send(&mut transport, "00B1000604540202005A").ends_with("579000"));
    assert!(channel.send(&mut transport, "00B1000604540202005B").ends_with("576282"));
    assert_eq!(channel.send(&mut transport, "00A40204021005"), "9000");
    assert!(channel.send(&mut transport, "00A4020402100500").starts_with("621B8002010E"));
    assert_eq!(channel.send(&mut transport, "00B0000000").len(), 2 * 258, "the limit is for clear answers");
    assert_eq!(channel.send(&mut transport, "00A4020C021009"), "6A82");
    assert_eq!(channel.send(&mut transport, "00FE0000"), "6D00");
    let (all, p) = (&v["dh_apdus"]["get_data_all_cmd"], &v["dh_apdus"]["get_data_p_cmd"]);
    assert_eq!(channel.send(&mut transport, all.as_str().unwrap()), "6A88", "one at a time on this chip");
    let answer = channel.send(&mut transport, p.as_str().unwrap());
    assert_eq!(answer, format!("{}9000", v["dh_apdus"]["get_data_p_rsp"].as_str().unwrap()));
    // A second agreement over the first one's channel.
    assert_eq!(channel.send(&mut transport, "002241A60A80019B83018191028001"), "6985");
}

#[test]
fn a_cryptogram_has_the_form_of_its_instruction() {
    let v = vectors();
    // An even instruction has DO 87 with an indicator byte, an odd one DO 85 without.
    let forms = [(0x87, &[1][..]), (0x85, &[]), (0x87, &[]), (0x85, &[1])];
    for (command, right) in [("00A4020C021005", forms[0]), ("00B100060454020000E7", forms[1])] {
        for form in forms {
            let card = card(&v, Chip::Nxp);
            let mut transport = card.transport();
            agree(&mut transport, &v);
            let wire = super::bench::Channel::new(&v, 1).protect_as(command, form.0, form.1);
            let answer = send_all(&mut transport, &wire);
            assert_eq!(answer == "6988", form != right, "{command}, {:02X}: {answer}", form.0);
        }
    }
}
