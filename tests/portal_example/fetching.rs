//! How lists are fetched: what is refused, and how long anything may take.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cie::card;
use cie::emulator::SoftCard;
use cie::login::store::{MemoryStore, SessionId};
use cie::login::{AuthToken, Origin, RelyingParty};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::{Fetch, StatusRequest, TrustStore};

use crate::http::Http;
use crate::lists::{Lists, within};
use crate::logins::{Failure, Logins};
use crate::server::card_copy;
use crate::web::{Web, hang, say};

const ORIGIN: &str = "https://localhost";
const LONG: Duration = Duration::from_secs(10);

/// A portal for the software card in a folder, which has no list.
pub(crate) fn party(folder: &Path, origin: &str, fetch: impl Fetch + 'static) -> RelyingParty {
    let trust = TrustStore::new().allow_test_pki().load(folder.join("trust")).unwrap();
    RelyingParty::builder(Origin::parse(origin).unwrap(), trust, MemoryStore::new()).fetch(fetch).finish()
}

/// What is fetched through a server that answers for every address.
pub(crate) fn through(web: &Web) -> Lists {
    Lists::new(Http::new(Some(ureq::Proxy::new(&web.url("")).unwrap())))
}

fn directly() -> Lists {
    Lists::new(Http::new(None))
}

/// The card's answer to a new challenge of a session.
fn token(folder: &Path, party: &RelyingParty, session: &SessionId) -> String {
    let nonce = party.challenge(session).unwrap();
    let card = SoftCard::open(folder.join("card.json")).unwrap();
    let open = card::open(card.insert()).unwrap().open_session().unwrap();
    let mut unlocked = open.verify_pin(&Typed::new("12345678".to_owned()), LastTry::Refuse).unwrap();
    AuthToken::create(&mut unlocked.signer().unwrap(), party.origin(), &nonce).unwrap().to_json()
}

fn session() -> SessionId {
    SessionId::new("a session of a test").unwrap()
}

/// What has to be fetched for a login.
fn request() -> StatusRequest {
    let folder = card_copy();
    let party = party(folder.path(), ORIGIN, directly());
    let token = token(folder.path(), &party, &session());
    let pending = party.begin(&session(), token.as_bytes()).unwrap();
    pending.requests()[0].clone()
}

/// The lists of a software card by the last part of their addresses.
fn lists(folder: &Path) -> impl Fn(&str) -> Option<Vec<u8>> + use<> {
    let folder: PathBuf = folder.join("lists");
    move |path| std::fs::read(folder.join(path.rsplit('/').next().unwrap())).ok()
}

fn verify(logins: &Logins, token: String) -> Result<cie::login::Citizen, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(logins.verify(&session(), token.into()))
}

#[test]
fn a_good_list_lets_a_citizen_in_and_no_list_nobody() {
    let folder = card_copy();
    let lists = lists(folder.path());
    let good = Web::start(move |path, stream| match lists(path) {
        Some(list) => say(stream, "200 OK", "", &list),
        None => say(stream, "404 Not Found", "", b""),
    });
    let party_of = |web: &Web| party(folder.path(), ORIGIN, through(web));
    let party = party_of(&good);
    let logins = Logins::new(party.clone(), 1, LONG);
    verify(&logins, token(folder.path(), &party, &session())).unwrap();
    let asked = good.asked();
    assert!(asked > 0);
    verify(&logins, token(folder.path(), &party, &session())).unwrap();
    assert_eq!(good.asked(), asked, "the list is held");

    let none = Web::start(|_, stream| say(stream, "200 OK", "", b"no list"));
    let party = party_of(&none);
    let outcome = verify(&Logins::new(party.clone(), 1, LONG), token(folder.path(), &party, &session()));
    assert!(matches!(&outcome, Err(Failure::Refused(error)) if error.is_unchecked()), "{outcome:?}");
}

