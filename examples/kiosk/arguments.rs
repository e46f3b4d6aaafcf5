//! The command line.

use std::path::PathBuf;

use cie::Language;
use clap::{Parser, ValueEnum};

/// A counter that waits for identity cards (CIE 3), checks them and shows who may pass: an example of the crate cie-card.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Folder with country signing certificates in csca/
    #[arg(long, value_name = "DIR", required_unless_present_any = ["italian_roots", "demo"])]
    pub(crate) trust: Option<PathBuf>,
    /// Folder with the certificates of Italy's authorities, known by their digests
    #[arg(long, value_name = "DIR", conflicts_with_all = ["trust", "allow_test_pki"])]
    pub(crate) italian_roots: Option<PathBuf>,
    /// Takes software cards, too, and says so on the screen
    #[arg(long)]
    pub(crate) allow_test_pki: bool,
    /// Who may pass: lines of twelve digits (NIS), a tab, and the words to show
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    pub(crate) may_pass: Option<PathBuf>,
    /// The only readers that count, by the beginning of their names
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) reader: Option<String>,
    /// The language that is shown until somebody presses Tab
    #[arg(long, value_enum, default_value = "it")]
    pub(crate) lang: Lang,
    /// How long a result is shown at most, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub(crate) show_for: u64,
    /// What happens is written to the end of this file, without anything personal; else to standard error, if that is
    /// no terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Demonstration without a reader: keys lay software cards on the counter
    #[arg(long, conflicts_with_all = ["trust", "italian_roots", "may_pass", "reader", "allow_test_pki"])]
    pub(crate) demo: bool,
}

/// A language, as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    It,
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::It => Self::Italian,
            Lang::En => Self::English,
        }
    }
}
