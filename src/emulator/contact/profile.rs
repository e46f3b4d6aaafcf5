//! How a contact card behaves where masks differ, or where nobody knows, as data: one field for each doubt.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::iso7816::StatusWord;

/// Which references a PIN of the master file is found under; those of other directories need bit 8 on every card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PinReferences {
    /// With and without bit 8: `10` and `90`.
    Both,
    /// Without bit 8 only: `90` is answered 6A88.
    Plain,
    /// With bit 8 only: `10` is answered 6A88.
    Backtracking,
}

/// What a READ BINARY comes to that asks for more bytes than the file has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ShortRead {
    /// The bytes that there are: with 9000 when Le was 00, with 6282 when it said a number.
    Usual,
    /// The bytes that there are, with 9000.
    Success,
    /// The bytes that there are, with 6282, whatever Le was.
    Warned,
    /// 6Cxx and no data.
    Corrected,
}

/// What a READ BINARY comes to that begins where the file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AtEnd {
    /// 6282 and no data.
    Warned,
    /// 6B00, as behind the end.
    Refused,
}

/// What a wrong PIN or PUK is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WrongPin {
    /// 63Cx with the tries left, and 6983 when that was the last.
    CountedThenBlocked,
    /// 63Cx with the tries left, the last one 63C0.
    Counted,
    /// 6300: wrong, and nothing of how often it may still be.
    Uncounted,
}

/// What a VERIFY without data comes to. Nobody knows what all cards do, so a terminal must not send one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EmptyVerify {
    /// It counts as a wrong PIN.
    SpendsTry,
    /// The tries left, none spent.
    TellsTries,
    /// 6700.
    Refused,
}

/// What SELECT gives of the file that it selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ControlInformation {
    /// The template 6F.
    Information,
    /// The same under 62.
    Parameters,
    /// The template 6F without a size.
    WithoutSize,
    /// Nothing.
    None,
}

/// Which paths SELECT knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Paths {
    /// From the master file (P1 = 08) and from the current directory (P1 = 09).
    Both,
    /// From the current directory only; P1 = 08 is answered 6A86.
    FromCurrent,
    /// None: both are answered with this status word.
    Refused(#[serde(with = "crate::emulator::written::status")] StatusWord),
}

/// What a key that is bound to the holder's PIN can be used for. An object serves one purpose: the maker
/// chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyUse {
    /// PSO DECIPHER, which is the bare RSA operation; PSO COMPUTE DIGITAL SIGNATURE is answered 6985.
    Decipher,
    /// PSO COMPUTE DIGITAL SIGNATURE; PSO DECIPHER is answered 6985.
    Sign,
    /// Both.
    Both,
}

/// What PSO COMPUTE DIGITAL SIGNATURE makes of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureInput {
    /// A block of type 1 around the input as it is, which has to leave room for eight bytes FF.
    Padded,
    /// The same; but an input of 20 or 32 bytes is taken for a hash and gets its DigestInfo first.
    DigestInfoAdded,
    /// The same as [`SignatureInput::Padded`]; but an input as long as the modulus is a block already,
    /// which is all that OpenSC ever sends here.
    BlockTaken,
}

/// How a contact card behaves. [`Model::profile`](super::Model::profile) gives the usual one; a test may
/// change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// Answer to reset as a PC/SC reader shows it.
    #[serde(with = "crate::emulator::written::bytes")]
    pub atr: Cow<'static, [u8]>,
    /// Which references a PIN is found under.
    pub references: PinReferences,
    /// What a wrong PIN or PUK is answered.
    pub wrong_pin: WrongPin,
    /// What a VERIFY without data comes to.
    pub empty_verify: EmptyVerify,
    /// What a READ BINARY comes to that asks for more than the file has left.
    pub short_read: ShortRead,
    /// What a READ BINARY comes to that begins where the file ends.
    pub at_end: AtEnd,
    /// Whether READ BINARY stands Le = 00; if not, the answer is 6700, and 255 is the most to ask for.
    pub reads_256: bool,
    /// What SELECT gives of the file that it selected.
    pub control_information: ControlInformation,
    /// Which paths SELECT knows.
    pub paths: Paths,
    /// Whether a command with data gets its answer as over T=0: 61xx, then GET RESPONSE.
    pub answers_wait: bool,
    /// Whether commands of extended length are understood; if not, the answer is 6700.
    pub extended_length: bool,
    /// The security environment that MANAGE SECURITY ENVIRONMENT restores; others are answered 6A88.
    pub security_environment: u8,
    /// What the keys bound to the holder's PIN are for.
    pub key_use: KeyUse,
    /// What PSO COMPUTE DIGITAL SIGNATURE makes of its input.
    pub signature_input: SignatureInput,
    /// The most bytes that GET CHALLENGE gives, from 1 to 256.
    pub longest_challenge: u16,
}
