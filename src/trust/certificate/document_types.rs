//! What documents a signer signs: `documentTypeList` (ICAO 9303-12 section 7.1.1), the first characters of their
//! machine-readable zones.

use crate::iso7816::tlv;

/// Content bytes of 2.23.136.1.1.6.2.
pub(super) const OID: &[u8] = &hex_literal::hex!("67810801010602");

const SET: u32 = 0x31;
const UTF8_STRING: u32 = 0x0C;
const PRINTABLE_STRING: u32 = 0x13;

/// The types that are listed. What cannot be read lists none: nothing is signed by such a signer.
pub(super) fn listed(extension: &[u8]) -> Vec<String> {
    read(extension).unwrap_or_default()
}

fn read(extension: &[u8]) -> Option<Vec<String>> {
    let list = tlv::parse(extension).ok()?;
    let mut fields = tlv::Reader::new(list.value).map(|field| field.ok());
    // A version stands before the set.
    let types = fields.find_map(|field| match field {
        Some(field) if field.tag.0 == SET => Some(Some(field)),
        Some(_) => None,
        None => Some(None),
    })??;
    tlv::Reader::new(types.value)
        .map(|kind| {
            let kind = kind.ok().filter(|kind| matches!(kind.tag.0, UTF8_STRING | PRINTABLE_STRING))?;
            String::from_utf8(kind.value.to_vec()).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_in_a_set_behind_the_version() {
        let list = |types: &[u8]| tlv::encode(0x30, &[&[2, 1, 0], &tlv::encode(SET, types)[..]].concat());
        assert_eq!(listed(&list(&[0x13, 1, b'C'])), ["C"]);
        assert_eq!(listed(&list(&[0x13, 1, b'P', 0x0C, 2, b'A', b'C'])), ["P", "AC"]);
        assert_eq!(listed(&tlv::encode(0x30, &tlv::encode(SET, &[0x13, 1, b'I']))), ["I"]);
        for unread in [&b""[..], &[0x30, 5], &list(&[0x02, 1, b'C']), &list(&[0x13, 9]), &[0x30, 0]] {
            assert!(listed(unread).is_empty(), "{unread:02X?}");
        }
    }
}
