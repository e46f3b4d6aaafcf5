//! Every compiler takes the header, and what it says links.

use std::fs;
use std::process::Command;

use crate::common::c_library::c_library;
use crate::{Folder, done};

/// Compiles in C and in C++, and calls something of every sort.
const PROGRAM: &str = r#"
#include <cie.h>
#include <cie.h>

static int32_t told(void *data, const cie_event *event)
{
    (void)data;
    return event->kind == CIE_EVENT_SERVICE_LOST;
}

int main(void)
{
    cie_context *context;
    cie_handle monitor, trust;
    cie_open_options options = {sizeof(cie_open_options), 0, 0, 0};
    cie_event_callback callback = told;
    char text[200];
    size_t size = sizeof text;

    if (cie_context_new(&context) != CIE_OK) return 1;
    if (cie_trust_open(context, CIE_ALLOW_TEST_PKI, &trust) != CIE_OK) return 2;
    if (cie_monitor_open(context, &monitor) != CIE_OK) return 3;
    if (cie_monitor_cancel(context, monitor) != CIE_OK) return 4;
    if (cie_monitor_run(context, monitor, CIE_FOREVER, callback, 0) != CIE_CANCELLED) return 5;
    if (cie_card_open(context, "nothing", 0, &options, &monitor) != CIE_ARGUMENT) return 6;
    if (cie_error_message(context, CIE_ITALIAN, text, &size) != CIE_OK || size < 2) return 7;
    if (cie_result_name(CIE_PIN_WRONG)[0] != 'p' || cie_version()[0] == 0) return 8;
    return cie_context_free(context);
}
"#;

#[test]
fn c_and_cpp_take_the_header() {
    let (library, folder) = (c_library(), tempfile::tempdir().unwrap());
    let lib = library.prefix.join("lib");
    for (compiler, language, standard) in [
        ("gcc", "c", "c99"),
        ("gcc", "c", "c11"),
        ("gcc", "c", "c17"),
        ("gcc", "c", "c2x"),
        ("g++", "c++", "c++98"),
        ("g++", "c++", "c++11"),
        ("g++", "c++", "c++20"),
    ] {
        let (source, program) = (folder.path().join("program"), folder.path().join(standard));
        fs::write(&source, PROGRAM).unwrap();
        let mut compile = Command::new(compiler);
        compile.args(["-Wall", "-Wextra", "-Wpedantic", "-pedantic-errors", "-Werror", "-Wconversion"]);
        compile.args([&format!("-std={standard}"), "-x", language]).arg(&source).args(["-x", "none", "-I"]);
        compile.arg(library.prefix.join("include")).arg("-L").arg(&lib).args(["-lcie", "-o"]).arg(&program);
        done(&mut compile);
        done(Command::new(&program).env("LD_LIBRARY_PATH", &lib));
    }
}

/// As for firmware that has one file: nothing of the library is needed when it runs.
#[test]
fn an_example_links_with_the_static_library() {
    let (library, card) = (c_library(), Folder::cie3());
    // The linker takes the shared one where both lie.
    let (alone, program) = (card.path("lib"), card.path("login"));
    fs::create_dir_all(alone.join("pkgconfig")).unwrap();
    fs::hard_link(library.prefix.join("lib/libcie.a"), alone.join("libcie.a"))
        .or_else(|_| fs::copy(library.prefix.join("lib/libcie.a"), alone.join("libcie.a")).map(drop))
        .unwrap();
    for name in ["lib/pkgconfig/cie.pc", "include/cie.h"] {
        fs::create_dir_all(card.path(name).parent().unwrap()).unwrap();
        fs::copy(library.prefix.join(name), card.path(name)).unwrap();
    }
    let flags = done(
        Command::new("pkg-config")
            .args(["--static", "--cflags", "--libs", "cie"])
            .env("PKG_CONFIG_PATH", alone.join("pkgconfig")),
    );
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/c/login.c");
    let mut compile = Command::new("gcc");
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", source]).args(flags.split_whitespace());
    done(compile.arg("-o").arg(&program));
    let needed = done(Command::new("ldd").arg(&program));
    assert!(!needed.contains("libcie"), "{needed}");
    let mut login = Command::new(&program);
    login.args(crate::citizen::login_options(&card)).arg("--pin-file").arg(card.write("pin", "12345678\n"));
    let said = done(&mut login);
    assert!(said.contains(&card.of_citizen("fiscal_code")), "{said}");
}
