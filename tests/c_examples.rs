//! The examples in C as somebody builds and runs them who has the C library installed: CMake finds it, C and C++ take
//! its header, and valgrind (Debian: cmake, valgrind) watches every run: no error, and nothing that is lost.
#![cfg(all(feature = "system-tests", feature = "c-api"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "c_examples/citizen.rs"]
mod citizen;
mod common;
#[path = "c_examples/compilers.rs"]
mod compilers;
#[path = "c_examples/kiosk.rs"]
mod kiosk;
#[path = "pcsc/raw_card.rs"]
#[allow(dead_code)]
mod raw_card;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

use cie::emulator::contact::Model;
use cie::emulator::folder::{self, FolderOptions};
use tempfile::TempDir;

use crate::common::c_library::c_library;

/// Valgrind's exit status if it found anything; no example has it.
const FOUND: i32 = 99;
/// Where a process of its own (`common::pcscd`) finds the examples, which it cannot build.
const BUILT: &str = "CIE_TEST_C_EXAMPLES";

/// The folder with the examples, built once by CMake.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os(BUILT) {
            return folder.into();
        }
        let library = c_library();
        let build = library.prefix.join("examples");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/c");
        let mut configure = Command::new("cmake");
        configure.arg("-S").arg(source).arg("-B").arg(&build);
        configure.args(["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-Werror"]);
        done(configure.env("PKG_CONFIG_PATH", library.prefix.join("lib/pkgconfig")));
        done(Command::new("cmake").arg("--build").arg(&build));
        build
    })
}

/// Runs a command that has to succeed, and gives what it wrote to standard output.
#[track_caller]
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    String::from_utf8(output.stdout).unwrap()
}

/// Valgrind, which has yet to be told what to watch.
fn watched() -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full"]).arg(format!("--error-exitcode={FOUND}"));
    // What statics keep until the end is not lost; memcheck calls a hash table "possibly" so, as it is known by its middle.
    command.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    command
}

/// An example by itself: for runs that differ from a watched one in what they are given and not in the way they go, as
/// valgrind takes seconds for each.
fn plain(name: &str) -> Command {
    Command::new(built().join(name))
}

/// An example, watched.
fn example(name: &str) -> Command {
    let mut command = watched();
    command.arg(built().join(name));
    command
}

/// What a run that is over wrote and returned; if valgrind watched it, it found nothing.
struct Ran {
    out: String,
    log: String,
    status: Option<i32>,
}

impl From<Output> for Ran {
    #[track_caller]
    fn from(output: Output) -> Self {
        let (out, log) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let status = output.status.code();
        // Its lines begin with two equals signs and the number of the process.
        assert!(status != Some(FOUND) && !log.contains("=="), "valgrind: {log}");
        Self { out, log, status }
    }
}

impl Ran {
    /// It ended so, and its log has all of this in it.
    #[track_caller]
    fn ended(self, status: i32, log: &[&str]) -> Self {
        assert_eq!(self.status, Some(status), "{}{}", self.out, self.log);
        log.iter().for_each(|text| assert!(self.log.contains(text), "{text}: {}", self.log));
        self
    }
}

/// A software card's folder. Making one takes a second, so each test has a copy.
struct Folder(TempDir);

impl Folder {
    fn cie3() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        Self::copy(MADE.get_or_init(|| make(None, 1)))
    }

    /// Of another authority.
    fn foreign() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        Self::copy(MADE.get_or_init(|| make(None, 2)))
    }

    fn contact() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        Self::copy(MADE.get_or_init(|| make(Some(Model::Idemia), 3)))
    }

    fn copy(made: &TempDir) -> Self {
        let copy = tempfile::tempdir().unwrap();
        done(Command::new("cp").arg("-a").arg(made.path().join(".")).arg(copy.path()));
        Self(copy)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A new file.
    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Of the citizen whose card it is.
    fn of_citizen(&self, field: &str) -> String {
        let citizen: serde_json::Value =
            serde_json::from_slice(&fs::read(self.path(folder::CITIZEN)).unwrap()).unwrap();
        citizen[field].as_str().unwrap_or_else(|| panic!("{field}: {citizen}")).to_owned()
    }

    /// How many tries its PIN has left.
    fn tries(&self) -> u8 {
        cie::emulator::SoftCard::open(self.path(folder::CARD)).unwrap().pin_tries()
    }
}

fn make(contact: Option<Model>, seed: u64) -> TempDir {
    let made = tempfile::tempdir().unwrap();
    let options = FolderOptions { contact, seed: Some(seed), ..FolderOptions::new(SystemTime::now()) };
    folder::create(made.path(), &options).unwrap();
    made
}
