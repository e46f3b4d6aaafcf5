//! What a counter keeps after thousands of cards: memory, threads and open files of the example `kiosk`, as Linux
//! counts them, after checks through a real PC/SC service with eight virtual readers.
//!
//! Run: cargo build --release --no-default-features --features pcsc --example kiosk
//!      cargo bench --all-features --bench kiosk_memory -- [INSERTIONS] [PATH OF THE EXAMPLE]
//!
//! Needs what the tests of the PC/SC stack need, and some four insertions a second: the service looks for a card that
//! was taken away every 400 ms. The example is the one beside this program if no other is named. Nothing passes or
//! fails here.
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
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use cie::emulator::citizen::Citizen;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{IssueOptions, issue};
use cie::emulator::pki::{TestPki, pem};
use cie::emulator::{Chip, SoftCard, vpcd};
use common::pcscd::{PORT, Pcscd, configure, enclosed_within, folder, is_enclosed};
use common::until_within;

/// Virtual readers beside the first, of two slots each.
const MORE: [(&str, u16); 3] = [("second", PORT + 10), ("third", PORT + 20), ("fourth", PORT + 30)];
const LOOKS: [usize; 7] = [1, 100, 500, 1000, 2000, 5000, 10_000];
const CARDS: usize = 4;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if is_enclosed() {
        return measure(arguments[0].parse().unwrap(), Path::new(&arguments[1]));
    }
    let insertions = arguments.first().map_or(2000, |count| count.parse().expect("a number of insertions"));
    let kiosk = arguments.get(1).map_or_else(beside, PathBuf::from);
    assert!(kiosk.exists(), "first: build the example; there is no {}", kiosk.display());
    let folder = tempfile::tempdir().unwrap();
    let mut measured = enclosed_within(folder.path(), 60 + insertions);
    let status = measured.arg(insertions.to_string()).arg(fs::canonicalize(kiosk).unwrap()).status();
    assert!(status.expect("unshare is needed").success());
}

fn beside() -> PathBuf {
    let bench = std::env::current_exe().unwrap();
    bench.parent().unwrap().parent().unwrap().join("examples/kiosk")
}

fn measure(insertions: usize, kiosk: &Path) {
    for (name, port) in MORE {
        configure(name, &format!("Virtual PCD {name}"), port);
    }
    let _pcscd = Pcscd::start();
    let ports: Vec<u16> =
        [PORT].into_iter().chain(MORE.map(|(_, port)| port)).flat_map(|port| [port, port + 1]).collect();

    let (now, entropy) = (SystemTime::now(), &mut Seeded::new(7));
    let pki = TestPki::generate(entropy, now).unwrap();
    let citizens: Vec<Citizen> = (0..CARDS as u64).map(Citizen::numbered).collect();
    let issued: Vec<_> = citizens
        .iter()
        .map(|citizen| issue(&pki, citizen, &IssueOptions::default(), entropy, now).unwrap())
        .collect();
    // A card lies in one place, so each slot has one of its own; half of the people are on the list.
    let cards: Vec<SoftCard> = (0..ports.len())
        .map(|at| SoftCard::new(issued[at % CARDS].clone(), Chip::Gemalto, Seeded::new(1)).unwrap())
        .collect();
    let (trust, list, log) = (folder().join("trust"), folder().join("list"), folder().join("log"));
    fs::create_dir_all(trust.join("csca")).unwrap();
    fs::write(trust.join("csca/csca.pem"), pem(pki.csca_der()).unwrap()).unwrap();
    // A list of a small town.
    let listed = citizens.iter().take(CARDS / 2).map(|citizen| format!("{}\tUfficio\n", citizen.nis));
    let others = (0..2000).map(|number| format!("9{number:011}\tAltri\n"));
    fs::write(&list, listed.chain(others).collect::<String>()).unwrap();
    fs::set_permissions(&list, fs::Permissions::from_mode(0o600)).unwrap();

    let process = folder().join("process");
    let mut terminal = start(kiosk, &[&trust, &list, &log], &process);
    let id = || fs::read_to_string(&process).ok().and_then(|text| text.trim().parse::<u32>().ok());
    until_within(Duration::from_secs(10), "the counter has begun", || id().is_some());
    let id = id().unwrap();
    println!("{}", kiosk.display());
    println!(
        "{:>8}{:>12}{:>12}{:>9}{:>12}{:>14}",
        "checks", "resident", "at most", "threads", "open files", "per second"
    );

    // The next cards lie there already when one is taken away: nobody waits for their being found.
    let mut laid: Vec<Option<vpcd::Remover>> = cards.iter().map(|_| None).collect();
    let began = Instant::now();
    let mut read = Log { path: log, ..Log::default() };
    for (at, port) in ports.iter().enumerate() {
        laid[at] = Some(lay(&cards[at], *port));
        // One after the other, so that it is known which slot has which name.
        until_within(Duration::from_secs(10), "a card is told", || read.look().inserted.len() > at);
    }
    let names = read.inserted.clone();
    let mut done = 0;
    while done < insertions {
        until_within(Duration::from_secs(20), "a check", || read.look().checks > done);
        done += 1;
        let at = names.iter().position(|name| *name == read.inserted[done - 1]).unwrap();
        if LOOKS.contains(&done) || done == insertions {
            look(id, done, began);
        }
        laid[at].take().unwrap().remove();
        until_within(Duration::from_secs(20), "the card is gone", || read.look().removed >= done);
        laid[at] = Some(lay(&cards[at], ports[at]));
    }
    read.look();
    println!("{} of {} checks found a card of the list", read.listed, read.checks);
    assert!(Command::new("kill").arg(id.to_string()).status().unwrap().success());
    assert!(terminal.wait().unwrap().success());
}

