//! Paths that a store remembers are worth no more than those that it builds.

use std::time::{Duration, SystemTime};

use cie::trust::{AnchorPurpose, Certificate, ClientAuthentication, Error, HolderPolicy, TrustStore};

use crate::chain::{Case, Chain, now};
use crate::draft::{EXTENDED_USAGE, extended_usage, utc};

const SECOND: Duration = Duration::from_secs(1);

fn verdict(store: &TrustStore, der: &[u8], at: SystemTime) -> Result<usize, Error> {
    let holder = Certificate::from_der(der)?;
    store.verify_holder_certificate(holder, at, &HolderPolicy::default()).map(|path| path.path().len())
}

/// A chain in which another certificate is the last to begin and the first to end.
fn case(first_to_end: usize, last_to_begin: usize) -> Case {
    let chain = Chain::of(1).change(first_to_end, |draft| draft.until = utc("270101000000Z"));
    Case::new("", Ok(()), &chain.change(last_to_begin, |draft| draft.from = utc("250101000000Z")))
}

#[test]
fn a_remembered_path_ends_with_the_first_of_its_certificates_and_begins_with_the_last() {
    // 2025-01-01 and 2027-01-01.
    let moment = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let (from, until) = (moment(1_735_689_600), moment(1_798_761_600));
    for (end, begin) in [(0, 1), (1, 2), (2, 0)] {
        let case = case(end, begin);
        let store = case.store();
        let fresh = |at| verdict(&case.store(), &case.holder, at);
        // Asked for in the middle first, so that it is remembered ever after.
        for at in [now(), from, until - SECOND, now()] {
            assert_eq!(verdict(&store, &case.holder, at), Ok(3));
        }
        for (at, error) in [
            (until, Error::Expired),
            (until + SECOND, Error::Expired),
            (from - SECOND, Error::NotYetValid),
            (SystemTime::UNIX_EPOCH, Error::NotYetValid),
        ] {
            assert_eq!(verdict(&store, &case.holder, at), Err(error.clone()), "{end} {begin}");
            assert_eq!(fresh(at), Err(error));
        }
        // What was refused is not what is remembered.
        assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
    }
}

#[test]
fn a_remembered_path_is_one_for_its_purpose() {
    let case = Case::new("", Ok(()), &Chain::of(1));
    let mut store = case.store();
    let holder = || Certificate::from_der(&case.holder).unwrap();
    assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
    for purpose in [AnchorPurpose::Csca, AnchorPurpose::FirstGenerations, AnchorPurpose::Responder] {
        assert_eq!(store.verify_path(purpose, holder(), now()).err(), Some(Error::UnknownIssuer));
    }
    // The other way round, too.
    let mut csca = TrustStore::new();
    csca.add_anchor(AnchorPurpose::Csca, &case.anchors[0]).unwrap();
    csca.add_intermediate(&case.others[0]).unwrap();
    csca.verify_path(AnchorPurpose::Csca, holder(), now()).unwrap();
    assert_eq!(verdict(&csca, &case.holder, now()), Err(Error::UnknownIssuer));
    // An anchor that is added makes a store forget; what it built stays good.
    store.add_anchor(AnchorPurpose::Csca, &case.anchors[0]).unwrap();
    store.verify_path(AnchorPurpose::Csca, holder(), now()).unwrap();
    assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
}

/// A path that holds for one who does not ask for client authentication does not hold for one who does.
#[test]
fn a_remembered_path_is_one_for_its_usage() {
    let usage = extended_usage(&[1]);
    let chain = Chain::of(1).change(1, |sub| sub.set(EXTENDED_USAGE, false, &usage));
    let case = Case::new("", Ok(()), &chain);
    let store = case.store();
    let not_asked = HolderPolicy::default().client_authentication(ClientAuthentication::NotAsked);
    for _ in 0..2 {
        let holder = Certificate::from_der(&case.holder).unwrap();
        store.verify_holder_certificate(holder, now(), &not_asked).unwrap();
        assert!(matches!(verdict(&store, &case.holder, now()), Err(Error::InvalidPath(_))));
    }
}

#[test]
fn stores_with_other_anchors_share_nothing() {
    let case = Case::new("", Ok(()), &Chain::of(1));
    let store = case.store();
    assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
    // A copy may share what it remembers, until it trusts somebody else.
    let mut copy = store.clone();
    assert_eq!(verdict(&copy, &case.holder, now()), Ok(3));
    let other = Case::new("", Ok(()), &Chain::with("p384", 1));
    copy.add_anchor(AnchorPurpose::Holder, &other.anchors[0]).unwrap();
    copy.add_intermediate(&other.others[0]).unwrap();
    assert_eq!(verdict(&copy, &other.holder, now()), Ok(3));
    assert_eq!(verdict(&store, &other.holder, now()), Err(Error::UnknownIssuer));
    let mut stranger = TrustStore::new();
    stranger.add_anchor(AnchorPurpose::Holder, &other.anchors[0]).unwrap();
    assert_eq!(verdict(&stranger, &case.holder, now()), Err(Error::UnknownIssuer));
}

#[test]
fn a_flipped_certificate_is_not_the_one_that_is_remembered() {
    let case = Case::new("", Ok(()), &Chain::of(1));
    let store = case.store();
    assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
    for index in 0..case.holder.len() {
        let mut flipped = case.holder.clone();
        flipped[index] ^= 1 << (index % 8);
        assert!(verdict(&store, &flipped, now()).is_err(), "byte {index}");
    }
    assert_eq!(verdict(&store, &case.holder, now()), Ok(3));
}

/// Many citizens, one store, many threads: the right key for each.
#[test]
fn a_remembered_path_has_its_own_key() {
    let chain = Chain::of(1);
    let store = Case::new("", Ok(()), &chain).store();
    let holders: Vec<(Vec<u8>, Vec<u8>)> = ["p256 holder", "p384 holder", "p521 holder", "rsa2048 holder"]
        .map(|of| {
            let mut draft = chain.drafts[2].clone();
            draft.key = crate::draft::key(of);
            (draft.issued_by(&chain.drafts[1]), draft.public_key())
        })
        .into();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (der, spki) in holders.iter().cycle().take(40) {
                    let holder = Certificate::from_der(der).unwrap();
                    let path =
                        store.verify_holder_certificate(holder, now(), &HolderPolicy::default()).unwrap();
                    let kind = cie::crypto::PublicKey::from_spki(spki).unwrap().kind();
                    assert_eq!(path.public_key().kind(), kind);
                    assert_eq!(path.certificate().as_der(), der);
                }
            });
        }
    });
}
