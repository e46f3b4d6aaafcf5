//! Contexts: what every call belongs to, and where it is kept what went wrong.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::border::{ContextIn, ContextOut};
use super::failure::Fault;
use super::handles::Handles;
use super::result::{CIE_OK, cie_result};
use crate::pin::TriesMemory;

/// Something that the library keeps for a program: a card, a monitor, a trust store, a citizen. It is a number, given
/// out once and never again: after `cie_close`, or with a number that was never given out, every function answers
/// `CIE_HANDLE`. 0 is never a handle.
pub type cie_handle = u64;

/// The library was built with PC/SC readers.
pub const CIE_FEATURE_READERS: u32 = 1;
/// The library was built with software cards. A kiosk in service should have one without.
pub const CIE_FEATURE_SOFT_CARDS: u32 = 2;

/// What a program works with: everything that it opens is kept here, and what its last failed call has to say.
///
/// Threads: any number of threads may use the same context at the same time, but they would read each other's error
/// messages. Give each thread its own with `cie_context_clone`; handles are good in all clones of a context, and in no
/// other.
pub struct cie_context {
    shared: Arc<Shared>,
    last: Mutex<Option<Fault>>,
}

/// What the clones of a context have in common.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) handles: Handles,
    /// What cards said of the tries that they have left.
    pub(super) tries: TriesMemory,
    #[cfg(feature = "pcsc")]
    pub(super) service: Mutex<crate::transport::pcsc::Service>,
}

/// Any thread uses a context and what is open in it. The compiler cannot see that, behind C's pointers, so it is asked.
#[allow(dead_code, reason = "older compilers do not count what constants call")]
const fn serves_any_thread<T: Send + Sync>() {}
const _: () = serves_any_thread::<cie_context>();

impl cie_context {
    fn of(shared: Arc<Shared>) -> Self {
        Self { shared, last: Mutex::new(None) }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the last failed call has to say.
    pub(super) fn last(&self) -> Option<Fault> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, fault: Fault) {
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(fault);
        drop(before);
    }
}

impl ContextIn {
    /// Carries a call out and keeps what it has to say if it fails. No panic leaves it.
    pub(super) fn call(self, body: impl FnOnce(&cie_context) -> Result<(), Fault>) -> cie_result {
        self.ask(|context| guarded(|| body(context)).inspect_err(|fault| context.keep(fault.clone())))
    }

    /// The same for calls that ask about the last failure, and so leave it as it is.
    pub(super) fn ask(self, body: impl FnOnce(&cie_context) -> Result<(), Fault>) -> cie_result {
        let outcome = guarded(|| self.with(body));
        outcome.map_or_else(|fault| fault.number(), |()| CIE_OK)
    }
}

/// What would unwind into C, or abort there, is an error here.
fn guarded(body: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
    // Whatever a panic leaves half done was taken out of its place before, and is dropped by it.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Fault::Panic))
}

/// Makes a context. Reaches for no reader and no service.
///
/// `context`: receives the context, which the program owns and gives back with `cie_context_free`; null on failure.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_context_new(context: ContextOut) -> cie_result {
    let outcome = guarded(|| {
        context.place()?.give(cie_context::of(Arc::default()));
        Ok(())
    });
    outcome.map_or_else(|fault| fault.number(), |()| CIE_OK)
}

/// Makes another context for another thread: the handles are the same, the last failure is its own. What is open stays
/// open until it is closed or the last clone is freed.
///
/// `clone`: receives the new context, which the program gives back with `cie_context_free`; null on failure.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_context_clone(context: ContextIn, clone: ContextOut) -> cie_result {
    // First of all, so that it is null on every way out.
    let place = clone.place();
    context.call(|context| {
        place?.give(cie_context::of(context.shared.clone()));
        Ok(())
    })
}

/// Gives a context back. With the last clone everything is closed that is still open: cards are reset if they know a
/// PIN, recordings are ended.
///
/// Null is nothing, and `CIE_OK`. `CIE_BUSY` within a callback; nothing is freed then. After `CIE_OK` the pointer must
/// not be used any more.
///
/// Threads: any, when no other thread uses this context or will.
#[unsafe(no_mangle)]
pub extern "C" fn cie_context_free(context: ContextIn) -> cie_result {
    let outcome = guarded(|| context.free());
    outcome.map_or_else(|fault| fault.number(), |()| CIE_OK)
}

/// Closes whatever a handle stands for. A card that knows a PIN is reset, which can take as long as the deadline of an
/// exchange; a monitor that somebody waits for stops waiting; what a call is using at this moment goes when that call
/// ends.
///
/// 0 is nothing, and `CIE_OK`. `CIE_HANDLE` for what is closed already or was never open.
///
/// Threads: any, and callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn cie_close(context: ContextIn, handle: cie_handle) -> cie_result {
    context.call(|context| if handle == 0 { Ok(()) } else { context.shared().handles.close(handle) })
}

/// The version of the library, "major.minor.patch": static text, nobody frees it.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// What the library was built with: the sum of `CIE_FEATURE_READERS`, `CIE_FEATURE_SOFT_CARDS`. Every function is there
/// in any case; what needs a part that is not says `CIE_NOT_BUILT_IN`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_features() -> u32 {
    let readers = if cfg!(feature = "pcsc") { CIE_FEATURE_READERS } else { 0 };
    let soft_cards = if cfg!(feature = "emulator") { CIE_FEATURE_SOFT_CARDS } else { 0 };
    readers | soft_cards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic, reason = "it is what is tested")]
    fn a_panic_is_an_error() {
        let outcome = guarded(|| panic!("this is part of the test"));
        assert_eq!(outcome.unwrap_err().number(), super::super::result::CIE_INTERNAL);
    }
}
