//! The sixteen fields of `EF_DatiPersonali`, in the order of the file.

use std::fmt;

/// A field; its number is its place in the file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Field {
    /// 1: issuer.
    IssuerCode = 1,
    /// 2: day of issue.
    IssueDate,
    /// 3: last day of validity.
    ExpiryDate,
    /// 4: surname.
    Surname,
    /// 5: given names.
    GivenNames,
    /// 6: day of birth.
    BirthDate,
    /// 7: sex.
    Sex,
    /// 8: stature in centimetres.
    Stature,
    /// 9: fiscal code.
    FiscalCode,
    /// 10: citizenship.
    Citizenship,
    /// 11: municipality of birth.
    BirthMunicipality,
    /// 12: state of birth.
    BirthState,
    /// 13: particulars of the birth act.
    BirthAct,
    /// 14: municipality of residence.
    ResidenceMunicipality,
    /// 15: address of residence.
    ResidenceAddress,
    /// 16: note about travel abroad.
    TravelNote,
}

impl Field {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 16] = [
        Self::IssuerCode,
        Self::IssueDate,
        Self::ExpiryDate,
        Self::Surname,
        Self::GivenNames,
        Self::BirthDate,
        Self::Sex,
        Self::Stature,
        Self::FiscalCode,
        Self::Citizenship,
        Self::BirthMunicipality,
        Self::BirthState,
        Self::BirthAct,
        Self::ResidenceMunicipality,
        Self::ResidenceAddress,
        Self::TravelNote,
    ];

    /// Its place in the file, 1 to 16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// A stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssuerCode => "issuer_code",
            Self::IssueDate => "issue_date",
            Self::ExpiryDate => "expiry_date",
            Self::Surname => "surname",
            Self::GivenNames => "given_names",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Stature => "stature_cm",
            Self::FiscalCode => "fiscal_code",
            Self::Citizenship => "citizenship",
            Self::BirthMunicipality => "birth_municipality",
            Self::BirthState => "birth_state",
            Self::BirthAct => "birth_act",
            Self::ResidenceMunicipality => "residence_municipality",
            Self::ResidenceAddress => "residence_address",
            Self::TravelNote => "travel_note",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssuerCode => "issuer code",
            Self::IssueDate => "date of issue",
            Self::ExpiryDate => "date of expiry",
            Self::Surname => "surname",
            Self::GivenNames => "given names",
            Self::BirthDate => "date of birth",
            Self::Sex => "sex",
            Self::Stature => "stature",
            Self::FiscalCode => "fiscal code",
            Self::Citizenship => "citizenship",
            Self::BirthMunicipality => "municipality of birth",
            Self::BirthState => "state of birth",
            Self::BirthAct => "birth act",
            Self::ResidenceMunicipality => "municipality of residence",
            Self::ResidenceAddress => "address of residence",
            Self::TravelNote => "travel note",
        })
    }
}
