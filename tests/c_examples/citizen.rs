//! `login.c` and `sign.c`, which ask for a PIN.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::terminal::Terminal;
use crate::{Folder, Ran, built, done, example, plain};

/// Where the software card lies, whom the portal trusts, and its lists.
pub(crate) fn login_options(card: &Folder) -> Vec<String> {
    let path = |name: &str| card.path(name).display().to_string();
    let mut options = ["--allow-test-pki", "--trust", &path("trust"), "--card", &path("card.json")]
        .map(str::to_owned)
        .to_vec();
    for list in ["lists/root.crl", "lists/sub-ca.crl"] {
        options.extend(["--list".to_owned(), path(list)]);
    }
    options
}

#[track_caller]
fn login(card: &Folder, options: &[String], pin: &str) -> Ran {
    login_by(example("login"), card, options, pin)
}

#[track_caller]
fn login_by(mut program: Command, card: &Folder, options: &[String], pin: &str) -> Ran {
    let pin = card.write("pin", pin);
    program.args(options).arg("--pin-file").arg(pin).output().unwrap().into()
}

fn without(options: &[String], what: &str, values: usize) -> Vec<String> {
    let at = options.iter().position(|option| option == what).unwrap();
    [&options[..at], &options[at + 1 + values..]].concat()
}

#[test]
fn somebody_logs_in() {
    for card in [Folder::cie3(), Folder::contact()] {
        let ran = login(&card, &login_options(&card), "12345678\r\n").ended(0, &[]);
        let about = ["fiscal_code", "surname", "given_names"].map(|field| card.of_citizen(field));
        for text in about.iter().map(String::as_str).chain(["status: good", "TEST - NOT A REAL CARD"]) {
            assert!(ran.out.contains(text), "{text}: {}", ran.out);
        }
        assert!(!ran.log.contains("12345678"), "{}", ran.log);
    }
}

