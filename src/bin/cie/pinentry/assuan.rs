//! Lines of Assuan (GnuPG, "The Assuan Protocol"): what is sent is one line whatever stands in it, what comes is
//! decoded.

/// The longest line of the protocol, its end included.
pub(super) const LINE_MAX: usize = 1000;

/// A line that is one: `%`, control characters and line ends escaped. None if it would be too long.
pub(super) fn line(request: &str, parameter: &str) -> Option<String> {
    let mut line = request.to_owned();
    if !parameter.is_empty() {
        line.push(' ');
    }
    for c in parameter.chars() {
        match c {
            '%' | '\0'..='\u{1F}' | '\u{7F}' => line += &format!("%{:02X}", u32::from(c)),
            c => line.push(c),
        }
    }
    line.push('\n');
    (line.len() <= LINE_MAX).then_some(line)
}

/// `%XX` back to characters. What is not ASCII behind a percent sign is no PIN, and stays none.
pub(super) fn decode(escaped: &str, data: &mut String) {
    let mut pieces = escaped.split('%');
    data.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (digits.filter(u8::is_ascii), piece.get(2..)) {
            (Some(byte), Some(rest)) => {
                data.push(char::from(byte));
                data.push_str(rest);
            }
            _ => data.push('?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_stays_one_line() {
        assert_eq!(line("GETPIN", "").unwrap(), "GETPIN\n");
        let nasty = "a\nGETPIN\r\0b%0Ac\u{7F}\u{1B}[2Jè";
        let sent = line("SETDESC", nasty).unwrap();
        assert_eq!(sent, "SETDESC a%0AGETPIN%0D%00b%250Ac%7F%1B[2Jè\n");
        assert_eq!(sent.matches('\n').count(), 1);
        assert!(line("SETDESC", &"%".repeat(400)).is_none());
        assert_eq!(line("SETDESC", &"x".repeat(LINE_MAX - 9)).unwrap().len(), LINE_MAX);
    }

    #[test]
    fn what_is_typed_comes_back() {
        for (escaped, typed) in [
            ("12345678", "12345678"),
            ("12%2534", "12%34"),
            ("%0A%0d", "\n\r"),
            ("1%", "1?"),
            ("1%2", "1?"),
            ("1%zz", "1?"),
            ("1%C3%A8", "1??"),
            ("1%2\u{e8}", "1?"),
            ("", ""),
        ] {
            let mut data = String::new();
            decode(escaped, &mut data);
            assert_eq!(data, typed, "{escaped}");
        }
    }
}