/// The example in a terminal of the kernel, that of `script` (util-linux).
fn start(kiosk: &Path, [trust, list, log]: &[&PathBuf; 3], process: &Path) -> Child {
    let command = format!(
        "echo $$ >{}; exec {} --trust {} --allow-test-pki --may-pass {} --log {}",
        process.display(),
        kiosk.display(),
        trust.display(),
        list.display(),
        log.display()
    );
    Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("script of util-linux")
}

fn lay(card: &SoftCard, port: u16) -> vpcd::Remover {
    let mut laid = None;
    until_within(Duration::from_secs(10), "the reader takes the card", || {
        laid = vpcd::connect(card, ("127.0.0.1", port)).ok();
        laid.is_some()
    });
    let connection = laid.unwrap();
    let remover = connection.remover();
    std::thread::spawn(move || connection.serve());
    remover
}

/// The counter's log, as far as it was read.
#[derive(Default)]
struct Log {
    path: PathBuf,
    read: u64,
    /// On which readers cards were told, in that order: that of the turns.
    inserted: Vec<String>,
    removed: usize,
    checks: usize,
    listed: usize,
}

impl Log {
    /// Reads on, whole lines only.
    fn look(&mut self) -> &Self {
        let Ok(mut file) = fs::File::open(&self.path) else { return self };
        let mut new = String::new();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        file.read_to_string(&mut new).unwrap();
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for line in new[..whole].lines() {
            let said = |word: &str| usize::from(line.contains(word));
            self.inserted.extend(line.split_once(" card-inserted ").map(|(_, reader)| reader.to_owned()));
            self.removed += said(" card-removed ");
            self.checks += said(" checked ");
            self.listed += said(" may-pass ");
        }
        self
    }
}

/// What the system says of the process.
fn look(id: u32, checks: usize, began: Instant) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    let files = fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let rate = checks as f64 / began.elapsed().as_secs_f64();
    println!(
        "{checks:>8}{:>9.1} MB{:>9.1} MB{:>9}{files:>12}{rate:>14.1}",
        field("VmRSS:") / 1e3,
        field("VmHWM:") / 1e3,
        field("Threads:")
    );
}
