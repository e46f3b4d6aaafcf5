//! Lists that are held: which of them counts, for how long, and for whom.

use cie::trust::{
    Certificate, Error, HolderPolicy, ListFault, PendingStatus, Revocation, RevocationReason,
    RevocationRules, StatusFault,
};
use openssl::asn1::Asn1Type;
use openssl::hash::MessageDigest;
use openssl::x509::{X509, X509Name};

use crate::common::now;
use crate::lists::{DAY, HOUR, List, Net, Response, at};
use crate::pki::{
    AUTHORITY, LIST, Made, Profile, RESPONDER, ROOT_LIST, Whose, World, authority, holder, responder,
};
use crate::status::{begun, path, rules, unavailable};

const SERIAL: u32 = 0x00C0_FFEE;
/// Codes of reasons (RFC 5280 section 5.3.1).
const COMPROMISE: u8 = 1;
const HOLD: u8 = 6;

/// Holds these lists, and the root's.
fn holding(world: &World, lists: &[List<'_>]) -> Revocation {
    let revocation = Revocation::new(&world.trust(), rules());
    revocation.add_list(&List::by(&world.root).der()).unwrap();
    lists.iter().for_each(|list| revocation.add_list(&list.der()).unwrap());
    revocation
}

fn begin(world: &World, revocation: &Revocation) -> Result<PendingStatus, Error> {
    revocation.begin(path(&world.trust(), &world.holder), now())
}

fn asks(world: &World, revocation: &Revocation) -> Vec<String> {
    let pending = begun(world, revocation);
    pending.requests().iter().flat_map(|request| request.locations.clone()).collect()
}

/// Out of date by three days.
fn old(list: List<'_>) -> List<'_> {
    List { this_update: -10 * DAY, next_update: -3 * DAY, ..list }
}

#[test]
fn nothing_is_asked_when_lists_are_held_and_fresh() {
    let world = World::new();
    let revocation = holding(&world, &[List::by(&world.authority)]);
    let pending = begun(&world, &revocation);
    assert!(pending.requests().is_empty());
    let net = Net::of(&world);
    let answers = pending.fetch(&net, now());
    assert_eq!((answers.len(), net.asked().len(), revocation.lists()), (0, 0, 2));
    assert_eq!(pending.finish(&answers, now()).unwrap().statuses().len(), 2);
    assert_eq!(format!("{revocation:?}"), "Revocation(2 lists, 0 responders)");
    // What was fetched is held, for the next holder and for copies.
    let fetching = Revocation::new(&world.trust(), rules());
    let pending = begun(&world, &fetching);
    let answers = pending.fetch(&net, now());
    pending.finish(&answers, now()).unwrap();
    assert_eq!(net.asked(), [LIST, ROOT_LIST]);
    assert!(asks(&world, &fetching.clone()).is_empty());
    // Until it is out of date, and a little longer as clocks differ.
    for (seconds, expected) in [(6 * DAY + 300, 0), (6 * DAY + 301, 3)] {
        let path = path(&world.trust(), &world.holder);
        assert_eq!(fetching.begin(path, at(seconds)).unwrap().requests().len(), expected);
    }
    // Only what is not held is asked for.
    let half = Revocation::new(&world.trust(), rules());
    half.add_list(&List::by(&world.authority).der()).unwrap();
    assert_eq!(asks(&world, &half), [ROOT_LIST]);
}

#[test]
fn an_older_list_never_replaces_a_newer() {
    let world = World::new();
    let newer = List { this_update: -HOUR, ..List::by(&world.authority) }.revoking(SERIAL, COMPROMISE);
    let older = List::by(&world.authority);
    for order in [[&newer, &older], [&older, &newer]] {
        let revocation = holding(&world, &[order[0].clone(), order[1].clone()]);
        assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
        // The newer one is known to be the issuer's now, and the older goes.
        revocation.add_list(&older.der()).unwrap();
        assert_eq!(revocation.lists(), 2);
        assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
    }
    // Fetched: two logins under way, the older list comes later.
    let (net, revocation) = (Net::of(&world), Revocation::new(&world.trust(), rules()));
    let (first, second) = (begun(&world, &revocation), begun(&world, &revocation));
    net.serve(LIST, newer.der());
    let answers = first.fetch(&net, now());
    assert!(matches!(first.finish(&answers, now()), Err(Error::Revoked(_))));
    net.serve(LIST, older.der());
    let answers = second.fetch(&net, now());
    // Nor is its word taken.
    assert!(matches!(second.finish(&answers, now()), Err(Error::Revoked(_))));
    assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
}

#[test]
fn what_was_revoked_stays_so_when_the_list_grows_old() {
    let world = World::new();
    for reason in [0, COMPROMISE, 2, 3, 4, 5, 9, 10] {
        let revocation = holding(&world, &[old(List::by(&world.authority).revoking(SERIAL, reason))]);
        let Err(Error::Revoked(revoked)) = begin(&world, &revocation) else { panic!("{reason}") };
        assert_eq!(revoked.since, at(-10 * DAY - HOUR));
    }
}

#[test]
fn a_suspended_certificate_may_come_back() {
    let world = World::new();
    let net = Net::of(&world);
    let held = List::by(&world.authority).revoking(SERIAL, HOLD);
    // While the list is fresh, nobody is asked.
    let revocation = holding(&world, std::slice::from_ref(&held));
    let Err(Error::Revoked(revoked)) = begin(&world, &revocation) else { panic!() };
    assert_eq!(revoked.reason, Some(RevocationReason::Hold));
    // When it is not any more, somebody must say what has become of it: a list or the responder.
    for location in [LIST, RESPONDER] {
        let net = Net::of(&world);
        [LIST, RESPONDER].iter().filter(|other| **other != location).for_each(|other| net.silence(other));
        let revocation = holding(&world, &[old(held.clone())]);
        assert_eq!(asks(&world, &revocation), [LIST, RESPONDER]);
        let pending = begun(&world, &revocation);
        let answers = pending.fetch(&net, now());
        assert!(pending.finish(&answers, now()).is_ok(), "{location}");
    }
    // Suspended still, or revoked for good.
    for reason in [HOLD, COMPROMISE] {
        let revocation = holding(&world, &[old(held.clone())]);
        net.serve(LIST, List::by(&world.authority).revoking(SERIAL, reason).der());
        let pending = begun(&world, &revocation);
        let answers = pending.fetch(&net, now());
        assert!(matches!(pending.finish(&answers, now()), Err(Error::Revoked(_))));
    }
}

#[test]
fn a_suspended_certificate_does_not_come_back_by_silence() {
    let world = World::new();
    let revocation = holding(&world, &[old(List::by(&world.authority).revoking(SERIAL, HOLD))]);
    let suspended = Some(unavailable(0, StatusFault::Suspended));
    let stale = old(List::by(&world.authority)).der();
    for page in [None, Some(stale), Some(b"moved".to_vec())] {
        let net = Net::new();
        page.iter().for_each(|page| net.serve(LIST, page.clone()));
        let pending = || begun(&world, &revocation);
        let answers = pending().fetch(&net, now());
        assert_eq!(pending().finish(&answers, now()).err(), suspended);
        assert_eq!(pending().finish_soft(&answers, now()).err(), suspended);
        assert_eq!(pending().finish_offline().err(), suspended);
    }
}

/// An older list that is good for longer, given or sent again, knows nothing of a suspension since.
#[test]
fn a_suspended_certificate_does_not_come_back_by_an_older_list() {
    let world = World::new();
    let suspending = List { this_update: -2 * DAY, next_update: -DAY, ..List::by(&world.authority) };
    let suspending = suspending.revoking(SERIAL, HOLD);
    let older = List { this_update: -3 * DAY, next_update: 3 * DAY, ..List::by(&world.authority) };
    let suspended = Some(unavailable(0, StatusFault::Suspended));
    let net = Net::of(&world);
    net.silence(RESPONDER);
    net.serve(LIST, older.der());
    let revocation = holding(&world, std::slice::from_ref(&suspending));
    let pending = begun(&world, &revocation);
    let answers = pending.fetch(&net, now());
    assert_eq!(pending.finish(&answers, now()).err(), suspended);
    // Held beside it: one was given, the other fetched.
    let fetched = Revocation::new(&world.trust(), rules());
    let pending = begun(&world, &fetched);
    let answers = pending.fetch(&net, now());
    pending.finish(&answers, now()).unwrap();
    fetched.add_list(&suspending.der()).unwrap();
    let pending = begun(&world, &fetched);
    assert_eq!(pending.requests().len(), 2);
    assert_eq!(pending.finish(&[], now()).err(), suspended);
    // Nor by a response of before.
    let lenient = rules().allow_response_without_nonce(std::time::Duration::from_secs(9 * 86_400));
    let revocation = Revocation::new(&world.trust(), lenient);
    revocation.add_list(&List::by(&world.root).der()).unwrap();
    revocation.add_list(&suspending.der()).unwrap();
    net.silence(LIST);
    net.respond(RESPONDER, responder().by(Some(&world.authority)), |said: &mut Response<'_>| {
        (said.echo, said.this_update, said.next_update) = (crate::lists::Echo::None, -3 * DAY, 3 * DAY);
    });
    let pending = begun(&world, &revocation);
    let answers = pending.fetch(&net, now());
    assert_eq!(pending.finish(&answers, now()).err(), suspended);
}

#[test]
fn a_list_of_the_other_key_of_the_same_name_is_not_used() {
    let world = World::new();
    let other = authority(AUTHORITY, Whose::Stranger).by(Some(&world.root));
    for list in [
        List::by(&other),
        List { names_key: false, ..List::by(&other) },
        // It says that it is by the right key.
        List { signer: &other, ..List::by(&world.authority) },
    ] {
        // It does not get anybody in, and revokes nobody.
        assert_eq!(asks(&world, &holding(&world, std::slice::from_ref(&list))), [LIST, RESPONDER]);
        let revoking = list.clone().revoking(SERIAL, COMPROMISE);
        let revocation = holding(&world, &[revoking]);
        let net = Net::of(&world);
        let pending = begun(&world, &revocation);
        let answers = pending.fetch(&net, now());
        assert!(pending.finish(&answers, now()).is_ok());
        // Nor is it in the way of the right one that is held beside it.
        assert!(asks(&world, &revocation).is_empty());
    }
}

/// An authority changed its key, and its lists do not say which of the two made them.
#[test]
fn two_keys_of_one_name_have_two_lists() {
    let world = World::new();
    let (location, net) = ("http://lists.example/second.crl", Net::of(&world));
    let second = Profile { serial: 0x12, ..authority(AUTHORITY, Whose::Stranger) }.by(Some(&world.root));
    let card = Profile { lists: vec![location], ..holder() }.by(Some(&second));
    let mut trust = world.trust();
    trust.add_intermediate(&second.der).unwrap();
    let revocation = Revocation::new(&trust, rules());
    net.serve(LIST, List { names_key: false, ..List::by(&world.authority) }.der());
    net.serve(location, List { names_key: false, this_update: -HOUR, ..List::by(&second) }.der());
    for _ in 0..2 {
        for holder in [&world.holder, &card] {
            let pending = revocation.begin(path(&trust, holder), now()).unwrap();
            let answers = pending.fetch(&net, now());
            pending.finish(&answers, now()).unwrap();
        }
    }
    assert_eq!(net.asked(), [LIST, ROOT_LIST, location]);
}

#[test]
fn sha1_lists_are_for_legacy_paths_only() {
    let old_card = Profile { key: Whose::Old, digest: MessageDigest::sha1(), ..holder() };
    let world = World::of(&old_card);
    let (new, net) = (World::new(), Net::of(&world));
    net.silence(RESPONDER);
    net.serve(LIST, List { sha1: true, ..List::by(&world.authority) }.der());
    let certificate = Certificate::from_der(&world.holder.der).unwrap();
    let policy = HolderPolicy::default().allow_legacy_cryptography();
    let trust = world.trust();
    let legacy = trust.verify_holder_certificate(certificate, now(), &policy).unwrap();
    assert!(legacy.is_legacy());
    let revocation = Revocation::new(&trust, RevocationRules::default());
    let pending = revocation.begin(legacy.clone(), now()).unwrap();
    let answers = pending.fetch(&net, now());
    pending.finish(&answers, now()).unwrap();
    // It is held now, for such cards.
    assert!(revocation.begin(legacy, now()).unwrap().requests().is_empty());
    // Somebody with a newer card asks anew, and does not take it.
    let modern = trust.verify_holder_certificate(new.holder.read(), now(), &policy).unwrap();
    assert!(!modern.is_legacy());
    let pending = revocation.begin(modern, now()).unwrap();
    let answers = pending.fetch(&net, now());
    assert_eq!(net.asked(), [LIST, ROOT_LIST, LIST, RESPONDER]);
    assert_eq!(pending.finish(&answers, now()).err(), Some(unavailable(0, ListFault::TooWeak)));
}

/// Between the beginning and the end of a login anything may happen: another citizen's fetches a list, say.
#[test]
fn what_lists_say_that_came_meanwhile_counts() {
    let world = World::new();
    for reason in [COMPROMISE, HOLD] {
        // Nothing was known at first, or that all was well.
        for lists in [vec![], vec![List::by(&world.authority)]] {
            let revocation = holding(&world, &lists);
            let [hard, soft, offline] = [(); 3].map(|()| begun(&world, &revocation));
            let newer = List { this_update: -HOUR, ..List::by(&world.authority) };
            revocation.add_list(&newer.revoking(SERIAL, reason).der()).unwrap();
            assert!(matches!(hard.finish(&[], now()), Err(Error::Revoked(_))));
            assert!(matches!(soft.finish_soft(&[], now()), Err(Error::Revoked(_))));
            assert!(matches!(offline.finish_offline(), Err(Error::Revoked(_))));
        }
    }
}

#[test]
fn a_list_may_go_out_of_date_meanwhile() {
    let world = World::new();
    let list = List { next_update: HOUR, ..List::by(&world.authority) };
    for (seconds, stale) in [(HOUR + 300, false), (HOUR + 301, true)] {
        let pending = begun(&world, &holding(&world, std::slice::from_ref(&list)));
        let expected = stale.then(|| unavailable(0, ListFault::Stale));
        assert_eq!(pending.finish(&[], at(seconds)).err(), expected);
    }
}

#[test]
fn an_old_list_that_suspends_is_remembered() {
    let world = World::new();
    let (net, revocation) = (Net::of(&world), Revocation::new(&world.trust(), rules()));
    net.silence(RESPONDER);
    net.serve(LIST, old(List::by(&world.authority).revoking(SERIAL, HOLD)).der());
    let suspended = Some(unavailable(0, StatusFault::Suspended));
    for _ in 0..2 {
        let pending = begun(&world, &revocation);
        let answers = pending.fetch(&net, now());
        assert_eq!(pending.finish_soft(&answers, now()).err(), suspended);
        // Whoever keeps the next answer back does not get it in.
        net.silence(LIST);
    }
}

/// Whoever stands between a portal and where it gets its lists can forge some.
#[test]
fn a_list_by_nobody_keeps_no_other_out() {
    let world = World::new();
    let stranger = authority(AUTHORITY, Whose::Stranger).by(Some(&world.root));
    let right = List::by(&world.authority).revoking(SERIAL, COMPROMISE);
    let forged = |days: i64| {
        let (this_update, next_update) = (days * DAY, 4000 * DAY);
        List { signer: &stranger, this_update, next_update, ..List::by(&world.authority) }
    };
    // Before the right one, after it, and after somebody asked for it.
    for asked in [false, true] {
        for place in 0..=4_usize {
            let revocation = holding(&world, &[]);
            for index in 0..=4_usize {
                if index == place {
                    revocation.add_list(&right.der()).unwrap();
                    assert!(!asked || matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
                } else if index.abs_diff(place) < 4 {
                    revocation.add_list(&forged(i64::try_from(index).unwrap() + 1).der()).unwrap();
                }
            }
            assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))), "{asked} {place}");
        }
    }
    // However many there are, those that are known to be the issuer's stay, and so do others'.
    let revocation = holding(&world, std::slice::from_ref(&right));
    assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
    for days in 1..=9 {
        revocation.add_list(&forged(days).der()).unwrap();
    }
    assert_eq!(revocation.lists(), 6);
    assert!(matches!(begin(&world, &revocation), Err(Error::Revoked(_))));
}

