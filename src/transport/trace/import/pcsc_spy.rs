//! What `pcsc-spy` prints, coloured or not, of one thread or several.
//!
//! ```text
//! SCardTransmit
//!  i hCard: 0x03E4037A
//!  i bSendLength 0x0000000C (12)
//!  i bSendBuffer
//!  i  0000 00 A4 04 00 07 62 76 01 FF 00 00 00             .....bv.....
//!  o bRecvLength 0x00000002 (2)
//!  o bRecvBuffer
//!  o  0000 6A 82                                           j.
//!  => Command successful. (SCARD_S_SUCCESS [0x00000000])  [0.000221]
//! ```
//!
//! A command is told when its call comes back. Threads are told apart by how far their lines are indented. What goes
//! to the reader and not to the card (`SCardControl`) is left out: with a PIN pad that is where PINs are asked for.

use super::builder::Builder;
use super::lines::{Dump, after, code, digits, lines, number};
use super::{Reason, outcome};

/// So many threads are told apart.
const THREADS_MAX: usize = 32;
/// So many readers have their card's answer to reset kept.
const READERS_MAX: usize = 16;

/// A call that has not come back.
#[derive(Default)]
struct Call<'a> {
    name: &'a [u8],
    line: usize,
    reader: &'a [u8],
    /// How the card is shared.
    how: &'a [u8],
    /// Whether the card is reset or powered anew.
    resets: bool,
    lengths: [usize; 2],
    /// What went out and what came in.
    dumps: [Option<Dump>; 2],
}

type Cards<'a> = Vec<(&'a [u8], Vec<u8>)>;

/// Whether it is the name of a call, which stands alone in its line.
pub(super) fn is_mark(text: &[u8]) -> bool {
    is_call(unthreaded(text).1)
}

fn is_call(text: &[u8]) -> bool {
    let letters = text.iter().all(u8::is_ascii_alphabetic);
    // Version 1.1 lacks a letter of SCardControl.
    letters && (text.starts_with(b"SCard") || text == b"SCarControl") && text.len() > 6
}

pub(super) fn import(log: &[u8], builder: &mut Builder) {
    let mut cards = Cards::new();
    let mut calls: Vec<Call<'_>> = (0..THREADS_MAX).map(|_| Call::default()).collect();
    for line in lines(log) {
        let Some(text) = line.text else {
            builder.note(line.number, Reason::LineTooLong);
            continue;
        };
        let (thread, text) = unthreaded(text);
        let Some(call) = calls.get_mut(thread) else { continue };
        if is_call(text) {
            lost(std::mem::take(call), builder);
            *call = Call { name: text, line: line.number, ..Call::default() };
        } else if let Some(text) = text.strip_prefix(b"=> ") {
            returned(std::mem::take(call), line.number, text, &cards, builder);
        } else if let Some(text) = text.strip_prefix(b"i ") {
            value(call, line.number, text, 0, &mut cards, builder);
        } else if let Some(text) = text.strip_prefix(b"o ") {
            value(call, line.number, text, 1, &mut cards, builder);
        }
    }
    calls.into_iter().for_each(|call| lost(call, builder));
}

/// The thread, and the line without what tells it.
fn unthreaded(text: &[u8]) -> (usize, &[u8]) {
    let trimmed = text.trim_ascii_start();
    // With -t: "(t1) ".
    let told = trimmed.strip_prefix(b"(t").and_then(|rest| Some((number(rest)?, after(rest, ") ")?)));
    match told {
        Some((thread, rest)) => (usize::try_from(thread).unwrap_or(usize::MAX), rest.trim_ascii_start()),
        None => ((text.len() - trimmed.len()) / 4, trimmed),
    }
}

