//! `nis`: whether the card that lies there is a genuine CIE 3, and its number for services. No PIN is asked for.

use std::fmt::Write;

use cie::environment::moment;
use cie::kiosk::{self, AuthenticNis};
use cie::passive::SecurityObjectPolicy;
use serde_json::{Value, json};

use super::trusted;
use crate::arguments::{Common, Nis};
use crate::failure::{self, Failure};
use crate::language;
use crate::output::Output;
use crate::progress::Progress;
use crate::reader;

pub(super) fn run(command: &Nis, common: &Common, output: Output) -> Result<(), Failure> {
    let trust = trusted::store(&command.trusted, output)?;
    let policy = SecurityObjectPolicy::new();
    let policy = if command.allow_sha1 { policy.allow_sha1() } else { policy };
    let card = reader::card(common, output)?;
    let mut application = card.into_ias().map_err(|_| Failure::Own(failure::OTHER_CARD, String::new()))?;
    let progress = Progress::start(output, language::CHECKING_CARD);
    let nis = kiosk::verify_nis(&mut application, &trust, &policy)?;
    drop(progress);
    output.result(&to_json(&nis), &to_text(&nis, output))
}

fn to_json(nis: &AuthenticNis) -> Value {
    json!({
        "nis": nis.digits(),
        "checked_at": moment::format(nis.checked_at()),
        "is_test": nis.is_test(),
        "is_legacy": nis.files().is_legacy(),
    })
}

fn to_text(nis: &AuthenticNis, output: Output) -> String {
    let language = output.language;
    let mut text = String::new();
    let mut line = |shown: bool, label: language::Text, value: &str| {
        if shown {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", label.with(language, &[&value]));
        }
    };
    // First of all, so that nobody reads on as if it were somebody.
    line(nis.is_test(), language::CITIZEN_TEST, "");
    line(true, language::NIS_NUMBER, nis.digits());
    line(true, language::NIS_GENUINE, "");
    line(nis.files().is_legacy(), language::CITIZEN_LEGACY, "");
    text
}
