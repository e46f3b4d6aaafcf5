//! What can be wrong with `EF_DatiPersonali`, and where.

use super::Field;

/// Why a content is not a holder's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PersonalDataError {
    /// Nothing, only `00` or only `FF`: the card was never personalised.
    #[error("the card holds no personal data")]
    NotPersonalised,
    /// Fewer bytes than the six of the header.
    #[error("the personal data have {0} bytes, less than their header")]
    TooShort(usize),
    /// The header is not six hexadecimal digits.
    #[error("the length of the personal data is not hexadecimal")]
    Header,
    /// The header declares more bytes than there are.
    #[error("the personal data declare {declared} bytes and have {present}")]
    Truncated {
        /// Bytes by the header.
        declared: usize,
        /// Bytes of the content.
        present: usize,
    },
    /// The length of a field is not two hexadecimal digits.
    #[error("the length of the {field} is not hexadecimal (at byte {position})")]
    FieldLength {
        /// The field.
        field: Field,
        /// Where it begins.
        position: usize,
    },
    /// A field goes on behind the declared end.
    #[error("the {field} goes on behind the end of the personal data (at byte {position})")]
    FieldTruncated {
        /// The field.
        field: Field,
        /// Where it begins.
        position: usize,
    },
    /// A control character (00 to 1F, 7F) in a field.
    #[error("the {field} has a control character (at byte {position})")]
    ControlCharacter {
        /// The field.
        field: Field,
        /// Where the character is.
        position: usize,
    },
    /// Fewer than nine fields.
    #[error("the personal data have only {0} fields")]
    TooFewFields(usize),
    /// Bytes are left over between the sixteenth field and the declared end.
    #[error("the personal data have {0} bytes more than their fields")]
    LeftOver(usize),
}
