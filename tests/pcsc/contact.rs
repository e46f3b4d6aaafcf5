//! Contact cards behind a real pcscd: the same flows as in process, and who gets at a card whose PIN is verified, a
//! state that serves any program.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cie::card;
use cie::cns::{Credential, Session, Step};
use cie::crypto::signature::{Purpose, Signer};
use cie::crypto::{Digest, DigestAlgorithm};
use cie::emulator::contact::Model;
use cie::emulator::{SoftCard, vpcd};
use cie::iso7816::command;
use cie::transport::pcsc::{Service, Sharing};
use cie::transport::{Error, Link};

use super::flows::{lay, take_away};
use crate::common::contact_flows::{Desk, FLOWS, card, pin, signs_without_pin};
use crate::common::costs::rows;
use crate::common::pcscd::{Pcscd, READER, until};
use crate::common::say;
use crate::isolated_tests;

/// What the other process does: nothing in the test's own process.
const ROLE: &str = "CIE_TEST_CONTACT_ROLE";

fn shared(service: &Service) -> Link {
    service.connect(READER, Sharing::Shared).unwrap()
}

fn every_flow(model: Model) {
    let _pcscd = Pcscd::start();
    for (flow, run) in FLOWS {
        say(&format!("{model}: {flow}"));
        let card = card(model);
        let (service, remover) = lay(&card);
        run(&Desk { model, card: &card, connect: &|| shared(&service) });
        take_away(&service, &remover);
    }
}

/// Whether the card signs for a program that comes now and shows no PIN.
fn serves_anybody(card: &SoftCard, service: &Service) -> bool {
    signs_without_pin(&Desk { model: Model::Cns10, card, connect: &|| shared(service) })
}

