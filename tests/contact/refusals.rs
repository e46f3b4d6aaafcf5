//! What a refusal of a contact card is taken to mean, and what is not done after it.

use std::sync::{Arc, Mutex};

use cie::cns::{Credential, File, Session, Step};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::dialogue::Cause;
use cie::emulator::SoftCard;
use cie::emulator::contact::Model;
use cie::iso7816::{Command, Response, StatusWord};
use cie::pin::LastTry;
use cie::secret::ContactPin;

use crate::common::contact::laid;
use crate::common::contact_flows::{SIGNATURE_PIN, card, issued, link, pin};
use crate::session;

/// The card answers some commands otherwise than it would.
fn answering(card: &SoftCard, mut answer: impl FnMut(&Command) -> Option<StatusWord> + Send + 'static) {
    card.set_tamper(Some(Box::new(move |command, response| {
        answer(command).map_or(response, Response::from)
    })));
}

/// SELECT of this file by its path.
fn selects(command: &Command, path: [u8; 4]) -> bool {
    command.ins() == 0xA4 && command.data().ends_with(&path)
}

#[test]
fn both_certificates_are_read_side_by_side() {
    let issued = issued(Model::Cns10);
    let expected = |credential| match credential {
        Credential::Authentication => &issued.certificate,
        _ => issued.signature_certificate.as_ref().unwrap(),
    };
    let (authentication, signature) = (Credential::Authentication, Credential::Signature);
    for order in [[authentication, signature, authentication], [signature, authentication, signature]] {
        let mut session = session(&card(Model::Cns10));
        for credential in order {
            assert_eq!(session.certificate(credential).unwrap().as_der(), expected(credential));
        }
    }
}

#[test]
fn the_certificate_after_a_pin_is_that_of_its_key() {
    let pin = ContactPin::parse(SIGNATURE_PIN).unwrap();
    let session = session(&card(Model::Cns10));
    let mut unlocked = session.verify_pin_of(Credential::Signature, &pin, LastTry::Refuse).unwrap();
    let expected = issued(Model::Cns10).signature_certificate.as_deref();
    assert_eq!(Some(unlocked.certificate().unwrap().as_der()), expected);
}

/// Of a card that is none of these, the first answer is told: the later ones are about ways to select that few
/// cards know.
#[test]
fn the_first_refusal_says_why_a_card_is_another() {
    let card = card(Model::Cns10);
    let mut words = [0x6A86, 0x6D00, 0x6A82].into_iter();
    answering(&card, move |_| Some(StatusWord::new(words.next().unwrap_or(0x6A82))));
    let refused = Session::open(link(&card)).unwrap_err();
    assert_eq!(refused.error.step, Step::Recognise);
    assert_eq!(refused.error.cause, Cause::Status(StatusWord::WRONG_P1_P2));
}

/// An application's certificate is read before its PIN is shown: to have none is no reason not to show it.
#[test]
fn a_pin_is_shown_to_an_application_without_a_certificate() {
    let card = card(Model::Ace);
    answering(&card, |command| {
        let is_certificate =
            selects(command, [0x11, 0x00, 0x11, 0x01]) || command.data().ends_with(&[0xC0, 0x01]);
        (command.ins() == 0xA4 && is_certificate).then_some(StatusWord::FILE_NOT_FOUND)
    });
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    assert_eq!(unlocked.certificate().unwrap_err().cause, Cause::NoCertificate);
}

#[test]
fn a_file_is_readable_or_not_and_a_lost_card_is_neither() {
    let card = card(Model::Cns10);
    let mut session = session(&card);
    assert!(session.is_readable(File::PersonalData).unwrap());
    answering(&card, |command| (command.ins() == 0xB0).then_some(StatusWord::SECURITY_STATUS_NOT_SATISFIED));
    assert!(!session.is_readable(File::PersonalData).unwrap());
    answering(&card, |command| {
        selects(command, [0x11, 0x00, 0x11, 0x02]).then_some(StatusWord::FILE_NOT_FOUND)
    });
    assert!(!session.is_readable(File::PersonalData).unwrap());
    card.remove();
    assert!(session.is_readable(File::PersonalData).unwrap_err().is_transport());
    let gone = session.certificate(Credential::Authentication).unwrap_err();
    assert!(gone.is_transport(), "it is not said to have none");
}

#[test]
fn personal_data_that_are_none_are_told_by_what_is_wrong() {
    for (content, cause) in [
        (vec![0; 400], Cause::NotPersonalised),
        (vec![0xFF; 400], Cause::NotPersonalised),
        (b"00".to_vec(), Cause::Malformed("header of the personal data")),
        (b"header".to_vec(), Cause::Malformed("header of the personal data")),
        (b"00FFFF00".to_vec(), Cause::Malformed("length of the personal data")),
        (b"000008zz".to_vec(), Cause::Malformed("field of the personal data")),
    ] {
        let mut issued = issued(Model::Cns10).clone();
        let mut files = issued.personalisation.files.iter_mut();
        let file = files.find(|file| file.path.identifiers() == [0x1100, 0x1102]);
        file.unwrap().content = content;
        let error = session(&laid(Model::Cns10, issued)).read_personal_data().unwrap_err();
        assert_eq!((error.step, error.cause), (Step::ReadFile(File::PersonalData), cause));
    }
}

