//! Software cards, for tests: in a library that was built with them.

use super::border::{ContextIn, HandleOut, OpenOptionsIn, Text};
use super::cie_handle;
use super::failure::Fault;
use super::open::PATH_MAX;
use super::result::cie_result;

/// Makes a software card of an invented citizen, with a test PKI of its own: `card.json`, `trust/…` for
/// `cie_trust_load`, `lists/…` for `cie_party_add_list`, `citizen.json`. Its PIN is 12345678, its PUK 87654321. It
/// takes some seconds.
///
/// `folder`: where; nothing that is there is overwritten. `kind`: "cie3", or a contact card: "cie1", "cie2", "cns-1.0",
/// "cns-1.1", "cns-athena", "cns-idemia", "cns-infocamere", "cns-ace". `CIE_SOFT_CARD`; `CIE_NOT_BUILT_IN` without
/// `CIE_FEATURE_SOFT_CARDS`, as for all that follow.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_soft_new(context: ContextIn, folder: Text, kind: Text) -> cie_result {
    context.call(|_| {
        let (folder, kind) = (folder.required(PATH_MAX)?, kind.required(PATH_MAX)?);
        if folder.is_empty() {
            return Err(Fault::Argument("no folder; the one that the program runs in is \".\""));
        }
        parts::new(&folder, &kind)
    })
}

/// Opens a software card. The file is locked until it is closed, and the cards that were opened from it.
///
/// `path`: its `card.json`. `soft`: receives a handle, which the program closes. `CIE_CARD_IN_USE`, `CIE_SOFT_CARD`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_soft_open(context: ContextIn, path: Text, soft: HandleOut) -> cie_result {
    let out = soft.place();
    context.call(|context| {
        let out = out?;
        out.put(parts::open(context, &path.required(PATH_MAX)?)?);
        Ok(())
    })
}

/// Lays a software card on a reader of its own, and opens it as `cie_card_open` does. That reader is nobody else's:
/// neither `cie_readers` nor a monitor tells of it. The command `cie soft insert` lays one where they do (docs/cli.md).
///
/// `soft`: from `cie_soft_open`. `options`: null for the defaults. `card`: receives a handle, which the program closes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_soft_insert(
    context: ContextIn,
    soft: cie_handle,
    options: OpenOptionsIn,
    card: HandleOut,
) -> cie_result {
    let out = card.place();
    context.call(|context| {
        let (out, options) = (out?, options.read()?);
        out.put(parts::insert(context, soft, &options)?);
        Ok(())
    })
}

/// Takes a software card away, as a person would: whoever uses it gets `CIE_CARD_REMOVED`. Callbacks may call it.
///
/// `soft`: from `cie_soft_open`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_soft_remove(context: ContextIn, soft: cie_handle) -> cie_result {
    context.call(|context| parts::remove(context, soft))
}

/// Resets a software card, as another program would: whoever uses it gets `CIE_CARD_RESET`, or has its PIN state lost.
/// Callbacks may call it.
///
/// `soft`: from `cie_soft_open`.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_soft_reset(context: ContextIn, soft: cie_handle) -> cie_result {
    context.call(|context| parts::reset(context, soft))
}

/// With software cards.
#[cfg(feature = "emulator")]
mod parts {
    use super::super::context::cie_context;
    use super::super::handles::Object;
    use super::super::open::{admit, cie_open_options};
    use super::*;
    use crate::emulator::SoftCard;
    use crate::emulator::contact::Model;
    use crate::emulator::folder::{self, FolderOptions};
    use crate::transport::trace::Origin;

    pub(super) fn new(folder: &str, kind: &str) -> Result<(), Fault> {
        let contact = match kind {
            "cie3" => None,
            model => Some(
                model
                    .parse::<Model>()
                    .map_err(|_| Fault::Argument("kind: not one that software cards are made of"))?,
            ),
        };
        let options = FolderOptions { contact, ..FolderOptions::new(std::time::SystemTime::now()) };
        folder::create(folder, &options)?;
        Ok(())
    }

    pub(super) fn open(context: &cie_context, path: &str) -> Result<cie_handle, Fault> {
        context.shared().handles.open(Object::Soft(SoftCard::open(path)?))
    }

    pub(super) fn insert(
        context: &cie_context,
        soft: cie_handle,
        options: &cie_open_options,
    ) -> Result<cie_handle, Fault> {
        let soft = context.shared().handles.soft(soft)?;
        admit(context, soft.insert(), options, Origin::Emulator)
    }

    pub(super) fn remove(context: &cie_context, soft: cie_handle) -> Result<(), Fault> {
        context.shared().handles.soft(soft)?.remove();
        Ok(())
    }

    pub(super) fn reset(context: &cie_context, soft: cie_handle) -> Result<(), Fault> {
        context.shared().handles.soft(soft)?.reset_by_other();
        Ok(())
    }
}

/// Without software cards.
#[cfg(not(feature = "emulator"))]
mod parts {
    use super::super::context::cie_context;
    use super::super::open::cie_open_options;
    use super::*;

    pub(super) fn new(_: &str, _: &str) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn open(_: &cie_context, _: &str) -> Result<cie_handle, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn insert(_: &cie_context, _: cie_handle, _: &cie_open_options) -> Result<cie_handle, Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn remove(_: &cie_context, _: cie_handle) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    pub(super) fn reset(_: &cie_context, _: cie_handle) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }
}
