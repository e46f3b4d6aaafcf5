//! Trust in a folder: what lies in it says what it is trusted for.
//!
//! | folder | what lies in it |
//! |---|---|
//! | `holder` | anchors of citizens' certificates in a CIE 3 |
//! | `cns` | anchors of those in a CNS or health card |
//! | `first-generations` | anchors of those in the first identity cards |
//! | `csca` | country signing certificates |
//! | `responder` | OCSP responders that answer for any issuer, or their authorities |
//! | `…/intermediate` | certificates that may stand between |
//!
//! Certificates are PEM files (`.pem`, `.crt`), with any number in each, or DER files (`.der`, `.cer`, `.crt`).

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use x509_parser::pem::Pem;

use super::{AnchorPurpose, Error, TrustStore};

/// The longest file that is read, in bytes, and the most files.
const FILE_MAX: u64 = 4 << 20;
const FILES_MAX: usize = 4096;
/// The folder below each purpose's.
const INTERMEDIATE: &str = "intermediate";
const ENDINGS: [&str; 4] = ["pem", "crt", "cer", "der"];

/// The folders, and what an anchor in each is trusted for.
const FOLDERS: [(&str, AnchorPurpose); 5] = [
    ("holder", AnchorPurpose::Holder),
    ("cns", AnchorPurpose::Cns),
    ("first-generations", AnchorPurpose::FirstGenerations),
    ("csca", AnchorPurpose::Csca),
    ("responder", AnchorPurpose::Responder),
];

/// Why a folder was not taken. Nothing of it is then trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Something cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something lies where it says nothing about what it is trusted for, or is no file of certificates.
    #[error("{path}: it does not belong there", path = .0.display())]
    Misplaced(PathBuf),
    /// A certificate is not good for its place.
    #[error("{path}: {error}", path = path.display())]
    Certificate {
        /// In which file.
        path: PathBuf,
        /// Why.
        error: Error,
    },
    /// No certificate at all.
    #[error("{path}: no anchor lies in it", path = .0.display())]
    Empty(PathBuf),
    /// Certificates, and none of them a root that is looked for.
    #[error(
        "{path}: none of its {certificates} certificates is one of Italy's that this version knows",
        path = path.display()
    )]
    NoneKnown {
        /// Where.
        path: PathBuf,
        /// How many there are.
        certificates: usize,
    },
}

impl FolderError {
    fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }
}

impl TrustStore {
    /// The store with everything in a folder added. A file elsewhere than in the folders above, or one that is no
    /// certificate, refuses the whole: whoever put it there meant something by it.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn load(mut self, folder: impl AsRef<Path>) -> Result<Self, FolderError> {
        let folder = folder.as_ref();
        let mut anchors = 0;
        for entry in entries(folder)? {
            let known =
                FOLDERS.iter().find(|(name, _)| entry.file_name().is_some_and(|found| found == *name));
            let (_, purpose) =
                known.filter(|_| entry.is_dir()).ok_or(FolderError::Misplaced(entry.clone()))?;
            anchors += self.load_purpose(&entry, *purpose)?;
        }
        if anchors == 0 { Err(FolderError::Empty(folder.to_owned())) } else { Ok(self) }
    }

    fn load_purpose(&mut self, folder: &Path, purpose: AnchorPurpose) -> Result<usize, FolderError> {
        let mut anchors = 0;
        for entry in entries(folder)? {
            if entry.is_dir() && entry.file_name().is_some_and(|name| name == INTERMEDIATE) {
                for file in entries(&entry)? {
                    self.add_all(&file, |store, der| store.add_intermediate(der))?;
                }
            } else {
                anchors += self.add_all(&entry, |store, der| store.add_anchor(purpose, der))?;
            }
        }
        Ok(anchors)
    }

    fn add_all(
        &mut self,
        path: &Path,
        add: impl Fn(&mut Self, &[u8]) -> Result<(), Error>,
    ) -> Result<usize, FolderError> {
        if path.is_dir() || !has_known_ending(path) {
            return Err(FolderError::Misplaced(path.to_owned()));
        }
        let error = |error| FolderError::Certificate { path: path.to_owned(), error };
        let certificates = certificates(&read(path)?);
        if certificates.is_empty() {
            return Err(error(Error::Malformed("no certificate in it")));
        }
        certificates.iter().try_for_each(|der| add(self, der)).map_err(error)?;
        Ok(certificates.len())
    }
}

/// What lies in a folder, by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let error = |error: std::io::Error| FolderError::unreadable(folder, &error);
    let entries = fs::read_dir(folder).map_err(error)?.take(FILES_MAX + 1);
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    if paths.len() > FILES_MAX {
        let reason = "too many files".to_owned();
        return Err(FolderError::Unreadable { path: folder.to_owned(), reason });
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file's name says that it holds certificates.
pub(super) fn has_known_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&&*ending))
}

/// A whole file, up to a length.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    // Before it is opened: to open a pipe is to wait for somebody to write into it.
    let is_file = fs::metadata(path).map_err(|error| FolderError::unreadable(path, &error))?.is_file();
    if !is_file {
        return Err(FolderError::Unreadable { path: path.to_owned(), reason: "not a file".to_owned() });
    }
    let mut content = Vec::new();
    let file = fs::File::open(path).and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut content));
    file.map_err(|error| FolderError::unreadable(path, &error))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > FILE_MAX) {
        return Err(FolderError::Unreadable { path: path.to_owned(), reason: "too long".to_owned() });
    }
    Ok(content)
}

/// The DER of one certificate that is given as DER or as PEM, for callers who do not know which they have.
///
/// # Errors
/// [`Error::Malformed`] unless there is one, and one only: of several nobody can say which was meant.
#[cfg(feature = "c-api")]
pub(crate) fn one_certificate(content: &[u8]) -> Result<Vec<u8>, Error> {
    match certificates(content).as_slice() {
        [der] => Ok(der.clone()),
        [] => Err(Error::Malformed("no certificate in it")),
        _ => Err(Error::Malformed("more than one certificate in it")),
    }
}

/// The certificates (DER) in a file: all of a PEM file, or the one that it is. What does not look like either is
/// handed out as it is, for the reader of certificates to refuse.
pub(super) fn certificates(content: &[u8]) -> Vec<Vec<u8>> {
    // Some editors put a mark before text.
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    if content.first() == Some(&0x30) {
        return vec![content.to_vec()];
    }
    let blocks = Pem::iter_from_buffer(content).map(|block| match block {
        Ok(block) if block.label == "CERTIFICATE" => block.contents,
        // Something else, or something broken, must not be passed over.
        _ => Vec::new(),
    });
    blocks.take(FILES_MAX).collect()
}
