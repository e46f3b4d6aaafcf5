//! The responder of OpenSSL's command line, which reads our question itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::environment::moment;
use crate::trust::RevocationReason;
use openssl::pkey::{PKey, Private};

use super::*;

/// Everything in a folder: certificates, keys, the index of what was issued, our request.
fn prepare(world: &World, folder: &Path, request: &[u8], state: &str) {
    let write = |name: &str, made: &Made| {
        fs::write(folder.join(format!("{name}.pem")), made.x509.to_pem().unwrap()).unwrap();
        let key = made.key.private_key_to_pem_pkcs8().unwrap();
        fs::write(folder.join(format!("{name}.key")), key).unwrap();
    };
    write("ca", &world.authority);
    write("responder", &world.responder);
    fs::write(folder.join("index.txt"), state).unwrap();
    fs::write(folder.join("request.der"), request).unwrap();
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .arg("ocsp")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program openssl is needed");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    format!("{out}{err}")
}

/// The world now: the responder has no clock but the system's.
fn rules_now() -> Rules<'static> {
    Rules { at: SystemTime::now(), ..rules() }
}

fn world_now(key: PKey<Private>) -> World {
    let days = (-10_000, 10_000);
    let authority = Profile { days, ..super::world::authority() }.by(None);
    let citizen = Profile { days, ..citizen() }.by(Some(&authority));
    let responder = Profile { days, key, ..responder() }.by(Some(&authority));
    World { authority, citizen, responder }
}

fn answer(world: &World, question: &Question<'_>, state: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    prepare(world, folder.path(), &request(question).unwrap(), state);
    let fixed = "-index index.txt -CA ca.pem -reqin request.der -respout response.der";
    let signer = ["-rsigner", "responder.pem", "-rkey", "responder.key"];
    let signer = if arguments.contains(&"-rsigner") { &[][..] } else { &signer[..] };
    let fixed: Vec<&str> = fixed.split(' ').collect();
    openssl(folder.path(), &[&fixed[..], signer, arguments].concat());
    fs::read(folder.path().join("response.der")).unwrap()
}

const VALID: &str = "V\t401231235959Z\t\t8001\tunknown\t/C=IT/CN=Citizen\n";
const REVOKED: &str = "R\t401231235959Z\t250203040506Z,keyCompromise\t8001\tunknown\t/C=IT/CN=Citizen\n";
const OTHER: &str = "V\t401231235959Z\t\t8002\tunknown\t/C=IT/CN=Other\n";

#[test]
fn openssl_reads_what_is_asked() {
    let world = world_now(elliptic());
    let folder = tempfile::tempdir().unwrap();
    prepare(&world, folder.path(), &request(&world.question()).unwrap(), VALID);
    let text = openssl(folder.path(), &["-req_text", "-reqin", "request.der"]);
    let digest = |bytes: &[u8]| hex::encode_upper(DigestAlgorithm::Sha1.hash(bytes));
    assert!(text.contains("Hash Algorithm: sha1"), "{text}");
    let name = world.authority.x509.subject_name().to_der().unwrap();
    assert!(text.contains(&format!("Issuer Name Hash: {}", digest(&name))), "{text}");
    assert!(text.contains("Serial Number: 8001"), "{text}");
    assert!(text.contains("OCSP Nonce"), "{text}");
    let nonce = format!("0420{}", hex::encode_upper(NONCE_SENT));
    let shown: String = text.split("OCSP Nonce").last().unwrap().chars().collect();
    assert!(shown.split_whitespace().collect::<String>().contains(&nonce), "{text}");
}

#[test]
fn openssl_answers_and_is_understood() {
    for key in [elliptic(), rsa(2048)] {
        let world = world_now(key);
        let question = world.question();
        let judged = |state: &str, arguments: &[&str]| {
            judge(&answer(&world, &question, state, arguments), &question, &rules_now())
        };
        let by_issuer = ["-rsigner", "ca.pem", "-rkey", "ca.key"];
        let by_issuer_alone = [&by_issuer[..], &["-resp_no_certs"]].concat();
        let by_issuers_key = [&by_issuer_alone[..], &["-resp_key_id"]].concat();
        for arguments in
            [&[][..], &["-resp_key_id"], &["-rmd", "sha512"], &by_issuer, &by_issuer_alone, &by_issuers_key]
        {
            let good = judged(VALID, arguments).unwrap();
            assert_eq!((good.verdict, good.next_update), (Verdict::Good, None), "{arguments:?}");
            assert!(good.nonce_matched, "{arguments:?}");
            let age = SystemTime::now().duration_since(good.this_update).unwrap();
            assert!(age < Duration::from_secs(60), "{age:?}");
        }
        let soon = judged(VALID, &["-nmin", "5"]).unwrap();
        assert_eq!(soon.next_update, Some(soon.this_update + Duration::from_secs(300)));
        let since = moment::parse("2025-02-03T04:05:06Z").unwrap();
        let why = Revoked { since, reason: Some(RevocationReason::KeyCompromise) };
        assert_eq!(judged(REVOKED, &[]).unwrap().verdict, Verdict::Revoked(why));
        assert_eq!(judged(OTHER, &[]), Err(ResponseFault::Unknown));
        assert_eq!(judged(VALID, &["-rmd", "sha1"]), Err(ResponseFault::TooWeak));
        assert_eq!(judged(VALID, &["-resp_no_certs"]), Err(ResponseFault::UnauthorizedResponder));

        let silent = Question { nonce: None, ..question };
        let response = answer(&world, &silent, VALID, &[]);
        assert!(!judge(&response, &silent, &rules_now()).unwrap().nonce_matched);
        assert_eq!(judge(&response, &question, &rules_now()), Err(ResponseFault::NonceMissing));
        let other = Question { nonce: Some(&[9; NONCE_LENGTH]), ..question };
        let response = answer(&world, &other, VALID, &[]);
        assert_eq!(judge(&response, &question, &rules_now()), Err(ResponseFault::NonceDiffers));
        let later = Rules { at: SystemTime::now() + Duration::from_secs(1300), ..rules_now() };
        let response = answer(&world, &question, VALID, &["-nmin", "5"]);
        assert_eq!(judge(&response, &question, &later), Err(ResponseFault::Stale));
    }
}

#[test]
fn openssl_signs_with_pss() {
    let world = world_now(rsa(2048));
    let pss = ["-rsigopt", "rsa_padding_mode:pss", "-rsigopt", "rsa_pss_saltlen:32", "-rmd", "sha256"];
    let response = answer(&world, &world.question(), VALID, &pss);
    let judged = judge(&response, &world.question(), &rules_now()).unwrap();
    assert_eq!(judged.verdict, Verdict::Good);
}
