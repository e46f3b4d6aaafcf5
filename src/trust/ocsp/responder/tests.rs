//! Who may answer: the issuer, whom it certified for that, and whom the caller configured.

use openssl::hash::MessageDigest;
use openssl::x509::extension::KeyUsage;

use super::super::tests::*;
use super::super::{judge, sequence};
use super::*;

#[test]
fn what_is_weak_is_refused() {
    let world = world();
    let sha1 = Draft { digest: MessageDigest::sha1(), ..world.draft() };
    assert_eq!(world.fault(&sha1), Some(ResponseFault::TooWeak));
    let certified = Profile { digest: MessageDigest::sha1(), ..responder() }.by(Some(&world.authority));
    assert_eq!(world.fault(&world.by(&certified)), Some(ResponseFault::TooWeak));
    let short = Profile { key: rsa(1024), ..responder() }.by(Some(&world.authority));
    assert_eq!(world.fault(&world.by(&short)), Some(ResponseFault::TooWeak));

    let short = Profile { key: rsa(1024), ..authority() }.by(None);
    let (citizen, delegated) = (citizen().by(Some(&short)), responder().by(Some(&short)));
    let weak = World { authority: short, citizen, responder: delegated };
    assert_eq!(weak.fault(&weak.by(&weak.authority)), Some(ResponseFault::TooWeak));
    assert_eq!(weak.fault(&weak.draft()), Some(ResponseFault::TooWeak));
}

#[test]
fn keys_of_all_kinds_and_identifiers() {
    let long = Profile { key: rsa(2048), identifier: true, ..authority() }.by(None);
    let citizen = citizen().by(Some(&long));
    let responder = Profile { key: rsa(2048), identifier: true, ..responder() }.by(Some(&long));
    let world = World { authority: long, citizen, responder };
    assert_eq!(world.fault(&world.draft()), None);
    let sha1 = Draft { digest: MessageDigest::sha1(), ..world.draft() };
    assert_eq!(world.fault(&sha1), Some(ResponseFault::TooWeak));
    // RSA where ECDSA is announced, and a kind that nobody here knows (Ed25519).
    let draft = world.draft();
    let signature = [0x55; 256];
    let wrap = |dotted| draft.wrap(&draft.data(), &sequence(&[&oid(dotted)]), &signature);
    let outcome = |der: &[u8]| judge(der, &world.question(), &rules());
    assert_eq!(outcome(&wrap("1.2.840.10045.4.3.2")), Err(ResponseFault::BadSignature));
    assert_eq!(outcome(&wrap("1.2.840.113549.1.1.11")), Err(ResponseFault::BadSignature));
    assert_eq!(outcome(&wrap("1.3.101.112")), Err(ResponseFault::UnknownAlgorithm));
    assert!(openssl::error::ErrorStack::get().errors().is_empty());
}

#[test]
fn nobody_answers_for_an_issuer_that_did_not_say_so() {
    let world = world();
    let refused = |draft: &Draft<'_>| {
        assert_eq!(world.fault(draft), Some(ResponseFault::UnauthorizedResponder));
        assert_eq!(
            world.fault(&Draft { by_key: !draft.by_key, ..draft.clone() }),
            Some(ResponseFault::UnauthorizedResponder)
        );
    };
    refused(&world.by(&world.citizen));
    let other_citizen = Profile { serial: 9, ..citizen() }.by(Some(&world.authority));
    refused(&world.by(&other_citizen));
    let without_usage = Profile { status_signing: false, ..responder() }.by(Some(&world.authority));
    refused(&world.by(&without_usage));
    let mut usage = KeyUsage::new();
    usage.critical().key_encipherment();
    let cannot_sign = Profile { usage: Some(usage), ..responder() }.by(Some(&world.authority));
    refused(&world.by(&cannot_sign));
    // keyUsage may be left out.
    let plain = Profile { usage: None, ..responder() }.by(Some(&world.authority));
    assert_eq!(world.fault(&world.by(&plain)), None);

    // An authority of the same name, and its responder; the one encloses both.
    let namesake = authority().by(None);
    for identifier in [true, false] {
        let theirs = Profile { identifier, ..responder() }.by(Some(&namesake));
        refused(&world.by(&theirs));
        let both = vec![theirs.read.as_der().to_vec(), namesake.read.as_der().to_vec()];
        refused(&Draft { enclosed: both, ..world.by(&theirs) });
    }
    let by_namesake = world.by(&namesake);
    assert_eq!(world.fault(&by_namesake), Some(ResponseFault::BadSignature));
    let by_namesakes_key = Draft { by_key: true, ..by_namesake };
    assert_eq!(world.fault(&by_namesakes_key), Some(ResponseFault::UnauthorizedResponder));

    // One below: the issuer's authority is not handed on.
    let below = Profile { name: "Below", serial: 5, ..authority() }.by(Some(&world.authority));
    refused(&world.by(&below));
    refused(&world.by(&responder().by(Some(&below))));
    // One above: neither is the authority over the issuer.
    let lower = Profile { name: "Lower", serial: 6, ..authority() }.by(Some(&world.authority));
    let lower = World {
        citizen: citizen().by(Some(&lower)),
        responder: responder().by(Some(&world.authority)),
        authority: lower,
    };
    assert_eq!(lower.fault(&lower.draft()), Some(ResponseFault::UnauthorizedResponder));
    assert_eq!(lower.fault(&lower.by(&world.authority)), Some(ResponseFault::UnauthorizedResponder));
    // Nobody is there who signed: the certificate is not enclosed, or the name is another's.
    refused(&Draft { enclosed: vec![], ..world.draft() });
    refused(&Draft { signer: &below, ..world.draft() });
}

