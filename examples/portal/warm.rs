//! What is done every few minutes, so that nobody who logs in waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use cie::login::RelyingParty;
use cie::trust::{Answer, Fetch, StatusRequest};

use crate::folders::Folders;
use crate::lists::{self, Lists};

/// How often it is looked whether a list has to be fetched again.
const ROUND: Duration = Duration::from_secs(180);
/// How long a list may take when nobody waits for it.
const PATIENT: Duration = Duration::from_secs(120);

/// Never ends: reads what is new in the folders, and fetches what is due.
pub(crate) async fn keep_warm(party: RelyingParty, lists: Option<Lists>, folders: Folders) {
    let folders = Mutex::new(folders);
    let round = move || {
        if let Err(error) = folders.lock().unwrap_or_else(PoisonError::into_inner).read(&party) {
            crate::log(format_args!("lists: {error}"));
        }
        lists.iter().for_each(|lists| fetch_due(&party, lists));
    };
    every(ROUND, round).await;
}

/// Never ends: does something again and again, where blocking is allowed, also if it went wrong the last time.
pub(crate) async fn every(period: Duration, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    loop {
        tokio::time::sleep(period).await;
        let work = work.clone();
        match tokio::task::spawn_blocking(move || work()).await {
            // The server is ending.
            Err(error) if error.is_cancelled() => return,
            Err(error) => crate::log(format_args!("it is tried again in {period:?}: {error}")),
            Ok(()) => {}
        }
    }
}

fn fetch_due(party: &RelyingParty, lists: &Lists) {
    let due = party.revocation().due(SystemTime::now());
    let fetch = |(index, request): (usize, &StatusRequest)| {
        let any = || request.locations.iter().find_map(|location| lists.fetch(request, location).ok());
        lists::within(PATIENT, any).map(|body| Answer::new(index, body))
    };
    let answers: Vec<Answer> = due.iter().enumerate().filter_map(fetch).collect();
    if let Err(fault) = party.revocation().refresh(&due, &answers, SystemTime::now()) {
        crate::log(format_args!("a list that was fetched: {fault}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_round_that_goes_wrong_is_not_the_last() {
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = rounds.clone();
        let work = move || assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "the first goes wrong");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let for_a_while = Duration::from_secs(10);
        runtime.block_on(async {
            let all = every(Duration::from_millis(1), work);
            let third = async {
                while rounds.load(Ordering::Relaxed) < 3 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(for_a_while, async {
                tokio::select! {
                    () = all => panic!("it ended"),
                    () = third => {}
                }
            })
            .await
            .unwrap();
        });
    }
}
