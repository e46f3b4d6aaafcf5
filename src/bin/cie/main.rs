//! The command `cie`.

fn main() {}
