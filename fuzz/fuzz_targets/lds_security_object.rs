//! Fuzz target; what it checks is in the library, `cie::fuzzing::lds_security_object`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::lds_security_object(input));
