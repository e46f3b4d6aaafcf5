//! The EF.SODs of fixtures/security-objects, which OpenSSL signed: one for each way in which cards are signed, and their
//! tampered siblings.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use cie::environment::moment;
use cie::iso7816::tlv;
use cie::passive::{AuthenticFiles, ClaimedSecurityObject, Error, SecurityObjectPolicy, group};
use cie::trust::{self, AnchorPurpose, TrustStore};

/// Every way, and whether it takes the policy.
const WAYS: [(&str, bool); 7] = [
    ("rsa-sha1", true),
    ("rsa-sha256", false),
    ("rsa-sha384", false),
    ("pss-sha256", false),
    ("pss-sha512", false),
    ("ecdsa-sha256", false),
    ("ecdsa-sha384-written-out", false),
];
const NIS: &[u8] = b"000000000042";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/security-objects")
}

fn read(way: &str, what: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{way}.{what}"))).unwrap()
}

fn country(way: &str) -> TrustStore {
    let mut trust = TrustStore::new();
    trust.add_anchor(AnchorPurpose::Csca, &read(way, "csca.der")).unwrap();
    trust
}

fn at(moment: &str) -> SystemTime {
    moment::parse(moment).unwrap()
}

fn verify(sod: &[u8], trust: &TrustStore, now: &str) -> Result<AuthenticFiles, Error> {
    ClaimedSecurityObject::parse(sod)?.verify(trust, &SecurityObjectPolicy::new().allow_sha1(), at(now))
}

const TODAY: &str = "2026-01-01T00:00:00Z";

#[test]
fn every_kept_way_is_there_and_authentic() {
    let mut kept: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    kept.retain(|path| path.extension().is_some_and(|ending| ending == "sod"));
    assert_eq!(kept.len(), WAYS.len());
    for (way, legacy) in WAYS {
        let (sod, trust) = (read(way, "sod"), country(way));
        let files = verify(&sod, &trust, TODAY).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!((files.is_legacy(), files.is_test()), (legacy, false), "{way}");
        // The numbers are single bytes above 7F, which DER reads as negative.
        let object = files.security_object();
        assert_eq!(object.groups().collect::<Vec<_>>(), [0xA5, 0x1B, 0xA1], "{way}");
        files.check_file(group::NIS, NIS).unwrap();
        files.check_file(group::SERVICES_KEY, &read(way, "services-key.der")).unwrap();
        assert_eq!(files.check_file(group::NIS, b"000000000043"), Err(Error::DigestDiffers(group::NIS)));
        assert_eq!(files.check_file(group::DEVICE_KEY, NIS), Err(Error::MissingGroup(group::DEVICE_KEY)));
        let strict = ClaimedSecurityObject::parse(&sod).unwrap();
        let strict = strict.verify(&trust, &SecurityObjectPolicy::new(), at(TODAY));
        assert_eq!(strict.err(), legacy.then_some(Error::Sha1), "{way}");
    }
}

/// The signer is judged when it signed, not when the card is shown: its own certificate, of ten years, may be over.
#[test]
fn the_moment_is_that_of_the_signature() {
    for (way, _) in WAYS {
        let (sod, trust) = (read(way, "sod"), country(way));
        for (now, good) in [
            ("2025-01-09T23:59:59Z", false),
            ("2025-01-10T00:00:00Z", true),
            ("2025-06-01T00:00:00Z", true),
            ("2036-01-01T00:00:00Z", true),
        ] {
            let outcome = verify(&sod, &trust, now).map(drop);
            let expected = if good { Ok(()) } else { Err(Error::Signer(trust::Error::NotYetValid)) };
            assert_eq!(outcome, expected, "{way}, {now}");
        }
    }
}

/// No country vouches for another's card, whatever their names: these have the same.
#[test]
fn a_country_vouches_for_its_own_signers_only() {
    for (way, _) in WAYS {
        for (other, _) in WAYS {
            let outcome = verify(&read(way, "sod"), &country(other), TODAY);
            assert_eq!(outcome.is_ok(), way == other, "{way} under {other}");
        }
        let nobody = verify(&read(way, "sod"), &TrustStore::new(), TODAY).unwrap_err();
        assert_eq!(nobody, Error::Signer(trust::Error::UnknownIssuer), "{way}");
    }
}

