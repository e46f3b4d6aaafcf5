//! The C library as a C program sees it: called wrongly, from many threads and from callbacks; its binary interface; and
//! another language that drives it.
#![cfg(all(feature = "system-tests", feature = "c-api", target_os = "linux"))]
#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "c_api/abi.rs"]
mod abi;
#[path = "common/c_library.rs"]
mod c_library;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use c_library::c_library;
use cie::emulator::contact::Model;
use cie::emulator::folder::{self, FolderOptions};

/// A file of this package.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program says; it must end well.
#[track_caller]
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Has a C program of these files compiled and linked with the shared library.
fn compile(sources: &[&str], flags: &[&str], program: &Path) {
    let prefix = &c_library().prefix;
    run(Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-O1"])
        .args(flags)
        .args(sources.iter().map(|source| file(source)))
        .arg("-I")
        .arg(prefix.join("include"))
        .arg("-L")
        .arg(prefix.join("lib"))
        .arg(format!("-Wl,-rpath,{}", prefix.join("lib").display()))
        .args(["-lcie", "-lpthread", "-o"])
        .arg(program));
}

/// The hostile program, with the compiler's watchmen and without.
fn hostile(is_watched: bool) -> &'static Path {
    static PROGRAMS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    PROGRAMS[usize::from(is_watched)].get_or_init(|| {
        let program = c_library().prefix.join(if is_watched { "hostile-watched" } else { "hostile" });
        let watched = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"][..];
        let sources = ["world", "hostile", "scenes"].map(|name| format!("tests/c_api/{name}.c"));
        compile(&sources.each_ref().map(String::as_str), if is_watched { watched } else { &[] }, &program);
        program
    })
}

/// The folder of a software card that nobody used yet.
fn folder(contact: Option<Model>) -> tempfile::TempDir {
    static MADE: Mutex<Vec<(Option<Model>, tempfile::TempDir)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let at = made.iter().position(|(model, _)| *model == contact).unwrap_or_else(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = FolderOptions { contact, ..FolderOptions::new(SystemTime::now()) };
        folder::create(folder.path(), &options).unwrap();
        made.push((contact, folder));
        made.len() - 1
    });
    let copy = tempfile::tempdir().unwrap();
    run(Command::new("cp").arg("-rT").arg(made[at].1.path()).arg(copy.path()));
    copy
}

/// One of the hostile program's tests, with a fresh card.
fn scene(program: &mut Command, name: &str, contact: Option<Model>) -> String {
    let folder = folder(contact);
    let said = run(program
        .arg(name)
        .arg(folder.path())
        .arg(file("fixtures/traces/cie3-gemalto-log-in.trace"))
        // No reader service, whatever runs on this machine.
        .env("PCSCLITE_CSOCK_NAME", folder.path().join("no-service"))
        .env("ASAN_OPTIONS", "detect_leaks=1"));
    assert!(said.ends_with("done\n"), "{said}");
    said
}

macro_rules! scenes {
    ($($test:ident: $name:literal;)*) => {$(
        #[test]
        fn $test() {
            scene(&mut Command::new(hostile(true)), $name, None);
        }
    )*};
}

scenes! {
    what_is_closed_is_closed: "closed";
    callbacks_call_back: "callbacks";
    a_card_is_taken_away_or_reset: "removal";
    tries_are_counted_and_failures_explained: "tries";
    many_threads_use_the_same: "threads";
    what_never_ends_is_not_waited_for: "loading";
    one_thread_closes_what_others_use: "closing";
    monitors_wait_and_are_told_to_stop: "monitors";
    too_many_handles_are_refused: "too-many";
    recordings_end_and_play: "recordings";
}

#[test]
fn contact_cards_are_another_kind() {
    for model in [Model::Cie2, "cns-1.1".parse().unwrap()] {
        scene(&mut Command::new(hostile(true)), "contact", Some(model));
    }
}

#[test]
fn no_pin_stays_in_memory() {
    // Without the watchmen, who keep what was freed.
    scene(&mut Command::new(hostile(false)), "secrets", None);
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    abi::prototypes().iter().map(|prototype| abi::name(prototype).to_owned()).collect()
}

#[test]
fn every_entry_point_is_called_wrongly() {
    let said = scene(&mut Command::new(hostile(true)), "every-entry-point", None);
    let called: BTreeSet<_> =
        said.lines().filter_map(|line| line.strip_prefix("entry ")).map(str::to_owned).collect();
    assert_eq!(called, declared(), "tests/c_api/hostile.c calls what include/cie.h declares");
    let library = c_library().prefix.join("lib/libcie.so");
    assert_eq!(abi::exported(&library), declared(), "libcie.so exports what include/cie.h declares");
}

