//! Which citizens' certificates are taken: of which cards, and how old their cryptography may be.

use cie::crypto::PresentedCertificate;
use cie::emulator::contact::Model;
use cie::trust::{CertifiedCard, Error, HolderPolicy};
use openssl::hash::MessageDigest;
use openssl::x509::extension::KeyUsage;

use crate::common::contact::issued;
use crate::common::{now, trust};
use crate::unmarked::{self, Profile};

use CertifiedCard::{Cie3, Cns, FirstGenerations};

const NOT_TAKEN: Error = Error::WrongPurpose("not the policy of a card that is taken here");

/// What becomes of the certificate on the software card of a model: the card that it is from, and whether older
/// cryptography had to be let pass.
fn verdict(model: Model, policy: &HolderPolicy) -> Result<(CertifiedCard, bool), Error> {
    let presented = PresentedCertificate::from_der(&issued(model).certificate).unwrap();
    let path = trust().verify_holder_with(&presented, now(), policy)?;
    assert!(path.is_test());
    Ok((path.card(), path.is_legacy()))
}

#[test]
fn a_relying_party_names_the_cards_that_it_takes() {
    let of = HolderPolicy::of;
    assert_eq!(verdict(Model::Cns11, &of(Cns)), Ok((Cns, false)));
    assert_eq!(verdict(Model::Cns11, &of(Cie3).and(Cns)), Ok((Cns, false)));
    for policy in [HolderPolicy::default(), of(Cie3)] {
        assert_eq!(verdict(Model::Cns11, &policy), Err(NOT_TAKEN));
    }
    // The first identity cards name no policy: that asks for one does not find it.
    assert_eq!(verdict(Model::Cie2, &of(Cns).allow_legacy_cryptography()), Err(NOT_TAKEN));
}

#[test]
fn older_cryptography_is_let_pass_only_by_name_and_said() {
    let cns = HolderPolicy::of(Cns);
    let first = HolderPolicy::of(FirstGenerations);
    assert_eq!(verdict(Model::Cns10, &cns), Err(Error::TooWeak), "1024 bits");
    assert_eq!(verdict(Model::Cie2, &first), Err(Error::TooWeak), "1024 bits, SHA-1");
    let (cns, first) = (cns.allow_legacy_cryptography(), first.allow_legacy_cryptography());
    assert_eq!(verdict(Model::Cns10, &cns), Ok((Cns, true)));
    assert_eq!(verdict(Model::Cie2, &first), Ok((FirstGenerations, true)));
    assert_eq!(verdict(Model::Cns11, &cns), Ok((Cns, false)), "it was not needed");
}

#[test]
fn what_is_let_pass_has_floors_of_its_own() {
    let legacy = HolderPolicy::default().allow_legacy_cryptography();
    let verdict = |profile| {
        let (store, holder, _) = unmarked::issued(profile);
        store.verify_holder_with(&holder, now(), &legacy).map(|path| path.is_legacy())
    };
    let sha1 = MessageDigest::sha1();
    assert_eq!(verdict(Profile::default()), Ok(false));
    assert_eq!(verdict(Profile { bits: 1024, ..Profile::default() }), Ok(true));
    assert_eq!(verdict(Profile { digest: sha1, ..Profile::default() }), Ok(true));
    assert_eq!(verdict(Profile { bits: 1024, digest: sha1, ..Profile::default() }), Ok(true));
    // Not so an authority's key, nor a digest that was broken before these cards were made.
    assert_eq!(verdict(Profile { authority_bits: 1024, ..Profile::default() }), Err(Error::TooWeak));
    assert_eq!(verdict(Profile { authority_bits: 1536, ..Profile::default() }), Err(Error::TooWeak));
    let md5 = Profile { digest: MessageDigest::md5(), ..Profile::default() };
    assert_eq!(verdict(md5), Err(Error::TooWeak));
    // It excuses nothing else.
    let policy = Profile { bits: 1024, policy: Some("1.3.76.47.2"), ..Profile::default() };
    assert_eq!(verdict(policy), Err(NOT_TAKEN));
}

#[test]
fn a_key_that_binds_its_holder_is_no_key_to_log_in_with() {
    for (card, policy) in [(Cns, Some("1.3.76.16.2.1")), (FirstGenerations, None)] {
        let profile = |key_usage| Profile { policy, key_usage, ..Profile::default() };
        let verdict = |profile| {
            let (store, holder, _) = unmarked::issued(profile);
            store.verify_holder_with(&holder, now(), &HolderPolicy::of(card)).map(|path| path.card())
        };
        assert_eq!(verdict(profile(Profile::default().key_usage)), Ok(card));
        let mut usage = KeyUsage::new();
        usage.digital_signature().non_repudiation();
        assert_eq!(verdict(profile(Some(usage))), Err(NOT_TAKEN));
    }
}

/// The policies that are known of a CNS, each by itself, and one more digit is another policy.
#[test]
fn every_policy_of_a_cns_is_taken() {
    for (policy, taken) in [
        ("1.3.76.16.2.1", true),
        ("1.3.159.6.1.3.2.10", true),
        ("1.3.76.12.1.1.10.2.2.10", true),
        ("1.3.76.16.2.1.1", false),
        ("1.3.76.16.2", false),
        ("1.3.76.47.4", false),
    ] {
        let (store, holder, _) = unmarked::issued(Profile { policy: Some(policy), ..Profile::default() });
        let outcome = store.verify_holder_with(&holder, now(), &HolderPolicy::of(Cns));
        assert_eq!(outcome.is_ok(), taken, "{policy}");
    }
}
