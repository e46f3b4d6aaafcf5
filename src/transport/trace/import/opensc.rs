//! `opensc-debug.log`: OpenSC's `debug_file`, or what it writes to standard error.
//!
//! ```text
//! P:1; T:0x2 22:48:19.486 [opensc-tool] reader-pcsc.c:326:pcsc_transmit:
//! Outgoing APDU (12 bytes):
//! 00 A4 04 00 07 62 76 01 FF 00 00 00 .....bv.....
//!
//! P:1; T:0x2 22:48:19.490 [opensc-tool] reader-pcsc.c:335:pcsc_transmit:
//! Incoming APDU (2 bytes):
//! 6A 82 j.
//! ```
//!
//! The first line of a dump is not filled up to its width. Below debug level 8 OpenSC leaves out commands that carry
//! a PIN, so that nothing of them can be told; from there on they are in the log in clear. Older versions write
//! `Outgoing APDU data [   12 bytes] =====`. That OpenSC reset the card is not told: its log does not say whether it
//! did, or only went on after another program had.

use super::builder::Builder;
use super::lines::{Dump, after, code, digits, has, lines, number};
use super::{Reason, outcome};

/// So many lines of other output may stand in the middle of a dump, of another thread.
const BETWEEN_MAX: usize = 64;

/// A dump that is not whole yet.
struct Open {
    dump: Dump,
    outgoing: bool,
    at: Option<u64>,
    between: usize,
}

/// Whether the program's own line tells of it.
pub(super) fn is_mark(text: &[u8]) -> bool {
    announced(text).is_some()
        || (stamp(text).is_some() && (has(text, "reader-pcsc.c:") || has(text, "ctx.c:")))
}

pub(super) fn import(log: &[u8], builder: &mut Builder) {
    let (mut open, mut now, mut shared) = (None::<Open>, None, true);
    for line in lines(log) {
        let Some(text) = line.text else {
            builder.note(line.number, Reason::LineTooLong);
            continue;
        };
        if let Some((outgoing, length)) = announced(text) {
            cut(open.take(), builder);
            match Dump::announced(line.number, length) {
                Ok(dump) => open = Some(Open { dump, outgoing, at: now, between: 0 }),
                Err(reason) => builder.note(line.number, reason),
            }
        } else if let Some(found) = &mut open {
            if !found.dump.take(text) {
                found.between += 1;
                if found.between > BETWEEN_MAX {
                    cut(open.take(), builder);
                }
                other(line.number, text, &mut now, &mut shared, builder);
            }
        } else {
            other(line.number, text, &mut now, &mut shared, builder);
        }
        if let Some(found) = open.take_if(|open| open.dump.whole().is_some()) {
            let bytes = found.dump.whole().unwrap_or_default();
            match found.outgoing {
                true => builder.command(found.dump.line, bytes, found.at),
                false => builder.answer(found.dump.line, bytes, found.at),
            }
        }
    }
    cut(open, builder);
}

fn cut(open: Option<Open>, builder: &mut Builder) {
    if let Some(open) = open {
        builder.note(open.dump.line, Reason::Cut);
    }
}

/// Whether a command or an answer follows, and how long it is.
fn announced(text: &[u8]) -> Option<(bool, usize)> {
    let (outgoing, rest) = match after(text, "Outgoing APDU") {
        Some(rest) => (true, rest),
        None => (false, after(text, "Incoming APDU")?),
    };
    let at = rest.iter().position(u8::is_ascii_digit)?;
    let bytes = rest.get(at..)?;
    let length = number(bytes)?;
    has(bytes, " bytes").then(|| (outgoing, usize::try_from(length).unwrap_or(usize::MAX)))
}

/// Everything that is no dump.
fn other(line: usize, text: &[u8], now: &mut Option<u64>, shared: &mut bool, builder: &mut Builder) {
    *now = stamp(text).or(*now);
    if let Some(rest) = after(text, "connect_exclusive=") {
        *shared = !rest.starts_with(b"1");
    } else if has(text, "sc_connect_card: called") {
        builder.begin(&[], *shared);
    } else if let Some(rest) = after(text, "match_atr_table: ATR     : ") {
        match digits(rest, false) {
            Ok(atr) => builder.atr(line, atr.as_slice()),
            Err(_) => builder.note(line, Reason::Atr),
        }
    } else if let Some(rest) = after(text, "SCardTransmit/Control failed: ") {
        if let Some(failure) = code(rest).and_then(outcome::of_code) {
            builder.failed(failure);
        }
    }
}

/// The time of day that stands before the program's name, in microseconds.
fn stamp(text: &[u8]) -> Option<u64> {
    let before = text.split(|byte| *byte == b'[').next()?.trim_ascii_end();
    let word = before.rsplit(|byte| *byte == b' ').next()?;
    let mut parts = word.split(|byte| matches!(byte, b':' | b'.'));
    let mut part = |digits: usize, bound: u64| {
        let text = parts.next().filter(|text| text.len() == digits && text.iter().all(u8::is_ascii_digit))?;
        number(text).filter(|value| *value < bound)
    };
    let (hours, minutes, seconds, millis) = (part(2, 24)?, part(2, 60)?, part(2, 61)?, part(3, 1000)?);
    parts.next().is_none().then_some((((hours * 60 + minutes) * 60 + seconds) * 1000 + millis) * 1000)
}
