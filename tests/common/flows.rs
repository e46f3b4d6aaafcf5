//! What people do with a card, from laying it on to taking it away. The same flows run on every chip, in
//! process and through a real PC/SC service; each begins with a fresh card.

use cie::card::{self, Card, Information};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::emulator::SoftCard;
use cie::ias::{Cause, File, Session, Step, Unblock};
use cie::pin::{self, LastTry, Tries};
use cie::secret::{Pin, Puk};
use cie::transport::{self, Link};

use super::{demo, now, pin, puk, trust, wrong_pin};

/// A fresh card, and a way to it that can be gone more than once.
pub struct Desk<'a> {
    pub card: &'a SoftCard,
    pub connect: &'a dyn Fn() -> Link,
}

impl Desk<'_> {
    fn session(&self) -> Session {
        Session::open((self.connect)()).unwrap()
    }

    /// What the card itself counts: PIN tries, PUK tries, and how often it compared one.
    fn counts(&self) -> (u8, u8, u32) {
        (self.card.pin_tries(), self.card.puk_tries(), self.card.verify_count())
    }
}

/// What happens, and the flow.
pub type Flow = (&'static str, fn(&Desk<'_>));

pub const FLOWS: [Flow; 9] = [
    ("recognise the card and ask what it says of itself", recognise),
    ("log in and sign", log_in_and_sign),
    ("mistype the PIN", mistype),
    ("spend the last try and unblock with a new PIN", block_and_unblock),
    ("unblock and keep the PIN", unblock_and_keep),
    ("mistype the PUK", mistype_the_puk),
    ("change the PIN", change_the_pin),
    ("lock, and log in again", lock_and_return),
    ("lose the session to another program's reset", reset_by_another_program),
];

fn recognise(desk: &Desk<'_>) {
    assert!(matches!(card::open((desk.connect)()).unwrap(), Card::Cie3(_)));
    let mut card = card::open((desk.connect)()).unwrap();
    let Information::Cie3(said) = card.information().unwrap() else { unreachable!("another kind") };
    assert_eq!(said.nis.digits(), demo().citizen.nis);
    assert_eq!(said.atr, *desk.card.profile().atr);
    assert_eq!((said.pin_tries, said.puk_tries), (Tries::Left(3), Tries::Left(10)));
    assert_eq!(said.readable, [File::Nis, File::DeviceKey, File::ServicesKey, File::SecurityObject]);
    let mut application = card.into_ias().unwrap();
    for file in [File::DeviceKey, File::ServicesKey, File::SecurityObject] {
        let content = application.read(file).unwrap();
        let written = &demo().personalisation.files;
        let identifier = file.reference().identifier;
        let written = written.iter().find(|written| written.identifier == identifier).unwrap();
        assert!(written.content.starts_with(&content) && content.len() > 250, "{file:?}");
    }
    assert_eq!(desk.counts(), (3, 10, 0));
}

fn log_in_and_sign(desk: &Desk<'_>) {
    let mut unlocked = desk.session().verify_pin(&pin()).unwrap();
    assert_eq!(unlocked.read(File::DocumentNumber).unwrap(), demo().citizen.document_number.as_bytes());
    let certificate = PresentedCertificate::from_der(unlocked.certificate().unwrap().as_der()).unwrap();
    let path = trust().verify_holder(&certificate, now()).unwrap();
    assert_eq!(path.subject().common_name.as_deref(), Some(&*demo().citizen.fiscal_code));
    for algorithm in
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512]
    {
        let digest = Digest::of(algorithm, b"a message");
        let signature = unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
        certificate.public_key().check_signature(&digest, &signature).unwrap();
    }
    assert_eq!(desk.counts(), (3, 10, 1));
    // Dropping it resets the card: nobody signs with what it left behind.
    drop(unlocked);
    let error = desk.session().read(File::DocumentNumber).unwrap_err();
    assert_eq!(error.cause, Cause::PinNeeded);
}

fn mistype(desk: &Desk<'_>) {
    let refused = desk.session().verify_pin(&wrong_pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    assert_eq!(desk.counts(), (2, 10, 1));
    // The session is still good.
    refused.back.verify_pin(&pin()).unwrap();
    assert_eq!(desk.counts(), (3, 10, 2));
}

/// A session with a blocked PIN.
fn blocked(desk: &Desk<'_>) -> Session {
    let mut session = desk.session();
    for left in [2, 1] {
        let refused = session.verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(left))));
        session = *refused.back;
    }
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
    assert_eq!(desk.counts(), (1, 10, 2), "nothing was sent");
    let refused = refused.back.verify_pin_with(&wrong_pin(), LastTry::Spend).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
    assert_eq!(desk.counts(), (0, 10, 3));
    *refused.back
}

fn block_and_unblock(desk: &Desk<'_>) {
    drop(blocked(desk));
    let session = desk.session();
    assert_eq!(session.pin_tries(), Tries::Left(0));
    let new = Pin::parse("20250417").unwrap();
    let session = session.unblock_pin(&puk(), Unblock::NewPin(&new), LastTry::Refuse).unwrap();
    assert_eq!((desk.card.pin_tries(), desk.card.puk_tries()), (3, 10));
    drop(session);
    let refused = desk.session().verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    refused.back.verify_pin(&new).unwrap().certificate().unwrap();
}

fn unblock_and_keep(desk: &Desk<'_>) {
    let session = blocked(desk).unblock_pin(&puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
    assert_eq!(session.pin_tries(), Tries::Left(3));
    session.verify_pin(&pin()).unwrap().certificate().unwrap();
}

fn mistype_the_puk(desk: &Desk<'_>) {
    let wrong = Puk::parse("00000000").unwrap();
    let refused = blocked(desk).unblock_pin(&wrong, Unblock::KeepPin, LastTry::Refuse).unwrap_err();
    assert_eq!(refused.error.step, Step::VerifyPuk);
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(9))));
    assert_eq!(desk.counts(), (0, 9, 4));
}

fn change_the_pin(desk: &Desk<'_>) {
    let new = Pin::parse("20250417").unwrap();
    let mut unlocked = desk.session().verify_pin(&pin()).unwrap();
    unlocked.change_pin(&pin(), &new).unwrap();
    drop(unlocked);
    let refused = desk.session().verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    refused.back.verify_pin(&new).unwrap();
    assert_eq!(desk.counts(), (3, 10, 4));
}

fn lock_and_return(desk: &Desk<'_>) {
    let session = desk.session().verify_pin(&pin()).unwrap().lock().unwrap();
    let mut unlocked = session.verify_pin(&pin()).unwrap();
    unlocked.certificate().unwrap();
    let mut link = unlocked.release().unwrap();
    link.reset().unwrap();
    assert_eq!(desk.counts(), (3, 10, 2));
}

fn reset_by_another_program(desk: &Desk<'_>) {
    let mut unlocked = desk.session().verify_pin(&pin()).unwrap();
    unlocked.certificate().unwrap();
    (desk.connect)().reset().unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let error = unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap_err();
    let reset = transport::Error::Reset;
    assert_eq!(error.cause, Cause::from(reset));
    // Over for good, and nothing shows the PIN again.
    assert!(unlocked.signer().unwrap().sign(Purpose::Document, &digest).is_err());
    drop(unlocked);
    assert_eq!(desk.counts(), (3, 10, 1));
    desk.session().verify_pin(&pin()).unwrap().certificate().unwrap();
}
