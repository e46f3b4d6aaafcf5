//! GET CHALLENGE, EXTERNAL AUTHENTICATE and INTERNAL AUTHENTICATE (ISO/IEC 7816-4 sections 11.5.3 to
//! 11.5.5; IAS ECC 1.0.1, device authentication with privacy and client/server authentication).

use zeroize::Zeroizing;

use super::recovery::{self, Block};
use super::volatile::{Authentication, InternalKey};
use super::{Answer, Card, FAILURE, data, done};
use crate::crypto::signature::RsaPrivateKey;
use crate::environment::Entropy;
use crate::iso7816::{Command, StatusWord};

/// The bytes of a PKCS #1 block that are not content.
const BLOCK_OVERHEAD: usize = 11;

impl Card {
    /// Eight bytes, good for one EXTERNAL AUTHENTICATE. While a channel is open they come over it only,
    /// so that no challenge drawn in clear serves device authentication.
    pub(super) fn get_challenge(&mut self, command: &Command, protected: bool) -> Answer {
        no_parameters(command)?;
        if !protected && self.volatile.channel.is_some() {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        if !command.data().is_empty() || command.ne() != Some(8) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.volatile.challenge = None;
        let mut challenge = [0; 8];
        self.entropy.draw("RND.ICC", &mut challenge).map_err(|_| FAILURE)?;
        self.volatile.challenge = Some(challenge);
        Ok(data(challenge.to_vec()))
    }

    /// The terminal proves its certified key: SN.IFD, then a signature over its random bytes, both
    /// public values, its number, the card's challenge and the group.
    pub(super) fn external_authenticate(&mut self, command: &Command, protected: bool) -> Answer {
        no_parameters(command)?;
        // Whatever comes of it, the challenge is used up.
        let challenge = self.volatile.challenge.take();
        if !protected {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        let unmet = StatusWord::CONDITIONS_NOT_SATISFIED;
        let rnd_icc = challenge.ok_or(unmet)?;
        let agreement = self.volatile.agreement.as_ref().ok_or(unmet)?;
        let chosen = self.volatile.environment.terminal.ok_or(unmet)?;
        let known = self.volatile.terminal_key.as_ref();
        let terminal = known.filter(|key| key.holder_reference == chosen).ok_or(unmet)?;
        let (sn_ifd, signature) = command
            .data()
            .split_first_chunk::<8>()
            .filter(|(_, signature)| signature.len() == terminal.key.size())
            .ok_or(StatusWord::WRONG_LENGTH)?;

        self.volatile.authentication = Authentication::None;
        let [g, p, q] = self.keys.group.as_given();
        let covered = [&agreement.y_ifd, sn_ifd.as_slice(), &rnd_icc, &agreement.y_icc, g, p, q];
        let proved = terminal.holder_reference.ends_with(sn_ifd)
            && Block::recover(&terminal.key, signature).is_some_and(|block| block.covers(&covered));
        if !proved {
            return Err(StatusWord::VERIFICATION_FAILED);
        }
        self.volatile.authentication = Authentication::Terminal(rnd_icc);
        Ok(done())
    }

    pub(super) fn internal_authenticate(&mut self, command: &Command, protected: bool) -> Answer {
        no_parameters(command)?;
        match self.volatile.environment.internal {
            None => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
            Some(InternalKey::Device) => self.prove_device(command.data(), protected),
            Some(InternalKey::Holder) if !self.volatile.is_holder(protected) => {
                Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED)
            }
            Some(InternalKey::Holder) => self.sign_token(&self.keys.holder, command.data()),
            Some(InternalKey::Services) => self.sign_token(&self.keys.services, command.data()),
        }
    }

    /// The token as it came, in a PKCS #1 block.
    fn sign_token(&self, key: &RsaPrivateKey, token: &[u8]) -> Answer {
        let longest = key.size().saturating_sub(BLOCK_OVERHEAD);
        let longest = self.profile.longest_token.map_or(longest, |limit| limit.min(longest));
        if token.is_empty() || token.len() > longest {
            return Err(StatusWord::WRONG_LENGTH);
        }
        key.sign_block(token).map(data).map_err(|_| FAILURE)
    }

    /// The card proves key 82: SN.ICC, then a signature with the roles exchanged. From the next
    /// command on, the counter is made of both challenges.
    fn prove_device(&mut self, rnd_ifd: &[u8], protected: bool) -> Answer {
        if !protected {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        let unmet = StatusWord::CONDITIONS_NOT_SATISFIED;
        let Authentication::Terminal(rnd_icc) = self.volatile.authentication else { return Err(unmet) };
        let agreement = self.volatile.agreement.as_ref().ok_or(unmet)?;
        let rnd_ifd: &[u8; 8] = rnd_ifd.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;

        let key = &self.keys.device;
        let mut random = Zeroizing::new(vec![0; recovery::capacity(key)]);
        self.entropy.draw("PRND.ICC", &mut random).map_err(|_| FAILURE)?;
        let sn_icc = &self.persistent.personalisation.serial_number;
        let [g, p, q] = self.keys.group.as_given();
        let covered = [&agreement.y_icc, sn_icc.as_slice(), rnd_ifd, &agreement.y_ifd, g, p, q];
        let signature = recovery::sign(key, &random, &covered).map_err(|_| FAILURE)?;
        let answer = [sn_icc.as_slice(), &signature].concat();

        self.volatile.authentication = Authentication::Mutual;
        self.volatile.next_ssc = Some(low_half(rnd_icc) << 32 | low_half(*rnd_ifd));
        Ok(data(answer))
    }
}

/// The last four of eight bytes as a number.
fn low_half(challenge: [u8; 8]) -> u64 {
    u64::from_be_bytes(challenge) & 0xFFFF_FFFF
}

fn no_parameters(command: &Command) -> Result<(), StatusWord> {
    if (command.p1(), command.p2()) == (0, 0) { Ok(()) } else { Err(StatusWord::WRONG_P1_P2) }
}
