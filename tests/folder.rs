//! The folder of a software card: what lies in it, for whom, and that its parts fit together.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::emulator::citizen::{Citizen, people};
use cie::emulator::contact::{Header, Model, PersonalData};
use cie::emulator::folder::{FolderOptions, create};
use cie::emulator::{Chip, Error, SoftCard};
use cie::ias::Session;
use cie::secret::Pin;
use cie::transport::Transport;
use cie::trust::{AnchorPurpose, TrustStore};
use common::now;

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => found.extend(
                files(&path).into_iter().map(|(below, content)| (format!("{name}/{below}"), content)),
            ),
            false => drop(found.insert(name, fs::read(&path).unwrap())),
        }
    }
    found
}

const NAMES: [&str; 7] = [
    "card.json",
    "citizen.json",
    "lists/root.crl",
    "lists/sub-ca.crl",
    "trust/csca/csca.pem",
    "trust/holder/intermediate/sub-ca.pem",
    "trust/holder/root.pem",
];

/// Of a CIE 1 or 2, and of a CNS, in place of the CSCA's.
const FIRST_GENERATIONS: &str = "trust/first-generations/root.pem";
const CNS: &str = "trust/cns/root.pem";

/// The DER of a certificate in PEM, by the dialect that every program reads.
fn der(pem: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(pem).unwrap();
    let body = text.strip_prefix("-----BEGIN CERTIFICATE-----\n").unwrap();
    assert!(body.ends_with("\n-----END CERTIFICATE-----\n"));
    x509_parser::pem::parse_x509_pem(pem).unwrap().1.contents
}

#[test]
fn a_folder_holds_a_card_that_logs_in_under_its_anchors() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/if need be");
    let options = FolderOptions {
        chip: Chip::St,
        pin: *b"31415926",
        puk: *b"27182818",
        seed: Some(3),
        ..FolderOptions::new(now())
    };
    let citizen = create(&folder, &options).unwrap();
    assert_eq!(citizen, people()[3]);
    let found = files(&folder);
    assert_eq!(found.keys().collect::<Vec<_>>(), NAMES);
    assert_eq!(serde_json::from_slice::<Citizen>(&found["citizen.json"]).unwrap(), citizen);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.join("card.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, &der(&found["trust/holder/root.pem"])).unwrap();
    trust.add_intermediate(&der(&found["trust/holder/intermediate/sub-ca.pem"])).unwrap();
    let card = SoftCard::open(folder.join("card.json")).unwrap();
    assert_eq!(card.profile(), Chip::St.profile());
    let pin = Pin::parse("31415926").unwrap();
    let mut unlocked = Session::open(common::link(&card)).unwrap().verify_pin(&pin).unwrap();
    let mut signer = unlocked.signer().unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    let signature = signer.sign(Purpose::Login, &digest).unwrap();
    let path = trust.verify_holder(signer.certificate(), now()).unwrap();
    path.verify_signature(b"message", DigestAlgorithm::Sha256, &signature).unwrap();
    assert_eq!(path.subject().common_name.as_deref(), Some(citizen.fiscal_code.as_str()));
    assert!(path.is_test());
    // The other anchor is for the card's files, not for people.
    let csca = der(&found["trust/csca/csca.pem"]);
    assert!(csca.windows(30).any(|window| window == b"TEST Italian Country Signer CA"));
    // Nobody else's card.
    let certificate = PresentedCertificate::from_der(signer.certificate().as_der()).unwrap();
    assert!(common::trust().verify_holder(&certificate, now()).is_err());
}

