//! Whole flows between the terminal and the software card, on every chip profile.
#![cfg(feature = "emulator")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;
#[path = "dialogue/lengths.rs"]
mod lengths;
#[path = "dialogue/recognition.rs"]
mod recognition;
#[path = "dialogue/shared.rs"]
mod shared;
#[path = "dialogue/transactions.rs"]
mod transactions;
#[path = "dialogue/unblock.rs"]
mod unblock;

use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::{Chip, WrongLe};
use cie::ias::{Cause, File, RootFile, Session};
use cie::pin::{self, LastTry, Tries};
use common::{CHIPS, card, demo, link, now, pin, trust, wrong_pin};

#[test]
fn a_citizen_logs_in_and_signs() {
    for chip in CHIPS {
        let card = card(chip);
        let session = Session::open(link(&card)).unwrap();
        assert_eq!(session.pin_tries(), Tries::Left(3));
        let mut unlocked = session.verify_pin(&pin()).unwrap();

        let algorithms = [
            DigestAlgorithm::Sha1,
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ];
        for algorithm in algorithms {
            let message = b"a fresh challenge of the portal";
            let mut signer = unlocked.signer().unwrap();
            let signature = signer.sign(Purpose::Login, &Digest::of(algorithm, message)).unwrap();
            let path = trust().verify_holder(signer.certificate(), now()).unwrap();
            if algorithm == DigestAlgorithm::Sha1 {
                // The card signs it for protocols that ask for it; who verifies a login does not take it.
                let weak = path.verify_signature(message, algorithm, &signature).unwrap_err();
                assert_eq!(weak, cie::trust::Error::TooWeak);
                continue;
            }
            assert_eq!(path.verify_signature(message, algorithm, &signature).unwrap().message(), message);
            assert!(path.verify_signature(b"another", algorithm, &signature).is_err());
            assert!(path.is_test());
            assert_eq!(path.path().len(), 3);
            let subject = path.subject();
            assert_eq!(subject.common_name.as_deref(), Some(demo().citizen.fiscal_code.as_str()));
        }
    }
}
#[test]
fn every_file_is_read_in_clear_or_over_the_channel() {
    for chip in CHIPS {
        let card = card(chip);
        let mut application = cie::ias::Application::select(link(&card)).unwrap();
        let mut in_clear = Vec::new();
        for file in File::ALL {
            match application.read(file) {
                Ok(content) => in_clear.push((file, content)),
                Err(error) => {
                    assert!(file.needs_pin(), "{error}");
                    assert_eq!(error.cause, Cause::Status(cie::iso7816::StatusWord::new(0x6982)));
                }
            }
        }
        assert_eq!(in_clear.len(), 4);
        for file in RootFile::ALL {
            let content = application.read_root(file).unwrap();
            let stored = &demo().personalisation.files;
            let stored = stored.iter().find(|f| f.identifier == file.reference().identifier).unwrap();
            // EF.ATR is the chip's: its maker is told by it. The rest is the card's.
            let maker: &[u8] = match chip {
                Chip::Gemalto => b"IasEccRoot",
                Chip::St => &[0x01, 0xB9, 0x46, 0x04, 0x00, 0x00, 0x00, 0x10],
                _ => &[0x01, 0xB8, 0x46, 0x04, 0x10, 0x10, 0x10, 0x10],
            };
            let right = match file {
                RootFile::CardInformation => content.windows(maker.len()).any(|window| window == maker),
                _ => stored.content.starts_with(&content),
            };
            assert!(!content.is_empty() && right, "{chip:?}, {file:?}");
        }

        let terminal = std::sync::Arc::new(cie::ias::Terminal::published().unwrap());
        let mut session = application.authenticate(&terminal, &mut cie::ias::CardCache::new()).unwrap();
        for (file, content) in &in_clear {
            assert_eq!(&session.read(*file).unwrap(), content);
        }
        let before = session.statistics();
        assert_eq!(session.read(File::HolderCertificate).unwrap_err().cause, Cause::PinNeeded);
        assert_eq!(session.statistics(), before, "nothing was sent");

        let mut unlocked = session.verify_pin(&pin()).unwrap();
        let number = unlocked.read(File::DocumentNumber).unwrap();
        assert_eq!(number, demo().citizen.document_number.as_bytes());
        assert_eq!(in_clear[0].1, demo().citizen.nis.as_bytes());
        let certificate = unlocked.read(File::HolderCertificate).unwrap();
        assert_eq!(unlocked.certificate().unwrap().as_der(), certificate);
    }
}

