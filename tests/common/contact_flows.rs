//! What people do with contact cards, which all have a signature key here. The same flows run on every model, in
//! process and through a real PC/SC service.

mod probe;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use cie::card::{self, Card, Information, Kind};
use cie::cns::{Credential, Family, File, Session, Step, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::dialogue::Cause;
use cie::emulator::SoftCard;
use cie::emulator::contact::{self, IssueOptions, Issued, Model, SignatureKey};
use cie::emulator::entropy::Seeded;
use cie::environment::FixedClock;
use cie::identity::{HashPolicy, HashedRange, verify_personal_data};
use cie::pin::{self, LastTry, Tries};
use cie::secret::{ContactPin, ContactPuk, Typed};
use cie::transport::Link;
use cie::trust::Certificate;

use super::contact::issued_with;
use super::now;
pub use probe::signs_without_pin;

/// PIN and PUK of the signature key.
pub const SIGNATURE_PIN: &str = "31415";

/// What was written into the card of a model, a signature key included.
pub fn issued(model: Model) -> &'static Issued {
    static ISSUED: OnceLock<Mutex<BTreeMap<String, &'static Issued>>> = OnceLock::new();
    let mut issued = ISSUED.get_or_init(Mutex::default).lock().unwrap();
    issued.entry(model.to_string()).or_insert_with(|| {
        let value = |digits| contact::reference_value(digits).unwrap();
        let signature_key = Some(SignatureKey { pin: value(SIGNATURE_PIN), puk: value("87654321") });
        let options = IssueOptions { signature_key, ..IssueOptions::default() };
        Box::leak(Box::new(issued_with(model, &options)))
    })
}

/// A fresh card with all its tries.
pub fn card(model: Model) -> SoftCard {
    SoftCard::new_contact(issued(model).personalisation.clone(), model, Seeded::new(1)).unwrap()
}

/// The card laid on a reader, with fixed randomness on both sides.
pub fn link(card: &SoftCard) -> Link {
    card.insert_with(Seeded::new(2), FixedClock(now()))
}

/// The same without powering it up anew: to the card as somebody left it.
pub fn reach(card: &SoftCard) -> Link {
    Link::with_sources(card.transport(), Seeded::new(2), FixedClock(now()))
}

pub fn pin() -> ContactPin {
    ContactPin::parse("12345678").unwrap()
}

pub fn wrong_pin() -> ContactPin {
    ContactPin::parse("99999").unwrap()
}

pub fn puk() -> ContactPuk {
    ContactPuk::parse("87654321").unwrap()
}

pub fn family(model: Model) -> Family {
    match model {
        Model::Cie1 => Family::Cie1,
        Model::Cie2 => Family::Cie2,
        _ => Family::Cns,
    }
}

/// A fresh card, and a way to it that can be gone more than once.
pub struct Desk<'a> {
    pub model: Model,
    pub card: &'a SoftCard,
    pub connect: &'a dyn Fn() -> Link,
}

impl Desk<'_> {
    pub fn session(&self) -> Session {
        Session::open((self.connect)()).unwrap()
    }

    fn issued(&self) -> &'static Issued {
        issued(self.model)
    }

    /// Whether wrong PINs are told with the tries that are left.
    fn counts(&self) -> bool {
        self.card.contact_profile().unwrap().wrong_pin != contact::WrongPin::Uncounted
    }

    fn wrong(&self, left: u8) -> pin::Error {
        pin::Error::Wrong(if self.counts() { Tries::Left(left) } else { Tries::Unknown })
    }

    /// PIN tries, PUK tries, and how often the card compared one.
    fn tries(&self) -> (u8, u8, u32) {
        (self.card.pin_tries(), self.card.puk_tries(), self.card.verify_count())
    }
}

/// What happens, and the flow.
pub type Flow = (&'static str, fn(&Desk<'_>));

pub const FLOWS: [Flow; 11] = [
    ("recognise the card and ask what it says of itself", recognise),
    ("read who the holder is, bound to the certificate", read_personal_data),
    ("log in and sign", log_in_and_sign),
    ("sign with the signature key", sign_with_the_second_key),
    ("mistype the PIN", mistype),
    ("spend the last try and unblock with a new PIN", block_and_unblock),
    ("unblock and keep the PIN", unblock_and_keep),
    ("mistype the PUK", mistype_the_puk),
    ("change the PIN", change_the_pin),
    ("lock, and log in again", lock_and_return),
    ("the same with the API for any card", any_card),
];

fn recognise(desk: &Desk<'_>) {
    let mut card = card::open((desk.connect)()).unwrap();
    let kind = match family(desk.model) {
        Family::Cie1 => Kind::Cie1,
        Family::Cie2 => Kind::Cie2,
        _ => Kind::Cns,
    };
    assert_eq!(card.kind(), kind);
    let Information::Contact(said) = card.information().unwrap() else { unreachable!("another kind") };
    assert_eq!(said.atr, desk.card.atr());
    let [authentication, signature] = said.key_bits;
    assert_eq!(authentication, Some(desk.model.key_bits()));
    assert_eq!(signature, Some(desk.model.key_bits()));
    assert!(said.readable.contains(&File::PersonalData), "{:?}", said.readable);
    let card_id = said.card_id.as_ref().map(|id| id.text().to_owned());
    assert!(card_id.is_none_or(|id| id == desk.issued().card_number));
    assert_eq!(desk.tries(), (3, 10, 0));
}

