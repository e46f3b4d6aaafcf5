//! EF.SODs that OpenSSL signed: a country, its document signer, and `openssl cms -sign` over the software card's digests.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use cie::iso7816::tlv;
use cie::passive::{AuthenticFiles, ClaimedSecurityObject, Error, SecurityObjectPolicy, group};
use cie::trust::{self, AnchorPurpose, TrustStore};

use super::{demo, object};

/// A country with one document signer, in a folder.
struct Country(tempfile::TempDir);

impl Country {
    /// With keys of this kind, as `openssl req -newkey` names it, and a digest for its certificates.
    fn new(key: &[&str]) -> Self {
        let country = Self(tempfile::tempdir().unwrap());
        let extensions = "[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
            subjectKeyIdentifier=hash\n[signer]\nkeyUsage=critical,digitalSignature\n\
            authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n[none]\nkeyUsage=critical,keyEncipherment\n";
        let others: String = OTHER_PURPOSES
            .iter()
            .enumerate()
            .map(|(number, (more, _))| {
                format!("[other-{number}]\nkeyUsage=critical,digitalSignature\n{more}\n")
            })
            .collect();
        let extensions = format!("{extensions}{others}");
        fs::write(country.0.path().join("extensions"), extensions).unwrap();
        let new = |name: &str, subject: &str| {
            let out = format!("{name}.key");
            let request = format!("{name}.csr");
            let mut words = vec!["req", "-new", "-nodes", "-newkey"];
            words.extend_from_slice(key);
            words.extend_from_slice(&["-keyout", &out, "-out", &request, "-subj", subject]);
            country.openssl(&words);
        };
        new("csca", "/C=IT/O=Example/CN=Country");
        new("signer", "/C=IT/O=Example/CN=Signer");
        let certify = ["x509", "-req", "-sha256", "-days", "3650", "-extfile", "extensions"];
        let own = ["-in", "csca.csr", "-signkey", "csca.key", "-extensions", "ca", "-out", "csca.pem"];
        country.openssl(&[&certify[..], &own].concat());
        for (extensions, out) in [("signer", "signer.pem"), ("none", "other.pem")] {
            let issued = ["-in", "signer.csr", "-CA", "csca.pem", "-CAkey", "csca.key", "-set_serial", "7"];
            country.openssl(&[&certify[..], &issued, &["-extensions", extensions, "-out", out]].concat());
        }
        country.openssl(&["x509", "-in", "csca.pem", "-outform", "DER", "-out", "csca.der"]);
        country
    }

