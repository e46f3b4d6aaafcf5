//! Revocation lists: from folders that somebody fills, and over HTTP; kept warm, so that nobody who logs in waits.
//!
//! Without TLS: what comes is signed and judged by that (RFC 5280 section 8), so `https` is refused, also as the
//! target of a redirection.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cie::login::RelyingParty;
use cie::trust::{Answer, Fetch, FetchError, StatusRequest};
use ureq::Agent;

/// How often it is looked whether a list has to be fetched again.
const ROUND: Duration = Duration::from_secs(180);
/// How long a connection may take to come about, and the whole of an answer.
const CONNECTING: Duration = Duration::from_secs(4);
const WHOLE: Duration = Duration::from_secs(10);
/// The most bytes of a list in a folder.
const LIST_MAX: u64 = 64 << 20;

/// Fetches over plain HTTP.
pub(crate) struct Http(Agent);

impl Http {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECTING))
            .timeout_global(Some(WHOLE))
            .max_redirects(2)
            .http_status_as_error(false)
            // What is asked tells whose certificate is looked at: no variable says whom else to tell.
            .proxy(None)
            .user_agent("comune-di-esempio")
            .build();
        Self(config.into())
    }
}

impl Fetch for Http {
    fn fetch(&self, request: &StatusRequest, location: &str) -> Result<Vec<u8>, FetchError> {
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
                let post = self.0.post(location).config().max_redirects(0).build();
                post.content_type("application/ocsp-request")
                    .header("accept", request.media_type())
                    .send(body)
            }
            None => self.0.get(location).header("accept", request.media_type()).call(),
        };
        let mut answer = outcome.map_err(|error| failed(&error))?;
        if answer.status() != 200 {
            return Err(failed(&answer.status()));
        }
        let most = u64::try_from(request.max_length).unwrap_or(u64::MAX);
        answer.body_mut().with_config().limit(most).read_to_vec().map_err(|error| failed(&error))
    }
}

/// The lists of some folders, and which of them were read.
pub(crate) struct Folders {
    folders: Vec<PathBuf>,
    read: HashMap<PathBuf, SystemTime>,
}

impl Folders {
    pub(crate) fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, read: HashMap::new() }
    }

    /// Reads the files that are new or have changed. The first that is no list is the error; the others are read.
    pub(crate) fn read(&mut self, party: &RelyingParty) -> Result<(), String> {
        let mut outcome = Ok(());
        for folder in self.folders.clone() {
            let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()));
            let entries = match entries {
                Ok(entries) => entries.flatten(),
                Err(error) => {
                    outcome = outcome.and(Err(error));
                    continue;
                }
            };
            for path in entries.map(|entry| entry.path()).filter(|path| path.is_file()) {
                let read = self.read_one(&path, party);
                outcome = outcome.and(read.map_err(|error| format!("{}: {error}", path.display())));
            }
        }
        outcome
    }

    fn read_one(&mut self, path: &Path, party: &RelyingParty) -> Result<(), Box<dyn std::error::Error>> {
        let modified = fs::metadata(path)?.modified()?;
        if self.read.get(path) == Some(&modified) {
            return Ok(());
        }
        let mut list = Vec::new();
        fs::File::open(path)?.take(LIST_MAX).read_to_end(&mut list)?;
        party.revocation().add_list(&list)?;
        self.read.insert(path.to_owned(), modified);
        Ok(())
    }
}

/// Never ends: every few minutes reads what is new in the folders, and fetches what is due.
pub(crate) async fn keep_warm(party: RelyingParty, mut folders: Folders) {
    loop {
        tokio::time::sleep(ROUND).await;
        let of = party.clone();
        let round = tokio::task::spawn_blocking(move || {
            if let Err(error) = folders.read(&of) {
                crate::log(format_args!("a list: {error}"));
            }
            fetch_due(&of);
            folders
        });
        match round.await {
            Ok(returned) => folders = returned,
            // The server is ending.
            Err(_) => return,
        }
    }
}

fn fetch_due(party: &RelyingParty) {
    let due = party.revocation().due(SystemTime::now());
    let http = Http::new();
    let fetch = |(index, request): (usize, &StatusRequest)| {
        let body = request.locations.iter().find_map(|location| http.fetch(request, location).ok());
        body.map(|body| Answer::new(index, body))
    };
    let answers: Vec<Answer> = due.iter().enumerate().filter_map(fetch).collect();
    if let Err(fault) = party.revocation().refresh(&due, &answers, SystemTime::now()) {
        crate::log(format_args!("a list that was fetched: {fault}"));
    }
}
