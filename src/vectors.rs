//! The worked examples of `fixtures/vectors`, for unit tests.

use serde_json::Value;

/// The value at a JSON pointer of `cie3-ias.json`.
pub(crate) fn value(pointer: &str) -> Value {
    of(include_str!("../fixtures/vectors/cie3-ias.json"), pointer)
}

/// The bytes at a JSON pointer of `cie3-ias.json`.
pub(crate) fn bytes(pointer: &str) -> Vec<u8> {
    hex_of(&value(pointer))
}

/// The value at a JSON pointer of `cie2-cns.json`, the contact cards.
pub(crate) fn contact(pointer: &str) -> Value {
    of(include_str!("../fixtures/vectors/cie2-cns.json"), pointer)
}

fn of(file: &str, pointer: &str) -> Value {
    let all: Value = serde_json::from_str(file).unwrap();
    all.pointer(pointer).unwrap_or_else(|| panic!("no vector {pointer}")).clone()
}

/// The bytes of a hex string.
pub(crate) fn hex_of(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}
