//! The demonstration: a software card in a folder, its anchors and lists, and its answer to a challenge.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cie::card;
use cie::emulator::folder::{self, FolderOptions};
use cie::emulator::{self, SoftCard};
use cie::login::store::SessionId;
use cie::login::{AuthToken, Nonce, Origin};
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::trust::TrustStore;

/// How many challenges are remembered.
const REMEMBERED: usize = 256;

/// Why the software card gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("the card's file is open in another program")]
    InUse,
    #[error("{0}")]
    Failed(String),
}

impl DemoError {
    /// Which of the sentences tells it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::InUse => "demo-card-in-use",
            Self::Failed(_) => "demo-card-failed",
        }
    }

    fn of(error: impl Into<cie::Error>) -> Self {
        match error.into() {
            cie::Error::SoftCard(emulator::Error::InUse) => Self::InUse,
            error => Self::Failed(error.to_string()),
        }
    }
}

/// The software card of a folder.
pub(crate) struct Demo {
    folder: PathBuf,
    pin: String,
    /// One login at a time: there is one card.
    turn: Mutex<()>,
    /// The last challenge of each of the last visitors.
    asked: Mutex<VecDeque<(SessionId, Nonce)>>,
}

impl Demo {
    /// Opens the folder, or makes a card in it if there is none.
    pub(crate) fn open(folder: &Path, pin: &str) -> Result<Self, Box<dyn std::error::Error>> {
        if !folder.join(folder::CARD).exists() {
            let pin = pin.as_bytes().try_into().map_err(|_| "the PIN of a new card has eight digits")?;
            folder::create(folder, &FolderOptions { pin, ..FolderOptions::new(SystemTime::now()) })?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            pin: pin.to_owned(),
            turn: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn card(&self) -> PathBuf {
        self.folder.join(folder::CARD)
    }

    /// The anchors that lie beside the card: a test PKI, for which a real portal has no room.
    pub(crate) fn trust(&self) -> Result<TrustStore, Box<dyn std::error::Error>> {
        Ok(TrustStore::new().allow_test_pki().load(self.folder.join(folder::TRUST))?)
    }

    pub(crate) fn lists(&self) -> PathBuf {
        self.folder.join("lists")
    }

    /// Remembers a visitor's challenge instead of an earlier one.
    pub(crate) fn remember(&self, id: SessionId, nonce: Nonce) {
        let mut asked = self.asked();
        asked.retain(|(other, _)| *other != id);
        if asked.len() >= REMEMBERED {
            asked.pop_front();
        }
        asked.push_back((id, nonce));
    }

    /// What was remembered, once.
    pub(crate) fn remembered(&self, id: &SessionId) -> Option<Nonce> {
        let mut asked = self.asked();
        let place = asked.iter().position(|(other, _)| other == id)?;
        asked.remove(place).map(|(_, nonce)| nonce)
    }

    fn asked(&self) -> MutexGuard<'_, VecDeque<(SessionId, Nonce)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the card answer a challenge, as the program on a citizen's computer would. The file is open meanwhile only.
    pub(crate) fn answer(&self, origin: &Origin, nonce: &Nonce) -> Result<String, DemoError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let card = SoftCard::open(self.card()).map_err(DemoError::of)?;
        let session =
            card::open(card.insert()).map_err(DemoError::of)?.open_session().map_err(DemoError::of)?;
        let pin = Typed::new(self.pin.clone());
        let mut unlocked = session.verify_pin(&pin, LastTry::Refuse).map_err(DemoError::of)?;
        let mut signer = unlocked.signer().map_err(DemoError::of)?;
        let token = AuthToken::create(&mut signer, origin, nonce);
        token.map(|token| token.to_json()).map_err(|error| DemoError::Failed(error.to_string()))
    }
}
