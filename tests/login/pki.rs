//! A little PKI without the mark of a test, for certificates that the software cards' own does not make: a root, an
//! issuing authority, holders with choices, and somebody who only has the same names. Made by OpenSSL.

use std::sync::OnceLock;

use base64ct::{Base64, Encoding};
use cie::iso7816::tlv::encode;
use cie::login::{Nonce, Origin};
use cie::trust::{AnchorPurpose, Certificate, TrustStore};
use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

use crate::common::NOW;

pub const ROOT: &str = "A root for holders";
pub const AUTHORITY: &str = "An authority for holders";
/// The invented holder: fiscal code, document number, surname, given names.
pub const HOLDER: [&str; 4] = ["CVAPVN79C57G999T", "CA00099ZZ", "Provina", "Cavia Zenobia"];
pub const CIE3: &str = "1.3.76.47.4";
pub const ROOT_LIST: &str = "http://lists.example/root.crl";
pub const LIST: &str = "http://lists.example/authority.crl";
pub const RESPONDER: &str = "http://status.example/";

/// Keys are expensive: each has its place, whatever certificate it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Root,
    Authority,
    Holder,
    Responder,
    Stranger,
    /// 1024 bits, as on cards of before 2012.
    Old,
}

pub fn key(whose: Whose) -> &'static PKey<Private> {
    static KEYS: [OnceLock<PKey<Private>>; 6] = [const { OnceLock::new() }; 6];
    let bits = if whose == Whose::Old { 1024 } else { 2048 };
    KEYS[whose as usize].get_or_init(|| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
}

/// A certificate, and the key that belongs to it.
#[derive(Clone)]
pub struct Made {
    pub x509: X509,
    pub der: Vec<u8>,
    pub key: &'static PKey<Private>,
}

/// What a certificate is to say; what a holder's says unless changed.
#[derive(Clone)]
pub struct Profile {
    pub subject: Vec<(&'static str, String)>,
    pub serial: u32,
    pub key: Whose,
    pub days: (i64, i64),
    pub policy: Option<&'static str>,
    pub usage: fn(&mut KeyUsage),
    /// Object identifiers of extKeyUsage.
    pub extended: Vec<&'static str>,
    pub lists: Vec<&'static str>,
    pub responders: Vec<&'static str>,
    /// basicConstraints cA, with its pathLenConstraint.
    pub authority: Option<Option<u32>>,
    pub no_check: bool,
    /// Whether it names its issuer's key.
    pub names_key: bool,
    pub digest: MessageDigest,
}

fn named(common_name: &str) -> Vec<(&'static str, String)> {
    vec![("C", "IT".to_owned()), ("CN", common_name.to_owned())]
}

/// A holder's certificate, as on a CIE 3.
pub fn holder() -> Profile {
    let [code, number, surname, names] = HOLDER.map(str::to_owned);
    Profile {
        subject: vec![
            ("C", "IT".to_owned()),
            ("SN", surname),
            ("GN", names),
            ("serialNumber", format!("IDCIT-{number}")),
            ("CN", code),
        ],
        serial: 0x00C0_FFEE,
        key: Whose::Holder,
        days: (-10, 3000),
        policy: Some(CIE3),
        usage: |usage| {
            usage.digital_signature();
        },
        extended: Vec::new(),
        lists: vec![LIST],
        responders: vec![RESPONDER],
        authority: None,
        no_check: false,
        names_key: true,
        digest: MessageDigest::sha256(),
    }
}

pub fn authority(common_name: &str, key: Whose) -> Profile {
    Profile {
        subject: named(common_name),
        serial: 0x11,
        key,
        days: (-900, 3650),
        policy: None,
        usage: |usage| {
            usage.key_cert_sign().crl_sign();
        },
        lists: vec![ROOT_LIST],
        responders: Vec::new(),
        authority: Some(None),
        ..holder()
    }
}

/// Somebody whom the authority lets answer for it.
pub fn responder() -> Profile {
    Profile {
        subject: named("A responder"),
        serial: 0x77,
        key: Whose::Responder,
        days: (-10, 30),
        policy: None,
        extended: vec!["1.3.6.1.5.5.7.3.9"],
        lists: Vec::new(),
        responders: Vec::new(),
        no_check: true,
        ..holder()
    }
}

pub fn oid(dotted: &str) -> Vec<u8> {
    encode(6, Asn1Object::from_str(dotted).unwrap().as_slice())
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    encode(0x30, &parts.concat())
}

fn extension(dotted: &str, value: &[u8]) -> X509Extension {
    let value = Asn1OctetString::new_from_bytes(value).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str(dotted).unwrap(), false, &value).unwrap()
}

fn address(location: &str) -> Vec<u8> {
    encode(0x86, location.as_bytes())
}

impl Profile {
    pub fn common_name(mut self, name: &str) -> Self {
        self.subject.iter_mut().filter(|(field, _)| *field == "CN").for_each(|(_, to)| name.clone_into(to));
        self
    }

