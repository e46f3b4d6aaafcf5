//! Readers: what lies on them, waiting, and a monitor that tells what happens.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::border::{ContextIn, EventOut, HandleOut, ReaderOut, ReadersOut, SizeInOut, Text, UserData};
use super::cie_handle;
use super::context::cie_context;
use super::failure::Fault;
use super::result::cie_result;

/// How many bytes the name of a reader takes at most, the zero byte included.
// 128 bytes are the most that a service gives. Each that is not UTF-8 becomes three, and with the zero byte the next
// number that keeps structures without gaps.
pub const CIE_READER_NAME_SIZE: usize = 392;
const _: () = assert!(CIE_READER_NAME_SIZE == (128 * 3 + 1_usize).next_multiple_of(8));
/// How many bytes an answer to reset takes at most.
// 33 are the most (ISO 7816-3 section 8.2.1), and 36 is the next number that keeps structures without gaps.
pub const CIE_ATR_SIZE: usize = 36;
/// Waits without an end.
pub const CIE_FOREVER: u32 = 4_294_967_295;

/// Nothing lies on the reader.
pub const CIE_READER_EMPTY: i32 = 1;
/// A card that answers.
pub const CIE_READER_CARD: i32 = 2;
/// A card that does not answer, or cannot be powered.
pub const CIE_READER_MUTE: i32 = 3;
/// The reader is there but cannot be used.
pub const CIE_READER_UNAVAILABLE: i32 = 4;

/// A reader, and what lay on it when it was looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cie_reader {
    /// The name that the reader service gives it: UTF-8 with a zero byte at its end. It can have anything in it,
    /// control characters too: whoever builds a reader chooses it.
    pub name: [c_char; CIE_READER_NAME_SIZE],
    /// `CIE_READER_EMPTY` and its kin; others may be added.
    pub state: i32,
    /// How many bytes of `atr` are the card's answer to reset; 0 without a card that answers.
    pub atr_length: u32,
    /// The answer to reset.
    pub atr: [u8; CIE_ATR_SIZE],
    /// 1 if a program is connected to the card, else 0.
    pub in_use: i32,
    /// 1 if that program does not share it, else 0.
    pub is_exclusive: i32,
}

/// The reader service is gone, or was not there when the monitor began. The cards and readers that were there have been
/// told as gone.
pub const CIE_EVENT_SERVICE_LOST: i32 = 1;
/// The reader service is back; its readers follow.
pub const CIE_EVENT_SERVICE_BACK: i32 = 2;
/// A reader was plugged in, or was there when the monitor began.
pub const CIE_EVENT_READER_ADDED: i32 = 3;
/// A reader is gone.
pub const CIE_EVENT_READER_REMOVED: i32 = 4;
/// A card that answers was laid on.
pub const CIE_EVENT_CARD_INSERTED: i32 = 5;
/// A card was laid on that does not answer.
pub const CIE_EVENT_CARD_MUTE: i32 = 6;
/// The card, mute or not, is not there any more.
pub const CIE_EVENT_CARD_REMOVED: i32 = 7;

/// Something that happened at the readers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cie_event {
    /// `CIE_EVENT_SERVICE_LOST` and its kin; others may be added.
    pub kind: i32,
    /// How many bytes of `atr` are the card's answer to reset; 0 for other events than `CIE_EVENT_CARD_INSERTED`.
    pub atr_length: u32,
    /// The answer to reset.
    pub atr: [u8; CIE_ATR_SIZE],
    /// The name of the reader, with a zero byte at its end; empty if it is about the service.
    pub reader: [c_char; CIE_READER_NAME_SIZE],
}

/// Is told of an event. `event` is good until it returns; `data` is what was given with it. Returns 0 to go on,
/// anything else to stop. It runs in the thread that called `cie_monitor_run`, and must neither throw nor jump out of
/// the call.
pub type cie_event_callback = Option<extern "C" fn(data: *mut c_void, event: *const cie_event) -> i32>;

