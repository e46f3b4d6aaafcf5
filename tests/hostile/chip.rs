//! Cards made to deceive: numbers, lengths, nesting, endless answers, files that change.

use std::time::{Duration, Instant};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::entropy::Seeded;
use cie::emulator::personalisation::Personalisation;
use cie::emulator::{Chip, SoftCard};
use cie::ias::{Cause, Error, Session, Step};
use cie::iso7816::{Command, Response, StatusWord, tlv};
use cie::transport::{self, Link, Transport};

use crate::common::{card, demo, link, pin};

/// The outcome of opening a card whose answers are replaced.
fn open(tamper: impl FnMut(&Command, Response) -> Response + Send + 'static) -> Result<Session, Error> {
    let card = card(Chip::Gemalto);
    card.set_tamper(Some(Box::new(tamper)));
    let began = Instant::now();
    let result = Session::open(link(&card)).map_err(|refused| refused.error);
    // No measure, a bound: work for hostile numbers must not grow out of hand.
    assert!(began.elapsed() < Duration::from_secs(5), "took {:?}", began.elapsed());
    assert_eq!(card.verify_count(), 0);
    result
}

/// Which GET DATA a command is, by the bytes of its template.
fn asks_for(command: &Command, template: &[u8]) -> bool {
    command.ins() == 0xCB && command.data().windows(template.len()).any(|window| window == template)
}

fn nested(path: &[u32], value: &[u8]) -> Vec<u8> {
    path.iter().rev().fold(value.to_vec(), |inner, tag| tlv::encode(*tag, &inner))
}

fn success(data: Vec<u8>) -> Response {
    Response::new(data, StatusWord::SUCCESS)
}

/// The card shows this number as DH parameter `tag`.
fn with_domain_parameter(tag: u8, number: Vec<u8>) -> Result<Session, Error> {
    open(move |command, response| {
        if asks_for(command, &[0xA3, 0x02, tag, 0x00]) {
            return success(nested(&[0x70, 0xBF_A101, 0xA3, u32::from(tag)], &number));
        }
        response
    })
}

fn even(mut number: Vec<u8>) -> Vec<u8> {
    *number.last_mut().unwrap() &= 0xFE;
    number
}

/// Numbers that no card should send, for something that should have `size` bytes.
fn bad_numbers(size: usize) -> Vec<Vec<u8>> {
    let odd = |length: usize| [vec![0xFF; length], vec![0x01]].concat();
    vec![
        vec![],
        vec![0],
        vec![1],
        vec![2],
        vec![0; size],
        odd(size / 4),
        odd(size * 4),
        odd(8_000),
        odd(30_000),
        even(odd(size - 1)),
    ]
}

#[test]
fn domain_parameters_of_any_size_or_parity_are_refused() {
    let group = &demo().personalisation.dh_group;
    for (tag, honest) in [(0x97, &group.g), (0x98, &group.p), (0x99, &group.q)] {
        for number in bad_numbers(honest.len()) {
            let length = number.len();
            let error = with_domain_parameter(tag, number).unwrap_err();
            // A plausible q passes our checks; the chip then signs over its own, and the two disagree.
            let steps = [Step::ReadDomainParameters, Step::KeyExchange, Step::ExternalAuthenticate];
            assert!(steps.contains(&error.step), "{tag:02X}, {length} bytes: {error}");
        }
    }
    assert!(matches!(
        with_domain_parameter(0x98, even(group.p.clone())).unwrap_err().cause,
        Cause::Crypto(cie::crypto::Error::Number { .. })
    ));
    // A p that is odd but not prime, and a g that is p − 1: refused, or the chip cannot finish.
    let mut composite = group.p.clone();
    composite[100] ^= 0x10;
    assert!(with_domain_parameter(0x98, composite).is_err());
}

#[test]
fn public_values_out_of_range_are_refused() {
    let p = demo().personalisation.dh_group.p.clone();
    let mut p_less_one = p.clone();
    *p_less_one.last_mut().unwrap() -= 1;
    for value in [
        vec![],
        vec![0; 256],
        vec![1],
        [vec![0; 255], vec![1]].concat(),
        p_less_one,
        p.clone(),
        vec![0xFF; 256],
        vec![3; 4_000],
    ] {
        let length = value.len();
        let error = open(move |command, response| {
            if asks_for(command, &[0xA6, 0x02, 0x91, 0x00]) {
                return success(nested(&[0xA6, 0x91], &value));
            }
            response
        })
        .unwrap_err();
        assert_eq!(error.step, Step::KeyExchange, "{length} bytes");
        assert!(matches!(error.cause, Cause::Crypto(_)), "{length} bytes: {error}");
    }
}