    /// Certified by somebody, or by itself.
    pub fn by(&self, issuer: Option<&Made>) -> Made {
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(self.serial).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        for (field, text) in &self.subject {
            subject.append_entry_by_text(field, text).unwrap();
        }
        let subject = subject.build();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.x509.subject_name())).unwrap();
        let day = |days: i64| Asn1Time::from_unix(i64::try_from(NOW).unwrap() + days * 86_400).unwrap();
        builder.set_not_before(&day(self.days.0)).unwrap();
        builder.set_not_after(&day(self.days.1)).unwrap();
        builder.set_pubkey(key(self.key)).unwrap();
        for extension in self.extensions(&builder, issuer) {
            builder.append_extension(extension).unwrap();
        }
        builder.sign(issuer.map_or(key(self.key), |issuer| issuer.key), self.digest).unwrap();
        let x509 = builder.build();
        Made { der: x509.to_der().unwrap(), x509, key: key(self.key) }
    }

    fn extensions(&self, builder: &X509Builder, issuer: Option<&Made>) -> Vec<X509Extension> {
        let mut all = Vec::new();
        if let Some(length) = self.authority {
            let mut constraints = BasicConstraints::new();
            constraints.critical().ca();
            if let Some(length) = length {
                constraints.pathlen(length);
            }
            all.push(constraints.build().unwrap());
            all.push(SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None)).unwrap());
        }
        let mut usage = KeyUsage::new();
        usage.critical();
        (self.usage)(&mut usage);
        all.push(usage.build().unwrap());
        all.extend(self.policy.map(|policy| extension("2.5.29.32", &sequence(&[sequence(&[oid(policy)])]))));
        if !self.extended.is_empty() {
            let purposes: Vec<_> = self.extended.iter().map(|purpose| oid(purpose)).collect();
            all.push(extension("2.5.29.37", &sequence(&purposes)));
        }
        if !self.lists.is_empty() {
            let names = self.lists.iter().map(|location| address(location)).collect::<Vec<_>>().concat();
            let point = sequence(&[encode(0xA0, &encode(0xA0, &names))]);
            all.push(extension("2.5.29.31", &sequence(&[point])));
        }
        if !self.responders.is_empty() {
            let access = self.responders.iter().map(|at| sequence(&[oid("1.3.6.1.5.5.7.48.1"), address(at)]));
            all.push(extension("1.3.6.1.5.5.7.1.1", &sequence(&access.collect::<Vec<_>>())));
        }
        if self.no_check {
            all.push(extension("1.3.6.1.5.5.7.48.1.5", &[5, 0]));
        }
        let identified = issuer.filter(|issuer| issuer.x509.subject_key_id().is_some());
        if let (Some(issuer), true) = (identified, self.names_key) {
            let context = builder.x509v3_context(Some(&issuer.x509), None);
            all.push(AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap());
        }
        all
    }
}

impl Made {
    pub fn read(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    /// RSASSA-PKCS1-v1_5 over a message.
    pub fn sign(&self, digest: MessageDigest, message: &[u8]) -> Vec<u8> {
        Signer::new(digest, self.key).unwrap().sign_oneshot_to_vec(message).unwrap()
    }

    /// The key applied to a PKCS #1 block with just this content.
    pub fn sign_bare(&self, content: &[u8]) -> Vec<u8> {
        let rsa = self.key.rsa().unwrap();
        let mut signature = vec![0; self.key.size()];
        let length = rsa.private_encrypt(content, &mut signature, Padding::PKCS1).unwrap();
        assert_eq!(length, signature.len());
        signature
    }

    /// The answer to a challenge, as the specification has it.
    pub fn answer(&self, origin: &str, nonce: &str) -> Vec<u8> {
        let signature = self.sign(MessageDigest::sha256(), &message(origin, nonce));
        token(&self.der, "RS256", &signature)
    }

    pub fn answers(&self, origin: &Origin, nonce: &Nonce) -> Vec<u8> {
        self.answer(origin.as_str(), nonce.as_str())
    }
}

/// SHA-256(origin) ‖ SHA-256(nonce).
pub fn message(origin: &str, nonce: &str) -> Vec<u8> {
    [sha256(origin.as_bytes()), sha256(nonce.as_bytes())].concat()
}

/// A token with these members.
pub fn token(certificate: &[u8], algorithm: &str, signature: &[u8]) -> Vec<u8> {
    let (certificate, signature) = (Base64::encode_string(certificate), Base64::encode_string(signature));
    format!(
        r#"{{"unverifiedCertificate":"{certificate}","algorithm":"{algorithm}","signature":"{signature}","format":"web-eid:1.0"}}"#
    )
    .into_bytes()
}

/// Root, authority and holder. A copy is cheap.
#[derive(Clone)]
pub struct World {
    pub root: Made,
    pub authority: Made,
    pub holder: Made,
}

impl World {
    pub fn new() -> Self {
        Self::of(&holder())
    }

    /// With another holder.
    pub fn of(holder: &Profile) -> Self {
        let root = authority(ROOT, Whose::Root).by(None);
        let authority = authority(AUTHORITY, Whose::Authority).by(Some(&root));
        let holder = holder.by(Some(&authority));
        Self { root, authority, holder }
    }

    /// A store that trusts the root.
    pub fn trust(&self) -> TrustStore {
        let mut trust = TrustStore::new();
        for purpose in [AnchorPurpose::Holder, AnchorPurpose::Cns] {
            trust.add_anchor(purpose, &self.root.der).unwrap();
        }
        trust.add_intermediate(&self.authority.der).unwrap();
        trust
    }
}
