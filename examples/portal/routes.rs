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
use crate::guard::guard;
use crate::headers::text;
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

/// What the browser is told when something did not come about: a status, and one word. More would help whoever tries
/// things out.
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) &'static str);

impl Refusal {
    /// Nothing could be done, and the citizen is not to blame.
    pub(crate) const UNAVAILABLE: Self = Self(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    const EXPIRED: Self = Self(StatusCode::FORBIDDEN, "expired");
    pub(crate) const REFUSED: Self = Self(StatusCode::FORBIDDEN, "refused");

    /// The reason is for the log.
    fn unavailable(error: impl std::fmt::Display) -> Self {
        crate::log(format_args!("unavailable: {error}"));
        Self::UNAVAILABLE
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, error) = self;
        (status, json_answer(&json!({ "error": error }))).into_response()
    }
}

type Answer = Result<Response, Refusal>;

fn json_answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn session(headers: &HeaderMap) -> Option<SessionId> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(sessions::identifier)
}

/// The session of a visitor, without which nothing is answered.
fn visitor(portal: &Portal, headers: &HeaderMap) -> Result<SessionId, Refusal> {
    let known = session(headers).filter(|id| portal.sessions.visitor(id, |_| ()).is_some());
    known.ok_or(Refusal::EXPIRED)
}

/// Work that blocks, where that is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(Refusal::unavailable)
}

async fn page(State(portal): Shared, uri: Uri, headers: HeaderMap) -> Answer {
    let language = Language::choose(uri.query(), text(&headers, header::ACCEPT_LANGUAGE));
    let html = |page: &Page<'_>| {
        let html = portal.pages.render(page, language).map_err(Refusal::unavailable)?;
        Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
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
    let cookie = portal.sessions.visit().map_err(Refusal::unavailable)?;
    let page = html(&Page::Login(id.map(|_| "session-ended")))?;
    Ok(([(header::SET_COOKIE, cookie)], page).into_response())
}

async fn challenge(State(portal): Shared, headers: HeaderMap) -> Answer {
    let id = visitor(&portal, &headers)?;
    let (party, of) = (portal.party.clone(), id.clone());
    let nonce = blocking(move || party.challenge(&of)).await?.map_err(Refusal::unavailable)?;
    let answer = json_answer(&json!({ "nonce": nonce.as_str() }));
    if portal.demo.is_some() {
        portal.sessions.visitor(&id, |visitor| visitor.nonce = Some(nonce));
    }
    Ok(answer)
}

async fn login(State(portal): Shared, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Answer {
    let (id, body) = json_body(&portal, &headers, body)?;
    let (party, of) = (portal.party.clone(), id.clone());
    // What was wrong stands in the log already: the relying party's audit tells it.
    let citizen = blocking(move || party.verify(&of, &body)).await?.map_err(|error| match error {
        Error::NoChallenge | Error::ChallengeExpired => Refusal::EXPIRED,
        error if error.is_unchecked() => Refusal::UNAVAILABLE,
        _ => Refusal::REFUSED,
    })?;
    let cookie = portal.sessions.let_in(&id, Guest::of(&citizen)).map_err(Refusal::unavailable)?;
    Ok(([(header::SET_COOKIE, cookie)], json_answer(&json!({ "ok": true }))).into_response())
}

/// A visitor's session and a body that says that it is JSON: other pages cannot send that with a form.
fn json_body(
    portal: &Portal,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(SessionId, Bytes), Refusal> {
    let id = visitor(portal, headers)?;
    let kind = text(headers, header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "refused"));
    }
    Ok((id, body.map_err(|rejected| Refusal(rejected.status(), "refused"))?))
}

async fn logout(State(portal): Shared, uri: Uri, headers: HeaderMap) -> Answer {
    let id = session(&headers).ok_or(Refusal::EXPIRED)?;
    let language = Language::choose(uri.query(), text(&headers, header::ACCEPT_LANGUAGE));
    let cookie = portal.sessions.end(&id);
    let home = format!("/?lang={}", language.tag());
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, home)]).into_response())
}

/// The demonstration: what the citizen's computer does elsewhere.
async fn demo_answer(
    State(portal): Shared,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let (id, body) = json_body(&portal, &headers, body)?;
    let asked: Option<Value> = serde_json::from_slice(&body).ok();
    let asked = asked.as_ref().and_then(|asked| asked.get("challengeNonce")?.as_str());
    let asked = asked.and_then(|nonce| Nonce::parse(nonce).ok());
    // The card answers the session's own challenge, and none that somebody brought along.
    let nonce = portal.sessions.visitor(&id, |visitor| visitor.nonce.take()).flatten();
    let nonce = nonce.filter(|nonce| asked.as_ref() == Some(nonce)).ok_or(Refusal::EXPIRED)?;
    let answer = blocking(move || {
        let demo = portal.demo.as_ref().ok_or(DemoError::Failed("no demonstration".to_owned()))?;
        demo.answer(portal.party.origin(), &nonce)
    });
    let token = answer.await?.map_err(|error| {
        crate::log(format_args!("the software card: {error}"));
        Refusal(StatusCode::CONFLICT, error.code())
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], token).into_response())
}
