//! Whom to trust, from a folder that says so or from Italy's certificates.

use std::path::Path;

use cie::trust::{AnchorPurpose, FoundAs, Report, TrustStore};

use crate::arguments::trusted::Trusted;
use crate::failure::Failure;
use crate::language;
use crate::output::Output;

/// The words of the command line have one of the two folders.
pub(super) fn store(trusted: &Trusted, output: Output) -> Result<TrustStore, Failure> {
    if let Some(folder) = &trusted.roots.italian_roots {
        let (trust, report) = TrustStore::load_italian(folder)?;
        tell_roots(&report, output);
        return Ok(trust);
    }
    let empty = TrustStore::new();
    let empty = if trusted.allow_test_pki { empty.allow_test_pki() } else { empty };
    Ok(empty.load(trusted.roots.trust.as_deref().unwrap_or(Path::new("")))?)
}

/// What was found in a folder whose certificates are trusted by what is known of them, not by where they lie.
fn tell_roots(report: &Report, output: Output) {
    let language = output.language;
    let (holder, csca) = (report.roots(AnchorPurpose::Holder), report.roots(AnchorPurpose::Csca));
    output.note(&language::ROOTS_FOUND.with(language, &[&holder, &csca]));
    for found in &report.certificates {
        let path = found.path.display();
        match &found.found_as {
            FoundAs::Unknown => output.note(&language::ROOT_UNKNOWN.with(language, &[&path])),
            FoundAs::Unusable(error) => {
                output.note(&language::ROOT_UNUSABLE.with(language, &[&path, error]));
            }
            _ => {}
        }
    }
    for path in &report.passed_over {
        output.note(&language::ROOT_PASSED_OVER.with(language, &[&path.display()]));
    }
}
