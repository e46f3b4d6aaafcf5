//! What the C library costs a kiosk: its size, what it needs besides, and, through a real PC/SC service with a virtual
//! reader, how long a program in C takes from its start to its first command to the card, and how much memory; beside
//! what OpenSC's program takes, which asks for no more than the card's name.
//!
//! Run: cargo bench --all-features --bench c_api
//!
//! Needs what the tests of the PC/SC stack need, gcc, strip, and time (1). Nothing passes or fails here.
#![allow(
    missing_docs,
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark talks to a person"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use cie::emulator::folder::{self, FolderOptions};
use cie::emulator::{SoftCard, vpcd};
use cie::transport::pcsc::Service;
use common::pcscd::{PORT, Pcscd, enclosed_within, folder as enclosure, is_enclosed};
use common::until_within;

const RUNS: usize = 21;

fn main() {
    if is_enclosed() {
        let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
        return measure(Path::new(&arguments[0]));
    }
    let folder = tempfile::tempdir().unwrap();
    let program = build(folder.path());
    let mut measured = enclosed_within(folder.path(), 600);
    assert!(measured.arg(program).status().expect("unshare is needed").success());
}

/// Builds the library as its page says, tells of it, and links the program.
fn build(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This program lies in target/release/deps.
    let release = std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().to_owned();
    for (features, what) in [
        (&["--no-default-features", "--features", "c-api"][..], "verification only"),
        (&["--features", "c-api"], "readers and verification"),
    ] {
        let built = Command::new(env!("CARGO"))
            .args(["rustc", "--locked", "--quiet", "--lib", "--release", "--crate-type", "cdylib"])
            .args(features)
            .arg("--target-dir")
            .arg(release.parent().unwrap())
            .current_dir(root)
            .status();
        assert!(built.unwrap().success());
        let library = folder.join("libcie.so.0.1");
        let stripped = Command::new("strip").arg("-o").arg(&library).arg(release.join("libcie.so")).status();
        assert!(stripped.unwrap().success());
        println!("{what}: {:.2} MB stripped", fs::metadata(&library).unwrap().len() as f64 / 1e6);
    }
    let needs = Command::new("ldd").arg(folder.join("libcie.so.0.1")).output().unwrap();
    println!("needs:");
    for line in String::from_utf8(needs.stdout).unwrap().lines() {
        println!("  {}", line.split_whitespace().next().unwrap_or_default());
    }
    let _ = std::os::unix::fs::symlink("libcie.so.0.1", folder.join("libcie.so"));
    let program = folder.join("first");
    let compiled = Command::new("gcc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(root.join("benches/c_api/first.c"))
        .arg(format!("-I{}", root.join("include").display()))
        .arg(format!("-L{}", folder.display()))
        .arg("-lcie")
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .status();
    assert!(compiled.unwrap().success());
    program
}

fn measure(program: &Path) {
    let _pcscd = Pcscd::start();
    let made = enclosure().join("card");
    folder::create(&made, &FolderOptions::new(SystemTime::now())).unwrap();
    let card = SoftCard::open(made.join("card.json")).unwrap();
    // The moment of the first command since it was last asked for.
    let first: Arc<Mutex<Option<Instant>>> = Arc::default();
    let noted = first.clone();
    card.set_tamper(Some(Box::new(move |_, response| {
        noted.lock().unwrap().get_or_insert_with(Instant::now);
        response
    })));
    let laid = vpcd::connect(&card, ("127.0.0.1", PORT)).unwrap();
    let remover = laid.remover();
    std::thread::spawn(move || laid.serve());
    let service = Service::open().unwrap();
    let lies =
        || service.readers().unwrap().iter().any(|reader| format!("{:?}", reader.state).contains("Present"));
    until_within(Duration::from_secs(10), "the card lies there", lies);

    let trust = made.join("trust");
    let trust = trust.to_str().unwrap();
    let programs: [(&str, &str, Vec<&str>); 2] = [
        ("cie: opens, checks NIS", program.to_str().unwrap(), vec![trust]),
        ("opensc-tool --name", "opensc-tool", vec!["--name"]),
    ];
    println!("{:<26}{:>16}{:>14}{:>18}", "median", "first command", "whole run", "resident at most");
    let mut told = Vec::new();
    for (name, program, arguments) in programs {
        let mut runs: Vec<(Duration, Duration)> = (0..RUNS)
            .map(|_| {
                *first.lock().unwrap() = None;
                let began = Instant::now();
                run(Command::new(program).args(&arguments));
                let whole = began.elapsed();
                (first.lock().unwrap().expect("it said something to the card") - began, whole)
            })
            .collect();
        let memory = enclosure().join("memory");
        run(Command::new("time").args(["-f", "%M", "-o"]).arg(&memory).arg(program).args(&arguments));
        let memory: f64 = fs::read_to_string(memory).unwrap().lines().last().unwrap().trim().parse().unwrap();
        runs.sort_unstable();
        let (to_first, _) = runs[RUNS / 2];
        runs.sort_unstable_by_key(|(_, whole)| *whole);
        let (_, whole) = runs[RUNS / 2];
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("{name:<26}{:>13.1} ms{:>11.1} ms{:>15.1} MB", ms(to_first), ms(whole), memory / 1e3);
        told.push([ms(to_first), ms(whole), memory]);
    }
    let ratio = |at: usize| told[0][at] / told[1][at];
    println!("{:<26}{:>15.2}x{:>13.2}x{:>17.2}x", "ratio", ratio(0), ratio(1), ratio(2));
    remover.remove();
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
