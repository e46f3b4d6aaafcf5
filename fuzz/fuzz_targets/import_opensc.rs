//! Fuzz target; what it checks is in the library, `cie::fuzzing::import_opensc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::import_opensc(input));
