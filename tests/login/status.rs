//! Finding out about revocation, described and then finished: what is asked of whom, and what comes of the answers.

use cie::trust::{
    Answer, Certificate, Error, HolderPolicy, ListFault, PendingStatus, Proof, ResponseFault, Revocation,
    RevocationRules, SoftVerified, StatusFault, StatusSource, TrustStore, ValidPath,
};

use crate::common::now;
use crate::lists::{DAY, Echo, HOUR, List, Net, Response, Says, at};
use crate::pki::{
    LIST, Made, Profile, RESPONDER, ROOT, ROOT_LIST, Whose, World, authority, holder, responder,
};

pub fn path(trust: &TrustStore, holder: &Made) -> ValidPath {
    let certificate = Certificate::from_der(&holder.der).unwrap();
    trust.verify_holder_certificate(certificate, now(), &HolderPolicy::default()).unwrap()
}

/// The holder of a world, about to be asked for.
pub fn begun(world: &World, revocation: &Revocation) -> PendingStatus {
    revocation.begin(path(&world.trust(), &world.holder), now()).unwrap()
}

pub fn rules() -> RevocationRules {
    RevocationRules::default()
}

fn responders_first() -> RevocationRules {
    rules().prefer(StatusSource::Responder)
}

/// Nothing is held, these rules apply.
fn pending(world: &World, rules: RevocationRules) -> PendingStatus {
    begun(world, &Revocation::new(&world.trust(), rules))
}

pub fn unavailable(depth: usize, fault: impl Into<StatusFault>) -> Error {
    Error::StatusUnavailable { depth, fault: fault.into() }
}

/// Source, addresses, depth, whether it is a fallback.
type Described<'a> = (StatusSource, Vec<&'a str>, usize, bool);

fn described(pending: &PendingStatus) -> Vec<Described<'_>> {
    let describe = |request: &cie::trust::StatusRequest| -> (StatusSource, usize, bool) {
        (request.source, request.depth, request.is_fallback)
    };
    pending
        .requests()
        .iter()
        .map(|request| {
            let (source, depth, is_fallback) = describe(request);
            (source, request.locations.iter().map(String::as_str).collect(), depth, is_fallback)
        })
        .collect()
}

const BY_LIST: StatusSource = StatusSource::List;
const BY_RESPONDER: StatusSource = StatusSource::Responder;

#[test]
fn lists_come_first_and_a_responder_if_they_give_nothing() {
    let world = World::new();
    let asked = pending(&world, rules());
    assert_eq!(
        described(&asked),
        [
            (BY_LIST, vec![LIST], 0, false),
            (BY_RESPONDER, vec![RESPONDER], 0, true),
            (BY_LIST, vec![ROOT_LIST], 1, false),
        ]
    );
    let [list, response, _] = asked.requests() else { panic!() };
    assert_eq!((list.body.as_ref(), list.media_type()), (None, "application/pkix-crl"));
    assert_eq!(response.media_type(), "application/ocsp-response");
    assert!(response.body.is_some() && response.max_length < list.max_length);
    assert_eq!(format!("{asked:?}"), "PendingStatus(ValidPath(3 certificates), 3 requests)");

    let asked = pending(&world, responders_first());
    assert_eq!(
        described(&asked),
        [
            (BY_RESPONDER, vec![RESPONDER], 0, false),
            (BY_LIST, vec![LIST], 0, true),
            (BY_LIST, vec![ROOT_LIST], 1, false),
        ]
    );
}

#[test]
fn addresses_that_are_not_asked_over_http_are_passed_over() {
    let directory = "ldap://directory.example/cn=CA?certificateRevocationList";
    let lists =
        vec![directory, LIST, "file:///etc/passwd", "HTTPS://lists.example/2", "ftp://x/", "lists.crl"];
    let responders = vec!["ldaps://directory.example/", RESPONDER];
    let world = World::of(&Profile { lists, responders, ..holder() });
    let asked = pending(&world, rules());
    assert_eq!(described(&asked)[0], (BY_LIST, vec![LIST, "HTTPS://lists.example/2"], 0, false));
    assert_eq!(described(&asked)[1], (BY_RESPONDER, vec![RESPONDER], 0, true));

    // What stands first is no fallback.
    let world = World::of(&Profile { lists: vec![directory], ..holder() });
    assert_eq!(described(&pending(&world, rules()))[0], (BY_RESPONDER, vec![RESPONDER], 0, false));
    // Nothing to ask at all.
    for lists in [vec![], vec![directory]] {
        let world = World::of(&Profile { lists, responders: vec!["ldap://x/"], ..holder() });
        let asked = pending(&world, rules());
        assert_eq!(described(&asked), [(BY_LIST, vec![ROOT_LIST], 1, false)]);
        let answers = asked.fetch(&Net::of(&world), now());
        assert_eq!(asked.finish(&answers, now()).err(), Some(unavailable(0, StatusFault::NoLocation)));
    }
}