#[test]
fn the_signer_is_found_by_its_identifier_wherever_it_stands() {
    let world = world();
    let own = world.responder.read.as_der().to_vec();
    let others =
        [world.authority.read.as_der().to_vec(), vec![0x30, 0], world.citizen.read.as_der().to_vec()];
    let last = Draft { enclosed: [&others[..], std::slice::from_ref(&own)].concat(), ..world.draft() };
    assert_eq!(world.fault(&last), None);
    // Only the first eight are looked at.
    let filled = |count| [vec![others[2].clone(); count], vec![own.clone()]].concat();
    assert_eq!(world.fault(&Draft { enclosed: filled(7), ..world.draft() }), None);
    let ninth = Draft { enclosed: filled(8), ..world.draft() };
    assert_eq!(world.fault(&ninth), Some(ResponseFault::UnauthorizedResponder));

    // Two of one name and one issuer: a renewed responder. Both are tried.
    let renewed = Profile { serial: 0x78, ..responder() }.by(Some(&world.authority));
    let namesake = responder().by(Some(&authority().by(None)));
    for first in [&renewed, &namesake] {
        let enclosed = vec![first.read.as_der().to_vec(), own.clone()];
        assert_eq!(world.fault(&Draft { enclosed, ..world.draft() }), None);
    }
    // A responder that has its issuer's name, too.
    let as_issuer = Profile { name: "Authority", ..responder() }.by(Some(&world.authority));
    assert_eq!(world.fault(&world.by(&as_issuer)), None);
    // Signed by another's key than that of whom it names.
    let stolen = Draft { key: &world.citizen.key, ..world.draft() };
    assert_eq!(world.fault(&stolen), Some(ResponseFault::BadSignature));
}

#[test]
fn a_responder_is_valid_and_needs_no_status_of_its_own() {
    let world = world();
    for (days, fault) in [
        ((-30, -1), Some(ResponseFault::ResponderExpired)),
        ((1, 30), Some(ResponseFault::ResponderExpired)),
        ((-30, 0), Some(ResponseFault::ResponderExpired)),
        ((0, 30), None),
    ] {
        let made = Profile { days, ..responder() }.by(Some(&world.authority));
        assert_eq!(world.fault(&world.by(&made)), fault, "{days:?}");
    }
    let checked = Profile { no_check: false, ..responder() }.by(Some(&world.authority));
    let draft = world.by(&checked);
    assert_eq!(world.fault(&draft), Some(ResponseFault::ResponderStatus));
    let lenient = Rules { allow_without_no_check: true, ..rules() };
    assert!(judge(&draft.encode(), &world.question(), &lenient).is_ok());
    let strange = Profile { unknown_critical: true, ..responder() }.by(Some(&world.authority));
    assert_eq!(world.fault(&world.by(&strange)), Some(ResponseFault::UnknownCritical));
}

#[test]
fn configured_responders_answer_for_every_issuer() {
    let world = world();
    let root = Profile { name: "Root", ..authority() }.by(None);
    let (delegated, plain) =
        (responder().by(Some(&root)), Profile { name: "Plain", ..citizen() }.by(Some(&root)));
    let outcome = |draft: &Draft<'_>, configured: &[&Certificate]| {
        judge(&draft.encode(), &world.question(), &Rules { configured, ..rules() }).err()
    };
    let unauthorized = Some(ResponseFault::UnauthorizedResponder);
    let root_and_citizen = [&world.citizen.read, &root.read];
    for by_key in [false, true] {
        let by_delegated = Draft { by_key, ..world.by(&delegated) };
        assert_eq!(outcome(&by_delegated, &[]), unauthorized);
        assert_eq!(outcome(&by_delegated, &[&delegated.read]), None);
        assert_eq!(outcome(&by_delegated, &root_and_citizen), None);
        assert_eq!(outcome(&by_delegated, &[&plain.read]), unauthorized);
        assert_eq!(outcome(&world.draft(), &root_and_citizen), None);
    }
    // Exactly this certificate may, whatever it was made for, and it need not be enclosed.
    let by_plain = Draft { enclosed: vec![], ..world.by(&plain) };
    assert_eq!(outcome(&by_plain, &[&plain.read]), None);
    assert_eq!(outcome(&by_plain, &[&root.read]), unauthorized);
    assert_eq!(outcome(&world.by(&plain), &[&root.read]), unauthorized);
    let stolen = Draft { key: &world.citizen.key, ..by_plain.clone() };
    assert_eq!(outcome(&stolen, &[&plain.read]), Some(ResponseFault::BadSignature));

    // A configured end entity certifies nobody; an authority only while it is valid.
    let below_plain = responder().by(Some(&plain));
    assert_eq!(outcome(&world.by(&below_plain), &[&plain.read]), unauthorized);
    let mut usage = KeyUsage::new();
    usage.critical().crl_sign();
    let lists_only = Profile { name: "Lists", usage: Some(usage), ..authority() }.by(None);
    let below_lists = responder().by(Some(&lists_only));
    assert_eq!(outcome(&world.by(&below_lists), &[&lists_only.read]), unauthorized);
    let old = Profile { name: "Old", days: (-900, -1), ..authority() }.by(None);
    let below_old = responder().by(Some(&old));
    let expired = Some(ResponseFault::ResponderExpired);
    assert_eq!(outcome(&world.by(&below_old), &[&old.read]), expired);
    assert_eq!(outcome(&world.by(&old), &[&old.read]), expired);
    let checked = Profile { no_check: false, ..responder() }.by(Some(&root));
    assert_eq!(outcome(&world.by(&checked), &[&root.read]), Some(ResponseFault::ResponderStatus));
    assert_eq!(outcome(&world.by(&checked), &[&checked.read]), None);
}
