//! Big numbers: bounds on what came from a card, and secrets that are cleared, not just freed.

use openssl::bn::{BigNum, BigNumContext, BigNumRef};

use super::{Error, library};

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberFault {
    /// Fewer bits than the protocol can stand.
    #[error("{0} bits are too few")]
    TooSmall(usize),
    /// More bits than the protocol needs.
    #[error("{0} bits are too many")]
    TooLarge(usize),
    /// A modulus or order that must be odd is even.
    #[error("it is even")]
    Even,
    /// Outside the range that the protocol allows, ends excluded.
    #[error("it is out of range")]
    OutOfRange,
    /// Not a member of the group.
    #[error("it is not in the group")]
    NotInGroup,
}

/// A non-negative number from outside with between `bits.0` and `bits.1` significant bits.
pub(super) fn bounded(name: &'static str, bytes: &[u8], bits: (usize, usize)) -> Result<BigNum, Error> {
    let significant =
        bytes.iter().position(|b| *b != 0).and_then(|zeros| bytes.get(zeros..)).unwrap_or_default();
    let count = significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize);
    let fault = |fault| Err(Error::Number { name, fault });
    if count < bits.0 {
        return fault(NumberFault::TooSmall(count));
    }
    if count > bits.1 {
        return fault(NumberFault::TooLarge(count));
    }
    BigNum::from_slice(significant).map_err(library("number"))
}

/// The same, and odd: a modulus.
pub(super) fn bounded_odd(name: &'static str, bytes: &[u8], bits: (usize, usize)) -> Result<BigNum, Error> {
    let number = bounded(name, bytes, bits)?;
    if number.is_bit_set(0) { Ok(number) } else { Err(Error::Number { name, fault: NumberFault::Even }) }
}

/// The number on exactly `length` bytes, leading zeros kept.
pub(super) fn to_fixed(number: &BigNumRef, length: usize) -> Result<Vec<u8>, Error> {
    let length = i32::try_from(length).map_err(|_| Error::Library("number"))?;
    number.to_vec_padded(length).map_err(library("number"))
}

/// `base ^ exponent mod modulus`; in constant time if the exponent is marked so.
pub(super) fn power(base: &BigNumRef, exponent: &BigNumRef, modulus: &BigNumRef) -> Result<BigNum, Error> {
    let mut context = BigNumContext::new().map_err(library("exponentiation"))?;
    let mut result = BigNum::new().map_err(library("exponentiation"))?;
    result.mod_exp(base, exponent, modulus, &mut context).map_err(library("exponentiation"))?;
    Ok(result)
}

/// Another number of the same value.
pub(super) fn copy(number: &BigNumRef) -> Result<BigNum, Error> {
    number.to_owned().map_err(library("number"))
}

/// A number that must not outlive its use.
pub(super) struct SecretNumber(BigNum);

impl SecretNumber {
    pub(super) fn new(mut number: BigNum) -> Self {
        number.set_const_time();
        Self(number)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::new(BigNum::from_slice(bytes).map_err(library("number"))?))
    }
}

impl std::ops::Deref for SecretNumber {
    type Target = BigNumRef;

    fn deref(&self) -> &BigNumRef {
        &self.0
    }
}

impl std::ops::DerefMut for SecretNumber {
    fn deref_mut(&mut self) -> &mut BigNumRef {
        &mut self.0
    }
}

impl Drop for SecretNumber {
    fn drop(&mut self) {
        self.0.clear();
    }
}
