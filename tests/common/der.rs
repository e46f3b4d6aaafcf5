//! DER taken apart and put together again, lengths repaired.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use cie::iso7816::tlv::{self, Reader};

/// `der` with the object at the end of `path` (a child's index for each level) replaced by `new`.
pub fn replace(der: &[u8], path: &[usize], new: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let Some((index, below)) = path.split_first() else {
        return new(der);
    };
    let outer = tlv::parse(der).unwrap();
    let children = Reader::new(outer.value).enumerate().map(|(at, child)| {
        let encoded = child.unwrap().encoded;
        if at == *index { replace(encoded, below, new) } else { encoded.to_vec() }
    });
    tlv::encode(outer.tag.0, &children.collect::<Vec<_>>().concat())
}

/// A SEQUENCE of encoded objects.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv::encode(0x30, &parts.concat())
}

/// A file's number and digest in an LDS security object.
pub fn entry(number: &[u8], digest: &[u8]) -> Vec<u8> {
    sequence(&[&tlv::encode(2, number), &tlv::encode(4, digest)])
}
