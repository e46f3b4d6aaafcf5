//! The binary interface of the C library, from its header as gcc sees it and from the shared library itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use cie::c_api::{
    cie_error, cie_event, cie_open_options, cie_party_options, cie_reader, cie_statistics, cie_status_request,
};

use super::{compile, file, run};

/// The header without comments.
fn header() -> String {
    let text = std::fs::read_to_string(file("include/cie.h")).unwrap();
    let mut code = String::new();
    let mut rest = &*text;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").unwrap().1;
    }
    code + rest
}

/// In one line, with single blanks.
fn tidy(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(")
}

/// What the header declares.
pub fn prototypes() -> Vec<String> {
    let code = header();
    let lines: Vec<_> = code.lines().filter(|line| !line.starts_with('#')).collect();
    let declarations = lines.join("\n");
    let declarations = declarations.split(';').map(tidy);
    let functions: Vec<_> = declarations
        .map(|declaration| declaration.trim_start_matches("extern \"C\" {").trim().to_owned())
        .filter(|declaration| declaration.contains('(') && !declaration.starts_with("typedef"))
        .collect();
    assert_eq!(functions.len(), code.matches(");").count() - code.matches("(*").count(), "{functions:#?}");
    functions
}

/// The name of a function.
pub fn name(prototype: &str) -> &str {
    prototype.split('(').next().unwrap().rsplit([' ', '*']).next().unwrap()
}

/// Each structure of the header with its fields.
fn structures() -> Vec<(String, Vec<String>)> {
    let code = header();
    let bodies: Vec<_> = code.split("typedef struct ").skip(1).collect();
    bodies
        .into_iter()
        .filter_map(|body| {
            let (name, rest) = body.split_once(|c: char| c.is_whitespace()).unwrap();
            let (fields, _) = rest.strip_prefix('{')?.split_once('}').unwrap();
            let field = |line: &str| {
                let declarator = line.split('[').next().unwrap();
                declarator.rsplit([' ', '*']).next().unwrap().to_owned()
            };
            let fields = fields.split(';').map(tidy).filter(|line| !line.is_empty());
            Some((name.to_owned(), fields.map(|line| field(&line)).collect()))
        })
        .collect()
}

/// The names of the header's numbers.
fn numbers() -> Vec<String> {
    let code = header();
    let defined = code.lines().filter_map(|line| line.strip_prefix("#define "));
    defined.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

/// What a shared library exports.
pub fn exported(library: &Path) -> BTreeSet<String> {
    let symbols = run(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library));
    symbols.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// All of it, a line for each thing that a program relies on.
pub fn description(prefix: &Path) -> String {
    let mut program =
        "#include \"cie.h\"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n".to_owned();
    for number in numbers() {
        let _ = writeln!(program, "printf(\"number {number} %lld\\n\", (long long)({number}));");
    }
    for (name, fields) in structures() {
        let (size, align) = (format!("sizeof({name})"), format!("_Alignof({name})"));
        let _ = writeln!(program, "printf(\"struct {name}: size %zu, alignment %zu\\n\", {size}, {align});");
        for field in fields {
            let (offset, size) =
                (format!("offsetof({name}, {field})"), format!("sizeof((({name} *)0)->{field})"));
            let text = format!("field {name}.{field}: offset %zu, size %zu");
            let _ = writeln!(program, "printf(\"{text}\\n\", {offset}, {size});");
        }
    }
    for (name, text) in [("cie_result", "signed"), ("cie_handle", "unsigned")] {
        let _ = writeln!(program, "printf(\"type {name}: %zu bytes, {text}\\n\", sizeof({name}));");
        let sign = if text == "signed" { "<" } else { ">" };
        let _ = writeln!(program, "_Static_assert(({name})-1 {sign} 0, \"\");");
    }
    program.push_str("return 0;\n}\n");
    let folder = tempfile::tempdir().unwrap();
    let (source, binary) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&source, program).unwrap();
    compile(&[source.to_str().unwrap()], &[], &binary);

    let mut text =
        "# The binary interface of libcie.so on 64-bit Linux: tests/c_api.rs compares it.\n".to_owned();
    let dynamic = run(Command::new("readelf").arg("-dW").arg(prefix.join("lib/libcie.so")));
    let soname = dynamic.lines().find(|line| line.contains("(SONAME)")).unwrap();
    let _ = writeln!(text, "soname {}", soname.split(['[', ']']).nth(1).unwrap());
    exported(&prefix.join("lib/libcie.so")).iter().for_each(|name| text += &format!("exported {name}\n"));
    prototypes().iter().for_each(|prototype| text += &format!("function {prototype}\n"));
    header()
        .split(';')
        .map(tidy)
        .filter_map(|line| Some(line[line.find("typedef")?..].to_owned()))
        .filter(|line| line.contains("(*"))
        .for_each(|line| text += &format!("callback {line}\n"));
    text + &run(&mut Command::new(&binary))
}

/// The structures as Rust lays them out.
pub fn in_rust() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    macro_rules! structures {
        ($($type:ident { $($field:ident),* })*) => {$(
            let (size, align) = (size_of::<$type>(), align_of::<$type>());
            lines.insert(format!("struct {}: size {size}, alignment {align}", stringify!($type)));
            $({
                fn size<T, F>(_: impl Fn(&T) -> &F) -> usize {
                    size_of::<F>()
                }
                let (offset, size) = (std::mem::offset_of!($type, $field), size(|value: &$type| &value.$field));
                let name = concat!(stringify!($type), ".", stringify!($field));
                lines.insert(format!("field {name}: offset {offset}, size {size}"));
            })*
        )*};
    }
    structures! {
        cie_error { result, tries_left, is_doubtful }
        cie_event { kind, atr_length, atr, reader }
        cie_open_options { size, recorder, progress, data }
        cie_party_options { size, lifetime_seconds, accept, flags, client_authentication }
        cie_reader { name, state, atr_length, atr, in_use, is_exclusive }
        cie_statistics { commands, get_responses, bytes_sent, bytes_received }
        cie_status_request { source, is_fallback, depth, locations, body_length, max_length }
    }
    lines
}
