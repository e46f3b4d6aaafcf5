//! Going through bytes of which some are not told.

use std::collections::VecDeque;

use crate::transport::trace::{Piece, Told};

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Bytes(&'a [u8]),
    Hidden(usize),
    Uncounted,
}

/// A stretch of a command or an answer, from which is taken at the front. Every part is taken once, so that going
/// through it is linear however many holes it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts<'a>(VecDeque<Part<'a>>);

/// A look at what comes next.
pub(super) struct Ahead<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl Ahead<'_> {
    /// The next byte, if it is told.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        (self.bytes, self.taken) = (rest, self.taken + 1);
        Some(*first)
    }
}

impl<'a> Parts<'a> {
    pub(super) fn of(told: &'a Told) -> Self {
        let part = |piece: &'a Piece| match piece {
            Piece::Bytes(bytes) => Part::Bytes(bytes),
            Piece::Hidden(count) => Part::Hidden(*count),
            Piece::Uncounted => Part::Uncounted,
        };
        Self(told.pieces().iter().map(part).collect())
    }

    /// How many bytes, at least.
    pub(super) fn len(&self) -> usize {
        self.0.iter().fold(0, |length, part| {
            length.saturating_add(match part {
                Part::Bytes(bytes) => bytes.len(),
                Part::Hidden(count) => *count,
                Part::Uncounted => 0,
            })
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is told how many there are.
    pub(super) fn is_counted(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Uncounted))
    }

    /// The next byte, if it is told.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let Some(Part::Bytes(bytes)) = self.0.front_mut() else { return None };
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        if rest.is_empty() {
            self.0.pop_front();
        }
        Some(*first)
    }

    /// What is told from here on, to look ahead without taking anything.
    pub(super) fn ahead(&self) -> Ahead<'a> {
        match self.0.front() {
            Some(Part::Bytes(bytes)) => Ahead { bytes, taken: 0 },
            _ => Ahead { bytes: &[], taken: 0 },
        }
    }

    /// Takes what was looked at.
    pub(super) fn skip_to(&mut self, ahead: &Ahead<'_>) {
        self.take(ahead.taken);
    }

    /// The next bytes, if they are told.
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut taken = [0; N];
        for place in &mut taken {
            *place = self.byte()?;
        }
        Some(taken)
    }

    /// The next `count` bytes, or as many as there are.
    pub(super) fn take(&mut self, count: usize) -> Self {
        let (mut taken, mut left) = (VecDeque::new(), count);
        while let Some(part) = self.0.pop_front() {
            let (here, rest) = match part {
                _ if left == 0 => (None, Some(part)),
                Part::Bytes(bytes) => match bytes.split_at_checked(left) {
                    Some((here, [])) => (Some(Part::Bytes(here)), None),
                    Some((here, rest)) => (Some(Part::Bytes(here)), Some(Part::Bytes(rest))),
                    None => (Some(part), None),
                },
                Part::Hidden(hidden) if hidden > left => {
                    (Some(Part::Hidden(left)), Some(Part::Hidden(hidden - left)))
                }
                Part::Hidden(_) => (Some(part), None),
                Part::Uncounted => (None, Some(part)),
            };
            if let Some(here) = here {
                left -= match here {
                    Part::Bytes(bytes) => bytes.len(),
                    Part::Hidden(hidden) => hidden,
                    Part::Uncounted => 0,
                };
                taken.push_back(here);
            }
            if let Some(rest) = rest {
                self.0.push_front(rest);
                break;
            }
        }
        Self(taken)
    }

    /// All but the last `count` bytes, and those, if the latter are told.
    pub(super) fn without_last<const N: usize>(mut self) -> (Self, Option<[u8; N]>) {
        if let Some(Part::Bytes(bytes)) = self.0.back_mut() {
            if let Some((rest, last)) = bytes.split_last_chunk::<N>() {
                *bytes = rest;
                let last = *last;
                if rest.is_empty() {
                    self.0.pop_back();
                }
                return (self, Some(last));
            }
        }
        (self, None)
    }

    /// All bytes, if there is no hole in them.
    pub(super) fn whole(&self) -> Option<&'a [u8]> {
        let mut parts = self.0.iter();
        match (parts.next(), parts.next()) {
            (None, _) => Some(&[]),
            (Some(Part::Bytes(bytes)), None) => Some(bytes),
            _ => None,
        }
    }

    /// The beginning of it, no more than `most` bytes that are told.
    pub(super) fn beginning(&self, most: usize) -> Told {
        let (mut told, mut left) = (Told::default(), most);
        for part in &self.0 {
            if left == 0 {
                break;
            }
            let taken;
            (told, taken) = match part {
                Part::Bytes(bytes) => {
                    let here = bytes.get(..left.min(bytes.len())).unwrap_or_default();
                    (told.and(here), here.len())
                }
                Part::Hidden(count) => (told.and_hidden(*count), 1),
                Part::Uncounted => (told.and_uncounted(), 1),
            };
            left -= taken;
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_taken_once() {
        let told = Told::all(&[1, 2, 3]).and_hidden(4).and(&[5]).and_uncounted();
        let mut parts = Parts::of(&told);
        assert_eq!((parts.len(), parts.is_counted()), (8, false));
        assert_eq!(parts.byte(), Some(1));
        let taken = parts.take(4);
        assert_eq!(taken.beginning(16).to_string(), "0203 [2]");
        assert_eq!((taken.whole(), parts.byte()), (None, None));
        assert_eq!(parts.beginning(16).to_string(), "[2] 05 [?]");
        assert_eq!(parts.take(9).len(), 3);
        assert!(!parts.is_empty() && parts.take(1).is_empty());
        let told = Told::hidden(3).and(&[0x61, 0x90, 0x00]);
        let (rest, last) = Parts::of(&told).without_last::<2>();
        assert_eq!((rest.beginning(9).to_string(), last), ("[3] 61".to_owned(), Some([0x90, 0])));
        assert_eq!(Parts::of(&told).bytes::<2>(), None);
    }
}
