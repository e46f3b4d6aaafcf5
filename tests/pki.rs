//! The software card's certificates and files, read by parsers that did not write them.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Instant;

use cie::crypto::signature::{RsaPrivateKey, RsaPublicKey};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::citizen::{self, Citizen, Date};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, demo_card, issue};
use cie::emulator::personalisation::{CardKey, Personalisation, ReadAccess};
use cie::emulator::pki::{Generation, HolderProfile, TestPki};
use cie::iso7816::tlv;
use cie::test_mark;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use common::{demo, now, say};

fn content(card: &Personalisation, identifier: u16) -> &[u8] {
    &card.files.iter().find(|file| file.identifier == identifier).unwrap().content
}

/// A padded file without its padding.
fn object(card: &Personalisation, identifier: u16) -> &[u8] {
    let content = content(card, identifier);
    let (object, padding) = content.split_at(tlv::encoded_length(content).unwrap());
    assert!(padding.iter().all(|byte| *byte == 0));
    object
}

fn first_generation() -> Personalisation {
    let common::Demo { pki, citizen, .. } = demo();
    let options = IssueOptions {
        generation: Generation::First,
        extended_key_usage: true,
        padding: 300,
        ..IssueOptions::default()
    };
    issue(pki, citizen, &options, &mut Seeded::new(2), now()).unwrap()
}

/// The LDSSecurityObject in an EF.SOD.
fn security_object(sod: &[u8]) -> &[u8] {
    tlv::find_path(sod, &[0x77, 0x30, 0xA0, 0x30, 0x30, 0xA0, 0x04]).unwrap()
}

#[test]
fn the_same_seed_makes_the_same_card() {
    let start = Instant::now();
    let (pki, _, card) = demo_card(&mut Seeded::new(2026), now()).unwrap();
    say(&format!("PKI and card: {:?}", start.elapsed()));
    let common::Demo { pki: first_pki, personalisation: first_card, .. } = demo();
    for der in [TestPki::root_der, TestPki::sub_ca_der, TestPki::csca_der, TestPki::document_signer_der] {
        assert_eq!(der(&pki), der(first_pki));
    }
    let json = |card: &Personalisation| serde_json::to_string(card).unwrap();
    assert_eq!(json(&card), json(first_card));

    let start = Instant::now();
    let other = issue(&pki, &Citizen::demo(), &IssueOptions::default(), &mut Seeded::new(3), now()).unwrap();
    say(&format!("card alone: {:?}", start.elapsed()));
    assert_ne!(json(&other), json(first_card));
    let read: Personalisation = serde_json::from_str(&json(&other)).unwrap();
    assert_eq!(json(&read), json(&other));
}

#[test]
fn every_certificate_is_marked_and_parses() {
    let common::Demo { pki, personalisation: card, .. } = demo();
    let first = first_generation();
    let certificates = [
        pki.root_der(),
        pki.sub_ca_der(),
        pki.csca_der(),
        pki.document_signer_der(),
        object(card, 0x1003),
        object(&first, 0x1003),
    ];
    for der in certificates {
        let (rest, certificate) = X509Certificate::from_der(der).unwrap();
        assert!(rest.is_empty());
        for name in [certificate.subject(), certificate.issuer()] {
            let organisation = name.iter_organization().next().unwrap().as_str().unwrap();
            assert_eq!(organisation, test_mark::ORGANISATION);
        }
        let mark = certificate
            .extensions()
            .iter()
            .find(|extension| extension.oid.as_bytes() == test_mark::EXTENSION_OID_DER)
            .unwrap();
        assert_eq!(mark.oid.to_id_string(), test_mark::EXTENSION_OID);
        assert!(!mark.critical);
        assert_eq!(mark.value, tlv::encode(0x0C, test_mark::ORGANISATION.as_bytes()));
        let validity = certificate.validity();
        let at = i64::try_from(common::NOW).unwrap();
        assert!((validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&at));
        // Whoever decodes object identifiers with arcs of 32 bits must not stumble.
        <x509_cert::Certificate as der::Decode>::from_der(der).unwrap();
    }
}

