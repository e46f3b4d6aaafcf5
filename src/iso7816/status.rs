//! Status words SW1-SW2 (ISO/IEC 7816-4 section 5.6).

use std::fmt;

/// The two bytes that end every answer of a card.
///
/// Unknown values survive a round trip: the word is a number with names, not an enumeration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusWord(u16);

impl StatusWord {
    /// 9000: the command was carried out.
    pub const SUCCESS: Self = Self(0x9000);
    /// 6282: the end of the file came before Ne bytes; the data that came is valid.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// 6300: verification failed, no count given.
    pub const VERIFICATION_FAILED: Self = Self(0x6300);
    /// 6700: wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// 6982: security status not satisfied.
    pub const SECURITY_STATUS_NOT_SATISFIED: Self = Self(0x6982);
    /// 6983: the PIN or PUK is blocked.
    pub const METHOD_BLOCKED: Self = Self(0x6983);
    /// 6984: the reference data is not usable.
    pub const REFERENCE_DATA_NOT_USABLE: Self = Self(0x6984);
    /// 6985: conditions of use not satisfied.
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// 6986: the command needs a current file and there is none.
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// 6987: an expected secure messaging object is missing.
    pub const SM_OBJECT_MISSING: Self = Self(0x6987);
    /// 6988: a secure messaging object is wrong.
    pub const SM_OBJECT_INCORRECT: Self = Self(0x6988);
    /// 6A80: the data field is wrong.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// 6A81: the card does not know this function.
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// 6A82: no such file or application.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// 6A86: wrong P1-P2.
    pub const WRONG_P1_P2: Self = Self(0x6A86);
    /// 6A88: no such data object or reference.
    pub const REFERENCE_NOT_FOUND: Self = Self(0x6A88);
    /// 6B00: the offset lies beyond the end of the file.
    pub const WRONG_OFFSET: Self = Self(0x6B00);
    /// 6D00: instruction not supported.
    pub const INS_NOT_SUPPORTED: Self = Self(0x6D00);
    /// 6E00: class not supported.
    pub const CLA_NOT_SUPPORTED: Self = Self(0x6E00);

    /// The word with this value.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The value, SW1 in the high byte.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// The word as the two bytes SW1, SW2.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Whether the command was carried out without reserve (9000, nothing else).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == Self::SUCCESS.0
    }

    /// 61xx: how many bytes GET RESPONSE should ask for; `00` stands for 256 or more.
    #[must_use]
    pub const fn bytes_waiting(self) -> Option<u16> {
        match self.to_bytes() {
            [0x61, 0] => Some(256),
            [0x61, n] => Some(n as u16),
            _ => None,
        }
    }

    /// 6Cxx: the Ne with which the command should be issued again; `00` stands for 256.
    #[must_use]
    pub const fn right_length(self) -> Option<u16> {
        match self.to_bytes() {
            [0x6C, 0] => Some(256),
            [0x6C, n] => Some(n as u16),
            _ => None,
        }
    }

    /// 63Cx: how many tries the card says are left.
    #[must_use]
    pub const fn tries_left(self) -> Option<u8> {
        if self.0 & 0xFFF0 == 0x63C0 { Some((self.0 & 0x000F) as u8) } else { None }
    }

    /// Whether the standard gives it a meaning, or leaves its last digits to be counted with.
    #[must_use]
    pub const fn is_documented(self) -> bool {
        matches!(
            self.0,
            0x9000
                | 0x6100..=0x61FF
                | 0x6200 | 0x6281..=0x6287
                | 0x6300 | 0x6381 | 0x63C0..=0x63CF
                | 0x6400 | 0x6401
                | 0x6500 | 0x6581
                | 0x6600
                | 0x6700
                | 0x6800 | 0x6881..=0x6884
                | 0x6900 | 0x6981..=0x6988
                | 0x6A00 | 0x6A80..=0x6A8A
                | 0x6B00
                | 0x6C00..=0x6CFF
                | 0x6D00
                | 0x6E00
                | 0x6F00
        )
    }

    /// What the word means, in the standard's terms.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            0x9000 => "success",
            0x6100..=0x61FF => "more bytes waiting",
            0x6282 => "end of file reached",
            0x6300 => "verification failed",
            0x63C0..=0x63CF => "verification failed, tries left in the last digit",
            0x6581 => "memory failure",
            0x6700 => "wrong length",
            0x6881 => "logical channel not supported",
            0x6882 => "secure messaging not supported",
            0x6883 => "last command of the chain expected",
            0x6884 => "command chaining not supported",
            0x6981 => "command incompatible with file structure",
            0x6982 => "security status not satisfied",
            0x6983 => "authentication method blocked",
            0x6984 => "reference data not usable",
            0x6985 => "conditions of use not satisfied",
            0x6986 => "no current file",
            0x6987 => "secure messaging object missing",
            0x6988 => "secure messaging object incorrect",
            0x6A80 => "wrong data",
            0x6A81 => "function not supported",
            0x6A82 => "file or application not found",
            0x6A86 => "wrong P1-P2",
            0x6A88 => "referenced data not found",
            0x6B00 => "offset beyond the end of the file",
            0x6C00..=0x6CFF => "wrong Le, the right one is in the last byte",
            0x6D00 => "instruction not supported",
            0x6E00 => "class not supported",
            0x6F00 => "no precise diagnosis",
            _ => "not a documented status",
        }
    }
}

