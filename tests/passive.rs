//! EF.SOD and its signed data: both generations of the software card, and hostile variants of them.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;
#[path = "common/der.rs"]
mod der;

use std::sync::OnceLock;

use cie::cms::{self, SignedData, SignerIdentifier};
use cie::crypto::{DigestAlgorithm, PresentedCertificate};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::Generation;
use cie::iso7816::tlv::{self, Reader};
use cie::passive::{ClaimedSecurityObject, Error, GROUPS_MAX, group};
use common::{demo, now};
use der::{entry, replace, sequence};

type Parsed = Result<ClaimedSecurityObject, Error>;

fn first_generation() -> &'static Personalisation {
    static CARD: OnceLock<Personalisation> = OnceLock::new();
    CARD.get_or_init(|| {
        let options = IssueOptions { generation: Generation::First, ..IssueOptions::default() };
        issue(&demo().pki, &demo().citizen, &options, &mut Seeded::new(2), now()).unwrap()
    })
}

/// A file's content without padding.
fn object(card: &Personalisation, identifier: u16) -> &[u8] {
    let content = &card.files.iter().find(|file| file.identifier == identifier).unwrap().content;
    match identifier {
        0x1001 => &content[..12],
        0x1002 => &content[..9],
        _ => &content[..tlv::encoded_length(content).unwrap()],
    }
}

fn sod() -> &'static [u8] {
    object(&demo().personalisation, 0x1006)
}

/// From EF.SOD to SignedData, its content, its first certificate, its first signer.
const CONTENT_INFO: &[usize] = &[0];
const SIGNED_DATA: &[usize] = &[0, 1, 0];
const CONTENT_TYPE: &[usize] = &[0, 1, 0, 2, 0];
const CONTENT: &[usize] = &[0, 1, 0, 2, 1, 0];
const CERTIFICATES: &[usize] = &[0, 1, 0, 3];
const SIGNERS: &[usize] = &[0, 1, 0, 4];
const ATTRIBUTES: &[usize] = &[0, 1, 0, 4, 0, 3];

/// The software card's EF.SOD with another LDS security object.
fn with_lds(lds: &[u8]) -> Parsed {
    ClaimedSecurityObject::parse(&replace(sod(), CONTENT, &|_| tlv::encode(4, lds)))
}

const SHA_256: &[u8] = &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const VERSION_0: &[u8] = &[2, 1, 0];

fn with_entries(entries: &[Vec<u8>]) -> Parsed {
    with_lds(&sequence(&[VERSION_0, SHA_256, &tlv::encode(0x30, &entries.concat())]))
}

