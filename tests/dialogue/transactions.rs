//! An operation is one transaction: where a card is shared, no other program gets in between.

use std::sync::{Arc, Mutex};

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::{SoftCard, SoftTransport};
use cie::ias::{CardCache, File, RootFile, Session, Terminal, Unblock};
use cie::pin::LastTry;
use cie::transport::{self, Company, Link, Transport};

use crate::common::{CHIPS, card, pin, puk};

/// What was asked of the transport, in short: `(`, `)`, and a dot for each command.
type Log = Arc<Mutex<String>>;

struct Logged(SoftTransport, Log);

impl Logged {
    fn note(&self, what: char) {
        self.1.lock().unwrap().push(what);
    }
}

impl Transport for Logged {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        self.note('.');
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Logged {
    fn begin(&mut self) -> Result<(), transport::Error> {
        self.note('(');
        Ok(())
    }

    fn end(&mut self) {
        self.note(')');
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn set_exclusive(&mut self, _: bool) -> Result<(), transport::Error> {
        Ok(())
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

fn link(card: &SoftCard, log: &Log) -> Link {
    drop(card.insert());
    Link::new(Logged(card.transport(), log.clone()))
}

/// Exactly one transaction around all commands since the last look.
#[track_caller]
fn one_transaction(log: &Log, commands: std::ops::RangeInclusive<usize>) {
    let said = std::mem::take(&mut *log.lock().unwrap());
    let inside =
        said.strip_prefix('(').and_then(|said| said.strip_suffix(')')).unwrap_or_else(|| panic!("{said}"));
    assert!(inside.chars().all(|c| c == '.') && commands.contains(&inside.len()), "{said}");
}

#[test]
fn every_operation_is_one_transaction() {
    for chip in CHIPS {
        let (card, log) = (card(chip), Log::default());
        let mut session = Session::open(link(&card, &log)).unwrap();
        one_transaction(&log, 30..=50);
        session.read(File::SecurityObject).unwrap();
        one_transaction(&log, 8..=40);
        let mut unlocked = session.verify_pin(&pin()).unwrap();
        one_transaction(&log, 1..=2);
        unlocked.certificate().unwrap();
        one_transaction(&log, 8..=30);
        let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
        unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
        one_transaction(&log, 3..=5);
        let session = unlocked.lock().unwrap();
        one_transaction(&log, 20..=40);
        let session = session.unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
        one_transaction(&log, 3..=8);
        drop(session);
        assert_eq!(*log.lock().unwrap(), "");
    }
}

#[test]
fn in_clear_it_is_the_same() {
    for chip in CHIPS {
        let (laid, log) = (card(chip), Log::default());
        let mut card = cie::card::open(link(&laid, &log)).unwrap();
        one_transaction(&log, 3..=5);
        card.information().unwrap();
        one_transaction(&log, 20..=50);
        let mut application = card.into_ias().unwrap();
        application.read(File::SecurityObject).unwrap();
        one_transaction(&log, 8..=40);
        application.read_root(RootFile::DomainParameters).unwrap();
        one_transaction(&log, 3..=20);
        application.puk_tries().unwrap();
        one_transaction(&log, 3..=6);
        let terminal = Arc::new(Terminal::published().unwrap());
        let session = application.authenticate(&terminal, &mut CardCache::new()).unwrap();
        one_transaction(&log, 28..=50);
        drop(session);
        assert_eq!(*log.lock().unwrap(), "");
    }
}

#[test]
fn a_refused_operation_ends_its_transaction() {
    let (card, log) = (card(CHIPS[0]), Log::default());
    let mut profile = card.profile();
    profile.knows_ias_by_name = false;
    profile.root_at_reset = false;
    profile.longest_protected_data = 10;
    card.set_profile(profile);
    let refused = Session::open(link(&card, &log)).unwrap_err();
    one_transaction(&log, 2..=60);
    drop(refused);
    assert_eq!(*log.lock().unwrap(), "");
}
