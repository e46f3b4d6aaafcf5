//! One prepared session against every status word, and what its Debug output shows.

use super::*;
use crate::crypto::agreement::DomainParameters;
use crate::crypto::cipher;
use crate::crypto::signature::RsaPublicKey;
use crate::dialogue::Step as _;
use crate::iso7816::{StatusWord, tlv};
use crate::secret::{Puk, TripleDesKey};
use crate::secure_messaging::SecureMessaging;
use crate::transport::{self, Transport};
use crate::vectors::bytes;

const KS_ENC: [u8; 16] = *b"\xC0\xFF\xEE\x01 ks_enc \xC0\xFF\xEE\x02";
const KS_MAC: [u8; 16] = *b"\xC0\xFF\xEE\x03 ks_mac \xC0\xFF\xEE\x04";
const SSC: u64 = 41;

/// How the card says its status word.
#[derive(Clone, Copy, PartialEq)]
enum Saying {
    /// As DO 99 under a right checksum, 9000 outside.
    Protected,
    /// As DO 99 under a right checksum, and the same word outside.
    ProtectedAndOutside,
    /// Outside only.
    Bare,
    /// Outside, around a protected 9000.
    AroundSuccess,
}

/// A card that gives VERIFY one answer.
struct Card(u16, Saying);

impl Transport for Card {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        if command[1] == 0xC0 {
            // After a 61xx outside: the card has nothing more to say.
            return Err(transport::Error::NoAnswer);
        }
        assert_eq!(command[..4], [0x0C, 0x20, 0x00, 0x81]);
        let Self(word, saying) = *self;
        let (body, outside) = match saying {
            Saying::Protected => (protected(word, SSC + 2), 0x9000),
            Saying::ProtectedAndOutside => (protected(word, SSC + 2), word),
            Saying::Bare => (Vec::new(), word),
            Saying::AroundSuccess => (protected(0x9000, SSC + 2), word),
        };
        Ok([body, outside.to_be_bytes().to_vec()].concat())
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn crate::transport::Company> {
        None
    }
}

/// A status word under a right checksum.
fn protected(word: u16, ssc: u64) -> Vec<u8> {
    let status = tlv::encode(0x99, &word.to_be_bytes());
    let input = cipher::pad(&[&ssc.to_be_bytes()[..], &status].concat());
    let mac = cipher::retail_mac(&TripleDesKey::new(&KS_MAC), &input).unwrap();
    [status, tlv::encode(0x8E, &mac)].concat()
}

/// A card that gives VERIFY of the PUK and RESET RETRY COUNTER one answer each.
struct Unblocking {
    answers: std::vec::IntoIter<([u8; 4], u16)>,
    ssc: u64,
}

impl Transport for Unblocking {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        let (header, word) = self.answers.next().expect("nothing is sent twice");
        assert_eq!(command[..4], header);
        self.ssc += 2;
        Ok([protected(word, self.ssc), vec![0x90, 0x00]].concat())
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn crate::transport::Company> {
        None
    }
}

fn session(
    card: impl Transport + 'static,
    constants: &Arc<CardConstants>,
    terminal: &Arc<Terminal>,
) -> Session {
    let mut channel = Channel::clear(Link::new(card));
    channel.protect(SecureMessaging::new(TripleDesKey::new(&KS_ENC), TripleDesKey::new(&KS_MAC), SSC));
    Session {
        channel,
        terminal: terminal.clone(),
        constants: constants.clone(),
        tries: {
            let mut tries = KnownTries::default();
            tries.told(tries.ask(), Which::Pin, Tries::Left(3));
            tries
        },
        tells_tries: false,
        told_puk_tries: false,
    }
}

fn prepared() -> (Arc<CardConstants>, Arc<Terminal>) {
    let [g, p, q] = ["/dh/g", "/dh/p", "/dh/q"].map(bytes);
    let file = bytes("/internal_auth/ef_1004");
    let constants = CardConstants {
        domain_parameters: DomainParameters::new(&g, &p, &q).unwrap(),
        certification_key: constants::parse_certification_key(&bytes("/test_ca/get_data_response")).unwrap(),
        device_key: RsaPublicKey::from_der(&file).unwrap(),
        device_key_file: file,
    };
    (Arc::new(constants), Arc::new(Terminal::published().unwrap()))
}

