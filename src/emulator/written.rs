//! How the parts of a profile are written in a card's file.

use std::borrow::Cow;

use serde::{Deserialize as _, Deserializer, Serializer};

/// Bytes in hex, which are fixed in this program or come from a file.
pub(super) mod bytes {
    use super::{Cow, Deserializer, Serializer};

    // Serde hands the field over by reference.
    #[allow(clippy::ptr_arg)]
    pub(in crate::emulator) fn serialize<S: Serializer>(
        bytes: &Cow<'static, [u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        hex::serde::serialize(bytes, serializer)
    }

    pub(in crate::emulator) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Cow<'static, [u8]>, D::Error> {
        let bytes: Vec<u8> = hex::serde::deserialize(deserializer)?;
        Ok(Cow::Owned(bytes))
    }
}

/// A status word as its number.
pub(super) mod status {
    use super::{Deserializer, Serializer, u16_of};
    use crate::iso7816::StatusWord;

    // Serde hands the value over by reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(in crate::emulator) fn serialize<S: Serializer>(
        word: &StatusWord,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(word.value())
    }

    pub(in crate::emulator) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<StatusWord, D::Error> {
        u16_of(deserializer).map(StatusWord::new)
    }
}

fn u16_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    u16::deserialize(deserializer)
}
