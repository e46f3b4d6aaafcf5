//! A terminal with the example in it, and the opinion of tmux on what is to be seen there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::pcscd::folder;
use crate::common::until_within;

use std::time::Duration;

/// How long a screen may take: long enough for a machine that makes the keys of software cards beside other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// The example's binary, beside the tests.
pub(crate) fn kiosk() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/kiosk");
    assert!(path.exists(), "first: cargo build --all-features --example kiosk");
    path
}

/// A terminal of 80 by 24 with one program in it, and a shell that outlives it. It ends with the value.
pub(crate) struct Screen {
    socket: PathBuf,
    folder: PathBuf,
}

impl Screen {
    /// Runs `program`, quoted as the shell has it, in a terminal of its own.
    pub(crate) fn start(name: &str, program: &str) -> Self {
        let folder = folder().join(name);
        fs::create_dir_all(&folder).unwrap();
        let screen = Self { socket: folder.join("tmux"), folder };
        let said = screen.folder.join("stderr");
        let script = format!(
            "sh -c 'echo $$ >{}; exec \"$@\"' sh {program} 2>{}; echo \"over $?\"; read forever",
            screen.folder.join("process").display(),
            said.display()
        );
        // tmux would take a file of the person's who runs the tests.
        let options = ["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", &script];
        screen.tmux(&options);
        until_within(PATIENCE, "the program has begun", || screen.id().is_some());
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-S"])
            .arg(&self.socket)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env_remove("TMUX")
            .stdin(Stdio::null())
            .output()
            .expect("tmux (Debian: tmux) is needed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn id(&self) -> Option<String> {
        let text = fs::read_to_string(self.folder.join("process")).ok()?;
        Some(text.strip_suffix('\n')?.to_owned())
    }

    /// What is to be seen, words apart by one blank.
    pub(crate) fn seen(&self) -> String {
        words(&self.tmux(&["capture-pane", "-p"]))
    }

    /// Everything that the terminal has kept: what is to be seen, what scrolled out, and the screen behind this one.
    pub(crate) fn kept(&self) -> String {
        let history = self.tmux(&["capture-pane", "-p", "-S", "-", "-E", "-"]);
        history + &self.tmux(&["capture-pane", "-p", "-a", "-q", "-S", "-", "-E", "-"])
    }

    /// Waits until something is to be seen.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        let mut seen = String::new();
        let began = std::time::Instant::now();
        while !seen.contains(text) {
            assert!(began.elapsed() < PATIENCE, "never seen: {text:?}, but {seen}\n{}", self.said());
            seen = self.seen();
        }
    }

    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.id().unwrap();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// The terminal, as programs in it have it.
    pub(crate) fn device(&self) -> fs::File {
        let path = self.tmux(&["display-message", "-p", "#{pane_tty}"]);
        fs::File::options().read(true).write(true).open(path.trim_end()).unwrap()
    }

    /// Copies whatever the program writes to the terminal from now on.
    pub(crate) fn copy_to(&self, path: &Path) {
        fs::write(path, "").unwrap();
        self.tmux(&["pipe-pane", "-O", &format!("cat >>{}", path.display())]);
    }

    pub(crate) fn copy_to_nobody(&self) {
        self.tmux(&["pipe-pane"]);
    }

    /// Types these characters, all at once.
    pub(crate) fn type_at_once(&self, text: &str) {
        // An argument could not hold them all.
        let path = self.folder.join("typed");
        fs::write(&path, text).unwrap();
        self.tmux(&["load-buffer", &path.display().to_string()]);
        self.tmux(&["paste-buffer", "-r"]);
    }

    /// How much memory the program has, in KiB.
    pub(crate) fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What the program wrote to standard error.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The server of this socket, which no one else has.
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a list that its owner alone can read.
pub(crate) fn write_list(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, path).unwrap();
}
