//! What a login costs: commands and bytes per chip profile, logins per second, and how the time divides
//! between terminal, card and the bare exponentiations.
//!
//! Run: cargo run --release --features emulator --example cost
//!
//! Counts leave GET RESPONSE apart, since it depends on the reader whether a program sees it. Nothing here
//! passes or fails: the bounds on the counts are tests (`tests/dialogue.rs`).
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{DEMO_PIN, demo_card};
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::ias::{CardCache, Session, Terminal};
use cie::secret::Pin;
use cie::transport::{self, Link, Statistics, Transport};
use openssl::bn::{BigNum, BigNumContext};

const LOGINS: u32 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let (_, _, personalisation) = demo_card(&mut Seeded::new(1), SystemTime::now())?;
    let pin = Pin::parse(std::str::from_utf8(&DEMO_PIN)?)?;
    let terminal = Arc::new(Terminal::published()?);

    println!("{:<9}{:<42}{:>9}{:>9}{:>9}{:>9}", "chip", "", "commands", "+ GET R.", "out", "in");
    for chip in Chip::ALL {
        let card = SoftCard::new(personalisation.clone(), chip, Seeded::new(2))?;
        let mut cache = CardCache::new();
        for visit in ["", ", card seen before"] {
            let session = Session::open_with(card.insert(), &terminal, &mut cache)?;
            let mut unlocked = session.verify_pin(&pin)?;
            let login = unlocked.statistics();
            unlocked.certificate()?;
            let certificate = unlocked.statistics() - login;
            let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
            unlocked.signer()?.sign(Purpose::Document, &digest)?;
            let signature = unlocked.statistics() - login - certificate;
            row(chip, &format!("login up to the PIN{visit}"), login);
            row(chip, &format!("login and one signature{visit}"), login + signature);
            if visit.is_empty() {
                row(chip, "each further signature", signature);
                row(chip, "certificate (1 SELECT, rest reads)", certificate);
            }
        }
    }

    println!();
    let card = SoftCard::new(personalisation, Chip::Gemalto, Seeded::new(2))?;
    for (what, remember) in [("every card new", false), ("card seen before", true)] {
        let in_card = Arc::new(Mutex::new(Duration::ZERO));
        let mut cache = CardCache::new();
        let began = Instant::now();
        for _ in 0..LOGINS {
            let _ = card.insert();
            let timed = Timed { transport: card.transport(), spent: in_card.clone() };
            if !remember {
                cache = CardCache::new();
            }
            drop(Session::open_with(Link::new(timed), &terminal, &mut cache)?.verify_pin(&pin)?);
        }
        let total = began.elapsed().as_secs_f64();
        let in_card = in_card.lock().map_err(|_| "poisoned")?.as_secs_f64();
        let each = total * 1e3 / f64::from(LOGINS);
        println!(
            "complete logins, {what}: {:.0} a second on one core, {each:.2} ms each: terminal {:.0} %, card {:.0} %",
            f64::from(LOGINS) / total,
            100.0 * (total - in_card) / total,
            100.0 * in_card / total
        );
        bare(each)?;
    }
    Ok(())
}

/// The exponentiations that a login cannot do without, alone, on OpenSSL. The terminal: two with full
/// exponents (its certificate, its proof) and two with exponents of q's length; the card the same two
/// short ones, one full one with the authority's long public exponent, and one with known primes.
fn bare(login: f64) -> Result<(), Box<dyn Error>> {
    let mut context = BigNumContext::new()?;
    let mut result = BigNum::new()?;
    let number = |byte: u8, length: usize| BigNum::from_slice(&[vec![byte], vec![0xA5; length - 1]].concat());
    let (base, modulus) = (number(0x61, 256)?, number(0xB1, 256)?);
    let mut time = |length: usize| -> Result<f64, Box<dyn Error>> {
        let mut exponent = number(0x71, length)?;
        exponent.set_const_time();
        let began = Instant::now();
        for _ in 0..LOGINS {
            result.mod_exp(&base, &exponent, &modulus, &mut context)?;
            black_box(&result);
        }
        Ok(began.elapsed().as_secs_f64() * 1e3 / f64::from(LOGINS))
    };
    let (full, short) = (time(256)?, time(32)?);
    let rsa = openssl::rsa::Rsa::generate(2048)?;
    let (block, mut out) = (vec![0x31; 256], vec![0; 256]);
    let began = Instant::now();
    for _ in 0..LOGINS {
        rsa.private_encrypt(&block, &mut out, openssl::rsa::Padding::NONE)?;
    }
    let with_primes = began.elapsed().as_secs_f64() * 1e3 / f64::from(LOGINS);
    let terminal = 2.0 * full + 2.0 * short;
    let card = full + 2.0 * short + with_primes;
    println!(
        "  bare exponentiations: 2048-bit exponent {full:.2} ms, 256-bit {short:.2} ms, with primes {with_primes:.2} ms; \
         terminal's {terminal:.2} ms and card's {card:.2} ms are {:.0} % of a login",
        100.0 * (terminal + card) / login
    );
    Ok(())
}

fn row(chip: Chip, what: &str, said: Statistics) {
    let Statistics { commands, get_responses, bytes_sent, bytes_received, .. } = said;
    println!(
        "{:<9}{what:<34}{commands:>9}{get_responses:>9}{bytes_sent:>9}{bytes_received:>9}",
        format!("{chip:?}")
    );
}

/// Adds up the time that the card takes.
struct Timed {
    transport: SoftTransport,
    spent: Arc<Mutex<Duration>>,
}

impl Transport for Timed {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        let began = Instant::now();
        let answer = self.transport.transmit(command);
        if let Ok(mut spent) = self.spent.lock() {
            *spent += began.elapsed();
        }
        answer
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.transport.reset()
    }

    fn atr(&self) -> &[u8] {
        self.transport.atr()
    }

    fn company(&mut self) -> Option<&mut dyn transport::Company> {
        self.transport.company()
    }
}
