//! Lists that are fetched again in time, so that nobody who logs in waits for one, while everybody goes on logging in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cie::trust::{Answer, Error, Fetch, ListFault, Revocation, StatusRequest};

use crate::common::now;
use crate::lists::{DAY, HOUR, List, Net, at};
use crate::pki::{AUTHORITY, LIST, Profile, ROOT_LIST, Whose, World, authority, holder};
use crate::status::{begun, path, rules};

/// Holds what the network served to somebody who logged in.
fn fetched(world: &World, net: &Net) -> Revocation {
    let revocation = Revocation::new(&world.trust(), rules());
    let pending = begun(world, &revocation);
    let answers = pending.fetch(net, now());
    pending.finish(&answers, now()).unwrap();
    net.asked();
    revocation
}

fn locations(due: &[StatusRequest]) -> Vec<&str> {
    due.iter().flat_map(|request| request.locations.iter().map(String::as_str)).collect()
}

/// Fetches what is due, and gives it.
fn refresh(revocation: &Revocation, net: &Net, seconds: i64) -> Result<usize, ListFault> {
    let due = revocation.due(at(seconds));
    let fetch = |(index, request): (usize, &StatusRequest)| {
        Some(Answer::new(index, net.fetch(request, &request.locations[0]).ok()?))
    };
    let answers: Vec<_> = due.iter().enumerate().filter_map(fetch).collect();
    revocation.refresh(&due, &answers, at(seconds)).map(|()| due.len())
}

#[test]
fn a_list_is_due_after_three_quarters_of_its_time() {
    let world = World::new();
    let net = Net::of(&world);
    // Made a day ago, good for six more: 5.25 days from then.
    let revocation = fetched(&world, &net);
    let due = 4 * DAY + DAY / 4;
    assert!(revocation.due(now()).is_empty() && revocation.due(at(due - 1)).is_empty());
    let requests = revocation.due(at(due));
    assert_eq!(locations(&requests), [LIST, ROOT_LIST]);
    assert!(requests.iter().all(|request| request.body.is_none() && !request.is_fallback));
    // Those that somebody gave are for somebody to give again.
    let given = Revocation::new(&world.trust(), rules());
    given.add_list(&List::by(&world.authority).der()).unwrap();
    assert!(given.due(at(100 * DAY)).is_empty());
    // Where lists may only have a certain age, of that.
    let aged = Revocation::new(&world.trust(), rules().list_max_age(Duration::from_secs(2 * 86_400)));
    let pending = begun(&world, &aged);
    let answers = pending.fetch(&net, now());
    pending.finish(&answers, now()).unwrap();
    assert_eq!((aged.due(at(DAY / 2 - 1)).len(), aged.due(at(DAY / 2)).len()), (0, 2));
}

#[test]
fn a_good_answer_is_used_and_a_bad_one_leaves_the_old_list() {
    let world = World::new();
    let net = Net::of(&world);
    let revocation = fetched(&world, &net);
    let stranger = authority(AUTHORITY, Whose::Stranger).by(Some(&world.root));
    let time = 5 * DAY;
    let next = List { this_update: time - HOUR, next_update: time + 7 * DAY, ..List::by(&world.authority) };
    net.serve(
        ROOT_LIST,
        List { this_update: time - HOUR, next_update: 20 * DAY, ..List::by(&world.root) }.der(),
    );
    for (page, fault) in [
        (b"moved".to_vec(), ListFault::Malformed("not a revocation list")),
        (List { this_update: time + HOUR, ..next.clone() }.der(), ListFault::NotYetValid),
        (List { this_update: -9 * DAY, next_update: time - HOUR, ..next.clone() }.der(), ListFault::Stale),
        (List { signer: &stranger, ..next.clone() }.der(), ListFault::BadSignature),
        (List { issuer: &stranger, signer: &stranger, ..next.clone() }.der(), ListFault::OtherIssuer),
        (List { sha1: true, ..next.clone() }.der(), ListFault::TooWeak),
        (List { issuer: &world.root, signer: &world.root, ..next.clone() }.der(), ListFault::OtherIssuer),
    ] {
        net.serve(LIST, page);
        assert_eq!(refresh(&revocation, &net, time), Err(fault), "{fault}");
        // The other answer was taken all the same, and this one is still due and still held.
        assert_eq!(locations(&revocation.due(at(time))), [LIST]);
        let held = revocation.begin(path(&world.trust(), &world.holder), at(time)).unwrap();
        assert!(held.requests().is_empty());
    }
    // Silence, an answer to nothing, an older list that is still good: no harm.
    net.silence(LIST);
    assert_eq!(refresh(&revocation, &net, time), Ok(1));
    let due = revocation.due(at(time));
    assert_eq!(revocation.refresh(&due, &[Answer::new(9, next.der())], at(time)), Ok(()));
    net.serve(LIST, List { this_update: -2 * DAY, next_update: 9 * DAY, ..List::by(&world.authority) }.der());
    assert_eq!(refresh(&revocation, &net, time), Ok(1));
    assert_eq!(locations(&revocation.due(at(time))), [LIST]);

    net.serve(LIST, next.clone().revoking(0x00C0_FFEE, 1).der());
    assert_eq!((refresh(&revocation, &net, time), revocation.due(at(time)).len()), (Ok(1), 0));
    let refused = revocation.begin(path(&world.trust(), &world.holder), at(time));
    assert!(matches!(refused, Err(Error::Revoked(_))));
    assert_eq!(revocation.lists(), 2);
}