#[test]
fn every_entry_point_under_valgrind() {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    scene(valgrind.arg(hostile(false)), "every-entry-point", None);
}

#[test]
fn the_binary_interface_is_the_committed_one() {
    let path = file("tests/c_api/abi.txt");
    let found = abi::description(&c_library().prefix);
    if std::env::var_os("CIE_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let (found, committed): (BTreeSet<_>, BTreeSet<_>) =
        (found.lines().collect(), committed.lines().collect());
    let gone: Vec<_> = committed.difference(&found).collect();
    let new: Vec<_> = found.difference(&committed).collect();
    assert!(
        gone.is_empty(),
        "programs that were linked with this library would break: {gone:#?}\nbecame: {new:#?}\nNo function, number or \
         field may go or change, and no structure may grow that a program makes room for; that takes a new soname (a \
         new version in Cargo.toml). Then CIE_WRITE_FIXTURES=1 writes tests/c_api/abi.txt anew."
    );
    assert!(
        new.is_empty(),
        "new in the binary interface: {new:#?}\nFunctions and numbers may be added: CIE_WRITE_FIXTURES=1 writes \
         tests/c_api/abi.txt anew."
    );
}

#[test]
fn structures_are_laid_out_alike_in_rust_and_c() {
    let found = abi::description(&c_library().prefix);
    let laid_out: BTreeSet<_> =
        found.lines().filter(|line| line.starts_with("struct ") || line.starts_with("field ")).collect();
    let expected = abi::in_rust();
    assert_eq!(laid_out, expected.iter().map(String::as_str).collect());
}

#[test]
fn the_shared_library_is_whole() {
    let library = c_library().prefix.join("lib/libcie.so");
    let dynamic = run(Command::new("readelf").arg("-dW").arg(&library));
    assert!(
        !dynamic.contains("TEXTREL") && !dynamic.contains("RPATH") && !dynamic.contains("RUNPATH"),
        "{dynamic}"
    );
    let allowed = [
        "libpcsclite.so.1",
        "libssl.so.3",
        "libcrypto.so.3",
        "libgcc_s.so.1",
        "libm.so.6",
        "libc.so.6",
        "ld-linux",
    ];
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(allowed.iter().any(|name| line.contains(&format!("[{name}"))), "{line}");
    }
    let resolved = run(Command::new("ldd").arg("-r").arg(&library));
    assert!(!resolved.contains("undefined") && !resolved.contains("not found"), "{resolved}");
}

#[test]
fn it_builds_without_readers_and_software_cards() {
    // A folder of its own: cargo gives both libraries the same name, and would take this one for the whole.
    let target = c_library().prefix.ancestors().nth(2).unwrap().join("c-library-lean");
    let rustc = || {
        let mut rustc = Command::new(env!("CARGO"));
        rustc.args(["rustc", "--locked", "--quiet", "--lib", "--no-default-features", "--features", "c-api"]);
        // All that it needs is built for this: quickly, then.
        rustc.args(["--config", "profile.dev.opt-level=0", "--config", "profile.dev.debug=false"]);
        rustc.args(["--crate-type", "cdylib", "--target-dir"]).arg(&target);
        rustc.current_dir(env!("CARGO_MANIFEST_DIR"));
        rustc
    };
    let output = rustc().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("warning: "), "{said}");
    let (instead, whole) = (tempfile::tempdir().unwrap(), c_library().prefix.join("lib/libcie.so"));
    let library = instead.path().join(c_library::names().1);
    std::fs::copy(target.join("debug/libcie.so"), &library).unwrap();
    let needed = run(Command::new("readelf").arg("-dW").arg(&library));
    assert!(needed.contains("libcrypto.so") && !needed.contains("libpcsclite"), "{needed}");
    // Where a panic would be the end of the program, it is not built at all.
    let output = rustc().args(["--", "-C", "panic=abort"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("build it with panic = \"unwind\""), "{said}");
    // The functions are the same; those whose part is missing say so.
    assert_eq!(abi::exported(&library), abi::exported(&whole));
    scene(Command::new(hostile(true)).env("LD_LIBRARY_PATH", instead.path()), "lean", None);
}

#[test]
fn another_language_drives_it() {
    let folder = folder(None);
    // The system's, with its standard library only.
    let said = run(Command::new("/usr/bin/python3")
        .arg("-B")
        .arg(file("tests/c_api/smoke.py"))
        .arg(c_library().prefix.join("lib").join(c_library::names().1))
        .arg(folder.path()));
    assert!(said.ends_with("done\n"), "{said}");
}
