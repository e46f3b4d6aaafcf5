//! What holds for every request: for whom it is, who sent it, how long it may take; and what every answer says.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::routes::{self, Portal};

/// How long a request may take, from its headers to its answer.
const WHOLE: Duration = Duration::from_secs(30);

/// What every answer says to the browser.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
];

/// Stands before every route.
pub(crate) async fn guard(State(portal): State<Arc<Portal>>, request: Request, next: Next) -> Response {
    let mut response = match check(&portal, &request) {
        Err(refused) => refused,
        Ok(()) => match tokio::time::timeout(WHOLE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => routes::failure(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        },
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

fn check(portal: &Portal, request: &Request) -> Result<(), Response> {
    let headers = request.headers();
    // A login is bound to one origin: under another name of this server it could not succeed.
    let origin = portal.party.origin().as_str();
    if origin.strip_prefix("https://") != text(headers, header::HOST) {
        let said = format!("This site is at {origin}\n");
        return Err((StatusCode::MISDIRECTED_REQUEST, said).into_response());
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !is_ours(headers, origin) {
        return Err(routes::failure(StatusCode::FORBIDDEN, "refused"));
    }
    Ok(())
}

/// Whether a page of ours sent it, going by what the browser says and no page can change. Under our referrer policy
/// browsers write the origin of a form as `null`, so that this is enough only beside the other.
fn is_ours(headers: &HeaderMap, own: &str) -> bool {
    let origin = text(headers, header::ORIGIN);
    match text(headers, HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin" && origin.is_none_or(|origin| origin == own || origin == "null"),
        None => origin == Some(own),
    }
}

/// A header's text. One that comes twice says nothing, and one that is no text says what nobody expects.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.to_str().unwrap_or("?")),
        (Some(_), Some(_)) => Some("?"),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_may_change_anything() {
        let own = "https://localhost:8443";
        for (origin, site, ours) in [
            (Some(own), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (Some("null"), Some("same-origin"), true),
            (Some(own), None, true),
            (None, None, false),
            (Some("null"), None, false),
            (Some("https://localhost:8444"), Some("same-site"), false),
            (Some("https://evil.example"), Some("cross-site"), false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some(own), Some("none"), false),
            (Some(own), Some("cross-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            origin.map(|value| headers.insert(header::ORIGIN, HeaderValue::from_static(value)));
            site.map(|value| headers.insert("sec-fetch-site", HeaderValue::from_static(value)));
            assert_eq!(is_ours(&headers, own), ours, "{origin:?} {site:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(header::ORIGIN, HeaderValue::from_static(own));
        twice.append(header::ORIGIN, HeaderValue::from_static(own));
        assert!(!is_ours(&twice, own));
    }
}