/// Where the conditions of a file name secure messaging, a refusal to read it is about that.
#[test]
fn conditions_that_name_secure_messaging_explain_a_refusal() {
    for demanded in [false, true] {
        let card = card(Model::Cns10);
        let mut session = session(&card);
        card.set_tamper(Some(Box::new(move |command, response| match command.ins() {
            0xA4 => {
                let mut data = response.data().to_vec();
                if let Some(at) = data.windows(2).position(|tag| tag == [0xCB, 0x18]) {
                    data[at + 3] = if demanded { 0x01 } else { 0xFF };
                }
                Response::new(data, response.status())
            }
            0xB0 => Response::from(StatusWord::SECURITY_STATUS_NOT_SATISFIED),
            _ => response,
        })));
        let refused = Cause::Status(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        let expected = if demanded { Cause::SecureMessagingRequired } else { refused };
        assert_eq!(session.read_personal_data().unwrap_err().cause, expected);
    }
}

/// A certificate that is kept from us is not one that is missing.
#[test]
fn a_certificate_that_is_refused_is_looked_for_elsewhere_and_then_told() {
    for (word, cause) in [
        (StatusWord::FILE_NOT_FOUND, Cause::NoCertificate),
        (StatusWord::SECURITY_STATUS_NOT_SATISFIED, Cause::Status(StatusWord::SECURITY_STATUS_NOT_SATISFIED)),
        (StatusWord::SM_OBJECT_MISSING, Cause::SecureMessagingRequired),
    ] {
        let card = card(Model::Cns10);
        answering(&card, move |command| selects(command, [0x11, 0x00, 0x11, 0x01]).then_some(word));
        let error = session(&card).certificate(Credential::Authentication).unwrap_err();
        assert_eq!(error.step, Step::ReadCertificate(Credential::Authentication));
        assert_eq!(error.cause, cause);
        // Within the application it lies somewhere else.
        let card = crate::common::contact_flows::card(Model::Ace);
        answering(&card, move |command| selects(command, [0x11, 0x00, 0x11, 0x01]).then_some(word));
        session(&card).certificate(Credential::Authentication).unwrap();
    }
}

/// How often each command of a signature was sent, and how it ended.
fn sign(
    model: Model,
    answer: impl Fn(u8, usize) -> Option<StatusWord> + Send + 'static,
) -> (Cause, [usize; 3]) {
    let card = card(model);
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    unlocked.certificate().unwrap();
    let sent = Arc::new(Mutex::new([0; 3]));
    let sink = sent.clone();
    answering(&card, move |command| {
        let kind = match (command.ins(), command.p1()) {
            (0x22, 0xF3) => 0,
            (0x22, _) => 1,
            (0x2A, _) => 2,
            _ => return None,
        };
        let mut sent = sink.lock().unwrap();
        sent[kind] += 1;
        answer([0xF3, 0x22, 0x2A][kind], sent[kind])
    });
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let error = unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!(error.step, Step::Sign);
    let sent = *sent.lock().unwrap();
    (error.cause, sent)
}

#[test]
fn a_key_is_not_used_unless_it_was_named() {
    let refused = StatusWord::CONDITIONS_NOT_SATISFIED;
    let (cause, sent) = sign(Model::Cns10, move |command, _| (command == 0xF3).then_some(refused));
    assert_eq!((cause, sent), (Cause::Status(refused), [3, 0, 0]));
    let (cause, sent) = sign(Model::Cns10, move |command, _| (command == 0x22).then_some(refused));
    assert_eq!((cause, sent), (Cause::Status(refused), [3, 3, 0]));
}

#[test]
fn an_answer_that_nobody_expects_is_the_last() {
    for word in [0x6983, 0x6300, 0x63C2, 0x6400, 0x6581, 0x6F00].map(StatusWord::new) {
        let (cause, sent) = sign(Model::Cns10, move |command, _| (command == 0x2A).then_some(word));
        assert_eq!((cause, sent), (Cause::Status(word), [1, 1, 1]), "{word}");
    }
}

/// The first refusal is told, unless one of them says that the PIN is not verified.
#[test]
fn of_several_refusals_a_missing_pin_is_told_and_else_the_first() {
    let security = StatusWord::SECURITY_STATUS_NOT_SATISFIED;
    let words = [StatusWord::WRONG_DATA, StatusWord::CONDITIONS_NOT_SATISFIED, StatusWord::WRONG_P1_P2];
    for (missing, expected) in [
        (None, Cause::Status(words[0])),
        (Some(0), Cause::PinStateLost),
        (Some(1), Cause::PinStateLost),
        (Some(2), Cause::PinStateLost),
    ] {
        let (cause, sent) = sign(Model::Cns10, move |command, count| {
            let word = if missing == Some(count - 1) { security } else { words[count - 1] };
            (command == 0x2A).then_some(word)
        });
        assert_eq!((cause, sent), (expected, [3, 3, 3]));
    }
}
