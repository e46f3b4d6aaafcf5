//! The challenge nonce of a login (Web eID): 256 bits that the portal drew, and the text that they travel as.

use std::fmt;

use base64ct::{Base64, Encoding};

/// Bytes of a nonce that this crate draws.
pub const NONCE_LENGTH: usize = 32;
/// Characters of a nonce that anybody drew: 44 are 256 bits in base64.
const TEXT_LENGTH: std::ops::RangeInclusive<usize> = 44..=128;

/// A text that is no nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a challenge nonce has 44 to 128 characters of printable ASCII, without blanks")]
pub struct NonceError;

/// A challenge nonce as it travels: 44 to 128 characters. The text is what is signed, not what it encodes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// Takes a nonce that somebody sent.
    ///
    /// # Errors
    /// [`NonceError`].
    pub fn parse(text: &str) -> Result<Self, NonceError> {
        let fits = TEXT_LENGTH.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned())).ok_or(NonceError)
    }

    /// The text of bytes that were drawn: 44 characters of base64.
    #[must_use]
    pub fn of(drawn: &[u8; NONCE_LENGTH]) -> Self {
        Self(Base64::encode_string(drawn))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A nonce that is still to be answered is for one session only: no log needs it.
impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_its_length() {
        for (length, good) in [(0, false), (43, false), (44, true), (128, true), (129, false)] {
            assert_eq!(Nonce::parse(&"n".repeat(length)).is_ok(), good, "{length}");
        }
        for character in [" ", "\n", "é", "\u{7F}"] {
            assert_eq!(Nonce::parse(&format!("{}{character}", "n".repeat(50))), Err(NonceError));
        }
        let nonce = Nonce::of(&[0xFB; NONCE_LENGTH]);
        assert_eq!(nonce.as_str(), "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=");
        assert_eq!(Nonce::parse(nonce.as_str()), Ok(nonce));
    }
}
