//! `include/cie.h` is what the source of the C library says, and `include/cie.pc` the version of the package.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

/// The header as cbindgen makes it of src/c_api, in C's own spacing.
fn header() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FILES {
        builder = builder.with_src(root.join("src").join(file));
    }
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(tidy).collect()
}

/// A line in C's own spacing: our stand-ins for pointers bring blanks, and comments lose theirs.
fn tidy(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    match line.trim_start().strip_prefix('*') {
        Some(comment) if !comment.starts_with(['/', ' ']) && !comment.is_empty() => {
            format!("{}* {comment}\n", " ".repeat(indent))
        }
        Some(_) => format!("{line}\n"),
        None => line.replace(" ** ", " **").replace(" * ", " *") + "\n",
    }
}

/// In the order of the header.
const FILES: [&str; 14] = [
    "c_api/context.rs",
    "c_api/result.rs",
    "c_api/failure.rs",
    "c_api/readers.rs",
    "c_api/open.rs",
    "c_api/card.rs",
    "c_api/pin.rs",
    "c_api/sign.rs",
    "c_api/record.rs",
    "c_api/trust.rs",
    "c_api/kiosk.rs",
    "c_api/login.rs",
    "c_api/recorder.rs",
    "c_api/soft.rs",
];

#[test]
fn the_header_and_the_pkg_config_file_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/cie.h");
    let header = header();
    if std::env::var_os("CIE_WRITE_FIXTURES").is_some() {
        fs::write(&path, &header).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == header,
        "include/cie.h is old: CIE_WRITE_FIXTURES=1 writes it anew"
    );
}