#[test]
fn a_wrong_pin_gives_the_session_back_and_the_last_try_waits_for_a_word() {
    for chip in CHIPS {
        let card = card(chip);
        let mut session = Session::open(link(&card)).unwrap();
        for left in [2, 1] {
            let refused = session.verify_pin(&wrong_pin()).unwrap_err();
            let expected = pin::Error::Wrong(Tries::Left(left));
            assert_eq!(refused.error.pin_error(), Some(&expected));
            session = *refused.back;
            assert_eq!((session.pin_tries(), card.pin_tries()), (Tries::Left(left), left));
        }
        let said = session.statistics();
        let refused = session.verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::LastTryLeft));
        session = *refused.back;
        assert_eq!((session.statistics(), card.verify_count()), (said, 2), "nothing was sent");

        let refused = session.verify_pin_with(&wrong_pin(), LastTry::Spend).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
        session = *refused.back;
        let refused = session.verify_pin(&pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
        let refused = refused.back.verify_pin_with(&pin(), LastTry::Spend).unwrap_err();
        assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
        assert_eq!((card.verify_count(), card.pin_tries()), (3, 0), "blocked is blocked");

        let session = Session::open(link(&card)).unwrap();
        assert_eq!(session.pin_tries(), Tries::Left(0));
    }
}

#[test]
fn a_right_pin_on_the_last_try_restores_the_counter() {
    let card = card(CHIPS[0]);
    let session = Session::open(link(&card)).unwrap();
    let session = session.verify_pin(&wrong_pin()).unwrap_err().back;
    let session = session.verify_pin(&wrong_pin()).unwrap_err().back;
    drop(session.verify_pin_with(&pin(), LastTry::Spend).unwrap());
    assert_eq!(card.pin_tries(), 3);
}

#[test]
fn a_card_that_does_not_tell_its_tries_still_lets_its_holder_in() {
    let card = card(CHIPS[0]);
    card.set_tamper(Some(Box::new(|command, response| {
        if asks_for_tries(command) { cie::iso7816::StatusWord::REFERENCE_NOT_FOUND.into() } else { response }
    })));
    let session = Session::open(link(&card)).unwrap();
    assert_eq!(session.pin_tries(), Tries::Unknown);
    session.verify_pin(&pin()).unwrap();
}

/// Whether a command asks for the PIN's attributes.
fn asks_for_tries(command: &cie::iso7816::Command) -> bool {
    command.ins() == 0xCB && command.data().starts_with(&[0x4D, 0x08, 0x70, 0x06, 0xBF, 0x81])
}

#[test]
fn a_card_that_lies_about_its_tries_locks_nobody_out() {
    let card = card(CHIPS[0]);
    card.set_tamper(Some(Box::new(|command, response| {
        let none = [0x70, 0x09, 0xBF, 0x81, 0x01, 0x05, 0xA0, 0x03, 0x9B, 0x01, 0x00];
        let lie = cie::iso7816::Response::new(none.to_vec(), cie::iso7816::StatusWord::SUCCESS);
        if asks_for_tries(command) { lie } else { response }
    })));
    let session = Session::open(link(&card)).unwrap();
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Blocked));
    assert_eq!(card.verify_count(), 0);
    refused.back.verify_pin_with(&pin(), LastTry::Spend).unwrap();
}

