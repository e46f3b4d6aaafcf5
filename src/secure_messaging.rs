//! Secure messaging with two-key triple DES (ISO/IEC 7816-4 section 10; IAS ECC 1.0.1 section 7.1).
//!
//! [`SecureMessaging`] protects single commands and opens single answers: pure functions of keys and
//! counter. [`Channel`] is a link that speaks in clear until it is given one.

mod channel;

use crate::crypto::{self, cipher, constant_time_equal};
use crate::iso7816::apdu::{self, SHORT_DATA_MAX, SHORT_NE_MAX};
use crate::iso7816::tlv::{self, Tag};
use crate::iso7816::{Command, Response, StatusWord};
use crate::secret::TripleDesKey;
use crate::transport;

pub use channel::Channel;

/// Bits of CLA that say "secure messaging, command header authenticated".
const CLA_PROTECTED: u8 = 0x0C;
/// Cryptogram behind a padding indicator byte, for even INS.
const DO_CRYPTOGRAM: u32 = 0x87;
/// Cryptogram without indicator byte, for odd INS.
const DO_CRYPTOGRAM_ODD: u32 = 0x85;
/// Protected Le.
const DO_LE: u32 = 0x97;
/// Processing status of the protected command.
const DO_STATUS: u32 = 0x99;
/// Cryptographic checksum.
const DO_MAC: u32 = 0x8E;
/// Length of the checksum's data object: tag, length, eight bytes.
const MAC_OBJECT_LENGTH: usize = 10;
/// Padding indicator: ISO padding (80 00 …).
const PADDING_ISO: u8 = 0x01;

/// The most clear bytes that one protected command carries, so that it fits into a short APDU (IAS ECC
/// 1.0.1 section 8.6.3.3). Every terminal splits long data into fragments of this size.
pub const COMMAND_DATA_MAX: usize = 231;

/// The most clear bytes per protected command for a chip that refuses [`COMMAND_DATA_MAX`]. One chip family
/// announces a limit of 230 and does not say of what: with 207 bytes in clear, the data field (222) and the
/// whole APDU (228) are below it too. (224 would not do: its padding makes it as long on the wire as 231.)
pub const COMMAND_DATA_SMALL: usize = 207;

/// The most clear bytes that one protected READ BINARY asks for. The answer to 231 would fit too, but one
/// chip family says that it gives at most 230 and does not say of what: with 192 bytes in clear the whole
/// answer (220) is below it. A refusal in clear would end the channel, with the PIN entered already.
pub const READ_DATA_MAX: usize = 192;

/// Why a protected exchange failed. After any of these the channel is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The exchange itself failed.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The card answered without protection: it has dropped the channel, or somebody else answered.
    #[error("the card answered {0} without protection")]
    Unprotected(StatusWord),
    /// The status word outside says something else than the protected one inside.
    #[error("the card's status {outer} contradicts the protected {inner}")]
    StatusMismatch {
        /// SW1-SW2 as received.
        outer: StatusWord,
        /// SW1-SW2 from DO 99.
        inner: StatusWord,
    },
    /// The checksum does not fit: the answer was altered.
    #[error("the checksum of the card's answer is wrong")]
    WrongMac,
    /// A data object is missing.
    #[error("data object {0} is missing from the card's answer")]
    MissingObject(Tag),
    /// A data object stands there twice, or after the checksum.
    #[error("data object {0} stands in the card's answer where it must not")]
    UnexpectedObject(Tag),
    /// A data object has the wrong length or the wrong padding indicator.
    #[error("data object {0} of the card's answer is malformed")]
    MalformedObject(Tag),
    /// The answer is not BER-TLV.
    #[error("the card's protected answer is malformed: {0}")]
    Tlv(#[from] tlv::Error),
    /// A cryptographic operation failed; wrong padding under a right checksum is among them.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The command does not fit into one protected APDU.
    #[error("{0} bytes are too many for a protected command")]
    TooLong(usize),
    /// The channel was closed by an earlier failure.
    #[error("the secure channel is closed")]
    Closed,
}

impl Error {
    /// Whether the command certainly never went out.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        use transport::Error::{InUse, Overdue, Stopped};
        matches!(self, Self::Closed | Self::Transport(InUse | Overdue | Stopped))
    }
}

