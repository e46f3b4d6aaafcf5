//! The contact card's PINs and PUKs: references, counters, and every way to spend and regain a try.

use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::emulator::contact::{Directory, EmptyVerify, FilePath, PinReferences, ReferenceData, WrongPin};
use cie::emulator::entropy::Seeded;

use super::bench::send;
use super::contact::{changed, personalisation, play, vectors};

const VERIFY: &str = "00200010083132333435363738";
const VERIFY_90: &str = "00200090083132333435363738";
const WRONG: &str = "00200010083030303030303030";
const VERIFY_PUK: &str = "00200011083837363534333231";
const WRONG_PUK: &str = "00200011083030303030303030";
const CHANGE: &str = "00240010103132333435363738363534333231FFFF";
const UNBLOCK: &str = "002C00101038373635343332313233343536FFFFFF";
const NEW: &str = "0020001008 3233343536FFFFFF";

#[test]
fn a_reference_that_is_not_known_spends_nothing() {
    for (references, plain, backtracking) in [
        (PinReferences::Both, "9000", "9000"),
        (PinReferences::Plain, "9000", "6A88"),
        (PinReferences::Backtracking, "6A88", "9000"),
    ] {
        let (card, mut transport) = changed(|profile| profile.references = references);
        play(&mut transport, &[(VERIFY, plain), (VERIFY_90, backtracking)]);
        // From a directory below, too.
        play(&mut transport, &[("00A4080C021100", "9000"), (VERIFY, plain), (VERIFY_90, backtracking)]);
        let judged = [plain, backtracking].iter().filter(|answer| **answer == "9000").count() * 2;
        assert_eq!((card.verify_count() as usize, card.pin_tries()), (judged, 3));
    }
    let (card, mut transport) = changed(|_| ());
    for reference in ["00", "01", "80", "1A", "9A", "12", "30", "50", "70", "B0", "F0", "FF"] {
        let command = format!("002000{reference}083132333435363738");
        assert_eq!(send(&mut transport, &command), "6A88", "{reference}");
    }
    play(
        &mut transport,
        &[
            ("00200110083132333435363738", "6A86"),
            ("002000100731323334353637", "6700"),
            ("0020001009313233343536373839", "6700"),
            ("1020001008 3132333435363738", "6884"),
            ("0C20001008 3132333435363738", "6882"),
        ],
    );
    assert_eq!((card.verify_count(), card.pin_tries()), (0, 3));
}

#[test]
fn a_wrong_pin_is_told_in_three_ways() {
    for (style, answers) in [
        (WrongPin::CountedThenBlocked, ["63C2", "63C1", "6983", "6983"]),
        (WrongPin::Counted, ["63C2", "63C1", "63C0", "6983"]),
        (WrongPin::Uncounted, ["6300", "6300", "6300", "6983"]),
    ] {
        let (card, mut transport) = changed(|profile| profile.wrong_pin = style);
        for answer in answers {
            assert_eq!(send(&mut transport, WRONG), answer, "{style:?}");
        }
        assert_eq!((card.pin_tries(), card.verify_count()), (0, 3), "a blocked PIN is not compared");
        play(&mut transport, &[(VERIFY, "6983"), (CHANGE, "6983")]);
    }
}

#[test]
fn a_question_without_a_pin_is_answered_in_three_ways() {
    let (card, mut transport) = changed(|_| ());
    play(&mut transport, &[(VERIFY, "9000"), ("00200010", "63C2"), ("0022F303", "9000")]);
    play(&mut transport, &[("00200010", "63C1"), ("00200010", "6983")]);
    assert_eq!((card.pin_tries(), card.verify_count()), (0, 4), "the default is the nastiest");

    let (card, mut transport) = changed(|profile| profile.empty_verify = EmptyVerify::TellsTries);
    play(&mut transport, &[("00200010", "63C3"), (WRONG, "63C2"), ("00200010", "63C2"), (VERIFY, "9000")]);
    play(&mut transport, &[("00200010", "9000"), (WRONG, "63C2"), (WRONG, "63C1"), (WRONG, "6983")]);
    play(&mut transport, &[("00200010", "6983")]);
    assert_eq!(card.verify_count(), 5);

    let (card, mut transport) = changed(|profile| profile.empty_verify = EmptyVerify::Refused);
    play(&mut transport, &[("00200010", "6700"), (VERIFY, "9000")]);
    assert_eq!((card.pin_tries(), card.verify_count()), (3, 1));
}

