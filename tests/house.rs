//! The rules of the house (docs/architecture.md), read off the source: who imports whom, and who names
//! which dependency.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up; modules of one line are siblings and do not know each other.
const FLOORS: [&[&str]; 8] = [
    &["secret", "environment", "test_mark"],
    &["iso7816", "crypto"],
    &["transport", "cms"],
    &["secure_messaging", "trust"],
    &["file", "pin"],
    &["ias"],
    &["passive"],
    &["error"],
];
/// Modules that talk to a chip, and modules that judge paper: neither knows the other.
const CARD_TOWER: [&str; 5] = ["transport", "secure_messaging", "file", "pin", "ias"];
const PAPER_TOWER: [&str; 3] = ["cms", "trust", "passive"];

struct Source {
    /// Path under `src`, such as `ias/error.rs`.
    path: String,
    /// The module on a floor that it belongs to.
    module: String,
    /// The lines, without comments and without the unit tests at the end.
    code: Vec<String>,
    first_line: String,
}

fn sources() -> Vec<Source> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, found),
                false => found.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let module = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = body.lines().map(|line| line.split("//").next().unwrap().to_owned()).collect();
        Source { path: relative, module, code, first_line: text.lines().next().unwrap().to_owned() }
    };
    let mut sources: Vec<Source> = found.into_iter().map(read).collect();
    sources.retain(|source| !source.path.ends_with("/tests.rs") && source.path != "vectors.rs");
    assert!(sources.len() > 40, "only {} files found", sources.len());
    sources
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The modules of this crate that a line names by `crate::`.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            // use crate::{a, b::C, d};
            Some(list) => names.extend(list.split(',').map(|item| word(item.trim()))),
            None => names.push(word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    let mut imports = 0;
    for source in sources() {
        let Some(own) = floor(&source.module) else { continue };
        for line in &source.code {
            for name in named(line) {
                let Some(other) = floor(&name) else { continue };
                imports += 1;
                // The gatherer may name the emulator's error; nothing else looks beside the towers.
                assert!(name == source.module || other < own, "{}: {line}", source.path);
                let across = |a: &[&str], b: &[&str]| a.contains(&&*source.module) && b.contains(&&*name);
                assert!(!across(&CARD_TOWER, &PAPER_TOWER), "{}: {line}", source.path);
                let bridge = source.module == "passive";
                assert!(bridge || !across(&PAPER_TOWER, &CARD_TOWER), "{}: {line}", source.path);
            }
        }
    }
    assert!(imports > 60, "only {imports} imports seen");
}

#[test]
fn the_emulator_shares_only_the_ground_floor_and_the_transport() {
    let allowed = ["secret", "environment", "test_mark", "iso7816", "crypto", "transport", "emulator"];
    let mut imports = 0;
    for source in sources().iter().filter(|source| source.module == "emulator") {
        for line in &source.code {
            for name in named(line) {
                imports += 1;
                assert!(allowed.contains(&&*name), "{}: {line}", source.path);
            }
        }
    }
    assert!(imports > 40, "only {imports} imports seen");
}

#[test]
fn each_dependency_is_named_where_it_belongs() {
    let paper = ["cms", "trust", "passive"];
    for source in sources() {
        for line in &source.code {
            let names = |word: &str| line.contains(&format!("{word}::"));
            if names("openssl") {
                assert!(
                    source.module == "crypto" || source.path == "trust/path.rs",
                    "{}: {line}",
                    source.path
                );
            }
            let foreign =
                line.contains("use der::") || line.contains("::cms::") || line.contains("use cms::");
            if names("x509_parser") || names("x509_cert") || foreign {
                let pki = source.path.starts_with("emulator/pki") || source.module == "fuzzing";
                assert!(paper.contains(&&*source.module) || pki, "{}: {line}", source.path);
            }
            assert!(!line.contains("unsafe"), "{}: {line}", source.path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    for source in sources() {
        assert!(source.first_line.starts_with("//! "), "{}", source.path);
        assert!(source.code.len() <= 450, "{} has {} lines", source.path, source.code.len());
    }
}
