//! Responses made by OpenSSL's responder and by hand: what is accepted, and what is refused by which name. OpenSSL
//! reads and verifies those made by hand too.

#[cfg(feature = "system-tests")]
mod foreign;
mod world;

use crate::trust::RevocationReason;
use openssl::hash::MessageDigest;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};

pub(super) use super::*;
pub(super) use world::*;

#[test]
fn the_question_is_the_one_that_openssl_would_ask() {
    let world = world();
    for asked in [&world.citizen, &world.responder] {
        let mut theirs = OcspRequest::new().unwrap();
        let id = OcspCertId::from_cert(MessageDigest::sha1(), &asked.x509, &world.authority.x509).unwrap();
        theirs.add_id(id).unwrap();
        let question = Question { certificate: &asked.read, nonce: None, ..world.question() };
        assert_eq!(request(&question).unwrap(), theirs.to_der().unwrap());
    }
    let with_nonce = request(&world.question()).unwrap();
    assert_eq!(OcspRequest::from_der(&with_nonce).unwrap().to_der().unwrap(), with_nonce);
    // Two OCTET STRINGs, one in the other (RFC 9654 section 2.1).
    let nonce = [&hex!("06092B06010505073001020422 0420")[..], &NONCE_SENT].concat();
    assert!(with_nonce.ends_with(&nonce));
    for length in [0, 16, 31, 33] {
        let question = Question { nonce: Some(&[7; 64][..length]), ..world.question() };
        let fault = ResponseFault::Malformed("nonce of the question");
        assert_eq!(request(&question), Err(fault));
        assert_eq!(judge(&world.draft().encode(), &question, &rules()), Err(fault));
    }
}

#[test]
fn a_good_answer_is_good_to_openssl_and_to_us() {
    let world = world();
    let judged = world.judge(&world.draft()).unwrap();
    let expected = Judged {
        verdict: Verdict::Good,
        this_update: at(-60),
        next_update: Some(at(3600)),
        produced_at: at(-30),
        nonce_matched: true,
    };
    assert_eq!(judged, expected);

    let by_key = Draft { by_key: true, ..world.draft() };
    let issuer_itself = Draft { enclosed: vec![], ..world.by(&world.authority) };
    let issuer_by_key = Draft { by_key: true, ..issuer_itself.clone() };
    for draft in [world.draft(), by_key, issuer_itself, issuer_by_key] {
        assert_eq!(world.judge(&draft), Ok(expected));
        let basic = OcspResponse::from_der(&draft.encode()).unwrap().basic().unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(world.authority.x509.clone()).unwrap();
        let mut parameters = X509VerifyParam::new().unwrap();
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN).unwrap();
        parameters.set_time(NOW);
        store.set_param(&parameters).unwrap();
        // It does not look for the signer among what it trusts.
        let mut known = Stack::new().unwrap();
        known.push(world.authority.x509.clone()).unwrap();
        basic.verify(&known, &store.build(), OcspFlag::empty()).unwrap();
        let id = OcspCertId::from_cert(MessageDigest::sha1(), &world.citizen.x509, &world.authority.x509);
        assert_eq!(basic.find_status(&id.unwrap()).unwrap().status, OcspCertStatus::GOOD);
    }
}

#[test]
fn only_what_was_asked_for_counts() {
    let world = world();
    let other = Profile { serial: 0x8002, ..citizen() }.by(Some(&world.authority));
    let namesake = authority().by(None);
    let renamed = X509::from_der(world.responder.read.as_der()).unwrap();
    let renamed =
        Made { key: world.authority.key.clone(), read: world.responder.read.clone(), x509: renamed };
    let sha1 = MessageDigest::sha1();
    for id in [
        certificate_id(&other, &world.authority, sha1),
        certificate_id(&world.citizen, &namesake, sha1),
        certificate_id(&world.citizen, &renamed, sha1),
        certificate_id(&world.citizen, &world.authority, MessageDigest::sha256()),
    ] {
        let other = world.saying(|said| said.id.clone_from(&id));
        assert_eq!(world.fault(&other), Some(ResponseFault::NoAnswer));
        // Beside the one that was asked for it does not disturb.
        let mut both = world.draft();
        both.said.insert(0, Said { id, status: revoked(-DAY, None), ..world.said() });
        assert_eq!(world.judge(&both).unwrap().verdict, Verdict::Good);
    }
    assert_eq!(world.fault(&Draft { said: vec![], ..world.draft() }), Some(ResponseFault::NoAnswer));
    // Parameters of the digest may be left out.
    let id = world.said().id;
    let parts: Vec<_> = tlv::Reader::new(tlv::parse(&id).unwrap().value).map(Result::unwrap).collect();
    let bare = sequence(&[&oid("1.3.14.3.2.26")]);
    let id = sequence(&[&bare, parts[1].encoded, parts[2].encoded, parts[3].encoded]);
    assert_eq!(world.fault(&world.saying(|said| said.id.clone_from(&id))), None);
    let strange = sequence(&[&oid("1.3.14.3.2.26"), &[5, 1, 0]]);
    let id = sequence(&[&strange, parts[1].encoded, parts[2].encoded, parts[3].encoded]);
    let draft = world.saying(|said| said.id.clone_from(&id));
    assert_eq!(world.fault(&draft), Some(ResponseFault::Malformed("certID")));
}

