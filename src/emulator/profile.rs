//! What differs from one maker's chip to another's, as data (the IAS ECC specification leaves it open).

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
}

/// How a chip behaves where chips differ. [`Chip::profile`] gives the usual one; a test may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Answer to reset as a PC/SC reader shows it.
    pub atr: &'static [u8],
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
    /// Whether a READ BINARY that asks for more than the file has left is answered 6Cxx and no data.
    pub wrong_le_is_refused: bool,
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
        };
        let mut content = written.to_vec();
        content.resize(EF_ATR_SIZE, 0);
        content
    }

    /// How this chip behaves.
    #[must_use]
    pub fn profile(self) -> Profile {
        let gemalto = Profile {
            atr: &hex_literal::hex!("3B8F800180318065B085040011120FFF8290008A"),
            knows_ias_by_name: true,
            root_at_reset: false,
            combined_domain_parameters: true,
            terminal_key_under_b6: true,
            longest_clear_read: 256,
            le_zero_warns: true,
            wrong_le_is_refused: false,
            longest_protected_data: 231,
            verified_after_change: true,
            longest_token: None,
        };
        match self {
            Self::Gemalto => gemalto,
            Self::Nxp => Profile {
                atr: &hex_literal::hex!("3B8E80018031806549544E5850120FFF8290F0"),
                knows_ias_by_name: false,
                root_at_reset: true,
                combined_domain_parameters: false,
                longest_clear_read: 231,
                le_zero_warns: false,
                verified_after_change: false,
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
        for chip in [Chip::Gemalto, Chip::Nxp] {
            let atr = chip.profile().atr;
            assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0, "{chip:?}");
            assert_eq!(usize::from(atr[1] & 0x0F), atr.len() - 5, "{chip:?}: historical bytes");
        }
    }
}
