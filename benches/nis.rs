//! What a kiosk's check of a card costs: commands and bytes on the wire, of a stranger and of a card that was here
//! before; processor time of the host, without the card's, beside what OpenSSL needs for the bare signatures of the
//! check; the same for the chip of a protected channel.
//!
//! Run: cargo bench --features emulator --bench nis
//!
//! Nothing passes or fails here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use cie::crypto::SystemEntropy;
use cie::emulator::issue::demo_card;
use cie::emulator::pki::TestPki;
use cie::emulator::{Chip, SoftCard, SoftTransport};
use cie::genuine;
use cie::ias::{Application, CardCache, File, Session, Terminal};
use cie::kiosk::{SeenCards, verify_nis_with};
use cie::passive::SecurityObjectPolicy;
use cie::transport::{Company, Error, Link, Statistics, Transport};
use cie::trust::{AnchorPurpose, TrustStore};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{Signer, Verifier};

/// Checks of each kind.
const CHECKS: u32 = 200;

/// A software card whose own time is taken down: it is not the host's.
struct Timed(SoftTransport, Arc<AtomicU64>);

impl Transport for Timed {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let began = Instant::now();
        let answer = self.0.transmit(command);
        self.1.fetch_add(u64::try_from(began.elapsed().as_nanos()).unwrap(), Ordering::Relaxed);
        answer
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        None
    }
}

/// What one check came to: what was said, and the host's time, the best of all.
struct Cost {
    said: Statistics,
    host: Duration,
}

fn measure(card: &SoftCard, mut check: impl FnMut(Link) -> Statistics) -> Cost {
    let (mut host, mut said) = (Duration::MAX, Statistics::default());
    for _ in 0..CHECKS {
        let spent = Arc::new(AtomicU64::new(0));
        let link = Link::new(Timed(card.transport(), spent.clone()));
        let began = Instant::now();
        said = check(link);
        host = host.min(began.elapsed() - Duration::from_nanos(spent.load(Ordering::Relaxed)));
    }
    Cost { said, host }
}

/// How long OpenSSL needs to verify one signature with a key of so many bits, the best of many.
fn raw(bits: u32, pss: bool) -> Duration {
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let public = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let padding = if pss { Padding::PKCS1_PSS } else { Padding::PKCS1 };
    let mut signer = Signer::new(MessageDigest::sha512(), &key).unwrap();
    signer.set_rsa_padding(padding).unwrap();
    let signature = signer.sign_oneshot_to_vec(b"a message").unwrap();
    let verify = || {
        let began = Instant::now();
        let mut verifier = Verifier::new(MessageDigest::sha512(), &public).unwrap();
        verifier.set_rsa_padding(padding).unwrap();
        assert!(verifier.verify_oneshot(&signature, b"a message").unwrap());
        began.elapsed()
    };
    (0..CHECKS).map(|_| verify()).min().unwrap()
}

fn country(pki: &TestPki) -> TrustStore {
    let mut trust = TrustStore::new().allow_test_pki();
    trust.add_anchor(AnchorPurpose::Csca, pki.csca_der()).unwrap();
    trust
}

fn row(what: &str, cost: &Cost, peer: Duration) {
    let said = cost.said;
    println!(
        "{what:<42}{:>9}{:>14}{:>8}{:>8}{:>11.0} µs{:>8.2}×",
        said.commands,
        said.get_responses,
        said.bytes_sent,
        said.bytes_received,
        cost.host.as_secs_f64() * 1e6,
        cost.host.as_secs_f64() / peer.as_secs_f64()
    );
}

fn main() {
    println!("making a citizen's card and its PKI …");
    let (pki, _, personalisation) = demo_card(&mut SystemEntropy, SystemTime::now()).unwrap();
    let policy = SecurityObjectPolicy::new();
    let (short, long) = (raw(2048, true), raw(4096, true));
    let block = raw(2048, false);
    // The country over the signer, the signer over EF.SOD, the chip over the challenge.
    let bare = long + short + block;
    println!(
        "OpenSSL alone: RSA-4096 {:.0} µs, RSA-2048 {:.0} µs; for all signatures of a check {:.0} µs",
        long.as_secs_f64() * 1e6,
        short.as_secs_f64() * 1e6,
        bare.as_secs_f64() * 1e6
    );
    println!(
        "\n{:<42}{:>9}{:>14}{:>8}{:>8}{:>14}{:>9}",
        "", "commands", "GET RESPONSE", "out", "in", "host", "OpenSSL"
    );
    for chip in [Chip::Gemalto, Chip::Nxp, Chip::St, Chip::Actalis] {
        let card = SoftCard::new(personalisation.clone(), chip, SystemEntropy).unwrap();
        let nis = |link: Link, trust: &TrustStore, seen: &SeenCards| {
            let mut application = Application::select(link).unwrap();
            verify_nis_with(&mut application, trust, &policy, seen).unwrap();
            application.into_link().statistics()
        };
        // A trust store remembers paths that it built, so a card of the same signer costs less from the second on.
        let first = measure(&card, |link| nis(link, &country(&pki), &SeenCards::new()));
        let trust = country(&pki);
        let stranger = measure(&card, |link| nis(link, &trust, &SeenCards::new()));
        let seen = SeenCards::new();
        let back = measure(&card, |link| nis(link, &trust, &seen));
        row(&format!("{chip}: NIS, first card of its signer"), &first, bare);
        row(&format!("{chip}: NIS, a stranger"), &stranger, short + block);
        row(&format!("{chip}: NIS, was here before"), &back, short + block);
        let terminal = Arc::new(Terminal::published().unwrap());
        let mut cache = CardCache::new();
        let channel = measure(&card, |link| {
            let mut session = Session::open_with(link, &terminal, &mut cache).unwrap();
            session.read(File::ServicesKey).unwrap();
            session.statistics()
        });
        let chip_only = measure(&card, |link| {
            let mut session = Session::open_with(link, &terminal, &mut cache).unwrap();
            genuine::verify(&mut session, &trust, &policy).unwrap();
            session.statistics()
        });
        row(&format!("{chip}: channel and a file, beside it"), &channel, short + block);
        row(&format!("{chip}: channel and genuine chip"), &chip_only, short + block);
    }
    println!(
        "\nout, in: bytes, status words included. host: the best of {CHECKS}, without the card's own time;"
    );
    println!(
        "OpenSSL: how many times the bare verifications take, of the path only where it is not remembered."
    );
}