#[test]
fn of_all_status_words_only_a_protected_9000_verifies_the_pin() {
    let (constants, terminal) = prepared();
    let pin = Pin::parse("24681357").unwrap();
    let mut verified = Vec::new();
    for saying in [Saying::Protected, Saying::ProtectedAndOutside, Saying::Bare, Saying::AroundSuccess] {
        for word in 0..=u16::MAX {
            match session(Card(word, saying), &constants, &terminal).verify_pin(&pin) {
                Ok(_) => verified.push((word, saying)),
                Err(refused) => {
                    let open = refused.back.is_open();
                    // A 61xx outside announces more, and then nothing comes.
                    let cut_off = word >> 8 == 0x61 && saying != Saying::Protected;
                    let protected =
                        matches!(saying, Saying::Protected | Saying::ProtectedAndOutside) && !cut_off;
                    assert_eq!(open, protected, "{word:04X}");
                    let expected = match (open, word) {
                        (true, 0x6983 | 0x63C0) => Tries::Left(0),
                        (true, 0x63C1..=0x63CF) => Tries::Left((word & 15) as u8),
                        (_, _) => Tries::Left(2),
                    };
                    assert_eq!(refused.back.pin_tries(), expected, "{word:04X}");
                    assert_eq!(refused.error.step, Step::VerifyPin);
                    assert_eq!(refused.back.statistics().commands, 1, "sent once");
                }
            }
        }
    }
    let words: Vec<u16> = verified.iter().map(|(word, _)| *word).collect();
    assert_eq!(words, [0x9000; 3], "protected, protected and outside, and 9000 around 9000");
    assert!(!verified.iter().any(|(_, saying)| *saying == Saying::Bare));
}

#[test]
fn of_all_status_words_only_9000_twice_unblocks_the_pin() {
    let (constants, terminal) = prepared();
    let (puk, pin) = (Puk::parse("13572468").unwrap(), Pin::parse("24681357").unwrap());
    let attempt = |unblock: Unblock<'_>, verify: u16, reset: u16| {
        let p1 = if matches!(unblock, Unblock::KeepPin) { 0x03 } else { 0x02 };
        let answers = vec![([0x0C, 0x20, 0x00, 0x82], verify), ([0x0C, 0x2C, p1, 0x81], reset)].into_iter();
        let session = session(Unblocking { answers, ssc: SSC }, &constants, &terminal);
        session.unblock_pin(&puk, unblock, LastTry::Refuse)
    };
    for word in 0..=u16::MAX {
        match attempt(Unblock::NewPin(&pin), word, 0x9000) {
            Ok(session) => assert_eq!((word, session.statistics().commands), (0x9000, 2)),
            Err(refused) => {
                let expected = match word {
                    0x6983 | 0x63C0 => Tries::Left(0),
                    0x63C1..=0x63CF => Tries::Left((word & 15) as u8),
                    // Wrong without a count, or nobody knows: one less than all of them at most.
                    _ => Tries::Left(9),
                };
                assert_eq!(refused.back.tries.left(Which::Puk), expected, "{word:04X}");
                assert_eq!(refused.error.step, Step::VerifyPuk);
                assert_eq!((refused.back.statistics().commands, refused.back.is_open()), (1, true));
            }
        }
        for unblock in [Unblock::NewPin(&pin), Unblock::KeepPin] {
            match attempt(unblock, 0x9000, word) {
                Ok(session) => assert_eq!((word, session.pin_tries()), (0x9000, Tries::Left(3))),
                Err(refused) => {
                    assert_eq!(refused.error, Step::UnblockPin.failed(StatusWord::new(word)));
                    assert_eq!(refused.back.tries.left(Which::Puk), Tries::Left(10), "the PUK was right");
                }
            }
        }
    }
}

#[test]
fn session_keys_are_in_no_debug_output() {
    let (constants, terminal) = prepared();
    let session = session(Card(StatusWord::WRONG_DATA.value(), Saying::Protected), &constants, &terminal);
    let seen = format!("{session:?} {:?}", session.channel);
    let refused = session.verify_pin(&Pin::parse("24681357").unwrap()).unwrap_err();
    let seen = format!("{seen} {refused:?} {refused} {:?}", refused.error);
    for key in [KS_ENC, KS_MAC] {
        let list = key.map(|byte| byte.to_string()).join(", ");
        for form in [hex::encode(key), hex::encode_upper(key), list] {
            assert!(!seen.contains(&form));
        }
    }
    assert!(!seen.contains("24681357"));
    assert!(seen.starts_with("Session(Channel(protected), Left(3)) Channel(protected)"), "{seen}");
}

#[test]
fn the_oldest_card_is_forgotten_first() {
    let card = |number: u8| {
        let [g, p, q] = ["/dh/g", "/dh/p", "/dh/q"].map(bytes);
        let answer = bytes("/test_ca/get_data_response");
        Arc::new(CardConstants {
            domain_parameters: DomainParameters::new(&g, &p, &q).unwrap(),
            certification_key: constants::parse_certification_key(&answer).unwrap(),
            device_key: RsaPublicKey::from_der(&bytes("/internal_auth/ef_1004")).unwrap(),
            device_key_file: vec![number],
        })
    };
    let mut cache = CardCache::new();
    let most = u8::try_from(CardCache::CAPACITY).unwrap();
    for number in 0..most {
        cache.remember(&card(number));
        cache.remember(&card(number));
        assert_eq!(format!("{cache:?}"), format!("CardCache({} cards)", number + 1));
    }
    cache.remember(&card(most));
    assert_eq!(format!("{cache:?}"), "CardCache(64 cards)");
    for number in 0..=most {
        assert_eq!(cache.find(&[number]).is_some(), number != 0, "{number}");
    }
}
