//! Certification paths of the test PKI: what is accepted, and what is refused by which name.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;
#[path = "common/der.rs"]
mod der;
#[path = "trust/folders.rs"]
mod folders;
#[path = "trust/holder.rs"]
mod holder;
#[path = "trust/italian.rs"]
mod italian;

use std::time::{Duration, SystemTime};

use cie::crypto::{DigestAlgorithm, PresentedCertificate};
use cie::emulator::entropy::Seeded;
use cie::emulator::pki::HolderProfile;
use cie::iso7816::tlv::{self, Reader};
use cie::test_mark;
use cie::trust::{AnchorPurpose, Certificate, Error, TrustStore};
use common::{card, demo, link, now, pin, trust};
use der::{replace, sequence};

const DAY: Duration = Duration::from_secs(86_400);

fn holder() -> PresentedCertificate {
    let session = cie::ias::Session::open(link(&card(common::CHIPS[0]))).unwrap();
    let mut unlocked = session.verify_pin(&pin()).unwrap();
    let der = unlocked.certificate().unwrap().as_der().to_vec();
    PresentedCertificate::from_der(&der).unwrap()
}

fn verdict(trust: &TrustStore, at: SystemTime) -> Option<Error> {
    trust.verify_holder(&holder(), at).err()
}

#[test]
fn a_path_needs_its_anchor_and_what_stands_between() {
    assert_eq!(verdict(&trust(), now()), None);
    let nobody = TrustStore::new().allow_test_pki();
    assert_eq!(verdict(&nobody, now()), Some(Error::UnknownIssuer));
    assert!(Error::UnknownIssuer.is_unchecked() && !Error::Expired.is_unchecked());

    let mut no_intermediate = TrustStore::new().allow_test_pki();
    no_intermediate.add_anchor(AnchorPurpose::Holder, demo().pki.root_der()).unwrap();
    assert_eq!(verdict(&no_intermediate, now()), Some(Error::UnknownIssuer));

    let mut no_anchor = TrustStore::new().allow_test_pki();
    no_anchor.add_intermediate(demo().pki.root_der()).unwrap();
    no_anchor.add_intermediate(demo().pki.sub_ca_der()).unwrap();
    assert_eq!(verdict(&no_anchor, now()), Some(Error::UnknownIssuer));

    let mut other_root = TrustStore::new().allow_test_pki();
    other_root.add_anchor(AnchorPurpose::Holder, demo().pki.csca_der()).unwrap();
    other_root.add_intermediate(demo().pki.sub_ca_der()).unwrap();
    assert_eq!(verdict(&other_root, now()), Some(Error::UnknownIssuer));
}

#[test]
fn any_anchor_ends_a_path_self_signed_or_not() {
    let mut sub_ca_only = TrustStore::new().allow_test_pki();
    sub_ca_only.add_anchor(AnchorPurpose::Holder, demo().pki.sub_ca_der()).unwrap();
    assert_eq!(sub_ca_only.verify_holder(&holder(), now()).unwrap().path().len(), 2);
}

#[test]
fn a_wrong_signature_leaves_nothing_for_the_next_user_of_openssl() {
    let mut der = holder().as_der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let forged = PresentedCertificate::from_der(&der).unwrap();
    assert_eq!(trust().verify_holder(&forged, now()).unwrap_err(), Error::BadSignature);
    assert!(openssl::error::ErrorStack::get().errors().is_empty());
}

#[test]
fn a_path_is_judged_at_its_time() {
    let (not_before, not_after) = Certificate::from_der(holder().as_der()).unwrap().validity();
    assert_eq!(verdict(&trust(), not_before - DAY), Some(Error::NotYetValid));
    assert_eq!(verdict(&trust(), not_before), None);
    // RFC 5280 counts the last second in, OpenSSL does not: it errs on the safe side.
    assert_eq!(verdict(&trust(), not_after - Duration::from_secs(1)), None);
    assert_eq!(verdict(&trust(), not_after + DAY), Some(Error::Expired));
    assert!(verdict(&trust(), SystemTime::UNIX_EPOCH).is_some());
    assert!(verdict(&trust(), SystemTime::UNIX_EPOCH - DAY).is_some());
}

#[test]
fn a_test_pki_is_refused_unless_allowed() {
    let mut real = TrustStore::new();
    for der in [demo().pki.root_der(), demo().pki.csca_der(), demo().pki.sub_ca_der()] {
        assert_eq!(real.add_anchor(AnchorPurpose::Holder, der).unwrap_err(), Error::TestCertificate);
        assert_eq!(real.add_intermediate(der).unwrap_err(), Error::TestCertificate);
    }
    assert_eq!(verdict(&real, now()), Some(Error::TestCertificate));
}

