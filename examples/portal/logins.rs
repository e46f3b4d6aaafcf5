//! Logins that are verified: a few at a time, and each within a time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use cie::login::store::SessionId;
use cie::login::{Citizen, Error, RelyingParty};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use crate::lists;

/// Why nobody came in.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Too many are verified already. The challenge is still there.
    Busy,
    /// The relying party's word.
    Refused(Error),
    /// It ended before there was an outcome.
    Broken(JoinError),
}

/// Verifies logins.
pub(crate) struct Logins {
    party: RelyingParty,
    turns: Arc<Semaphore>,
    /// How long everything that has to be fetched for a login may take together.
    fetching: Duration,
}

impl Logins {
    /// So many at a time, which must be less than there are threads for what blocks, and each with so much time for
    /// what it fetches.
    pub(crate) fn new(party: RelyingParty, most: usize, fetching: Duration) -> Self {
        Self { party, turns: Arc::new(Semaphore::new(most)), fetching }
    }

    /// Judges a token. If whoever asked goes away meanwhile, it goes on and keeps its turn to the end.
    pub(crate) async fn verify(&self, session: &SessionId, token: Bytes) -> Result<Citizen, Failure> {
        let turn = self.turns.clone().try_acquire_owned().map_err(|_| Failure::Busy)?;
        let (party, session, fetching) = (self.party.clone(), session.clone(), self.fetching);
        let verify = move || {
            let _turn = turn;
            let pending = party.begin(&session, &token)?;
            // Between two answers the library looks whether the first was enough: a responder, which learns who logs
            // in here, is asked only if the list was of no use.
            let answers = lists::within(fetching, || pending.fetch());
            pending.finish(&answers)
        };
        let outcome = tokio::task::spawn_blocking(verify).await.map_err(Failure::Broken)?;
        outcome.map_err(Failure::Refused)
    }
}