    fn openssl(&self, words: &[&str]) {
        let output = Command::new("openssl").current_dir(self.0.path()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn trust(&self) -> TrustStore {
        let mut trust = TrustStore::new();
        trust.add_anchor(AnchorPurpose::Csca, &fs::read(self.0.path().join("csca.der")).unwrap()).unwrap();
        trust
    }

    /// The demo card's digests, signed anew with these options.
    fn sign(&self, options: &[&str]) -> Vec<u8> {
        let claimed = ClaimedSecurityObject::parse(object(&demo().personalisation, 0x1006)).unwrap();
        let content = claimed.signed_data().content().unwrap().to_vec();
        self.sign_content(&content, options)
    }

    fn sign_content(&self, content: &[u8], options: &[&str]) -> Vec<u8> {
        fs::write(self.0.path().join("content"), content).unwrap();
        let sign =
            ["cms", "-sign", "-in", "content", "-binary", "-nodetach", "-econtent_type", "2.23.136.1.1.1"];
        let out = ["-outform", "DER", "-out", "signed", "-inkey", "signer.key"];
        self.openssl(&[&sign[..], &out, options].concat());
        tlv::encode(0x77, &fs::read(self.0.path().join("signed")).unwrap())
    }

    fn verify(&self, sod: &[u8]) -> Result<AuthenticFiles, Error> {
        self.verify_with(sod, &SecurityObjectPolicy::new())
    }

    fn verify_with(&self, sod: &[u8], policy: &SecurityObjectPolicy) -> Result<AuthenticFiles, Error> {
        // What was made this second is valid from this second on.
        let now = SystemTime::now() + super::DAY;
        ClaimedSecurityObject::parse(sod)?.verify(&self.trust(), policy, now)
    }
}

/// What a country also certifies under the same key, and whether whoever holds it signs identity cards.
const OTHER_PURPOSES: [(&str, bool); 9] = [
    ("extendedKeyUsage=critical,2.23.136.1.1.3", false),
    ("extendedKeyUsage=2.23.136.1.1.3", false),
    ("extendedKeyUsage=2.23.136.1.1.8", false),
    ("extendedKeyUsage=serverAuth", false),
    ("extendedKeyUsage=anyExtendedKeyUsage", false),
    // Lists of document types: passports; identity cards, alone and among others; what cannot be read.
    ("2.23.136.1.1.6.2=DER:30080201003103130150", false),
    ("2.23.136.1.1.6.2=DER:30080201003103130143", true),
    ("2.23.136.1.1.6.2=DER:300B0201003106130150130149", true),
    ("2.23.136.1.1.6.2=DER:0500", false),
];

const SIGNER: [&str; 2] = ["-signer", "signer.pem"];

#[test]
fn every_way_in_which_cards_are_signed() {
    let pss = |digest: &'static str, salt: &'static str| {
        vec!["-md", digest, "-keyopt", "rsa_padding_mode:pss", "-keyopt", salt]
    };
    let rsa = Country::new(&["rsa:2048"]);
    for options in [
        vec!["-md", "sha256"],
        vec!["-md", "sha384"],
        vec!["-md", "sha512"],
        pss("sha256", "rsa_pss_saltlen:32"),
        pss("sha512", "rsa_pss_saltlen:64"),
        vec!["-md", "sha256", "-keyid"],
    ] {
        let sod = rsa.sign(&[&SIGNER[..], &options].concat());
        let files = rsa.verify(&sod).unwrap_or_else(|error| panic!("{options:?}: {error}"));
        assert!(!files.is_test() && !files.is_legacy());
        files.check_file(group::NIS, object(&demo().personalisation, 0x1001)).unwrap();
        // Its sibling with one digest changed.
        let listed = files.security_object().digest(group::NIS).unwrap();
        let at = sod.windows(listed.len()).position(|window| window == listed).unwrap();
        let mut tampered = sod.clone();
        tampered[at] ^= 1;
        assert_eq!(rsa.verify(&tampered).unwrap_err(), Error::ContentAltered, "{options:?}");
        // And one with the signature changed, which ends it.
        let mut tampered = sod.clone();
        *tampered.last_mut().unwrap() ^= 1;
        assert_eq!(rsa.verify(&tampered).unwrap_err(), Error::WrongSignature, "{options:?}");
    }
    for (curve, digest) in [("P-256", "sha256"), ("P-384", "sha384")] {
        let parameter = format!("ec_paramgen_curve:{curve}");
        let country = Country::new(&["ec", "-pkeyopt", &parameter]);
        country.verify(&country.sign(&[&SIGNER[..], &["-md", digest]].concat())).unwrap();
    }
}

#[test]
fn sha1_is_a_decision() {
    let country = Country::new(&["rsa:2048"]);
    let sod = country.sign(&[&SIGNER[..], &["-md", "sha1"]].concat());
    assert_eq!(country.verify(&sod).unwrap_err(), Error::Sha1);
    let files = country.verify_with(&sod, &SecurityObjectPolicy::new().allow_sha1()).unwrap();
    assert!(files.is_legacy());
}

#[test]
fn signers_that_are_none() {
    let country = Country::new(&["rsa:2048"]);
    let good = country.sign(&[&SIGNER[..], &["-md", "sha256"]].concat());
    country.verify(&good).unwrap();
    // A certificate that is not for signing, and none at all.
    let sod = country.sign(&["-signer", "other.pem", "-md", "sha256"]);
    let wrong = Error::Signer(trust::Error::WrongPurpose("signing identity cards"));
    assert_eq!(country.verify(&sod).unwrap_err(), wrong);
    let sod = country.sign(&[&SIGNER[..], &["-md", "sha256", "-nocerts"]].concat());
    assert_eq!(country.verify(&sod).unwrap_err(), Error::NoSigner);
    // Two signers, of which one could be anybody.
    let sod = country.sign(&[
        "-signer",
        "signer.pem",
        "-signer",
        "other.pem",
        "-inkey",
        "signer.key",
        "-md",
        "sha256",
    ]);
    assert_eq!(country.verify(&sod).unwrap_err(), Error::Malformed("several signers"));
    // A country of the same name, with another key.
    let other = Country::new(&["rsa:2048"]);
    assert!(matches!(other.verify(&good).unwrap_err(), Error::Signer(_)));
}

/// A country's certificate for something else is none for signing cards, on named curves, written out ones and RSA alike.
#[test]
fn a_signer_of_other_things_signs_no_cards() {
    let explicit =
        ["ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1", "-pkeyopt", "ec_param_enc:explicit"];
    for key in [&["rsa:2048"][..], &explicit] {
        let country = Country::new(key);
        for (number, (more, good)) in OTHER_PURPOSES.into_iter().enumerate() {
            let issued =
                ["x509", "-req", "-sha256", "-days", "3650", "-extfile", "extensions", "-in", "signer.csr"];
            let section = format!("other-{number}");
            let by = ["-CA", "csca.pem", "-CAkey", "csca.key", "-set_serial", "9", "-extensions", &section];
            country.openssl(&[&issued[..], &by, &["-out", "this.pem"]].concat());
            let outcome = country.verify(&country.sign(&["-signer", "this.pem", "-md", "sha256"])).map(drop);
            let wrong = Err(Error::Signer(trust::Error::WrongPurpose("signing identity cards")));
            assert_eq!(outcome, if good { Ok(()) } else { wrong }, "{key:?}, {more}");
        }
    }
}

#[test]
fn another_content_than_digests_is_refused() {
    let country = Country::new(&["rsa:2048"]);
    fs::write(country.0.path().join("content"), b"hello").unwrap();
    let sign =
        ["cms", "-sign", "-in", "content", "-binary", "-nodetach", "-outform", "DER", "-out", "signed"];
    country.openssl(&[&sign[..], &SIGNER, &["-inkey", "signer.key"]].concat());
    let sod = tlv::encode(0x77, &fs::read(country.0.path().join("signed")).unwrap());
    assert!(matches!(country.verify(&sod).unwrap_err(), Error::WrongContentType(_)));
}

/// The attributes stand in an order that is not DER's: signed as DER has them, or as they stand, and in no other way.
#[test]
fn attributes_in_any_order_are_signed_as_a_set() {
    let country = Country::new(&["rsa:2048"]);
    let sod = country.sign(&[&SIGNER[..], &["-md", "sha256"]].concat());
    let claimed = ClaimedSecurityObject::parse(&sod).unwrap();
    let [signer] = claimed.signed_data().signers() else { panic!() };
    let sorted = signer.signed_attributes().unwrap().as_received().to_vec();
    let mut parts: Vec<_> = tlv::Reader::new(tlv::parse(&sorted).unwrap().value)
        .map(|part| part.unwrap().encoded.to_vec())
        .collect();
    parts.reverse();
    let reversed = tlv::encode(0x31, &parts.concat());
    assert_ne!(sorted, reversed);
    let replaced = |whole: &[u8], old: &[u8], new: &[u8]| {
        let at = whole.windows(old.len()).position(|window| window == old).unwrap();
        [&whole[..at], new, &whole[at + old.len()..]].concat()
    };
    // In the file the set has the tag of its place.
    let unsorted = replaced(&sod, &sorted[1..], &reversed[1..]);
    country.verify(&unsorted).unwrap();
    for (signed, good) in [(&reversed, true), (&parts.concat(), false)] {
        fs::write(country.0.path().join("attributes"), signed).unwrap();
        country.openssl(&["dgst", "-sha256", "-sign", "signer.key", "-out", "signature", "attributes"]);
        let signature = fs::read(country.0.path().join("signature")).unwrap();
        let outcome = country.verify(&replaced(&unsorted, signer.signature(), &signature)).map(drop);
        assert_eq!(outcome, if good { Ok(()) } else { Err(Error::WrongSignature) });
    }
}
