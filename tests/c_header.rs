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
        None => number(line).unwrap_or_else(|| line.replace(" ** ", " **").replace(" * ", " *")) + "\n",
    }
}

/// The definition of a number that would be another one in an expression: a negative one is kept together, and one that
/// is too large for an int is unsigned, as its function takes it.
fn number(line: &str) -> Option<String> {
    let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
    match value.parse::<i64>().ok()? {
        ..0 => Some(format!("#define {name} ({value})")),
        0..=0x7FFF_FFFF => None,
        _ => Some(format!("#define {name} {value}u")),
    }
}

#[test]
fn a_number_is_the_same_in_every_expression() {
    assert_eq!(tidy("#define CIE_X -1"), "#define CIE_X (-1)\n");
    assert_eq!(tidy("#define CIE_X 4294967295"), "#define CIE_X 4294967295u\n");
    assert_eq!(tidy("#define CIE_X 2147483647"), "#define CIE_X 2147483647\n");
    assert_eq!(tidy("#define CIE_H"), "#define CIE_H\n");
}

/// In the order of the header.
const FILES: [&str; 15] = [
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
    "c_api/status.rs",
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
    let pc = fs::read_to_string(path.with_file_name("cie.pc")).unwrap();
    let versions: Vec<_> =
        pc.lines().filter_map(|line| line.strip_prefix("Version:")).map(str::trim).collect();
    assert_eq!(versions, [env!("CARGO_PKG_VERSION")], "include/cie.pc");
}

/// Numbers of the header that stand elsewhere in the library as well.
#[cfg(feature = "c-api")]
#[test]
fn the_header_s_numbers_are_the_library_s() {
    use cie::c_api::*;
    use cie::cns::Field;
    use cie::login::{AuthToken, NONCE_LENGTH, TokenError};

    assert_eq!(CIE_NONCE_SIZE, NONCE_LENGTH.div_ceil(3) * 4 + 1, "base64 with padding, and the zero byte");
    let of_length = |length| AuthToken::parse(&vec![b' '; length]).unwrap_err();
    let longest = CIE_TOKEN_SIZE - 1;
    assert_ne!(of_length(longest), TokenError::Length(longest));
    assert_eq!(of_length(longest + 1), TokenError::Length(longest + 1));
    let expected = [
        CIE_FIELD_ISSUER_CODE,
        CIE_FIELD_ISSUE_DATE,
        CIE_FIELD_EXPIRY_DATE,
        CIE_FIELD_SURNAME,
        CIE_FIELD_GIVEN_NAMES,
        CIE_FIELD_BIRTH_DATE,
        CIE_FIELD_SEX,
        CIE_FIELD_STATURE,
        CIE_FIELD_FISCAL_CODE,
        CIE_FIELD_CITIZENSHIP,
        CIE_FIELD_BIRTH_MUNICIPALITY,
        CIE_FIELD_BIRTH_STATE,
        CIE_FIELD_BIRTH_ACT,
        CIE_FIELD_RESIDENCE_MUNICIPALITY,
        CIE_FIELD_RESIDENCE_ADDRESS,
        CIE_FIELD_TRAVEL_NOTE,
    ];
    assert_eq!(Field::ALL.map(|field| 100 + i32::from(field.number())), expected);
    // Each constant is the field of its name: the header's are those of the library in capitals, without the unit.
    let header = header();
    for (field, number) in Field::ALL.into_iter().zip(expected) {
        let name = field.name().to_uppercase().replace('-', "_").replace("STATURE_CM", "STATURE");
        assert!(header.contains(&format!("#define CIE_FIELD_{name} {number}\n")), "{name}");
    }
}

/// Each function: its name, its comment, the names of its parameters.
fn functions(header: &str) -> Vec<(String, String, Vec<String>)> {
    let mut found = Vec::new();
    for part in header.split("/**\n").skip(1) {
        let Some((comment, code)) = part.split_once("*/\n") else { continue };
        let code = code.split(';').next().unwrap_or_default();
        let Some((head, parameters)) = code.split_once('(') else { continue };
        let name = head.rsplit([' ', '*']).next().unwrap_or_default();
        if !name.starts_with("cie_") || head.contains("typedef") || head.contains("#define") {
            continue;
        }
        let last_word = |parameter: &str| {
            let word = parameter.trim_end_matches(')').rsplit([' ', '*']).next().unwrap_or_default();
            word.trim().to_owned()
        };
        let parameters = parameters.split(',').map(last_word).filter(|word| word != "void").collect();
        found.push((name.to_owned(), comment.to_owned(), parameters));
    }
    found
}

#[test]
fn every_function_tells_of_its_parameters_and_its_threads() {
    // What a function is called for need not be explained, nor what the head explains.
    const SUBJECTS: [&str; 12] = [
        "context", "handle", "card", "monitor", "record", "party", "login", "index", "trust", "buffer",
        "size", "result",
    ];
    let functions = functions(&header());
    assert!(functions.len() > 60, "{}", functions.len());
    let names = |comment: &str, parameter: &str| comment.contains(&format!("`{parameter}`"));
    for (name, comment, parameters) in &functions {
        assert!(comment.contains("\n * Threads: "), "{name}");
        // "As `cie_other`." is a sentence: what is told there holds here as well.
        let other = comment.split_once(". As `").and_then(|(_, rest)| rest.split('`').next());
        let there = functions.iter().find(|(known, ..)| Some(&**known) == other);
        for parameter in parameters {
            let told =
                names(comment, parameter) || there.is_some_and(|(_, there, _)| names(there, parameter));
            assert!(told || SUBJECTS.contains(&&**parameter), "{name}: {parameter}\n{comment}");
        }
    }
}