#[test]
fn keys_follow_from_a_seed_only_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, seed, insecure_fixed_pki| {
        let folder = folder.path().join(name);
        create(&folder, &FolderOptions { seed, insecure_fixed_pki, ..FolderOptions::new(now()) }).unwrap();
        files(&folder)
    };
    let (first, second) = (make("a", Some(7), false), make("b", Some(7), false));
    for name in NAMES {
        assert_eq!(first[name] == second[name], name == "citizen.json", "{name}");
    }
    // Not one number of the card's keys, either.
    let keys = |files: &BTreeMap<String, Vec<u8>>| {
        let card: serde_json::Value = serde_json::from_slice(&files["card.json"]).unwrap();
        ["holder_key", "device_key", "services_key", "certification_key"]
            .map(|key| card["card"]["personalisation"][key]["modulus"].as_str().unwrap().to_owned())
    };
    assert!(keys(&first).iter().zip(keys(&second)).all(|(first, second)| *first != second));

    let (fixed, again, other) =
        (make("c", Some(7), true), make("d", Some(7), true), make("e", Some(19), true));
    assert_eq!(fixed, again);
    for name in NAMES {
        // Nineteen is the same citizen as seven.
        assert_eq!(fixed[name] == other[name], name == "citizen.json", "{name}");
        assert_eq!(fixed[name] == first[name], name == "citizen.json", "{name}");
    }
}

#[test]
fn nothing_is_written_over() {
    for name in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = create(folder.path(), &FolderOptions::new(now())).unwrap_err();
        assert!(
            matches!(&error, Error::File { path: said, .. } if path.ends_with(name) && said.ends_with(name)),
            "{error}"
        );
        assert_eq!(files(folder.path()), BTreeMap::from([(name.to_owned(), b"mine".to_vec())]));
    }
}

#[test]
fn nothing_of_a_contact_card_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FIRST_GENERATIONS);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "mine").unwrap();
    let of = |model| FolderOptions { contact: Some(model), ..FolderOptions::new(now()) };
    for model in [Model::Cie1, Model::Cie2] {
        assert!(matches!(create(folder.path(), &of(model)), Err(Error::File { .. })), "{model}");
        assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), [FIRST_GENERATIONS]);
    }
    // It is in nobody else's way.
    create(folder.path(), &of(Model::Cns11)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_finished_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // A file where a folder is needed, which is found out only after others were written.
    fs::create_dir(folder.path().join("trust")).unwrap();
    fs::write(folder.path().join("trust/csca"), "").unwrap();
    assert!(matches!(create(folder.path(), &FolderOptions::new(now())), Err(Error::File { .. })));
    assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), ["trust/csca"]);
    fs::remove_file(folder.path().join("trust/csca")).unwrap();
    create(folder.path(), &FolderOptions::new(now())).unwrap();
}

#[test]
fn impossible_choices_leave_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new");
    let good = FolderOptions::new(now());
    for (options, what) in [
        (FolderOptions { pin: *b"1234567x", ..good.clone() }, "the PIN"),
        (FolderOptions { puk: *b"1234567\0", ..good.clone() }, "the PUK"),
        (FolderOptions { pin: *b"31415\xFF\xFF\xFF", ..good.clone() }, "the PIN"),
        (
            FolderOptions { contact: Some(Model::Cns10), pin: *b"3141\xFF\xFF\xFF\xFF", ..good.clone() },
            "the PIN",
        ),
        (FolderOptions { insecure_fixed_pki: true, ..good }, "the choice of fixed keys without a seed"),
    ] {
        assert_eq!(create(&folder, &options).unwrap_err(), Error::Malformed(what));
        assert!(!folder.exists());
    }
}

