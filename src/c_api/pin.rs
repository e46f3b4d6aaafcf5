//! The PIN and the PUK: tries that are left, and the four things to do with them. Each call sends at most one command
//! that carries a secret, once.

use super::border::{ContextIn, NumberOut, Secret, SecretIn};
use super::cie_handle;
use super::failure::Fault;
use super::result::cie_result;
use super::standing::OpenCard;
use crate::card::Unblock;
use crate::pin::{self, LastTry, Tries};

/// With one try left nothing is sent: `CIE_PIN_LAST_TRY`, `CIE_PUK_LAST_TRY`.
pub const CIE_LAST_TRY_REFUSE: i32 = 0;
/// The person was told that this is the last try and wants it.
pub const CIE_LAST_TRY_SPEND: i32 = 1;

/// The card does not tell how many tries are left. It is not known to be the last.
pub const CIE_TRIES_UNKNOWN: i32 = -1;

fn last_try(number: i32) -> Result<LastTry, Fault> {
    match number {
        CIE_LAST_TRY_REFUSE => Ok(LastTry::Refuse),
        CIE_LAST_TRY_SPEND => Ok(LastTry::Spend),
        _ => Err(Fault::Argument("last_try: neither CIE_LAST_TRY_REFUSE nor CIE_LAST_TRY_SPEND")),
    }
}

fn left(tries: Tries) -> i32 {
    match tries {
        Tries::Left(left) => left.into(),
        Tries::Unknown => CIE_TRIES_UNKNOWN,
    }
}

/// How many tries the PIN has left, as far as the card tells without spending one.
///
/// `tries`: receives the number, 0 if it is blocked, `CIE_TRIES_UNKNOWN` if the card does not tell. Of a CIE 3 that
/// does not, what is remembered is known after `cie_card_prepare`.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_pin_tries(context: ContextIn, card: cie_handle, tries: NumberOut) -> cie_result {
    let out = tries.place();
    context.call(|context| {
        let out = out?;
        let tries = context.shared().handles.card(card)?.edit(OpenCard::pin_tries)?;
        out.put(left(tries));
        Ok(())
    })
}

/// How many tries the PUK has left. As `cie_card_pin_tries`; `CIE_UNLOCKED` after a PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_puk_tries(context: ContextIn, card: cie_handle, tries: NumberOut) -> cie_result {
    let out = tries.place();
    context.call(|context| {
        let out = out?;
        let tries = context.shared().handles.card(card)?.edit(OpenCard::puk_tries)?;
        out.put(left(tries));
        Ok(())
    })
}

/// Makes the card ready for its PIN: a CIE 3 opens its protected channel, which takes a second or two. Functions that
/// need this do it themselves; a program that calls it while the person still types has the PIN verified sooner. A
/// contact card is kept from other programs from here on, until it refuses a PIN, or is locked or closed:
/// `CIE_CARD_IN_USE` if one is connected to it, so that nobody types a PIN in vain. `CIE_UNLOCKED` after a PIN was
/// verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_prepare(context: ContextIn, card: cie_handle) -> cie_result {
    context.call(|context| {
        context
            .shared()
            .handles
            .card(card)?
            .edit(|card| card.with_ready(|session| Ok(session.keep_exclusive()?)))
    })
}

/// Verifies the PIN: one VERIFY, never repeated, whatever happens. (A contact card that says it has no such PIN, and so
/// has compared nothing, is told the PIN by its other reference, once.) A wrong PIN costs a try. Afterwards the card
/// signs, and a CIE 3 gives its certificate, until `cie_card_lock` or `cie_close`, or until a call finds that the card
/// has forgotten it: `CIE_PIN_STATE_LOST`, `CIE_CARD_RESET` and other failures of the connection.
///
/// After `cie_card_verify_chip` the PIN goes to that chip only, and to none if that failed: `CIE_CHIP_NOT_AUTHENTIC`.
///
/// `pin`, `length`: the digits, in memory that may be written: an array, never a literal. All of them are zeros when
/// the function returns, whatever it returns, unless `length` is more than 4096. `last_try`: `CIE_LAST_TRY_REFUSE` or
/// `CIE_LAST_TRY_SPEND`; see SECRETS at the head for what is known of tries.
/// `CIE_PIN_WRONG` (`cie_error_facts` tells the tries that are left), `CIE_PIN_BLOCKED` (also for a wrong PIN that
/// spent the last try), `CIE_PIN_LAST_TRY`,
/// `CIE_PIN_MALFORMED`; in doubt whether a try was spent, `is_doubtful` of the facts is 1. `CIE_CARD_IN_USE` if another
/// program is connected to a contact card: nothing was sent. `CIE_UNLOCKED` if a PIN was verified already.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_verify_pin(
    context: ContextIn,
    card: cie_handle,
    pin: Secret,
    length: usize,
    last_try: i32,
) -> cie_result {
    // First of all, so that it is cleared on every way out.
    let pin = pin.take(length);
    context.call(|context| {
        let (pin, last_try) = (pin?, self::last_try(last_try)?);
        context.shared().handles.card(card)?.edit(|card| card.verify_pin(&pin, last_try))
    })
}