#[test]
fn both_generations_are_read() {
    for (card, algorithm, signature) in [
        (first_generation(), DigestAlgorithm::Sha256, "1.2.840.113549.1.1.11"),
        (&demo().personalisation, DigestAlgorithm::Sha512, "1.2.840.113549.1.1.10"),
    ] {
        let parsed = ClaimedSecurityObject::parse(object(card, 0x1006)).unwrap();
        assert_eq!(parsed.digest_algorithm(), algorithm);
        let second = algorithm == DigestAlgorithm::Sha512;
        assert_eq!(parsed.version(), u8::from(second));
        let version = parsed.lds_version().map(|version| (version.lds(), version.unicode()));
        assert_eq!(version, second.then_some(("0108", "040000")));
        assert_eq!(parsed.groups().collect::<Vec<_>>(), [0xA5, 0x1B, 0xA4, 0xA3, 0xA2, 0xA1]);
        for (number, identifier) in [
            (group::NIS, 0x1001),
            (group::SERIAL_NUMBER, 0x1002),
            (group::HOLDER_CERTIFICATE, 0x1003),
            (group::DEVICE_KEY, 0x1004),
            (group::SERVICES_KEY, 0x1005),
            (group::DOMAIN_PARAMETERS, 0xD004),
        ] {
            let mut content = object(card, identifier).to_vec();
            parsed.check_digest(number, &content).unwrap();
            assert_eq!(parsed.digest(number).unwrap(), algorithm.hash(&content));
            content[3] ^= 1;
            assert_eq!(parsed.check_digest(number, &content), Err(Error::DigestDiffers(number)));
            content.pop();
            assert_eq!(parsed.check_digest(number, &content), Err(Error::DigestDiffers(number)));
        }
        assert_eq!(parsed.check_digest(0xA6, b""), Err(Error::MissingGroup(0xA6)));
        assert_eq!(parsed.digest(0x25), None);

        let signed = parsed.signed_data();
        assert_eq!(signed.certificates(), [demo().pki.document_signer_der()]);
        let certificate = PresentedCertificate::from_der(&signed.certificates()[0]).unwrap();
        assert_eq!(signed.digest_algorithms()[0].parameters(), None);
        let [signer] = signed.signers() else { panic!("one signer") };
        assert_eq!(signer.signature_algorithm().oid(), signature);
        let parameters = signer.signature_algorithm().parameters().unwrap();
        assert_eq!(parameters == [5, 0], !second, "NULL for PKCS #1, a SEQUENCE for PSS");
        assert_eq!(signer.digest_algorithm(), &signed.digest_algorithms()[0]);
        assert_eq!(signer.signature().len(), certificate.public_key().size());
        let attributes = signer.signed_attributes().unwrap();
        assert_eq!(attributes.content_type(), "2.23.136.1.1.1");
        assert_eq!(attributes.message_digest(), algorithm.hash(signed.content().unwrap()));
        assert_eq!(attributes.as_der(), attributes.as_received());
        assert_eq!(attributes.as_der()[0], 0x31);
        let SignerIdentifier::IssuerAndSerialNumber { issuer, serial_number } = signer.identifier() else {
            panic!("by issuer")
        };
        let to_be_signed = tlv::find_path(certificate.as_der(), &[0x30, 0x30]).unwrap();
        let fields: Vec<_> = Reader::new(to_be_signed).map(Result::unwrap).collect();
        assert_eq!((serial_number.as_slice(), issuer.as_slice()), (fields[1].value, fields[3].encoded));
    }
}

/// The signature of the first generation covers exactly what [`cms::SignedAttributes`] returns.
#[test]
fn the_attributes_are_what_was_signed() {
    let parsed = ClaimedSecurityObject::parse(object(first_generation(), 0x1006)).unwrap();
    let signer = &parsed.signed_data().signers()[0];
    let certificate = PresentedCertificate::from_der(demo().pki.document_signer_der()).unwrap();
    let attributes = signer.signed_attributes().unwrap();
    let digest = cie::crypto::Digest::of(DigestAlgorithm::Sha256, attributes.as_der());
    certificate.public_key().check_signature(&digest, signer.signature()).unwrap();
}

#[test]
fn only_zeros_may_follow() {
    let padded = [sod(), &[0; 300]].concat();
    assert_eq!(ClaimedSecurityObject::parse(&padded), ClaimedSecurityObject::parse(sod()));
    let trailing = [sod(), &[0; 300], &[1]].concat();
    assert_eq!(ClaimedSecurityObject::parse(&trailing), Err(Error::Malformed("bytes after it")));
    let long = [sod(), &[0; 0x1_0000]].concat();
    assert_eq!(ClaimedSecurityObject::parse(&long), Err(Error::Malformed("too long")));
    let inside = tlv::encode(0x77, &[tlv::parse(sod()).unwrap().value, &[0]].concat());
    let malformed = Error::SignedData(cms::Error::Malformed("ContentInfo"));
    assert_eq!(ClaimedSecurityObject::parse(&inside), Err(malformed));
}

#[test]
fn every_cut_is_refused() {
    for card in [first_generation(), &demo().personalisation] {
        let sod = object(card, 0x1006);
        for length in 0..sod.len() {
            assert!(ClaimedSecurityObject::parse(&sod[..length]).is_err(), "{length} bytes");
        }
        // Cut inside, the lengths around it repaired.
        let content = tlv::parse(sod).unwrap().value;
        for length in 0..content.len() {
            let cut = tlv::encode(0x77, &content[..length]);
            assert!(ClaimedSecurityObject::parse(&cut).is_err(), "{length} bytes inside");
        }
    }
}