#[test]
fn what_is_said_and_why() {
    let world = world();
    let reasons = [
        (None, None),
        (Some(0), Some(RevocationReason::Unspecified)),
        (Some(1), Some(RevocationReason::KeyCompromise)),
        (Some(6), Some(RevocationReason::Hold)),
        (Some(8), None),
        (Some(10), Some(RevocationReason::AttributeAuthorityCompromise)),
        (Some(99), None),
    ];
    for (code, reason) in reasons {
        let draft = world.saying(|said| said.status = revoked(-DAY, code));
        let since = at(-DAY);
        assert_eq!(world.judge(&draft).unwrap().verdict, Verdict::Revoked(Revoked { since, reason }));
    }
    assert_eq!(world.fault(&world.saying(|said| said.status = unknown())), Some(ResponseFault::Unknown));

    // Two answers that disagree: the worst counts, the earlier revocation first, whichever comes first.
    let said = |status: Vec<u8>| Said { status, ..world.said() };
    let pair = |first: &[u8], second: &[u8]| {
        let both = |a: &[u8], b: &[u8]| {
            world.judge(&Draft { said: vec![said(a.to_vec()), said(b.to_vec())], ..world.draft() })
        };
        assert_eq!(both(first, second), both(second, first));
        both(first, second).map(|judged| judged.verdict)
    };
    let early = Verdict::Revoked(Revoked { since: at(-DAY), reason: None });
    assert_eq!(pair(&good(), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&unknown(), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&revoked(0, None), &revoked(-DAY, None)), Ok(early));
    assert_eq!(pair(&good(), &unknown()), Err(ResponseFault::Unknown));
    assert_eq!(pair(&good(), &good()), Ok(Verdict::Good));
    // Revoked by an answer that has expired, good by one that has not: not good.
    let stale = Said { next_update: Some(-2000), this_update: -3000, ..said(revoked(-DAY, None)) };
    let draft = Draft { said: vec![said(good()), stale.clone()], ..world.draft() };
    assert_eq!(world.fault(&draft), Some(ResponseFault::Stale));
    // Of two that agree, the newer.
    let draft = Draft { said: vec![Said { status: good(), ..stale }, said(good())], ..world.draft() };
    assert_eq!(world.judge(&draft).unwrap().this_update, at(-60));
}

#[test]
fn an_answer_is_about_now() {
    let world = world();
    let times = |this_update, next_update, produced_at| {
        let mut draft =
            world.saying(|said| (said.this_update, said.next_update) = (this_update, next_update));
        draft.produced_at = produced_at;
        draft
    };
    let with_nonce = [
        ((900, Some(900), 900), None),
        ((901, Some(1000), 0), Some(ResponseFault::NotYetValid)),
        ((0, None, 901), Some(ResponseFault::NotYetValid)),
        ((-2000, Some(-900), -2000), None),
        ((-2000, Some(-901), -2000), Some(ResponseFault::Stale)),
        ((-10, Some(-11), -10), Some(ResponseFault::Malformed("nextUpdate"))),
        ((-10, Some(-10), -10), None),
        // With its nonce it was made just now, however old the list is that the responder reads.
        ((-DAY, None, -10), None),
        ((-DAY, Some(1), -10), None),
    ];
    for ((this, next, produced), fault) in with_nonce {
        assert_eq!(world.fault(&times(this, next, produced)), fault, "{this} {next:?} {produced}");
    }
    let without_nonce = [
        ((-120, None, -10), None),
        ((-121, None, -10), Some(ResponseFault::TooOld)),
        ((-120, Some(DAY), -10), None),
        ((-121, Some(DAY), -10), Some(ResponseFault::TooOld)),
        ((900, None, -10), None),
        ((901, None, -10), Some(ResponseFault::NotYetValid)),
        ((-5000, Some(-1000), -5000), Some(ResponseFault::Stale)),
    ];
    for ((this, next, produced), fault) in without_nonce {
        let draft = Draft { extensions: vec![], ..times(this, next, produced) };
        let question = Question { nonce: None, ..world.question() };
        let judged = judge(&draft.encode(), &question, &rules());
        assert_eq!(judged.err(), fault, "{this} {next:?} {produced}");
        // The same if the nonce was sent and may be left out.
        let optional = Rules { nonce_optional: true, ..rules() };
        assert_eq!(judge(&draft.encode(), &world.question(), &optional), judged);
        // And if somebody else's came back to nobody's.
        let theirs = Draft { extensions: vec![echo(&[1; 32])], ..draft };
        assert_eq!(judge(&theirs.encode(), &question, &rules()), judged);
    }
    // Durations and moments beyond what a clock can tell overflow nowhere.
    let boundless = Rules { skew: Duration::MAX, max_age: Duration::MAX, ..rules() };
    assert!(judge(&times(DAY, Some(DAY), DAY).encode(), &world.question(), &boundless).is_ok());
}

