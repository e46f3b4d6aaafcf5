//! The ways in which contact cards differ, one by one: each is a switch of the software card, or an answer that is
//! put in place of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cie::card::{self, Information, Kind};
use cie::cns::{Credential, Family, Layout, Session, Step, Unblock};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::dialogue::Cause;
use cie::emulator::SoftCard;
use cie::emulator::contact::{
    AtEnd, CardNumber, ControlInformation, DigestOver, Header, IssueOptions, KeyUse, Model, Paths,
    PinReferences, Profile, ShortRead, SignatureInput, WrongPin,
};
use cie::identity::{BindingError, HashPolicy, HashedRange, verify_personal_data};
use cie::iso7816::{Command, Response, StatusWord, tlv};
use cie::pin::{self, LastTry, Tries};
use cie::secret::ContactPin;

use crate::common::contact::{issued_with, laid};
use crate::common::contact_flows::{Desk, SIGNATURE_PIN, card, issued, link, pin, puk, wrong_pin};
use crate::session;

/// A card that behaves a little differently.
fn changed(model: Model, change: impl FnOnce(&mut Profile)) -> SoftCard {
    let card = card(model);
    let mut profile = card.contact_profile().unwrap();
    change(&mut profile);
    card.set_contact_profile(profile);
    card
}

/// What the card was sent, by INS, P1, P2 and the length of the data.
type Seen = Arc<Mutex<Vec<([u8; 4], usize)>>>;

fn watched(card: &SoftCard) -> Seen {
    let seen = Seen::default();
    let sink = seen.clone();
    card.set_tamper(Some(Box::new(move |command, response| {
        sink.lock().unwrap().push((command.header(), command.data().len()));
        response
    })));
    seen
}

/// P2 of the commands that carried a PIN or PUK.
fn references(seen: &Seen) -> Vec<u8> {
    let seen = seen.lock().unwrap();
    seen.iter().filter(|(header, _)| matches!(header[1], 0x20 | 0x24 | 0x2C)).map(|(h, _)| h[3]).collect()
}

/// The card answers some commands otherwise than it would.
fn answering(card: &SoftCard, answer: impl FnMut(&Command) -> Option<StatusWord> + Send + 'static) {
    let mut answer = answer;
    card.set_tamper(Some(Box::new(move |command, response| {
        answer(command).map_or(response, Response::from)
    })));
}

fn sign(card: &SoftCard, algorithm: DigestAlgorithm) -> Result<(), cie::cns::Error> {
    let mut unlocked = session(card).verify_pin(&pin()).unwrap();
    let digest = Digest::of(algorithm, b"a message");
    let signature = unlocked.signer()?.sign(Purpose::Login, &digest)?;
    let certificate = unlocked.certificate()?;
    certificate.public_key().check_signature(&digest, &signature).unwrap();
    // The way is known from now on.
    let before = unlocked.statistics().commands;
    unlocked.signer()?.sign(Purpose::Login, &digest)?;
    let commands = unlocked.statistics().commands - before;
    assert!(commands <= 4, "{commands} commands for another signature");
    Ok(())
}

#[test]
fn a_pin_is_shown_under_the_other_name_only_if_the_card_knows_no_such_object() {
    // The answers to reset of two masks, and the name that each one's cards want first.
    let stincard = Model::Cns10.profile().atr;
    let athena = Model::Athena.profile().atr;
    for (atr, references_known, expected) in [
        (stincard.clone(), PinReferences::Both, &[0x90][..]),
        (stincard.clone(), PinReferences::Backtracking, &[0x90]),
        (stincard, PinReferences::Plain, &[0x90, 0x10]),
        (athena.clone(), PinReferences::Both, &[0x10]),
        (athena.clone(), PinReferences::Plain, &[0x10]),
        (athena, PinReferences::Backtracking, &[0x10, 0x90]),
        (Model::NFC_ATR.into(), PinReferences::Backtracking, &[0x10, 0x90]),
    ] {
        let card = changed(Model::Cns10, |profile| {
            (profile.atr, profile.references) = (atr.clone(), references_known);
        });
        let seen = watched(&card);
        let refused = session(&card).verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(references(&seen), expected, "{atr:02X?}");
        assert_eq!((card.pin_tries(), card.verify_count()), (2, 1), "one comparison");
        // From then on it is known by which name.
        let mut unlocked = refused.back.verify_pin(&pin()).unwrap();
        let known = *expected.last().unwrap();
        assert_eq!(references(&seen)[expected.len()..], [known]);
        unlocked.change_pin(&pin(), &ContactPin::parse("54321").unwrap()).unwrap();
        let mut session = unlocked.lock().unwrap();
        session.unblock_pin(Credential::Authentication, &puk(), Unblock::KeepPin, LastTry::Refuse).unwrap();
        assert_eq!(references(&seen)[expected.len()..], [known; 3]);
        assert_eq!((card.pin_tries(), card.puk_tries(), card.verify_count()), (3, 10, 4));
    }
}

