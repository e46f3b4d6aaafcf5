//! OpenSC 0.23 (Debian), which knows nothing of us, at the software card's contact models; OpenSSL checks
//! what the cards sign.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftCard;
use cie::emulator::contact::{
    IssueOptions, Issued, KeyUse, Model, SignatureInput, SignatureKey, reference_value,
};
use cie::emulator::pki;
use cie::transport::pcsc::Service;

use super::flows::{lay, take_away};
use crate::common::contact::{contact_card, issued, issued_with, laid};
use crate::common::pcscd::{Pcscd, READER, folder};
use crate::common::{NOW, demo};
use crate::isolated_tests;

const MESSAGE: &[u8] = b"a message";

/// Runs a program of OpenSC or OpenSSL in the test's folder, with a home of its own: OpenSC keeps copies of
/// what it read.
fn run(line: &str) -> (bool, String) {
    let (program, arguments) = line.split_once(' ').unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder()).env("HOME", home.path()).env("XDG_CACHE_HOME", home.path());
    let output = command.args(arguments.split(' ')).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program} (Debian: opensc, openssl) is needed: {error}"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[track_caller]
fn succeeds(line: &str) -> String {
    let (success, said) = run(line);
    assert!(success, "{line}: {said}");
    said
}

#[track_caller]
fn fails(line: &str) -> String {
    let (success, said) = run(line);
    assert!(!success, "{line}: {said}");
    said
}

fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// Writes what is to be signed, and the certificate's key for OpenSSL.
fn prepare(certificate: &[u8]) {
    fs::write(path("message"), MESSAGE).unwrap();
    for (name, algorithm) in [("sha1", DigestAlgorithm::Sha1), ("sha256", DigestAlgorithm::Sha256)] {
        let digest = Digest::of(algorithm, MESSAGE);
        fs::write(path(name), digest.as_bytes()).unwrap();
        fs::write(path(&format!("{name}.info")), digest.digest_info()).unwrap();
    }
    fs::write(path("holder.der"), certificate).unwrap();
    let key = succeeds("openssl x509 -inform DER -in holder.der -noout -pubkey");
    fs::write(path("key.pem"), key).unwrap();
}

/// Whether OpenSSL takes the file `signature` for one over the message; it is gone then, so that no test
/// takes an old one for a new one.
fn verified(hash: &str) -> bool {
    let (good, _) = run(&format!("openssl dgst -{hash} -verify key.pem -signature signature message"));
    fs::remove_file(path("signature")).unwrap();
    good
}

/// What OpenSSL finds in the block of the file `signature`, padding taken off.
fn recovered() -> Vec<u8> {
    succeeds("openssl pkeyutl -verifyrecover -pubin -inkey key.pem -in signature -out block");
    fs::remove_file(path("signature")).unwrap();
    fs::read(path("block")).unwrap()
}

/// Has one command done for which the card judges exactly one PIN or PUK.
#[track_caller]
fn one_try(card: &SoftCard, line: &str, good: bool) -> String {
    let before = card.verify_count();
    let (success, said) = run(line);
    assert_eq!((success, card.verify_count() - before), (good, 1), "{line}: {said}");
    said
}

/// OpenSSL finds the certificate's path, and that its key is weak when it has 1024 bits.
fn finds_the_path(certificate: &[u8], bits: usize) {
    let names = ["root.pem", "sub.pem", "holder.pem"];
    for (name, der) in names.iter().zip([demo().pki.root_der(), demo().pki.sub_ca_der(), certificate]) {
        fs::write(path(name), pki::pem(der).unwrap()).unwrap();
    }
    let verify =
        format!("openssl verify -attime {NOW} -purpose sslclient -CAfile root.pem -untrusted sub.pem");
    succeeds(&format!("{verify} holder.pem"));
    let (strong, said) = run(&format!("{verify} -auth_level 2 holder.pem"));
    assert_eq!(strong, bits >= 2048, "{said}");
    assert!(strong || said.contains("EE certificate key too weak"), "{said}");
}

