//! The words of `web-eid`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The name of this program's host. No other program's extension calls it.
pub(crate) const OWN_HOST: &str = "it.cie_card.web_eid";

/// `web-eid …`
#[derive(Subcommand)]
pub(crate) enum WebEid {
    /// Let the browsers of this account find this program (Firefox, Chrome, Chromium, Edge), or no longer
    Install(Install),
    /// Answer one request of a browser's extension; the browser starts it, not a person
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

#[derive(Args)]
pub(crate) struct Install {
    /// The name by which extensions call [it.cie_card.web_eid]; the published Web eID extension calls eu.webeid
    #[arg(long = "as", value_name = "NAME", value_parser = host_name)]
    host_name: Option<String>,
    /// A further extension that may call, may be repeated: the 32 letters of Chrome, Chromium and Edge, or name@example
    /// or {uuid} of Firefox
    #[arg(long, value_name = "ID", value_parser = extension)]
    pub(crate) extension: Vec<Extension>,
    /// The program that asks for the PIN: a name on PATH, or an absolute path
    #[arg(long, value_name = "PROGRAM", value_parser = program)]
    pub(crate) pinentry: Option<String>,
    /// Take away what was registered under the name
    #[arg(long, conflicts_with_all = ["extension", "pinentry"])]
    pub(crate) remove: bool,
}

impl Install {
    /// The name of the host.
    pub(crate) fn name(&self) -> &str {
        self.host_name.as_deref().unwrap_or(OWN_HOST)
    }
}

/// An extension, by what its browser calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extension {
    /// Of Chrome, Chromium and Edge.
    Chromium(String),
    Firefox(String),
}

/// What browsers take as the name of a host; it becomes the name of a file, too.
fn host_name(text: &str) -> Result<String, String> {
    let known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    let part = |part: &str| !part.is_empty() && part.chars().all(known);
    let taken = text.len() <= 128 && text.split('.').all(part);
    if taken { Ok(text.to_owned()) } else { Err("a-z 0-9 _ .".to_owned()) }
}

fn extension(text: &str) -> Result<Extension, String> {
    if text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'a'..=b'p')) {
        return Ok(Extension::Chromium(text.to_owned()));
    }
    if is_uuid(text) || is_address(text) {
        return Ok(Extension::Firefox(text.to_owned()));
    }
    Err("32 × a-p; …@…; {uuid}".to_owned())
}

/// `{12345678-1234-1234-1234-123456789abc}`
fn is_uuid(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return false };
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = inner.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| hex(part))
}

/// What looks like an electronic mail address, as Firefox has it; there may be nothing before the sign.
fn is_address(text: &str) -> bool {
    let word = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    text.split_once('@')
        .is_some_and(|(before, after)| word(before) && word(after) && !after.is_empty() && text.len() <= 80)
}

/// A relative path would mean something else for the browser.
fn program(text: &str) -> Result<String, String> {
    let name = !text.is_empty() && !text.contains('/') && !text.starts_with('-');
    let taken = name || std::path::Path::new(text).is_absolute();
    if taken { Ok(text.to_owned()) } else { Err("pinentry; /…/pinentry".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_those_that_browsers_take() {
        for name in [OWN_HOST, "eu.webeid", "a", "a_1.b"] {
            assert_eq!(host_name(name).as_deref(), Ok(name));
        }
        let long = "a".repeat(129);
        for name in ["", ".", ".a", "a.", "a..b", "A", "a-b", "a/b", "../a", "a b", "à", "a\n", &long] {
            assert!(host_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn extensions_are_told_apart_by_their_ids() {
        let chromium = "ncibgoaomkmdpilpocfeponihegamlic";
        assert_eq!(extension(chromium), Ok(Extension::Chromium(chromium.to_owned())));
        for id in ["a@b", "@b.example", "cie-card@example.it", "{e68418bc-f2b0-4459-a9ea-3e72b6751b07}"] {
            assert_eq!(extension(id), Ok(Extension::Firefox(id.to_owned())));
        }
        for id in [
            "",
            "ncibgoaomkmdpilpocfeponihegamli",
            "ncibgoaomkmdpilpocfeponihegamliq",
            "NCIBGOAOMKMDPILPOCFEPONIHEGAMLIC",
            "a@",
            "a@b@c",
            "a b@c",
            "*@*",
            "{}",
            "{e68418bc-f2b0-4459-a9ea-3e72b6751b0}",
            "{e68418bcf2b04459a9ea3e72b6751b07}",
            "e68418bc-f2b0-4459-a9ea-3e72b6751b07",
            "*",
            "chrome-extension://ncibgoaomkmdpilpocfeponihegamlic/",
        ] {
            assert!(extension(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_program_is_a_name_or_an_absolute_path() {
        for name in ["pinentry", "/usr/bin/pinentry", "/opt/il mio/pinentry"] {
            assert_eq!(program(name).as_deref(), Ok(name));
        }
        for name in ["", "./pinentry", "bin/pinentry", "-x"] {
            assert!(program(name).is_err(), "{name}");
        }
    }
}
