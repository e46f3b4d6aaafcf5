//! `EF_IDCarta` (1000/1003): the card's number, as the card gave it (CNS file system; Luhn after ISO/IEC
//! 7812-1 annex B).

use std::fmt;

/// The most characters of a number.
const LENGTH_MAX: usize = 16;

/// Why a content is not a card's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardIdError {
    /// Nothing but padding.
    #[error("the card has no number")]
    Empty,
    /// More than sixteen characters.
    #[error("the card's number has {0} characters")]
    TooLong(usize),
    /// A byte that is not printable ASCII.
    #[error("the card's number has a byte that is no printable character (at byte {0})")]
    Unprintable(usize),
}

/// For whom a CNS was issued and by what kind of issuer: first digit of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CardType {
    /// 5: a citizen's, from a national issuer.
    CitizenNational,
    /// 6: a citizen's, from a region.
    CitizenRegional,
    /// 7: a citizen's, from another issuer.
    CitizenOther,
    /// 8: an operator's, from a national issuer.
    OperatorNational,
    /// 9: an operator's, from a region.
    OperatorRegional,
}

/// The card's number of `EF_IDCarta`, one to sixteen characters. It identifies a card, and so its holder;
/// any chip can claim it.
///
/// On a CNS it is sixteen digits with a check digit; what a CIE 1 or 2 holds there is not published, so any
/// printable text is a number.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedCardId(String);

impl ClaimedCardId {
    /// Takes the content of `EF_IDCarta`; `00`, blanks and `FF` at its end are padding.
    ///
    /// # Errors
    /// [`CardIdError`] unless one to sixteen printable ASCII characters are left.
    pub fn parse(content: &[u8]) -> Result<Self, CardIdError> {
        let end = content.iter().rposition(|byte| !matches!(byte, 0x00 | b' ' | 0xFF));
        let text = end.and_then(|last| content.get(..=last)).ok_or(CardIdError::Empty)?;
        if text.len() > LENGTH_MAX {
            return Err(CardIdError::TooLong(text.len()));
        }
        match text.iter().position(|byte| !matches!(byte, b' '..=b'~')) {
            Some(at) => Err(CardIdError::Unprintable(at)),
            None => Ok(Self(text.iter().map(|byte| char::from(*byte)).collect())),
        }
    }

    /// The number, without padding.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it has the form of a CNS number: sixteen digits, of which the last is the Luhn check digit.
    #[must_use]
    pub fn is_cns_number(&self) -> bool {
        self.0.len() == LENGTH_MAX && luhn(&self.0)
    }

    /// What the first digit of a CNS number says; `None` for another number or digit.
    #[must_use]
    pub fn card_type(&self) -> Option<CardType> {
        Some(match self.0.chars().next().filter(|_| self.is_cns_number())? {
            '5' => CardType::CitizenNational,
            '6' => CardType::CitizenRegional,
            '7' => CardType::CitizenOther,
            '8' => CardType::OperatorNational,
            '9' => CardType::OperatorRegional,
            _ => return None,
        })
    }

    /// The issuer's code in a CNS number: digits 2 to 4, of [`CardType::CitizenOther`] digits 2 to 7.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        match self.card_type()? {
            CardType::CitizenOther => self.0.get(1..7),
            _ => self.0.get(1..4),
        }
    }

    /// The check digit of a CNS number.
    #[must_use]
    pub fn check_digit(&self) -> Option<char> {
        self.0.chars().next_back().filter(|_| self.is_cns_number())
    }
}

impl fmt::Debug for ClaimedCardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimedCardId(..)")
    }
}

