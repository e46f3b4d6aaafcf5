//! The card's side of the IAS ECC application: a command APDU in, a response APDU out.
//!
//! ISO/IEC 7816-4 section 5.3 (chaining, GET RESPONSE) and IAS ECC 1.0.1. Everything that arrives is
//! hostile: whatever it is, the answer is a status word.

mod authenticate;
mod certificate;
mod channel;
mod get_data;
mod key_agreement;
mod keys;
mod read;
mod recovery;
mod reference_data;
mod security_environment;
mod select;
mod volatile;

use std::sync::Arc;

use super::error::Error;
use super::exchange::{
    Answer, CLA_CHAINING, FAILURE, MEMORY_FAILURE, Tamper, answer, assemble, data, deliver, done,
    get_response,
};
use super::profile::Profile;
use super::source::Source;
use super::store::{Memory, Persistent, Store};
use crate::iso7816::apdu::SHORT_NE_MAX;
use crate::iso7816::{Command, Response, StatusWord, command};
use keys::Keys;
use volatile::Volatile;

/// The class bits that say that command and answer are protected, the header included.
const CLA_PROTECTED: u8 = 0x0C;
/// 6881: the logical channel is not supported.
const CHANNEL_NOT_SUPPORTED: StatusWord = StatusWord::new(0x6881);
/// One card with all it remembers.
pub(super) struct Card {
    keys: Arc<Keys>,
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
        let keys = Arc::new(Keys::new(&state)?);
        let profile = state.profile.clone().unwrap_or_else(|| state.chip.profile());
        let volatile = Volatile::new(&profile);
        Ok(Self { keys, profile, persistent: state, store, entropy, volatile, verify_count: 0 })
    }

    /// Forgets everything that a card forgets when it loses power.
    pub(super) fn reset(&mut self) {
        self.volatile = Volatile::new(&self.profile);
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
        // No extended lengths, however small the number in them: not every CIE has them, so no terminal
        // may rely on them. A fifth byte of zero with more behind it starts one.
        if matches!(apdu, [_, _, _, _, 0, _, ..]) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let wire = Command::parse(apdu).map_err(|_| StatusWord::WRONG_LENGTH)?;
        if wire.ins() == command::INS_GET_RESPONSE && matches!(wire.cla(), 0 | CLA_PROTECTED) {
            return get_response(&mut self.volatile.waiting, &wire);
        }
        self.volatile.waiting = None;
        match wire.cla() & !CLA_CHAINING {
            0 => {
                let asked = wire.ne().unwrap_or(0);
                let answer = self.accept(wire, false, tamper);
                self.volatile.next_ssc = None;
                let status = answer.status();
                let at_once = answer.data().len().min(usize::try_from(asked).unwrap_or(usize::MAX));
                let ne = if at_once > self.profile.longest_direct_answer { 0 } else { asked };
                Ok(deliver(&mut self.volatile.waiting, answer.into_data(), status, ne))
            }
            CLA_PROTECTED => self.receive_protected(&wire, tamper),
            1..=3 => Err(CHANNEL_NOT_SUPPORTED),
            _ => Err(StatusWord::CLA_NOT_SUPPORTED),
        }
    }

    /// Takes the protection off, carries the command out, protects the answer. The first fault in the
    /// protection ends the channel.
    fn receive_protected(&mut self, wire: &Command, tamper: &mut Option<Tamper>) -> Answer {
        let channel = self.volatile.channel.as_mut().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let clear = match channel.unwrap(wire) {
            Ok(clear) => clear,
            Err(fault) => {
                self.volatile.close_channel();
                return Err(fault);
            }
        };
        let answer = self.accept(clear, true, tamper);
        let channel = self.volatile.channel.as_mut().ok_or(FAILURE)?;
        let body = channel.protect(&answer, wire.ins()).map_err(|_| FAILURE)?;
        // Device authentication changes the counter only after its own answer.
        if let Some(ssc) = self.volatile.next_ssc.take() {
            channel.set_counter(ssc);
        }
        let ne = wire.ne().unwrap_or(SHORT_NE_MAX);
        Ok(deliver(&mut self.volatile.waiting, body, StatusWord::SUCCESS, ne))
    }

    /// A command in clear form, perhaps a fragment: puts chains together, then carries out.
    fn accept(&mut self, command: Command, protected: bool, tamper: &mut Option<Tamper>) -> Response {
        let assembled = self.assemble(command, protected);
        answer(assembled, tamper, |command| self.perform(command, protected))
    }

    /// The whole command and `true`, or a fragment that is not the last and `false`.
    fn assemble(
        &mut self,
        command: Command,
        protected: bool,
    ) -> Result<(Command, bool), (Command, StatusWord)> {
        if protected && command.data().len() > self.profile.longest_protected_data {
            self.volatile.chain = None;
            return Err((command, StatusWord::WRONG_LENGTH));
        }
        assemble(&mut self.volatile.chain, command, protected, is_chainable)
    }

    /// Carries out a whole command in clear form.
    fn perform(&mut self, command: &Command, protected: bool) -> Answer {
        match command.ins() {
            command::INS_SELECT => self.select(command, protected),
            command::INS_READ_BINARY => self.read_binary(command, protected),
            command::INS_READ_BINARY_ODD => self.read_binary_odd(command, protected),
            command::INS_GET_DATA_ODD => self.get_data(command),
            command::INS_MANAGE_SECURITY_ENVIRONMENT => self.manage_security_environment(command, protected),
            command::INS_PERFORM_SECURITY_OPERATION => self.verify_certificate(command, protected),
            command::INS_GET_CHALLENGE => self.get_challenge(command, protected),
            command::INS_EXTERNAL_AUTHENTICATE => self.external_authenticate(command, protected),
            command::INS_INTERNAL_AUTHENTICATE => self.internal_authenticate(command, protected),
            command::INS_VERIFY => self.verify(command, protected),
            command::INS_CHANGE_REFERENCE_DATA => self.change_reference_data(command, protected),
            command::INS_RESET_RETRY_COUNTER => self.reset_retry_counter(command, protected),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }
}

/// The commands whose data may be longer than one APDU carries.
fn is_chainable(ins: u8) -> bool {
    matches!(
        ins,
        command::INS_MANAGE_SECURITY_ENVIRONMENT
            | command::INS_PERFORM_SECURITY_OPERATION
            | command::INS_EXTERNAL_AUTHENTICATE
            | command::INS_INTERNAL_AUTHENTICATE
    )
}