#[test]
fn a_fallback_is_asked_after_a_failure_only() {
    let world = World::new();
    let net = Net::of(&world);
    let asks = |rules: RevocationRules, expected: &[&str]| {
        let asked = pending(&world, rules);
        let answers = asked.fetch(&net, now());
        assert_eq!(net.asked(), expected);
        let verified = asked.finish(&answers, now()).unwrap();
        verified.statuses()[0].source
    };
    assert_eq!(asks(rules(), &[LIST, ROOT_LIST]), BY_LIST);
    assert_eq!(asks(responders_first(), &[RESPONDER, ROOT_LIST]), BY_RESPONDER);
    let stale = List { this_update: -9 * DAY, next_update: -DAY, ..List::by(&world.authority) }.der();
    for page in [None, Some(Vec::new()), Some(stale), Some(List::by(&world.root).der())] {
        match page {
            Some(page) => net.serve(LIST, page),
            None => net.silence(LIST),
        }
        assert_eq!(asks(rules(), &[LIST, RESPONDER, ROOT_LIST]), BY_RESPONDER);
    }
    net.serve(LIST, List::by(&world.authority).der());
    net.silence(RESPONDER);
    assert_eq!(asks(responders_first(), &[RESPONDER, LIST, ROOT_LIST]), BY_LIST);
    net.respond(RESPONDER, responder().by(Some(&world.authority)), |said| said.says = Says::Unknown);
    assert_eq!(asks(responders_first(), &[RESPONDER, LIST, ROOT_LIST]), BY_LIST);
    // Who is revoked is not asked for again elsewhere.
    net.serve(LIST, List::by(&world.authority).revoking(0x00C0_FFEE, 4).der());
    let asked = pending(&world, rules());
    let answers = asked.fetch(&net, now());
    assert_eq!(net.asked(), [LIST, ROOT_LIST]);
    assert!(matches!(asked.finish(&answers, now()), Err(Error::Revoked(_))));
}

#[test]
fn addresses_are_tried_in_their_order() {
    let [first, second, third] = ["http://one.example/", "http://two.example/", "http://three.example/"];
    let world = World::of(&Profile { lists: vec![first, second, third], ..holder() });
    let net = Net::of(&world);
    let good = List::by(&world.authority).der();
    for (pages, expected) in [
        (vec![(first, &good[..]), (second, &good)], vec![first, ROOT_LIST]),
        (vec![(second, &good), (third, &good)], vec![first, second, ROOT_LIST]),
        // What comes from the first is no list.
        (vec![(first, b"moved"), (second, b""), (third, &good)], vec![first, second, third, ROOT_LIST]),
        (vec![(first, b"moved")], vec![first, second, third, RESPONDER, ROOT_LIST]),
    ] {
        [first, second, third].iter().for_each(|location| net.silence(location));
        pages.iter().for_each(|(location, page)| net.serve(location, page.to_vec()));
        let asked = pending(&world, rules());
        let answers = asked.fetch(&net, now());
        assert_eq!(net.asked(), expected);
        assert_eq!(asked.finish(&answers, now()).unwrap().statuses().len(), 2);
    }
}

#[test]
fn what_comes_out_has_a_type_for_how_much_is_known() {
    let world = World::new();
    // Everything good.
    let net = Net::of(&world);
    let answers = pending(&world, rules()).fetch(&net, now());
    let verified = pending(&world, rules()).finish(&answers, now()).unwrap();
    assert_eq!((verified.checked_at(), verified.path().path().len()), (now(), 3));
    assert_eq!(format!("{verified:?}"), "VerifiedCertificate(ValidPath(3 certificates))");
    let soft = pending(&world, rules()).finish_soft(&answers, now()).unwrap();
    assert!(matches!(soft, SoftVerified::Verified(_)));
    // Nobody answers; only the authority's status is not to be had.
    for (missing, depth) in [(&[LIST, RESPONDER][..], 0), (&[ROOT_LIST], 1)] {
        let net = Net::of(&world);
        missing.iter().for_each(|location| net.silence(location));
        let asked = pending(&world, rules());
        let answers = asked.fetch(&net, now());
        let fault = StatusFault::NoAnswer;
        let refused = pending(&world, rules()).finish(&answers, now()).unwrap_err();
        assert_eq!((&refused, refused.is_unchecked()), (&unavailable(depth, fault), true));
        let SoftVerified::Unknown(unknown) = asked.finish_soft(&answers, now()).unwrap() else { panic!() };
        assert_eq!((unknown.fault(), unknown.path().path().len()), ((depth, fault), 3));
    }
    let offline = pending(&world, rules()).finish_offline().unwrap();
    assert_eq!(offline.path().len(), 3);
}

