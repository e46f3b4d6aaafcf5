//! The rules of the house (docs/architecture.md), read off the source: who imports whom, and who names
//! which dependency.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up; modules of one line are siblings and do not know each other.
const FLOORS: [&[&str]; 12] = [
    &["secret", "environment", "test_mark", "date"],
    &["iso7816", "crypto"],
    &["transport", "cms"],
    &["secure_messaging", "trust"],
    &["file", "pin"],
    &["dialogue"],
    &["ias", "cns"],
    &["passive", "identity"],
    &["card", "explain", "genuine", "kiosk", "login"],
    &["redact", "web_eid"],
    &["error"],
    &["c_api"],
];
/// Modules that talk to a chip or tell of it, and modules that judge paper: neither knows the other.
const CARD_TOWER: [&str; 8] =
    ["transport", "secure_messaging", "file", "pin", "dialogue", "ias", "cns", "explain"];
const PAPER_TOWER: [&str; 3] = ["cms", "trust", "passive"];

struct Source {
    /// All of it.
    text: String,
    /// Path under `src`, such as `ias/error.rs`.
    path: String,
    /// The module on a floor that it belongs to.
    module: String,
    /// The text, without comments and without the unit tests at the end.
    code: String,
    first_line: String,
}

impl Source {
    /// The top-level modules of this crate that the code names, by `crate::` or by climbing with `super::`.
    fn imports(&self) -> Vec<String> {
        // `ias.rs` is one level below the crate, `ias/error.rs` two.
        let depth = self.path.split('/').count();
        let root = "super::".repeat(depth);
        let mut names = Vec::new();
        for prefix in ["crate::", root.as_str()] {
            for (at, _) in self.code.match_indices(prefix) {
                let before = self.code[..at].chars().next_back();
                let longer_path = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
                if !longer_path {
                    names.extend(first_words(&self.code[at + prefix.len()..]));
                }
            }
        }
        names
    }

    /// Whether the code names this dependency.
    fn names(&self, dependency: &str) -> bool {
        self.code.match_indices(&format!("{dependency}::")).any(|(at, _)| {
            // `crate::cms::` is ours; `::cms::` and a bare `cms::` after `use` or in an expression are not.
            let before = self.code[..at].trim_end_matches("::");
            !before.ends_with("crate") && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                || self.code[..at].ends_with(" ::")
        })
    }
}

