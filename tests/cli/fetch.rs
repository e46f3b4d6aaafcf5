//! `auth-verify` over a real connection: an HTTP server on this computer, lists and responses by the program `openssl`,
//! certificates that name that server, and tokens made by hand.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::openssl::hash::{MessageDigest, hash};
use ::openssl::pkey::PKey;
use ::openssl::sign::Signer;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

const ORIGIN: &str = "https://portale.comune.example.it";
const NONCE: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH";

/// What the certificates of holders say, after the CIE 3; PORT and NAME are filled in.
const CONFIGURATION: &str = "
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
preserve = yes
unique_subject = no
crl_extensions = list
[any]
countryName = supplied
surname = supplied
givenName = supplied
serialNumber = supplied
commonName = supplied
[req]
distinguished_name = name
prompt = no
string_mask = utf8only
[name]
commonName = Authority of this test
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[list]
authorityKeyIdentifier = keyid:always
[holder]
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
certificatePolicies = 1.3.76.47.4
crlDistributionPoints = URI:http://127.0.0.1:PORT/NAME.crl
authorityInfoAccess = OCSP;URI:http://127.0.0.1:PORT/NAME.ocsp
";
const HOLDER: &str = "/C=IT/SN=PROVA/GN=FITTIZIA/serialNumber=IDCIT-CA00000AA/CN=CLLFTZ85L64H501X";

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output();
    let output = output.unwrap_or_else(|error| panic!("the program openssl is needed: {error}"));
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority with its register, and citizens who share one key.
struct Authority(PathBuf);

impl Authority {
    fn new(folder: PathBuf) -> Self {
        fs::create_dir_all(folder.join("trust/holder")).unwrap();
        fs::write(folder.join("ca.cnf"), CONFIGURATION).unwrap();
        fs::write(folder.join("index.txt"), "").unwrap();
        fs::write(folder.join("serial"), "01\n").unwrap();
        fs::write(folder.join("crlnumber"), "01\n").unwrap();
        let new = "req -x509 -config ca.cnf -nodes -newkey rsa:2048 -days 90 -extensions root";
        openssl(&folder, &format!("{new} -keyout ca.key -out ca.pem"));
        fs::copy(folder.join("ca.pem"), folder.join("trust/holder/root.pem")).unwrap();
        let request = format!("req -config ca.cnf -nodes -newkey rsa:2048 -subj {HOLDER}");
        openssl(&folder, &format!("{request} -keyout holder.key -out holder.csr"));
        Self(folder)
    }

    /// A certificate that names this server, and this name on it.
    fn issue(&self, name: &str, port: u16) {
        let extensions = CONFIGURATION.replace("PORT", &port.to_string()).replace("NAME", name);
        fs::write(self.0.join("holder.cnf"), extensions).unwrap();
        let ca = "ca -batch -notext -config holder.cnf -extensions holder -in holder.csr -out";
        openssl(&self.0, &format!("{ca} {name}.pem"));
        openssl(&self.0, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    }

    /// A token by hand: RS256 over SHA-256(origin) ‖ SHA-256(nonce).
    fn token(&self, name: &str, nonce: &str) -> PathBuf {
        let sha256 = |text: &str| hash(MessageDigest::sha256(), text.as_bytes()).unwrap().to_vec();
        let key = PKey::private_key_from_pem(&fs::read(self.0.join("holder.key")).unwrap()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(&[sha256(ORIGIN), sha256(nonce)].concat()).unwrap();
        let token = json!({
            "unverifiedCertificate": Base64::encode_string(&fs::read(self.0.join(format!("{name}.der"))).unwrap()),
            "algorithm": "RS256",
            "signature": Base64::encode_string(&signature),
            "format": "web-eid:1.0",
        });
        let path = self.0.join(format!("{name}.token"));
        fs::write(&path, token.to_string()).unwrap();
        path
    }

    /// What the program `openssl` answers to a question about a certificate.
    fn response(&self, question: &[u8]) -> Vec<u8> {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap();
        fs::write(self.0.join("question.der"), question).unwrap();
        let ocsp = "ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1";
        openssl(&self.0, &format!("{ocsp} -reqin question.der -respout response.der"));
        fs::read(self.0.join("response.der")).unwrap()
    }
}

/// A request that came.
#[derive(Clone)]
struct Seen {
    line: String,
    headers: Vec<String>,
}

/// Serves a folder's list and responses, and worse, by the name that is asked for.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, seen) = (listener.local_addr().unwrap().port(), Arc::default());
        let (folder, log) = (folder.to_owned(), Arc::clone(&seen));
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (folder, log) = (folder.clone(), Arc::clone(&log));
                // Whoever asks may go away at any time.
                std::thread::spawn(move || drop(serve(&stream.unwrap(), &folder, &log)));
            }
        });
        Self { port, seen }
    }

    /// The requests whose path begins so.
    fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.line.split(' ').nth(1).unwrap().starts_with(path)).cloned().collect()
    }
}