#[test]
fn every_flipped_byte_is_survived() {
    let original = ClaimedSecurityObject::parse(sod()).unwrap();
    let (mut refused, mut read) = (0, 0);
    for at in 0..sod().len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut bytes = sod().to_vec();
            bytes[at] ^= flip;
            match ClaimedSecurityObject::parse(&bytes) {
                Err(_) => refused += 1,
                // Most bytes are digests, names and signatures: nothing that a front end can judge.
                Ok(parsed) => {
                    read += 1;
                    assert!(parsed.groups().count() == original.groups().count(), "byte {at}");
                }
            }
        }
    }
    println!("{refused} variants refused, {read} read");
    assert!(refused > 500 && read > 500);
}

#[test]
fn numbers_of_files_are_raw_bytes() {
    let parsed =
        with_entries(&[entry(&[0xA5], &[1; 32]), entry(&[0, 0xA4], &[2; 32]), entry(&[1], &[3; 32])]);
    let parsed = parsed.unwrap();
    assert_eq!(parsed.groups().collect::<Vec<_>>(), [0xA5, 0xA4, 0x01]);
    assert_eq!(parsed.digest(0xA4), Some(&[2; 32][..]));
    for number in [&[][..], &[0, 0x1B], &[1, 0xA5], &[0xFF, 0xA5], &[0, 0, 0xA5]] {
        let refused = with_entries(&[entry(number, &[1; 32])]);
        assert_eq!(refused, Err(Error::Malformed("number of a file")), "{number:02X?}");
    }
}

#[test]
fn no_file_is_listed_twice() {
    let twice = with_entries(&[entry(&[0xA5], &[1; 32]), entry(&[1], &[1; 32]), entry(&[0, 0xA5], &[2; 32])]);
    assert_eq!(twice, Err(Error::DuplicateGroup(0xA5)));
}

#[test]
fn the_number_of_files_is_bounded() {
    let entries = |count: u8| (0..count).map(|number| entry(&[number], &[0; 32])).collect::<Vec<_>>();
    assert_eq!(with_entries(&entries(32)).unwrap().groups().count(), GROUPS_MAX);
    assert_eq!(with_entries(&entries(33)), Err(Error::Malformed("too many files")));
    assert_eq!(with_entries(&[]), Err(Error::Malformed("no files")));
}

#[test]
fn digests_have_the_length_of_their_algorithm() {
    for found in [0, 20, 31, 33, 64] {
        let refused = with_entries(&[entry(&[0xA5], &vec![0; found])]);
        assert_eq!(refused, Err(Error::DigestLength { group: 0xA5, found }));
    }
}

#[test]
fn algorithms_with_and_without_null() {
    for (oid, algorithm) in [
        ("2B0E03021A", DigestAlgorithm::Sha1),
        ("608648016503040201", DigestAlgorithm::Sha256),
        ("608648016503040202", DigestAlgorithm::Sha384),
        ("608648016503040203", DigestAlgorithm::Sha512),
    ] {
        let oid = tlv::encode(6, &hex::decode(oid).unwrap());
        let entries = tlv::encode(0x30, &entry(&[0xA5], &algorithm.hash(b"content")));
        let parse = |identifier: &[u8]| with_lds(&sequence(&[VERSION_0, identifier, &entries]));
        for parameters in [&[][..], &[5, 0]] {
            let parsed = parse(&sequence(&[&oid, parameters])).unwrap();
            assert_eq!(parsed.digest_algorithm(), algorithm);
            parsed.check_digest(0xA5, b"content").unwrap();
        }
        for parameters in [&[5, 1, 0][..], &[0x30, 0], &[5, 0, 5, 0]] {
            assert!(matches!(parse(&sequence(&[&oid, parameters])), Err(Error::Malformed(_))));
        }
    }
    // SHA-224.
    let oid = tlv::encode(6, &hex::decode("608648016503040204").unwrap());
    let entries = tlv::encode(0x30, &entry(&[1], &[0; 28]));
    let parsed = with_lds(&sequence(&[VERSION_0, &sequence(&[&oid]), &entries]));
    assert_eq!(parsed, Err(Error::UnsupportedDigest));
}