#[test]
fn the_holder_certificate_names_the_citizen() {
    let common::Demo { pki, citizen, personalisation: card } = demo();
    let der = object(card, 0x1003);
    say(&format!("holder certificate: {} bytes", der.len()));
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    let subject = certificate.subject();
    let text = |oid: &str| {
        let attribute = subject.iter_attributes().find(|a| a.attr_type().to_id_string() == oid).unwrap();
        attribute.as_str().unwrap().to_owned()
    };
    assert_eq!(text("2.5.4.3"), citizen.fiscal_code);
    assert_eq!(text("2.5.4.4"), citizen.person.surname);
    assert_eq!(text("2.5.4.42"), citizen.person.given_names);
    assert_eq!(text("2.5.4.5")[6..], citizen.document_number);
    assert!(certificate.extended_key_usage().unwrap().is_none());

    let (_, sub_ca) = X509Certificate::from_der(pki.sub_ca_der()).unwrap();
    assert_eq!(certificate.issuer().as_raw(), sub_ca.subject().as_raw());
    let policies = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => Some(policies),
        _ => None,
    });
    assert_eq!(policies.unwrap()[0].policy_id.to_id_string(), "1.3.76.47.4");
    let csca = X509Certificate::from_der(pki.csca_der()).unwrap().1;
    let names = csca.subject_alternative_name().unwrap().unwrap().value;
    assert!(matches!(names.general_names[1], GeneralName::DirectoryName(_)));

    let with_usage = first_generation();
    let (_, certificate) = X509Certificate::from_der(object(&with_usage, 0x1003)).unwrap();
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.client_auth);
}

/// Seconds from the start to the end of the validity, and the given names.
fn issued(citizen: &Citizen, at: std::time::SystemTime) -> (i64, String) {
    let common::Demo { pki, personalisation: card, .. } = demo();
    let CardKey { modulus, public_exponent, .. } = &card.holder_key;
    let key = RsaPublicKey::new(modulus, public_exponent).unwrap();
    let holder = HolderProfile::at_issue(citizen, at).unwrap();
    let der = pki.certify_holder(citizen, &key, &holder, &mut Seeded::new(1)).unwrap();
    let certificate = X509Certificate::from_der(&der).unwrap().1;
    let validity = certificate.validity();
    let name = certificate.subject().iter_by_oid(&x509_parser::oid_registry::OID_X509_GIVEN_NAME).next();
    let name = name.unwrap().as_str().unwrap().to_owned();
    (validity.not_after.timestamp() - validity.not_before.timestamp(), name)
}

#[test]
fn a_certificate_lasts_as_long_as_the_card_of_somebody_of_that_age() {
    const DAY: i64 = 86_400;
    let lasts = |citizen: &Citizen, days: i64| {
        let at = now() + std::time::Duration::from_secs(u64::try_from(days * DAY).unwrap());
        issued(citizen, at).0 / DAY
    };
    // Nine years old on 2026-01-01; eighteen on 2034-10-30, which is day 3224 after it.
    let minor = &citizen::people()[4];
    assert_eq!(
        ["2016-12-31", "2001-03-31"],
        [4, 10].map(|n| citizen::people()[n].person.birth_date.to_string())
    );
    assert_eq!([0, 3285, 3286].map(|days| lasts(minor, days)), [1826, 1826, 3652]);
    assert_eq!(lasts(&citizen::people()[10], 0), 3652);
    let mut infant = minor.clone();
    infant.person.birth_date = Date::new(2023, 1, 2).unwrap();
    assert_eq!([0, 1, 2].map(|days| lasts(&infant, days)), [1096, 1826, 1826]);
    infant.person.birth_date = Date::new(2030, 1, 1).unwrap();
    assert_eq!(lasts(&infant, 0), 1096, "not born yet");
}

