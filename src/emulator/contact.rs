//! Contact cards: which there are, how they differ, what is written into one, and how one is issued.
//!
//! A national services card (CNS, TS-CNS) and the identity cards before the CIE 3 (CIE 1, CIE 2) share one
//! file system and one set of commands; makers differ in the rest. A [`Model`] is a card as a maker would
//! sell it: a layout of files and keys, and a [`Profile`] of how it behaves. Tests change one switch of a
//! profile at a time.
//!
//! What is a fact and what is a choice is told in `docs/protocols/cns.md`.

mod issue;
mod layout;
mod model;
mod personal_data;
mod personalisation;
mod profile;

pub use issue::{
    CardNumber, DEMO_PIN, DEMO_PUK, DigestOver, IssueOptions, Issued, SignatureKey, demo_card, issue,
};
pub(crate) use issue::{Given, issue_given};
pub use model::{Model, UnknownModel};
pub use personal_data::{Header, PersonalData};
pub(super) use personalisation::is_reference_value;
pub use personalisation::{
    Directory, ElementaryFile, FilePath, Key, MalformedPath, Personalisation, ReadAccess, ReferenceData,
    reference_value,
};
pub use profile::{
    AtEnd, ControlInformation, EmptyVerify, KeyUse, Paths, PinReferences, Profile, ShortRead, SignatureInput,
    WrongPin,
};
