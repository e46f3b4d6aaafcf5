//! What must not leak: secrets that cannot be printed, compared or copied by accident, and that are
//! cleared when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// Debug of a secret: its type, nothing of its value.
macro_rules! redacted {
    ($type:ty) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    };
}

/// Secret bytes in one place for life: moving their owner leaves no copy on the stack.
type Boxed<const N: usize> = Box<Zeroizing<[u8; N]>>;

fn boxed<const N: usize>(bytes: &[u8; N]) -> Boxed<N> {
    let mut place = Box::new(Zeroizing::new([0; N]));
    place.copy_from_slice(bytes);
    place
}

/// What a person typed that cannot be a PIN or PUK of this kind of card. It was not sent anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The PIN of a CIE 3.
    #[error("a CIE PIN has exactly eight digits")]
    Pin,
    /// The PUK of a CIE 3.
    #[error("a CIE PUK has exactly eight digits")]
    Puk,
    /// The PIN of a contact card.
    #[error("the PIN of this card has five to eight digits")]
    ContactPin,
    /// The PUK of a contact card.
    #[error("the PUK of this card has five to eight digits")]
    ContactPuk,
    /// What shall be the PIN of a CIE 3.
    #[error("the new PIN: a CIE PIN has exactly eight digits")]
    NewPin,
    /// What shall be the PIN of a contact card.
    #[error("the new PIN: the PIN of this card has five to eight digits")]
    NewContactPin,
}

impl Malformed {
    /// The same of a PIN that a person makes up: no letter from an office has its digits.
    pub(crate) const fn of_a_new_pin(self) -> Self {
        match self {
            Self::Pin => Self::NewPin,
            Self::ContactPin => Self::NewContactPin,
            other => other,
        }
    }
}

/// What a person typed as a PIN or PUK, not judged yet: which digits a card takes depends on its kind.
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// Takes ownership of the text, and clears it in the end.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

redacted!(Typed);

/// The digits of a PIN or PUK, for checks that do not send it anywhere.
pub trait Digits {
    /// The ASCII digits, without the padding that a card may want behind them.
    fn digits(&self) -> &[u8];
}

impl Digits for Typed {
    fn digits(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A secret of so many digits, padded with FF to the eight bytes that every card here takes: the type, and
/// its name among the malformed.
macro_rules! digits {
    ($(#[$doc:meta])* $type:ident, $lengths:pat) => {
        $(#[$doc])*
        pub struct $type(Boxed<8>);

        impl $type {
            /// Takes the digits as a person types them. Clearing `text` is the caller's part.
            ///
            /// # Errors
            /// [`Malformed`] unless there are only ASCII digits, as many as this secret has.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                let digits = text.as_bytes();
                let mut place = boxed(&[0xFF; 8]);
                match (digits.len(), place.get_mut(..digits.len())) {
                    ($lengths, Some(block)) if digits.iter().all(u8::is_ascii_digit) => {
                        block.copy_from_slice(digits);
                        Ok(Self(place))
                    }
                    _ => Err(Malformed::$type),
                }
            }

            /// The eight bytes for the command that carries them: ASCII digits, then FF.
            #[must_use]
            pub fn expose(&self) -> &[u8; 8] {
                &self.0
            }
        }

        impl Digits for $type {
            fn digits(&self) -> &[u8] {
                let length = self.0.iter().take_while(|byte| **byte != 0xFF).count();
                self.0.get(..length).unwrap_or_default()
            }
        }

        redacted!($type);
    };
}

digits! {
    /// The holder's PIN of a CIE 3: all eight digits, the first four from the receipt of the municipality,
    /// the last four from the letter that came with the card.
    Pin, 8
}

digits! {
    /// The PUK of a CIE 3, which unblocks the PIN: eight digits, in two halves delivered like the PIN's.
    Puk, 8
}

digits! {
    /// The holder's PIN of a contact card (CIE of the first generations, CNS, TS-CNS): five to eight digits.
    ContactPin, 5..=8
}

digits! {
    /// The PUK of a contact card: five to eight digits, in practice eight.
    ContactPuk, 5..=8
}

/// Secret bytes of any length: key material, shared secrets, padded blocks.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership of secret bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

redacted!(SecretBytes);

/// A two-key triple DES key: K1 then K2, 8 bytes each (K3 = K1). Parity bits are ignored.
pub struct TripleDesKey(Boxed<16>);

impl TripleDesKey {
    /// Copies the sixteen bytes K1 ‖ K2.
    #[must_use]
    pub fn new(bytes: &[u8; 16]) -> Self {
        Self(boxed(bytes))
    }

    /// The sixteen bytes K1 ‖ K2.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

redacted!(TripleDesKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_pin_or_puk() {
        for text in ["", "1234567", "123456789", "1234567a", "１２３４５６７８", " 1234567", "1234567\n"]
        {
            assert_eq!(Pin::parse(text).unwrap_err(), Malformed::Pin, "{text:?}");
            assert_eq!(Puk::parse(text).unwrap_err(), Malformed::Puk, "{text:?}");
        }
        for text in ["", "1234", "123456789", "1234a", "１２３４５", " 12345", "12345\n", "1234\u{ff}"] {
            assert_eq!(ContactPin::parse(text).unwrap_err(), Malformed::ContactPin, "{text:?}");
            assert_eq!(ContactPuk::parse(text).unwrap_err(), Malformed::ContactPuk, "{text:?}");
        }
        assert_eq!(Pin::parse("01234567").unwrap().expose(), b"01234567");
        assert_eq!(Puk::parse("76543210").unwrap().expose(), b"76543210");
    }

    #[test]
    fn a_short_pin_is_padded() {
        for (text, block) in [
            ("12345", b"12345\xFF\xFF\xFF"),
            ("123456", b"123456\xFF\xFF"),
            ("1234567", b"1234567\xFF"),
            ("12345678", b"12345678"),
        ] {
            let pin = ContactPin::parse(text).unwrap();
            assert_eq!((pin.expose(), pin.digits()), (block, text.as_bytes()));
        }
        assert_eq!(Pin::parse("01234567").unwrap().digits(), b"01234567");
    }

    #[test]
    fn debug_shows_the_type_only() {
        assert_eq!(format!("{:?}", Pin::parse("13572468").unwrap()), "Pin(..)");
        assert_eq!(format!("{:?}", Puk::parse("13572468").unwrap()), "Puk(..)");
        assert_eq!(format!("{:?}", ContactPin::parse("13572").unwrap()), "ContactPin(..)");
        assert_eq!(format!("{:?}", Typed::new("13572".to_owned())), "Typed(..)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2])), "SecretBytes(..)");
        assert_eq!(format!("{:?}", TripleDesKey::new(&[7; 16])), "TripleDesKey(..)");
    }
}
