//! Dialogues that are kept as files (fixtures/traces): what people do, over one connection each, written once for
//! every card. What a dialogue comes to is told apart: what was proved, by keys and certificates, and what the card
//! merely claimed.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use cie::card::{self, Information, Session, Unblock, Unlocked};
use cie::cns::{self, Credential};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::error::Error;
use cie::genuine;
use cie::ias::{self, CardCache, File, RootFile, Terminal};
use cie::identity::{HashPolicy, verify_personal_data};
use cie::kiosk::{SeenCards, verify_nis_with};
use cie::passive::{ClaimedSecurityObject, SecurityObjectPolicy};
use cie::pin::{LastTry, Tries};
use cie::secret::{ContactPin, Typed};
use cie::transport::Link;
use cie::trust::{AnchorPurpose, CertifiedCard, HolderPolicy, TrustStore, ValidPath};

/// What came of a dialogue, a line for each thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Under a verified certificate, or over the authenticated channel.
    pub proved: Vec<String>,
    /// On the card's word, in clear.
    pub claimed: Vec<String>,
}

impl Outcome {
    fn proved(&mut self, what: impl Into<String>) {
        self.proved.push(what.into());
    }

    fn claimed(&mut self, what: impl Into<String>) {
        self.claimed.push(what.into());
    }

    /// As comments at the head of a trace.
    pub fn comments(&self) -> String {
        let mut text = String::new();
        for (name, lines) in [("proved", &self.proved), ("claimed", &self.claimed)] {
            lines.iter().for_each(|line| writeln!(text, "# {name}: {line}").unwrap());
        }
        text
    }