#[test]
fn a_certification_key_of_any_shape_is_refused() {
    let honest = demo().personalisation.certification_key.modulus.clone();
    let mut moduli = bad_numbers(256);
    // Odd and of the right size, but below the block 6A … BC: the signature would not come back.
    moduli.push([vec![0x60], vec![0xFF; 255]].concat());
    // One that the card crafted: odd, large, of unknown factors. The exponent is public, nothing leaks,
    // and the card cannot verify what comes of it.
    let mut crafted = honest;
    crafted[5] ^= 0x40;
    moduli.push(crafted);
    for modulus in moduli {
        let length = modulus.len();
        let error = open(move |command, response| {
            if !asks_for(command, &[0x7F, 0x49, 0x80]) {
                return response;
            }
            let objects = [
                tlv::encode(0x81, &modulus),
                tlv::encode(0x82, &[1, 0, 1]),
                tlv::encode(0x5F20, &[0x49; 12]),
                tlv::encode(0x5F4C, &[0xA0, 0, 0, 0, 0, 0x39, 0]),
            ];
            success(nested(&[0x70, 0xBF_A004, 0x7F49], &objects.concat()))
        })
        .unwrap_err();
        let steps = [Step::ReadCertificationKey, Step::VerifyTerminalCertificate];
        assert!(steps.contains(&error.step), "{length} bytes: {error}");
    }
}

#[test]
fn a_device_key_of_any_shape_is_refused() {
    let moduli: Vec<Vec<u8>> = bad_numbers(256);
    for modulus in moduli {
        let integer = tlv::encode(0x02, &[&[0], modulus.as_slice()].concat());
        let file = tlv::encode(0x30, &[integer, tlv::encode(0x02, &[1, 0, 1])].concat());
        let mut personalisation = demo().personalisation.clone();
        personalisation.files.iter_mut().find(|f| f.identifier == 0x1004).unwrap().content = file;
        let error = open_personalised(personalisation).unwrap_err();
        assert_eq!(error.step, Step::ReadDeviceKey, "{} bytes: {error}", modulus.len());
    }
}

fn open_personalised(personalisation: Personalisation) -> Result<Session, Error> {
    let card = SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(1)).unwrap();
    Session::open(link(&card)).map_err(|refused| refused.error)
}

#[test]
fn lengths_beyond_the_data_and_deep_nesting_are_refused() {
    let deep = (0..1_000).fold(Vec::new(), |inner, _| tlv::encode(0x70, &inner));
    for bytes in [
        vec![0x70, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0x70, 0x82, 0xFF, 0xFF, 0x00],
        vec![0x70, 0x80, 0x00, 0x00],
        vec![0x7F; 300],
        vec![0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00],
        deep,
        Vec::new(),
    ] {
        let replaced = bytes.clone();
        // Every answer that has data: GET DATA and files alike.
        let error = open(
            move |_, response| {
                if response.data().is_empty() { response } else { success(replaced.clone()) }
            },
        )
        .unwrap_err();
        // The tries are a courtesy; what fails first is the device key.
        assert_eq!(error.step, Step::ReadDeviceKey, "{bytes:02X?}");
    }
}

