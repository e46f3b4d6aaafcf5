//! The routes: page, challenge, login, logout.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cie::login::store::SessionId;
use cie::login::{Error, Nonce, RelyingParty};
use serde_json::{Value, json};

use crate::demo::{Demo, DemoError};
use crate::guard::{guard, text};
use crate::pages::{Page, Pages};
use crate::sessions::{self, Guest, Sessions};
use crate::texts::Language;

/// The most bytes of a body: the longest token.
const BODY_MAX: usize = 10_000;

/// Everything that requests share.
pub(crate) struct Portal {
    pub(crate) party: RelyingParty,
    pub(crate) sessions: Sessions,
    pub(crate) pages: Pages,
    pub(crate) demo: Option<Demo>,
}

type Shared = State<Arc<Portal>>;

pub(crate) fn router(portal: Arc<Portal>) -> Router {
    let file = |kind: &'static str, content: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], content) })
    };
    let script = |content| file("text/javascript; charset=utf-8", content);
    let mut router = Router::new()
        .route("/", get(page))
        .route("/challenge", post(challenge))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/portal.css", file("text/css; charset=utf-8", include_str!("portal.css")))
        .route("/portal.js", script(include_str!("portal.js")))
        .route("/icon.svg", file("image/svg+xml", include_str!("icon.svg")));
    if portal.demo.is_some() {
        router = router
            .route("/demo.js", script(include_str!("demo.js")))
            .route("/demo/answer", post(demo_answer));
    }
    router
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(axum::middleware::from_fn_with_state(portal.clone(), guard))
        .with_state(portal)
}

/// What the browser is told when something did not come about. More would help whoever tries things out.
pub(crate) fn failure(status: StatusCode, error: &str) -> Response {
    json_answer(status, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Nothing could be done, and the citizen is not to blame.
fn unavailable(error: impl std::fmt::Display) -> Response {
    crate::log(format_args!("unavailable: {error}"));
    failure(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
}

fn session(headers: &HeaderMap) -> Option<SessionId> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(sessions::identifier)
}

/// The session of a visitor, without which nothing is answered.
fn visitor(portal: &Portal, headers: &HeaderMap) -> Result<SessionId, Response> {
    let known = session(headers).filter(|id| portal.sessions.visitor(id, |_| ()).is_some());
    known.ok_or_else(|| failure(StatusCode::FORBIDDEN, "expired"))
}

/// Work that blocks, where that is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    tokio::task::spawn_blocking(work).await.map_err(unavailable)
}

async fn page(State(portal): Shared, uri: Uri, headers: HeaderMap) -> Response {
    let language = Language::choose(uri.query(), text(&headers, header::ACCEPT_LANGUAGE));
    let html = |page: &Page<'_>| match portal.pages.render(page, language) {
        Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => unavailable(error),
    };
    let id = session(&headers);
    if let Some(guest) = id.as_ref().and_then(|id| portal.sessions.citizen(id)) {
        return html(&Page::Greeting(&guest));
    }
    if id.as_ref().is_some_and(|id| portal.sessions.visitor(id, |_| ()).is_some()) {
        return html(&Page::Login(None));
    }
    let from = text(&headers, HeaderName::from_static("sec-fetch-site"));
    if id.is_none() && matches!(from, Some("cross-site" | "same-site")) {
        return html(&Page::Again);
    }
    match portal.sessions.visit() {
        Ok(cookie) => {
            let said = id.map(|_| "session-ended");
            ([(header::SET_COOKIE, cookie)], html(&Page::Login(said))).into_response()
        }
        Err(error) => unavailable(error),
    }
}

async fn challenge(State(portal): Shared, headers: HeaderMap) -> Response {
    let id = match visitor(&portal, &headers) {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    let (party, of) = (portal.party.clone(), id.clone());
    match blocking(move || party.challenge(&of)).await {
        Ok(Ok(nonce)) => {
            let answer = json_answer(StatusCode::OK, &json!({ "nonce": nonce.as_str() }));
            if portal.demo.is_some() {
                portal.sessions.visitor(&id, |visitor| visitor.nonce = Some(nonce));
            }
            answer
        }
        Ok(Err(error)) => unavailable(error),
        Err(failed) => failed,
    }
}

async fn login(State(portal): Shared, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let (id, body) = match json_body(&portal, &headers, body) {
        Ok(both) => both,
        Err(refused) => return refused,
    };
    let (party, of) = (portal.party.clone(), id.clone());
    let citizen = match blocking(move || party.verify(&of, &body)).await {
        Ok(Ok(citizen)) => citizen,
        // What was wrong stands in the log already: the relying party's audit tells it.
        Ok(Err(Error::NoChallenge | Error::ChallengeExpired)) => {
            return failure(StatusCode::FORBIDDEN, "expired");
        }
        Ok(Err(error)) if error.is_unchecked() => {
            return failure(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        }
        Ok(Err(_)) => return failure(StatusCode::FORBIDDEN, "refused"),
        Err(failed) => return failed,
    };
    match portal.sessions.let_in(&id, Guest::of(&citizen)) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], json_answer(StatusCode::OK, &json!({ "ok": true })))
            .into_response(),
        Err(error) => unavailable(error),
    }
}

/// A visitor's session and a body that says that it is JSON: other pages cannot send that with a form.
fn json_body(
    portal: &Portal,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(SessionId, Bytes), Response> {
    let id = visitor(portal, headers)?;
    let kind = text(headers, header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, "refused"));
    }
    let body = body.map_err(|rejected| failure(rejected.status(), "refused"))?;
    Ok((id, body))
}

async fn logout(State(portal): Shared, uri: Uri, headers: HeaderMap) -> Response {
    let Some(id) = session(&headers) else { return failure(StatusCode::FORBIDDEN, "expired") };
    let language = Language::choose(uri.query(), text(&headers, header::ACCEPT_LANGUAGE));
    let cookie = portal.sessions.end(&id);
    let home = format!("/?lang={}", language.tag());
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, home)]).into_response()
}

/// The demonstration: what the citizen's computer does elsewhere.
async fn demo_answer(
    State(portal): Shared,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (id, body) = match json_body(&portal, &headers, body) {
        Ok(both) => both,
        Err(refused) => return refused,
    };
    let asked: Option<Value> = serde_json::from_slice(&body).ok();
    let asked = asked.as_ref().and_then(|asked| asked.get("challengeNonce")?.as_str());
    let asked = asked.and_then(|nonce| Nonce::parse(nonce).ok());
    // The card answers the session's own challenge, and none that somebody brought along.
    let nonce = portal.sessions.visitor(&id, |visitor| visitor.nonce.take()).flatten();
    let Some(nonce) = nonce.filter(|nonce| asked.as_ref() == Some(nonce)) else {
        return failure(StatusCode::FORBIDDEN, "expired");
    };
    let answer = blocking(move || {
        let demo = portal.demo.as_ref().ok_or(DemoError::Failed("no demonstration".to_owned()))?;
        demo.answer(portal.party.origin(), &nonce)
    });
    match answer.await {
        Ok(Ok(token)) => {
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], token).into_response()
        }
        Ok(Err(error)) => {
            crate::log(format_args!("the software card: {error}"));
            failure(StatusCode::CONFLICT, error.code())
        }
        Err(failed) => failed,
    }
}
