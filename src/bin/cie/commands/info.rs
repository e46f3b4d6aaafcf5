//! `info`: what the card tells anyone about itself. What names a person or a card is not printed: this
//! goes into reports of problems.

use std::fmt::Write;

use cie::card::{self, ChipFamily, Information, Kind, KnownApplication};
use cie::ias::{File, RootFile};
use serde_json::{Value, json};

use super::left;
use crate::arguments::Common;
use crate::failure::Failure;
use crate::language::{self, Text};
use crate::output::Output;
use crate::progress::Progress;
use crate::reader;

pub(super) fn run(common: &Common, output: Output) -> Result<(), Failure> {
    let link = reader::link(common, output)?;
    let progress = Progress::start(output, language::LOOKING);
    let mut card = card::open(link)?;
    let information = card.information()?;
    drop(progress);
    output.result(&to_json(&information), &to_text(&information, output))
}

fn to_json(information: &Information) -> Value {
    let applications: Vec<_> = information.applications.iter().map(|found| application(*found)).collect();
    json!({
        "card": kind(information.kind),
        "chip": chip(information.chip),
        "atr": hex::encode_upper(&information.atr),
        "applications": applications,
        "pin": { "tries_left": left(information.pin_tries) },
        "puk": { "tries_left": left(information.puk_tries) },
        "readable": readable(information),
    })
}

fn to_text(information: &Information, output: Output) -> String {
    let mut text = String::new();
    let mut line = |label: Text, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", label.with(output.language, &[&value]));
    };
    line(language::INFO_CARD, kind_text(information.kind).of(output.language));
    let chip = match information.chip {
        ChipFamily::Unknown => language::READER_UNKNOWN.of(output.language).to_owned(),
        known => known.to_string(),
    };
    line(language::INFO_CHIP, &chip);
    let applications: Vec<_> =
        information.applications.iter().map(|found| application_text(*found).of(output.language)).collect();
    line(language::INFO_APPLICATIONS, &applications.join(", "));
    let unknown = language::INFO_UNTOLD.of(output.language);
    let tries = |tries| left(tries).map_or(unknown.to_owned(), |left| left.to_string());
    line(language::PIN_TRIES, &tries(information.pin_tries));
    line(language::PUK_TRIES, &tries(information.puk_tries));
    line(language::INFO_READABLE, &readable(information).join(", "));
    text
}

/// The stable name of a kind of card.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Cie3 => "cie3",
        _ => "unknown",
    }
}

/// What a person calls it.
pub(super) fn kind_text(kind: Kind) -> Text {
    match kind {
        Kind::Cie3 => language::CARD_CIE3,
        _ => language::CARD_OTHER,
    }
}

fn chip(chip: ChipFamily) -> &'static str {
    match chip {
        ChipFamily::Gemalto => "gemalto",
        ChipFamily::Gemalto2 => "gemalto2",
        ChipFamily::Nxp => "nxp",
        ChipFamily::St => "st",
        ChipFamily::Actalis => "actalis",
        ChipFamily::Bit4id => "bit4id",
        _ => "unknown",
    }
}

fn application(application: KnownApplication) -> &'static str {
    match application {
        KnownApplication::IasEcc => "ias-ecc",
        KnownApplication::Cie => "cie",
        KnownApplication::TravelDocument => "travel-document",
        _ => "unknown",
    }
}

fn application_text(application: KnownApplication) -> Text {
    match application {
        KnownApplication::IasEcc => language::APPLICATION_IAS,
        KnownApplication::Cie => language::APPLICATION_CIE,
        KnownApplication::TravelDocument => language::APPLICATION_TRAVEL,
        _ => language::READER_UNKNOWN,
    }
}

/// The files that are read without a PIN, by their identifiers.
fn readable(information: &Information) -> Vec<String> {
    let files = information.readable.iter().map(|file: &File| file.reference().identifier);
    let root = information.readable_root.iter().map(|file: &RootFile| file.reference().identifier);
    files.chain(root).map(|identifier| format!("EF.{identifier:04X}")).collect()
}
