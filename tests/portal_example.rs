//! The example `portal`, as a browser and a stranger find it: the server runs, and curl, OpenSSL and HTML Tidy look at
//! it. The example has to be built: `cargo test` does that, `cargo test --test portal_example` does not.
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// The example without its `main`, for its unit tests, which are run by nobody where they are, and to be looked at from
// inside.
#[allow(dead_code)]
#[path = "../examples/portal/connections.rs"]
mod connections;
#[allow(dead_code)]
#[path = "../examples/portal/demo.rs"]
mod demo;
#[allow(dead_code)]
#[path = "../examples/portal/folders.rs"]
mod folders;
#[allow(dead_code)]
#[path = "../examples/portal/guard.rs"]
mod guard;
#[allow(dead_code)]
#[path = "../examples/portal/headers.rs"]
mod headers;
#[allow(dead_code)]
#[path = "../examples/portal/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "../examples/portal/lists.rs"]
mod lists;
#[allow(dead_code)]
#[path = "../examples/portal/logins.rs"]
mod logins;
#[allow(dead_code)]
#[path = "../examples/portal/pages.rs"]
mod pages;
#[allow(dead_code)]
#[path = "../examples/portal/routes.rs"]
mod routes;
#[allow(dead_code)]
#[path = "../examples/portal/sessions.rs"]
mod sessions;
#[allow(dead_code)]
#[path = "../examples/portal/texts.rs"]
mod texts;
#[allow(dead_code)]
#[path = "../examples/portal/tls.rs"]
mod tls;
#[allow(dead_code)]
#[path = "../examples/portal/warm.rs"]
mod warm;

#[path = "portal_example/fetching.rs"]
mod fetching;
#[path = "portal_example/real.rs"]
mod real;
#[path = "portal_example/server.rs"]
mod server;
#[path = "portal_example/slow.rs"]
mod slow;
#[path = "portal_example/web.rs"]
mod web;

use std::process::{Command, Stdio};
use std::time::Duration;

use cie::emulator::SoftCard;
use serde_json::{Value, json};

use server::{Answer, OURS, Server};

/// The example's log, which nobody reads here.
fn log(_: std::fmt::Arguments<'_>) {}

const JSON: [&str; 2] = ["-H", "Content-Type: application/json"];

/// A visitor with a challenge that was answered by the demonstration's card: the cookie and the token.
fn answered(server: &Server) -> (String, String) {
    let cookie = server.get("/").cookie().unwrap();
    let nonce = challenge(server, &cookie);
    let answer = demo_answer(server, &cookie, &nonce);
    assert_eq!(answer.status, 200, "{}", answer.body);
    (cookie, answer.body)
}

fn challenge(server: &Server, cookie: &str) -> String {
    let answer = server.post("/challenge", cookie, &OURS);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["nonce"].as_str().unwrap().to_owned()
}

fn demo_answer(server: &Server, cookie: &str, nonce: &str) -> Answer {
    let body = json!({ "challengeNonce": nonce }).to_string();
    server.post("/demo/answer", cookie, &[&OURS[..], &JSON, &["--data-binary", &body]].concat())
}

fn log_in(server: &Server, cookie: &str, token: &str) -> Answer {
    server.post("/login", cookie, &[&OURS[..], &JSON, &["--data-binary", token]].concat())
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()), (status, json!({ "error": error })));
}

/// The names in a page, as a browser shows them.
fn shown(page: &str) -> String {
    page.replace("&#x27;", "'").replace("&amp;", "&")
}

