//! The holder's data and the card's number, bound to a certificate (CNS certificate profile 1.1).
//!
//! Nothing protects `EF_DatiPersonali` on the card. Its SHA-1 stands in the common name of the certificate,
//! beside fiscal code and card number: what agrees with all three was written by who issued the
//! certificate. That nobody can find other data to a given SHA-1 still holds; two sets of data that share one
//! can only be made by the issuer.

use std::fmt;

use super::{CommonName, CommonNameError, FiscalCode};
use crate::cns::{ClaimedCardId, PersonalData};
use crate::crypto::{DigestAlgorithm, PresentedCertificate, constant_time_equal};
use crate::trust::{self, Certificate, ValidPath};

/// Which bytes of `EF_DatiPersonali` a digest covers. The profile says "the file"; no one has published a
/// check against a real card. In the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashedRange {
    /// The whole file, padding included, as long as the card says that it is.
    WholeFile,
    /// Header and fields.
    UsedPrefix,
    /// The fields, without the header.
    FieldsOnly,
    /// The whole file without the `00` and `FF` at its end.
    WithoutPadding,
}

impl HashedRange {
    const ALL: [Self; 4] = [Self::WholeFile, Self::UsedPrefix, Self::FieldsOnly, Self::WithoutPadding];

    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WholeFile => "whole-file",
            Self::UsedPrefix => "used-prefix",
            Self::FieldsOnly => "fields-only",
            Self::WithoutPadding => "without-padding",
        }
    }

    /// The bytes; `None` if they would not cover all fields.
    fn of(self, data: &PersonalData) -> Option<&[u8]> {
        let (content, used) = (data.content(), data.used_length());
        match self {
            Self::WholeFile => Some(content),
            Self::UsedPrefix => content.get(..used),
            Self::FieldsOnly => content.get(PersonalData::HEADER_LENGTH..used),
            Self::WithoutPadding => {
                let last = content.iter().rposition(|byte| !matches!(byte, 0x00 | 0xFF))?;
                content.get(..=last).filter(|range| range.len() >= used)
            }
        }
    }
}

/// Which ranges are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HashPolicy {
    /// [`HashedRange::WholeFile`] only.
    #[default]
    Strict,
    /// Any [`HashedRange`]: each covers all fields, and the proof says which it was.
    Tolerant,
}

/// What of a card does not agree with the certificate: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Differences {
    /// The fiscal code in the holder's data is missing or another.
    pub fiscal_code: bool,
    /// The card's number is another.
    pub card_id: bool,
    /// The digest covers no range of the holder's data.
    pub digest: bool,
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(self.fiscal_code, "fiscal code"), (self.card_id, "card number"), (self.digest, "digest")];
        let differing: Vec<_> = names.iter().filter(|(differs, _)| *differs).map(|(_, name)| *name).collect();
        f.write_str(&differing.join(", "))
    }
}

/// Why the holder's data were not bound to a certificate. [`BindingError::is_unchecked`] tells "there is
/// nothing to check against" from "checked and bad".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] trust::Error),
    /// The certificate's common name does not say what the data should be.
    #[error(transparent)]
    CommonName(#[from] CommonNameError),
    /// Checked and bad: the data are not those of the certificate.
    #[error("not what the certificate says: {0}")]
    Differs(Differences),
    /// The path is that of another certificate.
    #[error("the path that was verified is not that of the certificate which the data are bound to")]
    OtherCertificate,
    /// The data are those of the certificate by a range that [`HashPolicy::Strict`] does not accept.
    #[error("the digest of the certificate covers another range of the personal data: {0:?}")]
    RangeNotAccepted(HashedRange),
}

impl BindingError {
    /// Whether there is nothing to check against, as opposed to checked and bad.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        match self {
            Self::CommonName(error) => error.is_other_form(),
            Self::Certificate(error) => error.is_unchecked(),
            Self::Differs(_) | Self::RangeNotAccepted(_) | Self::OtherCertificate => false,
        }
    }
}

/// The holder's data and the card's number agree with a certificate that was *presented*: proof that who
/// issued the certificate wrote them, and worth no more than that certificate. What it is worth, a
/// [`trust::ValidPath`] tells whose first certificate is [`BoundPersonalData::certificate`]; that the chip in
/// hand is the certificate's, only its signature does.
pub struct BoundPersonalData<'a> {
    certificate: &'a PresentedCertificate,
    card_id: Option<&'a ClaimedCardId>,
    data: &'a PersonalData,
    common_name: CommonName,
    range: HashedRange,
}

