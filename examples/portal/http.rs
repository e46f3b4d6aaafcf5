//! Fetches revocation lists and asks responders over plain HTTP.
//!
//! Without TLS: what comes is signed and judged by that (RFC 5280 section 8), so `https` is refused, also as the
//! target of a redirection.

use std::time::Duration;

use cie::trust::{FetchError, StatusRequest};
use ureq::{Agent, Proxy};

/// How long a connection may take to come about, at most.
pub(crate) const CONNECTING: Duration = Duration::from_secs(4);

/// Fetches over plain HTTP.
pub(crate) struct Http(Agent);

impl Http {
    /// Through this proxy only, or directly. What is asked tells whose certificate is looked at: no variable of the
    /// environment says whom else to tell.
    pub(crate) fn new(proxy: Option<Proxy>) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECTING))
            .max_redirects(2)
            .http_status_as_error(false)
            .proxy(proxy)
            .user_agent("comune-di-esempio")
            .build();
        Self(config.into())
    }

    /// The body of a whole answer with status 200, if it came within the time.
    pub(crate) fn fetch(
        &self,
        request: &StatusRequest,
        location: &str,
        within: Duration,
    ) -> Result<Vec<u8>, FetchError> {
        let failed = |reason: &dyn std::fmt::Display| {
            crate::log(format_args!("{location} was not fetched: {reason}"));
            FetchError(reason.to_string())
        };
        let scheme = location.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if scheme.as_deref() != Some("http") {
            return Err(failed(&"only plain http is fetched"));
        }
        let outcome = match &request.body {
            // A question to a responder goes to nobody else.
            Some(body) => {
                let post = self.0.post(location).config().timeout_global(Some(within)).max_redirects(0);
                let post = post.build().content_type("application/ocsp-request");
                post.header("accept", request.media_type()).send(body)
            }
            None => {
                let get = self.0.get(location).config().timeout_global(Some(within)).build();
                get.header("accept", request.media_type()).call()
            }
        };
        let mut answer = outcome.map_err(|error| failed(&error))?;
        if answer.status() != 200 {
            return Err(failed(&answer.status()));
        }
        let most = u64::try_from(request.max_length).unwrap_or(u64::MAX);
        answer.body_mut().with_config().limit(most).read_to_vec().map_err(|error| failed(&error))
    }
}
