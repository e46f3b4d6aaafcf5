//! What has to be fetched, described: by whom and over which connection is not this crate's business.

use crate::trust::crl;

/// The longest OCSP response that is worth fetching, in bytes.
const RESPONSE_MAX: usize = crate::trust::ocsp::DER_MAX;

/// Where the status of a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusSource {
    /// A revocation list (RFC 5280 section 5).
    List,
    /// An OCSP responder (RFC 6960).
    Responder,
}

/// One thing to fetch over HTTP: from any of its addresses, the first that answers.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusRequest {
    /// What will come back.
    pub source: StatusSource,
    /// Addresses, `http` or `https`, as a certificate of a verified path names them.
    pub locations: Vec<String>,
    /// The body of a POST with content type `application/ocsp-request`; `None` for a GET.
    pub body: Option<Vec<u8>>,
    /// The most bytes that are taken as an answer.
    pub max_length: usize,
    /// Whether this need be fetched only if what stands before it for the same certificate gave nothing.
    pub is_fallback: bool,
    /// The certificate's place in the path: 0 for the holder's.
    pub depth: usize,
}

impl StatusRequest {
    /// A list, at any of these addresses.
    pub(super) fn list(locations: &[String]) -> Self {
        let source = StatusSource::List;
        let locations = locations.to_vec();
        Self { source, locations, body: None, max_length: crl::LENGTH_MAX, is_fallback: false, depth: 0 }
    }

    /// The media type of the answer (RFC 5280 section 4.2.1.13, RFC 6960 appendix A).
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.source {
            StatusSource::List => "application/pkix-crl",
            StatusSource::Responder => "application/ocsp-response",
        }
    }
}

/// Without the body: it has the serial number of a citizen's certificate in it.
impl std::fmt::Debug for StatusRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatusRequest({:?} at {:?})", self.source, self.locations)
    }
}

/// What came back, bytes as they were sent: nobody need look into them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Which request it answers, by its index.
    pub request: usize,
    /// The body of the answer.
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer to the request at an index.
    #[must_use]
    pub fn new(request: usize, body: Vec<u8>) -> Self {
        Self { request, body }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} bytes to request {})", self.body.len(), self.request)
    }
}

/// Something could not be fetched: what the connection said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Fetches over HTTP, for programs that may wait. An implementation sets deadlines, takes an answer with status 200
/// only, follows no redirection to another scheme, and stops reading at [`StatusRequest::max_length`] bytes.
pub trait Fetch: Send + Sync {
    /// Fetches from one of the request's addresses and returns the body of the answer.
    ///
    /// # Errors
    /// [`FetchError`] for anything but a whole answer with status 200.
    fn fetch(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError>;
}

/// Whether an address can be asked over HTTP. Directories (LDAP) and files cannot.
fn is_usable(location: &&String) -> bool {
    let scheme = location.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// Whether any of the addresses can be asked.
pub(super) fn any_usable(locations: &[String]) -> bool {
    locations.iter().any(|location| is_usable(&location))
}

/// The requests for all certificates of a path. Those for one certificate stand together.
#[derive(Default)]
pub(super) struct Requests(Vec<StatusRequest>);

impl Requests {
    pub(super) fn list(&mut self, depth: usize, locations: &[String]) {
        self.push(depth, StatusRequest::list(locations));
    }

    pub(super) fn response(&mut self, depth: usize, locations: &[String], body: Vec<u8>) {
        let source = StatusSource::Responder;
        let request = StatusRequest {
            source,
            body: Some(body),
            max_length: RESPONSE_MAX,
            ..StatusRequest::list(locations)
        };
        self.push(depth, request);
    }

    fn push(&mut self, depth: usize, mut request: StatusRequest) {
        request.locations.retain(|location| is_usable(&location));
        request.depth = depth;
        request.is_fallback = self.0.last().is_some_and(|last| last.depth == depth);
        if !request.locations.is_empty() {
            self.0.push(request);
        }
    }

    pub(super) fn into_all(self) -> Vec<StatusRequest> {
        self.0
    }
}