#[test]
fn a_name_is_cut_where_its_field_ends() {
    let long = &citizen::people()[5];
    assert_eq!(issued(long, now()).1, "FITTIZIO MARIAPROVA CAMPIONE ESEMPLARE SEGNAPOSTO MODELLO TESTUA");
    let mut other = Citizen::demo();
    other.person.given_names = format!("{} {}", "À".repeat(63), "Ò");
    assert_eq!(
        issued(&other, now()).1,
        "À".repeat(63),
        "64 characters, whatever their bytes; no blank at the end"
    );
    other.person.given_names = "Ù".repeat(64);
    assert_eq!(issued(&other, now()).1, other.person.given_names);
}

#[test]
fn the_security_object_holds_the_digest_of_every_file() {
    let second = &demo().personalisation;
    for (card, algorithm) in
        [(second, DigestAlgorithm::Sha512), (&first_generation(), DigestAlgorithm::Sha256)]
    {
        let object_of = |identifier| object(card, identifier);
        let lds = tlv::parse(security_object(content(card, 0x1006))).unwrap();
        let parts: Vec<_> = tlv::Reader::new(lds.value).map(Result::unwrap).collect();
        let hashes: Vec<_> = tlv::Reader::new(parts[2].value).map(|hash| hash.unwrap().value).collect();
        let expected: [(u8, &[u8]); 6] = [
            (0xA5, object_of(0x1005)),
            (0x1B, object_of(0xD004)),
            (0xA4, object_of(0x1004)),
            (0xA3, object_of(0x1003)),
            (0xA2, &content(card, 0x1002)[..9]),
            (0xA1, &content(card, 0x1001)[..12]),
        ];
        assert_eq!(hashes.len(), expected.len());
        for (found, (number, bytes)) in hashes.into_iter().zip(expected) {
            let hash = algorithm.hash(bytes);
            assert_eq!(found, [tlv::encode(0x02, &[number]), tlv::encode(0x04, &hash)].concat());
        }
    }
    let signed_data = tlv::parse(content(second, 0x1006)).unwrap().value;
    <cms::content_info::ContentInfo as der::Decode>::from_der(signed_data)
        .and_then(|info| info.content.decode_as::<cms::signed_data::SignedData>())
        .unwrap();
    // The published sample of the second generation has 466 bytes.
    assert_eq!(security_object(content(second, 0x1006)).len(), 466);
}

#[test]
fn files_lie_where_terminals_look_for_them() {
    let card = &demo().personalisation;
    for file in &card.files {
        let secret = matches!(file.identifier, 0x1002 | 0x1003);
        assert_eq!(file.access == ReadAccess::Holder, secret, "{file:?}");
    }
    let number = content(card, 0xD003);
    assert_eq!((number.len(), &number[..2]), (12, &[0x5A, 0x0A][..]));
    assert_eq!(number[4..], card.serial_number);
    assert!(card.files.iter().any(|file| file.identifier == 0x2F01), "its chip fills EF.ATR");
    assert!(content(card, 0x1006).starts_with(&[0x77, 0x82]));
}

#[test]
fn the_keys_work() {
    let card = &demo().personalisation;
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    let sign = |key: &CardKey| {
        let CardKey { modulus, public_exponent, private_exponent, prime_p, prime_q } = key;
        RsaPrivateKey::with_primes(modulus, public_exponent, private_exponent, prime_p, prime_q)
            .unwrap()
            .sign_block(&digest.digest_info())
            .unwrap()
    };
    let certificate = X509Certificate::from_der(object(card, 0x1003)).unwrap().1;
    for (key, public) in [
        (&card.holder_key, certificate.public_key().subject_public_key.as_ref()),
        (&card.device_key, object(card, 0x1004)),
        (&card.services_key, object(card, 0x1005)),
    ] {
        RsaPublicKey::from_der(public).unwrap().check_signature(&digest, &sign(key)).unwrap();
    }
    let terminals = &card.certification_key;
    assert_eq!((terminals.modulus.len(), terminals.public_exponent.len()), (256, 256));
    assert!(terminals.modulus[0] >= 0x90);
}