/// Something that goes into a call (0) or comes out of it (1).
fn value<'a>(
    call: &mut Call<'a>,
    line: usize,
    text: &'a [u8],
    side: usize,
    cards: &mut Cards<'a>,
    builder: &mut Builder,
) {
    let (Some(length), Some(dump)) = (call.lengths.get_mut(side), call.dumps.get_mut(side)) else { return };
    let text = text.trim_ascii_start();
    if let Some(rest) = text.strip_prefix(b"bSendLength ").or_else(|| text.strip_prefix(b"bRecvLength ")) {
        *length = code(rest).and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    } else if text == b"bSendBuffer" || text == b"bRecvBuffer" {
        match Dump::announced(line, *length) {
            Ok(announced) => *dump = Some(announced),
            Err(reason) if call.name == b"SCardTransmit" => builder.note(line, reason),
            Err(_) => {}
        }
    } else if let Some(reader) = text.strip_prefix(b"szReader") {
        call.reader = reader.strip_prefix(b":").unwrap_or(reader).trim_ascii();
    } else if let Some(how) = text.strip_prefix(b"dwShareMode: ") {
        call.how = how;
    } else if let Some(how) = text.strip_prefix(b"dwInitialization ") {
        // Anything but leaving the card as it is.
        call.resets = code(how).is_some_and(|how| how != 0);
    } else if let Some(atr) = text.strip_prefix(b"Atr: ") {
        let known = digits(atr, false).ok().filter(|atr| super::builder::is_atr(atr.as_slice()));
        match known {
            Some(atr) => {
                let reader = call.reader;
                cards.retain(|(known, _)| *known != reader);
                if cards.len() < READERS_MAX {
                    cards.push((reader, atr.as_slice().to_vec()));
                }
            }
            None => builder.note(line, Reason::Atr),
        }
    } else if let Some(dump) = dump {
        // Behind the offset.
        let (offset, bytes) = text.split_at_checked(4).unwrap_or_default();
        let bytes = bytes.iter().position(|byte| *byte == b' ').and_then(|at| bytes.get(at + 1..));
        if let Some(bytes) = bytes.filter(|_| offset.iter().all(u8::is_ascii_hexdigit)) {
            dump.take(bytes);
        }
    }
}

fn returned(call: Call<'_>, line: usize, text: &[u8], cards: &Cards<'_>, builder: &mut Builder) {
    let failure = after(text, "[").and_then(code).map(outcome::of_code);
    match call.name {
        b"SCardConnect" if failure == Some(None) && !call.how.starts_with(b"SCARD_SHARE_DIRECT") => {
            let atr = cards.iter().find(|(reader, _)| *reader == call.reader).map_or(&[][..], |(_, atr)| atr);
            builder.begin(atr, !call.how.starts_with(b"SCARD_SHARE_EXCLUSIVE"));
        }
        b"SCardReconnect" if call.resets => builder.reset(failure.flatten()),
        b"SCardTransmit" => {
            let [sent, received] = &call.dumps;
            let Some(command) = sent.as_ref().and_then(Dump::whole) else {
                return builder.note(call.line, Reason::Cut);
            };
            builder.command(call.line, command, None);
            match (failure, received.as_ref().and_then(Dump::whole)) {
                (Some(Some(failure)), _) => builder.failed(failure),
                (_, Some(answer)) => builder.answer_after(line, answer, duration(text)),
                (_, None) => builder.note(call.line, Reason::Cut),
            }
        }
        _ => {}
    }
}

/// A command whose call never came back.
fn lost(call: Call<'_>, builder: &mut Builder) {
    if call.name == b"SCardTransmit" {
        match call.dumps.first().and_then(Option::as_ref).and_then(Dump::whole) {
            Some(command) => builder.command(call.line, command, None),
            None => builder.note(call.line, Reason::Cut),
        }
    }
}

/// The seconds in the last brackets, in microseconds.
fn duration(text: &[u8]) -> Option<u64> {
    let text = text.strip_suffix(b"]")?.rsplit(|byte| *byte == b'[').next()?;
    let at = text.iter().position(|byte| *byte == b'.')?;
    let (seconds, fraction) = text.split_at_checked(at)?;
    let micros = fraction.get(1..).filter(|digits| digits.len() == 6).and_then(number)?;
    number(seconds)?.checked_mul(1_000_000)?.checked_add(micros)
}
