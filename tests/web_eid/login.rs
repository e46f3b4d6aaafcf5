//! Logins: what the person is shown, what the card is told, what the page gets.

use std::fs;

use serde_json::json;

use crate::host::{Desk, ORIGIN, PIN, WRONG_PIN, authenticate, code, verifies};

const FATAL: &str = "ERR_WEBEID_NATIVE_FATAL";
const CANCELLED: &str = "ERR_WEBEID_USER_CANCELLED";

#[test]
fn the_right_pin_is_sent_once_and_gives_a_token_for_this_origin() {
    let desk = Desk::new(&["pin 12345678"]);
    let (token, status, said) = desk.host().ask(&authenticate());
    assert_eq!((status, said.as_str()), (0, ""));
    assert!(verifies(&token, ORIGIN));
    assert!(!verifies(&token, "https://portale.comune.example.it:8443"));
    assert_eq!((desk.verifications(), desk.tries()), (1, 3));
    let shown = desk.pinentry.shown();
    let [window] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!(window.kind, "GETPIN");
    assert!(window.text.starts_with("Log in to\nhttps://portale.comune.example.it\n"), "{window:?}");
    assert!(window.text.contains("eight digits") && window.text.ends_with("Tries left: 3."), "{window:?}");
    assert_eq!(window.error, "");
    desk.pinentry.check_end(&[PIN]);
}

/// The language is the page's, if it is one of ours.
#[test]
fn the_window_speaks_the_language_of_the_page() {
    for (lang, begins) in [
        (Some("it"), "Accesso a\n"),
        (Some("it-CH"), "Accesso a\n"),
        (Some("en"), "Log in to\n"),
        (Some("et"), "Log in to\n"),
        (None, "Log in to\n"),
    ] {
        let desk = Desk::new(&["cancel"]);
        let mut request = authenticate();
        if let Some(lang) = lang {
            request["arguments"]["lang"] = json!(lang);
        }
        assert_eq!(code(&desk.host().ask(&request).0), CANCELLED);
        assert!(desk.pinentry.shown()[0].text.starts_with(begins), "{lang:?}");
    }
}

#[test]
fn a_wrong_pin_costs_one_try_and_the_next_window_says_how_many_are_left() {
    let desk = Desk::new(&["pin 99999999", "pin 12345678"]);
    let (token, status, _) = desk.host().ask(&authenticate());
    assert!(verifies(&token, ORIGIN) && status == 0);
    assert_eq!((desk.verifications(), desk.tries()), (2, 3));
    let shown = desk.pinentry.shown();
    assert_eq!(desk.pinentry.kinds(), ["GETPIN", "GETPIN"]);
    assert!(
        shown[1].error.contains("PIN is wrong") && shown[1].error.contains("Tries left: 2."),
        "{shown:?}"
    );
    assert!(shown[1].text.ends_with("Tries left: 2."));
    desk.pinentry.check_end(&[PIN, WRONG_PIN]);
}

/// A pinentry that answers from its memory, or a person who presses the key again.
#[test]
fn a_pin_that_was_refused_is_not_sent_again() {
    let desk = Desk::new(&["pin 99999999", "pin 99999999", "pin 99999999", "cancel"]);
    assert_eq!(code(&desk.host().ask(&authenticate()).0), CANCELLED);
    assert_eq!((desk.verifications(), desk.tries()), (1, 2));
    assert!(desk.pinentry.shown()[3].error.contains("not sent again"));
}

#[test]
fn what_is_no_pin_is_not_sent() {
    let desk =
        Desk::new(&["pin 1234567", "pin 123456789", "pin 1234567%0A", "pin %31234567x", "pin ", "cancel"]);
    assert_eq!(code(&desk.host().ask(&authenticate()).0), CANCELLED);
    assert_eq!((desk.verifications(), desk.tries()), (0, 3));
    assert!(desk.pinentry.shown()[1].error.contains("all eight digits"));
}

