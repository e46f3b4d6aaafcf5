//! The operations on a CIE 3.

use super::{Cursor, Operation, Operations, algorithm, is_right};
use crate::cns::Credential::Authentication;
use crate::ias::{CIE_AID, File, IAS_AID, RootFile};
use crate::iso7816::command::{
    INS_CHANGE_REFERENCE_DATA, INS_GET_DATA_ODD, INS_INTERNAL_AUTHENTICATE, INS_MANAGE_SECURITY_ENVIRONMENT,
    INS_RESET_RETRY_COUNTER, INS_VERIFY,
};
use crate::redact::dialogue::Exchange;

/// What GET DATA asks for: the tries of PIN and PUK.
const PIN_TRIES: [u8; 10] = hex_literal::hex!("4D087006BF810102A080");
const PUK_TRIES: [u8; 10] = hex_literal::hex!("4D087006BF810202A080");
const PUK: u8 = 0x82;

/// How far the dialogue is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    Root,
    Cie,
    Session,
    Unlocked,
}

impl Operations {
    pub(super) fn ias(&mut self, cursor: &mut Cursor<'_>) {
        let mut state = State::Nothing;
        while !cursor.is_over() {
            if cursor.skip_reset() {
                // At the end the card is reset because a session goes.
                if cursor.is_over() {
                    break;
                }
                state = self.reset(cursor, state);
                continue;
            }
            let Some(exchange) = cursor.next() else { break };
            let at = cursor.at;
            state = match state {
                State::Session | State::Unlocked if exchange.protected => {
                    self.protected(cursor, exchange, state)
                }
                _ => self.clear(cursor, exchange, state),
            };
            if cursor.at == at {
                self.unknown.push(exchange.line);
                cursor.at += 1;
            }
        }
    }

    /// After a reset: the same session anew, which knows the card's constants, or something else.
    fn reset(&mut self, cursor: &mut Cursor<'_>, state: State) -> State {
        let rest = cursor.steps.get(cursor.at..).unwrap_or_default();
        let mut exchanges = crate::redact::dialogue::exchanges(rest)
            .skip_while(|exchange| exchange.selects())
            .skip_while(|exchange| *exchange.data == PIN_TRIES)
            .skip_while(|exchange| exchange.reads() || exchange.selects());
        let known = exchanges.next().is_some_and(sets_agreement);
        if state == State::Unlocked && known {
            self.list.push(Operation::Lock);
            skip_authentication(cursor);
            return State::Session;
        }
        self.list.push(Operation::Reset);
        State::Nothing
    }

    fn clear(&mut self, cursor: &mut Cursor<'_>, exchange: &Exchange, state: State) -> State {
        if exchange.selects_name(&IAS_AID) || is_master_file(exchange) {
            if state == State::Nothing {
                self.list.push(Operation::SelectApplication);
            }
            cursor.skip(|exchange| exchange.selects_name(&IAS_AID) || is_master_file(exchange));
            return State::Root;
        }
        if state == State::Nothing && exchange.selects() {
            return self.either_kind(cursor);
        }
        if exchange.selects_name(&CIE_AID) {
            cursor.at += 1;
            return State::Cie;
        }
        if exchange.selects() && exchange.p1() == 0x04 && state != State::Nothing {
            self.list.push(Operation::HasApplication(exchange.data.to_vec()));
            cursor.at += 1;
            return State::Root;
        }
        if exchange.ins() == INS_GET_DATA_ODD && *exchange.data == PUK_TRIES {
            self.list.push(Operation::PukTries);
            cursor.at += 1;
            return state;
        }
        if exchange.ins() == INS_GET_DATA_ODD && *exchange.data == PIN_TRIES {
            return self.pin_tries(cursor, state);
        }
        if state == State::Cie && sets_authentication(exchange) {
            let authenticates = |next: &Exchange| next.ins() == INS_INTERNAL_AUTHENTICATE;
            if cursor.ahead(1).is_some_and(authenticates) {
                self.list.push(Operation::ChallengeServicesKey);
                cursor.at += 2;
            }
            return state;
        }
        if let (true, (0, Some(short))) = (exchange.reads(), exchange.place()) {
            let once = exchange.asked() == 1;
            let cie = File::ALL.into_iter().find(|file| file.reference().short_identifier == short);
            let root = RootFile::ALL.into_iter().find(|file| file.reference().short_identifier == short);
            let operation = match (state, cie, root, once) {
                (State::Cie, Some(file), _, true) => Operation::Probe(file),
                (State::Cie, Some(file), _, false) => Operation::Read(file),
                (State::Root, _, Some(file), true) => Operation::ProbeRoot(file),
                (State::Root, _, Some(file), false) => Operation::ReadRoot(file),
                _ => return state,
            };
            self.list.push(operation);
            skip_reading(cursor);
        }
        state
    }

    /// Looked for as a contact card first, as its answer to reset has it.
    fn either_kind(&mut self, cursor: &mut Cursor<'_>) -> State {
        let is_root = |exchange: &Exchange| exchange.selects_name(&IAS_AID) || is_master_file(exchange);
        cursor.skip(|exchange| (exchange.selects() || exchange.reads()) && !is_root(exchange));
        cursor.skip(|exchange| is_root(exchange) || exchange.selects_name(&CIE_AID));
        self.list.push(Operation::Open);
        if cursor.next().is_some_and(Exchange::reads) {
            skip_reading(cursor);
        }
        State::Cie
    }