fn looks_and_reads(issued: &Issued, model: Model) {
    assert!(succeeds("opensc-tool -n").starts_with("CNS card"));
    assert!(succeeds("opensc-tool --serial").contains(&issued.card_number));
    let dump = succeeds("pkcs15-tool --dump");
    for part in [
        "PKCS#15 Card [FITTIZIA PROVA COLLAUDO D'ESEMPIO]",
        &format!("Serial number  : {}", issued.card_number),
        "IC: STMicroelectronics; mask: STIncard",
        "PIN [PIN CNS0]",
        "PIN [PUK CNS0]",
        "Usage          : [0x24], sign, unwrap",
        &format!("ModLength      : {}", model.key_bits()),
        "X.509 Certificate [CNS0]",
        &hex::encode_upper(&issued.personal_data.encode(Default::default()).unwrap()[..40]),
    ] {
        assert!(dump.contains(part), "{part:?} in {dump}");
    }
    let pem = succeeds("pkcs15-tool --read-certificate 01");
    assert!(pem.starts_with(&pki::pem(&issued.certificate).unwrap()), "{pem}");
    let slots = succeeds("pkcs11-tool -L");
    assert!(
        slots.contains("FITTIZIA PROVA COL... (PIN CNS0)") && slots.contains(&issued.card_number),
        "{slots}"
    );
    assert!(succeeds("pkcs11-tool -T").contains("pin min/max        : 5/8"));
}

fn signs(card: &SoftCard, pin: &str) {
    for hash in ["sha1", "sha256"] {
        let option = hash.replace("sha", "sha-");
        one_try(
            card,
            &format!("pkcs15-crypt -s --pkcs1 --{option} -R -k 01 -p {pin} -i {hash} -o signature"),
            true,
        );
        assert!(verified(hash), "{hash}");
        let sign = format!("pkcs11-tool -l --pin {pin} -s --id 01 -o signature");
        one_try(card, &format!("{sign} -m RSA-PKCS -i {hash}.info"), true);
        assert!(verified(hash), "{hash}");
        let mechanism = format!("{}-RSA-PKCS", hash.to_uppercase());
        one_try(card, &format!("{sign} -m {mechanism} -i message"), true);
        assert!(verified(hash), "{hash}");
    }
    let tested = one_try(card, &format!("pkcs11-tool -t -l --pin {pin}"), true);
    assert!(tested.contains("No errors") && tested.contains("SHA256-RSA-PKCS: OK"), "{tested}");
}

fn everything(model: Model) {
    let _pcscd = Pcscd::start();
    let card = contact_card(model);
    let issued = issued(model);
    prepare(&issued.certificate);
    finds_the_path(&issued.certificate, model.key_bits());
    let (service, remover) = lay(&card);
    looks_and_reads(&issued, model);
    assert_eq!((card.verify_count(), card.pin_tries(), card.puk_tries()), (0, 3, 10), "nothing was risked");

    let verify = "pkcs15-tool --verify-pin --auth-id 01 --pin";
    one_try(&card, &format!("{verify} 12345678"), true);
    let said = one_try(&card, &format!("{verify} 99999"), false);
    assert!(said.contains("PIN code or key incorrect"), "{said}");
    assert_eq!(card.pin_tries(), 2);
    // Too short for the card: never sent.
    fails(&format!("{verify} 1234"));
    assert_eq!(card.pin_tries(), 2);
    one_try(&card, "pkcs15-tool --change-pin --auth-id 01 --pin 12345678 --new-pin 31415", true);
    assert_eq!(card.pin_tries(), 3);
    one_try(&card, &format!("{verify} 12345678"), false);
    one_try(&card, &format!("{verify} 31415"), true);
    signs(&card, "31415");

    for left in [2, 1, 0] {
        one_try(&card, &format!("{verify} 99999"), false);
        assert_eq!(card.pin_tries(), left);
    }
    let blocked = fails(&format!("{verify} 31415"));
    assert!(blocked.contains("Authentication method blocked"), "{blocked}");
    one_try(&card, "pkcs15-tool --unblock-pin --auth-id 01 --puk 11111111 --new-pin 2718281", false);
    assert_eq!((card.pin_tries(), card.puk_tries()), (0, 9));
    one_try(&card, "pkcs15-tool --unblock-pin --auth-id 01 --puk 87654321 --new-pin 2718281", true);
    assert_eq!((card.pin_tries(), card.puk_tries()), (3, 10));
    one_try(&card, &format!("{verify} 2718281"), true);
    take_away(&service, &remover);
}