/// Whether `text` is digits only and the last one fits: from the right every second digit doubled, its own
/// digits added, the whole a multiple of ten.
fn luhn(text: &str) -> bool {
    let weighted = text.chars().rev().enumerate().map(|(at, digit)| {
        let digit = digit.to_digit(10)?;
        let doubled = if at % 2 == 0 { digit } else { 2 * digit };
        Some(doubled / 10 + doubled % 10)
    });
    weighted.sum::<Option<u32>>().is_some_and(|sum| sum % 10 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn numbers_with_the_right_check_digit() {
        for (list, expected) in [("/card_id/valid", true), ("/card_id/invalid", false)] {
            for number in vectors::contact(list).as_array().unwrap() {
                let number = ClaimedCardId::parse(number.as_str().unwrap().as_bytes()).unwrap();
                assert_eq!(number.is_cns_number(), expected, "{}", number.text());
                assert_eq!(number.card_type().is_some(), expected);
                assert_eq!(number.check_digit().is_some(), expected);
            }
        }
    }

    #[test]
    fn a_number_in_its_parts() {
        let vector = vectors::contact("/card_id/split");
        let number = ClaimedCardId::parse(vector["value"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(vector["type"], "7 citizen card, other issuer");
        assert_eq!(number.card_type(), Some(CardType::CitizenOther));
        assert_eq!(number.issuer(), vector["issuer"].as_str());
        assert_eq!(number.check_digit().unwrap().to_string(), vector["check"].as_str().unwrap());
        let regional = ClaimedCardId::parse(b"6999000000007773").unwrap();
        assert_eq!((regional.card_type(), regional.issuer()), (Some(CardType::CitizenRegional), Some("999")));
        // Right check digit, unknown first digit.
        let other = ClaimedCardId::parse(b"0000000000000000").unwrap();
        assert_eq!((other.is_cns_number(), other.card_type(), other.issuer()), (true, None, None));
    }

    #[test]
    fn each_single_wrong_digit_is_found() {
        for at in 0..16 {
            for digit in b'0'..=b'9' {
                let mut number = *b"7099001000000120";
                let same = number[at] == digit;
                number[at] = digit;
                assert_eq!(ClaimedCardId::parse(&number).unwrap().is_cns_number(), same);
            }
        }
    }

    #[test]
    fn padding_is_no_part_of_a_number() {
        for content in [&b"0123456AA\0\0\0\0\0\0\0"[..], b"0123456AA       ", b"0123456AA \xFF\0\xFF"] {
            let number = ClaimedCardId::parse(content).unwrap();
            assert_eq!((number.text(), number.is_cns_number()), ("0123456AA", false));
            assert_eq!((number.card_type(), number.check_digit()), (None, None));
            assert_eq!(format!("{number:?}"), "ClaimedCardId(..)");
        }
    }

    #[test]
    fn what_is_no_number() {
        let error = |content: &[u8]| ClaimedCardId::parse(content).unwrap_err();
        assert_eq!(error(b""), CardIdError::Empty);
        assert_eq!(error(&[0xFF; 16]), CardIdError::Empty);
        assert_eq!(error(b"01234567890123456"), CardIdError::TooLong(17));
        assert_eq!(error(b"01234\x0767"), CardIdError::Unprintable(5));
        assert_eq!(error("01²".as_bytes()), CardIdError::Unprintable(2));
        assert_eq!(error(b"01\x0023"), CardIdError::Unprintable(2));
    }

    #[test]
    fn every_first_digit_has_its_meaning() {
        for (first, card_type) in [
            ('5', CardType::CitizenNational),
            ('6', CardType::CitizenRegional),
            ('7', CardType::CitizenOther),
            ('8', CardType::OperatorNational),
            ('9', CardType::OperatorRegional),
        ] {
            let numbers = (0..10).map(|check| format!("{first}12345000000000{check}"));
            let numbers = numbers.map(|number| ClaimedCardId::parse(number.as_bytes()).unwrap());
            let right: Vec<_> = numbers.filter(ClaimedCardId::is_cns_number).collect();
            assert_eq!((right.len(), right[0].card_type()), (1, Some(card_type)));
            let issuer = if card_type == CardType::CitizenOther { "123450" } else { "123" };
            assert_eq!(right[0].issuer(), Some(issuer));
        }
        // What would fit if A were ten.
        assert!(!ClaimedCardId::parse(b"000000000000009A").unwrap().is_cns_number());
    }

    #[test]
    fn any_printable_character_may_stand_in_a_number() {
        let number = ClaimedCardId::parse(b" A B~!").unwrap();
        assert_eq!(number.text(), " A B~!");
        assert_eq!(ClaimedCardId::parse(b"AB\x7F").unwrap_err(), CardIdError::Unprintable(2));
        assert_eq!(ClaimedCardId::parse(b"A\x1FB").unwrap_err(), CardIdError::Unprintable(1));
    }
}
