//! Fuzz target; what it checks is in the library, `cie::fuzzing::rsa_public_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::rsa_public_key(input));