#[test]
fn soft_fail_is_no_way_in_for_who_is_revoked_or_unknown() {
    let world = World::new();
    let signer = responder().by(Some(&world.authority));
    for rules in [rules(), responders_first()] {
        let net = Net::of(&world);
        net.respond(RESPONDER, signer.clone(), |said| said.says = Says::Revoked);
        net.serve(LIST, List::by(&world.authority).revoking(0x00C0_FFEE, 1).der());
        let asked = pending(&world, rules.clone());
        let answers = asked.fetch(&net, now());
        assert!(matches!(asked.finish_soft(&answers, now()), Err(Error::Revoked(_))));
        // Whatever else is wrong: the responder does not know the certificate.
        let stale = List { this_update: -9 * DAY, next_update: -DAY, ..List::by(&world.authority) }.der();
        for page in [None, Some(stale), Some(b"moved".to_vec())] {
            net.respond(RESPONDER, signer.clone(), |said| said.says = Says::Unknown);
            page.map_or_else(|| net.silence(LIST), |page| net.serve(LIST, page));
            let asked = pending(&world, rules.clone());
            let answers = asked.fetch(&net, now());
            let refused = asked.finish_soft(&answers, now()).err();
            assert_eq!(refused, Some(unavailable(0, ResponseFault::Unknown)));
        }
    }
}

/// A doubt about the authority is not hidden by silence about the holder.
#[test]
fn soft_fail_looks_at_every_certificate() {
    let of_root = "http://status.example/root";
    let mut world = World::new();
    let profile = Profile { responders: vec![of_root], ..authority(crate::pki::AUTHORITY, Whose::Authority) };
    world.authority = profile.by(Some(&world.root));
    let net = Net::new();
    net.respond(of_root, responder().by(Some(&world.root)), |said| said.says = Says::Unknown);
    let asked = pending(&world, rules());
    let answers = asked.fetch(&net, now());
    assert_eq!(net.asked(), [LIST, RESPONDER, ROOT_LIST, of_root]);
    let refused = asked.finish_soft(&answers, now()).err();
    assert_eq!(refused, Some(unavailable(1, ResponseFault::Unknown)));
}

#[test]
fn a_response_belongs_to_its_question() {
    let world = World::new();
    let revocation = Revocation::new(&world.trust(), responders_first());
    let (one, other) = (begun(&world, &revocation), begun(&world, &revocation));
    let body = |asked: &PendingStatus| asked.requests()[0].body.clone().unwrap();
    assert_ne!(body(&one), body(&other));
    let signer = responder().by(Some(&world.authority));
    let root = Answer::new(2, List::by(&world.root).der());
    let answer =
        |asked: &PendingStatus| [Answer::new(0, Response::by(&signer).to(&body(asked))), root.clone()];
    let differs = unavailable(0, ResponseFault::NonceDiffers);
    assert_eq!(begun(&world, &revocation).finish(&answer(&one), now()).err(), Some(differs.clone()));
    let (of_one, of_other) = (answer(&one), answer(&other));
    assert_eq!(one.finish(&of_other, now()).err(), Some(differs));
    assert!(other.finish(&of_other, now()).is_ok());
    drop(of_one);

    // Given as what it is not, to what was not asked, or twice.
    let asked = begun(&world, &revocation);
    let response = Response::by(&signer).to(&body(&asked));
    let list = List::by(&world.authority).der();
    let answers = [
        Answer::new(1, response.clone()),
        Answer::new(0, list.clone()),
        Answer::new(2, response),
        Answer::new(7, list.clone()),
        Answer::new(usize::MAX, list),
    ];
    assert!(matches!(asked.finish(&answers, now()), Err(Error::StatusUnavailable { depth: 0, .. })));
}

/// Responses that were signed in advance have no nonce: let pass by name, and not for long.
#[test]
fn a_response_without_a_nonce_is_let_pass_by_name() {
    let world = World::new();
    let net = Net::of(&world);
    let lenient = responders_first().allow_response_without_nonce(std::time::Duration::from_secs(3 * 3600));
    for (this_update, rules, fault) in [
        (-60, responders_first(), Some(ResponseFault::NonceMissing)),
        (-2 * HOUR, lenient.clone(), None),
        (-4 * HOUR, lenient, Some(ResponseFault::TooOld)),
    ] {
        net.silence(LIST);
        net.respond(RESPONDER, responder().by(Some(&world.authority)), move |said| {
            (said.echo, said.this_update, said.next_update) = (Echo::None, this_update, DAY);
        });
        let asked = pending(&world, rules);
        let answers = asked.fetch(&net, now());
        let outcome = asked.finish(&answers, now()).map(drop);
        assert_eq!(outcome.err(), fault.map(|fault| unavailable(0, fault)));
    }
}