/// All readers and what lies on them now.
///
/// `readers`: a buffer for `*count` readers, or null to ask how many there are. `count`: on return, how many there are,
/// also with `CIE_NO_ROOM`; as readers come and go, be ready to ask again.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_readers(context: ContextIn, readers: ReadersOut, count: SizeInOut) -> cie_result {
    context.call(|context| readers.room(count)?.fill(&parts::readers(context)?))
}

/// Waits until a card that answers lies on a reader; the service may be stopped and started meanwhile.
///
/// `reader`: its name, or null for any. `within_ms`: for how many milliseconds, or `CIE_FOREVER`; 0 looks once.
/// `found`: receives the reader. `CIE_TIMED_OUT`, or why there can be none: `CIE_NO_SERVICE`, `CIE_NO_READER`,
/// `CIE_CARD_UNPOWERED`, `CIE_ACCESS_DENIED`. A program that waits for months, or wants to be able to stop,
/// takes a monitor.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_wait_for_card(
    context: ContextIn,
    reader: Text,
    within_ms: u32,
    found: ReaderOut,
) -> cie_result {
    context.call(|context| {
        let (reader, found) = (reader.optional(CIE_READER_NAME_SIZE)?, found.place()?);
        found.put(parts::wait_for_card(context, reader.as_deref(), patience(within_ms))?);
        Ok(())
    })
}

/// Waits until nothing lies on a reader. As `cie_wait_for_card`; `reader` must not be null, and `CIE_NO_READER` says
/// that the reader itself is gone when the time is over.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_wait_for_removal(context: ContextIn, reader: Text, within_ms: u32) -> cie_result {
    context.call(|context| {
        parts::wait_for_removal(context, &reader.required(CIE_READER_NAME_SIZE)?, patience(within_ms))
    })
}

/// Begins to watch readers and cards, whether or not the service runs: if it does not, the first event is
/// `CIE_EVENT_SERVICE_LOST`.
///
/// `monitor`: receives a handle, which the program closes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_monitor_open(context: ContextIn, monitor: HandleOut) -> cie_result {
    let place = monitor.place();
    context.call(|context| {
        let place = place?;
        place.put(parts::monitor(context)?);
        Ok(())
    })
}

/// Waits for the next event. The first ones tell what is there already; what a reader or the service takes along when
/// it goes is told before. A thread that waits for events should do little else, so that none of them comes late.
///
/// `within_ms`: as `cie_wait_for_card`. `event`: receives it. `CIE_TIMED_OUT` if nothing happened, `CIE_CANCELLED`
/// after `cie_monitor_cancel`, `CIE_READER_FAILED` if the service says something that has no meaning: none of them
/// ends the monitor, and the next call goes on. `CIE_BUSY` if another thread waits already.
///
/// Threads: any, one that waits at a time for a monitor.
#[unsafe(no_mangle)]
pub extern "C" fn cie_monitor_next(
    context: ContextIn,
    monitor: cie_handle,
    within_ms: u32,
    event: EventOut,
) -> cie_result {
    let place = event.place();
    context.call(|context| {
        let place = place?;
        place.put(parts::next_event(context, monitor, patience(within_ms))?);
        Ok(())
    })
}

/// Calls back for each event until the callback returns something else than 0, which is `CIE_OK`.
///
/// `within_ms`: how long to wait for each event. `callback`: not null; it may call any function of this library, but
/// this monitor is `CIE_BUSY` for it except to `cie_monitor_cancel` and `cie_close`. `data`: handed to the callback as
/// it is. Results as `cie_monitor_next`.
///
/// Threads: any, one that waits at a time for a monitor.
#[unsafe(no_mangle)]
pub extern "C" fn cie_monitor_run(
    context: ContextIn,
    monitor: cie_handle,
    within_ms: u32,
    callback: cie_event_callback,
    data: *mut c_void,
) -> cie_result {
    context.call(|context| {
        let callback = callback.ok_or(Fault::Null)?;
        let data = UserData::new(data);
        parts::run(context, monitor, patience(within_ms), &mut |event| callback(data.pointer(), event) == 0)
    })
}

/// Makes the call that waits on a monitor return `CIE_CANCELLED`, or the next one if nobody waits; events that have
/// happened already come first.
///
/// Threads: any, also while another waits, and callbacks. Not a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn cie_monitor_cancel(context: ContextIn, monitor: cie_handle) -> cie_result {
    context.call(|context| parts::cancel(context, monitor))
}

