//! Lists of who may pass: what is taken, and everything that is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::list::{List, ListError, find};

const ANNA: &str = "123456789012";
const BRUNO: &str = "000000000001";

#[test]
fn words_are_found_by_the_whole_number() {
    let list = format!("# Chi può passare\n\n{ANNA}\tAnna Dall'Òglio, 1° piano\n{BRUNO}\tBruno\tB.\n");
    // A tab in the words is a control character.
    assert_eq!(find(list.as_bytes(), ANNA), Err(ListError::Unseen(4)));
    let list = list.replace("\tB.", " B.");
    for list in [&*list, list.trim_end()] {
        let words = |digits| find(list.as_bytes(), digits).unwrap();
        assert_eq!(words(ANNA).as_deref(), Some("Anna Dall'Òglio, 1° piano"));
        assert_eq!(words(BRUNO).as_deref(), Some("Bruno B."));
        for other in ["", "1", "12345678901", "1234567890123", "023456789012", "# Chi può passare"] {
            assert_eq!(words(other), None, "{other}");
        }
    }
    assert_eq!(find(b"", ANNA), Ok(None));
}

#[test]
fn a_list_with_anything_wrong_in_it_is_none() {
    use ListError::{ByteOrderMark, CarriageReturn, Encoding, Form, TooLong, Twice, Unseen, Words};
    let good = format!("{ANNA}\tAnna\n");
    let long = "à".repeat(61);
    for (line, expected) in [
        ("Bruno", Form(2)),
        ("000000000001", Form(2)),
        ("000000000001 Bruno", Form(2)),
        ("00000000001\tBruno", Form(2)),
        ("0000000000001\tBruno", Form(2)),
        ("00000000000x\tBruno", Form(2)),
        ("٠٠٠٠٠٠\tBruno", Form(2)),
        (" 000000000001\tBruno", Form(2)),
        ("000000000001\t", Form(2)),
        ("000000000001\t ", Form(2)),
        ("000000000001\t Bruno", Form(2)),
        ("000000000001\tBruno ", Form(2)),
        ("000000000001\t\u{1b}[2JBruno", Unseen(2)),
        ("000000000001\t\u{9b}2JBruno", Unseen(2)),
        ("000000000001\tBru\u{7}no", Unseen(2)),
        ("000000000001\tBru\0no", Unseen(2)),
        ("000000000001\tBru\u{7f}no", Unseen(2)),
        ("000000000001\tBru\u{202e}no", Unseen(2)),
        ("000000000001\tBru\u{200b}no", Unseen(2)),
        ("000000000001\t\u{feff}Bruno", Unseen(2)),
        ("000000000001\tBru\u{2028}no", Unseen(2)),
        ("\u{feff}000000000001\tBruno", Form(2)),
        (" # a remark", Form(2)),
        (&*format!("000000000001\t{long}"), Words(2)),
        ("000000000001\tBruno\r", CarriageReturn(2)),
        ("000000000001\t\u{2800}\u{2800}", Unseen(2)),
        ("000000000001\t...", Form(2)),
        ("000000000001\tBru\u{301}\u{301}\u{301}no", Unseen(2)),
        ("000000000001\tBruno \u{5d0}\u{5d1}", Unseen(2)),
        ("000000000001\tBruno\u{e000}", Unseen(2)),
        (&*format!("{ANNA}\tBruno"), Twice(2)),
        (&*format!("{ANNA}\tAnna"), Twice(2)),
    ] {
        let list = format!("{good}{line}\n");
        let error = find(list.as_bytes(), ANNA).unwrap_err();
        assert_eq!(error, expected, "{line:?}");
        let said = error.to_string();
        assert!(!said.contains("Bruno") && !said.contains(ANNA), "{said}");
    }
    assert_eq!(find(&[good.as_bytes(), b"000000000001\tBrun\xF2\n"].concat(), ANNA), Err(Encoding(2)));
    assert_eq!(find(format!("\u{feff}{good}").as_bytes(), ANNA), Err(ByteOrderMark));
    assert_eq!(find(&[b'\n'; 20_001], ANNA), Err(TooLong));
    let most: String = (0..20_000).map(|n| format!("{n:012}\tX\n")).collect();
    assert_eq!(find(most.as_bytes(), "000000019999"), Ok(Some("X".to_owned())));
}

fn with_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_list_that_others_can_read_or_change_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let list = List::File(path.clone());
    let missing = ListError::Unreadable(std::io::ErrorKind::NotFound);
    assert_eq!(list.check(), Err(missing));
    fs::write(&path, format!("{ANNA}\tAnna\n")).unwrap();
    for (mode, expected) in [
        (0o600, Ok(1)),
        (0o400, Ok(1)),
        (0o640, Ok(1)),
        (0o644, Err(ListError::Open)),
        (0o604, Err(ListError::Open)),
        (0o602, Err(ListError::Open)),
        (0o601, Err(ListError::Open)),
        (0o620, Err(ListError::Open)),
        (0o660, Err(ListError::Open)),
    ] {
        with_mode(&path, mode);
        assert_eq!(list.check(), expected, "{mode:o}");
        assert_eq!(list.find(ANNA).is_ok(), expected.is_ok());
    }
    with_mode(&path, 0o600);
    // Whoever may put another in its place may change it.
    with_mode(folder.path(), 0o777);
    assert_eq!(list.check(), Err(ListError::Open));
    with_mode(folder.path(), 0o1777);
    assert_eq!(list.check(), Ok(1));
    with_mode(folder.path(), 0o700);
    assert_eq!(list.find(ANNA), Ok(Some("Anna".to_owned())));
    // What is struck off is off at once.
    fs::write(&path, format!("{BRUNO}\tBruno\n")).unwrap();
    assert_eq!(list.find(ANNA), Ok(None));
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(list.find(ANNA), Err(ListError::TooLong));
    fs::write(&path, vec![b'#'; 1 << 20]).unwrap();
    assert_eq!(list.find(ANNA), Ok(None));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(list.check(), Err(ListError::NotAFile));
    // A pipe that nobody writes to is not waited for.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    with_mode(&pipe, 0o600);
    assert_eq!(List::File(pipe).check(), Err(ListError::NotAFile));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_are_too_much(content: Vec<u8>) {
        let _ = find(&content, ANNA);
    }

    #[test]
    fn what_is_taken_cannot_write_to_a_terminal(words in "[a-zà-ù\\x00-\\x09\\x0B-\\x1F\\x7F-\\x9F \u{200B}-\u{202E}]{1,8}") {
        if let Ok(Some(taken)) = find(format!("{ANNA}\t{words}\n").as_bytes(), ANNA) {
            prop_assert!(!taken.chars().any(char::is_control));
            prop_assert_eq!(taken, words);
        }
    }
}
