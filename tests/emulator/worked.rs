//! The worked examples, byte for byte, from the card's side.

use super::bench::{SELECT_CIE, SELECT_IAS, agree, card, personalisation, play, send, send_all, vectors};
use cie::emulator::{Chip, SoftCard};

#[test]
fn the_worked_session_byte_for_byte() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    agree(&mut transport, &v);
    let apdus = &v["dh_apdus"];
    let answer = send_all(&mut transport, apdus["get_data_icc_key_cmd"].as_str().unwrap());
    assert_eq!(answer, format!("{}9000", apdus["get_data_icc_key_rsp"].as_str().unwrap()));
    play(&mut transport, &v, 0..15);
    assert_eq!((card.verify_count(), card.pin_tries()), (1, 3));
}

#[test]
fn a_secret_with_a_leading_zero() {
    let v = vectors();
    let example = &v["dh_leading_zero_secret"];
    let draws = [("DH.y", super::bench::exponent_draw(&example["icc_private"]))];
    let entropy = cie::emulator::entropy::Scripted::new(draws);
    let card = SoftCard::new(personalisation(&v), Chip::Gemalto, entropy).unwrap();
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    let y_ifd = example["ifd_public"].as_str().unwrap();
    assert_eq!(send(&mut transport, "102241A60A80019B83018191820100"), "9000");
    assert_eq!(send(&mut transport, &format!("102241A680{}", &y_ifd[..256])), "9000");
    assert_eq!(send(&mut transport, &format!("002241A680{}", &y_ifd[256..])), "9000");
    let mut v = v.clone();
    for name in ["kenc", "kmac"] {
        v["dh"][name] = v["dh_leading_zero_secret"][name].clone();
    }
    let mut channel = super::bench::Channel::new(&v, 1);
    assert_eq!(channel.send(&mut transport, "00B081000C"), "3030303030303030303030319000");
}

#[test]
fn domain_parameters_and_certification_key() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    send(&mut transport, SELECT_IAS);
    send(&mut transport, SELECT_CIE);
    let apdus = &v["dh_apdus"];
    for name in ["g", "p", "q", "all"] {
        let command = apdus[format!("get_data_{name}_cmd")].as_str().unwrap();
        let expected = apdus[format!("get_data_{name}_rsp")].as_str().unwrap();
        // Without Le everything waits; with Le = 00 up to 256 bytes come at once.
        assert_eq!(send_all(&mut transport, command), format!("{expected}9000"));
        assert_eq!(send_all(&mut transport, &format!("{command}00")), format!("{expected}9000"));
    }
    let expected = v["test_ca"]["get_data_response"].as_str().unwrap();
    let command = apdus["get_data_ca_cmd"].as_str().unwrap();
    assert_eq!(send_all(&mut transport, command), format!("{expected}9000"));
    assert_eq!(send(&mut transport, command), "6100");
    assert_eq!(send(&mut transport, &format!("{command}00")).len(), 2 * 258);
    assert_eq!(send(&mut transport, "0CC00000FF").len(), 2 * 257, "GET RESPONSE in either class");
    assert_eq!(send(&mut transport, "00C0000000").len(), 2 * (0x230 - 256 - 255 + 2));
    assert_eq!(send(&mut transport, "00C0000000"), "6985", "nothing left");
    assert_eq!(send(&mut transport, "00CB3FFF064D04A6029100"), "6A88", "no key agreed yet");
    assert_eq!(send(&mut transport, "00CB3FFF064D04A60291"), "6700");
    assert_eq!(send(&mut transport, "00CB3FFF054D04A60291"), "6A80");
}

#[test]
fn the_anonymous_flow_byte_for_byte() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let mut transport = card.transport();
    for exchange in v["nis_flow"]["apdus"].as_array().unwrap() {
        assert_eq!(send(&mut transport, exchange["cmd"].as_str().unwrap()), exchange["rsp"]);
    }
    let challenge = "39AA0075661BB5278745B89B1478FB6F";
    assert_eq!(send(&mut transport, &format!("0088000010{challenge}")), "6100", "no Le");
    assert_eq!(send(&mut transport, "00C0000000"), v["nis_flow"]["apdus"][4]["rsp"]);
    assert_eq!(send(&mut transport, &format!("00880000F6{}", "30".repeat(246))), "6700", "over the block");
    assert_eq!(send(&mut transport, &format!("00880000F5{}00", "30".repeat(245))).len(), 2 * 258);
    let mut profile = card.profile();
    profile.longest_token = Some(102);
    card.set_profile(profile);
    assert_eq!(send(&mut transport, &format!("0088000067{}00", "30".repeat(103))), "6700");
}
