//! Which citizens' certificates are taken: of which cards, and how old their cryptography may be.

use cie::crypto::PresentedCertificate;
use cie::emulator::contact::{DigestOver, IssueOptions, Model};
use cie::identity::{BindingError, HashPolicy, verify_personal_data};
use cie::trust::{AnchorPurpose, CertifiedCard, Error, HolderPolicy, TrustStore};
use openssl::hash::MessageDigest;
use openssl::x509::extension::KeyUsage;

use crate::common::contact::{issued, issued_with, laid};
use crate::common::{demo, now, trust};
use crate::unmarked::{self, Profile};

use CertifiedCard::{Cie3, Cns, FirstGenerations};

const NOT_TAKEN: Error = Error::WrongPurpose("not the policy of a card that is taken here");

/// What becomes of the certificate on the software card of a model: the card that it is from, and whether older
/// cryptography had to be let pass.
fn verdict(model: Model, policy: &HolderPolicy) -> Result<(CertifiedCard, bool), Error> {
    let presented = PresentedCertificate::from_der(&issued(model).certificate).unwrap();
    let path = store().verify_holder_with(&presented, now(), policy)?;
    assert!(path.is_test());
    Ok((path.card().unwrap(), path.is_legacy()))
}

/// A store that trusts the demo PKI for every kind of card.
fn store() -> TrustStore {
    let mut store = trust();
    for purpose in [AnchorPurpose::Cns, AnchorPurpose::FirstGenerations] {
        store.add_anchor(purpose, demo().pki.root_der()).unwrap();
    }
    store
}

#[test]
fn a_relying_party_names_the_cards_that_it_takes() {
    let of = HolderPolicy::of;
    assert_eq!(verdict(Model::Cns11, &of(Cns)), Ok((Cns, false)));
    assert_eq!(verdict(Model::Cns11, &of(Cie3).and(Cns)), Ok((Cns, false)));
    for policy in [HolderPolicy::default(), of(Cie3)] {
        assert_eq!(verdict(Model::Cns11, &policy), Err(Error::CardNotTaken(Cns)));
    }
    // The first identity cards name no policy: who asks for one does not find it.
    assert_eq!(verdict(Model::Cie2, &of(Cns).allow_legacy_cryptography()), Err(NOT_TAKEN));
}

/// In whatever order the cards are named: a policy that is known says which card it is.
#[test]
fn the_first_generations_take_nothing_of_the_others() {
    let of = HolderPolicy::of;
    assert_eq!(verdict(Model::Cns11, &of(FirstGenerations)), Err(Error::CardNotTaken(Cns)));
    for policy in [of(FirstGenerations).and(Cns).and(Cie3), of(Cie3).and(Cns).and(FirstGenerations)] {
        let policy = policy.allow_legacy_cryptography();
        assert_eq!(verdict(Model::Cns11, &policy), Ok((Cns, false)));
        assert_eq!(verdict(Model::Cie2, &policy), Ok((FirstGenerations, true)));
    }
    let judge = |profile, policy: &HolderPolicy| {
        let (store, holder, _) = unmarked::issued(profile);
        store.verify_holder_with(&holder, now(), policy).map(|path| path.card().unwrap())
    };
    assert_eq!(judge(Profile::default(), &of(FirstGenerations).and(Cie3)), Ok(Cie3));
    assert_eq!(judge(Profile::default(), &of(FirstGenerations)), Err(Error::CardNotTaken(Cie3)));
    // And anchors for the others are none for them.
    for policy in [None, Some("1.2.3.4")] {
        let profile = Profile { policy, ..Profile::default() };
        assert_eq!(judge(profile, &of(Cns).and(FirstGenerations)), Err(Error::UnknownIssuer));
    }
    let presented = PresentedCertificate::from_der(&issued(Model::Cie2).certificate).unwrap();
    let policy = of(FirstGenerations).allow_legacy_cryptography();
    let outcome = trust().verify_holder_with(&presented, now(), &policy);
    assert_eq!(outcome.map(|path| path.card().unwrap()), Err(Error::UnknownIssuer));
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
    for (card, policy, taken) in
        [(Cns, Some("1.3.76.16.2.1"), Ok(Cns)), (FirstGenerations, None, Err(Error::UnknownIssuer))]
    {
        let profile = |key_usage| Profile { policy, key_usage, ..Profile::default() };
        let verdict = |profile| {
            let (store, holder, _) = unmarked::issued(profile);
            store.verify_holder_with(&holder, now(), &HolderPolicy::of(card)).map(|path| path.card().unwrap())
        };
        assert_eq!(verdict(profile(Profile::default().key_usage)), taken, "its profile is good");
        let mut usage = KeyUsage::new();
        usage.digital_signature().non_repudiation();
        // Whatever card it is from, this is no certificate for logging in, and no other portal takes it either.
        assert_eq!(verdict(profile(Some(usage))), Err(NOT_TAKEN));
    }
}

