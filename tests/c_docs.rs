//! The page of the C library: its commands install it, its program compiles, its tables are the header's.
#![cfg(all(feature = "system-tests", feature = "c-api"))]
#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "common/c_library.rs"]
#[allow(dead_code)]
mod c_library;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/c-api.md")).unwrap()
}

/// What stands between the fences of a block of the page, the first that has `word` in it.
fn block(language: &str, word: &str) -> String {
    let (page, fence) = (page(), format!("```{language}\n"));
    let mut blocks = page.split(&fence).skip(1);
    let found = blocks.find_map(|rest| rest.split("```").next().filter(|block| block.contains(word)));
    found.unwrap_or_else(|| panic!("no block with {word}")).to_owned()
}

/// Where this build's output lies.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

fn shell(script: &str, folder: &Path, prefix: &Path) -> String {
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target())
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{script}\n{text}");
    text
}

#[test]
fn the_page_installs_a_library_with_which_its_program_compiles_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("local");
    let rehoused = |text: &str| text.replace("/usr/local", prefix.to_str().unwrap());

    // As it stands there, but for the place, and for what needs root.
    let install = block("sh", "cargo rustc");
    assert!(install.contains("\nldconfig\n") && install.starts_with("apt-get install"));
    let install: String = install
        .lines()
        .filter(|line| !line.starts_with("apt-get") && *line != "ldconfig")
        .fold(String::new(), |text, line| {
            text + &rehoused(line).replace(" target/", &format!(" {}/", target().display())) + "\n"
        });
    shell(&install, root(), &prefix);
    let version = shell("pkg-config --modversion cie", folder.path(), &prefix);
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));

    fs::write(folder.path().join("first.c"), block("c", "int main")).unwrap();
    shell(&block("sh", "gcc"), folder.path(), &prefix);
    let output = Command::new(folder.path().join("first"))
        .env("LD_LIBRARY_PATH", prefix.join("lib"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), &*said),
        (Some(1), "I certificati attendibili non sono utilizzabili.\n")
    );

    // The soname of the file that the page names.
    let (library, soname) = c_library::names();
    let read = shell(&format!("readelf -d local/lib/{library}"), folder.path(), &prefix);
    assert!(read.contains(&format!("soname: [{soname}]")), "{read}");
    let exported = shell(&format!("nm -D --defined-only local/lib/{library}"), folder.path(), &prefix);
    assert!(
        exported.lines().count() > 50 && exported.lines().all(|line| line.contains(" T cie_")),
        "{exported}"
    );

    let remove = block_inline("Remove it with `");
    shell(&rehoused(&remove), folder.path(), &prefix);
    let left: Vec<_> = ["include", "lib", "lib/pkgconfig"]
        .iter()
        .flat_map(|below| fs::read_dir(prefix.join(below)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.is_dir())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A command that stands within a sentence.
fn block_inline(before: &str) -> String {
    let page = page();
    let rest = page.split_once(before).unwrap().1;
    rest.split('`').next().unwrap().to_owned()
}

#[test]
fn the_tables_of_results_are_the_header_s() {
    let header = fs::read_to_string(root().join("include/cie.h")).unwrap();
    let page = page();
    // Comment, name and number of each result, as cbindgen wrote them.
    let mut comment = String::new();
    let mut results = 0;
    for line in header.lines() {
        match line.strip_prefix(" * ") {
            Some(text) => comment = format!("{comment} {text}").trim().to_owned(),
            None if line.starts_with("/**") => comment.clear(),
            None => {}
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let ["#define", name, number] = words[..] else { continue };
        // The numbers that have the type of results stand together, behind all others.
        if name == "CIE_OK" || results > 0 {
            assert!(page.contains(&format!("| {number} | `{name}` | {comment} |\n")), "{name}: {comment}");
            results += 1;
        }
    }
    assert!(results > cie::Error::codes().count(), "{results}");
    let is_row = |line: &&str| line.split('|').nth(2).is_some_and(|name| name.starts_with(" `CIE_"));
    let rows = page.lines().filter(is_row).count();
    assert_eq!(rows, results, "the page has no row too many");
}
