//! What is issued on contact cards, read by parsers that did not write it.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use cie::crypto::signature::RsaPublicKey;
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::SoftCard;
use cie::emulator::citizen::people;
use cie::emulator::contact::{
    CardNumber, DigestOver, Header, IssueOptions, Issued, KeyUse, Model, SignatureKey, issue, reference_value,
};
use cie::emulator::entropy::Seeded;
use cie::test_mark;
use cie::transport::Transport;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use common::contact::{contact_card, issued, issued_with};
use common::{demo, now};

fn certificate(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

fn common_name(der: &[u8]) -> String {
    certificate(der).subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned()
}

/// Where a model keeps its certificate, how many bytes stand before it, its key's directory, and its key.
fn place(model: Model) -> (&'static [u16], usize, &'static str, u8) {
    match model {
        Model::Infocamere => (&[0x2FFF, 0x8228], 5, "00A4080C042FFF0000", 0x21),
        Model::Idemia => (&[0x1400, 0x9001, 0x2002], 0, "00A4080C0414009002", 0x02),
        Model::Ace => (&[0xACE0, 0xDA01, 0xC001], 0, "00A4040C0CA000000530000B104001021A", 0x01),
        Model::Cie1 => (&[0x1100, 0x1101], 0, "00A4000C023F00", 0x31),
        _ => (&[0x1100, 0x1101], 0, "00A4000C023F00", 0x01),
    }
}

#[test]
fn every_models_certificate_says_what_the_card_is() {
    for model in Model::ALL {
        let issued = issued(model);
        let (path, offset, ..) = place(model);
        let file = issued.personalisation.file(path).unwrap();
        let der = &issued.certificate;
        assert_eq!(file.len(), 0x800, "{model}");
        assert!(file[offset..].starts_with(der) && file[offset + der.len()..].iter().all(|byte| *byte == 0));
        let certificate = certificate(der);
        let name = common_name(der);
        let (fiscal_code, rest) = name.split_once('/').unwrap();
        let (number, digest) = rest.split_once('.').unwrap();
        assert_eq!((fiscal_code, number), ("CLLFTZ85L64H501X", issued.card_number.as_str()));
        assert!(digest.len() == 28 && digest.ends_with('='), "{digest}");
        let organisation = certificate.subject().iter_organization().next().unwrap().as_str().unwrap();
        assert_eq!(organisation, test_mark::ORGANISATION);
        assert!(certificate.extensions().iter().any(|e| e.oid.as_bytes() == test_mark::EXTENSION_OID_DER));

        let usage = certificate.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.digital_signature() && usage.value.key_encipherment());
        assert!(!usage.value.non_repudiation());
        assert!(certificate.extended_key_usage().unwrap().unwrap().value.client_auth);
        let policy =
            certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => Some(policies[0].policy_id.to_id_string()),
                _ => None,
            });
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        match model.is_cie() {
            true => assert_eq!((policy, algorithm.as_str()), (None, "1.2.840.113549.1.1.5")),
            false => assert_eq!(
                (policy.as_deref(), algorithm.as_str()),
                (Some("1.3.76.16.2.1"), "1.2.840.113549.1.1.11")
            ),
        }
        let days = (certificate.validity().not_after.timestamp()
            - certificate.validity().not_before.timestamp())
            / 86_400;
        assert_eq!(days, if model.is_cie() { 1826 } else { 2191 });
        let data = &issued.personal_data;
        assert_eq!((data.issue_date.as_str(), data.surname.as_str()), ("01012026", "COLLAUDO D'ESEMPIO"));
        assert_eq!(data.expiry_date, if model.is_cie() { "01012031" } else { "01012032" });
    }
}

/// Every model shows its PIN and signs the way it can, with the key of its certificate.
#[test]
fn every_model_signs_with_the_key_of_its_certificate() {
    for model in Model::ALL {
        let (issued, card) = (issued(model), contact_card(model));
        let (_, _, select, key_number) = place(model);
        let mut transport = card.transport();
        let mut send = |command: &str| {
            let mut answer = transport.transmit(&hex::decode(command).unwrap()).unwrap();
            while let [.., 0x61, more] = answer[..] {
                answer.truncate(answer.len() - 2);
                answer.extend(transport.transmit(&[0x00, 0xC0, 0x00, 0x00, more]).unwrap());
            }
            hex::encode_upper(answer)
        };
        assert_eq!(send(select), "9000", "{model}");
        if send("00200010083132333435363738") == "6A88" {
            assert_eq!(send("00200090083132333435363738"), "9000", "{model}");
        }
        let profile = model.profile();
        assert_eq!(send(&format!("0022F3{:02X}", profile.security_environment)), "9000", "{model}");
        let template = if profile.key_use == KeyUse::Sign { "B6" } else { "B8" };
        assert_eq!(send(&format!("0022F1{template}038301{key_number:02X}")), "9000", "{model}");
        let info = Digest::of(DigestAlgorithm::Sha256, b"a message").digest_info();
        let size = model.key_bits() / 8;
        let answer = if profile.key_use == KeyUse::Sign {
            send(&format!("002A9E9A{:02X}{}00", info.len(), hex::encode_upper(&info)))
        } else {
            let block = cie::crypto::signature::pkcs1_block(size, &info).unwrap();
            let input = format!("00{}", hex::encode_upper(block));
            match size {
                128 => send(&format!("002A808681{input}00")),
                _ => {
                    assert_eq!(send(&format!("102A8086FF{}", &input[..510])), "9000", "{model}");
                    send(&format!("002A808602{}00", &input[510..]))
                }
            }
        };
        let signature =
            hex::decode(answer.strip_suffix("9000").unwrap_or_else(|| panic!("{model}: {answer}"))).unwrap();
        let certificate = certificate(&issued.certificate);
        let key = RsaPublicKey::from_der(&certificate.public_key().subject_public_key.data).unwrap();
        assert_eq!(key.size(), size);
        key.check_block(&info, &signature).unwrap();
    }
}

