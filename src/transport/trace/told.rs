//! Bytes of which some are not told: hexadecimal digits, `[5]` for five bytes that were left out, `[?]` for some.

use std::fmt;

use zeroize::Zeroizing;

/// The most bytes that one command or answer has, header, lengths and status word included.
pub(super) const BYTES_MAX: usize = 65_544;

/// A stretch of bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// These, cleared when dropped: under a private trace they are somebody's.
    Bytes(Zeroizing<Vec<u8>>),
    /// So many that are not told.
    Hidden(usize),
    /// Some, and it is not told how many.
    Uncounted,
}

impl Piece {
    /// How many bytes, as far as it is told.
    fn count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Hidden(count) => *count,
            Self::Uncounted => 0,
        }
    }
}

/// A command or an answer, as far as a trace tells it. `Debug` prints lengths only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Told(Vec<Piece>);

impl Told {
    /// All of these bytes.
    #[must_use]
    pub fn all(bytes: &[u8]) -> Self {
        Self::default().and(bytes)
    }

    /// Only how many there are.
    #[must_use]
    pub fn hidden(count: usize) -> Self {
        Self::default().and_hidden(count)
    }

    /// The same with these bytes behind it.
    #[must_use]
    pub fn and(mut self, bytes: &[u8]) -> Self {
        match self.0.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Piece::Bytes(last)) => append(last, bytes),
            _ => self.0.push(Piece::Bytes(Zeroizing::new(bytes.to_vec()))),
        }
        self
    }

    /// The same with so many bytes behind it that are not told.
    #[must_use]
    pub fn and_hidden(mut self, count: usize) -> Self {
        match self.0.last_mut() {
            _ if count == 0 => {}
            Some(Piece::Hidden(last)) => *last = last.saturating_add(count),
            _ => self.0.push(Piece::Hidden(count)),
        }
        self
    }

    /// The same with some bytes behind it of which not even the number is told.
    #[must_use]
    pub fn and_uncounted(mut self) -> Self {
        if self.0.last() != Some(&Piece::Uncounted) {
            self.0.push(Piece::Uncounted);
        }
        self
    }

    /// The same with what another one tells behind it.
    #[must_use]
    pub fn and_told(self, other: Self) -> Self {
        other.0.into_iter().fold(self, |told, piece| match piece {
            Piece::Bytes(bytes) => told.and(&bytes),
            Piece::Hidden(count) => told.and_hidden(count),
            Piece::Uncounted => told.and_uncounted(),
        })
    }

    /// The stretches, no two of the same sort side by side, none of them empty.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// How many bytes there were, at least.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().fold(0, |length, piece| length.saturating_add(piece.count()))
    }

    /// How many bytes are told.
    pub(super) fn told_len(&self) -> usize {
        self.0.iter().map(|piece| if let Piece::Bytes(bytes) = piece { bytes.len() } else { 0 }).sum()
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All bytes, if none is hidden.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(&[]),
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The bytes that are told from the first on.
    #[must_use]
    pub fn beginning(&self) -> &[u8] {
        match self.0.first() {
            Some(Piece::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The bytes that are told up to the last.
    #[must_use]
    pub fn end(&self) -> &[u8] {
        match self.0.last() {
            Some(Piece::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The four bytes CLA, INS, P1 and P2 of a command, if they are told.
    #[must_use]
    pub fn header(&self) -> Option<[u8; 4]> {
        self.beginning().first_chunk().copied()
    }
}

/// Puts bytes behind others. Where there is no room, all of them move, and the old place is cleared: a vector that
/// grows by itself would leave it as it is.
fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if needed > bytes.capacity() {
        let mut moved = Zeroizing::new(Vec::with_capacity(needed.max(2 * bytes.len())));
        moved.extend_from_slice(bytes);
        *bytes = moved;
    }
    bytes.extend_from_slice(more);
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match piece {
                Piece::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?,
                Piece::Hidden(count) => write!(f, "[{count}]")?,
                Piece::Uncounted => f.write_str("[?]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Told({} bytes)", self.len())
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.count())
    }
}
