//! What handles stand for.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::cie_handle;
use super::failure::Fault;
use super::login::Login;
use super::record::Record;
use super::standing::OpenCard;
use crate::kiosk::SeenCards;
use crate::login::RelyingParty;
use crate::transport::replay::Replay;

/// How many handles may be open at once: a program that forgets to close them learns it before it has no memory left.
const OPEN_MAX: usize = 65_536;

/// What a handle stands for.
#[derive(Clone)]
pub(super) enum Object {
    Card(Shared<OpenCard>),
    #[cfg(feature = "pcsc")]
    Monitor(super::readers::Monitored),
    Trust(super::trust::Store),
    Seen(Arc<SeenCards>),
    Party(RelyingParty),
    Login(Shared<Login>),
    Record(Arc<Record>),
    Recorder(super::recorder::Recording),
    Replay(Replay),
    #[cfg(feature = "emulator")]
    Soft(crate::emulator::SoftCard),
}

/// Something that one call at a time uses. It is gone when a panic took it.
pub(super) struct Shared<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }

    /// Uses it. Nobody waits: whoever comes second, a callback of the same call included, is told so.
    pub(super) fn edit<R>(&self, body: impl FnOnce(&mut T) -> Result<R, Fault>) -> Result<R, Fault> {
        let mut value = match self.0.try_lock() {
            Ok(value) => value,
            // A panic left it in doubt: it is closed.
            Err(TryLockError::Poisoned(value)) => {
                let mut value = value.into_inner();
                *value = None;
                value
            }
            Err(TryLockError::WouldBlock) => return Err(Fault::Busy),
        };
        body(value.as_mut().ok_or(Fault::Handle)?)
    }

    /// The same for what takes no time and calls nobody back: whoever comes second waits.
    pub(super) fn briefly<R>(&self, body: impl FnOnce(&mut Option<T>) -> R) -> R {
        body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The handles of a context and its clones. They are counted from a number that nobody can guess, so that those of
/// another context are not good here.
pub(super) struct Handles(Mutex<Table>);

struct Table {
    objects: HashMap<cie_handle, Object>,
    next: cie_handle,
}

impl Default for Handles {
    fn default() -> Self {
        // Half of the numbers are left to count on; nobody comes to their end.
        let first = RandomState::new().build_hasher().finish() >> 1;
        Self(Mutex::new(Table { objects: HashMap::new(), next: first.max(1) }))
    }
}

impl Handles {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new handle.
    pub(super) fn open(&self, object: Object) -> Result<cie_handle, Fault> {
        let mut table = self.lock();
        if table.objects.len() >= OPEN_MAX {
            drop(table);
            // Closing it can take a while.
            drop(object);
            return Err(Fault::TooMany);
        }
        let handle = table.next;
        table.next += 1;
        table.objects.insert(handle, object);
        Ok(handle)
    }

    pub(super) fn find(&self, handle: cie_handle) -> Result<Object, Fault> {
        self.lock().objects.get(&handle).cloned().ok_or(Fault::Handle)
    }

    pub(super) fn close(&self, handle: cie_handle) -> Result<(), Fault> {
        let object = self.lock().objects.remove(&handle).ok_or(Fault::Handle)?;
        // Not while the table is locked: a reset waits for the card.
        #[cfg(feature = "pcsc")]
        if let Object::Monitor(monitor) = &object {
            monitor.cancel();
        }
        drop(object);
        Ok(())
    }
}

/// Each kind of object by its handle, and what a program calls it.
macro_rules! finders {
    ($($name:ident: $variant:ident, $type:ty, $kind:literal;)*) => {
        impl Handles {
            $(pub(super) fn $name(&self, handle: cie_handle) -> Result<$type, Fault> {
                match self.find(handle) {
                    Ok(Object::$variant(found)) => Ok(found),
                    _ => Err(Fault::NotA($kind)),
                }
            })*
        }
    };
}

finders! {
    card: Card, Shared<OpenCard>, "a card";
    trust: Trust, super::trust::Store, "a trust store";
    seen: Seen, Arc<SeenCards>, "a memory of cards";
    party: Party, RelyingParty, "a portal";
    login: Login, Shared<Login>, "a login";
    record: Record, Arc<Record>, "a record";
    recorder: Recorder, super::recorder::Recording, "a recorder";
    replay: Replay, Replay, "a recorded dialogue";
}

#[cfg(feature = "pcsc")]
finders! {
    monitor: Monitor, super::readers::Monitored, "a monitor";
}

#[cfg(feature = "emulator")]
finders! {
    soft: Soft, crate::emulator::SoftCard, "a software card";
}