#[test]
fn responders_can_be_configured() {
    use cie::trust::AnchorPurpose::{Csca, Responder};
    let world = World::new();
    let theirs = authority("An authority for responders", Whose::Stranger).by(None);
    let by_theirs = responder().by(Some(&theirs));
    let itself = responder().by(None);
    let net = Net::of(&world);
    net.silence(LIST);
    for (signer, anchor) in [(&by_theirs, &theirs), (&itself, &itself), (&by_theirs, &by_theirs)] {
        net.respond(RESPONDER, signer.clone(), |_| {});
        let outcome = |trust: &TrustStore| {
            let revocation = Revocation::new(trust, responders_first());
            let asked = revocation.begin(path(trust, &world.holder), now()).unwrap();
            let answers = asked.fetch(&net, now());
            asked.finish(&answers, now()).map(|verified| verified.statuses()[0].source)
        };
        let mut trust = world.trust();
        trust.add_anchor(Responder, &anchor.der).unwrap();
        assert_eq!(outcome(&trust), Ok(BY_RESPONDER));
        // By no other trust.
        let mut other = world.trust();
        let _ = other.add_anchor(Csca, &anchor.der);
        assert_eq!(outcome(&other), Err(unavailable(0, ResponseFault::UnauthorizedResponder)));
    }
    assert_eq!(world.root.read().subject().common_name.as_deref(), Some(ROOT));
}

#[test]
fn it_is_good_until_the_first_thing_ends() {
    let world = World::new();
    let net = Net::of(&world);
    let good_until = |world: &World, rules: RevocationRules| {
        let asked = pending(world, rules);
        let answers = asked.fetch(&net, now());
        asked.finish(&answers, now()).unwrap().good_until()
    };
    assert_eq!(good_until(&world, rules()), at(6 * DAY));
    net.serve(ROOT_LIST, List { next_update: 5 * DAY, ..List::by(&world.root) }.der());
    assert_eq!(good_until(&world, rules()), at(5 * DAY));
    let aged = rules().list_max_age(std::time::Duration::from_secs(3 * 86_400));
    assert_eq!(good_until(&world, aged.clone()), at(2 * DAY));
    assert_eq!(good_until(&world, responders_first()), at(HOUR));
    let short = World::of(&Profile { days: (-10, 1), ..holder() });
    assert_eq!(good_until(&short, rules()), at(DAY));
    // A list can be too old before its time.
    net.serve(LIST, List { this_update: -4 * DAY, ..List::by(&world.authority) }.der());
    net.silence(RESPONDER);
    let asked = pending(&world, aged);
    let answers = asked.fetch(&net, now());
    assert_eq!(asked.finish(&answers, now()).err(), Some(unavailable(0, ListFault::Stale)));
}

/// A list can be long, and what is read of it takes several times as much memory. Whose it is comes first.
#[test]
fn the_entries_of_a_list_are_not_read_for_whoever_did_not_sign_it() {
    let world = World::new();
    let right = List::by(&world.authority).revoking(1, 1).der();
    // An entry that is no SEQUENCE: to be seen only by who reads the entries.
    let serial = right.windows(7).position(|window| window == [2, 5, 0, 0, 0, 0, 1]).unwrap();
    let mut broken = right.clone();
    broken[serial - 2] = 0x31;
    let net = Net::of(&world);
    net.silence(RESPONDER);
    net.serve(LIST, broken.clone());
    let revocation = Revocation::new(&world.trust(), rules());
    let pending = begun(&world, &revocation);
    let answers = pending.fetch(&net, now());
    assert_eq!(pending.finish(&answers, now()).err(), Some(unavailable(0, ListFault::BadSignature)));
    // Nor when a list that is held is to be refreshed.
    net.serve(LIST, right);
    let pending = begun(&world, &revocation);
    let answers = pending.fetch(&net, now());
    pending.finish(&answers, now()).unwrap();
    let (due, later) = (revocation.due(at(5 * DAY)), at(5 * DAY));
    let index = due.iter().position(|request| request.locations == [LIST]).unwrap();
    let refreshed = revocation.refresh(&due, &[Answer::new(index, broken)], later);
    assert_eq!(refreshed, Err(ListFault::BadSignature));
}
