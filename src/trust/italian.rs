//! The authorities of Italy, known by the digests of their certificates.
//!
//! The certificates themselves are not part of this crate: whoever runs a portal gets them from the issuers (the
//! trusted list of AgID, the CSCA master lists), and this says which of what was got is what was published. A root
//! that is newer than this crate is added by its digest, by whoever has checked it: [`ItalianRoots::and`].

use std::fmt;
use std::path::{Path, PathBuf};

use hex_literal::hex;

use super::folder::{self, FolderError};
use super::{AnchorPurpose, Certificate, Error, TrustStore};

/// How deep folders in folders are looked into.
const DEPTH_MAX: usize = 4;
/// The most certificates that stand above each other.
const ROUNDS_MAX: usize = 8;

/// SHA-256 of the published roots: of citizens' certificates (the two that AgID's trusted list names, with one name
/// and two keys), and the country signing certificates that sign themselves. That of November 2011 is not among
/// them: no list and no other certificate vouches for it.
const PUBLISHED: [(AnchorPurpose, [u8; 32]); 8] = [
    (AnchorPurpose::Holder, hex!("87364fb476e74962e7c495b9bbaf727813ee007cb56a0ada6ab9868123db267e")),
    (AnchorPurpose::Holder, hex!("40f425927e8a1e6a297a15c2a9d79e2221bf4fe25b2f21e3bfad53a1ba58b0d7")),
    (AnchorPurpose::Csca, hex!("67854114c1eb9cdf204193f109a45e0c5df89ae775b9ea339670692022c9f02f")),
    (AnchorPurpose::Csca, hex!("881c9c09589c134b3dbb99635ba8487f6b19bde7b56e4918eadb9621be7112f9")),
    (AnchorPurpose::Csca, hex!("24490b589de47553733db6053865edfe14266d5d46bc3933186327a7cb7cfb8e")),
    (AnchorPurpose::Csca, hex!("1cebe30f2122b8d134b0a3018554ed0f62945056290942fce08396407b944146")),
    (AnchorPurpose::Csca, hex!("f9f2c2554b60c7c6c1f17a3696cfd46afb65618fee17a3d42ac89be3a8f8c689")),
    (AnchorPurpose::Csca, hex!("615bd40cd7bc63aeb572cf168ccb78162003b31cd98130dd71f7d2d69c83fa3a")),
];

/// Which certificates are roots, by SHA-256 of their DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItalianRoots(Vec<(AnchorPurpose, [u8; 32])>);

impl ItalianRoots {
    /// Those that were published when this crate was made.
    #[must_use]
    pub fn published() -> Self {
        Self(PUBLISHED.to_vec())
    }

    /// And one more, that whoever says so has checked against its issuer's publication: a new root needs no new
    /// release of this crate.
    #[must_use]
    pub fn and(mut self, purpose: AnchorPurpose, sha256: [u8; 32]) -> Self {
        self.0.push((purpose, sha256));
        self
    }

    /// Without one that is no longer to be trusted.
    #[must_use]
    pub fn without(mut self, sha256: &[u8; 32]) -> Self {
        self.0.retain(|(_, known)| known != sha256);
        self
    }

    fn purpose(&self, sha256: &[u8; 32]) -> Option<AnchorPurpose> {
        self.0.iter().find(|(_, known)| known == sha256).map(|(purpose, _)| *purpose)
    }
}

/// What a certificate of a folder was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundAs {
    /// A root that was published: an anchor.
    Root(AnchorPurpose),
    /// An authority that a root signed, or another authority below one: it may stand between.
    Below(AnchorPurpose),
    /// The same certificate lies in another file, too.
    Again,
    /// An authority that nothing here vouches for: not trusted.
    Unknown,
    /// Not used: not a certificate, not an authority's, or a test's.
    Unusable(Error),
}

/// A certificate of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The file that it lies in.
    pub path: PathBuf,
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
    /// Its subject's common name, if it is an authority's and has one.
    pub common_name: Option<String>,
    /// What it was found to be.
    pub found_as: FoundAs,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.common_name.as_deref().unwrap_or("(no common name)");
        let digest: String = hex::encode(self.sha256).chars().take(16).collect();
        let what = match &self.found_as {
            FoundAs::Root(purpose) => format!("root, {purpose:?}"),
            FoundAs::Below(purpose) => format!("issuer below a root, {purpose:?}"),
            FoundAs::Again => "the same again".to_owned(),
            FoundAs::Unknown => "unknown, not trusted".to_owned(),
            FoundAs::Unusable(error) => format!("not used: {error}"),
        };
        write!(f, "{}: {name}, SHA-256 {digest}…: {what}", self.path.display())
    }
}

/// What was found in a folder, file by file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Every certificate.
    pub certificates: Vec<Found>,
    /// Files that no certificate was looked for in, going by their names.
    pub passed_over: Vec<PathBuf>,
}

impl Report {
    /// How many roots became anchors for a purpose.
    #[must_use]
    pub fn roots(&self, purpose: AnchorPurpose) -> usize {
        self.certificates.iter().filter(|found| found.found_as == FoundAs::Root(purpose)).count()
    }
}

/// A certificate whose place is not known yet.
struct Candidate {
    certificate: Certificate,
    /// Its line in the report.
    line: usize,
}

