//! The example `soak` with 200 insertions: cards and service that fail in every way, under a kiosk that must not.
#![cfg(feature = "system-tests")]

#[allow(dead_code, reason = "the example's main")]
#[path = "../examples/soak/main.rs"]
mod soak;

#[test]
fn two_hundred_insertions() {
    let again = ["--exact", "two_hundred_insertions", "--nocapture", "--test-threads=1"].map(str::to_owned);
    assert!(soak::run(&soak::Settings { total: 200, slots: 16, seed: 1 }, &again), "see above");
}
