//! Writes the corpus of the fuzz targets from the worked examples and the software card.
#![cfg(feature = "emulator")]

mod contact;
mod traces;
mod trust;
mod web_eid;

use serde_json::Value;

use cie::crypto::signature::RsaPublicKey;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::Generation;
use cie::iso7816::tlv;
use cie::passive::ClaimedSecurityObject;

use crate::common::{demo, now};
use crate::der::{entry, replace, sequence};

type Seeds = Vec<(String, Vec<u8>)>;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../fixtures/vectors/cie3-ias.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn hexadecimal(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn named(seeds: &[(&str, Vec<u8>)]) -> Seeds {
    seeds.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect()
}

fn file(card: &Personalisation, identifier: u16) -> Vec<u8> {
    let content = &card.files.iter().find(|file| file.identifier == identifier).unwrap().content;
    tlv::encoded_length(content).map_or(&content[..], |length| &content[..length]).to_vec()
}

fn apdu(vectors: &Value) -> Seeds {
    let wrapped = vectors["sm_wrap"].as_object().unwrap().iter();
    let mut seeds: Seeds = wrapped.map(|(name, vector)| (name.clone(), bytes(&vector["apdu"]))).collect();
    seeds.extend(named(&[
        ("case_1", hexadecimal("00220000")),
        ("case_2_extended", hexadecimal("00B00000000000")),
        ("case_4_extended", [&hexadecimal("002A00AE000100")[..], &[7; 256], &[1, 0]].concat()),
        ("response_data", [bytes(&vectors["nis_flow"]["ef_1001"]), hexadecimal("9000")].concat()),
        ("response_status", hexadecimal("63C2")),
    ]));
    seeds
}

fn tlv_objects(vectors: &Value) -> Seeds {
    let dh = &vectors["dh_apdus"];
    let nested = (0..20).fold(Vec::new(), |inside, _| tlv::encode(0x70, &inside));
    named(&[
        ("icc_key", bytes(&dh["get_data_icc_key_rsp"])),
        ("domain_parameter", bytes(&dh["get_data_q_rsp"])),
        ("domain_parameters", bytes(&dh["get_data_all_rsp"])),
        ("certification_key", bytes(&vectors["test_ca"]["get_data_response"])),
        ("key_agreement", bytes(&dh["mse_set_kat_data"])),
        ("certificate", bytes(&vectors["cvc"]["pso_data"])),
        ("protected", bytes(&vectors["sm_unwrap"]["data_264"]["response"])),
        ("protected_status", bytes(&vectors["sm_unwrap"]["wrong_pin_63c2"]["response"])),
        ("three_byte_tag", hexadecimal("70820004BFA10100")),
        ("long_lengths", hexadecimal("0481020102048200010104830000010104840000000101")),
        ("tag_zero", hexadecimal("0000")),
        ("nested", nested),
        ("padded", [&hexadecimal("5A0A")[..], &[9; 10], &[0; 20]].concat()),
    ])
}

fn secure_messaging(vectors: &Value) -> Seeds {
    let mut seeds = Seeds::new();
    let mut head = Vec::new();
    for (name, vector) in vectors["sm_unwrap"].as_object().unwrap() {
        let ins = if name == "odd_ins_data" { 0xB1 } else { 0xB0 };
        head =
            [&[0, ins][..], &bytes(&vector["kenc"]), &bytes(&vector["kmac"]), &bytes(&vector["ssc_before"])]
                .concat();
        let response = [bytes(&vector["response"]), vec![0x90, 0]].concat();
        seeds.push((format!("response_{name}"), [&head[..], &response].concat()));
    }
    let mut with_mode = |name: &str, mode: u8, ins: u8, rest: &[u8]| {
        head[..2].copy_from_slice(&[mode, ins]);
        seeds.push((name.to_owned(), [&head[..], rest].concat()));
    };
    let status = hexadecimal("99029000");
    let data = [&hexadecimal("871101")[..], &[5; 16]].concat();
    with_mode("objects_status", 1, 0xB0, &status);
    with_mode("objects_data", 1, 0xB0, &[&data[..], &status].concat());
    with_mode("objects_swapped", 1, 0xB0, &[&status[..], &data].concat());
    with_mode("objects_odd", 1, 0xB1, &[&tlv::encode(0x85, &[5; 16])[..], &status].concat());
    with_mode("objects_twice", 1, 0xB0, &status.repeat(2));
    with_mode("clear_nothing", 2, 0xB0, &[]);
    with_mode("clear_text", 2, 0xB1, b"000000000001");
    with_mode("blocks_padded", 3, 0xB0, &hexadecimal("0102030480000000"));
    with_mode("blocks_unpadded", 3, 0xB0, &[7; 16]);
    with_mode("blocks_over_padded", 3, 0xB0, &hexadecimal("01020304050607800000000000000000"));
    seeds
}

fn rsa_public_keys(vectors: &Value) -> Seeds {
    let modulus = bytes(&vectors["constants"]["ifd_modulus"]);
    let key =
        |modulus: &[u8], exponent: &[u8]| RsaPublicKey::new(modulus, exponent).unwrap().to_der().unwrap();
    // What the bounds refuse has to be written by hand.
    let by_hand = |modulus: &[u8], exponent: &[u8]| {
        sequence(&[&tlv::encode(2, &[&[0], modulus].concat()), &tlv::encode(2, exponent)])
    };
    let even = [&modulus[..255], &[0xFE]].concat();
    named(&[
        ("device", bytes(&vectors["internal_auth"]["ef_1004"])),
        ("services", bytes(&vectors["nis_flow"]["ef_1005"])),
        ("emulator_device", file(&demo().personalisation, 0x1004)),
        ("emulator_services", file(&demo().personalisation, 0x1005)),
        ("exponent_3", key(&modulus, &[3])),
        ("exponent_64_bits", key(&modulus, &[0xFF; 8])),
        ("bits_1024", key(&[0x81; 128], &[1, 0, 1])),
        ("bits_1032", key(&[0x81; 129], &[3])),
        ("bits_4096", key(&[0xFF; 512], &[1, 0, 1])),
        ("even_modulus", by_hand(&even, &[3])),
        ("even_exponent", by_hand(&modulus, &[4])),
        ("long_exponent", by_hand(&modulus, &[0x7F; 9])),
        ("negative", sequence(&[&tlv::encode(2, &modulus), &[2, 1, 3]])),
        ("padded", [bytes(&vectors["nis_flow"]["ef_1005"]), vec![0; 10]].concat()),
    ])
}

fn cards() -> [&'static Personalisation; 2] {
    static FIRST: std::sync::OnceLock<Personalisation> = std::sync::OnceLock::new();
    let first = FIRST.get_or_init(|| {
        let options = IssueOptions {
            generation: Generation::First,
            extended_key_usage: true,
            ..IssueOptions::default()
        };
        issue(&demo().pki, &demo().citizen, &options, &mut Seeded::new(2), now()).unwrap()
    });
    [first, &demo().personalisation]
}

/// `certificate` without its extensions, with others, or with other fields of its TBSCertificate.
fn certificates(_: &Value) -> Seeds {
    let pki = &demo().pki;
    let [first, second] = cards().map(|card| file(card, 0x1003));
    let field = |at: usize, new: &[u8]| replace(&second, &[0, at], &|_| new.to_vec());
    let empty_extensions = tlv::encode(0xA3, &[0x30, 0]);
    let any_usage = hexadecimal("300F0603551D25040830060604551D2500");
    let one_extension = tlv::encode(0xA3, &sequence(&[&any_usage]));
    named(&[
        ("root", pki.root_der().to_vec()),
        ("sub_ca", pki.sub_ca_der().to_vec()),
        ("csca", pki.csca_der().to_vec()),
        ("document_signer", pki.document_signer_der().to_vec()),
        ("holder", second.clone()),
        ("holder_with_usage", first),
        ("no_extensions", field(7, &[])),
        ("empty_extensions", field(7, &empty_extensions)),
        ("one_extension", field(7, &one_extension)),
        ("empty_names", replace(&field(3, &[0x30, 0]), &[0, 5], &|_| vec![0x30, 0])),
        ("version_1", replace(&field(7, &[]), &[0, 0], &|_| Vec::new())),
        ("generalized_time", field(4, &validity("20200101000000Z", "99991231235959Z"))),
        ("padded", [second.clone(), vec![0; 16]].concat()),
    ])
}

fn validity(from: &str, to: &str) -> Vec<u8> {
    sequence(&[&tlv::encode(0x18, from.as_bytes()), &tlv::encode(0x18, to.as_bytes())])
}

fn security_objects(_: &Value) -> Seeds {
    let [first, second] = cards().map(|card| file(card, 0x1006));
    // Without certificate and with a short signature: a small file is changed in more places.
    let small = replace(&first, &[0, 1, 0, 3], &|_| Vec::new());
    let small = replace(&small, &[0, 1, 0, 3, 0, 5], &|_| tlv::encode(4, &[1; 8]));
    let small = replace(&small, &[0, 1, 0, 3, 0, 1], &|_| tlv::encode(0x80, &[7; 20]));
    let content = |lds: &[u8]| replace(&small, &[0, 1, 0, 2, 1, 0], &|_| tlv::encode(4, lds));
    let lds = |algorithm: &str, length: usize, numbers: &[&[u8]], rest: &[u8]| {
        let algorithm = tlv::encode(0x30, &hexadecimal(algorithm));
        let entries: Vec<u8> = numbers.iter().flat_map(|number| entry(number, &vec![7; length])).collect();
        content(&sequence(&[&[2, 1, 1], &algorithm, &tlv::encode(0x30, &entries), rest]))
    };
    let sha_256 = "0609608648016503040201";
    let info = sequence(&[&tlv::encode(0x13, b"0108"), &tlv::encode(0x13, b"040000")]);
    let numbers: Vec<[u8; 1]> = (0..32).map(|number| [number]).collect();
    let numbers: Vec<&[u8]> = numbers.iter().map(<[u8; 1]>::as_slice).collect();
    let attributes = |set: &[u8]| {
        let set = tlv::parse(set).unwrap().value;
        let swapped: Vec<Vec<u8>> = tlv::Reader::new(set).map(|a| a.unwrap().encoded.to_vec()).collect();
        let strange = sequence(&[&[6, 6, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], &[0x31, 2, 5, 0]]);
        tlv::encode(0xA0, &[strange, swapped[1].clone(), swapped[0].clone()].concat())
    };
    named(&[
        ("first_generation", first.clone()),
        ("second_generation", second.clone()),
        ("padded", [second, vec![0; 300]].concat()),
        ("kept_rsa", include_bytes!("../../fixtures/security-objects/rsa-sha256.sod").to_vec()),
        ("kept_pss", include_bytes!("../../fixtures/security-objects/pss-sha512.sod").to_vec()),
        ("kept_ecdsa", include_bytes!("../../fixtures/security-objects/ecdsa-sha256.sod").to_vec()),
        ("small", small.clone()),
        ("sha_1_null", lds("06052B0E03021A0500", 20, &[&[1], &[2]], &[])),
        ("sha_384", lds("0609608648016503040202", 48, &[&[0xA5]], &[])),
        ("positive_numbers", lds(sha_256, 32, &[&[0, 0xA5], &[0xA4]], &info)),
        ("many_files", lds(sha_256, 32, &numbers, &info)),
        ("twice", lds(sha_256, 32, &[&[0xA5], &[0, 0xA5]], &[])),
        ("wrong_length", lds(sha_256, 31, &[&[0xA5]], &[])),
        ("unsorted_attributes", replace(&small, &[0, 1, 0, 3, 0, 3], &attributes)),
        ("unsigned", replace(&small, &[0, 1, 0, 3], &|_| vec![0x31, 0])),
        (
            "two_signers",
            replace(&small, &[0, 1, 0, 3], &|set| {
                tlv::encode(0x31, &tlv::parse(set).unwrap().value.repeat(2))
            }),
        ),
    ])
}

/// What the EF.SODs sign, as far as it can be read; and what no LDS security object is.
fn lds_security_objects(vectors: &Value) -> Seeds {
    let mut seeds: Seeds = Vec::new();
    for (name, sod) in security_objects(vectors) {
        let content = ClaimedSecurityObject::parse(&sod).ok();
        let content = content.and_then(|object| object.signed_data().content().map(<[u8]>::to_vec));
        if let Some(content) = content.filter(|content| seeds.iter().all(|(_, other)| other != content)) {
            seeds.push((name, content));
        }
    }
    let (_, whole) = seeds.iter().find(|(name, _)| name == "second_generation").unwrap().clone();
    seeds.extend(named(&[
        ("version_2", replace(&whole, &[0], &|_| vec![2, 1, 2])),
        ("no_files", replace(&whole, &[2], &|_| vec![0x30, 0])),
        ("no_version_info", replace(&whole, &[3], &|_| Vec::new())),
        ("long_version", replace(&whole, &[3, 0], &|_| tlv::encode(0x13, &[b'1'; 17]))),
    ]));
    seeds
}

/// Writes the seeds anew; `cargo test --features fuzzing,emulator --test fuzz make_corpus -- --ignored`.
#[test]
#[ignore = "writes into the source tree"]
fn make_corpus() {
    let vectors = vectors();
    for (target, seeds) in [
        ("apdu", apdu as fn(&Value) -> Seeds),
        ("atr", contact::atrs),
        ("certificate", certificates),
        ("common_name", contact::common_names),
        ("fci", contact::fci),
        ("import_hex_list", traces::hex_lists),
        ("import_opensc", traces::opensc),
        ("import_pcsc_spy", traces::pcsc_spy),
        ("import_pcscd", traces::pcscd),
        ("import_scriptor", traces::scriptor),
        ("lds_security_object", lds_security_objects),
        ("native_message", web_eid::messages),
        ("ocsp_response", trust::ocsp_responses),
        ("personal_data", contact::personal_data),
        ("revocation_list", trust::revocation_lists),
        ("rsa_public_key", rsa_public_keys),
        ("secure_messaging_unwrap", secure_messaging),
        ("security_object", security_objects),
        ("tlv", tlv_objects),
        ("token", trust::tokens),
        ("trace", traces::traces),
    ] {
        let folder = crate::corpus_folder(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in seeds(&vectors) {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
