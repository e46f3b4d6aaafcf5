//! PIN verbs and the tries that are left (ISO/IEC 7816-4 sections 11.6.6 to 11.6.10).
//!
//! Every function here sends at most one command that carries a PIN or PUK, once. Nothing repeats it:
//! not after a lost link, not after a reset, not after an answer that nobody understands.

mod known;
mod memory;

use crate::crypto::constant_time_equal;
use crate::iso7816::{Command, Response, StatusWord, command, tlv};
use crate::secret::Digits;
use crate::secure_messaging::{self, Channel};

pub(crate) use known::{Attempt, KnownTries, Which};
#[cfg(feature = "c-api")]
pub(crate) use memory::Remembered;
pub use memory::TriesMemory;

/// How many tries a PIN or PUK has left, as far as the card told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tries {
    /// So many; 0 is blocked.
    Left(u8),
    /// The card does not tell without spending one. It is not known to be the last.
    Unknown,
}

/// Whether a caller accepts to spend the last try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastTry {
    /// With one try left nothing is sent.
    #[default]
    Refuse,
    /// The person was told that this is the last try and wants it.
    Spend,
}

/// Why a PIN or PUK was not accepted; which of the two it was, the step of the dialogue says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is wrong; one try was spent.
    #[error("it is wrong, {}", match .0 {
        Tries::Left(left) => format!("tries left: {left}"),
        Tries::Unknown => "tries left unknown".to_owned(),
    })]
    Wrong(Tries),
    /// It is blocked. If it was not blocked before, this try was its last.
    #[error("it is blocked")]
    Blocked,
    /// Only one try may be left; nothing was sent.
    #[error("only one try is left, and it was not asked to be spent")]
    LastTryLeft,
    /// The card answered something that says nothing about the PIN.
    #[error("the card answered {0}")]
    Status(StatusWord),
    /// The exchange failed: whether a try was spent is not known.
    #[error(transparent)]
    Channel(#[from] secure_messaging::Error),
}

impl Tries {
    /// Refuses what should not be sent: anything to a blocked reference, and the last try.
    ///
    /// The count is the card's claim, made in clear at first, so [`LastTry::Spend`] goes past it: what is
    /// blocked indeed costs no try.
    ///
    /// # Errors
    /// [`Error::Blocked`] or [`Error::LastTryLeft`].
    pub fn check(self, last_try: LastTry) -> Result<(), Error> {
        match (self, last_try) {
            (Self::Left(0), LastTry::Refuse) => Err(Error::Blocked),
            (Self::Left(1), LastTry::Refuse) => Err(Error::LastTryLeft),
            _ => Ok(()),
        }
    }

    /// What has to be feared after an attempt of which the card did not say how many tries it left. It is counted as
    /// spent, but not so far that a PIN would seem blocked: the next try then is the last. Of a card that told nothing
    /// there are fewer than the `most` that a right PIN gives it.
    fn after_doubt(self, most: u8) -> Self {
        match self {
            Self::Unknown => Self::Left(most.saturating_sub(1).max(1)),
            Self::Left(left @ 1..) => Self::Left((left - 1).max(1)),
            Self::Left(0) => self,
        }
    }
}

/// Sends one command that carries a PIN or PUK, with leave to do so, and says what the card made of it. Only 9000 is
/// success.
///
/// # Errors
/// [`Error`].
pub(crate) fn present(channel: &mut Channel, command: &Command, _: &Attempt) -> Result<(), Error> {
    judge(channel.exchange(command)?.status())
}

/// The same in clear to a card that may know the PIN by another reference than this: `None` if it says that it
/// knows none by this, and so has compared nothing. That is 6A88, at once and alone: behind a 61xx it is the
/// answer to another command, and with data it is no answer to this one.
pub(crate) fn present_by_reference(
    channel: &mut Channel,
    command: &Command,
    _: &Attempt,
) -> Option<Result<(), Error>> {
    let before = channel.statistics().get_responses;
    let response = match channel.exchange(command) {
        Ok(response) => response,
        Err(error) => return Some(Err(error.into())),
    };
    let at_once = channel.statistics().get_responses == before;
    if at_once && response == Response::from(StatusWord::REFERENCE_NOT_FOUND) {
        return None;
    }
    Some(judge(response.status()))
}

fn judge(status: StatusWord) -> Result<(), Error> {
    match (status, status.tries_left()) {
        (StatusWord::SUCCESS, _) => Ok(()),
        (StatusWord::METHOD_BLOCKED, _) | (_, Some(0)) => Err(Error::Blocked),
        (_, Some(left)) => Err(Error::Wrong(Tries::Left(left))),
        (StatusWord::VERIFICATION_FAILED, _) => Err(Error::Wrong(Tries::Unknown)),
        _ => Err(Error::Status(status)),
    }
}

/// What becomes of the PIN when it is unblocked with the PUK.
///
/// Both ways are in use with real cards. None follows the other by itself: after a refused new PIN, keeping
/// the old one without a word would tell its holder something false.
#[derive(Debug)]
pub enum Unblock<'a, P> {
    /// All tries, and this PIN from now on. [`check_new_pin`] tells whether it is a good one.
    NewPin(&'a P),
    /// All tries for the PIN that the card has, for a holder who remembers it after all.
    KeepPin,
}

