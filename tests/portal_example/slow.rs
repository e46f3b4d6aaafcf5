//! The portal while a server for lists hangs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cie::login::RelyingParty;
use serde_json::json;

use crate::demo::Demo;
use crate::fetching::{party, through};
use crate::logins::Logins;
use crate::pages::Pages;
use crate::routes::{Portal, router};
use crate::server::card_copy;
use crate::sessions::Sessions;
use crate::web::{Web, hang};

/// Body and status.
fn curl(arguments: &[&str]) -> Command {
    let mut curl = Command::new("curl");
    curl.args([
        "--disable",
        "--silent",
        "--noproxy",
        "*",
        "--max-time",
        "20",
        "--write-out",
        "\n%{http_code}",
    ]);
    curl.args(["-H", "Sec-Fetch-Site: same-origin", "-H", "Content-Type: application/json"]).args(arguments);
    curl.stdout(Stdio::piped());
    curl
}

fn split(output: &std::process::Output) -> (String, String) {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (body.to_owned(), status.to_owned())
}

/// A portal without TLS, on a port of its own, that verifies two logins at a time and has as many threads for what
/// blocks.
fn serve(listener: TcpListener, party: RelyingParty, card: &std::path::Path) -> tokio::runtime::Runtime {
    let portal = Portal {
        logins: Logins::new(party.clone(), 2, Duration::from_secs(6)),
        sessions: Sessions::new(),
        pages: Pages::new(party.origin().as_str(), true, true).unwrap(),
        demo: Some(Demo::open(card, "12345678").unwrap()),
        party,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(2).build().unwrap();
    runtime.spawn(async move {
        let server = axum_server::from_tcp(listener).unwrap();
        server.serve(router(Arc::new(portal)).into_make_service()).await.unwrap();
    });
    runtime
}

#[test]
fn who_sends_slowly_takes_no_time_from_a_login() {
    let folder = card_copy();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let origin = format!("https://localhost:{}", address.port());
    let party = party(folder.path(), &origin, through(&Web::start(hang)));
    let runtime = serve(listener, party, folder.path());
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: localhost:{}\r\nOrigin: {origin}\r\nContent-Length: 5\r\n\r\nslow",
        address.port()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    runtime.shutdown_background();
}

#[test]
fn a_list_that_does_not_come_stops_only_those_who_need_it() {
    let folder = card_copy();
    let web = Web::start(hang);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let party = party(folder.path(), &format!("https://localhost:{port}"), through(&web));
    let runtime = serve(listener, party, folder.path());

    let url = |path: &str| format!("http://localhost:{port}{path}");
    let post = |path: &str, visitor: usize, body: &str| {
        let cookie = format!("__Host-session=v{visitor:064}");
        curl(&["-X", "POST", "--cookie", &cookie, "--data-binary", body, &url(path)])
    };
    let challenge = |visitor| {
        let (body, status) = split(&post("/challenge", visitor, "").output().unwrap());
        assert_eq!(status, "200", "{body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["nonce"].as_str().unwrap().to_owned()
    };
    let tokens = [1, 2, 3].map(|visitor| {
        let asked = json!({ "challengeNonce": challenge(visitor) }).to_string();
        let (token, status) = split(&post("/demo/answer", visitor, &asked).output().unwrap());
        assert_eq!(status, "200", "{token}");
        token
    });

    let began = Instant::now();
    let waiting = [1, 2].map(|visitor| post("/login", visitor, &tokens[visitor - 1]).spawn().unwrap());
    while web.asked() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    // One too many is told so at once; whoever only begins has a page and a challenge.
    let unavailable = (r#"{"error":"unavailable"}"#.to_owned(), "503".to_owned());
    assert_eq!(split(&post("/login", 3, &tokens[2]).output().unwrap()), unavailable);
    challenge(4);
    assert_eq!(split(&curl(&[&url("/")]).output().unwrap()).1, "200");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    // Both end in their time, although they wanted the same list one after the other.
    for waiting in waiting {
        assert_eq!(split(&waiting.wait_with_output().unwrap()), unavailable);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    runtime.shutdown_background();
}
