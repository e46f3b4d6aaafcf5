//! `completions` and `manual`: what goes to the shell and to `man`.

use std::io;

use cie::Language;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::failure::{self, Failure};
use crate::help;
use crate::language;
use crate::output::Output;

/// The headings of a manual page, in Italian.
const HEADINGS: [(&str, &str); 6] = [
    (".SH NAME", ".SH NOME"),
    (".SH SYNOPSIS", ".SH SINTASSI"),
    (".SH OPTIONS", ".SH OPZIONI"),
    (".SH COMMANDS", ".SH COMANDI"),
    (".SH \"EXIT STATUS\"", ".SH \"STATO DI USCITA\""),
    (".SH SECRETS", ".SH SEGRETI"),
];

pub(super) fn completions(shell: Shell, output: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::command(output.language), "cie", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.result(&json!({ "completions": script }), &script)
}

pub(super) fn manual(output: Output) -> Result<(), Failure> {
    let page = page(output.language).map_err(|e| Failure::Own(failure::OUTPUT, format!("- ({e})")))?;
    output.result(&json!({ "manual": page }), &page)
}

/// One page for everything: the command itself, then each of its commands with its own options.
fn page(language: Language) -> io::Result<String> {
    let command = help::command(language);
    let man = Man::new(command.clone()).title("CIE").manual("cie");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_options_section(&mut page)?;
    Roff::new().control("SH", ["COMMANDS"]).to_writer(&mut page)?;
    commands(&command, &mut page)?;
    section("EXIT STATUS", language::MANUAL_STATUS.of(language), &mut page)?;
    section("SECRETS", language::MANUAL_SECRETS.of(language), &mut page)?;
    let page = once(&String::from_utf8_lossy(&page));
    Ok(match language {
        Language::Italian => HEADINGS.iter().fold(page, |page, (from, to)| page.replace(from, to)),
        _ => page,
    })
}

/// The definitions that each piece brings along stand once, at the top.
fn once(page: &str) -> String {
    let definition = |line: &&str| line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq");
    let top = page.lines().filter(definition).take(2);
    top.chain(page.lines().filter(|line| !definition(line))).map(|line| format!("{line}\n")).collect()
}

/// Every command that does something, with the options that are its own.
fn commands(above: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    for command in above.get_subcommands() {
        if command.has_subcommands() {
            commands(command, page)?;
            continue;
        }
        let own = command.clone().mut_args(|argument| {
            let everywhere = argument.is_global_set();
            argument.hide(everywhere)
        });
        let name = own.get_bin_name().unwrap_or_default().to_owned();
        Roff::new().control("SS", [name.as_str()]).to_writer(page)?;
        let man = Man::new(own);
        let mut body = Vec::new();
        man.render_description_section(&mut body)?;
        body.extend_from_slice(b".PP\n");
        man.render_synopsis_section(&mut body)?;
        man.render_options_section(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        // Headings of sections would end this one.
        for line in body.lines().filter(|line| !line.starts_with(".SH ")) {
            page.extend_from_slice(format!("{line}\n").as_bytes());
        }
    }
    Ok(())
}

/// A section of plain lines.
fn section(heading: &str, text: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for line in text.lines() {
        roff.text([roman(line)]).control("br", []);
    }
    roff.to_writer(page)
}
