//! What an answer to reset lets one guess about a contact card (ISO/IEC 7816-3 section 8.2; historical bytes
//! of the CNS and CIE 2 file systems).

/// The longest ATR: TS and 32 bytes.
const LENGTH_MAX: usize = 33;
/// CIE 1 with a generic mask, whole ATR.
const CIE_1_GENERIC: [u8; 14] = hex_literal::hex!("3BF41800FF8131805500318000C7");
/// CIE 1 on CardOS M4.01, whole ATR.
const CIE_1_CARDOS: [u8; 19] = hex_literal::hex!("3BE900FFC11031FE5500640500C80231800047");
/// How the ATR of a kind of Idemia CNS begins that has no CNS mark.
const IDEMIA_UNMARKED: [u8; 8] = hex_literal::hex!("3B8B80010031C164");

/// The file system that a contact card seems to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// The first electronic identity card.
    Cie1,
    /// The second electronic identity card.
    Cie2,
    /// A national services card, health card or not.
    Cns,
}

/// What the ATR of a contact card hints at. **Only a hint**: any chip can answer anything, the mark of a
/// CNS stands on cards with another file system too, and a CNS over a contactless reader shows none.
/// What a card is, is what its files answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AtrHint {
    /// The file system that it points to.
    pub family: Family,
    /// Version of the CNS specification, major and minor. Not the length of the key: cards that say 1.0
    /// have 2048 bits as well as 1024.
    pub specification: Option<(u8, u8)>,
    /// Manufacturer of the chip (ISO/IEC 7816-6).
    pub ic: Option<u8>,
    /// Manufacturer of the mask (an Italian list).
    pub mask: Option<u8>,
    /// Version of operating system or mask, major and minor.
    pub os_version: Option<(u8, u8)>,
}

impl AtrHint {
    /// Takes a whole ATR. `None` if it points to no contact card of these families, and for bytes that are
    /// no ATR. The checksum TCK is the reader's to check.
    #[must_use]
    pub fn parse(atr: &[u8]) -> Option<Self> {
        let historical = historical_bytes(atr)?;
        let plain = |family| Self { family, specification: None, ic: None, mask: None, os_version: None };
        if atr == CIE_1_GENERIC || atr == CIE_1_CARDOS {
            return Some(plain(Family::Cie1));
        }
        if atr.starts_with(&IDEMIA_UNMARKED) {
            return Some(plain(Family::Cns));
        }
        let (family, specification, &[ic, mask, major, minor]) = match historical {
            [_, _, chip @ .., _, _, _, b'C', b'N', b'S', version, _, _] => {
                (Family::Cns, Some((version >> 4, version & 0x0F)), <&[u8; 4]>::try_from(chip).ok()?)
            }
            [_, _, chip @ .., 0x02, b'I', b'T', b'I', b'D', b' ', b' ', 0x31, 0x80] => {
                (Family::Cie2, None, <&[u8; 4]>::try_from(chip).ok()?)
            }
            _ => return None,
        };
        let (ic, mask, os_version) = (Some(ic), Some(mask), Some((major, minor)));
        Some(Self { family, specification, ic, mask, os_version })
    }

    /// Who made the chip, if its code is on the list.
    #[must_use]
    pub fn ic_name(&self) -> Option<&'static str> {
        Some(match self.ic? {
            0x01 => "Motorola",
            0x02 => "STMicroelectronics",
            0x03 => "Hitachi",
            0x04 => "NXP",
            0x05 => "Infineon",
            0x06 => "Cylinc",
            0x07 => "Texas Instruments",
            0x08 => "Fujitsu",
            0x0E => "Samsung",
            0x15 => "Atmel",
            _ => return None,
        })
    }

    /// Who made the mask, if its code is on the list.
    #[must_use]
    pub fn mask_name(&self) -> Option<&'static str> {
        Some(match self.mask? {
            0x01 => "Kaitech",
            0x02 => "Gemplus",
            0x03 => "Ghirlanda",
            0x04 => "Giesecke & Devrient",
            0x05 => "Idemia",
            0x06 => "Orga",
            0x07 => "Axalto",
            0x08 => "Siemens",
            0x09 => "STIncard",
            0x0A => "GEP",
            0x0B => "EPS",
            0x0C => "Athena",
            0x0D => "Gemalto",
            0x11 => "Emosyn",
            _ => return None,
        })
    }
}

