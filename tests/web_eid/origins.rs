//! Origins that are none, and the windows of those that are: nobody writes lines into another's window.

use serde_json::json;

use crate::host::{Desk, NONCE, code};

#[test]
fn what_is_no_origin_of_an_https_page_opens_no_window() {
    for origin in [
        "http://portale.example.it",
        "https://portale.example.it/login",
        "https://portale.example.it ",
        "https://portale.example.it\nSETDESC another text",
        "https://portale.example.it%0ASETDESC another text",
        "https://portale.example.it\r\nGETPIN",
        "https://portal\u{435}.example.it",
        "https://portale.example.it\u{202E}ti.elpmaxe",
        "https://xn--portale.example.it@other.example",
        "https://Portale.example.it",
        "https://",
        "null",
        "file:///etc/passwd",
    ] {
        let desk = Desk::new(&[]);
        let request =
            json!({ "command": "authenticate", "arguments": { "origin": origin, "challengeNonce": NONCE } });
        let (answer, status, said) = desk.host().ask(&request);
        assert_eq!((code(&answer), status), ("ERR_WEBEID_NATIVE_FATAL", 2), "{origin:?}");
        assert!(answer["error"]["message"].as_str().unwrap().starts_with("the origin: "), "{answer}");
        assert!(!said.contains("another text"), "{said}");
        assert!(desk.pinentry.shown().is_empty());
    }
}

/// Of a long one the person sees the end, which is what says whose it is.
#[test]
fn a_long_origin_is_shown_with_its_end() {
    let labels = ["www.agenziaentrate.gov.it", &"a".repeat(60), &"b".repeat(60), "evil.example"].join(".");
    let origin = format!("https://{labels}");
    for (lang, ends) in [("it", "Termina con: "), ("en", "It ends in: ")] {
        let desk = Desk::new(&["cancel"]);
        let arguments = json!({ "origin": origin, "challengeNonce": NONCE, "lang": lang });
        desk.host().ask(&json!({ "command": "authenticate", "arguments": arguments }));
        let shown = desk.pinentry.shown();
        let text = &shown[0].text;
        assert!(
            text.lines()
                .filter(|line| line.contains("aaaa") || line.contains("bbbb"))
                .all(|line| line.len() <= 70)
        );
        let end = text.lines().find_map(|line| line.strip_prefix(ends)).unwrap();
        assert!(end.ends_with("bbbb.evil.example"), "{text}");
        assert!(text.replace('\n', "").contains(&origin), "{text}");
    }
}

/// The longest there is, in both languages and at every question: each line fits into Assuan's thousand bytes.
#[test]
fn the_longest_origin_fits_into_every_window() {
    let labels = [&"a".repeat(63)[..], &"b".repeat(63), &"c".repeat(63), &"d".repeat(49)].join(".");
    let origin = format!("https://{labels}:65535");
    assert_eq!(origin.len(), 255, "as long as an origin can be");
    for lang in ["it", "en"] {
        // A PIN, a wrong one, the last try, and the end of it.
        let desk = Desk::new(&["pin 99999999", "pin 99999998", "yes", "pin 99999997", "read"]);
        let arguments = json!({ "origin": origin, "challengeNonce": NONCE, "lang": lang });
        let request = json!({ "command": "authenticate", "arguments": arguments });
        assert_eq!(code(&desk.host().ask(&request).0), "ERR_WEBEID_NATIVE_FATAL");
        let shown = desk.pinentry.shown();
        assert_eq!(desk.pinentry.kinds(), ["GETPIN", "GETPIN", "CONFIRM", "GETPIN", "MESSAGE"]);
        assert!(shown.iter().all(|window| window.text.replace('\n', "").contains(&origin)), "{shown:?}");
        desk.pinentry.check_end(&["99999997"]);
        // And the question whether to try again.
        let desk = Desk::new(&["no"]);
        let _other = cie::emulator::SoftCard::open(desk.card()).unwrap();
        assert_eq!(code(&desk.host().ask(&request).0), "ERR_WEBEID_USER_CANCELLED");
        assert!(desk.pinentry.shown()[0].text.replace('\n', "").starts_with(&origin));
    }
}
