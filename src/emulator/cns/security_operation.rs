//! PERFORM SECURITY OPERATION: DECIPHER and COMPUTE DIGITAL SIGNATURE (ISO/IEC 7816-8 sections 5.4 and 5.9).

use super::volatile::Operation;
use super::{Answer, Card, FAILURE, data};
use crate::crypto::signature::RsaPrivateKey;
use crate::crypto::{Digest, DigestAlgorithm};
use crate::emulator::contact::{Key, KeyUse, SignatureInput};
use crate::iso7816::{Command, StatusWord};

impl Card {
    pub(super) fn perform_security_operation(&self, command: &Command) -> Answer {
        let operation = match (command.p1(), command.p2()) {
            (0x80, 0x86) => Operation::Decipher,
            (0x9E, 0x9A) => Operation::Sign,
            _ => return Err(StatusWord::WRONG_P1_P2),
        };
        let (chosen, index) = self.volatile.environment.key.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let found = self.persistent.personalisation.keys.get(index).zip(self.keys.get(index));
        let (described, key) = found.ok_or(FAILURE)?;
        if chosen != operation || !self.serves(described, operation) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        if !self.is_shown(&described.directory, described.pin) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if command.ne().is_none() && !self.profile.answers_wait {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let result = match operation {
            Operation::Decipher => decipher(key, command.data()),
            Operation::Sign => sign(key, self.profile.signature_input, command.data()),
        };
        Ok(data(result.ok_or(StatusWord::WRONG_DATA)?))
    }

    fn serves(&self, key: &Key, operation: Operation) -> bool {
        match key.made_for.unwrap_or(self.profile.key_use) {
            KeyUse::Both => true,
            KeyUse::Decipher => operation == Operation::Decipher,
            KeyUse::Sign => operation == Operation::Sign,
        }
    }
}

/// A padding indicator of 00, then a whole block; what is in it is not looked at.
fn decipher(key: &RsaPrivateKey, input: &[u8]) -> Option<Vec<u8>> {
    let (0x00, block) = input.split_first()? else { return None };
    key.sign_raw(block).ok()
}

fn sign(key: &RsaPrivateKey, style: SignatureInput, input: &[u8]) -> Option<Vec<u8>> {
    if input.is_empty() {
        return None;
    }
    let algorithm = match input.len() {
        20 => Some(DigestAlgorithm::Sha1),
        32 => Some(DigestAlgorithm::Sha256),
        _ => None,
    };
    match (style, algorithm) {
        (SignatureInput::DigestInfoAdded, Some(algorithm)) => {
            let digest = Digest::from_bytes(algorithm, input).ok()?;
            key.sign_block(&digest.digest_info()).ok()
        }
        (SignatureInput::BlockTaken, _) if input.len() == key.size() => key.sign_raw(input).ok(),
        _ => key.sign_block(input).ok(),
    }
}
