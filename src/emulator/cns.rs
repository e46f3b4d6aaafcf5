//! The card's side of the contact cards (CNS, CIE 1, CIE 2): a command APDU in, a response APDU out.
//!
//! ISO/IEC 7816-4 and -8 as far as a citizen's program needs them, in clear; what the issuer does over secure
//! messaging is refused. Everything that arrives is hostile: whatever it is, the answer is a status word.

mod control_information;
mod read;
mod reference_data;
mod security_environment;
mod security_operation;
mod select;
mod state;
mod tree;
mod volatile;

use std::sync::Arc;

use super::contact::Profile;
use super::error::Error;
use super::exchange::{
    Answer, CLA_CHAINING, FAILURE, MEMORY_FAILURE, Tamper, answer, assemble, data, deliver, done,
    get_response,
};
use super::source::Source;
use super::store::{Memory, Store};
use crate::crypto::signature::RsaPrivateKey;
use crate::environment::Entropy;
use crate::iso7816::{Command, Response, StatusWord, command};
pub(crate) use state::Persistent;
use volatile::Volatile;

/// 6882: secure messaging is not supported.
const SM_NOT_SUPPORTED: StatusWord = StatusWord::new(0x6882);

const INS_READ_RECORD: u8 = 0xB2;
const INS_UPDATE_BINARY: u8 = 0xD6;
const INS_PUT_DATA: u8 = 0xDA;
const INS_CREATE_FILE: u8 = 0xE0;
const INS_GENERATE_KEY: u8 = 0x46;

/// One card with all it remembers.
pub(super) struct Card {
    keys: Arc<Vec<RsaPrivateKey>>,
    profile: Profile,
    persistent: Persistent,
    store: Box<dyn Store<Persistent>>,
    entropy: Source,
    volatile: Volatile,
    verify_count: u32,
}

impl Card {
    /// Powers a card up for the first time.
    pub(super) fn new(
        state: Persistent,
        store: Box<dyn Store<Persistent>>,
        entropy: Source,
    ) -> Result<Self, Error> {
        let keys = Arc::new(state.keys()?);
        let profile = state.profile.clone().unwrap_or_else(|| state.model.profile());
        let volatile = Volatile::default();
        Ok(Self { keys, profile, persistent: state, store, entropy, volatile, verify_count: 0 })
    }

    /// Forgets everything that a card forgets when it loses power.
    pub(super) fn reset(&mut self) {
        self.volatile = Volatile::default();
    }

    pub(super) fn persistent(&self) -> &Persistent {
        &self.persistent
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// How many wrong PINs, and how many wrong PUKs, the holder has left.
    pub(super) fn tries_left(&self) -> [u8; 2] {
        self.persistent.tries_left()
    }

    pub(super) fn verify_count(&self) -> u32 {
        self.verify_count
    }

    /// The same card in the same state, without its file.
    pub(super) fn copy_into_memory(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            profile: self.profile.clone(),
            persistent: self.persistent.clone(),
            store: Box::new(Memory),
            entropy: self.entropy.clone(),
            volatile: self.volatile.clone(),
            verify_count: self.verify_count,
        }
    }

    /// One command APDU in, one response APDU out.
    pub(super) fn transmit(&mut self, apdu: &[u8], tamper: &mut Option<Tamper>) -> Response {
        self.receive(apdu, tamper).unwrap_or_else(Response::from)
    }

    fn receive(&mut self, apdu: &[u8], tamper: &mut Option<Tamper>) -> Answer {
        // A fifth byte of zero with more behind it starts an extended length.
        if !self.profile.extended_length && matches!(apdu, [_, _, _, _, 0, _, ..]) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let wire = Command::parse(apdu).map_err(|_| StatusWord::WRONG_LENGTH)?;
        match wire.cla() & !CLA_CHAINING {
            0 => {}
            0x0C | 0xC0 | 0xCC => return Err(SM_NOT_SUPPORTED),
            _ => return Err(StatusWord::CLA_NOT_SUPPORTED),
        }
        if wire.header().first_chunk() == Some(&[0, command::INS_GET_RESPONSE]) {
            return get_response(&mut self.volatile.waiting, &wire);
        }
        self.volatile.waiting = None;
        let has_data = !wire.data().is_empty();
        let ne = wire.ne().unwrap_or(0);
        let answer = self.accept(wire, tamper);
        // Over T=0 a command has data or an answer, never both.
        let ne = if has_data && self.profile.answers_wait { 0 } else { ne };
        let status = answer.status();
        Ok(deliver(&mut self.volatile.waiting, answer.into_data(), status, ne))
    }

    /// A command, perhaps a fragment: puts chains together, then carries out.
    fn accept(&mut self, command: Command, tamper: &mut Option<Tamper>) -> Response {
        let is_chainable = |ins| ins == command::INS_PERFORM_SECURITY_OPERATION;
        let assembled = assemble(&mut self.volatile.chain, command, false, is_chainable);
        answer(assembled, tamper, |command| self.perform(command))
    }

    /// Carries out a whole command.
    fn perform(&mut self, command: &Command) -> Answer {
        match command.ins() {
            command::INS_SELECT => self.select(command),
            command::INS_READ_BINARY => self.read_binary(command),
            INS_READ_RECORD => self.read_record(),
            INS_UPDATE_BINARY => self.update_binary(),
            INS_PUT_DATA | INS_CREATE_FILE | INS_GENERATE_KEY => {
                Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED)
            }
            command::INS_GET_CHALLENGE => self.get_challenge(command),
            command::INS_VERIFY => self.verify(command),
            command::INS_CHANGE_REFERENCE_DATA => self.change_reference_data(command),
            command::INS_RESET_RETRY_COUNTER => self.reset_retry_counter(command),
            command::INS_MANAGE_SECURITY_ENVIRONMENT => self.manage_security_environment(command),
            command::INS_PERFORM_SECURITY_OPERATION => self.perform_security_operation(command),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// GET CHALLENGE (ISO/IEC 7816-4 section 11.5.3): as many random bytes as are asked for.
    fn get_challenge(&mut self, command: &Command) -> Answer {
        if (command.p1(), command.p2()) != (0, 0) {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let most = u32::from(self.profile.longest_challenge.min(256));
        let length = command.ne().filter(|ne| command.data().is_empty() && *ne <= most);
        let length = length.and_then(|ne| usize::try_from(ne).ok()).ok_or(StatusWord::WRONG_LENGTH)?;
        let mut challenge = vec![0; length];
        self.entropy.draw("RND.ICC", &mut challenge).map_err(|_| FAILURE)?;
        Ok(data(challenge))
    }
}
