//! Contact cards: the CNS and TS-CNS, and the first two generations of the CIE (CNS file system and CIE
//! file system 2.0.3, after what open implementations agree on).
//!
//! Here stands what turns bytes of such a card into values: its ATR, what SELECT tells about a file, the
//! card's number, the holder's data. All of it is the card's own word; [`crate::identity`] binds it to a
//! certificate.

mod atr;
mod card_id;
mod date;
mod fci;
mod personal_data;

pub use atr::{AtrHint, Family};
pub use card_id::{CardIdError, CardType, ClaimedCardId};
pub use date::Date;
pub use fci::{Access, Fci, FciError, FileType};
pub use personal_data::{Doubt, Field, Header, PersonalData, PersonalDataError, Sex, WrittenDate};
