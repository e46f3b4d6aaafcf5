//! Certification paths of the test PKI: what is accepted, and what is refused by which name.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

use std::time::{Duration, SystemTime};

use cie::crypto::PresentedCertificate;
use cie::emulator::entropy::Seeded;
use cie::emulator::pki::HolderProfile;
use cie::trust::{AnchorPurpose, Certificate, Error, TrustStore};
use common::{card, demo, link, now, pin, trust};

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
