//! The citizen's card: a software card in its folder, laid on the virtual reader and taken away.

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use cie::emulator::folder::{self, FolderOptions};
use cie::emulator::{SoftCard, vpcd};
use cie::ias::Session;
use cie::pin::LastTry;
use cie::secret::Pin;
use cie::transport::pcsc::Service;
use serde_json::Value;

use crate::common::pcscd::{PORT, READER};

const LONG: Duration = Duration::from_secs(5);

/// A card that this process holds, to see what it was told.
pub(crate) struct Card {
    pub(crate) soft: SoftCard,
    /// Given names and surname, as `citizen.json` has them.
    pub(crate) names: [String; 2],
    /// How often a PIN had been shown to it before the test.
    before: u32,
}

impl Card {
    /// Makes a card that is valid now, with its authorities.
    pub(crate) fn make(folder: &Path) -> Self {
        // The same citizen every time, whose names have accents; the keys are others.
        let options = FolderOptions { seed: Some(0), ..FolderOptions::new(SystemTime::now()) };
        folder::create(folder, &options).unwrap();
        let soft = SoftCard::open(folder.join(folder::CARD)).unwrap();
        let citizen = std::fs::read(folder.join(folder::CITIZEN)).unwrap();
        let citizen: Value = serde_json::from_slice(&citizen).unwrap();
        let person = citizen.get("person").unwrap_or(&citizen);
        let names = ["given_names", "surname"].map(|name| person[name].as_str().unwrap().to_owned());
        Self { soft, names, before: 0 }
    }

    /// Spends tries of the PIN before the test, down to so many.
    pub(crate) fn spend_tries(&mut self, left: u8) {
        let mut session = Session::open(self.soft.insert()).unwrap();
        while self.soft.pin_tries() > left {
            let wrong = Pin::parse(crate::WRONG_PIN).unwrap();
            session = *session.verify_pin_with(&wrong, LastTry::Spend).unwrap_err().back;
        }
        self.before = self.soft.verify_count();
    }

    /// How often the test has shown it a PIN, and how many tries it has left.
    pub(crate) fn verified(&self) -> (u32, u8) {
        (self.soft.verify_count() - self.before, self.soft.pin_tries())
    }

    /// Lays it on the first reader, and waits until the service sees it.
    pub(crate) fn lay(&self) -> Laid {
        let connection = vpcd::connect(&self.soft, ("127.0.0.1", PORT)).unwrap();
        let remover = connection.remover();
        thread::spawn(move || connection.serve());
        let service = Service::open().unwrap();
        service.watch().wait_for_card(Some(READER), LONG).unwrap();
        Laid { service, remover }
    }

    /// Lets it be taken away when the PIN is shown to it: it hears the PIN, and nobody hears its answer.
    pub(crate) fn remove_at_verify(&self, laid: &Laid) {
        let remover = laid.remover.clone();
        self.soft.set_tamper(Some(Box::new(move |command, answer| {
            if command.ins() == 0x20 && !command.data().is_empty() {
                remover.remove();
            }
            answer
        })));
    }
}

/// A card on the reader.
pub(crate) struct Laid {
    service: Service,
    remover: vpcd::Remover,
}

impl Laid {
    pub(crate) fn take_away(self) {
        self.remover.remove();
        self.service.watch().wait_for_removal(READER, LONG).unwrap();
    }
}
