//! Italy's own authorities, where somebody has laid them beside this folder: they are published, and not ours.

use std::path::PathBuf;

use cie::trust::{AnchorPurpose, Certificate, Error, TrustStore};

use crate::agree::openssl_verify;
use crate::chain::{Case, now};
use crate::say;

/// An authority's certificate, those that are trusted, and what becomes of it in 2026.
const PATHS: [(&str, &[&str], Result<(), Error>); 8] = [
    ("cie-issuing-sub-ca-SUBCA1", &["cie-national-root-ca-2016", "cie-national-root-ca-2024"], Ok(())),
    ("cie-issuing-sub-ca-SUBCA002", &["cie-national-root-ca-2024", "cie-national-root-ca-2016"], Ok(())),
    ("cie-issuing-sub-ca-SUBCA003", &["cie-national-root-ca-2016", "cie-national-root-ca-2024"], Ok(())),
    ("csca-it-2011-12-link", &["csca-it-2006-10-self"], Err(Error::TooWeak)),
    ("csca-it-2016-05-link", &["csca-it-2011-12-self"], Err(Error::TooWeak)),
    ("csca-it-2016-09-link", &["csca-it-2016-05-self"], Err(Error::TooWeak)),
    ("csca-it-2020-04-link", &["csca-it-2016-09-self"], Ok(())),
    ("csca-it-2024-04-link", &["csca-it-2020-04-self"], Ok(())),
];

#[test]
fn openssl_agrees_on_the_real_authorities() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/trust");
    if !folder.is_dir() {
        return say("paths: no real authorities lie in ../shared/trust; nothing was looked at");
    }
    let read = |name: &str| std::fs::read(folder.join(format!("{name}.der"))).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for (name, trusted, expected) in PATHS {
        let (authority, anchors) = (read(name), trusted.iter().map(|name| read(name)).collect::<Vec<_>>());
        let mut store = TrustStore::new();
        anchors.iter().for_each(|anchor| store.add_anchor(AnchorPurpose::Csca, anchor).unwrap());
        let certificate = Certificate::from_der(&authority).unwrap();
        let verdict = store.verify_path(AnchorPurpose::Csca, certificate, now()).map(|_| ());
        assert_eq!(verdict, expected, "{name}");
        let case =
            Case { name: name.to_owned(), expected: Ok(()), anchors, others: Vec::new(), holder: authority };
        for more in [&["-purpose", "any"][..], &["-purpose", "any", "-x509_strict"]] {
            let theirs = openssl_verify(scratch.path(), &case, more);
            assert_eq!(theirs.is_ok(), verdict.is_ok(), "{name}: {theirs:?}");
        }
    }
    // No SUBCA has a path to the root of the other generation, which has the same name.
    for (authority, root) in [("SUBCA1", "2024"), ("SUBCA002", "2024"), ("SUBCA003", "2016")] {
        let mut store = TrustStore::new();
        let root = read(&format!("cie-national-root-ca-{root}"));
        store.add_anchor(AnchorPurpose::Holder, &root).unwrap();
        let certificate = Certificate::from_der(&read(&format!("cie-issuing-sub-ca-{authority}"))).unwrap();
        let outcome = store.verify_path(AnchorPurpose::Holder, certificate, now());
        assert_eq!(outcome.err(), Some(Error::UnknownIssuer), "{authority}");
    }
    say(&format!("paths: openssl agrees on {} of Italy's authorities, strictly and not", PATHS.len()));
}
