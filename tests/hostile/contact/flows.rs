//! What a person does with a contact card, one operation at a time, as a program that believes nothing would do
//! it: what came of it is judged by a certificate that its issuer signed.

use cie::cns::{self, Credential, File, Session, Step, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::identity::{HashPolicy, verify_personal_data};
use cie::iso7816::tlv;
use cie::pin::LastTry;
use cie::secret::{ContactPin, ContactPuk};
use cie::transport::Link;

use crate::common::contact_flows::{self as contact, SIGNATURE_PIN, pin, puk, wrong_pin};
use crate::common::demo;

pub const MESSAGE: &[u8] = b"a fresh challenge of the portal";
pub const NEW: &str = "20250";
pub const WRONG_PUK: &str = "00000000";

/// What a flow came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    /// Bound to each other and to the certificate.
    Holder { certificate: Vec<u8>, card_id: Option<String>, content: Vec<u8> },
    /// Verified under the certificate.
    Signature { certificate: Vec<u8>, signature: Vec<u8> },
    /// The card said that it was done.
    Done,
}

/// What went wrong: in the dialogue, or with what came of it.
#[derive(Debug)]
pub enum Failure {
    Card(cns::Error),
    Paper(String),
}

impl From<cns::Error> for Failure {
    fn from(error: cns::Error) -> Self {
        Self::Card(error)
    }
}

impl<T: std::fmt::Debug> From<cns::Refused<T>> for Failure {
    fn from(refused: cns::Refused<T>) -> Self {
        Self::Card(refused.error)
    }
}

/// A command with a secret that a flow may send, under one of two references, and nothing else in it.
#[derive(Debug, Clone)]
pub struct Secret {
    pub ins: u8,
    pub p1: u8,
    pub references: [u8; 2],
    pub data: Vec<u8>,
}

/// One operation.
#[derive(Clone, Copy)]
pub struct Flow {
    pub name: &'static str,
    pub run: fn(Link) -> Result<Got, Failure>,
    /// What the honest card makes of it.
    pub succeeds: bool,
    /// Its steps, in order; one may come twice.
    pub steps: &'static [Step],
    pub secrets: fn() -> Vec<Secret>,
    /// Whether it begins with a blocked PIN.
    pub blocked: bool,
}

const HOLDER: [u8; 2] = [0x10, 0x90];
const CERTIFICATE: Step = Step::ReadCertificate(Credential::Authentication);
/// Within an application the certificate is read before the PIN is shown.
const LOGIN: [Step; 7] = [
    Step::Recognise,
    CERTIFICATE,
    Step::SelectKey,
    Step::VerifyPin,
    CERTIFICATE,
    Step::SelectKey,
    Step::Sign,
];

pub const READ: Flow = Flow {
    name: "reading the holder's data",
    run: read_holder,
    succeeds: true,
    steps: &[Step::Recognise, Step::ReadFile(File::PersonalData), CERTIFICATE],
    secrets: Vec::new,
    blocked: false,
};
pub const LOG_IN: Flow = Flow {
    name: "login and signature",
    run: |link| log_in(Session::open(link)?, &pin()),
    succeeds: true,
    steps: &LOGIN,
    secrets: || vec![verify(HOLDER, &pin())],
    blocked: false,
};
pub const SIGN: Flow = Flow {
    name: "signature with the second key",
    run: sign_with_the_second_key,
    succeeds: true,
    steps: &[
        Step::Recognise,
        Step::ReadCertificate(Credential::Signature),
        Step::SelectKey,
        Step::VerifyPin,
        Step::Sign,
    ],
    secrets: || vec![verify([0x9A; 2], &ContactPin::parse(SIGNATURE_PIN).unwrap())],
    blocked: false,
};
pub const CHANGE: Flow = Flow {
    name: "change of the PIN",
    run: |link| {
        let mut session = Session::open(link)?;
        session.change_pin(Credential::Authentication, &pin(), &new_pin(), LastTry::Refuse)?;
        Ok(Got::Done)
    },
    succeeds: true,
    steps: &[Step::Recognise, Step::SelectKey, Step::ChangePin],
    secrets: || vec![secret(0x24, 0x00, &[pin().expose().as_slice(), new_pin().expose()].concat())],
    blocked: false,
};
pub const UNBLOCK: Flow = Flow {
    name: "unblocking with a new PIN",
    run: |link| unblock(link, &puk(), Unblock::NewPin(&new_pin())),
    secrets: || vec![secret(0x2C, 0x00, &[puk().expose().as_slice(), new_pin().expose()].concat())],
    ..KEEP
};
pub const KEEP: Flow = Flow {
    name: "unblocking that keeps the PIN",
    run: |link| unblock(link, &puk(), Unblock::KeepPin),
    succeeds: true,
    steps: &[Step::Recognise, Step::SelectKey, Step::UnblockPin],
    secrets: || vec![secret(0x2C, 0x01, puk().expose())],
    blocked: true,
};
pub const WRONG_PIN: Flow = Flow {
    name: "a wrong PIN",
    run: |link| log_in(Session::open(link)?, &wrong_pin()),
    succeeds: false,
    steps: &LOGIN,
    secrets: || vec![verify(HOLDER, &wrong_pin())],
    blocked: false,
};
/// Whoever is told that the wrong PUK was right goes on with the PIN, which is still blocked.
pub const WRONG_PUK_THEN_LOGIN: Flow = Flow {
    name: "a wrong PUK",
    run: |link| {
        let mut session = Session::open(link)?;
        let wrong = ContactPuk::parse(WRONG_PUK).unwrap();
        session.unblock_pin(Credential::Authentication, &wrong, Unblock::KeepPin, LastTry::Refuse)?;
        log_in(session, &pin())
    },
    succeeds: false,
    steps: &[
        Step::Recognise,
        Step::SelectKey,
        Step::UnblockPin,
        Step::SelectKey,
        Step::VerifyPin,
        CERTIFICATE,
        Step::SelectKey,
        Step::Sign,
    ],
    secrets: || vec![secret(0x2C, 0x01, WRONG_PUK.as_bytes()), verify(HOLDER, &pin())],
    blocked: true,
};