/// The same, judged by the OpenSSL program.
#[cfg(feature = "system-tests")]
mod openssl {
    use super::*;
    use cie::emulator::pki::pem;
    use std::path::Path;
    use std::process::{Command, Output};

    /// A folder with all certificates in PEM.
    fn folder() -> tempfile::TempDir {
        let common::Demo { pki, personalisation: card, .. } = demo();
        let folder = tempfile::tempdir().unwrap();
        for (name, der) in [
            ("root.pem", pki.root_der()),
            ("subca.pem", pki.sub_ca_der()),
            ("csca.pem", pki.csca_der()),
            ("signer.pem", pki.document_signer_der()),
            ("holder.pem", object(card, 0x1003)),
        ] {
            std::fs::write(folder.path().join(name), pem(der).unwrap()).unwrap();
        }
        folder
    }

    fn openssl(folder: &Path, arguments: &str) -> Output {
        let arguments = arguments.replace("NOW", &common::NOW.to_string());
        let mut command = Command::new("openssl");
        command.current_dir(folder).args(arguments.split(' '));
        command.output().unwrap_or_else(|error| panic!("the program openssl is needed: {error}"))
    }

    fn accepted(folder: &Path, arguments: &str) -> String {
        let output = openssl(folder, arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn paths_hold() {
        let folder = folder();
        let folder = folder.path();
        let verify = "verify -x509_strict -attime NOW";
        accepted(
            folder,
            &format!("{verify} -purpose sslclient -CAfile root.pem -untrusted subca.pem holder.pem"),
        );
        accepted(folder, &format!("{verify} -CAfile csca.pem signer.pem"));
        accepted(folder, &format!("{verify} -check_ss_sig -CAfile root.pem root.pem"));
        accepted(folder, &format!("{verify} -check_ss_sig -CAfile csca.pem csca.pem"));
        let refused = openssl(folder, &format!("{verify} -CAfile csca.pem -untrusted subca.pem holder.pem"));
        assert!(!refused.status.success());
        for name in ["root", "subca", "csca", "signer", "holder"] {
            accepted(folder, &format!("asn1parse -in {name}.pem"));
            let text = accepted(folder, &format!("x509 -noout -text -in {name}.pem"));
            assert!(text.contains("O = TEST - NOT A REAL CARD"), "{text}");
            assert!(text.contains(test_mark::EXTENSION_OID), "{text}");
        }
        let text = accepted(folder, "x509 -noout -text -in holder.pem");
        assert!(text.contains("Policy: 1.3.76.47.4"), "{text}");
    }

    #[test]
    fn the_security_object_is_signed() {
        let second = &demo().personalisation;
        let folder = folder();
        let folder = folder.path();
        let verify = "cms -verify -binary -inform DER -in sod.der -CAfile csca.pem -purpose any -attime NOW";
        for card in [second, &first_generation()] {
            let sod = content(card, 0x1006);
            let signed_data = tlv::parse(sod).unwrap().value;
            std::fs::write(folder.join("sod.der"), signed_data).unwrap();
            accepted(folder, &format!("{verify} -out content.der"));
            let content = std::fs::read(folder.join("content.der")).unwrap();
            assert_eq!(content, security_object(sod));

            let at = signed_data.windows(content.len()).position(|window| window == content).unwrap();
            for position in [at + content.len() - 1, at + 60, signed_data.len() - 1] {
                let mut tampered = signed_data.to_vec();
                tampered[position] ^= 1;
                std::fs::write(folder.join("sod.der"), tampered).unwrap();
                assert!(!openssl(folder, &format!("{verify} -out content.der")).status.success());
            }
        }
    }
}
