//! The recorded dialogues of fixtures/traces played back: as they are, and with something changed in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod dialogues;
#[path = "replay/mutation.rs"]
mod mutation;
#[path = "replay/strict.rs"]
mod strict;

use std::path::PathBuf;

use cie::error::Error;
use cie::transport::replay::{Failed, Replay};
use cie::transport::trace::Trace;
use dialogues::{Dialogue, Outcome, fixtures, named};

/// A kept dialogue.
struct Kept {
    name: String,
    text: String,
    dialogue: Dialogue,
    right: Outcome,
}

fn kept() -> Vec<Kept> {
    let folder = fixtures().join("traces");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "trace"));
    files.sort();
    assert!(files.len() >= 40, "only {} traces", files.len());
    let names: Vec<_> = dialogues::OF_EVERY_CARD
        .into_iter()
        .chain(dialogues::OF_CIE3)
        .chain(dialogues::OF_CONTACT_CARDS)
        .map(|(name, _)| name)
        .collect();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let ends = |dialogue: &&&str| name.ends_with(&format!("-{dialogue}"));
        let dialogue = names.iter().filter(ends).max_by_key(|dialogue| dialogue.len()).unwrap();
        let right = Outcome::of_comments(&text);
        Kept { dialogue: named(dialogue), name, right, text }
    };
    files.into_iter().map(read).collect()
}

/// Plays a trace back to the dialogue that it was recorded of.
fn play(trace: Trace, dialogue: Dialogue) -> Result<Outcome, Failed<Error>> {
    let replay = Replay::of(trace).unwrap();
    let outcome = replay.link().map_err(Error::from).and_then(dialogue);
    replay.conclude(outcome)
}

#[test]
fn every_kept_dialogue_comes_to_what_it_came_to() {
    for kept in kept() {
        let trace =
            Trace::parse(kept.text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", kept.name));
        let outcome = play(trace, kept.dialogue).unwrap_or_else(|error| panic!("{}: {error}", kept.name));
        assert_eq!(outcome, kept.right, "{}", kept.name);
        assert!(outcome.proved.len() + outcome.claimed.len() > 0, "{}", kept.name);
    }
}