#[test]
fn an_end_entity_is_no_authority_and_an_authority_no_holder() {
    let mut store = TrustStore::new().allow_test_pki();
    let holder = holder();
    for der in [holder.as_der(), demo().pki.document_signer_der()] {
        assert!(matches!(store.add_anchor(AnchorPurpose::Holder, der), Err(Error::WrongPurpose(_))));
        assert!(matches!(store.add_intermediate(der), Err(Error::WrongPurpose(_))));
    }
    for der in [demo().pki.root_der(), demo().pki.sub_ca_der(), demo().pki.document_signer_der()] {
        let presented = PresentedCertificate::from_der(der).unwrap();
        assert!(matches!(trust().verify_holder(&presented, now()), Err(Error::WrongPurpose(_))));
    }
}

#[test]
fn extended_key_usage_may_be_there_or_not() {
    let key = holder();
    for extended_key_usage in [true, false] {
        let profile = HolderProfile { not_before: now(), not_after: now() + 365 * DAY, extended_key_usage };
        let der = demo()
            .pki
            .certify_holder(&demo().citizen, key.public_key(), &profile, &mut Seeded::new(4))
            .unwrap();
        let presented = PresentedCertificate::from_der(&der).unwrap();
        trust().verify_holder(&presented, now() + DAY).unwrap();
        let error = trust().verify_holder(&presented, now() + 366 * DAY).unwrap_err();
        assert_eq!(error, Error::Expired);
    }
}

#[test]
fn every_flipped_bit_of_a_certificate_is_noticed() {
    let der = holder().as_der().to_vec();
    let mut refused = [0, 0];
    for index in 0..der.len() {
        let mut flipped = der.clone();
        flipped[index] ^= 1 << (index % 8);
        match PresentedCertificate::from_der(&flipped) {
            Err(_) => refused[0] += 1,
            Ok(presented) => {
                assert!(trust().verify_holder(&presented, now()).is_err(), "byte {index}");
                refused[1] += 1;
            }
        }
    }
    for length in 0..der.len() {
        assert!(PresentedCertificate::from_der(&der[..length]).is_err());
        assert!(Certificate::from_der(&der[..length]).is_err());
    }
    common::say(&format!(
        "flipped certificates refused: {} when read, {} by their path",
        refused[0], refused[1]
    ));
}

/// From a certificate to its issuer, its subject and its extensions.
const ISSUER: &[usize] = &[0, 3];
const SUBJECT: &[usize] = &[0, 5];
const EXTENSIONS: &[usize] = &[0, 7, 0];

fn children(encoded: &[u8]) -> Vec<Vec<u8>> {
    let outer = tlv::parse(encoded).unwrap();
    Reader::new(outer.value).map(|child| child.unwrap().encoded.to_vec()).collect()
}

/// The certificate with its extensions changed by `change`.
fn with_extensions(der: &[u8], change: &dyn Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    replace(der, EXTENSIONS, &|encoded| {
        let mut extensions = children(encoded);
        change(&mut extensions);
        tlv::encode(0x30, &extensions.concat())
    })
}

/// An extension's object identifier, dotted in hex, and whether it is critical.
fn kind(extension: &[u8]) -> (String, bool) {
    let parts = children(extension);
    (hex::encode(tlv::parse(&parts[0]).unwrap().value), parts[1] == [1, 1, 0xFF])
}

/// The certificate without the mark's extension and with every organisation that is a mark, in the name at
/// `path`, replaced by this object; the other name gets another organisation.
fn marked_only(der: &[u8], path: &[usize], organisation: &[u8]) -> Vec<u8> {
    let name = |encoded: &[u8], new: &[u8]| {
        let mark = tlv::encode(0x0C, test_mark::ORGANISATION.as_bytes());
        let attributes = children(encoded).into_iter().map(|attribute| {
            replace(&attribute, &[0, 1], &|value| if value == mark { new.to_vec() } else { value.to_vec() })
        });
        tlv::encode(0x30, &attributes.collect::<Vec<_>>().concat())
    };
    let other = if path == ISSUER { SUBJECT } else { ISSUER };
    let der = replace(der, other, &|encoded| name(encoded, &tlv::encode(0x0C, b"Another organisation")));
    let der = replace(&der, path, &|encoded| name(encoded, organisation));
    let is_mark = |extension: &Vec<u8>| kind(extension).0 == hex::encode(test_mark::EXTENSION_OID_DER);
    with_extensions(&der, &|extensions| extensions.retain(|extension| !is_mark(extension)))
}

