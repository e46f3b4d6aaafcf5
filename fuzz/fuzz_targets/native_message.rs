//! Fuzz target; what it checks is in the library, `cie::fuzzing::native_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cie::fuzzing::native_message(input));
