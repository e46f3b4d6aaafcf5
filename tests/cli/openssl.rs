//! Another's judgement of our signatures: OpenSSL, as a library and as a program.

use ::openssl::hash::MessageDigest;
use ::openssl::sign::Verifier;
use ::openssl::x509::X509;

/// Checks a PKCS #1 v1.5 signature with the key of a certificate in PEM.
pub(crate) fn check(hash: &str, content: &[u8], signature: &[u8], certificate: &[u8]) {
    let key = X509::from_pem(certificate).unwrap().public_key().unwrap();
    let verifies = |content: &[u8]| {
        let mut verifier = Verifier::new(MessageDigest::from_name(hash).unwrap(), &key).unwrap();
        verifier.update(content).unwrap();
        verifier.verify(signature).unwrap()
    };
    assert!(verifies(content), "{hash}: the signature is wrong");
    assert!(!verifies(b"other bytes"), "{hash}: the signature fits anything");
}

/// The commands of docs/cli.md: what a person does with a signature.
#[cfg(feature = "system-tests")]
#[test]
fn the_program_openssl_verifies_a_raw_signature() {
    use std::process::Command;
    let folder = super::fresh_folder();
    let run = |program: &str, arguments: &str| {
        let output = Command::new(program).args(arguments.split(' ')).current_dir(folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{program} {arguments}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    };
    std::fs::write(folder.path().join("pin.txt"), "12345678\n").unwrap();
    std::fs::write(folder.path().join("letter.txt"), "Gentile Comune,\n").unwrap();
    run(super::CIE, "--reader soft:card.json certificate --pin-file pin.txt --out holder.pem");
    run("openssl", "x509 -in holder.pem -pubkey -noout -out holder.pub");
    for hash in ["sha1", "sha256", "sha384", "sha512"] {
        let sign = "--reader soft:card.json sign raw letter.txt letter.sig --force --pin-file pin.txt --hash";
        run(super::CIE, &format!("{sign} {hash}"));
        let said =
            run("openssl", &format!("dgst -{hash} -verify holder.pub -signature letter.sig letter.txt"));
        assert_eq!(said, "Verified OK\n");
    }
}
