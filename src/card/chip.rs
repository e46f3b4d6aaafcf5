//! Who made the chip, told by fragments of EF.ATR (ISO/IEC 7816-4 section 8.2.1.1) or of the answer to
//! reset's historical bytes (section 8.1). A claim, to be shown or written to a log: it drives nothing.

use std::fmt;

use hex_literal::hex;

/// A family of chips that CIE 3 cards were made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ChipFamily {
    /// Gemalto, the most common one.
    Gemalto,
    /// Gemalto, another generation.
    Gemalto2,
    /// NXP.
    Nxp,
    /// STMicroelectronics.
    St,
    /// Actalis.
    Actalis,
    /// Bit4id.
    Bit4id,
    /// None of those that are known here.
    #[default]
    Unknown,
}

impl ChipFamily {
    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gemalto => "gemalto",
            Self::Gemalto2 => "gemalto2",
            Self::Nxp => "nxp",
            Self::St => "st",
            Self::Actalis => "actalis",
            Self::Bit4id => "bit4id",
            Self::Unknown => "unknown",
        }
    }
}

/// Fragments of EF.ATR. Actalis's begins with NXP's, so it stands first.
const FILE_FRAGMENTS: [(&[u8], ChipFamily); 5] = [
    (
        &hex!(
            "8000 4301B8 460410101010 47039401E0 7F66 08 020204D6 020207E3"
            "E010 02020104 020200E6 020200E6 020200E6 7808 06062B8122F87802"
        ),
        ChipFamily::Actalis,
    ),
    (&hex!("8000 4301B8 460410101010 470394"), ChipFamily::Nxp),
    (
        &hex!(
            "8000 4301B9 460400000010 4703940181 4F0C A000000095000000008A0001"
            "E010 020200FF 020200FF 02020100 02020100 7808 06062B8122F87802"
        ),
        ChipFamily::St,
    ),
    (b"IasEccRoot", ChipFamily::Gemalto),
    (&hex!("47039441C0"), ChipFamily::Gemalto2),
];

/// Fragments of the answer to reset.
const RESET_FRAGMENTS: [(&[u8], ChipFamily); 11] = [
    (&hex!("80318065B085040011"), ChipFamily::Gemalto),
    (&hex!("80318065B0850300EF"), ChipFamily::Gemalto2),
    (&hex!("8031806549544E5850"), ChipFamily::Nxp),
    (&hex!("8066475000B8007F"), ChipFamily::St),
    (&hex!("8066475000B80094"), ChipFamily::St),
    (&hex!("8031806549544A3441"), ChipFamily::Actalis),
    (&hex!("8031806549544A3443"), ChipFamily::Actalis),
    (&hex!("8031806549544A344C"), ChipFamily::Actalis),
    (&hex!("8031806549544A3442"), ChipFamily::Bit4id),
    (&hex!("8031806549544A3444"), ChipFamily::Bit4id),
    (&hex!("8031806549544A3449"), ChipFamily::Bit4id),
];

impl ChipFamily {
    /// By EF.ATR, or else by the answer to reset. Fragments are looked for as they stand, in one piece. The
    /// answer to reset without historical bytes, which some ST chips share with cards of every kind, says
    /// nothing.
    #[must_use]
    pub fn claimed(ef_atr: &[u8], atr: &[u8]) -> Self {
        let find = |content: &[u8], fragments: &[(&[u8], Self)]| {
            let stands = |fragment: &[u8]| content.windows(fragment.len()).any(|window| window == fragment);
            fragments.iter().find(|(fragment, _)| stands(fragment)).map(|(_, family)| *family)
        };
        find(ef_atr, &FILE_FRAGMENTS).or_else(|| find(atr, &RESET_FRAGMENTS)).unwrap_or_default()
    }
}

impl fmt::Display for ChipFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gemalto => "Gemalto",
            Self::Gemalto2 => "Gemalto (2)",
            Self::Nxp => "NXP",
            Self::St => "STMicroelectronics",
            Self::Actalis => "Actalis",
            Self::Bit4id => "Bit4id",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers to reset of real cards, as published.
    const PUBLISHED: [(&str, ChipFamily); 13] = [
        ("3B8F800180318065B0850300EF120FFF82900073", ChipFamily::Gemalto2),
        ("3B8F800180318065B085040011120FFF8290008A", ChipFamily::Gemalto),
        ("3B8E80018031806549544E5850120FFF8290F0", ChipFamily::Nxp),
        ("3B8B80018066475000B8007F8290002E", ChipFamily::St),
        ("3B8B80018066475000B80094829000C5", ChipFamily::St),
        ("3B80800101", ChipFamily::Unknown),
        ("3B8F80018031806549544A3441120FFF82900088", ChipFamily::Actalis),
        ("3B8F80018031806549544A3443120FFF8290008A", ChipFamily::Actalis),
        ("3B8F80018031806549544A344C120FFF82900085", ChipFamily::Actalis),
        ("3B8F80018031806549544A3442120FFF8290008B", ChipFamily::Bit4id),
        ("3B8F80018031806549544A3444120FFF8290008D", ChipFamily::Bit4id),
        ("3B8F80018031806549544A3449120FFF82900080", ChipFamily::Bit4id),
        ("3B8F80010000000000000000000000FF829000E3", ChipFamily::Unknown),
    ];

    #[test]
    fn every_published_answer_to_reset_is_told() {
        for (atr, family) in PUBLISHED {
            let atr = hex::decode(atr).unwrap();
            assert_eq!(ChipFamily::claimed(&[], &atr), family, "{}", hex::encode(&atr));
            let mut permuted = atr;
            permuted.reverse();
            assert_eq!(ChipFamily::claimed(&[], &permuted), ChipFamily::Unknown, "in order only");
        }
    }

    #[test]
    fn the_file_goes_before_the_answer_to_reset() {
        let gemalto = hex::decode(PUBLISHED[1].0).unwrap();
        let file = hex!("8000 4301B8 460410101010 4703940180 82029000 0000");
        assert_eq!(ChipFamily::claimed(&file, &gemalto), ChipFamily::Nxp);
        assert_eq!(ChipFamily::claimed(&file[1..], &gemalto), ChipFamily::Gemalto);
        assert_eq!(ChipFamily::claimed(&[], &[]), ChipFamily::Unknown);
        for (fragment, family) in FILE_FRAGMENTS {
            assert_eq!(ChipFamily::claimed(&[&[0x80], fragment, &[0; 9]].concat(), &gemalto), family);
            let cut = &fragment[..fragment.len() - 1];
            assert_ne!(ChipFamily::claimed(cut, &[]), family);
        }
    }
}
