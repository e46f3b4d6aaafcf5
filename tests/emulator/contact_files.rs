//! The contact card's files: SELECT in all its forms, and every way in which a file ends.

use cie::emulator::SoftCard;
use cie::emulator::contact::{
    AtEnd, ControlInformation, Directory, ElementaryFile, FilePath, Model, Paths, ReadAccess, ShortRead,
};
use cie::emulator::entropy::Seeded;
use cie::iso7816::{StatusWord, tlv};

use super::bench::send;
use super::contact::{card, changed, personalisation, play, vectors};

const ID_CARD: &str = "00A4080C0410001003";
const NUMBER: &str = "37303939303031303030303030313230";

/// Identifier of the file or directory that control information describes.
fn named(answer: &str) -> String {
    let bytes = hex::decode(answer.strip_suffix("9000").unwrap()).unwrap();
    hex::encode_upper(tlv::find_path(&bytes, &[0x6F, 0x83]).unwrap())
}

#[test]
fn select_finds_near_files_by_identifier_and_far_ones_by_path() {
    let mut transport = card(&vectors()).transport();
    for (command, expected) in [
        // From the master file down, to a sibling, and back.
        ("00A4000002100000", "1000"),
        ("00A4000002100300", "1003"),
        // The directory above, itself, and what lies in it.
        ("00A4000002100000", "1000"),
        ("00A4000002110000", "1100"),
        ("00A4000002110200", "1102"),
        ("00A40000023F0100", "3F01"),
        ("00A40800041000100300", "1003"),
        ("00A4080002110000", "1100"),
        ("00A4090002110100", "1101"),
        // A file keeps its directory current.
        ("00A4090002110200", "1102"),
        ("00A40300", ""),
        ("00A4030000", ""),
        ("00A4000000", "3F00"),
        ("00A40000023F0000", "3F00"),
        ("00A4090004110011 0200", "1102"),
        ("00A40000023F0000", "3F00"),
    ] {
        let answer = send(&mut transport, &command.replace(' ', ""));
        if command == "00A40300" {
            assert_eq!(answer, "9000", "nobody asked for control information");
        } else if command == "00A4030000" {
            assert_eq!(answer, "6A82", "the master file has nothing above it");
        } else {
            assert_eq!(named(&answer), expected, "{command}");
        }
    }
}

#[test]
fn a_select_that_fails_changes_nothing() {
    let mut transport = card(&vectors()).transport();
    play(
        &mut transport,
        &[(ID_CARD, "9000"), ("0020001008313233 3435363738".replace(' ', "").as_str(), "9000")],
    );
    for (command, answer) in [
        ("00A40000021004", "6A82"),
        ("00A400000110", "6700"),
        ("00A4000003100010", "6700"),
        ("00A4080C03100010", "6700"),
        ("00A4080C00", "6700"),
        ("00A4080C043F001000", "6A82"),
        ("00A4080C0410001101", "6A82"),
        ("00A4080C06100010031003", "6A82"),
        ("00A4090C021101", "6A82"),
        ("00A4040007A0000000031010", "6A82"),
        ("00A404000CA000000530000B104001021A", "6A82"),
        ("00A4030002100000", "6700"),
        ("00A4010002100000", "6A86"),
        ("00A4020002100300", "6A86"),
        ("00A4000402100000", "6A86"),
    ] {
        assert_eq!(send(&mut transport, command), answer, "{command}");
        assert_eq!(send(&mut transport, "00B0000010"), format!("{NUMBER}9000"), "after {command}");
    }
}

#[test]
fn a_directory_has_no_content() {
    let mut transport = card(&vectors()).transport();
    play(
        &mut transport,
        &[
            ("00B0000010", "6986"),
            ("00A4080C021000", "9000"),
            ("00B0000010", "6986"),
            ("00D60000 0100".replace(' ', "").as_str(), "6986"),
            (ID_CARD, "9000"),
            ("00D600000100", "6982"),
            ("00B2010400", "6981"),
            ("00B0810010", "6A86"),
            ("00B00000", "6700"),
            ("00B000000110", "6700"),
            ("00E00000020000", "6982"),
            ("00DA016E020000", "6982"),
        ],
    );
}

