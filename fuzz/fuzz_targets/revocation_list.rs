//! Fuzz target; what it checks is in the library, `cie::fuzzing::revocation_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::revocation_list(input));