/// Sets how long an exchange with a card may take, for cards that are opened from now on, by this context and its
/// clones.
///
/// `milliseconds`: 10,000 unless this is called; at least 100. A reader that does not come back in time is
/// `CIE_READER_STUCK`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_context_set_deadline(context: ContextIn, milliseconds: u32) -> cie_result {
    context.call(|context| {
        if milliseconds < 100 {
            return Err(Fault::Argument("milliseconds: less than 100"));
        }
        parts::set_deadline(context, Duration::from_millis(milliseconds.into()))
    })
}

fn patience(milliseconds: u32) -> Duration {
    if milliseconds == CIE_FOREVER { Duration::MAX } else { Duration::from_millis(milliseconds.into()) }
}

#[cfg(feature = "pcsc")]
pub(super) use parts::Monitored;

/// With readers.
#[cfg(feature = "pcsc")]
mod parts {
    use std::sync::PoisonError;

    use super::super::handles::{Object, Shared};
    use super::*;
    use crate::transport::pcsc::{Canceller, Event, Monitor, Reader, ReaderState, Service};

    /// A monitor, and what ends its waiting.
    #[derive(Clone)]
    pub(in super::super) struct Monitored {
        monitor: Shared<Monitor>,
        canceller: Canceller,
    }

    impl Monitored {
        pub(in super::super) fn cancel(&self) {
            self.canceller.cancel();
        }
    }