/// This test program once more, beside this process: does what `role` says, and waits to be killed.
fn other_process(test: &str, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("contact::{test}"), "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the other process does. It never returns.
fn play(role: &str) -> ! {
    let service = Service::open().unwrap();
    let mut link = shared(&service);
    let _held: Box<dyn std::any::Any> = match role {
        "log in" => Box::new(Session::open(link).unwrap().verify_pin(&pin()).unwrap()),
        // As a program that knows nothing of all this would do it.
        "verify, shared" => {
            assert!(link.exchange(&command::select_identifier(0x3F00)).unwrap().status().is_success());
            let verify = command::verify(0x10, pin().expose());
            assert!(link.exchange(&verify).unwrap().status().is_success());
            Box::new(link)
        }
        other => panic!("{other}"),
    };
    std::thread::sleep(Duration::from_secs(100));
    panic!("nobody has killed this process");
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A card that is taken away when this is dropped.
struct Laid(Service, vpcd::Remover);

impl Drop for Laid {
    fn drop(&mut self) {
        take_away(&self.0, &self.1);
    }
}

isolated_tests! {
    fn every_flow_on_cns_1_0() {
        every_flow(Model::Cns10);
    }

    fn every_flow_on_cns_1_1() {
        every_flow(Model::Cns11);
    }

    fn every_flow_on_cie_2() {
        every_flow(Model::Cie2);
    }

    fn every_flow_on_a_card_that_corrects_lengths() {
        every_flow(Model::Athena);
    }

    fn every_flow_within_an_application() {
        every_flow(Model::Ace);
    }

    fn from_login_to_logout_nobody_else_gets_at_the_card() {
        let _pcscd = Pcscd::start();
        let card = card(Model::Cns10);
        let (service, remover) = lay(&card);
        // Reading is for everybody.
        let mut session = Session::open(shared(&service)).unwrap();
        let mut other = shared(&service);
        session.read_personal_data().unwrap();
        other.exchange(&command::select_identifier(0x3F00)).unwrap();
        // With another program connected no PIN is shown, and nothing is lost by having tried.
        let refused = session.verify_pin(&pin()).unwrap_err();
        assert_eq!(refused.error.step, Step::KeepExclusive);
        assert_eq!(cie::Error::from(refused.error).code(), "card-in-use");
        assert_eq!(card.verify_count(), 0);
        other.exchange(&command::select_identifier(0x3F00)).unwrap();
        let mut session = *refused.back;
        session.read_personal_data().unwrap();
        drop(other);

        let mut unlocked = session.verify_pin(&pin()).unwrap();
        for sharing in [Sharing::Shared, Sharing::Exclusive] {
            assert_eq!(service.connect(READER, sharing).unwrap_err(), Error::InUse);
        }
        let digest = Digest::of(DigestAlgorithm::Sha256, b"a message");
        unlocked.signer().unwrap().sign(Purpose::Login, &digest).unwrap();
        // Locked, the card has forgotten the PIN before anybody gets near.
        let session = unlocked.lock().unwrap();
        assert!(!serves_anybody(&card, &service));
        let unlocked = session.verify_pin(&pin()).unwrap();
        drop(unlocked);
        assert!(!serves_anybody(&card, &service));
        assert_eq!((card.verify_count(), card.pin_tries()), (2, 3));
        take_away(&service, &remover);
    }

    fn a_wrong_pin_lets_the_others_in_again() {
        let _pcscd = Pcscd::start();
        let card = card(Model::Cns10);
        let (service, remover) = lay(&card);
        let typed = |text: &str| cie::secret::Typed::new(text.to_owned());
        let session = card::open(shared(&service)).unwrap().open_session().unwrap();
        let refused = session.verify_pin(&typed("99999"), cie::pin::LastTry::Refuse).unwrap_err();
        assert!(!serves_anybody(&card, &service));
        let mut session = *refused.back;
        session.public_certificate().unwrap();
        session.verify_pin(&typed("12345678"), cie::pin::LastTry::Refuse).unwrap();
        take_away(&service, &remover);
    }

    /// The figures are for a person in `benches/contact.rs`.
    fn every_operation_takes_fewer_exchanges_and_bytes_than_with_opensc() {
        let _pcscd = Pcscd::start();
        for row in rows(|card| {
            let (service, remover) = lay(card);
            (service.clone(), Laid(service, remover))
        }) {
            let (ours, opensc) = (row.ours, row.named);
            let what = format!("{}, {}: {ours:?}, OpenSC {opensc:?}", row.model, row.what);
            assert!(ours.exchanges < opensc.exchanges && ours.bytes < opensc.bytes, "{what}");
            assert!(opensc.exchanges < row.opensc.exchanges, "it looks for other cards, too");
        }
    }

    /// What a person takes away while the PIN is being typed is gone, whatever lies there then: no PIN goes to the
    /// next one's card.
    fn a_card_that_was_taken_away_is_shown_no_pin_and_nor_is_the_next() {
        let _pcscd = Pcscd::start();
        for sharing in [Sharing::Shared, Sharing::Exclusive] {
            for swapped in [false, true] {
                let (mine, next) = (card(Model::Cns10), card(Model::Cns10));
                let (service, remover) = lay(&mine);
                let session = Session::open(service.connect(READER, sharing).unwrap()).unwrap();
                take_away(&service, &remover);
                let laid = swapped.then(|| lay(&next));
                let refused = session.verify_pin(&pin()).unwrap_err();
                let gone = |error: cie::cns::Error| {
                    assert_eq!(cie::Error::from(error).code(), "card-removed", "{sharing:?}, {swapped}");
                };
                gone(refused.error);
                let mut session = *refused.back;
                // It stays so, and is said so.
                gone(session.read_personal_data().unwrap_err());
                gone(session.verify_pin(&pin()).unwrap_err().error);
                assert_eq!((mine.verify_count(), next.verify_count()), (0, 0));
                if let Some((service, remover)) = laid {
                    take_away(&service, &remover);
                }
            }
        }
    }

    /// A connection that was exclusive from the beginning stays so.
    fn an_exclusive_connection_stays_exclusive() {
        let _pcscd = Pcscd::start();
        let card = card(Model::Cns10);
        let (service, remover) = lay(&card);
        let session = Session::open(service.connect(READER, Sharing::Exclusive).unwrap()).unwrap();
        let unlocked = session.verify_pin(&pin()).unwrap();
        let mut session = unlocked.lock().unwrap();
        assert_eq!(service.connect(READER, Sharing::Shared).unwrap_err(), Error::InUse);
        session.change_pin(Credential::Authentication, &pin(), &pin(), cie::pin::LastTry::Refuse).unwrap();
        assert_eq!(service.connect(READER, Sharing::Shared).unwrap_err(), Error::InUse);
        drop(session);
        assert!(!serves_anybody(&card, &service));
        take_away(&service, &remover);
    }

    /// A process that is killed cannot reset its card. The service does, when it notices, and lets nobody in
    /// before.
    fn a_killed_process_leaves_no_verified_pin() {
        if let Ok(role) = std::env::var(ROLE) {
            play(&role);
        }
        let _pcscd = Pcscd::start();
        let card = card(Model::Cns10);
        let (service, remover) = lay(&card);
        let holder = other_process("a_killed_process_leaves_no_verified_pin", "log in");
        until("the other process has shown the PIN", || card.verify_count() == 1);
        until("it keeps the card", || service.connect(READER, Sharing::Shared).err() == Some(Error::InUse));
        kill(holder);
        until("the card is free", || service.connect(READER, Sharing::Shared).is_ok());
        assert!(!serves_anybody(&card, &service));
        assert_eq!((card.verify_count(), card.pin_tries()), (1, 3));
        take_away(&service, &remover);
    }

    /// What a login that is not exclusive would leave behind, while its program lives and after its death: the
    /// service resets the card of a dead program only if that one had it for itself.
    fn a_pin_that_was_verified_while_shared_serves_everybody() {
        if let Ok(role) = std::env::var(ROLE) {
            play(&role);
        }
        let _pcscd = Pcscd::start();
        let card = card(Model::Cns10);
        let (service, remover) = lay(&card);
        let test = "a_pin_that_was_verified_while_shared_serves_everybody";
        let holder = other_process(test, "verify, shared");
        until("the other process has shown the PIN", || card.verify_count() == 1);
        assert!(serves_anybody(&card, &service), "signed without a PIN");
        kill(holder);
        assert!(serves_anybody(&card, &service), "and nobody has reset the card");
        take_away(&service, &remover);
    }
}