#[test]
fn doubtful_answers_never_lead_to_a_lost_last_try() {
    // The card compares and spends, but says something that does not tell: 6300, or a memory failure.
    for word in [0x6300, 0x6581, 0x6985] {
        let card = card(CHIPS[0]);
        let deceive = || -> cie::emulator::Tamper {
            Box::new(move |command, response| match command.ins() {
                0x20 | 0x24 => cie::iso7816::StatusWord::new(word).into(),
                _ => response,
            })
        };
        card.set_tamper(Some(deceive()));
        let mut session = Session::open(link(&card)).unwrap();
        for _ in 0..5 {
            session = *session.verify_pin(&wrong_pin()).unwrap_err().back;
        }
        assert_eq!((card.pin_tries(), session.pin_tries()), (1, Tries::Left(1)));

        card.set_tamper(None);
        let mut unlocked = session.verify_pin_with(&pin(), LastTry::Spend).unwrap();
        card.set_tamper(Some(deceive()));
        for _ in 0..5 {
            unlocked.change_pin(&wrong_pin(), &pin()).unwrap_err();
        }
        assert_eq!(card.pin_tries(), 1, "{word:04X}");
    }
}

#[test]
fn a_refusal_without_a_count_is_a_wrong_pin_and_another_refusal_is_not() {
    let verdicts = [
        (0x6300, Some(pin::Error::Wrong(Tries::Unknown))),
        (0x63C1, Some(pin::Error::Wrong(Tries::Left(1)))),
        (0x6983, Some(pin::Error::Blocked)),
        (0x6985, None),
    ];
    for (word, verdict) in verdicts {
        let card = card(CHIPS[0]);
        card.set_tamper(Some(Box::new(move |command, response| match command.ins() {
            0x20 => cie::iso7816::StatusWord::new(word).into(),
            _ => response,
        })));
        let refused = Session::open(link(&card)).unwrap().verify_pin(&wrong_pin()).unwrap_err();
        assert_eq!(refused.error.pin_error(), verdict.as_ref(), "{word:04X}");
    }
}

#[test]
fn a_secure_channel_left_by_another_application_is_ended_first() {
    let card = card(CHIPS[0]);
    let mut answers = 0;
    card.set_tamper(Some(Box::new(move |_, response| {
        answers += 1;
        if answers == 1 { cie::iso7816::StatusWord::SM_OBJECT_INCORRECT.into() } else { response }
    })));
    assert!(Session::open(link(&card)).unwrap().is_open());
    card.set_tamper(Some(Box::new(|_, _| cie::iso7816::StatusWord::INS_NOT_SUPPORTED.into())));
    let refused = Session::open(link(&card)).unwrap_err();
    assert_eq!(refused.back.statistics().commands, 4, "a foreign card is not asked for ever");
    assert_eq!(cie::Error::from(refused).code(), "not-a-cie");
}

