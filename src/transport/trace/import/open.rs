//! A command or an answer in a log that does not say how long it is, and that may go on in the next line.

use super::builder::Builder;
use super::lines::{Bytes, digits};
use crate::iso7816::StatusWord;

/// Bytes that may go on.
pub(super) struct Open {
    pub(super) line: usize,
    pub(super) outgoing: bool,
    pub(super) bytes: Bytes,
    /// Whether they went on: a line that stands there by itself could be anything, a PIN included, so that nothing of
    /// them is told but the header of a command.
    pub(super) goes_on: bool,
}

impl Open {
    pub(super) fn new(line: usize, outgoing: bool, bytes: Bytes) -> Self {
        Self { line, outgoing, bytes, goes_on: false }
    }

    /// Whether more can follow in the next line: behind whole lines of sixteen.
    pub(super) fn may_go_on(&self) -> bool {
        let length = self.bytes.as_slice().len();
        length > 0 && length % 16 == 0
    }

    /// Whether a line is the status word of an answer, by itself.
    pub(super) fn is_ended_by(&self, text: &[u8]) -> bool {
        let status = digits(text, true).ok().and_then(|bytes| <[u8; 2]>::try_from(bytes.as_slice()).ok());
        !self.outgoing && status.is_some_and(|status| StatusWord::from(status).is_documented())
    }
}

/// Nothing more of it comes.
pub(super) fn close(open: Option<Open>, builder: &mut Builder) {
    if let Some(Open { line, outgoing, bytes, goes_on }) = open {
        match (outgoing, goes_on) {
            (true, false) => builder.command(line, bytes.as_slice(), None),
            (true, true) => builder.command_begun(line, bytes.as_slice()),
            (false, false) => builder.answer(line, bytes.as_slice(), None),
            (false, true) => builder.answer_untold(line),
        }
    }
}
