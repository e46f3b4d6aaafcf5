//! Certificates written field by field, so that each may be wrong in one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cie::iso7816::tlv;
use hex_literal::hex;
use openssl::bn::BigNum;
use openssl::dsa::Dsa;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};

use crate::der::sequence;

/// A key by what kind it is and whose; made once. The kind is the first word.
pub fn key(name: &str) -> &'static PKey<Private> {
    static KEYS: Mutex<BTreeMap<String, &'static PKey<Private>>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    keys.entry(name.to_owned()).or_insert_with(|| Box::leak(Box::new(make(name))))
}

fn make(name: &str) -> PKey<Private> {
    let (kind, _) = name.split_once(' ').unwrap();
    let ec = |nid, flag| {
        let mut group = EcGroup::from_curve_name(nid).unwrap();
        group.set_asn1_flag(flag);
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let named = |nid| ec(nid, Asn1Flag::NAMED_CURVE);
    match kind {
        "p192" => named(Nid::X9_62_PRIME192V1),
        "p224" => named(Nid::SECP224R1),
        "p256" => named(Nid::X9_62_PRIME256V1),
        "p384" => named(Nid::SECP384R1),
        "p521" => named(Nid::SECP521R1),
        "k256" => named(Nid::SECP256K1),
        "bp256" => named(Nid::BRAINPOOL_P256R1),
        "bp384" => named(Nid::BRAINPOOL_P384R1),
        "bp512" => named(Nid::BRAINPOOL_P512R1),
        "written256" => ec(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE),
        "written384" => ec(Nid::SECP384R1, Asn1Flag::EXPLICIT_CURVE),
        "ed25519" => PKey::generate_ed25519().unwrap(),
        "dsa" => PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap(),
        rsa => {
            PKey::from_rsa(Rsa::generate(rsa.strip_prefix("rsa").unwrap().parse().unwrap()).unwrap()).unwrap()
        }
    }
}

pub fn spki(key: &PKey<Private>) -> Vec<u8> {
    key.public_key_to_der().unwrap()
}

/// How a signature is made, whatever the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    /// RSASSA-PSS with SHA-256.
    Pss,
}

const NULL: [u8; 2] = [5, 0];
const SHA256: [u8; 15] = hex!("300D06096086480165030402010500");
pub const RSA_ENCRYPTION: [u8; 11] = hex!("06092A864886F70D010101");
pub const RSASSA_PSS: [u8; 11] = hex!("06092A864886F70D01010A");

/// The AlgorithmIdentifier of a signature.
pub fn algorithm(key: &PKey<Private>, how: How) -> Vec<u8> {
    let rsa = |last| sequence(&[&hex!("06092A864886F70D0101"), &[last], &NULL]);
    let ecdsa = |last| sequence(&[&hex!("06082A8648CE3D0403"), &[last]]);
    match (key.id(), how) {
        (Id::RSA, How::Md5) => rsa(4),
        (Id::RSA, How::Sha1) => rsa(5),
        (Id::RSA, How::Sha256) => rsa(11),
        (Id::RSA, How::Sha384) => rsa(12),
        (Id::RSA, How::Sha512) => rsa(13),
        (Id::RSA, How::Pss) => {
            let mask = sequence(&[&hex!("06092A864886F70D010108"), &SHA256]);
            let parameters =
                sequence(&[&tlv::encode(0xA0, &SHA256), &tlv::encode(0xA1, &mask), &hex!("A203020120")]);
            sequence(&[&RSASSA_PSS, &parameters])
        }
        (Id::EC, How::Sha1) => sequence(&[&hex!("06072A8648CE3D0401")]),
        (Id::EC, How::Sha384) => ecdsa(3),
        (Id::EC, How::Sha512) => ecdsa(4),
        (Id::EC, _) => ecdsa(2),
        (Id::DSA, _) => sequence(&[&hex!("0609608648016503040302")]),
        (Id::ED25519, _) => sequence(&[&hex!("06032B6570")]),
        _ => panic!("no such key"),
    }
}

