//! The lists that are held, by issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::request::StatusRequest;
use crate::trust::Certificate;
use crate::trust::crl::{ListFault, RevocationList};

/// The most lists that are held; the one with the nearest next update goes first.
const LISTS_MAX: usize = 256;

/// A list, and by which issuers' keys its signature was checked.
pub(super) struct Held {
    list: RevocationList,
    checked: Mutex<HashMap<By, Result<(), ListFault>>>,
}

/// By the fingerprint of the issuer's certificate, and whether SHA-1 was let pass.
type By = ([u8; 32], bool);

impl Held {
    pub(super) fn new(list: RevocationList) -> Self {
        Self { list, checked: Mutex::default() }
    }

    pub(super) fn list(&self) -> &RevocationList {
        &self.list
    }

    /// Checks the signature, once for each issuer.
    pub(super) fn check_issuer(&self, issuer: &Certificate, allow_sha1: bool) -> Result<(), ListFault> {
        let key = (issuer.fingerprint(), allow_sha1);
        let checked = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = checked().get(&key) {
            return *outcome;
        }
        let outcome = self.list.check_issuer(issuer, allow_sha1);
        let mut checked = checked();
        // Issuers of one name are few, unless somebody makes them.
        if checked.len() < 16 {
            checked.insert(key, outcome);
        }
        outcome
    }
}

/// Where a list was fetched, and for whom.
struct Source {
    issuer: Arc<Certificate>,
    locations: Vec<String>,
    allow_sha1: bool,
}

struct Entry {
    held: Arc<Held>,
    /// `None` for a list that somebody gave.
    source: Option<Source>,
}

impl Entry {
    /// Whether three quarters of the time for which it is good are over.
    fn is_due(&self, at: SystemTime, max_age: Option<Duration>) -> bool {
        let (this, next) = (self.held.list.this_update(), self.held.list.next_update());
        let lifetime = next.duration_since(this).unwrap_or_default();
        let lifetime = max_age.map_or(lifetime, |age| age.min(lifetime));
        this.checked_add(lifetime / 4 * 3).is_none_or(|due| due <= at)
    }
}

/// All lists.
#[derive(Default)]
pub(super) struct Lists(Vec<Entry>);

impl Lists {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lists of an issuer, by its name; the newest first.
    pub(super) fn of_issuer(&self, issuer_der: &[u8]) -> Vec<Arc<Held>> {
        let entries = self.0.iter().filter(|entry| entry.held.list.issuer_der() == issuer_der);
        let mut lists: Vec<_> = entries.map(|entry| Arc::clone(&entry.held)).collect();
        lists.sort_by_key(|held| std::cmp::Reverse(held.list.this_update()));
        lists
    }

    /// A list that somebody gave.
    pub(super) fn add(&mut self, list: RevocationList) {
        self.insert(Held::new(list), None);
    }

    /// A list that was fetched, and checked for its issuer.
    pub(super) fn keep(
        &mut self,
        held: Held,
        issuer: &Arc<Certificate>,
        locations: &[String],
        allow_sha1: bool,
    ) {
        let source = Source { issuer: Arc::clone(issuer), locations: locations.to_vec(), allow_sha1 };
        self.insert(held, Some(source));
    }

    fn insert(&mut self, held: Held, source: Option<Source>) {
        // Lists need not name the key. Those that were fetched were checked with one: an issuer with two keys has
        // two series.
        let replaces = |entry: &&mut Entry| {
            let same_key = match (&entry.source, &source) {
                (Some(one), Some(other)) => one.issuer.public_key_der() == other.issuer.public_key_der(),
                (one, other) => one.is_none() && other.is_none(),
            };
            same_key && entry.held.list.is_of_one_series_with(&held.list)
        };
        match self.0.iter_mut().find(replaces) {
            // An older list in place of a newer one would bring a revoked certificate back.
            Some(entry) if entry.held.list.this_update() > held.list.this_update() => {}
            Some(entry) => *entry = Entry { held: Arc::new(held), source },
            None => self.0.push(Entry { held: Arc::new(held), source }),
        }
        if self.0.len() > LISTS_MAX {
            let nearest = self.0.iter().enumerate().min_by_key(|(_, entry)| entry.held.list.next_update());
            if let Some(index) = nearest.map(|(index, _)| index) {
                self.0.swap_remove(index);
            }
        }
    }

    /// What should be fetched again.
    pub(super) fn due(&self, at: SystemTime, max_age: Option<Duration>) -> Vec<StatusRequest> {
        let due = self.0.iter().filter(|entry| entry.is_due(at, max_age));
        due.filter_map(|entry| entry.source.as_ref())
            .map(|source| StatusRequest::list(&source.locations))
            .collect()
    }

    /// For whom a list at these addresses was fetched, and whether SHA-1 is let pass.
    pub(super) fn issuers_of(&self, request: &StatusRequest) -> Vec<(Arc<Certificate>, bool)> {
        let sources = self.0.iter().filter_map(|entry| entry.source.as_ref());
        let found = sources.filter(|source| source.locations == request.locations);
        found.map(|source| (Arc::clone(&source.issuer), source.allow_sha1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::crl::tests::example;

    #[test]
    fn a_signature_is_checked_once_for_each_issuer() {
        let (list, issuer) = example();
        let held = Held::new(list);
        for _ in 0..3 {
            assert_eq!(held.check_issuer(&issuer, false), Ok(()));
        }
        assert_eq!(held.checked.lock().unwrap().len(), 1);
        // What was found is what is said from then on.
        let by = (issuer.fingerprint(), false);
        held.checked.lock().unwrap().insert(by, Err(ListFault::BadSignature));
        assert_eq!(held.check_issuer(&issuer, false), Err(ListFault::BadSignature));
        // With SHA-1 let pass it is another question.
        assert_eq!(held.check_issuer(&issuer, true), Ok(()));
        assert_eq!(held.checked.lock().unwrap().len(), 2);
    }
}
