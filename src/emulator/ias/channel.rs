//! The card's end of secure messaging (IAS ECC 1.0.1 section 7; ISO/IEC 7816-4 section 10).

use zeroize::Zeroizing;

use crate::crypto::{self, cipher, constant_time_equal, sha256};
use crate::iso7816::apdu::SHORT_NE_MAX;
use crate::iso7816::{Command, Response, StatusWord, tlv};
use crate::secret::{SecretBytes, TripleDesKey};

/// Cryptogram with a padding indicator, for even instructions.
const CRYPTOGRAM: u32 = 0x87;
/// Cryptogram of BER-TLV objects, without indicator, for odd instructions.
const CRYPTOGRAM_ODD: u32 = 0x85;
/// The Le that the answer in clear obeys.
const LE: u32 = 0x97;
/// The status word of the answer in clear.
const STATUS: u32 = 0x99;
/// Cryptographic checksum.
const CHECKSUM: u32 = 0x8E;
/// The one padding that the card knows: 80 and zeros.
const PADDING_INDICATOR: u8 = 0x01;

/// Session keys and send sequence counter.
pub(super) struct Channel {
    enc: TripleDesKey,
    mac: TripleDesKey,
    ssc: u64,
}

impl Clone for Channel {
    /// Keys are not copied by accident; a snapshot of the card does it on purpose.
    fn clone(&self) -> Self {
        let copy = |key: &TripleDesKey| TripleDesKey::new(key.expose());
        Self { enc: copy(&self.enc), mac: copy(&self.mac), ssc: self.ssc }
    }
}

impl Channel {
    /// Opens the channel with keys derived from the shared secret; the counter starts at 1.
    pub(super) fn open(secret: &SecretBytes) -> Self {
        let derive = |counter: u32| {
            let hash = Zeroizing::new(sha256(&[secret.expose(), &counter.to_be_bytes()]));
            let mut key = Zeroizing::new([0; 16]);
            key.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
            TripleDesKey::new(&key)
        };
        Self { enc: derive(1), mac: derive(2), ssc: 1 }
    }

    /// Goes on from another counter.
    pub(super) fn set_counter(&mut self, ssc: u64) {
        self.ssc = ssc;
    }

    /// The checksum of what the counter, raised by one first, and `parts` make together.
    fn checksum(&mut self, parts: &[&[u8]]) -> Result<[u8; 8], crypto::Error> {
        self.ssc = self.ssc.wrapping_add(1);
        let input = [&self.ssc.to_be_bytes(), parts.concat().as_slice()].concat();
        cipher::retail_mac(&self.mac, &cipher::pad(&input))
    }

    /// Checks a protected command and gives it in clear form: data decrypted, Ne from DO 97, the
    /// protection bits of the class gone.
    ///
    /// 6987 if the checksum is missing, 6988 for anything that is not as it should be.
    pub(super) fn unwrap(&mut self, wire: &Command) -> Result<Command, StatusWord> {
        let incorrect = |_| StatusWord::SM_OBJECT_INCORRECT;
        let odd = wire.ins() & 1 != 0;
        let (mut cryptogram, mut le, mut checksum) = (None, None, None);
        let mut covered = cipher::pad(&wire.header()).to_vec();
        for object in tlv::Reader::new(wire.data()) {
            let object = object.map_err(|_| StatusWord::SM_OBJECT_INCORRECT)?;
            if checksum.is_some() {
                // It covers what stands before it, so nothing may stand behind it.
                return Err(StatusWord::SM_OBJECT_INCORRECT);
            }
            let slot = match object.tag.0 {
                CRYPTOGRAM if !odd => &mut cryptogram,
                CRYPTOGRAM_ODD if odd => &mut cryptogram,
                LE => &mut le,
                CHECKSUM => &mut checksum,
                _ => return Err(StatusWord::SM_OBJECT_INCORRECT),
            };
            if slot.replace(object.value).is_some() {
                return Err(StatusWord::SM_OBJECT_INCORRECT);
            }
            if object.tag.0 != CHECKSUM {
                covered.extend_from_slice(object.encoded);
            }
        }
        let checksum = checksum.ok_or(StatusWord::SM_OBJECT_MISSING)?;
        let expected = self.checksum(&[&covered]).map_err(incorrect)?;
        if !constant_time_equal(checksum, &expected) {
            return Err(StatusWord::SM_OBJECT_INCORRECT);
        }

        let [cla, ins, p1, p2] = wire.header();
        let mut clear = Command::new(cla & super::CLA_CHAINING, ins, p1, p2);
        if let Some(cryptogram) = cryptogram {
            let blocks = match cryptogram {
                blocks if odd => blocks,
                [PADDING_INDICATOR, blocks @ ..] => blocks,
                _ => return Err(StatusWord::SM_OBJECT_INCORRECT),
            };
            let padded = cipher::decrypt(&self.enc, blocks).map_err(incorrect)?;
            clear = clear.with_data(cipher::unpad(&padded).map_err(incorrect)?);
        }
        match le {
            None => Ok(clear),
            // 00 and 0000 stand for the most there is; no answer in clear is longer than 256 bytes
            // per command, whatever is asked for.
            Some(&[le]) => Ok(clear.with_ne(if le == 0 { SHORT_NE_MAX } else { u32::from(le) })),
            Some(&[high, low]) => match u16::from_be_bytes([high, low]) {
                0 => Ok(clear.with_ne(SHORT_NE_MAX)),
                le => Ok(clear.with_ne(u32::from(le).min(SHORT_NE_MAX))),
            },
            Some(_) => Err(StatusWord::SM_OBJECT_INCORRECT),
        }
    }

