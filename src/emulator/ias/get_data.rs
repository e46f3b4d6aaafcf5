//! GET DATA of security data objects (ISO/IEC 7816-4 section 11.4.3, odd instruction; IAS ECC 1.0.1).

use super::{Answer, Card, data};
use crate::emulator::store::{PIN_TRIES, PUK_TRIES};
use crate::iso7816::{Command, StatusWord, tlv};

/// Extended header list: names what is wanted by its place in the tree of objects. A length of 80
/// stands for *all of it*.
const HEADER_LIST: u32 = 0x4D;
/// Template of security data objects.
const OBJECTS: u32 = 0x70;
/// Template of the key agreement.
const AGREEMENT: u32 = 0xA6;
const PIN: u32 = 0xBF_8101;
const PUK: u32 = 0xBF_8102;
const CERTIFICATION_KEY: u32 = 0xBF_A004;
const DOMAIN_PARAMETERS: u32 = 0xBF_A101;

impl Card {
    pub(super) fn get_data(&self, command: &Command) -> Answer {
        if (command.p1(), command.p2()) != (0x3F, 0xFF) {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let wrong = |_| StatusWord::WRONG_DATA;
        let list = tlv::parse(command.data()).map_err(wrong)?;
        if list.tag.0 != HEADER_LIST {
            return Err(StatusWord::WRONG_DATA);
        }
        if self.volatile.directory.is_none() {
            return Err(StatusWord::REFERENCE_NOT_FOUND);
        }
        let wanted = tlv::parse(list.value).map_err(wrong)?;
        match (wanted.tag.0, wanted.value) {
            (AGREEMENT, [0x91, 0x00]) => {
                let agreement = self.volatile.agreement.as_ref().ok_or(StatusWord::REFERENCE_NOT_FOUND)?;
                Ok(data(tlv::encode(AGREEMENT, &tlv::encode(0x91, &agreement.y_icc))))
            }
            (OBJECTS, object) => {
                let object = tlv::parse(object).map_err(wrong)?;
                let value = self.security_object(object.tag.0, object.value)?;
                Ok(data(tlv::encode(OBJECTS, &tlv::encode(object.tag.0, &value))))
            }
            _ => Err(StatusWord::REFERENCE_NOT_FOUND),
        }
    }

    /// The part of a security data object that the header list asks for.
    fn security_object(&self, object: u32, wanted: &[u8]) -> Result<Vec<u8>, StatusWord> {
        match (object, wanted) {
            (PIN, [0xA0, 0x80]) => Ok(tries(PIN_TRIES, self.persistent.pin_tries)),
            (PUK, [0xA0, 0x80]) => Ok(tries(PUK_TRIES, self.persistent.puk_tries)),
            (CERTIFICATION_KEY, [0x7F, 0x49, 0x80]) => Ok(self.certification_key()),
            (DOMAIN_PARAMETERS, wanted) => self.domain_parameters(wanted),
            _ => Err(StatusWord::REFERENCE_NOT_FOUND),
        }
    }

    fn domain_parameters(&self, wanted: &[u8]) -> Result<Vec<u8>, StatusWord> {
        let [g, p, q] = self.keys.group.as_given();
        let (g, p, q) = (|| tlv::encode(0x97, g), || tlv::encode(0x98, p), || tlv::encode(0x99, q));
        let parameters = match wanted {
            [0xA3, 0x02, 0x97, 0x00] => g(),
            [0xA3, 0x02, 0x98, 0x00] => p(),
            [0xA3, 0x02, 0x99, 0x00] => q(),
            [0xA3, 0x80] if self.profile.combined_domain_parameters => [g(), p(), q()].concat(),
            _ => return Err(StatusWord::REFERENCE_NOT_FOUND),
        };
        Ok(tlv::encode(0xA3, &parameters))
    }

    /// Modulus and exponent come first: some terminals look them up by position.
    fn certification_key(&self) -> Vec<u8> {
        let key = &self.persistent.personalisation.certification_key;
        let objects = [
            tlv::encode(0x81, &key.modulus),
            tlv::encode(0x82, &key.public_exponent),
            tlv::encode(0x5F20, &key.holder_reference),
            tlv::encode(0x5F4C, &key.holder_authorisation),
        ];
        tlv::encode(0x7F49, &objects.concat())
    }
}

/// The attributes of a PIN object: tries in all, and tries left.
fn tries(maximum: u8, remaining: u8) -> Vec<u8> {
    tlv::encode(0xA0, &[tlv::encode(0x9A, &[maximum]), tlv::encode(0x9B, &[remaining])].concat())
}