/// A card that gives every command the same answer, for ever.
struct Always(&'static [u8]);

impl Transport for Always {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, transport::Error> {
        Ok(self.0.to_vec())
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn company(&mut self) -> Option<&mut dyn cie::transport::Company> {
        None
    }
}

#[test]
fn endless_answers_end() {
    for answer in [
        &[0x61, 0x00][..],
        &[0xAA, 0x61, 0x00],
        &[0x61, 0x01],
        &[0x6C, 0x00],
        &[0x6C, 0x10],
        &[0x90, 0x00],
        &[0x00, 0x90, 0x00],
        &[0x30, 0x90, 0x00],
        &[0x90],
        &[],
    ] {
        let error = Session::open(Link::new(Always(answer))).unwrap_err().error;
        assert!(!error.to_string().is_empty(), "{answer:02X?}");
    }
}

#[test]
fn an_endless_file_ends() {
    // EF 1004 says that it is 16 MiB long, and the card gives bytes for any offset.
    let error = open(|command, response| match command.ins() {
        0xB0 => {
            let ne = usize::try_from(command.ne().unwrap()).unwrap();
            let data = [vec![0x30, 0x83, 0xFF, 0xFF, 0xFF], vec![0x30; 300]].concat();
            success(data[..ne].to_vec())
        }
        _ => response,
    })
    .unwrap_err();
    assert_eq!(error.step, Step::ReadDeviceKey);
    // And one of the longest length that is read at all.
    let error = open(|command, response| match command.ins() {
        0xB0 => {
            let ne = usize::try_from(command.ne().unwrap()).unwrap();
            success([vec![0x30, 0x82, 0x7F, 0xFB], vec![0x30; 300]].concat()[..ne].to_vec())
        }
        _ => response,
    })
    .unwrap_err();
    assert_eq!(error.step, Step::ReadDeviceKey);
}

#[test]
fn a_file_that_changes_between_reads_deceives_nobody() {
    // The device key: its second half comes from another key.
    let other = demo().personalisation.files.iter().find(|f| f.identifier == 0x1005).unwrap().content.clone();
    let error = open(move |command, response| match (command.ins(), command.p1()) {
        (0xB0, 0x01) => success(other[256..256 + response.data().len()].to_vec()),
        _ => response,
    })
    .unwrap_err();
    assert!(matches!(error.step, Step::ReadDeviceKey | Step::InternalAuthenticate), "{error}");
}

#[test]
fn a_certificate_of_another_key_is_not_signed_under() {
    let mut personalisation = demo().personalisation.clone();
    personalisation.holder_key = personalisation.services_key.clone();
    let card = SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(1)).unwrap();
    let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    let error = unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!((error.step, error.cause), (Step::Sign, Cause::WrongSignature));
}

/// A terminal in the middle that repeats the chip's public value or its own cannot finish.
#[test]
fn a_chip_that_reflects_our_public_value_is_not_authentic() {
    let mut ours: Vec<u8> = Vec::new();
    let error = open(move |command, response| {
        if command.ins() == 0x22 && command.data().len() == 266 {
            ours = command.data()[command.data().len() - 256..].to_vec();
        }
        if asks_for(command, &[0xA6, 0x02, 0x91, 0x00]) {
            return success(nested(&[0xA6, 0x91], &ours));
        }
        response
    })
    .unwrap_err();
    assert!(matches!(error.step, Step::KeyExchange | Step::VerifyTerminalCertificate), "{error}");
}

/// The PIN and the session keys are in no Debug output and in no error.
#[test]
fn secrets_are_in_no_debug_output_and_no_error() {
    let card = card(Chip::Gemalto);
    let pin_text = "12345678";
    let mut seen = String::new();
    let terminal = cie::ias::Terminal::published().unwrap();
    let session = Session::open(link(&card)).unwrap();
    seen += &format!("{session:?} {:?} {terminal:?}", pin());
    let wrong = cie::secret::Pin::parse("87650912").unwrap();
    let refused = session.verify_pin(&wrong).unwrap_err();
    seen += &format!("{refused:?} {refused} {:?}", refused.error);
    let mut unlocked = refused.back.verify_pin(&pin()).unwrap();
    seen += &format!("{unlocked:?}");
    seen += &format!("{:?}", unlocked.signer().unwrap());
    let command = cie::iso7816::command::verify(0x81, pin().expose());
    seen += &format!("{command:?} {:?}", Response::new(pin().expose().to_vec(), StatusWord::SUCCESS));
    let error = unlocked.change_pin(&wrong, &pin()).unwrap_err();
    seen += &format!("{error:?} {error}");
    for text in [pin_text, "87650912"] {
        for form in
            [text.to_owned(), hex::encode(text), hex::encode_upper(text), format!("{:?}", text.as_bytes())]
        {
            assert!(!seen.contains(&form), "{form} in {seen}");
        }
        // Runs of bytes as Debug prints them.
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        assert!(!seen.contains(&bytes.join(", ")));
    }
    assert!(seen.contains("Pin(..)"));
}

#[test]
fn a_malformed_pin_never_reaches_a_card() {
    for text in ["", "1234", "1234567", "123456789", "1234567x", "１２３４５６７８"] {
        assert!(cie::secret::Pin::parse(text).is_err(), "{text:?}");
    }
}
