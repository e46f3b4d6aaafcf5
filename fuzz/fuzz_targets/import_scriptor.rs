//! Fuzz target; what it checks is in the library, `cie::fuzzing::import_scriptor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::import_scriptor(input));
