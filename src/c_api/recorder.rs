//! Recording what is said to a card (docs/traces.md).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::border::{ContextIn, HandleOut, Text};
use super::cie_handle;
use super::failure::Fault;
use super::handles::Object;
use super::open::PATH_MAX;
use super::result::cie_result;
use crate::card;
use crate::transport::Link;
use crate::transport::trace::{Origin, Recorder, What};

/// What is safe to send to whoever helps, with the time of each command: no PIN, and nothing that names anybody.
pub const CIE_TRACE_DIAGNOSTIC: i32 = 1;
/// Everything, so that it can be played back: of software cards only (`CIE_NO_TEST_CARD`), as their PIN could be found
/// in it.
pub const CIE_TRACE_REPLAYABLE: i32 = 2;

/// A recording: the file is made with the first card, which decides what may be recorded.
#[derive(Clone)]
pub(super) struct Recording(Arc<Tape>);

struct Tape {
    path: String,
    replayable: bool,
    state: Mutex<State>,
}

enum State {
    /// No card was opened with it so far.
    New,
    Recording(Recorder),
    /// The end is written, or never will be: what came after it would be recorded nowhere. And what was said of that.
    Finished(Result<(), Fault>),
}

impl Recording {
    fn new(path: String, replayable: bool) -> Self {
        Self(Arc::new(Tape { path, replayable, state: Mutex::new(State::New) }))
    }

    /// A link over which everything is recorded from now on.
    pub(super) fn record(&self, link: Link, origin: Origin) -> Result<Link, Fault> {
        self.check_unfinished()?;
        // Nobody else waits for this card to answer.
        let (link, what) = match self.0.replayable {
            false => (link, What::Diagnostic(origin)),
            true => {
                let link = if link.test_card().is_some() { link } else { card::find_mark(link)? };
                let card = link.test_card().ok_or(Fault::NoTestCard)?;
                (link, What::Replayable(card))
            }
        };
        let mut state = self.lock();
        // Locked until the link is recorded: from then on the end is not written as long as there is one.
        let recorder = match &*state {
            State::New => {
                Recorder::create(&self.0.path, what).map_err(|error| Fault::file(&self.0.path, &error))?
            }
            State::Recording(recorder) => recorder.clone(),
            State::Finished(_) => return Err(FINISHED),
        };
        let link = link.recorded(&recorder);
        *state = State::Recording(recorder);
        Ok(link)
    }

    fn check_unfinished(&self) -> Result<(), Fault> {
        if matches!(*self.lock(), State::Finished(_)) { Err(FINISHED) } else { Ok(()) }
    }

    /// Writes the end, and says whether all of it is there: now, and whenever it is asked again.
    fn finish(&self) -> Result<(), Fault> {
        let mut state = self.lock();
        let outcome = match &*state {
            State::New => Err(Fault::File(format!("{}: no card was opened with it", self.0.path))),
            State::Recording(recorder) if recorder.is_open() => return Err(Fault::Busy),
            State::Recording(recorder) => {
                recorder.clone().finish().map_err(|error| Fault::file(&self.0.path, &error))
            }
            State::Finished(outcome) => outcome.clone(),
        };
        *state = State::Finished(outcome.clone());
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FINISHED: Fault = Fault::Argument("the recording is finished");

/// Records the cards that are opened with it, one after the other, into a new file that only its owner reads.
///
/// `path`: a file that does not exist. `kind`: `CIE_TRACE_DIAGNOSTIC` or `CIE_TRACE_REPLAYABLE`. `recorder`: receives a
/// handle, which the program closes. `CIE_FILE` if there is such a file; if it cannot be made, `cie_card_open` says so.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_recorder_open(
    context: ContextIn,
    path: Text,
    kind: i32,
    recorder: HandleOut,
) -> cie_result {
    let out = recorder.place();
    context.call(|context| {
        let (out, path) = (out?, path.required(PATH_MAX)?);
        let replayable = match kind {
            CIE_TRACE_DIAGNOSTIC => false,
            CIE_TRACE_REPLAYABLE => true,
            _ => return Err(Fault::Argument("kind: neither CIE_TRACE_DIAGNOSTIC nor CIE_TRACE_REPLAYABLE")),
        };
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(Fault::File(format!("{path}: it exists already")));
        }
        let recording = Recording::new(path, replayable);
        out.put(context.shared().handles.open(Object::Recorder(recording))?);
        Ok(())
    })
}

/// Writes the end of a recording, after the cards were closed, and says whether it is whole: `CIE_FILE` if not, also if
/// no card was opened with it, and `cie_error_detail` says why. `CIE_BUSY` as long as a card is open that is recorded.
/// After anything else no card can be opened with it. `cie_close` without this writes the end, too, and says nothing.
///
/// `recorder`: from `cie_recorder_open`; close it all the same.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_recorder_finish(context: ContextIn, recorder: cie_handle) -> cie_result {
    context.call(|context| context.shared().handles.recorder(recorder)?.finish())
}