fn serve(stream: &TcpStream, folder: &Path, log: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_ascii_lowercase()),
        }
    }
    // Whoever was sent to an address with TLS connects and goes away.
    if head.is_empty() {
        return Ok(());
    }
    let line = head.remove(0);
    let length = head.iter().find_map(|header| header.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    let path = line.split(' ').nth(1).unwrap().to_owned();
    log.lock().unwrap().push(Seen { line, headers: head });

    let mut out = stream;
    let mut answer = |status: &str, header: &str, body: &[u8]| {
        write!(
            out,
            "HTTP/1.1 {status}\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )?;
        out.write_all(body)
    };
    let moved = |to: &str| format!("location: {to}\r\n");
    match path.as_str() {
        "/list.crl" | "/revoked.crl" => answer("200 OK", "", &fs::read(folder.join("list.crl")).unwrap()),
        "/twice.crl" => answer("302 Found", &moved("/once.crl"), b""),
        "/once.crl" => answer("301 Moved Permanently", &moved("/list.crl"), b""),
        "/thrice.crl" => answer("302 Found", &moved("/twice.crl"), b""),
        "/secure.crl" => {
            answer("302 Found", &moved(&format!("https://{}/list.crl", stream.local_addr()?)), b"")
        }
        "/file.crl" => answer("302 Found", &moved("file:///etc/hostname"), b""),
        "/noise.crl" => answer("200 OK", "", b"<html>Please log in to this network</html>"),
        "/empty.crl" => answer("204 No Content", "", b""),
        "/endless.crl" => {
            out.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            loop {
                out.write_all(&[0x30; 1 << 16])?;
            }
        }
        "/slow.crl" => {
            out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")?;
            loop {
                std::thread::sleep(Duration::from_millis(200));
                out.write_all(&[0x30])?;
            }
        }
        "/silent.crl" => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        "/asked.ocsp" => answer("200 OK", "", &Authority(folder.to_owned()).response(&body)),
        "/moved.ocsp" => answer("307 Temporary Redirect", &moved("/asked.ocsp"), b""),
        _ => answer("404 Not Found", "", b"nothing here"),
    }
}

/// What came of a run: exit status, the object on standard output or error, and how long it took.
struct Outcome {
    status: i32,
    said: Value,
    took: Duration,
}

fn verify(folder: &Path, token: &Path, options: &str) -> Outcome {
    let begun = Instant::now();
    let words = format!("--json auth-verify --origin {ORIGIN} --nonce {NONCE} --trust trust {options}");
    let mut command = Command::new(super::CIE);
    command.args(words.split_whitespace()).arg(token).current_dir(folder);
    // Nobody is told by way of a variable who logs in.
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(variable, "http://127.0.0.1:9");
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = serde_json::from_slice(&said).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said)));
    Outcome { status: output.status.code().unwrap(), said, took: begun.elapsed() }
}

