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
        let copy = |key: &TripleDesKey| TripleDesKey::new(*key.expose());
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
            TripleDesKey::new(*key)
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
