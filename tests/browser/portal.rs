//! The portal of the examples, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;

/// A running portal that trusts one software card's authorities.
pub(crate) struct Portal {
    /// Its origin, such as `https://localhost:40001`.
    pub(crate) origin: String,
    _process: Process,
}

impl Portal {
    /// Starts it with the folder of a software card, in which it also keeps its TLS certificate.
    pub(crate) fn start(folder: &Path, options: &[&str]) -> Self {
        // Beside the folder with this test.
        let built = std::env::current_exe().unwrap();
        let portal = built.parent().unwrap().with_file_name("examples").join("portal");
        assert!(portal.exists(), "run `cargo build --all-features --example portal` first");
        let mut command = Command::new(portal);
        command.arg("--demo").arg(folder).args(["--listen", "127.0.0.1:0"]).args(options);
        let (process, origin) = Process::start(&mut command, listening);
        Self { origin, _process: process }
    }

    /// The authority of its TLS certificate.
    pub(crate) fn authority(folder: &Path) -> PathBuf {
        folder.join("tls/ca.pem")
    }
}

/// Where a server says that it listens.
pub(crate) fn listening(line: &str) -> Option<String> {
    line.strip_prefix("listening on ").map(|origin| origin.trim_end_matches('/').to_owned())
}
