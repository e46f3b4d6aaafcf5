//! What the way to the card costs: an exchange and a login in process, through pcscd, and through pcscd with
//! the bare crate `pcsc` as the peer; the time from the start of `cie` to its first command, beside
//! opensc-tool; size and memory of `cie`; what a monitor costs that waits for a minute, with the service and without it,
//! beside what the service itself takes meanwhile.
//!
//! Run: cargo bench --all-features --bench readers
//!
//! Needs what the tests of the PC/SC stack need. Nothing passes or fails here.
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

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cie::emulator::{Chip, SoftCard, vpcd};
use cie::ias::Session;
use cie::transport::pcsc::{Service, Sharing};
use cie::transport::{Company, Link, Transport};
use common::pcscd::{PORT, Pcscd, READER, enclosed_within, is_enclosed};
use common::{card, pin, processor_time, processor_time_of};

/// READ BINARY of the twelve digits of EF 1001, and of 256 bytes of EF 1005; both in the CIE's directory.
const SHORT: [u8; 5] = [0x00, 0xB0, 0x81, 0x00, 0x0C];
const BLOCK: [u8; 5] = [0x00, 0xB0, 0x85, 0x00, 0x00];
const EXCHANGES: usize = 2000;
const LOGINS: usize = 50;
const STARTS: usize = 20;
const SELECT_IAS: &str = "00A4040C0DA0000000308000000009816001";
const SELECT_CIE: &str = "00A4040C06A00000000039";

fn main() {
    if is_enclosed() {
        return measure();
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(enclosed_within(folder.path(), 300).status().expect("unshare is needed").success());
}

fn measure() {
    let pcscd = Pcscd::start();
    let laid = card(Chip::Gemalto);
    let connection = vpcd::connect(&laid, ("127.0.0.1", PORT)).unwrap();
    std::thread::spawn(move || connection.serve());
    let service = Service::open().unwrap();
    service.watch().wait_for_card(Some(READER), Duration::from_secs(5)).unwrap();

    heading("one exchange");
    for (what, command) in [("12 bytes", SHORT), ("256 bytes", BLOCK)] {
        let peer = {
            let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
            let name = std::ffi::CString::new(READER).unwrap();
            let card = context.connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY).unwrap();
            let mut buffer = vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED];
            for command in [SELECT_IAS, SELECT_CIE] {
                card.transmit(&hex::decode(command).unwrap(), &mut buffer).unwrap();
            }
            exchanges(|| drop(card.transmit(&command, &mut buffer).unwrap().to_vec()))
        };
        row(&format!("{what}, pcscd, crate pcsc alone"), peer, peer);
        let mut connection = service.transport(READER, Sharing::Shared).unwrap();
        select(&mut connection);
        connection.begin().unwrap();
        let inside = exchanges(|| drop(connection.transmit(&command).unwrap()));
        connection.end();
        row(&format!("{what}, pcscd, inside an operation"), inside, peer);
        let alone = exchanges(|| drop(connection.transmit(&command).unwrap()));
        row(&format!("{what}, pcscd, a transaction each"), alone, peer);
        let own = card(Chip::Gemalto);
        let mut transport = own.transport();
        select(&mut transport);
        let in_process = exchanges(|| drop(transport.transmit(&command).unwrap()));
        row(&format!("{what}, in process"), in_process, peer);
    }

    heading("a login up to the PIN");
    let own = card(Chip::Gemalto);
    let base = times(LOGINS, || login(own.insert()));
    row("in process", base, base);
    for sharing in [Sharing::Exclusive, Sharing::Shared] {
        let connect = || service.connect(READER, sharing).unwrap();
        row(&format!("pcscd, {sharing:?}"), times(LOGINS, || login(connect())), base);
    }

    heading("from process start to the first command");
    let opensc = starts(&laid, || Command::new("opensc-tool").args(["-r", "0", "-s", SELECT_IAS]).quiet());
    row("opensc-tool -s", opensc, opensc);
    let cie = || Command::new(env!("CARGO_BIN_EXE_cie")).args(["--reader", READER, "info"]).quiet();
    row("cie info", starts(&laid, cie), opensc);

    let size = std::fs::metadata(env!("CARGO_BIN_EXE_cie")).unwrap().len();
    println!("\ncie: {:.1} MB on disk (with symbols, if the build keeps them)", size as f64 / 1e6);
    println!("cie info: {:.1} MB resident at most", memory(cie()));
    let opensc = Command::new("opensc-tool").args(["-r", "0", "-s", SELECT_IAS]).quiet();
    println!("opensc-tool -s: {:.1} MB resident at most", memory(opensc));
    idle_minutes(&service, pcscd);
}

