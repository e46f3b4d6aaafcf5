//! The common name of a CNS certificate (CNS certificate profile 1.1): fiscal code, card number and the digest
//! of the holder's data, `CVAPVN79C57G999T/7099001000000120.PSEMjnF2yjh61nwZuBBKDYxc/Pc=`.

use std::fmt;

use base64ct::{Base64, Encoding};

use super::{FiscalCode, FiscalCodeError};
use crate::trust::Name;

/// The most characters of a card number.
const CARD_ID_MAX: usize = 16;
/// SHA-1, in bytes and in base64.
const DIGEST: (usize, usize) = (20, 28);

/// Why a name does not say whose it is in the way of a CNS. [`CommonNameError::is_other_form`] tells a name
/// that follows other rules from one that breaks these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommonNameError {
    /// The certificate has no common name, or more than one.
    #[error("the certificate does not have one common name")]
    Missing,
    /// Not sixteen capitals and digits before a slash.
    #[error("not the common name of a CNS")]
    OtherForm,
    /// Fiscal code and card number without a digest: holder's data have nothing to be checked against.
    #[error("the common name has no digest of the personal data")]
    NoDigest,
    /// What should be the fiscal code is not one.
    #[error("in the common name: {0}")]
    FiscalCode(#[from] FiscalCodeError),
    /// The card number is not one to sixteen capitals, digits and blanks.
    #[error("the card number in the common name is malformed")]
    CardId,
    /// What should be the digest is not the base64 of 20 bytes.
    #[error("the digest in the common name is malformed")]
    Digest,
    /// No fiscal code in common name and serial number.
    #[error("the certificate names no fiscal code")]
    NoFiscalCode,
    /// Different fiscal codes in common name and serial number.
    #[error("the certificate names more than one fiscal code")]
    SeveralFiscalCodes,
}

impl CommonNameError {
    /// Whether the name just follows other rules, as opposed to breaking these.
    #[must_use]
    pub fn is_other_form(self) -> bool {
        matches!(self, Self::Missing | Self::OtherForm | Self::NoDigest | Self::NoFiscalCode)
    }
}

/// What the common name of a CNS certificate says. It is worth what the certificate is worth.
#[derive(Clone, PartialEq, Eq)]
pub struct CommonName {
    fiscal_code: FiscalCode,
    card_id: String,
    digest: [u8; DIGEST.0],
}

impl CommonName {
    /// Reads a common name of the form
    /// `^([A-Z0-9]{16})/([0-9A-Z ]{1,16})\.([A-Za-z0-9+/]{27}=)$`, whose first part is a fiscal code.
    ///
    /// # Errors
    /// [`CommonNameError`].
    pub fn parse(text: &str) -> Result<Self, CommonNameError> {
        let is_code = |code: &str| {
            code.len() == 16 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        let parts = text.split_once('/').filter(|(code, _)| is_code(code));
        let (code, rest) = parts.ok_or(CommonNameError::OtherForm)?;
        let (card_id, digest) = match rest.split_once('.') {
            Some((card_id, digest)) => (card_id, Some(digest)),
            None => (rest, None),
        };
        let fiscal_code = FiscalCode::parse(code)?;
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        if !matches!(card_id.len(), 1..=CARD_ID_MAX) || !card_id.bytes().all(fits) {
            return Err(CommonNameError::CardId);
        }
        let digest = digest_of(digest.ok_or(CommonNameError::NoDigest)?).ok_or(CommonNameError::Digest)?;
        Ok(Self { fiscal_code, card_id: card_id.to_owned(), digest })
    }

    /// The fiscal code.
    #[must_use]
    pub fn fiscal_code(&self) -> &FiscalCode {
        &self.fiscal_code
    }

    /// The card's number as it stands there, one to sixteen characters; blanks at its end are padding.
    #[must_use]
    pub fn card_id(&self) -> &str {
        &self.card_id
    }

    /// SHA-1 of the holder's data, 20 bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 20] {
        &self.digest
    }
}

