//! Opening a card: on a reader, in software, or recorded.

use std::ffi::c_void;

use super::border::{ContextIn, HandleOut, OpenOptionsIn, Text, UserData};
use super::context::cie_context;
use super::failure::Fault;
use super::handles::{Object, Shared};
use super::readers::CIE_READER_NAME_SIZE;
use super::result::cie_result;
use super::standing::OpenCard;
use super::{cie_handle, cie_statistics};
use crate::card;
use crate::transport::Link;
use crate::transport::replay::{Failed, Replay};
use crate::transport::trace::Origin;

/// Nobody else uses the card meanwhile: for cards whose verified PIN serves every program (CNS, health cards).
pub const CIE_SHARING_EXCLUSIVE: i32 = 1;
/// Other programs may use it as well, but not in the middle of a call. Enough for a CIE 3; a contact card is kept
/// exclusively all the same from the PIN on.
pub const CIE_SHARING_SHARED: i32 = 2;

/// The longest name of a file, in bytes.
pub(super) const PATH_MAX: usize = 4096;

/// Is told after each answer of the card how much was said since it was opened. `statistics` is good until it returns.
/// Returns 0 to go on; anything else, and no further command goes out over this card: the call that needs one, and
/// every later one that does, is `CIE_CANCELLED` (after a PIN also `CIE_PIN_NEEDED`), but for `cie_card_lock` and
/// `cie_close`, which reset the card. What was sent already, a PIN included, is not taken back: a call that needed
/// nothing more is `CIE_OK`. It runs in the thread that uses the card, which waits for it; it may call any function
/// of this library, but this card is `CIE_BUSY` for it. It must neither throw nor jump out of the call.
pub type cie_progress_callback =
    Option<extern "C" fn(data: *mut c_void, statistics: *const cie_statistics) -> i32>;

/// What may be chosen when a card is opened. Set `size` to `sizeof(cie_open_options)` and everything else to 0 for the
/// defaults; or give null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct cie_open_options {
    /// `sizeof(cie_open_options)`.
    pub size: usize,
    /// A recorder that writes down what is said to the card, or 0.
    pub recorder: cie_handle,
    /// Is told of progress for as long as the card is open, or null.
    pub progress: cie_progress_callback,
    /// Handed to `progress` as it is.
    pub data: *mut c_void,
}

impl Default for cie_open_options {
    fn default() -> Self {
        Self { size: size_of::<Self>(), recorder: 0, progress: None, data: std::ptr::null_mut() }
    }
}

/// Connects to the card on a reader and recognises it: a CIE 3, an identity card of the first generations, a CNS or
/// health card. Nothing that is sent carries a PIN.
///
/// `reader`: its name, as `cie_readers` gives it. `sharing`: `CIE_SHARING_EXCLUSIVE` or `CIE_SHARING_SHARED`.
/// `options`: null for the defaults. `card`: receives a handle, which the program closes.
/// `CIE_NO_CARD`, `CIE_NOT_A_CIE` for other cards, `CIE_CARD_IN_USE`, `CIE_READER_STUCK` and others.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_open(
    context: ContextIn,
    reader: Text,
    sharing: i32,
    options: OpenOptionsIn,
    card: HandleOut,
) -> cie_result {
    let place = card.place();
    context.call(|context| {
        let (place, options) = (place?, options.read()?);
        let reader = reader.required(CIE_READER_NAME_SIZE)?;
        let link = connect(context, &reader, sharing)?;
        place.put(admit(context, link, &options, Origin::Citizen)?);
        Ok(())
    })
}

#[cfg(feature = "pcsc")]
fn connect(context: &cie_context, reader: &str, sharing: i32) -> Result<Link, Fault> {
    use crate::transport::pcsc::Sharing;
    let sharing = match sharing {
        CIE_SHARING_EXCLUSIVE => Sharing::Exclusive,
        CIE_SHARING_SHARED => Sharing::Shared,
        _ => return Err(Fault::Argument("sharing: neither CIE_SHARING_EXCLUSIVE nor CIE_SHARING_SHARED")),
    };
    Ok(context.service().connect(reader, sharing)?)
}

#[cfg(not(feature = "pcsc"))]
fn connect(_: &cie_context, _: &str, _: i32) -> Result<Link, Fault> {
    Err(Fault::NotBuiltIn)
}

/// Opens a recorded dialogue that can be played back (docs/traces.md): a card for tests, which answers what was
/// recorded and nothing else. Whatever it proves says that it is a test.
///
/// `path`: the file, of `CIE_TRACE_REPLAYABLE` or `cie --trace-kind replayable`. `replay`: receives a handle, which the
/// program closes. `CIE_TRACE_UNUSABLE`, also for a recording of another kind.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_replay_open(context: ContextIn, path: Text, replay: HandleOut) -> cie_result {
    let place = replay.place();
    context.call(|context| {
        let place = place?;
        let opened = Replay::open(path.required(PATH_MAX)?)?;
        place.put(context.shared().handles.open(Object::Replay(opened))?);
        Ok(())
    })
}

/// Opens the card of the next recorded connection. As `cie_card_open`; `CIE_NOT_AS_RECORDED` if there is none, or if
/// what happens is not what was recorded.
///
/// `replay`: from `cie_replay_open`. `options`: null for the defaults. `card`: receives a handle, which the program
/// closes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_replay_card(
    context: ContextIn,
    replay: cie_handle,
    options: OpenOptionsIn,
    card: HandleOut,
) -> cie_result {
    let place = card.place();
    context.call(|context| {
        let (place, options) = (place?, options.read()?);
        let replay = context.shared().handles.replay(replay)?;
        let (link, origin) = (replay.link()?, replay.origin());
        place.put(admit(context, link, &options, origin)?);
        Ok(())
    })
}

/// Whether all went as it was recorded, to the end: close the cards first. `CIE_NOT_AS_RECORDED` if not, and
/// `cie_error_detail` says at which line.
///
/// `replay`: from `cie_replay_open`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_replay_check(context: ContextIn, replay: cie_handle) -> cie_result {
    context.call(|context| {
        let replay = context.shared().handles.replay(replay)?;
        match replay.conclude(Ok::<_, crate::Error>(())) {
            Ok(()) => Ok(()),
            Err(Failed::Mismatch(mismatch)) => {
                Err(crate::transport::Error::NotAsRecorded(Box::new(mismatch)).into())
            }
            Err(Failed::Dialogue { error, .. }) => Err(error.into()),
        }
    })
}

/// Has a link recorded and watched as was chosen, and recognises the card.
pub(super) fn admit(
    context: &cie_context,
    link: Link,
    options: &cie_open_options,
    origin: Origin,
) -> Result<cie_handle, Fault> {
    let handles = &context.shared().handles;
    let link = match options.recorder {
        0 => link,
        recorder => handles.recorder(recorder)?.record(link, origin)?,
    };
    let link = match options.progress {
        Some(progress) => {
            let data = UserData::new(options.data);
            link.watched(move |statistics| progress(data.pointer(), &statistics.into()) == 0)
        }
        None => link,
    };
    let card = card::open(link)?;
    handles.open(Object::Card(Shared::new(OpenCard::new(card, context.shared().tries.clone()))))
}
