//! A portal that is no demonstration, with an authority of the test's own.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::server::{OURS, Server, does_not_begin, portal};
use crate::tls;

const HOST: &str = "portale.comune.example.it";

/// An authority for health cards, in a folder as `--anchors` wants it.
fn anchors(folder: &Path) {
    fs::create_dir_all(folder.join("cns")).unwrap();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /C=IT/O=Regione/CN=Regione -keyout"
                .split(' '),
        )
        .arg(folder.with_extension("key"))
        .args("-addext keyUsage=critical,keyCertSign,cRLSign -out".split(' '))
        .arg(folder.join("cns/root.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A portal with everything that it needs in a folder, of which nothing was given yet.
fn configured(folder: &Path) -> Command {
    let files = tls::throw_away(&folder.join("tls")).unwrap();
    let mut portal = portal();
    portal.args(["--origin", &format!("https://{HOST}")]);
    portal.arg("--certificate").arg(files.certificate).arg("--key").arg(files.key);
    portal
}

#[test]
fn a_real_portal_is_served_and_knows_no_demonstration() {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, lists) = (folder.path().join("anchors"), folder.path().join("lists"));
    anchors(&trusted);
    fs::create_dir(&lists).unwrap();
    fs::write(lists.join("README"), "Lists lie here.").unwrap();
    let mut portal = configured(folder.path());
    portal.arg("--anchors").arg(trusted).arg("--lists").arg(lists);
    let server = Server::spawn(portal, folder);

    let host = format!("Host: {HOST}");
    let ask = |path: &str, more: &[&str]| {
        let url = server.url(path);
        server.curl(&[&["-H", &host][..], more, &[&url]].concat())
    };
    let page = ask("/", &[]);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("id=\"login\"") && page.body.contains(HOST));
    assert!(!page.body.contains("demo"), "{}", page.body);
    crate::server::tidy(&page.body);
    for path in ["/", "/portal.js", "/challenge"] {
        let promised = ask(path, &[]);
        assert_eq!(promised.header("strict-transport-security"), Some("max-age=63072000"), "{path}");
    }
    let cookie = page.cookie().unwrap();
    let post = [&["-X", "POST", "--cookie", &cookie][..], &OURS].concat();
    assert_eq!(ask("/challenge", &post).status, 200);
    assert_eq!(ask("/demo.js", &[]).status, 404);
    assert_eq!(ask("/demo/answer", &post).status, 404);
    // Under the name that only its own computer has for it, it is not found.
    assert_eq!(server.get("/").status, 421);

    // It ends in time, whoever is still connected.
    let _idle = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let began = Instant::now();
    let log = server.end();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(log.contains("README: passed over: "), "{log}");
}

#[test]
fn who_cannot_begin_says_why_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("empty")).unwrap();
    anchors(&at("anchors"));
    // It would trust nobody.
    let said = does_not_begin(configured(folder.path()).arg("--trust").arg(at("empty")));
    assert!(said.contains("no anchor"), "{said}");
    let said = does_not_begin(configured(folder.path()).arg("--anchors").arg(at("nowhere")));
    assert!(said.contains("nowhere"), "{said}");
    let mut without_lists = configured(folder.path());
    let said =
        does_not_begin(without_lists.arg("--anchors").arg(at("anchors")).arg("--lists").arg(at("none")));
    assert!(said.contains("none"), "{said}");
    let mut taken = configured(folder.path());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    taken.args(["--listen", &listener.local_addr().unwrap().to_string()]);
    assert!(does_not_begin(taken.arg("--anchors").arg(at("anchors"))).contains("cannot be listened on"));
}
