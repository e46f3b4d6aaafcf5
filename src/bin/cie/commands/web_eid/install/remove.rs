//! `web-eid install --remove`: what was registered under a name goes, and nothing else.

use std::path::PathBuf;

use cie::Language;
use serde_json::json;

use super::changes::{Changes, Failed};
use super::manifest::{self, Found};
use super::places::Places;
use super::{file_of, folders, wrapper};
use crate::failure::{self, Failure};
use crate::language;
use crate::output::{self, Output};

pub(super) fn run(name: &str, places: &Places, output: Output) -> Result<(), Failure> {
    tell(name, &carry_out(name, places, output.language)?, output)
}

/// What was removed, and what was left with the reason.
pub(super) struct Removed {
    ours: Vec<PathBuf>,
    left: Vec<(String, PathBuf)>,
}

/// Removes it, without a word.
pub(super) fn carry_out(name: &str, places: &Places, language: Language) -> Result<Removed, Failure> {
    let script = places.data.join(wrapper::file_name(name));
    let host = super::text_path(&script)?;
    let (mut ours, mut left, mut kept) = (Vec::new(), Vec::new(), false);
    let everybody = places.system.iter().map(|folder| (folder, true));
    for (folder, system) in places.user.iter().map(|place| (&place.folder, false)).chain(everybody) {
        let file = file_of(folder, name);
        match manifest::look(&file, host) {
            Found::Nothing => {}
            // Whoever manages the computer put it there; it still needs the script.
            Found::Ours if system => kept = true,
            Found::Ours => ours.push(file),
            Found::Foreign(foreign) => left.push((foreign.told(&file, language), file)),
        }
    }
    match manifest::look_at_script(&script) {
        Found::Ours if !kept => ours.push(script),
        Found::Foreign(foreign) => left.push((foreign.told(&script, language), script)),
        Found::Ours | Found::Nothing => {}
    }
    // Also without any: an `install` that was killed may have left folders.
    take_away(&ours, places)?;
    Ok(Removed { ours, left })
}

/// All, or nothing.
fn take_away(ours: &[PathBuf], places: &Places) -> Result<(), Failure> {
    let mut changes = Changes::default();
    let mut removed = || -> Result<(), Failed> {
        ours.iter().try_for_each(|file| changes.remove(file))?;
        folders::remove(places, &mut changes)
    };
    removed().map_err(|failed| super::taken_back(failure::NOT_REMOVED, changes, &failed))
}

fn tell(name: &str, Removed { ours, left }: &Removed, output: Output) -> Result<(), Failure> {
    let head = if ours.is_empty() { language::WEB_EID_ABSENT } else { language::WEB_EID_REMOVED };
    let mut text = head.with(output.language, &[&name]) + "\n";
    for file in ours {
        text += &format!("  {}\n", file.display());
    }
    for (told, _) in left {
        text += &format!("{}\n", language::WEB_EID_LEFT.with(output.language, &[told]));
    }
    let removed: Vec<_> = ours.iter().map(|file| output::path(file)).collect();
    let left: Vec<_> = left.iter().map(|(_, file)| output::path(file)).collect();
    output.result(&json!({ "web_eid": { "name": name, "removed": removed, "left": left } }), &text)
}
