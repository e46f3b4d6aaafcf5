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
//!
//! The command `cie web-eid host` is such a program. One of your own, for an agent with windows of its own:
//!
//! ```no_run
//! use cie::crypto::signature::Signer;
//! use cie::login::AuthToken;
//! use cie::web_eid::{Answer, Request, read_message, write_message};
//!
//! fn serve<S: Signer>(
//!     mut unlock: impl FnMut(&cie::login::Origin) -> Option<S>, // shows the origin, asks for the PIN
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
//!     write_message(&mut output, &Answer::Version.to_json())?;
//!     let Some(message) = read_message(&mut input)? else { return Ok(()) };
//!     let answer = match Request::parse(&message) {
//!         Ok((Request::Quit, _)) => Answer::Done.to_json(),
//!         Ok((Request::Authenticate { origin, nonce }, _)) => match unlock(&origin) {
//!             Some(mut signer) => Answer::Token(&AuthToken::create(&mut signer, &origin, &nonce)?).to_json(),
//!             None => Answer::Cancelled.to_json(),
//!         },
//!         Ok(_) => Answer::Fatal(Some("this program only logs in")).to_json(),
//!         Err(error) => Answer::Fatal(Some(&error.to_string())).to_json(),
//!     };
//!     Ok(write_message(&mut output, &answer)?)
//! }
//! ```

mod answer;
mod framing;
mod request;
mod signing;

pub use answer::{Answer, PROTOCOL_VERSION};
pub use framing::{FramingError, MESSAGE_LENGTH, read_message, write_message};
pub use request::{Request, RequestError, SignRequest};
pub use signing::{SigningRefused, check_signing_certificate, sign};
