//! The words of `web-eid`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `web-eid …`
#[derive(Subcommand)]
pub(crate) enum WebEid {
    /// Answer one request of a browser's extension; started by the browser, not by hand
    Host(Host),
}

#[derive(Args)]
pub(crate) struct Host {
    /// The program that asks for the PIN: a name on PATH, or an absolute path
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) pinentry: Option<PathBuf>,
    /// What browsers say of the extension that calls. That it may, they made sure of.
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[allow(dead_code, reason = "taken, not looked at")]
    caller: Vec<OsString>,
}