#[test]
fn the_test_mark_is_found_however_it_is_written() {
    let mark = test_mark::ORGANISATION;
    let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let written = [
        tlv::encode(0x0C, mark.as_bytes()),
        tlv::encode(0x0C, mark.to_lowercase().as_bytes()),
        tlv::encode(0x0C, mark.replace(' ', "").as_bytes()),
        tlv::encode(0x13, mark.to_lowercase().as_bytes()),
        tlv::encode(0x14, mark.as_bytes()),
        tlv::encode(0x1E, &wide),
    ];
    let holder = holder();
    for der in [holder.as_der(), demo().pki.root_der(), demo().pki.sub_ca_der()] {
        for path in [SUBJECT, ISSUER] {
            for organisation in &written {
                let marked = marked_only(der, path, organisation);
                assert!(Certificate::from_der(&marked).unwrap().is_test(), "{organisation:02X?}");
                let mut real = TrustStore::new();
                let refused = real.add_anchor(AnchorPurpose::Holder, &marked).unwrap_err();
                assert_eq!(refused, Error::TestCertificate);
                let presented = PresentedCertificate::from_der(&marked).unwrap();
                assert_eq!(real.verify_holder(&presented, now()).unwrap_err(), Error::TestCertificate);
            }
            // What is no mark does not count, or none of the above would say anything.
            for organisation in ["TEST", "TEST - NOT A REAL CARDS", "A TEST - NOT A REAL CARD"] {
                let unmarked = marked_only(der, path, &tlv::encode(0x0C, organisation.as_bytes()));
                assert!(!Certificate::from_der(&unmarked).unwrap().is_test(), "{organisation}");
            }
        }
    }
}

#[test]
fn the_extension_alone_marks_a_test_certificate() {
    let holder = holder();
    let other = marked_only(holder.as_der(), SUBJECT, &tlv::encode(0x0C, b"Another organisation"));
    let oid = tlv::encode(0x06, test_mark::EXTENSION_OID_DER);
    for value in [&b""[..], b"anything"] {
        let extension = sequence(&[&oid, &tlv::encode(0x04, value)]);
        let marked = with_extensions(&other, &|extensions| extensions.push(extension.clone()));
        assert!(Certificate::from_der(&marked).unwrap().is_test());
    }
    assert!(!Certificate::from_der(&other).unwrap().is_test());
}

#[test]
fn an_extension_that_stands_there_twice_is_refused() {
    let holder = holder();
    let count = children(&children(&children(holder.as_der())[0])[7])[0].clone();
    let count = children(&count).len();
    assert!(count > 5, "{count}");
    for index in 0..count {
        let twice =
            with_extensions(holder.as_der(), &|extensions| extensions.push(extensions[index].clone()));
        let refused = Certificate::from_der(&twice).err();
        assert_eq!(refused, Some(Error::Malformed("an extension stands there twice")), "extension {index}");
    }
}

#[test]
fn an_extension_that_decides_must_be_readable_and_a_critical_one_too() {
    let profile = HolderProfile { not_before: now(), not_after: now() + DAY, extended_key_usage: true };
    let holder = holder();
    let holder = demo()
        .pki
        .certify_holder(&demo().citizen, holder.public_key(), &profile, &mut Seeded::new(4))
        .unwrap();
    // basicConstraints, keyUsage, certificatePolicies, extKeyUsage.
    let consulted = ["551d13", "551d0f", "551d20", "551d25"];
    let (mut seen, mut let_pass) = (Vec::new(), 0);
    for der in [holder.as_slice(), demo().pki.root_der()] {
        let extensions = children(&children(&children(der)[0])[7])[0].clone();
        for (index, extension) in children(&extensions).iter().enumerate() {
            let (oid, critical) = kind(extension);
            let set = |critical: bool| {
                let critical: &[u8] = if critical { &[1, 1, 0xFF] } else { &[] };
                let name = &children(extension)[0];
                let broken = sequence(&[name, critical, &tlv::encode(0x04, &[0xFF, 0xFF])]);
                let changed = with_extensions(der, &|extensions| extensions[index].clone_from(&broken));
                Certificate::from_der(&changed).map(|_| ())
            };
            let refused = Err(Error::Malformed("extension"));
            if consulted.contains(&oid.as_str()) {
                assert_eq!((set(critical), set(false)), (refused.clone(), refused), "{oid}");
                seen.push(oid);
            } else if oid != hex::encode(test_mark::EXTENSION_OID_DER) {
                assert_eq!((set(false), set(true)), (Ok(()), refused), "{oid}");
                let_pass += 1;
            }
        }
    }
    assert!(consulted.iter().all(|oid| seen.iter().any(|seen| seen == oid)), "{seen:?}");
    assert!(let_pass >= 4, "{let_pass}");
}

