//! What differs from one maker's chip to another's, as data (the IAS ECC specification leaves it open).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A chip family that the software card can pose as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Chip {
    /// Gemalto, the most common one: knows the IAS application by name.
    Gemalto,
    /// NXP: reached through the master file only, and sparing with long answers in clear.
    Nxp,
    /// STMicroelectronics: takes the terminal's key under one name of its template only, and corrects a
    /// wrong Le.
    St,
    /// Actalis: announces, and keeps to, 230 bytes where the others go up to 231 and more.
    Actalis,
}

/// A name that is no chip's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such chip: it is one of gemalto, nxp, st, actalis")]
pub struct UnknownChip;

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gemalto => "gemalto",
            Self::Nxp => "nxp",
            Self::St => "st",
            Self::Actalis => "actalis",
        })
    }
}

impl FromStr for Chip {
    type Err = UnknownChip;

    fn from_str(name: &str) -> Result<Self, UnknownChip> {
        Self::ALL.into_iter().find(|chip| chip.to_string() == name).ok_or(UnknownChip)
    }
}

/// What a READ BINARY comes to that asks for more bytes than the file has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WrongLe {
    /// The bytes that there are, with the warning 6282.
    Warned,
    /// 6Cxx and no data in clear; the warning over secure messaging. A published terminal takes any
    /// other word than 6282 and 6B00 for the end of the file, so a chip that all of them read can
    /// hardly do this in protected answers.
    RefusedInClear,
    /// 6Cxx and no data, in clear and over secure messaging.
    Refused,
}

/// How a chip behaves where chips differ. [`Chip::profile`] gives the usual one; a test may change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// Answer to reset as a PC/SC reader shows it.
    #[serde(with = "super::written::bytes")]
    pub atr: Cow<'static, [u8]>,
    /// Whether SELECT by name finds the IAS application; if not, the answer is 6A82.
    pub knows_ias_by_name: bool,
    /// Whether the root is the current DF after a reset, so that the CIE application can be selected
    /// without anything before it. Terminals that ignore the 6A82 above rely on it.
    pub root_at_reset: bool,
    /// Whether GET DATA gives all DH domain parameters in one answer.
    pub combined_domain_parameters: bool,
    /// Whether MANAGE SECURITY ENVIRONMENT takes the terminal's key under P2 = B6 as well as A4.
    pub terminal_key_under_b6: bool,
    /// The most bytes of a READ BINARY in clear with Le = 00. When more follow, the answer is a short
    /// one with 9000: a terminal must not take it for the end of the file.
    pub longest_clear_read: usize,
    /// Whether a READ BINARY with Le = 00 that meets the end of the file is answered 6282. ISO/IEC
    /// 7816-4 reads Le = 00 as *what there is*, hence 9000; cards do either.
    pub le_zero_warns: bool,
    /// What a READ BINARY comes to that asks for more than the file has left.
    pub wrong_le: WrongLe,
    /// The most bytes, in clear, of the answer to a protected READ BINARY, whatever its Le. When more
    /// follow, the answer is a short one with 9000.
    pub longest_protected_read: usize,
    /// The most bytes of an answer in clear that come at once. When there are more, and Le has room for
    /// more, all of them wait for GET RESPONSE (61xx).
    pub longest_direct_answer: usize,
    /// The longest data, in clear, of one protected command, in bytes. More is answered 6700, over the
    /// channel; longer commands are chains.
    pub longest_protected_data: usize,
    /// Whether the PIN counts as shown after a CHANGE REFERENCE DATA that succeeded. What real cards do
    /// is not known.
    pub verified_after_change: bool,
    /// The longest token that INTERNAL AUTHENTICATE signs, in bytes; `None` is what fits the block.
    pub longest_token: Option<usize>,
}

/// Size of EF.ATR, zeros at its end included.
const EF_ATR_SIZE: usize = 96;

impl Chip {
    /// Every chip.
    pub const ALL: [Self; 4] = [Self::Gemalto, Self::Nxp, Self::St, Self::Actalis];

