//! What the card says about itself in clear, where anyone could say it: numbers that identify a person
//! or a card, claimed until EF.SOD proves them. They are not printed by accident.

use std::fmt;

use super::Cause;
use crate::iso7816::tlv;

/// Digits of a NIS.
const NIS_LENGTH: usize = 12;
/// Tag of a card number in EF.SN.ICC.
const CARD_NUMBER: u32 = 0x5A;

/// The number for services (NIS) of EF 1001, twelve digits, as the card gave it. It identifies a person;
/// any chip can claim it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedNis(String);

impl ClaimedNis {
    /// Takes the content of EF 1001, without padding.
    ///
    /// # Errors
    /// [`Cause::Malformed`] unless it is twelve ASCII digits.
    pub fn parse(content: &[u8]) -> Result<Self, Cause> {
        match std::str::from_utf8(content) {
            Ok(text) if text.len() == NIS_LENGTH && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Cause::Malformed("NIS")),
        }
    }

    /// The twelve digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClaimedNis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimedNis(..)")
    }
}

/// The card number of EF.SN.ICC (D003), as the card gave it. It identifies a card, and so its holder.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedCardNumber(Vec<u8>);

impl ClaimedCardNumber {
    /// Takes the content of EF.SN.ICC: the value of data object 5A, on real cards ten bytes, or, if it is
    /// not one, all of it.
    #[must_use]
    pub fn parse(content: &[u8]) -> Self {
        Self(tlv::find(content, CARD_NUMBER).unwrap_or(content).to_vec())
    }

    /// The bytes of the number.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ClaimedCardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimedCardNumber({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twelve_digits_are_a_nis() {
        assert_eq!(ClaimedNis::parse(b"012345678901").unwrap().digits(), "012345678901");
        for content in
            [&b""[..], b"01234567890", b"0123456789012", b"01234567890a", "01234567890²".as_bytes()]
        {
            assert_eq!(ClaimedNis::parse(content).unwrap_err(), Cause::Malformed("NIS"), "{content:?}");
        }
        assert_eq!(format!("{:?}", ClaimedNis::parse(b"012345678901").unwrap()), "ClaimedNis(..)");
    }

    #[test]
    fn a_card_number_is_the_value_of_its_object() {
        let number = ClaimedCardNumber::parse(&[0x5A, 3, 0x12, 0x34, 0x56, 0, 0]);
        assert_eq!(number.as_bytes(), [0x12, 0x34, 0x56]);
        assert_eq!(format!("{number:?}"), "ClaimedCardNumber(3 bytes)");
        for content in [&[0x12, 0x34][..], &[0x5A, 9, 1], &[]] {
            assert_eq!(ClaimedCardNumber::parse(content).as_bytes(), content);
        }
    }
}
