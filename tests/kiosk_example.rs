//! The example `kiosk`: its parts by themselves, and the whole in a real terminal, which tmux judges, with a real PC/SC
//! service. The example has to be built: `cargo test` does that, `cargo test --test kiosk_example` does not.
#![cfg(feature = "pcsc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// The example without its `main`.
#[allow(dead_code)]
#[path = "../examples/kiosk/letters.rs"]
mod letters;
#[allow(dead_code)]
#[path = "../examples/kiosk/list.rs"]
mod list;
#[allow(dead_code)]
#[path = "../examples/kiosk/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "../examples/kiosk/screen.rs"]
mod screen;
#[allow(dead_code)]
#[path = "../examples/kiosk/terminal.rs"]
mod terminal;
#[allow(dead_code)]
#[path = "../examples/kiosk/texts.rs"]
mod texts;

#[cfg(feature = "system-tests")]
mod common;
#[cfg(feature = "system-tests")]
#[allow(dead_code)]
#[path = "pcsc/raw_card.rs"]
mod raw_card;

#[path = "kiosk_example/any_order.rs"]
mod any_order;
#[path = "kiosk_example/drawings.rs"]
mod drawings;
#[path = "kiosk_example/lists.rs"]
mod lists;
#[cfg(feature = "system-tests")]
#[path = "kiosk_example/real.rs"]
mod real;
#[cfg(feature = "system-tests")]
#[path = "kiosk_example/stubborn.rs"]
mod stubborn;
#[cfg(feature = "system-tests")]
#[path = "kiosk_example/tmux.rs"]
mod tmux;
#[path = "kiosk_example/turns.rs"]
mod turns;
