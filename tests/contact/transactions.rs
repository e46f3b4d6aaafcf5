//! An operation is one transaction, and what the card knew is asked again after an answer that was lost.

use std::sync::{Arc, Mutex};

use cie::card;
use cie::cns::{Credential, File, Session, Step, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::contact::Model;
use cie::emulator::{SoftCard, SoftTransport};
use cie::pin::LastTry;
use cie::secret::ContactPin;
use cie::transport::{self, Company, Link, Transport};

use crate::common::contact_flows::{card as fresh, link, pin, puk};

/// What was asked of the transport, in short: `(`, `)`, `s` for SELECT, `p` for what carries a PIN, `k` for the use
/// of a key, `r` for a reset, and a dot for any other command.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Exactly one transaction around all commands since the last look, a reset apart.
    #[track_caller]
    fn one_transaction(&self) {
        let said = self.take().replace('r', "");
        let inside = said.strip_prefix('(').and_then(|said| said.strip_suffix(')'));
        assert!(inside.is_some_and(|inside| !inside.is_empty() && !inside.contains(['(', ')'])), "{said}");
    }
}

/// A reader that keeps a log, and can fail: at the next command of this kind, at the next reset, at the next time
/// that others are to be let in.
struct Logged {
    card: SoftTransport,
    log: Log,
    shared: bool,
    fails: Arc<Mutex<Option<char>>>,
}

impl Logged {
    fn note(&self, what: char) -> Result<(), transport::Error> {
        self.log.0.lock().unwrap().push(what);
        match self.fails.lock().unwrap().take_if(|fails| *fails == what) {
            Some(_) => Err(transport::Error::NoAnswer),
            None => Ok(()),
        }
    }
}

impl Transport for Logged {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, transport::Error> {
        let lost = self.note(match command[1] {
            0xA4 => 's',
            0x20 | 0x24 | 0x2C => 'p',
            0x2A => 'k',
            _ => '.',
        });
        let answer = self.card.transmit(command)?;
        lost.map(|()| answer)
    }

    fn reset(&mut self) -> Result<(), transport::Error> {
        self.note('r')?;
        self.card.reset()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn company(&mut self) -> Option<&mut dyn Company> {
        Some(self)
    }
}

impl Company for Logged {
    fn begin(&mut self) -> Result<(), transport::Error> {
        self.note('(')
    }