#[test]
fn a_card_without_the_pin_object_is_asked_twice_and_no_more() {
    for ins in [0x20, 0x24, 0x2C] {
        let card = card(Model::Cns10);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let sink = sent.clone();
        answering(&card, move |command| {
            let carries = command.ins() == ins;
            if carries {
                sink.lock().unwrap().push(command.p2());
            }
            carries.then_some(StatusWord::REFERENCE_NOT_FOUND)
        });
        let mut session = session(&card);
        let new = ContactPin::parse("54321").unwrap();
        let credential = Credential::Authentication;
        let error = match ins {
            0x20 => {
                let refused = session.verify_pin(&pin()).unwrap_err();
                session = *refused.back;
                refused.error
            }
            0x24 => session.change_pin(credential, &pin(), &new, LastTry::Refuse).unwrap_err(),
            _ => {
                let unblock = Unblock::NewPin(&new);
                session.unblock_pin(credential, &puk(), unblock, LastTry::Refuse).unwrap_err()
            }
        };
        assert_eq!(error.cause, Cause::Status(StatusWord::REFERENCE_NOT_FOUND));
        assert_eq!(*sent.lock().unwrap(), [0x90, 0x10]);
        assert_eq!(session.pin_tries(credential), Tries::Unknown, "no try is counted off for it");
    }
}

/// Any other answer is not a reason to show the PIN once more.
#[test]
fn no_other_refusal_shows_a_pin_twice() {
    for word in (0x6000..=0x9FFF).step_by(7).chain([0x6A80, 0x6A82, 0x6A86, 0x6A89, 0x6982, 0x6984, 0x6985]) {
        if word == 0x6A88 || word & 0xFF00 == 0x6100 {
            continue;
        }
        let card = card(Model::Cns10);
        let sent = Arc::new(Mutex::new(0));
        let sink = sent.clone();
        answering(&card, move |command| {
            let carries = command.ins() == 0x20;
            *sink.lock().unwrap() += usize::from(carries);
            carries.then_some(StatusWord::new(word))
        });
        let outcome = session(&card).verify_pin(&pin());
        assert_eq!((outcome.is_ok(), *sent.lock().unwrap()), (word == 0x9000, 1), "{word:04X}");
    }
}

#[test]
fn what_a_wrong_pin_is_answered() {
    for (wrong_pin_word, second, last) in [
        (WrongPin::Counted, Tries::Left(1), pin::Error::Blocked),
        (WrongPin::CountedThenBlocked, Tries::Left(1), pin::Error::Blocked),
        // Without a count: the next one would be the last, as far as is known.
        (WrongPin::Uncounted, Tries::Unknown, pin::Error::Wrong(Tries::Unknown)),
    ] {
        let card = changed(Model::Cns10, |profile| profile.wrong_pin = wrong_pin_word);
        let first = session(&card).verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(first.back.pin_tries(Credential::Authentication), Tries::Left(2));
        let refused = first.back.verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(second)));
        assert_eq!(refused.back.pin_tries(Credential::Authentication), Tries::Left(1));
        let kept = refused.back.verify_pin(&pin()).unwrap_err();
        assert_eq!(kept.error.pin_error(), Some(&pin::Error::LastTryLeft));
        assert_eq!(card.pin_tries(), 1);
        let credential = Credential::Authentication;
        let refused = kept.back.verify_pin_of(credential, &wrong_pin(), LastTry::Spend).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&last));
        assert_eq!(card.pin_tries(), 0);
        let refused = session(&card).verify_pin(&pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
    }
}

