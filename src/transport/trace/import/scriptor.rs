//! What `scriptor` prints, what its sister `gscriptor` shows in the window for results, and what OpenSC's
//! `opensc-tool -s` prints.
//!
//! ```text
//! > 00 B0 00 00 FF                  Sending: 00 B0 00 00 FF
//! < 30 30 30 30 36 38 30 34 …       Received: 30 30 30 30 36 38 30 34 …
//! 90 00 : Normal processing.        90 00
//!                                   Normal processing.
//! ```
//!
//! Sixteen bytes stand in a line. What goes on without the words that end an answer is not told, nor a command behind
//! its header: a line by itself could be anything. `opensc-tool` writes `Received (SW1=0x90, SW2=0x00):`, and below it
//! a dump that does not say how long it is: of such an answer only the status word is told. Given a file, `scriptor`
//! repeats each of its lines before what comes of it: those are left out.

use super::builder::Builder;
use super::lines::{Bytes, after, code, digits, has, lines};
use super::open::{Open, close};
use super::{Failure, Reason};

/// Whether a line can only be of these programs.
pub(super) fn is_mark(text: &[u8]) -> bool {
    let begins = |mark: &[u8]| text.starts_with(mark);
    let named = begins(b"Sending: ") || begins(b"> RESET") || begins(b"[Reset]");
    named || (begins(b"Using T=") && has(text, " protocol")) || (begins(b"< ") && has(text, " : "))
}

pub(super) fn import(log: &[u8], builder: &mut Builder) {
    let (mut open, mut held) = (None::<Open>, None::<usize>);
    for line in lines(log) {
        let Some(text) = line.text else {
            builder.note(line.number, Reason::LineTooLong);
            continue;
        };
        if let Some((outgoing, rest)) = directed(text) {
            // What was held is the line of the file that this comes of.
            (_, held) = (close(open.take(), builder), None);
            if outgoing && rest.trim_ascii() == b"RESET" {
                continue;
            }
            if !outgoing && (rest.starts_with(b"OK:") || rest.starts_with(b"KO:")) {
                builder.reset(rest.starts_with(b"KO:").then_some(Failure::Failed));
                continue;
            }
            let mut bytes = Bytes::default();
            match bytes.push_digits(rest, true) {
                Ok(()) => open = Some(Open::new(line.number, outgoing, bytes)),
                Err(reason) => builder.note(line.number, reason),
            }
            if has(text, " : ") {
                end(open.take(), builder);
            } else if line.is_cut && open.take_if(|open| !open.outgoing).is_some() {
                builder.note(line.number, Reason::Cut);
            }
            continue;
        }
        if let Some((status, has_data)) = received(text) {
            close(open.take(), builder);
            match has_data {
                true => builder.answer_uncounted(line.number, status),
                false => builder.answer(line.number, &status, None),
            }
            continue;
        }
        let more = !text.is_empty() && digits(text, true).is_ok_and(|bytes| !bytes.is_empty());
        match &mut open {
            Some(open) if more && (open.may_go_on() || open.is_ended_by(text)) => {
                open.goes_on = !open.is_ended_by(text);
                if let Err(reason) = open.bytes.push_digits(text, true) {
                    builder.note(line.number, reason);
                }
            }
            _ => {
                close(open.take(), builder);
                if let Some(held) = held.take() {
                    builder.note(held, Reason::Unknown);
                }
                held = more.then_some(line.number);
                other(text, builder);
            }
        }
        if has(text, " : ") {
            end(open.take(), builder);
        } else if line.is_cut && open.take_if(|open| !open.outgoing).is_some() {
            // What stands last could be the middle of an answer, and no status word.
            builder.note(line.number, Reason::Cut);
        }
    }
    close(open, builder);
    if let Some(held) = held {
        builder.note(held, Reason::Unknown);
    }
}

/// A line that begins a command (true) or an answer.
fn directed(text: &[u8]) -> Option<(bool, &[u8])> {
    let behind = |mark: &[u8]| text.strip_prefix(mark);
    let outgoing = behind(b"> ").or_else(|| behind(b"Sending:")).or_else(|| (text == b">").then_some(b""));
    let incoming =
        || behind(b"< ").or_else(|| behind(b"Received:")).or_else(|| (text == b"<").then_some(b""));
    outgoing.map(|rest| (true, rest)).or_else(|| incoming().map(|rest| (false, rest)))
}

/// The status word that `opensc-tool` tells, and whether data follow.
fn received(text: &[u8]) -> Option<([u8; 2], bool)> {
    let rest = text.strip_prefix(b"Received (SW1=")?;
    let byte = |text| code(text).and_then(|value| u8::try_from(value).ok());
    Some(([byte(rest)?, byte(after(rest, "SW2=")?)?], text.ends_with(b":")))
}

/// The words behind an answer say that it ends there.
fn end(open: Option<Open>, builder: &mut Builder) {
    close(open.map(|open| Open { goes_on: false, ..open }), builder);
}

fn other(text: &[u8], builder: &mut Builder) {
    if text.starts_with(b"Using T=") || text.starts_with(b"Using an unknown protocol") {
        builder.begin(&[], true);
    } else if text.starts_with(b"[Reset]") {
        builder.reset(None);
    } else if ["Can't get info: ", "Errors During Script Execution", "APDU transmit failed"]
        .iter()
        .any(|mark| text.starts_with(mark.as_bytes()))
    {
        builder.failed(Failure::Failed);
    }
}
