//! What never changes for one card: its device-authentication key, domain parameters and the key under
//! which terminals certify themselves. Reading it costs half of the commands of a login.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Cause, Error, Step, files, key_exchange};
use crate::crypto::NumberFault;
use crate::crypto::agreement::DomainParameters;
use crate::crypto::signature::RsaPublicKey;
use crate::dialogue::Step as _;
use crate::file::{self, Extent};
use crate::iso7816::{command, tlv};
use crate::secure_messaging::Channel;

/// Path to the certification key (SDO BFA004) in its GET DATA answer.
const CERTIFICATION_KEY: [u32; 3] = [0x70, 0xBF_A004, 0x7F49];
/// The GET DATA template that asks for all of it.
const CERTIFICATION_KEY_REQUEST: [u8; 11] = hex_literal::hex!("4D097007BFA004037F4980");
/// Size of the certification key's modulus in bytes: the certificate format fixes it.
const CERTIFICATION_MODULUS_SIZE: usize = 256;

/// The key under which terminals certify themselves, as the chip shows it.
pub(super) struct CertificationKey {
    /// Modulus, no leading zeros.
    pub(super) modulus: Vec<u8>,
    /// Name of the key: bytes 5 to 12 of its certificate holder reference.
    pub(super) name: [u8; 8],
    /// Application identifier: the first six bytes of its certificate holder authorisation.
    pub(super) application: [u8; 6],
}

/// Everything about a card that may be used again after a reset of the same card.
pub(super) struct CardConstants {
    pub(super) domain_parameters: DomainParameters,
    pub(super) certification_key: CertificationKey,
    pub(super) device_key: RsaPublicKey,
    /// EF 1004 as read, cut to its content: the identity under which the rest is remembered.
    pub(super) device_key_file: Vec<u8>,
}

/// Constants of cards that completed device authentication in this process.
///
/// A card is recognised by its device-authentication key (EF 1004). One that shows another card's key
/// cannot complete device authentication, so it can neither use nor replace what is remembered here.
#[derive(Default)]
pub struct CardCache {
    cards: VecDeque<Arc<CardConstants>>,
}

impl CardCache {
    /// How many cards are remembered; the oldest is forgotten first.
    pub const CAPACITY: usize = 64;

    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn find(&self, device_key_file: &[u8]) -> Option<Arc<CardConstants>> {
        self.cards.iter().find(|card| card.device_key_file == device_key_file).cloned()
    }

    /// Remembers a card that has proved to own its device key.
    pub(super) fn remember(&mut self, constants: &Arc<CardConstants>) {
        if self.find(&constants.device_key_file).is_none() {
            self.cards.truncate(Self::CAPACITY - 1);
            self.cards.push_front(constants.clone());
        }
    }
}

impl std::fmt::Debug for CardCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardCache({} cards)", self.cards.len())
    }
}

/// Reads the device key in clear, and the rest unless the card is known.
pub(super) fn read(channel: &mut Channel, cache: &CardCache) -> Result<Arc<CardConstants>, Error> {
    let step = Step::ReadDeviceKey;
    let device_key_file =
        file::read(channel, files::DEVICE_KEY, Extent::OuterObject).map_err(|e| step.failed(e))?;
    if let Some(known) = cache.find(&device_key_file) {
        return Ok(known);
    }
    let device_key = parse_device_key(&device_key_file).map_err(|cause| step.failed(cause))?;
    Ok(Arc::new(CardConstants {
        domain_parameters: key_exchange::read_domain_parameters(channel)?,
        certification_key: read_certification_key(channel)?,
        device_key,
        device_key_file,
    }))
}

/// The PKCS #1 `RSAPublicKey` of EF 1004. Redundant or missing leading zeros of its integers are let pass:
/// a chip may have written the file itself, and EF.SOD covers its bytes, not its numbers.
fn parse_device_key(file: &[u8]) -> Result<RsaPublicKey, Cause> {
    let sequence = tlv::find(file, 0x30)?;
    let integers: Vec<_> = tlv::Reader::new(sequence).collect::<Result<_, _>>()?;
    match integers.as_slice() {
        [modulus, exponent] if modulus.tag.0 == 0x02 && exponent.tag.0 == 0x02 => {
            Ok(RsaPublicKey::new(modulus.value, exponent.value)?)
        }
        _ => Err(Cause::Malformed("device authentication key")),
    }
}

