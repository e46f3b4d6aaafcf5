//! Whose certificate, whose data: the fiscal code, the common name of CNS certificates, and the holder's data
//! bound to a certificate by its digest (CNS certificate profile 1.1).
//!
//! Nothing here says what a certificate is worth: that is a path to an issuer, [`crate::trust`].

mod agreement;
mod binding;
mod common_name;
mod fiscal_code;

pub use agreement::{Agreement, AgreementReport};
pub use binding::{
    BindingError, BoundPersonalData, CertifiedPersonalData, Differences, HashPolicy, HashedRange,
    verify_personal_data,
};
pub use common_name::{ClaimedIdentity, CommonName, CommonNameError};
pub use fiscal_code::{FiscalCode, FiscalCodeError};