impl From<[u8; 2]> for StatusWord {
    fn from(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes))
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({})", self.0, self.meaning())
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_last_byte() {
        assert_eq!(StatusWord::new(0x6100).bytes_waiting(), Some(256));
        assert_eq!(StatusWord::new(0x6123).bytes_waiting(), Some(0x23));
        assert_eq!(StatusWord::new(0x6C0A).right_length(), Some(10));
        assert_eq!(StatusWord::new(0x63C2).tries_left(), Some(2));
        assert_eq!(StatusWord::new(0x63D2).tries_left(), None);
        assert_eq!(StatusWord::new(0x6300).tries_left(), None);
    }

    #[test]
    fn only_9000_is_success() {
        let successes = (0..=u16::MAX).filter(|&v| StatusWord::new(v).is_success());
        assert_eq!(successes.collect::<Vec<_>>(), [0x9000]);
    }

    #[test]
    fn a_right_length_of_zero_is_256() {
        assert_eq!(StatusWord::new(0x6C00).right_length(), Some(256));
        assert_eq!(StatusWord::new(0x6B00).right_length(), None);
    }

    #[test]
    fn every_documented_word_has_a_meaning_of_its_own() {
        let documented = [
            0x9000, 0x6100, 0x6282, 0x6300, 0x63C0, 0x6581, 0x6700, 0x6881, 0x6882, 0x6883, 0x6884, 0x6981,
            0x6982, 0x6983, 0x6984, 0x6985, 0x6986, 0x6987, 0x6988, 0x6A80, 0x6A81, 0x6A82, 0x6A86, 0x6A88,
            0x6B00, 0x6C00, 0x6D00, 0x6E00, 0x6F00, 0x1234,
        ];
        let meanings: std::collections::BTreeSet<_> =
            documented.iter().map(|word| StatusWord::new(*word).meaning()).collect();
        assert_eq!(meanings.len(), documented.len());
        let has_meaning = |word: &u16| StatusWord::new(*word).meaning() != "not a documented status";
        let mut with_meaning = (0..=u16::MAX).filter(has_meaning);
        assert!(with_meaning.all(|word| StatusWord::new(word).is_documented()));
        assert!(!StatusWord::new(0x6F05).is_documented() && !StatusWord::new(0x9001).is_documented());
        assert_eq!(StatusWord::new(0x1234).meaning(), "not a documented status");
        for (first, last) in [(0x6100, 0x61FF), (0x63C0, 0x63CF), (0x6C00, 0x6CFF)] {
            assert_eq!(StatusWord::new(first).meaning(), StatusWord::new(last).meaning());
        }
        let word = StatusWord::new(0x6A82);
        assert_eq!(format!("{word} {word:?}"), "6A82 (file or application not found) 6A82");
    }
}
