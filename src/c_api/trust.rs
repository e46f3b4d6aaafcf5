//! Whom to trust.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::border::{Bytes, ContextIn, HandleOut, NumberOut, Text};
use super::cie_handle;
use super::failure::Fault;
use super::handles::{Handles, Object};
use super::open::PATH_MAX;
use super::result::cie_result;
use crate::trust::{AnchorPurpose, TrustStore, one_certificate};

/// For `cie_trust_open`: takes certificates of software cards, too. For tests; what is verified with one says so.
pub const CIE_ALLOW_TEST_PKI: u32 = 1;
/// For checks of a card's files: takes EF.SODs signed with SHA-1, as some of the first cards may have.
pub const CIE_ALLOW_SHA1: u32 = 2;
/// For certificates of older cards: takes keys of 1024 bits, and SHA-1.
pub const CIE_ALLOW_LEGACY: u32 = 4;

/// Certificates of citizens in a CIE 3.
pub const CIE_ANCHOR_HOLDER: i32 = 1;
/// Those in citizen's services cards and health cards.
pub const CIE_ANCHOR_CNS: i32 = 2;
/// Those in identity cards of the first generations.
pub const CIE_ANCHOR_FIRST_GENERATIONS: i32 = 3;
/// Document signers, whose signatures stand under a card's files: country signing certificates (CSCA).
pub const CIE_ANCHOR_CSCA: i32 = 4;
/// OCSP responders that answer for any issuer, or their authorities.
pub const CIE_ANCHOR_RESPONDER: i32 = 5;

/// The longest certificate, in bytes.
const CERTIFICATE_MAX: usize = 64 << 10;

/// Flags that are known.
pub(super) fn check_flags(flags: u32, known: u32) -> Result<(), Fault> {
    if flags & !known == 0 {
        Ok(())
    } else {
        Err(Fault::Argument("flags: one that this function does not know"))
    }
}

/// A store that serves any number of calls, also while one of them changes it: a folder can lie on a disk that does not
/// answer.
#[derive(Clone)]
pub(super) struct Store(Arc<Versions>);

struct Versions {
    current: Mutex<TrustStore>,
    /// Whoever changes it has this, so that nobody's change is lost.
    change: Mutex<()>,
}

impl Store {
    fn new(store: TrustStore) -> Self {
        Self(Arc::new(Versions { current: Mutex::new(store), change: Mutex::new(()) }))
    }

    fn lock(&self) -> MutexGuard<'_, TrustStore> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy, which has certificates and found paths in common with it: nobody waits for another's check.
    fn current(&self) -> TrustStore {
        self.lock().clone()
    }

    /// Changes it as a whole: a failure leaves it as it was.
    fn change(&self, change: impl FnOnce(TrustStore) -> Result<TrustStore, Fault>) -> Result<(), Fault> {
        let _one_at_a_time = self.0.change.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(self.current())?;
        *self.lock() = changed;
        Ok(())
    }
}

/// The store as it is now.
pub(super) fn store(handles: &Handles, trust: cie_handle) -> Result<TrustStore, Fault> {
    Ok(handles.trust(trust)?.current())
}

/// Changes a store as a whole: a failure leaves it as it was.
fn change(
    context: ContextIn,
    trust: cie_handle,
    change: impl FnOnce(TrustStore) -> Result<TrustStore, Fault>,
) -> cie_result {
    context.call(|context| context.shared().handles.trust(trust)?.change(change))
}

fn anchor_purpose(number: i32) -> Result<AnchorPurpose, Fault> {
    match number {
        CIE_ANCHOR_HOLDER => Ok(AnchorPurpose::Holder),
        CIE_ANCHOR_CNS => Ok(AnchorPurpose::Cns),
        CIE_ANCHOR_FIRST_GENERATIONS => Ok(AnchorPurpose::FirstGenerations),
        CIE_ANCHOR_CSCA => Ok(AnchorPurpose::Csca),
        CIE_ANCHOR_RESPONDER => Ok(AnchorPurpose::Responder),
        _ => Err(Fault::Argument("purpose: none of CIE_ANCHOR_HOLDER and its kin")),
    }
}