impl TrustStore {
    /// A store with the Italian roots that lie in a folder, in whatever order and files, and the authorities below
    /// them; and what each file was found to be. Nothing else becomes an anchor.
    ///
    /// # Errors
    /// [`FolderError`], [`FolderError::NoneKnown`] or [`FolderError::Empty`] without a single root.
    pub fn load_italian(folder: impl AsRef<Path>) -> Result<(Self, Report), FolderError> {
        Self::load_italian_with(folder, &ItalianRoots::published())
    }

    /// The same with other roots, or without some.
    ///
    /// # Errors
    /// As [`TrustStore::load_italian`].
    pub fn load_italian_with(
        folder: impl AsRef<Path>,
        roots: &ItalianRoots,
    ) -> Result<(Self, Report), FolderError> {
        let folder = folder.as_ref();
        let mut files = Vec::new();
        collect(folder, DEPTH_MAX, &mut files)?;
        let (mut store, mut report) = (Self::new(), Report::default());
        let (mut known, mut candidates) = (Vec::new(), Vec::new());
        for path in files {
            if !folder::has_known_ending(&path) {
                report.passed_over.push(path);
                continue;
            }
            let mut certificates = folder::certificates(&folder::read(&path)?);
            if certificates.is_empty() {
                // A line for it in the report.
                certificates.push(Vec::new());
            }
            for der in certificates {
                let line = report.certificates.len();
                let (found, certificate) = classify(path.clone(), &der, roots, &report);
                if let Some(certificate) = certificate {
                    match found.found_as {
                        FoundAs::Root(purpose) => known.push((purpose, certificate)),
                        _ => candidates.push(Candidate { certificate, line }),
                    }
                }
                report.certificates.push(found);
            }
        }
        let mut add = |line: Option<usize>, outcome: Result<(), Error>, as_what: FoundAs| {
            if let Some(found) = line.and_then(|line| report.certificates.get_mut(line)) {
                found.found_as = outcome.map_or_else(FoundAs::Unusable, |()| as_what);
            }
        };
        for (purpose, root) in &known {
            let outcome = store.add_anchor(*purpose, root.as_der());
            let error = |error| FolderError::Certificate { path: folder.to_owned(), error };
            outcome.map_err(error)?;
        }
        for _ in 0..ROUNDS_MAX {
            let vouched = |candidate: &Candidate| {
                let issuer = known.iter().find(|(_, issuer)| signed(&candidate.certificate, issuer));
                issuer.map(|(purpose, _)| *purpose)
            };
            let (below, rest): (Vec<_>, Vec<_>) = candidates
                .into_iter()
                .map(|candidate| (vouched(&candidate), candidate))
                .partition(|(of, _)| of.is_some());
            candidates = rest.into_iter().map(|(_, candidate)| candidate).collect();
            if below.is_empty() {
                break;
            }
            for (purpose, Candidate { certificate, line }) in below {
                let Some(purpose) = purpose else { continue };
                add(Some(line), store.add_intermediate(certificate.as_der()), FoundAs::Below(purpose));
                known.push((purpose, certificate));
            }
        }
        let is_one = |found: &&Found| !matches!(found.found_as, FoundAs::Unusable(Error::Malformed(_)));
        match (known.is_empty(), report.certificates.iter().filter(is_one).count()) {
            (false, _) => Ok((store, report)),
            (true, 0) => Err(FolderError::Empty(folder.to_owned())),
            (true, certificates) => Err(FolderError::NoneKnown { path: folder.to_owned(), certificates }),
        }
    }
}

/// What can be said of a certificate by itself.
fn classify(
    path: PathBuf,
    der: &[u8],
    roots: &ItalianRoots,
    so_far: &Report,
) -> (Found, Option<Certificate>) {
    let sha256 = crate::crypto::sha256(&[der]);
    let found = |common_name, found_as| Found { path, sha256, common_name, found_as };
    let certificate = match Certificate::from_der(der) {
        Ok(certificate) => certificate,
        Err(error) => return (found(None, FoundAs::Unusable(error)), None),
    };
    // The common name of a citizen's is the fiscal code: a report may be logged.
    let name = certificate.subject().common_name.clone().filter(|_| certificate.is_authority());
    if so_far.certificates.iter().any(|other| other.sha256 == sha256) {
        return (found(name, FoundAs::Again), None);
    }
    if certificate.is_test() {
        return (found(name, FoundAs::Unusable(Error::TestCertificate)), None);
    }
    if !certificate.is_authority() {
        return (found(name, FoundAs::Unusable(Error::WrongPurpose("not an authority"))), None);
    }
    let found_as = roots.purpose(&sha256).map_or(FoundAs::Unknown, FoundAs::Root);
    (found(name, found_as), Some(certificate))
}

/// Whether an authority signed a certificate.
fn signed(certificate: &Certificate, issuer: &Certificate) -> bool {
    let signature = || issuer.public_key().and_then(|key| certificate.check_signature(&key));
    issuer.allows_certificate_signing() != Some(false)
        && certificate.names_as_issuer(issuer)
        && signature().is_ok()
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), FolderError> {
    for entry in folder::entries(folder)? {
        // A link to a folder above would lead around for ever.
        if entry.is_dir() && !entry.is_symlink() {
            if depth > 0 {
                collect(&entry, depth - 1, files)?;
            }
        } else {
            files.push(entry);
        }
    }
    Ok(())
}
