//! The words that say whom to trust.

use std::path::PathBuf;

use clap::Args;

/// Whom to trust, software cards or not.
#[derive(Args)]
pub(crate) struct Trusted {
    #[command(flatten)]
    pub(crate) roots: Roots,
    /// Take software cards too; with them anybody can say that they are anybody
    #[arg(long, conflicts_with = "italian_roots")]
    pub(crate) allow_test_pki: bool,
}

/// Whom to trust: one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Roots {
    /// Folder with the trusted certificates, by what they are trusted for: holder, cns, first-generations, csca,
    /// responder
    #[arg(long, value_name = "DIR")]
    pub(crate) trust: Option<PathBuf>,
    /// Folder with certificates of Italy in any order; only the roots that this program knows are trusted
    #[arg(long, value_name = "DIR")]
    pub(crate) italian_roots: Option<PathBuf>,
}
