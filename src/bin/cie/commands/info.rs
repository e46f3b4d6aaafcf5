//! `info`: what the card tells anyone about itself. What names a person or a card is not printed: this
//! goes into reports of problems.

use std::fmt::{Display, Write};

use cie::card::{self, ChipFamily, Cie3Information, Information, Kind, KnownApplication};
use cie::cns::File;
use cie::ias;
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
    match information {
        Information::Cie3(information) => json!({
            "card": Kind::Cie3.name(),
            "chip": information.chip.name(),
            "atr": hex::encode_upper(&information.atr),
            "applications": information.applications.iter().map(|a| a.name()).collect::<Vec<_>>(),
            "pin": { "tries_left": left(information.pin_tries) },
            "puk": { "tries_left": left(information.puk_tries) },
            "readable": readable(information),
        }),
        Information::Contact(information) => {
            let hint = information.hint.as_ref();
            let [authentication, signature] = information.key_bits;
            json!({
                "card": information.kind.name(),
                "chip": hint.and_then(|hint| hint.ic_name()),
                "mask": hint.and_then(|hint| hint.mask_name()),
                "atr": hex::encode_upper(&information.atr),
                "applications": ["cns"],
                "pin": { "tries_left": null },
                "puk": { "tries_left": null },
                "key_bits": { "authentication": authentication, "signature": signature },
                "readable": information.readable.iter().map(File::to_string).collect::<Vec<_>>(),
            })
        }
        _ => json!({ "card": information.kind().name() }),
    }
}

fn to_text(information: &Information, output: Output) -> String {
    let language = output.language;
    let mut text = String::new();
    let mut line = |label: Text, values: &[&dyn Display]| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", label.with(language, values));
    };
    line(language::INFO_CARD, &[&kind_text(information.kind()).of(language)]);
    let unknown = language::READER_UNKNOWN.of(language);
    let untold = language::INFO_UNTOLD.of(language);
    match information {
        Information::Cie3(information) => {
            let chip = match information.chip {
                ChipFamily::Unknown => unknown.to_owned(),
                known => known.to_string(),
            };
            line(language::INFO_CHIP, &[&chip]);
            let applications: Vec<_> =
                information.applications.iter().map(|found| application_text(*found).of(language)).collect();
            line(language::INFO_APPLICATIONS, &[&applications.join(", ")]);
            let tries = |tries| left(tries).map_or(untold.to_owned(), |left| left.to_string());
            line(language::PIN_TRIES, &[&tries(information.pin_tries)]);
            line(language::PUK_TRIES, &[&tries(information.puk_tries)]);
            line(language::INFO_READABLE, &[&readable(information).join(", ")]);
        }
        Information::Contact(information) => {
            let hint = information.hint.as_ref();
            let ic = hint.and_then(|hint| hint.ic_name()).unwrap_or(unknown);
            let chip = match hint.and_then(|hint| hint.mask_name()) {
                Some(mask) => language::INFO_SYSTEM.with(language, &[&ic, &mask]),
                None => ic.to_owned(),
            };
            line(language::INFO_CHIP, &[&chip]);
            line(language::INFO_APPLICATIONS, &[&language::APPLICATION_CNS.of(language)]);
            line(language::PIN_TRIES, &[&untold]);
            line(language::PUK_TRIES, &[&untold]);
            let [authentication, signature] = information.key_bits;
            let bits = |bits: usize| match bits {
                0..2048 => language::INFO_WEAK_KEY.with(language, &[&bits]),
                _ => language::INFO_KEY_BITS.with(language, &[&bits]),
            };
            let no_key = || language::INFO_NO_KEY.of(language).to_owned();
            line(language::INFO_KEY, &[&authentication.map_or_else(no_key, bits)]);
            if let Some(signature) = signature {
                line(language::INFO_SIGNATURE_KEY, &[&bits(signature)]);
            }
            let readable: Vec<_> = information.readable.iter().map(File::to_string).collect();
            line(language::INFO_READABLE, &[&readable.join(", ")]);
        }
        _ => {}
    }
    text
}

/// What a person calls it.
pub(super) fn kind_text(kind: Kind) -> Text {
    match kind {
        Kind::Cie1 => language::CARD_CIE1,
        Kind::Cie2 => language::CARD_CIE2,
        Kind::Cie3 => language::CARD_CIE3,
        Kind::Cns => language::CARD_CNS,
        _ => language::CARD_OTHER,
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
fn readable(information: &Cie3Information) -> Vec<String> {
    let files = information.readable.iter().map(|file: &ias::File| file.reference().identifier);
    let root = information.readable_root.iter().map(|file: &ias::RootFile| file.reference().identifier);
    files.chain(root).map(|identifier| format!("EF.{identifier:04X}")).collect()
}
