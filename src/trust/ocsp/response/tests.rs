//! Responses that are malformed, cut and changed.

use crate::iso7816::tlv::encode;

use super::super::tests::*;
use super::super::{DER_MAX, ResponseFault, Rules, judge};

#[test]
fn what_is_no_basic_response_is_told_apart() {
    let world = world();
    let outcome = |der: &[u8]| judge(der, &world.question(), &rules()).err();
    for status in 1..=7 {
        let bare = [0x30, 3, 0x0A, 1, status];
        assert_eq!(outcome(&bare), Some(ResponseFault::NotSuccessful(status)));
        assert_eq!(
            world.fault(&Draft { status, ..world.draft() }),
            Some(ResponseFault::NotSuccessful(status))
        );
    }
    assert_eq!(outcome(&[0x30, 3, 0x0A, 1, 0]), Some(ResponseFault::Malformed("responseBytes")));
    assert_eq!(outcome(&[0x30, 4, 0x0A, 2, 0, 0]), Some(ResponseFault::Malformed("responseStatus")));
    let other = Draft { response_type: "1.3.6.1.5.5.7.48.1.3", ..world.draft() };
    assert_eq!(world.fault(&other), Some(ResponseFault::OtherType));

    // What is enclosed after the signer's certificate is not looked into.
    let filled = |length: usize| {
        let mut draft = world.draft();
        draft.enclosed.push(encode(4, &vec![0; length]));
        draft.encode()
    };
    // Signatures of ECDSA differ in length.
    let mut seen = [0, 0];
    for around in 0..400 {
        let der = filled(DER_MAX - world.draft().encode().len() - 4 + around % 10);
        let fault = (der.len() > DER_MAX).then_some(ResponseFault::TooLong);
        assert_eq!(outcome(&der), fault, "{}", der.len());
        seen[0] += usize::from(der.len() == DER_MAX);
        seen[1] += usize::from(der.len() == DER_MAX + 1);
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");

    let version = |value: &[u8]| Draft { version: encode(0xA0, &encode(2, value)), ..world.draft() };
    assert_eq!(world.fault(&version(&[0])), None);
    assert_eq!(world.fault(&version(&[1])), Some(ResponseFault::Malformed("version")));
    let many = |count| Draft { said: vec![world.said(); count], ..world.draft() };
    assert_eq!(world.fault(&many(64)), None);
    assert_eq!(world.fault(&many(65)), Some(ResponseFault::Malformed("responses")));
    let status = world.saying(|said| said.status = vec![0x80, 1, 0]);
    assert_eq!(world.fault(&status), Some(ResponseFault::Malformed("certStatus")));
    let status = world.saying(|said| said.status = vec![0xA0, 0]);
    assert_eq!(world.fault(&status), Some(ResponseFault::Malformed("certStatus")));
    // Times with a fraction or an offset (RFC 5280 section 4.1.2.5.2).
    for text in ["20260101120000.5Z", "20260101130000+0100", "202601011200Z", "19691231235959Z"] {
        let status = encode(0xA1, &encode(0x18, text.as_bytes()));
        let draft = world.saying(|said| said.status.clone_from(&status));
        assert_eq!(world.fault(&draft), Some(ResponseFault::Malformed("revoked")), "{text}");
    }
}

#[test]
fn a_response_is_whole() {
    let world = world();
    let der = world.draft().encode();
    for length in 0..der.len() {
        let outcome = judge(&der[..length], &world.question(), &rules());
        assert!(matches!(outcome, Err(ResponseFault::Malformed(_))), "{length}: {outcome:?}");
    }
    let longer = [&der[..], &[0]].concat();
    let outcome = judge(&longer, &world.question(), &rules());
    assert_eq!(outcome, Err(ResponseFault::Malformed("OCSPResponse")));
}

#[test]
fn every_flipped_bit_is_noticed_or_changes_nothing() {
    let world = world();
    let enclosed = vec![world.responder.read.as_der().to_vec(), world.citizen.read.as_der().to_vec()];
    let draft = Draft { enclosed, ..world.draft() };
    let der = draft.encode();
    let right = world.judge(&draft).unwrap();
    // Signed or part of the form is everything before the certificates. Of those the responder's is verified as far
    // as it is signed itself, the other is not looked into.
    let signers = world.responder.read.as_der();
    let certificates = der.windows(signers.len()).position(|part| part == signers).unwrap();
    let mut unharmed = 0;
    for bit in 0..der.len() * 8 {
        let mut flipped = der.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(judged) = judge(&flipped, &world.question(), &rules()) {
            assert_eq!(judged, right, "bit {bit}");
            assert!(bit / 8 >= certificates, "bit {bit}");
            unharmed += 1;
        }
    }
    assert!(unharmed > 0);

    // And the same where a flip could turn revoked into good.
    let draft = Draft { enclosed: vec![], ..world.by(&world.authority) };
    let mut draft = Draft { said: vec![Said { status: revoked(-DAY, Some(1)), ..world.said() }], ..draft };
    draft.extensions.clear();
    let der = draft.encode();
    let optional = Rules { nonce_optional: true, ..rules() };
    assert!(judge(&der, &world.question(), &optional).is_ok());
    for bit in 0..der.len() * 8 {
        let mut flipped = der.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(judge(&flipped, &world.question(), &optional).is_err(), "bit {bit}");
    }
}
