//! `char *`: buffers that text is put into.

use std::ffi::c_char;

use zeroize::Zeroizing;

use super::{Room, SizeInOut};
use crate::c_api::failure::Fault;

/// `char *`: a buffer for text, which gets a zero byte at its end. Sizes count that byte.
#[repr(transparent)]
pub struct TextOut(pub(super) *mut c_char);

/// A buffer for text.
pub(in super::super) struct TextRoom(Room<u8>);

impl TextOut {
    pub(in super::super) fn room(self, size: SizeInOut) -> Result<TextRoom, Fault> {
        Room::of(self.0.cast::<u8>(), size).map(TextRoom)
    }
}

impl TextRoom {
    /// As [`Room::offers`]: `most` is the longest text, without the zero byte.
    pub(in super::super) fn offers(self, most: usize) -> Result<Option<Self>, Fault> {
        Ok(self.0.offers(most + 1)?.map(Self))
    }

    /// As [`Room::fill`]. A zero byte within the text would end it early, so it stands as U+FFFD.
    pub(in super::super) fn fill(self, text: &str) -> Result<(), Fault> {
        // With room for all of it: what grows leaves copies behind, and it can be about a person.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 3 + 1));
        for (at, part) in text.split('\0').enumerate() {
            bytes.extend_from_slice(if at == 0 { "" } else { "\u{fffd}" }.as_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.push(0);
        self.0.fill(&bytes)
    }
}