#[test]
fn the_last_try_is_asked_for_first() {
    for (steps, verifications, tries, expected, kinds) in [
        (&["no"][..], 0, 1, CANCELLED, &["CONFIRM"][..]),
        (&["cancel"], 0, 1, CANCELLED, &["CONFIRM"]),
        (&["yes", "cancel"], 0, 1, CANCELLED, &["CONFIRM", "GETPIN"]),
        // What can be no PIN costs nothing, and the question comes anew.
        (
            &["yes", "pin 1", "yes", "pin 12345678"],
            1,
            3,
            "no error",
            &["CONFIRM", "GETPIN", "CONFIRM", "GETPIN"],
        ),
        (&["yes", "pin 99999999", "read"], 1, 0, FATAL, &["CONFIRM", "GETPIN", "MESSAGE"]),
    ] {
        let desk = Desk::new(steps);
        desk.spend_tries(1);
        let (answer, ..) = desk.host().ask(&authenticate());
        assert_eq!(code(&answer), expected, "{steps:?}");
        assert_eq!((desk.verifications(), desk.tries()), (verifications, tries), "{steps:?}");
        assert_eq!(desk.pinentry.kinds(), kinds, "{steps:?}");
        assert!(desk.pinentry.shown()[0].text.contains("ONLY ONE TRY IS LEFT"));
        desk.pinentry.check_end(&[PIN, WRONG_PIN]);
    }
}

#[test]
fn wrong_pins_never_block_the_card_unasked() {
    // Whoever answers everything with yes needs three different PINs, and is asked before the third.
    let desk = Desk::new(&["pin 99999999", "pin 99999998", "yes", "pin 99999997", "read"]);
    let (answer, status, said) = desk.host().ask(&authenticate());
    assert_eq!((code(&answer), status), (FATAL, 6), "{said}");
    assert!(said.contains("pin-blocked"));
    assert_eq!((desk.verifications(), desk.tries()), (3, 0));
    assert_eq!(desk.pinentry.kinds(), ["GETPIN", "GETPIN", "CONFIRM", "GETPIN", "MESSAGE"]);
    assert!(!answer.to_string().contains("block"), "the page has no business with that: {answer}");
}

#[test]
fn a_blocked_pin_is_not_asked_for() {
    let desk = Desk::new(&["read"]);
    desk.spend_tries(0);
    let (answer, status, _) = desk.host().ask(&authenticate());
    assert_eq!((code(&answer), status, desk.verifications()), (FATAL, 6, 0));
    let shown = desk.pinentry.shown();
    assert_eq!(desk.pinentry.kinds(), ["MESSAGE"]);
    assert!(shown[0].text.starts_with(ORIGIN) && shown[0].text.contains("PUK"), "{shown:?}");
}

/// A software card that is open elsewhere is a card in use: the person may try again.
#[test]
fn what_may_pass_is_the_persons_choice() {
    let desk = Desk::new(&["yes", "no"]);
    let other = cie::emulator::SoftCard::open(desk.card()).unwrap();
    assert_eq!(code(&desk.host().ask(&authenticate()).0), CANCELLED);
    assert_eq!(desk.pinentry.kinds(), ["CONFIRM", "CONFIRM"]);
    drop(other);
    let desk = Desk::new(&["wait free", "yes", "pin 12345678"]);
    let other = cie::emulator::SoftCard::open(desk.card()).unwrap();
    let mut host = desk.host().greeted();
    host.send(&authenticate());
    desk.pinentry.wait_for(1);
    drop(other);
    desk.pinentry.go_on("free");
    assert!(verifies(&host.answer(), ORIGIN));
}

/// Nobody is in front of it for ever: windows are counted.
#[test]
fn a_program_that_says_yes_to_everything_ends() {
    let desk = Desk::new(&["yes"; 20]);
    let _other = cie::emulator::SoftCard::open(desk.card()).unwrap();
    assert_eq!(code(&desk.host().ask(&authenticate()).0), CANCELLED);
    assert_eq!(desk.pinentry.shown().len(), 16);
}

#[test]
fn a_card_that_cannot_be_read_is_told() {
    let desk = Desk::without_card(&["read"]);
    fs::write(desk.card(), "{}").unwrap();
    let (answer, status, said) = desk.host().ask(&authenticate());
    assert_eq!((code(&answer), status), (FATAL, 2), "{said}");
    assert!(!answer.to_string().contains("card.json"), "{answer}");
}
