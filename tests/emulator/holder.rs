//! PIN, PUK and what only the holder may do.

use super::bench::{
    SELECT_CIE, SELECT_IAS, VERIFY_PUK, VERIFY_RIGHT, VERIFY_WRONG, VERIFY_WRONG_PUK, authenticated, card,
    send, send_all, vectors,
};
use cie::emulator::Chip;

#[test]
fn tries_are_counted() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let mut exchange = |command: &str| channel.send(&mut transport, command);
    for (command, answer, tries, judged) in [
        ("00200081", "63C3", 3, 0),
        ("002000810731323334353637", "6700", 3, 0),
        ("0020008109313233343536373839", "6700", 3, 0),
        ("0020018108 3132333435363738", "6A86", 3, 0),
        ("0020008308 3132333435363738", "6A88", 3, 0),
        (VERIFY_WRONG, "63C2", 2, 1),
        (VERIFY_WRONG, "63C1", 1, 2),
        ("00200081", "63C1", 1, 2),
        (VERIFY_RIGHT, "9000", 3, 3),
        ("00200081", "9000", 3, 3),
        (VERIFY_WRONG, "63C2", 2, 4),
        ("00200081", "63C2", 2, 4),
        ("00B0830080", "6982", 2, 4),
        ("00240081103030303030303030 3132333435363738", "63C1", 1, 5),
        ("00240081103132333435363738 31323334353637FF", "6A80", 1, 5),
        ("00240081083132333435363738", "6700", 1, 5),
        ("00240081103132333435363738 3837363534333231", "9000", 3, 6),
        (VERIFY_RIGHT, "63C2", 2, 7),
        (VERIFY_WRONG, "63C1", 1, 8),
        (VERIFY_WRONG, "63C0", 0, 9),
        (VERIFY_WRONG, "6983", 0, 9),
        ("0020008108 3837363534333231", "6983", 0, 9),
        ("00240081103837363534333231 3132333435363738", "6983", 0, 9),
        ("00200081", "6983", 0, 9),
        ("002C0381", "6982", 0, 9),
        ("002C0281083132333435363738", "6982", 0, 9),
        (VERIFY_PUK, "9000", 0, 10),
        ("002C0381", "9000", 3, 10),
        ("0020008108 3837363534333231", "9000", 3, 11),
        ("002C028107 31323334353637", "6700", 3, 11),
        ("00200081", "9000", 3, 11),
        ("002C0281083132333435363738", "9000", 3, 12),
        ("00200081", "63C3", 3, 12),
        ("00B0830080", "6982", 3, 12),
        (VERIFY_RIGHT, "9000", 3, 13),
        ("002C0382", "6982", 3, 13),
        ("002C0181", "6A86", 3, 13),
        ("002C0381083132333435363738", "6700", 3, 13),
        ("00240082103837363534333231 3132333435363738", "6982", 3, 13),
    ] {
        assert_eq!(exchange(&command.replace(' ', "")), answer, "{command}");
        assert_eq!((card.pin_tries(), card.verify_count()), (tries, judged), "{command}");
    }
    for left in (0..10).rev() {
        assert_eq!(exchange(VERIFY_WRONG_PUK), format!("63C{left:X}"));
        assert_eq!(card.puk_tries(), left);
    }
    assert_eq!(exchange(VERIFY_PUK), "6983");
    assert_eq!(exchange("002C0381"), "6982");
}

#[test]
fn the_tries_can_be_asked_for_by_anyone() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    assert_eq!(channel.send(&mut transport, VERIFY_WRONG), "63C2");
    let (pin, puk) = ("00CB3FFF0A4D087006BF810102A08000", "00CB3FFF0A4D087006BF810202A08000");
    let answer = |object, left| format!("700CBF81{object}08A0069A01{left}9000");
    let (pin_answer, puk_answer) = (answer("01", "039B0102"), answer("02", "0A9B010A"));
    assert_eq!(channel.send(&mut transport, pin), pin_answer);
    assert_eq!(channel.send(&mut transport, puk), puk_answer);
    assert_eq!(send(&mut transport, pin), pin_answer, "in clear, the channel still open");
    assert_eq!(channel.send(&mut transport, "00200081"), "63C2");
    assert_eq!(send(&mut transport, SELECT_IAS), "9000");
    assert_eq!(send(&mut transport, pin), pin_answer);
    assert_eq!(send_all(&mut transport, &pin[..pin.len() - 2]), pin_answer);
}

#[test]
fn the_holder_s_files_and_key_need_pin_and_channel() {
    let v = vectors();
    let card = card(&v, Chip::Gemalto);
    let (mut transport, mut channel) = authenticated(&v, &card);
    let (choose, sign) = ("002241A406800102840181", "0088000003414243");
    assert_eq!(channel.send(&mut transport, choose), "9000");
    assert_eq!(channel.send(&mut transport, sign), "6982");
    assert_eq!(channel.send(&mut transport, "00B0830080"), "6982");
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    assert_eq!(channel.send(&mut transport, sign).len(), 2 * 258);
    assert_eq!(channel.send(&mut transport, "00B0830080").len(), 2 * 130);
    assert_eq!(channel.send(&mut transport, "00B0830081").len(), 2 * 130);
    // Nothing of it in clear, although the channel is open.
    assert_eq!(send(&mut transport, "00B0830080"), "6982");
    assert_eq!(send(&mut transport, sign), "6982");
    assert_eq!(send(&mut transport, VERIFY_RIGHT), "6982");
    assert_eq!(send(&mut transport, "00B0810001"), "309000");
    assert_eq!(channel.send(&mut transport, "00200081"), "9000");
    // Another directory, even over the channel: the PIN is to be shown again.
    assert_eq!(channel.send(&mut transport, "00A40000"), "9000");
    assert_eq!(channel.send(&mut transport, SELECT_CIE), "9000");
    assert_eq!(channel.send(&mut transport, "00200081"), "63C3");
    assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
    // In clear: all of it is gone.
    assert_eq!(send(&mut transport, SELECT_CIE), "9000");
    let lost = channel.protect("00200081");
    assert_eq!(send(&mut transport, &lost), "6985");
}

#[test]
fn the_pin_after_a_change_is_the_profile_s_choice() {
    let v = vectors();
    for (chip, verified) in [(Chip::Gemalto, true), (Chip::Nxp, false)] {
        let card = card(&v, chip);
        assert_eq!(card.profile().verified_after_change, verified);
        let (mut transport, mut channel) = authenticated(&v, &card);
        let (right, wrong) = ("3132333435363738", "3030303030303030");
        assert_eq!(channel.send(&mut transport, VERIFY_RIGHT), "9000");
        let change = |old: &str| format!("0024008110{old}{wrong}");
        assert_eq!(channel.send(&mut transport, &change(right)), "9000");
        let (state, read) = if verified { ("9000", 2 * 130) } else { ("63C3", 4) };
        assert_eq!(channel.send(&mut transport, "00200081"), state, "{chip:?}");
        assert_eq!(channel.send(&mut transport, "00B0830080").len(), read, "{chip:?}");
        // One that failed never leaves the PIN verified.
        assert_eq!(channel.send(&mut transport, VERIFY_WRONG), "9000", "the new one by now");
        assert_eq!(channel.send(&mut transport, &change(right)), "63C2");
        assert_eq!(channel.send(&mut transport, "00200081"), "63C2");
        assert_eq!(channel.send(&mut transport, "00B0830080"), "6982");
    }
}