impl fmt::Debug for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommonName(..)")
    }
}

/// Decodes the base64 of 20 bytes, padding and unused bits as RFC 4648 has them.
fn digest_of(base64: &str) -> Option<[u8; DIGEST.0]> {
    let mut digest = [0; DIGEST.0];
    let decoded = Base64::decode(base64, &mut digest).ok()?.len();
    (decoded == DIGEST.0 && base64.len() == DIGEST.1).then_some(digest)
}

/// Whom the subject of a certificate names, by the strongest rule that applies. It is worth what the
/// certificate is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimedIdentity {
    /// The common name follows the CNS profile.
    CommonName(CommonName),
    /// It does not, and exactly one fiscal code stands in common name and serial number: for identity cards,
    /// whose profile is not published. Holder's data cannot be bound to it.
    FiscalCodeOnly(FiscalCode),
}

impl ClaimedIdentity {
    /// Reads the subject of a certificate.
    ///
    /// # Errors
    /// [`CommonNameError::FiscalCode`] if the common name has the form of a CNS and its fiscal code is wrong,
    /// [`CommonNameError::NoFiscalCode`], or [`CommonNameError::SeveralFiscalCodes`].
    pub fn of(subject: &Name) -> Result<Self, CommonNameError> {
        let name = match subject.common_name.as_deref().map(CommonName::parse) {
            Some(Ok(name)) => Some(name),
            Some(Err(error @ CommonNameError::FiscalCode(_))) => return Err(error),
            _ => None,
        };
        let texts = [&subject.common_name, &subject.serial_number].into_iter().flatten();
        // Letters of other scripts are no blanks: what stands beside them is a piece of another word.
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let mut codes = words.filter_map(|word| FiscalCode::parse(word).ok());
        let code = codes.next().ok_or(CommonNameError::NoFiscalCode)?;
        if codes.any(|other| other != code) {
            return Err(CommonNameError::SeveralFiscalCodes);
        }
        Ok(name.map_or(Self::FiscalCodeOnly(code), Self::CommonName))
    }