#[test]
fn a_contact_card_says_what_is_in_its_files() {
    for (model, seed) in [(Model::Cns11, 5), (Model::Cie2, 8), (Model::Cns10, 3)] {
        let folder = tempfile::tempdir().unwrap();
        let options = FolderOptions {
            contact: Some(model),
            pin: *b"31415\xFF\xFF\xFF",
            seed: Some(seed),
            ..FolderOptions::new(now())
        };
        let citizen = create(folder.path(), &options).unwrap();
        let found = files(folder.path());
        let (anchor, purpose) = match model {
            Model::Cie2 => (FIRST_GENERATIONS, AnchorPurpose::FirstGenerations),
            _ => (CNS, AnchorPurpose::Cns),
        };
        let names = NAMES.into_iter().filter(|name| !name.contains("csca")).chain([anchor]);
        assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
        assert_eq!(found[anchor], found["trust/holder/root.pem"]);
        // Whatever lies there can be trusted as it lies.
        let trust = TrustStore::new().allow_test_pki().load(folder.path().join("trust")).unwrap();
        for other in [AnchorPurpose::Cns, AnchorPurpose::FirstGenerations] {
            assert_eq!(trust.anchors(other).count(), usize::from(other == purpose), "{model}");
        }
        assert_eq!(serde_json::from_slice::<Citizen>(&found["citizen.json"]).unwrap(), citizen);
        let record: serde_json::Value = serde_json::from_slice(&found["citizen.json"]).unwrap();
        let record = &record["contact"];
        assert_eq!(record["model"], model.to_string());
        let data: PersonalData = serde_json::from_value(record["personal_data"].clone()).unwrap();
        assert_eq!(data.fiscal_code, citizen.fiscal_code);

        let card = SoftCard::open(folder.path().join("card.json")).unwrap();
        assert_eq!(
            (card.atr(), card.contact_profile().unwrap()),
            (model.profile().atr.to_vec(), model.profile())
        );
        let mut transport = card.transport();
        let mut send = |command: &str| transport.transmit(&hex::decode(command).unwrap()).unwrap();
        assert_eq!(send("00A4080C0410001003"), [0x90, 0x00]);
        let number = send("00B0000010");
        let number = String::from_utf8(number.into_iter().take_while(u8::is_ascii_alphanumeric).collect());
        assert_eq!(record["card_number"], number.unwrap());
        assert_eq!(send("00A4080C0411001102"), [0x90, 0x00]);
        let used = data.encode(Header::Inclusive).unwrap();
        let read = send("00B0000000");
        assert!(used.starts_with(&read[..used.len().min(254)]), "{citizen:?}");
        assert_eq!(send("00200090083331343135FFFFFF"), [0x90, 0x00]);
    }
}

/// The same, judged by the OpenSSL program.
#[cfg(feature = "system-tests")]
#[test]
fn openssl_finds_the_path_from_the_folder_alone() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let moment = std::time::SystemTime::now();
    let citizen = create(folder, &FolderOptions { seed: Some(5), ..FolderOptions::new(moment) }).unwrap();
    let pin = Pin::parse("12345678").unwrap();
    let card = SoftCard::open(folder.join("card.json")).unwrap();
    let mut unlocked = Session::open(card.insert()).unwrap().verify_pin(&pin).unwrap();
    let certificate = unlocked.certificate().unwrap().as_der().to_vec();
    fs::write(folder.join("holder.der"), &certificate).unwrap();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let output = command.current_dir(folder).args(arguments.split(' ')).output();
        let output = output.unwrap_or_else(|error| panic!("the program openssl is needed: {error}"));
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (converted, said) = openssl("x509 -inform DER -in holder.der -out holder.pem");
    assert!(converted, "{said}");
    let verify = "verify -x509_strict -purpose sslclient -CAfile";
    let (anchor, between) = ("trust/holder/root.pem", "-untrusted trust/holder/intermediate/sub-ca.pem");
    let (found, said) = openssl(&format!("{verify} {anchor} {between} holder.pem"));
    assert!(found, "{said}");
    let lists = "-crl_check_all -CRLfile lists/root.crl -CRLfile lists/sub-ca.crl";
    let (good, said) = openssl(&format!("{verify} {anchor} {between} {lists} holder.pem"));
    assert!(good, "{said}");
    let one_list = "-crl_check_all -CRLfile lists/sub-ca.crl";
    assert!(!openssl(&format!("{verify} {anchor} {between} {one_list} holder.pem")).0);
    assert!(!openssl(&format!("{verify} trust/csca/csca.pem {between} holder.pem")).0);
    assert!(!openssl(&format!("{verify} {anchor} holder.pem")).0);
    let (_, said) = openssl("x509 -noout -subject -nameopt utf8,sep_multiline -in holder.pem");
    assert!(said.contains(&citizen.fiscal_code) && said.contains("ESEMPLARITÀ"), "{said}");
}