/// Nothing happens for a minute; then the service is gone, and nothing happens for another.
fn idle_minutes(service: &Service, pcscd: Pcscd) {
    const MINUTE: Duration = Duration::from_secs(60);
    let mut monitor = service.monitor();
    while monitor.next_event(Duration::from_secs(2)).is_ok() {}
    println!("\n{:<44}{:>14}{:>14}", "an idle minute, processor time", "monitor", "pcscd");
    let before = (processor_time(), processor_time_of(pcscd.id()));
    assert!(monitor.next_event(MINUTE).is_err());
    let spent = (processor_time() - before.0, processor_time_of(pcscd.id()) - before.1);
    println!(
        "{:<44}{:>11} ms{:>11} ms",
        "two readers, a card on one",
        spent.0.as_millis(),
        spent.1.as_millis()
    );
    pcscd.stop();
    while monitor.next_event(Duration::from_secs(2)).is_ok() {}
    let before = processor_time();
    assert!(monitor.next_event(MINUTE).is_err());
    println!("{:<44}{:>11} ms{:>14}", "without the service", (processor_time() - before).as_millis(), "-");
}

trait Quiet {
    fn quiet(&mut self) -> Child;
}

impl Quiet for Command {
    fn quiet(&mut self) -> Child {
        self.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

fn select(transport: &mut impl Transport) {
    for command in [SELECT_IAS, SELECT_CIE] {
        assert_eq!(transport.transmit(&hex::decode(command).unwrap()).unwrap(), [0x90, 0x00]);
    }
}

fn login(link: Link) {
    drop(Session::open(link).unwrap().verify_pin(&pin()).unwrap());
}

/// Median and 95th percentile, in microseconds.
type Spread = (f64, f64);

fn exchanges(exchange: impl FnMut()) -> Spread {
    times(EXCHANGES, exchange)
}

fn times(count: usize, mut run: impl FnMut()) -> Spread {
    spread((0..count).map(|_| {
        let began = Instant::now();
        run();
        began.elapsed()
    }))
}

fn spread(times: impl Iterator<Item = Duration>) -> Spread {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e6).collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn heading(what: &str) {
    println!("\n{what:<44}{:>14}{:>14}{:>10}", "median", "95 %", "ratio");
}

fn row(what: &str, (median, high): Spread, (base, _): Spread) {
    println!("{what:<44}{median:>11.1} µs{high:>11.1} µs{:>9.3}×", median / base);
}

/// How long it takes from starting a program to the first command that the card sees.
fn starts(card: &SoftCard, start: impl Fn() -> Child) -> Spread {
    let first = Arc::new(Mutex::new(None));
    let seen = first.clone();
    card.set_tamper(Some(Box::new(move |_, answer| {
        seen.lock().unwrap().get_or_insert_with(Instant::now);
        answer
    })));
    let times = (0..STARTS).map(|_| {
        *first.lock().unwrap() = None;
        let began = Instant::now();
        assert!(start().wait().unwrap().success());
        first.lock().unwrap().unwrap() - began
    });
    let spread = spread(times);
    card.set_tamper(None);
    spread
}

/// The most memory that a process had resident, in megabytes: looked at until it ends.
fn memory(mut child: Child) -> f64 {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = most.max(kilobytes.unwrap_or_default() / 1e3);
    }
    most
}
