//! Recording what is said to a card (docs/traces.md).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
    recorder: Mutex<Option<Recorder>>,
    /// Whether the end is written: what came after it would be recorded nowhere.
    is_finished: AtomicBool,
}

impl Recording {
    /// A link over which everything is recorded from now on.
    pub(super) fn record(&self, link: Link, origin: Origin) -> Result<Link, Fault> {
        if self.0.is_finished.load(Ordering::Acquire) {
            return Err(Fault::Argument("the recording is finished"));
        }
        let (link, what) = match self.0.replayable {
            false => (link, What::Diagnostic(origin)),
            true => {
                let link = if link.test_card().is_some() { link } else { card::find_mark(link)? };
                let card = link.test_card().ok_or(Fault::NoTestCard)?;
                (link, What::Replayable(card))
            }
        };
        let mut recorder = self.0.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = match &mut *recorder {
            Some(recorder) => recorder,
            none => none.insert(
                Recorder::create(&self.0.path, what).map_err(|error| Fault::file(&self.0.path, &error))?,
            ),
        };
        Ok(link.recorded(recorder))
    }
}

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
        let recording = Recording(Arc::new(Tape {
            path,
            replayable,
            recorder: Mutex::new(None),
            is_finished: AtomicBool::new(false),
        }));
        out.put(context.shared().handles.open(Object::Recorder(recording))?);
        Ok(())
    })
}

/// Writes the end of a recording, after the cards were closed, and says whether it is whole: `CIE_FILE` if not, and
/// `cie_error_detail` says why; so if no card was opened with it. `cie_close` without this writes the end, too, and says nothing. No card can be opened with
/// it afterwards.
///
/// `recorder`: from `cie_recorder_open`; close it all the same.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_recorder_finish(context: ContextIn, recorder: cie_handle) -> cie_result {
    context.call(|context| {
        let recording = context.shared().handles.recorder(recorder)?.0;
        let recorder = recording.recorder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nothing = || Err(Fault::File(format!("{}: no card was opened with it", recording.path)));
        let Some(recorder) = recorder else { return nothing() };
        let outcome = recorder.finish();
        outcome.map_err(|error| Fault::file(&recording.path, &error))?;
        recording.is_finished.store(true, Ordering::Release);
        Ok(())
    })
}
