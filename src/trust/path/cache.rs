//! Paths that were valid once, so that a server need not check the same authorities' signatures again.
//!
//! What is kept of the certificate at the beginning of a path is its digest and its key, ready for use: no name, no
//! fiscal code.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::Purpose;
use crate::crypto::PublicKey;
use crate::trust::{AnchorPurpose, Certificate};

/// The most paths that are kept; the oldest goes first. About 1,500 bytes each, the most for what OpenSSL computes of a
/// key before it is first used.
const PATHS_MAX: usize = 10_000;

/// What a path was built for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) purpose: AnchorPurpose,
    pub(super) security_level: i32,
    pub(super) usage: Purpose,
    /// SHA-256 of the certificate.
    pub(super) fingerprint: [u8; 32],
}

/// The certificates above, and while all of them and the one below are valid: from the first moment, up to and
/// without the second.
struct Kept {
    key: PublicKey,
    issuers: Arc<[Arc<Certificate>]>,
    from: SystemTime,
    until: SystemTime,
}

#[derive(Default)]
struct Paths {
    kept: HashMap<Question, Kept>,
    order: VecDeque<Question>,
    /// Lists of issuers that are in use: thousands of citizens have the same.
    issuers: Vec<Arc<[Arc<Certificate>]>>,
}

/// What is remembered of a path: the certificate's key and its issuers.
pub(super) type Remembered = (PublicKey, Arc<[Arc<Certificate>]>);

/// Paths by what they were built for. It belongs to a store with certain anchors, and to no other.
#[derive(Default)]
pub(in crate::trust) struct PathCache(Mutex<Paths>);

impl PathCache {
    /// A path that is valid at this moment.
    pub(super) fn find(&self, question: &Question, at: SystemTime) -> Option<Remembered> {
        let paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = paths.kept.get(question)?;
        (kept.from <= at && at < kept.until).then(|| (kept.key.clone(), Arc::clone(&kept.issuers)))
    }

    /// Keeps a path that was found to be valid.
    pub(super) fn keep(&self, question: Question, key: PublicKey, path: &[Arc<Certificate>]) {
        let validities = || path.iter().map(|certificate| certificate.validity());
        let (Some(from), Some(until), Some((_, issuers))) = (
            validities().map(|(from, _)| from).max(),
            validities().map(|(_, until)| until).min(),
            path.split_first(),
        ) else {
            return;
        };
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Arc<[Arc<Certificate>]>| {
            known.len() == issuers.len() && known.iter().zip(issuers).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let issuers = match paths.issuers.iter().find(same) {
            Some(known) => Arc::clone(known),
            None => {
                let issuers: Arc<[_]> = issuers.into();
                // As many as a store has paths; anchors and intermediates are few.
                if paths.issuers.len() < 64 {
                    paths.issuers.push(Arc::clone(&issuers));
                }
                issuers
            }
        };
        if paths.kept.insert(question.clone(), Kept { key, issuers, from, until }).is_none() {
            paths.order.push_back(question);
        }
        if paths.order.len() > PATHS_MAX {
            if let Some(oldest) = paths.order.pop_front() {
                paths.kept.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{NO_SECURITY_LEVEL, SECURITY_LEVEL};
    use super::*;
    use crate::vectors;

    fn certificate(pointer: &str) -> Arc<Certificate> {
        Arc::new(Certificate::from_der(&vectors::hex_of(&vectors::contact(pointer))).unwrap())
    }

    fn question(number: usize) -> Question {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_be_bytes());
        let (purpose, usage) = (AnchorPurpose::Holder, Purpose::Client);
        Question { purpose, security_level: SECURITY_LEVEL, usage, fingerprint }
    }

    /// A path of one authority that stands there twice.
    fn path() -> [Arc<Certificate>; 2] {
        let authority = certificate("/certificates/ca");
        [Arc::clone(&authority), authority]
    }

    #[test]
    fn a_path_is_found_by_its_question_in_its_time_only() {
        let (cache, path) = (PathCache::default(), path());
        let (from, until) = path[0].validity();
        let second = Duration::from_secs(1);
        assert!(cache.find(&question(1), from).is_none());
        cache.keep(question(1), path[0].public_key().unwrap(), &path);
        for at in [from, until - second] {
            let (_, issuers) = cache.find(&question(1), at).unwrap();
            assert_eq!(issuers[..], path[1..]);
        }
        for at in [from - second, until, until + second] {
            assert!(cache.find(&question(1), at).is_none());
        }
        let asked = question(1);
        let mut flipped = asked.fingerprint;
        flipped[31] ^= 1;
        for other in [
            Question { purpose: AnchorPurpose::Csca, ..asked.clone() },
            Question { purpose: AnchorPurpose::FirstGenerations, ..asked.clone() },
            Question { security_level: NO_SECURITY_LEVEL, ..asked.clone() },
            Question { usage: Purpose::Any, ..asked.clone() },
            Question { fingerprint: flipped, ..asked },
        ] {
            assert!(cache.find(&other, from).is_none(), "{other:?}");
        }
    }

    #[test]
    fn there_is_a_most_and_the_oldest_goes() {
        let (cache, path) = (PathCache::default(), path());
        let key = path[0].public_key().unwrap();
        let at = path[0].validity().0;
        let held = |cache: &PathCache| {
            let paths = cache.0.lock().unwrap();
            assert_eq!(paths.kept.len(), paths.order.len());
            (paths.kept.len(), paths.issuers.len())
        };
        for number in 0..PATHS_MAX + 5 {
            cache.keep(question(number), key.clone(), &path);
            // Asked again and kept again, by two threads at once say, it counts once.
            cache.keep(question(number), key.clone(), &path);
        }
        assert_eq!(held(&cache), (PATHS_MAX, 1));
        let is_kept = |number| cache.find(&question(number), at).is_some();
        assert!((0..5).all(|number| !is_kept(number)));
        assert!([5, PATHS_MAX, PATHS_MAX + 4].into_iter().all(is_kept));
        // Lists of issuers, each of another copy.
        for number in 0..100 {
            cache.keep(question(number), key.clone(), &self::path());
        }
        assert_eq!(held(&cache), (PATHS_MAX, 64));
    }
}
