//! Calls to the service that nobody waits for any more, because it hangs: as long as there is one, no other is made
//! that would hang like it. Each would keep a thread and a connection.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A call that a thread of its own makes: it goes on for as long as there is a token of it.
pub(super) struct Call(Arc<()>);

impl Call {
    pub(super) fn new() -> Self {
        Self(Arc::new(()))
    }

    /// For the thread, which drops it when the call has come back.
    pub(super) fn token(&self) -> Arc<()> {
        self.0.clone()
    }
}

/// The calls of one [`Service`](super::Service) and its clones that were given up.
#[derive(Clone, Default)]
pub(super) struct Abandoned(Arc<Mutex<Vec<Weak<()>>>>);

impl Abandoned {
    /// Nobody waits for this call any more.
    pub(super) fn note(&self, call: &Call) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&call.0));
    }

    /// Whether any of them still goes on.
    pub(super) fn any(&self) -> bool {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|call| call.strong_count() > 0);
        !calls.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_comes_back_is_in_nobody_s_way() {
        let abandoned = Abandoned::default();
        let call = Call::new();
        let token = call.token();
        assert!(!abandoned.any());
        abandoned.note(&call);
        drop(call);
        assert!(abandoned.any() && abandoned.clone().any());
        drop(token);
        assert!(!abandoned.any());
    }
}
