//! The contact cards that the software card can pose as, by their answers to reset and what is told of them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::profile::{
    AtEnd, ControlInformation, EmptyVerify, KeyUse, Paths, PinReferences, Profile, ShortRead, SignatureInput,
    WrongPin,
};

/// A contact card as a maker would sell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Model {
    /// CNS 1.0 of a STIncard mask, RSA 1024: behaves as the worked examples do.
    #[serde(rename = "cns-1.0")]
    Cns10,
    /// CNS 1.1 of a STIncard mask, RSA 2048: knows its PIN by the reference with bit 8 only.
    #[serde(rename = "cns-1.1")]
    Cns11,
    /// CIE 2, RSA 1024, a certificate signed with SHA-1.
    #[serde(rename = "cie2")]
    Cie2,
    /// CIE 1 of the generic mask: security environment 30, key 31, which signs and pads by itself.
    #[serde(rename = "cie1")]
    Cie1,
    /// TS-CNS of an Athena mask, which corrects a wrong Le and keeps answers waiting.
    #[serde(rename = "cns-athena")]
    Athena,
    /// TS-CNS of Idemia since 2021: says version 1.0, has 2048 bits, and its certificate in 1400/9001/2002.
    #[serde(rename = "cns-idemia")]
    Idemia,
    /// CNS of Infocamere with its certificate wrapped in 2FFF/8228.
    #[serde(rename = "cns-infocamere")]
    Infocamere,
    /// CNS of 2025 (ACe): everything behind an application's name, the certificate in DA01/C001.
    #[serde(rename = "cns-ace")]
    Ace,
}

/// A name that is no model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such card: it is one of cns-1.0, cns-1.1, cie2, cie1, cns-athena, cns-idemia, cns-infocamere, cns-ace"
)]
pub struct UnknownModel;

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cns10 => "cns-1.0",
            Self::Cns11 => "cns-1.1",
            Self::Cie2 => "cie2",
            Self::Cie1 => "cie1",
            Self::Athena => "cns-athena",
            Self::Idemia => "cns-idemia",
            Self::Infocamere => "cns-infocamere",
            Self::Ace => "cns-ace",
        })
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL.into_iter().find(|model| model.to_string() == name).ok_or(UnknownModel)
    }
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 8] = [
        Self::Cns10,
        Self::Cns11,
        Self::Cie2,
        Self::Cie1,
        Self::Athena,
        Self::Idemia,
        Self::Infocamere,
        Self::Ace,
    ];

    /// What a dual-interface card shows over NFC, whatever it shows by its contacts.
    pub const NFC_ATR: &'static [u8] = &hex_literal::hex!("3B80800101");

    /// Whether it is an identity card, not a CNS.
    #[must_use]
    pub fn is_cie(self) -> bool {
        matches!(self, Self::Cie1 | Self::Cie2)
    }

    /// Size of its authentication key, in bits.
    #[must_use]
    pub fn key_bits(self) -> usize {
        match self {
            Self::Cns11 | Self::Idemia | Self::Ace => 2048,
            _ => 1024,
        }
    }

    /// How this card behaves. The answers to reset are real ones; where nothing else is known of a maker's
    /// card, models differ on purpose, so that a terminal that works with all of them has met many sides.
    #[must_use]
    pub fn profile(self) -> Profile {
        let usual = Profile {
            atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800FF8131FE55006B02090200010101434E531031809F")),
            references: PinReferences::Both,
            wrong_pin: WrongPin::CountedThenBlocked,
            empty_verify: EmptyVerify::SpendsTry,
            short_read: ShortRead::Usual,
            at_end: AtEnd::Warned,
            reads_256: true,
            control_information: ControlInformation::Information,
            paths: Paths::Both,
            answers_wait: false,
            extended_length: false,
            security_environment: 0x03,
            key_use: KeyUse::Decipher,
            signature_input: SignatureInput::Padded,
            longest_challenge: 256,
        };
        match self {
            Self::Cns10 => usual,
            Self::Cns11 => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800FF8131FE55006B02091617011101434E531131808D")),
                references: PinReferences::Backtracking,
                wrong_pin: WrongPin::Counted,
                ..usual
            },
            Self::Cie2 => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800FF8131FE55006B02091300024954494420203180D3")),
                short_read: ShortRead::Warned,
                ..usual
            },
            Self::Cie1 => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BF41800FF8131805500318000C7")),
                security_environment: 0x30,
                key_use: KeyUse::Sign,
                ..usual
            },
            Self::Athena => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BDF18008131FE7D006B040C0184011101434E53103180FC")),
                references: PinReferences::Plain,
                short_read: ShortRead::Corrected,
                at_end: AtEnd::Refused,
                answers_wait: true,
                ..usual
            },
            Self::Idemia => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800008131FE45006B05052000012101434E5310318079")),
                references: PinReferences::Plain,
                longest_challenge: 32,
                control_information: ControlInformation::Parameters,
                extended_length: true,
                ..usual
            },
            Self::Infocamere => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800FF8131FE55006B02090303010101434E531031809D")),
                wrong_pin: WrongPin::Uncounted,
                ..usual
            },
            // What is told of short reads and of the end of a file was seen on a card of this kind.
            Self::Ace => Profile {
                atr: Cow::Borrowed(&hex_literal::hex!("3BFF1800008131FE45006B04050100011101434E5310318069")),
                short_read: ShortRead::Success,
                at_end: AtEnd::Refused,
                paths: Paths::FromCurrent,
                ..usual
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_to_reset_are_real_ones() {
        let v: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/vectors/cie2-cns.json")).unwrap();
        let known = |atr: &[u8]| {
            let rows = v["atr"].as_array().unwrap();
            let row = rows.iter().find(|row| row["atr"] == hex::encode_upper(atr)).unwrap();
            row["expect"].as_str().unwrap().to_owned()
        };
        for model in Model::ALL {
            let expected = match model {
                Model::Cie1 => "cie1",
                Model::Cie2 => "cie2",
                _ => "cns",
            };
            assert_eq!(known(&model.profile().atr), expected, "{model}");
        }
    }

    #[test]
    fn models_have_names() {
        for model in Model::ALL {
            assert_eq!(model.to_string().parse(), Ok(model));
            assert_eq!(serde_json::to_string(&model).unwrap(), format!("\"{model}\""), "as in card files");
            let UnknownModel = Model::from_str("cns").unwrap_err();
            assert!(UnknownModel.to_string().contains(&model.to_string()));
        }
        assert_eq!(format!("{:<8}|", Model::Cie2), "cie2    |");
    }
}
