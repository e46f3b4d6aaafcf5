//! A person's home folder: which authorities their browser knows, and the native host installed for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::pinentry::Pinentry;
use crate::process::succeeds;

/// What `key` in the extension's manifest makes of it.
const EXTENSION: &str = "cgjlhifmmijjnmlbbcamgncahcmbbljo";

/// A home folder below the test's.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(folder: &Path) -> Self {
        let home = Self(folder.to_owned());
        // Where Chromium looks for native hosts if this is where it keeps everything else.
        fs::create_dir_all(home.profile()).unwrap();
        home
    }

    /// The profile that the browser uses unless told otherwise.
    pub(crate) fn profile(&self) -> PathBuf {
        self.0.join(".config/chromium")
    }

    /// A program that is run by this person, who reads English.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).env("HOME", &self.0).env("LANG", "C.UTF-8");
        for other in [
            "LC_ALL",
            "LC_MESSAGES",
            "LANGUAGE",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
        ] {
            command.env_remove(other);
        }
        command
    }

    /// Has the browser trust the servers of an authority; before it starts.
    pub(crate) fn trust(&self, name: &str, authority: &Path) {
        let store = self.0.join(".pki/nssdb");
        let is_new = !store.exists();
        fs::create_dir_all(&store).unwrap();
        let store = format!("sql:{}", store.display());
        if is_new {
            succeeds(self.command("certutil").args(["-N", "-d", &store, "--empty-password"]));
        }
        let add = ["-A", "-d", &store, "-n", name, "-t", "C,,", "-i"];
        succeeds(self.command("certutil").args(add).arg(authority));
    }

    /// Installs the native host, as its own command does it.
    pub(crate) fn install(&self, pinentry: &Pinentry) {
        let words = ["web-eid", "install", "--extension", EXTENSION, "--pinentry"];
        succeeds(self.command(env!("CARGO_BIN_EXE_cie")).args(words).arg(pinentry.program()));
    }
}