/// Makes a trust store that trusts nobody yet.
///
/// `flags`: 0, or `CIE_ALLOW_TEST_PKI`. `trust`: receives a handle, which the program closes. A store serves
/// any number of calls at once; it is copied by those that use it, so closing it takes nothing from them.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_open(context: ContextIn, flags: u32, trust: HandleOut) -> cie_result {
    let out = trust.place();
    context.call(|context| {
        let out = out?;
        check_flags(flags, CIE_ALLOW_TEST_PKI)?;
        let store = TrustStore::new();
        let store = if flags & CIE_ALLOW_TEST_PKI == 0 { store } else { store.allow_test_pki() };
        out.put(context.shared().handles.open(Object::Trust(Store::new(store)))?);
        Ok(())
    })
}

/// Trusts what lies in a folder, for what the folder below it says: `holder`, `cns`, `first-generations`, `csca`,
/// `responder`, each with PEM or DER files, and certificates that may stand between in `…/intermediate`.
///
/// `folder`: its path. `CIE_TRUST_FOLDER` if anything in it cannot be used or does not belong there; nothing of it is
/// trusted then.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_load(context: ContextIn, trust: cie_handle, folder: Text) -> cie_result {
    change(context, trust, |store| Ok(store.load(folder.required(PATH_MAX)?)?))
}

/// Makes a trust store of a folder with Italy's certificates, each of which is trusted by its published fingerprint and
/// not for where it lies. What is not known is left out without a word if anything else is known; `cie_trust_anchors`
/// says whether what is needed is there, and the command `cie nis --italian-roots` names each file.
///
/// `folder`: its path. `trust`: receives a handle, which the program closes. `CIE_TRUST_FOLDER` also if none of its
/// files is known.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_open_italian(context: ContextIn, folder: Text, trust: HandleOut) -> cie_result {
    let out = trust.place();
    context.call(|context| {
        let out = out?;
        let (store, _) = TrustStore::load_italian(folder.required(PATH_MAX)?)?;
        out.put(context.shared().handles.open(Object::Trust(Store::new(store)))?);
        Ok(())
    })
}

/// Trusts one certificate for one thing.
///
/// `purpose`: `CIE_ANCHOR_HOLDER` or one of its kin. `der`, `length`: the certificate, DER or PEM, at most 65,536
/// bytes.
/// `CIE_CERTIFICATE_BAD`, also for more than one; `CIE_TEST_CERTIFICATE`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_add_anchor(
    context: ContextIn,
    trust: cie_handle,
    purpose: i32,
    der: Bytes,
    length: usize,
) -> cie_result {
    change(context, trust, |mut store| {
        let purpose = anchor_purpose(purpose)?;
        let der = one_certificate(&der.required(length, CERTIFICATE_MAX)?)?;
        store.add_anchor(purpose, &der)?;
        Ok(store)
    })
}

/// Knows a certificate that may stand between a citizen's and an anchor. It is not trusted by itself.
///
/// `der`, `length`: as for `cie_trust_add_anchor`, with its results.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_add_intermediate(
    context: ContextIn,
    trust: cie_handle,
    der: Bytes,
    length: usize,
) -> cie_result {
    change(context, trust, |mut store| {
        store.add_intermediate(&one_certificate(&der.required(length, CERTIFICATE_MAX)?)?)?;
        Ok(store)
    })
}

/// How many certificates are trusted for one thing.
///
/// `purpose`: `CIE_ANCHOR_HOLDER` or one of its kin. `count`: receives the number.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_trust_anchors(
    context: ContextIn,
    trust: cie_handle,
    purpose: i32,
    count: NumberOut,
) -> cie_result {
    let out = count.place();
    context.call(|context| {
        let out = out?;
        let anchors = store(&context.shared().handles, trust)?.anchors(anchor_purpose(purpose)?).count();
        out.put(i32::try_from(anchors).unwrap_or(i32::MAX));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_change_that_takes_long_holds_up_nobody_who_asks() {
        let store = Store::new(TrustStore::new());
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let changing = store.clone();
        let thread = std::thread::spawn(move || {
            changing.change(|store| {
                begun.send(()).unwrap();
                ends.recv().unwrap();
                Ok(store.allow_test_pki())
            })
        });
        begins.recv().unwrap();
        assert!(!store.current().allows_test_pki(), "as it was, and at once");
        end.send(()).unwrap();
        thread.join().unwrap().unwrap();
        assert!(store.current().allows_test_pki());
        // A change that fails leaves it as it was.
        assert!(store.change(|_| Err(Fault::Absent)).is_err());
        assert!(store.current().allows_test_pki());
    }
}