    fn end(&mut self) {
        self.note(')').unwrap();
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn set_exclusive(&mut self, exclusive: bool) -> Result<(), transport::Error> {
        self.shared = !exclusive;
        let fails = !exclusive && self.fails.lock().unwrap().take_if(|fails| *fails == 'x').is_some();
        if fails { Err(transport::Error::Removed) } else { Ok(()) }
    }

    fn reset_when_dropped(&mut self, _: bool) {}
}

type Fails = Arc<Mutex<Option<char>>>;

fn logged(card: &SoftCard) -> (Link, Log, Fails) {
    drop(link(card));
    let (log, fails) = (Log::default(), Fails::default());
    let card = card.transport();
    (Link::new(Logged { card, log: log.clone(), shared: true, fails: fails.clone() }), log, fails)
}

fn digest() -> Digest {
    Digest::of(DigestAlgorithm::Sha256, b"a message")
}

#[test]
fn every_operation_is_one_transaction() {
    for model in Model::ALL {
        let laid = fresh(model);
        let (link, log, _) = logged(&laid);
        let mut card = card::open(link).unwrap();
        log.one_transaction();
        card.information().unwrap();
        log.one_transaction();
        let (link, log, _) = logged(&laid);
        let mut session = Session::open(link).unwrap();
        log.one_transaction();
        session.read(File::PersonalData).unwrap();
        log.one_transaction();
        session.certificate(Credential::Authentication).unwrap();
        log.take();
        let mut unlocked = session.verify_pin(&pin()).unwrap();
        log.one_transaction();
        unlocked.signer().unwrap().sign(Purpose::Login, &digest()).unwrap();
        log.one_transaction();
        let mut session = unlocked.lock().unwrap();
        assert_eq!(log.take(), "r");
        let (credential, new) = (Credential::Authentication, ContactPin::parse("54321").unwrap());
        session.change_pin(credential, &pin(), &new, LastTry::Refuse).unwrap();
        log.one_transaction();
        session.unblock_pin(credential, &puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
        log.one_transaction();
        drop(session);
        assert_eq!(log.take(), "", "nothing is left to undo");
    }
}

/// Without a hint in its answer to reset a card is looked at twice.
#[test]
fn recognition_over_the_air_ends_what_it_began() {
    for model in [Model::Cie2, Model::Cns10] {
        let laid = fresh(model);
        let mut profile = laid.contact_profile().unwrap();
        profile.atr = Model::NFC_ATR.into();
        laid.set_contact_profile(profile);
        let (link, log, _) = logged(&laid);
        let mut session = Session::open(link).unwrap();
        let said = log.take();
        assert!(said.starts_with('(') && said.ends_with(')'), "{said}");
        assert_eq!(said.matches('(').count(), said.matches(')').count());
        session.read(File::PersonalData).unwrap();
        log.one_transaction();
        // A card of another kind is let go of, too.
        laid.set_tamper(Some(Box::new(|_, _| cie::iso7816::StatusWord::FILE_NOT_FOUND.into())));
        let (link, log, _) = logged(&laid);
        let refused = card::open(link).unwrap_err();
        log.one_transaction();
        drop(refused);
        assert_eq!(log.take(), "");
    }
}

/// Nobody knows what a card did whose answer was lost: it keeps nothing open to others, and the way to its key is
/// gone again.
#[test]
fn after_a_lost_answer_the_card_is_kept_and_selected_anew() {
    let card = fresh(Model::Cns10);
    let (link, log, fails) = logged(&card);
    let session = Session::open(link).unwrap();
    log.take();
    *fails.lock().unwrap() = Some('p');
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert!(refused.error.is_transport());
    assert_eq!(log.take(), "(sp)", "it is reset when the link goes, not before");
    let mut unlocked = refused.back.verify_pin(&pin()).unwrap();
    assert_eq!(log.take(), "(sp)");
    unlocked.certificate().unwrap();
    log.take();
    unlocked.signer().unwrap().sign(Purpose::Login, &digest()).unwrap();
    assert!(log.take().contains('s'), "reading the certificate went elsewhere");
    unlocked.signer().unwrap().sign(Purpose::Login, &digest()).unwrap();
    assert!(!log.take().contains('s'), "the directory is current");
    *fails.lock().unwrap() = Some('k');
    assert!(unlocked.signer().unwrap().sign(Purpose::Login, &digest()).unwrap_err().is_transport());
    log.take();
    unlocked.signer().unwrap().sign(Purpose::Login, &digest()).unwrap();
    assert!(log.take().contains('s'));
    drop(unlocked);
    assert_eq!(log.take(), "r");
}

/// Once the link is lost no other way is tried, and no PIN is shown.
#[test]
fn a_lost_answer_ends_what_was_begun() {
    for model in [Model::Cns10, Model::Ace] {
        let card = fresh(model);
        let (link, log, fails) = logged(&card);
        *fails.lock().unwrap() = Some('.');
        let refused = Session::open(link).unwrap_err();
        assert!(refused.error.is_transport());
        let said = log.take();
        assert!(said.starts_with('(') && said.ends_with(".)"), "{said}");
    }
    let card = fresh(Model::Ace);
    let (link, log, fails) = logged(&card);
    let session = Session::open(link).unwrap();
    *fails.lock().unwrap() = Some('.');
    assert!(session.verify_pin(&pin()).unwrap_err().error.is_transport());
    assert!(!log.take().contains('p'));
    // What a card says of itself is not half said.
    let (link, log, fails) = logged(&card);
    let mut card = card::open(link).unwrap();
    log.take();
    *fails.lock().unwrap() = Some('s');
    let error = card.information().unwrap_err();
    assert!(matches!(error, card::Error::Contact(error) if error.is_transport()));
    assert_eq!(log.take(), "(s)");
}

#[test]
fn a_lock_that_fails_says_whether_the_card_still_knows_the_pin() {
    for (fails_at, step, then) in [('r', Step::Reset, "r"), ('x', Step::ShareAgain, "")] {
        let card = fresh(Model::Cns10);
        let (link, log, fails) = logged(&card);
        let unlocked = Session::open(link).unwrap().verify_pin(&pin()).unwrap();
        log.take();
        *fails.lock().unwrap() = Some(fails_at);
        let refused = unlocked.lock().unwrap_err();
        assert_eq!((refused.error.step, log.take()), (step, "r".to_owned()));
        drop(refused);
        assert_eq!(log.take(), then, "reset when the link is dropped, if it still may know it");
    }
}