impl<'a> BoundPersonalData<'a> {
    /// The certificate that they agree with, not verified.
    #[must_use]
    pub fn certificate(&self) -> &'a PresentedCertificate {
        self.certificate
    }

    /// The fiscal code, of the certificate and of the data.
    #[must_use]
    pub fn fiscal_code(&self) -> &FiscalCode {
        self.common_name.fiscal_code()
    }

    /// The card's number, if the card gave one to compare with the certificate's.
    #[must_use]
    pub fn card_id(&self) -> Option<&'a ClaimedCardId> {
        self.card_id
    }

    /// The holder's data.
    #[must_use]
    pub fn data(&self) -> &'a PersonalData {
        self.data
    }

    /// What the digest in the certificate was found to cover.
    #[must_use]
    pub fn range(&self) -> HashedRange {
        self.range
    }
}

impl<'a> BoundPersonalData<'a> {
    /// What they are worth once their certificate's path is verified: the same certificate must begin it.
    ///
    /// # Errors
    /// [`BindingError::OtherCertificate`].
    pub fn under<'p>(self, path: &'p ValidPath) -> Result<CertifiedPersonalData<'a, 'p>, BindingError> {
        let same = path.path().first().is_some_and(|first| first.as_der() == self.certificate.as_der());
        if same {
            Ok(CertifiedPersonalData { bound: self, path })
        } else {
            Err(BindingError::OtherCertificate)
        }
    }
}

/// The holder's data under a certificate whose path to an anchor is valid: what a known issuer wrote. Whether the
/// chip in hand is the certificate's, a signature tells.
#[derive(Debug)]
pub struct CertifiedPersonalData<'a, 'p> {
    bound: BoundPersonalData<'a>,
    path: &'p ValidPath,
}

impl<'a, 'p> CertifiedPersonalData<'a, 'p> {
    /// The holder's data.
    #[must_use]
    pub fn data(&self) -> &'a PersonalData {
        self.bound.data
    }

    /// The fiscal code, of the certificate and of the data.
    #[must_use]
    pub fn fiscal_code(&self) -> &FiscalCode {
        self.bound.fiscal_code()
    }

    /// How they are bound to the certificate.
    #[must_use]
    pub fn bound(&self) -> &BoundPersonalData<'a> {
        &self.bound
    }

    /// The path, which says what it was verified for, and whether it is a test's.
    #[must_use]
    pub fn path(&self) -> &'p ValidPath {
        self.path
    }
}

impl fmt::Debug for BoundPersonalData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundPersonalData({:?})", self.range)
    }
}

/// Checks that a card's number and its holder's data are those of a certificate: the fiscal code, the number,
/// and the digest over one of the ranges that the policy accepts. Cards that keep their files in an application
/// have no number where the others have it; the digest binds their data all the same.
///
/// # Errors
/// [`BindingError`].
pub fn verify_personal_data<'a>(
    certificate: &'a PresentedCertificate,
    card_id: Option<&'a ClaimedCardId>,
    data: &'a PersonalData,
    policy: HashPolicy,
) -> Result<BoundPersonalData<'a>, BindingError> {
    let subject = Certificate::from_der(certificate.as_der())?;
    let common_name = subject.subject().common_name.as_deref().ok_or(CommonNameError::Missing)?;
    let common_name = CommonName::parse(common_name)?;
    let range = check(&common_name, card_id, data, policy)?;
    Ok(BoundPersonalData { certificate, card_id, data, common_name, range })
}

fn check(
    name: &CommonName,
    card_id: Option<&ClaimedCardId>,
    data: &PersonalData,
    policy: HashPolicy,
) -> Result<HashedRange, BindingError> {
    let covers = |range: &HashedRange| {
        let digest = range.of(data).map(|bytes| DigestAlgorithm::Sha1.hash(bytes));
        digest.is_some_and(|digest| constant_time_equal(&digest, name.digest()))
    };
    let range = HashedRange::ALL.into_iter().find(covers);
    let differences = Differences {
        fiscal_code: data.fiscal_code() != Some(name.fiscal_code().as_str()),
        card_id: card_id.is_some_and(|id| id.text() != name.card_id().trim_end_matches(' ')),
        digest: range.is_none(),
    };
    match range {
        Some(range) if differences == Differences::default() => {
            if policy == HashPolicy::Tolerant || range == HashedRange::WholeFile {
                Ok(range)
            } else {
                Err(BindingError::RangeNotAccepted(range))
            }
        }
        _ => Err(BindingError::Differs(differences)),
    }
}

#[cfg(test)]
mod tests;