    /// EF.ATR (2F01): what the chip's maker wrote, the status 9000, zeros up to the size of the file.
    ///
    /// Programs tell the maker by a fragment of it, which is the published one; the objects around that
    /// are like those of chips whose whole EF.ATR is published. Those programs look for the status far
    /// into the file, at offset 33 or later.
    pub(super) fn ef_atr(self) -> Vec<u8> {
        let written: &[u8] = match self {
            // Card service data, capabilities, a name for the root; then, as on the other chip, the
            // longest commands and answers, an object identifier and the status.
            Self::Gemalto => &hex_literal::hex!(
                "4301B8 4703940180 4F0A 496173456363526F6F74"
                "E010 020200FF 020200FF 02020100 02020100 7808 06062B8122F87802 82029000"
            ),
            // Here with pre-issuing data in the place of the name.
            Self::Nxp => &hex_literal::hex!(
                "8000 4301B8 460410101010 4703940180"
                "E010 02020104 020200E6 020200E6 020200E6 7808 06062B8122F87802 82029000"
            ),
            // The root's name again, and another version of the card service data.
            Self::St => &hex_literal::hex!(
                "8000 4301B9 460400000010 4703940181 4F0CA000000095000000008A0001"
                "E010 020200FF 020200FF 02020100 02020100 7808 06062B8122F87802 82029000"
            ),
            // With the extended lengths that it announces, and that nobody uses.
            Self::Actalis => &hex_literal::hex!(
                "8000 4301B8 460410101010 47039401E0 7F6608 020204D6 020207E3"
                "E010 02020104 020200E6 020200E6 020200E6 7808 06062B8122F87802 82029000"
            ),
        };
        let mut content = written.to_vec();
        content.resize(EF_ATR_SIZE, 0);
        content
    }

    /// How this chip behaves. Where nothing is known of the real one, chips differ on purpose, so that a
    /// terminal that works with all of them has met both sides.
    #[must_use]
    pub fn profile(self) -> Profile {
        let gemalto = Profile {
            atr: Cow::Borrowed(&hex_literal::hex!("3B8F800180318065B085040011120FFF8290008A")),
            knows_ias_by_name: true,
            root_at_reset: false,
            combined_domain_parameters: true,
            terminal_key_under_b6: true,
            longest_clear_read: 256,
            le_zero_warns: true,
            wrong_le: WrongLe::Warned,
            longest_protected_read: 256,
            longest_direct_answer: 256,
            longest_protected_data: 231,
            verified_after_change: true,
            longest_token: None,
        };
        match self {
            Self::Gemalto => gemalto,
            Self::Nxp => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3B8E80018031806549544E5850120FFF8290F0")),
                knows_ias_by_name: false,
                root_at_reset: true,
                combined_domain_parameters: false,
                longest_clear_read: 231,
                le_zero_warns: false,
                verified_after_change: false,
                ..gemalto
            },
            Self::St => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3B8B80018066475000B8007F8290002E")),
                terminal_key_under_b6: false,
                wrong_le: WrongLe::RefusedInClear,
                verified_after_change: false,
                // What client and server authentication has room for: two fifths of the modulus.
                longest_token: Some(102),
                ..gemalto
            },
            // The lengths are those of its EF.ATR: 230 bytes in a protected command and in answers.
            Self::Actalis => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3B8F800180318065 49544A3441 120FFF82900088")),
                combined_domain_parameters: false,
                longest_clear_read: 230,
                le_zero_warns: false,
                longest_protected_data: 230,
                longest_protected_read: 230,
                longest_direct_answer: 230,
                ..gemalto
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_byte_of_every_atr_holds() {
        for chip in Chip::ALL {
            let atr = chip.profile().atr;
            assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0, "{chip}");
            // No interface bytes but TD1 and TD2 of a contactless card; then the historical bytes and TCK.
            assert_eq!((atr[0], atr[1] & 0xF0, &atr[2..4]), (0x3B, 0x80, &[0x80, 0x01][..]), "{chip}");
            assert_eq!(usize::from(atr[1] & 0x0F), atr.len() - 5, "{chip}: historical bytes");
        }
    }

    #[test]
    fn chips_have_names() {
        for chip in Chip::ALL {
            assert_eq!(chip.to_string().parse(), Ok(chip));
            assert_eq!(serde_json::to_string(&chip).unwrap(), format!("\"{chip}\""), "as in card files");
            let UnknownChip = Chip::from_str(&format!("{chip} ")).unwrap_err();
            assert!(UnknownChip.to_string().contains(&chip.to_string()));
        }
        assert_eq!("GEMALTO".parse::<Chip>(), Err(UnknownChip));
        assert_eq!(format!("{:<8}|", Chip::St), "st      |");
    }
}
