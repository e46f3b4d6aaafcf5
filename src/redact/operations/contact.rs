//! The operations on a contact card.

use super::{Cursor, Operation, Operations, algorithm, is_right};
use crate::cns::{Credential, File};
use crate::ias::{CIE_AID, IAS_AID};
use crate::iso7816::command::{
    INS_CHANGE_REFERENCE_DATA, INS_MANAGE_SECURITY_ENVIRONMENT, INS_PERFORM_SECURITY_OPERATION,
    INS_RESET_RETRY_COUNTER, INS_VERIFY,
};
use crate::redact::dialogue::Exchange;
use crate::redact::shapes::key_set_of;

/// Lengths that are read of EF_IDCarta and EF_DatiPersonali to recognise a card.
const RECOGNITION: [usize; 2] = [16, 6];

/// One selection and the reads after it.
struct Group<'a> {
    path: Vec<u16>,
    selected: bool,
    reads: Vec<&'a Exchange>,
    told: Option<usize>,
}

/// What is known within one connection.
#[derive(Default)]
struct State {
    open: bool,
    unlocked: bool,
}

impl Group<'_> {
    /// Whether only one byte is read, to see whether the card gives it.
    fn probes(&self) -> bool {
        self.reads.first().is_some_and(|read| read.asked() == 1)
    }

    /// Whether an object with a long length comes first, or after five bytes that wrap it.
    fn gives_object(&self) -> bool {
        let content = self.reads.first().map(|read| read.answer.as_slice()).unwrap_or_default();
        let wrapped = self.path == [0x2FFF, 0x8228];
        content.get(if wrapped { 5.. } else { 0.. }).is_some_and(|content| content.starts_with(&[0x30, 0x82]))
    }
}

impl Operations {
    pub(super) fn contact(&mut self, cursor: &mut Cursor<'_>) {
        let mut state = State::default();
        while !cursor.is_over() {
            if cursor.skip_reset() {
                if cursor.is_over() {
                    break;
                }
                let operation = if state.unlocked { Operation::Lock } else { Operation::Reset };
                state.open &= operation == Operation::Lock;
                self.list.push(operation);
                state.unlocked = false;
                continue;
            }
            let Some(exchange) = cursor.next() else { break };
            let at = cursor.at;
            if !state.open {
                state.open = self.recognition(cursor);
            } else if exchange.selects() {
                self.selection(cursor);
            } else {
                self.command(cursor, exchange, &mut state);
            }
            if cursor.at == at {
                self.unknown.push(exchange.line);
                cursor.at += 1;
            }
        }
    }

    /// Selections and short reads until one tells what card it is.
    fn recognition(&mut self, cursor: &mut Cursor<'_>) -> bool {
        let before = cursor.at;
        // As a CIE 3 first, if the answer to reset says nothing.
        let is_cie3 = |exchange: &Exchange| {
            let root = exchange.selects() && exchange.p1() == 0x00 && exchange.sent == 0;
            root || exchange.selects_name(&IAS_AID) || exchange.selects_name(&CIE_AID)
        };
        let both = cursor.skip(is_cie3).is_some();
        loop {
            let at = cursor.at;
            let group = group(cursor);
            let asked = group.reads.first().map(|read| read.asked());
            if asked.is_some_and(|asked| !RECOGNITION.contains(&asked)) || cursor.at == at {
                cursor.at = at;
                break;
            }
            // A number that is none of a CNS wants the personal data beside it, if the answer to reset says nothing.
            let more = group_ahead(cursor);
            let more = more.filter(|more| more.path == [0x1100, 0x1102]);
            let more = more.is_some_and(|more| more.reads.first().is_some_and(|read| read.asked() == 6));
            let given = group.reads.iter().any(|read| read.is_success());
            if given && !more {
                break;
            }
        }
        let found = cursor.at > before;
        if found {
            self.list.push(if both { Operation::Open } else { Operation::OpenContact });
        }
        found
    }

    fn selection(&mut self, cursor: &mut Cursor<'_>) {
        let group = group(cursor);
        let first = group.reads.first();
        if group.path.is_empty() || matches!(group.path.as_slice(), [0x1400, 0x8110 | 0x9002] | [0x2FFF, 0]) {
            // The directory of a key or a PIN: the command after it tells.
            return;
        }
        let file = File::ALL.into_iter().find(|file| file.path() == group.path);
        let probed = group.probes();
        let signature = key_set_of(&group.path).filter(|_| !probed);
        let given: usize = group.reads.iter().map(|read| read.answer.len()).sum();
        let whole =
            group.told.is_some_and(|told| told > 0 && given >= told) && group.path != [0x2FFF, 0x8228];
        let goes_on = || group_ahead(cursor).is_some_and(|next| key_set_of(&next.path) == signature);
        let is_certificate = match signature {
            // What was not there is looked for elsewhere, or was only asked for.
            Some(signature) if !group.selected => signature || goes_on(),
            Some(_) => !whole || file.is_none(),
            None => false,
        };
        if let (true, Some(signature)) = (is_certificate, signature) {
            let credential = if signature { Credential::Signature } else { Credential::Authentication };
            let mut last = group;
            // Where there was none, the next place is looked at.
            while !last.gives_object() {
                match group_ahead(cursor) {
                    Some(next) if key_set_of(&next.path) == Some(signature) && !next.probes() => {
                        last = self::group(cursor);
                    }
                    _ => break,
                }
            }
            self.list.push(Operation::Certificate(credential));
        } else if let Some(file) = file {
            let probe = probed || !group.selected;
            self.list.push(if probe { Operation::ProbeContact(file) } else { Operation::ReadContact(file) });
        } else {
            self.unknown.push(first.map_or(0, |read| read.line));
        }
    }