/// The names that a path or a list of paths begins with: `a::B` gives a, `{a, b::{C, D}}` gives a and b.
fn first_words(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = text.strip_prefix('{') else { return vec![word(text)] };
    let (mut words, mut depth, mut fresh) = (Vec::new(), 1, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && c.is_alphanumeric() => {
                words.push(word(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    words
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
        let code = body.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
        Source { path: relative, module, code, first_line: text.lines().next().unwrap().to_owned(), text }
    };
    let mut sources: Vec<Source> = found.into_iter().map(read).collect();
    let is_test =
        |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/") || path == "vectors.rs";
    sources.retain(|source| !is_test(&source.path));
    assert!(sources.len() > 40, "only {} files found", sources.len());
    sources
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn the_reader_of_this_test_reads() {
    assert_eq!(first_words("a::B;"), ["a"]);
    assert_eq!(first_words("{a, b::{C, D},\n    e::f};"), ["a", "b", "e"]);
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        module: String::new(),
        code: code.to_owned(),
        text: String::new(),
        first_line: String::new(),
    };
    assert_eq!(source("pin.rs", "use super::trust::Error;").imports(), ["trust"]);
    assert_eq!(source("ias/sign.rs", "use super::super::trust;").imports(), ["trust"]);
    assert!(source("ias/sign.rs", "use super::Error;").imports().is_empty());
    assert_eq!(source("pin.rs", "use crate::{\n    ias::Session, file};").imports(), ["ias", "file"]);
    assert!(source("ias.rs", "let x = der::Any::null();").names("der"));
    assert!(source("ias.rs", "use ::cms::Thing;").names("cms"));
    assert!(!source("ias.rs", "use crate::cms::Thing;").names("cms"));
    assert!(!source("ias.rs", "border::Line").names("der"));
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    let mut imports = 0;
    for source in sources() {
        let beside = matches!(&*source.module, "lib" | "emulator" | "fuzzing" | "bin");
        let Some(own) = floor(&source.module) else {
            assert!(beside, "{} stands on no floor", source.path);
            continue;
        };
        for name in source.imports() {
            if name == "vectors" {
                continue;
            }
            // Beside the towers nobody looks, but the gatherer of errors.
            assert!(name != "fuzzing", "{} names {name}", source.path);
            // And whoever makes software cards, or hands them on.
            let may = matches!(&*source.module, "error" | "redact" | "c_api");
            assert!(name != "emulator" || may, "{} names {name}", source.path);
            let Some(other) = floor(&name) else { continue };
            imports += 1;
            assert!(name == source.module || other < own, "{} names {name}", source.path);
            let across = |a: &[&str], b: &[&str]| a.contains(&&*source.module) && b.contains(&&*name);
            assert!(!across(&CARD_TOWER, &PAPER_TOWER), "{} names {name}", source.path);
            let bridge = source.module == "passive";
            assert!(bridge || !across(&PAPER_TOWER, &CARD_TOWER), "{} names {name}", source.path);
        }
    }
    assert!(imports > 60, "only {imports} imports seen");
}

#[test]
fn the_emulator_shares_only_the_ground_floor_and_the_transport() {
    let allowed =
        ["secret", "environment", "test_mark", "date", "iso7816", "crypto", "transport", "emulator"];
    let mut imports = 0;
    for source in sources().iter().filter(|source| source.module == "emulator") {
        for name in source.imports() {
            imports += 1;
            assert!(allowed.contains(&&*name), "{} names {name}", source.path);
        }
    }
    assert!(imports > 40, "only {imports} imports seen");
}

#[test]
fn each_dependency_is_named_where_it_belongs() {
    for source in sources() {
        let crypto = source.module == "crypto";
        let paper = PAPER_TOWER.contains(&&*source.module);
        let pki = source.path.starts_with("emulator/pki") || source.module == "fuzzing";
        let allowed = [
            ("openssl", crypto || source.path == "trust/path.rs"),
            ("sha2", crypto),
            ("redis", source.path == "login/store/redis.rs"),
            ("ureq", source.path == "bin/cie/fetch.rs"),
            ("pcsc", source.path.starts_with("transport/pcsc")),
            ("x509_parser", paper || pki),
            ("x509_cert", paper || pki),
            ("der", paper || pki),
            ("cms", paper || pki || source.module == "lib"),
        ];
        for (dependency, allowed) in allowed {
            assert!(allowed || !source.names(dependency), "{} names {dependency}", source.path);
        }
        let is_border = source.path == "c_api/border.rs";
        // What names a function for C is no use of a pointer.
        let code = if source.module == "c_api" {
            source.code.replace("#[unsafe(no_mangle)]", "").replace("allow(unsafe_code)", "")
        } else if source.module == "lib" {
            source.code.replace("forbid(unsafe_code)", "")
        } else {
            source.code.clone()
        };
        assert!(is_border || !code.contains("unsafe"), "{}", source.path);
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    for source in sources() {
        assert!(source.first_line.starts_with("//! "), "{}", source.path);
        assert!(source.code.lines().count() <= 450, "{}", source.path);
        // Code is formatted; comments are not. A table's row is one line.
        let comments =
            source.text.lines().filter(|line| line.trim_start().starts_with("//") && !line.contains(" | "));
        for comment in comments {
            assert!(comment.chars().count() <= 120, "{}: {comment}", source.path);
        }
    }
}

/// Whoever follows the README with the oldest Rust that it names builds every dependency, those of the examples too.
#[test]
fn the_pinned_dependencies_build_with_the_oldest_rust() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap()).collect() };
    let oldest = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        if let Some(needed) = package["rust_version"].as_str() {
            let needed = version(needed).into_iter().take(oldest.len()).collect::<Vec<_>>();
            assert!(needed <= oldest, "{} needs Rust {needed:?}", package["name"]);
        }
    }
}

/// The conditions that hold a `let` beside something else: they came with Rust 1.88, and clippy, which knows of what is
/// new in the standard library, says nothing of them.
struct LetChains(usize);

impl<'ast> syn::visit::Visit<'ast> for LetChains {
    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let is_let = |side: &syn::Expr| matches!(side, syn::Expr::Let(_));
        self.0 += usize::from(is_let(&node.left) || is_let(&node.right));
        syn::visit::visit_expr_binary(self, node);
    }
}

fn let_chains(text: &str) -> usize {
    let mut found = LetChains(0);
    syn::visit::Visit::visit_file(&mut found, &syn::parse_file(text).unwrap());
    found.0
}

#[test]
fn the_language_is_that_of_the_oldest_rust() {
    assert_eq!(let_chains("fn f() { if a && b { } else if let Some(x) = (a && b) { } }"), 0);
    assert_eq!(let_chains("fn f() { if a && let Some(x) = b { } while let S { x } = a && b { } }"), 2);
    for source in sources() {
        assert_eq!(let_chains(&source.text), 0, "{}", source.path);
    }
}