#[test]
fn the_digest_covers_what_it_is_told_to() {
    let pieces = |digest_over, header| {
        let options = IssueOptions { digest_over, header, ..IssueOptions::default() };
        let Issued { personalisation, certificate, .. } = issued_with(Model::Cns10, &options);
        let file = personalisation.file(&[0x1100, 0x1102]).unwrap().to_vec();
        let name = common_name(&certificate);
        (file, name.split_once('.').unwrap().1.to_owned())
    };
    let digest = |bytes: &[u8]| {
        let hash = DigestAlgorithm::Sha1.hash(bytes);
        // Another encoder than the one that is tested.
        x509_cert::der::pem::encode_string("X", Default::default(), &hash)
            .unwrap()
            .lines()
            .nth(1)
            .unwrap()
            .to_owned()
    };
    let used = |file: &[u8]| file.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for header in [Header::Inclusive, Header::Exclusive] {
        let (file, found) = pieces(DigestOver::File, header);
        assert_eq!((file.len(), &found), (400, &digest(&file)));
        let declared = usize::from_str_radix(std::str::from_utf8(&file[..6]).unwrap(), 16).unwrap();
        assert_eq!(declared, used(&file) - if header == Header::Exclusive { 6 } else { 0 });
        let (file, found) = pieces(DigestOver::Used, header);
        assert_eq!(found, digest(&file[..used(&file)]));
        let (file, found) = pieces(DigestOver::Fields, header);
        assert_eq!(found, digest(&file[6..used(&file)]));
    }
}

#[test]
fn everybody_can_have_any_card() {
    for citizen in people() {
        for (model, card_number) in [
            (Model::Cns10, None),
            (Model::Cie2, None),
            (Model::Cie2, Some(CardNumber::Digits)),
            (Model::Cie1, None),
        ] {
            let options = IssueOptions { card_number, ..IssueOptions::default() };
            let issued = issue(&demo().pki, &citizen, model, &options, &mut Seeded::new(4), now()).unwrap();
            let name = common_name(&issued.certificate);
            let start = format!("{}/{}.", citizen.fiscal_code, issued.card_number);
            assert!(name.starts_with(&start), "{name}");
            let digits = model == Model::Cns10 || card_number.is_some();
            assert_eq!(issued.card_number.len(), if digits { 16 } else { 9 });
            let data = &issued.personal_data;
            assert!([&data.surname, &data.given_name].iter().all(|name| name.is_ascii()), "{data:?}");
            let issuer = if model.is_cie() { "100999" } else { &issued.card_number[..4] };
            assert_eq!(data.issuer_code, issuer);
        }
    }
}

#[test]
fn a_signature_key_has_its_own_certificate_and_pin() {
    let [pin, puk] = ["1618033", "57721566"].map(|digits| reference_value(digits).unwrap());
    let options = IssueOptions { signature_key: Some(SignatureKey { pin, puk }), ..IssueOptions::default() };
    let issued = issued_with(Model::Cns11, &options);
    let der = issued.signature_certificate.clone().unwrap();
    assert!(issued.personalisation.file(&[0x1400, 0x9010]).unwrap().starts_with(&der));
    let signature_certificate = certificate(&der);
    let usage = signature_certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.non_repudiation() && !usage.digital_signature());
    let card = SoftCard::new_contact(issued.personalisation.clone(), Model::Cns11, Seeded::new(1)).unwrap();
    let mut transport = card.transport();
    let mut send =
        |command: &str| hex::encode_upper(transport.transmit(&hex::decode(command).unwrap()).unwrap());
    let info = Digest::of(DigestAlgorithm::Sha256, b"a message").digest_info();
    let sign = format!("002A9E9A{:02X}{}00", info.len(), hex::encode_upper(&info));
    for (command, answer) in [
        ("00A4080C0414008110", "9000"),
        ("0022F303", "9000"),
        ("0022F1B603830110", "9000"),
        // The holder's PIN is not this key's.
        ("00200090083132333435363738", "9000"),
        (&sign, "6982"),
        ("0020009A0831363138303333FF", "9000"),
    ] {
        assert_eq!(send(command), answer, "{command}");
    }
    // 256 bytes at once.
    let signature = hex::decode(send(&sign).strip_suffix("9000").unwrap()).unwrap();
    let key = RsaPublicKey::from_der(&signature_certificate.public_key().subject_public_key.data).unwrap();
    key.check_block(&info, &signature).unwrap();
}

#[test]
fn the_same_seed_makes_the_same_card() {
    let again = issued_with(Model::Cns11, &IssueOptions::default());
    let json = |issued: &Issued| serde_json::to_string(&issued.personalisation).unwrap();
    assert_eq!(json(&again), json(&issued(Model::Cns11)));
}