/// Certificates that are not from our own test PKI and carry no mark of one: made by OpenSSL.
mod unmarked {
    use super::*;
    use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sign::Signer;
    use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
    use openssl::x509::{X509, X509Extension, X509Name};

    const POLICY: &str = "1.3.76.47.4";

    pub(super) struct Profile<'a> {
        pub(super) bits: u32,
        pub(super) authority_bits: u32,
        pub(super) digest: MessageDigest,
        pub(super) key_usage: Option<KeyUsage>,
        pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
        pub(super) policy: Option<&'a str>,
    }

    impl Default for Profile<'_> {
        fn default() -> Self {
            let mut key_usage = KeyUsage::new();
            key_usage.digital_signature();
            Self {
                bits: 2048,
                authority_bits: 2048,
                digest: MessageDigest::sha256(),
                key_usage: Some(key_usage),
                extended_key_usage: None,
                policy: Some(POLICY),
            }
        }
    }

    fn name(text: &str) -> X509Name {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
        name.build()
    }

    fn certificate(
        subject: &str,
        key: &PKey<Private>,
        issuer: &PKey<Private>,
        digest: MessageDigest,
        extensions: Vec<X509Extension>,
    ) -> Vec<u8> {
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = Asn1Integer::from_bn(&BigNum::from_u32(7).unwrap()).unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&name(subject)).unwrap();
        builder.set_issuer_name(&name("An authority")).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1_900_000_000).unwrap()).unwrap();
        for extension in extensions {
            builder.append_extension(extension).unwrap();
        }
        builder.sign(issuer, digest).unwrap();
        builder.build().to_der().unwrap()
    }

    fn root_of(key: &PKey<Private>) -> Vec<u8> {
        let constraints = BasicConstraints::new().critical().ca().build().unwrap();
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
        certificate("An authority", key, key, MessageDigest::sha256(), vec![constraints, usage])
    }

    /// The certificate of an authority that certifies itself.
    pub(super) fn root() -> Vec<u8> {
        root_of(&PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
    }

    /// A store that trusts a fresh root, a holder's certificate under it, and the holder's signature over
    /// `b"message"`.
    pub(super) fn issued(profile: Profile<'_>) -> (TrustStore, PresentedCertificate, Vec<u8>) {
        let key = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let (authority, holder) = (key(profile.authority_bits), key(profile.bits));
        let root = root_of(&authority);
        let mut extensions = Vec::new();
        extensions.extend(profile.key_usage.map(|usage| usage.build().unwrap()));
        extensions.extend(profile.extended_key_usage.map(|usage| usage.build().unwrap()));
        extensions.extend(profile.policy.map(|policy| {
            let policy = Asn1Object::from_str(policy).unwrap();
            let value = sequence(&[&sequence(&[&tlv::encode(6, policy.as_slice())])]);
            let value = Asn1OctetString::new_from_bytes(&value).unwrap();
            let oid = Asn1Object::from_str("2.5.29.32").unwrap();
            X509Extension::new_from_der(&oid, false, &value).unwrap()
        }));
        let der = certificate("A holder", &holder, &authority, profile.digest, extensions);
        let mut store = TrustStore::new();
        for purpose in [AnchorPurpose::Holder, AnchorPurpose::Cns] {
            store.add_anchor(purpose, &root).unwrap();
        }
        let mut signer = Signer::new(MessageDigest::sha256(), &holder).unwrap();
        let signature = signer.sign_oneshot_to_vec(b"message").unwrap();
        (store, PresentedCertificate::from_der(&der).unwrap(), signature)
    }

    pub(super) fn verdict(profile: Profile<'_>) -> Result<(), Error> {
        let (store, holder, _) = issued(profile);
        store.verify_holder(&holder, now()).map(|_| ())
    }

    #[test]
    fn a_path_of_real_certificates_is_no_test() {
        let (store, holder, signature) = issued(Profile::default());
        let path = store.verify_holder(&holder, now()).unwrap();
        assert!(!path.is_test());
        assert_eq!((path.path().len(), path.checked_at()), (2, now()));
        assert_eq!(path.subject().common_name.as_deref(), Some("A holder"));
        assert_eq!(format!("{path:?}"), "ValidPath(2 certificates)");
        let verified = path.verify_signature(b"message", DigestAlgorithm::Sha256, &signature).unwrap();
        assert!(!verified.signer().is_test());
        let tolerant = store.allow_test_pki().verify_holder(&holder, now()).unwrap();
        assert!(!tolerant.is_test(), "what is allowed is not what was found");
    }

    #[test]
    fn weak_keys_and_digests_have_their_name() {
        let weak_key = Profile { bits: 1024, ..Profile::default() };
        assert_eq!(verdict(weak_key), Err(Error::TooWeak));
        let weak_digest = Profile { digest: MessageDigest::sha1(), ..Profile::default() };
        assert_eq!(verdict(weak_digest), Err(Error::TooWeak));
    }

    #[test]
    fn a_holders_certificate_is_made_for_logging_in() {
        let wrong = |text| Err(Error::WrongPurpose(text));
        let mut non_repudiation = KeyUsage::new();
        non_repudiation.non_repudiation();
        for key_usage in [Some(non_repudiation), None] {
            let profile = Profile { key_usage, ..Profile::default() };
            assert_eq!(verdict(profile), wrong("keyUsage without digitalSignature"));
        }
        for policy in [Some("1.3.76.47.2"), Some("1.3.76.47.4.1"), None] {
            let profile = Profile { policy, ..Profile::default() };
            assert_eq!(verdict(profile), wrong("not the policy of a card that is taken here"));
        }
        let (mut client, mut others) = (ExtendedKeyUsage::new(), ExtendedKeyUsage::new());
        client.client_auth().email_protection();
        others.server_auth().email_protection();
        for (usage, expected) in
            [(client, Ok(())), (others, wrong("extKeyUsage without client authentication"))]
        {
            let profile = Profile { extended_key_usage: Some(usage), ..Profile::default() };
            assert_eq!(verdict(profile), expected);
        }
    }
}