fn read_personal_data(desk: &Desk<'_>) {
    let mut session = desk.session();
    let data = session.read_personal_data().unwrap();
    let written = &desk.issued().personal_data;
    assert_eq!(data.surname(), Some(&*written.surname));
    assert_eq!(data.given_names(), Some(&*written.given_name));
    assert_eq!(data.fiscal_code(), Some(&*written.fiscal_code));
    let certificate = session.certificate(Credential::Authentication).unwrap();
    assert_eq!(certificate.as_der(), desk.issued().certificate);
    let certificate = PresentedCertificate::from_der(certificate.as_der()).unwrap();
    let card_id = session.card_id();
    assert_eq!(card_id.is_none(), desk.model == Model::Ace, "the others have their number where it belongs");
    let bound = verify_personal_data(&certificate, card_id, &data, HashPolicy::Strict).unwrap();
    assert_eq!(bound.range(), HashedRange::WholeFile);
    assert_eq!(desk.tries(), (3, 10, 0));
}

fn check(signer: &mut impl Signer, purpose: Purpose, algorithm: DigestAlgorithm, certificate: &[u8]) {
    let digest = Digest::of(algorithm, b"a message");
    let signature = signer.sign(purpose, &digest).unwrap();
    let certificate = PresentedCertificate::from_der(certificate).unwrap();
    certificate.public_key().check_signature(&digest, &signature).unwrap();
}

fn log_in_and_sign(desk: &Desk<'_>) {
    let mut unlocked = desk.session().verify_pin(&pin()).unwrap();
    for algorithm in
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512]
    {
        check(&mut unlocked.signer().unwrap(), Purpose::Login, algorithm, &desk.issued().certificate);
    }
    let token = Digest::of(DigestAlgorithm::Sha256, &[7; 64]);
    let refused = unlocked.signer().unwrap().sign(Purpose::Raw, &token).unwrap_err();
    assert_eq!((refused.step, refused.cause), (Step::Sign, Cause::PurposeRefused));
    assert_eq!(desk.tries(), (3, 10, 1));
    // Dropping it resets the card: nobody signs with what it left behind.
    drop(unlocked);
    assert!(!signs_without_pin(desk));
}

fn sign_with_the_second_key(desk: &Desk<'_>) {
    let pin = ContactPin::parse(SIGNATURE_PIN).unwrap();
    let credential = Credential::Signature;
    let mut unlocked = desk.session().verify_pin_of(credential, &pin, LastTry::Refuse).unwrap();
    let certificate = desk.issued().signature_certificate.as_ref().unwrap();
    check(&mut unlocked.signer().unwrap(), Purpose::Document, DigestAlgorithm::Sha256, certificate);
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let refused = unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!(refused.cause, Cause::PurposeRefused, "no login with this key");
}

fn mistype(desk: &Desk<'_>) {
    let refused = desk.session().verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&desk.wrong(2)));
    assert_eq!(desk.tries(), (2, 10, 1));
    // The session is still good.
    assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(2));
    let mut unlocked = refused.back.verify_pin(&pin()).unwrap();
    check(
        &mut unlocked.signer().unwrap(),
        Purpose::Login,
        DigestAlgorithm::Sha256,
        &desk.issued().certificate,
    );
    assert_eq!(desk.tries(), (3, 10, 2));
}

/// A session with a blocked PIN.
fn blocked(desk: &Desk<'_>) -> Session {
    let mut session = desk.session();
    for left in [2, 1] {
        let refused = session.verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&desk.wrong(left)), "{}", refused.error);
        session = *refused.back;
    }
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
    assert_eq!(desk.tries(), (1, 10, 2), "nothing was sent");
    let credential = Credential::Authentication;
    let refused = refused.back.verify_pin_of(credential, &wrong_pin(), LastTry::Spend).unwrap_err();
    if desk.counts() {
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
    }
    assert_eq!(desk.tries(), (0, 10, 3));
    *refused.back
}

fn block_and_unblock(desk: &Desk<'_>) {
    drop(blocked(desk));
    let mut session = desk.session();
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked), "the right one, too");
    session = *refused.back;
    let new = ContactPin::parse("271828").unwrap();
    let credential = Credential::Authentication;
    session.unblock_pin(credential, &puk(), Unblock::NewPin(&new), LastTry::Refuse).unwrap();
    assert_eq!((desk.card.pin_tries(), desk.card.puk_tries()), (3, 10));
    drop(session);
    assert!(!signs_without_pin(desk), "nobody has shown the PIN");
    let refused = desk.session().verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&desk.wrong(2)), "{}", refused.error);
    refused.back.verify_pin(&new).unwrap().certificate().unwrap();
}