#[test]
fn malformed_security_objects_are_refused() {
    let entries = tlv::encode(0x30, &entry(&[0xA5], &[1; 32]));
    let text = |text: &str| tlv::encode(0x13, text.as_bytes());
    let info = sequence(&[&text("0108"), &text("040000")]);
    let version_1: &[u8] = &[2, 1, 1];
    assert!(with_lds(&sequence(&[version_1, SHA_256, &entries, &info])).is_ok());
    for lds in [
        sequence(&[&[2, 1, 2], SHA_256, &entries]),
        sequence(&[&[2, 2, 0, 0], SHA_256, &entries]),
        sequence(&[SHA_256, &entries]),
        sequence(&[VERSION_0, SHA_256]),
        sequence(&[version_1, SHA_256, &entries, &info, &info]),
        sequence(&[version_1, SHA_256, &entries, &text("0108")]),
        sequence(&[version_1, SHA_256, &entries, &sequence(&[&text("0108")])]),
        sequence(&[version_1, SHA_256, &entries, &sequence(&[&text("0108"), &text("01080108010801080")])]),
        sequence(&[version_1, SHA_256, &entries, &sequence(&[&text("0108"), &text("é")])]),
        sequence(&[VERSION_0, SHA_256, &tlv::encode(0x31, &entry(&[0xA5], &[1; 32]))]),
        sequence(&[VERSION_0, SHA_256, &tlv::encode(0x30, &[0x31, 0])]),
        tlv::encode(0x31, &[VERSION_0, SHA_256, &entries].concat()),
        [sequence(&[VERSION_0, SHA_256, &entries]), vec![0]].concat(),
        Vec::new(),
    ] {
        assert!(matches!(with_lds(&lds), Err(Error::Malformed(_))), "{lds:02X?}");
    }
}

#[test]
fn another_content_is_refused() {
    let data = tlv::encode(6, &hex::decode("2A864886F70D010701").unwrap());
    let other = replace(sod(), CONTENT_TYPE, &|_| data.clone());
    let parsed = ClaimedSecurityObject::parse(&other);
    assert_eq!(parsed, Err(Error::WrongContentType("1.2.840.113549.1.7.1".into())));
    let other = replace(sod(), CONTENT_INFO, &|info| replace(info, &[0], &|_| data.clone()));
    assert_eq!(ClaimedSecurityObject::parse(&other), Err(Error::SignedData(cms::Error::NotSignedData)));
    let other = tlv::encode(0x78, tlv::parse(sod()).unwrap().value);
    assert_eq!(ClaimedSecurityObject::parse(&other), Err(Error::Malformed("not tagged 77")));
    let detached = replace(sod(), &[0, 1, 0, 2, 1], &|_| Vec::new());
    assert_eq!(ClaimedSecurityObject::parse(&detached), Err(Error::Malformed("no content")));
    let unsigned = replace(sod(), SIGNERS, &|_| tlv::encode(0x31, &[]));
    assert_eq!(ClaimedSecurityObject::parse(&unsigned), Err(Error::Malformed("nobody signed it")));
}

