//! Middleware for the Italian electronic identity card (CIE).

pub mod crypto;
pub mod environment;
pub mod iso7816;
pub mod secret;
pub mod test_mark;
pub mod transport;

#[cfg(feature = "emulator")]
pub mod emulator;
