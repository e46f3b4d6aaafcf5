//! Chains of drafts, and cases made of them.

use std::time::{Duration, SystemTime};

use cie::trust::{AnchorPurpose, Certificate, Error, HolderPolicy, TrustStore};

use crate::draft::{Draft, key};

/// The moment of every case: 2026-01-01, in seconds since 1970.
pub const NOW: u64 = 1_767_225_600;

pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// An anchor, authorities and a holder, each issued by the one before.
pub struct Chain {
    pub drafts: Vec<Draft>,
    /// Which of them is trusted; all but it and the holder may stand between.
    pub anchor: usize,
    /// Certificates that have nothing to do with it, or should not.
    pub more_anchors: Vec<Vec<u8>>,
    pub more: Vec<Vec<u8>>,
    /// Left out of those that may stand between.
    pub missing: Vec<usize>,
}

impl Chain {
    /// With so many authorities between the anchor and the holder.
    pub fn of(between: usize) -> Self {
        Self::with("p256", between)
    }

    /// With keys of a kind.
    pub fn with(kind: &str, between: usize) -> Self {
        let authority = |place| {
            let subject = format!("Authority {place}");
            Draft::authority(&subject, key(&format!("{kind} {place}")))
        };
        let mut drafts: Vec<_> = (0..=between).map(authority).collect();
        drafts.push(Draft::holder(key(&format!("{kind} holder"))));
        Self { drafts, anchor: 0, more_anchors: Vec::new(), more: Vec::new(), missing: Vec::new() }
    }

    pub fn change(mut self, place: usize, change: impl Fn(&mut Draft)) -> Self {
        change(&mut self.drafts[place]);
        self
    }

    pub fn change_holder(self, change: impl Fn(&mut Draft)) -> Self {
        let last = self.drafts.len() - 1;
        self.change(last, change)
    }

    pub fn trusting(mut self, place: usize) -> Self {
        self.anchor = place;
        self
    }

    pub fn without(mut self, place: usize) -> Self {
        self.missing.push(place);
        self
    }

    pub fn beside(mut self, der: Vec<u8>) -> Self {
        self.more.push(der);
        self
    }

    pub fn also_trusting(mut self, der: Vec<u8>) -> Self {
        self.more_anchors.push(der);
        self
    }

    /// The draft's certificate as its predecessor issues it.
    pub fn certificate(&self, place: usize) -> Vec<u8> {
        self.drafts[place].issued_by(&self.drafts[place.saturating_sub(1)])
    }
}

/// What becomes of a case here: nothing, or what the error says in its text.
pub type Expected = Result<(), &'static str>;

pub struct Case {
    pub name: String,
    pub expected: Expected,
    pub anchors: Vec<Vec<u8>>,
    pub others: Vec<Vec<u8>>,
    pub holder: Vec<u8>,
}

impl Case {
    pub fn new(name: impl Into<String>, expected: Expected, chain: &Chain) -> Self {
        let last = chain.drafts.len() - 1;
        let between = (0..last).filter(|place| *place != chain.anchor && !chain.missing.contains(place));
        let mut others: Vec<_> = between.map(|place| chain.certificate(place)).collect();
        others.extend(chain.more.iter().cloned());
        let mut anchors = chain.more_anchors.clone();
        if !chain.missing.contains(&chain.anchor) {
            anchors.push(chain.certificate(chain.anchor));
        }
        Self { name: name.into(), expected, anchors, others, holder: chain.certificate(last) }
    }

    /// A store with what it takes of the certificates: one that is refused here leads nowhere.
    pub fn store(&self) -> TrustStore {
        let mut store = TrustStore::new();
        for anchor in &self.anchors {
            let _ = store.add_anchor(AnchorPurpose::Holder, anchor);
        }
        for other in &self.others {
            let _ = store.add_intermediate(other);
        }
        store
    }

    pub fn verdict(&self) -> Result<(), Error> {
        let holder = Certificate::from_der(&self.holder)?;
        self.store().verify_holder_certificate(holder, now(), &HolderPolicy::default()).map(|_| ())
    }
}
