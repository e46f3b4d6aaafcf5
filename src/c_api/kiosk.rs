//! What a kiosk may know of a card without its PIN: that it is genuine, and its number for services.

use std::sync::Arc;

use super::border::{Bytes, ContextIn, HandleOut, NumberOut};
use super::cie_handle;
use super::failure::Fault;
use super::handles::Object;
use super::record::{Record, What};
use super::result::cie_result;
use super::trust::{self, CIE_ALLOW_SHA1};
use crate::card::{Card, Session};
use crate::crypto::PresentedCertificate;
use crate::kiosk;
use crate::passive::SecurityObjectPolicy;
use crate::trust::Certificate;
use crate::{genuine, ias};

/// The longest certificate, in bytes.
const CERTIFICATE_MAX: usize = 64 << 10;

fn policy(flags: u32) -> Result<SecurityObjectPolicy, Fault> {
    trust::check_flags(flags, CIE_ALLOW_SHA1)?;
    let policy = SecurityObjectPolicy::new();
    Ok(if flags & CIE_ALLOW_SHA1 == 0 { policy } else { policy.allow_sha1() })
}

/// Makes a memory of cards that were genuine, which saves half of the commands when one comes back. It vouches for
/// nothing: everything is verified anew each time. It is personal data. Any number of calls may use it at once.
///
/// `seen`: receives a handle, which the program closes.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_seen_open(context: ContextIn, seen: HandleOut) -> cie_result {
    let out = seen.place();
    context.call(|context| {
        let out = out?;
        out.put(context.shared().handles.open(Object::Seen(Arc::default()))?);
        Ok(())
    })
}

/// Checks that the card that lies there is a genuine CIE 3, and reads its number for services (NIS): a country signing
/// certificate vouches for the number and for a key, and the card answers a fresh challenge with that key, which cannot
/// be copied. No PIN is needed. That the card was not reported stolen and has not expired is not known.
///
/// `trust`: a store with `CIE_ANCHOR_CSCA`. `seen`: a memory of `cie_seen_open`, or 0. `flags`: 0, or `CIE_ALLOW_SHA1`.
/// `nis`: receives a record (`cie_text`) with `CIE_FIELD_NIS`, which the program closes; ask `cie_is_test` before
/// anybody is let in. `CIE_CHIP_NOT_AUTHENTIC`, `CIE_ISSUER_UNKNOWN`, `CIE_FILE_ALTERED` and others: whichever it is,
/// nothing is known of whose card it is. `CIE_OTHER_CARD` for a contact card, `CIE_UNLOCKED` after a PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_verify_nis(
    context: ContextIn,
    card: cie_handle,
    trust: cie_handle,
    seen: cie_handle,
    flags: u32,
    nis: HandleOut,
) -> cie_result {
    let out = nis.place();
    context.call(|context| {
        let (out, policy) = (out?, policy(flags)?);
        let handles = &context.shared().handles;
        let trust = trust::store(handles, trust)?;
        // Without a memory, one that is forgotten at once.
        let seen = if seen == 0 { Arc::default() } else { handles.seen(seen)? };
        let nis = handles.card(card)?.edit(|card| {
            let Card::Cie3(application) = card.known()? else { return Err(Fault::OtherCard) };
            Ok(kiosk::verify_nis_with(application, &trust, &policy, &seen)?)
        })?;
        out.put(handles.open(Object::Record(Record::nis(&nis).into()))?);
        Ok(())
    })
}

/// Checks, before a person is asked for a PIN, that the chip at the other end of the protected channel is one that a
/// country vouches for. No PIN is needed. From here on this card shows a PIN or PUK to that chip only, also if its
/// channel has to be opened anew; if the check fails, to none until another one succeeds.
///
/// `trust`, `flags`: as `cie_card_verify_nis`. `chip`: receives a record, which the program closes; `cie_chip_is_of`
/// and `cie_chip_check_certificate` ask it. `CIE_OTHER_CARD` for a contact card, `CIE_UNLOCKED` after a PIN was
/// verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_card_verify_chip(
    context: ContextIn,
    card: cie_handle,
    trust: cie_handle,
    flags: u32,
    chip: HandleOut,
) -> cie_result {
    let out = chip.place();
    context.call(|context| {
        let (out, policy) = (out?, policy(flags)?);
        let handles = &context.shared().handles;
        let trust = trust::store(handles, trust)?;
        let chip = handles
            .card(card)?
            .edit(|card| card.check_chip(|session| Ok(genuine::verify(session, &trust, &policy)?)))?;
        out.put(handles.open(Object::Record(Record::chip(chip).into()))?);
        Ok(())
    })
}

/// Whether a card is the one whose chip was checked, and not the next person's. The card is asked for a file over its
/// channel: one that was taken away or reset is an error and not an answer.
///
/// `is_of`: receives 1 or 0, and 0 on any failure. `CIE_HANDLE` unless `chip` came from `cie_card_verify_chip`;
/// `CIE_UNLOCKED` after a PIN was verified.
///
/// Threads: any, one call at a time for a card.
#[unsafe(no_mangle)]
pub extern "C" fn cie_chip_is_of(
    context: ContextIn,
    chip: cie_handle,
    card: cie_handle,
    is_of: NumberOut,
) -> cie_result {
    let out = is_of.place().map(|place| place.put_first(0));
    context.call(|context| {
        let out = out?;
        let handles = &context.shared().handles;
        let record = handles.record(chip)?;
        let What::Chip(chip) = record.what() else { return Err(Fault::NotA("a genuine chip")) };
        let answer = handles.card(card)?.edit(|card| {
            card.with_ready(|session| match session {
                Session::Cie3(session) => {
                    session.read(ias::File::Nis)?;
                    Ok(chip.is_of(session))
                }
                Session::Contact(_) => Ok(false),
            })
        })?;
        out.put(i32::from(answer));
        Ok(())
    })
}

/// Checks that a certificate is the one that was issued with a chip: a chip of one card and a certificate of another do
/// not pass for one. `CIE_FILE_ALTERED` if it is another, `CIE_CERTIFICATE_BAD` if it is none.
///
/// `chip`: from `cie_card_verify_chip`. `der`, `length`: what `cie_card_certificate` gave.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn cie_chip_check_certificate(
    context: ContextIn,
    chip: cie_handle,
    der: Bytes,
    length: usize,
) -> cie_result {
    context.call(|context| {
        let record = context.shared().handles.record(chip)?;
        let What::Chip(chip) = record.what() else { return Err(Fault::NotA("a genuine chip")) };
        let der = der.required(length, CERTIFICATE_MAX)?;
        let certificate = PresentedCertificate::from_der(&der).or_else(|error| {
            // What is no certificate is the caller's fault, and not the library's.
            Certificate::from_der(&der).map_err(Fault::from).and(Err(error.into()))
        })?;
        Ok(chip.check_holder_certificate(&certificate)?)
    })
}
