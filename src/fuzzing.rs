//! Bodies of the fuzz targets: one function for each parser of foreign bytes, with what must hold for
//! whatever it accepts.
//!
//! `fuzz/` calls them under libFuzzer, `tests/fuzz.rs` on stable Rust over the committed corpus and
//! variants of it. Feature `fuzzing` only; no program needs it.
//!
//! # Panics
//! Every function panics if a property does not hold: that is the finding.
#![allow(
    clippy::missing_panics_doc,
    reason = "said once for the whole module: a panic is how a fuzzer is told of a finding"
)]
#![allow(clippy::expect_used, reason = "what must hold is asserted; nothing but a fuzzer calls this")]

mod contact;
mod passive;
mod trace;
mod trust;
mod web_eid;

pub use self::passive::lds_security_object;
pub use self::trust::{ocsp_response, revocation_list, token};
pub use self::web_eid::native_message;
pub use contact::{atr, common_name, fci, personal_data};
pub use trace::{import_hex_list, import_opensc, import_pcsc_spy, import_pcscd, import_scriptor, trace};

use crate::crypto::signature::RsaPublicKey;
use crate::crypto::{DigestAlgorithm, PresentedCertificate, cipher};
use crate::iso7816::{Command, Response, StatusWord, tlv};
use crate::passive::{ClaimedSecurityObject, Error, GROUPS_MAX};
use crate::secret::TripleDesKey;
use crate::secure_messaging::{self as sm, SecureMessaging};
use crate::test_mark;
use crate::trust::Certificate;

/// A fuzz target's body.
pub type Body = fn(&[u8]);

/// Every target: its name, which is that of its corpus, and its body.
pub const TARGETS: [(&str, Body); 21] = [
    ("apdu", apdu),
    ("atr", atr),
    ("certificate", certificate),
    ("common_name", common_name),
    ("fci", fci),
    ("import_hex_list", import_hex_list),
    ("import_opensc", import_opensc),
    ("import_pcsc_spy", import_pcsc_spy),
    ("import_pcscd", import_pcscd),
    ("import_scriptor", import_scriptor),
    ("lds_security_object", lds_security_object),
    ("native_message", native_message),
    ("ocsp_response", ocsp_response),
    ("personal_data", personal_data),
    ("revocation_list", revocation_list),
    ("rsa_public_key", rsa_public_key),
    ("secure_messaging_unwrap", secure_messaging_unwrap),
    ("security_object", security_object),
    ("tlv", tlv),
    ("token", token),
    ("trace", trace),
];

/// A command as a card reads it, and a response as a terminal does: what is accepted can be encoded and
/// says the same then; fragments of a chain add up to the data.
pub fn apdu(input: &[u8]) {
    if let Ok(command) = Command::parse(input) {
        let encoded = command.encode().expect("what was parsed has an encoding");
        assert!(encoded.len() <= input.len(), "the encoding is the shortest");
        let again = Command::parse(&encoded).expect("what was encoded parses");
        assert_eq!(again.header(), command.header());
        assert_eq!((again.data(), again.ne()), (command.data(), command.ne()));
        assert!(!command.is_repeatable(), "nothing from outside may be issued twice");

        let size = usize::from(command.p2());
        let fragments = command.chain(size);
        let joined: Vec<u8> = fragments.iter().flat_map(|fragment| fragment.data().to_vec()).collect();
        assert_eq!(joined, command.data());
        assert!(fragments.iter().all(|fragment| fragment.data().len() <= size.max(1)));
        assert_eq!(fragments.last().and_then(Command::ne), command.ne());
    }
    match Response::parse(input) {
        Ok(response) => assert_eq!(response.encode(), input),
        Err(_) => assert!(input.len() < 2),
    }
}

/// Data objects: together they are the input, each can be written anew, lengths agree.
pub fn tlv(input: &[u8]) {
    let objects: Result<Vec<_>, _> = tlv::Reader::new(input).collect();
    if let Ok(objects) = &objects {
        let joined: Vec<u8> = objects.iter().flat_map(|object| object.encoded.to_vec()).collect();
        assert_eq!(joined, input);
        for object in objects {
            let encoded = tlv::encode(object.tag.0, object.value);
            assert!(encoded.len() <= object.encoded.len(), "the encoding is the shortest");
            let again = tlv::parse(&encoded).expect("what was encoded parses");
            assert_eq!((again.tag, again.value), (object.tag, object.value));
            let first = objects.iter().find(|other| other.tag == object.tag).map(|other| other.value);
            assert_eq!(tlv::find(input, object.tag.0).ok(), first);
        }
    }
    let whole = tlv::parse(input);
    assert_eq!(whole.is_ok(), objects.is_ok_and(|objects| objects.len() == 1));
    match tlv::encoded_length(input) {
        Ok(length) => {
            let object = input.get(..length).map(tlv::parse);
            assert!(object.is_none_or(|object| object.is_ok()), "as long as it says");
            assert!(whole.is_err() || length == input.len());
        }
        Err(_) => assert!(whole.is_err()),
    }
}