/// Whatever a card says of the size, the end and the blocks of its files: the same bytes come out.
#[test]
fn every_way_to_give_a_file_gives_the_same_bytes() {
    let mut combinations = 0;
    for model in [Model::Cns10, Model::Cie2] {
        let right = session(&card(model)).read_personal_data().unwrap().content().to_vec();
        assert_eq!(right.len(), if model == Model::Cie2 { 1200 } else { 400 });
        for short_read in [ShortRead::Usual, ShortRead::Success, ShortRead::Warned, ShortRead::Corrected] {
            for at_end in [AtEnd::Warned, AtEnd::Refused] {
                for control_information in [
                    ControlInformation::Information,
                    ControlInformation::Parameters,
                    ControlInformation::WithoutSize,
                    ControlInformation::None,
                ] {
                    for (reads_256, answers_wait) in [(true, false), (true, true), (false, false)] {
                        let card = changed(model, |profile| {
                            profile.short_read = short_read;
                            profile.at_end = at_end;
                            profile.control_information = control_information;
                            (profile.reads_256, profile.answers_wait) = (reads_256, answers_wait);
                        });
                        let mut session = session(&card);
                        let what = format!("{model} {short_read:?} {at_end:?} {control_information:?}");
                        let data = session.read_personal_data().unwrap();
                        assert_eq!(data.content(), right, "{what}");
                        let certificate = session.certificate(Credential::Authentication).unwrap();
                        assert_eq!(certificate.as_der(), issued(model).certificate, "{what}");
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 192);
}

#[test]
fn files_are_found_by_path_by_identifier_and_within_an_application() {
    let refused = |word| Paths::Refused(StatusWord::new(word));
    for (model, paths, layout) in [
        (Model::Cns10, Paths::Both, Layout::Path),
        (Model::Cns10, Paths::FromCurrent, Layout::Identifiers),
        (Model::Cns10, refused(0x6A86), Layout::Identifiers),
        (Model::Cns10, refused(0x6A81), Layout::Identifiers),
        (Model::Cns10, refused(0x6D00), Layout::Identifiers),
        (Model::Ace, Paths::FromCurrent, Layout::Application),
        (Model::Ace, Paths::Both, Layout::Application),
    ] {
        let card = changed(model, |profile| profile.paths = paths);
        let session = session(&card);
        assert_eq!((session.layout(), session.family()), (layout, Family::Cns));
        drop(session);
        for (_, flow) in crate::common::contact_flows::FLOWS {
            card.set_tamper(None);
            let card = changed(model, |profile| profile.paths = paths);
            flow(&Desk { model, card: &card, connect: &|| link(&card) });
        }
    }
}

#[test]
fn over_the_air_the_number_says_what_kind_it_is() {
    for (model, number, kind) in
        [(Model::Cns11, CardNumber::Digits, Kind::Cns), (Model::Cie2, CardNumber::Printed, Kind::Cie2)]
    {
        let options = IssueOptions { card_number: Some(number), ..IssueOptions::default() };
        let card = laid(model, issued_with(model, &options));
        let mut profile = card.contact_profile().unwrap();
        profile.atr = Model::NFC_ATR.into();
        card.set_contact_profile(profile);
        let mut found = card::open(link(&card)).unwrap();
        assert_eq!(found.kind(), kind);
        let Information::Contact(said) = found.information().unwrap() else { panic!() };
        assert!(said.hint.is_none() && said.atr == Model::NFC_ATR);
        sign(&card, DigestAlgorithm::Sha256).unwrap();
    }
}

#[test]
fn a_key_is_used_in_the_way_that_its_card_knows() {
    for model in [Model::Cns10, Model::Cns11] {
        for (key_use, input) in [
            (KeyUse::Decipher, SignatureInput::Padded),
            (KeyUse::Both, SignatureInput::Padded),
            (KeyUse::Sign, SignatureInput::Padded),
            (KeyUse::Sign, SignatureInput::DigestInfoAdded),
            (KeyUse::Sign, SignatureInput::BlockTaken),
        ] {
            let card = changed(model, |profile| {
                (profile.key_use, profile.signature_input) = (key_use, input);
            });
            for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
                sign(&card, algorithm).unwrap();
            }
            assert_eq!(card.pin_tries(), 3);
        }
    }
}

/// A card that wants a hash and makes the DigestInfo itself.
#[test]
fn a_card_that_knows_hashes_is_given_hashes() {
    for model in [Model::Cns10, Model::Cie1] {
        let card = changed(model, |profile| {
            (profile.key_use, profile.signature_input) = (KeyUse::Sign, SignatureInput::DigestInfoAdded);
        });
        answering(&card, |command| {
            let is_hash = matches!(command.data().len(), 20 | 32);
            let computes = (command.p1(), command.p2()) == (0x9E, 0x9A);
            (computes && !is_hash).then_some(StatusWord::WRONG_DATA)
        });
        sign(&card, DigestAlgorithm::Sha1).unwrap();
        sign(&card, DigestAlgorithm::Sha256).unwrap();
    }
}

/// A card that only pads what it is given signs nothing that names no algorithm.
#[test]
fn a_bare_hash_in_the_block_is_no_signature() {
    let card = changed(Model::Cie1, |profile| profile.signature_input = SignatureInput::Padded);
    answering(&card, |command| {
        let computes = (command.p1(), command.p2()) == (0x9E, 0x9A);
        (computes && command.data().len() != 32).then_some(StatusWord::WRONG_DATA)
    });
    let error = sign(&card, DigestAlgorithm::Sha256).unwrap_err();
    assert_eq!((error.step, error.cause), (Step::Sign, Cause::WrongSignature));
}

#[test]
fn a_card_without_chains_is_sent_extended_lengths() {
    for word in [0x6884, 0x6883, 0x6E00] {
        let card = changed(Model::Cns11, |profile| profile.extended_length = true);
        answering(&card, move |command| (command.cla() == 0x10).then_some(StatusWord::new(word)));
        let seen_whole = Arc::new(AtomicBool::new(false));
        let sink = seen_whole.clone();
        answering(&card, move |command| {
            sink.fetch_or(command.data().len() == 257 && command.cla() == 0, Ordering::Relaxed);
            (command.cla() == 0x10).then_some(StatusWord::new(word))
        });
        sign(&card, DigestAlgorithm::Sha256).unwrap();
        assert!(seen_whole.load(Ordering::Relaxed));
    }
}

#[test]
fn a_security_environment_is_restored_in_either_form() {
    let card = card(Model::Cns10);
    answering(&card, |command| {
        let restores = (command.ins(), command.p1()) == (0x22, 0xF3);
        (restores && command.ne().is_some()).then_some(StatusWord::WRONG_LENGTH)
    });
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
}

#[test]
fn a_certificate_of_another_key_gives_no_signature() {
    let mut other = issued(Model::Cns10).clone();
    let file = other.personalisation.files.iter_mut();
    let mut file = file.filter(|file| file.path.identifiers() == [0x1100, 0x1101]);
    file.next().unwrap().content = issued(Model::Cns10).signature_certificate.clone().unwrap();
    let card = laid(Model::Cns10, other);
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    let error = unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!((error.step, error.cause), (Step::Sign, Cause::WrongSignature));
    assert_eq!(card.pin_tries(), 3);
}

#[test]
fn a_card_that_was_never_activated_has_no_certificate() {
    for content in [vec![0; 2048], vec![0xFF; 2048], vec![0xFF; 3], vec![0], vec![]] {
        let mut issued = issued(Model::Cns10).clone();
        let file = issued.personalisation.files.iter_mut();
        let mut file = file.filter(|file| file.path.identifiers() == [0x1100, 0x1101]);
        file.next().unwrap().content = content;
        let card = laid(Model::Cns10, issued);
        for at_end in [AtEnd::Warned, AtEnd::Refused] {
            let mut profile = card.contact_profile().unwrap();
            profile.at_end = at_end;
            card.set_contact_profile(profile);
            let error = session(&card).certificate(Credential::Authentication).unwrap_err();
            assert_eq!(error.cause, Cause::NoCertificate);
            assert_eq!(cie::Error::from(error).code(), "not-activated");
        }
    }
}

#[test]
fn no_pin_is_shown_to_a_card_without_that_key() {
    let card = laid(Model::Cns10, issued_with(Model::Cns10, &IssueOptions::default()));
    let pin = ContactPin::parse(SIGNATURE_PIN).unwrap();
    let refused = session(&card).verify_pin_of(Credential::Signature, &pin, LastTry::Spend).unwrap_err();
    assert_eq!(refused.error.step, Step::ReadCertificate(Credential::Signature));
    assert_eq!((refused.error.cause, card.verify_count()), (Cause::NoCertificate, 0));
    refused.back.verify_pin(&crate::common::contact_flows::pin()).unwrap();
}

#[test]
fn what_only_an_administrator_reads_is_named_so() {
    let card = card(Model::Cns10);
    card.set_tamper(Some(Box::new(|command, response| match command.ins() {
        // The conditions of secure messaging in the control information: one byte is not FF.
        0xA4 => {
            let mut data = response.data().to_vec();
            let at = data.windows(2).position(|tag| tag == [0xCB, 0x18]);
            if let Some(at) = at {
                data[at + 3] = 0x01;
            }
            Response::new(data, response.status())
        }
        0xB0 => Response::from(StatusWord::SECURITY_STATUS_NOT_SATISFIED),
        _ => response,
    })));
    let link = link(&card);
    let refused = Session::open(link).unwrap_err();
    assert_eq!(refused.error.step, Step::Recognise);

    let card = crate::common::contact_flows::card(Model::Cns10);
    let mut session = session(&card);
    for word in [StatusWord::SM_OBJECT_MISSING, StatusWord::SM_OBJECT_INCORRECT] {
        answering(&card, move |command| (command.ins() == 0xB0).then_some(word));
        let error = session.read_personal_data().unwrap_err();
        assert_eq!(error.cause, Cause::SecureMessagingRequired);
        assert_eq!(cie::Error::from(error).code(), "card-unsupported");
    }
}

#[test]
fn the_digest_in_the_certificate_is_reported_by_what_it_covers() {
    for (digest_over, header, range) in [
        (DigestOver::File, Header::default(), HashedRange::WholeFile),
        (DigestOver::Used, Header::default(), HashedRange::UsedPrefix),
        (DigestOver::Fields, Header::default(), HashedRange::FieldsOnly),
    ] {
        let options = IssueOptions { digest_over, header, ..IssueOptions::default() };
        let card = laid(Model::Cns10, issued_with(Model::Cns10, &options));
        let mut session = session(&card);
        let data = session.read_personal_data().unwrap();
        let der = session.certificate(Credential::Authentication).unwrap().as_der().to_vec();
        let certificate = PresentedCertificate::from_der(&der).unwrap();
        let bind = |policy| verify_personal_data(&certificate, session.card_id(), &data, policy);
        assert_eq!(bind(HashPolicy::Tolerant).unwrap().range(), range);
        match (bind(HashPolicy::Strict), range) {
            (Ok(bound), HashedRange::WholeFile) => assert_eq!(bound.range(), range),
            (Err(error), _) => assert_eq!(error, BindingError::RangeNotAccepted(range)),
            (Ok(_), _) => panic!("{range:?} was accepted"),
        }
    }
}

#[test]
fn states_can_be_moved_to_other_threads() {
    fn send<T: Send>() {}
    send::<card::Card>();
    send::<card::Session>();
    send::<card::Unlocked>();
    send::<Session>();
    send::<cie::cns::Unlocked>();
    send::<cie::cns::Refused<Session>>();
    send::<card::Refused<card::Session>>();
}

/// What is not one template of known objects is not known, and no reason to give up.
#[test]
fn strange_control_information_is_ignored() {
    let deep = (0..200).fold(Vec::new(), |inner, _| tlv::encode(0x6F, &inner));
    for strange in [vec![0x6F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], vec![0xFF; 90], vec![0x30, 0x00], deep] {
        let card = card(Model::Cns10);
        let told = strange.clone();
        card.set_tamper(Some(Box::new(move |command, response| match command.ins() {
            0xA4 if response.status().is_success() => Response::new(told.clone(), StatusWord::SUCCESS),
            _ => response,
        })));
        let mut session = session(&card);
        assert_eq!(session.read_personal_data().unwrap().content().len(), 400);
        session.certificate(Credential::Authentication).unwrap();
    }
}

/// Without an answer to reset that says so, a printable file is not yet an identity card's number.
#[test]
fn a_card_without_hint_and_number_must_have_personal_data() {
    let mut issued = issued(Model::Cie2).clone();
    let files = &mut issued.personalisation.files;
    let file = files.iter_mut().find(|file| file.path.identifiers() == [0x1100, 0x1102]);
    file.unwrap().content = b"something else altogether".to_vec();
    let card = laid(Model::Cie2, issued);
    let mut profile = card.contact_profile().unwrap();
    assert!(card::open(link(&card)).is_ok(), "its answer to reset says what it is");
    profile.atr = Model::NFC_ATR.into();
    card.set_contact_profile(profile);
    let refused = card::open(link(&card)).unwrap_err();
    assert_eq!(cie::Error::from(refused.error).code(), "not-a-cie");
}

/// An application that forgets a PIN when it is selected again.
#[test]
fn what_is_needed_of_an_application_is_read_before_its_pin_is_shown() {
    let card = card(Model::Ace);
    let seen = watched(&card);
    let mut unlocked = session(&card).verify_pin(&pin()).unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
    unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
    let seen = seen.lock().unwrap();
    let verify = seen.iter().position(|(header, _)| header[1] == 0x20).unwrap();
    assert!(seen[verify..].iter().all(|(header, _)| header[1] != 0xA4), "nothing is selected after it");
}