#[test]
fn the_pin_is_changed_and_the_old_one_is_no_longer_right() {
    let card = card(CHIPS[0]);
    let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
    let error = unlocked.change_pin(&wrong_pin(), &pin()).unwrap_err();
    assert_eq!(error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    let new = cie::secret::Pin::parse("31415926").unwrap();
    unlocked.change_pin(&pin(), &new).unwrap();
    let session = unlocked.lock().unwrap();
    let refused = session.verify_pin(&pin()).unwrap_err();
    assert_eq!(refused.error.pin_error(), Some(&pin::Error::Wrong(Tries::Left(2))));
    refused.back.verify_pin(&new).unwrap();
}

/// Whether the card, as it lies there, has no secure channel and so no verified PIN: a malformed protected
/// command through a second connection is answered 6987 or 6988 by a channel, which ends by it.
fn logged_out(card: &cie::emulator::SoftCard) -> bool {
    // After a reset nothing is selected, and no channel is there for a protected command.
    let mut transport = card.transport();
    let answer = cie::transport::Transport::transmit(&mut transport, &[0x0C, 0xB0, 0, 0, 0]).unwrap();
    answer.len() == 2 && answer != [0x69, 0x87] && answer != [0x69, 0x88]
}

#[test]
fn the_pin_state_ends_with_its_value() {
    let card = card(CHIPS[0]);
    let unlock = || Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();

    let unlocked = unlock();
    assert!(!logged_out(&card));
    drop(unlocked);
    drop(unlock());
    assert!(logged_out(&card), "dropping resets the card");

    let session = unlock().lock().unwrap();
    assert!(session.is_open());
    let refused = session.verify_pin(&wrong_pin()).unwrap_err();
    drop(refused);

    let mut link = unlock().release().unwrap();
    let select = cie::iso7816::command::select_file(0x1003);
    assert!(!link.exchange(&select).unwrap().status().is_success());
    assert!(logged_out(&card));
}

#[test]
fn a_reset_by_another_program_logs_out_and_nothing_shows_the_pin_again() {
    let card = card(CHIPS[0]);
    let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
    let mut signer = unlocked.signer().unwrap();
    card.reset_by_other();
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    let error = signer.sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!(error.to_string(), "signing: the card was reset");
    let error = signer.sign(Purpose::Login, &digest).unwrap_err();
    assert_eq!(error.to_string(), "signing: the secure channel is closed");
    assert_eq!(card.verify_count(), 1);
}

#[test]
fn a_dropped_pin_state_has_a_name() {
    let card = card(CHIPS[0]);
    let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
    let mut signer = unlocked.signer().unwrap();
    card.set_tamper(Some(Box::new(|command, response| match command.ins() {
        0x88 => cie::iso7816::StatusWord::SECURITY_STATUS_NOT_SATISFIED.into(),
        _ => response,
    })));
    let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
    assert_eq!(signer.sign(Purpose::Login, &digest).unwrap_err().cause, Cause::PinStateLost);
}

#[test]
fn many_signatures_over_one_channel_cost_two_commands_each() {
    for chip in CHIPS {
        let card = card(chip);
        let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
        unlocked.certificate().unwrap();
        let before = unlocked.statistics();
        for number in 0_u32..50 {
            let digest = Digest::of(DigestAlgorithm::Sha256, &number.to_be_bytes());
            unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
        }
        assert_eq!((unlocked.statistics() - before).commands, 100);
    }
}

#[test]
fn after_a_change_a_chip_may_ask_for_the_new_pin() {
    for verified_after_change in [true, false] {
        let card = card(CHIPS[0]);
        let mut profile = card.profile();
        profile.verified_after_change = verified_after_change;
        card.set_profile(profile);
        let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
        unlocked.certificate().unwrap();
        let new = cie::secret::Pin::parse("31415926").unwrap();
        unlocked.change_pin(&pin(), &new).unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha256, b"message");
        let signed = unlocked.signer().unwrap().sign(Purpose::Document, &digest);
        match verified_after_change {
            true => drop(signed.unwrap()),
            false => assert_eq!(signed.unwrap_err().cause, Cause::PinStateLost),
        }
        unlocked.lock().unwrap().verify_pin(&new).unwrap();
    }
}

#[test]
fn whatever_a_chip_does_differently_the_flow_holds() {
    type Change = fn(&mut cie::emulator::Profile);
    let changes: [(&str, Change); 10] = [
        ("name", |p| p.knows_ias_by_name ^= true),
        ("combined parameters", |p| p.combined_domain_parameters ^= true),
        ("B6", |p| p.terminal_key_under_b6 ^= true),
        ("longest read", |p| p.longest_clear_read = 100),
        ("6282", |p| p.le_zero_warns ^= true),
        ("6Cxx", |p| p.wrong_le = WrongLe::Refused),
        ("6Cxx in clear", |p| p.wrong_le = WrongLe::RefusedInClear),
        ("6282 and never 6Cxx", |p| p.wrong_le = WrongLe::Warned),
        ("protected read", |p| p.longest_protected_read = 200),
        ("waiting answers", |p| p.longest_direct_answer = 100),
    ];
    for chip in CHIPS {
        for (what, change) in changes {
            let card = card(chip);
            let mut profile = card.profile();
            change(&mut profile);
            profile.longest_token = Some(102);
            card.set_profile(profile);
            let session = Session::open(link(&card)).unwrap_or_else(|e| panic!("{chip:?}, {what}: {e}"));
            let mut unlocked = session.verify_pin(&pin()).unwrap();
            let digest = Digest::of(DigestAlgorithm::Sha512, b"message");
            unlocked.signer().unwrap().sign(Purpose::Document, &digest).unwrap();
        }
    }
}

#[test]
fn bytes_that_could_be_a_login_are_not_signed_raw() {
    let card = card(CHIPS[0]);
    let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
    let mut signer = unlocked.signer().unwrap();
    let digest = Digest::of(DigestAlgorithm::Sha256, &[7; 64]);
    assert_eq!(signer.sign(Purpose::Raw, &digest).unwrap_err().cause, Cause::PurposeRefused);
    signer.sign(Purpose::RawAcknowledged, &digest).unwrap();
}