/// The same for a person: the exit status and what stands on standard error.
fn told(folder: &Path, token: &Path) -> (i32, String) {
    let words = format!("--lang en auth-verify --origin {ORIGIN} --nonce {NONCE} --trust trust");
    let mut command = Command::new(super::CIE);
    let output = command.args(words.split(' ')).arg(token).current_dir(folder).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// What is fetched is fetched from where the certificate says, within bounds; and nothing is before the path holds and
/// the signature is right.
#[test]
fn status_is_fetched_within_bounds_and_for_nobody_who_has_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path().join("authority"));
    let here = authority.0.as_path();
    let server = Server::start(here);
    // How a name behaves, the exit status, how many requests come for it, and what is said of the failure.
    let cases: [(&str, i32, usize, &str); 14] = [
        ("list", 0, 1, ""),
        ("once", 0, 1, ""),
        ("twice", 0, 1, ""),
        ("revoked", 1, 1, ""),
        ("asked", 0, 2, ""),
        ("moved", 7, 2, "moved.ocsp (HTTP status 307)"),
        ("missing", 7, 2, "missing.crl (HTTP status 404)"),
        ("empty", 7, 2, "empty.crl (HTTP status 204)"),
        ("noise", 7, 2, "not a revocation list"),
        ("thrice", 7, 2, "thrice.crl (too many redirects)"),
        ("secure", 7, 2, "secure.crl (https is not fetched)"),
        ("file", 7, 2, "file.crl ("),
        ("endless", 7, 2, "endless.crl ("),
        ("slow", 7, 2, "slow.crl (timeout"),
    ];
    for (name, ..) in cases {
        authority.issue(name, server.port);
    }
    authority.issue("silent", server.port);
    openssl(here, "ca -config ca.cnf -revoke revoked.pem -crl_reason keyCompromise");
    openssl(here, "ca -config ca.cnf -gencrl -out list.crl");

    // Nothing is fetched for a signature that is wrong, for somebody whom nobody here knows, or unasked.
    let stranger = Authority::new(folder.path().join("stranger"));
    stranger.issue("list", server.port);
    let token = authority.token("list", NONCE);
    for (outcome, status, code) in [
        (verify(here, &authority.token("list", &NONCE.replace('0', "1")), ""), 1, "wrong-signature"),
        (verify(here, &stranger.token("list", NONCE), ""), 7, "issuer-unknown"),
        (verify(here, &authority.token("list", NONCE), "--card cns"), 1, "card-not-accepted"),
        (verify(here, &token, "--no-fetch"), 7, "status-unavailable"),
    ] {
        assert_eq!((outcome.status, &outcome.said["error"]["code"]), (status, &code.into()));
    }
    assert_eq!(verify(here, &token, "--status offline").status, 0);
    assert_eq!(verify(here, &token, "--list list.crl").status, 0);
    // Who is on a list that was given is refused, whatever else is asked.
    let revoked = authority.token("revoked", NONCE);
    for status in ["hard", "soft", "offline"] {
        let outcome = verify(here, &revoked, &format!("--list list.crl --status {status}"));
        assert_eq!((outcome.status, &outcome.said["error"]["code"]), (1, &"certificate-revoked".into()));
    }
    assert_eq!(server.seen.lock().unwrap().len(), 0);

    std::thread::scope(|scope| {
        for (name, status, requests, said) in cases {
            let (authority, server) = (&authority, &server);
            scope.spawn(move || {
                let token = authority.token(name, NONCE);
                if status == 7 {
                    let (found, told) = told(here, &token);
                    assert!(found == 7 && told.contains("(status-unavailable: "), "{name}: {told}");
                    assert!(told.contains(said), "{name}: {told}");
                } else {
                    let outcome = verify(here, &token, "");
                    assert_eq!(outcome.status, status, "{name}: {}", outcome.said);
                    let revoked = outcome.said["error"]["code"] == "certificate-revoked";
                    let good = outcome.said["status"]["known"] == true;
                    assert!(good == (status == 0) && revoked == (status == 1), "{name}: {}", outcome.said);
                }
                let seen = server.seen(&format!("/{name}.")).len();
                // To some of them others are sent on.
                let shared = ["list", "once", "twice"].contains(&name);
                assert!(seen == requests || shared && seen >= requests, "{name}: {seen} requests");
            });
        }
        // One that takes the connection and says nothing; the responder is not kept from answering by that.
        scope.spawn(|| {
            let outcome = verify(here, &authority.token("silent", NONCE), "");
            assert_eq!(outcome.status, 7, "{}", outcome.said);
            assert!((9..20).contains(&outcome.took.as_secs()), "{:?}", outcome.took);
            assert_eq!(server.seen("/silent.").len(), 2);
        });
    });

    let list = verify(here, &token, "").said;
    assert_eq!(list["status"]["certificates"][0]["source"], "list");
    assert_eq!(
        (&list["citizen"]["is_test"], &list["citizen"]["fiscal_code"]),
        (&false.into(), &"CLLFTZ85L64H501X".into())
    );
    let soft = verify(here, &here.join("missing.token"), "--status soft");
    assert_eq!((soft.status, &soft.said["status"]["reason"]["code"]), (0, &"no-answer".into()));
    let asked = verify(here, &here.join("asked.token"), "").said;
    assert_eq!(asked["status"]["certificates"][0]["source"], "responder");

    // In the words of the protocols, and no more about us than that.
    let got = &server.seen("/list.crl")[0];
    assert_eq!(got.line, "get /list.crl http/1.1");
    assert!(got.headers.contains(&"accept: application/pkix-crl".to_owned()), "{:?}", got.headers);
    let posted = &server.seen("/asked.ocsp")[0];
    assert_eq!(posted.line, "post /asked.ocsp http/1.1");
    for header in ["content-type: application/ocsp-request", "accept: application/ocsp-response"] {
        assert!(posted.headers.contains(&header.to_owned()), "{:?}", posted.headers);
    }
    let names = ["host", "user-agent", "accept", "content-type", "content-length"];
    for header in got.headers.iter().chain(&posted.headers) {
        assert!(names.contains(&header.split(": ").next().unwrap()), "{header}");
    }
}
