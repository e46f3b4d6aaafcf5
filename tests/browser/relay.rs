//! Another site, with a certificate of its own, that relays everything to the portal: `relay.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::portal::Portal;
use crate::process::{Process, succeeds};

/// A running relay.
pub(crate) struct Relay {
    pub(crate) origin: String,
    _process: Process,
}

impl Relay {
    /// Makes a certificate for the address 127.0.0.1 and an authority for it, in this folder.
    pub(crate) fn certify(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("names"), "subjectAltName = IP:127.0.0.1\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for words in [
            format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Another_authority"),
            format!("req {key} -keyout site.key -out site.csr -subj /CN=Another_site"),
            "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out site.pem".into(),
        ] {
            succeeds(Command::new("openssl").current_dir(folder).args(words.split(' ')));
        }
    }

    /// Its authority.
    pub(crate) fn authority(folder: &Path) -> PathBuf {
        folder.join("ca.pem")
    }

    /// Starts it with what was made in `folder`, in front of a portal that keeps its own in `demo`.
    pub(crate) fn start(folder: &Path, portal: &Portal, demo: &Path) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/relay.py");
        let mut command = Command::new("python3");
        command.arg(program).arg(&portal.origin).arg(Portal::authority(demo));
        command.args(["site.pem", "site.key"].map(|name| folder.join(name)));
        let (process, origin) = Process::start(&mut command, crate::portal::listening);
        Self { origin, _process: process }
    }
}
