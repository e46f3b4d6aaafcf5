//! The border: pointers of a C program become values, and values are put where its pointers say.
//!
//! What a program must keep to is in the header: a pointer is null or good for as many bytes as the function says, for
//! as long as the call lasts. Null and misaligned pointers, lengths that nothing has, and text without an end are
//! refused here before anything else happens. Whatever comes in is copied, so that nothing the program does with its
//! memory meanwhile changes what is judged; and nothing is written before it is known whether there is room.
//!
//! The types here stand in the signatures of functions in place of bare pointers. Nobody but a C program can make one,
//! so all the code that uses them is safe Rust.

mod text_out;

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use zeroize::{Zeroize, Zeroizing};

use super::context::cie_context;
use super::failure::{Fault, cie_error};
use super::open::cie_open_options;
use super::{cie_event, cie_handle, cie_party_options, cie_reader, cie_statistics, cie_status_request};
use crate::secret::Typed;
pub use text_out::TextOut;

/// The longest PIN or PUK that is looked at and cleared, in bytes; no card takes so many.
const SECRET_MAX: usize = 4096;

/// `const char *`: text in UTF-8 with a zero byte at its end.
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// The text, of at most `max` bytes.
    pub(super) fn required(self, max: usize) -> Result<String, Fault> {
        self.optional(max)?.ok_or(Fault::Null)
    }

    /// The same where null says that there is none.
    pub(super) fn optional(self, max: usize) -> Result<Option<String>, Fault> {
        if self.0.is_null() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // Byte by byte: what lies behind the zero byte is not the program's promise.
        for at in 0..=max {
            // SAFETY: no zero byte was found before `at`, so by the contract of the header this one is still text.
            match unsafe { self.0.add(at).cast::<u8>().read() } {
                0 => {
                    return String::from_utf8(bytes)
                        .map(Some)
                        .map_err(|_| Fault::Argument("the text is not UTF-8"));
                }
                byte => bytes.push(byte),
            }
        }
        Err(Fault::Argument("the text is too long"))
    }
}

/// `const uint8_t *`: bytes, as many as another argument says.
#[repr(transparent)]
pub struct Bytes(*const u8);

impl Bytes {
    /// The bytes, at most `max` of them.
    pub(super) fn required(self, length: usize, max: usize) -> Result<Vec<u8>, Fault> {
        match length {
            _ if length > max => Err(Fault::Argument("more bytes than this function takes")),
            0 => Ok(Vec::new()),
            _ if self.0.is_null() => Err(Fault::Null),
            // SAFETY: not null, and by the contract of the header good for `length` bytes, which are not too many for
            // a slice. Bytes have no alignment.
            _ => Ok(unsafe { std::slice::from_raw_parts(self.0, length) }.to_vec()),
        }
    }
}

/// `char *`: a PIN or PUK, which is cleared where it stands before the function returns.
#[repr(transparent)]
pub struct Secret(*mut c_char);

impl Secret {
    /// The secret. Where it stood there are zeros from now on, whatever becomes of it; only a length that no secret
    /// has leaves it alone.
    pub(super) fn take(self, length: usize) -> Result<Typed, Fault> {
        self.take_optional(length)?.ok_or(Fault::Null)
    }

    /// The same where null says that there is none.
    pub(super) fn take_optional(self, length: usize) -> Result<Option<Typed>, Fault> {
        let copy = SecretIn(self.0).copy(length)?;
        if copy.is_some() {
            // SAFETY: not null, and by the contract of the header good for `length` bytes that may be written and that
            // nobody else uses during the call.
            unsafe { std::slice::from_raw_parts_mut(self.0.cast::<u8>(), length) }.zeroize();
        }
        Ok(copy.map(typed))
    }
}

/// `const char *`: a PIN that stays where it is.
#[repr(transparent)]
pub struct SecretIn(*const c_char);

impl SecretIn {
    /// The secret; null and no length say that there is none.
    pub(super) fn look(self, length: usize) -> Result<Option<Typed>, Fault> {
        Ok(self.copy(length)?.map(typed))
    }

    /// Its bytes, before anything is asked of them: another thread of the program may still write to the original.
    fn copy(self, length: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        if self.0.is_null() {
            // Null with a length is a buffer that could not be had, and not a secret that is left out.
            return if length == 0 { Ok(None) } else { Err(Fault::Null) };
        }
        if length > SECRET_MAX {
            return Err(Fault::Argument("longer than any PIN or PUK"));
        }
        let mut copy = Zeroizing::new(vec![0_u8; length]);
        // SAFETY: not null, and by the contract of the header good for `length` bytes. `copy` is the library's own, and
        // has as many.
        unsafe { std::ptr::copy_nonoverlapping(self.0.cast(), copy.as_mut_ptr(), length) };
        Ok(Some(copy))
    }
}

/// What was copied, as text. What is not even text is no PIN: each kind of card says so of an empty one.
fn typed(mut bytes: Zeroizing<Vec<u8>>) -> Typed {
    Typed::new(String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_else(|error| {
        error.into_bytes().zeroize();
        String::new()
    }))
}