#[test]
fn the_cost_of_a_login_stays_in_its_bounds() {
    let terminal = std::sync::Arc::new(cie::ias::Terminal::published().unwrap());
    for chip in CHIPS {
        // One SELECT more where the application is not known by name, one fragment more where the first
        // one is too long.
        let most = if matches!(chip, Chip::Nxp | Chip::Actalis) { 23 } else { 22 };
        let card = card(chip);
        let mut cache = cie::ias::CardCache::new();
        for (visit, most) in [("first", most), ("second", most - 2)] {
            let session = Session::open_with(link(&card), &terminal, &mut cache).unwrap();
            let mut unlocked = session.verify_pin(&pin()).unwrap();
            let login = unlocked.statistics();
            assert!(login.commands <= most, "{chip:?}, {visit} visit: {login:?}");
            unlocked.certificate().unwrap();
            // A SELECT, then at most nine reads.
            assert!((unlocked.statistics() - login).commands <= 10);
        }
    }
}

#[test]
fn a_cache_poisoned_with_another_cards_key_changes_nothing() {
    // A hostile card shows the device key of another card and domain parameters of its own.
    let terminal = std::sync::Arc::new(cie::ias::Terminal::published().unwrap());
    let mut cache = cie::ias::CardCache::new();
    let mut hostile = demo().personalisation.clone();
    hostile.device_key = hostile.holder_key.clone();
    let hostile =
        cie::emulator::SoftCard::new(hostile, CHIPS[0], cie::emulator::entropy::Seeded::new(9)).unwrap();
    let refused = Session::open_with(link(&hostile), &terminal, &mut cache).unwrap_err();
    assert_eq!(refused.error.cause, Cause::ChipNotAuthentic);
    assert_eq!(format!("{cache:?}"), "CardCache(0 cards)");
    Session::open_with(link(&card(CHIPS[0])), &terminal, &mut cache).unwrap();
    let refused = Session::open_with(link(&hostile), &terminal, &mut cache).unwrap_err();
    assert_eq!(refused.error.cause, Cause::ChipNotAuthentic);
}

#[test]
fn domain_parameters_without_a_subgroup_of_order_q_work_too() {
    let mut personalisation = demo().personalisation.clone();
    personalisation.dh_group.g = vec![2];
    let card =
        cie::emulator::SoftCard::new(personalisation, CHIPS[0], cie::emulator::entropy::Seeded::new(3))
            .unwrap();
    Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
}

#[test]
fn a_terminal_with_keys_of_its_own_serves_only_its_own_cards() {
    use cie::crypto::SystemEntropy;
    use cie::crypto::generate::{GivenExponent, generate_rsa};
    let key = || generate_rsa(2048, GivenExponent::Public(&[1, 0, 1]), &mut SystemEntropy, "key").unwrap();
    let (own, authority) = (key(), key());
    let mixed = cie::ias::Terminal::with_keys(
        *b"KIOSK-01",
        (&own.modulus, &authority.private_exponent),
        (&authority.modulus, &authority.private_exponent),
    );
    assert_eq!(mixed.unwrap_err(), cie::crypto::Error::BadSignature, "not a pair");
    let terminal = std::sync::Arc::new(
        cie::ias::Terminal::with_keys(
            *b"KIOSK-01",
            (&own.modulus, &own.private_exponent),
            (&authority.modulus, &authority.private_exponent),
        )
        .unwrap(),
    );
    let mut cache = cie::ias::CardCache::new();
    let refused = Session::open_with(link(&card(CHIPS[0])), &terminal, &mut cache).unwrap_err();
    assert_eq!(refused.error.cause, Cause::ForeignAuthority);

    let mut personalisation = demo().personalisation.clone();
    personalisation.certification_key.modulus = authority.modulus;
    personalisation.certification_key.public_exponent = authority.public_exponent;
    let card =
        cie::emulator::SoftCard::new(personalisation, CHIPS[0], cie::emulator::entropy::Seeded::new(3))
            .unwrap();
    let session = Session::open_with(link(&card), &terminal, &mut cache).unwrap();
    session.verify_pin(&pin()).unwrap();
}

