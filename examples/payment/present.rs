//! Bringing orders to the ledger: one of them, or all that wait in an outbox, after a crash or just now.

use std::time::SystemTime;

use cie::Language;
use cie::trust::{self, Fetch, FetchError, Revocation, StatusRequest, TrustStore};

use crate::database::DatabaseError;
use crate::ledger::{Ledger, Receipt, Refusal};
use crate::order::TimeError;
use crate::outbox::{Kept, Outbox, State};
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
    #[error("the outbox: {0}")]
    Outbox(DatabaseError),
}

impl PresentError {
    /// Whether it may be otherwise later: the order goes on waiting. Its path was good when it was confirmed, so that
    /// there is none now speaks of the folder with the anchors, not of the order.
    pub(crate) fn may_pass(&self) -> bool {
        use trust::Error::{BadSignature, InvalidPath, TestCertificate};
        match self {
            Self::Verify(VerifyError::Trust(TestCertificate | BadSignature | InvalidPath(_))) => true,
            Self::Verify(error) => error.is_unchecked(),
            Self::Status(error) => error.is_unchecked(),
            Self::Refused(refusal) => {
                matches!(refusal, Refusal::Ledger(_) | Refusal::Stale | Refusal::Time(TimeError::Future))
            }
            Self::Outbox(_) => false,
        }
    }

    /// Why, and what a citizen can do about it, in both languages where the library has advice.
    pub(crate) fn reason(&self) -> String {
        let (Self::Status(error) | Self::Verify(VerifyError::Trust(error))) = self else {
            return self.to_string();
        };
        let error = cie::Error::from(error.clone());
        let advice = [Language::Italian, Language::English].map(|language| error.advice(language));
        format!("{self}. {}", advice.join(" / "))
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

    /// Presents all that wait, and tells each outcome as it comes. That the ledger has an order already is as good as
    /// that it takes it now: the answer to the first attempt was lost. What was refused before is looked up only:
    /// somebody may have had it settled since. One row that is damaged does not keep the others waiting.
    pub(crate) fn present(
        &mut self,
        outbox: &mut Outbox,
        now: SystemTime,
        tell: &mut dyn FnMut(Presented),
    ) -> Result<(), DatabaseError> {
        for kept in outbox.unsettled()? {
            let outcome = self.outcome_of(&kept, now);
            let Some(outcome) = outcome else { continue };
            let noted = match (&kept.signed, &outcome) {
                (Ok(signed), Ok(receipt)) => outbox.mark_settled(signed.order_bytes(), receipt),
                (Ok(signed), Err(error)) if !error.may_pass() => {
                    outbox.mark_refused(signed.order_bytes(), &error.reason())
                }
                _ => Ok(()),
            };
            let mut tell = |outcome| tell(Presented { id: kept.id.clone(), is_test: kept.is_test, outcome });
            tell(outcome);
            if let Err(error) = noted {
                tell(Err(PresentError::Outbox(error)));
            }
        }
        Ok(())
    }

    /// What the ledger says of an order; nothing, if it says what it said before.
    fn outcome_of(&mut self, kept: &Kept, now: SystemTime) -> Option<Result<Receipt, PresentError>> {
        let signed = match &kept.signed {
            Ok(signed) => signed,
            Err(error) => {
                return Some(Err(PresentError::Outbox(DatabaseError::Damaged(error.to_string()))));
            }
        };
        if let State::Refused(_) = kept.state {
            let known = self.ledger.receipt_of(signed.order_bytes());
            return known.map_err(|error| Refusal::from(error).into()).transpose();
        }
        Some(match self.settle(signed, now) {
            Err(PresentError::Refused(Refusal::SameOrder(receipt))) => Ok(*receipt),
            outcome => outcome,
        })
    }
}

/// An order from the outbox, and what the ledger said.
pub(crate) struct Presented {
    pub(crate) id: String,
    pub(crate) is_test: bool,
    pub(crate) outcome: Result<Receipt, PresentError>,
}
