//! The C library: what `include/cie.h` declares, for kiosk firmware and for every language that can call C.
//!
//! The header is made from these files, so their comments speak to someone who writes C, and their names are C's.
//! Rust programs have no use for anything here. `docs/c-api.md` tells how to build, link and use it.
//!
//! | file | |
//! |---|---|
//! | `border` | pointers become values and back; all `unsafe` but for the attributes that name functions |
//! | `context`, `handles` | what a program holds: contexts, and numbers for everything else |
//! | `result`, `failure` | the numbers that functions return, and what is said of a failure |
//! | `standing` | where an open card stands, from call to call |
//! | `readers`, `open`, `card`, `pin`, `sign` | readers, a card, its PIN, its signatures |
//! | `trust`, `kiosk`, `login`, `status` | whom to trust, genuine cards, portals, revocation |
//! | `record` | what became known, field by field |
//! | `soft`, `recorder` | software cards and recorded dialogues, for tests |

// The names are those of the header.
#![allow(non_camel_case_types)]
// Attributes that give functions their C names need it; pointers are used in `border` only.
#![allow(unsafe_code)]
// What C holds is printed by nobody here.
#![allow(missing_debug_implementations)]
// Each function's documentation is its paragraph in the header, which names its results.
#![allow(clippy::must_use_candidate, clippy::missing_errors_doc)]

// A panic is to be CIE_INTERNAL, and not the end of the program that called.
#[cfg(panic = "abort")]
compile_error!("the C library turns panics into results: build it with panic = \"unwind\"");

mod border;
mod card;
mod context;
mod failure;
mod handles;
mod kiosk;
mod login;
mod open;
mod pin;
mod readers;
mod record;
mod recorder;
mod result;
mod sign;
mod soft;
mod standing;
mod status;
mod trust;

pub use border::*;
pub use card::*;
pub use context::*;
pub use failure::*;
pub use kiosk::*;
pub use login::*;
pub use open::*;
pub use pin::*;
pub use readers::*;
pub use record::*;
pub use recorder::*;
pub use result::*;
pub use sign::*;
pub use soft::*;
pub use status::*;
pub use trust::*;
