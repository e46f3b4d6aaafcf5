//! How much was said, in all and in each step.

use std::time::Duration;

use super::{Exchange, Outcome};
use crate::iso7816::StatusWord;
use crate::transport::Statistics;
use crate::transport::trace::Failure;

/// How much was said.
///
/// The counts are those of [`Link::statistics`](crate::transport::Link::statistics): what went over the wire. In a
/// plain trace the bytes are those of commands and answers in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Totals {
    /// Commands and bytes.
    pub statistics: Statistics,
    /// Commands whose length is hidden: [`Statistics::bytes_sent`] lacks some of theirs.
    pub uncounted: u32,
    /// The time of all answers whose time is told.
    pub time: Duration,
    /// How many those are.
    pub timed: u32,
}

impl Totals {
    /// The same and these.
    pub(super) fn join(&mut self, other: &Self) {
        self.statistics = self.statistics + other.statistics;
        self.uncounted = self.uncounted.saturating_add(other.uncounted);
        self.time = self.time.saturating_add(other.time);
        self.timed = self.timed.saturating_add(other.timed);
    }

    /// The same and one exchange more.
    pub(super) fn add(&mut self, exchange: &Exchange, is_get_response: bool) {
        let (commands, get_responses) = transmissions(exchange, is_get_response);
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut here =
            Statistics { commands, get_responses, bytes_sent: bytes(exchange.sent), bytes_received: 0 };
        if let Some(Outcome::Answer(answer)) = &exchange.outcome {
            here.bytes_received = bytes(answer.received);
            if let Some(time) = answer.time {
                self.time = self.time.saturating_add(time);
                self.timed = self.timed.saturating_add(1);
            }
        }
        self.statistics = self.statistics + here;
        self.uncounted = self.uncounted.saturating_add(u32::from(!exchange.sent_is_counted));
    }
}

/// How many commands went over the wire for it, GET RESPONSE apart, and how many GET RESPONSE: in a plain trace each
/// status word is the answer to one.
fn transmissions(exchange: &Exchange, is_get_response: bool) -> (u32, u32) {
    let (mut commands, mut get_responses) = (0_u32, 0_u32);
    let mut collects = is_get_response;
    let mut count = |collects: bool| {
        let counted = if collects { &mut get_responses } else { &mut commands };
        *counted = counted.saturating_add(1);
    };
    for word in &exchange.wire {
        count(collects);
        collects = follows_with_get_response(*word, collects);
    }
    // All answers of one whose protection was wrong stand in the list already.
    let more = !matches!(exchange.outcome, Some(Outcome::Failed(Failure::Unprotected)));
    if more || exchange.wire.is_empty() {
        count(collects);
    }
    (commands, get_responses)
}

/// After 61xx the rest is asked for; after 6Cxx the same again.
fn follows_with_get_response(word: StatusWord, collects: bool) -> bool {
    word.bytes_waiting().is_some() || collects && word.right_length().is_some()
}
