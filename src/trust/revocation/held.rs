//! The lists that are held, by issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::request::StatusRequest;
use crate::trust::Certificate;
use crate::trust::crl::{ListFault, RevocationList};

/// The most lists that are held; those go first that nobody signed, and then the one with the nearest next update.
const LISTS_MAX: usize = 256;

/// The most lists of one series that were given and that no issuer's key was found to have signed. More than one: such
/// a list may be anybody's, and must not keep the issuer's own out.
const UNSIGNED_MAX: usize = 4;

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

    /// A list that an issuer signed.
    pub(super) fn signed(bytes: &[u8], issuer: &Certificate, allow_sha1: bool) -> Result<Self, ListFault> {
        let (list, ()) = RevocationList::read(bytes, |list| list.check_issuer(issuer, allow_sha1))?;
        let by = (issuer.fingerprint(), allow_sha1);
        Ok(Self { list, checked: Mutex::new(HashMap::from([(by, Ok(()))])) })
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

    /// The issuers whose signature was found on it.
    fn signers(&self) -> Vec<By> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(by, _)| *by).collect()
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

/// What is no longer held. It may be large: to be dropped when nobody waits for the lock.
#[must_use = "it is dropped when the lists are not locked any more"]
pub(super) struct Gone(#[allow(dead_code, reason = "dropped")] Vec<Entry>);

impl Entry {
    /// Whether an issuer's key is known to have signed it.
    fn is_signed(&self) -> bool {
        self.source.is_some() || !self.held.signers().is_empty()
    }

    /// Whether both were given, for the same certificates.
    fn is_given_beside(&self, other: &Self) -> bool {
        self.source.is_none()
            && other.source.is_none()
            && self.held.list.is_of_one_series_with(&other.held.list)
    }

    /// Whether a list that was given is an older one than another that its issuer is known to have signed. Where
    /// they do not name the key, both have to be by the same.
    fn is_superseded_by(&self, newer: &Self) -> bool {
        let signers = newer.held.signers();
        self.is_given_beside(newer)
            && self.held.list.this_update() < newer.held.list.this_update()
            && !signers.is_empty()
            && (self.held.list.names_key() || self.held.signers().iter().any(|by| signers.contains(by)))
    }

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

    /// A list that somebody gave. Whose it is nobody knows yet, so it takes no other's place, nor keeps one out: it
    /// lies beside them until one is found to be signed, which makes the older ones go.
    pub(super) fn add(&mut self, list: RevocationList) -> Gone {
        let given = Entry { held: Arc::new(Held::new(list)), source: None };
        let is_same = |entry: &Entry| entry.held.list.is_same_as(&given.held.list);
        let is_held = self.0.iter().any(|entry| entry.is_given_beside(&given) && is_same(entry));
        let mut gone = Vec::new();
        let superseded = |entry: &Entry, all: &[Entry]| all.iter().any(|other| entry.is_superseded_by(other));
        while let Some(index) = self.0.iter().position(|entry| superseded(entry, &self.0)) {
            gone.push(self.0.remove(index));
        }
        if is_held || superseded(&given, &self.0) {
            return Gone(gone);
        }
        let unsigned = |entry: &Entry| entry.is_given_beside(&given) && !entry.is_signed();
        if self.0.iter().filter(|entry| unsigned(entry)).count() >= UNSIGNED_MAX {
            gone.extend(self.0.iter().position(unsigned).map(|first| self.0.remove(first)));
        }
        self.0.push(given);
        gone.extend(self.make_place());
        Gone(gone)
    }

    /// A list that was fetched, and checked for its issuer.
    pub(super) fn keep(
        &mut self,
        held: Held,
        issuer: &Arc<Certificate>,
        locations: &[String],
        allow_sha1: bool,
    ) -> Gone {
        let source = Source { issuer: Arc::clone(issuer), locations: locations.to_vec(), allow_sha1 };
        let fetched = Entry { held: Arc::new(held), source: Some(source) };
        // Lists need not name the key. Those that were fetched were checked with one: an issuer with two keys has
        // two series.
        let replaces = |entry: &&mut Entry| {
            let same_key = entry
                .source
                .as_ref()
                .is_some_and(|source| source.issuer.public_key_der() == issuer.public_key_der());
            same_key && entry.held.list.is_of_one_series_with(&fetched.held.list)
        };
        match self.0.iter_mut().find(replaces) {
            // An older list in place of a newer one would bring a revoked certificate back.
            Some(entry) if entry.held.list.this_update() > fetched.held.list.this_update() => {
                Gone(vec![fetched])
            }
            Some(entry) => Gone(vec![std::mem::replace(entry, fetched)]),
            None => {
                self.0.push(fetched);
                Gone(self.make_place().into_iter().collect())
            }
        }
    }

    /// Takes one out if there are too many, but for the last: one that nobody is known to have signed, if there is.
    fn make_place(&mut self) -> Option<Entry> {
        let (_, others) = self.0.split_last().filter(|(_, others)| others.len() >= LISTS_MAX)?;
        let first = |entry: &Entry| (entry.is_signed(), entry.held.list.next_update());
        let index =
            others.iter().enumerate().min_by_key(|(_, entry)| first(entry)).map(|(index, _)| index)?;
        Some(self.0.remove(index))
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
