//! The example as a process, and the programs that look at it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use cie::emulator::folder::{self, FolderOptions};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// What a browser says of a request by a page of the portal.
pub(crate) const OURS: [&str; 2] = ["-H", "Sec-Fetch-Site: same-origin"];

/// The example's binary, beside the tests.
pub(crate) fn portal() -> Command {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/portal");
    assert!(path.exists(), "first: cargo build --all-features --example portal");
    Command::new(path)
}

/// A folder with a software card, made once.
fn card_folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        folder::create(
            folder.path(),
            &FolderOptions { seed: Some(1), ..FolderOptions::new(SystemTime::now()) },
        )
        .unwrap();
        folder
    });
    folder.path()
}

/// A card of one's own.
pub(crate) fn card_copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(card_folder(), folder.path());
    folder
}

/// What a portal says that does not begin: one line, and a status that says that it is to blame.
pub(crate) fn does_not_begin(portal: &mut Command) -> String {
    let output = portal.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && output.stdout.is_empty(), "{said}");
    assert!(said.starts_with("portal: ") && said.matches('\n').count() == 1, "{said}");
    said
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

/// A portal with a software card, on a port of its own. It ends with the value.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with(options, |_| ())
    }

    /// The same with something changed in its folder before.
    pub(crate) fn start_with(options: &[&str], change: impl FnOnce(&Path)) -> Self {
        let folder = card_copy();
        change(folder.path());
        let mut portal = portal();
        portal.arg("--demo").arg(folder.path()).args(options);
        Self::spawn(portal, folder)
    }

    /// Starts a portal, whose folder has the authority of its TLS certificate below `tls`.
    pub(crate) fn spawn(mut portal: Command, folder: tempfile::TempDir) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut child =
            portal.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.strip_prefix("listening on https://localhost:").expect(&line);
        let port = port.trim_end().parse().unwrap();
        Self { child, port, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.origin() + path
    }

    /// What curl gets, which trusts the demonstration's authority and nobody else.
    pub(crate) fn curl(&self, arguments: &[&str]) -> Answer {
        self.try_curl(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same where the server may hang up.
    pub(crate) fn try_curl(&self, arguments: &[&str]) -> Result<Answer, String> {
        let output = Command::new("curl")
            .args([
                "--disable",
                "--silent",
                "--show-error",
                "--include",
                "--noproxy",
                "*",
                "--max-time",
                "40",
            ])
            // A long body is sent at once, whatever the server thinks of it.
            .args(["-H", "Expect:", "--cacert"])
            .arg(self.folder().join("tls/ca.pem"))
            .args(arguments)
            .output()
            .expect("curl");
        let text = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned() + &text);
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.curl(&[&self.url(path)])
    }

    pub(crate) fn get_as(&self, cookie: &str, path: &str) -> Answer {
        self.curl(&["--cookie", cookie, &self.url(path)])
    }

    pub(crate) fn post(&self, path: &str, cookie: &str, arguments: &[&str]) -> Answer {
        let url = self.url(path);
        self.curl(&[&["-X", "POST", "--cookie", cookie][..], arguments, &[&url]].concat())
    }

    /// Ends it as a service manager does, and gives its log.
    pub(crate) fn end(mut self) -> String {
        assert!(self.stop(), "it ends in good order when it is asked to");
        let mut log = String::new();
        fs::File::open(self.log()).unwrap().read_to_string(&mut log).unwrap();
        log
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    fn stop(&mut self) -> bool {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        // The child was not waited for yet, so the number is still its own.
        if let Ok(Some(status)) = self.child.try_wait() {
            return status.success();
        }
        kill_process(id, Signal::TERM).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stop() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The cookie that was set, as it is sent back.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.header("set-cookie")?.split(';').next().map(str::to_owned)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.body))
    }
}

/// HTML Tidy finds nothing to say about a page.
pub(crate) fn tidy(page: &str) {
    let mut tidy = Command::new("tidy")
        .args(["-quiet", "-errors", "-utf8"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tidy");
    tidy.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = tidy.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{page}", String::from_utf8_lossy(&output.stderr));
}