    impl cie_context {
        pub(in super::super) fn service(&self) -> Service {
            self.shared().service.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    pub(super) fn set_deadline(context: &cie_context, deadline: Duration) -> Result<(), Fault> {
        let mut service = context.shared().service.lock().unwrap_or_else(PoisonError::into_inner);
        *service = service.clone().with_deadline(deadline);
        Ok(())
    }

    pub(super) fn readers(context: &cie_context) -> Result<Vec<cie_reader>, Fault> {
        Ok(context.service().readers()?.iter().map(cie_reader::from).collect())
    }

    pub(super) fn wait_for_card(
        context: &cie_context,
        reader: Option<&str>,
        within: Duration,
    ) -> Result<cie_reader, Fault> {
        Ok((&context.service().watch().wait_for_card(reader, within)?).into())
    }

    pub(super) fn wait_for_removal(
        context: &cie_context,
        reader: &str,
        within: Duration,
    ) -> Result<(), Fault> {
        context.service().watch().wait_for_removal(reader, within)?;
        Ok(())
    }

    pub(super) fn monitor(context: &cie_context) -> Result<cie_handle, Fault> {
        let monitor = context.service().monitor();
        let canceller = monitor.canceller();
        let monitored = Monitored { monitor: Shared::new(monitor), canceller };
        context.shared().handles.open(Object::Monitor(monitored))
    }

    pub(super) fn next_event(
        context: &cie_context,
        monitor: cie_handle,
        within: Duration,
    ) -> Result<cie_event, Fault> {
        let monitored = context.shared().handles.monitor(monitor)?;
        monitored.monitor.edit(|monitor| Ok((&monitor.next_event(within)?).into()))
    }

    pub(super) fn run(
        context: &cie_context,
        monitor: cie_handle,
        within: Duration,
        told: &mut dyn FnMut(&cie_event) -> bool,
    ) -> Result<(), Fault> {
        let monitored = context.shared().handles.monitor(monitor)?;
        monitored.monitor.edit(|monitor| {
            loop {
                match monitor.next_event(within) {
                    Ok(event) if told(&(&event).into()) => {}
                    Ok(_) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    pub(super) fn cancel(context: &cie_context, monitor: cie_handle) -> Result<(), Fault> {
        context.shared().handles.monitor(monitor)?.cancel();
        Ok(())
    }

    /// Bytes at the beginning of an array, and how many.
    fn array<const N: usize>(bytes: &[u8]) -> ([u8; N], u32) {
        let mut array = [0; N];
        let length = bytes.len().min(N);
        array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        (array, u32::try_from(length).unwrap_or_default())
    }

    /// Text with a zero byte at its end, cut between two characters if it is too long.
    fn text(text: &str) -> [c_char; CIE_READER_NAME_SIZE] {
        let mut array = [0; CIE_READER_NAME_SIZE];
        let end = text.floor_char_boundary_within(CIE_READER_NAME_SIZE - 1);
        for (to, from) in array.iter_mut().zip(text.as_bytes().iter().take(end)) {
            *to = c_char::from_ne_bytes([*from]);
        }
        array
    }

    /// `str::floor_char_boundary` is younger than the oldest Rust that builds this.
    trait Boundary {
        fn floor_char_boundary_within(&self, most: usize) -> usize;
    }

    impl Boundary for str {
        fn floor_char_boundary_within(&self, most: usize) -> usize {
            (0..=most.min(self.len())).rev().find(|at| self.is_char_boundary(*at)).unwrap_or_default()
        }
    }

    impl From<&Reader> for cie_reader {
        fn from(reader: &Reader) -> Self {
            let (state, atr, users) = match &reader.state {
                ReaderState::Empty => (CIE_READER_EMPTY, &[][..], (false, false)),
                ReaderState::Present { atr, in_use, exclusive } => {
                    (CIE_READER_CARD, &**atr, (*in_use, *exclusive))
                }
                ReaderState::Mute => (CIE_READER_MUTE, &[][..], (false, false)),
                ReaderState::Unavailable => (CIE_READER_UNAVAILABLE, &[][..], (false, false)),
            };
            let (atr, atr_length) = array(atr);
            let (in_use, is_exclusive) = (i32::from(users.0), i32::from(users.1));
            Self { name: text(&reader.name), state, atr_length, atr, in_use, is_exclusive }
        }
    }

    impl From<&Event> for cie_event {
        fn from(event: &Event) -> Self {
            let (kind, reader, atr) = match event {
                Event::ServiceLost => (CIE_EVENT_SERVICE_LOST, "", &[][..]),
                Event::ServiceBack => (CIE_EVENT_SERVICE_BACK, "", &[][..]),
                Event::ReaderAdded { reader } => (CIE_EVENT_READER_ADDED, &**reader, &[][..]),
                Event::ReaderRemoved { reader } => (CIE_EVENT_READER_REMOVED, &**reader, &[][..]),
                Event::CardInserted { reader, atr } => (CIE_EVENT_CARD_INSERTED, &**reader, &**atr),
                Event::CardMute { reader } => (CIE_EVENT_CARD_MUTE, &**reader, &[][..]),
                Event::CardRemoved { reader } => (CIE_EVENT_CARD_REMOVED, &**reader, &[][..]),
            };
            let (atr, atr_length) = array(atr);
            Self { kind, atr_length, atr, reader: text(reader) }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_long_name_ends_between_two_characters() {
            let name = text(&"è".repeat(300));
            let bytes: Vec<u8> =
                name.iter().flat_map(|c| c.to_ne_bytes()).take_while(|byte| *byte != 0).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), "è".repeat((CIE_READER_NAME_SIZE - 1) / 2));
            assert_eq!(array::<4>(&[1, 2]), ([1, 2, 0, 0], 2));
            assert_eq!(array::<2>(&[1, 2, 3]), ([1, 2], 2));
        }
    }
}

/// Without readers.
#[cfg(not(feature = "pcsc"))]
mod parts {
    use super::*;

    pub(super) fn set_deadline(_: &cie_context, _: Duration) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn readers(_: &cie_context) -> Result<Vec<cie_reader>, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn wait_for_card(_: &cie_context, _: Option<&str>, _: Duration) -> Result<cie_reader, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn wait_for_removal(_: &cie_context, _: &str, _: Duration) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn monitor(_: &cie_context) -> Result<cie_handle, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn next_event(_: &cie_context, _: cie_handle, _: Duration) -> Result<cie_event, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn run(
        _: &cie_context,
        _: cie_handle,
        _: Duration,
        _: &mut dyn FnMut(&cie_event) -> bool,
    ) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn cancel(_: &cie_context, _: cie_handle) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }
}
