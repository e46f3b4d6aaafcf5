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

/// A PIN or PUK that is not eight digits. It was not sent anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The PIN.
    #[error("a CIE PIN has exactly eight digits")]
    Pin,
    /// The PUK.
    #[error("a CIE PUK has exactly eight digits")]
    Puk,
}

/// A secret of eight digits that a person types: the type, and its name among the malformed.
macro_rules! eight_digits {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        pub struct $type(Boxed<8>);

        impl $type {
            /// Takes the digits as a person types them. Clearing `text` is the caller's part.
            ///
            /// # Errors
            /// [`Malformed`] unless there are exactly eight ASCII digits.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                match <&[u8; 8]>::try_from(text.as_bytes()) {
                    Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(boxed(digits))),
                    _ => Err(Malformed::$type),
                }
            }

            /// The eight ASCII digits, for the command that carries them.
            #[must_use]
            pub fn expose(&self) -> &[u8; 8] {
                &self.0
            }
        }

        redacted!($type);
    };
}

eight_digits! {
    /// The holder's PIN of a CIE 3: all eight digits, the first four from the receipt of the municipality,
    /// the last four from the letter that came with the card.
    Pin
}

eight_digits! {
    /// The PUK of a CIE 3, which unblocks the PIN: eight digits, in two halves delivered like the PIN's.
    Puk
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
    fn only_eight_digits_are_a_pin_or_puk() {
        for text in ["", "1234567", "123456789", "1234567a", "１２３４５６７８", " 1234567", "1234567\n"]
        {
            assert_eq!(Pin::parse(text).unwrap_err(), Malformed::Pin, "{text:?}");
            assert_eq!(Puk::parse(text).unwrap_err(), Malformed::Puk, "{text:?}");
        }
        assert_eq!(Pin::parse("01234567").unwrap().expose(), b"01234567");
        assert_eq!(Puk::parse("76543210").unwrap().expose(), b"76543210");
    }

    #[test]
    fn debug_shows_the_type_only() {
        assert_eq!(format!("{:?}", Pin::parse("13572468").unwrap()), "Pin(..)");
        assert_eq!(format!("{:?}", Puk::parse("13572468").unwrap()), "Puk(..)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2])), "SecretBytes(..)");
        assert_eq!(format!("{:?}", TripleDesKey::new(&[7; 16])), "TripleDesKey(..)");
    }
}