    /// Reads them back.
    pub fn of_comments(text: &str) -> Self {
        let lines = |name: &str| {
            let prefix = format!("# {name}: ");
            text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        Self { proved: lines("proved"), claimed: lines("claimed") }
    }
}

/// A dialogue over one connection.
pub type Dialogue = fn(Link) -> Result<Outcome, Error>;

/// Of every card.
pub const OF_EVERY_CARD: [(&str, Dialogue); 8] = [
    ("recognise", recognise),
    ("log-in", log_in),
    ("mistype", mistype),
    ("block-and-unblock", block_and_unblock),
    ("unblock-and-keep", unblock_and_keep),
    ("mistype-the-puk", mistype_the_puk),
    ("change-the-pin", change_the_pin),
    ("lock-and-return", lock_and_return),
];

/// Of a CIE 3 only.
pub const OF_CIE3: [(&str, Dialogue); 6] = [
    ("public-files", public_files),
    ("holder-files", holder_files),
    ("check-at-a-kiosk", check_at_a_kiosk),
    ("check-the-chip", check_the_chip),
    ("come-back", come_back),
    (LOSE_THE_CARD, lose_the_card),
];

/// The dialogue in which another program resets the card, as only a shared card can be.
pub const LOSE_THE_CARD: &str = "lose-the-card";

/// Of contact cards only.
pub const OF_CONTACT_CARDS: [(&str, Dialogue); 2] =
    [("personal-data", personal_data), ("sign-with-the-second-key", sign_with_the_second_key)];

/// The dialogue of this name.
pub fn named(name: &str) -> Dialogue {
    let all = OF_EVERY_CARD.into_iter().chain(OF_CIE3).chain(OF_CONTACT_CARDS);
    all.into_iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no dialogue {name}")).1
}

/// The folder with everything that tests keep as files.
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

thread_local! {
    /// Resets the card as another program does, while a dialogue is recorded.
    static OTHER_PROGRAM: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// What another program does to the card in the dialogue that this thread records next; of a trace it is played back.
pub fn set_other_program(reset: impl Fn() + 'static) {
    OTHER_PROGRAM.set(Some(Box::new(reset)));
}

/// PIN, PUK and other digits of the cards in the recorded dialogues.
pub const PIN: &str = "12345678";
pub const PUK: &str = "87654321";
pub const NEW_PIN: &str = "20250417";
pub const WRONG: &str = "99999999";
pub const SIGNATURE_PIN: &str = "31415";

fn typed(digits: &str) -> Typed {
    Typed::new(digits.to_owned())
}

/// Trusts the test authorities that issued the recorded cards, and takes every kind of card. Read once, as a program
/// does that has many logins.
pub fn trust() -> &'static (TrustStore, HolderPolicy) {
    static TRUST: OnceLock<(TrustStore, HolderPolicy)> = OnceLock::new();
    TRUST.get_or_init(read_trust)
}

fn read_trust() -> (TrustStore, HolderPolicy) {
    let read = |name: &str| std::fs::read(fixtures().join("certificates").join(name)).unwrap();
    let mut trust = TrustStore::new().allow_test_pki();
    for purpose in [AnchorPurpose::Holder, AnchorPurpose::Cns, AnchorPurpose::FirstGenerations] {
        trust.add_anchor(purpose, &read("test-root.der")).unwrap();
    }
    trust.add_anchor(AnchorPurpose::Csca, &read("test-csca.der")).unwrap();
    trust.add_intermediate(&read("test-sub-ca.der")).unwrap();
    let policy = HolderPolicy::of(CertifiedCard::Cie3)
        .and(CertifiedCard::Cns)
        .and(CertifiedCard::FirstGenerations)
        .allow_legacy_cryptography();
    (trust, policy)
}

/// The moment at which every dialogue happens.
fn now() -> std::time::SystemTime {
    cie::environment::moment::parse("2026-01-01T00:00:00Z").unwrap()
}

fn path_of(certificate: &PresentedCertificate) -> Result<ValidPath, Error> {
    let (trust, policy) = trust();
    Ok(trust.verify_holder_with(certificate, now(), policy)?)
}

fn open(link: Link) -> Result<Session, Error> {
    assert_eq!(link.now(), now(), "the recorded moment");
    Ok(card::open(link)?.open_session()?)
}

/// Shows the right PIN.
fn unlock(session: Session, pin: &str, outcome: &mut Outcome) -> Result<Unlocked, Error> {
    outcome.claimed(tries("PIN", session.pin_tries()));
    let unlocked = session.verify_pin(&typed(pin), LastTry::Refuse)?;
    outcome.proved("the PIN was accepted");
    Ok(unlocked)
}

fn tries(what: &str, tries: Tries) -> String {
    match tries {
        Tries::Left(left) => format!("{what} tries left: {left}"),
        _ => format!("{what} tries left: not told"),
    }
}

/// Signs, and looks who signed.
fn sign(unlocked: &mut Unlocked, algorithm: DigestAlgorithm, outcome: &mut Outcome) -> Result<(), Error> {
    let digest = Digest::of(algorithm, b"a message");
    let signature = unlocked.signer()?.sign(Purpose::Login, &digest)?;
    let path = path_of(unlocked.certificate()?)?;
    path.verify_signature(b"a message", algorithm, &signature)?;
    let name = path.subject().common_name.clone().unwrap_or_default();
    let mark = hex::encode(&Digest::of(DigestAlgorithm::Sha256, &signature).as_bytes()[..8]);
    outcome.proved(format!("{name} signed with {algorithm:?}, signature {mark}…"));
    Ok(())
}

fn recognise(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut card = card::open(link)?;
    outcome.claimed(format!("a {}", card.kind()));
    match card.information()? {
        Information::Cie3(said) => {
            outcome.claimed(format!("chip {}, NIS {}", said.chip, said.nis.digits()));
            outcome.claimed(tries("PIN", said.pin_tries));
            outcome.claimed(tries("PUK", said.puk_tries));
            outcome.claimed(format!("readable: {:?} {:?}", said.readable, said.readable_root));
        }
        Information::Contact(said) => {
            outcome.claimed(format!("number {}", said.card_id.as_ref().map_or("-", |id| id.text())));
            outcome.claimed(format!("readable: {:?}, keys {:?}", said.readable, said.key_bits));
        }
        _ => {}
    }
    Ok(outcome)
}

fn public_files(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut application = ias::Application::select(link)?;
    let object = application.read(File::SecurityObject)?;
    let object = ClaimedSecurityObject::parse(&object)?;
    for (file, group) in [(File::Nis, 0xA1), (File::DeviceKey, 0xA4), (File::ServicesKey, 0xA5)] {
        object.check_digest(group, &application.read(file)?)?;
        outcome.claimed(format!("EF.SOD has the digest of {file:?}"));
    }
    for file in RootFile::ALL {
        let content = application.read_root(file)?;
        outcome.claimed(format!("{file:?}: {} bytes", content.len()));
    }
    Ok(outcome)
}

/// Without a PIN: a card that is genuine, twice, so that the second time its largest file is not asked for.
fn check_at_a_kiosk(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut application = ias::Application::select(link)?;
    let seen = SeenCards::new();
    for _ in 0..2 {
        let policy = SecurityObjectPolicy::new();
        let nis = verify_nis_with(&mut application, &trust().0, &policy, &seen)?;
        outcome.proved(format!("NIS {}", nis.digits()));
    }
    Ok(outcome)
}

/// A chip that is genuine, and its holder's certificate, which belongs to it.
fn check_the_chip(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut session = ias::Session::open(link)?;
    let genuine = genuine::verify(&mut session, &trust().0, &SecurityObjectPolicy::new())?;
    let signer = genuine.files().signer().subject().common_name.clone().unwrap_or_default();
    outcome.proved(format!("a chip that {signer} vouches for"));
    let mut unlocked = session.verify_pin(&cie::secret::Pin::parse(PIN)?)?;
    let certificate = unlocked.certificate()?;
    genuine.check_holder_certificate(certificate)?;
    outcome.proved(format!("{:?}", path_of(certificate)?.subject().common_name));
    Ok(outcome)
}

fn holder_files(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = ias::Session::open(link)?;
    let pin = cie::secret::Pin::parse(PIN)?;
    let mut unlocked = session.verify_pin(&pin)?;
    let number = unlocked.read(File::DocumentNumber)?;
    outcome.proved(format!("document {}", String::from_utf8_lossy(&number)));
    let path = path_of(unlocked.certificate()?)?;
    outcome.proved(format!("{:?}", path.subject().common_name));
    Ok(outcome)
}

/// A card that was here before: what of it never changes is not asked again.
fn come_back(mut link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let terminal = Arc::new(Terminal::published().unwrap());
    let mut cache = CardCache::new();
    let mut commands = Vec::new();
    for _ in 0..2 {
        let before = link.statistics().commands;
        let session = ias::Application::select(link)?.authenticate(&terminal, &mut cache)?;
        link = session.verify_pin(&cie::secret::Pin::parse(PIN)?)?.release()?;
        commands.push(link.statistics().commands - before);
        outcome.proved("the PIN was accepted");
    }
    assert!(commands[1] < commands[0], "{commands:?}");
    outcome.claimed(format!("commands at first {}, then {}", commands[0], commands[1]));
    Ok(outcome)
}

/// Another program resets the card: the session is over for good, and the PIN is asked for anew.
fn lose_the_card(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut unlocked = unlock(open(link)?, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    if let Some(reset) = OTHER_PROGRAM.take() {
        reset();
    }
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    for _ in 0..2 {
        match unlocked.signer()?.sign(Purpose::Login, &digest) {
            Ok(_) => panic!("a card that was reset signed"),
            Err(error) => outcome.claimed(error.to_string()),
        }
    }
    let mut unlocked = unlock(open(unlocked.release()?)?, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    Ok(outcome)
}

fn log_in(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut unlocked = unlock(open(link)?, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha512, &mut outcome)?;
    Ok(outcome)
}

/// A wrong PIN must be refused.
fn refused(session: Session, last_try: LastTry, outcome: &mut Outcome) -> Result<Session, Error> {
    match session.verify_pin(&typed(WRONG), last_try) {
        Ok(_) => panic!("a wrong PIN was accepted"),
        Err(refused) if refused.error.pin_error().is_some() => {
            outcome.claimed(refused.error.to_string());
            Ok(*refused.back)
        }
        Err(refused) => Err(refused.error.into()),
    }
}

fn mistype(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = refused(open(link)?, LastTry::Refuse, &mut outcome)?;
    let mut unlocked = unlock(session, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    Ok(outcome)
}

/// A session with a blocked PIN.
fn blocked(link: Link, outcome: &mut Outcome) -> Result<Session, Error> {
    let mut session = open(link)?;
    for last_try in [LastTry::Refuse, LastTry::Refuse, LastTry::Spend] {
        session = refused(session, last_try, outcome)?;
    }
    Ok(session)
}

fn block_and_unblock(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = blocked(link, &mut outcome)?;
    let session = session.unblock_pin(&typed(PUK), Unblock::NewPin(&typed(NEW_PIN)), LastTry::Refuse)?;
    let mut unlocked = unlock(session, NEW_PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    Ok(outcome)
}

fn unblock_and_keep(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = blocked(link, &mut outcome)?;
    let session = session.unblock_pin(&typed(PUK), Unblock::KeepPin, LastTry::Refuse)?;
    let mut unlocked = unlock(session, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    Ok(outcome)
}

fn mistype_the_puk(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = blocked(link, &mut outcome)?;
    match session.unblock_pin(&typed(WRONG), Unblock::KeepPin, LastTry::Refuse) {
        Ok(_) => panic!("a wrong PUK was accepted"),
        Err(refused) if refused.error.pin_error().is_some() => outcome.claimed(refused.error.to_string()),
        Err(refused) => return Err(refused.error.into()),
    }
    Ok(outcome)
}

fn change_the_pin(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut unlocked = unlock(open(link)?, PIN, &mut outcome)?;
    unlocked.change_pin(&typed(PIN), &typed(NEW_PIN))?;
    let mut unlocked = unlock(unlocked.lock()?, NEW_PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    Ok(outcome)
}

fn lock_and_return(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let unlocked = unlock(open(link)?, PIN, &mut outcome)?;
    let mut unlocked = unlock(unlocked.lock()?, PIN, &mut outcome)?;
    sign(&mut unlocked, DigestAlgorithm::Sha256, &mut outcome)?;
    drop(unlocked.release()?);
    Ok(outcome)
}

fn personal_data(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let mut session = cns::Session::open(link)?;
    let data = session.read_personal_data()?;
    let certificate = session.certificate(Credential::Authentication)?.as_der().to_vec();
    let certificate = PresentedCertificate::from_der(&certificate)?;
    let path = path_of(&certificate)?;
    let bound = verify_personal_data(&certificate, session.card_id(), &data, HashPolicy::Strict)?;
    let certified = bound.under(&path)?;
    let data = certified.data();
    let names = [data.surname(), data.given_names(), data.fiscal_code()].map(Option::unwrap_or_default);
    outcome.proved(names.join(" "));
    Ok(outcome)
}

fn sign_with_the_second_key(link: Link) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let session = cns::Session::open(link)?;
    let pin = ContactPin::parse(SIGNATURE_PIN)?;
    let credential = Credential::Signature;
    let mut unlocked = session.verify_pin_of(credential, &pin, LastTry::Refuse)?;
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let signature = unlocked.signer()?.sign(Purpose::Document, &digest)?;
    // Verified by the library; whose it is, is on the certificate's word here: no policy takes these for a login.
    let mark = hex::encode(&Digest::of(DigestAlgorithm::Sha256, &signature).as_bytes()[..8]);
    outcome.proved(format!("signature {mark}…"));
    Ok(outcome)
}