/// An authority changed its key, and its lists, which somebody gave, do not say which of the two made them.
#[test]
fn lists_of_two_keys_of_one_name_can_be_given() {
    let world = World::new();
    let second = authority(AUTHORITY, Whose::Stranger).by(Some(&world.root));
    let first = List { names_key: false, ..List::by(&world.authority) }.revoking(SERIAL, COMPROMISE);
    let other = List { names_key: false, this_update: -HOUR, ..List::by(&second) };
    for lists in [[first.clone(), other.clone()], [other, first]] {
        assert!(matches!(begin(&world, &holding(&world, &lists)), Err(Error::Revoked(_))));
    }
}

/// An authority writes its name as a UTF8String in its own certificate, and as a PrintableString in those of its cards.
#[test]
fn a_name_can_be_written_in_two_ways() {
    let world = World::new();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("C", "IT").unwrap();
    name.append_entry_by_text_with_type("CN", AUTHORITY, Asn1Type::PRINTABLESTRING).unwrap();
    let mut written = X509::builder().unwrap();
    written.set_subject_name(&name.build()).unwrap();
    let printable = Made { x509: written.build(), ..world.authority.clone() };
    let card = Profile { names_key: false, ..holder() }.by(Some(&printable));
    assert_ne!(card.read().issuer_der(), world.authority.read().subject_der());
    for (serial, revoked) in [(1, false), (SERIAL, true)] {
        let list = List::by(&world.authority).revoking(serial, COMPROMISE);
        let path = path(&world.trust(), &card);
        let outcome = match holding(&world, &[list]).begin(path, now()) {
            Ok(pending) => pending.finish(&[], now()).map(drop),
            Err(error) => Err(error),
        };
        assert_eq!(matches!(outcome, Err(Error::Revoked(_))), revoked);
        assert!(revoked || outcome.is_ok(), "{outcome:?}");
    }
}