#[test]
fn a_pin_from_standard_input_and_one_from_a_terminal() {
    let card = Folder::cie3();
    let options = login_options(&card);
    let mut child = example("login")
        .args(&options)
        .args(["--pin-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Without an end of the line, and with more behind it in the other case.
    child.stdin.take().unwrap().write_all(b"12345678").unwrap();
    Ran::from(child.wait_with_output().unwrap()).ended(0, &[]);

    let command = format!("{} {}", built().join("login").display(), options.join(" "));
    let mut terminal = Terminal::new(&command, "C.UTF-8", Path::new("/"));
    terminal.wait_for("PIN: ").hidden("12345678\n").wait_for("status: good");
    let (shown, status) = terminal.end();
    assert!(!shown.contains("12345678"), "{shown}");
    assert_eq!(status, Some(0), "{shown}");

    // Whoever gives up gets a terminal that shows what is typed, and no try is spent.
    let mut terminal = Terminal::new(&format!("trap : INT; {command}; stty -a"), "C.UTF-8", Path::new("/"));
    terminal.wait_for("PIN: ").hidden("1234\u{3}").wait_for("the PIN was not typed");
    let (shown, _) = terminal.end();
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    assert_eq!(card.tries(), 3);
}

#[test]
fn tries_are_spent_as_they_are_told() {
    let card = Folder::cie3();
    let options = login_options(&card);
    // What is no PIN costs nothing.
    login_by(plain("login"), &card, &options, "").ended(1, &["its first line is empty"]);
    for malformed in ["1234567", "123456789", "1234567x", &"1".repeat(63)] {
        login_by(plain("login"), &card, &options, malformed).ended(1, &["(pin-malformed)"]);
    }
    login_by(plain("login"), &card, &options, &"1".repeat(64)).ended(1, &["its first line is no PIN"]);
    assert_eq!(card.tries(), 3);
    login(&card, &options, "99999999\n12345678\n")
        .ended(1, &["tries left: 3", "(pin-wrong)", "tries left: 2"]);
    login_by(plain("login"), &card, &options, "99999999").ended(1, &["(pin-wrong)", "tries left: 1"]);
    login(&card, &options, "12345678").ended(1, &["(pin-last-try)"]);
    assert_eq!(card.tries(), 1);
    let spend = [&options[..], &["--last-try".to_owned()]].concat();
    login_by(plain("login"), &card, &spend, "99999999").ended(1, &["tries left: 0"]);
    let ran = login(&card, &spend, "12345678").ended(1, &["(pin-blocked)"]);
    assert!(ran.out.is_empty(), "{}", ran.out);
    assert_eq!(card.tries(), 0);
}

#[test]
fn nobody_comes_in_who_cannot_be_judged() {
    let (card, foreign) = (Folder::cie3(), Folder::foreign());
    let options = login_options(&card);
    let with = |options: &[String], more: &[&str]| {
        options.iter().cloned().chain(more.iter().map(|text| (*text).to_owned())).collect::<Vec<_>>()
    };
    // Whoever was called in the wrong way says how, and does nothing.
    for wrong in [
        without(&options, "--trust", 1),
        with(&options, &["--reader", "one"]),
        with(&options, &["more"]),
        with(&options, &["--unknown"]),
        with(&options, &["--list"]),
        with(&options, &["--list", "/dev/null"].repeat(16)),
    ] {
        let ran = login_by(plain("login"), &card, &wrong, "12345678").ended(2, &["usage: login"]);
        assert!(ran.out.is_empty());
    }
    // Before the PIN is asked for.
    let nowhere = card.path("nowhere").display().to_string();
    for (wrong, name) in [
        (without(&options, "--allow-test-pki", 0), "(trust-folder)"),
        (with(&options, &["--trust", &nowhere]), "(trust-folder)"),
        (with(&options, &["--origin", "http://portal.example"]), "(origin-malformed)"),
        (with(&options, &["--list", &nowhere]), "No such file"),
        (with(&options, &["--list", &card.path("card.json").display().to_string()]), "(argument)"),
        (with(&options, &["--card", &nowhere]), "(soft-card)"),
        (with(&options, &["--trust", &foreign.path("trust").display().to_string()]), "(issuer-unknown)"),
    ] {
        // Watched where there is something open that has to be closed.
        let is_watched = matches!(name, "(argument)" | "(soft-card)" | "(issuer-unknown)");
        let program = if is_watched { example("login") } else { plain("login") };
        let ran = login_by(program, &card, &wrong, "99999999").ended(1, &[name]);
        assert!(ran.out.is_empty() && !ran.log.contains("tries left"), "{}{}", ran.out, ran.log);
    }
    let ran = Ran::from(example("login").args(with(&options, &["--pin-file", &nowhere])).output().unwrap());
    ran.ended(1, &["No such file"]);
    // Nobody says that the certificate was not revoked; what would have to be fetched is shown.
    let ran = login(&card, &without(&options, "--list", 1), "12345678").ended(1, &["(status-unavailable)"]);
    assert!(
        ran.out.contains("GET http") && !ran.out.contains(&card.of_citizen("fiscal_code")),
        "{}",
        ran.out
    );
    assert_eq!(card.tries(), 3);
}

#[test]
fn openssl_checks_the_signature() {
    for (card, anchor) in
        [(Folder::cie3(), "trust/holder/root.pem"), (Folder::contact(), "trust/cns/root.pem")]
    {
        let [file, signature, certificate] = ["file", "file.sig", "file.pem"].map(|name| card.path(name));
        fs::write(&file, vec![0xA5; 100_000]).unwrap();
        let pin = card.write("pin", "12345678\n");
        let sign_by = |mut sign: Command, more: &[&str]| {
            sign.arg("--trust").arg(card.path("trust")).args(["--allow-test-pki", "--pin-file"]).arg(&pin);
            sign.arg("--card").arg(card.path("card.json")).args(more);
            Ran::from(sign.arg(&file).arg(&signature).arg(&certificate).output().unwrap())
        };
        let sign = |more: &[&str]| sign_by(plain("sign"), more);
        sign_by(example("sign"), &[]).ended(0, &[]);
        let key = card.path("key.pem");
        let public =
            done(Command::new("openssl").args(["x509", "-pubkey", "-noout", "-in"]).arg(&certificate));
        fs::write(&key, public).unwrap();
        let mut signed = done(Command::new(built().join("sign")).arg("--domain")).into_bytes();
        signed.extend(fs::read(&file).unwrap());
        let (good, bad) = (card.path("signed"), card.path("other"));
        fs::write(&good, &signed).unwrap();
        *signed.last_mut().unwrap() ^= 1;
        fs::write(&bad, &signed).unwrap();
        let verify = |data: &Path| {
            let mut verify = Command::new("openssl");
            verify.args(["dgst", "-sha256", "-verify"]).arg(&key).arg("-signature").arg(&signature).arg(data);
            verify.output().unwrap().status.success()
        };
        assert!(verify(&good) && !verify(&bad) && !verify(&file));
        let mut verify = Command::new("openssl");
        verify.args(["verify", "-CAfile"]).arg(card.path(anchor)).arg("-untrusted");
        done(verify.arg(card.path("trust/holder/intermediate/sub-ca.pem")).arg(&certificate));

        // Nothing that is there is overwritten, nobody types a PIN in vain, and half of it does not stay.
        fs::write(&pin, "99999999").unwrap();
        let before = fs::read(&certificate).unwrap();
        sign_by(example("sign"), &[]).ended(1, &["File exists"]);
        assert_eq!(fs::read(&certificate).unwrap(), before);
        fs::remove_file(&signature).unwrap();
        sign(&[]).ended(1, &["File exists"]);
        assert!(!signature.exists() && fs::read(&certificate).unwrap() == before && card.tries() == 3);
        fs::remove_file(&certificate).unwrap();
        sign(&[]).ended(1, &["(pin-wrong)"]);
        assert!(!signature.exists() && !certificate.exists());
        fs::remove_file(&file).unwrap();
        sign(&[]).ended(1, &["No such file"]);
        assert_eq!(card.tries(), 2);
        sign(&["--reader", "one"]).ended(2, &["usage: sign"]);
        sign(&["more"]).ended(2, &["usage: sign"]);
    }
}