#[test]
fn two_issuers_at_one_address() {
    let world = World::new();
    let second = Profile { serial: 0x12, ..authority("Second", Whose::Stranger) }.by(Some(&world.root));
    let mut trust = world.trust();
    trust.add_intermediate(&second.der).unwrap();
    let card = holder().by(Some(&second));
    let (net, revocation) = (Net::of(&world), Revocation::new(&trust, rules()));
    for (holder, issuer) in [(&world.holder, &world.authority), (&card, &second)] {
        net.serve(LIST, List::by(issuer).der());
        let pending = revocation.begin(path(&trust, holder), now()).unwrap();
        let answers = pending.fetch(&net, now());
        pending.finish(&answers, now()).unwrap();
    }
    let time = 5 * DAY;
    let next = |issuer| List { this_update: time, next_update: time + DAY, ..List::by(issuer) }.der();
    let due = revocation.due(at(time));
    assert_eq!(locations(&due), [LIST, ROOT_LIST, LIST]);
    // One of them twice: the other stays due, whichever request it came for.
    let answers = [Answer::new(0, next(&second)), Answer::new(2, next(&second))];
    revocation.refresh(&due, &answers, at(time)).unwrap();
    let due = revocation.due(at(time));
    assert_eq!(locations(&due), [LIST, ROOT_LIST]);
    let answers = [Answer::new(0, next(&world.authority)), Answer::new(1, next(&world.root))];
    revocation.refresh(&due, &answers, at(time)).unwrap();
    assert!(revocation.due(at(time)).is_empty());
    // Each is used for its own holders, and nobody has to ask.
    for holder in [&world.holder, &card] {
        let pending = revocation.begin(path(&trust, holder), at(time)).unwrap();
        assert!(pending.requests().is_empty());
        assert_eq!(pending.finish(&[], at(time)).unwrap().good_until(), at(time + DAY));
    }
    assert_eq!(revocation.lists(), 3);
}

#[test]
fn many_verify_while_lists_are_refreshed() {
    const ROUNDS: u32 = 60;
    let world = World::new();
    let net = Net::of(&world);
    let revocation = fetched(&world, &net);
    let time = 5 * DAY;
    let trust = world.trust();
    let lost = Profile { serial: 7, ..holder() }.by(Some(&world.authority));
    let (revoked, verified, over) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    // Asked before: what was published then must count now.
                    let must_be_refused = revoked.load(Ordering::SeqCst);
                    let outcome = revocation.begin(path(&trust, &lost), at(time));
                    assert!(!must_be_refused || matches!(outcome, Err(Error::Revoked(_))), "{outcome:?}");
                    let pending = revocation.begin(path(&trust, &world.holder), at(time)).unwrap();
                    assert!(pending.requests().is_empty());
                    pending.finish(&[], at(time)).unwrap();
                    verified.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            for round in 0..ROUNDS {
                // Each a little newer, and due at once; from the middle on somebody's card is lost. Now and then
                // an older list comes, in which it is not.
                let made = i64::from(round) * 60;
                let list = |issuer| List { this_update: made, next_update: time + HOUR, ..List::by(issuer) };
                let of_authority = list(&world.authority);
                let is_lost = round >= ROUNDS / 2;
                let page = if is_lost { of_authority.revoking(7, 1).der() } else { of_authority.der() };
                net.serve(LIST, page);
                net.serve(ROOT_LIST, list(&world.root).der());
                assert_eq!(refresh(&revocation, &net, time), Ok(2));
                revoked.fetch_or(is_lost, Ordering::SeqCst);
                net.serve(LIST, List { next_update: time + DAY, ..List::by(&world.authority) }.der());
                assert_eq!(refresh(&revocation, &net, time), Ok(2));
            }
            over.store(true, Ordering::SeqCst);
        });
    });
    assert!(verified.load(Ordering::SeqCst) > 10);
    assert_eq!(revocation.lists(), 2);
}