#[test]
fn a_new_pin_has_to_be_one() {
    let (card, mut transport) = changed(|_| ());
    for new in
        ["31323334FFFFFFFF", "3132333435FFFF31", "313233343500FFFF", "FFFFFFFFFFFFFFFF", "3132333435363761"]
    {
        play(
            &mut transport,
            &[
                (&format!("00240010103132333435363738{new}"), "6A80"),
                (&format!("002C0010103837363534333231{new}"), "6A80"),
            ],
        );
    }
    play(
        &mut transport,
        &[
            ("0024001008 3132333435363738", "6700"),
            ("002C001008 3837363534333231", "6700"),
            ("0024011010 31323334353637383635343332313938", "6A86"),
            ("002400111038373635343332313132333435363738", "6982"),
        ],
    );
    assert_eq!((card.verify_count(), card.pin_tries(), card.puk_tries()), (0, 3, 10), "nothing was judged");
    play(&mut transport, &[(CHANGE, "9000"), (VERIFY, "63C2"), ("0020001008363534333231FFFF", "9000")]);
    assert_eq!(card.pin_tries(), 3);
}

#[test]
fn every_way_to_unblock() {
    for p1 in ["01", "09", "31", "F9"] {
        let (card, mut transport) = changed(|_| ());
        play(&mut transport, &[(WRONG, "63C2"), (WRONG, "63C1"), (WRONG, "6983")]);
        play(
            &mut transport,
            &[
                (&format!("002C{p1}10083030303030303030"), "63C9"),
                (&format!("002C{p1}10083837363534333231"), "9000"),
                (VERIFY, "9000"),
            ],
        );
        assert_eq!((card.pin_tries(), card.puk_tries()), (3, 10));
    }
    for p1 in ["03", "0B", "FB"] {
        let (card, mut transport) = changed(|_| ());
        play(&mut transport, &[(WRONG, "63C2"), (WRONG, "63C1"), (WRONG, "6983")]);
        play(
            &mut transport,
            &[
                (&format!("002C{p1}10"), "6982"),
                (VERIFY_PUK, "9000"),
                (&format!("002C{p1}10083837363534333231"), "6700"),
                (&format!("002C{p1}10"), "9000"),
                (VERIFY, "9000"),
            ],
        );
        assert_eq!(card.pin_tries(), 3);
        card.reset_by_other();
        play(&mut card.transport(), &[(&format!("002C{p1}10"), "6982")]);
    }
    let (card, mut transport) = changed(|_| ());
    play(
        &mut transport,
        &[
            (VERIFY, "9000"),
            (UNBLOCK, "9000"),
            // The PIN that was shown is none any more.
            ("0022F303", "9000"),
            ("0022F1B803830101", "9000"),
            ("002A808601 0000", "6982"),
            (NEW, "9000"),
            ("002C02101038373635343332313233343536FFFFFF", "6A86"),
            ("002C00111038373635343332313233343536FFFFFF", "6982"),
            ("002C001A1038373635343332313233343536FFFFFF", "6A88"),
        ],
    );
    // The PUK, too, can be spent.
    for left in (0..10).rev() {
        let answer = if left == 0 { "6983".to_owned() } else { format!("63C{left:X}") };
        assert_eq!(send(&mut transport, WRONG_PUK), answer);
    }
    play(&mut transport, &[(UNBLOCK, "6983"), ("002C01 10083837363534333231", "6983"), (VERIFY_PUK, "6983")]);
    assert_eq!((card.pin_tries(), card.puk_tries()), (3, 0));
}

/// A card with a second PIN in the signature directory.
fn with_signature_pin() -> SoftCard {
    let v = vectors();
    let mut personalisation = personalisation(&v);
    let directory = FilePath::new(&[0x1400]);
    for (identifier, value, unblocked_by) in [(0x1A, b"1618033\xFF", Some(0x1B)), (0x1B, b"57721566", None)] {
        let (directory, value, tries) = (directory.clone(), *value, 3);
        personalisation.reference_data.push(ReferenceData {
            directory,
            identifier,
            value,
            tries,
            tries_left: tries,
            unblocked_by,
        });
    }
    let path = directory.child(0x8110);
    personalisation.directories.push(Directory { path, name: Vec::new() });
    SoftCard::new_contact(personalisation, Model::Cns10, Seeded::new(1)).unwrap()
}

#[test]
fn the_pin_of_a_directory_is_reached_from_within() {
    let card = with_signature_pin();
    let mut transport = card.transport();
    let (verify, plain) = ("0020009A0831363138303333FF", "0020001A0831363138303333FF");
    play(
        &mut transport,
        &[
            (verify, "6A88"),
            ("00A4080C0414008110", "9000"),
            (plain, "6A88"),
            ("0020009A083030303030303030", "63C2"),
            (verify, "9000"),
            // From there the holder's PIN is found as well, the usual way or by going up.
            (VERIFY, "9000"),
            (VERIFY_90, "9000"),
            ("002C009A10 35373732313536363131313131FFFFFF", "9000"),
            ("0020009A083131313131FFFFFF", "9000"),
            ("00A4000C023F00", "9000"),
            ("0020009A083131313131FFFFFF", "6A88"),
        ],
    );
    assert_eq!((card.pin_tries(), card.puk_tries()), (3, 10), "the holder's counters are others");
}
