//! The citizen's confirmation: an order is shown, a PIN typed, the order signed, and kept before anybody is told.

use std::io::{self, Write};

use cie::card::{self, Session};
use cie::crypto::signature::{Purpose, Signer as _};
use cie::crypto::{Digest, DigestAlgorithm, PresentedCertificate};
use cie::environment::Clock;
use cie::genuine::{self, GenuineChip};
use cie::identity::{ClaimedIdentity, CommonNameError};
use cie::passive::SecurityObjectPolicy;
use cie::pin::LastTry;
use cie::secret::Typed;
use cie::transport::Link;
use cie::trust::{self, Certificate, TrustStore};

use crate::database::DatabaseError;
use crate::order::{Order, OrderError, TimeError};
use crate::outbox::{Kept, Outbox, State};
use crate::show;
use crate::signed::{SignedOrder, VerifyError};

/// Why an order was not confirmed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfirmError {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("{0}")]
    Card(#[from] cie::Error),
    #[error("nessun PIN inserito / no PIN was entered: {0}")]
    NoPin(io::Error),
    #[error("the card's certificate: {0}")]
    Certificate(#[from] trust::Error),
    #[error("the card's certificate: {0}")]
    Holder(#[from] CommonNameError),
    #[error(
        "l'ordine non è del titolare di questa carta / the order is for another payer than the holder of this card"
    )]
    OtherPayer,
    #[error("what the card signed does not hold: {0}")]
    Verify(#[from] VerifyError),
    #[error("the outbox: {0}")]
    Outbox(#[from] DatabaseError),
    #[error("the terminal: {0}")]
    Terminal(io::Error),
    #[error(
        "confermato e conservato, ma non mostrato / confirmed and kept, but that could not be shown: {0}"
    )]
    Unshown(io::Error),
}

impl ConfirmError {
    fn card(error: impl Into<cie::Error>) -> Self {
        Self::Card(error.into())
    }
}

/// A channel, as it confirms orders.
pub(crate) struct Channel<'a> {
    pub(crate) trust: &'a TrustStore,
    pub(crate) outbox: &'a mut Outbox,
    /// Whether the citizen wants to spend the last try.
    pub(crate) last_try: LastTry,
    /// Asked more than once: people take their time at the question for the PIN.
    pub(crate) clock: &'a dyn Clock,
    /// Where the PIN is typed. It is asked once.
    pub(crate) pin: &'a mut dyn FnMut() -> io::Result<Typed>,
    /// The citizen's screen.
    pub(crate) screen: &'a mut dyn Write,
}

impl Channel<'_> {
    /// Shows the order in these bytes and has it signed. When the screen says that it is confirmed, it is in the
    /// outbox, on the disk. An order that is in there already is not signed again, and no PIN is asked for.
    pub(crate) fn confirm(&mut self, bytes: &[u8], link: Link) -> Result<(), ConfirmError> {
        let order = Order::parse(bytes)?;
        self.say(&show::order(&order))?;
        if let Some(kept) = self.outbox.find(&order)? {
            return self.say(&already(&kept));
        }
        order.check_time(self.clock.now())?;

        let card = card::open(link).map_err(ConfirmError::card)?;
        let mut session = card.open_session().map_err(ConfirmError::card)?;
        let tries = session.check_pin_tries(self.last_try).map_err(ConfirmError::card)?;
        // Whoever has an invented card can ask for a PIN just as well. What a contact card says before it signs is not
        // proved by anything: its certificate and signature are all there is.
        let chip = match &mut session {
            Session::Cie3(session) => {
                let policy = SecurityObjectPolicy::default();
                Some(genuine::verify(session, self.trust, &policy).map_err(ConfirmError::card)?)
            }
            _ => None,
        };
        if let Some(certificate) = session.public_certificate().map_err(ConfirmError::card)? {
            check_holder(certificate, &order)?;
        }
        session.keep_exclusive().map_err(ConfirmError::card)?;
        self.say(&format!("{}\n", show::tries(tries)))?;

        let signed = self.sign(session, chip.as_ref(), &order, bytes)?;
        // As every other channel and the ledger will see it: what does not hold must not be promised.
        let now = self.clock.now();
        let pending = signed.verify(self.trust, now)?;
        self.outbox.keep(&pending, now)?;
        let confirmed = format!(
            "CONFERMATO, in attesa di regolamento / CONFIRMED, pending: {}{}\n",
            order.id(),
            mark(pending.is_test())
        );
        self.say(&confirmed).map_err(|error| match error {
            ConfirmError::Terminal(error) => ConfirmError::Unshown(error),
            error => error,
        })
    }

    /// One PIN, one VERIFY, one signature; the card forgets the PIN again in any case.
    fn sign(
        &mut self,
        session: Session,
        chip: Option<&GenuineChip>,
        order: &Order,
        bytes: &[u8],
    ) -> Result<SignedOrder, ConfirmError> {
        let pin = (self.pin)().map_err(ConfirmError::NoPin)?;
        // No try is spent for what nobody would settle any more.
        order.check_time(self.clock.now())?;
        let mut unlocked = session.verify_pin(&pin, self.last_try).map_err(ConfirmError::card)?;
        drop(pin);
        let mut signer = unlocked.signer().map_err(ConfirmError::card)?;
        if let Some(chip) = chip {
            chip.check_holder_certificate(signer.certificate()).map_err(ConfirmError::card)?;
        }
        check_holder(signer.certificate(), order)?;
        let digest = Digest::of(DigestAlgorithm::Sha256, bytes);
        let signature = signer.sign(Purpose::Document, &digest).map_err(ConfirmError::card)?;
        Ok(SignedOrder::new(bytes.to_vec(), signer.certificate(), signature))
    }

    fn say(&mut self, text: &str) -> Result<(), ConfirmError> {
        self.screen
            .write_all(text.as_bytes())
            .and_then(|()| self.screen.flush())
            .map_err(ConfirmError::Terminal)
    }
}

/// Nobody signs an order that names somebody else: no ledger would take it.
fn check_holder(certificate: &PresentedCertificate, order: &Order) -> Result<(), ConfirmError> {
    let certificate = Certificate::from_der(certificate.as_der())?;
    let identity = ClaimedIdentity::of(certificate.subject())?;
    if identity.fiscal_code() == order.payer() { Ok(()) } else { Err(ConfirmError::OtherPayer) }
}

fn already(kept: &Kept) -> String {
    let (id, mark) = (&kept.id, mark(kept.is_test));
    match &kept.state {
        State::Waiting => {
            format!("GIÀ CONFERMATO, in attesa di regolamento / CONFIRMED BEFORE, pending: {id}{mark}\n")
        }
        State::Settled(receipt) => {
            format!("GIÀ PAGATO, ricevuta / PAID BEFORE, receipt {receipt}: {id}{mark}\n")
        }
        State::Refused(reason) => format!("RIFIUTATO / REFUSED: {reason}: {id}{mark}\n"),
    }
}

/// What is said beside everything that a software card signed.
pub(crate) fn mark(is_test: bool) -> &'static str {
    if is_test { "  (TEST - NOT A REAL CARD)" } else { "" }
}
