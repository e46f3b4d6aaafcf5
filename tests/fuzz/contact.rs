//! Seeds for the targets of contact cards, from the worked examples.

use serde_json::Value;

use cie::iso7816::tlv;

use super::{Seeds, bytes, named};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../fixtures/vectors/cie2-cns.json")).unwrap()
}

pub(super) fn atrs(_: &Value) -> Seeds {
    let atrs = vectors()["atr"].as_array().unwrap().clone();
    let name = |(at, atr): (usize, &Value)| {
        (format!("{at:02}_{}", atr["expect"].as_str().unwrap()), bytes(&atr["atr"]))
    };
    let mut seeds: Seeds = atrs.iter().enumerate().map(name).collect();
    let unmarked = [&[0x3B, 0x8B, 0x80, 0x01, 0x00, 0x31, 0xC1, 0x64][..], &[0; 8]].concat();
    seeds.extend(named(&[("cns_unmarked", unmarked)]));
    seeds
}

pub(super) fn fci(_: &Value) -> Seeds {
    let vectors = vectors();
    let [file, folder] = [0, 1].map(|at| bytes(&vectors["fci"][at]["hex"]));
    let objects = tlv::parse(&file).unwrap().value.to_vec();
    let of = |objects: &[u8]| tlv::encode(0x62, objects);
    named(&[
        ("file", file),
        ("folder", folder),
        ("parameters_only", of(&objects)),
        ("application", of(&[tlv::encode(0x84, &[0xA0; 12]), tlv::encode(0x82, &[0x38])].concat())),
        ("empty", of(&[])),
        ("size_alone", of(&tlv::encode(0x80, &[1, 0x90]))),
        ("size_four_bytes", of(&tlv::encode(0x80, &[0, 0, 1, 0x90]))),
        ("repeated", of(&objects.repeat(2))),
        ("unknown_objects", of(&[tlv::encode(0xA5, &objects), tlv::encode(0x88, &[1])].concat())),
        ("pin_to_read", of(&tlv::encode(0x86, &[0x10; 9]))),
        ("unknown_condition", of(&tlv::encode(0x86, &[0x66, 0x20, 0x80]))),
        ("secure_messaging", of(&tlv::encode(0xCB, &[[0xFF; 23].as_slice(), &[1]].concat()))),
    ])
}

pub(super) fn personal_data(_: &Value) -> Seeds {
    let vectors = vectors();
    let list = |name: &str| vectors[name].as_array().unwrap().clone();
    let file = |vector: &Value| (vector["name"].as_str().unwrap().to_owned(), bytes(&vector["ef_hex"]));
    let mut seeds: Seeds = list("dati_personali").iter().map(file).collect();
    // Without most of the padding a file is changed where it says something.
    let mut short = seeds[0].1.clone();
    short.truncate(110);
    let replaced = |old: &[u8], new: &[u8]| {
        let at = short.windows(old.len()).position(|window| window == old).unwrap();
        [&short[..at], new, &short[at + old.len()..]].concat()
    };
    seeds.extend(named(&[
        ("not_ascii", replaced(b"CAVIA", b"CAVI\xC0")),
        ("control_latin_1", replaced(b"CAVIA", b"CAVI\x9B")),
        ("no_date", replaced(b"17031979", b"00001979")),
        ("no_sex", replaced(b"01F", b"01X")),
        ("nine_fields", [&b"000051"[..], &short[6..81]].concat()),
        ("short", short.clone()),
    ]));
    let malformed = list("dati_personali_malformed");
    seeds.extend(
        malformed
            .iter()
            .enumerate()
            .map(|(at, vector)| (format!("malformed_{at}"), bytes(&vector["ef_hex"]))),
    );
    seeds
}

pub(super) fn common_names(_: &Value) -> Seeds {
    let vectors = vectors();
    let text = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
    let binding = vectors["binding"].as_array().unwrap().iter().enumerate();
    let mut seeds: Seeds =
        binding.map(|(at, vector)| (format!("name_{at}"), text(&vector["common_name"]))).collect();
    let codes = &vectors["codice_fiscale"];
    for (at, vector) in codes["valid"].as_array().unwrap().iter().enumerate() {
        seeds.push((format!("code_{at}"), text(&vector["codice_fiscale"])));
        seeds.push((format!("omocodia_{at}"), text(&vector["omocodia_right_to_left"][at])));
    }
    let invalid = codes["invalid"].as_array().unwrap().iter().enumerate();
    seeds.extend(invalid.map(|(at, vector)| (format!("invalid_{at}"), text(&vector["value"]))));
    seeds
}