#[test]
fn attributes_stand_once_and_are_there() {
    let attributes = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let changed =
            replace(sod(), ATTRIBUTES, &|set| tlv::encode(0xA0, &change(tlv::parse(set).unwrap().value)));
        ClaimedSecurityObject::parse(&changed)
    };
    let first = |set: &[u8]| Reader::new(set).next().unwrap().unwrap().encoded.to_vec();
    let malformed = |text| Err(Error::SignedData(cms::Error::Malformed(text)));
    assert_eq!(attributes(&|set| [set, &first(set)].concat()), malformed("a signed attribute stands twice"));
    assert_eq!(attributes(&first), malformed("no messageDigest attribute"));
    assert_eq!(attributes(&|set| set[first(set).len()..].to_vec()), malformed("no contentType attribute"));
    assert_eq!(attributes(&|_| Vec::new()), malformed("no contentType attribute"));
    let without = replace(sod(), ATTRIBUTES, &|_| Vec::new());
    assert_eq!(ClaimedSecurityObject::parse(&without), malformed("no signed attributes"));

    // Out of order, and one of a type whose arcs are longer than any decoder stands.
    let strange = sequence(&[&[6, 6, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], &[0x31, 2, 5, 0]]);
    let parsed = attributes(&|set| [&strange, &set[first(set).len()..], &first(set)].concat()).unwrap();
    let attributes = parsed.signed_data().signers()[0].signed_attributes().unwrap();
    assert_ne!(attributes.as_received(), attributes.as_der());
    assert_eq!(attributes.as_received().len(), attributes.as_der().len());
    assert!(tlv::parse(attributes.as_received()).unwrap().value.starts_with(&strange));
    let in_order: Vec<_> =
        Reader::new(tlv::parse(attributes.as_der()).unwrap().value).map(|a| a.unwrap().encoded).collect();
    assert!(in_order.is_sorted());
}

#[test]
fn signed_data_is_bounded() {
    assert_eq!(SignedData::from_der(&[0; cms::DER_MAX + 1]), Err(cms::Error::TooLong(cms::DER_MAX + 1)));
    let many = |path, tag, entry: &[u8], count| {
        let changed = replace(sod(), path, &|_| tlv::encode(tag, &entry.repeat(count)));
        ClaimedSecurityObject::parse(&changed)
    };
    let certificates = many(CERTIFICATES, 0xA0, &[0x30, 0], cms::ENTRIES_MAX).unwrap();
    assert_eq!(certificates.signed_data().certificates().len(), cms::ENTRIES_MAX);
    let too_many = |name| Err(Error::SignedData(cms::Error::TooMany(name)));
    assert_eq!(many(CERTIFICATES, 0xA0, &[0x30, 0], cms::ENTRIES_MAX + 1), too_many("certificates"));
    assert_eq!(many(&[0, 1, 0, 1], 0x31, SHA_256, cms::ENTRIES_MAX + 1), too_many("digestAlgorithms"));
    // Attribute certificates and whatever else is no X.509 certificate are passed over.
    let other = many(CERTIFICATES, 0xA0, &[0xA2, 0], 2).unwrap();
    assert!(other.signed_data().certificates().is_empty());
    let none = ClaimedSecurityObject::parse(&replace(sod(), CERTIFICATES, &|_| Vec::new())).unwrap();
    assert!(none.signed_data().certificates().is_empty());
}

#[test]
fn only_der_is_read() {
    let signed = tlv::parse(sod()).unwrap().value;
    assert!(SignedData::from_der(signed).is_ok());
    let indefinite = [&[0x30, 0x80], tlv::parse(signed).unwrap().value, &[0, 0]].concat();
    assert_eq!(SignedData::from_der(&indefinite), Err(cms::Error::Malformed("ContentInfo")));
    let trailing = [signed, &[0]].concat();
    assert_eq!(SignedData::from_der(&trailing), Err(cms::Error::Malformed("ContentInfo")));
    // An octet string in pieces, as BER allows.
    let split = replace(sod(), CONTENT, &|content| tlv::encode(0x24, content));
    assert!(matches!(ClaimedSecurityObject::parse(&split), Err(Error::SignedData(_))));
    let extra = replace(sod(), SIGNED_DATA, &|data| {
        tlv::encode(0x30, &[tlv::parse(data).unwrap().value, &[5, 0]].concat())
    });
    assert!(matches!(ClaimedSecurityObject::parse(&extra), Err(Error::SignedData(_))));
}

