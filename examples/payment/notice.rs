//! Payment notices (*avvisi di pagamento*): their number, whom they are owed to, how much.
//!
//! The number and its check follow pagoPA's *Specifiche attuative dei codici identificativi di versamento,
//! riversamento e rendicontazione* (SACI), "Generazione del Numero Avviso e del codice IUV": version 3.0.0 has all
//! four values of the first digit, of which 3.2.1 keeps the last.

use std::fmt;

use crate::text::{Text, TextError};

/// The most that a notice or an order may be about, in cents.
pub(crate) const CENTS_MAX: u64 = 99_999_999_999;

/// Why something is not a notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoticeError {
    #[error("a notice number has 18 digits")]
    Digits,
    #[error("a notice number begins with 0, 1, 2 or 3")]
    AuxDigit,
    #[error("the check digits of the notice number are wrong: it was mistyped or misread")]
    CheckDigits,
    #[error("the fiscal code of a public creditor has eleven digits")]
    CreditorDigits,
    #[error("the check digit of the creditor's fiscal code is wrong")]
    CreditorCheckDigit,
    #[error("an amount is between 1 and {CENTS_MAX} cents, without leading zeros")]
    Amount,
    #[error(transparent)]
    Text(#[from] TextError),
}

/// The eighteen digits of a notice, checked.
///
/// ```text
/// 0 | application code 2 | IUV base 13 | check digits 2
/// 1 | IUV base 17                                          no check digits: numbers older than the system
/// 2 | IUV base 15                      | check digits 2
/// 3 | segregation code 2 | IUV base 13 | check digits 2
/// ```
///
/// The check digits are what the sixteen digits before them leave when divided by 93. Who takes payments may verify
/// them and need not; here it is done, because a mistyped number is better found before anybody signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NoticeNumber(String);

impl NoticeNumber {
    pub(crate) fn parse(text: &str) -> Result<Self, NoticeError> {
        if text.len() != 18 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoticeError::Digits);
        }
        let (base, check) = text.split_at_checked(16).ok_or(NoticeError::Digits)?;
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| NoticeError::Digits);
        match text.as_bytes().first() {
            Some(b'1') => {}
            Some(b'0' | b'2' | b'3') if number(base)? % 93 == number(check)? => {}
            Some(b'0' | b'2' | b'3') => return Err(NoticeError::CheckDigits),
            _ => return Err(NoticeError::AuxDigit),
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a mistyped digit would have been found.
    pub(crate) fn has_check_digits(&self) -> bool {
        !self.0.starts_with('1')
    }

    /// In groups of four, as notices print it.
    pub(crate) fn grouped(&self) -> String {
        let mut grouped = String::new();
        for (index, digit) in self.0.chars().enumerate() {
            if index != 0 && index % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    }
}

impl fmt::Display for NoticeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The numeric fiscal code of a body that is owed money: eleven digits, the last of which checks the others (decree
/// of the Minister of Finance of 23 December 1976, article 5). Every second digit counts double, the digits of a
/// double being added up, and the sum of all eleven is a multiple of ten.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Creditor(String);

impl Creditor {
    pub(crate) fn parse(text: &str) -> Result<Self, NoticeError> {
        if text.len() != 11 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoticeError::CreditorDigits);
        }
        let counts = text.bytes().zip(1_u32..).map(|(byte, place)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        });
        // Eleven zeros add up as well, and are nobody's.
        let sum: u32 = counts.sum();
        if sum == 0 || sum % 10 != 0 {
            Err(NoticeError::CreditorCheckDigit)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Creditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An amount of money in cents, at least one and at most [`CENTS_MAX`]. Never a fraction: nothing is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cents(u64);

impl Cents {
    pub(crate) fn new(cents: u64) -> Option<Self> {
        (1..=CENTS_MAX).contains(&cents).then_some(Self(cents))
    }

    pub(crate) fn get(self) -> u64 {
        self.0
    }

    /// The digits, and nothing that would be another spelling of them.
    pub(crate) fn parse(text: &str) -> Result<Self, NoticeError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let cents = text.parse().ok().filter(|_| plain).and_then(Self::new);
        cents.ok_or(NoticeError::Amount)
    }

    /// Of several together; `None` if that is too much, or nothing.
    pub(crate) fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let sum = amounts.into_iter().try_fold(0_u64, |sum, amount| sum.checked_add(amount.0));
        sum.and_then(Self::new)
    }
}

impl fmt::Display for Cents {
    /// As it is written in Italy: 1.234,56 €.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (euro, cents) = ((self.0 / 100).to_string(), self.0 % 100);
        for (index, digit) in euro.chars().enumerate() {
            if index != 0 && (euro.len() - index) % 3 == 0 {
                f.write_str(".")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, ",{cents:02} €")
    }
}

/// A notice that somebody wants to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) number: NoticeNumber,
    pub(crate) creditor: Creditor,
    pub(crate) amount: Cents,
    /// Who the creditor is, in words.
    pub(crate) name: Text<70>,
    /// What it is for (*oggetto del pagamento*).
    pub(crate) reason: Text<140>,
}
