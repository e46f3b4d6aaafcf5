//! Fetches revocation lists and OCSP responses over HTTP (RFC 5280 section 4.2.1.13, RFC 6960 appendix A).
//!
//! Without TLS: what comes is signed and judged by that, and an address that needs TLS would have to be trusted before
//! it can be asked (RFC 5280 section 8). So `https` is refused, also as the target of a redirection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cie::trust::{Fetch, FetchError, StatusRequest};
use ureq::Agent;

/// How long a connection may take to come about, and the whole of an answer.
const CONNECTING: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// How often somebody may send us elsewhere with a GET. The question to a responder goes to nobody else.
const REDIRECTIONS: u32 = 2;

const WITHOUT_TLS: &str = "https is not fetched";

/// Fetches, and remembers what went wrong. A copy is the same one.
#[derive(Clone)]
pub(crate) struct Http {
    agent: Agent,
    failures: Arc<Mutex<Vec<(String, String)>>>,
}

impl Http {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECTING))
            .timeout_global(Some(WHOLE))
            .max_redirects(REDIRECTIONS)
            .http_status_as_error(false)
            // What is asked tells whose certificate is looked at: no variable says whom else to tell.
            .proxy(None)
            .user_agent(concat!("cie-card/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), failures: Arc::default() }
    }

    /// The addresses that gave nothing, each with the reason.
    pub(crate) fn failures(&self) -> Vec<(String, String)> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchange(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, String> {
        let scheme = location.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if scheme.as_deref() != Some("http") {
            return Err(WITHOUT_TLS.to_owned());
        }
        let said = |error: ureq::Error| match error {
            ureq::Error::TlsRequired => WITHOUT_TLS.to_owned(),
            error => error.to_string(),
        };
        let outcome = match &request.body {
            Some(body) => {
                let post = self.agent.post(location).config().max_redirects(0).build();
                post.content_type("application/ocsp-request")
                    .header("accept", request.media_type())
                    .send(body)
            }
            None => self.agent.get(location).header("accept", request.media_type()).call(),
        };
        let mut answer = outcome.map_err(said)?;
        if answer.status() != 200 {
            return Err(format!("HTTP status {}", answer.status().as_u16()));
        }
        let most = u64::try_from(request.max_length).unwrap_or(u64::MAX);
        answer.body_mut().with_config().limit(most).read_to_vec().map_err(said)
    }
}

impl Fetch for Http {
    fn fetch(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
        self.exchange(request, location).map_err(|reason| {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.push((location.to_owned(), reason.clone()));
            FetchError(reason)
        })
    }
}
