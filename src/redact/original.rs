//! What may be told of the recorded dialogue itself: what is on the allow-list, and on which day it was.

use super::build::midnight;
use crate::transport::trace::{AllowList, Entry, Event, Kind, Piece, Told, Trace};

/// The diagnostic trace of a plain one.
pub(super) fn diagnostic(plain: &Trace) -> Trace {
    let mut list = AllowList::new();
    let mut entries = Vec::new();
    for entry in &plain.entries {
        let event = match &entry.event {
            Event::Connected { .. } => {
                list = AllowList::new();
                entry.event.clone()
            }
            Event::Command(told) => Event::Command(command(&mut list, told)),
            Event::Response { answer, .. } => {
                let answer = match answer.whole() {
                    Some(bytes) => list.response(bytes),
                    None => Told::hidden(answer.len()),
                };
                Event::Response { answer, time: None }
            }
            // What only a plain trace has is told by the comparison in the report.
            Event::Wire(_) | Event::Protected | Event::Random { .. } => continue,
            other => other.clone(),
        };
        entries.push(Entry { line: 0, event });
    }
    Trace { origin: plain.origin, kind: Kind::Diagnostic, clock: midnight(plain.clock), entries }
}

/// A command, of which a part may be left out already.
fn command(list: &mut AllowList, told: &Told) -> Told {
    let hides = |piece: &Piece| !matches!(piece, Piece::Bytes(_));
    match (told.whole(), told.header()) {
        (Some(bytes), _) => list.command(bytes),
        (None, Some(header)) => {
            let header = list.command(&header);
            if told.pieces().iter().any(hides) { header.and_uncounted() } else { header }
        }
        (None, None) => Told::hidden(told.len()),
    }
}
