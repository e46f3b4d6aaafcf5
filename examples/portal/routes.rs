//! The routes: page, challenge, login, logout.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cie::login::store::SessionId;
use cie::login::{Error, Nonce, RelyingParty};
use cie::trust;
use serde_json::{Value, json};

use crate::demo::{Demo, DemoError};
use crate::guard::guard;
use crate::headers::text;
use crate::logins::{Failure, Logins};
use crate::pages::{Page, Pages};
use crate::sessions::{self, Guest, Holder, Sessions};
use crate::texts::Language;

/// Everything that requests share.
pub(crate) struct Portal {
    pub(crate) party: RelyingParty,
    pub(crate) logins: Logins,
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
    router.layer(axum::middleware::from_fn_with_state(portal.clone(), guard)).with_state(portal)
}

/// What the browser is told when something did not come about: a status, and one word. More would help whoever tries
/// things out.
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) &'static str);

impl Refusal {
    /// Nothing could be done, and the citizen is not to blame.
    pub(crate) const UNAVAILABLE: Self = Self(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    /// The browser sent no cookie of a visitor: it takes none, or the page is older than the cookie.
    const SESSION: Self = Self(StatusCode::FORBIDDEN, "session");
    const EXPIRED: Self = Self(StatusCode::FORBIDDEN, "expired");
    /// A card of a kind or region whose authority is not among those that this portal trusts.
    const ISSUER_UNKNOWN: Self = Self(StatusCode::FORBIDDEN, "issuer-unknown");
    pub(crate) const REFUSED: Self = Self(StatusCode::FORBIDDEN, "refused");

    /// Of a login. What was wrong stands in the log already: the relying party's audit tells it.
    fn of(error: &Error) -> Self {
        match error {
            Error::NoChallenge | Error::ChallengeExpired => Self::EXPIRED,
            // It counts as unchecked as well, but to try again in a few minutes is of no use.
            Error::Trust(trust::Error::UnknownIssuer) => Self::ISSUER_UNKNOWN,
            error if error.is_unchecked() => Self::UNAVAILABLE,
            _ => Self::REFUSED,
        }
    }

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

fn session(headers: &HeaderMap) -> Option<(Holder, SessionId)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(sessions::identifier)
}

/// The identifier of a visitor, without which nothing is answered.
fn visitor(headers: &HeaderMap) -> Result<SessionId, Refusal> {
    match session(headers) {
        Some((Holder::Visitor, id)) => Ok(id),
        _ => Err(Refusal::SESSION),
    }
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
    let from = text(&headers, HeaderName::from_static("sec-fetch-site"));
    let page = match session(&headers) {
        Some((Holder::Visitor, _)) => return html(&Page::Login { ended: false }),
        Some((Holder::Citizen, id)) => match portal.sessions.citizen(&id) {
            Some(guest) => return html(&Page::Greeting(&guest)),
            None => Page::Login { ended: true },
        },
        None if matches!(from, Some("cross-site" | "same-site")) => return html(&Page::Again),
        None => Page::Login { ended: false },
    };
    let cookie = sessions::visit().map_err(Refusal::unavailable)?;
    Ok(([(header::SET_COOKIE, cookie)], html(&page)?).into_response())
}

async fn challenge(State(portal): Shared, headers: HeaderMap) -> Answer {
    let id = visitor(&headers)?;
    // At once, because the store is in memory: one in the network would have to be asked where blocking is allowed.
    let nonce = portal.party.challenge(&id).map_err(Refusal::unavailable)?;
    let answer = json_answer(&json!({ "nonce": nonce.as_str() }));
    if let Some(demo) = &portal.demo {
        demo.remember(id, nonce);
    }
    Ok(answer)
}

async fn login(State(portal): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    let id = visitor_with_json(&headers)?;
    let citizen = portal.logins.verify(&id, body).await.map_err(|failure| match failure {
        Failure::Refused(error) => Refusal::of(&error),
        Failure::Busy => Refusal::unavailable("too many logins at a time"),
        Failure::Broken(error) => Refusal::unavailable(error),
    })?;
    let cookie = portal.sessions.let_in(Guest::of(&citizen)).map_err(Refusal::unavailable)?;
    Ok(([(header::SET_COOKIE, cookie)], json_answer(&json!({ "ok": true }))).into_response())
}

/// The identifier of a visitor who says that the body is JSON: other pages cannot send that with a form.
fn visitor_with_json(headers: &HeaderMap) -> Result<SessionId, Refusal> {
    let id = visitor(headers)?;
    let kind = text(headers, header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "refused"));
    }
    Ok(id)
}

async fn logout(State(portal): Shared, uri: Uri, headers: HeaderMap) -> Response {
    let language = Language::choose(uri.query(), text(&headers, header::ACCEPT_LANGUAGE));
    let home = (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/?lang={}", language.tag()))]);
    // A form brought somebody here, who is to see a page whatever there was to end.
    match session(&headers) {
        Some((_, id)) => ([(header::SET_COOKIE, portal.sessions.end(&id))], home).into_response(),
        None => home.into_response(),
    }
}

/// The demonstration: what the citizen's computer does elsewhere.
async fn demo_answer(State(portal): Shared, headers: HeaderMap, body: Bytes) -> Answer {
    let id = visitor_with_json(&headers)?;
    let asked: Option<Value> = serde_json::from_slice(&body).ok();
    let asked = asked.as_ref().and_then(|asked| asked.get("challengeNonce")?.as_str());
    let asked = asked.and_then(|nonce| Nonce::parse(nonce).ok());
    // The card answers the session's own challenge, and none that somebody brought along.
    let nonce = portal.demo.as_ref().and_then(|demo| demo.remembered(&id));
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