#[test]
fn a_signer_may_be_named_by_its_key() {
    let by_key = replace(sod(), &[0, 1, 0, 4, 0, 1], &|_| tlv::encode(0x80, &[7; 20]));
    let parsed = ClaimedSecurityObject::parse(&by_key).unwrap();
    let signer = &parsed.signed_data().signers()[0];
    assert_eq!(signer.identifier(), &SignerIdentifier::SubjectKeyIdentifier(vec![7; 20]));
    for identifier in [&[0x04, 1, 7][..], &[0x30, 0], &[0x30, 4, 0x30, 0, 2, 0], &[0x81, 1, 7]] {
        let changed = replace(sod(), &[0, 1, 0, 4, 0, 1], &|_| identifier.to_vec());
        assert!(matches!(ClaimedSecurityObject::parse(&changed), Err(Error::SignedData(_))));
    }
}

#[test]
fn nothing_personal_is_printed() {
    let parsed = ClaimedSecurityObject::parse(sod()).unwrap();
    assert_eq!(format!("{parsed:?}"), "ClaimedSecurityObject(Sha512, files A5 1B A4 A3 A2 A1)");
    let signed = parsed.signed_data();
    assert_eq!(format!("{signed:?}"), "SignedData(2.23.136.1.1.1, 466 bytes, 1 signers)");
    let signer = &signed.signers()[0];
    assert_eq!(format!("{:?}", signer.identifier()), "IssuerAndSerialNumber(..)");
    let attributes = signer.signed_attributes().unwrap();
    let length = attributes.as_received().len();
    assert_eq!(format!("{attributes:?}"), format!("SignedAttributes({length} bytes)"));
}

#[test]
fn plain_data_may_be_signed_without_attributes() {
    let data = tlv::encode(6, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1]);
    let bare = |sod: &[u8]| {
        replace(sod, SIGNERS, &|signers| {
            let signer = tlv::parse(tlv::parse(signers).unwrap().value).unwrap();
            let fields = Reader::new(signer.value).map(|field| field.unwrap());
            let fields: Vec<u8> =
                fields.filter(|field| field.tag.0 != 0xA0).flat_map(|field| field.encoded.to_vec()).collect();
            tlv::encode(0x31, &tlv::encode(0x30, &fields))
        })
    };
    let signed_data = |sod: &[u8]| SignedData::from_der(tlv::parse(sod).unwrap().value);
    let parsed = signed_data(&bare(&replace(sod(), CONTENT_TYPE, &|_| data.clone()))).unwrap();
    assert_eq!(parsed.content_type(), "1.2.840.113549.1.7.1");
    assert_eq!(parsed.signers()[0].signed_attributes(), None);
    let refused = signed_data(&bare(sod())).unwrap_err();
    assert_eq!(refused, cms::Error::Malformed("no signed attributes"));
}

#[test]
fn the_longest_of_everything_is_read_and_nothing_longer() {
    let file = |length: usize| {
        let mut file = sod().to_vec();
        file.resize(length, 0);
        ClaimedSecurityObject::parse(&file).map(|_| ())
    };
    assert_eq!(file(0x1_0000), Ok(()));
    assert_eq!(file(0x1_0001), Err(Error::Malformed("too long")));

    let signed_data = tlv::parse(sod()).unwrap().value;
    let signed = |length: usize| {
        let with = |filler: usize| {
            let certificates =
                [demo().pki.document_signer_der(), &tlv::encode(0x30, &vec![0; filler])].concat();
            replace(signed_data, &CERTIFICATES[1..], &|_| tlv::encode(0xA0, &certificates))
        };
        let der = with(length - (with(20_000).len() - 20_000));
        assert_eq!(der.len(), length);
        SignedData::from_der(&der).map(|_| ())
    };
    assert_eq!(signed(cms::DER_MAX), Ok(()));
    assert_eq!(signed(cms::DER_MAX + 1), Err(cms::Error::TooLong(cms::DER_MAX + 1)));

    let version = |length: usize| {
        let list = tlv::encode(0x30, &entry(&[1], &[0; 32]));
        let version = sequence(&[&tlv::encode(0x13, &vec![b'1'; length]), &tlv::encode(0x13, b"040000")]);
        with_lds(&sequence(&[&[2, 1, 1], SHA_256, &list, &version])).map(|_| ())
    };
    assert_eq!(version(16), Ok(()));
    assert_eq!(version(17), Err(Error::Malformed("LDS version")));
}