#[test]
fn every_end_of_a_file() {
    let whole = |status: &str| format!("{NUMBER}{status}");
    for (style, zero, number) in [
        (ShortRead::Usual, whole("9000"), whole("6282")),
        (ShortRead::Success, whole("9000"), whole("9000")),
        (ShortRead::Warned, whole("6282"), whole("6282")),
        (ShortRead::Corrected, "6C10".to_owned(), "6C10".to_owned()),
    ] {
        let (_, mut transport) = changed(|profile| profile.short_read = style);
        play(
            &mut transport,
            &[
                (ID_CARD, "9000"),
                ("00B0000000", &zero),
                ("00B00000FF", &number),
                ("00B0000010", &whole("9000")),
                ("00B0000F01", "309000"),
            ],
        );
    }
    for (style, at_end) in [(AtEnd::Warned, "6282"), (AtEnd::Refused, "6B00")] {
        let (_, mut transport) = changed(|profile| profile.at_end = style);
        play(
            &mut transport,
            &[
                (ID_CARD, "9000"),
                ("00B0001000", at_end),
                ("00B0001001", at_end),
                ("00B0001101", "6B00"),
                ("00B07FFF01", "6B00"),
            ],
        );
    }
    let (_, mut transport) = changed(|profile| profile.reads_256 = false);
    play(
        &mut transport,
        &[
            ("00A40800041000100300", &send(&mut card(&vectors()).transport(), "00A40800041000100300")),
            ("00B0000000", "6700"),
            ("00B00000FF", &whole("6282")),
        ],
    );
}

#[test]
fn every_kind_of_control_information() {
    let usual = send(&mut card(&vectors()).transport(), "00A40800041100110200");
    let size = "80020190";
    for (style, expected) in [
        (ControlInformation::Information, usual.clone()),
        (ControlInformation::Parameters, usual.replacen("6F", "62", 1)),
        (ControlInformation::WithoutSize, usual.replacen("6F38", "6F34", 1).replacen(size, "", 1)),
        (ControlInformation::None, "9000".to_owned()),
    ] {
        let (_, mut transport) = changed(|profile| profile.control_information = style);
        play(&mut transport, &[("00A40800041100110200", &expected), ("00A4080C0411001102", "9000")]);
    }
}

#[test]
fn paths_that_are_not_known() {
    let refused = |status| Paths::Refused(StatusWord::new(status));
    for (paths, from_root, from_here) in [
        (Paths::Both, "9000", "9000"),
        (Paths::FromCurrent, "6A86", "9000"),
        (refused(0x6A86), "6A86", "6A86"),
        (refused(0x6A81), "6A81", "6A81"),
    ] {
        let (_, mut transport) = changed(|profile| profile.paths = paths);
        play(
            &mut transport,
            &[
                (ID_CARD, from_root),
                ("00A4000C023F00", "9000"),
                ("00A4090C0410001003", from_here),
                ("00A4000C023F00", "9000"),
                ("00A4000C021000", "9000"),
                ("00A4000C021003", "9000"),
                ("00B0000010", &format!("{NUMBER}9000")),
            ],
        );
    }
}

#[test]
fn answers_that_wait() {
    let (_, mut transport) = changed(|profile| profile.answers_wait = true);
    let information = send(&mut card(&vectors()).transport(), "00A40000023F0000");
    let (first, second) = information.split_at(2 * 16);
    play(
        &mut transport,
        &[
            ("00C0000000", "6985"),
            ("00A40000023F0000", "613A"),
            ("00C0000010", &format!("{first}612A")),
            ("00C000002A", second),
            ("00C000002A", "6985"),
            ("00A40000023F00", "613A"),
            (ID_CARD, "9000"),
            ("00C0000000", "6985"),
            // What has no data of its own is answered at once.
            ("00B0000010", &format!("{NUMBER}9000")),
        ],
    );
    // Otherwise pieces are for whoever asked for less than there is.
    let mut transport = card(&vectors()).transport();
    let (first, second) = information.split_at(2 * 5);
    play(&mut transport, &[("00A40000023F0005", &format!("{first}6135")), ("00C0000035", second)]);
}

