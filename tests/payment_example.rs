//! The example `payment`: its orders, what is refused, and what is left when it is killed at any step. OpenSSL and
//! Python look at what it makes. The example has to be built: `cargo test` does that, `cargo test --test
//! payment_example` does not.
#![cfg(feature = "system-tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// The example without its `main`.
#[allow(dead_code)]
#[path = "../examples/payment/channel.rs"]
mod channel;
#[allow(dead_code)]
#[path = "../examples/payment/confirm.rs"]
mod confirm;
#[allow(dead_code)]
#[path = "../examples/payment/database.rs"]
mod database;
#[allow(dead_code)]
#[path = "../examples/payment/ledger.rs"]
mod ledger;
#[allow(dead_code)]
#[path = "../examples/payment/notice.rs"]
mod notice;
#[allow(dead_code)]
#[path = "../examples/payment/order.rs"]
mod order;
#[allow(dead_code)]
#[path = "../examples/payment/outbox.rs"]
mod outbox;
#[allow(dead_code)]
#[path = "../examples/payment/present.rs"]
mod present;
#[allow(dead_code)]
#[path = "../examples/payment/show.rs"]
mod show;
#[allow(dead_code)]
#[path = "../examples/payment/signed.rs"]
mod signed;
#[allow(dead_code)]
#[path = "../examples/payment/text.rs"]
mod text;

#[path = "payment_example/attacks.rs"]
mod attacks;
#[path = "payment_example/codec.rs"]
mod codec;
#[path = "payment_example/confirming.rs"]
mod confirming;
#[path = "payment_example/crash.rs"]
mod crash;
#[path = "payment_example/disk.rs"]
mod disk;
#[path = "payment_example/outboxes.rs"]
mod outboxes;
#[path = "payment_example/process.rs"]
mod process;
#[path = "payment_example/scene.rs"]
mod scene;
#[path = "payment_example/settling.rs"]
mod settling;
#[path = "payment_example/terminal.rs"]
mod terminal;
#[path = "payment_example/witnesses.rs"]
mod witnesses;
