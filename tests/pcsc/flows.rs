//! The software card behind a real pcscd: the same flows as in process, and what other people's programs
//! say of it.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::{Chip, SoftCard, pki, vpcd};
use cie::ias::{Cause, File, Session};
use cie::iso7816::command;
use cie::transport::pcsc::{Service, Sharing};

use crate::common::flows::{Desk, FLOWS};
use crate::common::pcscd::{PORT, Pcscd, READER, folder, until};
use crate::common::{card, demo, pin, say};
use crate::isolated_tests;

const LONG: Duration = Duration::from_secs(5);

/// Lays a software card on the first virtual reader, and waits until the service sees it.
pub(crate) fn lay(card: &SoftCard) -> (Service, vpcd::Remover) {
    let connection = vpcd::connect(card, ("127.0.0.1", PORT)).unwrap();
    let remover = connection.remover();
    thread::spawn(move || connection.serve());
    let service = Service::open().unwrap();
    service.watch().wait_for_card(Some(READER), LONG).unwrap();
    (service, remover)
}

pub(crate) fn take_away(service: &Service, remover: &vpcd::Remover) {
    remover.remove();
    service.watch().wait_for_removal(READER, LONG).unwrap();
}

fn every_flow(chip: Chip) {
    let _pcscd = Pcscd::start();
    for (flow, run) in FLOWS {
        say(&format!("{chip}: {flow}"));
        let card = card(chip);
        let (service, remover) = lay(&card);
        run(&Desk { card: &card, connect: &|| service.connect(READER, Sharing::Shared).unwrap() });
        take_away(&service, &remover);
    }
}

fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).current_dir(folder()).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[track_caller]
fn succeeds(program: &str, arguments: &[&str]) -> String {
    let (success, said) = run(program, arguments);
    assert!(success, "{program} {arguments:?}: {said}");
    said
}

/// Sends commands with opensc-tool and returns each status word with its data, in hex.
fn opensc(commands: &[&str]) -> Vec<(String, String)> {
    let mut arguments = vec!["-r", "0"];
    commands.iter().for_each(|command| arguments.extend(["-s", command]));
    let said = succeeds("opensc-tool", &arguments);
    let answers = said.split("Received (SW1=0x").skip(1);
    answers
        .map(|answer| {
            let (head, rest) = answer.split_once(')').unwrap();
            let status = head.replace(", SW2=0x", "");
            // A dump in lines: hex digits in pairs up to the sixteenth, then the same as text.
            let data =
                rest.lines().skip(1).take_while(|line| !line.starts_with("Sending")).flat_map(|line| {
                    let pairs = line.split(' ').take_while(|pair| pair.len() == 2).take(16);
                    pairs.filter(|pair| pair.chars().all(|c| c.is_ascii_hexdigit())).collect::<Vec<_>>()
                });
            (status, data.collect())
        })
        .collect()
}