#[test]
fn extended_lengths_only_where_they_are_known() {
    let command = "00B00000000010";
    let (_, mut transport) = changed(|_| ());
    play(&mut transport, &[(ID_CARD, "9000"), (command, "6700"), ("00B000000010", "6700")]);
    let (_, mut transport) = changed(|profile| profile.extended_length = true);
    play(&mut transport, &[(ID_CARD, "9000"), (command, &format!("{NUMBER}9000"))]);
    // More than 256 bytes at once, then.
    play(&mut transport, &[("00A4080C0411001101", "9000")]);
    let whole = send(&mut transport, "00B00000000800");
    assert_eq!(whole.len(), 2 * 0x802);
    play(&mut transport, &[(ID_CARD, "9000"), ("00B00000000000", &format!("{NUMBER}9000"))]);
}

#[test]
fn files_that_are_not_for_everybody() {
    let v = vectors();
    let mut personalisation = personalisation(&v);
    for (identifier, access) in [(0x1104, ReadAccess::Never), (0x1105, ReadAccess::After(0x10))] {
        let path = FilePath::new(&[0x1100, identifier]);
        personalisation.files.push(ElementaryFile { path, access, content: vec![7; 4] });
    }
    let card = SoftCard::new_contact(personalisation, Model::Cns10, Seeded::new(1)).unwrap();
    let mut transport = card.transport();
    let read = |identifier: &str| format!("00A4080C041100{identifier}");
    let conditions = |answer: String| {
        let bytes = hex::decode(answer.strip_suffix("9000").unwrap()).unwrap();
        tlv::find_path(&bytes, &[0x6F, 0x86]).unwrap()[0]
    };
    for (identifier, condition) in [("1102", 0x00), ("1104", 0xFF), ("1105", 0x10)] {
        assert_eq!(conditions(send(&mut transport, &format!("00A40800041100{identifier}00"))), condition);
    }
    play(
        &mut transport,
        &[
            (&read("1104"), "9000"),
            ("00B0000004", "6982"),
            (&read("1105"), "9000"),
            ("00B0000004", "6982"),
            ("00200010083132333435363738", "9000"),
            ("00B0000004", "070707079000"),
            (&read("1104"), "9000"),
            ("00B0000004", "6982"),
        ],
    );
    card.reset_by_other();
    let mut transport = card.transport();
    play(&mut transport, &[(&read("1105"), "9000"), ("00B0000004", "6982")]);
}

/// An application is a root of its own, reached by its name and by nothing else.
#[test]
fn files_behind_a_name() {
    let v = vectors();
    let mut personalisation = personalisation(&v);
    let root = FilePath::new(&[0xACE0]);
    let moved = |path: &FilePath| path.identifiers().iter().fold(root.clone(), |to, id| to.child(*id));
    personalisation.directories.iter_mut().for_each(|directory| directory.path = moved(&directory.path));
    personalisation.files.iter_mut().for_each(|file| file.path = moved(&file.path));
    personalisation.keys.iter_mut().for_each(|key| key.directory = root.clone());
    personalisation.reference_data.iter_mut().for_each(|data| data.directory = root.clone());
    personalisation.directories.push(Directory { path: root, name: vec![0xA0, 0, 0, 5, 0x30] });
    let card = SoftCard::new_contact(personalisation, Model::Cns10, Seeded::new(1)).unwrap();
    let mut transport = card.transport();
    let verify = "00200010083132333435363738";
    play(
        &mut transport,
        &[
            (ID_CARD, "6A82"),
            ("00A4080C06ACE010001003", "6A82"),
            ("00A4000C02ACE0", "6A82"),
            (verify, "6A88"),
            ("00A4040C04A0000005", "6A82"),
            ("00A4040C05A000000530", "9000"),
            (ID_CARD, "9000"),
            ("00B0000010", &format!("{NUMBER}9000")),
            (verify, "9000"),
            ("00A4090C021003", "9000"),
            ("00A4000C023F00", "9000"),
            ("00A403 0C".replace(' ', "").as_str(), "6A82"),
            ("00A4000C02ACE0", "6A82"),
            ("0022F303", "9000"),
            ("0022F1B803830101", "9000"),
        ],
    );
    let answer = send(&mut transport, "00A4040005A00000053000");
    assert!(answer.starts_with("6F3F") && answer.contains("83023F008405A000000530"), "{answer}");
    card.reset_by_other();
    assert_eq!(send(&mut card.transport(), ID_CARD), "6A82", "gone with the power");
}
