//! A private pcscd with the virtual reader: each test is run again in a process of its own, in a network
//! and mount namespace of its own, because the virtual reader listens on every interface and pcscd writes
//! its process number into a fixed file.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first reader of [`Pcscd::start`], and the port on which its card connects.
pub const READER: &str = "Virtual PCD 00 00";
pub const PORT: u16 = 35_963;
/// The second one; its port is the next.
pub const SECOND_READER: &str = "Virtual PCD 00 01";

/// Where the isolated process finds its folder.
const FOLDER: &str = "CIE_TEST_PCSC_FOLDER";
/// Ends a process that hangs, in seconds.
const PATIENCE: u64 = 120;

/// This program once more, enclosed: where it finds `folder`, and ends after [`PATIENCE`].
pub fn enclosed(folder: &Path) -> Command {
    enclosed_within(folder, PATIENCE)
}

/// The same, and ends after so many seconds.
pub fn enclosed_within(folder: &Path, patience: u64) -> Command {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = Command::new("unshare");
    command
        .args(if root { &["--net", "--mount"][..] } else { &["--map-root-user", "--net", "--mount"] })
        .args(["sh", "-c", "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$@\"", "sh"])
        .args(["timeout", &patience.to_string()])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder)
        .env("PCSCLITE_CSOCK_NAME", folder.join("socket"))
        .stdin(Stdio::null());
    command
}

/// Whether this process is the enclosed one.
pub fn is_enclosed() -> bool {
    std::env::var_os(FOLDER).is_some()
}

/// Runs `body` in a process of its own; `test` is the name under which the test harness knows it.
pub fn isolated(test: &str, body: fn()) {
    if is_enclosed() {
        return body();
    }
    let (_, test) = test.split_once("::").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = enclosed(folder.path())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .output()
        .expect("unshare (Debian: util-linux) is needed");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "in its own process:\n{text}");
    // The test harness leaves the cursor behind the test's name.
    for line in text.lines().filter_map(|line| line.split_once("measured: ")) {
        super::say(line.1);
    }
}

/// The folder of this isolated process.
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("only within isolated()").into()
}

/// A test that runs isolated.
#[macro_export]
macro_rules! isolated_tests {
    ($($(#[$attribute:meta])* fn $name:ident() $body:block)*) => {
        $($(#[$attribute])* #[test] fn $name() {
            fn body() $body
            $crate::common::pcscd::isolated(concat!(module_path!(), "::", stringify!($name)), body);
        })*
    };
}

/// A running pcscd; ended by its process number when dropped.
pub struct Pcscd(Child);

impl Pcscd {
    /// Starts the service with one virtual reader of two slots, and waits until a card can be laid on.
    pub fn start() -> Self {
        Self::start_with("-e", Stdio::null())
    }

    /// The same, and the service writes down every command and answer.
    pub fn start_logging(log: &Path) -> Self {
        Self::start_with("-d -a", fs::File::create(log).unwrap().into())
    }

    fn start_with(options: &str, log: Stdio) -> Self {
        configure("vpcd", "Virtual PCD", PORT);
        let pcscd = Self::launch(options, log);
        until("the reader listens", || listens(PORT));
        pcscd
    }

    /// Starts the service with whatever was configured, perhaps nothing.
    pub fn start_as_configured() -> Self {
        Self::launch("-e", Stdio::null())
    }

    fn launch(options: &str, log: Stdio) -> Self {
        let socket = folder().join("socket");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        // As systemd hands over a socket: file descriptor 3 and two variables. `exec` keeps the process
        // number.
        let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec pcscd -f $1 -c \"$0\"";
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(folder().join("readers"))
            .arg(options)
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)))
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The service does nothing any more, until [`Pcscd::resume`].
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// The service goes on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Ends the service as an administrator does.
    pub fn stop(mut self) {
        self.signal("TERM");
        self.0.wait().unwrap();
    }

    /// Ends the service as a crash does.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a virtual reader waits for a card on this port.
pub fn listens(port: u16) -> bool {
    // Local address, no remote one, state "listening".
    let listens = format!(":{port:04X} 00000000:0000 0A ");
    fs::read_to_string("/proc/net/tcp").unwrap().contains(&listens)
}

/// Configures a virtual reader with two slots, on `port` and the next.
pub fn configure(file: &str, name: &str, port: u16) {
    let readers = folder().join("readers");
    fs::create_dir_all(&readers).unwrap();
    let installed = Path::new("/usr/lib/pcsc/drivers/serial/libifdvpcd.so");
    assert!(installed.exists(), "vsmartcard-vpcd (Debian) is needed");
    // The driver keeps its slots in the library's own memory: two readers need two libraries.
    let driver = folder().join(format!("{file}.so"));
    fs::copy(installed, &driver).unwrap();
    let text = format!(
        "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {}\nCHANNELID 0x{port:04X}\n",
        driver.display()
    );
    fs::write(readers.join(file), text).unwrap();
}

/// Waits until something holds, up to five seconds.
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    super::until_within(Duration::from_secs(5), what, holds);
}