    /// The question for tries, by itself or at the beginning of an authentication.
    fn pin_tries(&mut self, cursor: &mut Cursor<'_>, state: State) -> State {
        let mut ahead = Cursor { steps: cursor.steps, at: cursor.at + 1 };
        let device_key = File::DeviceKey.reference().short_identifier;
        let reads_key = ahead
            .next()
            .is_some_and(|next| next.reads() && next.place() == (0, Some(device_key)) && next.asked() != 1);
        if reads_key {
            skip_reading(&mut ahead);
            let goes_on = |next: &Exchange| next.ins() == INS_GET_DATA_ODD || sets_agreement(next);
            if ahead.next().is_some_and(goes_on) {
                self.list.push(Operation::Authenticate);
                skip_authentication(cursor);
                return State::Session;
            }
        }
        self.list.push(Operation::PinTries);
        cursor.at += 1;
        state
    }

    fn protected(&mut self, cursor: &mut Cursor<'_>, exchange: &Exchange, state: State) -> State {
        let (ins, right) = (exchange.ins(), is_right(exchange.status));
        if exchange.selects() && exchange.p1() == 0x02 {
            let identifier = <[u8; 2]>::try_from(exchange.data.as_slice()).map(u16::from_be_bytes).ok();
            let file = File::ALL.into_iter().find(|file| Some(file.reference().identifier) == identifier);
            let Some(file) = file else { return state };
            // The certificate is held from its first reading on, until the PIN state ends.
            let verified =
                |operation: &&Operation| matches!(operation, Operation::Verify { right: true, .. });
            let mut since = self.list.iter().rev().take_while(|operation| !verified(operation));
            let first = !since.any(|operation| matches!(operation, Operation::Certificate(_)));
            self.list.push(match file {
                File::HolderCertificate if first && state == State::Unlocked => {
                    Operation::Certificate(Authentication)
                }
                file => Operation::ReadProtected(file),
            });
            cursor.at += 1;
            cursor.skip(Exchange::reads);
        } else if ins == INS_VERIFY && exchange.p2() != PUK {
            let Some(right) = right else { return state };
            self.list.push(Operation::Verify { credential: Authentication, right });
            cursor.at += 1;
            return if right { State::Unlocked } else { state };
        } else if ins == INS_VERIFY || is_question(exchange, cursor) {
            self.unblock(cursor, ins != INS_VERIFY);
        } else if ins == INS_GET_DATA_ODD && *exchange.data == PUK_TRIES {
            self.list.push(Operation::PukTries);
            cursor.at += 1;
        } else if ins == INS_CHANGE_REFERENCE_DATA {
            let Some(right) = right else { return state };
            self.list.push(Operation::Change { credential: Authentication, right });
            cursor.at += 1;
        } else if ins == INS_MANAGE_SECURITY_ENVIRONMENT {
            let signed = cursor.ahead(1).filter(|next| next.ins() == INS_INTERNAL_AUTHENTICATE);
            if let Some(algorithm) = signed.and_then(|signed| algorithm(&signed.data)) {
                self.list.push(Operation::Sign(algorithm));
                cursor.at += 2;
            }
        }
        state
    }

    /// VERIFY of the PUK, then RESET RETRY COUNTER.
    fn unblock(&mut self, cursor: &mut Cursor<'_>, asks: bool) {
        let at = cursor.at + usize::from(asks);
        let (puk, reset) = (cursor.ahead(usize::from(asks)), cursor.ahead(usize::from(asks) + 1));
        let Some(right) = puk.and_then(|puk| is_right(puk.status)) else { return };
        let reset = reset.filter(|reset| right && reset.ins() == INS_RESET_RETRY_COUNTER);
        let new_pin = reset.is_some_and(|reset| reset.p1() == 0x02);
        self.list.push(Operation::Unblock { credential: Authentication, right, new_pin, asks });
        cursor.at = at + 1 + usize::from(reset.is_some());
    }
}

/// Whether the tries of the PUK are asked for because it will be shown.
fn is_question(exchange: &Exchange, cursor: &Cursor<'_>) -> bool {
    let shown = cursor.ahead(1).is_some_and(|next| next.ins() == INS_VERIFY && next.p2() == PUK);
    exchange.ins() == INS_GET_DATA_ODD && *exchange.data == PUK_TRIES && shown
}

fn is_master_file(exchange: &Exchange) -> bool {
    exchange.header == [0x00, 0xA4, 0x00, 0x00] && exchange.sent == 0
}

fn sets_agreement(exchange: &Exchange) -> bool {
    exchange.ins() == INS_MANAGE_SECURITY_ENVIRONMENT && exchange.p2() == 0xA6
}

/// In clear only the key for services authenticates the chip.
fn sets_authentication(exchange: &Exchange) -> bool {
    exchange.ins() == INS_MANAGE_SECURITY_ENVIRONMENT && exchange.p2() == 0xA4
}

/// Goes past the reads of one file, by its short identifier and then by its long one if that was refused.
fn skip_reading(cursor: &mut Cursor<'_>) {
    let Some(first) = cursor.next() else { return };
    cursor.at += 1;
    let refused = !matches!(first.status, Some(0x9000 | 0x6282));
    if refused && cursor.next().is_some_and(|next| next.selects() && next.p1() == 0x02) {
        cursor.at += 1;
    }
    cursor.skip(|next| next.reads() && next.place().1.is_none());
}

/// Goes past key exchange and device authentication: to the chip's proof, which is the last of it.
fn skip_authentication(cursor: &mut Cursor<'_>) {
    let is_proof = |exchange: &Exchange| exchange.ins() == INS_INTERNAL_AUTHENTICATE && exchange.sent == 8;
    cursor.skip(|exchange| !is_proof(exchange));
    cursor.at += usize::from(cursor.next().is_some());
}
