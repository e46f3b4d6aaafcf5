//! What the two sides of a connection, and the service's register, know of it in common.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::super::Error;

/// One connection. Its thread holds it: it is gone when the thread is.
pub(super) struct Token {
    reader: String,
    /// A call is at the card: it may do anything from now on.
    at_the_card: AtomicBool,
    /// Nobody waits any more for the call that goes on.
    given_up: AtomicBool,
    /// What others are told until that call returns.
    others: OnceLock<Error>,
    /// The card must not keep what it was told.
    reset: AtomicBool,
}

impl Token {
    pub(super) fn new(reader: &str) -> Self {
        Self {
            reader: reader.to_owned(),
            at_the_card: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            others: OnceLock::new(),
            reset: AtomicBool::new(false),
        }
    }

    pub(super) fn reader(&self) -> &str {
        &self.reader
    }

    /// Why this reader cannot be used, if a call to it was given up.
    pub(super) fn hangs(&self, reader: &str) -> Option<Error> {
        let hangs = self.reader == reader && self.is_given_up();
        hangs.then(|| self.others.get().cloned().unwrap_or(Error::Unresponsive))
    }

    /// The thread is about to send something to the card. Not any more, if nobody waits for it: then
    /// nothing must be sent.
    pub(super) fn go_to_the_card(&self) -> bool {
        // In this order: the other side gives up first and looks then. One of the two sees the other.
        self.at_the_card.store(true, SeqCst);
        !self.is_given_up()
    }

    /// What was sent has come back.
    pub(super) fn come_back(&self) {
        self.at_the_card.store(false, SeqCst);
    }

    /// Waits no longer. Whether something may have been sent to the card: then nobody knows what it did,
    /// and it is reset when the call returns.
    pub(super) fn give_up(&self) -> bool {
        self.given_up.store(true, SeqCst);
        let at_the_card = self.at_the_card.load(SeqCst);
        if at_the_card {
            self.reset_at_the_end(true);
        }
        at_the_card
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(SeqCst)
    }

    /// What others are told from now on. Said once only: a connection is given up once.
    pub(super) fn tell_others(&self, error: Error) {
        let _ = self.others.set(error);
    }

    /// Whether the card is reset when the connection ends.
    pub(super) fn reset_at_the_end(&self, reset: bool) {
        self.reset.store(reset, SeqCst);
    }

    pub(super) fn is_reset_at_the_end(&self) -> bool {
        self.reset.load(SeqCst)
    }
}
