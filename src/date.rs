//! A calendar date. Client and emulator share it: a calendar is no protocol.

use std::fmt;

/// A day that exists in the Gregorian calendar, of the years 1 to 9999. `Display` writes it as ISO 8601,
/// `2008-06-15`; `Debug` does not, because most dates here are somebody's birthday.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A date; `None` if there is no such day.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = matches!(year, 1..=9999) && day >= 1 && day <= Self::days_of(year, month);
        if exists { Some(Self { year, month, day }) } else { None }
    }

    /// Reads `DDMMYYYY`, eight ASCII digits; `None` for anything else and for a day that does not exist.
    #[must_use]
    pub fn parse(ddmmyyyy: &str) -> Option<Self> {
        let number = |from: usize, to: usize| {
            let digits = ddmmyyyy.get(from..to)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?
        };
        let (day, month, year) = (number(0, 2)?, number(2, 4)?, number(4, 8)?);
        if ddmmyyyy.len() != 8 {
            return None;
        }
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// How many days a month has; none if there is no such month.
    pub(crate) const fn days_of(year: u16, month: u8) -> u8 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + leap as u8,
            _ => 0,
        }
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> u8 {
        self.day
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Date(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_that_exist() {
        for (text, iso) in
            [("15062008", "2008-06-15"), ("29022000", "2000-02-29"), ("31120001", "0001-12-31")]
        {
            assert_eq!(Date::parse(text).unwrap().to_string(), iso);
        }
        assert!(Date::parse("31122000").unwrap() < Date::parse("01012001").unwrap());
        assert_eq!(format!("{:?}", Date::parse("15062008").unwrap()), "Date(..)");
    }

    #[test]
    fn days_that_do_not() {
        for text in [
            "",
            "1506200",
            "150620080",
            "00062008",
            "15002008",
            "32012008",
            "31042008",
            "29021900",
            "29022007",
            "15132008",
            "01010000",
            "+1062008",
            "1506+008",
            "15 62008",
            "1506200é",
            "é506200",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_then_read(year in 1_u16..=9999, month in 1_u8..=12, day in 1_u8..=28) {
            let date = Date::new(year, month, day).unwrap();
            prop_assert_eq!((date.year(), date.month(), date.day()), (year, month, day));
            prop_assert_eq!(Date::parse(&format!("{day:02}{month:02}{year:04}")), Some(date));
        }
    }
}