#[test]
fn the_nonce_is_the_one_that_was_sent() {
    let world = world();
    let with = |extensions: Vec<Vec<u8>>| Draft { extensions, ..world.draft() };
    assert_eq!(world.fault(&with(vec![])), Some(ResponseFault::NonceMissing));
    let bare = with_critical("1.3.6.1.5.5.7.48.1.2", &[], &NONCE_SENT);
    let optional = Rules { nonce_optional: true, ..rules() };
    for other in [echo(&[0x5B; 32]), echo(&NONCE_SENT[..31]), echo(&[0x5A; 33]), echo(&[]), bare] {
        let draft = with(vec![other]);
        assert_eq!(world.fault(&draft), Some(ResponseFault::NonceDiffers));
        let outcome = judge(&draft.encode(), &world.question(), &optional);
        assert_eq!(outcome, Err(ResponseFault::NonceDiffers));
    }
    let unnamed = judge(&with(vec![]).encode(), &world.question(), &optional).unwrap();
    assert!(!unnamed.nonce_matched);
    let critical = with_critical("1.3.6.1.5.5.7.48.1.2", &[1, 1, 0xFF], &octets(&NONCE_SENT));
    assert!(world.judge(&with(vec![critical])).unwrap().nonce_matched);
    let twice = with(vec![echo(&NONCE_SENT), echo(&NONCE_SENT)]);
    assert_eq!(world.fault(&twice), Some(ResponseFault::Malformed("an extension stands there twice")));
}

#[test]
fn critical_extensions_must_be_known() {
    let world = world();
    for (critical, fault) in
        [(&[1, 1, 0xFF][..], Some(ResponseFault::UnknownCritical)), (&[], None), (&[1, 1, 0], None)]
    {
        let strange = with_critical("1.2.3.4", critical, &[5, 0]);
        let in_response = Draft { extensions: vec![echo(&NONCE_SENT), strange.clone()], ..world.draft() };
        assert_eq!(world.fault(&in_response), fault);
        assert_eq!(world.fault(&world.saying(|said| said.extensions = vec![strange.clone()])), fault);
        // In an answer that nobody asked for it does not matter.
        let id = certificate_id(&world.responder, &world.authority, MessageDigest::sha1());
        let mut beside = world.draft();
        beside.said.push(Said { id, extensions: vec![strange], ..world.said() });
        assert_eq!(world.fault(&beside), None);
    }
    // The nonce belongs to the response, not to an answer.
    let nonce = with_critical("1.3.6.1.5.5.7.48.1.2", &[1, 1, 0xFF], &octets(&NONCE_SENT));
    let misplaced = world.saying(|said| said.extensions = vec![nonce.clone()]);
    assert_eq!(world.fault(&misplaced), Some(ResponseFault::UnknownCritical));
    let neither = world.saying(|said| said.extensions = vec![with_critical("1.2.3.4", &[1, 1, 1], &[5, 0])]);
    assert_eq!(world.fault(&neither), Some(ResponseFault::Malformed("singleExtensions")));
    let many = (0..17).map(|arc| with_critical(&format!("1.2.3.{arc}"), &[], &[])).collect::<Vec<_>>();
    let many = world.saying(|said| said.extensions.clone_from(&many));
    assert_eq!(world.fault(&many), Some(ResponseFault::Malformed("singleExtensions")));
}