    /// The body of the protected answer to a command with instruction `ins`.
    pub(super) fn protect(&mut self, answer: &Response, ins: u8) -> Result<Vec<u8>, crypto::Error> {
        let mut objects = Vec::new();
        if !answer.data().is_empty() {
            let blocks = cipher::encrypt(&self.enc, &cipher::pad(answer.data()))?;
            objects = if ins & 1 == 0 {
                tlv::encode(CRYPTOGRAM, &[&[PADDING_INDICATOR], blocks.as_slice()].concat())
            } else {
                tlv::encode(CRYPTOGRAM_ODD, &blocks)
            };
        }
        objects.extend(tlv::encode(STATUS, &answer.status().to_bytes()));
        let checksum = self.checksum(&[&objects])?;
        objects.extend(tlv::encode(CHECKSUM, &checksum));
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../fixtures/vectors/cie3-ias.json")).unwrap()
    }

    fn bytes(value: &Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    fn channel(example: &Value, ssc: &str) -> Channel {
        let key = |name: &str| TripleDesKey::new(&bytes(&example[name]).try_into().unwrap());
        let ssc = u64::from_str_radix(example[ssc].as_str().unwrap(), 16).unwrap();
        Channel { enc: key("kenc"), mac: key("kmac"), ssc }
    }

    #[test]
    fn every_worked_command_opens() {
        for (name, example) in vectors()["sm_wrap"].as_object().unwrap() {
            let wire = Command::parse(&bytes(&example["apdu"])).unwrap();
            let clear = channel(example, "ssc_before").unwrap(&wire).unwrap();
            assert_eq!(clear.header().to_vec(), bytes(&example["header"]), "{name}");
            assert_eq!(clear.data(), bytes(&example["data"]), "{name}");
            let ne = example["le"].as_str().map(|le| match u32::from_str_radix(le, 16).unwrap() {
                0 => SHORT_NE_MAX,
                le => le,
            });
            assert_eq!(clear.ne(), ne, "{name}");
        }
    }

    #[test]
    fn a_worked_command_with_any_byte_changed_does_not() {
        for (name, example) in vectors()["sm_wrap"].as_object().unwrap() {
            let apdu = bytes(&example["apdu"]);
            // Outside are the class byte, Lc and the final Le.
            for position in (1..apdu.len() - 1).filter(|position| *position != 4) {
                let mut changed = apdu.clone();
                changed[position] ^= 0x01;
                let wire = Command::parse(&changed).unwrap();
                let refused = channel(example, "ssc_before").unwrap(&wire).unwrap_err();
                let possible = [StatusWord::SM_OBJECT_MISSING, StatusWord::SM_OBJECT_INCORRECT];
                assert!(possible.contains(&refused), "{name}: byte {position}");
            }
        }
    }

    #[test]
    fn every_worked_answer_is_ours() {
        for (name, example) in vectors()["sm_unwrap"].as_object().unwrap() {
            let status: [u8; 2] = bytes(&example["plain_sw"]).try_into().unwrap();
            let answer = Response::new(bytes(&example["plain_data"]), StatusWord::from(status));
            let ins = if name == "odd_ins_data" { 0xB1 } else { 0xB0 };
            let body = channel(example, "ssc_before").protect(&answer, ins).unwrap();
            assert_eq!(body, bytes(&example["response"]), "{name}");
        }
    }

    #[test]
    fn keys_follow_from_the_secret_at_its_full_length() {
        for name in ["dh", "dh_leading_zero_secret"] {
            let example = &vectors()[name];
            let channel = Channel::open(&SecretBytes::new(bytes(&example["shared_secret"])));
            assert_eq!(channel.enc.expose().to_vec(), bytes(&example["kenc"]), "{name}");
            assert_eq!(channel.mac.expose().to_vec(), bytes(&example["kmac"]), "{name}");
            assert_eq!(channel.ssc, 1);
        }
    }
}
