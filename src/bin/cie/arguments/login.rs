//! The words of `auth` and `auth-verify`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::trusted::Trusted;
use super::{Destination, PinEntry};

/// What a login is bound to; both are signed.
#[derive(Args)]
pub(crate) struct Challenge {
    /// Address of the portal as a browser writes it: https://host or https://host:port
    #[arg(long, value_name = "URL")]
    pub(crate) origin: String,
    /// The challenge that the portal gave, 44 to 128 characters
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) nonce: String,
}

#[derive(Args)]
pub(crate) struct Auth {
    #[command(flatten)]
    pub(crate) challenge: Challenge,
    #[command(flatten)]
    pub(crate) to: Destination,
    #[command(flatten)]
    pub(crate) pin: PinEntry,
}

#[derive(Args)]
pub(crate) struct AuthVerify {
    #[command(flatten)]
    pub(crate) challenge: Challenge,
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// Kind of card that is taken, may be repeated: cie3 (the default), cns, first-generations
    #[arg(long, value_name = "KIND", value_enum, hide_possible_values = true)]
    pub(crate) card: Vec<TakenCard>,
    /// Take keys and digests that are no longer strong, as cards of before 2012 or so have them
    #[arg(long)]
    pub(crate) legacy_cryptography: bool,
    /// A revocation list, or a folder with nothing but such lists; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) list: Vec<PathBuf>,
    /// What is asked about revocation: hard (the default) wants to know that nothing was revoked, soft lets pass what
    /// nobody could say, offline asks nobody
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub(crate) status: Option<StatusPolicy>,
    /// Fetch nothing: only the lists that are given are looked at
    #[arg(long)]
    pub(crate) no_fetch: bool,
    /// The token; - or nothing is standard input
    #[arg(value_name = "TOKEN")]
    pub(crate) token: Option<PathBuf>,
}

/// Kinds of cards, by their certificates.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TakenCard {
    Cie3,
    Cns,
    FirstGenerations,
}

/// What is asked about revocation.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum StatusPolicy {
    #[default]
    Hard,
    Soft,
    Offline,
}