    fn command(&mut self, cursor: &mut Cursor<'_>, exchange: &Exchange, state: &mut State) {
        let ins = exchange.ins();
        let credential = match exchange.p2() & 0x1F {
            0x1A | 0x1B => Credential::Signature,
            _ => Credential::Authentication,
        };
        match ins {
            INS_VERIFY | INS_CHANGE_REFERENCE_DATA | INS_RESET_RETRY_COUNTER => {
                // By the other reference, if the card knows no such object.
                let last = match (exchange.status, cursor.ahead(1)) {
                    (Some(0x6A88), Some(next)) if next.ins() == ins && next.p2() != exchange.p2() => {
                        cursor.at += 1;
                        next
                    }
                    _ => exchange,
                };
                let Some(right) = is_right(last.status) else { return };
                cursor.at += 1;
                let was_unlocked = state.unlocked;
                let shown = ins == INS_VERIFY && right;
                state.unlocked |= shown;
                self.list.push(match ins {
                    INS_VERIFY => Operation::Verify { credential, right },
                    INS_CHANGE_REFERENCE_DATA => Operation::Change { credential, right },
                    _ => {
                        let new_pin = exchange.p1() == 0x00;
                        Operation::Unblock { credential, right, new_pin, asks: false }
                    }
                });
                // A card that refused, or whose PIN is another one now, forgets what it was shown.
                if !was_unlocked && !shown {
                    cursor.skip_reset();
                }
            }
            INS_MANAGE_SECURITY_ENVIRONMENT => {
                let mut ahead = Cursor { steps: cursor.steps, at: cursor.at };
                let mut found = None;
                loop {
                    ahead.skip(|next| next.ins() == INS_MANAGE_SECURITY_ENVIRONMENT);
                    let Some(signed) =
                        ahead.next().filter(|next| next.ins() == INS_PERFORM_SECURITY_OPERATION)
                    else {
                        break;
                    };
                    found = found.or_else(|| algorithm(&signed.data));
                    ahead.at += 1;
                    if signed.is_success() {
                        break;
                    }
                }
                if let Some(algorithm) = found {
                    self.list.push(Operation::Sign(algorithm));
                    cursor.at = ahead.at;
                }
            }
            _ => {}
        }
    }
}

/// Goes past one selection, of one command or of several, and the reads after it.
fn group<'a>(cursor: &mut Cursor<'a>) -> Group<'a> {
    let (mut path, mut selected, mut told) = (Vec::new(), true, None);
    let mut begun = false;
    while let Some(exchange) = cursor.next().filter(|exchange| exchange.selects()) {
        // A selection begins at the top: by a path, by an application's name, by the master file.
        let from_top = exchange.p1() == 0x08 || exchange.p1() == 0x04 || *exchange.data == [0x3F, 0x00];
        if begun && (from_top || !selected) {
            break;
        }
        begun = true;
        cursor.at += 1;
        selected = exchange.is_success();
        let asked: Vec<u16> = exchange
            .data
            .chunks_exact(2)
            .filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
            .collect();
        match exchange.p1() {
            0x04 => path.clear(),
            0x00 if asked == [0x3F00] => path.clear(),
            0x08 => path = asked,
            _ => path.extend(asked),
        }
        told = crate::cns::Fci::parse(&exchange.answer).ok().and_then(|fci| fci.size());
    }
    let mut reads = Vec::new();
    while let Some(exchange) = cursor.next().filter(|exchange| exchange.reads()) {
        // Another read of the same file, from its beginning on, is another operation's, or a smaller block.
        reads.push(exchange);
        cursor.at += 1;
    }
    Group { path, selected, reads, told }
}

/// The same without going there.
fn group_ahead<'a>(cursor: &Cursor<'a>) -> Option<Group<'a>> {
    let mut ahead = Cursor { steps: cursor.steps, at: cursor.at };
    ahead.next().filter(|next| next.selects())?;
    Some(group(&mut ahead))
}
