//! Bringing orders to the ledger: one of them, or all that wait in an outbox, after a crash or just now.

use std::time::SystemTime;

use cie::trust::{self, Fetch, FetchError, Revocation, StatusRequest, TrustStore};

use crate::database::DatabaseError;
use crate::ledger::{Ledger, Receipt, Refusal};
use crate::order::{OrderId, TimeError};
use crate::outbox::Outbox;
use crate::signed::{SignedOrder, VerifyError};

/// Why an order was not settled, from the signature to the ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PresentError {
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("the status of the payer's certificate: {0}")]
    Status(trust::Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl PresentError {
    /// Whether it may be otherwise later: the order goes on waiting.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Verify(error) => error.is_unchecked(),
            Self::Status(error) => error.is_unchecked(),
            Self::Refused(refusal) => {
                matches!(refusal, Refusal::Ledger(_) | Refusal::Stale | Refusal::Time(TimeError::Future))
            }
        }
    }
}

/// What the ledger's side needs: whom it trusts, what was revoked, its file.
pub(crate) struct Till<'a> {
    pub(crate) trust: &'a TrustStore,
    /// With the lists that somebody brought.
    pub(crate) revocation: &'a Revocation,
    /// Who asks for what those lists do not say. See `examples/portal/http.rs` for one that does.
    pub(crate) fetch: &'a dyn Fetch,
    pub(crate) ledger: &'a mut Ledger,
}

/// Asks nobody: the lists have to say it all.
pub(crate) struct Offline;

impl Fetch for Offline {
    fn fetch(&self, _: &StatusRequest, _: &str) -> Result<Vec<u8>, FetchError> {
        Err(FetchError("nothing is fetched here: bring the list".to_owned()))
    }
}

impl Till<'_> {
    /// Verifies a signed order, asks for the status of its payer's certificate, and settles it.
    pub(crate) fn settle(&mut self, signed: &SignedOrder, now: SystemTime) -> Result<Receipt, PresentError> {
        // First of all, and without judging the order: who has been served may ask for the receipt for ever, also
        // when the order has expired or the card was revoked since.
        let known = self.ledger.receipt_of(signed.order_bytes()).map_err(Refusal::from)?;
        if let Some(receipt) = known {
            return Err(Refusal::SameOrder(Box::new(receipt)).into());
        }
        let asked =
            signed.verify(self.trust, now)?.ask(self.revocation, now).map_err(PresentError::Status)?;
        let answers = asked.fetch(self.fetch, now);
        let payable = asked.finish(&answers, now).map_err(PresentError::Status)?;
        Ok(self.ledger.settle(&payable, now)?)
    }

    /// Presents all that wait. That the ledger has an order already is as good as that it takes it now: the answer to
    /// the first attempt was lost. Gives each order with what became of it.
    pub(crate) fn present(
        &mut self,
        outbox: &mut Outbox,
        now: SystemTime,
    ) -> Result<Vec<Presented>, DatabaseError> {
        let mut presented = Vec::new();
        for (id, signed) in outbox.waiting()? {
            let outcome = match self.settle(&signed, now) {
                Ok(receipt) => Ok(receipt),
                Err(PresentError::Refused(Refusal::SameOrder(receipt))) => Ok(*receipt),
                Err(error) => Err(error),
            };
            match &outcome {
                Ok(receipt) => outbox.mark_settled(id, receipt)?,
                Err(error) if error.may_pass() => {}
                Err(error) => outbox.mark_refused(id, &error.to_string())?,
            }
            presented.push(Presented { id, outcome });
        }
        Ok(presented)
    }
}

/// An order from the outbox, and what the ledger said.
pub(crate) struct Presented {
    pub(crate) id: OrderId,
    pub(crate) outcome: Result<Receipt, PresentError>,
}
