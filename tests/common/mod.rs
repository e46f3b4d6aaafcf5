//! One personalised software card for each test program, from a fixed seed, and the terminal's side of
//! it. Making the keys takes seconds, so everything that a test changes is a copy in memory.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[cfg(all(feature = "system-tests", feature = "c-api"))]
pub mod c_library;
#[cfg(feature = "system-tests")]
pub mod costs;
#[cfg(feature = "system-tests")]
pub mod pcscd;
#[cfg(feature = "system-tests")]
pub mod pinentry;
#[cfg(feature = "system-tests")]
pub mod terminal;

pub mod contact;
pub mod contact_flows;
pub mod flows;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use cie::emulator::citizen::Citizen;
use cie::emulator::entropy::Seeded;
use cie::emulator::issue::{DEMO_PIN, DEMO_PUK, demo_card};
use cie::emulator::personalisation::Personalisation;
use cie::emulator::pki::TestPki;
use cie::emulator::{Chip, SoftCard};
use cie::environment::FixedClock;
use cie::ias::Session;
use cie::pin::LastTry;
use cie::secret::{Pin, Puk};
use cie::transport::Link;
use cie::trust::{AnchorPurpose, TrustStore};

/// Says something that is shown although the test passes: `println!` would be swallowed.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Waits until something holds, and fails if it does not.
#[track_caller]
pub fn until_within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The time that processors gave this program so far, all threads; in steps of ten milliseconds.
pub fn processor_time() -> Duration {
    processor_time_of(std::process::id())
}

/// The same of another one.
pub fn processor_time_of(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the program's name, which may hold anything: fields 3 and on, of which 14 and 15 are user and system.
    let (_, fields) = text.rsplit_once(')').unwrap();
    let ticks = |at: usize| fields.split_whitespace().nth(at).unwrap().parse::<u64>().unwrap();
    // Linux shows them in hundredths of a second on every machine (USER_HZ).
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// A card, its citizen and its PKI.
pub struct Demo {
    pub pki: TestPki,
    pub citizen: Citizen,
    pub personalisation: Personalisation,
}

/// The moment at which every test happens, in seconds since 1970: 2026-01-01.
pub const NOW: u64 = 1_767_225_600;

pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

pub fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let (pki, citizen, personalisation) = demo_card(&mut Seeded::new(2026), now()).unwrap();
        Demo { pki, citizen, personalisation }
    })
}

/// The chips of which every flow holds.
pub const CHIPS: [Chip; 4] = Chip::ALL;

/// A fresh card with all its tries.
pub fn card(chip: Chip) -> SoftCard {
    SoftCard::new(demo().personalisation.clone(), chip, Seeded::new(1)).unwrap()
}

/// The card laid on a reader, with fixed randomness on both sides.
pub fn link(card: &SoftCard) -> Link {
    card.insert_with(Seeded::new(2), FixedClock(now()))
}

pub fn pin() -> Pin {
    Pin::parse(std::str::from_utf8(&DEMO_PIN).unwrap()).unwrap()
}

pub fn wrong_pin() -> Pin {
    Pin::parse("99999999").unwrap()
}

pub fn puk() -> Puk {
    Puk::parse(std::str::from_utf8(&DEMO_PUK).unwrap()).unwrap()
}

/// A card whose PIN is blocked: three wrong ones were shown.
pub fn blocked_card(chip: Chip) -> SoftCard {
    let card = card(chip);
    let mut session = Session::open(link(&card)).unwrap();
    for _ in 0..3 {
        session = *session.verify_pin_with(&wrong_pin(), LastTry::Spend).unwrap_err().back;
    }
    assert_eq!(card.pin_tries(), 0);
    card
}

/// A store that trusts the demo PKI.
pub fn trust() -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Holder, demo().pki.root_der()).unwrap();
    trust.add_intermediate(demo().pki.sub_ca_der()).unwrap();
    trust
}
