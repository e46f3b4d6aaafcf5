//! A card personalised with the keys of the worked examples, and a terminal small enough to be read.

use cie::crypto::{cipher, sha256};
use cie::emulator::entropy::Scripted;
use cie::emulator::personalisation::{
    CardKey, CertificationKey, DhGroup, Directory, ElementaryFile, Personalisation, ReadAccess,
};
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::iso7816::{Command, tlv};
use cie::secret::TripleDesKey;
use cie::transport::Transport;
use serde_json::Value;

pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../fixtures/vectors/cie3-ias.json")).unwrap()
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn upper(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

fn key(modulus: &Value, exponent: &Value) -> CardKey {
    CardKey {
        modulus: hex(modulus),
        public_exponent: vec![1, 0, 1],
        private_exponent: hex(exponent),
        prime_p: Vec::new(),
        prime_q: Vec::new(),
    }
}

pub(crate) fn personalisation(v: &Value) -> Personalisation {
    let file = |directory, identifier, short_identifier, access, content| ElementaryFile {
        directory,
        identifier,
        short_identifier,
        access,
        content,
    };
    let (root, cie) = (Directory::Root, Directory::Cie);
    let (always, holder) = (ReadAccess::Always, ReadAccess::Holder);
    let ca = &v["test_ca"];
    let internal = &v["internal_auth"];
    Personalisation {
        files: vec![
            file(root, 0x2F01, 0x1D, always, b"IasEccRoot\x82\x02\x90\x00\x00\x00".to_vec()),
            file(cie, 0x1001, 1, always, hex(&v["nis_flow"]["ef_1001"])),
            file(cie, 0x1002, 2, holder, b"CA00000AA   ".to_vec()),
            file(cie, 0x1003, 3, holder, (0..128).collect()),
            file(cie, 0x1004, 4, always, hex(&internal["ef_1004"])),
            file(cie, 0x1005, 5, always, hex(&v["nis_flow"]["ef_1005"])),
            file(cie, 0x1006, 6, always, (0..600_u16).map(|n| n.to_be_bytes()[1]).collect()),
        ],
        holder_key: key(&v["signing"]["test_user_modulus"], &v["signing"]["test_user_private_exponent"]),
        device_key: key(&internal["test_icc_modulus"], &internal["test_icc_private_exponent"]),
        services_key: key(&v["nis_flow"]["test_modulus"], &v["nis_flow"]["test_private_exponent"]),
        certification_key: CertificationKey {
            modulus: hex(&ca["modulus"]),
            public_exponent: hex(&ca["public_exponent"]),
            holder_reference: hex(&ca["chr"]),
            holder_authorisation: hex(&ca["cha"]),
        },
        dh_group: DhGroup { g: hex(&v["dh"]["g"]), p: hex(&v["dh"]["p"]), q: hex(&v["dh"]["q"]) },
        serial_number: hex(&internal["sn_icc"]).try_into().unwrap(),
        pin: *b"12345678",
        puk: *b"87654321",
    }
}

/// What the card draws in the worked session. The exponent is 1 + (drawn mod (q − 1)).
pub(crate) fn draws(v: &Value) -> Scripted {
    Scripted::new([
        ("DH.y", exponent_draw(&v["dh"]["icc_private"])),
        ("RND.ICC", hex(&v["external_auth"]["rnd_icc"])),
        ("PRND.ICC", hex(&v["internal_auth"]["prnd"])),
        ("RND.ICC", vec![0x5A; 8]),
    ])
}

pub(crate) fn exponent_draw(exponent: &Value) -> Vec<u8> {
    let mut drawn = [vec![0; 8], hex(exponent)].concat();
    let last = drawn.last_mut().unwrap();
    *last = last.checked_sub(1).unwrap();
    drawn
}

pub(crate) fn card(v: &Value, chip: Chip) -> SoftCard {
    SoftCard::new(personalisation(v), chip, draws(v)).unwrap()
}

/// One exchange in hex, GET RESPONSE not included.
pub(crate) fn send(transport: &mut impl Transport, command: &str) -> String {
    upper(&transport.transmit(&hex::decode(command).unwrap()).unwrap())
}

/// One exchange with its 61xx pieces collected.
pub(crate) fn send_all(transport: &mut impl Transport, command: &str) -> String {
    let mut answer = send(transport, command);
    while let Some(at) = answer.len().checked_sub(4).filter(|at| answer[*at..].starts_with("61")) {
        let waiting = answer.split_off(at);
        answer += &send(transport, &format!("00C00000{}", &waiting[2..]));
    }
    answer
}

pub(crate) const SELECT_IAS: &str = "00A4040C0DA0000000308000000009816001";
pub(crate) const SELECT_CIE: &str = "00A4040C06A00000000039";

/// Selects the application and agrees on keys, as in the worked example.
pub(crate) fn agree(transport: &mut SoftTransport, v: &Value) {
    send(transport, SELECT_IAS);
    assert_eq!(send(transport, SELECT_CIE), "9000");
    for fragment in v["dh_apdus"]["mse_set_kat_chain"].as_array().unwrap() {
        assert_eq!(send(transport, fragment.as_str().unwrap()), "9000");
    }
}

/// Carries out steps of the worked session.
pub(crate) fn play(transport: &mut SoftTransport, v: &Value, steps: std::ops::Range<usize>) {
    for step in &v["session_transcript"]["steps"].as_array().unwrap()[steps] {
        let name = &step["step"];
        let answer = send(transport, step["apdu"].as_str().unwrap());
        let Some(parts) = step.get("response_parts") else {
            assert_eq!(answer, step["response"], "{name}");
            continue;
        };
        assert_eq!(answer, parts[0], "{name}");
        assert_eq!(send(transport, step["get_response"].as_str().unwrap()), parts[1], "{name}");
    }
}

/// The terminal's end of secure messaging, with the keys of the worked session.
pub(crate) struct Channel {
    enc: TripleDesKey,
    mac: TripleDesKey,
    pub(crate) ssc: u64,
}

impl Channel {
    pub(crate) fn new(v: &Value, ssc: u64) -> Self {
        let key = |name: &str| TripleDesKey::new(&hex(&v["dh"][name]).try_into().unwrap());
        Self { enc: key("kenc"), mac: key("kmac"), ssc }
    }

    fn checksum(&mut self, parts: &[u8]) -> [u8; 8] {
        self.ssc += 1;
        let input = [&self.ssc.to_be_bytes()[..], parts].concat();
        cipher::retail_mac(&self.mac, &cipher::pad(&input)).unwrap()
    }

    /// Protects a command given as in clear: header, Lc, data, Le.
    pub(crate) fn protect(&mut self, clear: &str) -> String {
        // The instruction's lowest bit decides about the form.
        if hex::decode(clear).unwrap()[1] & 1 == 1 {
            self.protect_as(clear, 0x85, &[])
        } else {
            self.protect_as(clear, 0x87, &[1])
        }
    }

    /// The same with the cryptogram under this tag, behind this indicator.
    pub(crate) fn protect_as(&mut self, clear: &str, tag: u32, indicator: &[u8]) -> String {
        let clear = Command::parse(&hex::decode(clear).unwrap()).unwrap();
        let [cla, ins, p1, p2] = clear.header();
        let header = [cla | 0x0C, ins, p1, p2];
        let mut objects = Vec::new();
        if !clear.data().is_empty() {
            objects = self.cryptogram(tag, indicator, clear.data());
        }
        if let Some(ne) = clear.ne() {
            objects.extend(tlv::encode(0x97, &[ne.to_be_bytes()[3]]));
        }
        let checksum = self.seal(header, &objects);
        wire(header, &[objects, checksum].concat())
    }

    /// The data object of enciphered data.
    pub(crate) fn cryptogram(&self, tag: u32, indicator: &[u8], data: &[u8]) -> Vec<u8> {
        let blocks = cipher::encrypt(&self.enc, &cipher::pad(data)).unwrap();
        tlv::encode(tag, &[indicator, &blocks].concat())
    }

    /// The data object of the checksum that is right for a command of these objects.
    pub(crate) fn seal(&mut self, header: [u8; 4], objects: &[u8]) -> Vec<u8> {
        let mac = self.checksum(&[&cipher::pad(&header), objects].concat());
        tlv::encode(0x8E, &mac)
    }

    /// Opens an answer: data and status word in hex.
    pub(crate) fn open(&mut self, answer: &str) -> String {
        let bytes = hex::decode(answer.strip_suffix("9000").unwrap()).unwrap();
        let (objects, mac) = bytes.split_at(bytes.len() - 10);
        let expected = self.checksum(objects);
        assert_eq!(mac[2..], expected);
        let status = tlv::find(objects, 0x99).unwrap();
        let blocks = match (tlv::find(objects, 0x87), tlv::find(objects, 0x85)) {
            (Ok([1, blocks @ ..]), _) | (_, Ok(blocks)) => blocks,
            _ => return upper(status),
        };
        let padded = cipher::decrypt(&self.enc, blocks).unwrap();
        upper(cipher::unpad(&padded).unwrap()) + &upper(status)
    }

    /// One protected exchange.
    pub(crate) fn send(&mut self, transport: &mut SoftTransport, clear: &str) -> String {
        let protected = self.protect(clear);
        self.open(&send_all(transport, &protected))
    }
}

/// A protected command as it travels.
pub(crate) fn wire([cla, ins, p1, p2]: [u8; 4], objects: &[u8]) -> String {
    upper(&Command::new(cla, ins, p1, p2).with_data(objects).with_ne(256).encode().unwrap())
}

/// A card with a channel between authenticated devices, before the PIN.
pub(crate) fn authenticated(v: &Value, card: &SoftCard) -> (SoftTransport, Channel) {
    card.reset_by_other();
    let mut transport = card.transport();
    agree(&mut transport, v);
    play(&mut transport, v, 0..9);
    (transport, Channel::new(v, 0x9522_81A0_1639_0F4E))
}

/// A number for fixed-seed sampling.
pub(crate) fn sample(seed: u64, index: u64) -> [u8; 32] {
    sha256(&[&seed.to_be_bytes(), &index.to_be_bytes()])
}

pub(crate) const VERIFY_RIGHT: &str = "00200081083132333435363738";
pub(crate) const VERIFY_WRONG: &str = "00200081083030303030303030";
pub(crate) const VERIFY_PUK: &str = "00200082083837363534333231";
pub(crate) const VERIFY_WRONG_PUK: &str = "00200082083030303030303030";