/// A good place for one value.
pub(super) struct Place<T>(NonNull<T>);

impl<T> Place<T> {
    fn of(pointer: *mut T) -> Result<Self, Fault> {
        let place = NonNull::new(pointer).ok_or(Fault::Null)?;
        if place.is_aligned() { Ok(Self(place)) } else { Err(Fault::Argument("a misaligned pointer")) }
    }

    /// Puts the value there.
    pub(super) fn put(self, value: T) {
        // SAFETY: not null, aligned, and by the contract of the header good for a value of this type.
        unsafe { self.0.write(value) }
    }
}

impl<T: Copy> Place<T> {
    /// Puts a value there that stays unless another one is put.
    pub(super) fn put_first(self, value: T) -> Self {
        Self(self.0).put(value);
        self
    }

    /// What stands there, once.
    fn get(&self) -> T {
        // SAFETY: as above, and by the contract of the header there is a value. All types that are read here are made
        // of integers and nullable pointers, for which all bits are good.
        unsafe { self.0.read() }
    }
}

/// Pointers to where one value is put.
macro_rules! places {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name(*mut $type);

        impl $name {
            /// The place, if it is one.
            pub(super) fn place(self) -> Result<Place<$type>, Fault> {
                Place::of(self.0)
            }
        }
    )*};
}

places! {
    /// `int32_t *`.
    NumberOut: i32;
    /// `cie_reader *`.
    ReaderOut: cie_reader;
    /// `cie_event *`.
    EventOut: cie_event;
    /// `cie_statistics *`.
    StatisticsOut: cie_statistics;
    /// `cie_error *`.
    FactsOut: cie_error;
    /// `cie_status_request *`.
    RequestOut: cie_status_request;
}

/// `cie_handle *`: where a new handle is put.
#[repr(transparent)]
pub struct HandleOut(*mut cie_handle);

impl HandleOut {
    /// The place, if it is one. There is 0 until a handle is put there, so a failure leaves none behind.
    pub(super) fn place(self) -> Result<Place<cie_handle>, Fault> {
        Ok(Place::of(self.0)?.put_first(0))
    }
}

/// `size_t *`: how much room there is, and then how much of it is filled or was needed.
#[repr(transparent)]
pub struct SizeInOut(*mut usize);

/// A buffer of the program, and where it is told how much there is.
pub(super) struct Room<T> {
    buffer: *mut T,
    capacity: usize,
    size: Place<usize>,
}

impl<T: Copy> Room<T> {
    fn of(buffer: *mut T, size: SizeInOut) -> Result<Self, Fault> {
        let size = Place::of(size.0)?;
        if !buffer.is_aligned() {
            return Err(Fault::Argument("a misaligned pointer"));
        }
        // Without a buffer the size need not have been set.
        let capacity = if buffer.is_null() { 0 } else { size.get() };
        Ok(Self { buffer, capacity, size })
    }

    /// Whether the program only wants to know how much room it takes.
    pub(super) fn asks(&self) -> bool {
        self.buffer.is_null()
    }

    /// For what must not be done in vain: says how much room it can take, and whether to go on. It does not if that
    /// was all that was asked, or if there is less room.
    pub(super) fn offers(self, most: usize) -> Result<Option<Self>, Fault> {
        match self.capacity {
            _ if self.asks() => {
                self.size.put(most);
                Ok(None)
            }
            capacity if capacity < most => {
                self.size.put(most);
                Err(Fault::NoRoom)
            }
            _ => Ok(Some(self)),
        }
    }

    /// Fills the buffer, or says how large it has to be.
    pub(super) fn fill(self, values: &[T]) -> Result<(), Fault> {
        let asks = self.asks();
        self.size.put(values.len());
        match self.capacity {
            _ if asks => Ok(()),
            capacity if capacity < values.len() => Err(Fault::NoRoom),
            _ => {
                // SAFETY: not null, aligned, and by the contract of the header good for `capacity` values, which are
                // not fewer than these. `values` is the library's own memory.
                unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.buffer, values.len()) }
                Ok(())
            }
        }
    }
}

/// `uint8_t *`: a buffer for bytes.
#[repr(transparent)]
pub struct BytesOut(*mut u8);

impl BytesOut {
    pub(super) fn room(self, size: SizeInOut) -> Result<Room<u8>, Fault> {
        Room::of(self.0, size)
    }
}

/// `cie_reader *`: a buffer for readers.
#[repr(transparent)]
pub struct ReadersOut(*mut cie_reader);

impl ReadersOut {
    pub(super) fn room(self, count: SizeInOut) -> Result<Room<cie_reader>, Fault> {
        Room::of(self.0, count)
    }
}

