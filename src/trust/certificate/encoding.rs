//! How a certificate is written around what its signature covers (X.690 section 10.1).

use crate::iso7816::tlv::{self, Reader, Tlv};

/// Whether what no signature covers is written as DER has it: the lengths in their shortest form, the algorithm as it
/// stands in the signed part. Anybody could otherwise make certificates of one's own certificate, each with another
/// fingerprint.
pub(super) fn is_written_in_one_way(der: &[u8]) -> bool {
    let is_shortest = |part: &Tlv<'_>| tlv::encode(part.tag.0, part.value) == part.encoded;
    let Ok(outer) = tlv::parse(der) else { return false };
    let parts: Vec<_> = Reader::new(outer.value).map_while(Result::ok).collect();
    let [signed, algorithm, signature] = parts.as_slice() else { return false };
    // Behind version and serial number.
    let mut fields = Reader::new(signed.value).map_while(Result::ok);
    let same = fields.find(|field| field.tag == algorithm.tag).map(|field| field.encoded);
    is_shortest(&outer) && same == Some(algorithm.encoded) && is_shortest(signature)
}
