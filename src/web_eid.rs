//! The native-messaging protocol of the Web eID browser extension: what a browser asks of the program beside it, and
//! what it is told. Framing, requests, answers, and which key a page may have used; no card, no dialogue.
//!
//! ```text
//! browser starts the program ──▶ {"version": …}          unasked
//! {"command": …, "arguments": …} ──▶ one answer, and the end
//! ```
//!
//! A message is its length in four bytes of this machine's order, then so much JSON. The `origin` in a request is what
//! the *browser* says of the page that asked; what the page itself says stands nowhere in it.

mod answer;
mod framing;
mod request;
mod signing;

pub use answer::{Answer, PROTOCOL_VERSION};
pub use framing::{FramingError, MESSAGE_LENGTH, read_message, write_message};
pub use request::{Request, RequestError, SignRequest};
pub use signing::{SigningRefused, check_signing_certificate, sign};