/// Siblings with something changed: a digest, the signature, the signer's key, a file's number, the attributes.
#[test]
fn tampered_siblings_are_refused() {
    for (way, _) in WAYS {
        let (sod, trust) = (read(way, "sod"), country(way));
        let files = verify(&sod, &trust, TODAY).unwrap();
        let claimed = ClaimedSecurityObject::parse(&sod).unwrap();
        let [signer] = claimed.signed_data().signers() else { panic!("{way}") };
        let place = |part: &[u8]| {
            let found: Vec<_> =
                sod.windows(part.len()).enumerate().filter(|(_, window)| *window == part).collect();
            assert_eq!(found.len(), 1, "{way}");
            found[0].0..found[0].0 + part.len()
        };
        let changed = |at: usize| {
            let mut changed = sod.clone();
            changed[at] ^= 1;
            verify(&changed, &trust, TODAY).map(drop)
        };
        for group in [group::NIS, group::SERVICES_KEY, group::DOMAIN_PARAMETERS] {
            let digest = claimed.digest(group).unwrap();
            assert!(place(digest).all(|at| changed(at) == Err(Error::ContentAltered)), "{way}");
        }
        let digest = signer.signed_attributes().unwrap().message_digest();
        assert!(place(digest).all(|at| changed(at) == Err(Error::ContentAltered)), "{way}");
        // ECDSA signatures are two numbers in DER: what is changed there may be none.
        let wrong = place(signer.signature()).filter(|at| changed(*at) == Err(Error::WrongSignature)).count();
        assert!(place(signer.signature()).all(|at| changed(at).is_err()), "{way}");
        assert!(wrong * 10 > signer.signature().len() * 9, "{way}: {wrong}");
        let key = files.signer().certificate().as_der();
        assert!(place(key).step_by(7).all(|at| changed(at).is_err()), "{way}");
        // A number changed: A1 is then another file, which is not what was signed.
        let entry = [0x02, 0x01, group::NIS, 0x04];
        assert_eq!(changed(place(&entry).start + 2), Err(Error::ContentAltered), "{way}");
    }
}

/// The same, judged by a program that we did not write.
#[cfg(feature = "system-tests")]
#[test]
fn openssl_judges_them_alike() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (way, legacy) in WAYS {
        fs::write(path("csca.der"), read(way, "csca.der")).unwrap();
        let words = ["x509", "-inform", "DER", "-in", "csca.der", "-out", "csca.pem"];
        assert!(Command::new("openssl").current_dir(&folder).args(words).status().unwrap().success());
        let judge = |sod: &[u8]| {
            fs::write(path("signed"), tlv::parse(sod).unwrap().value).unwrap();
            let words = [
                "cms", "-verify", "-inform", "DER", "-in", "signed", "-CAfile", "csca.pem", "-purpose", "any",
            ];
            let more = ["-attime", "1767225600", "-binary", "-out", "content"];
            let mut command = Command::new("openssl");
            command.current_dir(&folder).args(words).args(more);
            command.output().unwrap().status.success()
        };
        let sod = read(way, "sod");
        // It takes no curve that is written out in a certificate, and SHA-1 without asking.
        assert_eq!(judge(&sod), !way.ends_with("written-out"), "{way}");
        let claimed = ClaimedSecurityObject::parse(&sod).unwrap();
        if judge(&sod) {
            assert_eq!(fs::read(path("content")).unwrap(), claimed.signed_data().content().unwrap(), "{way}");
        }
        assert_eq!(legacy, way == "rsa-sha1");
        let digest = claimed.digest(group::NIS).unwrap();
        let at = sod.windows(digest.len()).position(|window| window == digest).unwrap();
        let mut tampered = sod.clone();
        tampered[at] ^= 1;
        assert!(!judge(&tampered), "{way}");
    }
}

/// Italy's own country signing certificates, where they lie beside the checkout: each is an anchor, and none of them
/// vouches for a card of the invented countries, which have other names and keys.
#[test]
fn italys_country_signers_load_as_anchors() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/trust");
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut trust = TrustStore::new();
    let mut anchors = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("csca-it-") && name.ends_with("-self.der") {
            trust
                .add_anchor(AnchorPurpose::Csca, &fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            anchors += 1;
        }
    }
    assert!(anchors == 0 || anchors >= 6, "{anchors}");
    for (way, _) in WAYS {
        let refused = verify(&read(way, "sod"), &trust, TODAY).unwrap_err();
        assert_eq!(refused, Error::Signer(trust::Error::UnknownIssuer), "{way}");
    }
}
