//! Trust in a folder: what lies where, and what does not belong there.

use std::fs;
use std::path::Path;

use cie::emulator::pki::pem;
use cie::trust::{AnchorPurpose, Error, FolderError, TrustStore};
use tempfile::TempDir;

use crate::common::{demo, now};
use crate::holder;

/// A folder as `cie soft new` makes it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pki = &demo().pki;
    write(folder.path(), "holder/root.pem", pem(pki.root_der()).unwrap().as_bytes());
    write(folder.path(), "holder/intermediate/sub-ca.der", pki.sub_ca_der());
    write(folder.path(), "csca/csca.cer", pki.csca_der());
    folder
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn load(folder: &Path) -> Result<TrustStore, FolderError> {
    TrustStore::new().allow_test_pki().load(folder)
}

#[test]
fn what_lies_in_a_folder_is_trusted_for_what_the_folder_says() {
    let folder = folder();
    let store = load(folder.path()).unwrap();
    assert_eq!(store.anchors(AnchorPurpose::Holder).count(), 1);
    assert_eq!(store.anchors(AnchorPurpose::Csca).count(), 1);
    assert_eq!(store.intermediates().count(), 1);
    store.verify_holder(&holder(), now()).unwrap();
    // A country signing certificate is never a login root, nor the other way round.
    fs::rename(folder.path().join("csca"), folder.path().join("first-generations")).unwrap();
    fs::rename(folder.path().join("holder"), folder.path().join("csca")).unwrap();
    let store = load(folder.path()).unwrap();
    assert_eq!(store.verify_holder(&holder(), now()).unwrap_err(), Error::UnknownIssuer);
}

#[test]
fn a_file_may_hold_several_certificates() {
    let folder = folder();
    let pki = &demo().pki;
    let both = format!("{}\n{}", pem(pki.root_der()).unwrap(), pem(pki.csca_der()).unwrap());
    write(folder.path(), "responder/bundle.crt", both.as_bytes());
    assert_eq!(load(folder.path()).unwrap().anchors(AnchorPurpose::Responder).count(), 2);
}

#[test]
fn what_is_loaded_twice_is_there_once() {
    let folder = folder();
    let once = load(folder.path()).unwrap();
    let mut twice = once.clone().load(folder.path()).unwrap();
    for purpose in [AnchorPurpose::Holder, AnchorPurpose::Csca] {
        assert_eq!(twice.anchors(purpose).count(), once.anchors(purpose).count());
    }
    assert_eq!(twice.intermediates().count(), once.intermediates().count());
    // For something else it is another anchor.
    twice.add_anchor(AnchorPurpose::Responder, demo().pki.root_der()).unwrap();
    assert_eq!(twice.anchors(AnchorPurpose::Responder).count(), 1);
}

/// To open one is to wait for somebody who may never come.
#[cfg(unix)]
#[test]
fn a_pipe_in_a_files_place_is_not_waited_for() {
    let folder = folder();
    let pipe = folder.path().join("csca/anchor.pem");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = load(folder.path()).unwrap_err();
    assert!(matches!(&refused, FolderError::Unreadable { path, .. } if *path == pipe), "{refused}");
    let refused = cie::transport::replay::Replay::open(&pipe).unwrap_err();
    assert!(refused.to_string().contains("not a file"), "{refused}");
}

#[test]
fn a_file_elsewhere_refuses_the_whole() {
    for name in [
        "root.pem",
        "README.md",
        ".hidden",
        "holders/root.pem",
        "Holder/root.pem",
        "holder/notes.txt",
        "holder/other/root.pem",
        "holder/intermediate/deeper/root.pem",
        "csca/list.crl",
        "intermediate/sub-ca.pem",
    ] {
        let folder = folder();
        write(folder.path(), name, demo().pki.root_der());
        let refused = load(folder.path()).unwrap_err();
        assert!(matches!(refused, FolderError::Misplaced(_)), "{name}: {refused}");
    }
}

#[test]
fn a_certificate_that_is_not_good_for_its_place_refuses_the_whole() {
    let leaf = holder().as_der().to_vec();
    let not_an_authority = Error::WrongPurpose("not an authority");
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec();
    let with_a_key = [pem(demo().pki.root_der()).unwrap().as_bytes(), &key].concat();
    for (name, content, expected) in [
        ("holder/leaf.der", leaf.clone(), Some(&not_an_authority)),
        ("holder/intermediate/leaf.der", leaf.clone(), Some(&not_an_authority)),
        ("responder/leaf.der", leaf, Some(&not_an_authority)),
        ("holder/empty.pem", Vec::new(), None),
        ("holder/text.pem", b"nothing".to_vec(), None),
        ("holder/key.pem", key, None),
        ("holder/with-a-key.pem", with_a_key, None),
        ("holder/cut.der", demo().pki.root_der()[..700].to_vec(), None),
        ("holder/long.der", [demo().pki.root_der(), &[0]].concat(), None),
    ] {
        let folder = folder();
        write(folder.path(), name, &content);
        let FolderError::Certificate { path, error } = load(folder.path()).unwrap_err() else {
            panic!("{name}");
        };
        assert!(path.ends_with(name));
        match expected {
            Some(expected) => assert_eq!(&error, expected, "{name}"),
            None => assert!(matches!(error, Error::Malformed(_)), "{name}: {error}"),
        }
    }
}

#[test]
fn test_certificates_and_empty_folders_are_refused() {
    let folder = folder();
    let refused = TrustStore::new().load(folder.path()).unwrap_err();
    let FolderError::Certificate { error, .. } = refused else { panic!("{refused}") };
    assert_eq!(error, Error::TestCertificate);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(load(empty.path()).unwrap_err(), FolderError::Empty(empty.path().to_owned()));
    write(empty.path(), "holder/intermediate/sub-ca.der", demo().pki.sub_ca_der());
    assert_eq!(load(empty.path()).unwrap_err(), FolderError::Empty(empty.path().to_owned()));
    let missing = empty.path().join("missing");
    assert!(matches!(load(&missing).unwrap_err(), FolderError::Unreadable { .. }));
    write(empty.path(), "holder/huge.pem", &vec![b'x'; (4 << 20) + 1]);
    let refused = load(empty.path()).unwrap_err();
    assert!(matches!(&refused, FolderError::Unreadable { reason, .. } if reason == "too long"), "{refused}");
}