/// Whoever has a good card that is not accepted here, or is too old, is not told that its certificate is bad; and
/// whoever has a bad one is.
#[test]
fn not_accepted_and_too_old_are_not_called_bad() {
    let code = |outcome: Result<_, Error>| cie::Error::from(outcome.map(|_| ()).unwrap_err()).code();
    assert_eq!(code(verdict(Model::Cns11, &HolderPolicy::default())), "card-not-accepted");
    assert_eq!(code(verdict(Model::Cns10, &HolderPolicy::default())), "card-not-accepted", "and too old");
    assert_eq!(code(verdict(Model::Cns10, &HolderPolicy::of(Cns))), "certificate-weak");
    assert_eq!(code(verdict(Model::Cie2, &HolderPolicy::of(FirstGenerations))), "certificate-weak");
    // No policy names the first cards: nobody can tell one from anybody's certificate.
    assert_eq!(code(verdict(Model::Cie2, &HolderPolicy::default())), "certificate-bad");
    let judge = |profile| {
        let (store, holder, _) = unmarked::issued(profile);
        store.verify_holder_with(&holder, now(), &HolderPolicy::of(Cie3)).map(|_| (Cie3, false))
    };
    let cns = Some("1.3.76.16.2.1");
    let mut binding = KeyUsage::new();
    binding.digital_signature().non_repudiation();
    let mut other = KeyUsage::new();
    other.key_encipherment();
    for (policy, key_usage) in [
        (Some("1.2.3.4"), Profile::default().key_usage),
        (cns, Some(binding)),
        (cns, Some(other)),
        (cns, None),
    ] {
        assert_eq!(code(judge(Profile { policy, key_usage, ..Profile::default() })), "certificate-bad");
    }
    // Of the signer of a card's files nobody can choose that it may be weak: such a card is not genuine.
    let files = cie::passive::Error::Signer(Error::TooWeak);
    assert_eq!(cie::Error::from(files).code(), "certificate-bad");
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

/// Personal data that are bound to one certificate are worth nothing under the path of another.
#[test]
fn personal_data_are_worth_what_the_path_of_their_own_certificate_is() {
    let card = laid(Model::Cns11, issued(Model::Cns11));
    let mut session = cie::cns::Session::open(card.insert()).unwrap();
    let data = session.read_personal_data().unwrap();
    let der = session.certificate(cie::cns::Credential::Authentication).unwrap().as_der().to_vec();
    let certificate = PresentedCertificate::from_der(&der).unwrap();
    let card_id = session.card_id();
    let bind = || verify_personal_data(&certificate, card_id, &data, HashPolicy::Strict).unwrap();
    let policy = HolderPolicy::of(Cns);
    let path = store().verify_holder_with(&certificate, now(), &policy).unwrap();
    let holder = bind().under(&path).unwrap();
    assert_eq!(holder.fiscal_code().as_str(), demo().citizen.fiscal_code);
    assert_eq!(holder.data().surname(), data.surname());
    assert!(holder.path().is_test() && holder.bound().card_id() == card_id);
    // The same citizen's certificate with another digest.
    let options = IssueOptions { digest_over: DigestOver::Used, ..IssueOptions::default() };
    let other = PresentedCertificate::from_der(&issued_with(Model::Cns11, &options).certificate).unwrap();
    let foreign = store().verify_holder_with(&other, now(), &policy).unwrap();
    assert_eq!(bind().under(&foreign).unwrap_err(), BindingError::OtherCertificate);
}

/// Many authorities issue services cards, and what policy they write into a certificate is their business: none of them
/// vouches for an identity card, nor the other way round.
#[test]
fn an_issuer_of_services_cards_vouches_for_no_identity_card() {
    let policy = HolderPolicy::of(Cie3).and(Cns).and(FirstGenerations).allow_legacy_cryptography();
    let cie3 = crate::holder();
    let cns = PresentedCertificate::from_der(&issued(Model::Cns11).certificate).unwrap();
    let cie2 = PresentedCertificate::from_der(&issued(Model::Cie2).certificate).unwrap();
    let purposes = [AnchorPurpose::Holder, AnchorPurpose::Cns, AnchorPurpose::FirstGenerations];
    for (own, certificate) in purposes.into_iter().zip([&cie3, &cns, &cie2]) {
        for purpose in purposes {
            let mut store = TrustStore::new().allow_test_pki();
            store.add_anchor(purpose, demo().pki.root_der()).unwrap();
            store.add_intermediate(demo().pki.sub_ca_der()).unwrap();
            let outcome = store.verify_holder_with(certificate, now(), &policy).map(|path| path.purpose());
            let expected = if purpose == own { Ok(own) } else { Err(Error::UnknownIssuer) };
            assert_eq!(outcome, expected, "{own:?} {purpose:?}");
        }
    }
}
