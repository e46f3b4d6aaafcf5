//! What contact cards cost: exchanges and bytes for personal data, certificate and signature, counted on the card's
//! side, beside what OpenSC needs for the same on the same card.
//!
//! Run: cargo bench --all-features --bench contact
//!
//! Needs what the tests of the PC/SC stack need. Nothing passes or fails here; that ours are fewer, a test says.
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

use std::time::Duration;

use cie::emulator::{SoftCard, vpcd};
use cie::transport::pcsc::Service;
use common::costs::{Cost, rows};
use common::pcscd::{PORT, Pcscd, READER, enclosed, is_enclosed};

fn main() {
    if is_enclosed() {
        return measure();
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(enclosed(folder.path()).status().expect("unshare is needed").success());
}

fn measure() {
    let _pcscd = Pcscd::start();
    println!("\n{:<30}{:>16}{:>24}{:>30}", "exchanges / bytes", "cie", "opensc", "opensc, its driver named");
    for row in rows(lay) {
        println!(
            "{:<30}{:>7} /{:>7}{}{}",
            format!("{}, {}", row.model, row.what),
            row.ours.exchanges,
            row.ours.bytes,
            beside(row.opensc, row.ours),
            beside(row.named, row.ours),
        );
    }
}

/// A cost, and how many times ours it is.
fn beside(cost: Cost, ours: Cost) -> String {
    let exchanges = cost.exchanges as f64 / ours.exchanges as f64;
    let bytes = cost.bytes as f64 / ours.bytes as f64;
    format!("{:>7} /{:>6}  {exchanges:>4.1}× /{bytes:>4.1}×", cost.exchanges, cost.bytes)
}

/// Takes the card away when dropped.
struct Laid(vpcd::Remover);

impl Drop for Laid {
    fn drop(&mut self) {
        self.0.remove();
        Service::open().unwrap().watch().wait_for_removal(READER, Duration::from_secs(5)).unwrap();
    }
}

fn lay(card: &SoftCard) -> (Service, Laid) {
    let connection = vpcd::connect(card, ("127.0.0.1", PORT)).unwrap();
    let laid = Laid(connection.remover());
    std::thread::spawn(move || connection.serve());
    let service = Service::open().unwrap();
    service.watch().wait_for_card(Some(READER), Duration::from_secs(5)).unwrap();
    (service, laid)
}