fn unblock_and_keep(desk: &Desk<'_>) {
    let mut session = blocked(desk);
    let credential = Credential::Authentication;
    session.unblock_pin(credential, &puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
    assert_eq!(session.pin_tries(credential), Tries::Left(3));
    session.verify_pin(&pin()).unwrap().certificate().unwrap();
}

fn mistype_the_puk(desk: &Desk<'_>) {
    let mut session = blocked(desk);
    let wrong = ContactPuk::parse("00000000").unwrap();
    let unblock = Unblock::KeepPin;
    let error =
        session.unblock_pin(Credential::Authentication, &wrong, unblock, LastTry::Refuse).unwrap_err();
    assert_eq!((error.step, error.pin_error()), (Step::UnblockPin, Some(&desk.wrong(9))));
    assert_eq!(cie::Error::from(error).code(), "puk-wrong");
    assert_eq!(desk.tries(), (0, 9, 4));
}

fn change_the_pin(desk: &Desk<'_>) {
    let new = ContactPin::parse("20250").unwrap();
    let mut session = desk.session();
    let credential = Credential::Authentication;
    session.change_pin(credential, &pin(), &new, LastTry::Refuse).unwrap();
    assert_eq!(desk.tries(), (3, 10, 1), "one command with both");
    drop(session);
    assert!(!signs_without_pin(desk), "the card was reset after it");
    let refused = desk.session().verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&desk.wrong(2)));
    let mut unlocked = refused.back.verify_pin(&new).unwrap();
    let newer = ContactPin::parse("31415926").unwrap();
    let error = unlocked.change_pin(&pin(), &newer).unwrap_err();
    assert_eq!((error.step, error.pin_error()), (Step::ChangePin, Some(&desk.wrong(2))));
    unlocked.change_pin(&new, &newer).unwrap();
    drop(unlocked);
    desk.session().verify_pin(&newer).unwrap();
}

fn lock_and_return(desk: &Desk<'_>) {
    let unlocked = desk.session().verify_pin(&pin()).unwrap();
    let session = unlocked.lock().unwrap();
    let mut unlocked = session.verify_pin(&pin()).unwrap();
    check(
        &mut unlocked.signer().unwrap(),
        Purpose::Document,
        DigestAlgorithm::Sha256,
        &desk.issued().certificate,
    );
    let link = unlocked.release().unwrap();
    drop(link);
    assert!(!signs_without_pin(desk));
}

fn any_card(desk: &Desk<'_>) {
    let typed = |text: &str| Typed::new(text.to_owned());
    let card = card::open((desk.connect)()).unwrap();
    assert!(matches!(card, Card::Contact(_)));
    let mut session = card.open_session().unwrap();
    assert_eq!(session.pin_tries(), Tries::Unknown);
    let certificate = session.public_certificate().unwrap().unwrap();
    assert!(Certificate::from_der(certificate.as_der()).unwrap().is_test());
    for malformed in ["1234", "123456789", "1234a", ""] {
        let refused = session.verify_pin(&typed(malformed), LastTry::Spend).unwrap_err();
        assert_eq!(cie::Error::from(refused.error).code(), "pin-malformed");
        session = *refused.back;
    }
    // What is to be the PIN is told from the PUK beside it.
    for (puk, new, code) in [("1234", "1", "puk-malformed"), ("12345678", "1", "new-pin-malformed")] {
        let (puk, new) = (typed(puk), typed(new));
        let refused = session.unblock_pin(&puk, card::Unblock::NewPin(&new), LastTry::Spend).unwrap_err();
        assert_eq!(cie::Error::from(refused.error).code(), code);
        session = *refused.back;
    }
    assert_eq!(desk.tries(), (3, 10, 0), "nothing was sent");
    let refused = session.verify_pin(&typed("00000"), LastTry::Refuse).unwrap_err();
    assert_eq!(cie::Error::from(refused.error).code(), "pin-wrong");
    let mut unlocked = refused.back.verify_pin(&typed("12345678"), LastTry::Refuse).unwrap();
    check(
        &mut unlocked.signer().unwrap(),
        Purpose::Login,
        DigestAlgorithm::Sha512,
        &desk.issued().certificate,
    );
    for (old, code) in [("1234", "pin-malformed"), ("12345678", "new-pin-malformed")] {
        let refused = unlocked.change_pin(&typed(old), &typed("1")).unwrap_err();
        assert_eq!(cie::Error::from(refused).code(), code);
    }
    unlocked.change_pin(&typed("12345678"), &typed("271828")).unwrap();
    let session = unlocked.lock().unwrap();
    let unblock = card::Unblock::KeepPin;
    let session = session.unblock_pin(&typed("87654321"), unblock, LastTry::Refuse).unwrap();
    let unlocked = session.verify_pin(&typed("271828"), LastTry::Refuse).unwrap();
    let link = unlocked.release().unwrap();
    assert_eq!(link.atr(), desk.card.atr(), "the link comes back");
}
