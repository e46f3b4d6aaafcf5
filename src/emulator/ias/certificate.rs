//! PERFORM SECURITY OPERATION: VERIFY CERTIFICATE (ISO/IEC 7816-8 section 5.7; IAS ECC 1.0.1,
//! card-verifiable certificates that do not describe themselves).

use std::sync::Arc;

use super::recovery::Block;
use super::volatile::TerminalKey;
use super::{Answer, Card, done};
use crate::crypto::signature::RsaPublicKey;
use crate::iso7816::{Command, StatusWord, tlv};

/// Certificate profile: device authentication with privacy, 2048 bits.
const PROFILE: u8 = 0x8A;
/// Role of a terminal.
const ROLE: u8 = 0x01;
/// Algorithm of the certified key: device authentication with SHA-256.
const ALGORITHM: [u8; 9] = hex_literal::hex!("2A8122F42A02040104");
/// Length of the certified modulus.
const MODULUS: usize = 256;

/// The fields of a certificate, in their fixed places.
struct Fields<'a> {
    profile: u8,
    authority: [u8; 8],
    holder_reference: [u8; 12],
    application: [u8; 6],
    role: u8,
    algorithm: [u8; 9],
    modulus: &'a [u8],
    exponent: [u8; 4],
}

impl<'a> Fields<'a> {
    fn parse(content: &'a [u8]) -> Option<Self> {
        let (&[profile], rest) = content.split_first_chunk()?;
        let (&authority, rest) = rest.split_first_chunk()?;
        let (&holder_reference, rest) = rest.split_first_chunk()?;
        let (&application, rest) = rest.split_first_chunk()?;
        let (&[role], rest) = rest.split_first_chunk()?;
        let (&algorithm, rest) = rest.split_first_chunk()?;
        let (modulus, rest) = rest.split_at_checked(MODULUS)?;
        let exponent = rest.try_into().ok()?;
        Some(Self { profile, authority, holder_reference, application, role, algorithm, modulus, exponent })
    }
}

impl Card {
    /// Checks a certificate under key 84 and remembers the key that it certifies.
    pub(super) fn verify_certificate(&mut self, command: &Command, protected: bool) -> Answer {
        if (command.p1(), command.p2()) != (0x00, 0xAE) {
            return Err(StatusWord::WRONG_P1_P2);
        }
        if !protected {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if !self.volatile.environment.certification {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let wrong = |_| StatusWord::WRONG_DATA;
        let certificate = tlv::parse(command.data()).map_err(wrong)?;
        if certificate.tag.0 != 0x7F21 {
            return Err(StatusWord::WRONG_DATA);
        }
        let signature = tlv::find(certificate.value, 0x5F37).map_err(wrong)?;
        let remainder = tlv::find(certificate.value, 0x5F38).map_err(wrong)?;
        let authority = tlv::find(certificate.value, 0x42).map_err(wrong)?;
        if *authority != self.keys.authority {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }

        let refused = StatusWord::VERIFICATION_FAILED;
        let block = Block::recover(&self.keys.certification, signature).ok_or(refused)?;
        if !block.covers(&[remainder]) {
            return Err(refused);
        }
        let content = [block.message(), remainder].concat();
        let fields = Fields::parse(&content).ok_or(refused)?;
        let expected = (PROFILE, self.keys.authority, self.keys.application, ROLE, ALGORITHM);
        let found = (fields.profile, fields.authority, fields.application, fields.role, fields.algorithm);
        if found != expected {
            return Err(refused);
        }
        let key = RsaPublicKey::new(fields.modulus, &fields.exponent).map_err(|_| refused)?;
        let holder_reference = fields.holder_reference;
        self.volatile.terminal_key = Some(TerminalKey { holder_reference, key: Arc::new(key) });
        Ok(done())
    }
}