/// A protected response. The first byte chooses what the rest is: the response itself; data objects that
/// are given a right checksum; clear data that is padded, encrypted and given one; or the same without
/// padding. Then INS, keys and counter.
pub fn secure_messaging_unwrap(input: &[u8]) {
    let Some((&[mode, ins], rest)) = input.split_first_chunk::<2>() else { return };
    let Some((ks_enc, rest)) = rest.split_first_chunk::<16>() else { return };
    let Some((ks_mac, rest)) = rest.split_first_chunk::<16>() else { return };
    let Some((ssc, rest)) = rest.split_first_chunk::<8>() else { return };
    let session = || {
        let (ks_enc, ks_mac) = (TripleDesKey::new(ks_enc), TripleDesKey::new(ks_mac));
        SecureMessaging::new(ks_enc, ks_mac, u64::from_be_bytes(*ssc))
    };
    let status = [0x99, 2, 0x90, 0];
    let answer = |body: &[u8]| session().answer(body).expect("a checksum can be made");
    let encrypted = |clear: &[u8]| session().cryptogram(ins, clear).expect("whole blocks can be encrypted");
    match mode & 3 {
        0 => {
            if let Ok(response) = Response::parse(rest) {
                opened(&session, ins, &response).ok();
            }
        }
        1 => {
            let whole_objects = tlv::Reader::new(rest).all(|object| object.is_ok());
            let result = opened(&session, ins, &answer(rest));
            assert!(!whole_objects || result != Err(sm::Error::WrongMac), "the checksum is right");
        }
        2 => {
            let protected = answer(&[&encrypted(&cipher::pad(rest)), &status[..]].concat());
            let expected = Response::new(rest.to_vec(), StatusWord::SUCCESS);
            assert_eq!(opened(&session, ins, &protected), Ok(expected));
        }
        _ => {
            let blocks = rest.get(..rest.len() / 8 * 8).unwrap_or_default();
            if !blocks.is_empty() {
                let protected = answer(&[&encrypted(blocks), &status[..]].concat());
                let unpadded = cipher::unpad(blocks).ok();
                let result = opened(&session, ins, &protected).ok();
                assert_eq!(result.as_ref().map(Response::data), unpadded);
            }
        }
    }
}

/// Opens a response and checks what must hold if that works: it would be protected the same way again,
/// and it cannot be played twice.
fn opened(
    session: &dyn Fn() -> SecureMessaging,
    ins: u8,
    response: &Response,
) -> Result<Response, sm::Error> {
    let mut terminal = session();
    let clear = terminal.unwrap(ins, response)?;
    let objects: Vec<_> =
        tlv::Reader::new(response.data()).map(|object| object.expect("well-formed")).collect();
    let covered = objects.iter().filter(|object| object.tag.0 != 0x8E);
    let covered: Vec<u8> = covered.flat_map(|object| object.encoded.to_vec()).collect();
    let again = session().answer(&covered).expect("a checksum can be made");
    let value = |data: &[u8], tag| tlv::find(data, tag).ok().map(<[u8]>::to_vec);
    assert_eq!(value(response.data(), 0x8E), value(again.data(), 0x8E), "the checksum was right");
    assert_eq!(value(response.data(), 0x99), Some(clear.status().to_bytes().to_vec()));
    let tag = if ins & 1 == 0 { 0x87 } else { 0x85 };
    match value(response.data(), tag) {
        Some(cryptogram) => {
            let made = session().cryptogram(ins, &cipher::pad(clear.data())).expect("can be encrypted");
            assert_eq!(Some(cryptogram), value(&made, tag), "decrypted and unpadded rightly");
        }
        None => assert!(clear.data().is_empty()),
    }
    assert!(response.status().is_success() || response.status() == clear.status());
    assert!(terminal.unwrap(ins, response).is_err(), "an answer was played twice");
    Ok(clear)
}

/// A PKCS #1 public key: what is accepted is canonical and within its bounds.
pub fn rsa_public_key(input: &[u8]) {
    if let Ok(key) = RsaPublicKey::from_der(input) {
        assert_eq!(key.to_der().as_deref(), Ok(input));
        assert!((128..=512).contains(&key.size()));
        let modulus = key.modulus();
        assert_eq!(modulus.len(), key.size());
        assert!(modulus.last().is_some_and(|byte| byte & 1 == 1), "the modulus is odd");
        assert!(RsaPublicKey::from_der(&[input, &[0]].concat()).is_err(), "nothing may follow");
        assert!(key.recover(&vec![0xFF; key.size()]).is_err(), "the block is over the modulus");
    }
}

