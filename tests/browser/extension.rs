//! The extension itself: what it takes from pages, and what it makes of hosts that do not behave.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::PIN;
use crate::common::pcscd::{Pcscd, folder};
use crate::common::until_within;
use crate::portal::listening;
use crate::process::Process;
use crate::relay::Relay;
use crate::scene::{Scene, Setting};

const AUTHENTICATE: &str = "web-eid:authenticate";
/// A nonce of the shortest length.
const NONCE: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

crate::isolated_tests! {
    fn pages_get_what_the_protocol_says() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["cancel"]);
        let _laid = scene.card.lay();
        scene.open_bare_page();
        let [acknowledged, status] = scene.post(&json!({ "action": "web-eid:status", "libraryVersion": "2.0.0" }));
        assert_eq!(acknowledged, json!({ "action": "web-eid:status-ack" }));
        assert_eq!((&status["action"], &status["extension"]), (&json!("web-eid:status-success"), &json!("1.0.0")));
        assert_eq!(status["nativeApp"], cie::web_eid::PROTOCOL_VERSION);
        assert_eq!(scene.pinentry.kinds(), [""; 0]);

        // A page has no say in its origin.
        let lie = json!({ "action": AUTHENTICATE, "challengeNonce": NONCE, "origin": "https://bank.example" });
        assert_eq!(scene.fails(&lie), "ERR_WEBEID_USER_CANCELLED");
        let [asked] = &scene.pinentry.shown()[..] else { panic!() };
        assert!(asked.text.contains("localhost") && !asked.all().contains("bank"), "{}", asked.text);

        // Nothing of this comes to a person.
        for (message, code) in [
            (json!({ "action": AUTHENTICATE }), "MISSING_PARAMETER"),
            (json!({ "action": AUTHENTICATE, "challengeNonce": 7 }), "MISSING_PARAMETER"),
            (json!({ "action": "web-eid:sign", "hash": "AA==", "hashFunction": "SHA-256" }), "MISSING_PARAMETER"),
            (json!({ "action": AUTHENTICATE, "challengeNonce": "A".repeat(8192) }), "NATIVE_INVALID_ARGUMENT"),
            (json!({ "action": AUTHENTICATE, "challengeNonce": "short" }), "NATIVE_FATAL"),
        ] {
            assert_eq!(scene.fails(&message), format!("ERR_WEBEID_{code}"), "{message}");
        }
        scene.ends(&["GETPIN"], (0, 3));

        // Who does not answer is not waited for.
        scene.pinentry.will(&["hang"]);
        let options = json!({ "userInteractionTimeout": 1500 });
        let slow = json!({ "action": AUTHENTICATE, "challengeNonce": NONCE, "options": options });
        assert_eq!(scene.fails(&slow), "ERR_WEBEID_USER_TIMEOUT");
        scene.ends(&["GETPIN", "GETPIN"], (0, 3));
    }

    fn one_action_at_a_time_and_only_of_the_page_itself() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["wait second", &format!("pin {PIN}")]);
        let _laid = scene.card.lay();
        scene.open_bare_page();
        let authenticate = json!({ "action": AUTHENTICATE, "challengeNonce": NONCE });
        let first = "addEventListener('message', (event) => (window.heard ??= []).push(event.data.action));
            postMessage(arguments[0], location.origin); arguments[1]();";
        scene.browser.execute(first, std::slice::from_ref(&authenticate));
        scene.pinentry.wait_for(1);
        assert_eq!(scene.fails(&authenticate), "ERR_WEBEID_ACTION_PENDING");
        // To ask whether everything is there is no such action.
        let [_, status] = scene.post(&json!({ "action": "web-eid:status" }));
        assert_eq!(status["action"], "web-eid:status-success");
        // Another window of the same origin has a say in its own document only.
        scene.browser.execute("open(location.href); arguments[0]();", &[]);
        let page = scene.browser.tab();
        scene.browser.go_to_other_tab();
        let script = "const [message, done] = arguments; opener.postMessage(message, location.origin); done();";
        scene.browser.execute(script, &[json!({ "action": "web-eid:sign" })]);
        scene.browser.close_tab();
        scene.browser.go_to_tab(&page);
        scene.pinentry.go_on("second");
        let heard = || {
            let heard = scene.browser.execute("arguments[0](window.heard)", &[]);
            heard.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let success = format!("{AUTHENTICATE}-success");
        until_within(Duration::from_secs(5), "the first action ends well", || heard().contains(&success));
        // It came here, and nobody took it.
        let signs = heard().into_iter().filter(|action| action.contains("sign")).collect::<Vec<_>>();
        assert_eq!(signs, ["web-eid:sign"]);
        scene.ends(&["GETPIN"], (1, 3));
    }

    /// As it is when somebody goes on to another page and comes back by the browser's own button.
    fn a_page_that_is_left_may_ask_again() {
        let _pcscd = Pcscd::start();
        let scene = Scene::new(&["hang"]);
        let _laid = scene.card.lay();
        scene.open_bare_page();
        let leave = "addEventListener('message', (event) => (window.heard ??= []).push(event.data));
            postMessage(arguments[0], location.origin); arguments[1]();";
        let authenticate = json!({ "action": AUTHENTICATE, "challengeNonce": NONCE });
        scene.browser.execute(leave, std::slice::from_ref(&authenticate));
        scene.pinentry.wait_for(1);
        scene.browser.execute("dispatchEvent(new PageTransitionEvent('pagehide')); arguments[0]();", &[]);
        let last = || scene.browser.execute("arguments[0](window.heard.at(-1))", &[]);
        until_within(Duration::from_secs(5), "the page is told", || last()["error"]["code"] == "ERR_WEBEID_USER_CANCELLED");
        scene.ends(&["GETPIN"], (0, 3));
        scene.pinentry.will(&["cancel"]);
        assert_eq!(scene.fails(&authenticate), "ERR_WEBEID_USER_CANCELLED");
        scene.ends(&["GETPIN", "GETPIN"], (0, 3));
    }

    fn frames_are_not_served() {
        let site = folder().join("site");
        Relay::certify(&site);
        let asks = format!("<script>
            addEventListener('message', (event) => event.source === window && parent.postMessage(event.data, '*'));
            postMessage({{ action: '{AUTHENTICATE}', challengeNonce: '{NONCE}' }}, location.origin);</script>");
        fs::write(site.join("frame.html"), asks).unwrap();
        let page = "<script>heard = []; addEventListener('message', (event) => heard.push(event.data.action));</script>
            <iframe src='frame.html'></iframe>";
        fs::write(site.join("page.html"), page).unwrap();
        let scene = Scene::without_page(&Setting { also_trusting: Some(&Relay::authority(&site)), ..Setting::default() });
        let serve = "import http.server, ssl
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('site.pem', 'site.key')
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(f'listening on https://127.0.0.1:{server.server_port}', flush=True)
server.serve_forever()";
        let mut python = Command::new("python3");
        python.args(["-c", serve]).current_dir(&site).stderr(Stdio::null());
        let (_process, origin) = Process::start(&mut python, listening);
        scene.browser.open(&format!("{origin}/page.html"));
        let heard = || scene.browser.execute("arguments[0](heard)", &[]);
        until_within(Duration::from_secs(5), "the frame asks", || heard() != json!([]));
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(heard(), json!([AUTHENTICATE]), "nobody answers, as if there were no extension");
        // The page itself is served.
        assert_eq!(scene.post(&json!({ "action": "web-eid:status" }))[1]["action"], "web-eid:status-success");
        scene.ends(&[], (0, 3));
    }

    /// Something else in the browser that speaks as if it were one.
    fn extensions_that_do_not_behave() {
        let scene = Scene::with(&Setting { extension: false, ..Setting::default() });
        let answers = "const [token, done] = arguments;
            addEventListener('message', ({ data }) => {
                if (data.action !== 'web-eid:authenticate') return;
                postMessage({ action: data.action + '-ack' }, location.origin);
                postMessage({ ...token, action: data.action + '-success' }, location.origin);
            });
            done();";
        let token = json!({ "unverifiedCertificate": "AA==", "algorithm": "RS256", "signature": 7, "format": "web-eid:1.0" });
        scene.browser.execute(answers, &[token]);
        scene.log_in();
        // It was not sent to the portal, which would have had another word for it.
        scene.is_told("ERR_WEBEID_UNKNOWN_ERROR", "no-token");
        // Who pressed the button may press it again, also from the keyboard.
        assert_eq!(scene.browser.execute("arguments[0](document.activeElement.id)", &[]), "login");
        scene.ends(&[], (0, 3));
    }

    fn hosts_that_do_not_behave() {
        let scene = Scene::with(&Setting { host: false, ..Setting::default() });
        let hosts = scene.home.profile().join("NativeMessagingHosts");
        let program = folder().join("host");
        fs::create_dir_all(&hosts).unwrap();
        let manifest = json!({
            "name": "it.cie_card.web_eid", "description": "not ours", "type": "stdio", "path": program,
            "allowed_origins": ["chrome-extension://cgjlhifmmijjnmlbbcamgncahcmbbljo/"],
        });
        fs::write(hosts.join("it.cie_card.web_eid.json"), manifest.to_string()).unwrap();
        let greets = r#"printf '\021\000\000\000{"version":"1.0"}'"#;
        let without_code = r#"head -c 9 >/dev/null; printf '\014\000\000\000{"error":{}}'"#;
        for (script, code, seconds) in [
            ("exit 0".to_owned(), "NATIVE_UNAVAILABLE", 0),
            ("printf nonsense".to_owned(), "NATIVE_UNAVAILABLE", 0),
            (r"printf '\002\000\000\000{}'; exec sleep 60".to_owned(), "NATIVE_UNAVAILABLE", 0),
            ("exec sleep 60".to_owned(), "NATIVE_UNAVAILABLE", 5),
            (greets.to_owned(), "UNKNOWN_ERROR", 0),
            (format!("{greets}; {without_code}"), "UNKNOWN_ERROR", 0),
        ] {
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let began = Instant::now();
            let said = scene.fails(&json!({ "action": AUTHENTICATE, "challengeNonce": NONCE }));
            assert_eq!(said, format!("ERR_WEBEID_{code}"), "{script}");
            assert!(began.elapsed().as_secs() >= seconds && began.elapsed().as_secs() < seconds + 3, "{script}");
        }
    }
}