pub const FLOWS: [Flow; 8] = [READ, LOG_IN, SIGN, CHANGE, UNBLOCK, KEEP, WRONG_PIN, WRONG_PUK_THEN_LOGIN];

pub fn new_pin() -> ContactPin {
    ContactPin::parse(NEW).unwrap()
}

fn secret(ins: u8, p1: u8, data: &[u8]) -> Secret {
    Secret { ins, p1, references: HOLDER, data: data.to_vec() }
}

fn verify(references: [u8; 2], pin: &ContactPin) -> Secret {
    Secret { references, ..secret(0x20, 0x00, pin.expose()) }
}

impl Flow {
    /// A card as the flow finds it.
    pub fn card(&self, model: Model) -> SoftCard {
        let card = contact::card(model);
        if self.blocked {
            let mut session = Session::open(contact::link(&card)).unwrap();
            for _ in 0..3 {
                let (credential, spend) = (Credential::Authentication, LastTry::Spend);
                session = *session.verify_pin_of(credential, &wrong_pin(), spend).unwrap_err().back;
            }
            assert_eq!(card.pin_tries(), 0);
        }
        card
    }
}

fn read_holder(link: Link) -> Result<Got, Failure> {
    let mut session = Session::open(link)?;
    let data = session.read_personal_data()?;
    let card_id = session.card_id().cloned();
    let certificate = session.certificate(Credential::Authentication)?;
    check_issuer(certificate)?;
    let bound = verify_personal_data(certificate, card_id.as_ref(), &data, HashPolicy::Strict);
    let bound = bound.map_err(|error| Failure::Paper(error.to_string()))?;
    Ok(Got::Holder {
        certificate: bound.certificate().as_der().to_vec(),
        card_id: bound.card_id().map(|id| id.text().to_owned()),
        content: bound.data().content().to_vec(),
    })
}

fn log_in(session: Session, pin: &ContactPin) -> Result<Got, Failure> {
    let mut unlocked = session.verify_pin(pin)?;
    sign(&mut unlocked.signer()?, Purpose::Login)
}

fn sign_with_the_second_key(link: Link) -> Result<Got, Failure> {
    let (session, pin) = (Session::open(link)?, ContactPin::parse(SIGNATURE_PIN).unwrap());
    let mut unlocked = session.verify_pin_of(Credential::Signature, &pin, LastTry::Refuse)?;
    sign(&mut unlocked.signer()?, Purpose::Document)
}

fn sign(signer: &mut impl Signer<Error = cns::Error>, purpose: Purpose) -> Result<Got, Failure> {
    let digest = Digest::of(DigestAlgorithm::Sha256, MESSAGE);
    let signature = signer.sign(purpose, &digest)?;
    let certificate = signer.certificate();
    // Whatever the certificate is worth, the signature is that of its key.
    let other = PresentedCertificate::from_der(certificate.as_der()).unwrap();
    other.public_key().check_signature(&digest, &signature).unwrap();
    check_issuer(certificate)?;
    Ok(Got::Signature { certificate: certificate.as_der().to_vec(), signature })
}

fn unblock(link: Link, puk: &ContactPuk, unblock: Unblock<'_>) -> Result<Got, Failure> {
    let mut session = Session::open(link)?;
    session.unblock_pin(Credential::Authentication, puk, unblock, LastTry::Refuse)?;
    Ok(Got::Done)
}

/// Whether the certificate is signed by the authority of these cards: what the check of its path comes to for
/// bytes that were altered on the way.
fn check_issuer(certificate: &PresentedCertificate) -> Result<(), Failure> {
    let issuer = PresentedCertificate::from_der(demo().pki.sub_ca_der()).unwrap();
    let signed = || {
        let parts = tlv::Reader::new(tlv::parse(certificate.as_der()).ok()?.value);
        let parts: Vec<_> = parts.collect::<Result<_, _>>().ok()?;
        let [content, algorithm, signature] = parts.try_into().ok()?;
        let (content, algorithm) = (content.encoded, algorithm.encoded);
        // The algorithm stands outside and, signed, inside.
        content.windows(algorithm.len()).any(|window| window == algorithm).then_some(())?;
        let signature = signature.value.strip_prefix(&[0])?;
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256].into_iter().find(|algorithm| {
            let digest = Digest::of(*algorithm, content);
            issuer.public_key().check_signature(&digest, signature).is_ok()
        })
    };
    signed().map(drop).ok_or_else(|| Failure::Paper("not signed by the issuer".to_owned()))
}