#[test]
fn a_login_ends_in_its_time_and_one_too_many_at_once() {
    let folder = card_copy();
    let web = Web::start(hang);
    let party = party(folder.path(), ORIGIN, through(&web));
    let began = Instant::now();
    let logins = Logins::new(party.clone(), 1, Duration::from_secs(1));
    let outcome = verify(&logins, token(folder.path(), &party, &session()));
    assert!(matches!(&outcome, Err(Failure::Refused(error)) if error.is_unchecked()), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    let token = token(folder.path(), &party, &session());
    let full = Logins::new(party.clone(), 0, LONG);
    assert!(matches!(verify(&full, token.clone()), Err(Failure::Busy)));
    // The challenge was left alone.
    assert!(party.verify_offline(&session(), token.as_bytes()).is_ok());
}

#[test]
fn only_whole_answers_over_plain_http_are_taken() {
    let http = Http::new(None);
    let web = Web::start(|path, stream| match path {
        "/list" => say(stream, "200 OK", "", b"0123456789"),
        "/here" => say(stream, "302 Found", "Location: /list\r\n", b""),
        "/away" => say(stream, "302 Found", "Location: https://127.0.0.1/list\r\n", b""),
        "/round" => say(stream, "302 Found", "Location: /round\r\n", b""),
        "/short" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234").unwrap(),
        "/empty" => say(stream, "204 No Content", "", b""),
        "/part" => say(stream, "206 Partial Content", "", b"0123456789"),
        _ => say(stream, "500 Internal Server Error", "", b"0123456789"),
    });
    let mut request = request();
    request.max_length = 10;
    let fetch = |request: &StatusRequest, path: &str| http.fetch(request, &web.url(path), LONG);
    for path in ["/list", "/here"] {
        assert_eq!(fetch(&request, path).unwrap(), b"0123456789", "{path}");
    }
    for path in ["/away", "/round", "/short", "/empty", "/part", "/other"] {
        assert!(fetch(&request, path).is_err(), "{path}");
    }
    // A question is not handed on, not even within a server.
    let mut question = request.clone();
    question.body = Some(b"who?".to_vec());
    assert!(fetch(&question, "/list").is_ok() && fetch(&question, "/here").is_err());
    request.max_length = 9;
    assert!(fetch(&request, "/list").is_err(), "too long");

    let asked = web.asked();
    for location in [web.url("/list").replace("http", "https"), "ftp://127.0.0.1/list".to_owned()] {
        assert!(http.fetch(&request, &location, LONG).is_err(), "{location}");
    }
    assert_eq!(web.asked(), asked);
}

#[test]
fn a_server_that_hangs_or_dribbles_is_left_in_time() {
    let lists = directly();
    let web = Web::start(|path, stream| match path {
        "/dribble" => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
            let mut sent = stream.write_all(head);
            while sent.is_ok() {
                thread::sleep(Duration::from_millis(50));
                sent = stream.write_all(b"x");
            }
        }
        "/list" => say(stream, "200 OK", "", b"list"),
        other => hang(other, stream),
    });
    let request = request();
    let began = Instant::now();
    let fetch = |path: &str| lists.fetch(&request, &web.url(path));
    within(Duration::from_millis(1_200), || {
        assert!(fetch("/hang").is_err());
        assert!(fetch("/dribble").is_err());
        // There is a little left for the one that answers.
        assert_eq!(fetch("/list").unwrap(), b"list");
        thread::sleep(Duration::from_millis(1_200));
        assert!(fetch("/list").is_err(), "the time is over");
    });
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_list_is_fetched_once_for_all_and_where_nothing_came_is_not_asked_again() {
    let lists = directly();
    let web = Web::start(|path, stream| {
        thread::sleep(Duration::from_millis(400));
        match path {
            "/list" => say(stream, "200 OK", "", b"list"),
            _ => say(stream, "503 Service Unavailable", "", b""),
        }
    });
    let request = request();
    let five = |path: &str| {
        let (lists, request, location) = (&lists, &request, &web.url(path));
        thread::scope(|scope| {
            let all = [(); 5].map(|()| scope.spawn(move || lists.fetch(request, location)));
            all.map(|one| one.join().unwrap())
        })
    };
    assert!(five("/list").iter().all(|list| list.as_deref() == Ok(b"list")));
    assert_eq!(web.asked(), 1);
    assert!(five("/none").iter().all(Result::is_err));
    assert_eq!(web.asked(), 2);
    assert!(lists.fetch(&request, &web.url("/none")).is_err());
    assert_eq!(web.asked(), 2, "a moment ago nothing came");
    assert!(lists.fetch(&request, &web.url("/list")).is_ok());
    assert_eq!(web.asked(), 3);
}

#[test]
fn who_waits_for_a_list_asks_itself_if_the_other_had_no_time() {
    let lists = directly();
    let first = std::sync::atomic::AtomicBool::new(true);
    let web = Web::start(move |path, stream| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            hang(path, stream);
        }
        say(stream, "200 OK", "", b"list");
    });
    let (lists, request, location) = (&lists, &request(), &web.url("/list"));
    thread::scope(|scope| {
        let hasty = scope.spawn(|| within(Duration::from_millis(900), || lists.fetch(request, location)));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(lists.fetch(request, location).as_deref(), Ok(&b"list"[..]));
        assert!(hasty.join().unwrap().is_err());
    });
}
