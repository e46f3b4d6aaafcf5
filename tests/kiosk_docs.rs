//! docs/kiosk.md and the files in docs/kiosk are one: what the page shows is what is installed, and it speaks of codes
//! that there are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Codes of the command and of the example `kiosk`, and an event of its log.
const OTHERS: [&str; 3] = ["other-card", "list-unusable", "service-lost"];
const FILES: usize = 6;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn page() -> String {
    fs::read_to_string(docs("kiosk.md")).unwrap()
}

fn unit() -> String {
    fs::read_to_string(docs("kiosk/cie-kiosk.service")).unwrap()
}

#[test]
fn the_page_shows_every_file_whole_and_installs_it() {
    let page = page();
    let mut files = 0;
    for entry in fs::read_dir(docs("kiosk")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let shown = format!("\n{}```\n", fs::read_to_string(&path).unwrap());
        assert!(page.contains(&shown), "{name} is not what the page shows");
        assert!(page.contains(&format!("install -m 644 {name} ")), "{name} is not installed by the page");
        files += 1;
    }
    assert_eq!(files, FILES);
}

#[test]
fn the_page_speaks_of_codes_that_there_are() {
    let known: BTreeSet<&str> = cie::Error::codes().chain(OTHERS).collect();
    let page = page();
    let (_, trouble) = page.split_once("\n## Trouble\n").unwrap();
    let mut codes = 0;
    for line in trouble.lines().filter(|line| line.starts_with("| `")) {
        let first = line.split(" | ").next().unwrap();
        // What stands between backticks.
        for word in first.split('`').skip(1).step_by(2).filter(|word| !word.contains('=')) {
            assert!(known.contains(word), "{word} is no code");
            codes += 1;
        }
    }
    assert!(codes > 15, "only {codes} codes found");
}

/// Whatever the check of a card can come to stands in the page.
#[test]
fn the_page_tells_every_refusal_of_a_card() {
    use cie::passive::Error as Files;
    use cie::trust::Error as Signer;
    use cie::{Error, kiosk};
    let files = [
        Files::Malformed("it"),
        Files::WrongContentType("1.2".to_owned()),
        Files::UnsupportedDigest,
        Files::UnsupportedSignature,
        Files::Sha1,
        Files::NoSigner,
        Files::ContentAltered,
        Files::WrongSignature,
        Files::MissingGroup(1),
        Files::DigestDiffers(1),
    ];
    let signers = [
        Signer::UnknownIssuer,
        Signer::NotYetValid,
        Signer::Expired,
        Signer::TestCertificate,
        Signer::WrongPurpose("it"),
        Signer::BadSignature,
        Signer::TooWeak,
        Signer::Malformed("it"),
    ];
    let refusals = files.into_iter().chain(signers.map(Files::Signer)).map(kiosk::Error::SecurityObject);
    let page = page();
    let (_, trouble) = page.split_once("\n## Trouble\n").unwrap();
    for refusal in refusals.chain([kiosk::Error::Key, kiosk::Error::NotGenuine]) {
        let code = Error::from(refusal.clone()).code();
        assert!(trouble.contains(&format!("`{code}`")), "{code}: {refusal}");
    }
}

#[test]
fn the_unit_takes_no_software_card_and_keeps_nothing() {
    let unit = unit();
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    assert!(start.contains("--italian-roots ") && !start.contains("--allow-test-pki"));
    for line in
        ["LimitCORE=0", "MemorySwapMax=0", "TTYVTDisallocate=yes", "Restart=always", "PrivateNetwork=yes"]
    {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}

/// Needs systemd-analyze (Debian: systemd). The program is not installed here, so another one stands in its place.
#[cfg(all(feature = "system-tests", target_os = "linux"))]
#[test]
fn systemd_understands_the_unit_and_finds_it_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cie-kiosk.service");
    fs::write(&path, unit().replace("/usr/local/bin/cie-kiosk", "/bin/true")).unwrap();
    let analyze = |words: &[&str]| {
        let mut command = std::process::Command::new("systemd-analyze");
        let output =
            command.args(words).arg(&path).output().expect("systemd-analyze (Debian: systemd) is needed");
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let (is_good, said) = analyze(&["verify"]);
    assert!(is_good && !said.contains("cie-kiosk"), "{said}");
    // Tenths: 0.2 with systemd 252 and 257.
    let (is_closed, said) = analyze(&["security", "--offline=true", "--threshold=5", "--no-pager"]);
    assert!(is_closed, "{said}");
}
