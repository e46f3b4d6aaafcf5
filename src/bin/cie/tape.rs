//! `--trace` and `--reader trace:FILE`: what is said to the card is recorded, or was.

use std::cell::OnceCell;
use std::path::PathBuf;

use cie::card;
use cie::transport::Link;
use cie::transport::replay::{Failed, Replay};
use cie::transport::trace::{Origin, Recorder, TestCard, What};

use crate::arguments::web_eid::WebEid;
use crate::arguments::{Arguments, Command, TraceKind};
use crate::failure::{self, Failure};
use crate::language;
use crate::output::Output;

/// What is being recorded, and what is being played back.
#[derive(Default)]
pub(crate) struct Tape {
    recording: Option<Recording>,
    replay: OnceCell<Replay>,
}

struct Recording {
    path: PathBuf,
    kind: TraceKind,
    test_card: bool,
    /// Made at the first connection: of what may be recorded the card decides.
    recorder: OnceCell<Recorder>,
}

impl Tape {
    /// Whatever can be refused is refused before a card is touched.
    pub(crate) fn begin(arguments: &Arguments) -> Result<Self, Failure> {
        let common = &arguments.common;
        let Some(path) = &common.trace else { return Ok(Self::default()) };
        let talks = match arguments.command {
            Command::AuthVerify(_) | Command::Completions { .. } | Command::Manual | Command::Trace(_) => {
                false
            }
            Command::WebEid(WebEid::Install(_)) => false,
            #[cfg(feature = "emulator")]
            Command::Soft(_) => false,
            _ => true,
        };
        if !talks {
            return Err(Failure::Own(failure::NO_DIALOGUE, String::new()));
        }
        if path.symlink_metadata().is_ok() {
            return Err(Failure::Own(failure::TRACE_EXISTS, path.display().to_string()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(Failure::Own(failure::OUTPUT, path.display().to_string()));
        }
        let kind = common.trace_kind.unwrap_or_default();
        let (path, test_card) = (path.clone(), common.trace_test_card);
        let recording = Recording { path, kind, test_card, recorder: OnceCell::new() };
        Ok(Self { recording: Some(recording), ..Self::default() })
    }

    /// A connection to a card; recorded, if that was asked for. `soft` is whether it is known to be a software card.
    pub(crate) fn of(&self, link: Link, soft: bool) -> Result<Link, Failure> {
        let Some(recording) = &self.recording else { return Ok(link) };
        let origin = match (recording.test_card, soft) {
            (_, true) => Origin::Emulator,
            (true, false) => Origin::TestCard,
            (false, false) => Origin::Citizen,
        };
        let (link, what) = match recording.kind {
            TraceKind::Diagnostic => (link, What::Diagnostic(origin)),
            TraceKind::Plain => (link, What::Plain(origin)),
            TraceKind::Replayable => {
                let link = if link.test_card().is_some() { link } else { card::find_mark(link)? };
                let card = link.test_card().or_else(|| recording.test_card.then(TestCard::declared));
                let refused = || Failure::Own(failure::NO_TEST_CARD, String::new());
                (link, What::Replayable(card.ok_or_else(refused)?))
            }
        };
        if recording.recorder.get().is_none() {
            let recorder =
                Recorder::create(&recording.path, what).map_err(|error| recording.failure(&error))?;
            let _ = recording.recorder.set(recorder);
        }
        Ok(match recording.recorder.get() {
            Some(recorder) => link.recorded(recorder),
            None => link,
        })
    }

    /// The next connection of a recorded dialogue.
    pub(crate) fn play(&self, path: &str) -> Result<Link, Failure> {
        if self.replay.get().is_none() {
            let _ = self.replay.set(Replay::open(path)?);
        }
        match self.replay.get() {
            Some(replay) => self.of(replay.link()?, replay.origin() == Origin::Emulator),
            None => Err(cie::transport::Error::NoReader.into()),
        }
    }

    /// What the command came to. If it went well, a trace that is not whole is what went wrong, or a recorded dialogue
    /// that went another way; of those a failure is told beside another one.
    pub(crate) fn end(&mut self, outcome: Result<(), Failure>, output: Output) -> Result<(), Failure> {
        let outcome = match self.replay.take() {
            Some(replay) => as_recorded(&replay, outcome),
            None => outcome,
        };
        let Some(mut recording) = self.recording.take() else { return outcome };
        let Some(recorder) = recording.recorder.take() else { return outcome };
        let written = recorder.finish().map_err(|error| recording.failure(&error));
        // Whole or not, what is there is private.
        let warning = match recording.kind {
            TraceKind::Diagnostic => None,
            TraceKind::Replayable => Some(language::TRACE_WRITTEN_REPLAYABLE),
            TraceKind::Plain => Some(language::TRACE_WRITTEN_PLAIN),
        };
        if let Some(warning) = warning {
            output.note(&warning.with(output.language, &[&recording.path.display()]));
        }
        if let (Err(_), Err(failure)) = (&outcome, &written) {
            output.note(failure.to_text(output.language).trim_end());
        }
        outcome.and(written)
    }
}

/// What a command came to that was played a recorded dialogue: if that went another way, this is what went wrong.
fn as_recorded(replay: &Replay, outcome: Result<(), Failure>) -> Result<(), Failure> {
    let differs = |mismatch| cie::transport::Error::NotAsRecorded(Box::new(mismatch)).into();
    match (replay.mismatch(), replay.conclude(Ok::<_, cie::Error>(()))) {
        (Some(mismatch), _) => Err(differs(mismatch)),
        (None, Err(Failed::Mismatch(mismatch))) if outcome.is_ok() => Err(differs(mismatch)),
        _ => outcome,
    }
}

impl Recording {
    fn failure(&self, error: &std::io::Error) -> Failure {
        let problem = match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure::TRACE_EXISTS,
            _ => failure::OUTPUT,
        };
        Failure::Own(problem, format!("{} ({error})", self.path.display()))
    }
}