fn sign(key: &PKey<Private>, how: How, message: &[u8]) -> Vec<u8> {
    let digest = match how {
        How::Md5 => MessageDigest::md5(),
        How::Sha1 => MessageDigest::sha1(),
        How::Sha384 => MessageDigest::sha384(),
        How::Sha512 => MessageDigest::sha512(),
        How::Sha256 | How::Pss => MessageDigest::sha256(),
    };
    let mut signer = match key.id() {
        Id::ED25519 => Signer::new_without_digest(key),
        _ => Signer::new(digest, key),
    }
    .unwrap();
    if how == How::Pss {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    signer.sign_oneshot_to_vec(message).unwrap()
}

/// A name with one attribute, commonName.
pub fn name(text: &str) -> Vec<u8> {
    relative(&[(&hex!("550403"), 0x0C, text.as_bytes())])
}

/// A name: object identifier, string type and value of each attribute.
pub fn relative(attributes: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
    let attributes = attributes.iter().map(|(oid, kind, value)| {
        tlv::encode(0x31, &sequence(&[&tlv::encode(6, oid), &tlv::encode(*kind, value)]))
    });
    tlv::encode(0x30, &attributes.collect::<Vec<_>>().concat())
}

pub fn utc(text: &str) -> Vec<u8> {
    tlv::encode(0x17, text.as_bytes())
}

pub fn generalized(text: &str) -> Vec<u8> {
    tlv::encode(0x18, text.as_bytes())
}

/// Extensions, by the last number of their object identifier, 2.5.29.x.
pub const SUBJECT_KEY: u8 = 14;
pub const KEY_USAGE: u8 = 15;
pub const ALTERNATIVE_NAME: u8 = 17;
pub const BASIC: u8 = 19;
pub const NAME_CONSTRAINTS: u8 = 30;
pub const POLICIES: u8 = 32;
pub const AUTHORITY_KEY: u8 = 35;
pub const POLICY_CONSTRAINTS: u8 = 36;
pub const EXTENDED_USAGE: u8 = 37;

pub const AUTHORITY: [u8; 5] = hex!("30030101FF");
pub const DIGITAL_SIGNATURE: [u8; 4] = hex!("03020780");
pub const CERT_AND_CRL_SIGN: [u8; 4] = hex!("03020106");
pub const CRL_SIGN: [u8; 4] = hex!("03020102");
const CIE3: [u8; 10] = hex!("3008300606042B4C2F04");

/// basicConstraints of an authority with at most so many below it.
pub fn path_length(most: u8) -> Vec<u8> {
    sequence(&[&hex!("0101FF"), &[2, 1, most]])
}

/// extKeyUsage: the last number of each, below 1.3.6.1.5.5.7.3.
pub fn extended_usage(numbers: &[u8]) -> Vec<u8> {
    let usages = numbers.iter().map(|number| [&hex!("06082B060105050703")[..], &[*number]].concat());
    tlv::encode(0x30, &usages.collect::<Vec<_>>().concat())
}

/// nameConstraints with names of the directory: permitted (0xA0) or excluded (0xA1).
pub fn subtree(kind: u32, name: &[u8]) -> Vec<u8> {
    sequence(&[&tlv::encode(kind, &sequence(&[&tlv::encode(0xA4, name)]))])
}

#[derive(Clone)]
pub struct Extension {
    /// With tag and length.
    pub oid: Vec<u8>,
    pub critical: bool,
    pub value: Vec<u8>,
}

impl Extension {
    pub fn new(number: u8, critical: bool, value: &[u8]) -> Self {
        Self { oid: vec![6, 3, 0x55, 0x1D, number], critical, value: value.to_vec() }
    }

    /// One that nobody knows.
    pub fn unknown(critical: bool) -> Self {
        Self { oid: hex!("06042A030405").to_vec(), critical, value: vec![5, 0] }
    }

    fn encode(&self) -> Vec<u8> {
        let critical: &[u8] = if self.critical { &[1, 1, 0xFF] } else { &[] };
        sequence(&[&self.oid, critical, &tlv::encode(4, &self.value)])
    }
}

/// A certificate before it is signed. What is `None` follows from its issuer.
#[derive(Clone)]
pub struct Draft {
    pub key: &'static PKey<Private>,
    /// Instead of the key's own.
    pub spki: Option<Vec<u8>>,
    pub version: u8,
    /// Content of the INTEGER.
    pub serial: Vec<u8>,
    pub subject: Vec<u8>,
    pub issuer: Option<Vec<u8>>,
    pub signer: Option<&'static PKey<Private>>,
    pub how: How,
    /// What stands inside the signed part instead of the algorithm outside.
    pub inner_algorithm: Option<Vec<u8>>,
    pub from: Vec<u8>,
    pub until: Vec<u8>,
    pub extensions: Vec<Extension>,
    /// Whether it names its issuer's key.
    pub names_key: bool,
    /// After the extensions, within the signed part.
    pub rest: Vec<u8>,
    /// What becomes of the whole in the end.
    pub finish: fn(Vec<u8>) -> Vec<u8>,
}

fn key_identifier(spki: &[u8]) -> Vec<u8> {
    hash(MessageDigest::sha256(), spki).unwrap()[..20].to_vec()
}

impl Draft {
    fn new(subject: &str, key: &'static PKey<Private>, extensions: Vec<Extension>) -> Self {
        Self {
            key,
            spki: None,
            version: 2,
            serial: vec![7],
            subject: name(subject),
            issuer: None,
            signer: None,
            how: How::Sha256,
            inner_algorithm: None,
            from: utc("200101000000Z"),
            until: utc("491231235959Z"),
            extensions,
            names_key: true,
            rest: Vec::new(),
            finish: |der| der,
        }
    }

    pub fn authority(subject: &str, key: &'static PKey<Private>) -> Self {
        let basic = Extension::new(BASIC, true, &AUTHORITY);
        let usage = Extension::new(KEY_USAGE, true, &CERT_AND_CRL_SIGN);
        Self::new(subject, key, vec![basic, usage])
    }

    pub fn holder(key: &'static PKey<Private>) -> Self {
        let usage = Extension::new(KEY_USAGE, true, &DIGITAL_SIGNATURE);
        Self::new("A holder", key, vec![usage, Extension::new(POLICIES, false, &CIE3)])
    }

    /// An extension of its own, in the place of one of its kind.
    pub fn set(&mut self, number: u8, critical: bool, value: &[u8]) {
        self.remove(number);
        self.extensions.push(Extension::new(number, critical, value));
    }

    pub fn remove(&mut self, number: u8) {
        self.extensions.retain(|extension| extension.oid != [6, 3, 0x55, 0x1D, number]);
    }

    pub fn public_key(&self) -> Vec<u8> {
        self.spki.clone().unwrap_or_else(|| spki(self.key))
    }

    /// Signed by the key of another, or by its own.
    pub fn issued_by(&self, issuer: &Self) -> Vec<u8> {
        let signer = self.signer.unwrap_or(issuer.key);
        let outer = algorithm(signer, self.how);
        let mut extensions: Vec<_> = self.extensions.iter().map(Extension::encode).collect();
        let has = |number| self.extensions.iter().any(|e| e.oid == [6, 3, 0x55, 0x1D, number]);
        if !has(SUBJECT_KEY) {
            let value = tlv::encode(4, &key_identifier(&self.public_key()));
            extensions.push(Extension::new(SUBJECT_KEY, false, &value).encode());
        }
        if self.names_key && !has(AUTHORITY_KEY) {
            let value = sequence(&[&tlv::encode(0x80, &key_identifier(&issuer.public_key()))]);
            extensions.push(Extension::new(AUTHORITY_KEY, false, &value).encode());
        }
        let extensions = match self.version {
            0 => Vec::new(),
            _ => tlv::encode(0xA3, &tlv::encode(0x30, &extensions.concat())),
        };
        let version = match self.version {
            0 => Vec::new(),
            version => tlv::encode(0xA0, &[2, 1, version]),
        };
        let signed = sequence(&[
            &version,
            &tlv::encode(2, &self.serial),
            self.inner_algorithm.as_ref().unwrap_or(&outer),
            self.issuer.as_ref().unwrap_or(&issuer.subject),
            &sequence(&[&self.from, &self.until]),
            &self.subject,
            &self.public_key(),
            &extensions,
            &self.rest,
        ]);
        let signature = [&[0][..], &sign(signer, self.how, &signed)].concat();
        (self.finish)(sequence(&[&signed, &outer, &tlv::encode(3, &signature)]))
    }
}

/// The parameters of P-256 with another generator, written out, and `point` as the public key on it
/// (RFC 3279 section 2.3.5).
pub fn with_another_generator(point: &[u8], generator: &[u8]) -> Vec<u8> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let mut context = openssl::bn::BigNumContext::new().unwrap();
    let [mut p, mut a, mut b] = [(); 3].map(|()| BigNum::new().unwrap());
    group.components_gfp(&mut p, &mut a, &mut b, &mut context).unwrap();
    let mut order = BigNum::new().unwrap();
    group.order(&mut order, &mut context).unwrap();
    let integer = |number: &BigNum| tlv::encode(2, &[&[0][..], &number.to_vec()].concat());
    let element = |number: &BigNum| tlv::encode(4, &number.to_vec_padded(32).unwrap());
    let field = sequence(&[&hex!("06072A8648CE3D0101"), &integer(&p)]);
    let curve = sequence(&[&element(&a), &element(&b)]);
    let parameters =
        sequence(&[&[2, 1, 1], &field, &curve, &tlv::encode(4, generator), &integer(&order), &[2, 1, 1]]);
    let algorithm = sequence(&[&hex!("06072A8648CE3D0201"), &parameters]);
    sequence(&[&algorithm, &tlv::encode(3, &[&[0][..], point].concat())])
}