/// Session keys and send sequence counter of one secure channel.
///
/// No `Debug`, no `Clone`: two copies of a counter would disagree.
#[allow(missing_debug_implementations)]
pub struct SecureMessaging {
    ks_enc: TripleDesKey,
    ks_mac: TripleDesKey,
    ssc: u64,
}

impl SecureMessaging {
    /// A channel with these keys. The counter is incremented before each command and each answer.
    #[must_use]
    pub fn new(ks_enc: TripleDesKey, ks_mac: TripleDesKey, ssc: u64) -> Self {
        Self { ks_enc, ks_mac, ssc }
    }

    /// Replaces the counter, as device authentication does.
    pub fn set_ssc(&mut self, ssc: u64) {
        self.ssc = ssc;
    }

    fn next_ssc(&mut self) -> [u8; 8] {
        self.ssc = self.ssc.wrapping_add(1);
        self.ssc.to_be_bytes()
    }

    /// The checksum over padded `input`.
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], Error> {
        Ok(cipher::retail_mac(&self.ks_mac, &cipher::pad(input))?)
    }

    /// Protects one command: `[87 | 85 cryptogram] [97 Le] 8E MAC`, Le 00.
    ///
    /// # Errors
    /// [`Error::TooLong`], or Ne out of range, if the result would not be a short APDU; nothing has
    /// changed then.
    pub fn wrap(&mut self, command: &Command) -> Result<Command, Error> {
        let [cla, ins, p1, p2] = command.header();
        let cla = cla | CLA_PROTECTED;
        let mut objects = Vec::new();
        if !command.data().is_empty() {
            let cryptogram = cipher::encrypt(&self.ks_enc, &cipher::pad(command.data()))?;
            objects.extend(if ins & 1 == 0 {
                tlv::encode(DO_CRYPTOGRAM, &[&[PADDING_ISO], cryptogram.as_slice()].concat())
            } else {
                tlv::encode(DO_CRYPTOGRAM_ODD, &cryptogram)
            });
        }
        match command.ne() {
            None => {}
            // 256 is coded as 00: the low byte.
            Some(ne @ 1..=SHORT_NE_MAX) => objects.extend(tlv::encode(DO_LE, &ne.to_be_bytes()[3..])),
            Some(ne) => return Err(transport::Error::Apdu(apdu::Error::NeOutOfRange(ne)).into()),
        }
        // Refused before the counter moves: the caller's mistake does not cost the channel.
        if objects.len() + MAC_OBJECT_LENGTH > SHORT_DATA_MAX {
            return Err(Error::TooLong(command.data().len()));
        }

        let header = cipher::pad(&[cla, ins, p1, p2]);
        let ssc = self.next_ssc();
        let mac = self.mac(&[&ssc, header.as_slice(), &objects].concat())?;
        objects.extend(tlv::encode(DO_MAC, &mac));
        Ok(Command::new(cla, ins, p1, p2).with_data(&objects).with_ne(256))
    }

    /// Opens the answer to a command with this INS: checks the objects, the checksum, then decrypts.
    ///
    /// # Errors
    /// [`Error`]; the caller must not use the channel again.
    pub fn unwrap(&mut self, ins: u8, response: &Response) -> Result<Response, Error> {
        let outer = response.status();
        if response.data().is_empty() {
            return Err(Error::Unprotected(outer));
        }
        let cryptogram_tag = if ins & 1 == 0 { DO_CRYPTOGRAM } else { DO_CRYPTOGRAM_ODD };
        let (mut cryptogram, mut status, mut mac) = (None, None, None);
        let mut authenticated = self.next_ssc().to_vec();
        for object in tlv::Reader::new(response.data()) {
            let object = object?;
            let slot = match object.tag.0 {
                DO_STATUS => &mut status,
                DO_MAC => &mut mac,
                tag if tag == cryptogram_tag => &mut cryptogram,
                _ => return Err(Error::UnexpectedObject(object.tag)),
            };
            // Nothing may stand twice, and nothing may follow the checksum that does not cover it.
            if slot.replace(object.value).is_some() || (mac.is_some() && object.tag.0 != DO_MAC) {
                return Err(Error::UnexpectedObject(object.tag));
            }
            if object.tag.0 != DO_MAC {
                authenticated.extend_from_slice(object.encoded);
            }
        }
        let mac = mac.ok_or(Error::MissingObject(Tag(DO_MAC)))?;
        let status = status.ok_or(Error::MissingObject(Tag(DO_STATUS)))?;
        if !constant_time_equal(mac, &self.mac(&authenticated)?) {
            return Err(Error::WrongMac);
        }

        let status = <[u8; 2]>::try_from(status).map_err(|_| Error::MalformedObject(Tag(DO_STATUS)))?;
        let inner = StatusWord::from(status);
        if !outer.is_success() && outer != inner {
            return Err(Error::StatusMismatch { outer, inner });
        }
        let data = match cryptogram {
            Some(value) => self.open_cryptogram(ins, value)?,
            None => Vec::new(),
        };
        Ok(Response::new(data, inner))
    }

    fn open_cryptogram(&self, ins: u8, value: &[u8]) -> Result<Vec<u8>, Error> {
        let cryptogram = match (ins & 1, value) {
            (0, [PADDING_ISO, rest @ ..]) => rest,
            (1, _) => value,
            _ => return Err(Error::MalformedObject(Tag(DO_CRYPTOGRAM))),
        };
        let padded = cipher::decrypt(&self.ks_enc, cryptogram)?;
        Ok(cipher::unpad(&padded)?.to_vec())
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl SecureMessaging {
    /// What a card would answer: `body` under a right checksum, outside it 9000.
    pub(crate) fn answer(&mut self, body: &[u8]) -> Result<Response, Error> {
        let ssc = self.next_ssc();
        let mac = self.mac(&[&ssc[..], body].concat())?;
        Ok(Response::new([body, &tlv::encode(DO_MAC, &mac)].concat(), StatusWord::SUCCESS))
    }

    /// The cryptogram of `clear`, padded or not, as it stands in its data object for this INS.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn cryptogram(&self, ins: u8, clear: &[u8]) -> Result<Vec<u8>, Error> {
        let data = cipher::encrypt(&self.ks_enc, clear)?;
        Ok(if ins & 1 == 0 {
            tlv::encode(DO_CRYPTOGRAM, &[&[PADDING_ISO], data.as_slice()].concat())
        } else {
            tlv::encode(DO_CRYPTOGRAM_ODD, &data)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{hex_of, value};

    fn pair() -> (SecureMessaging, SecureMessaging) {
        let new = || SecureMessaging::new(TripleDesKey::new(&[1; 16]), TripleDesKey::new(&[2; 16]), 7);
        (new(), new())
    }

    /// What a card would answer: these objects in this order under a right checksum.
    fn answer(sm: &mut SecureMessaging, objects: &[&[u8]]) -> Response {
        sm.answer(&objects.concat()).unwrap()
    }

    fn opened(objects: &[&[u8]]) -> Result<Response, Error> {
        let (mut terminal, mut card) = pair();
        let response = answer(&mut card, objects);
        terminal.unwrap(0xB0, &response)
    }

    fn from_vector(vector: &serde_json::Value) -> SecureMessaging {
        let bytes = |name: &str| hex_of(&vector[name]);
        let key = |name: &str| TripleDesKey::new(&bytes(name).try_into().unwrap());
        let ssc = u64::from_be_bytes(bytes("ssc_before").try_into().unwrap());
        SecureMessaging::new(key("kenc"), key("kmac"), ssc)
    }

    /// The clear command of a vector: header, data and Le, if any.
    fn clear(header: &[u8], data: &[u8], le: &serde_json::Value) -> Command {
        let command = Command::new(header[0], header[1], header[2], header[3]).with_data(data);
        match le.as_str() {
            Some("00") => command.with_ne(256),
            Some(le) => command.with_ne(u32::from_str_radix(le, 16).unwrap()),
            None => command,
        }
    }

    #[test]
    fn every_command_of_the_vectors_is_byte_exact() {
        let vectors = value("/sm_wrap");
        for (name, vector) in vectors.as_object().unwrap() {
            let command = clear(&hex_of(&vector["header"]), &hex_of(&vector["data"]), &vector["le"]);
            let wrapped = from_vector(vector).wrap(&command).unwrap();
            assert_eq!(wrapped.encode().unwrap().as_slice(), hex_of(&vector["apdu"]), "{name}");
        }
        assert_eq!(vectors.as_object().unwrap().len(), 14);
    }

    #[test]
    fn every_answer_of_the_vectors_opens() {
        let vectors = value("/sm_unwrap");
        for (name, vector) in vectors.as_object().unwrap() {
            let ins = if name == "odd_ins_data" { 0xB1 } else { 0xB0 };
            let answer = Response::new(hex_of(&vector["response"]), StatusWord::SUCCESS);
            let opened = from_vector(vector).unwrap(ins, &answer).unwrap();
            let expected = [hex_of(&vector["plain_data"]), hex_of(&vector["plain_sw"])].concat();
            assert_eq!(opened.encode(), expected, "{name}");
        }
        assert_eq!(vectors.as_object().unwrap().len(), 8);
        let tampered = hex_of(&value("/sm_unwrap_negative/tampered_data_128"));
        let tampered = Response::new(tampered, StatusWord::SUCCESS);
        assert_eq!(from_vector(&vectors["data_128"]).unwrap(0xB0, &tampered).unwrap_err(), Error::WrongMac);
    }

    /// The whole session of the vectors, through a [`Channel`] whose card answers from the transcript and
    /// whose commands must be the transcript's, byte for byte.
    #[test]
    fn the_session_transcript_is_byte_exact() {
        struct Card(std::vec::IntoIter<(Vec<u8>, Vec<u8>)>);
        impl transport::Transport for Card {
            fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
                let (expected, answer) = self.0.next().unwrap();
                assert_eq!(hex::encode(command), hex::encode(expected));
                Ok(answer)
            }
            fn reset(&mut self) -> Result<(), transport::Error> {
                Ok(())
            }
            fn atr(&self) -> &[u8] {
                &[]
            }

            fn company(&mut self) -> Option<&mut dyn transport::Company> {
                None
            }
        }

        let steps = value("/session_transcript/steps");
        let steps = steps.as_array().unwrap();
        let mut dialogue = Vec::new();
        for step in steps {
            let apdu = hex_of(&step["apdu"]);
            match step["response_parts"].as_array() {
                None => dialogue.push((apdu, hex_of(&step["response"]))),
                Some(parts) => {
                    dialogue.push((apdu, hex_of(&parts[0])));
                    dialogue.push((hex_of(&step["get_response"]), hex_of(&parts[1])));
                }
            }
        }
        let exchanges = dialogue.len();
        let mut channel = Channel::clear(crate::transport::Link::new(Card(dialogue.into_iter())));
        let key = |name: &str| TripleDesKey::new(&hex_of(&value(name)).try_into().unwrap());
        channel.protect(SecureMessaging::new(key("/dh/kenc"), key("/dh/kmac"), 1));

        let mut chained: Vec<u8> = Vec::new();
        for step in steps {
            let header =
                hex_of(if step["clear"].is_string() { &step["clear"] } else { &step["clear_header"] });
            let data = hex_of(if step["data"].is_string() { &step["data"] } else { &step["clear_data"] });
            chained.extend(data);
            if header[0] == 0x10 {
                continue;
            }
            let command = clear(&header, &std::mem::take(&mut chained), &step["le"]);
            let response = channel.exchange(&command).unwrap();
            if let Some(expected) = step["response_data"].as_str() {
                assert_eq!(hex::encode_upper(response.data()), expected);
            }
            // Only the read past the end is answered otherwise.
            let past_end = header == [0x00, 0xB0, 0x00, 0x80];
            assert_eq!(response.status().value(), if past_end { 0x6B00 } else { 0x9000 });
            if header[1] == 0x88 && step["step"] == "INTERNAL AUTHENTICATE" {
                let ssc = hex_of(&value("/ssc_after_dapp/ssc"));
                channel.set_ssc(u64::from_be_bytes(ssc.try_into().unwrap()));
            }
        }
        let said = channel.statistics();
        assert_eq!(usize::try_from(said.commands + said.get_responses).unwrap(), exchanges);
    }

    const STATUS: &[u8] = &[0x99, 2, 0x90, 0];

    fn cryptogram(content: &[u8]) -> Vec<u8> {
        let (sm, _) = pair();
        let data = cipher::encrypt(&sm.ks_enc, content).unwrap();
        tlv::encode(DO_CRYPTOGRAM, &[&[1], data.as_slice()].concat())
    }

    #[test]
    fn objects_may_come_in_any_order_but_once() {
        let data = cryptogram(&cipher::pad(b"data"));
        assert_eq!(opened(&[&data, STATUS]).unwrap().data(), b"data");
        assert_eq!(opened(&[STATUS, &data]).unwrap().data(), b"data");
        assert_eq!(opened(&[STATUS]).unwrap(), Response::from(StatusWord::SUCCESS));
        assert_eq!(opened(&[&data]).unwrap_err(), Error::MissingObject(Tag(DO_STATUS)));
        assert_eq!(opened(&[STATUS, STATUS]).unwrap_err(), Error::UnexpectedObject(Tag(DO_STATUS)));
        assert_eq!(opened(&[&data, &data, STATUS]).unwrap_err(), Error::UnexpectedObject(Tag(0x87)));
        assert_eq!(opened(&[&[0x80, 0], STATUS]).unwrap_err(), Error::UnexpectedObject(Tag(0x80)));
        assert_eq!(opened(&[&[0x99, 1, 0x90]]).unwrap_err(), Error::MalformedObject(Tag(DO_STATUS)));
    }

    #[test]
    fn a_right_checksum_does_not_excuse_a_wrong_content() {
        assert_eq!(opened(&[&[0x87, 1, 2], STATUS]).unwrap_err(), Error::MalformedObject(Tag(0x87)));
        assert_eq!(opened(&[&[0x87, 0], STATUS]).unwrap_err(), Error::MalformedObject(Tag(0x87)));
        assert!(matches!(opened(&[&[0x87, 1, 1], STATUS]).unwrap_err(), Error::Crypto(_)));
        assert!(matches!(opened(&[&[0x87, 3, 1, 0, 0], STATUS]).unwrap_err(), Error::Crypto(_)));
        let unpadded = cryptogram(&[0; 8]);
        assert_eq!(opened(&[&unpadded, STATUS]).unwrap_err(), Error::Crypto(crypto::Error::Padding));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let data = cryptogram(&cipher::pad(b"data"));
        let (_, mut card) = pair();
        let whole = answer(&mut card, &[&data, STATUS]).encode();
        for bit in 0..(whole.len() - 2) * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (mut terminal, _) = pair();
            assert!(terminal.unwrap(0xB0, &Response::parse(&bytes).unwrap()).is_err(), "bit {bit}");
        }
        for length in 0..whole.len() - 2 {
            let (mut terminal, _) = pair();
            let cut = Response::new(whole[..length].to_vec(), StatusWord::SUCCESS);
            assert!(terminal.unwrap(0xB0, &cut).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_outer_status_may_only_repeat_the_inner_one() {
        for outer in 0..=u16::MAX {
            let (mut terminal, mut card) = pair();
            let protected = answer(&mut card, &[&[0x99, 2, 0x62, 0x82]]).into_data();
            let result = terminal.unwrap(0xB0, &Response::new(protected, StatusWord::new(outer)));
            assert_eq!(result.is_ok(), matches!(outer, 0x9000 | 0x6282), "{outer:04X}");
        }
    }

    #[test]
    fn an_answer_cannot_be_played_twice() {
        let (mut terminal, mut card) = pair();
        let response = answer(&mut card, &[STATUS]);
        terminal.unwrap(0xB0, &response).unwrap();
        assert_eq!(terminal.unwrap(0xB0, &response).unwrap_err(), Error::WrongMac);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (mut terminal, _) = pair();
        let fits = Command::new(0, 0x2A, 0, 0xAE).with_data(&[0; COMMAND_DATA_MAX]);
        assert_eq!(terminal.wrap(&fits).unwrap().encode().unwrap().len(), 252);
        let long = Command::new(0, 0x2A, 0, 0xAE).with_data(&[0; 240]);
        assert_eq!(terminal.wrap(&long).unwrap_err(), Error::TooLong(240));
        for ne in [0, 257] {
            assert!(terminal.wrap(&Command::new(0, 0xB0, 0, 0).with_ne(ne)).is_err());
        }
        assert_eq!(terminal.ssc, 8, "only what went out counts");
    }

    /// A card that finds every command too long, over the channel, after so many that it takes; remembers
    /// how long they were.
    struct TooLong {
        sm: SecureMessaging,
        taken: usize,
        said: std::sync::Arc<std::sync::Mutex<Vec<usize>>>,
    }

    impl transport::Transport for TooLong {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
            self.said.lock().unwrap().push(command.len());
            self.sm.next_ssc();
            let status = if self.taken > 0 { STATUS } else { &[0x99, 2, 0x67, 0] };
            self.taken = self.taken.saturating_sub(1);
            Ok(self.sm.answer(status).unwrap().encode())
        }
        fn reset(&mut self) -> Result<(), transport::Error> {
            Ok(())
        }
        fn atr(&self) -> &[u8] {
            &[]
        }

        fn company(&mut self) -> Option<&mut dyn transport::Company> {
            None
        }
    }

    #[test]
    fn a_chain_that_is_too_long_goes_out_once_more_in_smaller_pieces() {
        let said = std::sync::Arc::default();
        let channel = |taken| {
            let (terminal, sm) = pair();
            let card = TooLong { sm, taken, said: std::sync::Arc::clone(&said) };
            let mut channel = Channel::clear(transport::Link::new(card));
            channel.protect(terminal);
            channel
        };
        let lengths_in = |channel: &mut Channel, ins, data: usize| {
            let command = Command::new(0, ins, 0, 0).with_data(&vec![7; data]);
            assert_eq!(channel.exchange(&command).unwrap().status(), StatusWord::WRONG_LENGTH);
            std::mem::take(&mut *said.lock().unwrap())
        };
        assert_eq!(lengths_in(&mut channel(1), 0x2A, 500), [252, 252], "something was carried out");
        let mut channel = channel(0);
        let mut lengths = |ins, data| lengths_in(&mut channel, ins, data);
        assert_eq!(lengths(0x2A, COMMAND_DATA_SMALL), [228], "it could not be much smaller");
        assert_eq!(lengths(0x24, 230), [252], "one that carries a PIN is sent once, whatever it is");
        assert_eq!(lengths(0x2A, 354), [252, 228]);
        assert_eq!(lengths(0x82, 264), [228], "from then on at once");
    }

    #[test]
    fn a_class_that_says_protected_goes_on_saying_so() {
        for cla in [0x00, 0x04, 0x08, 0x0C] {
            let (mut terminal, _) = pair();
            assert_eq!(terminal.wrap(&Command::new(cla, 0xB0, 0, 0)).unwrap().header()[0], 0x0C);
        }
    }

    #[test]
    fn a_channel_says_what_it_is() {
        struct Silent;
        impl transport::Transport for Silent {
            fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, transport::Error> {
                Err(transport::Error::NoAnswer)
            }
            fn reset(&mut self) -> Result<(), transport::Error> {
                Ok(())
            }
            fn atr(&self) -> &[u8] {
                &[]
            }

            fn company(&mut self) -> Option<&mut dyn transport::Company> {
                None
            }
        }

        let mut channel = Channel::clear(transport::Link::new(Silent));
        let seen = |channel: &Channel| (channel.is_clear(), channel.is_closed(), channel.largest_read());
        assert_eq!(seen(&channel), (true, false, 256));
        channel.exchange(&Command::new(0, 0xB0, 0, 0)).unwrap_err();
        assert_eq!(seen(&channel), (true, false, 256), "in clear nothing is lost");
        channel.protect(pair().0);
        assert_eq!(seen(&channel), (false, false, READ_DATA_MAX));
        channel.exchange(&Command::new(0, 0xB0, 0, 0)).unwrap_err();
        assert_eq!(seen(&channel), (false, true, READ_DATA_MAX));
        assert_eq!(channel.exchange(&Command::new(0, 0xB0, 0, 0)).unwrap_err(), Error::Closed);
    }
}