#[test]
fn the_page_speaks_two_languages_and_is_sound() {
    let server = Server::start(&[]);
    let italian = server.get("/");
    assert_eq!((italian.status, italian.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(italian.body.contains("<html lang=\"it\">") && italian.body.contains("non ti chiede mai il PIN"));
    let english = server.get("/?lang=en");
    assert!(english.body.contains("<html lang=\"en\">") && english.body.contains("never asks for your PIN"));
    let preferred = server.curl(&["-H", "Accept-Language: en-GB,en;q=0.9,it;q=0.5", &server.url("/")]);
    assert_eq!(preferred.body.matches("<html lang=\"en\">").count(), 1);

    let cookie = italian.header("set-cookie").unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(value.strip_prefix("__Host-session=").unwrap().len(), 65);
    assert_ne!(english.header("set-cookie"), Some(cookie));
    for path in ["/", "/portal.js", "/portal.css", "/nothing"] {
        let answer = server.get(path);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        // So that forms say where they are from, and links elsewhere do not.
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("strict-transport-security"), None, "not for localhost");
        let policy = answer.header("content-security-policy").unwrap();
        for directive in
            ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    // Whoever comes by a link elsewhere may be a citizen whose cookie the browser keeps back: it must not be replaced.
    let again = server.curl(&["-H", "Sec-Fetch-Site: cross-site", &server.url("/")]);
    assert!(again.body.contains("http-equiv=\"refresh\"") && again.header("set-cookie").is_none());
    // Under another name no login could succeed.
    assert_eq!(server.curl(&["-H", "Host: elsewhere.example", &server.url("/")]).status, 421);

    let (cookie, token) = answered(&server);
    let greeting = server.get_as(&log_in(&server, &cookie, &token).cookie().unwrap(), "/");
    assert!(greeting.body.contains("id=\"greeting\""));
    for page in [&italian, &english, &again, &greeting] {
        assert!(!page.body.contains("http://") && !page.body.contains("//cdn"), "nothing from elsewhere");
        server::tidy(&page.body);
    }
}

#[test]
fn the_certificate_is_one_for_localhost() {
    let server = Server::start(&[]);
    let tls = server.folder().join("tls");
    let verified = |name: &[&str]| {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"]).arg(tls.join("ca.pem"));
        openssl.args(name).arg(tls.join("server.pem")).output().unwrap().status.success()
    };
    assert!(verified(&["-verify_hostname", "localhost"]));
    assert!(verified(&["-verify_ip", "127.0.0.1"]) && verified(&["-verify_ip", "::1"]));
    assert!(!verified(&["-verify_hostname", "elsewhere.example"]));

    for (version, good) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let client = Command::new("openssl")
            .args(["s_client", version, "-verify_return_error", "-verify_hostname", "localhost", "-connect"])
            .arg(format!("127.0.0.1:{}", server.port()))
            .arg("-CAfile")
            .arg(tls.join("ca.pem"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(client.status.success(), good, "{version}");
    }
}

#[test]
fn the_software_card_lets_its_citizen_in() {
    let server = Server::start(&[]);
    let (visitor, token) = answered(&server);
    let token_members: Value = serde_json::from_str(&token).unwrap();
    assert_eq!(token_members["format"], "web-eid:1.0");

    let entered = log_in(&server, &visitor, &token);
    assert_eq!((entered.status, entered.json()), (200, json!({ "ok": true })));
    assert!(entered.header("set-cookie").unwrap().ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"));
    let citizen = entered.cookie().unwrap();
    assert_ne!(citizen, visitor);

    let record = std::fs::read(server.folder().join("citizen.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let page = shown(&server.get_as(&citizen, "/").body);
    for member in ["given_names", "surname", "fiscal_code"] {
        assert!(page.contains(record[member].as_str().unwrap()), "{member}: {page}");
    }
    assert!(page.contains("TEST - NOT A REAL CARD") && page.contains("id=\"logout\""));

    // Who knew the visitor's identifier has nothing.
    assert!(!server.get_as(&visitor, "/").body.contains("id=\"greeting\""));
    refused(&log_in(&server, &visitor, &token), 403, "expired");
    // A citizen is no visitor: the page is an old one.
    refused(&server.post("/challenge", &citizen, &OURS), 403, "session");

    let left = server.post("/logout?lang=en", &citizen, &OURS);
    assert_eq!((left.status, left.header("location")), (303, Some("/?lang=en")));
    assert!(left.header("set-cookie").unwrap().starts_with("__Host-session=; Max-Age=0; "));
    let page = server.get_as(&citizen, "/");
    assert!(page.body.contains("id=\"login\"") && page.body.contains("id=\"session-ended\""));
    server::tidy(&page.body);
    // Whoever was never logged in is told nothing of that, and has a new cookie only without one.
    let fresh = server.get_as(&page.cookie().unwrap(), "/");
    assert!(!fresh.body.contains("session-ended") && fresh.cookie().is_none());
    // Nothing to end, and a page all the same.
    let left = server.curl(&[&["-X", "POST"][..], &OURS, &[&server.url("/logout")]].concat());
    assert_eq!((left.status, left.header("location")), (303, Some("/?lang=it")));

    let log = server.end();
    assert!(log.contains("Verified") && !log.contains("Challenged"), "{log}");
    for member in ["given_names", "surname", "fiscal_code"] {
        assert!(!log.contains(record[member].as_str().unwrap()), "the log names somebody: {log}");
    }
}

#[test]
fn a_token_is_taken_once_and_in_its_session() {
    let server = Server::start(&[]);
    let (first, token) = answered(&server);
    // In another session, with a challenge of its own.
    let other = server.get("/").cookie().unwrap();
    challenge(&server, &other);
    refused(&log_in(&server, &other, &token), 403, "refused");
    // The challenge was used up by that.
    refused(&log_in(&server, &other, &token), 403, "expired");
    assert_eq!(log_in(&server, &first, &token).status, 200);
    // Once more, in a new session.
    let third = server.get("/").cookie().unwrap();
    challenge(&server, &third);
    refused(&log_in(&server, &third, &token), 403, "refused");

    // Nor does a token with another challenge's answer pass, whatever else is right.
    let mut forged: Value = serde_json::from_str(&token).unwrap();
    forged["signature"] = json!("A".repeat(344));
    challenge(&server, &third);
    refused(&log_in(&server, &third, &forged.to_string()), 403, "refused");
    // The card answers the session's own challenge only, and once.
    let nonce = challenge(&server, &third);
    refused(&demo_answer(&server, &third, &"n".repeat(44)), 403, "expired");
    refused(&demo_answer(&server, &third, &nonce), 403, "expired");
    assert!(server.end().contains("refused: "), "the log says why");
}

#[test]
fn nothing_is_kept_of_visitors() {
    let server = Server::start(&[]);
    // One whose page another server of the portal gave out, or this one before it began anew.
    let visitor = format!("__Host-session=v{}", "0".repeat(64));
    let nonce = challenge(&server, &visitor);
    let token = demo_answer(&server, &visitor, &nonce);
    assert_eq!(log_in(&server, &visitor, &token.body).status, 200);
}

#[test]
fn a_card_of_an_authority_that_is_not_known_is_told_so() {
    let server = Server::start(&[]);
    let other = Server::start_with(&[], |folder| {
        let trust = folder.join("trust");
        std::fs::remove_dir_all(trust.join("holder")).unwrap();
    });
    for (server, status, error) in [(&server, 200, None), (&other, 403, Some("issuer-unknown"))] {
        let (cookie, token) = answered(server);
        let answer = log_in(server, &cookie, &token);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, error));
    }
}

#[test]
fn a_demonstration_is_for_its_own_computer() {
    let folder = tempfile::tempdir().unwrap();
    for (listen, origin, option) in [
        ("0.0.0.0:0", "https://localhost", "--listen"),
        ("[::]:0", "https://localhost", "--listen"),
        ("127.0.0.1:0", "https://portale.comune.example.it", "--origin"),
        ("127.0.0.1:0", "https://localhost.example.it", "--origin"),
    ] {
        let mut portal = server::portal();
        portal.args(["--listen", listen, "--origin", origin, "--demo"]).arg(folder.path().join("demo"));
        let said = server::does_not_begin(&mut portal);
        assert!(said.contains("demonstration") && said.contains(option), "{said}");
        assert!(!folder.path().join("demo").exists());
    }
}

#[test]
fn a_challenge_expires() {
    let server = Server::start(&["--challenge-seconds", "1"]);
    let (cookie, token) = answered(&server);
    std::thread::sleep(Duration::from_millis(1_200));
    refused(&log_in(&server, &cookie, &token), 403, "expired");
}

#[test]
fn what_no_page_of_ours_sends_is_refused() {
    let server = Server::start(&[]);
    let (cookie, token) = answered(&server);
    let own = format!("Origin: {}", server.origin());
    for headers in [
        &[][..],
        &["-H", "Sec-Fetch-Site: cross-site"],
        &["-H", "Sec-Fetch-Site: same-site", "-H", &own],
        &["-H", "Origin: https://evil.example"],
        &["-H", "Origin: null"],
    ] {
        for path in ["/challenge", "/login", "/logout", "/demo/answer"] {
            let body = [&JSON[..], &["--data-binary", &token]].concat();
            refused(&server.post(path, &cookie, &[headers, &body].concat()), 403, "refused");
        }
    }
    // Without a cookie, or with one that is not of our making.
    let post = |path: &str| server.curl(&[&["-X", "POST"][..], &OURS, &[&server.url(path)]].concat());
    refused(&post("/challenge"), 403, "session");
    refused(&post("/login"), 403, "session");
    for invented in ["__Host-session=v0", &format!("__Host-session=c{}", "0".repeat(64))] {
        refused(&server.post("/challenge", invented, &OURS), 403, "session");
    }

    // As a form could send it; and more than any token has.
    let body = ["--data-binary", token.as_str()];
    let form = ["-H", "Content-Type: text/plain"];
    refused(&server.post("/login", &cookie, &[&OURS[..], &form, &body].concat()), 415, "refused");
    refused(&server.post("/login", &cookie, &[&OURS[..], &body].concat()), 415, "refused");
    refused(&log_in(&server, &cookie, &"x".repeat(10_001)), 413, "refused");
    let huge = format!("X-Huge: {}", "x".repeat(40_000));
    // The server answers and hangs up: the rest, which nobody reads, may cut the answer off.
    let answer = server.try_curl(&["-H", &huge, &server.url("/")]);
    assert!(answer.map_or(true, |answer| answer.status == 431));
    assert_eq!(server.get("/login").status, 405);

    // None of that used the challenge up. An older browser names the origin alone.
    let old = ["-H", own.as_str()];
    let entered = server.post("/login", &cookie, &[&old[..], &JSON, &body].concat());
    assert_eq!(entered.status, 200, "{}", entered.body);
}

#[test]
fn a_card_that_is_in_use_is_said_to_be() {
    let server = Server::start(&[]);
    let cookie = server.get("/").cookie().unwrap();
    let held = SoftCard::open(server.folder().join("card.json")).unwrap();
    let nonce = challenge(&server, &cookie);
    refused(&demo_answer(&server, &cookie, &nonce), 409, "demo-card-in-use");
    drop(held);
    let nonce = challenge(&server, &cookie);
    assert_eq!(demo_answer(&server, &cookie, &nonce).status, 200);
}
