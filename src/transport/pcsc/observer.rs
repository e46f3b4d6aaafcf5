//! The side of a watch that asks the service, in a thread of its own.

use std::ffi::CString;
use std::thread;
use std::time::Duration;

use pcsc::{Context, PNP_NOTIFICATION, ReaderState, State};

use super::super::Error;
use super::{Reader, establish, list, once_let_in, unaware};

/// How long to wait before a service is asked again that contradicts itself.
const RETRY: Duration = Duration::from_millis(100);

/// How many questions pcscd takes at once, which is how many readers it can have: with all of them there is no room
/// for its notice, and none that it could give notice of but one that goes, which the next list shows.
const MOST: usize = 16;

/// What is known of the readers.
pub(super) struct Observer {
    context: Option<Context>,
    readers: Vec<ReaderState>,
    /// The service's own notice of readers that come and go. It remembers how many there were, so that it
    /// waits for the next one.
    notice: Option<ReaderState>,
    /// Whether the readers' state was never told since it changed.
    fresh: bool,
}

impl Observer {
    pub(super) fn new() -> Self {
        Self { context: None, readers: Vec::new(), notice: None, fresh: true }
    }

    /// Waits for a change and tells all readers if there was one; at once the first time, when a reader
    /// came or went, or when asked for `anew`.
    pub(super) fn look(&mut self, within: Duration, anew: bool) -> Result<Option<Vec<Reader>>, Error> {
        if anew {
            *self = Self { context: self.context.take(), ..Self::new() };
        }
        match self.look_once(within) {
            Ok(true) => Ok(Some(self.readers.iter().map(Reader::from).collect())),
            Ok(false) => Ok(None),
            Err(error) => {
                *self = Self::new();
                Err(error)
            }
        }
    }

    fn look_once(&mut self, within: Duration) -> Result<bool, Error> {
        let context = match self.context.take() {
            Some(context) => context,
            None => establish()?,
        };
        self.follow(list(&context)?);
        let outcome = self.wait(&context, if self.fresh { Duration::ZERO } else { within });
        self.context = Some(context);
        match outcome {
            Ok(()) => {
                let changed = self.readers.iter().any(|s| s.event_state().contains(State::CHANGED));
                self.readers.iter_mut().for_each(ReaderState::sync_current_state);
                Ok(std::mem::take(&mut self.fresh) || changed)
            }
            Err(pcsc::Error::Timeout) => Ok(std::mem::take(&mut self.fresh)),
            // A reader went while it was watched, or one came: the next look lists them anew.
            Err(pcsc::Error::UnknownReader) => {
                thread::sleep(RETRY.min(within));
                Ok(false)
            }
            Err(error) => Err(once_let_in(error)),
        }
    }

    /// Asks the service, which answers when anything differs from what is known here.
    fn wait(&mut self, context: &Context, within: Duration) -> Result<(), pcsc::Error> {
        let mut asked = std::mem::take(&mut self.readers);
        let readers = asked.len();
        if !self.fresh && readers < MOST && cfg!(not(target_os = "macos")) {
            let notice = self.notice.take();
            asked.push(notice.unwrap_or_else(|| ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)));
        }
        // Without anything to ask about the service answers at once.
        let outcome = if asked.is_empty() {
            thread::sleep(within);
            Err(pcsc::Error::Timeout)
        } else {
            context.get_status_change(within, &mut asked)
        };
        if asked.len() > readers {
            self.notice = asked.pop();
        }
        if let (Ok(()), Some(notice)) = (&outcome, &mut self.notice) {
            notice.sync_current_state();
        }
        self.readers = asked;
        outcome
    }

    /// Takes up readers that came, and drops those that went.
    fn follow(&mut self, names: Vec<CString>) {
        let before = self.readers.len();
        self.readers.retain(|state| names.iter().any(|name| name.as_c_str() == state.name()));
        let gone = self.readers.len() != before;
        let known = |name: &CString| self.readers.iter().any(|state| state.name() == name.as_c_str());
        let new: Vec<_> = names.iter().filter(|name| !known(name)).cloned().collect();
        self.fresh |= gone || !new.is_empty();
        self.readers.append(&mut unaware(new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_that_come_or_go_are_news_and_the_others_keep_their_state() {
        let names =
            |names: &[&str]| names.iter().map(|name| CString::new(*name).unwrap()).collect::<Vec<_>>();
        let mut observer = Observer::new();
        let mut follow = |now: &[&str]| {
            observer.fresh = false;
            observer.follow(names(now));
            let known: Vec<_> = observer.readers.iter().map(|state| state.name().to_owned()).collect();
            (observer.fresh, known)
        };
        assert_eq!(follow(&["one"]), (true, names(&["one"])));
        assert_eq!(follow(&["one"]), (false, names(&["one"])));
        assert_eq!(follow(&["zero", "one"]), (true, names(&["one", "zero"])));
        assert_eq!(follow(&["zero"]), (true, names(&["zero"])));
        assert_eq!(follow(&[]), (true, names(&[])));
        assert_eq!(follow(&[]), (false, names(&[])));
    }
}
