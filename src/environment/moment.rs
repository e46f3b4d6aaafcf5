//! Moments as text (RFC 3339), to the second.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Reads `2026-01-01T00:00:00Z` or the like with an offset such as `+01:00`, of the years 1970 to 9999. `None`
/// for anything else; fractions of a second are for no use here and refused.
#[must_use]
pub fn parse(text: &str) -> Option<SystemTime> {
    // A leap second is read as the one before by the library: nobody shall write one.
    let plain = !text.contains('.') && text.get(17..19) != Some("60");
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| plain)?;
    let seconds = u64::try_from(moment.unix_timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Writes a moment, in universal time, its fraction of a second left out. What lies before 1970 is written as
/// 1970, what lies after 9999 as its last second.
#[must_use]
pub fn format(moment: SystemTime) -> String {
    const LAST: i64 = 253_402_300_799;
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(LAST).min(LAST);
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// The second that a moment lies in.
#[must_use]
pub fn to_the_second(moment: SystemTime) -> SystemTime {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by `date -u -d … +%s`, and how they are written back.
    const MOMENTS: [(&str, u64, &str); 6] = [
        ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2024-02-29T23:59:59z", 1_709_251_199, "2024-02-29T23:59:59Z"),
        ("2000-03-01T01:00:00+01:00", 951_868_800, "2000-03-01T00:00:00Z"),
        ("2100-03-01T00:00:00-05:30", 4_107_562_200, "2100-03-01T05:30:00Z"),
        ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
    ];

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (text, seconds, written) in MOMENTS {
            let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse(text), Some(expected), "{text}");
            assert_eq!(format(expected + Duration::from_millis(999)), written);
            assert_eq!(to_the_second(expected + Duration::from_millis(999)), expected);
        }
        assert_eq!(format(SystemTime::UNIX_EPOCH - Duration::from_secs(9)), "1970-01-01T00:00:00Z");
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(format(late), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2016-12-31T23:59:60Z",
            "2026-01-01T00:00:00.5Z",
            "2026-1-01T00:00:00Z0",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
