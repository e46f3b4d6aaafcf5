//! Middleware for the Italian electronic identity card (CIE).

pub mod cms;
pub mod crypto;
pub mod environment;
pub mod file;
pub mod ias;
pub mod iso7816;
pub mod passive;
pub mod pin;
pub mod secret;
pub mod secure_messaging;
pub mod test_mark;
pub mod transport;
pub mod trust;

#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;

#[cfg(test)]
mod vectors;
