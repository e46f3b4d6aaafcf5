//! The C library, built as its page says and laid out as if it were installed.
#![allow(clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the C library lies: `include/cie.h`, `lib/libcie.so` with its other names, `lib/libcie.a`,
/// `lib/pkgconfig/cie.pc`.
pub struct CLibrary {
    pub prefix: PathBuf,
}

/// Builds it once for a test program, with everything in it.
pub fn c_library() -> &'static CLibrary {
    static BUILT: OnceLock<CLibrary> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // This program lies in target/PROFILE/deps.
        let program = std::env::current_exe().unwrap();
        let profile = program.parent().and_then(Path::parent).unwrap();
        let target = profile.parent().unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["rustc", "--locked", "--quiet", "--lib", "--all-features"])
            .args(["--crate-type", "cdylib,staticlib", "--target-dir"])
            .arg(target)
            .args(if profile.ends_with("release") { &["--release"][..] } else { &[] })
            .current_dir(root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let prefixes = target.join("c-library");
        // Those of test programs that are gone.
        for old in std::fs::read_dir(&prefixes).into_iter().flatten().flatten() {
            if !Path::new("/proc").join(old.file_name()).exists() {
                let _ = std::fs::remove_dir_all(old.path());
            }
        }
        let prefix = prefixes.join(format!("{}", std::process::id()));
        let lib = prefix.join("lib");
        std::fs::create_dir_all(lib.join("pkgconfig")).unwrap();
        std::fs::create_dir_all(prefix.join("include")).unwrap();
        let copy = |from: PathBuf, to: PathBuf| {
            std::fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        };
        copy(root.join("include/cie.h"), prefix.join("include/cie.h"));
        copy(root.join("include/cie.pc"), lib.join("pkgconfig/cie.pc"));
        copy(profile.join("libcie.a"), lib.join("libcie.a"));
        let (full, soname) = names();
        copy(profile.join("libcie.so"), lib.join(&full));
        std::os::unix::fs::symlink(&full, lib.join(soname)).unwrap();
        std::os::unix::fs::symlink(&full, lib.join("libcie.so")).unwrap();
        CLibrary { prefix }
    })
}

/// The shared library's file, and its soname.
pub fn names() -> (String, String) {
    let version = env!("CARGO_PKG_VERSION");
    let (major, rest) = version.split_once('.').unwrap();
    let minor = rest.split('.').next().unwrap();
    let soname = if major == "0" { format!("libcie.so.0.{minor}") } else { format!("libcie.so.{major}") };
    (format!("libcie.so.{version}"), soname)
}