fn read_certification_key(channel: &mut Channel) -> Result<CertificationKey, Error> {
    let step = Step::ReadCertificationKey;
    let response = step.expect_success(channel, &command::get_data(&CERTIFICATION_KEY_REQUEST))?;
    parse_certification_key(&response).map_err(|cause| step.failed(cause))
}

pub(super) fn parse_certification_key(response: &[u8]) -> Result<CertificationKey, Cause> {
    let key = tlv::find_path(response, &CERTIFICATION_KEY)?;
    let modulus = tlv::find(key, 0x81)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = modulus.get(zeros..).unwrap_or_default();
    let wrong =
        |fault| Cause::Crypto(crate::crypto::Error::Number { name: "certification key modulus", fault });
    match modulus.len() {
        CERTIFICATION_MODULUS_SIZE => {}
        size @ ..CERTIFICATION_MODULUS_SIZE => return Err(wrong(NumberFault::TooSmall(size * 8))),
        size => return Err(wrong(NumberFault::TooLarge(size * 8))),
    }
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(wrong(NumberFault::Even));
    }
    let name =
        tlv::find(key, 0x5F20)?.last_chunk().ok_or(Cause::Malformed("CHR of the certification key"))?;
    let application =
        tlv::find(key, 0x5F4C)?.first_chunk().ok_or(Cause::Malformed("CHA of the certification key"))?;
    Ok(CertificationKey { modulus: modulus.to_vec(), name: *name, application: *application })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto;
    use crate::vectors::bytes;

    #[test]
    fn a_device_key_is_two_integers() {
        let file = bytes("/internal_auth/ef_1004");
        let integers: Vec<_> =
            tlv::Reader::new(tlv::find(&file, 0x30).unwrap()).map(|integer| integer.unwrap().value).collect();
        let key = |objects: &[(u32, &[u8])]| {
            let objects = objects.iter().flat_map(|(tag, value)| tlv::encode(*tag, value));
            parse_device_key(&tlv::encode(0x30, &objects.collect::<Vec<_>>()))
        };
        let [modulus, exponent] = integers[..] else { panic!("{} integers", integers.len()) };
        let bare = &modulus[1..];
        assert_eq!(key(&[(2, modulus), (2, exponent)]).unwrap().modulus(), bare);
        assert_eq!(key(&[(2, bare), (2, exponent)]).unwrap().modulus(), bare, "its sign is not asked for");
        let wrong = Cause::Malformed("device authentication key");
        for objects in [
            &[(4, modulus), (2, exponent)][..],
            &[(2, modulus), (4, exponent)],
            &[(2, modulus)],
            &[(2, modulus), (2, exponent), (2, exponent)],
        ] {
            assert_eq!(key(objects).unwrap_err(), wrong);
        }
    }

    #[test]
    fn a_certification_key_is_odd_and_has_2048_bits() {
        let answer = bytes("/test_ca/get_data_response");
        let key = tlv::find_path(&answer, &CERTIFICATION_KEY).unwrap();
        let (name, application) = (tlv::find(key, 0x5F20).unwrap(), tlv::find(key, 0x5F4C).unwrap());
        let parse = |modulus: &[u8]| {
            let objects = [(0x81, modulus), (0x5F20, name), (0x5F4C, application)];
            let objects = objects.map(|(tag, value)| tlv::encode(tag, value)).concat();
            let [outer, sdo, inner] = CERTIFICATION_KEY;
            let answer = tlv::encode(outer, &tlv::encode(sdo, &tlv::encode(inner, &objects)));
            parse_certification_key(&answer).map(|key| key.modulus)
        };
        let modulus = tlv::find(key, 0x81).unwrap();
        let modulus = &modulus[modulus.len() - CERTIFICATION_MODULUS_SIZE..];
        assert_eq!(parse(&[&[0, 0], modulus].concat()).unwrap(), modulus);
        let wrong =
            |fault| Err(Cause::Crypto(crypto::Error::Number { name: "certification key modulus", fault }));
        assert_eq!(parse(&modulus[1..]), wrong(NumberFault::TooSmall(2040)));
        assert_eq!(parse(&[&[1], modulus].concat()), wrong(NumberFault::TooLarge(2056)));
        assert_eq!(parse(&[]), wrong(NumberFault::TooSmall(0)));
        for (last, even) in [(0x00, true), (0x01, false), (0x02, true), (0xFE, true), (0xFF, false)] {
            let mut modulus = modulus.to_vec();
            *modulus.last_mut().unwrap() = last;
            let expected = if even { wrong(NumberFault::Even) } else { Ok(modulus.clone()) };
            assert_eq!(parse(&modulus), expected);
        }
    }
}