isolated_tests! {
    fn every_flow_on_gemalto() {
        every_flow(Chip::Gemalto);
    }

    fn every_flow_on_nxp() {
        every_flow(Chip::Nxp);
    }

    fn every_flow_on_st() {
        every_flow(Chip::St);
    }

    fn every_flow_on_actalis() {
        every_flow(Chip::Actalis);
    }

    fn opensc_sees_the_card_that_the_reference_describes() {
        let _pcscd = Pcscd::start();
        for (chip, atr) in [
            (Chip::Gemalto, "3b:8f:80:01:80:31:80:65:b0:85:04:00:11:12:0f:ff:82:90:00:8a"),
            (Chip::Nxp, "3b:8e:80:01:80:31:80:65:49:54:4e:58:50:12:0f:ff:82:90:f0"),
            (Chip::St, "3b:8b:80:01:80:66:47:50:00:b8:00:7f:82:90:00:2e"),
            (Chip::Actalis, "3b:8f:80:01:80:31:80:65:49:54:4a:34:41:12:0f:ff:82:90:00:88"),
        ] {
            let card = card(chip);
            let (service, remover) = lay(&card);
            assert_eq!(succeeds("opensc-tool", &["-r", "0", "--atr"]).trim(), atr, "{chip}");
            let select_ias = "00A4040C0DA0000000308000000009816001";
            let (select_root, select_cie) = ("00A40000", "00A4040C06A00000000039");
            let answers = opensc(&[
                select_ias, select_root, select_cie, "00B081000C", "00B0850000", "00A4020402100300", "00B0000010",
                "0020008108303030303030303000",
            ]);
            let file = |identifier: u16| {
                let files = &demo().personalisation.files;
                files.iter().find(|file| file.identifier == identifier).unwrap().content.clone()
            };
            let status = |index: usize| answers[index].0.as_str();
            assert_eq!(status(0), if chip == Chip::Nxp { "6A82" } else { "9000" }, "{chip}");
            assert_eq!((status(1), status(2)), ("9000", "9000"), "{chip}");
            let nis = hex::encode_upper(&demo().citizen.nis);
            assert_eq!(answers[3], ("9000".to_owned(), nis), "{chip}");
            assert_eq!(status(4), "9000");
            let key = hex::encode_upper(file(0x1005));
            assert!(key.starts_with(&answers[4].1) && answers[4].1.len() >= 2 * 230, "{chip}: {}", answers[4].1);
            // The certificate and the PIN are for whoever has authenticated.
            assert_eq!((status(6), status(7)), ("6982", "6982"), "{chip}");
            assert_eq!((card.pin_tries(), card.verify_count()), (3, 0));
            take_away(&service, &remover);
        }
    }

    fn openssl_verifies_what_was_signed_through_the_service() {
        let _pcscd = Pcscd::start();
        let card = card(Chip::Gemalto);
        let (service, _remover) = lay(&card);
        let link = service.connect(READER, Sharing::Exclusive).unwrap();
        let mut unlocked = Session::open(link).unwrap().verify_pin(&pin()).unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
        let signature = unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
        let certificate = pki::pem(unlocked.certificate().unwrap().as_der()).unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder().join(name), bytes).unwrap();
        write("holder.pem", certificate.as_bytes());
        write("root.pem", pki::pem(demo().pki.root_der()).unwrap().as_bytes());
        write("sub.pem", pki::pem(demo().pki.sub_ca_der()).unwrap().as_bytes());
        write("message", b"a message");
        write("signature", &signature);
        let at = crate::common::NOW.to_string();
        let chain = ["verify", "-attime", &at, "-purpose", "sslclient", "-CAfile", "root.pem", "-untrusted"];
        succeeds("openssl", &[&chain[..], &["sub.pem", "holder.pem"]].concat());
        write("key.pem", succeeds("openssl", &["x509", "-in", "holder.pem", "-noout", "-pubkey"]).as_bytes());
        let check = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"];
        succeeds("openssl", &check);
        write("message", b"another message");
        assert!(!run("openssl", &check).0);
    }

    fn a_session_does_not_pass_to_the_next_citizens_card() {
        let _pcscd = Pcscd::start();
        let (first, second) = (card(Chip::Gemalto), card(Chip::St));
        let (service, remover) = lay(&first);
        let unlocked = || {
            let link = service.connect(READER, Sharing::Shared).unwrap();
            Session::open(link).unwrap().verify_pin(&pin()).unwrap()
        };
        let (to_lock, to_release) = (unlocked(), unlocked());
        take_away(&service, &remover);
        let (_, _remover) = lay(&second);
        let link = service.connect(READER, Sharing::Shared).unwrap();
        let mut next = Session::open(link).unwrap().verify_pin(&pin()).unwrap();
        let removed = Cause::from(cie::transport::Error::Removed);
        assert_eq!(to_lock.lock().unwrap_err().error.cause, removed);
        let refused = to_release.release().unwrap_err();
        assert_eq!(refused.error.cause, removed);
        drop(refused);
        // The next citizen's session is as it was.
        next.certificate().unwrap();
        assert_eq!(second.verify_count(), 1);
    }

    fn a_second_program_costs_no_try() {
        let _pcscd = Pcscd::start();
        let card = card(Chip::Gemalto);
        let (service, _remover) = lay(&card);
        let (mut done, mut failed) = (0, 0);
        let stopped = AtomicBool::new(false);
        thread::scope(|scope| {
            // Another program, and a second connection that is faster than any program starts: both select
            // something else, and at times reset the card.
            scope.spawn(|| {
                while !stopped.load(Ordering::SeqCst) {
                    run("opensc-tool", &["-r", "0", "-s", "00A40000", "-s", "00A4040C07A0000002471001"]);
                    run("opensc-tool", &["-r", "0", "--reset"]);
                }
            });
            scope.spawn(|| {
                let mut link = service.connect(READER, Sharing::Shared).unwrap();
                for round in 1.. {
                    if stopped.load(Ordering::SeqCst) {
                        break;
                    }
                    // Resets by the others are told here, too.
                    let _ = link.exchange(&command::select_master_file());
                    if round % 10 == 0 {
                        let _ = link.reset();
                    }
                    thread::sleep(Duration::from_millis(3));
                }
            });
            for round in 0..60 {
                // Where the others get their chance: nowhere, before the PIN is shown, after it.
                let pause = |at| thread::sleep(Duration::from_millis(if round % 3 == at { 150 } else { 0 }));
                let link = service.connect(READER, Sharing::Shared).unwrap();
                let before = card.verify_count();
                let outcome = Session::open(link).map_err(cie::Error::from).and_then(|session| {
                    pause(1);
                    let mut unlocked = session.verify_pin(&pin())?;
                    pause(2);
                    unlocked.read(File::DocumentNumber)?;
                    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
                    Ok(unlocked.signer()?.sign(Purpose::Document, &digest)?)
                });
                assert!(card.verify_count() <= before + 1, "one VERIFY for each time the PIN was given");
                match outcome {
                    Ok(_) => done += 1,
                    Err(error) => {
                        failed += 1;
                        let known = ["card-reset", "channel-lost"];
                        assert!(known.contains(&error.code()), "{error} ({})", error.code());
                    }
                }
                assert_eq!(card.pin_tries(), 3, "no try is spent");
            }
            stopped.store(true, Ordering::SeqCst);
        });
        say(&format!("measured: beside a busy second program {done} of {} logins with signature ended well", done + failed));
        assert!(done > 0 && failed > 0, "the others came in between, and not always");
        // When the other one is gone, all is well again.
        until("a login", || {
            let link = service.connect(READER, Sharing::Exclusive);
            link.is_ok_and(|link| Session::open(link).is_ok_and(|session| session.verify_pin(&pin()).is_ok()))
        });
    }
}