#[test]
fn names_are_read_in_every_string_type_unless_they_are_ambiguous() {
    let holder = holder();
    // Country, organisation, surname, given name, serial number, common name.
    let surname = |value: &[u8]| {
        let der = replace(holder.as_der(), &[0, 5, 2, 0, 1], &|_| value.to_vec());
        Certificate::from_der(&der).unwrap().subject().surname.clone()
    };
    let wide: Vec<u8> = "Nicolò".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for value in
        [tlv::encode(0x0C, "Nicolò".as_bytes()), tlv::encode(0x14, b"Nicol\xF2"), tlv::encode(0x1E, &wide)]
    {
        assert_eq!(surname(&value).as_deref(), Some("Nicolò"), "{value:02X?}");
    }
    assert_eq!(surname(&tlv::encode(0x13, b"Rossi")).as_deref(), Some("Rossi"));
    assert_eq!(surname(&tlv::encode(0x1E, &wide[1..])), None, "half a character");
    assert_eq!(surname(&tlv::encode(0x1E, &[0xD8, 0])), None, "half a pair");
    let twice = replace(holder.as_der(), SUBJECT, &|subject| {
        let attributes = children(subject);
        tlv::encode(0x30, &[attributes.concat(), attributes[5].clone()].concat())
    });
    let twice = Certificate::from_der(&twice).unwrap();
    assert_eq!((&twice.subject().common_name, twice.subject().country.as_deref()), (&None, Some("IT")));
}

#[test]
fn a_certificate_has_a_longest_length() {
    let holder = holder();
    let oid = tlv::encode(0x06, &[0x2A, 3, 4]);
    let padded = |length: usize| {
        let with = |filler: usize| {
            let extension = sequence(&[&oid, &tlv::encode(0x04, &vec![0; filler])]);
            with_extensions(holder.as_der(), &|extensions| extensions.push(extension.clone()))
        };
        let der = with(length - (with(20_000).len() - 20_000));
        assert_eq!(der.len(), length);
        Certificate::from_der(&der).map(|_| ())
    };
    assert_eq!(padded(0x7FFF), Ok(()));
    assert_eq!(padded(0x8000), Err(Error::Malformed("too long")));
}
