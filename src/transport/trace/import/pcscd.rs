//! What `pcscd -a` says, with or without `-d`, coloured or not, as it is or out of the system's journal.
//!
//! ```text
//! 00000002 APDU: 00 A4 04 00 07 62 76 01 FF 00 00 00
//! 00003925 SW: 6A 82
//! ```
//!
//! The numbers are microseconds since the line before. `SW` is the whole answer. The service does not say whose
//! command it is: if several programs use cards at once, what they say stands in the order of the log.

use super::builder::Builder;
use super::lines::{after, digits, has, lines, number};
use super::{Reason, outcome};
use crate::transport::trace::Failure;

/// So many readers have their card's answer to reset kept: as many as the service has.
const READERS_MAX: usize = 16;
/// So far into a line its number is looked for: behind what the system's journal writes.
const STAMP_WITHIN: usize = 256;

/// Whether the service's own line tells of it.
pub(super) fn is_mark(text: &[u8]) -> bool {
    let (stamp, said) = split(text);
    let apdu = said.starts_with(b"APDU: ") || said.starts_with(b"SW: ");
    stamp.is_some() && (apdu || has(said, "pcscdaemon.c:") || has(said, "winscard"))
}

/// Which card lies where, as far as the log has said it.
#[derive(Default)]
struct Cards<'a> {
    known: Vec<(&'a [u8], Vec<u8>)>,
    /// The reader that was spoken of last.
    reader: &'a [u8],
}

impl<'a> Cards<'a> {
    fn at(&self, reader: &[u8]) -> &[u8] {
        self.known.iter().find(|(known, _)| *known == reader).map_or(&[], |(_, atr)| atr)
    }

    fn put(&mut self, atr: &[u8]) {
        let reader = self.reader;
        self.known.retain(|(known, _)| *known != reader);
        if self.known.len() < READERS_MAX {
            self.known.push((reader, atr.to_vec()));
        }
    }
}

pub(super) fn import(log: &[u8], builder: &mut Builder) {
    let (mut now, mut cards) = (0_u64, Cards::default());
    // An answer without a byte: so the service writes one that failed, and says so some lines later.
    let mut empty = None::<(usize, u64)>;
    for line in lines(log) {
        let Some(text) = line.text else {
            builder.note(line.number, Reason::LineTooLong);
            continue;
        };
        let (stamp, said) = split(text);
        now = now.saturating_add(stamp.unwrap_or(0));
        let at = stamp.map(|_| now);
        if line.is_cut && (said.starts_with(b"APDU:") || said.starts_with(b"SW:")) {
            // What stands last could be the middle of an answer, and no status word.
            builder.note(line.number, Reason::Cut);
        } else if let Some(text) = said.strip_prefix(b"APDU:") {
            settle(&mut empty, None, builder);
            match digits(text, false) {
                Ok(command) => builder.command(line.number, command.as_slice(), at),
                Err(reason) => builder.note(line.number, reason),
            }
        } else if let Some(text) = said.strip_prefix(b"SW:") {
            match digits(text, false) {
                Ok(answer) if answer.is_empty() => empty = Some((line.number, now)),
                Ok(answer) => builder.answer(line.number, answer.as_slice(), at),
                Err(reason) => builder.note(line.number, reason),
            }
        } else if let Some(text) = said.strip_prefix(b"Card ATR:") {
            match digits(text, false) {
                Ok(atr) => {
                    if super::builder::is_atr(atr.as_slice()) {
                        cards.put(atr.as_slice());
                    }
                    builder.atr(line.number, atr.as_slice());
                }
                Err(_) => builder.note(line.number, Reason::Atr),
            }
        } else {
            other(said, &mut empty, &mut cards, builder);
        }
    }
    settle(&mut empty, None, builder);
}

/// Everything but bytes.
fn other<'a>(said: &'a [u8], empty: &mut Option<(usize, u64)>, cards: &mut Cards<'a>, builder: &mut Builder) {
    if let Some(reader) = after(said, "Card inserted into ") {
        cards.reader = reader;
    } else if let Some(rest) = after(said, "SCardConnect() Attempting Connect to ") {
        // The protocols are a number without blanks.
        let reader = rest.split_at_checked(rest.len().saturating_sub(" using protocol: 3".len()));
        cards.reader = reader.map_or(rest, |(reader, _)| reader);
        settle(empty, None, builder);
        builder.begin(cards.at(cards.reader), true);
    } else if has(said, "SCardReconnect() Reset complete") {
        settle(empty, None, builder);
        builder.reset(None);
    } else if has(said, "SCardReconnect() Error resetting card") {
        settle(empty, None, builder);
        builder.reset(Some(Failure::Failed));
    } else if has(said, "TRANSMIT for client ") {
        let Some(name) = after(said, "rv=") else { return };
        match outcome::of_name(name) {
            None => settle(empty, None, builder),
            failure => settle(&mut empty.take().or(Some((0, 0))), failure, builder),
        }
    }
}

/// The answer without a byte was one, or a failure.
fn settle(empty: &mut Option<(usize, u64)>, failure: Option<Failure>, builder: &mut Builder) {
    if let Some((line, at)) = empty.take() {
        match failure {
            Some(failure) => builder.failed(failure),
            None => builder.answer(line, &[], Some(at)),
        }
    }
}

/// The number at the beginning, or behind what the system's journal writes; and what is said, behind the number of
/// the thread that a coloured log has.
fn split(text: &[u8]) -> (Option<u64>, &[u8]) {
    let mut rest = text;
    while text.len() - rest.len() < STAMP_WITHIN && !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end).unwrap_or_default();
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        if word.len() >= 8 && word.iter().all(u8::is_ascii_digit) {
            let thread = behind.strip_prefix(b"[").and_then(|thread| after(thread, "] "));
            return (number(word), thread.unwrap_or(behind));
        }
        if word.ends_with(b"APDU:") || word.ends_with(b"SW:") {
            break;
        }
        rest = behind;
    }
    (None, text)
}