/// An X.509 certificate, by both of its readers.
pub fn certificate(input: &[u8]) {
    let followed = [input, &[0]].concat();
    if let Ok(certificate) = Certificate::from_der(input) {
        assert_eq!(certificate.as_der(), input);
        assert!(Certificate::from_der(&followed).is_err(), "nothing may follow");
        assert!(!format!("{certificate:?} {:?}", certificate.subject()).is_empty());
        // The mark counts in any case and spacing.
        let folded = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().filter(|byte| byte.is_ascii_graphic()).map(u8::to_ascii_uppercase).collect()
        };
        let has = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
        if certificate.is_test() {
            let organisation = folded(test_mark::ORGANISATION.as_bytes());
            assert!(has(input, test_mark::EXTENSION_OID_DER) || has(&folded(input), &organisation));
        }
    }
    if let Ok(certificate) = PresentedCertificate::from_der(input) {
        assert_eq!(certificate.as_der(), input);
        assert!(PresentedCertificate::from_der(&followed).is_err(), "nothing may follow");
        let key = certificate.public_key();
        let again = key.to_der().and_then(|der| RsaPublicKey::from_der(&der)).expect("a key can be written");
        assert_eq!(again.modulus(), key.modulus());
    }
}

/// EF.SOD: listed files have digests of the right length, each once; attributes are put in order without
/// loss; padding changes nothing; nobody forges one.
pub fn security_object(input: &[u8]) {
    let Ok(object) = ClaimedSecurityObject::parse(input) else { return };
    let length = object.digest_algorithm().output_length();
    let mut groups: Vec<u8> = object.groups().collect();
    assert!((1..=GROUPS_MAX).contains(&groups.len()));
    for group in 0..=u8::MAX {
        let listed = groups.contains(&group);
        assert_eq!(object.digest(group).map(<[u8]>::len), listed.then_some(length));
        let expected = if listed { Error::DigestDiffers(group) } else { Error::MissingGroup(group) };
        let zeros = object.digest(group).is_some_and(|digest| digest == hash_of_nothing(&object));
        assert!(zeros || object.check_digest(group, b"") == Err(expected));
    }
    groups.sort_unstable();
    assert!(groups.windows(2).all(|pair| pair.first() != pair.last()), "each file once");

    let signed = object.signed_data();
    assert_eq!(signed.content_type(), "2.23.136.1.1.1");
    assert!(!signed.signers().is_empty());
    for certificate in signed.certificates() {
        assert!(tlv::parse(certificate).is_ok_and(|object| object.tag.0 == 0x30));
    }
    for signer in signed.signers() {
        let attributes = signer.signed_attributes().expect("only plain data may do without");
        let parts = |set: &[u8]| -> Vec<Vec<u8>> {
            let set = tlv::parse(set).expect("one SET").value;
            tlv::Reader::new(set).map(|object| object.expect("well-formed").encoded.to_vec()).collect()
        };
        let mut received = parts(attributes.as_received());
        received.sort_unstable();
        assert_eq!(parts(attributes.as_der()), received, "the same attributes in order");
    }
    let length = tlv::encoded_length(input).expect("it was parsed");
    let cut = input.get(..length).expect("it was parsed");
    assert!(ClaimedSecurityObject::parse(cut).is_ok_and(|again| again == object), "padding says nothing");
    agrees_with_another_parser(cut, &object);
    passive::verified(object);
}

fn hash_of_nothing(object: &ClaimedSecurityObject) -> Vec<u8> {
    DigestAlgorithm::hash(object.digest_algorithm(), b"")
}

/// Whatever the crate `cms` makes of the same bytes, if it accepts them at all, says the same.
fn agrees_with_another_parser(ef_sod: &[u8], object: &ClaimedSecurityObject) {
    use der::{Decode, Encode};

    let der = tlv::parse(ef_sod).expect("it was parsed").value;
    let info = ::cms::content_info::ContentInfo::from_der(der);
    let Ok(theirs) = info.and_then(|info| info.content.decode_as::<::cms::signed_data::SignedData>()) else {
        return;
    };
    let ours = object.signed_data();
    let content = theirs.encap_content_info.econtent.as_ref().map(der::Any::value);
    assert_eq!(content, ours.content());
    assert_eq!(theirs.signer_infos.0.len(), ours.signers().len());
    let certificates = theirs
        .certificates
        .iter()
        .flat_map(|set| set.0.iter())
        .filter(|choice| matches!(choice, ::cms::cert::CertificateChoices::Certificate(_)));
    assert_eq!(certificates.count(), ours.certificates().len());
    if let ([signer], [their_signer]) = (ours.signers(), theirs.signer_infos.0.as_slice()) {
        let sorted = their_signer.signed_attrs.as_ref().and_then(|attributes| attributes.to_der().ok());
        assert_eq!(sorted.as_deref(), signer.signed_attributes().map(crate::cms::SignedAttributes::as_der));
    }
}
