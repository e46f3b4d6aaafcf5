//! Contact cards made to deceive.

#[path = "contact/references.rs"]
mod references;
