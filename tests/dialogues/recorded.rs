//! Which dialogues are kept of which card, and how they are recorded.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use cie::card::find_mark;
use cie::emulator::contact::Model;
use cie::emulator::{Chip, SoftCard};
use cie::transport::Link;
use cie::transport::trace::{Recorder, What};

use crate::common::{self, contact_flows};
use crate::dialogues::{Dialogue, OF_CIE3, OF_CONTACT_CARDS, OF_EVERY_CARD, set_other_program};

/// A card that dialogues are recorded of.
#[derive(Clone, Copy)]
pub enum Kind {
    Cie3(Chip),
    Contact(Model),
}

impl Kind {
    pub fn name(self) -> String {
        match self {
            Self::Cie3(chip) => format!("cie3-{chip}"),
            Self::Contact(model) => model.to_string(),
        }
    }

    /// A fresh one.
    pub fn card(self) -> SoftCard {
        match self {
            Self::Cie3(chip) => common::card(chip),
            Self::Contact(model) => contact_flows::card(model),
        }
    }
}

/// A dialogue to be recorded.
pub struct Recording {
    pub kind: Kind,
    pub name: &'static str,
    pub dialogue: Dialogue,
}

impl Recording {
    pub fn file(&self) -> String {
        format!("{}-{}.trace", self.kind.name(), self.name)
    }
}

/// Every dialogue of one card of a kind; of the others those in which cards differ.
pub fn all() -> Vec<Recording> {
    const DIFFERING: [&str; 3] = ["recognise", "log-in", "personal-data"];
    let mut all = Vec::new();
    let kinds = Chip::ALL.into_iter().map(Kind::Cie3).chain(Model::ALL.into_iter().map(Kind::Contact));
    for kind in kinds {
        let (own, whole) = match kind {
            Kind::Cie3(chip) => (OF_CIE3.as_slice(), chip == Chip::Gemalto),
            Kind::Contact(model) => (OF_CONTACT_CARDS.as_slice(), model == Model::Cns11),
        };
        let dialogues = OF_EVERY_CARD.into_iter().chain(own.iter().copied());
        let kept = dialogues.filter(|(name, _)| whole || DIFFERING.contains(name));
        all.extend(kept.map(|(name, dialogue)| Recording { kind, name, dialogue }));
    }
    all
}

/// A card in this process, with fixed randomness on both sides.
pub fn link(card: &SoftCard) -> Link {
    let other = card.clone();
    set_other_program(move || other.reset_by_other());
    common::link(card)
}

/// What is written meanwhile.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The trace of a dialogue with a fresh card, which `connect` lays on some reader, with what it came to.
pub fn record(recording: &Recording, connect: impl FnOnce(&SoftCard) -> Link) -> String {
    let card = recording.kind.card();
    let link = find_mark(connect(&card)).unwrap();
    let mark = link.test_card();
    let sink = Sink::default();
    let recorder = Recorder::new(sink.clone(), What::Replayable(mark.expect("a software card")));
    let outcome = (recording.dialogue)(link.recorded(&recorder));
    recorder.finish().unwrap();
    let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", recording.file()));
    format!("# {}\n{}{}", recording.file().trim_end_matches(".trace"), outcome.comments(), sink.text())
}