/// Walks over the interface bytes, which the high nibbles of T0 and of each TDi announce, to the
/// historical bytes, which the low nibble of T0 counts.
fn historical_bytes(atr: &[u8]) -> Option<&[u8]> {
    if atr.len() > LENGTH_MAX {
        return None;
    }
    let mut bytes = atr.iter();
    bytes.next().filter(|ts| matches!(ts, 0x3B | 0x3F))?;
    let t0 = bytes.next()?;
    let mut announced = t0 >> 4;
    let mut has_tck = false;
    loop {
        for _ in 0..(announced & 0b0111).count_ones() {
            bytes.next()?; // TAi, TBi, TCi
        }
        if announced & 0b1000 == 0 {
            break;
        }
        let td = bytes.next()?;
        announced = td >> 4;
        // T = 0 alone has no checksum.
        has_tck |= td & 0x0F != 0;
    }
    let (historical, tck) = bytes.as_slice().split_at_checked(usize::from(t0 & 0x0F))?;
    (tck.len() == usize::from(has_tck)).then_some(historical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;
    use proptest::prelude::*;

    #[test]
    fn atrs_seen_on_cards() {
        for vector in vectors::contact("/atr").as_array().unwrap() {
            let atr = vectors::hex_of(&vector["atr"]);
            assert_eq!(historical_bytes(&atr), Some(&vectors::hex_of(&vector["historical"])[..]), "{vector}");
            let family = match vector["expect"].as_str().unwrap() {
                "cie1" => Some(Family::Cie1),
                "cie2" => Some(Family::Cie2),
                "cns" => Some(Family::Cns),
                other => {
                    assert!(other == "cie3" || other.starts_with("other_"));
                    None
                }
            };
            let hint = AtrHint::parse(&atr);
            assert_eq!(hint.map(|hint| hint.family), family, "{vector}");
            let Some(hint) = hint else { continue };
            let dotted = |(major, minor)| format!("{major}.{minor}");
            assert_eq!(hint.ic.map(u64::from), vector["ic"].as_u64(), "{vector}");
            assert_eq!(hint.mask.map(u64::from), vector["mask"].as_u64(), "{vector}");
            assert_eq!(hint.os_version.map(dotted).as_deref(), vector["fw"].as_str(), "{vector}");
            assert_eq!(hint.specification.map(dotted).as_deref(), vector["cns_version"].as_str(), "{vector}");
            assert_eq!(hint.ic_name().is_some(), hint.ic.is_some(), "{vector}");
            assert_eq!(hint.mask_name().is_some(), hint.mask.is_some(), "{vector}");
        }
    }

    #[test]
    fn names_and_kinds_outside_the_vectors() {
        let mut atr = hex::decode("3BFF1800008131FE45006B05052000012101434E5310318079").unwrap();
        let hint = AtrHint::parse(&atr).unwrap();
        assert_eq!((hint.ic_name(), hint.mask_name()), (Some("Infineon"), Some("Idemia")));
        atr[11..13].copy_from_slice(&[0xEE, 0xEE]);
        let hint = AtrHint::parse(&atr).unwrap();
        assert_eq!((hint.ic, hint.ic_name(), hint.mask_name()), (Some(0xEE), None, None));

        let unmarked = [&IDEMIA_UNMARKED[..], &[0; 8]].concat();
        assert_eq!(AtrHint::parse(&unmarked).unwrap().family, Family::Cns);
        // Over a contactless reader: no historical bytes at all.
        assert_eq!(AtrHint::parse(&hex::decode("3B80800101").unwrap()), None);
        // The marks count at their places only.
        let shorter = hex::decode("3BFE1800008131FE456B05052000012101434E5310318079").unwrap();
        assert_eq!(AtrHint::parse(&shorter), None);
    }

    #[test]
    fn what_is_no_atr_gives_nothing() {
        let whole = hex::decode("3BFF1800FF8131FE55006B02090200010101434E531031809F").unwrap();
        assert!(AtrHint::parse(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(AtrHint::parse(&whole[..length]), None, "{length}");
        }
        assert_eq!(AtrHint::parse(&[&whole[..], &[0]].concat()), None);
        assert_eq!(AtrHint::parse(&[&[0x3A], &whole[1..]].concat()), None);
        // Interface bytes without end.
        assert_eq!(AtrHint::parse(&[&[0x3B, 0x80][..], &[0x80; 31]].concat()), None);
    }

    #[test]
    fn the_longest_atr_and_the_checksum() {
        // Fifteen interface bytes, fifteen historical ones and TCK: 33 bytes. One more is too many.
        let longest =
            [&[0x3B, 0xFF][..], &[0, 0, 0, 0xF1].repeat(2), &[0, 0, 0, 0x71, 0, 0, 0], &[7; 16]].concat();
        assert_eq!((longest.len(), historical_bytes(&longest)), (33, Some(&[7; 15][..])));
        let longer = [&[0x3B, 0xFF][..], &[0, 0, 0, 0xF1].repeat(3), &[0, 0, 0, 0x01], &[7; 16]].concat();
        assert_eq!((longer.len(), historical_bytes(&longer)), (34, None));
        // Inverse convention.
        assert_eq!(historical_bytes(&[0x3F, 0x02, 1, 2]), Some(&[1, 2][..]));
        // T = 0 alone has no checksum; with another protocol before or behind it there is one.
        assert_eq!(historical_bytes(&[0x3B, 0x81, 0x00, 1]), Some(&[1][..]));
        assert_eq!(historical_bytes(&[0x3B, 0x81, 0x00, 1, 0xFF]), None);
        for protocols in [[0x80, 0x01], [0x81, 0x00]] {
            let atr = [&[0x3B, 0x81][..], &protocols, &[1, 0xFF]].concat();
            assert_eq!(historical_bytes(&atr), Some(&[1][..]));
            assert_eq!(historical_bytes(&atr[..5]), None);
        }
    }

    proptest! {
        #[test]
        fn interface_bytes_do_not_matter(groups in proptest::collection::vec((0_u8..8, any::<[u8; 3]>()), 0..4), chip: [u8; 4]) {
            let historical = [&[0, 0x6B][..], &chip, b"\x01\x11\x01CNS\x11\x31\x80"].concat();
            // T = 1 last, and so a checksum.
            let mut atr = vec![0x3B, 0x8F];
            for (announced, bytes) in groups {
                atr.push(announced << 4 | 0x80);
                atr.extend(&bytes[..announced.count_ones() as usize]);
            }
            atr.push(1);
            atr.extend(&historical);
            atr.push(0);
            prop_assume!(atr.len() <= LENGTH_MAX);
            let hint = AtrHint::parse(&atr).unwrap();
            prop_assert_eq!((hint.family, hint.specification), (Family::Cns, Some((1, 1))));
            prop_assert_eq!((hint.ic, hint.mask, hint.os_version), (Some(chip[0]), Some(chip[1]), Some((chip[2], chip[3]))));
        }
    }
}