#[test]
fn the_states_move_between_threads() {
    fn send<T: Send>() {}
    send::<cie::transport::Link>();
    send::<Session>();
    send::<cie::ias::Unlocked>();
    send::<cie::ias::Application>();
    send::<cie::trust::TrustStore>();
    send::<cie::trust::ValidPath>();
    send::<cie::ias::Refused<Session>>();
}

#[test]
fn over_the_channel_files_are_selected_and_read_in_blocks_that_every_chip_gives() {
    use cie::secure_messaging::READ_DATA_MAX;
    for chip in CHIPS {
        let card = card(chip);
        let mut unlocked = Session::open(link(&card)).unwrap().verify_pin(&pin()).unwrap();
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = asked.clone();
        card.set_tamper(Some(Box::new(move |command, response| {
            heard.lock().unwrap().push((command.ins(), command.p1(), command.ne()));
            response
        })));
        let length = unlocked.read(File::HolderCertificate).unwrap().len();
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].0, cie::iso7816::command::INS_SELECT);
        let largest = u32::try_from(READ_DATA_MAX).unwrap();
        let blocks: Vec<_> = asked[1..].iter().map(|(_, p1, ne)| (p1 & 0x80, ne.unwrap())).collect();
        assert!(blocks.iter().all(|(short, ne)| *short == 0 && *ne <= largest), "{blocks:?}");
        assert_eq!(blocks.len(), length.div_ceil(READ_DATA_MAX));
    }
}

/// Randomness that is told apart by its label.
struct Labelled;

impl cie::environment::Entropy for Labelled {
    fn draw(&mut self, label: &'static str, out: &mut [u8]) -> Result<(), cie::environment::EntropyError> {
        out.iter_mut().zip(label.bytes().cycle()).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

#[test]
fn the_terminals_challenge_is_what_was_drawn_for_it() {
    let card = card(CHIPS[0]);
    let challenges = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = challenges.clone();
    card.set_tamper(Some(Box::new(move |command, response| {
        if command.ins() == 0x88 {
            heard.lock().unwrap().push(command.data().to_vec());
        }
        response
    })));
    Session::open(card.insert_with(Labelled, cie::environment::FixedClock(now()))).unwrap();
    assert_eq!(*challenges.lock().unwrap(), [b"RND.IFDR".to_vec()]);
}

#[test]
fn debug_output_names_states_and_no_person() {
    let terminal = std::sync::Arc::new(cie::ias::Terminal::published().unwrap());
    let card = card(CHIPS[0]);
    let mut application = cie::ias::Application::select(link(&card)).unwrap();
    let mut seen = vec![format!("{application:?}")];
    application.read(File::Nis).unwrap();
    seen.push(format!("{application:?}"));
    let session = application.authenticate(&terminal, &mut cie::ias::CardCache::new()).unwrap();
    seen.push(format!("{session:?}"));
    let mut unlocked = session.verify_pin(&pin()).unwrap();
    seen.push(format!("{unlocked:?}"));
    let mut signer = unlocked.signer().unwrap();
    seen.push(format!("{signer:?}"));
    let size = signer.certificate().as_der().len();
    let signature = signer.sign(Purpose::Login, &Digest::of(DigestAlgorithm::Sha256, b"bytes")).unwrap();
    let store = trust();
    seen.push(format!("{store:?}"));
    let path = store.verify_holder(signer.certificate(), now()).unwrap();
    seen.push(format!("{path:?} {:?} {:?}", path.path()[0], path.subject()));
    seen.push(format!("{:?}", path.verify_signature(b"bytes", DigestAlgorithm::Sha256, &signature).unwrap()));
    assert_eq!(
        seen,
        [
            "Application(Root)",
            "Application(Cie)",
            "Session(Channel(protected), Left(3))",
            "Unlocked(..)",
            &format!("HolderSigner(PresentedCertificate({size} bytes))"),
            "TrustStore(1 anchors, 1 intermediates)",
            &format!("ValidPath(3 certificates, test) Certificate({size} bytes, test) Name(..)"),
            "VerifiedSignature(5 bytes, ValidPath(3 certificates, test))",
        ]
    );
}