impl<P> Clone for Unblock<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Unblock<'_, P> {}

/// Why a new PIN should be another one. The card would take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Weak {
    /// The same digit throughout.
    #[error("all digits of the new PIN are the same")]
    SameDigits,
    /// Each digit is one more, or one less, than the one before.
    #[error("the digits of the new PIN are a sequence")]
    Sequence,
    /// The old PIN once more.
    #[error("the new PIN is the old one")]
    Unchanged,
}

/// Whether a new PIN is none of those that are tried first. No card asks for this, so nothing in this
/// library enforces it: it is for programs to call before they send a new PIN.
///
/// # Errors
/// [`Weak`].
pub fn check_new_pin<P: Digits>(new: &P, old: Option<&P>) -> Result<(), Weak> {
    let steps_by = |step: i16| {
        let next = |pair: &[u8]| matches!(pair, [a, b] if i16::from(*b) - i16::from(*a) == step);
        new.digits().windows(2).all(next)
    };
    if steps_by(0) {
        return Err(Weak::SameDigits);
    }
    if steps_by(1) || steps_by(-1) {
        return Err(Weak::Sequence);
    }
    match old {
        Some(old) if constant_time_equal(new.digits(), old.digits()) => Err(Weak::Unchanged),
        _ => Ok(()),
    }
}

/// Tag of a template of security data objects.
const TEMPLATE: u32 = 0x70;
/// Security data object "PIN" with the reference in the low byte (the local bit is not part of it).
const PIN_OBJECT: u32 = 0xBF_8100;
/// Its attributes.
const ATTRIBUTES: u32 = 0xA0;
/// The tries remaining, among the attributes.
const TRIES_REMAINING: u32 = 0x9B;

/// Asks for the attributes of a PIN or PUK object by GET DATA, which spends nothing (IAS ECC 1.0.1
/// security data objects). No CIE is known to refuse or to answer this; whatever a card answers that is
/// not a plain count is [`Tries::Unknown`].
///
/// # Errors
/// Only if the exchange itself fails.
pub(crate) fn read_tries(channel: &mut Channel, reference: u8) -> Result<Tries, secure_messaging::Error> {
    let object = PIN_OBJECT | u32::from(reference & 0x7F);
    let name = [0xBF, 0x81, reference & 0x7F, 0x02, 0xA0, 0x80];
    let request = tlv::encode(0x4D, &tlv::encode(TEMPLATE, &name));
    let response = channel.exchange(&command::get_data(&request))?;
    if !response.status().is_success() {
        return Ok(Tries::Unknown);
    }
    Ok(match tlv::find_path(response.data(), &[TEMPLATE, object, ATTRIBUTES, TRIES_REMAINING]) {
        Ok([left @ 0..=15]) => Tries::Left(*left),
        _ => Tries::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{ContactPin, Pin};

    #[test]
    fn the_last_try_is_spent_only_on_request() {
        assert_eq!(Tries::Left(0).check(LastTry::Refuse), Err(Error::Blocked));
        assert_eq!(Tries::Left(0).check(LastTry::Spend), Ok(()), "a claim is no reason to lock out");
        assert_eq!(Tries::Left(1).check(LastTry::Refuse), Err(Error::LastTryLeft));
        assert_eq!(Tries::Left(1).check(LastTry::Spend), Ok(()));
        assert_eq!(Tries::Left(2).check(LastTry::Refuse), Ok(()));
        assert_eq!(Tries::Unknown.check(LastTry::Refuse), Ok(()));
    }

    #[test]
    fn a_new_pin_is_neither_guessed_first_nor_the_old_one() {
        let pin = |text: &str| Pin::parse(text).unwrap();
        let check = |new: &str, old: Option<&str>| check_new_pin(&pin(new), old.map(&pin).as_ref());
        for (new, weak) in [
            ("00000000", Weak::SameDigits),
            ("77777777", Weak::SameDigits),
            ("01234567", Weak::Sequence),
            ("23456789", Weak::Sequence),
            ("98765432", Weak::Sequence),
            ("76543210", Weak::Sequence),
        ] {
            assert_eq!(check(new, None), Err(weak), "{new}");
            assert_eq!(check(new, Some(new)), Err(weak), "{new}");
        }
        for new in ["11111112", "12345679", "87654320", "89012345", "12121212"] {
            assert_eq!(check(new, None), Ok(()), "{new}");
            assert_eq!(check(new, Some("31415926")), Ok(()), "{new}");
            assert_eq!(check(new, Some(new)), Err(Weak::Unchanged), "{new}");
        }
    }

    #[test]
    fn the_padding_of_a_short_pin_is_no_digit() {
        let check = |new: &str| check_new_pin(&ContactPin::parse(new).unwrap(), None);
        assert_eq!(check("55555"), Err(Weak::SameDigits));
        assert_eq!(check("34567"), Err(Weak::Sequence));
        assert_eq!(check("31415"), Ok(()));
    }
}