    /// The fiscal code.
    #[must_use]
    pub fn fiscal_code(&self) -> &FiscalCode {
        match self {
            Self::CommonName(name) => name.fiscal_code(),
            Self::FiscalCodeOnly(code) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "CVAPVN79C57G999T/7099001000000120.PSEMjnF2yjh61nwZuBBKDYxc/Pc=";

    fn subject(common_name: &str, serial_number: &str) -> Name {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Name { common_name: some(common_name), serial_number: some(serial_number), ..Name::default() }
    }

    #[test]
    fn a_common_name_in_its_parts() {
        let name = CommonName::parse(NAME).unwrap();
        assert_eq!(name.fiscal_code().as_str(), "CVAPVN79C57G999T");
        assert_eq!(name.card_id(), "7099001000000120");
        assert_eq!(hex::encode_upper(name.digest()), "3D210C8E7176CA387AD67C19B8104A0D8C5CFCF7");
        assert_eq!(format!("{name:?}"), "CommonName(..)");
        let padded = CommonName::parse(&NAME.replace("7099001000000120", "0123456AA ")).unwrap();
        assert_eq!(padded.card_id(), "0123456AA ");
    }

    #[test]
    fn names_of_other_forms_and_broken_ones() {
        use CommonNameError as E;
        let code = "CVAPVN79C57G999T";
        let broken = |from: &str, to: &str| CommonName::parse(&NAME.replace(from, to)).unwrap_err();
        for (text, error) in [
            ("", E::OtherForm),
            ("PROVINA CAVIA", E::OtherForm),
            (code, E::OtherForm),
            ("CVAPVN79C57G999/7099001000000120.x", E::OtherForm),
            ("CVAPVN79C57G99 T/7099001000000120.x", E::OtherForm),
            ("cvapvn79c57g999t/7099001000000120.x", E::OtherForm),
            ("CVAPVN79C57G999T/7099001000000120", E::NoDigest),
            ("CVAPVN79C57G999U/7099001000000120", E::FiscalCode(FiscalCodeError::CheckCharacter)),
            ("CVAPVN79C57G999T/", E::CardId),
        ] {
            assert_eq!(CommonName::parse(text), Err(error), "{text}");
            assert_eq!(error.is_other_form(), matches!(error, E::OtherForm | E::NoDigest));
        }
        assert_eq!(broken("7099001000000120", ""), E::CardId);
        assert_eq!(broken("7099001000000120", "70990010000001200"), E::CardId);
        assert_eq!(broken("7099001000000120", "70a"), E::CardId);
        assert_eq!(broken("7099001000000120", "709/9"), E::CardId);
        assert_eq!(broken("Pc=", "Pc"), E::Digest);
        assert_eq!(broken("Pc=", "P=="), E::Digest);
        assert_eq!(broken("Pc=", "Pcc="), E::Digest);
        assert_eq!(broken("Pc=", "Pc= "), E::Digest);
        assert_eq!(broken("Pc=", "A=="), E::Digest, "19 bytes");
        assert_eq!(broken("/Pc=", "_Pc="), E::Digest);
        // Bits that belong to no byte would make two texts of one digest.
        assert_eq!(broken("Pc=", "Pd="), E::Digest);
    }

    #[test]
    fn the_strongest_rule_counts() {
        for serial_number in ["", "TINIT-CVAPVN79C57G999T", "12345678901"] {
            let identity = ClaimedIdentity::of(&subject(NAME, serial_number)).unwrap();
            assert!(matches!(identity, ClaimedIdentity::CommonName(_)));
            assert_eq!(identity.fiscal_code().as_str(), "CVAPVN79C57G999T");
        }
        for (common_name, serial_number) in [
            ("CVAPVN79C57G999T", ""),
            ("CVAPVN79C57G999T/7099001000000120", ""),
            ("CVAPVN79C57G999T/AA-1.x", "IT:CVAPVN79C57G999T"),
            ("PROVINA CAVIA", "TINIT-CVAPVN79C57G999T"),
            ("", "CVAPVN79C57G999T"),
        ] {
            let identity = ClaimedIdentity::of(&subject(common_name, serial_number)).unwrap();
            assert!(matches!(&identity, ClaimedIdentity::FiscalCodeOnly(_)), "{common_name}");
            assert_eq!(identity.fiscal_code().as_str(), "CVAPVN79C57G999T");
        }
    }

    #[test]
    fn no_fiscal_code_or_two_are_no_identity() {
        use CommonNameError as E;
        for (common_name, serial_number, error) in [
            ("", "", E::NoFiscalCode),
            ("PROVINA CAVIA", "12345678901", E::NoFiscalCode),
            ("XCVAPVN79C57G999T", "", E::NoFiscalCode),
            ("xCVAPVN79C57G999T", "CVAPVN79C57G999Tx", E::NoFiscalCode),
            ("\u{430}CVAPVN79C57G999T", "CVAPVN79C57G999T\u{391}", E::NoFiscalCode),
            ("CVAPVN79C57G999T", "FOXLIX01T71Z404P", E::SeveralFiscalCodes),
            (NAME, "TINIT-FOXLIX01T71Z404P", E::SeveralFiscalCodes),
            ("CVAPVN79C57G999T", "CVAPVN79C57G99VI", E::SeveralFiscalCodes),
            (
                &NAME.replace("999T/", "999U/"),
                "CVAPVN79C57G999T",
                E::FiscalCode(FiscalCodeError::CheckCharacter),
            ),
        ] {
            assert_eq!(
                ClaimedIdentity::of(&subject(common_name, serial_number)),
                Err(error),
                "{common_name}"
            );
            assert_eq!(error.is_other_form(), error == E::NoFiscalCode);
        }
    }
}