/// Changes the PIN of a card whose PIN was verified: one command, never repeated. A wrong old PIN costs a try; the last
/// one is not spent by this. Whether the card counts the new PIN as verified is its own affair: if not, the next call
/// is `CIE_PIN_STATE_LOST`.
///
/// `old_pin`, `old_length`, `new_pin`, `new_length`: the digits, cleared as by `cie_card_verify_pin`; two buffers.
/// `CIE_PIN_NEEDED` before `cie_card_verify_pin`; `CIE_PIN_WRONG`, `CIE_PIN_BLOCKED`, `CIE_PIN_LAST_TRY`,
/// `CIE_PIN_MALFORMED`, `CIE_NEW_PIN_MALFORMED`; `CIE_PIN_UNCERTAIN` if the connection was lost and the card may have
/// either PIN.
/// `cie_check_new_pin` says beforehand whether the new one is easily guessed.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_change_pin(
    context: ContextIn,
    card: cie_handle,
    old_pin: Secret,
    old_length: usize,
    new_pin: Secret,
    new_length: usize,
) -> cie_result {
    let (old, new) = (old_pin.take(old_length), new_pin.take(new_length));
    context.call(|context| {
        let (old, new) = (old?, new?);
        let card = context.shared().handles.card(card)?;
        card.edit(|card| card.change_pin(&old, &new))
    })
}

/// Gives the PIN its tries back with the PUK, which is shown once. The PIN is not verified by this. A CIE 3 knows the
/// PUK until `cie_card_lock` or `cie_close`.
///
/// `puk`, `puk_length`: the digits. `new_pin`, `new_length`: a new PIN, or null and 0 to keep the one that the card
/// has; some cards know only one of the two ways. Both are cleared as by `cie_card_verify_pin`; two buffers.
/// `last_try`: about the PUK, which is gone for good after its last try.
/// `CIE_PUK_WRONG`, `CIE_PUK_BLOCKED`, `CIE_PUK_LAST_TRY`, `CIE_PUK_MALFORMED`, `CIE_NEW_PIN_MALFORMED`,
/// `CIE_UNBLOCK_REFUSED`,
/// `CIE_PIN_UNCERTAIN`, `CIE_CARD_IN_USE`, `CIE_CHIP_NOT_AUTHENTIC` as for `cie_card_verify_pin`; `CIE_UNLOCKED` after
/// a PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_unblock_pin(
    context: ContextIn,
    card: cie_handle,
    puk: Secret,
    puk_length: usize,
    new_pin: Secret,
    new_length: usize,
    last_try: i32,
) -> cie_result {
    let (puk, new) = (puk.take(puk_length), new_pin.take_optional(new_length));
    context.call(|context| {
        let (puk, new, last_try) = (puk?, new?, self::last_try(last_try)?);
        let unblock = new.as_ref().map_or(Unblock::KeepPin, Unblock::NewPin);
        context.shared().handles.card(card)?.edit(|card| card.unblock_pin(&puk, unblock, last_try))
    })
}

/// Whether a new PIN is none of those that are tried first: `CIE_PIN_WEAK` if all its digits are the same or a
/// sequence, or if it is the old one. No card asks for this, and nothing is sent. Neither its length nor
/// that it is digits is looked at: that depends on the card.
///
/// `new_pin`, `new_length`: the digits, which stay as they are. `old_pin`, `old_length`: the old PIN, or null and 0.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_check_new_pin(
    context: ContextIn,
    new_pin: SecretIn,
    new_length: usize,
    old_pin: SecretIn,
    old_length: usize,
) -> cie_result {
    context.call(|_| {
        let new = new_pin.look(new_length)?.ok_or(Fault::Null)?;
        let old = old_pin.look(old_length)?;
        Ok(pin::check_new_pin(&new, old.as_ref())?)
    })
}