isolated_tests! {
    fn opensc_drives_a_cns_1_0() {
        everything(Model::Cns10);
    }

    fn opensc_drives_a_cns_1_1() {
        everything(Model::Cns11);
    }

    fn opensc_drives_a_cie_2() {
        everything(Model::Cie2);
    }

    fn opensc_at_a_card_from_the_command_line() {
        let _pcscd = Pcscd::start();
        let cie = env!("CARGO_BIN_EXE_cie");
        succeeds(&format!("{cie} soft new ts --kind cns-1.0 --pin 31415 --seed 1"));
        let mut command = Command::new(cie);
        command.current_dir(folder()).args(["soft", "insert", "ts/card.json"]).stdout(Stdio::null());
        let mut inserted = command.spawn().unwrap();
        Service::open().unwrap().watch().wait_for_card(Some(READER), Duration::from_secs(5)).unwrap();
        assert!(succeeds("opensc-tool -n").starts_with("CNS card"));
        let record = fs::read_to_string(path("ts/citizen.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let number = record["contact"]["card_number"].as_str().unwrap();
        assert!(succeeds("opensc-tool --serial").contains(number));
        succeeds("pkcs15-tool --verify-pin --auth-id 01 --pin 31415");
        fails("pkcs15-tool --verify-pin --auth-id 01 --pin 12345678");
        inserted.kill().unwrap();
        inserted.wait().unwrap();
        assert_eq!(SoftCard::open(path("ts/card.json")).unwrap().pin_tries(), 2, "written down");
    }

    /// A certificate without key encipherment: OpenSC has the card compute a signature, and gives it a whole
    /// block, which a card by the book cannot pad any more.
    fn opensc_signs_the_other_way_with_a_key_for_signatures() {
        let _pcscd = Pcscd::start();
        let options = IssueOptions { certificate_only_signs: true, ..IssueOptions::default() };
        let issued = issued_with(Model::Cns10, &options);
        prepare(&issued.certificate);
        let card = laid(Model::Cns10, issued);
        let mut profile = card.contact_profile().unwrap();
        profile.key_use = KeyUse::Sign;
        card.set_contact_profile(profile.clone());
        let (service, remover) = lay(&card);
        let sign = "pkcs11-tool -l --pin 12345678 -s -m SHA256-RSA-PKCS --id 01 -i message -o signature";
        one_try(&card, sign, false);
        profile.signature_input = SignatureInput::BlockTaken;
        card.set_contact_profile(profile);
        one_try(&card, sign, true);
        assert!(verified("sha256"));
        take_away(&service, &remover);
    }

    fn opensc_signs_with_the_key_of_the_signature_directory() {
        let _pcscd = Pcscd::start();
        let [pin, puk] = ["1618033", "57721566"].map(|digits| reference_value(digits).unwrap());
        let options = IssueOptions { signature_key: Some(SignatureKey { pin, puk }), ..IssueOptions::default() };
        let mut issued = issued_with(Model::Cns10, &options);
        prepare(issued.signature_certificate.as_ref().unwrap());
        // A certificate without extended usages is one for all of them, so OpenSC has the block deciphered.
        let signature_key = issued.personalisation.keys.iter_mut().find(|key| key.identifier == 0x10);
        signature_key.unwrap().made_for = Some(KeyUse::Both);
        let card = laid(Model::Cns10, issued);
        let (service, remover) = lay(&card);
        let dump = succeeds("pkcs15-tool --dump");
        for part in ["PIN [PIN CNS0]", "PIN [PIN CNS1]", "Private RSA Key [CNS1]", "nonRepudiation"] {
            assert!(dump.contains(part), "{part:?} in {dump}");
        }
        one_try(&card, "pkcs15-tool --verify-pin --auth-id 10 --pin 1618033", true);
        one_try(&card, "pkcs15-tool --verify-pin --auth-id 10 --pin 12345678", false);
        assert_eq!(card.pin_tries(), 3, "the other PIN's try");
        let sign = "pkcs15-crypt -s --pkcs1 --sha-256 -R -k 10 -p 1618033 -i sha256 -o signature";
        one_try(&card, sign, true);
        assert!(verified("sha256"));
        take_away(&service, &remover);
    }

    /// What OpenSC 0.23 cannot do with a CIE 1, it cannot do with ours either.
    fn opensc_and_a_cie_1() {
        let _pcscd = Pcscd::start();
        let card = contact_card(Model::Cie1);
        let (service, remover) = lay(&card);
        assert!(succeeds("opensc-tool -n").starts_with("CNS card"));
        assert!(succeeds("pkcs15-tool --dump").contains("Key ref        : 49 (0x31)"));
        let said = one_try(&card, "pkcs11-tool -t -l --pin 12345678", false);
        assert!(said.contains("CKR_FUNCTION_NOT_SUPPORTED"), "{said}");
        take_away(&service, &remover);

        // With a certificate for signatures only it gives the card the bare hash.
        let options = IssueOptions { certificate_only_signs: true, ..IssueOptions::default() };
        let issued = issued_with(Model::Cie1, &options);
        prepare(&issued.certificate);
        let card = laid(Model::Cie1, issued);
        let mut profile = card.contact_profile().unwrap();
        let sign = "pkcs15-crypt -s --pkcs1 --sha-1 -R -k 31 -p 12345678 -i sha1 -o signature";
        let (service, remover) = lay(&card);
        one_try(&card, sign, true);
        assert_eq!(recovered(), fs::read(path("sha1")).unwrap(), "no algorithm in the block");
        profile.signature_input = SignatureInput::DigestInfoAdded;
        card.set_contact_profile(profile.clone());
        one_try(&card, sign, true);
        assert!(verified("sha1"));
        take_away(&service, &remover);

        for atr in [
            // CardOS M4.01.
            &hex_literal::hex!("3BE900FFC11031FE5500640500C80231800047")[..],
            Model::NFC_ATR,
        ] {
            profile.atr = atr.into();
            card.set_contact_profile(profile.clone());
            let (service, remover) = lay(&card);
            assert!(!succeeds("opensc-tool -n").starts_with("CNS card"));
            fails("pkcs15-tool --dump");
            take_away(&service, &remover);
        }
    }

    fn opensc_and_the_makers_own_layouts() {
        let _pcscd = Pcscd::start();
        let card = contact_card(Model::Infocamere);
        prepare(&issued(Model::Infocamere).certificate);
        let (service, remover) = lay(&card);
        let pem = succeeds("pkcs15-tool --read-certificate 21");
        assert!(pem.starts_with(&pki::pem(&issued(Model::Infocamere).certificate).unwrap()));
        one_try(&card, "pkcs15-crypt -s --pkcs1 --sha-256 -R -k 21 -p 12345678 -i sha256 -o signature", true);
        assert!(verified("sha256"));
        take_away(&service, &remover);

        // Where this version does not look.
        let card = contact_card(Model::Idemia);
        let (service, remover) = lay(&card);
        let dump = succeeds("pkcs15-tool --dump");
        assert!(dump.contains("FITTIZIA PROVA") && !dump.contains("X.509"), "{dump}");
        take_away(&service, &remover);
        let card = contact_card(Model::Ace);
        let (service, remover) = lay(&card);
        assert!(succeeds("opensc-tool -n").starts_with("CNS card"));
        fails("pkcs15-tool --dump");
        take_away(&service, &remover);

        // Answers that wait, lengths that are corrected.
        let card = contact_card(Model::Athena);
        prepare(&issued(Model::Athena).certificate);
        let (service, remover) = lay(&card);
        one_try(&card, "pkcs15-crypt -s --pkcs1 --sha-256 -R -k 01 -p 12345678 -i sha256 -o signature", true);
        assert!(verified("sha256"));
        let said = succeeds("opensc-tool --serial");
        assert!(said.contains("GET_SERIALNR, *) failed"), "{said}");
        take_away(&service, &remover);
    }
}
