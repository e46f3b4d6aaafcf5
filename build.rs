//! Gives the shared C library its soname: a program that was linked with one version is not given another that would
//! break it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    if std::env::var_os("CARGO_FEATURE_C_API").is_none() || of("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }
    let (major, minor) = (of("CARGO_PKG_VERSION_MAJOR"), of("CARGO_PKG_VERSION_MINOR"));
    // Before 1.0 a minor version may break programs, as cargo has it.
    let version = if major == "0" { format!("0.{minor}") } else { major };
    // The manifest names no cdylib, so the argument for those alone is not to be had; linkers pass over a soname where
    // the output is a program.
    println!("cargo::rustc-link-arg=-Wl,-soname,libcie.so.{version}");
    // Threads of the library may outlive what was closed by as long as a service hangs, and each time that it is unloaded
    // the standard library leaves a key for thread-local data behind: it stays loaded.
    println!("cargo::rustc-link-arg=-Wl,-z,nodelete");
}
