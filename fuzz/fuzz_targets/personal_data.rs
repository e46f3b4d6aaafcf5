//! Fuzz target; what it checks is in the library, `cie::fuzzing::personal_data`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::personal_data(input));
