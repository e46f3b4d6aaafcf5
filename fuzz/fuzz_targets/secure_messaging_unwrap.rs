//! Fuzz target; what it checks is in the library, `cie::fuzzing::secure_messaging_unwrap`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::secure_messaging_unwrap(input));
