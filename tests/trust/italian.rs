//! The certificates that Italy publishes, if they are there: they are no part of this project.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cie::trust::{AnchorPurpose, Certificate, Error, FolderError, FoundAs, ItalianRoots, Report, TrustStore};

use crate::common::demo;

/// The folder with real certificates beside the checkout; without it there is nothing to test here.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/trust");
    folder.is_dir().then_some(folder)
}

/// What a file's only certificate was found to be, itself or the same in another file.
fn found_as(report: &Report, file: &str) -> FoundAs {
    let in_file = report.certificates.iter().find(|found| found.path.ends_with(file)).unwrap();
    let mut same = report.certificates.iter().filter(|found| found.sha256 == in_file.sha256);
    same.find(|found| found.found_as != FoundAs::Again).unwrap().found_as.clone()
}

#[test]
fn the_published_certificates_find_their_places() {
    let Some(folder) = folder() else { return };
    let (store, report) = TrustStore::load_italian(&folder).unwrap();
    assert_eq!((report.roots(AnchorPurpose::Holder), report.roots(AnchorPurpose::Csca)), (2, 6));
    assert_eq!(store.anchors(AnchorPurpose::Holder).count(), 2);
    assert_eq!(store.anchors(AnchorPurpose::Csca).count(), 6);
    assert_eq!(store.anchors(AnchorPurpose::Responder).count(), 0);
    let holder = FoundAs::Below(AnchorPurpose::Holder);
    for file in ["SUBCA1", "SUBCA002", "SUBCA003"] {
        assert_eq!(found_as(&report, &format!("cie-issuing-sub-ca-{file}.der")), holder);
    }
    for file in ["2011-12", "2016-09", "2020-04", "2024-04"] {
        let link = found_as(&report, &format!("csca-it-{file}-link.der"));
        assert_eq!(link, FoundAs::Below(AnchorPurpose::Csca), "{file}");
    }
    // It says that it is no authority, and nothing vouches for the other.
    let malformed = FoundAs::Unusable(Error::WrongPurpose("not an authority"));
    assert_eq!(found_as(&report, "csca-it-2016-05-link.der"), malformed);
    assert_eq!(found_as(&report, "csca-it-2011-11-self.der"), FoundAs::Unknown);
    for file in ["DE_ROOT_CA_CSCA07.cer", "NL_ROOT_CA.cer"] {
        assert_eq!(found_as(&report, file), FoundAs::Unknown, "{file}");
    }
    assert!(report.passed_over.iter().any(|path| path.ends_with("README.md")));
}

/// Two roots with one name: each sub CA finds the one whose key it was signed with.
#[test]
fn every_real_issuer_has_its_path_and_no_other() {
    let Some(folder) = folder() else { return };
    let (store, _) = TrustStore::load_italian(&folder).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_547_200); // 2025-12-01
    let expected: BTreeMap<&str, &str> =
        [("SUBCA1", "87364fb476e74962"), ("SUBCA002", "87364fb476e74962"), ("SUBCA003", "40f425927e8a1e6a")]
            .into();
    for (name, root) in expected {
        let der = fs::read(folder.join(format!("cie-issuing-sub-ca-{name}.der"))).unwrap();
        let certificate = || Certificate::from_der(&der).unwrap();
        let path = store.verify_path(AnchorPurpose::Holder, certificate(), at).unwrap();
        assert!(hex::encode(path.path()[1].fingerprint()).starts_with(root), "{name}");
        assert!(!path.is_test());
        let wrong = store.verify_path(AnchorPurpose::Csca, certificate(), at);
        assert_eq!(wrong.unwrap_err(), Error::UnknownIssuer);
    }
    let anchors: Vec<Vec<u8>> =
        store.anchors(AnchorPurpose::Csca).map(|anchor| anchor.as_der().to_vec()).collect();
    for der in anchors {
        let own = store.verify_path(AnchorPurpose::Csca, Certificate::from_der(&der).unwrap(), at);
        let (_, until) = Certificate::from_der(&der).unwrap().validity();
        assert_eq!(own.is_ok(), at < until);
    }
}

/// A root is published between two releases: who has checked its digest says so, and one can be taken back.
#[test]
fn a_new_root_needs_no_new_release_and_somebodys_word() {
    let Some(folder) = folder() else { return };
    let newest = "40f425927e8a1e6a297a15c2a9d79e2221bf4fe25b2f21e3bfad53a1ba58b0d7";
    let newest: [u8; 32] = hex::decode(newest).unwrap().try_into().unwrap();
    let older = ItalianRoots::published().without(&newest);
    let (store, report) = TrustStore::load_italian_with(&folder, &older).unwrap();
    assert_eq!(store.anchors(AnchorPurpose::Holder).count(), 1);
    assert_eq!(found_as(&report, "cie-national-root-ca-2024.der"), FoundAs::Unknown);
    assert_eq!(found_as(&report, "cie-issuing-sub-ca-SUBCA003.der"), FoundAs::Unknown);
    let (store, report) =
        TrustStore::load_italian_with(&folder, &older.and(AnchorPurpose::Holder, newest)).unwrap();
    assert_eq!(store.anchors(AnchorPurpose::Holder).count(), 2);
    let below = FoundAs::Below(AnchorPurpose::Holder);
    assert_eq!(found_as(&report, "cie-issuing-sub-ca-SUBCA003.der"), below);
}

/// What is not published is never an anchor, whatever it is called; without a root nothing is trusted.
#[test]
fn unknown_files_are_never_anchors() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    let outcome = || TrustStore::load_italian(folder.path());
    let empty = FolderError::Empty(folder.path().to_owned());
    assert_eq!(outcome().unwrap_err(), empty);
    write("root.der", demo().pki.root_der());
    write("broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write("empty.cer", b"");
    write("notes.txt", b"nothing");
    // What is no certificate is not one that is not known.
    let path = folder.path().to_owned();
    assert_eq!(outcome().unwrap_err(), FolderError::NoneKnown { path, certificates: 1 });
    // With one root that somebody vouches for, the report tells what became of the others.
    let roots = ItalianRoots::published();
    let mine = cie::crypto::sha256(&[unmarked_root()]);
    write("mine.der", unmarked_root());
    let (store, report) =
        TrustStore::load_italian_with(folder.path(), &roots.and(AnchorPurpose::Holder, mine)).unwrap();
    assert_eq!(store.anchors(AnchorPurpose::Holder).count(), 1);
    assert_eq!(found_as(&report, "root.der"), FoundAs::Unusable(Error::TestCertificate));
    for broken in ["broken.pem", "empty.cer"] {
        assert!(matches!(found_as(&report, broken), FoundAs::Unusable(Error::Malformed(_))), "{broken}");
    }
    assert_eq!(report.passed_over, [folder.path().join("notes.txt")]);
    let said: Vec<String> = report.certificates.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|line| line.contains("root, Holder")), "{said:?}");
}

fn unmarked_root() -> &'static [u8] {
    static ROOT: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    ROOT.get_or_init(crate::unmarked::root)
}
