//! A list of commands and answers as people write it down: a sign of direction, then hexadecimal digits.
//!
//! ```text
//! # a remark
//! > 00A4040C0DA0000000308000000009816001     << 90 00     => 00:B0:81:00:06     <- 6A82 (nothing there)
//! ```
//!
//! Each stands in its own line; behind the bytes there may be a remark after one of `: ; # / ( [ |`. After a line of
//! whole sixteens it can go on in the next. Then only the header of a command is told, and nothing of an answer: a line
//! that stands there by itself could be anything, a PIN included. A line `atr HEX` begins a connection. Whatever else
//! there is was not understood.

use super::Reason;
use super::builder::Builder;
use super::lines::{Bytes, digits, lines};
use super::open::{Open, close};

/// Signs of direction.
const OUT: [&[u8]; 6] = [b">", b">>", b"->", b"-->", b"=>", b"==>"];
const IN: [&[u8]; 6] = [b"<", b"<<", b"<-", b"<--", b"<=", b"<=="];

/// Whether it is a line of such a list.
pub(super) fn is_mark(text: &[u8]) -> bool {
    directed(text).is_some_and(|(_, rest)| digits(rest, true).is_ok_and(|bytes| !bytes.is_empty()))
}

pub(super) fn import(log: &[u8], builder: &mut Builder) {
    let mut open = None::<Open>;
    for line in lines(log) {
        let Some(text) = line.text.map(<[u8]>::trim_ascii_start) else {
            builder.note(line.number, Reason::LineTooLong);
            continue;
        };
        if text.is_empty() || text.starts_with(b"#") || text.starts_with(b";") || text.starts_with(b"//") {
            close(open.take(), builder);
        } else if let Some((outgoing, rest)) = directed(text) {
            close(open.take(), builder);
            let mut bytes = Bytes::default();
            match bytes.push_digits(rest, true) {
                Ok(()) => open = Some(Open::new(line.number, outgoing, bytes)),
                Err(reason) => builder.note(line.number, reason),
            }
        } else if let Some(rest) = atr(text) {
            close(open.take(), builder);
            match digits(rest, true) {
                Ok(atr) => {
                    builder.begin(&[], true);
                    builder.atr(line.number, atr.as_slice());
                }
                Err(_) => builder.note(line.number, Reason::Atr),
            }
        } else if let Some(open) = open.as_mut().filter(|open| open.may_go_on() && digits(text, true).is_ok())
        {
            open.goes_on = true;
            if let Err(reason) = open.bytes.push_digits(text, true) {
                builder.note(line.number, reason);
            }
        } else {
            close(open.take(), builder);
            builder.note(line.number, Reason::Unknown);
        }
        if line.is_cut && open.take_if(|open| !open.outgoing).is_some() {
            // What stands last could be the middle of an answer, and no status word.
            builder.note(line.number, Reason::Cut);
        }
    }
    close(open, builder);
}

/// A line with a sign of direction: whether it goes out, and what stands behind the sign.
fn directed(text: &[u8]) -> Option<(bool, &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !matches!(byte, b'<' | b'>' | b'-' | b'='))?;
    let (sign, rest) = text.split_at_checked(end)?;
    let outgoing = OUT.contains(&sign);
    (outgoing || IN.contains(&sign)).then_some((outgoing, rest))
}

fn atr(text: &[u8]) -> Option<&[u8]> {
    let (word, rest) = text.split_at_checked(3)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    (word.eq_ignore_ascii_case(b"atr") && rest.starts_with(b" ")).then_some(rest)
}
