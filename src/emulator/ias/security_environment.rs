//! MANAGE SECURITY ENVIRONMENT, SET (ISO/IEC 7816-4 section 11.5.11; IAS ECC 1.0.1).

use super::volatile::InternalKey;
use super::{Answer, Card, done};
use crate::emulator::personalisation::Directory;
use crate::iso7816::{Command, StatusWord, tlv};

/// Algorithm: certificate with message recovery and SHA-256.
const ALGORITHM_CERTIFICATE: u8 = 0x41;
/// Algorithm: device authentication with privacy, SHA-256; also its key agreement.
const ALGORITHM_DEVICE: u8 = 0x9B;
/// Algorithm: PKCS #1 block around what the terminal gives.
const ALGORITHM_TOKEN: u8 = 0x02;

/// The control reference data objects of one command, in whatever order they came.
#[derive(Default)]
struct References<'a> {
    /// 80: algorithm.
    algorithm: Option<&'a [u8]>,
    /// 83: public key, or domain parameters.
    public: Option<&'a [u8]>,
    /// 84: private key.
    private: Option<&'a [u8]>,
    /// 91: public value of a key agreement.
    agreement: Option<&'a [u8]>,
}

impl<'a> References<'a> {
    fn parse(input: &'a [u8]) -> Result<Self, StatusWord> {
        let mut references = Self::default();
        for object in tlv::Reader::new(input) {
            let object = object.map_err(|_| StatusWord::WRONG_DATA)?;
            let slot = match object.tag.0 {
                0x80 => &mut references.algorithm,
                0x83 => &mut references.public,
                0x84 => &mut references.private,
                0x91 => &mut references.agreement,
                _ => return Err(StatusWord::WRONG_DATA),
            };
            if slot.replace(object.value).is_some() {
                return Err(StatusWord::WRONG_DATA);
            }
        }
        Ok(references)
    }
}

impl Card {
    pub(super) fn manage_security_environment(&mut self, command: &Command, protected: bool) -> Answer {
        // Keys 81 to 84 are the CIE directory's own.
        if self.volatile.directory != Some(Directory::Cie) {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }
        let references = References::parse(command.data())?;
        let References { algorithm, public, private, agreement } = references;
        match (command.p1(), command.p2(), algorithm, public, private, agreement) {
            (0x41, 0xA6, Some(&[ALGORITHM_DEVICE]), Some(&[0x81]), None, Some(y_ifd)) => {
                if protected {
                    // The answer would have to be protected with keys that are gone.
                    return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
                }
                self.agree(y_ifd)
            }
            // Device authentication goes over the channel from its first step.
            (0x81, 0xA4 | 0xB6, ..) if !protected => Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED),
            (0x81, 0xB6, Some(&[ALGORITHM_CERTIFICATE]), Some(&[0x84]), None, None) => {
                self.volatile.environment.certification = true;
                Ok(done())
            }
            (0x81, 0xA4, None, Some(name), None, None) => self.choose_terminal_key(name),
            (0x81, 0xB6, None, Some(name), None, None) if self.profile.terminal_key_under_b6 => {
                self.choose_terminal_key(name)
            }
            (0x41, 0xA4, Some(&[algorithm]), None, Some(&[key]), None) => {
                let internal = match (algorithm, key) {
                    (ALGORITHM_TOKEN, 0x81) => InternalKey::Holder,
                    (ALGORITHM_DEVICE, 0x82) => InternalKey::Device,
                    (ALGORITHM_TOKEN, 0x83) => InternalKey::Services,
                    _ => return Err(StatusWord::REFERENCE_NOT_FOUND),
                };
                self.volatile.environment.internal = Some(internal);
                Ok(done())
            }
            (0x41, 0xA4 | 0xA6, ..) | (0x81, 0xA4 | 0xB6, ..) => Err(StatusWord::WRONG_DATA),
            _ => Err(StatusWord::WRONG_P1_P2),
        }
    }

    /// The terminal's key must have come in a certificate before.
    fn choose_terminal_key(&mut self, name: &[u8]) -> Answer {
        let known = self.volatile.terminal_key.as_ref().map(|key| key.holder_reference);
        let chosen = known.filter(|reference| reference == name).ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
        self.volatile.environment.terminal = Some(chosen);
        Ok(done())
    }
}
