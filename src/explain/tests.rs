//! The explanation of made-up traces.
