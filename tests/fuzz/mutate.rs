//! Variants of an input: flipped, cut, spliced, and rebuilt with repaired lengths. Same seed, same variants.

use cie::iso7816::tlv::{self, Reader};

/// Bytes at the edges of length forms and numbers.
const EDGES: [u8; 12] = [0x00, 0x01, 0x02, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0xA5, 0xFE, 0xFF];
/// How deep a rebuilt object may lie.
const DEPTH_MAX: usize = 12;

/// Makes variants; SplitMix64 decides.
pub(crate) struct Mutator(u64);

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, or 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) as usize).checked_rem(bound).unwrap_or(0)
    }

    /// One of the seeds, changed once to three times.
    pub(crate) fn variant(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(3) {
            let other = &seeds[self.below(seeds.len())];
            bytes = self.change(bytes, other);
        }
        bytes
    }

    fn change(&mut self, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
        // A text is one of lines, not of data objects.
        if bytes.contains(&b'\n') && bytes.is_ascii() && self.below(3) > 0 {
            return self.relined(&bytes, other);
        }
        let at = self.below(bytes.len());
        match self.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = EDGES[self.below(EDGES.len())],
            // A length byte, if it is one.
            2 if !bytes.is_empty() => bytes[at] = bytes[at].wrapping_add(if at % 2 == 0 { 1 } else { 0xFF }),
            3 => bytes.truncate(at),
            4 => {
                let tail = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[tail..]);
            }
            5 => {
                let end = (at + 1 + self.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            6 => {
                let edge = EDGES[self.below(EDGES.len())];
                bytes.insert(at, edge);
            }
            // Rebuilt objects reach what lies behind the checks of lengths: more often than the rest.
            _ => bytes = self.rebuild(&bytes, DEPTH_MAX),
        }
        bytes
    }

    /// One line of a text removed, doubled, moved or replaced by one of another text.
    fn relined(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let others: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
        let at = self.below(lines.len());
        match self.below(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at]),
            2 => {
                let line = lines.remove(at);
                lines.insert(self.below(lines.len()), line);
            }
            _ => lines[at] = others.get(self.below(others.len())).copied().unwrap_or_default(),
        }
        lines.concat()
    }

    /// One data object somewhere in `bytes` removed, doubled, swapped, emptied or changed in its value; all
    /// lengths around it fit.
    fn rebuild(&mut self, bytes: &[u8], depth: usize) -> Vec<u8> {
        let Ok(objects) = Reader::new(bytes).collect::<Result<Vec<_>, _>>() else {
            return bytes.to_vec();
        };
        let chosen = self.below(objects.len());
        let last = objects.len().saturating_sub(1);
        let mut out = Vec::new();
        for (at, object) in objects.iter().enumerate() {
            let is_constructed = object.encoded[0] & 0x20 != 0 && !object.value.is_empty();
            if at != chosen {
                out.extend_from_slice(object.encoded);
            } else if is_constructed && depth > 0 && self.below(6) > 0 {
                out.extend(tlv::encode(object.tag.0, &self.rebuild(object.value, depth - 1)));
            } else {
                match self.below(6) {
                    0 => {}
                    1 => out.extend(object.encoded.repeat(2 + self.below(40))),
                    2 => out.splice(..0, object.encoded.iter().copied()).for_each(drop),
                    3 => out.extend(tlv::encode(object.tag.0, &[])),
                    4 => out.extend(objects[self.below(last + 1)].encoded),
                    _ => {
                        let mut value = object.value.to_vec();
                        let byte = self.below(value.len());
                        match value.get_mut(byte) {
                            Some(byte) => *byte = EDGES[self.below(EDGES.len())],
                            None => value.push(0),
                        }
                        out.extend(tlv::encode(object.tag.0, &value));
                    }
                }
            }
        }
        out
    }
}