/// Structures that say their own size first, so that later versions may add fields at the end: a program that was
/// compiled before has the first ones only, and gets the defaults for the others.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $first:expr;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name(*const $type);

        impl $name {
            /// The size of the structure in the first version.
            const FIRST: usize = $first;

            /// What was chosen; null is the defaults.
            pub(super) fn read(self) -> Result<$type, Fault> {
                let mut options = <$type>::default();
                if self.0.is_null() {
                    return Ok(options);
                }
                Place::of(self.0.cast_mut())?;
                let size = Place::of(self.0.cast_mut().cast::<usize>())?.get();
                // More fields than are known here could ask for something that would not be done.
                if !(Self::FIRST..=size_of::<$type>()).contains(&size) {
                    return Err(Fault::Argument("options of a size that this version does not know"));
                }
                // SAFETY: not null, and by the contract of the header good for `size` bytes, no more than `options`
                // has. All fields are integers and nullable pointers, for which all bits are good.
                unsafe {
                    std::ptr::copy_nonoverlapping(self.0.cast::<u8>(), std::ptr::from_mut(&mut options).cast(), size);
                }
                Ok(options)
            }
        }
    )*};
}

options! {
    /// `const cie_open_options *`.
    OpenOptionsIn: cie_open_options, offset_of!(cie_open_options, data) + size_of::<*mut c_void>();
    /// `const cie_party_options *`.
    PartyOptionsIn: cie_party_options, offset_of!(cie_party_options, client_authentication) + size_of::<u32>();
}

/// The program's own pointer, handed back to its callback as it came. The library never looks behind it.
#[derive(Clone, Copy)]
pub(super) struct UserData(*mut c_void);

// SAFETY: the library does nothing with the pointer but hand it to the program's callback, which is called by the
// thread that uses the card; the header says that callback and data must be fit for that thread.
unsafe impl Send for UserData {}

impl UserData {
    pub(super) fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    pub(super) fn pointer(self) -> *mut c_void {
        self.0
    }
}

/// What makes a context one; anything else that the pointer might lead to is not likely to begin with it.
const MARK: u64 = 0xC1E0_C047_E871_5EED;

/// What a program's pointer to a context leads to. The mark comes first, so that it can be looked at before anything
/// else there is taken for what it should be.
#[repr(C)]
struct Marked {
    mark: AtomicU64,
    /// How many calls are under way.
    calls: AtomicUsize,
    context: cie_context,
}

/// A call that is under way.
struct Call<'a>(&'a AtomicUsize);

impl<'a> Call<'a> {
    fn begin(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::AcqRel);
        Self(calls)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// `cie_context *`: what a program got from `cie_context_new`.
#[repr(transparent)]
pub struct ContextIn(*mut cie_context);

impl ContextIn {
    /// Uses the context, which cannot be freed as long as this lasts.
    pub(super) fn with<R>(&self, body: impl FnOnce(&cie_context) -> Result<R, Fault>) -> Result<R, Fault> {
        let place = self.find()?;
        // SAFETY: `find` saw the mark, so by the contract of the header it is a context that was not freed, and nobody
        // frees it during the call: not even a callback, as `free` looks at the calls.
        let marked = unsafe { place.as_ref() };
        let _call = Call::begin(&marked.calls);
        body(&marked.context)
    }

    /// Takes the context back from the program; null is nothing. None is taken back while a call uses it.
    pub(super) fn free(self) -> Result<(), Fault> {
        let place = match self.find() {
            Err(Fault::Null) => return Ok(()),
            found => found?,
        };
        // SAFETY: as in `with`. This reference ends before the context does.
        let marked = unsafe { place.as_ref() };
        if marked.calls.load(Ordering::Acquire) > 0 {
            return Err(Fault::Busy);
        }
        // Whoever gives it back a second time finds no mark, as long as nothing else lies there.
        marked.mark.store(0, Ordering::Relaxed);
        // SAFETY: `Place::give` made a box of it, and the mark, which is gone now, says that it still was one. No call
        // uses it, and by the contract of the header none will.
        drop(unsafe { Box::from_raw(place.as_ptr()) });
        Ok(())
    }

    /// Where the context lies, if one does.
    fn find(&self) -> Result<NonNull<Marked>, Fault> {
        let place = Place::of(self.0.cast::<Marked>())?.0;
        // SAFETY: not null, aligned, and by the contract of the header something that has at least this long a head.
        // Only the mark is looked at, for which all bits are good; no reference to the rest is made.
        let mark = unsafe { &(*place.as_ptr()).mark };
        if mark.load(Ordering::Relaxed) == MARK { Ok(place) } else { Err(Fault::Handle) }
    }
}

/// `cie_context **`: where a new context is put.
#[repr(transparent)]
pub struct ContextOut(*mut *mut cie_context);

impl ContextOut {
    /// The place, if it is one. It is null until a context is put there.
    pub(super) fn place(self) -> Result<Place<*mut cie_context>, Fault> {
        Ok(Place::of(self.0)?.put_first(std::ptr::null_mut()))
    }
}

impl Place<*mut cie_context> {
    /// Gives a context to the program.
    pub(super) fn give(self, context: cie_context) {
        let marked = Marked { mark: AtomicU64::new(MARK), calls: AtomicUsize::new(0), context };
        self.put(Box::into_raw(Box::new(marked)).cast());
    }
}

#[cfg(test)]
mod tests;
