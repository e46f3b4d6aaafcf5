//! What holds for every request: for whom it is, who sent it, how long it may take; and what every answer says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::headers::{is_ours, text};
use crate::routes::{Portal, Refusal};

/// How long a request may take, from its headers to its answer, and how long its body.
const WHOLE: Duration = Duration::from_secs(30);
const BODY: Duration = Duration::from_secs(8);
/// The most bytes of a body: the longest token.
const BODY_MAX: usize = 10_000;

/// What every answer says to the browser.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// Stands before every route.
pub(crate) async fn guard(State(portal): State<Arc<Portal>>, request: Request, next: Next) -> Response {
    // A login is bound to one origin: under another name of this server it could not succeed.
    let origin = portal.party.origin().as_str();
    let is_here = origin.strip_prefix("https://") == text(request.headers(), header::HOST);
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if !is_here {
        (StatusCode::MISDIRECTED_REQUEST, format!("This site is at {origin}\n")).into_response()
    } else if changes && !is_ours(request.headers(), origin) {
        Refusal::REFUSED.into_response()
    } else {
        let answer = async { Ok::<_, Refusal>(next.run(whole(request).await?).await) };
        let answer = tokio::time::timeout(WHOLE, answer).await;
        answer.unwrap_or(Err(Refusal::UNAVAILABLE)).unwrap_or_else(Refusal::into_response)
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The demonstration's host is localhost: a promise for two years would bind whatever else runs there.
    if portal.demo.is_none() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    response
}

/// A request whose body has come. It has a time of its own: whoever sends slowly takes none from what is done then,
/// which would be broken off in the middle.
async fn whole(request: Request) -> Result<Request, Refusal> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY, axum::body::to_bytes(body, BODY_MAX)).await;
    let body = body.map_err(|_| Refusal(StatusCode::REQUEST_TIMEOUT, "refused"))?;
    // Whoever broke off does not read this.
    let body = body.map_err(|_| Refusal(StatusCode::PAYLOAD_TOO_LARGE, "refused"))?;
    Ok(Request::from_parts(head, Body::from(body)))
}
