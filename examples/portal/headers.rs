//! What the headers of a request say of who sent it.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};

/// Whether a page of ours sent it, going by what the browser says and no page can change.
pub(crate) fn is_ours(headers: &HeaderMap, own: &str) -> bool {
    let origin = text(headers, header::ORIGIN);
    match text(headers, HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin" && origin.is_none_or(|origin| origin == own),
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
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_pages_of_ours_may_change_anything() {
        let own = "https://localhost:8443";
        for (origin, site, ours) in [
            (Some(own), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (Some("null"), Some("same-origin"), false),
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
